//! An installation's keys on disk: the master key, and the authorities' keys sealed under it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::{MasterKey, SoftwareKey, Zeroizing};
use model::{Clock, Entropy};
use pki::establish::{Entity, Established};
use pki::{AuthorityNames, AuthorityUrls};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

/// What the keys folder holds.
pub struct Keys {
    /// The key that wraps every other one.
    pub master: MasterKey,
    /// The CA, the TSA and the OCSP responders.
    pub authorities: Established,
}

const MASTER: &str = "master.key";

/// The authorities by file name.
fn entities(authorities: &Established) -> [(&'static str, &Entity); 5] {
    [
        ("root", &authorities.root),
        ("issuing", &authorities.issuing),
        ("time-stamping", &authorities.time_stamping),
        ("issuing-ocsp", &authorities.issuing_ocsp),
        ("root-ocsp", &authorities.root_ocsp),
    ]
}

/// Where relying parties find what the authorities publish, under a URL.
pub fn published_at(url: &Url) -> AuthorityUrls {
    let base = url.as_str().trim_end_matches('/');
    AuthorityUrls {
        issuing_ocsp: format!("{base}/ocsp"),
        issuing_certificate: format!("{base}/pki/issuing.crt"),
        issuing_crl: format!("{base}/pki/issuing.crl"),
        root_ocsp: format!("{base}/ocsp"),
        root_certificate: format!("{base}/pki/root.crt"),
    }
}

impl Keys {
    /// Makes all keys and puts them into `folder`, which must not exist. The folder appears
    /// whole or not at all.
    pub fn create(
        folder: &Path,
        names: &AuthorityNames,
        urls: &AuthorityUrls,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> anyhow::Result<Self> {
        ensure!(!folder.exists(), "{} exists already", folder.display());
        let master = MasterKey::generate(entropy);
        let authorities = pki::establish(names, urls, clock.now(), entropy)?;

        let half_made = folder.with_extension("new");
        if half_made.exists() {
            fs::remove_dir_all(&half_made)
                .with_context(|| format!("cannot remove {}", half_made.display()))?;
        }
        make_private_folder(&half_made)?;
        let hex = Zeroizing::new(hex::encode(master.expose()));
        write_private(&half_made.join(MASTER), format!("{}\n", *hex).as_bytes())?;
        for (name, entity) in entities(&authorities) {
            let sealed = master.seal(&context_of(name), &entity.key.to_pkcs8()?, entropy);
            let text = format!("{}\n", STANDARD.encode(sealed));
            write_private(&half_made.join(format!("{name}.key")), text.as_bytes())?;
            let pem = pki::facts::to_pem(&entity.certificate)?;
            write_private(&half_made.join(format!("{name}.crt")), pem.as_bytes())?;
        }
        sync_folder(&half_made)?;
        fs::rename(&half_made, folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        Ok(Self {
            master,
            authorities,
        })
    }

    /// Reads what [`Keys::create`] wrote.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MASTER);
        let text = Zeroizing::new(read(&path)?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice())
            .map_err(|_| anyhow::anyhow!("{} holds no master key", path.display()))?;
        let master = MasterKey::from_bytes(*bytes);
        let entity = |name: &str| entity(folder, name, &master);
        let authorities = Established {
            root: entity("root")?,
            issuing: entity("issuing")?,
            time_stamping: entity("time-stamping")?,
            issuing_ocsp: entity("issuing-ocsp")?,
            root_ocsp: entity("root-ocsp")?,
        };
        Ok(Self {
            master,
            authorities,
        })
    }
}

fn entity(folder: &Path, name: &str, master: &MasterKey) -> anyhow::Result<Entity> {
    let path = folder.join(format!("{name}.crt"));
    let certificate = CertificateDer::from_pem_slice(read(&path)?.as_bytes())
        .with_context(|| format!("{} is no PEM certificate", path.display()))?;
    let path = folder.join(format!("{name}.key"));
    let Ok(sealed) = STANDARD.decode(read(&path)?.trim()) else {
        bail!("{} holds no sealed key", path.display());
    };
    let pkcs8 = master
        .open(&context_of(name), &sealed)
        .with_context(|| format!("{} does not open with the master key", path.display()))?;
    let key = SoftwareKey::from_pkcs8(&pkcs8).with_context(|| path.display().to_string())?;
    Ok(Entity {
        certificate: certificate.to_vec(),
        key: Arc::new(key),
    })
}

fn context_of(name: &str) -> String {
    format!("key of the {name} authority")
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Makes a folder that only its owner can enter, and its parents.
pub fn make_private_folder(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))
}

/// Writes a file that only its owner can read, durably; it appears whole or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let half_made = path.with_extension("half");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&half_made)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&half_made, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    fs::File::open(folder)
        .and_then(|open| open.sync_all())
        .with_context(|| format!("cannot sync {}", folder.display()))
}
