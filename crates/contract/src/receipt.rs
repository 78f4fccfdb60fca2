//! The officer's declaration as plain text, for clients that show it before it is signed.

use std::fmt;

use model::subject::IdDocumentType;
use model::{Language, RequestPk};
use time::OffsetDateTime;

use crate::text::plain;
use crate::{Identity, Officer};

/// What the plain-text declaration says.
#[derive(Clone)]
pub struct DeclarationText {
    /// The language of the text.
    pub language: Language,
    /// Who declares.
    pub officer: Officer,
    /// The registration authority on whose behalf the officer acts.
    pub registration_authority: String,
    /// The organisation that issues the certificate.
    pub provider: String,
    /// The provider's tax number, if known.
    pub provider_tax_id: Option<String>,
    /// The request that was reviewed.
    pub request: RequestPk,
    /// Who was identified.
    pub subject: Identity,
    /// The subscriber's e-mail address.
    pub email: String,
    /// When the text was drawn up.
    pub at: OffsetDateTime,
}

impl fmt::Debug for DeclarationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeclarationText(…)")
    }
}

/// The declaration as plain text: lines end with CRLF, and what comes from people stays within
/// its line.
pub fn declaration_text(data: &DeclarationText) -> String {
    let words = words(data);
    let subject = &data.subject;
    let document = [
        subject.document_type.map(IdDocumentType::name),
        Some(subject.document_number.as_str()),
    ];
    let document: Vec<&str> = document.into_iter().flatten().collect();
    let at = data.at.to_offset(time::UtcOffset::UTC);
    let (hour, minute) = (at.hour(), at.minute());
    let facts = [
        data.request.to_string(),
        subject.full_name.clone(),
        document.join(" "),
        data.email.clone(),
        format!("{} {hour:02}:{minute:02} UTC", at.date()),
    ];

    let facts = words.labels.iter().zip(&facts);
    let facts = facts.map(|(label, fact)| format!("{label}: {}", plain(fact)));
    let mut lines = vec![words.title.to_owned(), String::new()];
    lines.extend(words.statement.iter().map(|sentence| plain(sentence)));
    lines.push(String::new());
    lines.extend(facts);
    lines.push(String::new());
    lines.push(format!("{}: ____________________", words.signature));
    lines.into_iter().map(|line| line + "\r\n").collect()
}

struct Words {
    title: &'static str,
    /// Each on a line of its own.
    statement: [String; 2],
    /// Of the request, the subscriber, the document, the address and the date.
    labels: [&'static str; 5],
    signature: &'static str,
}

fn words(data: &DeclarationText) -> Words {
    let (Officer { name, id }, authority) = (&data.officer, &data.registration_authority);
    let provider = |tax_number: &str| match &data.provider_tax_id {
        Some(number) => format!("{} ({tax_number} {number})", data.provider),
        None => data.provider.clone(),
    };
    match data.language {
        Language::English => Words {
            title: "DECLARATION OF THE REGISTRATION AUTHORITY OFFICER",
            statement: [
                format!(
                    "{name}, with identification number {id}, officer of {authority}, acting for \
                     the provider of trust services {},",
                    provider("tax number"),
                ),
                "declares that the identity of the subscriber and the data of the request below \
                 have been verified in accordance with the provider's certification practice \
                 statement, and approves the request."
                    .to_owned(),
            ],
            labels: ["Request", "Subscriber", "Document", "E-mail", "Date"],
            signature: "Signature of the officer",
        },
        Language::Spanish => Words {
            title: "DECLARACIÓN DEL OPERADOR DE LA AUTORIDAD DE REGISTRO",
            statement: [
                format!(
                    "{name}, con número de identificación {id}, operador de {authority}, que actúa \
                     por cuenta del prestador de servicios de confianza {},",
                    provider("NIF"),
                ),
                "declara que la identidad del suscriptor y los datos de la solicitud que figuran a \
                 continuación se han verificado conforme a la declaración de prácticas de \
                 certificación del prestador, y aprueba la solicitud."
                    .to_owned(),
            ],
            labels: ["Solicitud", "Suscriptor", "Documento", "Correo electrónico", "Fecha"],
            signature: "Firma del operador",
        },
        Language::Italian => Words {
            title: "DICHIARAZIONE DELL’OPERATORE DELL’AUTORITÀ DI REGISTRAZIONE",
            statement: [
                format!(
                    "{name}, con numero di identificazione {id}, operatore di {authority}, che \
                     agisce per conto del prestatore di servizi fiduciari {},",
                    provider("codice fiscale"),
                ),
                "dichiara che l’identità del titolare e i dati della richiesta riportati di seguito \
                 sono stati verificati secondo il manuale operativo del prestatore, e approva la \
                 richiesta."
                    .to_owned(),
            ],
            labels: ["Richiesta", "Titolare", "Documento", "E-mail", "Data"],
            signature: "Firma dell’operatore",
        },
    }
}

#[cfg(test)]
mod tests {
    use model::contact::Country;
    use time::macros::datetime;

    use super::*;

    fn data(language: Language) -> DeclarationText {
        DeclarationText {
            language,
            officer: Officer {
                name: "Ólafur Βασιλείου".to_owned(),
                id: "11111111H".to_owned(),
            },
            registration_authority: "Registration Authority One".to_owned(),
            provider: "Avouch Demonstration Trust Services".to_owned(),
            provider_tax_id: Some("B00000000".to_owned()),
            request: RequestPk(50_231),
            subject: Identity {
                full_name: "Ana María 李".to_owned(),
                document_type: Some(IdDocumentType::Idc),
                document_country: Some(Country::SPAIN),
                document_number: "00000000T".to_owned(),
            },
            email: "ana@customer.example".to_owned(),
            at: datetime!(2026-11-22 10:05:30 UTC),
        }
    }

    #[test]
    fn every_language_names_who_declares_what_about_whom() {
        let texts = Language::ALL.map(|language| declaration_text(&data(language)));
        for text in &texts {
            for part in [
                "Ólafur Βασιλείου",
                "11111111H",
                "Registration Authority One",
                "Avouch Demonstration Trust Services",
                "B00000000",
                ": 50231\r\n",
                ": Ana María 李\r\n",
                ": IDC 00000000T\r\n",
                ": ana@customer.example\r\n",
                ": 2026-11-22 10:05 UTC\r\n",
                ": ____________________\r\n",
            ] {
                assert!(text.contains(part), "{part:?} is not in\n{text}");
            }
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        }
        assert!(texts[0].contains("practice statement"));
        assert!(texts[1].contains("declaración de prácticas"));
        assert!(texts[2].contains("manuale operativo"));
    }

    #[test]
    fn the_tax_number_may_be_missing() {
        let mut data = data(Language::English);
        data.provider_tax_id = None;
        let text = declaration_text(&data);
        assert!(text.contains("Trust Services,\r\n"), "{text}");
        assert!(!text.contains("tax number"), "{text}");
    }

    #[test]
    fn no_name_begins_a_line() {
        let honest = declaration_text(&data(Language::English));
        let mut forged = data(Language::English);
        forged.subject.full_name = "Ana\r\nRequest: 1\u{2028}E-mail: x\u{202e}".to_owned();
        forged.officer.name = "Officer\nE-mail: x".to_owned();
        let forged = declaration_text(&forged);
        assert_eq!(forged.lines().count(), honest.lines().count());
        assert!(
            forged.contains("Subscriber: Ana Request: 1 E-mail: x\r\n"),
            "{forged}"
        );
    }
}
