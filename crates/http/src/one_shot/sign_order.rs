//! What a call to sign asks for: the members of both dialects, whose union is accepted.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Level;
use serde_json::{Map, Value};
use service::{
    AppearanceOrder, Countersignature, DocumentOrder, PictureOrder, SignOrder, TextOrder,
};

use super::dialect::Refusal;
use super::refusal::Fault;
use super::schema;
use crate::body::json::{Fields, flag_of, text_of};

/// Reads the order; what is wrong is noted in `fields`.
///
/// Fails only with what the contract has words of its own for.
pub(super) fn read(fields: &mut Fields) -> Result<SignOrder, Fault> {
    let mut order = SignOrder::default();
    if let Some(mut signature) = fields.nested("signature", "signature.") {
        order.level = level(&mut signature);
        order.reason = filled(signature.text("reason"));
        order.location = filled(signature.text("location"));
        order.field_name = filled(signature.text("field_name"));
        if let Some(address) = filled(signature.text("tsa_url")) {
            order.tsa_url = Some(address);
        }
        if let Some(mut look) = signature.nested("appearance", "signature.appearance.") {
            order.reason = order.reason.or(filled(look.text("reason")));
            order.location = order.location.or(filled(look.text("location")));
            if !look.is_empty() {
                order.appearance = appearance(&mut look);
            }
            signature.absorb(look);
        }
        fields.absorb(signature);
    }
    let wants_text = fields.flag("use_signature_text").unwrap_or(true);
    let text = match fields.nested("signature_format", "signature_format.") {
        Some(mut format) => {
            let text = legacy_text(&mut format);
            fields.absorb(format);
            text
        }
        None => TextOrder::default(),
    };
    let text = if wants_text {
        text
    } else {
        TextOrder {
            lines: Some(Vec::new()),
            ..text
        }
    };
    order.options = options(fields, &text)?;
    order.metadata = filled(fields.text("metadata"));
    if let Some(mut second) = fields.nested("countersignature", "countersignature.") {
        if !second.is_empty() {
            order.countersignature = Some(countersignature(&mut second)?);
        }
        fields.absorb(second);
    }
    let countersigned = order.options.values().any(|one| one.countersigned);
    match &order.countersignature {
        None if countersigned => Err(countersigner_refused()),
        _ => Ok(order),
    }
}

fn level(signature: &mut Fields) -> Option<Level> {
    let name = filled(signature.text("level"))?;
    let level = Level::parse(&name);
    if level.is_none() {
        signature.invalid("level", "must be BASIC, T, LTVLITE, LTV or LTVA");
    }
    level
}

/// `signature.appearance`; without a page it is the first.
fn appearance(look: &mut Fields) -> Option<AppearanceOrder> {
    let text = TextOrder {
        lines: text_lines(look, "text"),
        date_format: filled(look.text("date")),
        time_zone: filled(look.text("timezone")),
    };
    if !look.has("position") {
        look.missing("position");
    }
    Some(AppearanceOrder {
        rect: position(look)?,
        page: look.number("page").unwrap_or(0),
        text,
        picture: picture(look),
        beside: look.flag("horizontal").unwrap_or(false),
    })
}

fn picture(look: &mut Fields) -> Option<PictureOrder> {
    if let Some(address) = filled(look.text("qrcode")) {
        return Some(PictureOrder::QrCode(address));
    }
    if let Some(inline) = filled(look.text("b64_image")) {
        let bytes = STANDARD.decode(without_prefix(&inline)).ok();
        if bytes.is_none() {
            look.invalid("b64_image", "must be base64");
        }
        return bytes.map(PictureOrder::Inline);
    }
    let named = filled(look.text("image"))?;
    Some(PictureOrder::Named(without_prefix(&named).to_owned()))
}

/// Browsers give pictures as data URLs.
fn without_prefix(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(";base64,") {
        Some((start, rest)) if start.starts_with("data:") => rest,
        _ => text,
    }
}

/// `signature_format`, the older form of text, date and timezone.
fn legacy_text(format: &mut Fields) -> TextOrder {
    TextOrder {
        lines: text_lines(format, "text_format"),
        date_format: filled(format.text("date_format")),
        time_zone: filled(format.text("timezone")),
    }
}

/// Lines, as an array or as one text.
fn text_lines(fields: &mut Fields, name: &'static str) -> Option<Vec<String>> {
    let lines = match fields.value(name)? {
        Value::Array(items) => items.iter().map(text_of).collect(),
        one => text_of(&one).map(|text| text.lines().map(str::to_owned).collect()),
    };
    if lines.is_none() {
        fields.invalid(name, "must be an array of texts");
    }
    lines
}

/// `x1,y1,x2,y2`, or an array of them.
fn position(fields: &mut Fields) -> Option<[f64; 4]> {
    let value = fields.value("position")?;
    let numbers = corners(&value);
    if numbers.is_none() {
        fields.invalid("position", "must be four numbers: x1,y1,x2,y2");
    }
    numbers
}

fn corners(value: &Value) -> Option<[f64; 4]> {
    let texts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(text_of).collect::<Option<_>>()?,
        one => text_of(one)?.split(',').map(str::to_owned).collect(),
    };
    let numbers: Vec<f64> = texts
        .iter()
        .map(|text| text.trim().parse().ok())
        .collect::<Option<_>>()?;
    let corners: [f64; 4] = numbers.try_into().ok()?;
    // Beyond this no page reaches, and none of it can overflow.
    corners
        .iter()
        .all(|number| number.abs() <= 1e6)
        .then_some(corners)
}

/// `options`: where the signature stands on single documents.
fn options(
    fields: &mut Fields,
    text: &TextOrder,
) -> Result<BTreeMap<String, DocumentOrder>, Fault> {
    let mut missing = Map::new();
    let mut orders = BTreeMap::new();
    for (uid, value) in fields.object("options").unwrap_or_default() {
        let Value::Object(members) = value else {
            fields.invalid("options", "must hold an object for each document");
            continue;
        };
        let blank = |name: &str| match members.get(name) {
            None | Some(Value::Null) => true,
            Some(value) => text_of(value).is_some_and(|text| text.trim().is_empty()),
        };
        if let Some(name) = ["position", "page"].into_iter().find(|name| blank(name)) {
            let words = format!("Missing required parameter '{name}' for file {uid}");
            missing.insert(uid, words.into());
            continue;
        }
        let countersigned = members
            .get("usecountersignature")
            .and_then(flag_of)
            .unwrap_or(false);
        let mut own = Fields::within(members, "options.");
        let page = own.number("page").unwrap_or(0);
        if let Some(rect) = position(&mut own) {
            let appearance = AppearanceOrder {
                rect,
                page,
                text: text.clone(),
                picture: picture(&mut own),
                beside: own.flag("horizontal").unwrap_or(false),
            };
            orders.insert(
                uid.trim().to_ascii_lowercase(),
                DocumentOrder {
                    appearance,
                    countersigned,
                },
            );
        }
        fields.absorb(own);
    }
    if missing.is_empty() {
        return Ok(orders);
    }
    let words = missing.values().filter_map(Value::as_str);
    let text = words.collect::<Vec<_>>().join("; ");
    let refusal = Refusal::new(StatusCode::BAD_REQUEST, text).with_details(missing.into());
    Err(refusal.into())
}

fn countersignature(second: &mut Fields) -> Result<Countersignature, Fault> {
    let username = filled(second.text("username"));
    let password = second.secret("password");
    let pin = second.secret("pin");
    let (Some(username), Some(password), Some(pin)) = (username, password, pin) else {
        return Err(countersigner_refused());
    };
    let text = match second.nested("signature_format", "countersignature.signature_format.") {
        Some(mut format) => {
            let text = legacy_text(&mut format);
            second.absorb(format);
            text
        }
        None => TextOrder::default(),
    };
    let page = second.number("page").unwrap_or(0);
    let beside = second.flag("horizontal").unwrap_or(false);
    let appearance = position(second).map(|rect| AppearanceOrder {
        rect,
        page,
        text,
        picture: picture(second),
        beside,
    });
    Ok(Countersignature {
        username,
        password,
        pin,
        appearance,
    })
}

/// What is incomplete opens no key either.
fn countersigner_refused() -> Fault {
    Fault::Service(service::Error::WrongCountersigner)
}

pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The members' schemas.
pub(super) fn members() -> Vec<schema::Member> {
    let text = schema::optional_text;
    let number = schema::loose_number;
    let position = || {
        text(
            "Left, bottom, right and top of the box, in points from the bottom left of the page as \
             it is shown: `x1,y1,x2,y2`.",
        )
    };
    let page = || number("Zero-based index of the page; negative ones count from the end.");
    let image = || text("Identifier of an uploaded image, or a PNG or JPEG in base64.");
    let horizontal = || text("Whether the picture stands beside the text and not behind it.");
    let time_zone = || text("IANA time zone of `%(DATE)s`; default UTC.");
    let date = || text("`strftime` pattern of `%(DATE)s`; default `%d/%m/%Y %H:%M:%S`.");
    let lines = || {
        schema::array(schema::text(
            "One line: `%(CN)s`, `%(SUBJECT)s`, `%(DATE)s`, `%(E)s` and `%(L)s` are filled in.",
        ))
    };
    let format = || {
        schema::object(
            "Text of visible signatures.",
            vec![
                ("text_format", lines(), false),
                ("date_format", date(), false),
                ("timezone", time_zone(), false),
            ],
        )
    };
    let appearance = schema::object(
        "How the signature shows on every PDF; without it, it does not.",
        vec![
            ("position", position(), true),
            ("page", page(), false),
            ("text", lines(), false),
            ("date", date(), false),
            ("timezone", time_zone(), false),
            ("image", image(), false),
            ("b64_image", text("A PNG or JPEG in base64."), false),
            ("horizontal", horizontal(), false),
            ("qrcode", text("An address, shown as QR code."), false),
            ("reason", text("As `signature.reason`."), false),
            ("location", text("As `signature.location`."), false),
        ],
    );
    let signature = schema::object(
        "How to sign.",
        vec![
            ("appearance", appearance, false),
            (
                "level",
                text(
                    "`BASIC`, `T`, `LTVLITE`, `LTV` or `LTVA`, or the names of the baselines; \
                     default: the registration authority's, else the server's. Signatures over \
                     digests reach `T` at most.",
                ),
                false,
            ),
            ("reason", text("Goes into the signature dictionary."), false),
            (
                "location",
                text("Goes into the signature dictionary."),
                false,
            ),
            (
                "field_name",
                text("An empty signature field, used in the files that have it."),
                false,
            ),
            (
                "tsa_url",
                text("A time-stamp authority that the operator allows."),
                false,
            ),
        ],
    );
    let option = schema::object(
        "How the signature shows on this document.",
        vec![
            ("position", position(), true),
            ("page", page(), true),
            ("image", image(), false),
            (
                "usecountersignature",
                text("Whether `countersignature` signs this document too."),
                false,
            ),
        ],
    );
    let countersignature = schema::object(
        "A second signature on the documents that ask for it, with a key that is here for good.",
        vec![
            ("username", text("User name of the key."), true),
            ("password", text("Its password."), true),
            ("pin", text("Its PIN."), true),
            ("position", position(), false),
            ("page", page(), false),
            ("horizontal", horizontal(), false),
            ("signature_format", format(), false),
        ],
    );
    vec![
        ("signature", signature, false),
        (
            "options",
            schema::map("By document, in place of `signature.appearance`.", option),
            false,
        ),
        ("signature_format", format(), false),
        (
            "use_signature_text",
            text("`false`: the picture alone. For `options`."),
            false,
        ),
        (
            "metadata",
            text("Identifier of stored metadata that the signatures carry."),
            false,
        ),
        ("countersignature", countersignature, false),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::one_shot::refusal::Call;

    fn order(body: Value) -> Result<SignOrder, String> {
        let Value::Object(members) = body else {
            unreachable!()
        };
        let mut fields = Fields::new(members);
        let order = read(&mut fields).map_err(|fault| fault.refusal(Call::Sign).text)?;
        let checked = fields.check(&[]).map_err(Fault::from);
        checked.map_err(|fault| fault.refusal(Call::Sign).text)?;
        Ok(order)
    }

    #[test]
    fn the_new_form_is_for_all_documents() {
        let read = order(json!({ "signature": {
            "level": "b-lta",
            "appearance": {
                "text": ["Signed by %(CN)s", "%(DATE)s"], "date": "%Y", "timezone": "Europe/Madrid",
                "position": "300, 100,500,150", "page": "-1", "image": "uid", "horizontal": "true",
                "reason": "Agreed"
            }
        } }))
        .unwrap();
        assert_eq!(read.level, Some(Level::Ltva));
        assert_eq!(read.reason.as_deref(), Some("Agreed"));
        let look = read.appearance.unwrap();
        assert_eq!(look.rect, [300.0, 100.0, 500.0, 150.0]);
        assert_eq!(look.page, -1);
        assert!(look.beside);
        assert_eq!(look.picture, Some(PictureOrder::Named("uid".into())));
        assert_eq!(look.text.time_zone.as_deref(), Some("Europe/Madrid"));
        assert_eq!(look.text.lines.unwrap().len(), 2);
    }

    #[test]
    fn the_older_form_is_for_single_documents() {
        let read = order(json!({
            "options": { "AAAAAAAA-1111-4111-8111-111111111111":
                { "position": [1, 2, 3, 4], "page": 0, "usecountersignature": "1" } },
            "signature_format": { "text_format": "%(CN)s", "date_format": "%d" },
            "countersignature": { "username": "u", "password": "p", "pin": 1234 }
        }))
        .unwrap();
        let one = &read.options["aaaaaaaa-1111-4111-8111-111111111111"];
        assert!(one.countersigned);
        assert_eq!(one.appearance.rect, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(
            one.appearance.text.lines.as_deref(),
            Some(&["%(CN)s".to_owned()][..])
        );
        assert_eq!(read.countersignature.unwrap().username, "u");
        let picture_only = order(json!({
            "options": { "u": { "position": "1,2,3,4", "page": "0", "image": "i" } },
            "use_signature_text": false
        }))
        .unwrap();
        assert_eq!(
            picture_only.options["u"].appearance.text.lines,
            Some(Vec::new())
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, words) in [
            (
                json!({ "options": { "u": { "page": 0 } } }),
                "Missing required parameter 'position' for file u",
            ),
            (
                json!({ "options": { "u": { "position": "1,2,3,4" } } }),
                "Missing required parameter 'page' for file u",
            ),
            (
                json!({ "signature": { "appearance": { "page": 0 } } }),
                "Missing required parameter: 'signature.appearance.position'",
            ),
            (
                json!({ "signature": { "appearance": { "position": "1,2,3" } } }),
                "signature.appearance.position: must be four numbers: x1,y1,x2,y2",
            ),
            (
                json!({ "signature": { "appearance": { "position": "1,2,3,inf" } } }),
                "signature.appearance.position: must be four numbers: x1,y1,x2,y2",
            ),
            (
                json!({ "signature": { "appearance": { "position": "1,2,3,4", "page": "x" } } }),
                "signature.appearance.page: must be a number",
            ),
            (
                json!({ "signature": { "level": "XXL" } }),
                "signature.level: must be BASIC, T, LTVLITE, LTV or LTVA",
            ),
            (
                json!({ "countersignature": { "username": "u" } }),
                "Invalid countersignature credentials",
            ),
            (
                json!({ "options": { "u": { "position": "1,2,3,4", "page": 0, "usecountersignature": true } } }),
                "Invalid countersignature credentials",
            ),
        ] {
            assert_eq!(order(body).err().unwrap(), words);
        }
    }

    #[test]
    fn empty_forms_ask_for_nothing() {
        let read = order(json!({
            "options": {}, "metadata": null, "countersignature": {}, "signature_format": {},
            "signature": { "appearance": {}, "level": "" }
        }))
        .unwrap();
        assert_eq!(read.level, None);
        assert_eq!(read.appearance, None);
        assert!(read.options.is_empty() && read.countersignature.is_none());
    }

    #[test]
    fn pictures_come_in_three_forms() {
        let look = |members: Value| {
            let mut body = json!({ "signature": { "appearance": { "position": "1,2,3,4" } } });
            for (name, value) in members.as_object().unwrap() {
                body["signature"]["appearance"][name] = value.clone();
            }
            order(body).map(|read| read.appearance.unwrap().picture.unwrap())
        };
        let inline = look(json!({ "b64_image": "data:image/png;base64,AAEC" })).unwrap();
        assert_eq!(inline, PictureOrder::Inline(vec![0, 1, 2]));
        let code = look(json!({ "qrcode": "https://example.com" })).unwrap();
        assert_eq!(code, PictureOrder::QrCode("https://example.com".into()));
        assert!(look(json!({ "b64_image": "??" })).is_err());
    }
}
