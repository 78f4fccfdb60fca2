//! The enrolment itself: the subscriber accepts the contract by a code and gets the certificate.
//!
//! The order is that of [`crate::signing`], for the same reasons: the code is checked but not used
//! up, certificate and key go on record, certificate and signed contract are made, and one
//! transaction stores them, uses up the code and moves to `ISSUED`. What was made leaves the server
//! after that.

use std::sync::Arc;

use crypto::{Hashed, SoftwareKey};
use model::otp::Purpose;
use model::{SecureElement, Trigger, transition};
use pki::issuance::Recorded;
use pki::{pkcs10, pkcs12};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Certificate, Credential, Paper, RegistrationAuthority};

use super::letter::Letter;
use super::{KeyChoice, LinkRefusal, check_secret};
use crate::advance::Actor;
use crate::case::Case;
use crate::files::NewBlobs;
use crate::issuance::KeyOnRecord;
use crate::pdf::{Particulars, Place, Signatory};
use crate::registration::Secrets;
use crate::trust::issuing;
use crate::{Error, Service};

/// By which way a subscriber enrols.
pub(super) enum Way {
    /// On the pages behind the link that this digest finds: a file waits there to be taken.
    Pages { token_digest: [u8; 32] },
    /// By a call of the API, which answers with the file.
    Call(Actor),
}

/// What an enrolment made.
pub(super) struct Accepted {
    pub(super) certificate: Certificate,
    /// The PKCS#12 file, unless it waits behind the link.
    pub(super) file: Option<Vec<u8>>,
}

/// A choice that fits the request and keeps the rules.
enum Judged {
    Cloud {
        pin: SecretString,
    },
    Software {
        password: SecretString,
    },
    /// DER SubjectPublicKeyInfo.
    SmartCard {
        public_key_info: Vec<u8>,
    },
}

/// Certificate and key on record.
struct OnRecord {
    recorded: Recorded,
    /// Where it is in our hands.
    key: Option<Arc<SoftwareKey>>,
}

/// What is made outside the transaction.
struct Made {
    der: Vec<u8>,
    /// The contract with the subscriber's signature, where we can make one.
    contract: Option<Hashed>,
    file: Option<Vec<u8>>,
}

impl Service {
    /// Issues the certificate of an approved request, whose turn the caller holds: `ISSUED`.
    ///
    /// Fails with [`Error::WrongStatus`], [`Error::WrongElement`], [`Error::WeakSecret`],
    /// [`Error::UnusableKeyRequest`] or [`Error::CodeRefused`]; a right code stays usable then.
    pub(super) async fn accept(
        &self,
        case: Case,
        code: &SecretString,
        choice: KeyChoice,
        way: Way,
    ) -> Result<Accepted, Error> {
        transition(case.row.status, Trigger::Enrol)?;
        let choice = self.judge(choice, case.row.secure_element).await?;
        let mut reader = self.store().read().await?;
        let contract = self.standing_contract(&mut reader, &case).await?;
        let card = self.secrets_of(&mut reader, &case.row.scratchcard).await?;
        drop(reader);
        let (_, secrets) =
            card.ok_or_else(|| Error::Internal("a registration without its scratchcard".into()))?;
        self.check_code(&case, Purpose::Enrol, code, &contract.approved.sha256)
            .await?;

        let OnRecord { recorded, key } = self.put_choice_on_record(&case, &choice).await?;
        let serial = recorded.serial().to_owned();
        let credential = match (&choice, &key) {
            (Judged::Cloud { pin }, Some(key)) => {
                let password = SecretString::from(secrets.enrollment_code.clone());
                let username = case.row.scratchcard.clone();
                let made = self
                    .new_credential(
                        username,
                        Some(case.pk()),
                        serial.clone(),
                        &password,
                        pin,
                        &key.to_pkcs8()?,
                    )
                    .await?;
                Some(made)
            }
            _ => None,
        };
        let (data_key, file) = (case.key.clone(), contract.approved.clone());
        let name = case.subject.full_name();
        let (approved, made) = self
            .at_work(move |service| {
                let approved = service.fetch_here(&data_key, &file)?;
                let made = service.make(recorded, key, &choice, &approved, name)?;
                Ok::<_, Error>((approved, made))
            })
            .await??;
        let settled = Settlement {
            serial,
            contract,
            approved,
            secrets,
            credential,
            made,
        };
        self.settle_enrolment(case, settled, way).await
    }

    /// Whether the choice fits the request and keeps the rules, before a code is tried.
    async fn judge(&self, choice: KeyChoice, element: SecureElement) -> Result<Judged, Error> {
        match (choice, element) {
            (KeyChoice::Cloud(pin), SecureElement::Cloud) => {
                check_secret(&pin)?;
                Ok(Judged::Cloud { pin })
            }
            (KeyChoice::Software(password), SecureElement::Software) => {
                check_secret(&password)?;
                Ok(Judged::Software { password })
            }
            (KeyChoice::SmartCard(request), SecureElement::SmartCard) => {
                let request = self
                    .at_work(move |_| pkcs10::Request::parse(&request))
                    .await?
                    .map_err(|error| Error::UnusableKeyRequest(error.to_string()))?;
                Ok(Judged::SmartCard {
                    public_key_info: request.public_key_info().to_vec(),
                })
            }
            _ => Err(Error::WrongElement),
        }
    }

    async fn put_choice_on_record(&self, case: &Case, choice: &Judged) -> Result<OnRecord, Error> {
        if let Judged::SmartCard { public_key_info } = choice {
            let recorded = self
                .record_for_key(case.pk(), Trigger::Enrol, public_key_info)
                .await?;
            return Ok(OnRecord {
                recorded,
                key: None,
            });
        }
        let KeyOnRecord { key, recorded } = self.record_with_key(case.pk(), Trigger::Enrol).await?;
        Ok(OnRecord {
            recorded,
            key: Some(Arc::new(key)),
        })
    }

    /// The certificate, the contract signed with it, and the file. Slow: for
    /// [`Service::at_work`].
    fn make(
        &self,
        recorded: Recorded,
        key: Option<Arc<SoftwareKey>>,
        choice: &Judged,
        approved: &Hashed,
        name: String,
    ) -> Result<Made, Error> {
        let der = self.anchors().sign(recorded).map_err(issuing)?;
        let Some(key) = key else {
            return Ok(Made {
                der,
                contract: None,
                file: None,
            });
        };
        let contract = self.sign_as_holder(approved, &key, &der, name.clone())?;
        let file = match choice {
            Judged::Software { password } => Some(self.key_file(&key, &der, password, &name)?),
            Judged::Cloud { .. } | Judged::SmartCard { .. } => None,
        };
        Ok(Made {
            der,
            contract: Some(contract),
            file,
        })
    }

    /// A contract signed by the certificate's holder.
    pub(crate) fn sign_as_holder(
        &self,
        pdf: &Hashed,
        key: &SoftwareKey,
        certificate: &[u8],
        name: String,
    ) -> Result<Hashed, Error> {
        let signatory = Signatory {
            key,
            certificate,
            particulars: Particulars {
                name: Some(name),
                ..Particulars::default()
            },
            level: self.default_level(),
            attributes: &[],
            tsa_url: None,
        };
        let signature = self.signer(signatory)?.sign(pdf, &Place::default())?;
        Ok(pdf.followed_by(signature.into()))
    }

    /// Key, certificate and chain as a PKCS#12 file.
    pub(crate) fn key_file(
        &self,
        key: &SoftwareKey,
        certificate: &[u8],
        password: &SecretString,
        name: &str,
    ) -> Result<Vec<u8>, Error> {
        let pkcs8 = key.to_pkcs8()?;
        let anchors = self.anchors();
        let (chain, password) = (anchors.chain(), password.expose_secret());
        pkcs12::build(&pkcs8, certificate, chain, password, name, self.entropy()).map_err(issuing)
    }

    /// Stores what was made and moves the request to `ISSUED`, in one transaction.
    async fn settle_enrolment(
        &self,
        case: Case,
        settled: Settlement,
        way: Way,
    ) -> Result<Accepted, Error> {
        let Settlement {
            serial,
            contract,
            approved,
            secrets,
            credential,
            made,
        } = settled;
        let authority = self.authority_of(&case).await?;
        let mut blobs = NewBlobs::new(self);
        let signed = match &made.contract {
            Some(content) => {
                let [file] = blobs.put_all(&case.key, [content.clone().into()]).await?;
                Some(file)
            }
            None => None,
        };

        let entry = self.book_entry(Some(&case), &serial, &made.der)?;

        let mut tx = self.store().begin().await?;
        let mut case = self.relock(&mut tx, case.pk()).await?;
        // Another process may have been faster.
        transition(case.row.status, Trigger::Enrol)?;
        self.certificate_signed(&mut tx, &entry).await?;
        let certificate = store::certificates::get(&mut tx, &serial)
            .await?
            .ok_or_else(|| Error::Internal("a certificate left its record".into()))?;
        if let Some(credential) = &credential {
            store::credentials::insert(&mut tx, credential).await?;
        }
        let paper = Paper {
            signed: signed.clone(),
            ..contract
        };
        store::papers::put(&mut tx, case.pk(), &paper).await?;
        self.consume_code(&mut tx, &case, Purpose::Enrol).await?;
        let (actor, file) = self.close_link(&mut tx, &case, way, made.file).await?;
        // Where no officer has to allow renewals, one may still forbid them.
        case.row.renewal_enabled = !authority.settings.renewal_needs_officer;

        let letter = self.letter(&case, &authority, &secrets, &certificate);
        let attached = made.contract.unwrap_or(approved);
        let message = letter.message(&case, attached.bytes().to_vec(), &made.der);
        self.queue_mail(&mut tx, &case, "enrolled", message).await?;

        let details = json!({
            "serial": serial,
            "certificate_sha256": hex::encode(crypto::sha256(&made.der)),
            "accepted": hex::encode(paper.approved.sha256),
            "contract": signed.map(|file| hex::encode(file.sha256)),
        });
        self.advance(&mut tx, &mut case, Trigger::Enrol, actor, details)
            .await?;
        self.commit(tx).await?;
        blobs.keep();
        Ok(Accepted { certificate, file })
    }

    /// Marks the link as used. On the pages the file is laid behind it, else it is given back.
    async fn close_link(
        &self,
        tx: &mut store::Tx,
        case: &Case,
        way: Way,
        file: Option<Vec<u8>>,
    ) -> Result<(Actor, Option<Vec<u8>>), Error> {
        let standing = store::enrolments::get(tx, case.pk()).await?;
        let (actor, pickup, file) = match way {
            Way::Pages { token_digest } => {
                let found = standing.as_ref().map(|row| row.token_digest);
                if found != Some(token_digest) {
                    return Err(Error::LinkRefused(LinkRefusal::Unknown));
                }
                let seal =
                    |file: &Vec<u8>| case.key.seal(&pickup_context(case), file, self.entropy());
                (Actor::Subscriber, file.as_ref().map(seal), None)
            }
            Way::Call(actor) => (actor, None, file),
        };
        if let Some(mut row) = standing {
            row.completed_at = Some(self.now());
            row.device_until = None;
            row.pickup = pickup;
            store::enrolments::update(tx, &row).await?;
        }
        Ok((actor, file))
    }

    /// The mail that follows an enrolment or a renewal.
    pub(super) fn letter(
        &self,
        case: &Case,
        authority: &RegistrationAuthority,
        secrets: &Secrets,
        certificate: &Certificate,
    ) -> Letter {
        Letter {
            language: self.language_of(case, authority),
            name: case.subject.full_name(),
            element: case.row.secure_element,
            authority: authority.name.clone(),
            provider: self.policy().provider.clone(),
            scratchcard: case.row.scratchcard.clone(),
            enrollment_code: secrets.enrollment_code.clone(),
            revocation_code: secrets.erc.clone(),
            valid_to: certificate.not_after,
            renewal: certificate.renewal,
        }
    }
}

/// What [`Service::settle_enrolment`] stores.
struct Settlement {
    serial: String,
    contract: Paper,
    /// The contract with the officer's signature.
    approved: Hashed,
    secrets: Secrets,
    credential: Option<Credential>,
    made: Made,
}

/// What a file that waits behind the link is sealed for.
pub(super) fn pickup_context(case: &Case) -> String {
    format!("request {} pickup", case.pk())
}
