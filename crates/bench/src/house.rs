//! A service in this process, with rows and blobs on the disk that is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, ensure};
use blob::BlobStore;
use bytes::Bytes;
use crypto::{DataKey, MasterKey, SystemEntropy};
use model::event::WebhookFormat;
use model::otp::OtpPolicy;
use model::{Clock, DocumentUid, Level, Posture, RequestPk};
use pki::profile::natural_person::Qualification;
use pki::{AuthorityNames, AuthorityUrls, establish};
use secrecy::SecretString;
use serde_json::Value;
use service::{
    CodeDelivery, Credentials, Limits, NewAuthority, NewClassic, NewContent, NewDocument,
    NewOfficer, OneTimeKeys, Parts, Policy, RequestTerms, Service, SignCommand, TrustAnchors,
};
use store::{PaperKind, Store};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use crate::Place;

const PASSWORD: &str = "a password of the benchmark";
const PIN: &str = "482915";
/// The method of external authentication that opens signatures.
const UNLOCK: &str = "bench";

/// The service and what it is made of.
#[derive(Clone)]
pub struct House {
    pub service: Service,
    pub store: Store,
    pub clock: Arc<SystemClock>,
    pub names: AuthorityNames,
    pub urls: AuthorityUrls,
    master: MasterKey,
    authority: model::RaId,
}

/// The real clock, which can be put forward.
#[derive(Default)]
pub struct SystemClock {
    ahead: AtomicI64,
}

impl SystemClock {
    /// Puts it forward by whole seconds.
    pub fn forward(&self, by: Duration) {
        self.ahead.fetch_add(by.whole_seconds(), Ordering::Relaxed);
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "signatures are to be valid today"
    )]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + Duration::seconds(self.ahead.load(Ordering::Relaxed))
    }
}

impl House {
    /// Makes everything that an installation has: authorities, an officer, an empty database.
    pub async fn open(place: &Place) -> anyhow::Result<Self> {
        let names = AuthorityNames {
            country: "ES".to_owned(),
            organisation: "Avouch Bench".to_owned(),
            organisation_identifier: None,
            prefix: "Bench".to_owned(),
        };
        let urls = AuthorityUrls::at("http://127.0.0.1");
        let clock = Arc::new(SystemClock::default());
        let established = establish(&names, &urls, clock.now(), &SystemEntropy)?;
        let store = Store::open(&place.work.join("avouch.db").to_string_lossy()).await?;
        let blobs = BlobStore::local(place.work.join("blobs")).await?;
        let master = MasterKey::generate(&SystemEntropy);
        let service = Service::new(Parts {
            store: store.clone(),
            blobs,
            master: master.clone(),
            anchors: TrustAnchors::new(established, &urls)?,
            one_time_keys: OneTimeKeys::default(),
            renderer: contract::Renderer::new(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            policy: policy(),
            outbox: Arc::new(Notify::new()),
        });
        service.record_authorities().await?;
        let authority = NewAuthority {
            name: "Avouch Bench".to_owned(),
            webhook_url: None,
            webhook_format: WebhookFormat::Event,
            webhook_secret: None,
            external_unlock: vec![UNLOCK.to_owned()],
        };
        let authority = service.create_authority(authority).await?;
        let officer = NewOfficer {
            ra: authority,
            username: "officer".to_owned(),
            password: PASSWORD.into(),
            pin: PIN.into(),
            given_name: "Olga".to_owned(),
            surname: "Ejemplo".to_owned(),
            identity: "IDCES-00000001R".to_owned(),
            country: "ES".to_owned(),
        };
        service.create_officer(officer).await?;
        Ok(Self {
            service,
            store,
            clock,
            names,
            urls,
            master,
            authority,
        })
    }

    /// A request that an officer approved, with documents to be signed.
    pub async fn approved(&self, documents: Vec<NewContent>) -> anyhow::Result<RequestPk> {
        let mut subject = service::registration::Form::new();
        if let Value::Object(holder) = specimens::holder() {
            for (name, value) in holder {
                if let Value::String(text) = value {
                    subject.insert(name, Some(text));
                }
            }
        }
        for (name, text) in [
            ("email", specimens::EMAIL),
            ("mobile_phone_number", specimens::PHONE),
        ] {
            subject.insert(name.to_owned(), Some(text.to_owned()));
        }
        let new = NewClassic {
            terms: RequestTerms {
                registration_authority: Some(self.authority.to_string()),
                profile: Some("PFnubeNC".to_owned()),
                env: None,
            },
            subject,
            credentials: Credentials {
                username: Some("officer".to_owned()),
                password: Some(SecretString::from(PASSWORD)),
                pin: Some(SecretString::from(PIN)),
                ..Credentials::default()
            },
            ..NewClassic::default()
        };
        let request = self.service.create_classic(new).await?.request;
        let documents = documents.into_iter().zip(1..);
        let documents = documents.map(|(content, number)| NewDocument {
            field_name: format!("file{number}"),
            file_name: format!("document {number}.pdf"),
            content,
        });
        let documents = documents.collect();
        self.service.upload_documents(request.0, documents).await?;
        Ok(request)
    }

    /// Requests like this one, which share its blobs: an officer's approval takes long (passwords
    /// are slow to check by design, and two papers are drawn up) and is not what is measured here.
    pub async fn copies(&self, of: RequestPk, count: usize) -> anyhow::Result<Vec<RequestPk>> {
        let mut reader = self.store.read().await?;
        let template = store::requests::get(&mut reader, of).await?;
        let template = template.context("the request is gone")?;
        let documents = store::documents::list(&mut reader, of).await?;
        let contract = store::papers::get(&mut reader, of, PaperKind::Contract).await?;
        let contract = contract.context("the request has no contract")?;
        drop(reader);
        // As the service seals them: bound to the request's number.
        let key_context = |pk: RequestPk| format!("request {pk} data-key");
        let subject_context = |pk: RequestPk| format!("request {pk} subject");
        let key = DataKey::unwrap(&self.master, &key_context(of), &template.data_key)?;
        let subject = key.open(&subject_context(of), &template.subject)?;

        let mut made = Vec::with_capacity(count);
        while made.len() < count {
            let mut tx = self.store.begin().await?;
            for _ in 0..(count - made.len()).min(500) {
                let pk = RequestPk(store::sequence::next(&mut tx).await?);
                let videoid = store::sequence::next(&mut tx).await?;
                let request = store::Request {
                    pk,
                    videoid_pk: model::VideoIdPk(videoid),
                    video_identifier: format!("{videoid:032x}"),
                    scratchcard: store::sequence::next_scratchcard(&mut tx)
                        .await?
                        .to_string(),
                    data_key: key.wrap(&self.master, &key_context(pk), &SystemEntropy),
                    subject: key.seal(&subject_context(pk), &subject, &SystemEntropy),
                    ..template.clone()
                };
                store::requests::insert(&mut tx, &request).await?;
                for document in &documents {
                    let document = store::Document {
                        uid: DocumentUid::draw(&SystemEntropy),
                        request: pk,
                        ..document.clone()
                    };
                    store::documents::insert(&mut tx, &document).await?;
                }
                store::papers::put(&mut tx, pk, &contract).await?;
                made.push(pk);
            }
            tx.commit().await?;
        }
        Ok(made)
    }

    /// One act of signing.
    pub async fn sign(&self, request: RequestPk) -> anyhow::Result<()> {
        let command = SignCommand {
            external_unlock: Some((UNLOCK.to_owned(), request.to_string())),
            ..SignCommand::default()
        };
        Ok(self.service.sign(request.0, command).await?)
    }

    /// The certificate (DER) that an act of signing issued.
    pub async fn certificate_of(&self, request: RequestPk) -> anyhow::Result<(String, Vec<u8>)> {
        let mut reader = self.store.read().await?;
        let rows = store::certificates::of_request(&mut reader, request).await?;
        let [row] = <[_; 1]>::try_from(rows)
            .ok()
            .context("not one certificate")?;
        Ok((row.serial, row.der.context("it was never signed")?))
    }

    /// Makes sure that the audit log tells of everything and holds.
    pub async fn check_audit(&self, at_least: usize) -> anyhow::Result<()> {
        let entries = store::audit::verify(&self.store).await?.entries;
        ensure!(
            entries as usize >= at_least,
            "the audit log has {entries} entries of {at_least}"
        );
        Ok(())
    }
}

/// A digest to be signed in place of a document.
pub fn hash(content: &[u8]) -> NewContent {
    NewContent::Hash(service::NewHash {
        file: Bytes::from_static(b"{}"),
        message_digest: crypto::sha256(content).to_vec(),
        algorithm: model::DigestAlgorithm::Sha256,
        signed_attributes: true,
        signing_time: true,
        other_attributes: Vec::new(),
    })
}

fn policy() -> Policy {
    Policy {
        provider: "Avouch Bench".to_owned(),
        applicable_law: "the law of the benchmark".to_owned(),
        limits: Limits::default(),
        otp: OtpPolicy::default(),
        code_delivery: CodeDelivery::None,
        webhook_lifetime: Duration::DAY,
        mail_lifetime: Duration::DAY,
        link_lifetime: Duration::DAY,
        public_url: "http://127.0.0.1".to_owned(),
        certificate_validity: Duration::DAY,
        signature_level: Level::Ltv,
        posture: Posture::Classic,
        qualification: Qualification::None,
    }
}
