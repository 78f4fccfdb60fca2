//! Which baseline level a signature reaches, and what the next ones lack.

use pki::verify::Reference;
use time::OffsetDateTime;

use crate::judge::Approved;
use crate::report::{Level, MissingLevel};
use crate::signature::Setting;
use crate::time_stamp::Passed;

/// What was found out about a signature, as far as levels depend on it.
pub(crate) struct Achieved<'a> {
    pub(crate) setting: Setting<'a>,
    /// How it names its certificate, or why it does not hold.
    pub(crate) reference: Result<&'a Option<Reference>, &'a str>,
    /// The earliest valid time-stamp over the signature alone.
    pub(crate) time_stamp: Option<&'a Passed>,
    /// Why one of them is not valid.
    pub(crate) failed_time_stamp: Option<&'a str>,
    /// The earliest valid document time-stamp over the signature.
    pub(crate) document_proof: Option<OffsetDateTime>,
    /// The certificates, or the doubt about them.
    pub(crate) verdict: Result<&'a Approved, &'a str>,
    /// Whether document time-stamps prove all certificates and revocation data.
    pub(crate) all_proven: bool,
}

/// The highest level of which nothing is missing, nor of those below, and what is missing above.
pub(crate) fn reached(achieved: &Achieved<'_>) -> (Option<Level>, Vec<MissingLevel>) {
    let mut reached = None;
    let mut missing = Vec::new();
    for level in Level::ALL {
        let lack = match level {
            Level::B => achieved.lack_of_b(),
            Level::T => achieved.lack_of_t(),
            Level::Lt => achieved.lack_of_lt(),
            Level::Lta => achieved.lack_of_lta(),
        };
        let lower: Option<&MissingLevel> = missing.last();
        match (lack, lower) {
            (None, None) => reached = Some(level),
            (None, Some(lower)) => {
                let why = format!("it takes {} first", lower.level.name());
                missing.push(MissingLevel { level, why });
            }
            (Some(why), _) => missing.push(MissingLevel { level, why }),
        }
    }
    (reached, missing)
}

impl Achieved<'_> {
    fn lack_of_b(&self) -> Option<String> {
        let reference = match self.reference {
            Ok(reference) => reference,
            Err(reason) => return Some(format!("the signature does not hold: {reason}")),
        };
        match self.setting {
            Setting::Pdf { sub_filter, .. } if sub_filter != "ETSI.CAdES.detached" => {
                return Some(format!(
                    "its format is {sub_filter}, and levels are defined for ETSI.CAdES.detached"
                ));
            }
            _ => {}
        }
        match reference {
            Some(_) => None,
            None => Some("its signed attributes do not name the signer's certificate".into()),
        }
    }

    fn lack_of_t(&self) -> Option<String> {
        if self.time_stamp.is_some() || self.document_proof.is_some() {
            return None;
        }
        Some(match self.failed_time_stamp {
            Some(reason) => format!("its time-stamp does not count: {reason}"),
            None => "there is no time-stamp over it".into(),
        })
    }

    fn lack_of_lt(&self) -> Option<String> {
        let approved = match self.verdict {
            Ok(approved) => approved,
            Err(reason) => return Some(reason.to_owned()),
        };
        let stamp = self.time_stamp;
        let mut unknown = stamp
            .iter()
            .flat_map(|stamp| &stamp.unknown)
            .chain(&approved.unknown);
        if let Some(unknown) = unknown.next() {
            return Some(format!("revocation data are missing: {unknown}"));
        }
        let needed =
            approved.needed_revocation || stamp.is_some_and(|stamp| stamp.needed_revocation);
        match self.setting {
            Setting::Pdf {
                has_store: false, ..
            } if needed => Some("the file has no security store (DSS)".into()),
            _ => None,
        }
    }

    fn lack_of_lta(&self) -> Option<String> {
        match self.setting {
            Setting::Detached => {
                Some("a container of its own can't carry a document time-stamp".into())
            }
            Setting::Pdf { .. } if self.document_proof.is_none() => {
                Some("there is no valid document time-stamp over it".into())
            }
            Setting::Pdf { .. } if !self.all_proven => {
                Some("no valid document time-stamp covers all of its validation data".into())
            }
            Setting::Pdf { .. } => None,
        }
    }
}
