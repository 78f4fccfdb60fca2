use thiserror::Error;

use crate::syntax::SyntaxError;

/// Why a PDF can't be read, signed or finished.
///
/// All variants but those about pages and boxes and the last two speak of the file that was handed
/// in: its sender is at fault, and trying again with the same file ends the same way.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PdfError {
    /// No `%PDF-` header within the first 1,024 bytes.
    #[error("this is not a PDF: there is no %PDF- header at its beginning")]
    NotPdf,
    /// The structure does not hold, and could not be repaired without guessing.
    #[error("the PDF is broken: {what} ({place})")]
    Broken {
        /// What was found.
        what: &'static str,
        /// Where it was found.
        place: Place,
    },
    /// It goes on behind its last complete revision, as if its transfer had been cut off. Signing
    /// what came before would sign another document than its sender meant.
    #[error("the PDF is incomplete: its last revision is cut off; send the file again")]
    Truncated,
    /// It holds a signature, and its cross-reference data are wrong. A repair would choose which
    /// objects count, which may not be those that were signed.
    #[error(
        "the PDF is signed but damaged: to repair its cross-reference data would change what was \
         signed"
    )]
    SignedAndDamaged,
    /// It is encrypted and does not open without a password, or not by the standard handler
    /// (ISO 32000-2, 7.6).
    #[error("the PDF is encrypted {0}; remove its protection and send it again")]
    Encrypted(&'static str),
    /// It is encrypted, and its permissions allow neither new signature fields nor filling in one
    /// that is there (ISO 32000-2, table 22).
    #[error("the PDF is protected against signing; remove its protection and send it again")]
    Protected,
    /// Its author certified it against every change (DocMDP, P = 1; ISO 32000-2, 12.8.2.2).
    #[error("the PDF is certified by its author against any change, so it can't be signed")]
    Certified,
    /// Its author certified it, which leaves signing to invisible signatures and to the signature
    /// fields that it has, and none of those is free (DocMDP, P = 2 or 3).
    #[error(
        "the PDF is certified by its author against new visible signatures; only an invisible one \
         can be added"
    )]
    CertifiedAgainstFields,
    /// An earlier signature locked this field (FieldMDP; ISO 32000-2, 12.8.2.4).
    #[error("the field {0:?} was locked by an earlier signature")]
    Locked(String),
    /// There is no signature field of this name.
    #[error("the PDF has no signature field {0:?}")]
    NoSuchField(String),
    /// The field of this name is signed already, or is not for signatures.
    #[error("the field {0:?} is signed already or is not a signature field")]
    FieldTaken(String),
    /// The signature field has seed values that demand what signatures here do not have
    /// (ISO 32000-2, 12.7.5.5).
    #[error("the signature field demands {0}, which can't be fulfilled")]
    SeedValue(&'static str),
    /// It holds an XFA form, whose display does not come from the signed page content.
    #[error("the PDF holds an XFA form, which can't be signed reliably; flatten it first")]
    Xfa,
    /// It needs a stream filter that is not supported where the structure of the file is kept.
    #[error("the PDF keeps its structure under the filter {0}, which is not supported")]
    Filter(String),
    /// It asks for more work or memory than a file of its size can honestly need.
    #[error("the PDF is refused: {what} (limit {limit})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The most that is accepted.
        limit: u64,
    },
    /// A visible signature is wanted on a page that is not there.
    #[error(
        "the PDF has no page {page}: pages count from 0, or from -1 backwards, and there are {pages}"
    )]
    PageOutOfRange {
        /// The page that was asked for.
        page: i64,
        /// How many there are.
        pages: u64,
    },
    /// The box of a visible signature is not even a point wide or high, or has no end.
    #[error("the signature's box is too small or too large to show anything")]
    BoxEmpty,
    /// The box of a visible signature touches no part of the page.
    #[error("the signature's box lies outside of the page, which is {width} × {height} points")]
    BoxOutside {
        /// Of the page as it is displayed.
        width: u32,
        /// Of the page as it is displayed.
        height: u32,
    },
    /// One of our own fonts could not be embedded: a fault of ours.
    #[error("the font {0} could not be embedded")]
    Font(&'static str),
    /// The caller reserved too few bytes for this CMS. The signature is lost: a container can't
    /// grow once its surroundings are hashed.
    #[error("the signature container holds {reserved} bytes but the CMS needs {needed}")]
    ContainerTooSmall {
        /// Bytes of the CMS.
        needed: usize,
        /// Bytes reserved by [`SignatureSpec::reserve`](crate::SignatureSpec::reserve).
        reserved: usize,
    },
    /// The caller brought another file than the one that was prepared, or a damaged
    /// [`Prepared`](crate::Prepared).
    #[error("the prepared signature does not belong to this file: {0}")]
    WrongBase(&'static str),
}

/// A place in a PDF, for a person who looks into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Bytes from the start of the file.
    Byte(usize),
    /// The object with this number.
    Object(u32),
    /// Bytes from the start of the decoded content of the object stream with this number.
    ObjectStream(u32, usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Byte(at) => write!(out, "at byte {at}"),
            Self::Object(number) => write!(out, "in object {number}"),
            Self::ObjectStream(number, at) => {
                write!(out, "in object stream {number}, at decoded byte {at}")
            }
        }
    }
}

impl PdfError {
    pub(crate) fn at_byte(what: &'static str, at: usize) -> Self {
        Self::Broken {
            what,
            place: Place::Byte(at),
        }
    }

    pub(crate) fn in_object(what: &'static str, number: u32) -> Self {
        Self::Broken {
            what,
            place: Place::Object(number),
        }
    }
}

impl From<SyntaxError> for PdfError {
    fn from(error: SyntaxError) -> Self {
        Self::at_byte(error.what, error.at)
    }
}
