//! From Rust types to column values and back, the same for both engines.
//!
//! Columns hold integers, texts or bytes; everything else is made of these here, once.

use std::cell::Cell;
use std::str::FromStr;

use model::authority::AuthoritySettings;
use model::certificate::RevocationReason;
use model::event::WebhookFormat;
use model::evidence::ImageKind;
use model::otp::Purpose;
use model::{
    DocumentUid, Environment, ImageUid, Language, MetadataUid, RaId, RaoId, RequestPk,
    SecureElement, Status, TokenUid, UserId, VideoIdPk, Workflow,
};
use rusqlite::types::FromSql;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Decode, Postgres, Row as _, Type};
use time::OffsetDateTime;

use crate::error::StoreError;
use crate::records::{AttachmentKind, CertificateState, Channel, DocumentKind, JobKind, PaperKind};

/// A value on its way into a statement.
#[derive(Clone)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// What a column can hold as it is.
pub(crate) trait Raw:
    Into<Value> + FromSql + Type<Postgres> + for<'r> Decode<'r, Postgres>
{
    const NULL: Value;
}

/// A type that is stored in one column.
pub(crate) trait Field: Sized {
    type Raw: Raw;

    /// `None` where no value of this type is stored so.
    fn from_raw(raw: Option<Self::Raw>) -> Option<Self>;

    /// `None` is stored as NULL.
    fn to_raw(&self) -> Option<Self::Raw>;
}

/// What may stand in [`params!`]: every [`Field`], and texts and bytes by reference.
pub(crate) trait Param {
    fn value(&self) -> Value;
}

/// Values for `$1`, `$2` and so on.
macro_rules! params {
    ($($param:expr),* $(,)?) => {
        vec![$($crate::field::Param::value(&$param)),*]
    };
}
pub(crate) use params;

/// Gives a statement for PostgreSQL its parameters.
pub(crate) fn bind(
    query: Query<'_, Postgres, PgArguments>,
    params: Vec<Value>,
) -> Query<'_, Postgres, PgArguments> {
    params.into_iter().fold(query, |query, value| match value {
        Value::Integer(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

/// A row of either engine.
pub(crate) enum Row<'r> {
    Sqlite(SqliteRow<'r>),
    Postgres(&'r PgRow),
}

impl Row<'_> {
    pub(crate) fn get<F: Field>(&self, column: &str) -> Result<F, StoreError> {
        let raw = match self {
            Row::Sqlite(row) => row.get::<F::Raw>(column)?,
            Row::Postgres(row) => row.try_get::<Option<F::Raw>, _>(column)?,
        };
        F::from_raw(raw).ok_or_else(|| StoreError::Corrupt {
            what: format!("column {column}"),
        })
    }
}

/// A row of SQLite's, whose columns are mostly read in their order.
pub(crate) struct SqliteRow<'r> {
    row: &'r rusqlite::Row<'r>,
    next: Cell<usize>,
}

impl<'r> SqliteRow<'r> {
    pub(crate) fn new(row: &'r rusqlite::Row<'r>) -> Self {
        let next = Cell::new(0);
        Self { row, next }
    }

    /// By the column's name, which SQLite has no index of.
    fn get<R: Raw>(&self, column: &str) -> Result<Option<R>, rusqlite::Error> {
        let (names, next) = (self.row.as_ref(), self.next.get());
        let index = match next < names.column_count() && names.column_name(next)? == column {
            true => next,
            false => names.column_index(column)?,
        };
        self.next.set(index + 1);
        self.row.get(index)
    }
}

impl<F: Field> Param for F {
    fn value(&self) -> Value {
        self.to_raw().map_or(F::Raw::NULL, Into::into)
    }
}

impl Param for &str {
    fn value(&self) -> Value {
        Value::Text(Some((*self).to_owned()))
    }
}

impl Param for &[RaId] {
    fn value(&self) -> Value {
        self.to_vec().value()
    }
}

impl Param for &[u8] {
    fn value(&self) -> Value {
        Value::Bytes(Some(self.to_vec()))
    }
}

impl<F: Field> Field for Option<F> {
    type Raw = F::Raw;

    fn from_raw(raw: Option<F::Raw>) -> Option<Self> {
        match raw {
            None => Some(None),
            some => F::from_raw(some).map(Some),
        }
    }

    fn to_raw(&self) -> Option<F::Raw> {
        self.as_ref().and_then(F::to_raw)
    }
}

macro_rules! raw {
    ($raw:ty, $variant:ident) => {
        impl From<$raw> for Value {
            fn from(value: $raw) -> Self {
                Value::$variant(Some(value))
            }
        }

        impl Raw for $raw {
            const NULL: Value = Value::$variant(None);
        }

        impl Field for $raw {
            type Raw = Self;

            fn from_raw(raw: Option<Self>) -> Option<Self> {
                raw
            }

            fn to_raw(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    };
}

raw!(i64, Integer);
raw!(String, Text);
raw!(Vec<u8>, Bytes);

/// `field!(Type as Raw, from, to)`: `from` gives `None` for what no value is stored as.
macro_rules! field {
    ($type:ty as $raw:ty, $from:expr, $to:expr) => {
        impl Field for $type {
            type Raw = $raw;

            fn from_raw(raw: Option<$raw>) -> Option<Self> {
                raw.and_then($from)
            }

            fn to_raw(&self) -> Option<$raw> {
                Some($to(self))
            }
        }
    };
}

macro_rules! number {
    ($($type:ident),*) => {
        $(field!($type as i64, |raw| Some($type(raw)), |id: &$type| id.0);)*
    };
}

number!(RequestPk, VideoIdPk, RaId, RaoId, UserId);

macro_rules! numbered {
    ($($type:ident),*) => {
        $(field!($type as i64, $type::of_number, |value: &$type| value.number());)*
    };
}

numbered!(SecureElement, RevocationReason);

field!(
    bool as i64,
    |raw| match raw {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    },
    |flag: &bool| i64::from(*flag)
);

// Milliseconds since 1970, rounded down. Whatever is hashed or compared goes through this first.
field!(
    OffsetDateTime as i64,
    |raw| OffsetDateTime::from_unix_timestamp_nanos(i128::from(raw) * NANOS_PER_MILLI).ok(),
    milliseconds
);

const NANOS_PER_MILLI: i128 = 1_000_000;

pub(crate) fn milliseconds(at: &OffsetDateTime) -> i64 {
    // Years up to 9999 take 48 bits.
    at.unix_timestamp_nanos().div_euclid(NANOS_PER_MILLI) as i64
}

macro_rules! digest {
    ($($len:literal),*) => {
        $(field!([u8; $len] as Vec<u8>, |raw| raw.try_into().ok(), |bytes: &[u8; $len]| bytes.to_vec());)*
    };
}

digest!(16, 32);

macro_rules! text {
    ($($type:ty),*) => {
        $(field!(
            $type as String,
            |raw| <$type>::from_str(&raw).ok(),
            |value: &$type| value.to_string()
        );)*
    };
}

text!(
    DocumentUid,
    TokenUid,
    ImageUid,
    MetadataUid,
    Status,
    Workflow,
    Environment,
    Language,
    ImageKind
);

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        field!(
            $type as String,
            |raw| match raw.as_str() {
                $($name => Some($type::$variant),)*
                _ => None,
            },
            |value: &$type| match value {
                $($type::$variant => $name,)*
            }
            .to_owned()
        );
    };
}

names!(WebhookFormat {
    Event = "event",
    Status = "status",
});
names!(PaperKind {
    Contract = "contract",
    Declaration = "declaration",
});
names!(CertificateState {
    Recorded = "recorded",
    Valid = "valid",
    Suspended = "suspended",
    Revoked = "revoked",
});
names!(JobKind {
    Approve = "approve",
    Sign = "sign",
});
names!(Channel {
    Webhook = "webhook",
    Sms = "sms",
    Mail = "mail",
});
names!(Purpose {
    Sign = "sign",
    Enrol = "enrol",
    Unlock = "unlock",
    CloudSign = "cloud-sign",
});

field!(
    AttachmentKind as String,
    |raw| AttachmentKind::ALL
        .into_iter()
        .find(|kind| kind.name() == raw),
    |kind: &AttachmentKind| kind.name().to_owned()
);

/// A PDF has no descriptor.
impl Field for DocumentKind {
    type Raw = String;

    fn from_raw(raw: Option<String>) -> Option<Self> {
        match raw {
            None => Some(DocumentKind::Pdf),
            Some(descriptor) => serde_json::from_str(&descriptor)
                .ok()
                .map(DocumentKind::Hash),
        }
    }

    fn to_raw(&self) -> Option<String> {
        match self {
            DocumentKind::Pdf => None,
            DocumentKind::Hash(descriptor) => serde_json::to_string(descriptor).ok(),
        }
    }
}

/// Types that are stored as JSON.
macro_rules! json {
    ($($type:ty),*) => {
        $(impl Field for $type {
            type Raw = String;

            fn from_raw(raw: Option<String>) -> Option<Self> {
                serde_json::from_str(&raw?).ok()
            }

            fn to_raw(&self) -> Option<String> {
                serde_json::to_string(self).ok()
            }
        })*
    };
}

json!(Vec<String>, Vec<RaId>, AuthoritySettings);
