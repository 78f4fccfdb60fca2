//! An installation's keys on disk: the master key, and the authorities' keys sealed under it.
//!
//! Each authority is two files, `NAME.crt` and `NAME.key`. The first of its office has the office's
//! name, later ones that name and a number, as in `issuing-2`. A certificate is written after its
//! key, so that whoever finds one can use it. What the root revoked is in `root.crl`, a list that it
//! signed. Where a key lives in a token, its file holds the
//! reference instead, a `pkcs11:` URI.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, KeyAlgorithm, MasterKey, SigningKey, SoftwareKey, Zeroizing};
use model::{Clock, Entropy};
use pki::establish::{Authorities, Entity, Established, Role};
use pki::issuance::Issuer;
use pki::{AuthorityNames, AuthorityUrls, PkiError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use crate::ca::root_list;
use crate::key_home::KeyHome;

/// What the keys folder holds.
pub struct Keys {
    /// The key that wraps every other one.
    pub master: MasterKey,
    /// The CA, the TSA and the OCSP responders.
    pub authorities: Authorities,
    /// Where keys live.
    pub home: KeyHome,
    /// The root's revocation list, DER, if there is one.
    pub root_list: Option<Vec<u8>>,
}

/// Where the root's key lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RootHome {
    /// In the keys folder, beside the others: for trying and testing.
    Online,
    /// Elsewhere: the keys folder never holds it.
    Offline,
}

const MASTER: &str = "master.key";
const ROOT_LIST: &str = "root.crl";

impl Keys {
    /// Makes all keys and puts them into `folder`, which must not exist. The folder appears
    /// whole or not at all. What was made comes along, the root's key included.
    pub fn create(
        folder: &Path,
        names: &AuthorityNames,
        urls: &AuthorityUrls,
        root: RootHome,
        home: KeyHome,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> anyhow::Result<(Self, Made)> {
        ensure!(!folder.exists(), "{} exists already", folder.display());
        let master = MasterKey::generate(entropy);
        let half_made = folder.with_extension("new");
        if half_made.exists() {
            fs::remove_dir_all(&half_made)
                .with_context(|| format!("cannot remove {}", half_made.display()))?;
        }
        make_private_folder(&half_made)?;
        let hex = Zeroizing::new(hex::encode(master.expose()));
        write_private(&half_made.join(MASTER), format!("{}\n", *hex).as_bytes())?;

        let files = KeyFolder {
            path: half_made.clone(),
            master: master.clone(),
            home,
        };
        let (mut leaving, mut failure) = (None, None);
        let mut fresh = |role: Role| -> Result<Arc<dyn SigningKey>, PkiError> {
            if role == Role::Root && root == RootHome::Offline {
                let key = Arc::new(SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?);
                leaving = Some(Arc::clone(&key));
                return Ok(key);
            }
            files.new_key(role.name(), entropy).map_err(|error| {
                failure = Some(error);
                CryptoError::Backend.into()
            })
        };
        let established =
            pki::establish::establish_with(names, urls, &mut fresh, clock.now(), entropy)
                .map_err(|error| failure.unwrap_or_else(|| error.into()))?;
        for (role, entity) in offices(&established) {
            files.keep_certificate(role.name(), &entity.certificate)?;
        }
        let root = Issuer::new(
            established.root.certificate.clone(),
            Arc::clone(&established.root.key),
            urls.root_pointers(),
        )?;
        let root_list = root_list::next(&root, None, Vec::new(), clock.now())?;
        files.keep_root_list(&root_list)?;
        fs::rename(&half_made, folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        let keys = Self {
            master,
            authorities: established.clone().into(),
            home: files.home,
            root_list: Some(root_list),
        };
        Ok((
            keys,
            Made {
                established,
                leaving,
            },
        ))
    }

    /// Reads what [`Keys::create`] wrote, and what came later.
    pub fn load(folder: &Path, home: KeyHome) -> anyhow::Result<Self> {
        let files = KeyFolder::open(folder, home)?;
        Ok(Self {
            authorities: files.authorities()?,
            root_list: files.root_list()?,
            master: files.master,
            home: files.home,
        })
    }
}

/// What was made at establishment.
pub struct Made {
    /// The authorities.
    pub established: Established,
    /// The root's key, where it is to live elsewhere.
    pub leaving: Option<Arc<SoftwareKey>>,
}

/// The authorities by their offices.
pub fn offices(authorities: &Established) -> [(Role, &Entity); 5] {
    [
        (Role::Root, &authorities.root),
        (Role::Issuing, &authorities.issuing),
        (Role::TimeStamping, &authorities.time_stamping),
        (Role::IssuingOcsp, &authorities.issuing_ocsp),
        (Role::RootOcsp, &authorities.root_ocsp),
    ]
}

/// The keys folder, open to take further generations.
pub struct KeyFolder {
    path: PathBuf,
    master: MasterKey,
    home: KeyHome,
}

impl KeyFolder {
    /// Opens the folder with the master key in it.
    pub fn open(folder: &Path, home: KeyHome) -> anyhow::Result<Self> {
        let path = folder.join(MASTER);
        let text = Zeroizing::new(read(&path)?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice())
            .map_err(|_| anyhow::anyhow!("{} holds no master key", path.display()))?;
        Ok(Self {
            path: folder.to_owned(),
            master: MasterKey::from_bytes(*bytes),
            home,
        })
    }

    /// All authorities, generation by generation.
    pub fn authorities(&self) -> anyhow::Result<Authorities> {
        let entities = |role| -> anyhow::Result<Vec<Entity>> {
            let numbers = self.generations(role)?.into_iter();
            numbers
                .map(|number| self.entity(&name_of(role, number)))
                .collect()
        };
        let mut responders = entities(Role::IssuingOcsp)?;
        responders.extend(entities(Role::RootOcsp)?);
        Ok(Authorities {
            root: self.certificate(Role::Root.name())?,
            issuing: entities(Role::Issuing)?,
            time_stamping: entities(Role::TimeStamping)?,
            responders,
        })
    }

    /// The numbers of those who hold or held an office, the oldest first.
    pub fn generations(&self, role: Role) -> anyhow::Result<Vec<u32>> {
        let cannot = || format!("cannot read {}", self.path.display());
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).with_context(cannot)? {
            let file = entry.with_context(cannot)?.file_name();
            let name = file.to_str().and_then(|name| name.strip_suffix(".crt"));
            numbers.extend(name.and_then(|name| number_in(role, name)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A certificate and its key.
    pub fn entity(&self, name: &str) -> anyhow::Result<Entity> {
        Ok(Entity {
            certificate: self.certificate(name)?,
            key: self.load_key(name)?,
        })
    }

    /// A certificate, DER.
    pub fn certificate(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.path.join(format!("{name}.crt"));
        let certificate = CertificateDer::from_pem_slice(read(&path)?.as_bytes())
            .with_context(|| format!("{} is no PEM certificate", path.display()))?;
        Ok(certificate.to_vec())
    }

    /// The root's revocation list, DER, if there is one.
    pub fn root_list(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.path.join(ROOT_LIST);
        if !path.exists() {
            return Ok(None);
        }
        let list = CertificateRevocationListDer::from_pem_slice(read(&path)?.as_bytes())
            .with_context(|| format!("{} is no revocation list in PEM", path.display()))?;
        Ok(Some(list.to_vec()))
    }

    /// Puts the root's next revocation list (DER) in the place of the last one.
    pub fn keep_root_list(&self, list: &[u8]) -> anyhow::Result<()> {
        let pem = pki::facts::list_to_pem(list)?;
        write_private(&self.path.join(ROOT_LIST), pem.as_bytes())?;
        sync_folder(&self.path)
    }

    /// A key, from wherever its file says that it lives.
    pub fn load_key(&self, name: &str) -> anyhow::Result<Arc<dyn SigningKey>> {
        let path = self.path.join(format!("{name}.key"));
        let text = read(&path)?;
        if let Some(reference) = reference_in(&text) {
            let cannot = || path.display().to_string();
            let vault = self.home.of_reference().with_context(cannot)?;
            return vault.find(reference).with_context(cannot);
        }
        let key = self.unsealed(name, &text)?;
        Ok(Arc::new(key))
    }

    /// Whether a key is in the folder.
    pub fn has_key(&self, name: &str) -> bool {
        self.path.join(format!("{name}.key")).exists()
    }

    /// Makes a key where authorities' keys live, and puts it or its reference in.
    pub fn new_key(
        &self,
        name: &str,
        entropy: &dyn Entropy,
    ) -> anyhow::Result<Arc<dyn SigningKey>> {
        let algorithm = KeyAlgorithm::EcdsaP256;
        let Some(vault) = self.home.of_new_authorities() else {
            let key = SoftwareKey::generate(algorithm)?;
            self.keep_key(name, &key, entropy)?;
            return Ok(Arc::new(key));
        };
        // One token may serve several installations.
        let mut tag = [0; 8];
        entropy.fill(&mut tag);
        let made = vault.generate(algorithm, &format!("avouch {name} {}", hex::encode(tag)))?;
        let text = format!("{}\n", made.reference);
        write_private(&self.path.join(format!("{name}.key")), text.as_bytes())?;
        Ok(made.key)
    }

    /// A key that is sealed in the folder itself, if it is there.
    pub fn software_key(&self, name: &str) -> anyhow::Result<Option<SoftwareKey>> {
        let path = self.path.join(format!("{name}.key"));
        if !path.exists() {
            return Ok(None);
        }
        let text = read(&path)?;
        if reference_in(&text).is_some() {
            return Ok(None);
        }
        self.unsealed(name, &text).map(Some)
    }

    fn unsealed(&self, name: &str, text: &str) -> anyhow::Result<SoftwareKey> {
        let path = self.path.join(format!("{name}.key"));
        let Ok(sealed) = STANDARD.decode(text.trim()) else {
            bail!("{} holds no sealed key", path.display());
        };
        let pkcs8 = self
            .master
            .open(&context_of(name), &sealed)
            .with_context(|| format!("{} does not open with the master key", path.display()))?;
        SoftwareKey::from_pkcs8(&pkcs8).with_context(|| path.display().to_string())
    }

    /// Where a key lives, in words.
    pub fn home_of(&self, name: &str) -> anyhow::Result<&'static str> {
        let path = self.path.join(format!("{name}.key"));
        Ok(match path.exists() {
            false => "offline",
            true if reference_in(&read(&path)?).is_some() => "token",
            true => "keys folder",
        })
    }

    /// Takes a key out of the folder for good.
    pub fn remove_key(&self, name: &str) -> anyhow::Result<()> {
        let path = self.path.join(format!("{name}.key"));
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        sync_folder(&self.path)
    }

    /// Keeps others from appointing anybody until what it gives is dropped.
    pub fn lock(&self) -> anyhow::Result<fs::File> {
        let path = self.path.join(".lock");
        let cannot = || format!("cannot lock {}", path.display());
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(cannot)?;
        file.lock().with_context(cannot)?;
        Ok(file)
    }

    /// The certificates and the list in the folder, with length and time of each file: who finds the
    /// same again need not read them.
    pub fn inventory(&self) -> anyhow::Result<Vec<(PathBuf, u64, SystemTime)>> {
        let cannot = || format!("cannot read {}", self.path.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            if path
                .extension()
                .is_some_and(|end| end == "crt" || end == "crl")
            {
                let data = fs::metadata(&path).with_context(cannot)?;
                found.push((path, data.len(), data.modified().with_context(cannot)?));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Destroys the keys that live in the token: nobody will miss them.
    pub fn abandon(&self) -> anyhow::Result<()> {
        for role in Role::ALL {
            for number in self.generations(role)? {
                let path = self.path.join(format!("{}.key", name_of(role, number)));
                if !path.exists() {
                    continue;
                }
                if let Some(reference) = reference_in(&read(&path)?) {
                    self.home.of_reference()?.destroy(reference)?;
                }
            }
        }
        Ok(())
    }

    /// Puts a key in, sealed.
    pub fn keep_key(
        &self,
        name: &str,
        key: &SoftwareKey,
        entropy: &dyn Entropy,
    ) -> anyhow::Result<()> {
        let sealed = self
            .master
            .seal(&context_of(name), &key.to_pkcs8()?, entropy);
        let text = format!("{}\n", STANDARD.encode(sealed));
        write_private(&self.path.join(format!("{name}.key")), text.as_bytes())
    }

    /// Puts a certificate in: from now on its key is used. Both are on the disk when this is done.
    pub fn keep_certificate(&self, name: &str, certificate: &[u8]) -> anyhow::Result<()> {
        let pem = pki::facts::to_pem(certificate)?;
        sync_folder(&self.path)?;
        write_private(&self.path.join(format!("{name}.crt")), pem.as_bytes())?;
        sync_folder(&self.path)
    }
}

/// What the files of an authority are called.
pub fn name_of(role: Role, generation: u32) -> String {
    match generation {
        1 => role.name().to_owned(),
        later => format!("{}-{later}", role.name()),
    }
}

/// The generation that a file's name says, if it is of that office.
fn number_in(role: Role, name: &str) -> Option<u32> {
    let rest = name.strip_prefix(role.name())?;
    if rest.is_empty() {
        return Some(1);
    }
    let digits = rest.strip_prefix('-')?;
    let number = digits.parse().ok()?;
    (number > 1 && name_of(role, number) == name).then_some(number)
}

/// What a key's file says where the key itself is in a token.
fn reference_in(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| text.starts_with("pkcs11:"))
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
