//! The closed world in which templates are compiled: our files, our fonts, no clock, no disk.

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, FontStyle};
use typst::utils::LazyHash;
use typst::{Feature, Library, LibraryExt};

/// What is drawn up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Template {
    Contract,
    ContractPage,
    Declaration,
}

impl Template {
    fn path(self) -> &'static str {
        match self {
            Template::Contract => "contract.typ",
            Template::ContractPage => "contract-page.typ",
            Template::Declaration => "declaration.typ",
        }
    }
}

/// What all papers share.
pub(crate) struct Base {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    sources: Vec<Source>,
}

impl Base {
    pub(crate) fn new() -> Self {
        // Of the compiler's own fonts only the upright faces of the families that the templates
        // name: its bold italic lacks half of Cyrillic, so no template asks for italics.
        let fonts: Vec<Font> = typst_assets::fonts()
            .flat_map(|data| Font::iter(Bytes::new(data)))
            .filter(|font| font.info().variant.style == FontStyle::Normal)
            .filter(|font| FAMILIES.contains(&font.info().family.as_str()))
            .collect();
        Self {
            library: LazyHash::new(
                Library::builder()
                    .with_features([Feature::Html].into_iter().collect())
                    .build(),
            ),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            sources: FILES
                .iter()
                .map(|(path, text)| Source::new(file_id(path), (*text).to_owned()))
                .collect(),
            fonts,
        }
    }

    /// Whether people's texts can hold this character: one family has it in all its faces.
    pub(crate) fn covers(&self, c: char) -> bool {
        FAMILIES[..2].iter().any(|family| {
            let mut faces = self
                .fonts
                .iter()
                .filter(|font| font.info().family.as_str() == *family);
            faces.all(|font| font.info().coverage.contains(c.into()))
        })
    }
}

/// Text, its fallback for rare letters, and digests.
const FAMILIES: [&str; 3] = [
    "Libertinus Serif",
    "New Computer Modern",
    "DejaVu Sans Mono",
];

/// The templates, by the names under which they know each other.
macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../templates/", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = &files! {
    "clock.typ" "contract.typ" "contract-page.typ" "contract-parts.typ" "declaration.typ"
    "layout.typ" "page.typ" "wording.typ"
    "en/words.typ" "en/shared.typ" "en/one-time.typ" "en/lasting.typ" "en/declaration.typ"
    "es/words.typ" "es/shared.typ" "es/one-time.typ" "es/lasting.typ" "es/declaration.typ"
    "it/words.typ" "it/shared.typ" "it/one-time.typ" "it/lasting.typ" "it/declaration.typ"
};

/// One compilation: the shared files and the data of one paper, visible as `data.json`.
pub(crate) struct World<'a> {
    base: &'a Base,
    main: FileId,
    data_id: FileId,
    data: Bytes,
}

impl<'a> World<'a> {
    pub(crate) fn new(base: &'a Base, template: Template, data: Vec<u8>) -> Self {
        let (main, data_id) = (file_id(template.path()), file_id("data.json"));
        Self {
            base,
            main,
            data_id,
            data: Bytes::new(data),
        }
    }
}

impl typst::World for World<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.base.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.base.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let source = self.base.sources.iter().find(|source| source.id() == id);
        source.cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.data_id {
            Ok(self.data.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.base.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The compiler keeps file names for the life of the process, so only ours may become one.
fn file_id(path: &'static str) -> FileId {
    let path = VirtualPath::new(path).expect("the names of our files are valid paths");
    RootedPath::new(VirtualRoot::Project, path).intern()
}
