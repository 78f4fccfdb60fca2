//! The way to the subscriber's enrolment: the link, and the mail that carries it.

use delivery::MailMessage;
use model::otp::Purpose;
use model::{Language, Status};
use store::{Enrolment, Tx};

use super::Caller;
use crate::advance::Actor;
use crate::case::Case;
use crate::{Error, Service};

/// What the link's token is sealed for, under the request's data key.
const TOKEN: &str = "enrolment-token";

impl Service {
    /// Makes a new link for a locked request; an earlier one opens nothing any more, and the codes
    /// that were guessed at behind it count no longer. Gives the token: 32 hexadecimal digits.
    async fn put_link(&self, tx: &mut Tx, case: &Case) -> Result<String, Error> {
        let token = hex::encode(self.random::<16>());
        let now = self.now();
        let row = Enrolment {
            request: case.pk(),
            token_digest: crypto::sha256(token.as_bytes()),
            token: case.seal(self, TOKEN, &token)?,
            created_at: now,
            expires_at: now + self.policy().link_lifetime,
            device: None,
            device_until: None,
            completed_at: None,
            pickup: None,
        };
        store::enrolments::put(tx, &row).await?;
        self.forgive_guesses(tx, case, Purpose::Enrol).await?;
        Ok(token)
    }

    fn enrolment_url(&self, token: &str) -> String {
        format!("{}/lcmpl/enrollment/auth/{token}", self.policy().public_url)
    }

    /// Makes the link and queues the mail that carries it, in the transaction of the approval.
    pub(crate) async fn invite(&self, tx: &mut Tx, case: &Case) -> Result<(), Error> {
        let authority = store::authorities::get(tx, case.row.ra)
            .await?
            .ok_or(Error::UnknownAuthority)?;
        let language = self.language_of(case, &authority);
        let link = self.enrolment_url(&self.put_link(tx, case).await?);
        let card = self.secrets_of(tx, &case.row.scratchcard).await?;
        let days = self.policy().link_lifetime.whole_days();
        let invitation = Invitation {
            name: &case.subject.full_name(),
            authority: &authority.name,
            provider: &self.policy().provider,
            link: &link,
            days,
            username: &case.row.scratchcard,
            enrollment_code: card
                .as_ref()
                .map(|(_, secrets)| secrets.enrollment_code.as_str()),
        };
        let (subject, text) = invitation.words(language);
        let message = MailMessage {
            to: case.subject.email.as_str().to_owned(),
            subject,
            text,
            html: Some(invitation.html(language)),
            link: Some(link.clone()),
            attachments: Vec::new(),
        };
        self.queue_mail(tx, case, "invitation", message).await
    }

    /// The address at which the subscriber enrols; with `renew`, or where none is out that still
    /// opens, a new one, and the old one opens nothing any more.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::NotPermitted`].
    pub async fn enrolment_link(
        &self,
        caller: &Caller,
        id: i64,
        renew: bool,
    ) -> Result<String, Error> {
        caller.demand(model::authority::Act::Handle)?;
        let mut tx = self.store().begin().await?;
        let case = self.scoped_lock(&mut tx, caller, id).await?;
        if case.row.status != Status::EnrollReady {
            return Err(Error::WrongStatus(case.row.status));
        }
        let standing = store::enrolments::get(&mut tx, case.pk()).await?;
        if let Some(row) = standing.filter(|row| !renew && self.now() < row.expires_at) {
            return Ok(self.enrolment_url(&case.unseal::<String>(TOKEN, &row.token)?));
        }
        let token = self.put_link(&mut tx, &case).await?;
        let actor: Actor = caller.actor();
        self.record(
            &mut tx,
            actor,
            "link-made",
            Some(&case),
            serde_json::json!({}),
        )
        .await?;
        self.commit(tx).await?;
        Ok(self.enrolment_url(&token))
    }
}

/// What the mail tells.
struct Invitation<'a> {
    name: &'a str,
    authority: &'a str,
    provider: &'a str,
    link: &'a str,
    days: i64,
    username: &'a str,
    enrollment_code: Option<&'a str>,
}

impl Invitation<'_> {
    /// Subject and text.
    fn words(&self, language: Language) -> (String, String) {
        let Self {
            name,
            authority,
            provider,
            link,
            days,
            ..
        } = self;
        let (subject, text) = match language {
            Language::English => (
                format!("Your certificate from {provider} is ready to be issued"),
                format!(
                    "Dear {name},\n\n{authority} has verified your identity. Open this address to \
                     read the contract and have your certificate issued:\n\n{link}\n\nYou need \
                     the telephone whose number you gave. The address is for you alone, works \
                     once, and for {days} days.\n"
                ),
            ),
            Language::Spanish => (
                format!("Su certificado de {provider} está listo para ser emitido"),
                format!(
                    "Hola, {name}:\n\n{authority} ha verificado su identidad. Abra esta dirección \
                     para leer el contrato y obtener su certificado:\n\n{link}\n\nNecesitará el \
                     teléfono cuyo número facilitó. La dirección es solo para usted, sirve una \
                     sola vez y durante {days} días.\n"
                ),
            ),
            Language::Italian => (
                format!("Il Suo certificato di {provider} è pronto per l’emissione"),
                format!(
                    "Gentile {name},\n\n{authority} ha verificato la Sua identità. Apra questo \
                     indirizzo per leggere il contratto e ottenere il certificato:\n\n{link}\n\n\
                     Le servirà il telefono di cui ha indicato il numero. L’indirizzo è riservato \
                     a Lei, vale una sola volta e per {days} giorni.\n"
                ),
            ),
        };
        (subject, text + &self.credentials(language))
    }

    /// The lines that tell the user name and the enrollment code.
    fn credentials(&self, language: Language) -> String {
        let Some(code) = self.enrollment_code else {
            return String::new();
        };
        let name = self.username;
        match language {
            Language::English => format!(
                "\nKeep these for the use of the certificate:\nUser name: {name}\n\
                 Enrollment code (password): {code}\n"
            ),
            Language::Spanish => format!(
                "\nConserve estos datos para usar el certificado:\nUsuario: {name}\n\
                 Código de activación (contraseña): {code}\n"
            ),
            Language::Italian => format!(
                "\nConservi questi dati per usare il certificato:\nNome utente: {name}\n\
                 Codice di attivazione (password): {code}\n"
            ),
        }
    }

    /// The text as simple HTML, with the link as a button.
    fn html(&self, language: Language) -> String {
        let button = match language {
            Language::English => "Read the contract and get the certificate",
            Language::Spanish => "Leer el contrato y obtener el certificado",
            Language::Italian => "Leggere il contratto e ottenere il certificato",
        };
        let (subject, text) = self.words(language);
        let link = escaped(self.link);
        let paragraph = |part: &str| {
            let part = escaped(part.trim()).replace('\n', "<br>");
            if part == link {
                format!(
                    "<p><a href=\"{link}\" style=\"display:inline-block;padding:12px 20px;\
                     background:#0b4f8a;color:#ffffff;text-decoration:none;border-radius:6px\">\
                     {button}</a></p><p>{link}</p>"
                )
            } else {
                format!("<p>{part}</p>")
            }
        };
        let body: String = text.trim().split("\n\n").map(paragraph).collect();
        format!(
            "<!DOCTYPE html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{}</title>\
             </head><body style=\"font-family:sans-serif;line-height:1.5;color:#1b1f24\">{body}</body>\
             </html>",
            escaped(&subject)
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text_and_the_link_becomes_a_button() {
        let invitation = Invitation {
            name: "<b>Ana</b>",
            authority: "A & B",
            provider: "Provider",
            link: "https://example.org/lcmpl/enrollment/auth/00ff",
            days: 15,
            username: "7000001",
            enrollment_code: Some("aB3:d,9_"),
        };
        for language in Language::ALL {
            let html = invitation.html(language);
            assert!(
                !html.contains("<b>") && html.contains("A &amp; B"),
                "{html}"
            );
            assert!(html.contains("href=\"https://example.org/lcmpl/enrollment/auth/00ff\""));
            let (_, text) = invitation.words(language);
            assert!(text.contains("\nhttps://example.org/lcmpl/enrollment/auth/00ff\n"));
            assert!(text.contains("7000001") && text.contains("aB3:d,9_"));
        }
    }
}
