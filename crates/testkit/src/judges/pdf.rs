//! qpdf, poppler's pdfsig and pyHanko.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::tools::{ToolOutput, run, run_at, workspace_root};

/// Runs `qpdf --check`. It is [`ToolOutput::accepted`] when there is neither error nor warning.
pub fn qpdf_check(pdf: &Path) -> ToolOutput {
    run("qpdf", [OsStr::new("--check"), pdf.as_os_str()], b"")
}

/// What pdfsig says about one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfSigReport {
    /// The signature field's name.
    pub field: String,
    /// The signer certificate's common name.
    pub signer: String,
    /// `/SubFilter`, as in `ETSI.CAdES.detached`.
    pub signature_type: String,
    /// As in `SHA-256`.
    pub hash_algorithm: String,
    /// Whether the signature reaches to the end of the file.
    pub covers_whole_document: bool,
    /// Whether the digest and the signature hold ("Signature is Valid.").
    pub valid: bool,
    /// Whether the certificate leads to the root that was given.
    pub trust: PdfSigTrust,
}

/// pdfsig's word on the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PdfSigTrust {
    /// "Certificate is Trusted."
    Trusted,
    /// "Unknown issue with Certificate or corrupted data."
    ///
    /// Poppler 22.12, the version of Debian 12, also says this of chains that NSS has just
    /// accepted: it looks at the last error that any step left behind instead of at the result.
    /// A chain that does not lead to the root gets [`PdfSigTrust::Refused`] all the same.
    NoWord,
    /// Anything else, in pdfsig's words; empty when the signature did not hold.
    Refused(String),
}

/// Judges every signature of a PDF, with only this root trusted and no question asked online.
///
/// # Panics
///
/// When pdfsig finds no signature or fails, with its full output.
pub fn pdfsig(pdf: &Path, root_pem: &Path) -> Vec<PdfSigReport> {
    ask_pdfsig(pdf, root_pem, |arguments| run("pdfsig", arguments, b""))
}

/// The same with its clock at a moment, as of [`run_at`].
///
/// # Panics
///
/// As [`pdfsig`].
pub fn pdfsig_at(moment: &str, pdf: &Path, root_pem: &Path) -> Vec<PdfSigReport> {
    ask_pdfsig(pdf, root_pem, |arguments| {
        run_at(moment, "pdfsig", arguments, b"")
    })
}

fn ask_pdfsig(
    pdf: &Path,
    root_pem: &Path,
    run_it: impl FnOnce([&OsStr; 4]) -> ToolOutput,
) -> Vec<PdfSigReport> {
    let trust = tempfile::tempdir().expect("a temporary folder for the trust store");
    let database = format!("sql:{}", trust.path().display());
    run("certutil", ["-N", "-d", &database, "--empty-password"], b"").must_accept();
    let import = ["-A", "-d", &database, "-n", "root", "-t", "CT,C,C", "-i"].map(OsStr::new);
    run(
        "certutil",
        import.into_iter().chain([root_pem.as_os_str()]),
        b"",
    )
    .must_accept();

    let [no_ocsp, database] = ["-no-ocsp", "-nssdir"].map(OsStr::new);
    let output = run_it([no_ocsp, database, trust.path().as_os_str(), pdf.as_os_str()]);
    let output = output.must_accept();
    let text = output.text();
    let reports: Vec<_> = text
        .split("\nSignature #")
        .skip(1)
        .map(parse_pdfsig)
        .collect();
    assert!(
        !reports.is_empty(),
        "no report understood:\n{}",
        output.transcript()
    );
    reports
}

/// How strictly pyHanko asks about revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Does not ask.
    Ignore,
    /// Every certificate must be shown to be unrevoked, by what the PDF carries or by asking the
    /// responder and the list that the certificate names.
    Require,
}

/// What pyHanko says about one signature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PyHankoReport {
    /// The signature field's name.
    pub field: String,
    /// `/SubFilter`, as in `/ETSI.CAdES.detached`.
    pub subfilter: String,
    /// The signer certificate's subject, readable.
    pub signer: String,
    /// As in `sha256`.
    pub digest_algorithm: String,
    /// Whether the digest matches.
    pub intact: bool,
    /// Whether the signature value holds.
    pub valid: bool,
    /// Whether the certificate leads to the root that was given.
    pub trusted: bool,
    /// `ENTIRE_FILE`, `ENTIRE_REVISION`, `CONTIGUOUS_BLOCK_FROM_START` or `UNCLEAR`.
    pub coverage: String,
    /// What later revisions did: `NONE`, `LTA_UPDATES`, `FORM_FILLING`, `ANNOTATIONS` or `OTHER`.
    pub modification_level: String,
    /// The signature time-stamp, if there is one.
    pub timestamp: Option<PyHankoTimestamp>,
    /// pyHanko's verdict over all this.
    pub bottom_line: bool,
    /// The verdict of the AdES procedure (EN 319 102-1): `PASSED`, or as in
    /// `INDETERMINATE/NO_POE`.
    pub ades: String,
    /// Why, where it did not pass.
    pub ades_message: Option<String>,
}

/// What pyHanko says about a signature time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PyHankoTimestamp {
    /// The time-stamping unit's subject, readable.
    pub signer: String,
    /// The time, ISO 8601.
    pub time: String,
    /// Whether the imprint matches.
    pub intact: bool,
    /// Whether the token's signature holds.
    pub valid: bool,
    /// Whether its certificate leads to the root that was given.
    pub trusted: bool,
}

/// Judges every signature of a PDF with pyHanko, in its plain and its AdES mode, with only this
/// root trusted.
///
/// # Panics
///
/// When pyHanko cannot read the file, with its full output.
pub fn pyhanko(pdf: &Path, root_pem: &Path, revocation: Revocation) -> Vec<PyHankoReport> {
    let revocation = match revocation {
        Revocation::Ignore => "ignore",
        Revocation::Require => "require",
    };
    let arguments = pyhanko_arguments(revocation, root_pem, &[pdf]);
    let mut reports = report_in::<Vec<_>>(&run("python", arguments, b"").must_accept());
    reports.pop().expect("one list for one file")
}

/// What pyHanko judges by when nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    /// The root and what the file carries: every certificate must be shown by that to be unrevoked.
    FileAlone,
    /// And the word that the newest archive time-stamp's unit and its authority are not revoked.
    /// pyHanko wants that to be fresh, which no file can hold for long.
    NewestUnitGood,
}

/// Judges every signature of some PDFs with pyHanko at a moment, as of [`run_at`], without a network.
/// One list for each file.
///
/// The clock stands still since pyHanko compares several readings of it: a proof of existence that
/// is a microsecond younger than the time in question would be none.
///
/// # Panics
///
/// When pyHanko cannot read a file, with its full output.
pub fn pyhanko_offline(
    moment: &str,
    pdfs: &[&Path],
    root_pem: &Path,
    by: Offline,
) -> Vec<Vec<PyHankoReport>> {
    let mode = match by {
        Offline::FileAlone => "offline",
        Offline::NewestUnitGood => "kept",
    };
    let arguments = pyhanko_arguments(mode, root_pem, pdfs);
    let reports: Vec<_> = report_in(&run_at(moment, "python", arguments, b"").must_accept());
    assert_eq!(reports.len(), pdfs.len());
    reports
}

/// pyHanko's verdict on one signature, with its file as the only source beside the root.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PyHankoVerdict {
    /// `PASSED`, or what is wrong. By the AdES procedure for signatures that are to last
    /// (EN 319 102-1 §5.6) where the file has a document time-stamp.
    pub verdict: String,
    /// Whether nothing came after the signature but what it allows.
    pub unmodified: bool,
    /// Whether the newest document time-stamp covers the whole file.
    pub archived: bool,
}

/// Judges the signature in this field of each PDF, or its first one, with pyHanko and without a
/// network. Files that it cannot read, or not in half a minute, do not pass.
///
/// # Panics
///
/// When pyHanko could not do its work, with its full output.
pub fn pyhanko_verdicts(
    root_pem: &Path,
    field: Option<&str>,
    pdfs: &[PathBuf],
) -> Vec<PyHankoVerdict> {
    let script = workspace_root().join("crates/testkit/judges/ades_judge.py");
    let field = OsStr::new(field.unwrap_or_default());
    let arguments = [script.as_os_str(), root_pem.as_os_str(), field]
        .into_iter()
        .chain(pdfs.iter().map(|pdf| pdf.as_os_str()));
    let output = run("python", arguments, b"").must_accept();
    let verdicts: Vec<_> = report_in(&output);
    assert_eq!(verdicts.len(), pdfs.len());
    verdicts
}

fn pyhanko_arguments(revocation: &str, root_pem: &Path, pdfs: &[&Path]) -> Vec<OsString> {
    let script = workspace_root().join("crates/testkit/judges/pyhanko_judge.py");
    let fixed = [script.into(), revocation.into(), root_pem.into()];
    fixed
        .into_iter()
        .chain(pdfs.iter().map(|pdf| pdf.into()))
        .collect()
}

fn report_in<T: DeserializeOwned>(output: &ToolOutput) -> T {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}):\n{}", output.transcript()))
}

fn parse_pdfsig(block: &str) -> PdfSigReport {
    let value = |key: &str| {
        block
            .lines()
            .find_map(|line| {
                line.trim()
                    .strip_prefix("- ")?
                    .strip_prefix(key)?
                    .strip_prefix(": ")
            })
            .unwrap_or_default()
            .to_owned()
    };
    let trust = value("Certificate Validation");
    PdfSigReport {
        field: value("Signature Field Name"),
        signer: value("Signer Certificate Common Name"),
        signature_type: value("Signature Type"),
        hash_algorithm: value("Signing Hash Algorithm"),
        covers_whole_document: block.contains("- Total document signed"),
        valid: value("Signature Validation") == "Signature is Valid.",
        trust: match trust.as_str() {
            "Certificate is Trusted." => PdfSigTrust::Trusted,
            "Unknown issue with Certificate or corrupted data." => PdfSigTrust::NoWord,
            _ => PdfSigTrust::Refused(trust),
        },
    }
}
