//! `avouch openapi`.

use anyhow::Context;

use crate::app::PRODUCT;
use crate::cli;
use crate::stdout;

/// Prints the document, or writes it.
pub fn run(options: &cli::Openapi) -> anyhow::Result<()> {
    let document = match options.api {
        cli::Api::OneShot => http_doors::openapi(&PRODUCT, None),
        cli::Api::RegistrationAuthority => http_doors::registration_openapi(&PRODUCT, None),
    };
    let mut document = document.to_pretty_json()?;
    document.push('\n');
    match &options.output {
        Some(path) => std::fs::write(path, document)
            .with_context(|| format!("cannot write {}", path.display())),
        None => stdout::print(&document),
    }
}
