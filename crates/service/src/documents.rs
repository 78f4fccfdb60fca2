//! Documents to be signed: taken in, listed, handed out, deleted.

use bytes::Bytes;
use model::{DocumentUid, RequestPk};
use serde_json::json;
use store::{Document, DocumentKind, PaperKind, StoredFile};
use time::OffsetDateTime;

use crate::advance::Actor;
use crate::case::Case;
use crate::files::{NewBlobs, swap_extension};
use crate::hashes::NewHash;
use crate::{Error, Service};

/// The media type of PDF (RFC 8118).
const PDF: &str = "application/pdf";

/// A document as a client brings it.
pub struct NewDocument {
    /// The form field it came in.
    pub field_name: String,
    /// The file name the client gave.
    pub file_name: String,
    /// What is to be signed.
    pub content: NewContent,
}

/// What is to be signed.
pub enum NewContent {
    /// A PDF.
    Pdf(Bytes),
    /// A digest of something that stays with its owner.
    Hash(NewHash),
}

/// A document that was taken in.
#[derive(Debug, Clone)]
pub struct UploadedDocument {
    /// Its identifier.
    pub uid: DocumentUid,
    /// The form field it came in.
    pub field_name: String,
    /// The file name the client gave.
    pub file_name: String,
    /// The digest that stands for it: SHA-256 over a PDF's bytes, or the one to be signed.
    pub digest: Vec<u8>,
}

/// Which copy of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentCopy {
    /// As it was uploaded.
    Original,
    /// With the signature.
    Signed,
}

impl DocumentCopy {
    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            DocumentCopy::Original => "original",
            DocumentCopy::Signed => "signed",
        }
    }
}

/// A document in a list.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// Its identifier.
    pub uid: DocumentUid,
    /// The file name the client gave.
    pub file_name: String,
    /// Media type.
    pub media_type: &'static str,
    /// Size in bytes, of the original where it is still there.
    pub size: u64,
    /// When it arrived.
    pub uploaded_at: OffsetDateTime,
    /// Whether there is a signed copy.
    pub signed: bool,
    /// SHA-256 of the same copy as the size, or the digest to be signed.
    pub digest: Vec<u8>,
}

/// A file that is handed out.
#[derive(Debug, Clone)]
pub struct FileContent {
    /// What to call it.
    pub file_name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub content: Bytes,
}

/// What a request still takes.
#[derive(Debug, Clone, Copy)]
pub struct DocumentRoom {
    /// Documents.
    pub count_left: usize,
    /// Bytes of each.
    pub max_bytes: u64,
}

impl Service {
    /// What the request still takes, for doors that refuse before reading.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`].
    pub async fn room_for_documents(&self, id: i64) -> Result<DocumentRoom, Error> {
        let mut reader = self.store().read().await?;
        let case = self.find(&mut reader, id).await?;
        still_takes(&case)?;
        let count = store::documents::count(&mut reader, case.pk()).await? as usize;
        Ok(DocumentRoom {
            count_left: self.limits().documents.saturating_sub(count),
            max_bytes: self.limits().document_bytes,
        })
    }

    /// Takes in documents: all of them or none.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::TooManyDocuments`],
    /// [`Error::NotSignable`], [`Error::Fields`].
    pub async fn upload_documents(
        &self,
        id: i64,
        documents: Vec<NewDocument>,
    ) -> Result<Vec<UploadedDocument>, Error> {
        let case = self.peek(id).await?;
        still_takes(&case)?;
        let _turn = self.inner.per_request.lock(case.pk()).await;
        let documents = self
            .at_work(move |_| {
                let documents = documents.into_iter();
                documents.map(Accepted::of).collect::<Result<Vec<_>, _>>()
            })
            .await??;

        let mut blobs = NewBlobs::new(self);
        let now = self.now();
        let mut rows = Vec::with_capacity(documents.len());
        for Accepted {
            field_name,
            file_name,
            content,
            kind,
        } in documents
        {
            rows.push(Document {
                uid: DocumentUid::draw(self.entropy()),
                request: case.pk(),
                position: 0,
                field_name,
                file_name,
                original: Some(blobs.put(&case.key, content).await?),
                signed: None,
                uploaded_at: now,
                kind,
                good_until: None,
            });
        }

        let mut tx = self.store().begin().await?;
        let case = self.lock(&mut tx, id).await?;
        still_takes(&case)?;
        let standing = store::documents::list(&mut tx, case.pk()).await?;
        let limit = self.limits().documents;
        if standing.len() + rows.len() > limit {
            return Err(Error::TooManyDocuments {
                request: case.pk(),
                limit,
            });
        }
        let next = standing.last().map_or(0, |last| last.position + 1);
        for (row, position) in rows.iter_mut().zip(next..) {
            row.position = position;
            store::documents::insert(&mut tx, row).await?;
        }
        let uploaded: Vec<_> = rows.into_iter().map(UploadedDocument::of).collect();
        let entries: Vec<_> = uploaded
            .iter()
            .map(|one| json!({ "uid": one.uid.to_string(), "digest": hex::encode(&one.digest) }))
            .collect();
        let details = json!({ "documents": entries });
        self.record(
            &mut tx,
            Actor::Client,
            "documents-uploaded",
            Some(&case),
            details,
        )
        .await?;
        self.commit(tx).await?;
        blobs.keep();
        Ok(uploaded)
    }

    /// The request's documents in the order of upload.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::NoDocuments`].
    pub async fn documents(&self, id: i64) -> Result<Vec<DocumentView>, Error> {
        let mut reader = self.store().read().await?;
        let case = self.find(&mut reader, id).await?;
        let documents = store::documents::list(&mut reader, case.pk()).await?;
        if documents.is_empty() {
            return Err(Error::NoDocuments(case.pk()));
        }
        Ok(documents.into_iter().filter_map(DocumentView::of).collect())
    }

    /// A document's bytes: the copy asked for, or the signed one if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::UnknownDocument`].
    pub async fn document(
        &self,
        id: i64,
        uid: &str,
        copy: Option<DocumentCopy>,
    ) -> Result<FileContent, Error> {
        let mut reader = self.store().read().await?;
        let case = self.find(&mut reader, id).await?;
        let document = find_document(&mut reader, case.pk(), uid, copy).await?;
        drop(reader);
        let copy_found = copy.unwrap_or(match document.signed {
            Some(_) => DocumentCopy::Signed,
            None => DocumentCopy::Original,
        });
        let file = match copy_found {
            DocumentCopy::Original => &document.original,
            DocumentCopy::Signed => &document.signed,
        };
        let file = file.as_ref().ok_or_else(|| unknown_document(uid, copy))?;
        let content = self.fetch(&case.key, file).await?;
        let (file_name, media_type) = form(&document, copy_found);
        Ok(FileContent {
            file_name,
            media_type,
            content,
        })
    }

    /// Deletes a document, or just one copy of it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::UnknownDocument`].
    pub async fn delete_document(
        &self,
        id: i64,
        uid: &str,
        copy: Option<DocumentCopy>,
    ) -> Result<(), Error> {
        let case = self.peek(id).await?;
        let _turn = self.inner.per_request.lock(case.pk()).await;
        let mut tx = self.store().begin().await?;
        let case = self.lock(&mut tx, id).await?;
        let mut document = find_document(&mut tx, case.pk(), uid, copy).await?;
        let removed = match copy {
            Some(DocumentCopy::Original) => vec![document.original.take()],
            Some(DocumentCopy::Signed) => vec![document.signed.take()],
            None => vec![document.original.take(), document.signed.take()],
        };
        let removed: Vec<_> = removed
            .into_iter()
            .flatten()
            .map(|file| file.blob)
            .collect();
        if removed.is_empty() {
            return Err(unknown_document(uid, copy));
        }
        if document.original.is_none() && document.signed.is_none() {
            store::documents::remove(&mut tx, case.pk(), document.uid).await?;
        } else {
            store::documents::update(&mut tx, &document).await?;
        }
        let details = json!({
            "uid": document.uid.to_string(),
            "copy": copy.map(DocumentCopy::name),
        });
        self.record(
            &mut tx,
            Actor::Client,
            "document-deleted",
            Some(&case),
            details,
        )
        .await?;
        self.commit(tx).await?;
        self.discard(removed).await;
        Ok(())
    }

    /// Deletes all documents of the request.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::NoDocuments`].
    pub async fn delete_documents(&self, id: i64) -> Result<(), Error> {
        let case = self.peek(id).await?;
        let _turn = self.inner.per_request.lock(case.pk()).await;
        let mut tx = self.store().begin().await?;
        let case = self.lock(&mut tx, id).await?;
        let removed = store::documents::remove_all(&mut tx, case.pk()).await?;
        if removed.is_empty() {
            return Err(Error::NoDocuments(case.pk()));
        }
        self.record(
            &mut tx,
            Actor::Client,
            "documents-deleted",
            Some(&case),
            json!({}),
        )
        .await?;
        self.commit(tx).await?;
        self.discard(removed).await;
        Ok(())
    }

    /// The service contract: with every signature it bears by now, or as it was drawn up.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`]; [`Error::WrongStatus`] before approval.
    pub async fn contract(&self, id: i64, original: bool) -> Result<FileContent, Error> {
        let mut reader = self.store().read().await?;
        let case = self.find(&mut reader, id).await?;
        let paper = store::papers::get(&mut reader, case.pk(), PaperKind::Contract)
            .await?
            .ok_or(Error::WrongStatus(case.row.status))?;
        drop(reader);
        let file = match (original, paper.signed) {
            (true, _) => paper.unsigned,
            (false, Some(signed)) => signed,
            (false, None) => paper.approved,
        };
        let content = self.fetch(&case.key, &file).await?;
        Ok(FileContent {
            file_name: format!("contract-{}.pdf", case.pk()),
            media_type: PDF,
            content,
        })
    }
}

impl UploadedDocument {
    fn of(row: Document) -> Self {
        let digest = digest(&row, row.original.as_ref());
        let Document {
            uid,
            field_name,
            file_name,
            ..
        } = row;
        Self {
            uid,
            field_name,
            file_name,
            digest,
        }
    }
}

impl DocumentView {
    fn of(row: Document) -> Option<Self> {
        let (copy, file) = match (&row.original, &row.signed) {
            (Some(original), _) => (DocumentCopy::Original, original),
            (None, Some(signed)) => (DocumentCopy::Signed, signed),
            (None, None) => return None,
        };
        let (file_name, media_type) = form(&row, copy);
        Some(Self {
            uid: row.uid,
            file_name,
            media_type,
            size: file.size as u64,
            uploaded_at: row.uploaded_at,
            signed: row.signed.is_some(),
            digest: digest(&row, Some(file)),
        })
    }
}

async fn find_document(
    reads: &mut store::Reader,
    request: RequestPk,
    uid: &str,
    copy: Option<DocumentCopy>,
) -> Result<Document, Error> {
    let parsed: DocumentUid = uid
        .trim()
        .parse()
        .map_err(|_| unknown_document(uid, copy))?;
    store::documents::get(reads, request, parsed)
        .await?
        .ok_or_else(|| unknown_document(uid, copy))
}

fn unknown_document(uid: &str, copy: Option<DocumentCopy>) -> Error {
    Error::UnknownDocument {
        uid: uid.chars().take(64).collect(),
        copy,
    }
}

fn still_takes(case: &Case) -> Result<(), Error> {
    if case.row.status.is_final() {
        Err(Error::WrongStatus(case.row.status))
    } else {
        Ok(())
    }
}

/// What it is called and what it is, as this copy.
fn form(document: &Document, copy: DocumentCopy) -> (String, &'static str) {
    let file_name = &document.file_name;
    match (&document.kind, copy) {
        (DocumentKind::Pdf, _) => (file_name.clone(), PDF),
        (DocumentKind::Hash(_), DocumentCopy::Original) => (file_name.clone(), "application/json"),
        (DocumentKind::Hash(_), DocumentCopy::Signed) => {
            (swap_extension(file_name, "p7m"), "application/pkcs7-mime")
        }
    }
}

/// The digest that stands for a document of which there is this file.
fn digest(document: &Document, file: Option<&StoredFile>) -> Vec<u8> {
    match &document.kind {
        DocumentKind::Pdf => file.map(|file| file.sha256.to_vec()).unwrap_or_default(),
        DocumentKind::Hash(descriptor) => descriptor.digest.clone(),
    }
}

/// A document that can be signed.
struct Accepted {
    field_name: String,
    file_name: String,
    content: Bytes,
    kind: DocumentKind,
}

impl Accepted {
    fn of(document: NewDocument) -> Result<Self, Error> {
        let NewDocument {
            field_name,
            file_name,
            content,
        } = document;
        let (content, kind) = match content {
            NewContent::Pdf(content) => match pades::inspect(&content) {
                Ok(_) => (content, DocumentKind::Pdf),
                Err(reason) => return Err(Error::NotSignable { file_name, reason }),
            },
            NewContent::Hash(hash) => {
                let descriptor = hash.descriptor()?;
                (hash.file, DocumentKind::Hash(descriptor))
            }
        };
        Ok(Self {
            field_name,
            file_name,
            content,
            kind,
        })
    }
}
