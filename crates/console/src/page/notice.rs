//! What a page says when it is shown again because something did not work.

use axum::http::StatusCode;

use super::wording::NoticeWords;

/// Why what was sent led no further. Except for attempts at a code nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The contract was not accepted.
    AcceptFirst,
    /// A code was sent less than so many seconds ago.
    CodeTooSoon(i64),
    /// Codes cannot be sent.
    NotDelivered,
    /// No code was ever sent.
    CodeMissing,
    /// Not the code that was sent.
    CodeWrong,
    /// Too late.
    CodeExpired,
    /// Too many wrong tries.
    CodeExhausted,
    /// Used before.
    CodeConsumed,
    /// The contract changed after the code was sent.
    CodeVoid,
    /// PIN or password break the rule.
    WeakSecret,
    /// The two entries of PIN or password are not the same.
    SecretsDiffer,
    /// Neither a file nor text with a certificate request.
    NoKeyRequest,
    /// A certificate request that cannot be used, and why, in English.
    UnusableKeyRequest(String),
    /// No room.
    StorageFull,
    /// The PKCS#12 file was handed out before.
    FileTaken,
    /// User name and password do not fit.
    WrongCredentials,
    /// The PIN does not fit.
    WrongPin,
    /// Too many wrong passwords or PINs.
    Blocked,
    /// Whoever signed in did so too long ago.
    SignedOut,
    /// No file was chosen.
    NoFile,
    /// The file has more than so many megabytes.
    FileTooLarge(u64),
    /// A file that cannot be signed.
    NotSignable(Unsignable),
}

/// Why a file cannot be signed, as far as its owner can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsignable {
    /// It is something else than a PDF.
    NotPdf,
    /// Its end is missing.
    Incomplete,
    /// It is broken.
    Damaged,
    /// It is encrypted, or protected by a password.
    Protected,
    /// Its author, or an earlier signature, lets nobody sign any more.
    Closed,
    /// It is an XFA form.
    Form,
    /// It is made in a way that is not supported.
    Unusual,
}

impl Notice {
    pub(super) fn said(&self, words: &NoticeWords) -> String {
        match self {
            Notice::AcceptFirst => words.accept_first,
            Notice::CodeTooSoon(seconds) => return (words.code_too_soon)(*seconds),
            Notice::NotDelivered => words.not_delivered,
            Notice::CodeMissing => words.code_missing,
            Notice::CodeWrong => words.code_wrong,
            Notice::CodeExpired => words.code_expired,
            Notice::CodeExhausted => words.code_exhausted,
            Notice::CodeConsumed => words.code_consumed,
            Notice::CodeVoid => words.code_void,
            Notice::WeakSecret => words.weak_secret,
            Notice::SecretsDiffer => words.secrets_differ,
            Notice::NoKeyRequest => words.no_key_request,
            Notice::UnusableKeyRequest(_) => words.unusable_key_request,
            Notice::StorageFull => words.storage_full,
            Notice::FileTaken => words.file_taken,
            Notice::WrongCredentials => words.wrong_credentials,
            Notice::WrongPin => words.wrong_pin,
            Notice::Blocked => words.blocked,
            Notice::SignedOut => words.signed_out,
            Notice::NoFile => words.no_file,
            Notice::FileTooLarge(megabytes) => return (words.file_too_large)(*megabytes),
            Notice::NotSignable(why) => return unsignable(*why, words),
        }
        .to_owned()
    }

    pub(super) fn detail(&self) -> Option<&str> {
        match self {
            Notice::UnusableKeyRequest(reason) => Some(reason),
            _ => None,
        }
    }

    /// The `id` of the input that must change.
    pub(super) fn input(&self) -> Option<&'static str> {
        match self {
            Notice::AcceptFirst => Some("accept"),
            Notice::CodeWrong => Some("code"),
            Notice::WeakSecret => Some("secret"),
            Notice::SecretsDiffer => Some("again"),
            Notice::NoKeyRequest | Notice::UnusableKeyRequest(_) => Some("request"),
            Notice::WrongCredentials => Some("username"),
            Notice::WrongPin => Some("pin"),
            Notice::NoFile | Notice::FileTooLarge(_) | Notice::NotSignable(_) => Some("file"),
            Notice::CodeTooSoon(_)
            | Notice::NotDelivered
            | Notice::CodeMissing
            | Notice::CodeExpired
            | Notice::CodeExhausted
            | Notice::CodeConsumed
            | Notice::CodeVoid
            | Notice::StorageFull
            | Notice::FileTaken
            | Notice::Blocked
            | Notice::SignedOut => None,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Notice::AcceptFirst
            | Notice::WeakSecret
            | Notice::SecretsDiffer
            | Notice::NoKeyRequest
            | Notice::UnusableKeyRequest(_)
            | Notice::NoFile
            | Notice::NotSignable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Notice::CodeTooSoon(_) => StatusCode::TOO_MANY_REQUESTS,
            Notice::NotDelivered => StatusCode::SERVICE_UNAVAILABLE,
            Notice::CodeMissing
            | Notice::CodeWrong
            | Notice::CodeExpired
            | Notice::CodeExhausted
            | Notice::CodeConsumed
            | Notice::CodeVoid
            | Notice::WrongCredentials
            | Notice::WrongPin
            | Notice::SignedOut => StatusCode::FORBIDDEN,
            Notice::Blocked => StatusCode::LOCKED,
            Notice::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Notice::FileTaken => StatusCode::GONE,
            Notice::FileTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

/// That a file cannot be signed, and what to do about it.
fn unsignable(why: Unsignable, words: &NoticeWords) -> String {
    let words = &words.not_signable;
    let why = match why {
        Unsignable::NotPdf => words.not_pdf,
        Unsignable::Incomplete => words.incomplete,
        Unsignable::Damaged => words.damaged,
        Unsignable::Protected => words.protected,
        Unsignable::Closed => words.closed,
        Unsignable::Form => words.form,
        Unsignable::Unusual => words.unusual,
    };
    format!("{} {why}", words.lead)
}

#[cfg(test)]
mod tests {
    use model::Language;

    use super::super::wording;
    use super::*;

    #[test]
    fn what_cannot_be_signed_is_said_in_words_of_its_own_in_every_language() {
        let mut said = Vec::new();
        for language in Language::ALL {
            for why in [
                Unsignable::NotPdf,
                Unsignable::Incomplete,
                Unsignable::Damaged,
                Unsignable::Protected,
                Unsignable::Closed,
                Unsignable::Form,
                Unsignable::Unusual,
            ] {
                let notice = Notice::NotSignable(why);
                said.push(notice.said(&wording::of(language).notice));
                assert_eq!(notice.detail(), None, "nothing is left in English");
            }
        }
        said.sort();
        said.dedup();
        assert_eq!(said.len(), 21, "{said:#?}");
    }
}
