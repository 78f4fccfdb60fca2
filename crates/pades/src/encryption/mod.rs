//! Files that are encrypted and open without a password: what their protection permits, and how
//! their strings and streams are read and written (ISO 32000-2, 7.6).
//!
//! Such files are common, since a file without a user password can still carry permissions.
//! `key` derives the file's key, and `cipher` applies it.

mod cipher;
mod key;

use std::borrow::Cow;

use crate::{
    encryption::cipher::Method,
    error::PdfError,
    object::{Dictionary, Object, Ref},
};

const HANDLER: &str = "by another handler than the standard one";
const PASSWORD: &str = "with a password";
const UNKNOWN: &str = "in a way that is not supported";

/// Permissions by their bit positions (table 22).
const MODIFY: u32 = 1 << 3;
const ANNOTATE: u32 = 1 << 5;
const FILL_IN: u32 = 1 << 8;

/// The standard security handler of a file whose user password is empty.
pub(crate) struct Protection {
    key: Vec<u8>,
    strings: Method,
    streams: Method,
    /// Methods by the names of their crypt filters, for streams that name one.
    filters: Vec<(Vec<u8>, Method)>,
    encrypts_metadata: bool,
    permissions: u32,
    revision: i64,
    /// The encryption dictionary itself, whose strings are plain.
    dictionary: Option<Ref>,
}

impl Protection {
    /// `id` names the object that is the `/Encrypt` dictionary, where it is one; `file_id` is the
    /// first part of the trailer's `/ID`.
    ///
    /// # Errors
    ///
    /// [`PdfError::Encrypted`] if a password is needed, or another handler.
    pub fn open(
        id: Option<Ref>,
        dictionary: &Dictionary,
        file_id: &[u8],
    ) -> Result<Self, PdfError> {
        if dictionary.get("Filter").and_then(Object::as_name) != Some(b"Standard") {
            return Err(PdfError::Encrypted(HANDLER));
        }
        let integer = |key| dictionary.get(key).and_then(Object::as_integer);
        let version = integer("V").unwrap_or(0);
        let (strings, streams, filters) = match version {
            1 | 2 => (Method::Rc4, Method::Rc4, Vec::new()),
            4 | 5 => {
                let filters = crypt_filters(dictionary)?;
                let of = |key| named(&filters, dictionary.get(key));
                (of("StrF")?, of("StmF")?, filters)
            }
            _ => return Err(PdfError::Encrypted(UNKNOWN)),
        };
        let encrypts_metadata = dictionary.get("EncryptMetadata") != Some(&Object::Boolean(false));
        // Written as signed or as unsigned numbers of 32 bits.
        let permissions = integer("P").unwrap_or(0) as u32;
        let handler = key::Handler {
            revision: integer("R").unwrap_or(0),
            key_length: match version {
                1 => 5,
                2 => usize::try_from(integer("Length").unwrap_or(40) / 8).unwrap_or(0),
                _ => 16,
            },
            permissions,
            encrypts_metadata,
            file_id,
            dictionary,
        };
        Ok(Self {
            key: handler.key_without_password()?,
            strings,
            streams,
            filters,
            encrypts_metadata,
            permissions,
            revision: handler.revision,
            dictionary: id,
        })
    }

    /// Whether new form fields may be added.
    pub fn permits_new_fields(&self) -> bool {
        self.permissions & (MODIFY | ANNOTATE) == MODIFY | ANNOTATE
    }

    /// Whether fields that are there may be filled in.
    pub fn permits_filling_in(&self) -> bool {
        let fill_in = if self.revision >= 3 { FILL_IN } else { 0 };
        self.permissions & (ANNOTATE | fill_in) != 0
    }

    /// Makes the strings of the object that `id` names readable. One that was never encrypted, as
    /// some producers leave them, stays.
    pub fn decrypt_strings(&self, id: Ref, value: &mut Object) {
        if self.dictionary == Some(id) {
            return;
        }
        each_string(value, &mut |string| {
            if let Some(plain) = self.strings.decrypt(&self.key, id, string) {
                *string = plain;
            }
        });
    }

    /// `value` as it is written for the object that `id` names.
    pub fn encrypt_strings(&self, id: Ref, value: &Object) -> Object {
        let mut value = value.clone();
        each_string(&mut value, &mut |string| {
            *string = self.strings.encrypt(&self.key, id, string);
        });
        value
    }

    /// The data of the stream that `id` names, before its other filters.
    pub fn decrypt_stream<'a>(
        &self,
        id: Ref,
        dictionary: &Dictionary,
        data: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, PdfError> {
        let method = self.method_of(dictionary)?;
        if method == Method::Identity {
            return Ok(Cow::Borrowed(data));
        }
        method
            .decrypt(&self.key, id, data)
            .map(Cow::Owned)
            .ok_or_else(|| PdfError::in_object("an encrypted stream is damaged", id.number))
    }

    /// `data` as it is written for the new stream that `id` names.
    pub fn encrypt_stream(&self, id: Ref, data: &[u8]) -> Vec<u8> {
        self.streams.encrypt(&self.key, id, data)
    }

    fn method_of(&self, dictionary: &Dictionary) -> Result<Method, PdfError> {
        if dictionary.is_type("XRef")
            || dictionary.is_type("Metadata") && !self.encrypts_metadata && !self.filters.is_empty()
        {
            return Ok(Method::Identity);
        }
        let first = |key| match dictionary.get(key) {
            Some(Object::Array(items)) => items.first(),
            single => single,
        };
        if first("Filter").and_then(Object::as_name) != Some(b"Crypt") {
            return Ok(self.streams);
        }
        match first("DecodeParms") {
            Some(Object::Dictionary(parameters)) => named(&self.filters, parameters.get("Name")),
            _ => Ok(Method::Identity),
        }
    }
}

/// The methods of `/CF` by name (7.6.6).
fn crypt_filters(dictionary: &Dictionary) -> Result<Vec<(Vec<u8>, Method)>, PdfError> {
    let Some(Object::Dictionary(filters)) = dictionary.get("CF") else {
        return Ok(Vec::new());
    };
    filters
        .iter()
        .map(|(name, filter)| {
            let method = match filter {
                Object::Dictionary(filter) => filter.get("CFM").and_then(Object::as_name),
                _ => None,
            };
            Ok((
                name.to_vec(),
                match method {
                    Some(b"V2") => Method::Rc4,
                    Some(b"AESV2") => Method::Aes128,
                    Some(b"AESV3") => Method::Aes256,
                    _ => return Err(PdfError::Encrypted(UNKNOWN)),
                },
            ))
        })
        .collect()
}

/// The method of the filter that `name` names; without a name, it is the identity.
fn named(filters: &[(Vec<u8>, Method)], name: Option<&Object>) -> Result<Method, PdfError> {
    match name.and_then(Object::as_name) {
        None | Some(b"Identity") => Ok(Method::Identity),
        Some(name) => filters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, method)| *method)
            .ok_or(PdfError::Encrypted(UNKNOWN)),
    }
}

/// Visits all strings but the container of a signature, which is never encrypted (7.6.2).
fn each_string(value: &mut Object, visit: &mut impl FnMut(&mut Vec<u8>)) {
    match value {
        Object::String(string) => visit(string),
        Object::Array(items) => {
            for item in items {
                each_string(item, visit);
            }
        }
        Object::Dictionary(dictionary) => {
            let is_signature = dictionary.get("ByteRange").is_some();
            for (key, item) in dictionary.iter_mut() {
                if !(is_signature && key == b"Contents") {
                    each_string(item, visit);
                }
            }
        }
        _ => {}
    }
}
