//! New generations: whoever holds an office gets a successor with a key of its own.
//!
//! A successor's certificate is the last file that is written, so that a server that finds it can
//! use it at once.

use std::sync::Arc;

use anyhow::Context;
use crypto::SigningKey;
use model::{Clock, Entropy};
use pki::crl::Entry;
use pki::establish::{Appointment, Authorities, Entity, Role, appoint};
use pki::issuance::Issuer;
use pki::{AuthorityNames, AuthorityUrls, CertificateFacts};
use time::Duration;

use crate::ca::root_list;
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

    /// The root's next revocation list, with one more entry where there is one. From now on it is
    /// published.
    pub fn root_list(
        &self,
        root: Arc<dyn SigningKey>,
        more: Option<Entry>,
    ) -> anyhow::Result<Vec<u8>> {
        let _lock = self.folder.lock()?;
        let (root, last) = (self.root(root)?, self.folder.root_list()?);
        let more = more.into_iter().collect();
        let list = root_list::next(&root, last.as_deref(), more, self.clock.now())
            .context("the root's revocation list")?;
        self.folder.keep_root_list(&list)?;
        Ok(list)
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

#[cfg(test)]
mod tests {
    use crypto::SystemEntropy;
    use service::TrustAnchors;
    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;
    use crate::installation::{Keys, RootHome};
    use crate::key_home::KeyHome;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    struct At(OffsetDateTime);

    impl Clock for At {
        fn now(&self) -> OffsetDateTime {
            self.0
        }
    }

    struct Place {
        _dir: tempfile::TempDir,
        folder: KeyFolder,
        urls: AuthorityUrls,
        root: Arc<dyn SigningKey>,
    }

    impl Place {
        fn make() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("keys");
            let names = AuthorityNames {
                country: "ES".into(),
                organisation: "Ejemplo Ñandú S.L.".into(),
                organisation_identifier: Some("VATES-B00000000".into()),
                prefix: "Ejemplo".into(),
            };
            let urls = AuthorityUrls::at("http://pki.example.com/");
            let (home, clock) = (KeyHome::default(), At(START));
            let made = Keys::create(
                &path,
                &names,
                &urls,
                RootHome::Offline,
                home.clone(),
                &clock,
                &SystemEntropy,
            );
            let (_, made) = made.unwrap();
            let folder = KeyFolder::open(&path, home).unwrap();
            let authority = folder.certificate("root").unwrap();
            assert_eq!(AuthorityNames::of_root(&authority).unwrap(), names);
            Self {
                _dir: dir,
                folder,
                urls,
                root: made.leaving.unwrap(),
            }
        }

        fn at<T>(&self, now: OffsetDateTime, act: impl FnOnce(&Succession<'_>) -> T) -> T {
            act(&Succession {
                folder: &self.folder,
                urls: &self.urls,
                clock: &At(now),
                entropy: &SystemEntropy,
            })
        }

        /// The names of what is renewed at that time.
        fn renewed(&self, now: OffsetDateTime) -> Vec<String> {
            let made = self.at(now, |succession| succession.renew_due().unwrap());
            // What lies in the folder can be used.
            TrustAnchors::new(self.folder.authorities().unwrap(), &self.urls).unwrap();
            made.into_iter().map(|one| one.name).collect()
        }

        fn end_of(&self, name: &str) -> OffsetDateTime {
            let certificate = self.folder.certificate(name).unwrap();
            CertificateFacts::read(&certificate).unwrap().not_after
        }
    }

    #[test]
    fn what_is_near_its_end_is_renewed_once_and_with_another_key() {
        let place = Place::make();
        assert_eq!(place.renewed(START), [""; 0]);
        let due = place.end_of("issuing-ocsp") - RENEWED_BEFORE + Duration::SECOND;
        assert_eq!(place.renewed(due - Duration::MINUTE), [""; 0]);
        assert_eq!(place.renewed(due), ["issuing-ocsp-2"]);
        assert_eq!(place.renewed(due), [""; 0]);
        let keys = ["issuing-ocsp", "issuing-ocsp-2"].map(|name| {
            let certificate = place.folder.certificate(name).unwrap();
            CertificateFacts::read(&certificate).unwrap().key_identifier
        });
        assert_ne!(keys[0], keys[1]);
        let due = place.end_of("time-stamping") - Duration::DAY;
        assert_eq!(place.renewed(due), ["time-stamping-2"]);
    }

    #[test]
    fn nobody_outlasts_whom_they_were_appointed_by() {
        let place = Place::make();
        let end = place.end_of("issuing");
        let late = end - Duration::days(400);
        assert_eq!(
            place.renewed(late),
            ["time-stamping-2", "issuing-ocsp-2"],
            "both were over"
        );
        assert_eq!(place.end_of("time-stamping-2"), end);
        assert_eq!(
            place.renewed(end - Duration::DAY),
            [""; 0],
            "there is no later end"
        );
        assert_eq!(place.renewed(end + Duration::DAY), [""; 0]);
    }

    #[test]
    fn a_successor_brings_its_responder_and_the_older_one_keeps_its_own() {
        let place = Place::make();
        let later = START + Duration::days(7 * 365);
        let root = || Arc::clone(&place.root);
        let made = place.at(later, |succession| succession.issuing(root()).unwrap());
        let names: Vec<_> = made.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["issuing-2", "issuing-ocsp-2"]);
        let facts = CertificateFacts::read(&made[0].certificate).unwrap();
        assert_eq!(facts.common_name, "Ejemplo Issuing CA 2");
        // The first one's responder is long over, and renewed for as long as it is needed.
        assert_eq!(place.renewed(later), ["time-stamping-2", "issuing-ocsp-3"]);
        let unit = place.folder.certificate("time-stamping-2").unwrap();
        let unit = CertificateFacts::read(&unit).unwrap();
        assert_eq!(unit.authority_key_identifier, Some(facts.key_identifier));
        assert_eq!(unit.common_name, "Ejemplo Time-Stamping Unit 2");

        let foreign = Place::make().root;
        let refused = place.at(later, |succession| succession.root_ocsp(foreign));
        assert!(refused.is_err());
        let made = place.at(later, |succession| succession.root_ocsp(root()).unwrap());
        assert_eq!(made.name, "root-ocsp-2");
    }

    #[test]
    fn what_an_interrupted_appointment_left_is_in_nobody_s_way() {
        let place = Place::make();
        place.folder.new_key("issuing-2", &SystemEntropy).unwrap();
        let root = Arc::clone(&place.root);
        let (name, ocsp) = place.at(START, |succession| {
            let issuer = succession.root(Arc::clone(&root)).unwrap();
            let (_, issuing) = succession.draw_up(&issuer, Role::Issuing).unwrap();
            let issuing = issuing.issuer(&place.urls).unwrap();
            succession.draw_up(&issuing, Role::IssuingOcsp).unwrap()
        });
        place
            .folder
            .keep_certificate(&name, &ocsp.certificate)
            .unwrap();
        assert_eq!(place.renewed(START), [""; 0]);
        let made = place.at(START, |succession| succession.issuing(root).unwrap());
        assert_eq!(made[0].name, "issuing-2");
        assert_eq!(place.renewed(START), [""; 0]);
    }
}
