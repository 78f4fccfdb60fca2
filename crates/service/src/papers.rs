//! The papers that the server draws up: the service contract and the officer's declaration.

use bytes::Bytes;
use contract::{ContractData, DeclarationData, EvidencePiece, Identity, Language, VideoPiece};
use crypto::SoftwareKey;
use model::Subject;
use serde_json::Value;
use store::{Officer, Paper, PaperKind};

use crate::case::Case;
use crate::credentials::VerifiedOfficer;
use crate::files::NewBlobs;
use crate::pdf::{Particulars, Signatory};
use crate::{Error, Service};

/// A paper's bytes, before and after the officer's signature.
struct Drawn {
    kind: PaperKind,
    unsigned: Bytes,
    approved: Bytes,
}

impl Service {
    /// Draws up both papers, signs them with the officer's key and stores them.
    pub(crate) async fn draw_up_papers(
        &self,
        case: &Case,
        verified: &VerifiedOfficer,
        blobs: &mut NewBlobs,
    ) -> Result<Vec<Paper>, Error> {
        let contract = self.contract_data(case, &verified.officer).await?;
        let declaration = self.declaration_data(case, &verified.officer).await?;
        let officer = verified.officer.clone();
        let key = std::sync::Arc::clone(&verified.key);

        let drawn = self
            .at_work(move |service| service.draw_up(&contract, &declaration, &officer, &key))
            .await??;

        let mut papers = Vec::with_capacity(drawn.len());
        for Drawn {
            kind,
            unsigned,
            approved,
        } in drawn
        {
            papers.push(Paper {
                kind,
                unsigned: blobs.put(&case.key, unsigned).await?,
                approved: blobs.put(&case.key, approved).await?,
                signed: None,
            });
        }
        Ok(papers)
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
            };
            let approved = self.sign_pdf(&pdf, &signatory)?;
            Ok::<_, Error>(Drawn {
                kind,
                unsigned: pdf.into(),
                approved: approved.into(),
            })
        };
        let declaration = renderer.render_declaration(declaration).map_err(failed)?;
        let contract = renderer.render_contract(contract).map_err(failed)?;
        Ok([
            signed(PaperKind::Declaration, declaration, "Identity verified")?,
            signed(PaperKind::Contract, contract, "Request approved")?,
        ])
    }

    async fn contract_data(&self, case: &Case, officer: &Officer) -> Result<ContractData, Error> {
        let policy = self.policy();
        Ok(ContractData {
            language: Language::default(),
            provider: policy.provider.clone(),
            provider_contact: None,
            registration_authority: self.authority_name(officer).await?,
            request: case.pk(),
            subject: identity(&case.subject),
            birth_date: case.subject.birth_date.clone(),
            email: case.subject.email.as_str().to_owned(),
            mobile_phone_number: case.subject.mobile_phone_number.as_str().to_owned(),
            profile: case.row.profile.clone(),
            validity_hours: policy
                .certificate_validity
                .whole_hours()
                .try_into()
                .unwrap_or(24),
            retention_years: None,
            applicable_law: policy.applicable_law.clone(),
            at: self.now(),
        })
    }

    async fn declaration_data(
        &self,
        case: &Case,
        officer: &Officer,
    ) -> Result<DeclarationData, Error> {
        let mut reader = self.store().read().await?;
        let claims = self.claims(&mut reader, case).await?;
        let images = store::evidence::images(&mut reader, case.pk()).await?;
        let video = store::evidence::video(&mut reader, case.pk()).await?;
        drop(reader);
        let checks = claims.security_checks.unwrap_or_default();
        Ok(DeclarationData {
            language: Language::default(),
            provider: self.policy().provider.clone(),
            registration_authority: self.authority_name(officer).await?,
            officer: contract::Officer {
                name: officer_name(officer),
                id: officer.id.to_string(),
            },
            request: case.pk(),
            subject: identity(&case.subject),
            evidence: images
                .into_iter()
                .map(|image| EvidencePiece {
                    name: image.kind.name().to_owned(),
                    media_type: image.media_type,
                    size: image.size as u64,
                    sha256: image.sha256,
                })
                .collect(),
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
            at: self.now(),
        })
    }

    async fn authority_name(&self, officer: &Officer) -> Result<String, Error> {
        let mut reader = self.store().read().await?;
        let authority = store::authorities::get(&mut reader, officer.ra).await?;
        authority
            .map(|authority| authority.name)
            .ok_or_else(|| Error::Internal("an officer without a registration authority".into()))
    }
}

fn officer_name(officer: &Officer) -> String {
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
        document_number: subject.serial_number.clone().unwrap_or_default(),
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
