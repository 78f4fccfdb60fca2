//! An installation's authorities, made once at first start: root, issuing authority,
//! time-stamping unit, and an OCSP responder for each authority.

use std::num::NonZeroU16;
use std::sync::Arc;

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey};
use model::Entropy;
use time::{Duration, OffsetDateTime};

use crate::decode::CertificateParts;
use crate::issuance::{Issuer, Lists, Pointers, Validity};
use crate::profile::{Unit, authority, ocsp_responder, time_stamping};
use crate::{CertificateFacts, PkiError, name, oid};

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

/// Where relying parties find what the authorities publish: all under one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityUrls {
    base: String,
    shards: NonZeroU16,
}

impl AuthorityUrls {
    /// In how many shards an authority's revocation lists are published unless configured
    /// otherwise: of 100,000 revocations one shard tells of 1,600.
    pub const SHARDS: NonZeroU16 = NonZeroU16::new(64).expect("it is not zero");

    /// Under this address, with or without a slash at its end.
    pub fn at(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            shards: Self::SHARDS,
        }
    }

    /// With revocation lists in another number of shards.
    pub fn with_shards(self, shards: NonZeroU16) -> Self {
        Self { shards, ..self }
    }

    /// What goes into certificates that the root issues. Its list is left out where it is not
    /// published under plain `http` (EN 319 412-2 GEN-4.3.11-4).
    pub fn root_pointers(&self) -> Pointers {
        Pointers {
            ocsp: self.ocsp(),
            certificate: format!("{}/pki/root.crt", self.base),
            lists: None,
            authority_list: self
                .is_plain()
                .then(|| format!("{}/pki/root.crl", self.base)),
        }
    }

    /// What goes into certificates that an issuing authority issues: addresses with its key's
    /// identifier, which stay its own when another takes its office. Lists that are not published
    /// under plain `http` are left out (EN 319 412-2 GEN-4.3.11-4): OCSP alone serves then.
    ///
    /// Fails with [`PkiError::Malformed`].
    pub fn issuing_pointers(&self, certificate: &[u8]) -> Result<Pointers, PkiError> {
        let key = CertificateFacts::read(certificate)?.key_identifier;
        let folder = format!("{}/pki/{key}", self.base);
        let lists = Lists {
            folder: folder.clone(),
            shards: self.shards,
        };
        Ok(Pointers {
            ocsp: self.ocsp(),
            certificate: format!("{folder}.crt"),
            lists: self.is_plain().then_some(lists),
            authority_list: None,
        })
    }

    fn is_plain(&self) -> bool {
        self.base.starts_with("http://")
    }

    fn ocsp(&self) -> String {
        format!("{}/ocsp", self.base)
    }
}

impl AuthorityNames {
    /// Those that a root's certificate (DER) was made with.
    ///
    /// Fails with [`PkiError::Malformed`] where another program made it.
    pub fn of_root(certificate: &[u8]) -> Result<Self, PkiError> {
        let malformed = || PkiError::Malformed("name of the root");
        let subject = CertificateParts::parse(certificate)?.subject;
        let text = |attribute| name::attribute(subject, attribute);
        let common_name = text(oid::COMMON_NAME).ok_or_else(malformed)?;
        let prefix = common_name.strip_suffix(Role::Root.title());
        Ok(Self {
            country: text(oid::COUNTRY_NAME).ok_or_else(malformed)?,
            organisation: text(oid::ORGANIZATION_NAME).ok_or_else(malformed)?,
            organisation_identifier: text(oid::ORGANIZATION_IDENTIFIER),
            prefix: prefix.ok_or_else(malformed)?.trim_end().to_owned(),
        })
    }
}

/// A certificate and its key, wherever that lives.
#[derive(Clone)]
pub struct Entity {
    /// DER certificate.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Arc<dyn SigningKey>,
}

impl Entity {
    /// This authority as one that issues to people, published under `urls`.
    ///
    /// Fails with [`PkiError::Malformed`] or [`PkiError::Mismatch`].
    pub fn issuer(&self, urls: &AuthorityUrls) -> Result<Issuer, PkiError> {
        let pointers = urls.issuing_pointers(&self.certificate)?;
        Issuer::new(self.certificate.clone(), Arc::clone(&self.key), pointers)
    }
}

impl std::fmt::Debug for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entity(…)")
    }
}

/// The offices that authorities hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The trust anchor, valid for 20 years.
    Root,
    /// The authority that issues to people, valid for 10 years.
    Issuing,
    /// The time-stamping unit, valid for 5 years.
    TimeStamping,
    /// Answers for what the issuing authority issued, valid for 3 years.
    IssuingOcsp,
    /// Answers for what the root issued, valid for 3 years.
    RootOcsp,
}

impl Role {
    /// Every one, superiors first.
    pub const ALL: [Role; 5] = [
        Role::Root,
        Role::Issuing,
        Role::TimeStamping,
        Role::IssuingOcsp,
        Role::RootOcsp,
    ];

    /// What files and records call it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Root => "root",
            Role::Issuing => "issuing",
            Role::TimeStamping => "time-stamping",
            Role::IssuingOcsp => "issuing-ocsp",
            Role::RootOcsp => "root-ocsp",
        }
    }

    /// How common names call it.
    fn title(self) -> &'static str {
        match self {
            Role::Root => "Root CA",
            Role::Issuing => "Issuing CA",
            Role::TimeStamping => "Time-Stamping Unit",
            Role::IssuingOcsp => "OCSP Responder",
            Role::RootOcsp => "Root OCSP Responder",
        }
    }

    fn years(self) -> i64 {
        match self {
            Role::Root => 20,
            Role::Issuing => 10,
            Role::TimeStamping => 5,
            Role::IssuingOcsp | Role::RootOcsp => 3,
        }
    }

    /// For how long its certificates are valid, unless their issuer ends before.
    pub fn lifetime(self) -> Duration {
        Duration::days(self.years() * 36525 / 100)
    }
}

/// Makes the key for an office, and keeps it where it belongs.
pub type KeyMaker<'a> = dyn FnMut(Role) -> Result<Arc<dyn SigningKey>, PkiError> + 'a;

/// Everything that [`establish()`] made.
#[derive(Debug, Clone)]
pub struct Established {
    /// The trust anchor.
    pub root: Entity,
    /// The authority that issues to people.
    pub issuing: Entity,
    /// The time-stamping unit.
    pub time_stamping: Entity,
    /// Answers for what the issuing authority issued.
    pub issuing_ocsp: Entity,
    /// Answers for what the root issued.
    pub root_ocsp: Entity,
}

/// The authorities that an installation has now, generation by generation: the older ones still
/// answer for what they issued.
#[derive(Debug, Clone)]
pub struct Authorities {
    /// The trust anchor's certificate, DER. Its key is elsewhere.
    pub root: Vec<u8>,
    /// Issuing authorities, the oldest first; the last one issues.
    pub issuing: Vec<Entity>,
    /// Time-stamping units, the oldest first; the last one stamps.
    pub time_stamping: Vec<Entity>,
    /// OCSP responders of the root and of the issuing authorities, the oldest first; of each the
    /// last one answers.
    pub responders: Vec<Entity>,
}

impl From<Established> for Authorities {
    fn from(first: Established) -> Self {
        Self {
            root: first.root.certificate,
            issuing: vec![first.issuing],
            time_stamping: vec![first.time_stamping],
            responders: vec![first.issuing_ocsp, first.root_ocsp],
        }
    }
}

/// Makes the authorities, with P-256 keys in this process's memory.
///
/// Fails with [`PkiError::Value`] where a name cannot stand in a certificate.
pub fn establish(
    names: &AuthorityNames,
    urls: &AuthorityUrls,
    now: OffsetDateTime,
    entropy: &dyn Entropy,
) -> Result<Established, PkiError> {
    let mut fresh = |_| {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        Ok(Arc::new(key) as Arc<dyn SigningKey>)
    };
    establish_with(names, urls, &mut fresh, now, entropy)
}

/// Makes the authorities, with keys from elsewhere.
///
/// Fails with [`PkiError::Value`] where a name cannot stand in a certificate, or as `keys` does.
pub fn establish_with(
    names: &AuthorityNames,
    urls: &AuthorityUrls,
    keys: &mut KeyMaker<'_>,
    now: OffsetDateTime,
    entropy: &dyn Entropy,
) -> Result<Established, PkiError> {
    let root = self_appointed(names, keys(Role::Root)?, now, entropy)?;
    let root_issuer = Issuer::new(
        root.certificate.clone(),
        root.key.clone(),
        urls.root_pointers(),
    )?;
    let mut appointed = |issuer: &Issuer, role| {
        let appointment = Appointment {
            role,
            generation: 1,
            names,
        };
        appoint(issuer, &appointment, keys(role)?, now, entropy)
    };
    let issuing = appointed(&root_issuer, Role::Issuing)?;
    let issuer = issuing.issuer(urls)?;
    Ok(Established {
        time_stamping: appointed(&issuer, Role::TimeStamping)?,
        issuing_ocsp: appointed(&issuer, Role::IssuingOcsp)?,
        root_ocsp: appointed(&root_issuer, Role::RootOcsp)?,
        issuing,
        root,
    })
}

/// Which office somebody is appointed to.
#[derive(Debug, Clone, Copy)]
pub struct Appointment<'a> {
    /// The office.
    pub role: Role,
    /// The how manieth who holds it; from the second on, the common name ends in the number.
    pub generation: u32,
    /// Who runs the installation.
    pub names: &'a AuthorityNames,
}

/// Issues the certificate of an authority, unit or responder. It ends with its issuer at the
/// latest.
///
/// Fails with [`PkiError::Value`] where a name cannot stand in a certificate, or where the office is
/// the root's, whom nobody appoints.
pub fn appoint(
    issuer: &Issuer,
    appointment: &Appointment<'_>,
    key: Arc<dyn SigningKey>,
    now: OffsetDateTime,
    entropy: &dyn Entropy,
) -> Result<Entity, PkiError> {
    let Appointment {
        role,
        generation,
        names,
    } = *appointment;
    let mut validity = Validity::starting(now, role.lifetime());
    validity.not_after = validity.not_after.min(issuer.not_after());
    let mut common_name = format!("{} {}", names.prefix, role.title());
    if generation > 1 {
        common_name = format!("{common_name} {generation}");
    }
    let unit = unit(names, &common_name);
    let public = key.public_key_info();
    let draft = match role {
        Role::Root => {
            return Err(PkiError::Value {
                field: "the office",
                reason: "is the root's, whom nobody appoints".into(),
            });
        }
        Role::Issuing => authority::issuing(issuer, &unit, public, validity, entropy),
        Role::TimeStamping => time_stamping::draft(issuer, &unit, public, validity, entropy),
        Role::IssuingOcsp | Role::RootOcsp => {
            ocsp_responder::draft(issuer, &unit, public, validity, entropy)
        }
    }?;
    let signed = draft.lint()?.record()?.sign(issuer)?;
    Ok(Entity {
        certificate: signed.into_certificate(),
        key,
    })
}

fn self_appointed(
    names: &AuthorityNames,
    key: Arc<dyn SigningKey>,
    now: OffsetDateTime,
    entropy: &dyn Entropy,
) -> Result<Entity, PkiError> {
    let role = Role::Root;
    let common_name = format!("{} {}", names.prefix, role.title());
    let validity = Validity::starting(now, role.lifetime());
    let draft = authority::root(&unit(names, &common_name), key.as_ref(), validity, entropy)?;
    let signed = draft.lint()?.record()?.sign_self(key.as_ref())?;
    Ok(Entity {
        certificate: signed.into_certificate(),
        key,
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
