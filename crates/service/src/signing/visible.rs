//! The text of visible signatures: placeholders, dates and time zones.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use time::OffsetDateTime;

use super::order::TextOrder;

/// How dates are written unless an order says otherwise.
const DATE_FORMAT: &str = "%d/%m/%Y %H:%M:%S";
/// Most lines, and most characters of one: a box has no room for more.
const MAX_LINES: usize = 40;
const MAX_LINE: usize = 500;

/// What placeholders stand for.
pub(super) struct Values {
    /// `%(CN)s`: the signer's name.
    pub(super) common_name: String,
    /// `%(SUBJECT)s`: the whole subject of the certificate.
    pub(super) subject: String,
    /// `%(E)s` and `%(EMAIL)s`.
    pub(super) email: String,
    /// `%(L)s`.
    pub(super) location: String,
    /// `%(DATE)s`.
    pub(super) at: OffsetDateTime,
}

/// The lines to be shown.
///
/// Fails with what is wrong with the form.
pub(super) fn lines(
    text: &TextOrder,
    has_picture: bool,
    values: &Values,
) -> Result<Vec<String>, String> {
    let default = || match has_picture {
        true => Vec::new(),
        false => vec!["%(CN)s".to_owned(), "%(DATE)s".to_owned()],
    };
    let forms = text.lines.clone().unwrap_or_else(default);
    if forms.len() > MAX_LINES || forms.iter().any(|line| line.chars().count() > MAX_LINE) {
        return Err(format!(
            "text may have {MAX_LINES} lines of {MAX_LINE} characters each"
        ));
    }
    let date = date(text, values.at)?;
    Ok(forms
        .iter()
        .map(|form| expand(form, values, &date))
        .collect())
}

fn date(text: &TextOrder, at: OffsetDateTime) -> Result<String, String> {
    let zone = match text.time_zone.as_deref().map(str::trim) {
        None | Some("") => TimeZone::UTC,
        Some(name) => TimeZone::get(name)
            .map_err(|_| "timezone must be an IANA name such as Europe/Madrid".to_owned())?,
    };
    let out_of_range = |_| "the time cannot be written".to_owned();
    let at = Timestamp::from_second(at.unix_timestamp()).map_err(out_of_range)?;
    let at: Zoned = at.to_zoned(zone);
    let format = text.date_format.as_deref().unwrap_or(DATE_FORMAT);
    strtime::format(format, &at)
        .map_err(|_| "date must be a pattern such as %d/%m/%Y %H:%M:%S".to_owned())
}

/// Replaces `%(NAME)s`. Clients forget the `s`, so that it may be missing; a name that nobody knows
/// stands for nothing.
fn expand(form: &str, values: &Values, date: &str) -> String {
    let mut line = String::with_capacity(form.len());
    let mut rest = form;
    while let Some(start) = rest.find("%(") {
        let Some(length) = rest[start..].find(')') else {
            break;
        };
        line.push_str(&rest[..start]);
        let name = &rest[start + 2..start + length];
        line.push_str(match name.trim().to_ascii_uppercase().as_str() {
            "CN" => &values.common_name,
            "SUBJECT" => &values.subject,
            "DATE" => date,
            "E" | "EMAIL" => &values.email,
            "L" => &values.location,
            _ => "",
        });
        rest = &rest[start + length + 1..];
        rest = rest.strip_prefix('s').unwrap_or(rest);
    }
    line.push_str(rest);
    line
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn values() -> Values {
        Values {
            common_name: "Ana Ejemplo".into(),
            subject: "CN=Ana Ejemplo, C=ES".into(),
            email: "ana@example.com".into(),
            location: "Madrid".into(),
            at: datetime!(2026-07-01 22:30:00 UTC),
        }
    }

    fn shown(line: &str, date_format: Option<&str>, time_zone: Option<&str>) -> String {
        let text = TextOrder {
            lines: Some(vec![line.into()]),
            date_format: date_format.map(Into::into),
            time_zone: time_zone.map(Into::into),
        };
        lines(&text, false, &values()).unwrap().concat()
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(
            shown("Signed by %(CN)s <%(E)s> in %(L)s", None, None),
            "Signed by Ana Ejemplo <ana@example.com> in Madrid"
        );
        assert_eq!(shown("%(SUBJECT)s", None, None), "CN=Ana Ejemplo, C=ES");
        assert_eq!(
            shown("%(CN)|%(EMAIL)|%(NOBODY)s|", None, None),
            "Ana Ejemplo|ana@example.com||"
        );
        assert_eq!(shown("100 % (sure) %(CN", None, None), "100 % (sure) %(CN");
    }

    #[test]
    fn dates_are_written_where_and_how_the_order_says() {
        assert_eq!(shown("%(DATE)s", None, None), "01/07/2026 22:30:00");
        assert_eq!(
            shown("%(DATE)s", None, Some("Europe/Madrid")),
            "02/07/2026 00:30:00"
        );
        assert_eq!(
            shown("%(DATE)s", Some("%Y-%m-%dT%H:%M %Z"), Some("Europe/Madrid")),
            "2026-07-02T00:30 CEST"
        );
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let refused = |date_format: Option<&str>, time_zone: Option<&str>| {
            let text = TextOrder {
                lines: Some(vec!["%(DATE)s".into()]),
                date_format: date_format.map(Into::into),
                time_zone: time_zone.map(Into::into),
            };
            lines(&text, false, &values()).unwrap_err()
        };
        assert!(refused(None, Some("Mars/Olympus")).contains("timezone"));
        assert!(refused(Some("%Q%"), None).contains("date"));
        let long = TextOrder {
            lines: Some(vec!["x".into(); 41]),
            ..TextOrder::default()
        };
        assert!(lines(&long, false, &values()).is_err());
    }

    #[test]
    fn a_picture_stands_alone_unless_text_is_asked_for() {
        let form = TextOrder::default();
        assert_eq!(lines(&form, true, &values()).unwrap(), Vec::<String>::new());
        assert_eq!(
            lines(&form, false, &values()).unwrap(),
            ["Ana Ejemplo", "01/07/2026 22:30:00"]
        );
    }
}
