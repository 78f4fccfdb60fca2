//! The papers: the service contract that a subscriber signs and the declaration that an officer
//! signs, drawn up as PDF/A-2b; the contract also as a part of a web page, to be read before.
//!
//! Layout is data: templates under `templates/`, their wording apart from their layout, one folder
//! of wording per language, which paper and web page share. What comes from people reaches a
//! template as JSON and is set as plain text, never read as markup. A paper is made of its data
//! alone: equal data give equal bytes.

mod paper;
mod receipt;
mod text;
mod world;

use std::sync::OnceLock;

use serde::Serialize;
use time::OffsetDateTime;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Output, Smart};
use typst_html::{HtmlDocument, HtmlOptions};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

pub use paper::{
    Capacity, ContractData, ContractKind, DeclarationData, EvidencePiece, Identification, Identity,
    Officer, Organisation, VideoPiece,
};
pub use receipt::{DeclarationText, declaration_text};

use text::Text;
use world::{Base, Template, World};

/// Draws up papers. Cheap to make: fonts and templates are prepared by the first paper.
#[derive(Default)]
pub struct Renderer {
    base: OnceLock<Base>,
}

/// Why a paper was not drawn up.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The caller's fault: a text is longer than any honest one, or a list has too many entries.
    #[error("{field} is longer than {limit}")]
    TooLong {
        /// Which part of the data.
        field: &'static str,
        /// Characters of a text, entries of a list.
        limit: usize,
    },
    /// The caller's fault: the date lies outside the years 1 to 9999, which PDF cannot express.
    #[error("the date cannot be written into a PDF")]
    Date,
    /// Our fault: a template does not hold for this data. File a bug.
    #[error("the template failed: {0}")]
    Template(String),
}

impl Renderer {
    /// A renderer that has prepared nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws up the service contract: a tagged PDF/A-2b with all fonts embedded.
    ///
    /// Takes about 50 ms in a release build: not for async threads. The time is bounded by the
    /// limits on the length of each text.
    pub fn render_contract(&self, data: &ContractData) -> Result<Vec<u8>, RenderError> {
        self.render(Template::Contract, data.request.0, data.at, |text| {
            data.shown(text)
        })
    }

    /// Draws up the officer's declaration: a tagged PDF/A-2b with all fonts embedded.
    ///
    /// As for time, see [`render_contract`](Renderer::render_contract).
    pub fn render_declaration(&self, data: &DeclarationData) -> Result<Vec<u8>, RenderError> {
        self.render(Template::Declaration, data.request.0, data.at, |text| {
            data.shown(text)
        })
    }

    /// The service contract as a part of a web page: one `article` with the wording of the paper
    /// in headings from `h2` down, paragraphs and lists, without styles, scripts or ids.
    ///
    /// As for time, see [`render_contract`](Renderer::render_contract).
    pub fn contract_html(&self, data: &ContractData) -> Result<String, RenderError> {
        self.compile(
            Template::ContractPage,
            |text| data.shown(text),
            |document: HtmlDocument| {
                let page = typst_html::html(&document, &HtmlOptions::default())
                    .map_err(|errors| broken(&errors))?;
                // In texts these brackets are escaped, so both ends are found for certain.
                page.split_once("<body>")
                    .and_then(|(_, rest)| rest.rsplit_once("</body>"))
                    .map(|(body, _)| body.to_owned())
                    .ok_or_else(|| RenderError::Template("a page without a body".to_owned()))
            },
        )
    }

    fn render<T: Serialize>(
        &self,
        template: Template,
        request: i64,
        at: OffsetDateTime,
        shown: impl FnOnce(&Text<'_>) -> Result<T, RenderError>,
    ) -> Result<Vec<u8>, RenderError> {
        let at = at.to_offset(time::UtcOffset::UTC);
        let date = u16::try_from(at.year())
            .ok()
            .filter(|year| (1..=9999).contains(year))
            .and_then(|year| {
                let (month, day) = (at.month().into(), at.day());
                Datetime::from_ymd_hms(year.into(), month, day, at.hour(), at.minute(), at.second())
            })
            .ok_or(RenderError::Date)?;
        let standards = PdfStandards::new(&[PdfStandard::A_2b])
            .map_err(|error| RenderError::Template(error.message().to_string()))?;
        let options = PdfOptions {
            ident: Smart::Custom(format!("{template:?} {request}")),
            creator: Smart::Custom(Some("Avouch".to_owned())),
            timestamp: Some(Timestamp::new_utc(date)),
            standards,
            ..PdfOptions::default()
        };
        self.compile(template, shown, |document: PagedDocument| {
            typst_pdf::pdf(&document, &options).map_err(|errors| broken(&errors))
        })
    }

    /// Compiles a template over its data and writes what comes out.
    fn compile<T: Serialize, D: Output, W>(
        &self,
        template: Template,
        shown: impl FnOnce(&Text<'_>) -> Result<T, RenderError>,
        write: impl FnOnce(D) -> Result<W, RenderError>,
    ) -> Result<W, RenderError> {
        let base = self.base.get_or_init(Base::new);
        let data = serde_json::to_vec(&shown(&Text(base))?)
            .map_err(|error| RenderError::Template(error.to_string()))?;
        // The compiler's cache is one for the process; left alone it grows with every paper.
        let _emptied = EmptyCache;
        let document = typst::compile(&World::new(base, template, data))
            .output
            .map_err(|errors| broken(&errors))?;
        write(document)
    }
}

struct EmptyCache;

impl Drop for EmptyCache {
    fn drop(&mut self) {
        comemo::evict(0);
    }
}

/// Messages of the compiler, without the source lines: those could hold personal data.
fn broken(errors: &[SourceDiagnostic]) -> RenderError {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    RenderError::Template(messages.join("; "))
}
