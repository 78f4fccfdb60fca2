//! The certificate that a subscriber will have.

use model::SecureElement;
use pki::issuance::{Draft, Validity};
use pki::profile::subscriber;
use pki::profile::Terms;
use time::Duration;

use crate::case::Case;
use crate::papers::validity_days;
use crate::trust::refused;
use crate::{Error, Service};

impl Service {
    /// Whether the subject fits into the certificate of its profile, found out before an officer
    /// approves. The issuing CA's own key stands in for the subscriber's.
    pub(crate) fn rehearse_subscriber(&self, case: &Case) -> Result<(), Error> {
        let key = self.anchors().issuer().key().public_key_info();
        let validity = self.subscriber_validity(case);
        let draft = self.draft_for_subscriber(case, case.row.secure_element, key, validity)?;
        draft.lint().map(drop).map_err(|error| refused(case, error))
    }

    /// From now on, as long as the request asks for.
    pub(crate) fn subscriber_validity(&self, case: &Case) -> Validity {
        Validity::starting(self.now(), Duration::days(validity_days(case)))
    }

    /// The certificate for a key of the subscriber's.
    pub(crate) fn draft_for_subscriber(
        &self,
        case: &Case,
        element: SecureElement,
        public_key_info: &[u8],
        validity: Validity,
    ) -> Result<Draft, Error> {
        let subscriber = subscriber::Subscriber {
            profile: case.profile()?,
            subject: &case.subject,
            element,
        };
        let terms = Terms {
            validity,
            qualification: &self.policy().qualification,
            policy: None,
            practice_statement: None,
        };
        let issuer = self.anchors().issuer();
        subscriber::draft(issuer, &subscriber, &terms, public_key_info, self.entropy())
            .map_err(|error| refused(case, error))
    }
}
