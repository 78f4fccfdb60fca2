//! An installation's authorities, made once at first start: root, issuing authority,
//! time-stamping unit, and an OCSP responder for each authority.

use std::sync::Arc;

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey};
use model::Entropy;
use time::{Duration, OffsetDateTime};

use crate::PkiError;
use crate::issuance::{Draft, Issuer, Pointers, Validity};
use crate::profile::{Unit, authority, ocsp_responder, time_stamping};

/// Who runs the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityNames {
    /// ISO 3166-1 alpha-2 code, capital letters.
    pub country: String,
    /// Registered name, at most 64 characters.
    pub organisation: String,
    /// Registered identifier in the form of EN 319 412-1 §5.1.4, as in `VATES-B00000000`.
    pub organisation_identifier: Option<String>,
    /// What the common names begin with, as in `Avouch`: at most 40 characters.
    pub prefix: String,
}

/// Where relying parties find what the authorities publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityUrls {
    /// OCSP responder for what the issuing authority issued.
    pub issuing_ocsp: String,
    /// The issuing authority's certificate, DER.
    pub issuing_certificate: String,
    /// The issuing authority's revocation list, DER.
    pub issuing_crl: String,
    /// OCSP responder for what the root issued.
    pub root_ocsp: String,
    /// The root's certificate, DER.
    pub root_certificate: String,
}

impl AuthorityUrls {
    /// What goes into certificates that the issuing authority issues. A list that is not published
    /// under plain `http` is left out (EN 319 412-2 GEN-4.3.11-4): OCSP alone serves then.
    pub fn issuing_pointers(&self) -> Pointers {
        Pointers {
            ocsp: self.issuing_ocsp.clone(),
            certificate: self.issuing_certificate.clone(),
            crl: Some(self.issuing_crl.clone()).filter(|url| url.starts_with("http://")),
        }
    }

    /// What goes into certificates that the root issues.
    pub fn root_pointers(&self) -> Pointers {
        Pointers {
            ocsp: self.root_ocsp.clone(),
            certificate: self.root_certificate.clone(),
            crl: None,
        }
    }
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Entity {
    /// DER certificate.
    pub certificate: Vec<u8>,
    /// The key; seal [`SoftwareKey::to_pkcs8`] to keep it.
    pub key: Arc<SoftwareKey>,
}

/// Everything that [`establish()`] made.
#[derive(Debug, Clone)]
pub struct Established {
    /// The trust anchor, valid for 20 years.
    pub root: Entity,
    /// The authority that issues to people, valid for 10 years.
    pub issuing: Entity,
    /// The time-stamping unit, valid for 5 years.
    pub time_stamping: Entity,
    /// Answers for what the issuing authority issued, valid for 3 years.
    pub issuing_ocsp: Entity,
    /// Answers for what the root issued, valid for 3 years.
    pub root_ocsp: Entity,
}

/// Makes the authorities, with P-256 keys. Keeping them is the caller's part.
///
/// Fails with [`PkiError::Value`] where a name cannot stand in a certificate.
pub fn establish(
    names: &AuthorityNames,
    urls: &AuthorityUrls,
    now: OffsetDateTime,
    entropy: &dyn Entropy,
) -> Result<Established, PkiError> {
    let common_name = |role| format!("{} {role}", names.prefix);
    let years = |count: i64| Validity::starting(now, Duration::days(count * 36525 / 100));

    let key = fresh_key()?;
    let draft = authority::root(
        &unit(names, &common_name("Root CA")),
        key.as_ref(),
        years(20),
        entropy,
    )?;
    let certificate = draft
        .lint()?
        .record()?
        .sign_self(key.as_ref())?
        .into_certificate();
    let root = Entity { certificate, key };
    let root_issuer = Issuer::new(
        root.certificate.clone(),
        root.key.clone(),
        urls.root_pointers(),
    )?;

    let issuing = issued(&root_issuer, |spki| {
        let name = common_name("Issuing CA");
        authority::issuing(&root_issuer, &unit(names, &name), spki, years(10), entropy)
    })?;
    let issuer = Issuer::new(
        issuing.certificate.clone(),
        issuing.key.clone(),
        urls.issuing_pointers(),
    )?;

    let time_stamping = issued(&issuer, |spki| {
        let name = common_name("Time-Stamping Unit");
        time_stamping::draft(&issuer, &unit(names, &name), spki, years(5), entropy)
    })?;
    let issuing_ocsp = issued(&issuer, |spki| {
        let name = common_name("OCSP Responder");
        ocsp_responder::draft(&issuer, &unit(names, &name), spki, years(3), entropy)
    })?;
    let root_ocsp = issued(&root_issuer, |spki| {
        let name = common_name("Root OCSP Responder");
        ocsp_responder::draft(&root_issuer, &unit(names, &name), spki, years(3), entropy)
    })?;
    Ok(Established {
        root,
        issuing,
        time_stamping,
        issuing_ocsp,
        root_ocsp,
    })
}

fn unit<'a>(names: &'a AuthorityNames, common_name: &'a str) -> Unit<'a> {
    Unit {
        country: &names.country,
        organisation: &names.organisation,
        organisation_identifier: names.organisation_identifier.as_deref(),
        common_name,
    }
}

fn issued(
    issuer: &Issuer,
    draft: impl FnOnce(&[u8]) -> Result<Draft, PkiError>,
) -> Result<Entity, PkiError> {
    let key = fresh_key()?;
    let signed = draft(key.public_key_info())?
        .lint()?
        .record()?
        .sign(issuer)?;
    Ok(Entity {
        certificate: signed.into_certificate(),
        key,
    })
}

fn fresh_key() -> Result<Arc<SoftwareKey>, PkiError> {
    Ok(Arc::new(SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?))
}
