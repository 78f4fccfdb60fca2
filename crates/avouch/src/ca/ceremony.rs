//! The record of a key ceremony: who was there, what was done, which keys came of it; signed with
//! the root's key.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use crypto::SigningKey;
use model::Clock;
use pki::CertificateFacts;
use pki::cms::{CmsSigner, HashAttributes, HashedContent};
use pki::verify::{Certificate, Container, Content};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::installation::{make_private_folder, write_private};

/// Where an installation keeps its records, beside the keys folder.
const FOLDER: &str = "ceremonies";

/// What a ceremony was held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// All authorities were made.
    Establishment,
    /// The root's key left the server.
    RootTakenOffline,
    /// An issuing authority was appointed.
    NewIssuingAuthority,
    /// A responder for what the root issued was appointed.
    NewRootResponder,
    /// Somebody whom the root had appointed was revoked.
    Revocation,
    /// The root's revocation list was made anew.
    RootList,
}

/// The record.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The form of the record.
    pub version: u32,
    /// The number of the ceremony in its installation.
    pub number: u32,
    /// What it was held for.
    pub purpose: Purpose,
    /// Who was present.
    pub present: Vec<String>,
    /// The name of the machine.
    pub host: String,
    /// The program and its version.
    pub software: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub began: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub ended: OffsetDateTime,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// The certificates that were made, and where their keys live.
    pub keys: Vec<KeyRecord>,
}

/// Something that was done.
#[derive(Debug, Serialize, Deserialize)]
pub struct Step {
    /// When it was done.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What.
    pub what: String,
}

/// A certificate, and where its key lives.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyRecord {
    /// What its files are called.
    pub name: String,
    /// The subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The last second of its validity.
    pub not_after: String,
    /// The digest of the certificate, DER.
    pub certificate_sha256: String,
    /// The digest of the public key, SubjectPublicKeyInfo in DER.
    pub public_key_sha256: String,
    /// Where the private key lives.
    pub key_home: String,
}

/// A ceremony under way.
pub struct Ceremony<'a> {
    clock: &'a dyn Clock,
    folder: PathBuf,
    record: Record,
}

impl<'a> Ceremony<'a> {
    /// Begins one for the installation whose keys are in `keys`.
    pub fn begin(
        purpose: Purpose,
        keys: &Path,
        present: &[String],
        clock: &'a dyn Clock,
    ) -> anyhow::Result<Self> {
        let folder = keys.parent().unwrap_or(Path::new(".")).join(FOLDER);
        let number = (1..)
            .find(|number| !file_of(&folder, *number).exists())
            .context("there are no numbers left")?;
        let now = clock.now();
        Ok(Self {
            clock,
            folder,
            record: Record {
                version: 1,
                number,
                purpose,
                present: present.to_vec(),
                host: host(),
                software: concat!("avouch ", env!("CARGO_PKG_VERSION")).to_owned(),
                began: now,
                ended: now,
                steps: Vec::new(),
                keys: Vec::new(),
            },
        })
    }

    /// Notes what was done.
    pub fn step(&mut self, what: impl Into<String>) {
        self.record.steps.push(Step {
            at: self.clock.now(),
            what: what.into(),
        });
    }

    /// Notes a certificate (DER) that was made, and where its key lives.
    pub fn made(&mut self, name: &str, certificate: &[u8], home: &str) -> anyhow::Result<()> {
        let facts = CertificateFacts::read(certificate)?;
        let public_key = Certificate::read(certificate)?.public_key_info().to_vec();
        let digest = |bytes: &[u8]| hex::encode(crypto::sha256(bytes));
        self.record.keys.push(KeyRecord {
            name: name.to_owned(),
            subject: facts.subject(),
            issuer: facts.issuer(),
            serial: facts.serial,
            not_after: facts.not_after.format(&Rfc3339)?,
            certificate_sha256: digest(certificate),
            public_key_sha256: digest(&public_key),
            key_home: home.to_owned(),
        });
        Ok(())
    }

    /// Ends the ceremony: writes the record and the root's signature over it. Gives the record's
    /// path.
    pub fn end(mut self, root: &[u8], key: &dyn SigningKey) -> anyhow::Result<PathBuf> {
        self.record.ended = self.clock.now();
        let mut text = serde_json::to_string_pretty(&self.record)?;
        text.push('\n');
        let digest = crypto::Digest::of(model::DigestAlgorithm::Sha256, text.as_bytes());
        let attributes = HashAttributes {
            signing_time: Some(self.record.ended),
            others: &[],
        };
        let content = HashedContent {
            digest: &digest,
            attributes: Some(attributes),
        };
        let signature = CmsSigner::new(key, root, &[])?.sign_hash(&content, None)?;
        make_private_folder(&self.folder)?;
        let path = file_of(&self.folder, self.record.number);
        write_private(&signature_of(&path), &signature)?;
        write_private(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// Checks the signature over the record in a file, which must be of that root's key.
pub fn verify(path: &Path, root: &[u8]) -> anyhow::Result<Record> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let text = read(path)?;
    let signature = Container::read(&read(&signature_of(path))?)?;
    let signed = signature.signed_data()?;
    let signer = signed.only_signer()?;
    let root = Certificate::read(root)?;
    ensure!(
        signer.is_by(&root) && signer.reference(&root)?.is_some(),
        "the record was signed with another key than the root's"
    );
    signer.check(Content::Pieces(&[&text]), &root)?;
    serde_json::from_slice(&text).context("the signature is right, but this is no record")
}

fn file_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("ceremony-{number}.json"))
}

/// The signature lies beside the record.
fn signature_of(record: &Path) -> PathBuf {
    record.with_extension("json.p7s")
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
