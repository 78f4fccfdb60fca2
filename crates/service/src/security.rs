//! What validators of our signatures need and cannot fetch years later: the security store of
//! levels B-LT and B-LTA (EN 319 142-1 §5.4).
//!
//! We are the responder ourselves, so that the answers are minted for the act, without a network (but
//! for those about somebody else's time-stamps), and stand in the same revision as the signature: the signature and its time-stamp cover them.

use model::Level;
use pades::SecurityStore;

use crate::stamping::TimeSource;
use crate::trust::issuing;
use crate::{Error, Service};

impl Service {
    /// The level where neither a call nor the authority nor the settings name one.
    pub(crate) fn default_level(&self) -> Level {
        self.policy().signature_level
    }

    /// What a signature with `certificate` (DER, issued by us and good now) carries at this level,
    /// stamped by `source`; nothing below B-LT. What its container holds already is not repeated.
    pub(crate) fn security_store(
        &self,
        certificate: &[u8],
        level: Level,
        source: &TimeSource<'_>,
    ) -> Result<SecurityStore, Error> {
        if level < Level::LtvLite {
            return Ok(SecurityStore::default());
        }
        let anchors = self.anchors();
        let mut subjects = vec![certificate];
        let mut others = SecurityStore::default();
        if level > Level::LtvLite {
            subjects.extend(source.own_certificate());
            others = source.security()?;
        }
        let answers = anchors.answers_for(&subjects, self.now());
        Ok(joined(
            SecurityStore {
                certificates: vec![anchors.root_certificate().to_vec()],
                ocsp_responses: answers.map_err(issuing)?,
                revocation_lists: Vec::new(),
            },
            others,
        ))
    }
}

/// What either holds.
pub(crate) fn joined(mut one: SecurityStore, other: SecurityStore) -> SecurityStore {
    one.certificates.extend(other.certificates);
    one.ocsp_responses.extend(other.ocsp_responses);
    one.revocation_lists.extend(other.revocation_lists);
    one
}
