//! Fields of requests and authorities, as a client sends them.

use model::authority::AuthoritySettings;
use serde_json::{Map, Value, json};
use service::registration::Form;
use service::{Error, Problems};

use super::wire;
use crate::body::json::text_of;

/// What a member of an object is where a client sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    /// A text, or a number in place of one.
    Text,
    /// True or false, in any of the spellings that clients use.
    Flag,
    /// An object or a list, which answers hold and nobody can send.
    Given,
}

/// A request's members, every one as a text.
pub(super) fn request(members: Map<String, Value>) -> Result<Form, Error> {
    read(members, |name| match name {
        "certificate_set" | "registering_user" | "approving_user" | "producing_user"
        | "approving_rao" | "producing_rao" | "identification_rao" => Some(Member::Given),
        "paperless_mode" | "videoid_mode" => Some(Member::Flag),
        "webhook_url" => Some(Member::Text),
        name => wire::REQUEST.contains(&name).then_some(Member::Text),
    })
}

/// An authority's members, every one as a text.
pub(super) fn authority(members: Map<String, Value>) -> Result<Form, Error> {
    let settings = json!(AuthoritySettings::default());
    read(members, |name| match name {
        "operators" => Some(Member::Given),
        "videoid_enabled" => Some(Member::Flag),
        "pk" | "name" | "parent" | "webhook_url" | "webhook_format" => Some(Member::Text),
        name if wire::PARTICULARS.contains(&name) => Some(Member::Text),
        name => settings.get(name).map(|usual| match usual {
            Value::Bool(_) => Member::Flag,
            _ => Member::Text,
        }),
    })
}

/// A client may send back a whole object that it was given, so that objects in it are passed over,
/// but for an officer, who is named by his or her number. So are members that nobody knows.
fn read(
    members: Map<String, Value>,
    known: impl Fn(&str) -> Option<Member>,
) -> Result<Form, Error> {
    let mut problems = Problems::default();
    let mut form = Form::new();
    for (name, value) in members {
        let text = match (&value, known(&name)) {
            (Value::Null, _) => None,
            (Value::Object(officer), _) if name == "identification_rao" => {
                officer.get("pk").and_then(text_of)
            }
            (Value::Array(_) | Value::Object(_) | Value::Bool(_), Some(Member::Text)) => {
                problems.invalid(name, "must be a text");
                continue;
            }
            (Value::Array(_) | Value::Object(_), Some(Member::Flag)) => {
                problems.invalid(name, "must be true or false");
                continue;
            }
            (Value::Array(_) | Value::Object(_), Some(Member::Given) | None) => continue,
            (Value::Bool(flag), _) => Some(flag.to_string()),
            (Value::String(_) | Value::Number(_), _) => text_of(&value),
        };
        form.insert(name, text);
    }
    problems.check()?;
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(body: Value) -> Map<String, Value> {
        match body {
            Value::Object(members) => members,
            other => panic!("no object: {other}"),
        }
    }

    fn sent(form: &Form) -> Vec<(&str, Option<&str>)> {
        let members = form.iter();
        members
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect()
    }

    /// The names of what was refused.
    fn refused(read: Result<Form, Error>) -> Vec<String> {
        match read {
            Err(Error::Fields(problems)) => problems.0.into_iter().map(|(name, _)| name).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn members_become_texts() {
        let form = request(members(json!({
            "registration_authority": 10, "validity_time": "730", "videoid_mode": 1,
            "paperless_mode": false, "surname_2": null, "certificate_set": [], "videoid_data": {},
            "identification_rao": { "pk": 30 }, "unheard_of": [1],
        })));
        assert_eq!(
            sent(&form.unwrap()),
            [
                ("identification_rao", Some("30")),
                ("paperless_mode", Some("false")),
                ("registration_authority", Some("10")),
                ("surname_2", None),
                ("validity_time", Some("730")),
                ("videoid_mode", Some("1")),
            ]
        );
        let form = authority(members(json!({
            "name": "Example", "parent": 1, "operators": [{ "pk": 5 }], "videoid_enabled": true,
            "blank_secrets": false, "videoid_steps": 2, "unheard_of": {},
        })));
        assert_eq!(
            sent(&form.unwrap()),
            [
                ("blank_secrets", Some("false")),
                ("name", Some("Example")),
                ("parent", Some("1")),
                ("videoid_enabled", Some("true")),
                ("videoid_steps", Some("2")),
            ]
        );
    }

    #[test]
    fn what_cannot_be_a_text_or_a_flag_is_named() {
        let form = request(members(json!({
            "given_name": ["Ana"], "email": {}, "surname_1": true, "webhook_url": [],
            "videoid_mode": [1], "paperless_mode": true,
        })));
        let named = [
            "email",
            "given_name",
            "surname_1",
            "videoid_mode",
            "webhook_url",
        ];
        let mut wrong = refused(form);
        wrong.sort();
        assert_eq!(wrong, named);
        let form = authority(members(json!({
            "name": true, "city": ["x"], "videoid_steps": {}, "blank_secrets": [true],
            "language": false, "auto_scratchcards": true,
        })));
        let mut wrong = refused(form);
        wrong.sort();
        assert_eq!(
            wrong,
            ["blank_secrets", "city", "language", "name", "videoid_steps"]
        );
    }
}
