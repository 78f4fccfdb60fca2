//! The root's key outside of the keys folder: in a file under a passphrase.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use crypto::{SigningKey, SoftwareKey};
use model::Entropy;
use pki::establish::Role;
use pki::pkcs8;
use secrecy::{ExposeSecret, SecretString};

use crate::cli::RootKey;
use crate::installation::{KeyFolder, write_private};

/// Where `avouch init` leaves the root's key, beside the configuration.
pub const OFFLINE: &str = "offline/root.key.pem";
/// The passphrase, where no file holds it.
const VARIABLE: &str = "AVOUCH_ROOT_PASSPHRASE";

/// The passphrase from a file or else from the environment, if it is in either.
pub fn given_passphrase(file: Option<&Path>) -> anyhow::Result<Option<SecretString>> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?,
        None => match std::env::var(VARIABLE) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.chars().count() < 12 {
        bail!("the root's passphrase needs at least 12 characters");
    }
    Ok(Some(SecretString::from(text.to_owned())))
}

/// Five groups of five characters that are read aloud without doubt: 125 bits.
pub fn drawn_passphrase(entropy: &dyn Entropy) -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 25];
    entropy.fill(&mut bytes);
    let characters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = characters
        .chunks(5)
        .map(|group| group.iter().collect())
        .collect();
    SecretString::from(groups.join("-"))
}

/// Writes the key under the passphrase, and reads it again to be sure.
pub fn write(
    path: &Path,
    key: &SoftwareKey,
    passphrase: &SecretString,
    entropy: &dyn Entropy,
) -> anyhow::Result<()> {
    let pem = pkcs8::encrypt(key, passphrase.expose_secret(), entropy)?;
    write_private(path, pem.as_bytes())?;
    let again = read(path, passphrase)?;
    if again.public_key_info() != key.public_key_info() {
        bail!("{} holds another key than was written", path.display());
    }
    Ok(())
}

/// Reads the key.
fn read(path: &Path, passphrase: &SecretString) -> anyhow::Result<SoftwareKey> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    pkcs8::decrypt(&text, passphrase.expose_secret())
        .with_context(|| format!("{} does not open", path.display()))
}

/// The root's key from wherever it is: the file that was named, or the keys folder.
pub fn find(options: &RootKey, folder: &KeyFolder) -> anyhow::Result<Arc<dyn SigningKey>> {
    let name = Role::Root.name();
    let Some(path) = &options.root_key else {
        if folder.has_key(name) {
            return folder.load_key(name);
        }
        bail!("the root's key is offline: bring its medium and name the file with --root-key");
    };
    let Some(passphrase) = given_passphrase(options.passphrase_file.as_deref())? else {
        bail!("the root's key needs its passphrase: --passphrase-file, or {VARIABLE}");
    };
    Ok(Arc::new(read(path, &passphrase)?))
}

#[cfg(test)]
mod tests {
    use crypto::{KeyAlgorithm, SystemEntropy};

    use super::*;

    #[test]
    fn a_key_goes_out_and_comes_back_under_its_passphrase_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key.pem");
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let passphrase = drawn_passphrase(&SystemEntropy);
        assert_eq!(passphrase.expose_secret().len(), 29);
        write(&path, &key, &passphrase, &SystemEntropy).unwrap();
        let again = read(&path, &passphrase).unwrap();
        assert_eq!(again.public_key_info(), key.public_key_info());
        assert!(read(&path, &drawn_passphrase(&SystemEntropy)).is_err());
    }

    #[test]
    fn a_passphrase_in_a_file_ends_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        std::fs::write(&path, "twelve or more \r\n").unwrap();
        let given = given_passphrase(Some(&path)).unwrap().unwrap();
        assert_eq!(given.expose_secret(), "twelve or more ");
        std::fs::write(&path, "too short\n").unwrap();
        assert!(given_passphrase(Some(&path)).is_err());
    }
}
