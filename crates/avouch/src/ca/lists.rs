//! `avouch ca crl`: revocation lists as files, for a web server of another kind.

use std::path::Path;

use anyhow::Context;

use crate::cli;
use crate::registration::Office;

/// Writes every list of every issuing authority into a folder, laid out as under `/pki/`.
pub async fn write(options: &cli::Crl) -> anyhow::Result<()> {
    let office = Office::open(&options.place).await?;
    let lists = office.service().revocation_lists().await;
    office.close().await;
    let lists = lists?;
    for (path, list) in &lists {
        let path = options.out.join(path);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, list))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{} lists in {}", lists.len(), options.out.display());
    Ok(())
}
