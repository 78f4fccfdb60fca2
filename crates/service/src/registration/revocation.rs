//! The life of certificates: revoked, put on hold, brought back. OCSP and CRL follow at once.

use delivery::MailMessage;
use model::Language;
use model::authority::Act;
use model::certificate::RevocationReason;
use model::event::{EventType, WebhookFormat};
use serde_json::json;
use store::{Certificate, CertificateState, RegistrationAuthority, Tx};

use super::records::certificate_record;
use super::{Caller, CertificateRecord, Secrets};
use crate::case::Case;
use crate::{Error, Service, webhooks};

/// What to do with a request's certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Revoke for good, or suspend with [`RevocationReason::CertificateHold`].
    Revoke(RevocationReason),
    /// Lift a hold.
    Reactivate,
}

impl Revocation {
    /// The state that it leads to.
    fn target(self) -> CertificateState {
        match self {
            Revocation::Revoke(RevocationReason::CertificateHold) => CertificateState::Suspended,
            Revocation::Revoke(_) => CertificateState::Revoked,
            Revocation::Reactivate => CertificateState::Valid,
        }
    }

    /// Whether it changes a certificate in this state: nothing comes back from `Revoked`.
    fn changes(self, state: CertificateState) -> bool {
        match self.target() {
            CertificateState::Revoked => {
                matches!(state, CertificateState::Valid | CertificateState::Suspended)
            }
            CertificateState::Suspended => state == CertificateState::Valid,
            _ => state == CertificateState::Suspended,
        }
    }

    fn reason(self) -> Option<RevocationReason> {
        match self {
            Revocation::Revoke(reason) => Some(reason),
            Revocation::Reactivate => None,
        }
    }

    fn event(self) -> EventType {
        match self.target() {
            CertificateState::Revoked => EventType::CertificateRevoked,
            CertificateState::Suspended => EventType::CertificateSuspended,
            _ => EventType::CertificateActivated,
        }
    }

    /// What the audit log calls it.
    fn action(self) -> &'static str {
        match self.target() {
            CertificateState::Revoked => "certificates-revoked",
            CertificateState::Suspended => "certificates-suspended",
            _ => "certificates-reactivated",
        }
    }
}

impl Service {
    /// Acts on all certificates of a scratchcard's request. Where there is nothing to do, they are
    /// answered as they are, and nobody is told.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScratchcard`]; [`Error::WrongSecret`] for a wrong revocation code;
    /// [`Error::WrongStatus`] where no certificate was issued; [`Error::NotPermitted`].
    pub async fn revoke(
        &self,
        caller: &Caller,
        sn: &str,
        erc: &str,
        revocation: Revocation,
    ) -> Result<Vec<CertificateRecord>, Error> {
        caller.demand(Act::Handle)?;
        let (case, secrets) = self.case_of_card(caller, sn).await?;
        if !crypto::equal(secrets.erc.as_bytes(), erc.trim().as_bytes()) {
            return Err(Error::WrongSecret);
        }
        let authority = self.authority_of(&case).await?;

        let mut tx = self.store().begin().await?;
        let case = self.scoped_lock(&mut tx, caller, case.pk().0).await?;
        let standing = issued(store::certificates::of_request(&mut tx, case.pk()).await?);
        if standing.is_empty() {
            return Err(Error::WrongStatus(case.row.status));
        }
        let changed = self.set_states(&mut tx, standing, revocation).await?;
        let certificates = issued(store::certificates::of_request(&mut tx, case.pk()).await?);
        if !changed.is_empty() {
            self.announce(&mut tx, &case, &authority, revocation)
                .await?;
            let details = json!({
                "serials": changed,
                "reason": revocation.reason().map(RevocationReason::number),
            });
            let (actor, action) = (caller.actor(), revocation.action());
            self.record(&mut tx, actor, action, Some(&case), details)
                .await?;
            self.commit(tx).await?;
            self.notice_revocations().await?;
        }
        let (profile, now) = (case.profile()?.technical_name(), self.now());
        certificates
            .iter()
            .filter_map(|row| certificate_record(row, profile, now).transpose())
            .collect()
    }

    /// The request that carries a scratchcard, if the caller sees it, and the card's secrets.
    pub(super) async fn case_of_card(
        &self,
        caller: &Caller,
        sn: &str,
    ) -> Result<(Case, Secrets), Error> {
        let sn = sn.trim();
        let mut reader = self.store().read().await?;
        let card = self.secrets_of(&mut reader, sn).await?;
        let row = store::requests::by_scratchcard(&mut reader, sn).await?;
        let row = row.filter(|row| row.workflow.is_registration() && caller.sees(row.ra));
        match (card, row) {
            (Some((_, secrets)), Some(row)) => Ok((self.open(row)?, secrets)),
            _ => Err(Error::UnknownScratchcard),
        }
    }

    /// Changes what can be changed and gives the serial numbers of what was.
    async fn set_states(
        &self,
        tx: &mut Tx,
        certificates: Vec<Certificate>,
        revocation: Revocation,
    ) -> Result<Vec<String>, Error> {
        let (state, reason) = (revocation.target(), revocation.reason());
        let at = reason.map(|_| self.now());
        let mut changed = Vec::new();
        for row in certificates {
            if revocation.changes(row.state)
                && store::certificates::set_state(tx, &row.serial, state, at, reason).await?
            {
                changed.push(row.serial);
            }
        }
        Ok(changed)
    }

    /// Tells the client, where it takes events, and the subscriber.
    async fn announce(
        &self,
        tx: &mut Tx,
        case: &Case,
        authority: &RegistrationAuthority,
        revocation: Revocation,
    ) -> Result<(), Error> {
        let format = case.row.webhook_format.unwrap_or(authority.webhook_format);
        // The other form tells of changes of the request's status, and this is none.
        if format == WebhookFormat::Event {
            let status = Some(case.row.status);
            webhooks::queue(self, tx, case, revocation.event(), status).await?;
        }
        let language = self.language_of(case, authority);
        let (subject, text) = words(
            language,
            revocation,
            &case.subject.full_name(),
            &authority.name,
        );
        let message = MailMessage {
            to: case.subject.email.as_str().to_owned(),
            subject,
            text,
            html: None,
            link: None,
            attachments: Vec::new(),
        };
        self.queue_mail(tx, case, "revocation", message).await
    }
}

/// Without those that were recorded and never given out.
fn issued(mut certificates: Vec<Certificate>) -> Vec<Certificate> {
    certificates.retain(|row| row.der.is_some());
    certificates
}

/// Subject and text of the mail.
fn words(
    language: Language,
    revocation: Revocation,
    name: &str,
    authority: &str,
) -> (String, String) {
    let (greeting, subject, what, close) = match language {
        Language::English => {
            let (subject, what) = match revocation.target() {
                CertificateState::Revoked => (
                    "Your certificate has been revoked",
                    "your certificate has been revoked, for good. Signatures that you made before \
                     stay valid; the certificate can make no new ones.",
                ),
                CertificateState::Suspended => (
                    "Your certificate has been suspended",
                    "your certificate has been suspended. Until it is reactivated it cannot be \
                     used.",
                ),
                _ => (
                    "Your certificate has been reactivated",
                    "your certificate has been reactivated. It can be used again.",
                ),
            };
            let close = format!("If you did not expect this, ask {authority}.");
            (format!("Dear {name},"), subject, what, close)
        }
        Language::Spanish => {
            let (subject, what) = match revocation.target() {
                CertificateState::Revoked => (
                    "Su certificado ha sido revocado",
                    "Su certificado ha sido revocado definitivamente. Las firmas que hizo antes \
                     siguen siendo válidas; el certificado ya no puede hacer otras nuevas.",
                ),
                CertificateState::Suspended => (
                    "Su certificado ha sido suspendido",
                    "Su certificado ha sido suspendido. Hasta que se reactive no puede usarse.",
                ),
                _ => (
                    "Su certificado ha sido reactivado",
                    "Su certificado ha sido reactivado. Puede volver a usarse.",
                ),
            };
            let close = format!("Si no esperaba este mensaje, consulte a {authority}.");
            (format!("Hola, {name}:"), subject, what, close)
        }
        Language::Italian => {
            let (subject, what) = match revocation.target() {
                CertificateState::Revoked => (
                    "Il Suo certificato è stato revocato",
                    "il Suo certificato è stato revocato definitivamente. Le firme apposte prima \
                     restano valide; il certificato non può più apporne di nuove.",
                ),
                CertificateState::Suspended => (
                    "Il Suo certificato è stato sospeso",
                    "il Suo certificato è stato sospeso. Finché non sarà riattivato non può essere \
                     usato.",
                ),
                _ => (
                    "Il Suo certificato è stato riattivato",
                    "il Suo certificato è stato riattivato. Può essere usato di nuovo.",
                ),
            };
            let close = format!("Se non si aspettava questo messaggio, si rivolga a {authority}.");
            (format!("Gentile {name},"), subject, what, close)
        }
    };
    let text = format!("{greeting}\n\n{what}\n\n{close}\n");
    (subject.to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVOKE: Revocation = Revocation::Revoke(RevocationReason::KeyCompromise);
    const HOLD: Revocation = Revocation::Revoke(RevocationReason::CertificateHold);

    #[test]
    fn nothing_comes_back_from_revocation() {
        use CertificateState::{Recorded, Revoked, Suspended, Valid};
        for (revocation, changed) in [
            (REVOKE, [false, true, true, false]),
            (HOLD, [false, true, false, false]),
            (Revocation::Reactivate, [false, false, true, false]),
        ] {
            let states = [Recorded, Valid, Suspended, Revoked];
            assert_eq!(states.map(|state| revocation.changes(state)), changed);
        }
    }

    #[test]
    fn each_event_has_words_of_its_own_in_each_language() {
        let mut told = Vec::new();
        for language in Language::ALL {
            for revocation in [REVOKE, HOLD, Revocation::Reactivate] {
                let (subject, text) = words(language, revocation, "Ana Prueba", "Authority");
                assert!(
                    text.contains("Ana Prueba") && text.contains("Authority"),
                    "{text}"
                );
                assert!(!text.contains("  "), "{text}");
                told.push(subject);
            }
        }
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 9);
    }
}
