//! One-time codes: made, bound to what they approve, sent, checked.

use delivery::{TextMessage, sms_context};
use model::Status;
use model::otp::{NoCode, OtpRefusal, Purpose};
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
    /// [`Error::CodesGuessed`], [`Error::NoDelivery`].
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
        if method != "sms" {
            return Err(Error::NoDelivery(method.chars().take(40).collect()));
        }
        let documents = store::documents::list(&mut tx, case.pk()).await?;
        let bound_to = if documents.is_empty() {
            None
        } else {
            let contract = self.standing_contract(&mut tx, &case).await?;
            Some(binding(&documents, &contract))
        };
        self.queue_code(&mut tx, &case, Purpose::Sign, bound_to)
            .await?;
        let details = json!({ "delivery": method, "bound_to": bound_to.map(hex::encode) });
        self.record(&mut tx, Actor::Client, "code-made", Some(&case), details)
            .await?;
        self.commit(tx).await
    }

    /// Makes a code for a locked request and queues it to the request's phone. `binding` is the
    /// digest of what it approves.
    ///
    /// Fails with [`Error::CodeTooSoon`], [`Error::CodesGuessed`], or [`Error::NoDelivery`] where no
    /// way is set up or the request has no phone.
    pub(crate) async fn queue_code(
        &self,
        tx: &mut Tx,
        case: &Case,
        purpose: Purpose,
        binding: Option<[u8; 32]>,
    ) -> Result<(), Error> {
        let (CodeDelivery::Sms { text }, Some(phone)) = (
            &self.policy().code_delivery,
            &case.subject.mobile_phone_number,
        ) else {
            return Err(Error::NoDelivery("sms".to_owned()));
        };
        let policy = &self.policy().otp;
        let now = self.now();
        let previous = store::otps::get(tx, case.pk(), purpose).await?;
        let state = policy
            .generate(previous.as_ref().map(|otp| &otp.state), binding, now)
            .map_err(|why| match why {
                NoCode::TooSoon => Error::CodeTooSoon {
                    seconds: policy.cooldown.whole_seconds(),
                },
                NoCode::Guessed => Error::CodesGuessed,
            })?;

        let code = policy.draw(self.entropy());
        let salt = self.random::<16>();
        let otp = Otp {
            salt,
            digest: self.code_digest(&salt, &code),
            state,
        };
        store::otps::put(tx, case.pk(), purpose, &otp).await?;

        let text = text
            .replace("{code}", &code)
            .replace("{request}", &case.pk().to_string())
            .replace("{minutes}", &policy.lifetime.whole_minutes().to_string());
        let message = TextMessage {
            to: phone.as_str().to_owned(),
            text,
            code: Some(code),
        };
        let id = self.message_id();
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
        store::outbox::enqueue(tx, &queued).await?;
        Ok(())
    }

    /// Checks a code against the digest of what stands to be approved. A wrong one costs an
    /// attempt, which is committed at once; a right one is not consumed yet.
    pub(crate) async fn check_code(
        &self,
        case: &Case,
        purpose: Purpose,
        secret: &SecretString,
        standing: &[u8; 32],
    ) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let case = self.relock(&mut tx, case.pk()).await?;
        let Some(mut otp) = store::otps::get(&mut tx, case.pk(), purpose).await? else {
            return Err(Error::CodeRefused(None));
        };
        let tried = self.code_digest(&otp.salt, secret.expose_secret().trim());
        let matches = crypto::equal(&tried, &otp.digest);
        let Err(refusal) = otp.state.check(matches, standing, self.now()) else {
            return Ok(());
        };
        if refusal == OtpRefusal::Wrong {
            otp.state.miss();
            store::otps::update(&mut tx, case.pk(), purpose, &otp.state).await?;
        }
        let details = json!({ "refusal": refusal.to_string() });
        self.record(&mut tx, Actor::Client, "code-refused", Some(&case), details)
            .await?;
        if refusal == OtpRefusal::Wrong && otp.state.is_guessed() {
            let details = json!({ "opens": opened(purpose), "wrong": otp.state.failures });
            self.record(
                &mut tx,
                Actor::System,
                "codes-guessed",
                Some(&case),
                details,
            )
            .await?;
        }
        self.commit(tx).await?;
        Err(Error::CodeRefused(Some(refusal)))
    }

    /// The code was used: it opens nothing any more.
    pub(crate) async fn consume_code(
        &self,
        tx: &mut Tx,
        case: &Case,
        purpose: Purpose,
    ) -> Result<(), Error> {
        if let Some(mut otp) = store::otps::get(tx, case.pk(), purpose).await? {
            otp.state.consume();
            store::otps::update(tx, case.pk(), purpose, &otp.state).await?;
        }
        Ok(())
    }

    /// Forgets the wrong codes that were tried, so that codes are sent and accepted again.
    pub(crate) async fn forgive_guesses(
        &self,
        tx: &mut Tx,
        case: &Case,
        purpose: Purpose,
    ) -> Result<(), Error> {
        if let Some(mut otp) = store::otps::get(tx, case.pk(), purpose).await? {
            otp.state.failures = 0;
            store::otps::update(tx, case.pk(), purpose, &otp.state).await?;
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

/// What a code opens, as the audit log says it.
pub(crate) fn opened(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Sign => "signature",
        Purpose::Enrol => "enrolment",
        Purpose::Unlock => "unlocking",
        Purpose::CloudSign => "cloud-signature",
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
