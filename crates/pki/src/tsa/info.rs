//! What a time-stamp token says.

use const_oid::ObjectIdentifier;
use time::OffsetDateTime;

use crate::decode::{BOOLEAN, Elements, INTEGER, OCTET_STRING, SEQUENCE, SET, context};
use crate::{PkiError, oid};

const WHAT: &str = "time-stamp token";

/// TSTInfo (RFC 3161 §2.4.2).
pub(crate) struct Info<'a> {
    pub(crate) policy: ObjectIdentifier,
    /// MessageImprint, as it stands there.
    pub(crate) imprint: &'a [u8],
    pub(crate) time: OffsetDateTime,
    /// The INTEGER, as it stands there.
    pub(crate) nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    /// Reads what a DER TimeStampToken carries. Nothing is verified.
    pub(crate) fn of_token(token: &'a [u8]) -> Result<Self, PkiError> {
        let mut info = Elements::of(SEQUENCE, token, WHAT)?;
        if info.oid()? != oid::CT_SIGNED_DATA {
            return Err(PkiError::Malformed(WHAT));
        }
        let mut data = info.inside(context(0))?.inside(SEQUENCE)?;
        data.integer()?;
        data.next(SET)?;
        let mut encapsulated = data.inside(SEQUENCE)?;
        if encapsulated.oid()? != oid::CT_TST_INFO {
            return Err(PkiError::Malformed(WHAT));
        }
        Self::read(encapsulated.inside(context(0))?.content(OCTET_STRING)?)
    }

    /// Reads a DER TSTInfo.
    pub(crate) fn read(info: &'a [u8]) -> Result<Self, PkiError> {
        let mut parts = Elements::of(SEQUENCE, info, WHAT)?;
        if parts.integer()? != [1] {
            return Err(PkiError::Malformed(WHAT));
        }
        let policy = parts.oid()?;
        let imprint = parts.next(SEQUENCE)?;
        parts.next(INTEGER)?;
        let time = parts.precise_time()?;
        // Accuracy and ordering change nothing here.
        parts.optional(SEQUENCE)?;
        parts.optional(BOOLEAN)?;
        let nonce = parts.optional(INTEGER)?;
        parts.optional(context(0))?;
        parts.optional(context(1))?;
        parts.finish()?;
        Ok(Self {
            policy,
            imprint,
            time,
            nonce,
        })
    }
}
