//! Papers of a registration: uploaded ones, evidence in their role, contract and declaration.

use bytes::Bytes;
use model::authority::Act;
use model::evidence::ImageKind;
use model::{Trigger, transition};
use serde_json::{Value, json};
use store::{Attachment, AttachmentKind, PaperKind, StoredFile, Tx};
use time::Duration;

use super::Caller;
use crate::case::Case;
use crate::files::NewBlobs;
use crate::trust::issuing;
use crate::{Error, Problems, Service};

/// A paper as a client brings it.
pub struct NewAttachment {
    /// What it is: `document_front`, `document_rear`, `document_owner`, `extra_document` or
    /// `videoid_evidence`.
    pub kind: AttachmentKind,
    /// What a `videoid_evidence` is called.
    pub label: Option<String>,
    /// Its bytes: JPEG, PNG or PDF.
    pub content: Bytes,
}

/// Which papers a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperName {
    /// Uploaded papers, or the evidence image of the same name.
    Attachment(AttachmentKind),
    /// The contract, before or without the subscriber's signature.
    Contract,
    /// The contract with the signatures that it bears by now.
    SignedContract,
}

/// A paper that is handed out.
#[derive(Debug, Clone)]
pub struct PaperCopy {
    /// Its number; none on a contract drawn up on the fly.
    pub number: Option<i64>,
    /// The wire name of its kind.
    pub kind: &'static str,
    /// Its bytes.
    pub content: Bytes,
}

/// An officer's declaration before it is signed.
#[derive(Debug, Clone)]
pub struct DeclarationView {
    /// Serial number of the officer's certificate, hexadecimal.
    pub serial_number: String,
    /// Plain text, lines ending in CRLF.
    pub text: String,
}

/// Papers of one request: what a declaration lists must fit into its table.
const MOST: usize = 24;

impl PaperName {
    /// The name by which calls ask for it.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "contract" => Some(PaperName::Contract),
            "signed_contract" => Some(PaperName::SignedContract),
            _ => AttachmentKind::ALL
                .into_iter()
                .find(|kind| kind.name() == name)
                .map(PaperName::Attachment),
        }
    }
}

impl Service {
    /// Takes in a paper of the classic workflow, or an evidence's. Front, rear and selfie replace
    /// an earlier one, extras accumulate.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::NotPermitted`],
    /// [`Error::ContentType`], [`Error::TooLarge`], [`Error::TooManyDocuments`].
    pub async fn attach(
        &self,
        caller: &Caller,
        id: i64,
        new: NewAttachment,
    ) -> Result<PaperCopy, Error> {
        caller.demand(Act::Submit)?;
        let NewAttachment {
            kind,
            label,
            content,
        } = new;
        let case = self.scoped_peek(caller, id).await?;
        still_takes(&case)?;
        let limit = self.limits().attachment_bytes;
        if content.len() as u64 > limit {
            return Err(Error::TooLarge { limit });
        }
        let looked_at = content.clone();
        let media_type = self
            .at_work(move |_| media_type(&looked_at))
            .await?
            .ok_or(Error::ContentType)?;
        let mut blobs = NewBlobs::new(self);
        let file = blobs.put(&case.key, content.clone()).await?;

        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, id).await?;
        still_takes(&case)?;
        let standing = store::attachments::list(&mut tx, case.pk()).await?;
        let replaced = standing
            .iter()
            .filter(|paper| paper.kind == kind && is_single(kind))
            .map(|paper| paper.number)
            .collect::<Vec<_>>();
        if standing.len() - replaced.len() >= MOST {
            return Err(Error::TooManyDocuments {
                request: case.pk(),
                limit: MOST,
            });
        }
        let mut removed = Vec::new();
        for number in replaced {
            removed.extend(store::attachments::remove(&mut tx, case.pk(), number).await?);
        }
        let row = Attachment {
            number: store::sequence::next_document(&mut tx).await?,
            request: case.pk(),
            kind,
            label,
            file,
            media_type: media_type.to_owned(),
            uploaded_at: self.now(),
        };
        store::attachments::insert(&mut tx, &row).await?;
        let details = json!({
            "number": row.number,
            "kind": kind.name(),
            "sha256": hex::encode(row.file.sha256),
        });
        self.papers_changed(&mut tx, caller, &mut case, "paper-uploaded", details)
            .await?;
        self.commit(tx).await?;
        blobs.keep();
        self.discard(removed).await;
        Ok(PaperCopy {
            number: Some(row.number),
            kind: kind.name(),
            content,
        })
    }

    /// Deletes an uploaded paper.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::UnknownAttachment`], [`Error::WrongStatus`],
    /// [`Error::NotPermitted`].
    pub async fn detach(&self, caller: &Caller, id: i64, number: i64) -> Result<(), Error> {
        caller.demand(Act::Submit)?;
        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, id).await?;
        let removed = store::attachments::remove(&mut tx, case.pk(), number)
            .await?
            .ok_or(Error::UnknownAttachment(number))?;
        still_takes(&case)?;
        let details = json!({ "number": number });
        self.papers_changed(&mut tx, caller, &mut case, "paper-deleted", details)
            .await?;
        self.commit(tx).await?;
        self.discard([removed]).await;
        Ok(())
    }

    /// The papers of one name; none where there is none. A contract is drawn up on the fly before
    /// approval, in the presence of the officer whom `rao` names.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`]; for a contract before approval also [`Error::Fields`] without
    /// `rao`, [`Error::UnknownOfficerNumber`], [`Error::NotPermitted`],
    /// [`Error::IncompleteSubject`], [`Error::WrongStatus`].
    pub async fn papers(
        &self,
        caller: &Caller,
        id: i64,
        name: PaperName,
        rao: Option<&str>,
    ) -> Result<Vec<PaperCopy>, Error> {
        let case = self.scoped_peek(caller, id).await?;
        match name {
            PaperName::Attachment(kind) => self.attached(&case, Some(kind)).await,
            PaperName::SignedContract => {
                Ok(self.signed_contract(&case).await?.into_iter().collect())
            }
            PaperName::Contract => {
                let mut reader = self.store().read().await?;
                let paper = store::papers::get(&mut reader, case.pk(), PaperKind::Contract).await?;
                drop(reader);
                let copy = match paper {
                    Some(paper) => PaperCopy {
                        number: paper.number,
                        kind: "contract",
                        content: self.fetch(&case.key, &paper.unsigned).await?,
                    },
                    None => {
                        if let Some(rao) = rao.filter(|rao| !rao.trim().is_empty()) {
                            self.officer_for(rao, case.row.ra).await?;
                        } else {
                            let mut problems = Problems::default();
                            problems.missing("rao_id");
                            problems.check()?;
                        }
                        PaperCopy {
                            number: None,
                            kind: "contract",
                            content: self.drafted_contract(&case, None).await?,
                        }
                    }
                };
                Ok(vec![copy])
            }
        }
    }

    /// Every paper that is on record.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub async fn all_papers(&self, caller: &Caller, id: i64) -> Result<Vec<PaperCopy>, Error> {
        let case = self.scoped_peek(caller, id).await?;
        let mut copies = self.attached(&case, None).await?;
        copies.extend(self.signed_contract(&case).await?);
        Ok(copies)
    }

    /// The contract as it stands or would be drawn up; with `renewal`, the one that the holder
    /// would sign to renew.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::IncompleteSubject`], [`Error::WrongStatus`].
    pub async fn contract_paper(
        &self,
        caller: &Caller,
        id: i64,
        renewal: bool,
    ) -> Result<Bytes, Error> {
        let case = self.scoped_peek(caller, id).await?;
        let mut reader = self.store().read().await?;
        if renewal {
            if !case.row.status.is_issued() {
                return Err(Error::WrongStatus(case.row.status));
            }
            let certificates = store::certificates::of_request(&mut reader, case.pk()).await?;
            drop(reader);
            let newest = certificates.into_iter().find(|row| row.der.is_some());
            return self
                .drafted_contract(&case, newest.map(|row| row.serial))
                .await;
        }
        let paper = store::papers::get(&mut reader, case.pk(), PaperKind::Contract).await?;
        drop(reader);
        match paper {
            Some(paper) => self.fetch(&case.key, &paper.unsigned).await,
            None => self.drafted_contract(&case, None).await,
        }
    }

    /// The declaration that an officer would sign.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::UnknownOfficerNumber`], [`Error::WrongStatus`],
    /// [`Error::NotPermitted`].
    pub async fn declaration(
        &self,
        caller: &Caller,
        id: i64,
        rao: &str,
    ) -> Result<DeclarationView, Error> {
        caller.demand(Act::Handle)?;
        let case = self.scoped_peek(caller, id).await?;
        transition(case.row.status, Trigger::Approve)?;
        let officer = self.officer_for(rao, case.row.ra).await?;
        let text = self.declaration_text_of(&case, &officer).await?;
        let serial_number = match &officer.serial {
            Some(serial) => serial.clone(),
            None => {
                pki::CertificateFacts::read(&officer.certificate)
                    .map_err(issuing)?
                    .serial
            }
        };
        // That the officer had it before his eyes is on record.
        let mut tx = self.store().begin().await?;
        let details = json!({
            "officer": officer.id.0,
            "sha256": hex::encode(crypto::sha256(text.as_bytes())),
        });
        self.record(
            &mut tx,
            caller.actor(),
            "declaration-read",
            Some(&case),
            details,
        )
        .await?;
        self.commit(tx).await?;
        Ok(DeclarationView {
            serial_number,
            text,
        })
    }

    /// Notes in row and audit log that papers changed. The row changes too, so that an approval
    /// under way starts over.
    async fn papers_changed(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        case: &mut Case,
        action: &str,
        details: Value,
    ) -> Result<(), Error> {
        // Two changes within a millisecond are two all the same.
        case.row.updated_at = self
            .now()
            .max(case.row.updated_at + Duration::milliseconds(1));
        store::requests::update(tx, &case.row).await?;
        self.record(tx, caller.actor(), action, Some(case), details)
            .await
    }

    /// Uploaded papers and evidence images of one kind, or of all.
    async fn attached(
        &self,
        case: &Case,
        kind: Option<AttachmentKind>,
    ) -> Result<Vec<PaperCopy>, Error> {
        let mut reader = self.store().read().await?;
        let images = store::evidence::images(&mut reader, case.pk()).await?;
        let attachments = store::attachments::list(&mut reader, case.pk()).await?;
        drop(reader);
        let mut copies = Vec::new();
        for image in images {
            let Some(role) = role(image.kind).filter(|role| kind.is_none_or(|kind| kind == *role))
            else {
                continue;
            };
            let file = StoredFile {
                blob: image.blob,
                sha256: image.sha256,
                size: image.size,
            };
            copies.push(PaperCopy {
                number: image.number,
                kind: role.name(),
                content: self.fetch(&case.key, &file).await?,
            });
        }
        for paper in attachments {
            if kind.is_none_or(|kind| kind == paper.kind) {
                copies.push(PaperCopy {
                    number: Some(paper.number),
                    kind: paper.kind.name(),
                    content: self.fetch(&case.key, &paper.file).await?,
                });
            }
        }
        Ok(copies)
    }

    /// The contract with the signatures that it bears by now.
    async fn signed_contract(&self, case: &Case) -> Result<Option<PaperCopy>, Error> {
        let mut reader = self.store().read().await?;
        let paper = store::papers::get(&mut reader, case.pk(), PaperKind::Contract).await?;
        drop(reader);
        let Some(paper) = paper else { return Ok(None) };
        let file = paper.signed.unwrap_or(paper.approved);
        Ok(Some(PaperCopy {
            number: paper.number,
            kind: "signed_contract",
            content: self.fetch(&case.key, &file).await?,
        }))
    }

    /// The contract as it would read today.
    async fn drafted_contract(
        &self,
        case: &Case,
        renewal_of: Option<String>,
    ) -> Result<Bytes, Error> {
        if renewal_of.is_none() {
            transition(case.row.status, Trigger::Approve)?;
        }
        let lacking = case.profile()?.missing(&case.subject);
        if !lacking.is_empty() {
            return Err(Error::IncompleteSubject {
                request: case.pk(),
                fields: lacking.into_iter().map(str::to_owned).collect(),
            });
        }
        let data = self.contract_of(case, self.now(), renewal_of).await?;
        self.at_work(move |service| service.inner.parts.renderer.render_contract(&data))
            .await?
            .map(Bytes::from)
            .map_err(|error| Error::Internal(format!("a paper: {error}")))
    }
}

fn still_takes(case: &Case) -> Result<(), Error> {
    if case.row.status.is_correctable() {
        Ok(())
    } else {
        Err(Error::WrongStatus(case.row.status))
    }
}

/// Whether a request has one paper of that kind at most.
fn is_single(kind: AttachmentKind) -> bool {
    match kind {
        AttachmentKind::DocumentFront
        | AttachmentKind::DocumentRear
        | AttachmentKind::DocumentOwner => true,
        AttachmentKind::ExtraDocument | AttachmentKind::VideoIdEvidence => false,
    }
}

/// The paper in whose place an evidence image stands. The cropped portrait stands in none's.
fn role(image: ImageKind) -> Option<AttachmentKind> {
    match image {
        ImageKind::DocumentFront => Some(AttachmentKind::DocumentFront),
        ImageKind::DocumentRear => Some(AttachmentKind::DocumentRear),
        ImageKind::DocumentOwner => Some(AttachmentKind::DocumentOwner),
        ImageKind::DocumentPhoto => None,
    }
}

/// What a paper is, found out by looking; `None` where it is of no accepted kind.
pub(crate) fn media_type(content: &[u8]) -> Option<&'static str> {
    match evidence::image::probe(content) {
        Ok(facts) => Some(facts.format.media_type()),
        Err(_) => pades::inspect(content).ok().map(|_| "application/pdf"),
    }
}
