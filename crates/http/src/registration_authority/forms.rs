//! Fields of requests and authorities, as a client sends them.

use serde_json::{Map, Value};
use service::registration::Form;
use service::{Error, Problems};

use super::wire;
use crate::body::json::text_of;

/// Every member as a text. A client may send back a whole object that it was given, so that
/// objects in it are passed over, but for an officer, who is named by his or her number.
pub(super) fn read(members: Map<String, Value>) -> Result<Form, Error> {
    let mut problems = Problems::default();
    let mut form = Form::new();
    for (name, value) in members {
        let text = match &value {
            Value::Null => None,
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Object(officer) if name == "identification_rao" => {
                officer.get("pk").and_then(text_of)
            }
            Value::Array(_) | Value::Object(_) if is_text(&name) => {
                problems.invalid(name, "must be a text");
                continue;
            }
            Value::Array(_) | Value::Object(_) => continue,
            Value::String(_) | Value::Number(_) => text_of(&value),
        };
        form.insert(name, text);
    }
    problems.check()?;
    Ok(form)
}

/// Whether a request has a text of that name.
fn is_text(name: &str) -> bool {
    const OBJECTS: [&str; 7] = [
        "certificate_set",
        "registering_user",
        "approving_user",
        "producing_user",
        "approving_rao",
        "producing_rao",
        "identification_rao",
    ];
    wire::REQUEST.contains(&name) && !OBJECTS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(body: Value) -> Result<Form, Error> {
        let Value::Object(members) = body else {
            panic!("an object")
        };
        read(members)
    }

    #[test]
    fn members_become_texts() {
        let form = form(json!({
            "registration_authority": 10, "validity_time": "730", "videoid_mode": 1,
            "paperless_mode": false, "surname_2": null, "certificate_set": [], "videoid_data": {},
            "identification_rao": { "pk": 30 }, "operators": [],
        }))
        .unwrap();
        let sent: Vec<_> = form
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        assert_eq!(
            sent,
            [
                ("identification_rao", Some("30")),
                ("paperless_mode", Some("false")),
                ("registration_authority", Some("10")),
                ("surname_2", None),
                ("validity_time", Some("730")),
                ("videoid_mode", Some("1")),
            ]
        );
    }

    #[test]
    fn what_cannot_be_a_text_is_named() {
        let refused = form(json!({ "given_name": ["Ana"], "email": {} }));
        let Err(Error::Fields(problems)) = refused else {
            panic!("refused")
        };
        assert_eq!(problems.0.len(), 2);
    }
}
