//! `avouch scratchcard`.

use anyhow::bail;
use model::RaId;
use serde_json::{Value, json};
use service::registration::{Moved, ScratchcardRecord, Stretch};

use super::output::{self, Table, or_dash};
use super::{Office, all};
use crate::cli::{Scratchcard, ScratchcardCommand};
use crate::stdout;

/// Runs the command and prints its answer.
pub async fn run(options: Scratchcard) -> anyhow::Result<()> {
    match options.command {
        ScratchcardCommand::Create {
            place,
            ra,
            count,
            csv,
        } => {
            let office = Office::open(&place).await?;
            let made = office
                .service()
                .make_scratchcards(&office.operator, RaId(ra), count)
                .await?;
            let answer = match (csv, place.json) {
                (true, _) => csv_of(&made),
                (_, true) => output::json(&made.iter().map(with_secrets).collect()),
                _ => table_with_secrets(&made),
            };
            stdout::print(&answer)?;
            office.close().await;
        }
        ScratchcardCommand::List { place, ra, unused } => {
            let office = Office::open(&place).await?;
            let (service, operator) = (office.service(), &office.operator);
            let ra = ra.map(RaId);
            let mut found = all(|page| service.scratchcards(operator, ra, None, page)).await?;
            found.retain(|card| !unused || card.used_by.is_none());
            stdout::print(&list(&found, place.json))?;
            office.close().await;
        }
        ScratchcardCommand::Move {
            place,
            from,
            amount,
            first,
            last,
            to,
        } => {
            let stretch = match (from, amount, first, last) {
                (Some(from), Some(amount), _, _) => Stretch::Some {
                    from: RaId(from),
                    amount,
                },
                (_, _, Some(first), Some(last)) => Stretch::Between { first, last },
                _ => bail!("either --from and --amount or --first and --last are needed"),
            };
            let office = Office::open(&place).await?;
            let moved = office
                .service()
                .move_scratchcards(&office.operator, stretch, RaId(to))
                .await?;
            stdout::print(&tell(&moved, to, place.json))?;
            office.close().await;
        }
    }
    Ok(())
}

fn tell(moved: &Moved, to: i64, as_json: bool) -> String {
    if as_json {
        let moved = json!({ "moved": moved.moved, "details": moved.details });
        return output::json(&moved);
    }
    let details = moved.details.as_deref().unwrap_or_default();
    let text = format!(
        "{} moved to registration authority {to}.\n{details}",
        moved.moved
    );
    format!("{}\n", text.trim_end())
}

fn list(found: &[ScratchcardRecord], as_json: bool) -> String {
    if as_json {
        return output::json(&found.iter().map(described).collect());
    }
    let mut table = Table::new(["Number", "Scratchcard", "Authority", "Request"]);
    for card in found {
        table.row([
            card.pk.to_string(),
            card.sn.clone(),
            card.authority.to_string(),
            or_dash(card.used_by),
        ]);
    }
    table.text()
}

fn described(card: &ScratchcardRecord) -> Value {
    json!({
        "pk": card.pk,
        "sn": card.sn,
        "registration_authority": card.authority,
        "request": card.used_by,
    })
}

fn with_secrets(card: &ScratchcardRecord) -> Value {
    json!({
        "pk": card.pk,
        "sn": card.sn,
        "registration_authority": card.authority,
        "secrets": card.secrets,
    })
}

fn table_with_secrets(made: &[ScratchcardRecord]) -> String {
    let headings = [
        "Scratchcard",
        "Enrollment code",
        "Revocation code",
        "PIN",
        "PUK",
    ];
    let mut table = Table::new(headings);
    for card in made {
        table.row([
            card.sn.clone(),
            card.secrets.enrollment_code.clone(),
            card.secrets.erc.clone(),
            card.secrets.pin.clone(),
            card.secrets.puk.clone(),
        ]);
    }
    table.text()
}

/// RFC 4180. Every cell is quoted: an enrollment code has punctuation.
fn csv_of(made: &[ScratchcardRecord]) -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let heads = "sn,registration_authority,enrollment_code,erc,pin,puk\r\n".to_owned();
    made.iter().fold(heads, |text, card| {
        let secrets = &card.secrets;
        let authority = card.authority.to_string();
        let cells = [
            &card.sn,
            &authority,
            &secrets.enrollment_code,
            &secrets.erc,
            &secrets.pin,
            &secrets.puk,
        ];
        text + &cells.map(|cell| quoted(cell)).join(",") + "\r\n"
    })
}

#[cfg(test)]
mod tests {
    use service::registration::Secrets;

    use super::*;

    #[test]
    fn punctuation_stays_within_its_cell() {
        let card = ScratchcardRecord {
            pk: 1,
            sn: "7000001".to_owned(),
            authority: RaId(10),
            secrets: Secrets {
                erc: "0123456789".to_owned(),
                enrollment_code: "a,\"B;3".to_owned(),
                pin: "01234567".to_owned(),
                puk: "76543210".to_owned(),
            },
            used_by: None,
        };
        let csv = csv_of(&[card]);
        let row = "\"7000001\",\"10\",\"a,\"\"B;3\",\"0123456789\",\"01234567\",\"76543210\"";
        assert_eq!(csv.lines().nth(1), Some(row));
    }
}
