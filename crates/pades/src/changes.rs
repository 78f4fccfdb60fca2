//! What was changed after a signature: the file as it was signed beside the file as it is.
//!
//! Both are read from their catalogues downwards, and everything that can be reached must be the
//! same in both, but for the few places in which a signed file may grow: its form and the values
//! of its fields, annotations, the security store. Whatever differs elsewhere counts as a change
//! of the document, however small. Objects that nothing leads to can't be seen and do not count.
//!
//! This finds what incremental updates do to a signed file, whichever trick brings it about:
//! replaced pages, fonts or content streams, another catalogue, hidden objects that come to light.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{
    catalog::Catalog,
    document::Document,
    error::PdfError,
    form::{Field, Form},
    inspect::EmbeddedSignature,
    object::{Dictionary, Object, Ref},
    page,
    permission::{Certification, Permissions},
    xref,
};

/// Changes that are told one by one.
const MAX_TOLD: usize = 64;

/// What a change does to the document, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Validation data, silent document time-stamps and metadata: nothing that a reader sees.
    Preservation,
    /// A further signature, a document time-stamp that shows or does something, a field filled in.
    FormFilling,
    /// An annotation, which may lie over content.
    Annotation,
    /// The document itself.
    Content,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How far it goes.
    pub kind: ChangeKind,
    /// What was changed, for a person.
    pub what: String,
}

/// All that was changed after a signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The changes, but for those beyond a reasonable number.
    pub told: Vec<Change>,
    /// How far they go; `None` where there are none.
    pub most: Option<ChangeKind>,
    /// What the file's signatures still allowed, where one of them said so.
    pub certification: Option<Certification>,
}

/// Compares the revision that `signature` covers with the whole of `pdf`.
///
/// # Errors
///
/// Those that keep one of the two from being read; [`PdfError::SignedAndDamaged`] where one had to be
/// repaired, since other readers may repair it otherwise; and [`PdfError::Broken`] where the
/// revision does not have the signature.
pub fn changes(pdf: &[u8], signature: &EmbeddedSignature) -> Result<Changes, PdfError> {
    let end = match signature.byte_range.as_slice() {
        &[_, _, start, length] => start.checked_add(length),
        _ => None,
    };
    let signed = end
        .and_then(|end| pdf.get(..usize::try_from(end).ok()?))
        .ok_or_else(|| PdfError::at_byte("a signature's ranges are irregular", pdf.len()))?;
    Document::with(signed, |old| {
        Document::with(pdf, |new| {
            if old.is_repaired_signed || new.is_repaired_signed {
                return Err(PdfError::SignedAndDamaged);
            }
            Comparison::new(old, new).run(&signature.field_name)
        })
    })
}

type Pair = (Ref, Ref);

struct Comparison<'d, 'a> {
    old: &'d Document<'a>,
    new: &'d Document<'a>,
    /// Compared by rules of their own: pages, fields, the form, lists of annotations.
    special: HashSet<Pair>,
    /// Fields by their objects, in both files.
    fields: HashMap<Ref, Field>,
    /// Widgets of signature fields that the revision did not have.
    new_widgets: HashSet<Ref>,
    /// What must be the same, and what it means if it is not.
    expected: Vec<Expectation>,
    locked: Permissions,
    found: Changes,
}

struct Expectation {
    kind: ChangeKind,
    what: String,
    old: Object,
    new: Object,
}

impl<'d, 'a> Comparison<'d, 'a> {
    fn new(old: &'d Document<'a>, new: &'d Document<'a>) -> Self {
        Self {
            old,
            new,
            special: HashSet::new(),
            fields: HashMap::new(),
            new_widgets: HashSet::new(),
            expected: Vec::new(),
            locked: Permissions::default(),
            found: Changes::default(),
        }
    }

    fn run(mut self, signed_field: &str) -> Result<Changes, PdfError> {
        let old_catalog = Catalog::read(self.old)?;
        let new_catalog = Catalog::read(self.new)?;
        self.read_permissions(&old_catalog, signed_field)?;
        if old_catalog.id() != new_catalog.id() {
            self.tell(ChangeKind::Content, "the document has another catalogue");
            return Ok(self.found);
        }
        self.special.insert((old_catalog.id(), new_catalog.id()));
        self.trailers();
        // What is compared by special rules is gathered first, since everything else leads to it.
        self.forms(&old_catalog, &new_catalog)?;
        self.pages(&old_catalog, &new_catalog)?;
        self.catalogs(old_catalog.dictionary(), new_catalog.dictionary())?;
        self.meet_expectations()?;
        Ok(self.found)
    }

    /// The restrictions of the signatures that stood in the revision.
    fn read_permissions(&mut self, catalog: &Catalog, signed_field: &str) -> Result<(), PdfError> {
        let mut permissions = Permissions::of_catalog(self.old, catalog.dictionary())?;
        let mut is_there = false;
        Form::read(self.old, catalog)?.walk(self.old, |field| {
            if let Some((_, signature)) = field.signature(self.old)? {
                is_there |= field.name == signed_field;
                permissions.add(self.old, &signature)?;
            }
            Ok(())
        })?;
        if !is_there {
            let what = "the signed revision does not have this signature";
            return Err(PdfError::at_byte(what, self.old.data.len()));
        }
        self.found.certification = permissions.certification;
        self.locked = permissions;
        Ok(())
    }

    fn trailers(&mut self) {
        let (old, new) = (&self.old.xref.trailer, &self.new.xref.trailer);
        let entry = |trailer: &Dictionary, key| trailer.get(key).cloned().unwrap_or(Object::Null);
        for (key, kind, what) in [
            (
                "Info",
                ChangeKind::Preservation,
                "the document's information",
            ),
            ("Encrypt", ChangeKind::Content, "the document's encryption"),
        ] {
            self.expected.push(Expectation {
                kind,
                what: format!("{what} was changed"),
                old: entry(old, key),
                new: entry(new, key),
            });
        }
    }

    fn catalogs(&mut self, old: &Dictionary, new: &Dictionary) -> Result<(), PdfError> {
        for (key, old, new) in entries(old, new) {
            let (kind, what) = match key {
                b"AcroForm" | b"Pages" => continue,
                b"DSS" => (
                    ChangeKind::Preservation,
                    "validation data were added".to_owned(),
                ),
                b"Extensions" | b"Metadata" | b"Version" => {
                    let key = String::from_utf8_lossy(key);
                    (ChangeKind::Preservation, format!("/{key} was changed"))
                }
                _ => {
                    let key = String::from_utf8_lossy(key);
                    (
                        ChangeKind::Content,
                        format!("the document's /{key} was changed"),
                    )
                }
            };
            self.expect(kind, what, old, new);
        }
        Ok(())
    }

    fn forms(&mut self, old: &Catalog, new: &Catalog) -> Result<(), PdfError> {
        let entry = |catalog: &Catalog| catalog.get("AcroForm").cloned().unwrap_or(Object::Null);
        let (old_id, old_form) = self.old.locate(&entry(old))?;
        let (new_id, new_form) = self.new.locate(&entry(new))?;
        self.special.extend(old_id.zip(new_id));
        let empty = Dictionary::default();
        let as_dictionary = |object| match object {
            Object::Dictionary(dictionary) => dictionary,
            _ => empty.clone(),
        };
        let (old_form, new_form) = (as_dictionary(old_form), as_dictionary(new_form));
        for (key, old, new) in entries(&old_form, &new_form) {
            let kind = match key {
                b"Fields" | b"SigFlags" => continue,
                // Default resources and looks serve what fields will show, not what they do show.
                b"DR" | b"DA" | b"NeedAppearances" if old.is_null() => ChangeKind::FormFilling,
                _ => ChangeKind::Content,
            };
            let key = String::from_utf8_lossy(key);
            self.expect(kind, format!("the form's /{key} was changed"), old, new);
        }
        let (mut before, mut after) = (HashMap::new(), Vec::new());
        // Fields that stand within others, or in the form itself, against the standard.
        let (mut old_nameless, mut new_nameless) = (Vec::new(), Vec::new());
        Form::read(self.old, old)?.walk(self.old, |field| {
            match field.id {
                Some(id) => drop(before.insert(id, field)),
                None => old_nameless.push(Object::Dictionary(field.dictionary)),
            }
            Ok(())
        })?;
        Form::read(self.new, new)?.walk(self.new, |field| {
            match field.id {
                Some(id) => after.push((id, field)),
                None => new_nameless.push(Object::Dictionary(field.dictionary)),
            }
            Ok(())
        })?;
        let (old, new) = (Object::Array(old_nameless), Object::Array(new_nameless));
        self.expect_same("the form's fields were changed", &old, &new);
        let still_there: HashSet<_> = after.iter().map(|(id, _)| *id).collect();
        for (id, field) in &before {
            if !still_there.contains(id) {
                let what = format!("the field {} was removed", field.name);
                self.tell(ChangeKind::Content, what);
            }
        }
        self.special.extend(before.keys().map(|id| (*id, *id)));
        for (id, field) in after {
            match before.get(&id) {
                Some(earlier) => self.field(earlier, &field)?,
                None => self.new_field(id, &field)?,
            }
        }
        self.fields = before;
        Ok(())
    }

    /// A field that both have.
    fn field(&mut self, old: &Field, new: &Field) -> Result<(), PdfError> {
        let name = &old.name;
        let was_signed = old.signature(self.old)?.is_some();
        let (kind, what) = if !old.is_signature {
            (
                ChangeKind::FormFilling,
                format!("the field {name} was filled in"),
            )
        } else if was_signed {
            (
                ChangeKind::Content,
                format!("the signature in {name} was changed"),
            )
        } else {
            self.signed(new)?
        };
        let kind = match self.locked.is_locked(name) {
            true if !was_signed => ChangeKind::Content,
            _ => kind,
        };
        for (key, old, new) in entries(&old.dictionary, &new.dictionary) {
            let filled = match key {
                b"V" | b"AP" | b"AS" | b"M" => true,
                b"RV" | b"I" | b"DA" => !was_signed,
                b"P" | b"F" | b"Rect" | b"MK" => old.is_null(),
                _ => false,
            };
            match key {
                b"Kids" if self.same_references(old, new)? => {}
                b"Parent" if old == new => {}
                _ if filled => self.expect(kind, what.clone(), old, new),
                _ => {
                    let key = String::from_utf8_lossy(key);
                    let what = format!("/{key} of the field {name} was changed");
                    self.expect(ChangeKind::Content, what, old, new);
                }
            }
        }
        Ok(())
    }

    /// A field that the revision did not have.
    fn new_field(&mut self, id: Ref, field: &Field) -> Result<(), PdfError> {
        // A child of a field that was there would have changed that field's list.
        if !field.is_signature {
            let what = format!("the field {} was added", field.name);
            self.tell(ChangeKind::Content, what);
            return Ok(());
        }
        self.new_widgets.insert(id);
        let (kind, what) = self.signed(field)?;
        self.tell(kind, what);
        Ok(())
    }

    /// What it means that this field holds a signature now.
    fn signed(&self, field: &Field) -> Result<(ChangeKind, String), PdfError> {
        let name = &field.name;
        let Some((_, signature)) = field.signature(self.new)? else {
            let what = format!("the empty signature field {name} was added or changed");
            return Ok((ChangeKind::FormFilling, what));
        };
        let form = self.new.value(&signature, "SubFilter")?;
        if form.as_name() == Some(b"ETSI.RFC3161") && self.is_silent(field)? {
            let what = format!("the document time-stamp {name} was added");
            return Ok((ChangeKind::Preservation, what));
        }
        let what = format!("the signature {name} was added");
        Ok((ChangeKind::FormFilling, what))
    }

    /// Whether a field of the file as it is shows nothing and does nothing. A document time-stamp
    /// should be like that (ISO 32000-2, 12.8.5), or else it could lie over content.
    fn is_silent(&self, field: &Field) -> Result<bool, PdfError> {
        let value = |key| self.new.value(&field.dictionary, key);
        let subtype = value("Subtype")?;
        // Readers draw other annotations by themselves.
        let is_widget = subtype.is_null() || subtype.as_name() == Some(b"Widget");
        let is_blank = value("AP")?.is_null() || !page::takes_room(self.new, &field.dictionary)?;
        let is_idle = value("A")?.is_null() && value("AA")?.is_null();
        Ok(is_widget && is_blank && is_idle)
    }

    /// The page trees, which must have the same nodes in the same order.
    fn pages(&mut self, old: &Catalog, new: &Catalog) -> Result<(), PdfError> {
        let entry = |catalog: &Catalog| catalog.get("Pages").cloned().unwrap_or(Object::Null);
        let mut open = vec![(entry(old), entry(new))];
        let mut seen = HashSet::new();
        let mut number = 0;
        while let Some((old, new)) = open.pop() {
            if old != new {
                self.tell(ChangeKind::Content, "the tree of pages was changed");
                return Ok(());
            }
            // What is no reference is no page, either; it counts for what it leads to.
            let Some(id) = old.as_reference() else {
                self.expect_same("the tree of pages was changed", &old, &new);
                continue;
            };
            if !seen.insert(id) {
                continue;
            }
            // What is no dictionary is no page, either, and may well be the content of one.
            let (
                (old_id, Object::Dictionary(old_node), false),
                (new_id, Object::Dictionary(new_node), false),
            ) = (self.old.follow(&old)?, self.new.follow(&new)?)
            else {
                self.expect_same("the tree of pages was changed", &old, &new);
                continue;
            };
            self.special.insert((id, id));
            self.special.extend(old_id.zip(new_id));
            let is_leaf = !matches!(self.old.value(&old_node, "Kids")?, Object::Array(_));
            number += i64::from(is_leaf);
            for (key, old, new) in entries(&old_node, &new_node) {
                match key {
                    b"Kids" => match (self.old.locate(old)?.1, self.new.locate(new)?.1) {
                        (Object::Array(old), Object::Array(new)) if old.len() == new.len() => {
                            open.extend(old.into_iter().zip(new).rev());
                        }
                        (old, new) => self.expect_same("pages were added or removed", &old, &new),
                    },
                    b"Parent" if old == new => {}
                    b"Annots" if is_leaf => self.annotations(number, old, new)?,
                    _ => {
                        let key = String::from_utf8_lossy(key);
                        let what = match is_leaf {
                            true => format!("/{key} of page {number} was changed"),
                            false => format!("/{key} of the tree of pages was changed"),
                        };
                        self.expect(ChangeKind::Content, what, old, new);
                    }
                }
            }
        }
        Ok(())
    }

    fn annotations(&mut self, page: i64, old: &Object, new: &Object) -> Result<(), PdfError> {
        let (old_id, old_list) = self.old.locate(old)?;
        let (new_id, new_list) = self.new.locate(new)?;
        let list = |object| match object {
            Object::Array(items) => Some(items),
            Object::Null => Some(Vec::new()),
            _ => None,
        };
        let (Some(old_list), Some(new_list)) = (list(old_list), list(new_list)) else {
            let what = format!("/Annots of page {page} was changed");
            self.expect_same(&what, old, new);
            return Ok(());
        };
        self.special.extend(old_id.zip(new_id));
        // Their order counts, since the later ones lie over the earlier ones.
        let mut kept = old_list.into_iter().peekable();
        for annotation in new_list {
            let id = annotation.as_reference();
            if kept.next_if_eq(&annotation).is_none() {
                if !id.is_some_and(|id| self.new_widgets.contains(&id)) {
                    let what = format!("an annotation was added to page {page}");
                    self.tell(ChangeKind::Annotation, what);
                }
            } else if !id.is_some_and(|id| self.fields.contains_key(&id)) {
                // Fields have been compared; a widget without a field, too, is what a reader sees,
                // and what stands in the list itself may lead to changed objects.
                let what = format!("an annotation of page {page} was changed");
                self.expect(ChangeKind::Annotation, what, &annotation, &annotation);
            }
        }
        if kept.next().is_some() {
            let what = format!("an annotation of page {page} was removed, replaced or moved");
            self.tell(ChangeKind::Annotation, what);
        }
        Ok(())
    }

    fn same_references(&self, old: &Object, new: &Object) -> Result<bool, PdfError> {
        Ok(self.old.locate(old)?.1 == self.new.locate(new)?.1)
    }

    fn expect_same(&mut self, what: &str, old: &Object, new: &Object) {
        self.expect(ChangeKind::Content, what.to_owned(), old, new);
    }

    fn expect(&mut self, kind: ChangeKind, what: String, old: &Object, new: &Object) {
        self.expected.push(Expectation {
            kind,
            what,
            old: old.clone(),
            new: new.clone(),
        });
    }

    fn meet_expectations(&mut self) -> Result<(), PdfError> {
        // Pairs that are the same, or whose difference has been told as the worst there is.
        let mut settled = HashSet::new();
        for expectation in std::mem::take(&mut self.expected) {
            let Expectation {
                kind,
                what,
                old,
                new,
            } = expectation;
            // A milder difference must not hide a worse one behind the same objects.
            let mut own = HashSet::new();
            let seen = match kind {
                ChangeKind::Content => &mut settled,
                _ => &mut own,
            };
            if !self.is_same(old, new, seen)? {
                self.tell(kind, what);
            }
        }
        Ok(())
    }

    /// Whether two values are the same, whatever they lead to included. Circles close themselves:
    /// a pair that is being compared counts as the same until something else differs.
    fn is_same(
        &self,
        old: Object,
        new: Object,
        seen: &mut HashSet<Pair>,
    ) -> Result<bool, PdfError> {
        let mut open = vec![(old, new)];
        while let Some(pair) = open.pop() {
            match pair {
                (Object::Reference(old), Object::Reference(new)) => {
                    if self.special.contains(&(old, new)) || !seen.insert((old, new)) {
                        continue;
                    }
                    let old_object = self.old.object(old)?;
                    let new_object = self.new.object(new)?;
                    let data = |document: &Document<'a>, object: &Option<_>| {
                        object.as_ref().and_then(|one| raw_data(document, one))
                    };
                    if data(self.old, &old_object) != data(self.new, &new_object) {
                        return Ok(false);
                    }
                    let value = |object: Option<crate::document::Indirect>| {
                        object.map_or(Object::Null, |object| object.value)
                    };
                    open.push((value(old_object), value(new_object)));
                }
                (old @ Object::Reference(_), new) | (old, new @ Object::Reference(_)) => {
                    let (_, old, old_is_stream) = self.old.follow(&old)?;
                    let (_, new, new_is_stream) = self.new.follow(&new)?;
                    // One of the two is no stream, or is another one.
                    if old_is_stream || new_is_stream {
                        return Ok(false);
                    }
                    open.push((old, new));
                }
                (Object::Array(old), Object::Array(new)) => {
                    if old.len() != new.len() {
                        return Ok(false);
                    }
                    open.extend(old.into_iter().zip(new));
                }
                (Object::Dictionary(old), Object::Dictionary(new)) => {
                    let pairs = entries(&old, &new).into_iter();
                    open.extend(pairs.map(|(_, old, new)| (old.clone(), new.clone())));
                }
                (old, new) if old == new => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn tell(&mut self, kind: ChangeKind, what: impl Into<String>) {
        self.found.most = self.found.most.max(Some(kind));
        let change = Change {
            kind,
            what: what.into(),
        };
        if self.found.told.len() < MAX_TOLD && !self.found.told.contains(&change) {
            self.found.told.push(change);
        }
    }
}

/// The entries of both dictionaries, key by key; null where one has none.
///
/// Where a key is there twice, the last one counts, but not for all readers: what stands before it
/// is compared, too.
fn entries<'o>(
    old: &'o Dictionary,
    new: &'o Dictionary,
) -> Vec<(&'o [u8], &'o Object, &'o Object)> {
    let sorted = |dictionary: &'o Dictionary| {
        let mut entries: Vec<_> = dictionary.iter().collect();
        entries.reverse();
        entries.sort_by_key(|(key, _)| *key);
        entries.into_iter().peekable()
    };
    let (mut old, mut new) = (sorted(old), sorted(new));
    let mut pairs = Vec::new();
    loop {
        let next = match (old.peek(), new.peek()) {
            (Some((old, _)), Some((new, _))) => *old.min(new),
            (Some((key, _)), None) | (None, Some((key, _))) => *key,
            (None, None) => return pairs,
        };
        let value = |side: &mut std::iter::Peekable<std::vec::IntoIter<_>>| {
            let entry = side.next_if(|(key, _)| *key == next);
            entry.map_or(&Object::Null, |(_, value)| value)
        };
        pairs.push((next, value(&mut old), value(&mut new)));
    }
}

/// The bytes of a stream as they stand in the file.
fn raw_data<'a>(document: &Document<'a>, object: &crate::document::Indirect) -> Option<&'a [u8]> {
    let (Object::Dictionary(dictionary), Some(start)) = (&object.value, object.stream) else {
        return None;
    };
    let length = document.value(dictionary, "Length").ok();
    let data = &document.data[start..];
    Some(&data[..xref::stream_length(data, length.as_ref())])
}
