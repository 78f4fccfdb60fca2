//! Field problems, collected so that a caller learns of all of them at once.

use std::fmt;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not there and nothing stands in for it.
    Missing,
    /// It is there and wrong; the text says how, and never repeats personal data.
    Invalid(String),
}

/// Fields with problems, in the order in which they were looked at. Never empty in an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<(String, Problem)>);

impl Problems {
    /// Notes a missing field.
    pub fn missing(&mut self, field: impl Into<String>) {
        self.0.push((field.into(), Problem::Missing));
    }

    /// Notes a wrong field.
    pub fn invalid(&mut self, field: impl Into<String>, text: impl Into<String>) {
        self.0.push((field.into(), Problem::Invalid(text.into())));
    }

    /// Parses `text`, noting a failure under `field`.
    pub fn parse<T, E: fmt::Display>(
        &mut self,
        field: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match text
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(parse)?
        {
            Ok(value) => Some(value),
            Err(error) => {
                self.invalid(field, error.to_string());
                None
            }
        }
    }

    /// Parses `text`, noting it as missing when it is absent or blank.
    pub fn require<T, E: fmt::Display>(
        &mut self,
        field: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_none_or(|text| text.trim().is_empty()) {
            self.missing(field);
            return None;
        }
        self.parse(field, text, parse)
    }

    /// Names of the missing fields.
    pub fn missing_names(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(_, problem)| *problem == Problem::Missing)
            .map(|(field, _)| field.as_str())
            .collect()
    }

    /// An error when there is any problem.
    pub fn check(self) -> Result<(), crate::Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(crate::Error::Fields(self))
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, problem)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            match problem {
                Problem::Missing => write!(f, "{separator}{field} is missing")?,
                Problem::Invalid(text) => write!(f, "{separator}{field}: {text}")?,
            }
        }
        Ok(())
    }
}
