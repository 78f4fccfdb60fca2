//! Creating a request whose signer an officer has identified already: created and approved in one
//! call, or created at once and approved in the background.
//!
//! A refused call changes nothing. Everything that can be refused is found out before the request
//! is written; request, papers and approval then go on record in one transaction.

use base64::Engine;
use bytes::Bytes;
use model::contact::{Email, Phone};
use model::event::EventType;
use model::subject::{FieldError, IdDocumentType};
use model::{Language, RequestPk, Status, Subject, Workflow};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Attachment, AttachmentKind, Tx};

use crate::advance::Actor;
use crate::bounds::address;
use crate::case::Case;
use crate::creation::{RequestTerms, Terms};
use crate::credentials::{Credentials, VerifiedOfficer};
use crate::files::NewBlobs;
use crate::papers::BroughtEvidence;
use crate::registration::{Form, media_type};
use crate::{Error, Problems, Service, webhooks};

/// What a client brings. Absent terms fall back to the settings.
#[derive(Default)]
pub struct NewClassic {
    /// Authority, profile and environment.
    pub terms: RequestTerms,
    /// Who signs, by wire name; names that are no subject's are ignored.
    pub subject: Form,
    /// Images of the identity document and its owner, and further evidence; in place of the bytes,
    /// why their encoding could not be read.
    pub images: Vec<(AttachmentKind, Result<Bytes, String>)>,
    /// The officer who approves.
    pub credentials: Credentials,
    /// The language of the papers; the authority's where it is none of ours.
    pub language: Option<String>,
    /// Billing account; recorded, never checked.
    pub billing_username: Option<String>,
    /// Its password in base64, looked at for that and forgotten.
    pub billing_password: Option<SecretString>,
    /// Where the work in the background sends its events; `None`: everything is done at once.
    pub background: Option<Background>,
}

/// What a client wants of work in the background.
#[derive(Default)]
pub struct Background {
    /// Where this request's events go instead of the authority's target.
    pub callback: Option<String>,
}

/// A request that was created.
#[derive(Debug, Clone)]
pub struct CreatedClassic {
    /// The request's number.
    pub request: RequestPk,
    /// Where it stands.
    pub status: Status,
    /// Whether approval and signature are done in the background.
    pub asynchronous: bool,
}

/// Who approves, and when.
enum Approver {
    Now(Box<VerifiedOfficer>),
    Later(Credentials),
}

/// An image that was looked at.
struct Picture {
    kind: AttachmentKind,
    content: Bytes,
    media_type: &'static str,
}

impl Service {
    /// Creates a request and approves it: `ENROLLREADY`; in the background: `CREATED` for now.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`], [`Error::BillingCredentials`], [`Error::UnknownAuthority`],
    /// [`Error::ProfileNotAvailable`], [`Error::MissingPapers`], [`Error::IncompleteSubject`], and
    /// of the officer [`Error::IncompleteCredentials`], [`Error::UnknownToken`],
    /// [`Error::UnknownOfficer`], [`Error::WrongCredentials`], [`Error::CredentialBlocked`], the
    /// last two at once only where the approval is.
    pub async fn create_classic(&self, new: NewClassic) -> Result<CreatedClassic, Error> {
        let mut reader = self.store().read().await?;
        let defaults = self.load_settings(&mut reader).await?;
        let mut problems = Problems::default();
        let subject = read_subject(&new.subject, &mut problems);
        let terms = Terms::read(new.terms, &defaults, &mut problems);
        let callback = new
            .background
            .as_ref()
            .and_then(|it| it.callback.as_deref());
        let callback = problems.parse("callback", callback, address);
        let (Some(subject), Some(terms)) = (subject, terms) else {
            return Err(Error::Fields(problems));
        };
        problems.check()?;
        check_billing(new.billing_password.as_ref())?;
        let admitted = self.admit(&mut reader, terms).await?;
        drop(reader);
        if admitted.authority.settings.identity_images_mandatory {
            demand_images(&new.images, subject.id_document_type)?;
        }
        let images = new.images;
        let pictures = self.at_work(move |_| look_at(images)).await??;
        let approver = if new.background.is_some() {
            Approver::Later(self.spell_out(new.credentials).await?)
        } else {
            let authority = admitted.authority.id;
            let officer = self.verify_officer(new.credentials, authority).await?;
            Approver::Now(Box::new(officer))
        };

        // The papers bear the request's number, and they are drawn up before it is on record.
        let mut tx = self.store().begin().await?;
        let (workflow, status) = (Workflow::OneShotClassic, Status::Created);
        let mut case = self
            .draft_one_shot(&mut tx, workflow, status, admitted, subject)
            .await?;
        tx.commit().await?;
        case.row.asynchronous = matches!(approver, Approver::Later(_));
        case.row.webhook_url = callback.map(String::from);
        case.row.language = new.language.as_deref().and_then(Language::of_code);
        case.row.billing_username = new
            .billing_username
            .or(Some(defaults.billing.billing_username))
            .filter(|name| !name.is_empty());
        self.check_approvable(&case).await?;

        let mut blobs = NewBlobs::new(self);
        let evidence = BroughtEvidence {
            attachments: self.keep_pictures(&case, pictures, &mut blobs).await?,
            ..BroughtEvidence::default()
        };
        let attachments = evidence.attachments.clone();
        match approver {
            Approver::Now(officer) => {
                let papers = self
                    .prepare_approval(&mut case, evidence, &officer, &mut blobs)
                    .await?;
                let mut tx = self.store().begin().await?;
                self.put_classic(&mut tx, &case, attachments).await?;
                self.settle_approval(&mut tx, &mut case, papers).await?;
                self.commit(tx).await?;
            }
            Approver::Later(credentials) => {
                let mut tx = self.store().begin().await?;
                self.put_classic(&mut tx, &case, attachments).await?;
                self.queue_approval(&mut tx, &case, credentials).await?;
                self.commit_job(tx).await?;
            }
        }
        blobs.keep();
        Ok(CreatedClassic {
            request: case.pk(),
            status: case.row.status,
            asynchronous: case.row.asynchronous,
        })
    }

    /// Writes the images, for a request that is not on record yet.
    async fn keep_pictures(
        &self,
        case: &Case,
        pictures: Vec<Picture>,
        blobs: &mut NewBlobs,
    ) -> Result<Vec<Attachment>, Error> {
        let mut attachments = Vec::with_capacity(pictures.len());
        for picture in pictures {
            attachments.push(Attachment {
                // Drawn when it goes on record.
                number: 0,
                request: case.pk(),
                kind: picture.kind,
                label: None,
                file: blobs.put(&case.key, picture.content).await?,
                media_type: picture.media_type.to_owned(),
                uploaded_at: self.now(),
            });
        }
        Ok(attachments)
    }

    /// Puts the request on record, as it is before its approval.
    async fn put_classic(
        &self,
        tx: &mut Tx,
        case: &Case,
        attachments: Vec<Attachment>,
    ) -> Result<(), Error> {
        store::requests::insert(tx, &case.row).await?;
        let mut images = Vec::new();
        for mut attachment in attachments {
            attachment.number = store::sequence::next_document(tx).await?;
            store::attachments::insert(tx, &attachment).await?;
            images.push(json!({
                "kind": attachment.kind.name(),
                "sha256": hex::encode(attachment.file.sha256),
            }));
        }
        webhooks::queue(self, tx, case, EventType::RequestCreated, None).await?;
        let details = json!({
            "status": case.row.status.name(),
            "profile": case.row.profile,
            "workflow": case.row.workflow.name(),
            "asynchronous": case.row.asynchronous,
            "images": images,
        });
        self.record(tx, Actor::Client, "created", Some(case), details)
            .await
    }
}

/// What is said of a field that is there and says nothing.
pub const BLANK: &str = "This field may not be blank";

/// What may be left out of the form, so that the profile decides, but not be blank in it.
const FILLED: [&str; 3] = ["given_name", "surname_1", "serial_number"];

fn read_subject(form: &Form, problems: &mut Problems) -> Option<Subject> {
    let sent = |name: &str| form.get(name).and_then(Option::as_deref);
    let is_blank = |name: &str| sent(name).is_some_and(|text| text.trim().is_empty());
    let phone = sent("mobile_phone_number");
    let phone = problems.require("mobile_phone_number", phone, Phone::parse);
    let email = if is_blank("email") {
        problems.invalid("email", BLANK);
        None
    } else {
        problems.require("email", sent("email"), Email::parse)
    };
    for name in FILLED.into_iter().filter(|name| is_blank(name)) {
        problems.invalid(name, BLANK);
    }
    let (phone, email) = (phone?, email?);
    let mut subject = Subject::from_contact(email, phone);
    for (name, value) in form {
        let value = value.as_deref().filter(|text| !text.trim().is_empty());
        // A blank field leaves what is usual, such as the kind of document.
        let Some(value) = value else { continue };
        match subject.set(name, Some(value)) {
            Ok(()) | Err(FieldError::Unknown) => {}
            Err(FieldError::Invalid(text)) => problems.invalid(name, text),
        }
    }
    Some(subject)
}

fn check_billing(password: Option<&SecretString>) -> Result<(), Error> {
    let decodes = |password: &SecretString| {
        let text = password.expose_secret().trim();
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .is_ok()
    };
    if password.is_none_or(decodes) {
        Ok(())
    } else {
        Err(Error::BillingCredentials)
    }
}

/// Front and owner, and the rear of a document that has one.
fn demand_images(
    images: &[(AttachmentKind, Result<Bytes, String>)],
    document: Option<IdDocumentType>,
) -> Result<(), Error> {
    let has = |kind| images.iter().any(|(sent, _)| *sent == kind);
    let wants_rear = document.is_none_or(IdDocumentType::has_rear);
    if has(AttachmentKind::DocumentFront)
        && has(AttachmentKind::DocumentOwner)
        && (!wants_rear || has(AttachmentKind::DocumentRear))
    {
        Ok(())
    } else {
        Err(Error::MissingPapers)
    }
}

fn look_at(images: Vec<(AttachmentKind, Result<Bytes, String>)>) -> Result<Vec<Picture>, Error> {
    let mut problems = Problems::default();
    let mut pictures = Vec::with_capacity(images.len());
    for (kind, content) in images {
        let looked_at = content.and_then(|content| {
            let found = if kind == AttachmentKind::ExtraDocument {
                media_type(&content).ok_or_else(|| Error::ContentType.to_string())?
            } else {
                let facts = evidence::image::probe(&content);
                facts
                    .map_err(|refusal| refusal.to_string())?
                    .format
                    .media_type()
            };
            Ok((content, found))
        });
        match looked_at {
            Ok((content, media_type)) => pictures.push(Picture {
                kind,
                content,
                media_type,
            }),
            Err(text) => problems.invalid(kind.name(), text),
        }
    }
    problems.check().map(|()| pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect()
    }

    const WHOLE: [(&str, &str); 5] = [
        ("given_name", "Ana"),
        ("surname_1", "Ejemplo"),
        ("serial_number", "X0000000T"),
        ("email", "ana@example.org"),
        ("mobile_phone_number", "+34600000000"),
    ];

    #[test]
    fn a_subject_has_the_usual_document_until_the_form_says_otherwise() {
        let mut problems = Problems::default();
        let usual = read_subject(&form(&WHOLE), &mut problems).unwrap();
        assert_eq!(usual.id_document_type, Some(IdDocumentType::Idc));
        let mut fields = WHOLE.to_vec();
        fields.extend([
            ("id_document_type", "PAS"),
            ("id_document_country", " "),
            ("residence_city", "Vigo"),
            ("rao", "7"),
        ]);
        let other = read_subject(&form(&fields), &mut problems).unwrap();
        assert_eq!(other.id_document_type, Some(IdDocumentType::Pas));
        assert_eq!(other.field("id_document_country").as_deref(), Some("ES"));
        assert_eq!(other.field("residence_city").as_deref(), Some("Vigo"));
        assert_eq!(problems, Problems::default());
    }

    #[test]
    fn absent_blank_and_wrong_fields_are_told_apart_and_all_named() {
        let mut problems = Problems::default();
        let sent = form(&[
            ("surname_1", " "),
            ("email", "nobody"),
            ("serial_number", "1"),
        ]);
        assert!(read_subject(&sent, &mut problems).is_none());
        let mut expected = Problems::default();
        expected.missing("mobile_phone_number");
        expected.invalid("email", "Enter a valid email address");
        expected.invalid("surname_1", BLANK);
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_passport_has_no_rear_to_show() {
        let image = |kind| (kind, Ok(Bytes::new()));
        let shown = [
            image(AttachmentKind::DocumentFront),
            image(AttachmentKind::DocumentOwner),
        ];
        assert!(demand_images(&shown, Some(IdDocumentType::Pas)).is_ok());
        for document in [None, Some(IdDocumentType::Idc)] {
            assert!(matches!(
                demand_images(&shown, document),
                Err(Error::MissingPapers)
            ));
        }
        assert!(demand_images(&shown[..1], Some(IdDocumentType::Pas)).is_err());
    }
}
