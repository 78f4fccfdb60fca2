//! OpenSSL and pkilint.

use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;

use crate::tools::{ToolOutput, run, workspace_root};

/// Runs `openssl` with these arguments.
pub fn openssl<I, A>(arguments: I, stdin: &[u8]) -> ToolOutput
where
    I: IntoIterator<Item = A>,
    A: AsRef<OsStr>,
{
    run("openssl", arguments, stdin)
}

/// One finding of a certificate lint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LintFinding {
    /// `FATAL`, `ERROR`, `WARNING` or `NOTICE`.
    pub severity: String,
    /// The rule, as in `etsi.en_319_412_2.nat-4.2.4-1.required_attribute_missing`.
    pub code: String,
    /// Where in the certificate, as in `certificate.tbsCertificate.subject`.
    pub node: String,
    /// The details, if any.
    pub message: Option<String>,
}

/// Findings of pkilint's ETSI lint (EN 319 412) on certificate files, from notices upwards: one
/// list for each. One call for many is much faster than many calls.
///
/// Each comes with the name of its policy, as in `NCP-NATURAL-PERSON-CERTIFICATE`.
///
/// # Panics
///
/// When the linter could not do its work, with its full output.
pub fn pkilint_etsi(certificates: &[(&str, &Path)]) -> Vec<Vec<LintFinding>> {
    let script = workspace_root().join("crates/testkit/judges/pkilint_judge.py");
    let pairs = certificates
        .iter()
        .flat_map(|(kind, file)| [OsStr::new(kind), file.as_os_str()]);
    let arguments = [script.as_os_str()].into_iter().chain(pairs);
    let output = run("python", arguments, b"").must_accept();
    let findings: Vec<_> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}):\n{}", output.transcript()));
    assert_eq!(findings.len(), certificates.len());
    findings
}
