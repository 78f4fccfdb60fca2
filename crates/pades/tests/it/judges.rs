//! The outside judges, and what they say about many files at once.

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::run;

/// pyHanko counts offsets from the first byte where ISO 32000-2, 7.5.2 counts from the header, does
/// not know the encryption that Adobe had before PDF 2.0, and decrypts metadata that are plain.
pub const UNREADABLE_TO_PYHANKO: [&str; 4] = [
    "header-offset",
    "header-offset-absolute",
    "encrypted-aes-256-r5",
    "encrypted-cleartext-metadata",
];

/// qpdf must find nothing to complain about.
pub fn qpdf(file: &Path) {
    run("qpdf", [Path::new("--check"), file], &[]).must_accept();
}

/// What pdfsig says of each signature: validity, and whether it covers the whole document.
pub fn pdfsig(file: &Path) -> Vec<(bool, bool)> {
    let output = run("pdfsig", [Path::new("-nocert"), file], &[]).must_accept();
    let text = output.text();
    text.split("Signature #")
        .skip(1)
        .filter(|part| !part.contains("is not signed"))
        .map(|part| {
            (
                part.contains("Signature is Valid."),
                part.contains("Total document signed"),
            )
        })
        .collect()
}

/// pyHanko's opinion of one signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Opinion {
    pub field: String,
    /// Digest and signature are right.
    pub sound: bool,
    /// The chain leads to the given root.
    pub trusted: bool,
    /// Nothing but allowed changes came after it.
    pub unmodified: bool,
    /// It carries a time-stamp whose chain leads to the given root.
    pub stamped: bool,
    /// It covers the whole file.
    pub whole: bool,
}

/// pyHanko's opinion of every signature of every file; one process for all, as it starts slowly.
pub fn pyhanko(root: &Path, files: &[PathBuf]) -> Vec<Vec<Opinion>> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/pyhanko_judge.py");
    let arguments = [script, root.to_owned()]
        .into_iter()
        .chain(files.iter().cloned());
    let output = run("python", arguments, &[]).must_accept();
    let flag = |value: &Value, key: &str| value[key].as_bool().unwrap();
    output
        .text()
        .lines()
        .map(|line| {
            let signatures: Vec<Value> = serde_json::from_str(line).unwrap();
            let opinion = |value: &Value| Opinion {
                field: value["field"].as_str().unwrap().to_owned(),
                sound: flag(value, "sound"),
                trusted: flag(value, "trusted"),
                unmodified: flag(value, "unmodified"),
                stamped: flag(value, "stamped"),
                whole: flag(value, "whole"),
            };
            signatures.iter().map(opinion).collect()
        })
        .collect()
}
