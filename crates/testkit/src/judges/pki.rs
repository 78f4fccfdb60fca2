//! OpenSSL and pkilint.

use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;

use crate::tools::{ToolOutput, run};

/// Runs `openssl` with these arguments.
pub fn openssl<I, A>(arguments: I, stdin: &[u8]) -> ToolOutput
where
    I: IntoIterator<Item = A>,
    A: AsRef<OsStr>,
{
    run("openssl", arguments, stdin)
}

/// One finding of a certificate lint.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Findings of pkilint's ETSI lint (EN 319 412) on a certificate file, from notices upwards.
///
/// `kind` names the policy, as in `NCP-NATURAL-PERSON-CERTIFICATE`.
///
/// # Panics
///
/// When the linter could not do its work, with its full output.
pub fn pkilint_etsi(certificate: &Path, kind: &str) -> Vec<LintFinding> {
    let arguments = [
        OsStr::new("lint"),
        OsStr::new("--type"),
        OsStr::new(kind),
        OsStr::new("--severity"),
        OsStr::new("NOTICE"),
        OsStr::new("--format"),
        OsStr::new("JSON"),
        certificate.as_os_str(),
    ];
    // The exit status counts findings, so only the report tells whether the linter ran.
    let output = run("lint_etsi_cert", arguments, b"");
    let report: Report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}):\n{}", output.transcript()));
    report
        .results
        .into_iter()
        .flat_map(|result| {
            result
                .finding_descriptions
                .into_iter()
                .map(move |finding| LintFinding {
                    severity: finding.severity,
                    code: finding.code,
                    node: result.node_path.clone(),
                    message: finding.message,
                })
        })
        .collect()
}

#[derive(Deserialize)]
struct Report {
    results: Vec<NodeReport>,
}

#[derive(Deserialize)]
struct NodeReport {
    node_path: String,
    finding_descriptions: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    severity: String,
    code: String,
    message: Option<String>,
}
