//! One PAdES B-T signature on one PDF.

use crypto::SigningKey;
use pades::SignatureSpec;
use pki::cms::CmsSigner;

use crate::trust::issuing;
use crate::{Error, Service};

/// Room in the container beyond what a B-T signature needs, for what later levels add to it.
const SPARE: usize = 4096;

/// Who signs, with which key and certificate.
pub(crate) struct Signatory<'a> {
    pub(crate) key: &'a dyn SigningKey,
    /// DER; issued by our issuing CA.
    pub(crate) certificate: &'a [u8],
    pub(crate) particulars: Particulars,
}

/// What the signature dictionary tells a reader.
#[derive(Default)]
pub(crate) struct Particulars {
    pub(crate) name: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) location: Option<String>,
}

impl Service {
    /// Signs `pdf` in an incremental update; every byte of it stays. Slow: for [`Service::at_work`].
    pub(crate) fn sign_pdf(&self, pdf: &[u8], signatory: &Signatory<'_>) -> Result<Vec<u8>, Error> {
        let anchors = self.anchors();
        let stamper = anchors.stamper(&*self.inner.parts.clock, self.entropy());
        let Signatory {
            key,
            certificate,
            particulars,
        } = signatory;
        let signer = CmsSigner::new(*key, certificate, anchors.chain()).map_err(issuing)?;
        let spec = SignatureSpec {
            field_name: "Signature".to_owned(),
            name: particulars.name.clone(),
            reason: particulars.reason.clone(),
            location: particulars.location.clone(),
            contact: None,
            signing_time: self.now(),
            reserve: signer.max_size(Some(&stamper), SPARE),
        };
        let refused = |error: pades::PdfError| Error::Internal(format!("signing a PDF: {error}"));
        let prepared = pades::prepare(pdf, &spec).map_err(refused)?;
        let cms = signer
            .sign(&prepared.digest(), Some(&stamper))
            .map_err(issuing)?;
        prepared.embed(pdf, &cms).map_err(refused)
    }
}
