//! `avouch ra`.

use anyhow::ensure;
use crypto::SystemEntropy;
use delivery::WebhookSecret;
use serde_json::{Map, Value, json};
use service::registration::{AuthorityRecord, Form};

use super::output::{self, Table, or_dash};
use super::{Office, all};
use crate::cli::{Ra, RaCommand, Settings};
use crate::stdout;

/// Runs the command and prints its answer.
pub async fn run(options: Ra) -> anyhow::Result<()> {
    match options.command {
        RaCommand::Create {
            place,
            name,
            parent,
            settings,
        } => {
            let office = Office::open(&place).await?;
            let secret = sealed(&office, &settings)?;
            let mut form = form(&settings);
            form.insert("name".to_owned(), Some(name));
            if let Some(parent) = parent {
                form.insert("parent".to_owned(), Some(parent.to_string()));
            }
            let added = office
                .service()
                .add_authority(&office.operator, form)
                .await?;
            sign_webhooks(&office, &added, secret).await?;
            stdout::print(&show(&added, place.json))?;
            office.close().await;
        }
        RaCommand::List { place } => {
            let office = Office::open(&place).await?;
            let (service, operator) = (office.service(), &office.operator);
            let found = all(|page| service.authorities(operator, page)).await?;
            stdout::print(&list(&found, place.json))?;
            office.close().await;
        }
        RaCommand::Show { place, number } => {
            let office = Office::open(&place).await?;
            let found = office.service().authority(&office.operator, number).await?;
            stdout::print(&show(&found, place.json))?;
            office.close().await;
        }
        RaCommand::Set {
            place,
            number,
            settings,
        } => {
            ensure!(
                !settings.fields.is_empty() || settings.webhook_secret.is_some(),
                "nothing to set: name a FIELD=VALUE (--help lists the fields)"
            );
            let office = Office::open(&place).await?;
            let secret = sealed(&office, &settings)?;
            let changed = office
                .service()
                .change_authority(&office.operator, number, form(&settings))
                .await?;
            sign_webhooks(&office, &changed, secret).await?;
            stdout::print(&show(&changed, place.json))?;
            office.close().await;
        }
    }
    Ok(())
}

fn form(settings: &Settings) -> Form {
    let value = |value: &String| (!value.is_empty()).then(|| value.clone());
    settings
        .fields
        .iter()
        .map(|(name, text)| (name.clone(), value(text)))
        .collect()
}

fn sealed(office: &Office, settings: &Settings) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(text) = &settings.webhook_secret else {
        return Ok(None);
    };
    let secret = WebhookSecret::parse(text)?;
    Ok(Some(secret.seal(&office.master, &SystemEntropy)))
}

/// Signs the authority's webhooks with a secret, if there is a new one.
async fn sign_webhooks(
    office: &Office,
    authority: &AuthorityRecord,
    secret: Option<Vec<u8>>,
) -> anyhow::Result<()> {
    if secret.is_some() {
        let url = authority.webhook_url.clone();
        office
            .service()
            .direct_webhooks(authority.id, url, authority.webhook_format, secret)
            .await?;
    }
    Ok(())
}

fn list(found: &[AuthorityRecord], as_json: bool) -> String {
    if as_json {
        let entries = found.iter().map(described);
        return output::json(&entries.map(Value::Object).collect());
    }
    let mut table = Table::new(["Number", "Name", "Above", "API users"]);
    for one in found {
        table.row([
            one.id.to_string(),
            one.name.clone(),
            or_dash(one.parent),
            one.operators.len().to_string(),
        ]);
    }
    table.text()
}

fn show(one: &AuthorityRecord, as_json: bool) -> String {
    let described = described(one);
    if as_json {
        return output::json(&Value::Object(described));
    }
    let lines: Vec<_> = described
        .iter()
        .map(|(name, value)| (name.as_str(), shown(value)))
        .collect();
    output::fields(&lines)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => or_dash::<String>(None),
        Value::String(text) => text.clone(),
        Value::Array(entries) => {
            let entries: Vec<_> = entries.iter().map(shown).collect();
            entries.join(", ")
        }
        other => other.to_string(),
    }
}

/// All of it, under the names of the API.
fn described(one: &AuthorityRecord) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("pk".to_owned(), json!(one.id));
    all.insert("name".to_owned(), json!(one.name));
    all.insert("parent".to_owned(), json!(one.parent));
    for (name, value) in &one.particulars {
        all.insert(name.clone(), json!(value));
    }
    all.insert("videoid_enabled".to_owned(), json!(one.videoid_enabled));
    if let Ok(Value::Object(settings)) = serde_json::to_value(&one.settings) {
        all.extend(settings);
    }
    all.insert("webhook_url".to_owned(), json!(one.webhook_url));
    all.insert("webhook_format".to_owned(), json!(one.webhook_format));
    let users: Vec<_> = one.operators.iter().map(|user| user.id).collect();
    all.insert("api_users".to_owned(), json!(users));
    all
}
