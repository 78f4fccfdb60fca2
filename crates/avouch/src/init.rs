//! `avouch init`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use crypto::SystemEntropy;
use model::contact::Country;
use model::event::WebhookFormat;
use model::{Entropy, RaId};
use pki::AuthorityNames;
use pki::establish::Role;
use secrecy::{ExposeSecret, SecretString};
use service::{NewAuthority, NewOfficer, Service};

use crate::app::{App, Messages};
use crate::ca::ceremony::{Ceremony, Purpose};
use crate::ca::{offline_home, root_key};
use crate::cli;
use crate::config::{Config, Hsm};
use crate::installation::{KeyFolder, Keys, make_private_folder, offices, write_private};
use crate::key_home::KeyHome;
use crate::system::SystemClock;

const TEMPLATE: &str = include_str!("template.toml");

/// An officer's credentials, at the one moment when they are known in the clear.
pub struct OfficerCredentials {
    /// The officer's number.
    pub id: i64,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// PIN.
    pub pin: String,
}

/// Makes an installation and prints the first officer's credentials.
pub async fn run(options: cli::Init) -> anyhow::Result<()> {
    let dir = &options.dir;
    let file = dir.join("avouch.toml");
    ensure!(
        !file.exists(),
        "{} exists: there is an installation in this folder",
        file.display()
    );
    ensure!(
        !dir.join("keys").exists(),
        "{} has keys but no avouch.toml: an installation was started and not finished; move the \
         folder away and start anew",
        dir.display()
    );
    let country = Country::parse(&options.country)?;
    make_private_folder(dir)?;

    let text = template(&options)?;
    // The file itself comes last: a folder without it is no installation.
    let draft = dir.join("avouch.toml.draft");
    write_private(&draft, text.as_bytes())?;
    let config = Config::load(&draft)?;

    let names = AuthorityNames {
        country: country.to_string(),
        organisation: options.organisation.clone(),
        organisation_identifier: None,
        prefix: common_prefix(&options.organisation),
    };
    let database = dir.join("avouch.db");
    let had_database = database.exists();
    let (keys, told) = establish(&options, &config, &names)?;
    let furnished = furnish(&options, &config, keys, country).await;
    if furnished.is_err() {
        // Nothing was sealed yet that anyone will miss, and the next try needs the place.
        KeyFolder::open(&config.storage.keys, KeyHome::open(&config)?)?.abandon()?;
        std::fs::remove_dir_all(&config.storage.keys)?;
        std::fs::remove_dir_all(told.record.parent().unwrap_or(dir))?;
        if !had_database {
            remove_database(&database)?;
        }
    }
    let (authority, officer) = furnished?;
    std::fs::rename(&draft, &file).with_context(|| format!("cannot write {}", file.display()))?;
    report(dir, &file, authority.0, &officer);
    told.report_root();
    Ok(())
}

/// What a ceremony left, to be told.
struct Told {
    /// Its record.
    record: PathBuf,
    /// The file with the root's key, where that went offline.
    root: Option<PathBuf>,
    /// The passphrase of that file, where it was drawn.
    passphrase: Option<SecretString>,
}

/// Makes the authorities, sees the root's key off, and records it all.
fn establish(
    options: &cli::Init,
    config: &Config,
    names: &AuthorityNames,
) -> anyhow::Result<(Keys, Told)> {
    let folder = &config.storage.keys;
    let given = root_key::given_passphrase(options.root_passphrase_file.as_deref())?;
    let (present, clock) = (&options.present, &SystemClock);
    let mut ceremony = Ceremony::begin(Purpose::Establishment, folder, present, clock)?;
    let (keys, made) = Keys::create(
        folder,
        names,
        &config.authority_urls(),
        options.root,
        KeyHome::open(config)?,
        clock,
        &SystemEntropy,
    )?;
    ceremony.step("keys and certificates of the authorities were made");
    let (mut root, mut passphrase) = (None, None);
    if let Some(key) = &made.leaving {
        let path = options.dir.join(root_key::OFFLINE);
        make_private_folder(path.parent().unwrap_or(&options.dir))?;
        let chosen = match given {
            Some(given) => given,
            None => {
                let drawn = root_key::drawn_passphrase(&SystemEntropy);
                passphrase.insert(drawn).clone()
            }
        };
        root_key::write(&path, key, &chosen, &SystemEntropy)?;
        ceremony.step("the root's key was written under a passphrase, and read again");
        root = Some(path);
    }
    let files = KeyFolder::open(folder, KeyHome::open(config)?)?;
    for (role, entity) in offices(&made.established) {
        let home = match &root {
            Some(path) if role == Role::Root => offline_home(path),
            _ => files.home_of(role.name())?.to_owned(),
        };
        ceremony.made(role.name(), &entity.certificate, &home)?;
    }
    let authority = &made.established.root;
    let record = ceremony.end(&authority.certificate, authority.key.as_ref())?;
    let told = Told {
        record,
        root,
        passphrase,
    };
    Ok((keys, told))
}

/// The first registration authority and its first officer.
async fn furnish(
    options: &cli::Init,
    config: &Config,
    keys: Keys,
    country: Country,
) -> anyhow::Result<(RaId, OfficerCredentials)> {
    let app = App::open(config, keys, Messages::AsConfigured).await?;
    let authority = app
        .service
        .create_authority(NewAuthority {
            name: options
                .authority
                .clone()
                .unwrap_or_else(|| options.organisation.clone()),
            webhook_url: None,
            webhook_format: WebhookFormat::default(),
            webhook_secret: None,
            external_unlock: Vec::new(),
        })
        .await?;
    let officer = first_officer(&app.service, authority, options, country).await;
    app.close().await;
    Ok((authority, officer?))
}

/// Removes an SQLite database and what may lie beside it.
fn remove_database(path: &Path) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

async fn first_officer(
    service: &Service,
    authority: RaId,
    options: &cli::Init,
    country: Country,
) -> anyhow::Result<OfficerCredentials> {
    let identity = match &options.officer_identity {
        Some(identity) => identity.clone(),
        // A number that only this installation issues (EN 319 412-1 §5.1.3, third form).
        None => format!("PI:{country}-{}", digits(10)),
    };
    let person = Person {
        given_name: options.officer_given_name.clone(),
        surname: options.officer_surname.clone(),
        identity,
        country: country.to_string(),
    };
    let username = format!("rao-{}", digits(6));
    create_officer(service, authority, username, person, false).await
}

/// Who an officer is.
pub struct Person {
    /// First names.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// Identity number in the form of EN 319 412-1 §5.1.3.
    pub identity: String,
    /// Country, ISO 3166-1 alpha-2.
    pub country: String,
}

/// Sets up an authority's first officer with a drawn password and PIN; with `again`, another one.
pub async fn create_officer(
    service: &Service,
    ra: RaId,
    username: String,
    person: Person,
    again: bool,
) -> anyhow::Result<OfficerCredentials> {
    let (password, pin) = (password(), digits(8));
    let Person {
        given_name,
        surname,
        identity,
        country,
    } = person;
    let new = NewOfficer {
        ra,
        username: username.clone(),
        password: SecretString::from(password.clone()),
        pin: SecretString::from(pin.clone()),
        given_name,
        surname,
        identity,
        country,
    };
    let id = service.bootstrap_officer(new, again).await?.0;
    Ok(OfficerCredentials {
        id,
        username,
        password,
        pin,
    })
}

/// Twenty characters that are read aloud without doubt: 100 bits.
fn password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    SystemEntropy.fill(&mut bytes);
    bytes
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .iter()
        .collect()
}

/// Decimal digits, each equally likely.
pub fn digits(count: usize) -> String {
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut byte = [0];
        SystemEntropy.fill(&mut byte);
        if byte[0] < 250 {
            text.push(char::from(b'0' + byte[0] % 10));
        }
    }
    text
}

/// What the authorities' common names begin with: the organisation's name, cut at a word.
pub fn common_prefix(organisation: &str) -> String {
    const LONGEST: usize = 40;
    if organisation.chars().count() <= LONGEST {
        return organisation.to_owned();
    }
    let cut: String = organisation.chars().take(LONGEST).collect();
    cut.rsplit_once(' ')
        .map_or(cut.clone(), |(words, _)| words.to_owned())
}

fn template(options: &cli::Init) -> anyhow::Result<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let database = options.database.as_deref().unwrap_or("sqlite:avouch.db");
    let template = match &options.keys {
        Some(uri) => Hsm::written_into(TEMPLATE, uri)?,
        None => TEMPLATE.to_owned(),
    };
    Ok(template
        .replace("\"@organisation@\"", &quoted(&options.organisation))
        .replace("\"@public_url@\"", &quoted(options.public_url.as_str()))
        .replace("\"@database@\"", &quoted(database)))
}

impl Told {
    /// Where the root's key and the record are.
    fn report_root(&self) {
        println!();
        println!("What was done is recorded in {},", self.record.display());
        println!("signed with the root's key.");
        let Some(root) = &self.root else {
            return;
        };
        println!("The root's key is in {} and nowhere else:", root.display());
        println!("move that folder to a medium that is kept in a safe.");
        if let Some(passphrase) = &self.passphrase {
            println!("Its passphrase, shown once: {}", passphrase.expose_secret());
        }
    }
}

fn report(dir: &Path, file: &Path, authority: i64, officer: &OfficerCredentials) {
    println!("Installed in {}.", dir.display());
    println!();
    println!("Registration authority   {authority}");
    println!("Officer (RAO)            {}", officer.id);
    println!("  user name              {}", officer.username);
    println!("  password               {}", officer.password);
    println!("  PIN                    {}", officer.pin);
    println!();
    println!("These are shown once and stored nowhere in the clear: write them down now.");
    println!(
        "Back up {} apart from all else: without it nothing",
        dir.join("keys").display()
    );
    println!("that is stored can be read again.");
    println!(
        "Verifiers trust {}, also served at /pki/root.crt.",
        dir.join("keys/root.crt").display()
    );
    println!();
    println!("Next:");
    println!("  1. Read and adapt {}", file.display());
    println!("     (without otp.sms_gateway no code can be sent).");
    println!("  2. avouch serve --config {}", file.display());
    println!();
    println!("For the Registration Authority API also:");
    println!("  3. Set registration_authority.listen and mail.smtp in the configuration");
    println!(
        "  4. avouch api-user create --config {} --ra {authority} \\",
        file.display()
    );
    println!(
        "       --name client --out {}",
        dir.join("client").display()
    );
    println!(
        "  5. avouch scratchcard create --config {} --ra {authority} --count 100",
        file.display()
    );
}
