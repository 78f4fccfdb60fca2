//! One-time codes: made, bound to the documents, sent, checked.

use delivery::{TextMessage, sms_context};
use model::Status;
use model::otp::{OtpRefusal, OtpState};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Channel, Document, Otp, OutboxMessage, Paper, PaperKind, Reader, Tx};

use crate::advance::Actor;
use crate::case::Case;
use crate::{Error, Service};

/// How codes reach people.
#[derive(Debug, Clone)]
pub enum CodeDelivery {
    /// No way is set up: every request for a code is refused.
    None,
    /// Text messages, with this text; `{code}`, `{request}` and `{minutes}` are filled in.
    Sms {
        /// The text.
        text: String,
    },
}

impl Service {
    /// Makes a code for an approved request and queues it to the request's phone.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::CodeTooSoon`],
    /// [`Error::NoDelivery`].
    pub async fn generate_code(&self, id: i64, delivery_method: Option<&str>) -> Result<(), Error> {
        let method = delivery_method
            .map(str::trim)
            .filter(|m| !m.is_empty())
            .unwrap_or("sms");
        let mut tx = self.store().begin().await?;
        let case = self.lock(&mut tx, id).await?;
        if case.row.status != Status::EnrollReady {
            return Err(Error::WrongStatus(case.row.status));
        }
        let text = match (&self.policy().code_delivery, method) {
            (CodeDelivery::Sms { text }, "sms") => text,
            _ => return Err(Error::NoDelivery(method.chars().take(40).collect())),
        };
        let policy = &self.policy().otp;
        let now = self.now();
        let previous = store::otps::get(&mut tx, case.pk()).await?;
        if !policy.may_generate(previous.map(|otp| otp.state.created_at), now) {
            return Err(Error::CodeTooSoon {
                seconds: policy.cooldown.whole_seconds(),
            });
        }

        let code = policy.draw(self.entropy());
        let salt = self.random::<16>();
        let documents = store::documents::list(&mut tx, case.pk()).await?;
        let binding = if documents.is_empty() {
            None
        } else {
            let contract = self.standing_contract(&mut tx, &case).await?;
            Some(binding(&documents, &contract))
        };
        let otp = Otp {
            salt,
            digest: self.code_digest(&salt, &code),
            state: OtpState {
                created_at: now,
                expires_at: now + policy.lifetime,
                attempts_left: policy.attempts,
                consumed: false,
                binding,
            },
        };
        store::otps::put(&mut tx, case.pk(), &otp).await?;

        let text = text
            .replace("{code}", &code)
            .replace("{request}", &case.pk().to_string())
            .replace("{minutes}", &policy.lifetime.whole_minutes().to_string());
        let message = TextMessage {
            to: case.subject.mobile_phone_number.as_str().to_owned(),
            text,
            code: Some(code),
        };
        let id = format!("msg_{}", hex::encode(self.random::<16>()));
        let plain = crypto::Zeroizing::new(serde_json::to_vec(&message)?);
        let queued = OutboxMessage {
            payload: self
                .master()
                .seal(&sms_context(&id), &plain, self.entropy()),
            id,
            channel: Channel::Sms,
            request: case.pk(),
            target: String::new(),
            label: "otp".to_owned(),
            secret: None,
            created_at: now,
            expires_at: now + policy.lifetime,
        };
        store::outbox::enqueue(&mut tx, &queued).await?;
        let details = json!({
            "delivery": method,
            "bound_to": otp.state.binding.map(hex::encode),
        });
        self.record(&mut tx, Actor::Client, "code-made", Some(&case), details)
            .await?;
        self.commit(tx).await
    }

    /// Checks a code against the documents as they stand. A wrong one costs an attempt, which is
    /// committed at once; a right one is not consumed yet.
    pub(crate) async fn check_code(&self, case: &Case, secret: &SecretString) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let case = self.lock(&mut tx, case.pk().0).await?;
        let Some(mut otp) = store::otps::get(&mut tx, case.pk()).await? else {
            return Err(Error::CodeRefused(None));
        };
        let documents = store::documents::list(&mut tx, case.pk()).await?;
        let contract = self.standing_contract(&mut tx, &case).await?;
        let tried = self.code_digest(&otp.salt, secret.expose_secret().trim());
        let matches = crypto::equal(&tried, &otp.digest);
        let standing = binding(&documents, &contract);
        let Err(refusal) = otp.state.check(matches, &standing, self.now()) else {
            return Ok(());
        };
        if refusal == OtpRefusal::Wrong {
            otp.state.attempts_left -= 1;
            store::otps::update(&mut tx, case.pk(), &otp.state).await?;
        }
        let details = json!({ "refusal": refusal.to_string() });
        self.record(&mut tx, Actor::Client, "code-refused", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        Err(Error::CodeRefused(Some(refusal)))
    }

    /// The code was used: it opens nothing any more.
    pub(crate) async fn consume_code(&self, tx: &mut Tx, case: &Case) -> Result<(), Error> {
        if let Some(mut otp) = store::otps::get(tx, case.pk()).await? {
            otp.state.consumed = true;
            store::otps::update(tx, case.pk(), &otp.state).await?;
        }
        Ok(())
    }

    pub(crate) async fn standing_contract(
        &self,
        reads: &mut Reader,
        case: &Case,
    ) -> Result<Paper, Error> {
        store::papers::get(reads, case.pk(), PaperKind::Contract)
            .await?
            .ok_or(Error::WrongStatus(case.row.status))
    }

    /// Six digits are soon guessed from a plain hash, so the digest is keyed.
    fn code_digest(&self, salt: &[u8; 16], code: &str) -> [u8; 32] {
        self.master()
            .mac("otp", &[salt.as_slice(), code.as_bytes()].concat())
    }
}

/// The digest that a code approves: over the ordered digests of the documents and the contract.
pub(crate) fn binding(documents: &[Document], contract: &Paper) -> [u8; 32] {
    let mut hash = crypto::Sha256::new();
    for document in documents {
        hash.update(document.uid.0.as_bytes());
        hash.update(
            &document
                .original
                .as_ref()
                .map(|file| file.sha256)
                .unwrap_or_default(),
        );
    }
    hash.update(&contract.approved.sha256);
    hash.finish()
}
