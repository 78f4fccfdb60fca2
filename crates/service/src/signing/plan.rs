//! Everything that an act of signing needs, gathered and checked before a certificate is issued.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::{Hashed, SigningKey};
use model::{HashDescriptor, Level};
use pades::{Appearance, FieldTarget, Layout, PdfError, Picture, Rect, WantedPlace};
use pki::CertificateFacts;
use store::{Document, DocumentKind, Paper, StoredFile};
use time::OffsetDateTime;

use super::Standing;
use super::order::{AppearanceOrder, Countersignature, PictureOrder, SignOrder, TextOrder};
use super::visible::{self, Values};
use crate::case::Case;
use crate::pdf::{FIELD, Particulars, Place};
use crate::trust::issuing;
use crate::{Error, Problems, Service};

/// One act of signing, ready to go.
pub(super) struct Plan {
    case: Case,
    rows: Vec<Document>,
    work: Vec<Work>,
    pub(super) contract: Paper,
    level: Level,
    field_name: Option<String>,
    particulars: Particulars,
    email: String,
    attributes: Vec<Vec<u8>>,
    countersigner: Option<Countersigner>,
    tsa_url: Option<String>,
    at: OffsetDateTime,
}

/// What is signed.
pub(super) enum Work {
    /// A PDF, which carries its signature.
    Pdf(Box<PdfWork>),
    /// A digest of something that we never saw.
    Hash(HashDescriptor),
}

/// One PDF.
pub(super) struct PdfWork {
    file_name: String,
    file: StoredFile,
    /// Read last, when nothing else is in the way.
    pub(super) content: Hashed,
    look: Option<Look>,
    pub(super) countersigned: bool,
}

/// How a signature shows, with its picture in hand.
struct Look {
    order: AppearanceOrder,
    picture: Option<Picture>,
    /// What the door calls this appearance.
    name: &'static str,
}

/// The second of two who sign.
pub(super) struct Countersigner {
    pub(super) key: Arc<dyn SigningKey>,
    pub(super) certificate: Vec<u8>,
    pub(super) name: String,
    email: String,
    look: Option<Look>,
}

impl Service {
    /// Gathers what `order` is about and finds out what is wrong with it.
    pub(super) async fn plan(&self, standing: Standing, order: SignOrder) -> Result<Plan, Error> {
        let Standing {
            case,
            documents: rows,
            contract,
            level,
            ..
        } = standing;
        complete(&rows, &order)?;
        let metadata = match &order.metadata {
            Some(uid) => Some(
                self.named_metadata(uid)
                    .await?
                    .ok_or(Error::UnknownMetadata)?,
            ),
            None => None,
        };
        let mut lost = Vec::new();
        let mut work = Vec::with_capacity(rows.len());
        for row in &rows {
            match &row.kind {
                DocumentKind::Hash(descriptor) => work.push(Work::Hash(descriptor.clone())),
                DocumentKind::Pdf => {
                    let Some(file) = &row.original else { continue };
                    let (look, countersigned) = match order.options.get(&row.uid.to_string()) {
                        Some(own) => (Some((&own.appearance, "options")), own.countersigned),
                        None => {
                            let common = order.appearance.as_ref();
                            (common.map(|look| (look, "signature.appearance")), false)
                        }
                    };
                    let look = match look {
                        Some((look, name)) => match self.look(look, name).await? {
                            Ok(look) => Some(look),
                            Err(image) => {
                                lost.push((row.uid, image));
                                None
                            }
                        },
                        None => None,
                    };
                    work.push(Work::Pdf(Box::new(PdfWork {
                        file_name: row.file_name.clone(),
                        file: file.clone(),
                        content: Hashed::default(),
                        look,
                        countersigned,
                    })));
                }
            }
        }
        if !lost.is_empty() {
            return Err(Error::UnknownImages(lost));
        }
        let countersigner = match order.countersignature {
            Some(countersignature) => Some(self.countersigner(countersignature).await?),
            None => None,
        };
        let mut plan = Plan {
            work,
            contract,
            level: order.level.unwrap_or(level),
            field_name: order.field_name,
            particulars: Particulars {
                name: Some(case.subject.full_name()),
                reason: order.reason,
                location: order.location,
            },
            email: case.subject.email.as_str().to_owned(),
            attributes: metadata.into_iter().collect(),
            countersigner,
            tsa_url: order.tsa_url,
            at: self.now(),
            rows,
            case,
        };
        let reads_files = plan.work.iter().any(|work| matches!(work, Work::Pdf(_)));
        self.at_light_work_if(reads_files || self.asks_others(), move |service| {
            plan.read_files(service)?;
            plan.rehearse()?;
            service.time_source(plan.tsa_url())?.get_ready(plan.level)?;
            Ok(plan)
        })
        .await?
    }

    /// The look that was ordered, or the identifier of an image that there is not.
    async fn look(
        &self,
        order: &AppearanceOrder,
        name: &'static str,
    ) -> Result<Result<Look, String>, Error> {
        let bytes = match &order.picture {
            None => None,
            Some(PictureOrder::QrCode(address)) => {
                let picture = Picture::qr(address)
                    .map_err(|error| unusable(name, "qrcode", &error.to_string()))?;
                return Ok(Ok(Look {
                    order: order.clone(),
                    picture: Some(picture),
                    name,
                }));
            }
            Some(PictureOrder::Inline(bytes)) => Some(bytes.clone()),
            Some(PictureOrder::Uploaded(uid)) => match self.named_picture(uid).await? {
                Some(bytes) => Some(bytes),
                None => return Ok(Err(shortened(uid))),
            },
            Some(PictureOrder::Named(text)) => match self.named_picture(text).await? {
                Some(bytes) => Some(bytes),
                None => match STANDARD.decode(text.trim()) {
                    Ok(bytes) if bytes.len() > 16 => Some(bytes),
                    _ => return Ok(Err(shortened(text))),
                },
            },
        };
        let picture = match bytes {
            Some(bytes) => Some(
                self.at_work(move |_| Picture::read(&bytes))
                    .await?
                    .map_err(|error| unusable(name, "image", &error.to_string()))?,
            ),
            None => None,
        };
        Ok(Ok(Look {
            order: order.clone(),
            picture,
            name,
        }))
    }

    /// Unlocks the key of the second signer.
    async fn countersigner(&self, order: Countersignature) -> Result<Countersigner, Error> {
        let Countersignature {
            username,
            password,
            pin,
            appearance,
        } = order;
        let wrong = |error| match error {
            Error::WrongCredentials | Error::CredentialBlocked => Error::WrongCountersigner,
            other => other,
        };
        let holder = self
            .unlock_holder(username.trim(), &password, &pin)
            .await
            .map_err(wrong)?;
        let look =
            match &appearance {
                Some(look) => Some(self.look(look, "countersignature").await?.map_err(|_| {
                    unusable("countersignature", "image", "there is no such image")
                })?),
                None => None,
            };
        let facts = CertificateFacts::read(&holder.certificate).map_err(issuing)?;
        Ok(Countersigner {
            key: holder.key,
            name: facts.common_name,
            email: holder.email,
            certificate: holder.certificate,
            look,
        })
    }
}

impl Plan {
    pub(super) fn case(&self) -> &Case {
        &self.case
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn work(&self) -> &[Work] {
        &self.work
    }

    pub(super) fn documents(&self) -> &[Document] {
        &self.rows
    }

    pub(super) fn particulars(&self) -> Particulars {
        self.particulars.clone()
    }

    pub(super) fn attributes(&self) -> &[Vec<u8>] {
        &self.attributes
    }

    pub(super) fn tsa_url(&self) -> Option<&str> {
        self.tsa_url.as_deref()
    }

    pub(super) fn countersigner(&self) -> Option<&Countersigner> {
        self.countersigner.as_ref()
    }

    /// What placeholders stand for, with the signer's certificate (DER).
    pub(super) fn values(&self, certificate: &[u8]) -> Result<Values, Error> {
        let mut values = self.own_values();
        let shows = |work: &Work| matches!(work, Work::Pdf(pdf) if pdf.look.is_some());
        if self.work.iter().any(shows) {
            let facts = CertificateFacts::read(certificate).map_err(issuing)?;
            values.subject = facts.subject();
        }
        Ok(values)
    }

    fn own_values(&self) -> Values {
        let name = self.particulars.name.clone().unwrap_or_default();
        Values {
            common_name: name.clone(),
            subject: name,
            email: self.email.clone(),
            location: self.particulars.location.clone().unwrap_or_default(),
            at: self.at,
        }
    }

    /// Where and how the second signature stands.
    pub(super) fn second_place(&self, values: &Values) -> Result<Place, Error> {
        let Some(second) = &self.countersigner else {
            return Ok(Place::default());
        };
        let facts = CertificateFacts::read(&second.certificate).map_err(issuing)?;
        let values = Values {
            common_name: second.name.clone(),
            subject: facts.subject(),
            email: second.email.clone(),
            location: values.location.clone(),
            at: values.at,
        };
        Ok(Place {
            field_name: None,
            appearance: appearance(second.look.as_ref(), &values)?,
        })
    }

    fn read_files(&mut self, service: &Service) -> Result<(), Error> {
        for work in &mut self.work {
            if let Work::Pdf(pdf) = work {
                pdf.content = service.fetch_here(&self.case.key, &pdf.file)?;
            }
        }
        Ok(())
    }

    /// Finds out whether every PDF takes the signatures that it is to have, where and as they are to
    /// be seen.
    fn rehearse(&self) -> Result<(), Error> {
        let values = self.own_values();
        for work in &self.work {
            if let Work::Pdf(pdf) = work {
                let first = pdf.place(self, &values)?;
                let second = match pdf.countersigned {
                    true => Some(self.second_place(&values)?),
                    false => None,
                };
                let reason = self.particulars.reason.as_deref();
                pdf.find_places(&first, reason, second.as_ref())
                    .map_err(|reason| pdf.refused(reason))?;
            }
        }
        Ok(())
    }
}

impl PdfWork {
    /// Where and how the signature stands in this file.
    pub(super) fn place(&self, plan: &Plan, values: &Values) -> Result<Place, Error> {
        Ok(Place {
            field_name: plan.field_name.clone(),
            appearance: appearance(self.look.as_ref(), values)?,
        })
    }

    /// Whether the file has places for both signatures, of which the first gives a reason.
    fn find_places(
        &self,
        first: &Place,
        reason: Option<&str>,
        second: Option<&Place>,
    ) -> Result<(), PdfError> {
        let own = FieldTarget::New(FIELD.to_owned());
        first.with_field(|field| {
            let mut wanted = vec![WantedPlace {
                field: &field,
                reason,
                appearance: first.appearance.as_ref(),
            }];
            wanted.extend(second.map(|second| WantedPlace {
                field: &own,
                reason: None,
                appearance: second.appearance.as_ref(),
            }));
            pades::find_places(self.content.bytes(), &wanted)
        })
    }

    /// What the caller is told of a file that cannot be signed so.
    pub(super) fn refused(&self, reason: PdfError) -> Error {
        let member = match reason {
            PdfError::PageOutOfRange { .. } => "page",
            PdfError::BoxEmpty | PdfError::BoxOutside { .. } => "position",
            reason => {
                return Error::NotSignable {
                    file_name: self.file_name.clone(),
                    reason,
                };
            }
        };
        let within = self.look.as_ref().map_or("appearance", |look| look.name);
        unusable(within, member, &reason.to_string())
    }
}

fn appearance(look: Option<&Look>, values: &Values) -> Result<Option<Appearance>, Error> {
    let Some(look) = look else {
        return Ok(None);
    };
    let order = &look.order;
    let lines = lines(&order.text, look, values)?;
    let [x1, y1, x2, y2] = order.rect;
    Ok(Some(Appearance {
        page: order.page,
        rect: Rect { x1, y1, x2, y2 },
        lines,
        picture: look.picture.clone(),
        layout: match order.beside {
            true => Layout::Beside,
            false => Layout::Behind,
        },
    }))
}

fn lines(text: &TextOrder, look: &Look, values: &Values) -> Result<Vec<String>, Error> {
    visible::lines(text, look.picture.is_some(), values).map_err(|what| {
        let mut problems = Problems::default();
        problems.invalid(look.name, what);
        Error::Fields(problems)
    })
}

/// Whether every document is there, and every one that the order names.
fn complete(rows: &[Document], order: &SignOrder) -> Result<(), Error> {
    let lost = rows
        .iter()
        .filter(|row| row.kind == DocumentKind::Pdf && row.original.is_none())
        .map(|row| row.uid.to_string());
    let unknown = order
        .options
        .keys()
        .filter(|uid| !rows.iter().any(|row| row.uid.to_string() == **uid))
        .map(|uid| shortened(uid));
    let missing: Vec<_> = lost.chain(unknown).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::LostDocuments(missing))
    }
}

fn unusable(within: &str, member: &str, what: &str) -> Error {
    let mut problems = Problems::default();
    problems.invalid(format!("{within}.{member}"), what);
    Error::Fields(problems)
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
