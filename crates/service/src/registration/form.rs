//! Reading forms: every value came as a text, and every problem is to be named.

use std::fmt;
use std::str::FromStr;

use super::Form;
use crate::{Error, Problems};

/// A form while it is read.
pub(super) struct Reading<'a> {
    form: &'a Form,
    /// What was found wrong with it.
    pub(super) problems: Problems,
    /// Names of the fields that were sent to change something. Other names are the client's own
    /// affair and stand in no log.
    pub(super) changed: Vec<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(form: &'a Form) -> Self {
        Self {
            form,
            problems: Problems::default(),
            changed: Vec::new(),
        }
    }

    /// Names and values of all that was sent; a blank value counts as one to be taken away.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.form
            .iter()
            .map(|(name, value)| (name.as_str(), filled(value.as_deref())))
    }

    /// A value, where one was sent.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        filled(self.form.get(name)?.as_deref())
    }

    /// A field that cannot be left out.
    pub(super) fn required<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name);
        self.problems.require(name, text, parse)
    }

    /// A field that may be left out, or blank.
    pub(super) fn optional<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name);
        self.problems.parse(name, text, parse)
    }

    /// A field that may be left out, but not taken away.
    pub(super) fn kept<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.form.contains_key(name) {
            return None;
        }
        self.changed.push(name.to_owned());
        self.required(name, parse)
    }

    /// Changes `slot` where the field was sent; a blank one brings back what stands by default.
    pub(super) fn change<T, E: fmt::Display>(
        &mut self,
        name: &str,
        slot: &mut T,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) {
        if !self.form.contains_key(name) {
            return;
        }
        self.changed.push(name.to_owned());
        match self.text(name) {
            None => *slot = default,
            text => {
                if let Some(value) = self.problems.parse(name, text, parse) {
                    *slot = value;
                }
            }
        }
    }

    /// The names of changed fields, or an error when there is any problem.
    pub(super) fn check(self) -> Result<Vec<String>, Error> {
        self.problems.check().map(|()| self.changed)
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A flag in any of the spellings that clients use.
pub(super) fn flag(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("must be true or false"),
    }
}

/// A number, or an identifier that is one.
pub(super) fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "must be a number")
}

/// A value that is taken as it is.
pub(super) fn verbatim(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, Option<&str>)]) -> Form {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn what_was_not_sent_stays_and_what_was_sent_blank_falls_back() {
        let form = form(&[("steps", Some(" ")), ("limit", None), ("age", Some("7"))]);
        let mut reading = Reading::of(&form);
        let (mut steps, mut limit, mut age, mut other) = (2, 2, 2, 2);
        for (name, slot) in [
            ("steps", &mut steps),
            ("limit", &mut limit),
            ("age", &mut age),
            ("other", &mut other),
        ] {
            reading.change(name, slot, 1, number::<i64>);
        }
        assert_eq!([steps, limit, age, other], [1, 1, 7, 2]);
        assert_eq!(reading.check().unwrap(), ["steps", "limit", "age"]);
    }

    #[test]
    fn a_field_that_cannot_be_taken_away_may_still_be_left_out() {
        let sent = form(&[("profile", None)]);
        let mut reading = Reading::of(&sent);
        assert_eq!(reading.kept("scratchcard", verbatim), None);
        assert_eq!(reading.kept("profile", verbatim), None);
        assert_eq!(reading.problems.missing_names(), ["profile"]);
    }

    #[test]
    fn flags_come_in_four_spellings_and_no_more() {
        assert_eq!(flag("1"), Ok(true));
        assert_eq!(flag("True"), Ok(true));
        assert_eq!(flag("0"), Ok(false));
        assert_eq!(flag("false"), Ok(false));
        assert!(flag("yes").is_err());
    }
}
