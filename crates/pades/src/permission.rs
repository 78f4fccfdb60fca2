//! What earlier signatures allow (DocMDP and FieldMDP; ISO 32000-2, 12.8.2.2 and 12.8.2.4), and
//! what an empty signature field demands of its signature (12.7.5.5).

use std::collections::HashSet;

use crate::{
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Ref},
    text,
};

/// Signatures that lock fields. Each is asked about each field, and real files have a few.
const MAX_LOCKS: usize = 256;

/// What the author of a certified document still allows (12.8.2.2, table 257).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Certification {
    /// P = 1: nothing, not even another signature; document time-stamps alone.
    NoChanges,
    /// P = 2: filling in forms and signing.
    FormFilling,
    /// P = 3: the same, and annotations.
    Annotations,
}

/// What all signatures of a document together allow.
#[derive(Default)]
pub(crate) struct Permissions {
    /// The strictest DocMDP level. Approval signatures have one, too, where their field's `/Lock`
    /// said so.
    pub certification: Option<Certification>,
    locks: Vec<Lock>,
}

/// The fields that a signature locked, or that one will lock.
struct Lock {
    scope: Scope,
    names: HashSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Include,
    Exclude,
}

impl Permissions {
    /// Those of the catalogue's `/Perms`.
    pub fn of_catalog(document: &Document<'_>, catalog: &Dictionary) -> Result<Self, PdfError> {
        let mut found = Self::default();
        if let Object::Dictionary(permissions) = document.value(catalog, "Perms")?
            && let Object::Dictionary(signature) = document.value(&permissions, "DocMDP")?
        {
            found.add(document, &signature)?;
        }
        Ok(found)
    }

    /// Those that `signature` adds.
    pub fn add(&mut self, document: &Document<'_>, signature: &Dictionary) -> Result<(), PdfError> {
        let Object::Array(references) = document.value(signature, "Reference")? else {
            return Ok(());
        };
        for reference in &references {
            let (_, Object::Dictionary(reference)) = document.locate(reference)? else {
                continue;
            };
            let parameters = match document.value(&reference, "TransformParams")? {
                Object::Dictionary(parameters) => parameters,
                _ => Dictionary::default(),
            };
            match document.value(&reference, "TransformMethod")?.as_name() {
                Some(b"DocMDP") => self.restrict(level(document, &parameters)?.unwrap_or_default()),
                Some(b"FieldMDP") => self.locks.extend(Lock::read(document, &parameters)?),
                _ => {}
            }
            if self.locks.len() > MAX_LOCKS {
                return Err(PdfError::Limit {
                    what: "too many signatures lock fields",
                    limit: MAX_LOCKS as u64,
                });
            }
        }
        Ok(())
    }

    /// True if a signature locked the field `name`.
    pub fn is_locked(&self, name: &str) -> bool {
        self.locks.iter().any(|lock| lock.covers(name))
    }

    fn restrict(&mut self, level: Certification) {
        self.certification = Some(self.certification.map_or(level, |known| known.min(level)));
    }
}

/// The default where P is absent (table 257).
impl Default for Certification {
    fn default() -> Self {
        Self::FormFilling
    }
}

fn level(
    document: &Document<'_>,
    dictionary: &Dictionary,
) -> Result<Option<Certification>, PdfError> {
    Ok(match document.value(dictionary, "P")?.as_integer() {
        Some(1) => Some(Certification::NoChanges),
        Some(2) => Some(Certification::FormFilling),
        Some(3) => Some(Certification::Annotations),
        _ => None,
    })
}

impl Lock {
    /// From `/TransformParams` of FieldMDP (table 259) or from `/SigFieldLock` (table 236).
    fn read(document: &Document<'_>, dictionary: &Dictionary) -> Result<Option<Self>, PdfError> {
        let scope = match document.value(dictionary, "Action")?.as_name() {
            Some(b"All") => Scope::All,
            Some(b"Include") => Scope::Include,
            Some(b"Exclude") => Scope::Exclude,
            _ => return Ok(None),
        };
        Ok(Some(Self {
            scope,
            names: strings(document, dictionary, "Fields")?
                .into_iter()
                .collect(),
        }))
    }

    /// The name of a field that has children stands for them, too.
    fn covers(&self, name: &str) -> bool {
        let ends = name.match_indices('.').map(|(end, _)| end);
        let named = ends
            .chain([name.len()])
            .any(|end| self.names.contains(&name[..end]));
        match self.scope {
            Scope::All => true,
            Scope::Include => named,
            Scope::Exclude => !named,
        }
    }

    fn write(&self) -> Dictionary {
        let action = match self.scope {
            Scope::All => "All",
            Scope::Include => "Include",
            Scope::Exclude => "Exclude",
        };
        let parameters = parameters().with("Action", Object::name(action));
        if self.scope == Scope::All {
            return parameters;
        }
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort();
        let names = names.into_iter().map(|name| text::encode(name)).collect();
        parameters.with("Fields", Object::Array(names))
    }
}

/// The `/Reference` that a signature in `field` must carry because the field's `/Lock` says that
/// signing it locks fields, or the document (12.7.5.5).
pub(crate) fn locks_of(
    document: &Document<'_>,
    field: &Dictionary,
    catalog_id: Ref,
) -> Result<Option<Object>, PdfError> {
    let Object::Dictionary(lock) = document.value(field, "Lock")? else {
        return Ok(None);
    };
    let mut references = Vec::new();
    if let Some(fields) = Lock::read(document, &lock)? {
        let reference = reference("FieldMDP", fields.write());
        references.push(Object::Dictionary(
            reference.with("Data", Object::Reference(catalog_id)),
        ));
    }
    if let Some(level) = level(document, &lock)? {
        let level = match level {
            Certification::NoChanges => 1,
            Certification::FormFilling => 2,
            Certification::Annotations => 3,
        };
        let parameters = parameters().with("P", Object::Integer(level));
        references.push(Object::Dictionary(reference("DocMDP", parameters)));
    }
    Ok(Some(Object::Array(references)))
}

fn reference(method: &str, parameters: Dictionary) -> Dictionary {
    Dictionary::default()
        .with("Type", Object::name("SigRef"))
        .with("TransformMethod", Object::name(method))
        .with("TransformParams", Object::Dictionary(parameters))
}

fn parameters() -> Dictionary {
    Dictionary::default()
        .with("Type", Object::name("TransformParams"))
        .with("V", Object::name("1.2"))
}

/// Fails where the field's seed values (12.7.5.5, table 237) demand what a signature of ours is
/// not. What they merely recommend is passed over.
pub(crate) fn check_seed_values(
    document: &Document<'_>,
    field: &Dictionary,
    reason: Option<&str>,
) -> Result<(), PdfError> {
    let Object::Dictionary(seed) = document.value(field, "SV")? else {
        return Ok(());
    };
    let flags = document.value(&seed, "Ff")?.as_integer().unwrap_or(0);
    let demanded = |position: u32| flags & (1 << (position - 1)) != 0;
    let is_name = |key, wanted: &[u8]| {
        Ok::<_, PdfError>(match document.value(&seed, key)? {
            Object::Name(name) => name == wanted,
            Object::Null => true,
            _ => false,
        })
    };
    let refuse = |what| Err(PdfError::SeedValue(what));
    if demanded(1) && !is_name("Filter", b"Adobe.PPKLite")? {
        return refuse("another signature handler");
    }
    if demanded(2) && !allows(document, &seed, "SubFilter", "ETSI.CAdES.detached")? {
        return refuse("another format than PAdES");
    }
    if demanded(3)
        && number(document, &seed, "V")?.is_some_and(|version| version > NEWEST_SEED_VALUES)
    {
        return refuse("rules newer than those known here");
    }
    if demanded(4) && !allows_reason(document, &seed, reason)? {
        return refuse("a certain reason for signing");
    }
    if demanded(6) && document.value(&seed, "AddRevInfo")? == Object::Boolean(true) {
        return refuse("revocation data in the signature itself");
    }
    if demanded(7) && !allows(document, &seed, "DigestMethod", "SHA256")? {
        return refuse("another digest than SHA-256");
    }
    if demanded(8) && document.value(&seed, "LockDocument")? == Object::name("true") {
        return refuse("that the signature locks the document");
    }
    if demanded(9) && !document.value(&seed, "AppearanceFilter")?.is_null() {
        return refuse("a certain appearance");
    }
    if let Object::Dictionary(certification) = document.value(&seed, "MDP")?
        && number(document, &certification, "P")?.is_some_and(|level| level > 0)
    {
        return refuse("that the signature certifies the document");
    }
    if let Object::Dictionary(certificate) = document.value(&seed, "Cert")?
        && number(document, &certificate, "Ff")?.is_some_and(|flags| flags != 0)
    {
        return refuse("a certain certificate");
    }
    Ok(())
}

/// The version of seed value dictionaries of PDF 2.0 (table 237).
const NEWEST_SEED_VALUES: i64 = 3;

/// True if the list under `key` is absent, or names `wanted`.
fn allows(
    document: &Document<'_>,
    seed: &Dictionary,
    key: &str,
    wanted: &str,
) -> Result<bool, PdfError> {
    let Object::Array(choices) = document.value(seed, key)? else {
        return Ok(true);
    };
    for choice in &choices {
        match document.locate(choice)?.1 {
            Object::Name(name) | Object::String(name) if name == wanted.as_bytes() => {
                return Ok(true);
            }
            _ => {}
        }
    }
    Ok(false)
}

/// A single full stop, or no choice at all, demands that there be no reason.
fn allows_reason(
    document: &Document<'_>,
    seed: &Dictionary,
    reason: Option<&str>,
) -> Result<bool, PdfError> {
    let choices = strings(document, seed, "Reasons")?;
    Ok(match reason {
        Some(reason) => choices
            .iter()
            .any(|choice| choice == reason && choice != "."),
        None => choices.is_empty() || choices == ["."],
    })
}

fn number(
    document: &Document<'_>,
    dictionary: &Dictionary,
    key: &str,
) -> Result<Option<i64>, PdfError> {
    Ok(document.value(dictionary, key)?.as_integer())
}

/// The text strings of an array; empty where there is none.
fn strings(
    document: &Document<'_>,
    dictionary: &Dictionary,
    key: &str,
) -> Result<Vec<String>, PdfError> {
    let Object::Array(items) = document.value(dictionary, key)? else {
        return Ok(Vec::new());
    };
    let mut strings = Vec::with_capacity(items.len());
    for item in &items {
        if let Object::String(bytes) = document.locate(item)?.1 {
            strings.push(text::decode(&bytes));
        }
    }
    Ok(strings)
}
