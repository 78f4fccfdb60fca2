//! What validators of our signatures need and cannot fetch years later: the security store of
//! levels B-LT and B-LTA (EN 319 142-1 §5.4).
//!
//! We are the responder ourselves, so that the answers are minted for the act, without a network,
//! and stand in the same revision as the signature: the signature and its time-stamp cover them.

use model::Level;
use pades::SecurityStore;
use pki::CertificateFacts;
use time::OffsetDateTime;

use crate::trust::issuing;
use crate::{Error, Service};

impl Service {
    /// The level where neither a call nor the authority nor the settings name one.
    pub(crate) fn default_level(&self) -> Level {
        self.policy().signature_level
    }

    /// Until when a signature of this level that is made now can be validated with what it carries:
    /// as long as the certificate of the newest time-stamp is valid. `None` below B-LT.
    pub(crate) fn good_until(&self, level: Level) -> Result<Option<OffsetDateTime>, Error> {
        if level < Level::LtvLite {
            return Ok(None);
        }
        let anchors = self.anchors();
        let stamping = CertificateFacts::read(anchors.time_stamping_certificate());
        stamping.map(|facts| Some(facts.not_after)).map_err(issuing)
    }

    /// What a signature with `certificate` (DER, issued by us and good now) carries at this level;
    /// nothing below B-LT. What its container holds already is not repeated.
    pub(crate) fn security_store(
        &self,
        certificate: &[u8],
        level: Level,
    ) -> Result<SecurityStore, Error> {
        if level < Level::LtvLite {
            return Ok(SecurityStore::default());
        }
        let anchors = self.anchors();
        let mut subjects = vec![certificate];
        if level > Level::LtvLite {
            subjects.push(anchors.time_stamping_certificate());
        }
        let answers = anchors.answers_for(&subjects, self.now());
        Ok(SecurityStore {
            certificates: vec![anchors.root_certificate().to_vec()],
            ocsp_responses: answers.map_err(issuing)?,
            revocation_lists: Vec::new(),
        })
    }
}
