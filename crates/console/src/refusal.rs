//! What a use case refused, as a page says it.

use model::Entropy;
use model::otp::OtpRefusal;
use service::Error;
use service::enrolment::{LinkRefusal, PdfError};

use crate::page::{Closed, Notice, Unsignable};

/// Either the page stays and says what is wrong, or there is nothing more to be done on it.
pub(crate) enum Refused {
    /// The page stays.
    Notice(Notice),
    /// It does not.
    Closed(Closed),
}

/// One failure, one page.
pub(crate) fn refused(error: Error, entropy: &dyn Entropy) -> Refused {
    Refused::Notice(match error {
        Error::CodeRefused(refusal) => code(refusal),
        Error::CodesGuessed => Notice::Blocked,
        Error::CodeTooSoon { seconds } => Notice::CodeTooSoon(seconds),
        Error::NoDelivery(_) => Notice::NotDelivered,
        Error::WeakSecret => Notice::WeakSecret,
        Error::UnusableKeyRequest(reason) => Notice::UnusableKeyRequest(reason),
        Error::StorageFull => Notice::StorageFull,
        Error::FileTaken => Notice::FileTaken,
        Error::WrongCredentials => Notice::WrongCredentials,
        Error::CredentialBlocked => Notice::Blocked,
        Error::TooLarge { limit } => Notice::FileTooLarge(limit >> 20),
        Error::NotSignable { reason, .. } => Notice::NotSignable(unsignable(&reason)),
        error => return Refused::Closed(closed(error, entropy)),
    })
}

/// What is said where there is no page to stay on. What is nobody's mistake but ours goes into
/// the log, under a reference that the page shows.
pub(crate) fn closed(error: Error, entropy: &dyn Entropy) -> Closed {
    match error {
        Error::LinkRefused(LinkRefusal::Unknown) => Closed::Unknown,
        Error::LinkRefused(LinkRefusal::Used) => Closed::Used,
        Error::LinkRefused(LinkRefusal::Expired) => Closed::Expired,
        Error::LinkRefused(LinkRefusal::Cancelled) => Closed::Cancelled,
        Error::LinkRefused(LinkRefusal::OtherDevice) => Closed::OtherDevice,
        Error::LinkRefused(LinkRefusal::Guessed) => Closed::Guessed,
        error => {
            let mut reference = [0; 8];
            entropy.fill(&mut reference);
            let reference = hex::encode(reference);
            tracing::error!(reference, %error, "a page failed");
            Closed::Internal(reference)
        }
    }
}

fn code(refusal: Option<OtpRefusal>) -> Notice {
    match refusal {
        None => Notice::CodeMissing,
        Some(OtpRefusal::Wrong) => Notice::CodeWrong,
        Some(OtpRefusal::Expired) => Notice::CodeExpired,
        Some(OtpRefusal::Exhausted) => Notice::CodeExhausted,
        Some(OtpRefusal::Guessed) => Notice::Blocked,
        Some(OtpRefusal::Consumed) => Notice::CodeConsumed,
        Some(OtpRefusal::OtherDocuments) => Notice::CodeVoid,
    }
}

/// A reader of the page can do one thing or another about it, and needs no more.
fn unsignable(reason: &PdfError) -> Unsignable {
    match reason {
        PdfError::NotPdf => Unsignable::NotPdf,
        PdfError::Truncated => Unsignable::Incomplete,
        PdfError::Broken { .. } | PdfError::SignedAndDamaged => Unsignable::Damaged,
        PdfError::Encrypted(_) | PdfError::Protected => Unsignable::Protected,
        PdfError::Certified | PdfError::CertifiedAgainstFields | PdfError::Locked(_) => {
            Unsignable::Closed
        }
        PdfError::Xfa => Unsignable::Form,
        _ => Unsignable::Unusual,
    }
}
