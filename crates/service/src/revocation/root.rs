//! The root's own list, which tells of the authorities below it. It is made where the root's key is,
//! at a ceremony; here it is checked and published.

use std::sync::{Arc, PoisonError, RwLock};

use pki::CertificateFacts;
use pki::crl::{self, Entry};
use pki::ocsp::Status;
use time::OffsetDateTime;

use crate::trust::{Anchors, issuing};
use crate::{Error, Service};

/// The list that is published, if there is one.
#[derive(Default)]
pub(super) struct RootList(RwLock<Option<Arc<Published>>>);

struct Published {
    der: Arc<[u8]>,
    entries: Vec<Entry>,
    next_update: Option<OffsetDateTime>,
}

impl RootList {
    fn now(&self) -> Option<Arc<Published>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, published: Option<Arc<Published>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = published;
    }
}

impl Service {
    /// Publishes the root's list (DER) from now on, or none.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] where the root did not sign it. What was published before stays.
    pub fn publish_root_list(&self, list: Option<&[u8]>) -> Result<(), Error> {
        let published = match list {
            None => None,
            Some(der) => {
                let refused = |why| Error::Internal(format!("the root's revocation list: {why}"));
                let list = crl::own(der, &self.root_certificate()).map_err(refused)?;
                Some(Arc::new(Published {
                    entries: list.entries().map_err(refused)?,
                    next_update: list.next_update(),
                    der: der.into(),
                }))
            }
        };
        self.inner.revocation.root_list.replace(published);
        self.inner.revocation.forget_answers();
        Ok(())
    }

    /// The root's list, DER.
    pub fn root_list(&self) -> Option<Arc<[u8]>> {
        let published = self.inner.revocation.root_list.now()?;
        Some(Arc::clone(&published.der))
    }

    /// When the root's next list is due.
    pub fn root_list_due(&self) -> Option<OffsetDateTime> {
        self.inner.revocation.root_list.now()?.next_update
    }

    /// How one of the authorities' own certificates stands, by its issuer's key identifier and its
    /// serial number.
    pub(super) fn standing_of_authority(
        &self,
        anchors: &Anchors,
        issuer: &str,
        serial: &str,
    ) -> Result<Status, Error> {
        let root = CertificateFacts::read(anchors.root_certificate()).map_err(issuing)?;
        let revoked = match root.key_identifier == issuer {
            true => self.revoked_by_root(serial),
            false => None,
        };
        Ok(revoked.unwrap_or(Status::Good))
    }

    /// Since when and why the root's list names this serial number.
    pub(crate) fn revoked_by_root(&self, serial: &str) -> Option<Status> {
        let published = self.inner.revocation.root_list.now()?;
        let mut entries = published.entries.iter();
        let entry = entries.find(|one| one.serial_hex == serial)?;
        Some(Status::Revoked {
            at: entry.at,
            reason: entry.reason,
        })
    }
}
