//! JSON objects and the lenient typing of their members.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Map, Value};
use service::Problems;

use super::BodyFault;
use super::multipart::Form;

/// Bodies from this size on are parsed off the async threads.
const LARGE: usize = 256 << 10;

/// Reads a JSON object, whatever the Content-Type says. An empty body is an empty object.
pub(crate) async fn read_object(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
) -> Result<Map<String, Value>, BodyFault> {
    let content = super::read(headers, body, limit).await?;
    if content.len() < LARGE {
        return parse_object(&content);
    }
    match tokio::task::spawn_blocking(move || parse_object(&content)).await {
        Ok(parsed) => parsed,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Reads members in any of the forms in which clients send them: a JSON object, whatever the
/// Content-Type says, or where it says so a URL-encoded or multipart form, whose values are texts.
pub(crate) async fn read_fields(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
) -> Result<Map<String, Value>, BodyFault> {
    let (members, _) = read_fields_and_files(headers, body, limit, &[]).await?;
    Ok(members)
}

/// As [`read_fields`], and those parts of a multipart form apart that are files of these names.
pub(crate) async fn read_fields_and_files(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    files: &[&str],
) -> Result<(Map<String, Value>, Vec<(String, Bytes)>), BodyFault> {
    let media_type = |name: &str| {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let start = value.trim_start().get(..name.len())?;
        start.eq_ignore_ascii_case(name).then_some(())
    };
    if media_type("multipart/form-data").is_some() {
        return read_form(headers, body, limit, files).await;
    }
    if media_type("application/x-www-form-urlencoded").is_none() {
        return Ok((read_object(headers, body, limit).await?, Vec::new()));
    }
    let content = super::read(headers, body, limit).await?;
    // What `curl -d` says of a JSON body, too.
    if content.trim_ascii_start().starts_with(b"{") {
        return Ok((parse_object(&content)?, Vec::new()));
    }
    let members = url::form_urlencoded::parse(&content)
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect();
    refuse_nul(&members)?;
    Ok((members, Vec::new()))
}

/// The texts of a multipart form, and its files of these names; others are passed over.
async fn read_form(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    files: &[&str],
) -> Result<(Map<String, Value>, Vec<(String, Bytes)>), BodyFault> {
    let mut form = Form::open(headers, body)?;
    let (mut members, mut found) = (Map::new(), Vec::new());
    let mut left = limit;
    while let Some(mut part) = form.next().await? {
        let content = match part.read(left).await {
            Err(BodyFault::TooLarge { .. }) => return Err(BodyFault::TooLarge { limit }),
            read => read?,
        };
        left -= content.len() as u64;
        let name = part.name();
        let wanted = files.contains(&name.as_str());
        if wanted && part.file_name().is_some() {
            found.push((name, content));
            continue;
        }
        match String::from_utf8(content.into()) {
            Ok(text) => drop(members.insert(name, Value::String(text))),
            // Some clients send files without a name.
            Err(bytes) if wanted => found.push((name, bytes.into_bytes().into())),
            Err(_) => {}
        }
    }
    refuse_nul(&members)?;
    Ok((members, found))
}

/// Parses an object; the parser bounds the depth at 128.
pub(crate) fn parse_object(content: &[u8]) -> Result<Map<String, Value>, BodyFault> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    if content.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(content) {
        Ok(Value::Object(members)) => {
            refuse_nul(&members)?;
            Ok(members)
        }
        Ok(_) => Err(BodyFault::NotAnObject),
        Err(error) => Err(parse_fault(content, &error)),
    }
}

fn refuse_nul(members: &Map<String, Value>) -> Result<(), BodyFault> {
    fn has_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(has_nul),
            Value::Object(members) => members
                .iter()
                .any(|(name, value)| name.contains('\0') || has_nul(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    match members
        .iter()
        .find(|(name, value)| name.contains('\0') || has_nul(value))
    {
        Some((name, _)) => Err(BodyFault::Nul(printable(name))),
        None => Ok(()),
    }
}

/// At most 40 printable characters of a name that a client made up.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Place and message in the form that the API's clients know.
fn parse_fault(content: &[u8], error: &serde_json::Error) -> BodyFault {
    let line = error.line().max(1);
    let start = content
        .split_inclusive(|byte| *byte == b'\n')
        .take(line - 1)
        .map(<[u8]>::len)
        .sum::<usize>()
        .min(content.len());
    // The parser counts the bytes it has taken; at the end of input the missing byte is the next.
    let taken = error.column() + usize::from(error.is_eof());
    let place = (start + taken.saturating_sub(1)).min(content.len());
    let characters = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().count();
    BodyFault::Json {
        message: message(error),
        line,
        column: characters(&content[start..place]) + 1,
        offset: characters(&content[..place]),
    }
}

fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    match text {
        "expected `,` or `}`" | "expected `,` or `]`" => "Expecting ',' delimiter",
        "expected `:`" => "Expecting ':' delimiter",
        "key must be a string" | "trailing comma" => {
            "Expecting property name enclosed in double quotes"
        }
        "expected value" | "expected ident" | "EOF while parsing a value" => "Expecting value",
        "EOF while parsing an object" | "EOF while parsing a list" => "Expecting ',' delimiter",
        "EOF while parsing a string" => "Unterminated string",
        "trailing characters" => "Extra data",
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "Invalid control character"
        }
        other => return capitalised(other),
    }
    .to_owned()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The members of an object, taken out one by one. Numbers are taken for texts; `null` is absent;
/// members nobody asks for are ignored.
pub(crate) struct Fields {
    members: Map<String, Value>,
    /// Prefixed to names in problems, as in `videoid_data.`.
    within: &'static str,
    problems: Problems,
    absent: Vec<&'static str>,
}

impl Fields {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            within: "",
            problems: Problems::default(),
            absent: Vec::new(),
        }
    }

    /// The members of an object inside another; `within` is prefixed to names in problems.
    pub(crate) fn within(members: Map<String, Value>, within: &'static str) -> Self {
        Self {
            within,
            ..Self::new(members)
        }
    }

    /// The members as they are.
    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// Whether nothing is left in it that says anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.values().all(Value::is_null)
    }

    /// What was not taken out yet, as far as it is texts.
    pub(crate) fn texts_left(&self) -> BTreeMap<String, Option<String>> {
        let texts = self.members.iter();
        texts
            .filter_map(|(name, value)| Some((name.clone(), Some(text_of(value)?))))
            .collect()
    }

    /// Whether there is such a member, `null` or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A text or number.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.value(name)?;
        let text = text_of(&value);
        if text.is_none() {
            self.invalid(name, "must be a text");
        }
        text
    }

    /// A text or number that is not blank. Its absence is noted, and empty what is given for it.
    pub(crate) fn required(&mut self, name: &'static str) -> String {
        self.present(name)
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    }

    /// As [`Self::required`], for what must never be printed.
    pub(crate) fn required_secret(&mut self, name: &'static str) -> SecretString {
        self.present(name)
            .map(SecretString::from)
            .unwrap_or_default()
    }

    fn present(&mut self, name: &'static str) -> Option<String> {
        let noted = self.problems.0.len();
        let text = self.text(name).filter(|text| !text.trim().is_empty());
        if text.is_none() && self.problems.0.len() == noted {
            self.missing(name);
        }
        text
    }

    /// A whole number, or a text that is one.
    pub(crate) fn number(&mut self, name: &'static str) -> Option<i64> {
        let text = self.text(name)?;
        let number = text.trim().parse().ok();
        if number.is_none() {
            self.invalid(name, "must be a number");
        }
        number
    }

    /// As [`Self::text`], for what must never be printed.
    pub(crate) fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// An object.
    pub(crate) fn object(&mut self, name: &'static str) -> Option<Map<String, Value>> {
        match self.value(name)? {
            Value::Object(members) => Some(members),
            _ => {
                self.problems
                    .invalid(format!("{}{name}", self.within), "must be an object");
                None
            }
        }
    }

    /// A flag, as a flag, number or text.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.value(name)?;
        let flag = flag_of(&value);
        if flag.is_none() {
            self.invalid(name, "must be a flag");
        }
        flag
    }

    /// Texts or numbers, in an array or in a text with commas between them.
    pub(crate) fn list(&mut self, name: &'static str) -> Option<Vec<String>> {
        let items = match self.value(name)? {
            Value::Array(items) => items,
            Value::String(text) => text
                .trim_matches(['[', ']'])
                .split(',')
                .map(|item| item.trim().trim_matches(['"', '\'']).into())
                .collect(),
            one => vec![one],
        };
        let texts: Option<Vec<_>> = items.iter().map(text_of).collect();
        if texts.is_none() {
            self.invalid(name, "must be a list of numbers");
        }
        texts
    }

    /// An object, to be taken apart like this one.
    pub(crate) fn nested(&mut self, name: &'static str, within: &'static str) -> Option<Fields> {
        self.object(name)
            .map(|members| Fields::within(members, within))
    }

    /// A value of any kind but `null`.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<Value> {
        match self.members.remove(name) {
            None | Some(Value::Null) => {
                self.absent.push(name);
                None
            }
            found => found,
        }
    }

    /// Notes a problem of the caller's own finding.
    pub(crate) fn invalid(&mut self, name: &str, text: impl Into<String>) {
        self.problems
            .invalid(format!("{}{name}", self.within), text);
    }

    /// Notes a missing member.
    pub(crate) fn missing(&mut self, name: &str) {
        self.problems.missing(format!("{}{name}", self.within));
    }

    /// Takes over the problems of a nested object.
    pub(crate) fn absorb(&mut self, nested: Fields) {
        self.problems.0.extend(nested.problems.0);
    }

    /// An error naming every problem so far. When there is one, those of `required` that were
    /// asked for and absent are named too: the use case that would have done so is not reached.
    pub(crate) fn check(mut self, required: &[&'static str]) -> Result<(), service::Error> {
        if !self.problems.0.is_empty() {
            let absent = std::mem::take(&mut self.absent);
            for name in required.iter().filter(|name| absent.contains(name)) {
                self.problems.missing(*name);
            }
        }
        self.problems.check()
    }
}

/// A text or number as a text.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(decimal(number)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A flag in the forms that clients send.
pub(crate) fn flag_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(_) | Value::String(_) => match text_of(value)?.trim() {
            "1" | "true" | "True" | "TRUE" => Some(true),
            "0" | "false" | "False" | "FALSE" | "" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as a text; `7.0` is `7`, since some languages know no integers.
fn decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float)
            if !number.is_i64()
                && !number.is_u64()
                && float.fract() == 0.0
                && float.abs() < 1e15 =>
        {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn fault(text: &str) -> String {
        parse_object(text.as_bytes()).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_form_gives_its_texts_and_the_files_that_are_asked_for() {
        let part = |head: &str, content: &[u8]| {
            let head = format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n");
            [head.as_bytes(), content, b"\r\n"].concat()
        };
        let jpeg = b"\xff\xd8\xff\xe0";
        let body = [
            part("name=\"given_name\"", b"Ana"),
            part(
                "name=\"front\"; filename=\"a.jpg\"",
                b"plain text, and a file",
            ),
            part("name=\"front\"", jpeg),
            part("name=\"front\"", b"aGVsbG8="),
            part("name=\"other\"; filename=\"b.jpg\"", jpeg),
            b"--b--\r\n".to_vec(),
        ]
        .concat();
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            "multipart/form-data; boundary=b".parse().unwrap(),
        )]);
        let read = read_fields_and_files(&headers, body.into(), 1000, &["front"]);
        let (members, files) = read.await.unwrap();
        assert_eq!(
            Value::Object(members),
            serde_json::json!({ "given_name": "Ana", "front": "aGVsbG8=" })
        );
        let files: Vec<_> = files.iter().map(|(_, content)| &content[..]).collect();
        assert_eq!(files, [&b"plain text, and a file"[..], jpeg]);
    }

    #[test]
    fn errors_name_line_column_and_character() {
        // Places and words as Python's json module gives them for the same texts.
        let cases = [
            (
                "{\"a\": 1 \"b\": 2}",
                "Expecting ',' delimiter: line 1 column 9 (char 8)",
            ),
            (
                "{\n  \"a\": 1\n  \"b\": 2\n}",
                "Expecting ',' delimiter: line 3 column 3 (char 13)",
            ),
            ("{\"ä\": x}", "Expecting value: line 1 column 7 (char 6)"),
            ("{\"a\": ", "Expecting value: line 1 column 7 (char 6)"),
            (
                "{\"a\" 1}",
                "Expecting ':' delimiter: line 1 column 6 (char 5)",
            ),
            (
                "{a: 1}",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            ("{} x", "Extra data: line 1 column 4 (char 3)"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                fault(text),
                format!("Could not parse JSON body - {expected}"),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_else_gets_through() {
        assert_eq!(
            fault("[]"),
            "Could not parse JSON body - Expecting an object"
        );
        assert!(fault(&"[".repeat(100_000)).contains("Recursion limit exceeded"));
        assert!(fault("{\"a\": \"\\ud800\"}").contains("line 1 column"));
        assert_eq!(
            fault("{\"a\": {\"b\": [\"\\u0000\"]}}"),
            "The character U+0000 is not allowed in 'a'"
        );
        assert!(fault("{\"\\u0000a\": 1}").ends_with("in 'a'"));
        assert!(parse_object(b"{\"a\": \"\xff\"}").is_err());
        assert!(parse_object(b" \n").unwrap().is_empty());
        assert!(
            parse_object(b"\xef\xbb\xbf{\"a\": 1}")
                .unwrap()
                .contains_key("a")
        );
    }

    #[tokio::test]
    async fn members_come_as_json_and_in_both_kinds_of_form() {
        let form = "--b\r\nContent-Disposition: form-data; name=\"rao\"\r\n\r\n30\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ncontract\r\n--b--\r\n";
        let urlencoded = "application/x-www-form-urlencoded; charset=utf-8";
        for (content_type, body) in [
            ("application/json", r#"{"rao": 30, "type": "contract"}"#),
            ("text/plain", r#"{"rao": "30", "type": "contract"}"#),
            (urlencoded, r#" {"rao": "30", "type": "contract"}"#),
            (urlencoded, "rao=30&type=con%74ract"),
            ("Multipart/Form-Data; boundary=b", form),
        ] {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            let members = read_fields(&headers, Body::from(body), 1000).await.unwrap();
            let mut fields = Fields::new(members);
            assert_eq!(fields.text("rao").as_deref(), Some("30"), "{content_type}");
            assert_eq!(fields.text("type").as_deref(), Some("contract"));
        }
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, urlencoded.parse().unwrap())]);
        let nul = read_fields(&headers, Body::from("a=%00"), 1000).await;
        assert!(matches!(nul, Err(BodyFault::Nul(_))));
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            "multipart/form-data; boundary=b".parse().unwrap(),
        )]);
        let over = read_fields(&headers, Body::from(form), 5).await;
        assert!(matches!(over, Err(BodyFault::TooLarge { limit: 5 })));
    }

    #[test]
    fn flags_and_lists_come_in_many_forms() {
        for yes in [
            serde_json::json!(true),
            1.into(),
            1.0.into(),
            "1".into(),
            "True".into(),
        ] {
            assert_eq!(flag_of(&yes), Some(true), "{yes}");
        }
        for no in [
            serde_json::json!(false),
            0.into(),
            "0".into(),
            "false".into(),
            "".into(),
        ] {
            assert_eq!(flag_of(&no), Some(false), "{no}");
        }
        for none in [serde_json::json!([]), 2.into(), "yes".into(), Value::Null] {
            assert_eq!(flag_of(&none), None, "{none}");
        }
        let list =
            |value: Value| Fields::new(Map::from_iter([("ids".to_owned(), value)])).list("ids");
        let both = Some(vec!["10".to_owned(), "11".to_owned()]);
        assert_eq!(list(serde_json::json!([10, "11"])), both);
        assert_eq!(list("10, 11".into()), both);
        assert_eq!(list("[\"10\", 11]".into()), both);
        assert_eq!(list(10.into()), Some(vec!["10".to_owned()]));
        assert_eq!(list(serde_json::json!([[]])), None);
    }

    #[test]
    fn members_are_taken_leniently_and_all_problems_are_named() {
        let Value::Object(members) = serde_json::json!({
            "ra": 7, "phone": "+34", "float": 7.0, "none": null, "list": [], "flag": true,
            "inner": {"pin": 1234, "deep": 1},
        }) else {
            unreachable!()
        };
        let mut fields = Fields::new(members);
        assert_eq!(fields.text("ra").as_deref(), Some("7"));
        assert_eq!(fields.text("float").as_deref(), Some("7"));
        assert_eq!(fields.text("phone").as_deref(), Some("+34"));
        assert_eq!(fields.text("none"), None);
        assert_eq!(fields.text("email"), None);
        let mut inner = fields.nested("inner", "inner.").unwrap();
        assert_eq!(inner.secret("pin").unwrap().expose_secret(), "1234");
        assert_eq!(inner.object("deep"), None);
        fields.absorb(inner);
        assert_eq!(fields.text("list"), None);
        assert_eq!(fields.text("flag"), None);
        let Err(service::Error::Fields(problems)) = fields.check(&["email", "phone"]) else {
            panic!("there are problems")
        };
        let names: Vec<_> = problems.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["inner.deep", "list", "flag", "email"]);
    }
}
