//! How many people may share one telephone number or one e-mail address.

use std::fmt;

use model::RaId;
use store::{Reader, RegistrationAuthority};

use super::Caller;
use super::index::DOCUMENT;
use crate::case::Case;
use crate::{Error, Service};

/// Contact data to be tried against an authority's limits.
#[derive(Debug, Clone, Default)]
pub struct ContactCheck {
    /// The registration authority.
    pub authority: Option<RaId>,
    /// Number of the person's identity document.
    pub serial_number: String,
    /// The e-mail address, if it is to be tried.
    pub email: Option<String>,
    /// The telephone number, if it is to be tried.
    pub mobile_phone_number: Option<String>,
}

/// Which limit contact data exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactLimit {
    /// Too many different documents share the telephone number.
    Phone,
    /// Too many different documents share the address.
    Email,
    /// Both.
    Both,
}

impl fmt::Display for ContactLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            ContactLimit::Phone => "phone number",
            ContactLimit::Email => "email",
            ContactLimit::Both => "phone number and email",
        };
        write!(f, "Too many different documents share this {what}")
    }
}

/// Contact data of one person.
struct Contact {
    phone: Option<String>,
    email: Option<String>,
    document: Option<String>,
}

impl Service {
    /// Which limit a new request with these contact data would exceed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAuthority`] where the caller does not see it.
    pub async fn check_contact(
        &self,
        caller: &Caller,
        check: ContactCheck,
    ) -> Result<Option<ContactLimit>, Error> {
        let mut reader = self.store().read().await?;
        let authority = self
            .visible_authority(&mut reader, caller, check.authority.or(caller.authority()))
            .await?;
        let filled = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        let contact = Contact {
            phone: check.mobile_phone_number.and_then(filled),
            email: check.email.and_then(filled),
            document: filled(check.serial_number),
        };
        self.exceeded_limit(&mut reader, &authority, contact).await
    }

    /// Fails with [`Error::ContactLimit`] where too many people share the subject's contact data.
    pub(crate) async fn check_contact_limits(
        &self,
        reads: &mut Reader,
        case: &Case,
    ) -> Result<(), Error> {
        let authority = store::authorities::get(reads, case.row.ra)
            .await?
            .ok_or(Error::UnknownAuthority)?;
        let contact = Contact {
            phone: case.subject.field("mobile_phone_number"),
            email: case.subject.field("email"),
            document: case.subject.document_number(),
        };
        match self.exceeded_limit(reads, &authority, contact).await? {
            Some(limit) => Err(Error::ContactLimit(limit)),
            None => Ok(()),
        }
    }

    async fn exceeded_limit(
        &self,
        reads: &mut Reader,
        authority: &RegistrationAuthority,
        contact: Contact,
    ) -> Result<Option<ContactLimit>, Error> {
        let settings = &authority.settings;
        if settings.documents_per_phone.is_none() && settings.documents_per_email.is_none() {
            return Ok(None);
        }
        let within = store::authorities::descendants(reads, authority.id).await?;
        let Contact {
            phone,
            email,
            document,
        } = contact;
        let document = document.map(|number| self.index_digest(DOCUMENT, &number));
        let mut shared = async |field: &str, value: Option<String>, limit: Option<i64>| {
            let (Some(value), Some(limit)) = (value, limit) else {
                return Ok::<_, Error>(false);
            };
            let digest = self.index_digest(field, &value);
            let mut documents =
                store::subject_index::digests_sharing(reads, field, &digest, DOCUMENT, &within)
                    .await?;
            documents.extend(document.clone().filter(|own| !documents.contains(own)));
            Ok(documents.len() as i64 > limit)
        };
        let phone = shared("mobile_phone_number", phone, settings.documents_per_phone).await?;
        let email = shared("email", email, settings.documents_per_email).await?;
        Ok(match (phone, email) {
            (true, true) => Some(ContactLimit::Both),
            (true, false) => Some(ContactLimit::Phone),
            (false, true) => Some(ContactLimit::Email),
            (false, false) => None,
        })
    }
}
