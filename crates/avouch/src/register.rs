//! `avouch register`.

use service::{RegisterEntry, RegisterSearch, Service};
use time::format_description::well_known::Rfc3339;

use crate::cli;
use crate::registration::Office;
use crate::registration::output::or_dash;
use crate::stdout;

/// Certificates that are in memory at once.
const PAGE: i64 = 500;

/// Prints what is found, page by page.
pub async fn run(options: &cli::Register) -> anyhow::Result<()> {
    let office = Office::open(&options.place).await?;
    let printed = print(office.service(), options).await;
    office.close().await;
    printed
}

async fn print(service: &Service, options: &cli::Register) -> anyhow::Result<()> {
    let search = RegisterSearch {
        name: options.name.clone(),
        identity: options.identity.clone(),
        email: options.email.clone(),
        scratchcard: options.scratchcard.clone(),
        from: options.from,
        before: options.to,
        status: options.status.map(Into::into),
    };
    let form = match (options.place.json, options.csv) {
        (true, _) => Form::Json,
        (false, true) => Form::Csv,
        (false, false) => Form::Lines,
    };
    let mut text = form.beginning().to_owned();
    let (mut after, mut first) = (None, true);
    loop {
        let page = service.register_page(&search, after.as_ref(), PAGE).await?;
        for entry in &page.entries {
            if form == Form::Json && !first {
                text.push_str(",\n");
            }
            text += &form.entry(entry)?;
            first = false;
        }
        stdout::print(&text)?;
        text.clear();
        match page.next {
            Some(next) => after = Some(next),
            None => return stdout::print(form.end()),
        }
    }
}

/// How the register is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Json,
    Csv,
}

impl Form {
    fn beginning(self) -> &'static str {
        match self {
            Form::Lines => "",
            Form::Json => "[\n",
            Form::Csv => {
                "serial,status,subject,issuer,request,log,recorded,valid_from,valid_to,since,reason\r\n"
            }
        }
    }

    fn end(self) -> &'static str {
        match self {
            Form::Json => "\n]\n",
            Form::Lines | Form::Csv => "",
        }
    }

    fn entry(self, entry: &RegisterEntry) -> anyhow::Result<String> {
        let recorded = entry.recorded.format(&Rfc3339)?;
        Ok(match self {
            Form::Json => serde_json::to_string(entry)?,
            Form::Lines => format!(
                "{recorded}  {:<9}  {}  {}  {}\n",
                entry.status,
                entry.serial,
                or_dash(entry.request),
                entry.subject
            ),
            Form::Csv => {
                let text = |number: Option<i64>| number.map_or_else(String::new, |n| n.to_string());
                let since = entry.since.map(|at| at.format(&Rfc3339)).transpose()?;
                let cells = [
                    entry.serial.clone(),
                    entry.status.to_owned(),
                    entry.subject.clone(),
                    entry.issuer.clone(),
                    text(entry.request),
                    text(entry.log),
                    recorded,
                    entry.valid_from.format(&Rfc3339)?,
                    entry.valid_to.format(&Rfc3339)?,
                    since.unwrap_or_default(),
                    text(entry.reason),
                ];
                cells.map(|cell| quoted(&cell)).join(",") + "\r\n"
            }
        })
    }
}

/// A cell of RFC 4180. A spreadsheet must not take a name for a formula.
fn quoted(cell: &str) -> String {
    let guard = match cell.starts_with(['=', '+', '-', '@']) {
        true => "'",
        false => "",
    };
    match cell.contains([',', '"', '\r', '\n']) || !guard.is_empty() {
        true => format!("\"{guard}{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(quoted("Ana"), "Ana");
        assert_eq!(quoted("CN=A, C=\"B\""), "\"CN=A, C=\"\"B\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
