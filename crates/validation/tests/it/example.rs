use serde_json::{Map, Value, json};

use crate::SPECIMENS;

/// The example of the JSON report in the documentation is a real one, but for what differs from
/// run to run.
#[test]
fn the_documentation_shows_what_is_printed() {
    let report = serde_json::to_value(SPECIMENS.judge(&SPECIMENS.pdf("b_lta"))).unwrap();
    let mut shown = Map::from_iter([("file".to_owned(), json!("contract.pdf"))]);
    shown.extend(report.as_object().unwrap().clone());
    let mut example = Value::Array(vec![shown.into()]);
    fix(&mut example);
    let example = serde_json::to_string_pretty(&example).unwrap();

    let path = testkit::workspace_root().join("docs/verifying.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, _) = page.split_once("```json\n").unwrap();
    let written = format!("{before}```json\n{example}\n```\n");
    if std::env::var_os("AVOUCH_WRITE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap();
        return;
    }
    assert!(
        page == written,
        "write docs/verifying.md anew: it should show\n{example}"
    );
}

/// Replaces what differs from run to run.
fn fix(value: &mut Value) {
    match value {
        Value::Array(items) => {
            // pyHanko touches these where a second has passed.
            items.retain(|item| {
                let what = item["what"].as_str().unwrap_or_default();
                !what.contains("information") && !what.contains("/Metadata")
            });
            items.iter_mut().for_each(fix);
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value.as_str()) {
                    ("serial", Some(_)) => *value = json!("4f0b1c"),
                    ("field", Some(name)) if name.starts_with("Timestamp-") => {
                        *value = json!("Timestamp");
                    }
                    ("what", Some(what)) if what.contains("Timestamp-") => {
                        *value = json!("the document time-stamp Timestamp was added");
                    }
                    (_, Some(text)) if is_time(text) => *value = json!("2026-01-01T12:00:00Z"),
                    _ => fix(value),
                }
            }
        }
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}
