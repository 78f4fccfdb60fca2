//! `avouch api-user`.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::Zeroizing;
use model::RaId;
use model::authority::Permissions;
use pki::facts::to_pem;
use serde_json::{Value, json};
use service::registration::{IssuedUser, UserRecord};

use super::output::{self, Table, or_dash};
use super::{Office, all};
use crate::cli::{ApiUser, ApiUserCommand};
use crate::installation::{make_private_folder, write_private};
use crate::stdout;

/// Runs the command and prints its answer.
pub async fn run(options: ApiUser) -> anyhow::Result<()> {
    match options.command {
        ApiUserCommand::Create {
            place,
            ra,
            name,
            permissions,
            days,
            out,
        } => {
            let files = ClientFiles::named(&out, &name)?;
            for file in [&files.certificate, &files.key] {
                ensure!(!file.exists(), "{} exists", file.display());
            }
            let office = Office::open(&place).await?;
            make_private_folder(&out)?;
            let issued = office
                .service()
                .issue_user(&office.operator, RaId(ra), permissions.into(), &name, days)
                .await?;
            let files = ClientFiles::write(&out, &name, &issued, &office.root)?;
            stdout::print(&hand_out(&issued.user, &files, place.json))?;
            office.close().await;
        }
        ApiUserCommand::List { place } => {
            let office = Office::open(&place).await?;
            let (service, operator) = (office.service(), &office.operator);
            let found = all(|page| service.users(operator, page)).await?;
            stdout::print(&list(&found, place.json))?;
            office.close().await;
        }
        ApiUserCommand::Disable { place, number } => {
            let office = Office::open(&place).await?;
            switch(&office, number, false, place.json).await?;
            office.close().await;
        }
        ApiUserCommand::Enable { place, number } => {
            let office = Office::open(&place).await?;
            switch(&office, number, true, place.json).await?;
            office.close().await;
        }
    }
    Ok(())
}

/// What a client needs for mutual TLS, as PEM files with absolute paths.
pub struct ClientFiles {
    /// The client certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The root behind the server's certificate.
    pub server_ca: PathBuf,
}

impl ClientFiles {
    /// Where the files of a client of this name lie.
    pub fn named(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder)?;
        Ok(Self {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
            server_ca: folder.join("ca.pem"),
        })
    }

    /// Writes them, for their owner only.
    pub fn write(
        folder: &Path,
        name: &str,
        issued: &IssuedUser,
        root: &[u8],
    ) -> anyhow::Result<Self> {
        let files = Self::named(folder, name)?;
        let key = pem_of_key(&issued.key);
        write_private(&files.key, key.as_bytes())?;
        write_private(&files.certificate, to_pem(&issued.certificate)?.as_bytes())?;
        write_private(&files.server_ca, to_pem(root)?.as_bytes())?;
        Ok(files)
    }

    /// Whether they are all there.
    pub fn exist(&self) -> bool {
        [&self.certificate, &self.key, &self.server_ca]
            .iter()
            .all(|path| path.exists())
    }
}

/// A PKCS#8 key as PEM (RFC 7468 §10).
fn pem_of_key(pkcs8: &[u8]) -> Zeroizing<String> {
    const WIDTH: usize = 64;
    let base64 = Zeroizing::new(STANDARD.encode(pkcs8));
    let lines = base64.len().div_ceil(WIDTH);
    // Room for all of it, so that no half-grown copy stays behind.
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() + lines + 60));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(WIDTH));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

async fn switch(office: &Office, number: i64, on: bool, as_json: bool) -> anyhow::Result<()> {
    let service = office.service();
    service.enable_user(&office.operator, number, on).await?;
    let user = service.user(&office.operator, number).await?;
    if as_json {
        return stdout::print(&output::json(&described(&user)));
    }
    stdout::print(&format!("API user {number} is {}.\n", state(&user)))
}

fn state(user: &UserRecord) -> &'static str {
    if user.enabled { "enabled" } else { "disabled" }
}

fn hand_out(user: &UserRecord, files: &ClientFiles, as_json: bool) -> String {
    if as_json {
        let mut described = described(user);
        described["certificate"] = json!(files.certificate);
        described["key"] = json!(files.key);
        described["server_ca"] = json!(files.server_ca);
        return output::json(&described);
    }
    let lines = [
        ("API user", user.id.to_string()),
        ("Registration authority", user.authority.to_string()),
        ("Permissions", permissions(user)),
        ("Certificate", files.certificate.display().to_string()),
        ("Private key", files.key.display().to_string()),
        ("Server's root", files.server_ca.display().to_string()),
    ];
    let warning = "The key is kept nowhere else: whoever has it is this user.";
    format!("{}\n{warning}\n", output::fields(&lines))
}

fn list(found: &[UserRecord], as_json: bool) -> String {
    if as_json {
        return output::json(&found.iter().map(described).collect());
    }
    let mut table = Table::new([
        "Number",
        "Authority",
        "Permissions",
        "Request",
        "Officer",
        "State",
    ]);
    for user in found {
        table.row([
            user.id.to_string(),
            user.authority.to_string(),
            permissions(user),
            or_dash(user.request),
            or_dash(user.officer),
            state(user).to_owned(),
        ]);
    }
    table.text()
}

/// Under the names of the API, and what it has no names for.
fn described(user: &UserRecord) -> Value {
    json!({
        "pk": user.id,
        "registration_authority": user.authority,
        "permission_profile": user.permissions,
        "permissions": permissions(user),
        "request": user.request,
        "rao": user.officer,
        "enabled": user.enabled,
    })
}

/// As `--permissions` calls them.
fn permissions(user: &UserRecord) -> String {
    match Permissions::of_number(user.permissions) {
        Some(Permissions::Administrator) => "administrator".to_owned(),
        Some(Permissions::Requests) => "requests".to_owned(),
        Some(Permissions::ReadOnly) => "read-only".to_owned(),
        Some(Permissions::Officers) => "officers".to_owned(),
        None => user.permissions.to_string(),
    }
}
