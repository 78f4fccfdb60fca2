//! What signatures and time-stamps have in common: a container, a signer, a certificate.

use std::sync::Arc;

use pki::verify::{Certificate, Content, Reference, Signer, VerifyError};
use time::OffsetDateTime;

use crate::doubt::Doubt;
use crate::judge::{Judge, display};
use crate::report::SubIndication;

/// Certificates of one issuer and number that are tried, at most: there should be one.
const MAX_NAMESAKES: usize = 8;

/// A signature value that holds.
pub(crate) struct Held {
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) reference: Option<Reference>,
}

/// One that does not, and the certificate that it claims.
pub(crate) struct NotHeld {
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) doubt: Doubt,
}

impl Judge<'_> {
    /// Checks digest, signature value and the reference to the certificate. Of several
    /// certificates of one name and number the one counts that all of this is true for.
    pub(crate) fn hold(&self, signer: &Signer<'_>, content: Content<'_>) -> Result<Held, NotHeld> {
        let mut first = None;
        let named = self.issuers.all().filter(|one| signer.is_by(one));
        for certificate in named.take(MAX_NAMESAKES) {
            let reference = signer
                .check(content, certificate)
                .and_then(|()| signer.reference(certificate));
            let certificate = Arc::clone(certificate);
            match reference {
                Ok(reference) => {
                    return Ok(Held {
                        certificate,
                        reference,
                    });
                }
                Err(error) => {
                    first.get_or_insert(NotHeld {
                        certificate: Some(certificate),
                        doubt: error.into(),
                    });
                }
            }
        }
        Err(first.unwrap_or_else(|| NotHeld {
            certificate: None,
            doubt: VerifyError::NoCertificate.into(),
        }))
    }

    /// Doubts what is signed with something too weak for its age.
    pub(crate) fn check_algorithms(
        &mut self,
        signer: &Signer<'_>,
        certificate: &Certificate,
        existed: OffsetDateTime,
    ) -> Result<(), Doubt> {
        let weak = |reason| Doubt::open(SubIndication::CryptoConstraintsFailureNoPoe, reason);
        let signature = (Some(signer.scheme()?), certificate.public_key_info());
        let what = format!("{} signed", display(certificate));
        self.rely_on_signature(&what, signature, existed)
            .and_then(|()| {
                let hash = signer.hash().map_err(|error| error.to_string())?;
                self.rely_on_hash("the content is hashed", hash, existed)
            })
            .map_err(weak)
    }
}
