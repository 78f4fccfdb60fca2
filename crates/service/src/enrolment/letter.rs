//! The mail that follows an enrolment or a renewal: the signed contract, and what its holder must
//! know to use and to revoke the certificate. Never a PIN, and never the file's password.

use delivery::{MailAttachment, MailMessage};
use model::{Language, SecureElement};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::case::Case;

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[day]/[month]/[year]");

/// What the mail tells.
pub(crate) struct Letter {
    pub(crate) language: Language,
    pub(crate) name: String,
    pub(crate) element: SecureElement,
    pub(crate) authority: String,
    pub(crate) provider: String,
    /// Number of the scratchcard: the user name.
    pub(crate) scratchcard: String,
    pub(crate) enrollment_code: String,
    pub(crate) revocation_code: String,
    pub(crate) valid_to: OffsetDateTime,
    /// Whether the certificate renews an earlier one.
    pub(crate) renewal: bool,
}

impl Letter {
    /// The mail, with the contract that goes with it; for a card also the certificate (DER), which
    /// its holder must put there.
    pub(crate) fn message(
        &self,
        case: &Case,
        contract: Vec<u8>,
        certificate: &[u8],
    ) -> MailMessage {
        let mut attachments = vec![MailAttachment {
            name: format!("contract-{}.pdf", case.pk()),
            media_type: "application/pdf".to_owned(),
            content: contract,
        }];
        if self.element == SecureElement::SmartCard {
            attachments.push(MailAttachment {
                name: format!("certificate-{}.cer", case.pk()),
                media_type: "application/pkix-cert".to_owned(),
                content: certificate.to_vec(),
            });
        }
        MailMessage {
            to: case.subject.email.as_str().to_owned(),
            subject: self.subject(),
            text: self.text(),
            html: None,
            link: None,
            attachments,
        }
    }

    fn subject(&self) -> String {
        let provider = &self.provider;
        match (self.language, self.renewal) {
            (Language::English, false) => format!("Your certificate from {provider}"),
            (Language::English, true) => format!("Your renewed certificate from {provider}"),
            (Language::Spanish, false) => format!("Su certificado de {provider}"),
            (Language::Spanish, true) => format!("Su certificado renovado de {provider}"),
            (Language::Italian, false) => format!("Il Suo certificato di {provider}"),
            (Language::Italian, true) => format!("Il Suo certificato rinnovato di {provider}"),
        }
    }

    fn text(&self) -> String {
        let Self {
            name,
            authority,
            provider,
            scratchcard,
            enrollment_code,
            revocation_code,
            ..
        } = self;
        let day = self.valid_to.format(DATE).unwrap_or_default();
        let key = self.about_the_key();
        match self.language {
            Language::English => format!(
                "Dear {name},\n\nyour certificate has been issued. It is valid until {day}. The \
                 contract that you accepted is attached.\n\n{key}\n\nUser name: {scratchcard}\n\
                 Enrollment code (password): {enrollment_code}\n\nIf you lose your key, or if \
                 somebody else may use it, have the certificate revoked at once: tell {authority} \
                 the user name and this code.\nRevocation code: {revocation_code}\n\nKeep this mail \
                 safe, and show the codes to nobody else.\n\n{provider}\n"
            ),
            Language::Spanish => format!(
                "Hola, {name}:\n\nSu certificado ha sido emitido. Es válido hasta el {day}. Se \
                 adjunta el contrato que usted aceptó.\n\n{key}\n\nUsuario: {scratchcard}\nCódigo \
                 de activación (contraseña): {enrollment_code}\n\nSi pierde su clave, o si otra \
                 persona pudiera usarla, haga revocar el certificado de inmediato: comunique a \
                 {authority} el usuario y este código.\nCódigo de revocación: {revocation_code}\n\n\
                 Guarde este mensaje en un lugar seguro y no muestre los códigos a nadie más.\n\n\
                 {provider}\n"
            ),
            Language::Italian => format!(
                "Gentile {name},\n\nil Suo certificato è stato emesso. È valido fino al {day}. In \
                 allegato trova il contratto che ha accettato.\n\n{key}\n\nNome utente: \
                 {scratchcard}\nCodice di attivazione (password): {enrollment_code}\n\nSe perde la \
                 chiave, o se qualcun altro potrebbe usarla, faccia revocare subito il certificato: \
                 comunichi a {authority} il nome utente e questo codice.\nCodice di revoca: \
                 {revocation_code}\n\nConservi questo messaggio in un luogo sicuro e non mostri i \
                 codici a nessun altro.\n\n{provider}\n"
            ),
        }
    }

    /// Where the key is, and what it takes to use it.
    fn about_the_key(&self) -> &'static str {
        match (self.language, self.element) {
            (Language::English, SecureElement::Cloud) => {
                "We keep your key under the PIN that you chose. To sign you need your user name, \
                 your password, that PIN and a code that we send to your telephone. We do not \
                 know the PIN."
            }
            (Language::English, SecureElement::Software) => {
                "Your key is in a file that is handed out once, under the password that you chose. \
                 From then on we have neither of them."
            }
            (Language::English, SecureElement::SmartCard) => {
                "Your key is on your own card or token and never leaves it. The certificate that \
                 belongs on it is attached."
            }
            (Language::Spanish, SecureElement::Cloud) => {
                "Custodiamos su clave bajo el PIN que usted eligió. Para firmar necesita el \
                 usuario, la contraseña, ese PIN y un código que enviamos a su teléfono. No \
                 conocemos el PIN."
            }
            (Language::Spanish, SecureElement::Software) => {
                "Su clave está en un archivo que se entrega una sola vez, bajo la contraseña que \
                 usted eligió. A partir de entonces no conservamos ninguno de los dos."
            }
            (Language::Spanish, SecureElement::SmartCard) => {
                "Su clave está en su propia tarjeta o dispositivo y nunca sale de él. Se adjunta el \
                 certificado que debe instalarse en él."
            }
            (Language::Italian, SecureElement::Cloud) => {
                "Custodiamo la Sua chiave sotto il PIN che ha scelto. Per firmare servono il nome \
                 utente, la password, quel PIN e un codice che inviamo al Suo telefono. Non \
                 conosciamo il PIN."
            }
            (Language::Italian, SecureElement::Software) => {
                "La Sua chiave è in un file che viene consegnato una sola volta, sotto la password \
                 che ha scelto. Da quel momento non conserviamo né l’uno né l’altra."
            }
            (Language::Italian, SecureElement::SmartCard) => {
                "La Sua chiave è sulla Sua carta o sul Suo dispositivo e non ne esce mai. In allegato \
                 trova il certificato da installarvi."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn every_letter_tells_how_to_use_and_to_revoke() {
        let mut texts = Vec::new();
        for language in Language::ALL {
            for element in SecureElement::ALL {
                for renewal in [false, true] {
                    let letter = Letter {
                        language,
                        name: "Ana Prueba".to_owned(),
                        element,
                        authority: "Authority".to_owned(),
                        provider: "Provider".to_owned(),
                        scratchcard: "7000001".to_owned(),
                        enrollment_code: "aB3:d,9_".to_owned(),
                        revocation_code: "0123456789".to_owned(),
                        valid_to: datetime!(2028-02-01 11:54:59 UTC),
                        renewal,
                    };
                    let text = letter.text();
                    for part in [
                        "Ana Prueba",
                        "7000001",
                        "aB3:d,9_",
                        "0123456789",
                        "01/02/2028",
                    ] {
                        assert!(text.contains(part), "{part}: {text}");
                    }
                    assert!(!text.contains("  "), "{text}");
                    texts.push(letter.subject() + &text);
                }
            }
        }
        let all = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all, "no two of them are alike");
    }
}
