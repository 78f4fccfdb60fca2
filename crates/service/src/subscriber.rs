//! The certificate that a subscriber will have.

use pki::issuance::{Draft, Validity};
use pki::profile::{Terms, subscriber};

use crate::case::Case;
use crate::trust::refused;
use crate::{Error, Service};

impl Service {
    /// The certificate for a key of the subscriber's.
    pub(crate) fn draft_for_subscriber(
        &self,
        case: &Case,
        public_key_info: &[u8],
        validity: Validity,
    ) -> Result<Draft, Error> {
        let subscriber = subscriber::Subscriber {
            profile: case.profile()?,
            subject: &case.subject,
            element: case.row.secure_element,
        };
        let terms = Terms {
            validity,
            qualification: &self.policy().qualification,
            policy: None,
            practice_statement: None,
        };
        let anchors = self.anchors();
        let issuer = anchors.issuer();
        subscriber::draft(issuer, &subscriber, &terms, public_key_info, self.entropy())
            .map_err(|error| refused(case, error))
    }
}
