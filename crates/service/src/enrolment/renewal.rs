//! A renewal: a new key, a new certificate, a new contract. The certificate that it renews stays
//! good until it expires; the first contract stays as it is.
//!
//! The order is that of the enrolment: on record first, then made, then stored in one transaction.

use std::sync::Arc;

use crypto::{Hashed, SoftwareKey};
use model::Trigger;
use pki::issuance::Recorded;
use secrecy::SecretString;
use serde_json::json;
use store::{Attachment, AttachmentKind, Certificate};

use crate::advance::Actor;
use crate::case::Case;
use crate::files::NewBlobs;
use crate::issuance::KeyOnRecord;
use crate::registration::Secrets;
use crate::trust::issuing;
use crate::{Error, Service};

/// What a contract for a renewal is listed as among the request's papers.
const LABEL: &str = "contract_renew";

/// What will hold the new key.
pub(crate) enum NewHome {
    /// We, under the PIN that the old key was under.
    Cloud {
        /// The enrollment code.
        password: SecretString,
        /// The PIN.
        pin: SecretString,
    },
    /// A PKCS#12 file.
    File {
        /// Its password.
        password: SecretString,
    },
}

/// What a renewal gave.
pub(crate) struct Renewed {
    pub(crate) certificate: Certificate,
    /// The PKCS#12 file, where the key goes into one.
    pub(crate) file: Option<Vec<u8>>,
}

/// What is made outside the transaction.
struct Made {
    der: Vec<u8>,
    contract: Hashed,
    file: Option<Vec<u8>>,
}

impl Service {
    /// Renews `old`, which may be renewed, for a request whose turn the caller holds: `RENEWED`.
    pub(crate) async fn renew(
        &self,
        case: Case,
        old: Certificate,
        secrets: Secrets,
        home: NewHome,
        actor: Actor,
    ) -> Result<Renewed, Error> {
        let authority = self.authority_of(&case).await?;
        let KeyOnRecord { key, recorded } = self.record_with_key(case.pk(), Trigger::Renew).await?;
        let (key, serial) = (Arc::new(key), recorded.serial().to_owned());
        let (credential, file_password) = match home {
            NewHome::Cloud { password, pin } => {
                let made = self
                    .new_credential(
                        case.row.scratchcard.clone(),
                        Some(case.pk()),
                        serial.clone(),
                        &password,
                        &pin,
                        &key.to_pkcs8()?,
                    )
                    .await?;
                (Some(made), None)
            }
            NewHome::File { password } => (None, Some(password)),
        };
        let made = self
            .make_renewal(&case, &old, recorded, key, file_password)
            .await?;
        let mut blobs = NewBlobs::new(self);
        let contract = made.contract.clone().into();
        let [contract] = blobs.put_all(&case.key, [contract]).await?;

        let entry = self.book_entry(Some(&case), &serial, &made.der)?;

        let mut tx = self.store().begin().await?;
        let mut case = self.relock(&mut tx, case.pk()).await?;
        // Another process may have renewed it meanwhile, or revoked it.
        let standing = self.renewable_certificate(&mut tx, &case, &authority.settings);
        if standing.await?.serial != old.serial {
            return Err(Error::WrongStatus(case.row.status));
        }
        self.certificate_signed(&mut tx, &entry).await?;
        let certificate = store::certificates::get(&mut tx, &serial)
            .await?
            .ok_or_else(|| Error::Internal("a certificate left its record".into()))?;
        if let Some(credential) = &credential {
            store::credentials::lock(&mut tx, &credential.username).await?;
            store::credentials::update(&mut tx, credential).await?;
            // An officer signs with this key from now on, and so with this certificate.
            let officer = store::officers::by_username(&mut tx, &credential.username).await?;
            if let Some(mut officer) = officer {
                officer.certificate = made.der.clone();
                officer.serial = Some(serial.clone());
                store::officers::update(&mut tx, &officer).await?;
            }
        }
        let paper = Attachment {
            number: store::sequence::next_document(&mut tx).await?,
            request: case.pk(),
            kind: AttachmentKind::ExtraDocument,
            label: Some(LABEL.to_owned()),
            file: contract,
            media_type: "application/pdf".to_owned(),
            uploaded_at: self.now(),
        };
        store::attachments::insert(&mut tx, &paper).await?;
        case.row.renewals += 1;
        let letter = self.letter(&case, &authority, &secrets, &certificate);
        let message = letter.message(&case, made.contract.bytes().to_vec(), &made.der);
        self.queue_mail(&mut tx, &case, "renewed", message).await?;

        let details = json!({
            "serial": serial,
            "renewed": old.serial,
            "certificate_sha256": hex::encode(crypto::sha256(&made.der)),
            "contract": hex::encode(paper.file.sha256),
        });
        self.advance(&mut tx, &mut case, Trigger::Renew, actor, details)
            .await?;
        self.commit(tx).await?;
        blobs.keep();
        Ok(Renewed {
            certificate,
            file: made.file,
        })
    }

    /// The certificate, the contract signed with it, and the file.
    async fn make_renewal(
        &self,
        case: &Case,
        old: &Certificate,
        recorded: Recorded,
        key: Arc<SoftwareKey>,
        file_password: Option<SecretString>,
    ) -> Result<Made, Error> {
        let renewal_of = Some(old.serial.clone());
        let contract = self.contract_of(case, self.now(), renewal_of).await?;
        let name = case.subject.full_name();
        self.at_work(move |service| {
            let der = service.anchors().sign(recorded).map_err(issuing)?;
            let contract = service
                .inner
                .parts
                .renderer
                .render_contract(&contract)
                .map_err(|error| Error::Internal(format!("a paper: {error}")))?;
            let file = file_password
                .map(|password| service.key_file(&key, &der, &password, &name))
                .transpose()?;
            let contract = Hashed::new(contract.into());
            let contract = service.sign_as_holder(&contract, &key, &der, name)?;
            Ok(Made {
                der,
                contract,
                file,
            })
        })
        .await?
    }
}
