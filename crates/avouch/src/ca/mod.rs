//! `avouch ca`.

pub mod ceremony;
pub mod duty;
mod lists;
pub mod root_key;
pub mod root_list;
mod standing;
pub mod succession;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use crypto::{SigningKey, SystemEntropy};
use model::Clock;
use pki::AuthorityUrls;
use pki::crl::Entry;
use pki::establish::Role;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::ExposeSecret;

use crate::cli::{self, Appointing, CaCommand};
use crate::config::Config;
use crate::installation::{KeyFolder, make_private_folder};
use crate::key_home::KeyHome;
use crate::registration;
use crate::system::SystemClock;

use ceremony::{Ceremony, Purpose};
use succession::{Succession, Successor};

/// Does what was asked for.
pub async fn run(options: cli::Ca) -> anyhow::Result<()> {
    match options.command {
        CaCommand::Status(place) => standing::print(&Premises::open(&place)?, place.json),
        CaCommand::NewIssuing(options) => new_issuing(&options),
        CaCommand::NewTsa(place) => {
            let premises = Premises::open(&place)?;
            premises.report(&[premises.succession().time_stamping()?])
        }
        CaCommand::NewOcsp(options) => new_ocsp(&options),
        CaCommand::Revoke(options) => revoke(&options),
        CaCommand::RootCrl(options) => root_crl(&options),
        CaCommand::RootOffline(options) => root_offline(&options),
        CaCommand::Crl(options) => lists::write(&options).await,
        CaCommand::VerifyRecord(options) => verify_record(&options),
    }
}

/// An installation's keys folder, and what is needed to work in it.
pub struct Premises {
    config: Config,
    folder: KeyFolder,
    urls: AuthorityUrls,
}

impl Premises {
    fn open(place: &cli::Place) -> anyhow::Result<Self> {
        let config = registration::configuration_of(place)?;
        Ok(Self {
            folder: KeyFolder::open(&config.storage.keys, KeyHome::open(&config)?)?,
            urls: config.authority_urls(),
            config,
        })
    }

    fn succession(&self) -> Succession<'_> {
        Succession {
            folder: &self.folder,
            urls: &self.urls,
            clock: &SystemClock,
            entropy: &SystemEntropy,
        }
    }

    fn root(&self) -> anyhow::Result<Vec<u8>> {
        self.folder.certificate(Role::Root.name())
    }

    fn ceremony(&self, purpose: Purpose, present: &[String]) -> anyhow::Result<Ceremony<'static>> {
        Ceremony::begin(purpose, &self.config.storage.keys, present, &SystemClock)
    }

    /// Ends a ceremony at which these were appointed with the root's key.
    fn conclude(
        &self,
        mut ceremony: Ceremony<'_>,
        made: &[Successor],
        key: &Arc<dyn SigningKey>,
    ) -> anyhow::Result<()> {
        for one in made {
            ceremony.step(format!("{} was appointed", one.name));
            ceremony.made(&one.name, &one.certificate, self.folder.home_of(&one.name)?)?;
        }
        self.make_list(&mut ceremony, None, key)?;
        let record = ceremony.end(&self.root()?, key.as_ref())?;
        self.report(made)?;
        println!("The record is {}, signed by the root.", record.display());
        Ok(())
    }

    /// Makes the root's list anew, as is done whenever its key is there.
    fn make_list(
        &self,
        ceremony: &mut Ceremony<'_>,
        more: Option<Entry>,
        key: &Arc<dyn SigningKey>,
    ) -> anyhow::Result<()> {
        let list = self.succession().root_list(Arc::clone(key), more)?;
        let digest = hex::encode(crypto::sha256(&list));
        ceremony.step(format!(
            "the root's revocation list was made, SHA-256 {digest}"
        ));
        Ok(())
    }

    fn report(&self, made: &[Successor]) -> anyhow::Result<()> {
        for one in made {
            let facts = pki::CertificateFacts::read(&one.certificate)?;
            let (name, end) = (&facts.common_name, facts.not_after.date());
            println!("{}: {name}, until {end}", one.name);
        }
        println!("A running server takes over within seconds.");
        Ok(())
    }
}

fn new_issuing(options: &cli::WithRoot) -> anyhow::Result<()> {
    let premises = Premises::open(&options.place)?;
    let mut ceremony = premises.ceremony(Purpose::NewIssuingAuthority, &options.root.present)?;
    let key = root_key::find(&options.root, &premises.folder)?;
    ceremony.step("the root's key was opened");
    let made = premises.succession().issuing(Arc::clone(&key))?;
    premises.conclude(ceremony, &made, &key)
}

fn revoke(options: &cli::Revoke) -> anyhow::Result<()> {
    let premises = Premises::open(&options.place)?;
    let (name, reason) = (&options.name, options.reason);
    let entry = root_list::entry(&premises.folder, name, reason.into(), SystemClock.now())?;
    let mut ceremony = premises.ceremony(Purpose::Revocation, &options.root.present)?;
    let key = root_key::find(&options.root, &premises.folder)?;
    ceremony.step("the root's key was opened");
    let serial = &entry.serial_hex;
    ceremony.step(format!(
        "{name}, serial number {serial}, was revoked: {}",
        reason.words()
    ));
    premises.make_list(&mut ceremony, Some(entry), &key)?;
    let record = ceremony.end(&premises.root()?, key.as_ref())?;
    println!("{name} is revoked. A running server says so within seconds.");
    println!("The record is {}, signed by the root.", record.display());
    Ok(())
}

fn root_crl(options: &cli::WithRoot) -> anyhow::Result<()> {
    let premises = Premises::open(&options.place)?;
    let mut ceremony = premises.ceremony(Purpose::RootList, &options.root.present)?;
    let key = root_key::find(&options.root, &premises.folder)?;
    ceremony.step("the root's key was opened");
    premises.make_list(&mut ceremony, None, &key)?;
    let record = ceremony.end(&premises.root()?, key.as_ref())?;
    println!("The root's revocation list is new. A running server takes it over within seconds.");
    println!("The record is {}, signed by the root.", record.display());
    Ok(())
}

fn new_ocsp(options: &cli::NewOcsp) -> anyhow::Result<()> {
    let premises = Premises::open(&options.place)?;
    if options.of == Appointing::Issuing {
        return premises.report(&premises.succession().issuing_ocsp()?);
    }
    let mut ceremony = premises.ceremony(Purpose::NewRootResponder, &options.root.present)?;
    let key = root_key::find(&options.root, &premises.folder)?;
    ceremony.step("the root's key was opened");
    let made = premises.succession().root_ocsp(Arc::clone(&key))?;
    premises.conclude(ceremony, &[made], &key)
}

fn root_offline(options: &cli::RootOffline) -> anyhow::Result<()> {
    let premises = Premises::open(&options.place)?;
    let name = Role::Root.name();
    let Some(key) = premises.folder.software_key(name)? else {
        bail!("the keys folder does not hold the root's key");
    };
    let mut ceremony = premises.ceremony(Purpose::RootTakenOffline, &options.present)?;
    let given = root_key::given_passphrase(options.passphrase_file.as_deref())?;
    let drawn = given.is_none();
    let passphrase = given.unwrap_or_else(|| root_key::drawn_passphrase(&SystemEntropy));
    if let Some(parent) = options.out.parent() {
        make_private_folder(parent)?;
    }
    root_key::write(&options.out, &key, &passphrase, &SystemEntropy)?;
    let out = options.out.display();
    ceremony.step(format!(
        "the root's key was written to {out} and read again"
    ));
    premises.folder.remove_key(name)?;
    ceremony.step("the root's key was removed from the keys folder");
    let root = premises.root()?;
    ceremony.made(name, &root, &offline_home(&options.out))?;
    let record = ceremony.end(&root, &key)?;
    println!(
        "The root's key is now in {out} only. The record is {}.",
        record.display()
    );
    if drawn {
        println!("Its passphrase, shown once: {}", passphrase.expose_secret());
    }
    Ok(())
}

/// How records call the file under a passphrase.
pub fn offline_home(path: &Path) -> String {
    format!("offline: {}, PKCS #8 under a passphrase", path.display())
}

fn verify_record(options: &cli::VerifyRecord) -> anyhow::Result<()> {
    let root = CertificateDer::from_pem_file(&options.root)
        .with_context(|| format!("{} is no PEM certificate", options.root.display()))?;
    let record = ceremony::verify(&options.record, &root)?;
    println!("The record is signed with the root's key.");
    println!("{}", serde_json::to_string_pretty(&record)?);
    Ok(())
}
