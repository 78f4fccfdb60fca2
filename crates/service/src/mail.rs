//! Mails to subscribers, queued in the transaction that they tell of.

use delivery::{MailMessage, mail_context};
use store::{Channel, OutboxMessage, Tx};

use crate::case::Case;
use crate::{Error, Service};

impl Service {
    /// Queues a mail. `label` is what logs may call it.
    pub(crate) async fn queue_mail(
        &self,
        tx: &mut Tx,
        case: &Case,
        label: &str,
        message: MailMessage,
    ) -> Result<(), Error> {
        let now = self.now();
        let id = self.message_id();
        let plain = crypto::Zeroizing::new(serde_json::to_vec(&message)?);
        let queued = OutboxMessage {
            payload: self
                .master()
                .seal(&mail_context(&id), &plain, self.entropy()),
            id,
            channel: Channel::Mail,
            request: case.pk(),
            target: String::new(),
            label: label.to_owned(),
            secret: None,
            created_at: now,
            expires_at: now + self.policy().mail_lifetime,
        };
        store::outbox::enqueue(tx, &queued).await?;
        Ok(())
    }

    /// A fresh identifier for something that leaves the server.
    pub(crate) fn message_id(&self) -> String {
        format!("msg_{}", hex::encode(self.random::<16>()))
    }
}
