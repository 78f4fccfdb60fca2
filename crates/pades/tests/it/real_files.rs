//! PDFs of many makers, signed at B-LT and B-LTA under the eyes of all judges, or refused with the
//! reason that the corpus' table expects.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use pades::{FieldTarget, PdfError, SecurityStore, SignatureSpec};
use testkit::{PyHankoVerdict, pyhanko_verdicts};

use crate::authority::{Authority, Person};
use crate::judges;
use crate::signer::spec;

/// A row of the table in the corpus' `README.md`.
struct Row {
    name: String,
    /// `signed`, or why not, in the words of [`reason`].
    outcome: String,
    /// Judges that can't make sense of the file even before it is signed.
    excused: Vec<String>,
    sha256: String,
}

impl Row {
    fn excuses(&self, judge: &str) -> bool {
        self.excused.iter().any(|excused| excused == judge)
    }

    fn path(&self) -> PathBuf {
        folder().join(format!("{}.pdf", self.name))
    }
}

fn folder() -> PathBuf {
    testkit::workspace_root().join("crates/testkit/corpus")
}

fn table() -> Vec<Row> {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .strip_prefix("| `")?
            .split('|')
            .map(str::trim)
            .collect();
        let [name, _maker, _what, outcome, excused, _package, sha256, ""] = cells[..] else {
            panic!("not a row: {line}")
        };
        Some(Row {
            name: name.trim_matches('`').into(),
            outcome: outcome.into(),
            excused: excused.split(", ").map(str::to_owned).collect(),
            sha256: sha256.trim_matches('`').into(),
        })
    });
    rows.collect()
}

/// Those of at most 8 KiB, for tests that try each of them often.
pub fn small() -> Vec<(String, Vec<u8>)> {
    let files = table().into_iter().map(|row| {
        let pdf = fs::read(row.path()).unwrap();
        (row.name, pdf)
    });
    files.filter(|(_, pdf)| pdf.len() <= 8 * 1024).collect()
}

#[test]
fn the_table_lists_every_file_as_it_is() {
    let rows = table();
    let listed: BTreeSet<_> = rows.iter().map(Row::path).collect();
    let there: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    assert_eq!(listed, there);
    assert_eq!(rows.len(), there.len(), "no file is listed twice");
    for row in &rows {
        let digest = crypto::sha256(&fs::read(row.path()).unwrap());
        let digest = digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        assert_eq!(digest, row.sha256, "{}", row.name);
    }
    let signed = rows.iter().filter(|row| row.outcome == "signed").count();
    assert!(signed >= 60, "{signed} files are signed");
}

#[test]
fn every_real_file_is_signed_to_last_or_refused_with_its_reason() {
    let authority = Authority::new();
    let person = authority.person("Carmen");
    let store = authority.security_store(&person);
    let folder = tempfile::tempdir().unwrap();
    let root = authority.root(folder.path());
    let rows = table();
    let half = rows.len().div_ceil(2);
    // Two halves at once; most of the time goes into judges.
    let complaints: Vec<_> = thread::scope(|scope| {
        let halves = rows.chunks(half).map(|rows| {
            let sitting = Sitting {
                authority: &authority,
                person: &person,
                store: &store,
                folder: folder.path(),
                root: &root,
            };
            scope.spawn(move || sitting.judge(rows))
        });
        let halves: Vec<_> = halves.collect();
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What is needed to sign files and to have them judged.
struct Sitting<'a> {
    authority: &'a Authority,
    person: &'a Person,
    store: &'a SecurityStore,
    folder: &'a Path,
    root: &'a Path,
}

impl Sitting<'_> {
    /// Everything that is not as the rows say.
    fn judge(&self, rows: &[Row]) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut signed = Vec::new();
        for row in rows {
            let mut complain = |text: String| complaints.push(format!("{}: {text}", row.name));
            let base = fs::read(row.path()).unwrap();
            match self.sign(&base) {
                Err(error) if row.outcome == reason(&error) => {
                    let inspected = pades::inspect(&base).map(drop);
                    if inspected != Err(error) {
                        complain(format!("inspection says {inspected:?}"));
                    }
                }
                Err(error) => complain(format!("{}: {error}", reason(&error))),
                Ok(_) if row.outcome != "signed" => complain("was signed".into()),
                Ok(pdf) => {
                    let path = self.folder.join(format!("{}.pdf", row.name));
                    fs::write(&path, &pdf).unwrap();
                    if let Err(text) = look(row, &base, &pdf, &path) {
                        complain(text);
                    }
                    if !row.excuses("pyHanko") {
                        signed.push((row, path));
                    }
                }
            }
        }
        let paths: Vec<_> = signed.iter().map(|(_, path)| path.clone()).collect();
        let expected = PyHankoVerdict {
            verdict: "PASSED".into(),
            unmodified: true,
            archived: true,
        };
        let verdicts = pyhanko_verdicts(self.root, Some("Avouch"), &paths);
        for ((row, _), verdict) in signed.iter().zip(verdicts) {
            if verdict != expected {
                complaints.push(format!("{}: pyHanko says {verdict:?}", row.name));
            }
        }
        complaints
    }

    /// B-LT in one pass, then an archive time-stamp: B-LTA.
    fn sign(&self, pdf: &[u8]) -> Result<Vec<u8>, PdfError> {
        let spec = SignatureSpec {
            field: FieldTarget::New("Avouch".into()),
            security_store: self.store.clone(),
            ..spec()
        };
        let signed = self.authority.sign(pdf, self.person, spec)?;
        self.authority.archive(&signed)
    }
}

/// What our own reader, qpdf and pdfsig find wrong.
fn look(row: &Row, base: &[u8], signed: &[u8], path: &Path) -> Result<(), String> {
    let before = pades::signatures(base).unwrap().len();
    let found = pades::signatures(signed).unwrap();
    if found.len() != before + 2 {
        return Err(format!("{} signatures, {before} before", found.len()));
    }
    // A judge that is excused must have a reason: the file as it came.
    let subject = match row.excuses("qpdf") {
        true => &row.path(),
        false => path,
    };
    let output = testkit::run("qpdf", [Path::new("--check"), subject], &[]);
    if output.accepted() == row.excuses("qpdf") {
        return Err(output.transcript());
    }
    if row.excuses("pdfsig") {
        return Ok(());
    }
    // pdfsig sees that the archive time-stamp covers the whole file, but cannot verify its kind.
    let mut expected = match before {
        0 => Vec::new(),
        _ => judges::pdfsig(&row.path()),
    };
    expected.iter_mut().for_each(|(_, whole)| *whole = false);
    expected.extend([(true, false), (false, true)]);
    match judges::pdfsig(path) {
        verdicts if verdicts == expected => Ok(()),
        verdicts => Err(format!("pdfsig says {verdicts:?}, not {expected:?}")),
    }
}

/// The table's word for a refusal.
fn reason(error: &PdfError) -> &'static str {
    match error {
        PdfError::NotPdf => "not a PDF",
        PdfError::Broken { .. } => "broken",
        PdfError::Truncated => "truncated",
        PdfError::Encrypted(_) => "encrypted",
        PdfError::Protected => "protected",
        PdfError::Certified => "certified",
        PdfError::Xfa => "XFA",
        PdfError::Limit { .. } => "limit",
        PdfError::Filter(_) => "filter",
        _ => "another reason",
    }
}
