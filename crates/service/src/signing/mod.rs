//! Signing: one certificate and one key for one act, all documents or none.
//!
//! The order matters:
//!
//! 1. the code is checked against the documents as they stand, and everything that can be wrong
//!    with what is asked for is found out ([`plan`]);
//! 2. the certificate's exact content and its key (sealed under the request's data key) go on
//!    record, so that a crash from here on leads back to this certificate and never to a second;
//! 3. certificate and signatures are made and stored as blobs;
//! 4. one transaction points at them, erases the key, uses up the code and moves to `ISSUED`.
//!
//! Nothing made in step 3 leaves the server before step 4 has committed, so a retry after a crash
//! signs again with the same certificate, and whoever retries after step 4 finds `ISSUED`.

mod order;
mod plan;
mod sources;
mod visible;

use blob::{Content, Written};
use bytes::Bytes;
use model::otp::{OtpRefusal, Purpose};
use model::{Level, RequestPk, Trigger, transition};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Document, Paper};

use crate::advance::Actor;
use crate::case::Case;
use crate::codes::binding;
use crate::files::NewBlobs;
use crate::issuance::KeyOnRecord;
use crate::one_time_keys::OneTimeKey;
use crate::pdf::{Particulars, Place, Signatory, Signer};
use crate::trust::issuing;
use crate::{Error, Service};

pub use order::{
    AppearanceOrder, Countersignature, DocumentOrder, PictureOrder, SignCommand, SignOrder,
    TextOrder,
};
use plan::{Plan, Work};

/// That the signer agreed, and to what.
#[derive(Serialize, Deserialize)]
pub(crate) struct Consent {
    /// Digest of the documents and the contract that were agreed to.
    binding: [u8; 32],
    /// Method and transaction of an external authentication; `None`: the code.
    external_unlock: Option<(String, String)>,
}

/// What stands to be signed, all as of one moment.
pub(crate) struct Standing {
    pub(crate) case: Case,
    documents: Vec<Document>,
    contract: Paper,
    /// The authority's, else the server's.
    level: Level,
    /// The methods that the authority allows.
    external_unlock: Vec<String>,
}

impl Standing {
    /// The digest of what a signer agrees to.
    fn binding(&self) -> [u8; 32] {
        binding(&self.documents, &self.contract)
    }
}

impl Service {
    /// Issues the one-time certificate and signs all documents and the contract: `ISSUED`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::NoDocuments`],
    /// [`Error::ExternalUnlockNotAllowed`], [`Error::CodeRefused`], and for what the order asks:
    /// [`Error::Fields`], [`Error::LostDocuments`], [`Error::UnknownImages`],
    /// [`Error::UnknownMetadata`], [`Error::WrongCountersigner`]. On any error nothing is signed and
    /// a right code stays usable until it expires.
    pub async fn sign(&self, id: i64, command: SignCommand) -> Result<(), Error> {
        self.settling(async {
            let mut reader = self.store().read_ahead().await?;
            let pk = self.number_of(&mut reader, id).await?;
            drop(reader);
            self.sign_now(pk, command).await
        })
        .await
    }

    /// As [`Service::sign`], for a request that was found before and within [`Service::settling`].
    pub(crate) async fn sign_now(&self, pk: RequestPk, command: SignCommand) -> Result<(), Error> {
        // The second of two clicks waits here and then finds ISSUED.
        let _turn = self.inner.per_request.lock(pk).await;
        let standing = self.standing(pk).await?;
        let consent = self.consent(&standing, &command).await?;
        self.perform(standing, consent, command.order).await
    }

    /// Signs what was agreed to earlier, while the documents are still those.
    ///
    /// # Errors
    ///
    /// As [`Service::sign`].
    pub(crate) async fn sign_as_agreed(
        &self,
        pk: RequestPk,
        consent: Consent,
        order: SignOrder,
    ) -> Result<(), Error> {
        self.settling(async {
            let _turn = self.inner.per_request.lock(pk).await;
            let standing = self.standing(pk).await?;
            self.perform(standing, consent, order).await
        })
        .await
    }

    /// Does what reads ahead of the disk and commits something where it succeeds: what stood in the
    /// way is told once it is durable.
    pub(crate) async fn settling<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let outcome = work.await;
        if outcome.is_err() {
            self.store().settled().await?;
        }
        outcome
    }

    /// What stands to be signed, if the request can be signed at all; read ahead of the disk.
    pub(crate) async fn standing(&self, pk: RequestPk) -> Result<Standing, Error> {
        let mut reader = self.store().read_ahead().await?;
        let case = self.reopen(&mut reader, pk).await?;
        transition(case.row.status, Trigger::Enrol)?;
        let documents = store::documents::list(&mut reader, pk).await?;
        if documents.is_empty() {
            return Err(Error::NoDocuments(pk));
        }
        let contract = self.standing_contract(&mut reader, &case).await?;
        let authority = store::authorities::get(&mut reader, case.row.ra).await?;
        let (level, external_unlock) = match authority {
            Some(one) => (one.settings.signature_level, one.external_unlock),
            None => (None, Vec::new()),
        };
        let level = match level {
            Some(level) => level,
            None => {
                let settings = self.load_settings(&mut reader).await?;
                let named = Level::parse(&settings.signature.default_level);
                named.unwrap_or_else(|| self.default_level())
            }
        };
        Ok(Standing {
            case,
            documents,
            contract,
            level,
            external_unlock,
        })
    }

    /// Checks the code, or external authentication in its place. The code is not used up yet.
    pub(crate) async fn consent(
        &self,
        standing: &Standing,
        command: &SignCommand,
    ) -> Result<Consent, Error> {
        let binding = standing.binding();
        match (&command.external_unlock, &command.secret) {
            (Some((method, _)), _) => {
                if !standing.external_unlock.contains(method) {
                    let method = method.chars().take(40).collect();
                    return Err(Error::ExternalUnlockNotAllowed(method));
                }
            }
            (None, Some(secret)) => {
                self.check_code(&standing.case, Purpose::Sign, secret, &binding)
                    .await?;
            }
            (None, None) => return Err(Error::CodeRefused(None)),
        }
        Ok(Consent {
            binding,
            external_unlock: command.external_unlock.clone(),
        })
    }

    /// Finds out what is wrong with an act that is put off.
    ///
    /// Fails as [`Service::sign`] does for what the order asks.
    pub(crate) async fn rehearse(&self, standing: Standing, order: SignOrder) -> Result<(), Error> {
        self.plan(standing, order).await.map(drop)
    }

    /// Plans, signs and settles.
    async fn perform(
        &self,
        standing: Standing,
        consent: Consent,
        order: SignOrder,
    ) -> Result<(), Error> {
        if standing.binding() != consent.binding {
            return Err(Error::CodeRefused(Some(OtpRefusal::OtherDocuments)));
        }
        let plan = self.plan(standing, order).await?;
        let issuance = self.record_with_one_time_key(plan.case()).await?;
        let spent = issuance.key.reference();
        let (made, plan) = self
            .at_light_work(move |service| {
                service.sign_all(issuance, &plan).map(|made| (made, plan))
            })
            .await??;
        self.settle_signing(plan, made, consent).await?;
        self.destroy_one_time_key(spent).await;
        Ok(())
    }

    /// The certificate, and every file signed with it. All revisions are prepared before the key
    /// signs the first.
    fn sign_all(&self, issuance: KeyOnRecord<OneTimeKey>, plan: &Plan) -> Result<Made, Error> {
        let contract = self.fetch_here(&plan.case().key, &plan.contract.approved)?;
        let KeyOnRecord { key, recorded } = issuance;
        let serial = recorded.serial().to_owned();
        let certificate = self.anchors().sign(recorded).map_err(issuing)?;
        let values = plan.values(&certificate)?;
        let signer = |level| {
            self.signer(Signatory {
                key: &key,
                certificate: &certificate,
                particulars: plan.particulars(),
                level,
                attributes: plan.attributes(),
                tsa_url: plan.tsa_url(),
            })
        };
        let signing = signer(plan.level())?;
        let countersigning = plan
            .countersigner()
            .map(|one| {
                let second = self.signer(Signatory {
                    key: &*one.key,
                    certificate: &one.certificate,
                    particulars: Particulars {
                        name: Some(one.name.clone()),
                        ..Particulars::default()
                    },
                    level: plan.level(),
                    attributes: &[],
                    tsa_url: plan.tsa_url(),
                })?;
                // Whoever signs last raises the file to the level.
                let first = signer(plan.level().min(Level::Ltv))?;
                Ok::<_, Error>((first, second))
            })
            .transpose()?;

        let signer_of = |countersigned: bool| match (&countersigning, countersigned) {
            (Some((first, second)), true) => (first, Some(second)),
            _ => (&signing, None),
        };
        let mut prepared = Vec::with_capacity(plan.work().len());
        for work in plan.work() {
            prepared.push(match work {
                Work::Pdf(pdf) => {
                    let place = pdf.place(plan, &values)?;
                    let (first, _) = signer_of(pdf.countersigned);
                    let revision = first.prepare(&pdf.content, &place);
                    Some(revision.map_err(|reason| pdf.refused(reason))?)
                }
                Work::Hash(_) => None,
            });
        }
        let mut contents = Vec::with_capacity(prepared.len() + 1);
        for (work, prepared) in plan.work().iter().zip(prepared) {
            contents.push(match (work, prepared) {
                (Work::Pdf(pdf), Some(prepared)) => {
                    let (first, second) = signer_of(pdf.countersigned);
                    let mut appended = first.finish(&pdf.content, prepared)?;
                    if let Some(second) = second {
                        let signed = pdf.content.followed_by(Bytes::copy_from_slice(&appended));
                        appended.extend(second.sign(&signed, &plan.second_place(&values)?)?);
                    }
                    Content {
                        begun: pdf.content.clone(),
                        rest: appended.into(),
                    }
                }
                (Work::Hash(descriptor), _) => Bytes::from(signing.sign_hash(descriptor)?).into(),
                (Work::Pdf(_), None) => unreachable!("every PDF was prepared"),
            });
        }
        let rest = signing.sign(&contract, &Place::default())?.into();
        contents.push(Content {
            begun: contract,
            rest,
        });
        let pair = countersigning
            .iter()
            .flat_map(|(first, second)| [first, second]);
        let outgrown = pair.chain([&signing]).map(Signer::outgrown).sum();
        let (key, entropy) = (&plan.case().key, self.entropy());
        Ok(Made {
            serial,
            outgrown,
            files: self.blobs().write_here(&contents, key, entropy)?,
            certificate: certificate.clone(),
        })
    }

    /// Makes durable what was made and moves the request to `ISSUED`, in one transaction.
    async fn settle_signing(&self, plan: Plan, made: Made, consent: Consent) -> Result<(), Error> {
        let mut blobs = NewBlobs::new(self);
        let mut files = blobs.publish(made.files).await?;
        let contract = files
            .pop()
            .ok_or_else(|| Error::Internal("the contract was not stored".into()))?;

        let level = plan.level();
        let good_until = self.good_until(level, plan.tsa_url()).await?;
        let entry = self.book_entry(Some(plan.case()), &made.serial, &made.certificate)?;

        let mut tx = self.store().begin().await?;
        let mut case = self.relock_known(&mut tx, plan.case()).await?;
        // Another process may have changed the documents while these were signed.
        let standing = store::documents::list(&mut tx, case.pk()).await?;
        if !standing.iter().eq(plan.documents()) {
            return Err(Error::CodeRefused(Some(OtpRefusal::OtherDocuments)));
        }
        for (document, file) in standing.iter().zip(&files) {
            let good_until = good_until.filter(|_| document.is_pdf());
            store::documents::set_signed(&mut tx, document.uid, file, good_until).await?;
        }
        let kind = plan.contract.kind;
        store::papers::set_signed(&mut tx, case.pk(), kind, &contract, good_until).await?;
        self.certificate_signed(&mut tx, &entry).await?;
        match consent.external_unlock {
            Some(unlock) => {
                case.row.external_unlock = Some(case.seal(self, "external-unlock", &unlock)?);
            }
            None => self.consume_code(&mut tx, &case, Purpose::Sign).await?,
        }
        let digests: Vec<_> = files.iter().map(|file| hex::encode(file.sha256)).collect();
        let mut details = json!({
            "serial": made.serial,
            "certificate_sha256": hex::encode(crypto::sha256(&made.certificate)),
            "level": level.baseline(),
            "documents": digests,
            "contract": hex::encode(contract.sha256),
        });
        if made.outgrown > 0 {
            details["time_stamps_over_documents"] = made.outgrown.into();
        }
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
    /// How many time-stamps stand over their documents, since they did not fit beside signatures.
    outgrown: usize,
    /// The documents in their order and the contract, of which nobody knows before they are published.
    files: Written,
    certificate: Vec<u8>,
}
