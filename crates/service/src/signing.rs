//! Signing: one certificate and one key for one act, all documents or none.
//!
//! The order matters:
//!
//! 1. the code is checked against the documents as they stand;
//! 2. the certificate's exact content and its key (sealed under the request's data key) go on
//!    record, so that a crash from here on leads back to this certificate and never to a second;
//! 3. certificate and signatures are made and stored as blobs;
//! 4. one transaction points at them, erases the key, uses up the code and moves to `ISSUED`.
//!
//! Nothing made in step 3 leaves the server before step 4 has committed, so a retry after a crash
//! signs again with the same certificate, and whoever retries after step 4 finds `ISSUED`.

use bytes::Bytes;
use model::otp::{OtpRefusal, Purpose};
use model::{Trigger, transition};
use secrecy::SecretString;
use serde_json::json;
use store::{Document, Paper};

use crate::advance::Actor;
use crate::case::Case;
use crate::files::NewBlobs;
use crate::issuance::KeyOnRecord;
use crate::pdf::{Particulars, Signatory};
use crate::trust::issuing;
use crate::{Error, Service};

/// What opens the signature.
#[derive(Default)]
pub struct SignCommand {
    /// The one-time code; may be left out with external authentication.
    pub secret: Option<SecretString>,
    /// Method and transaction of an external authentication, kept as evidence.
    pub external_unlock: Option<(String, String)>,
    /// The signer's reason, for the signature dictionary.
    pub reason: Option<String>,
    /// The signer's place, for the signature dictionary.
    pub location: Option<String>,
}

/// What one act signs.
struct Act {
    documents: Vec<(Document, Bytes)>,
    contract: Paper,
    contract_content: Bytes,
}

impl Service {
    /// Issues the one-time certificate and signs all documents and the contract: `ISSUED`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::NoDocuments`],
    /// [`Error::ExternalUnlockNotAllowed`], [`Error::CodeRefused`]. On any error nothing is
    /// signed and a right code stays usable until it expires.
    pub async fn sign(&self, id: i64, command: SignCommand) -> Result<(), Error> {
        let pk = self.peek(id).await?.pk();
        // The second of two clicks waits here and then finds ISSUED.
        let _turn = self.inner.per_request.lock(pk).await;
        let case = self.peek(id).await?;
        transition(case.row.status, Trigger::Enrol)?;

        self.unlock(&case, &command).await?;
        let issuance = self.record_with_key(pk, Trigger::Enrol).await?;
        let act = self.gather(&case).await?;

        let SignCommand {
            reason,
            location,
            external_unlock,
            ..
        } = command;
        let name = case.subject.full_name();
        let (made, act) = self
            .at_work(move |service| {
                let particulars = Particulars {
                    name: Some(name),
                    reason,
                    location,
                };
                service
                    .sign_all(issuance, &act, particulars)
                    .map(|made| (made, act))
            })
            .await??;
        self.settle_signing(case, act, made, external_unlock).await
    }

    /// The code, or external authentication in its place.
    async fn unlock(&self, case: &Case, command: &SignCommand) -> Result<(), Error> {
        let mut reader = self.store().read().await?;
        if store::documents::count(&mut reader, case.pk()).await? == 0 {
            return Err(Error::NoDocuments(case.pk()));
        }
        let Some((method, _)) = &command.external_unlock else {
            drop(reader);
            return match &command.secret {
                Some(secret) => self.check_signing_code(case, secret).await,
                None => Err(Error::CodeRefused(None)),
            };
        };
        let authority = store::authorities::get(&mut reader, case.row.ra).await?;
        if authority.is_some_and(|authority| authority.external_unlock.contains(method)) {
            Ok(())
        } else {
            Err(Error::ExternalUnlockNotAllowed(
                method.chars().take(40).collect(),
            ))
        }
    }

    /// Reads everything that the act signs.
    async fn gather(&self, case: &Case) -> Result<Act, Error> {
        let mut reader = self.store().read().await?;
        let rows = store::documents::list(&mut reader, case.pk()).await?;
        let contract = self.standing_contract(&mut reader, case).await?;
        drop(reader);
        let lost: Vec<_> = rows
            .iter()
            .filter(|row| row.original.is_none())
            .map(|row| row.uid)
            .collect();
        if !lost.is_empty() {
            return Err(Error::LostDocuments(lost));
        }
        let mut documents = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(file) = &row.original {
                let content = self.fetch(&case.key, file).await?;
                documents.push((row, content));
            }
        }
        let contract_content = self.fetch(&case.key, &contract.approved).await?;
        Ok(Act {
            documents,
            contract,
            contract_content,
        })
    }

    /// The certificate, and every file signed with it.
    fn sign_all(
        &self,
        issuance: KeyOnRecord,
        act: &Act,
        particulars: Particulars,
    ) -> Result<Made, Error> {
        let KeyOnRecord { key, recorded } = issuance;
        let serial = recorded.serial().to_owned();
        let certificate = self.anchors().sign(recorded).map_err(issuing)?;
        let signatory = Signatory {
            key: &key,
            certificate: &certificate,
            particulars,
        };
        let documents = act
            .documents
            .iter()
            .map(|(_, content)| self.sign_pdf(content, &signatory))
            .collect::<Result<_, _>>()?;
        let contract = self.sign_pdf(&act.contract_content, &signatory)?;
        Ok(Made {
            serial,
            documents,
            contract,
            certificate,
        })
    }

    /// Stores what was made and moves the request to `ISSUED`, in one transaction.
    async fn settle_signing(
        &self,
        case: Case,
        act: Act,
        made: Made,
        external_unlock: Option<(String, String)>,
    ) -> Result<(), Error> {
        let mut blobs = NewBlobs::new(self);
        let mut files = Vec::with_capacity(made.documents.len());
        for content in made.documents {
            files.push(blobs.put(&case.key, content.into()).await?);
        }
        let contract = blobs.put(&case.key, made.contract.into()).await?;

        let mut tx = self.store().begin().await?;
        let mut case = self.relock(&mut tx, case.pk()).await?;
        // Another process may have changed the documents while these were signed.
        let standing = store::documents::list(&mut tx, case.pk()).await?;
        let before: Vec<_> = act.documents.iter().map(|(row, _)| row).collect();
        if !standing.iter().eq(before.iter().copied()) {
            return Err(Error::CodeRefused(Some(OtpRefusal::OtherDocuments)));
        }
        for (mut document, file) in standing.into_iter().zip(&files) {
            document.signed = Some(file.clone());
            store::documents::update(&mut tx, &document).await?;
        }
        let paper = Paper {
            signed: Some(contract.clone()),
            ..act.contract
        };
        store::papers::put(&mut tx, case.pk(), &paper).await?;
        store::certificates::mark_signed(&mut tx, &made.serial, &made.certificate).await?;
        match external_unlock {
            Some(unlock) => {
                case.row.external_unlock = Some(case.seal(self, "external-unlock", &unlock)?);
            }
            None => self.consume_code(&mut tx, &case, Purpose::Sign).await?,
        }
        let digests: Vec<_> = files.iter().map(|file| hex::encode(file.sha256)).collect();
        let details = json!({
            "serial": made.serial,
            "certificate_sha256": hex::encode(crypto::sha256(&made.certificate)),
            "documents": digests,
            "contract": hex::encode(contract.sha256),
        });
        self.advance(&mut tx, &mut case, Trigger::Enrol, Actor::Client, details)
            .await?;
        self.commit(tx).await?;
        blobs.keep();
        Ok(())
    }
}

/// What [`Service::sign_all`] made.
struct Made {
    serial: String,
    documents: Vec<Vec<u8>>,
    contract: Vec<u8>,
    certificate: Vec<u8>,
}
