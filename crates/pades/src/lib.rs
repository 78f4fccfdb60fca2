//! PAdES signatures in PDF files, as incremental updates that keep every byte of the original.
//!
//! A signature comes about in two steps with somebody else's work in between:
//!
//! ```
//! # fn sign(digest: [u8; 32]) -> Vec<u8> { digest.to_vec() }
//! # fn demo(pdf: &[u8]) -> Result<(), pades::PdfError> {
//! # let now = time::OffsetDateTime::UNIX_EPOCH;
//! let spec = pades::SignatureSpec {
//!     field: pades::FieldTarget::New("Signature".into()),
//!     name: Some("Ana Ruiz".into()),
//!     reason: None,
//!     location: None,
//!     contact: None,
//!     signing_time: now,
//!     appearance: None,
//!     security_store: pades::SecurityStore::default(),
//!     reserve: 16 * 1024,
//! };
//! let prepared = pades::prepare(pdf, &spec)?;
//! let cms = sign(prepared.digest());
//! let signed = prepared.embed(pdf, &cms)?;
//! assert!(signed.starts_with(pdf));
//! # Ok(())
//! # }
//! ```
//!
//! This crate holds no keys, reads no clock and opens no connection. What it does to a file
//! follows ISO 32000-2 (PDF 2.0; the clauses cited here are the same in ISO 32000-1 but for their
//! numbers) and ETSI EN 319 142-1.
//!
//! # The pieces
//!
//! From the bytes up:
//!
//! - `syntax` turns bytes into objects, `object` turns objects into bytes, and `filter` unpacks
//!   the streams in which newer files keep their structure.
//! - `xref` learns where each object stands: tables, streams, hybrids of both, all earlier
//!   revisions. If that is damaged, it finds the objects themselves.
//! - `document` is **the reader**. It is lazy, because a signature touches three objects of a
//!   thousand: the catalogue, the form and a page.
//! - `repair` decides **which reading of the file counts**: the one that its cross-reference data
//!   give, or, where they are wrong, the one that a search finds.
//! - `settled` finds what would read otherwise **once something is appended**.
//! - `encryption` opens files that are encrypted without a password, knows what their protection
//!   permits, and encrypts what is added.
//! - `revision` is **the revision writer**: it appends new states of objects and the
//!   cross-reference section that makes them count, in the form that the file already uses, since
//!   mixing forms is an error. It also writes a signature value with its two blanks.
//! - `catalog`, `form` and `page` know the objects of a document that a signature touches, and
//!   `permission` knows what its author and earlier signers allow.
//! - `field` chooses **the signature field**, an empty one or a new one, and fills it or hangs it
//!   into form and page; `appearance` draws what is seen of it.
//! - `security` adds to **the security store** what validators will need.
//! - `signature` puts these together as [`prepare`], whose result is **the prepared signature**
//!   [`Prepared`]: a plain value, so that signing can be done elsewhere and later.
//! - `inspect` is **inspection**: [`inspect`] says what a file is or why it can't be signed, and
//!   [`signatures`] lists the signatures in it.
//! - `changes` compares the file as it was signed with **the file as it is**.
//!
//! # What is never done
//!
//! - No byte of the original is changed, so earlier signatures keep their digests.
//! - Nothing is half-signed: either all objects of a signature are reachable, or there is an
//!   error and no output.
//! - No work without bound: files may be hostile. Time and memory are proportional to the size of
//!   the file, whatever it claims.

mod appearance;
mod catalog;
mod changes;
mod digest;
mod document;
mod encryption;
mod error;
mod field;
mod filter;
mod form;
mod inspect;
mod object;
mod page;
mod permission;
mod repair;
mod revision;
mod security;
mod settled;
mod signature;
mod syntax;
mod text;
mod xref;

pub use appearance::{Appearance, Layout, Picture, PictureError, Rect};
pub use changes::{Change, ChangeKind, Changes, changes};
pub use error::{PdfError, Place};
pub use field::FieldTarget;
pub use inspect::{
    Coverage, EmbeddedSignature, PdfFacts, WantedPlace, find_places, inspect, signatures,
};
pub use permission::Certification;
pub use security::{SecurityStore, security_store};
pub use signature::{
    Prepared, SignatureSpec, TimeStampSpec, prepare, prepare_hashed, prepare_time_stamp,
    prepare_time_stamp_hashed,
};
