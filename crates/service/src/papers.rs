//! The papers that the server draws up: the service contract and the officer's declaration.

use blob::Content;
use contract::{
    Capacity, ContractData, ContractKind, DeclarationData, DeclarationText, EvidencePiece,
    Identification, Identity, Organisation, VideoPiece,
};
use crypto::{Hashed, SoftwareKey};
use model::evidence::Claims;
use model::profile::DEFAULT_VALIDITY_DAYS;
use model::{Language, Subject};
use serde_json::Value;
use store::{
    Attachment, EvidenceImage, EvidenceVideo, Officer, Paper, PaperKind, RegistrationAuthority,
};
use time::OffsetDateTime;

use crate::case::Case;
use crate::credentials::VerifiedOfficer;
use crate::files::NewBlobs;
use crate::pdf::{Particulars, Place, Signatory};
use crate::{Error, Service};

/// What was brought for the identification, as a declaration lists it.
#[derive(Default)]
pub(crate) struct BroughtEvidence {
    pub(crate) claims: Claims,
    pub(crate) images: Vec<EvidenceImage>,
    pub(crate) video: Option<EvidenceVideo>,
    pub(crate) attachments: Vec<Attachment>,
}

/// A paper's bytes, before and after the officer's signature.
struct Drawn {
    kind: PaperKind,
    unsigned: Content,
    approved: Content,
}

impl Service {
    /// Draws up both papers, signs them with the officer's key and stores them.
    pub(crate) async fn draw_up_papers(
        &self,
        case: &Case,
        evidence: BroughtEvidence,
        verified: &VerifiedOfficer,
        at: OffsetDateTime,
        blobs: &mut NewBlobs,
    ) -> Result<Vec<Paper>, Error> {
        let contract = self.contract_of(case, at, None).await?;
        let declaration = self
            .declaration_of(case, evidence, &verified.officer, at)
            .await?;
        let officer = verified.officer.clone();
        let key = std::sync::Arc::clone(&verified.key);

        let drawn = self
            .at_work(move |service| service.draw_up(&contract, &declaration, &officer, &key))
            .await??;

        let good_until = self.good_until(self.default_level(), None).await?;
        let [declaration, contract] = drawn;
        let files = [
            declaration.unsigned,
            declaration.approved,
            contract.unsigned,
            contract.approved,
        ];
        let files = blobs.put_all(&case.key, files).await?;
        let [declared, declaration_approved, offered, contract_approved] = files;
        let paper = |kind, unsigned, approved| Paper {
            kind,
            number: None,
            unsigned,
            approved,
            signed: None,
            good_until,
        };
        Ok(vec![
            paper(declaration.kind, declared, declaration_approved),
            paper(contract.kind, offered, contract_approved),
        ])
    }

    fn draw_up(
        &self,
        contract: &ContractData,
        declaration: &DeclarationData,
        officer: &Officer,
        key: &SoftwareKey,
    ) -> Result<[Drawn; 2], Error> {
        let renderer = &self.inner.parts.renderer;
        let failed = |error: contract::RenderError| Error::Internal(format!("a paper: {error}"));
        let name = officer_name(officer);
        let signed = |kind, pdf: Vec<u8>, reason: &str| {
            let signatory = Signatory {
                key,
                certificate: &officer.certificate,
                particulars: Particulars {
                    name: Some(name.clone()),
                    reason: Some(reason.to_owned()),
                    location: None,
                },
                level: self.default_level(),
                attributes: &[],
                tsa_url: None,
            };
            let pdf = Hashed::new(pdf.into());
            let approval = self.signer(signatory)?.sign(&pdf, &Place::default())?;
            Ok::<_, Error>(Drawn {
                kind,
                approved: Content {
                    begun: pdf.clone(),
                    rest: approval.into(),
                },
                unsigned: Content::from(pdf),
            })
        };
        let declaration = renderer.render_declaration(declaration).map_err(failed)?;
        let contract = renderer.render_contract(contract).map_err(failed)?;
        Ok([
            signed(PaperKind::Declaration, declaration, "Identity verified")?,
            signed(PaperKind::Contract, contract, "Request approved")?,
        ])
    }

    /// What the contract of a request says at a moment. `renewal_of` is the serial number of the
    /// certificate that is renewed.
    pub(crate) async fn contract_of(
        &self,
        case: &Case,
        at: OffsetDateTime,
        renewal_of: Option<String>,
    ) -> Result<ContractData, Error> {
        let authority = self.authority_of(case).await?;
        let policy = self.policy();
        let subject = &case.subject;
        let kind = if case.row.workflow.is_registration() {
            ContractKind::Lasting {
                validity_days: validity_days(case).try_into().unwrap_or(0),
                element: case.row.secure_element,
                scratchcard: case.row.scratchcard.clone(),
                identification: identification(case),
                renewable: authority.settings.renewal_enabled,
                renewal_of,
            }
        } else {
            ContractKind::OneTime {
                validity_hours: policy
                    .certificate_validity
                    .whole_hours()
                    .try_into()
                    .unwrap_or(24),
            }
        };
        Ok(ContractData {
            language: self.language_of(case, &authority),
            provider: policy.provider.clone(),
            provider_contact: None,
            registration_authority: authority.name,
            request: case.pk(),
            subject: identity(subject),
            birth_date: subject.birth_date.clone(),
            email: subject.email.as_str().to_owned(),
            mobile_phone_number: subject.field("mobile_phone_number"),
            organisation: organisation(case)?,
            profile: case.row.profile.clone(),
            kind,
            retention_years: None,
            applicable_law: policy.applicable_law.clone(),
            at,
        })
    }

    /// What was brought for a request that is on record.
    pub(crate) async fn evidence_of(&self, case: &Case) -> Result<BroughtEvidence, Error> {
        let mut reader = self.store().read().await?;
        Ok(BroughtEvidence {
            claims: self.claims(&mut reader, case).await?,
            images: store::evidence::images(&mut reader, case.pk()).await?,
            video: store::evidence::video(&mut reader, case.pk()).await?,
            attachments: store::attachments::list(&mut reader, case.pk()).await?,
        })
    }

    async fn declaration_of(
        &self,
        case: &Case,
        evidence: BroughtEvidence,
        officer: &Officer,
        at: OffsetDateTime,
    ) -> Result<DeclarationData, Error> {
        let authority = self.authority_of(case).await?;
        let BroughtEvidence {
            claims,
            images,
            video,
            attachments,
        } = evidence;
        let images = images.into_iter().map(|image| EvidencePiece {
            name: image.kind.name().to_owned(),
            media_type: image.media_type,
            size: image.size as u64,
            sha256: image.sha256,
        });
        let attachments = attachments.into_iter().map(|paper| EvidencePiece {
            name: paper.label.unwrap_or_else(|| paper.kind.name().to_owned()),
            media_type: paper.media_type,
            size: paper.file.size as u64,
            sha256: paper.file.sha256,
        });
        let checks = claims.security_checks.unwrap_or_default();
        Ok(DeclarationData {
            language: self.language_of(case, &authority),
            provider: self.policy().provider.clone(),
            registration_authority: authority.name,
            officer: contract::Officer {
                name: officer_name(officer),
                id: officer.id.to_string(),
            },
            request: case.pk(),
            subject: identity(&case.subject),
            organisation: organisation(case)?,
            identification: identification(case),
            evidence: images.chain(attachments).collect(),
            video: video.map(|video| VideoPiece {
                media_type: video.media_type,
                size: video.size as u64,
                sha256: video.sha256,
                duration_ms: video.duration_ms.map(|ms| ms as u64),
            }),
            security_checks: checks
                .into_iter()
                .map(|(name, result)| (shortened(&name), claimed(&result)))
                .take(100)
                .collect(),
            similarity_level: claims.similarity_level.as_ref().map(claimed),
            remarks: None,
            at,
        })
    }

    /// The declaration that an officer would sign, as plain text.
    pub(crate) async fn declaration_text_of(
        &self,
        case: &Case,
        officer: &Officer,
    ) -> Result<String, Error> {
        let authority = self.authority_of(case).await?;
        Ok(contract::declaration_text(&DeclarationText {
            language: self.language_of(case, &authority),
            officer: contract::Officer {
                name: officer_name(officer),
                id: officer
                    .document_number
                    .clone()
                    .unwrap_or_else(|| officer.identity.clone()),
            },
            registration_authority: authority.name,
            provider: self.policy().provider.clone(),
            provider_tax_id: None,
            request: case.pk(),
            subject: identity(&case.subject),
            email: case.subject.email.as_str().to_owned(),
            at: self.now(),
        }))
    }

    /// The language that the subscriber is spoken to in: the request's, or else its authority's.
    pub(crate) fn language_of(&self, case: &Case, authority: &RegistrationAuthority) -> Language {
        case.row.language.unwrap_or(authority.settings.language)
    }

    /// The request's registration authority.
    pub(crate) async fn authority_of(&self, case: &Case) -> Result<RegistrationAuthority, Error> {
        let mut reader = self.store().read().await?;
        store::authorities::get(&mut reader, case.row.ra)
            .await?
            .ok_or_else(|| Error::Internal("a request without its registration authority".into()))
    }
}

/// Days for which the request's certificate will be valid.
pub(crate) fn validity_days(case: &Case) -> i64 {
    case.row.validity_days.unwrap_or(DEFAULT_VALIDITY_DAYS)
}

fn identification(case: &Case) -> Identification {
    if case.row.workflow.is_filmed() {
        Identification::Filmed
    } else {
        Identification::InPerson
    }
}

/// The organisation that the certificate will name.
pub(crate) fn organisation(case: &Case) -> Result<Option<Organisation>, Error> {
    let field = |name| case.subject.field(name);
    let capacity = Capacity::of_holder(case.profile()?.holder());
    Ok(capacity
        .zip(field("organization_name"))
        .map(|(capacity, name)| Organisation {
            name,
            identifier: field("organization_identifier")
                .or_else(|| field("organization_tax_number")),
            position: field("title"),
            capacity,
        }))
}

/// An officer's full name.
pub(crate) fn officer_name(officer: &Officer) -> String {
    [
        Some(&officer.given_name),
        Some(&officer.surname_1),
        officer.surname_2.as_ref(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect::<Vec<_>>()
    .join(" ")
}

fn identity(subject: &Subject) -> Identity {
    Identity {
        full_name: subject.full_name(),
        document_type: subject.id_document_type,
        document_country: subject.id_document_country,
        document_number: subject.document_number().unwrap_or_default(),
    }
}

/// A claimed value as the declaration prints it.
fn claimed(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    }
}

/// Claims may be of any length; a line of the declaration is not.
fn shortened(text: &str) -> String {
    const LINE: usize = 80;
    if text.chars().count() <= LINE {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LINE - 1).collect();
    short.push('…');
    short
}
