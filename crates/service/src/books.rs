//! The books in which every certificate stands that was signed: the issuance log and the register.
//! Whatever is stored as signed is entered in both in the same transaction.

use store::log::LogEntry;
use store::register::Digest;
use store::{Certificate, Tx};
use transparency::commitment;

use crate::case::Case;
use crate::issuance_log::salt_context;
use crate::{Error, Service};

/// A signed certificate and what the books will say of it: worked out before the transaction, in
/// which everybody waits.
pub(crate) struct BookEntry {
    der: Vec<u8>,
    log: LogEntry,
    digests: Vec<Digest>,
}

impl Service {
    /// What the books will say of a certificate (DER), of a request or of none.
    pub(crate) fn book_entry(
        &self,
        case: Option<&Case>,
        serial: &str,
        der: &[u8],
    ) -> Result<BookEntry, Error> {
        let salt = self.random::<32>();
        Ok(BookEntry {
            log: LogEntry {
                serial: serial.to_owned(),
                commitment: commitment(&salt, der),
                sealed_salt: self
                    .master()
                    .seal(&salt_context(serial), &salt, self.entropy()),
                place: None,
            },
            digests: self.digests_of(case, der)?,
            der: der.to_vec(),
        })
    }

    /// Stores a certificate on record as signed, and enters it in the books: no other way leads
    /// from the one to the other.
    pub(crate) async fn certificate_signed(
        &self,
        tx: &mut Tx,
        entry: &BookEntry,
    ) -> Result<(), Error> {
        store::certificates::mark_signed(tx, &entry.log.serial, &entry.der).await?;
        enter_in_books(tx, entry).await
    }

    /// Puts a certificate that is signed already on record and enters it in the books.
    pub(crate) async fn record_signed(
        &self,
        tx: &mut Tx,
        certificate: &Certificate,
    ) -> Result<(), Error> {
        let der = certificate.der.as_ref();
        let der = der.ok_or_else(|| Error::Internal("an unsigned certificate".into()))?;
        store::certificates::insert(tx, certificate).await?;
        enter_in_books(tx, &self.book_entry(None, &certificate.serial, der)?).await
    }
}

/// Enters what stands as signed already.
pub(crate) async fn enter_in_books(tx: &mut Tx, entry: &BookEntry) -> Result<(), Error> {
    store::log::enter(tx, &entry.log).await?;
    store::register::enter(tx, &entry.log.serial, &entry.digests).await?;
    Ok(())
}
