//! The registration authority's use cases, from the scratchcard to the approved request.
//!
//! Each acts on behalf of a [`Caller`], who sees its own authority and those below it: what lies
//! outside does not exist for it.

mod authorities;
mod caller;
mod contact_limits;
mod decisions;
mod documents;
mod evidence;
mod form;
mod identification;
mod index;
mod invitation;
mod officers;
mod records;
mod renewals;
mod requests;
mod revocation;
mod scratchcards;
mod unlock;
mod users;

use std::collections::BTreeMap;

pub use caller::{Caller, ClientRefusal};
pub use contact_limits::{ContactCheck, ContactLimit};
pub use decisions::{Decided, OfficerCredentials};
pub(crate) use documents::media_type;
pub use documents::{DeclarationView, NewAttachment, PaperCopy, PaperName};
pub use officers::OfficerForm;
pub use records::{
    AuthorityRecord, CertificateRecord, CertificateStanding, OfficerRecord, Registration,
    ScratchcardRecord, Secrets, UserRecord, VideoIdRecord,
};
pub use renewals::{Renewable, RenewalRefusal, RenewalStatus};
pub use requests::RegistrationFilter;
pub use revocation::Revocation;
pub use scratchcards::{Moved, NewScratchcard, Stretch};
pub use store::AttachmentKind;
pub use unlock::Unlock;
pub use users::{IssuedUser, UserForm};

/// Fields as a client sent them, by wire name: every value as a text, `None` where it was sent to
/// be taken away.
pub type Form = BTreeMap<String, Option<String>>;

/// Entries on a page of a list.
pub const PAGE_SIZE: i64 = 10;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Entries on all pages.
    pub total: i64,
    /// Those of this page.
    pub items: Vec<T>,
}

/// Where a page begins, counted from 0; pages are counted from 1.
fn offset(page: i64) -> i64 {
    page.saturating_sub(1).saturating_mul(PAGE_SIZE)
}

impl<T> Page<T> {
    /// A page beyond the last one does not exist; the first one always does.
    fn of(page: i64, total: i64, items: Vec<T>) -> Result<Self, crate::Error> {
        if page < 1 || (page > 1 && items.is_empty()) {
            return Err(crate::Error::NoSuchPage);
        }
        Ok(Self { total, items })
    }
}
