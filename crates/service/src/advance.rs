//! The one place where a request changes status: row, audit entry and webhook, together.

use model::{Status, Trigger, transition};
use serde_json::{Value, json};
use store::{AuditEntry, Tx};

use crate::case::Case;
use crate::{Error, Service, webhooks};

/// Who acts, as the audit log names him.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Actor {
    /// The business application.
    Client,
    /// An officer.
    Officer(model::RaoId),
    /// An API user of a registration authority.
    User(model::UserId),
    /// The subscriber, on the pages of the enrolment.
    Subscriber,
    /// The operator at the command line.
    Operator,
    /// The server itself.
    System,
}

impl Actor {
    fn name(self) -> String {
        match self {
            Actor::Client => "client".to_owned(),
            Actor::Officer(id) => format!("officer {id}"),
            Actor::User(id) => format!("user {id}"),
            Actor::Subscriber => "subscriber".to_owned(),
            Actor::Operator => "operator".to_owned(),
            Actor::System => "system".to_owned(),
        }
    }
}

impl Service {
    /// Moves a locked request by `trigger`, or refuses and changes nothing. Comes last in a
    /// transaction: the audit log's head is everybody's.
    ///
    /// `details` goes into the audit entry beside the statuses. A webhook is queued only when the
    /// status changes: a receiver that answers each event with an update would go round for ever.
    pub(crate) async fn advance(
        &self,
        tx: &mut Tx,
        case: &mut Case,
        trigger: Trigger,
        actor: Actor,
        details: Value,
    ) -> Result<Status, Error> {
        let made = transition(case.row.status, trigger)?;
        case.row.status = made.to;
        case.row.updated_at = self.now();
        store::requests::update(tx, &case.row).await?;

        if made.from != made.to {
            webhooks::queue(self, tx, case, made.event, Some(made.from)).await?;
        }

        let mut entry = json!({
            "trigger": trigger.name(),
            "from": made.from.name(),
            "to": made.to.name(),
        });
        if let (Value::Object(entry), Value::Object(details)) = (&mut entry, details) {
            entry.extend(details);
        }
        self.record(tx, actor, "transition", Some(case), entry)
            .await?;
        Ok(made.to)
    }

    /// Appends to the audit log. `details` never carries personal data.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        actor: Actor,
        action: &str,
        case: Option<&Case>,
        details: Value,
    ) -> Result<(), Error> {
        let entry = AuditEntry {
            at: self.now(),
            actor: actor.name(),
            action: action.to_owned(),
            request: case.map(Case::pk),
            details: details.to_string(),
        };
        store::audit::append(tx, &entry).await?;
        Ok(())
    }

    /// Commits, and tells the dispatcher that something may wait.
    pub(crate) async fn commit(&self, tx: Tx) -> Result<(), Error> {
        tx.commit().await?;
        self.inner.parts.outbox.notify_one();
        Ok(())
    }
}
