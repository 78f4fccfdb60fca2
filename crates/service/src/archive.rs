//! The archive of signed PDFs: they are time-stamped again before what validates them runs out
//! (EN 319 142-1 §5.4.3).
//!
//! A file at B-LT becomes B-LTA by its first archive time-stamp. Each file is a transaction of its
//! own: whoever stops half-way has lost nothing and begins where it stopped.

use blob::Content;
use crypto::Hashed;
use model::{Level, RequestPk};
use pades::{EmbeddedSignature, SecurityStore};
use pki::CertificateFacts;
use pki::verify::Container;
use serde_json::json;
use store::archives::{Archived, ArchivedFile};
use store::{Document, Paper, PaperKind, StoredFile};
use time::OffsetDateTime;

use crate::advance::Actor;
use crate::case::Case;
use crate::files::NewBlobs;
use crate::pdf::responders_of;
use crate::stamping::{TimeSource, certificates_of};
use crate::trust::{Anchors, issuing};
use crate::{Error, Service};

/// How many files are looked up at once.
const PAGE: i64 = 200;

/// What became of a file that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It has a new time-stamp and is good until then.
    Renewed(OffsetDateTime),
    /// Somebody else renewed or deleted it in the meantime.
    NotDue,
}

/// A walk over the files that are due, page by page.
pub struct ArchiveWalk {
    service: Service,
    before: OffsetDateTime,
    /// The last one seen; `None` outside: there are no more.
    documents: Option<Option<Archived>>,
    /// Likewise.
    papers: Option<Option<Archived>>,
}

impl Service {
    /// How many signed files can be validated no longer than `before`.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn count_archives_due(&self, before: OffsetDateTime) -> Result<u64, Error> {
        let mut reader = self.store().read().await?;
        let count = store::archives::count_due(&mut reader, before).await?;
        Ok(count.try_into().unwrap_or(0))
    }

    /// The part of `before` that another time-stamp helps: files that run out later than a new one
    /// would would only grow by it, day after day.
    ///
    /// # Errors
    ///
    /// [`Error::NoTimeStamp`] where somebody else's unit does not answer, and [`Error::Internal`].
    pub async fn renewable_before(&self, before: OffsetDateTime) -> Result<OffsetDateTime, Error> {
        let newest = self.newest_good_until().await?;
        Ok(newest.map_or(before, |newest| newest.min(before)))
    }

    /// A walk over the files that can be validated no longer than `before`.
    pub fn archives_due(&self, before: OffsetDateTime) -> ArchiveWalk {
        ArchiveWalk {
            service: self.clone(),
            before,
            documents: Some(None),
            papers: Some(None),
        }
    }

    /// Adds an archive time-stamp to a file that is due, with what validates the time-stamp before
    /// it.
    ///
    /// # Errors
    ///
    /// [`Error::NotSignable`] for a file that is broken by now, [`Error::StorageFull`] and
    /// [`Error::Internal`]. The file stays what it was.
    pub async fn renew_archive(&self, due: &Archived) -> Result<Renewal, Error> {
        let _turn = self.inner.per_request.lock(due.request).await;
        let mut reader = self.store().read().await?;
        let case = self.reopen(&mut reader, due.request).await?;
        let Some(standing) = Standing::find(&mut reader, due.request, due.file).await? else {
            return Ok(Renewal::NotDue);
        };
        drop(reader);
        if standing.good_until() != Some(due.good_until) {
            return Ok(Renewal::NotDue);
        }
        let Some(old) = standing.last_copy().cloned() else {
            return Ok(Renewal::NotDue);
        };
        let (key, file, name) = (case.key.clone(), old.clone(), due_name(due));
        let renewed = self
            .at_work(move |service| {
                let pdf = service.fetch_here(&key, &file)?;
                let rest = service.stamp_again(&pdf, name)?.into();
                Ok::<_, Error>(Content { begun: pdf, rest })
            })
            .await??;

        let mut blobs = NewBlobs::new(self);
        let [new] = blobs.put_all(&case.key, [renewed]).await?;
        let good_until = self.good_until(Level::Ltva, None).await?;
        let mut tx = self.store().begin().await?;
        let case = self.relock(&mut tx, due.request).await?;
        let standing = Standing::find(&mut tx, due.request, due.file).await?;
        let Some(standing) = standing.filter(|one| one.last_copy() == Some(&old)) else {
            return Ok(Renewal::NotDue);
        };
        standing
            .with_last_copy(new.clone(), good_until)
            .store(&mut tx, &case)
            .await?;
        let details = json!({
            "file": due_name(due),
            "before": hex::encode(old.sha256),
            "after": hex::encode(new.sha256),
        });
        let (actor, action) = (Actor::System, "archive-renewed");
        self.record(&mut tx, actor, action, Some(&case), details)
            .await?;
        self.commit(tx).await?;
        blobs.keep();
        self.discard(vec![old.blob]).await;
        Ok(good_until.map_or(Renewal::NotDue, Renewal::Renewed))
    }

    /// One more time-stamp, to be appended to the file: over it and what validates the newest before.
    /// What validates the new one comes along: nobody can be asked for it later. Slow.
    fn stamp_again(&self, pdf: &Hashed, name: String) -> Result<Vec<u8>, Error> {
        let broken = |reason| Error::NotSignable {
            file_name: name.clone(),
            reason,
        };
        let signatures = pades::signatures(pdf.bytes()).map_err(broken)?;
        let newest = signatures.last().and_then(stamping_certificates);
        let source = self.time_source(None)?;
        let newest = newest.as_deref().unwrap_or_default();
        let mut security = self.security_of_stamps(newest, &source)?;
        let held = pades::security_store(pdf.bytes()).map_err(broken)?;
        let responders = responders_of(held.ocsp_responses.iter().chain(&security.ocsp_responses));
        security.certificates.extend(responders);
        self.archive_stamp(&source, pdf, security)
    }

    /// What validates a time-stamp that came with these certificates (DER), the signer's first, and
    /// the next one of that source.
    fn security_of_stamps(
        &self,
        newest: &[Vec<u8>],
        source: &TimeSource<'_>,
    ) -> Result<SecurityStore, Error> {
        let anchors = self.anchors();
        let mut security = source.security()?;
        let mut ours: Vec<_> = source.own_certificate().into_iter().collect();
        if let Some((signer, along)) = newest.split_first() {
            if anchors.chain_of(signer).is_err() {
                // Whom the operator does not name any more was asked when the time-stamp was new.
                let others = self.security_of_others(signer, along)?.unwrap_or_default();
                security.certificates.extend(others.certificates);
                security.ocsp_responses.extend(others.ocsp_responses);
                security.revocation_lists.extend(others.revocation_lists);
            } else if !ours.contains(&signer.as_slice()) {
                ours.push(signer);
            }
        }
        let (revoked, good): (Vec<_>, Vec<_>) = ours
            .into_iter()
            .partition(|one| self.is_below_revoked(&anchors, one));
        // Of those below an authority that the root revoked nobody says that they are good.
        if !revoked.is_empty() {
            let list = self.root_list().map(|list| list.to_vec());
            security.revocation_lists.extend(list);
        }
        if !good.is_empty() {
            let root = anchors.root_certificate().to_vec();
            security.certificates.push(root);
            let answers = anchors.answers_for(&good, self.now()).map_err(issuing)?;
            security.ocsp_responses.extend(answers);
        }
        Ok(security)
    }

    /// Whether the root revoked the authority that issued this certificate of ours (DER).
    fn is_below_revoked(&self, anchors: &Anchors, certificate: &[u8]) -> bool {
        let chain = anchors.chain_of(certificate).unwrap_or_default();
        let mut authorities = chain
            .iter()
            .filter_map(|der| CertificateFacts::read(der).ok());
        authorities.any(|authority| self.revoked_by_root(&authority.serial).is_some())
    }
}

impl ArchiveWalk {
    /// The next files, none after the last.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn next_page(&mut self) -> Result<Vec<Archived>, Error> {
        let mut reader = self.service.store().read().await?;
        if let Some(after) = self.documents {
            let after = after.and_then(|one| match one.file {
                ArchivedFile::Document(uid) => Some((one.request, uid)),
                ArchivedFile::Paper(_) => None,
            });
            let page =
                store::archives::documents_due(&mut reader, self.before, after, PAGE).await?;
            self.documents = page.last().copied().map(Some);
            if !page.is_empty() {
                return Ok(page);
            }
        }
        let Some(after) = self.papers else {
            return Ok(Vec::new());
        };
        let after = after.and_then(|one| match one.file {
            ArchivedFile::Paper(kind) => Some((one.request, kind)),
            ArchivedFile::Document(_) => None,
        });
        let page = store::archives::papers_due(&mut reader, self.before, after, PAGE).await?;
        self.papers = page.last().copied().map(Some);
        Ok(page)
    }
}

/// A file's row.
enum Standing {
    Document(Document),
    Paper(Paper),
}

impl Standing {
    async fn find(
        reads: &mut store::Reader,
        request: RequestPk,
        file: ArchivedFile,
    ) -> Result<Option<Self>, Error> {
        Ok(match file {
            ArchivedFile::Document(uid) => store::documents::get(reads, request, uid)
                .await?
                .map(Standing::Document),
            ArchivedFile::Paper(kind) => store::papers::get(reads, request, kind)
                .await?
                .map(Standing::Paper),
        })
    }

    fn good_until(&self) -> Option<OffsetDateTime> {
        match self {
            Standing::Document(row) => row.good_until,
            Standing::Paper(row) => row.good_until,
        }
    }

    /// The copy with the most signatures.
    fn last_copy(&self) -> Option<&StoredFile> {
        match self {
            Standing::Document(row) => row.signed.as_ref(),
            Standing::Paper(row) => row.signed.as_ref().or(Some(&row.approved)),
        }
    }

    fn with_last_copy(mut self, file: StoredFile, until: Option<OffsetDateTime>) -> Self {
        match &mut self {
            Standing::Document(row) => {
                row.signed = Some(file);
                row.good_until = until;
            }
            Standing::Paper(row) => {
                match &mut row.signed {
                    Some(signed) => *signed = file,
                    None => row.approved = file,
                }
                row.good_until = until;
            }
        }
        self
    }

    async fn store(&self, tx: &mut store::Tx, case: &Case) -> Result<(), Error> {
        match self {
            Standing::Document(row) => store::documents::update(tx, row).await?,
            Standing::Paper(row) => store::papers::put(tx, case.pk(), row).await?,
        }
        Ok(())
    }
}

/// The certificates (DER) behind a document's time-stamp, or behind a signature's; the signer's
/// first.
fn stamping_certificates(signature: &EmbeddedSignature) -> Option<Vec<Vec<u8>>> {
    if signature.sub_filter == "ETSI.RFC3161" {
        return certificates_of(&signature.cms);
    }
    let container = Container::read(&signature.cms).ok()?;
    let data = container.signed_data().ok()?;
    let stamps = data.only_signer().ok()?.time_stamps().ok()?;
    certificates_of(stamps.last()?)
}

/// What a due file is called in messages and in the audit log.
pub fn due_name(due: &Archived) -> String {
    match due.file {
        ArchivedFile::Document(uid) => format!("document {uid}"),
        ArchivedFile::Paper(PaperKind::Contract) => format!("contract of request {}", due.request),
        ArchivedFile::Paper(PaperKind::Declaration) => {
            format!("declaration of request {}", due.request)
        }
    }
}
