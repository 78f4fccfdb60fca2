//! New generations: whoever holds an office gets a successor with a key of its own.
//!
//! A successor's certificate is the last file that is written, so that a server that finds it can
//! use it at once.

use std::sync::Arc;

use anyhow::Context;
use crypto::SigningKey;
use model::{Clock, Entropy};
use pki::establish::{Appointment, Authorities, Entity, Role, appoint};
use pki::issuance::Issuer;
use pki::{AuthorityNames, AuthorityUrls, CertificateFacts};
use time::Duration;

use crate::installation::{KeyFolder, name_of};

/// How long before its end a certificate is renewed that the server can renew itself.
pub const RENEWED_BEFORE: Duration = Duration::days(90);

/// Somebody who was appointed.
pub struct Successor {
    /// What the files are called.
    pub name: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
}

/// Appoints successors in a keys folder, which is locked for others meanwhile.
pub struct Succession<'a> {
    /// The folder.
    pub folder: &'a KeyFolder,
    /// Where the authorities publish.
    pub urls: &'a AuthorityUrls,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
}

impl Succession<'_> {
    /// An issuing authority and its OCSP responder. From now on it issues.
    pub fn issuing(&self, root: Arc<dyn SigningKey>) -> anyhow::Result<Vec<Successor>> {
        let _lock = self.folder.lock()?;
        let root = self.root(root)?;
        let (name, issuing) = self.draw_up(&root, Role::Issuing)?;
        let issuer = issuing.issuer(self.urls)?;
        let (responder, ocsp) = self.draw_up(&issuer, Role::IssuingOcsp)?;
        // A responder without its authority does no harm; an authority without one does.
        let responder = self.install(responder, ocsp)?;
        let issuing = self.install(name, issuing)?;
        Ok(vec![issuing, responder])
    }

    /// A time-stamping unit of the current issuing authority. From now on it stamps.
    pub fn time_stamping(&self) -> anyhow::Result<Successor> {
        let _lock = self.folder.lock()?;
        self.new_unit(&self.folder.authorities()?)
    }

    /// An OCSP responder for what the root issued.
    pub fn root_ocsp(&self, root: Arc<dyn SigningKey>) -> anyhow::Result<Successor> {
        let _lock = self.folder.lock()?;
        let (name, entity) = self.draw_up(&self.root(root)?, Role::RootOcsp)?;
        self.install(name, entity)
    }

    /// OCSP responders for what the issuing authorities issued: one for each that is not over.
    pub fn issuing_ocsp(&self) -> anyhow::Result<Vec<Successor>> {
        let _lock = self.folder.lock()?;
        let now = self.clock.now();
        let mut made = Vec::new();
        for issuing in self.folder.authorities()?.issuing {
            let issuer = issuing.issuer(self.urls)?;
            if now < issuer.not_after() {
                made.push(self.new_responder(&issuer)?);
            }
        }
        Ok(made)
    }

    /// Renews what is near its end and can be renewed without the root's key: the time-stamping
    /// unit and the responders of the issuing authorities.
    pub fn renew_due(&self) -> anyhow::Result<Vec<Successor>> {
        let _lock = self.folder.lock()?;
        let authorities = self.folder.authorities()?;
        let mut made = Vec::new();
        let unit = authorities.time_stamping.last();
        let issuing = authorities
            .issuing
            .last()
            .context("there is no issuing CA")?;
        if let Some(unit) = unit
            && self.is_due(&unit.certificate, &issuing.issuer(self.urls)?)?
        {
            made.push(self.new_unit(&authorities)?);
        }
        for issuing in &authorities.issuing {
            let issuer = issuing.issuer(self.urls)?;
            let responder = last_of(&issuer, &authorities.responders)?;
            if let Some(responder) = responder
                && self.is_due(&responder.certificate, &issuer)?
            {
                made.push(self.new_responder(&issuer)?);
            }
        }
        Ok(made)
    }

    /// Whether a certificate is near its end, and its issuer could give it a later one.
    fn is_due(&self, certificate: &[u8], issuer: &Issuer) -> anyhow::Result<bool> {
        let (end, now) = (
            CertificateFacts::read(certificate)?.not_after,
            self.clock.now(),
        );
        Ok(end - now < RENEWED_BEFORE && end < issuer.not_after() && now < issuer.not_after())
    }

    fn new_unit(&self, authorities: &Authorities) -> anyhow::Result<Successor> {
        let issuing = authorities
            .issuing
            .last()
            .context("there is no issuing CA")?;
        let (name, entity) = self.draw_up(&issuing.issuer(self.urls)?, Role::TimeStamping)?;
        self.install(name, entity)
    }

    fn new_responder(&self, issuer: &Issuer) -> anyhow::Result<Successor> {
        let (name, entity) = self.draw_up(issuer, Role::IssuingOcsp)?;
        self.install(name, entity)
    }

    fn root(&self, key: Arc<dyn SigningKey>) -> anyhow::Result<Issuer> {
        let certificate = self.folder.certificate(Role::Root.name())?;
        Issuer::new(certificate, key, self.urls.root_pointers()).context("the root's key")
    }

    /// A fresh key, kept, and the certificate for it, which is not in the folder yet.
    fn draw_up(&self, issuer: &Issuer, role: Role) -> anyhow::Result<(String, Entity)> {
        let generation = self
            .folder
            .generations(role)?
            .last()
            .map_or(1, |last| last + 1);
        let name = name_of(role, generation);
        let names = AuthorityNames::of_root(&self.folder.certificate(Role::Root.name())?)?;
        let key = self.folder.new_key(&name, self.entropy)?;
        let appointment = Appointment {
            role,
            generation,
            names: &names,
        };
        let entity = appoint(issuer, &appointment, key, self.clock.now(), self.entropy)?;
        Ok((name, entity))
    }

    fn install(&self, name: String, entity: Entity) -> anyhow::Result<Successor> {
        self.folder.keep_certificate(&name, &entity.certificate)?;
        Ok(Successor {
            name,
            certificate: entity.certificate,
        })
    }
}

/// The last responder that an authority appointed.
fn last_of<'a>(issuer: &Issuer, responders: &'a [Entity]) -> anyhow::Result<Option<&'a Entity>> {
    let key = CertificateFacts::read(issuer.certificate())?.key_identifier;
    for responder in responders.iter().rev() {
        let facts = CertificateFacts::read(&responder.certificate)?;
        if facts.authority_key_identifier.as_ref() == Some(&key) {
            return Ok(Some(responder));
        }
    }
    Ok(None)
}
