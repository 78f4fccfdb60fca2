//! Phone numbers, e-mail addresses and countries, parsed once and then trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a contact value was refused. The texts are wire constants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// The phone number lacks its `+` prefix or is not made of 7 to 15 digits (ITU-T E.164).
    #[error("Please use the mobile phone number with an international prefix")]
    Phone,
    /// The e-mail address is not one.
    #[error("Enter a valid email address")]
    Email,
    /// The code is not an ISO 3166-1 alpha-2 country code.
    #[error("'{0}' is not a valid ISO 3166-1 alpha-2 country code")]
    Country(String),
}

macro_rules! text {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The value as it was given, trimmed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Personal data: the value never prints by accident.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

text! {
    /// A phone number with its international prefix: `+` and 7 to 15 digits.
    Phone
}
text! {
    /// An e-mail address of the everyday form (a dot-atom and a domain of at least two labels).
    Email
}

impl Phone {
    /// Parses; blanks, dots, hyphens and brackets between the digits are dropped.
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let digits = text.trim().strip_prefix('+').ok_or(ContactError::Phone)?;
        let digits: String = digits
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
            .collect();
        let plausible = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        plausible
            .then(|| Self(format!("+{digits}")))
            .ok_or(ContactError::Phone)
    }

    /// The number with all but its last two digits hidden, for people and logs.
    pub fn masked(&self) -> String {
        let keep = self.0.len() - 2;
        format!("+{}{}", "•".repeat(keep - 1), &self.0[keep..])
    }
}

impl Email {
    /// Parses. Quoted local parts and address literals are refused: no client sends them.
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(ContactError::Email)?;
        let atom = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
        };
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let plausible = text.len() <= 254
            && local.len() <= 64
            && local.split('.').all(atom)
            && domain.contains('.')
            && domain.split('.').all(label);
        plausible
            .then(|| Self(text.to_owned()))
            .ok_or(ContactError::Email)
    }
}

/// An ISO 3166-1 alpha-2 country code, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// Spain: the default of both public APIs.
    pub const SPAIN: Country = Country(*b"ES");

    /// Parses; letters may be of either case. `XK` and `EU` are accepted besides the official
    /// list, as are `XX` and `ZZ` never.
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let upper = text.trim().to_ascii_uppercase();
        let bytes: [u8; 2] = upper
            .as_bytes()
            .try_into()
            .map_err(|_| ContactError::Country(text.trim().chars().take(20).collect()))?;
        if CODES
            .split_ascii_whitespace()
            .any(|code| code.as_bytes() == bytes)
        {
            Ok(Self(bytes))
        } else {
            Err(ContactError::Country(upper))
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters are ever stored")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Country {
    type Error = ContactError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

/// ISO 3166-1 alpha-2, officially assigned, and the user-assigned `XK` that passports carry.
const CODES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH \
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS \
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI \
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG \
UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";
