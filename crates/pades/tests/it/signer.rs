//! A signer outside of our code: OpenSSL with a certificate of its own small authority.

use std::{fs, io::Write, path::PathBuf, sync::LazyLock};

use pades::{FieldTarget, Prepared, SecurityStore, SignatureSpec};
use tempfile::{TempDir, TempPath};
use testkit::run;
use time::macros::datetime;

/// The authority's certificate and one signer, made once for all tests.
pub struct Signer {
    folder: TempDir,
}

pub static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);

impl Signer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        let (root, root_key) = (at("root.pem"), at("root.key"));
        let root_arguments = [
            "req",
            "-x509",
            "-subj",
            "/CN=Test root",
            "-days",
            "30",
            "-out",
            &root,
        ];
        run(
            "openssl",
            root_arguments
                .iter()
                .chain(&key)
                .chain(&["-keyout", &root_key]),
            &[],
        )
        .must_accept();
        let leaf_arguments = [
            "req",
            "-x509",
            "-subj",
            "/CN=Ana Ruiz",
            "-days",
            "20",
            "-CA",
            &root,
            "-CAkey",
            &root_key,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "keyUsage=critical,nonRepudiation",
            "-out",
            &at("leaf.pem"),
        ];
        run(
            "openssl",
            leaf_arguments
                .iter()
                .chain(&key)
                .chain(&["-keyout", &at("leaf.key")]),
            &[],
        )
        .must_accept();
        Self { folder }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// Prepares, signs what the ranges hold, and embeds.
    pub fn sign(&self, pdf: &[u8], spec: &SignatureSpec) -> Vec<u8> {
        let prepared = pades::prepare(pdf, spec).unwrap();
        let signed = self.sign_prepared(prepared, pdf);
        assert!(
            signed.starts_with(pdf),
            "every byte of the original is kept"
        );
        signed
    }

    pub fn sign_prepared(&self, prepared: Prepared, base: &[u8]) -> Vec<u8> {
        let digest = prepared.digest();
        let blank = prepared.clone().embed(base, &[]).unwrap();
        let signature = pades::signatures(&blank)
            .unwrap()
            .into_iter()
            .find(|signature| signature.covers == pades::Coverage::WholeFile)
            .expect("the new signature is found and covers the whole file");
        assert_eq!(
            signature.digest,
            Some(digest),
            "the digest is that of the ranges"
        );
        let [0, before, after, _] = signature.byte_range[..] else {
            panic!("irregular range {:?}", signature.byte_range)
        };
        let content = [&blank[..before as usize], &blank[after as usize..]].concat();
        prepared.embed(base, &self.cms(&content)).unwrap()
    }

    fn cms(&self, content: &[u8]) -> Vec<u8> {
        let at = |name: &str| self.folder.path().join(name);
        let arguments = [
            "cms", "-sign", "-cades", "-binary", "-md", "sha256", "-outform", "DER", "-signer",
        ];
        let arguments = arguments.iter().map(PathBuf::from).chain([
            at("leaf.pem"),
            "-inkey".into(),
            at("leaf.key"),
            "-certfile".into(),
            at("root.pem"),
        ]);
        run("openssl", arguments, content).must_accept().stdout
    }
}

pub fn spec() -> SignatureSpec {
    SignatureSpec {
        field: FieldTarget::New("Signature".into()),
        name: Some("Ελένη (Lena) Παππά".into()),
        reason: Some("Order 7 \\ signed".into()),
        location: None,
        contact: None,
        signing_time: datetime!(2026-11-22 03:18:00 UTC),
        appearance: None,
        security_store: SecurityStore::default(),
        reserve: 4096,
    }
}

/// A file for judges, which is gone when the result is.
pub fn saved(pdf: &[u8]) -> TempPath {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pdf).unwrap();
    file.into_temp_path()
}

/// The mark of files that can't be signed, and of those that can be signed once only.
const MARKS: [&str; 2] = ["refuse-", "once-"];

/// The PDFs of the corpus whose names begin with `prefix`; where it is empty, those that can be
/// signed again and again.
pub fn corpus(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name.starts_with(prefix))
        .filter(|(name, _)| !prefix.is_empty() || !MARKS.iter().any(|mark| name.starts_with(mark)))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(
        !files.is_empty(),
        "no file of the corpus begins with {prefix}"
    );
    files
}
