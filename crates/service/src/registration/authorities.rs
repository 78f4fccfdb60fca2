//! Registration authorities: a tree, with settings of their own.

use std::collections::BTreeMap;
use std::fmt;

use model::authority::{Act, AuthoritySettings, VideoUploadAuth};
use model::contact::{Country, Email};
use model::event::WebhookFormat;
use model::subject::parse_name;
use model::{Level, RaId};
use serde_json::json;
use store::{Reader, RegistrationAuthority, StoreError, Tx};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use super::form::{Reading, flag, number};
use super::{AuthorityRecord, Caller, Form, PAGE_SIZE, Page, UserRecord, offset};
use crate::bounds::address;
use crate::{Error, Service};

/// Further fields by wire name.
type Particulars = BTreeMap<String, String>;

const ENABLED_FROM: &str = "enabled_from";
const ENABLED_UNTIL: &str = "enabled_until";
/// Country code of the authority, which requests that name none take over.
pub(super) const COUNTRY: &str = "country";

/// Particulars that are plain text.
const TEXTS: [&str; 14] = [
    "organization_tax_number",
    "organization_name",
    "responsible_name",
    "responsible_first_surname",
    "responsible_second_surname",
    "responsible_serial",
    "fix_phone_number",
    "mobile_phone_number",
    "address",
    "city",
    "postal_code",
    "province",
    "state",
    "url",
];

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// Whether the authority's window of validity is open; both days belong to it, in UTC.
pub(crate) fn is_open(authority: &RegistrationAuthority, now: OffsetDateTime) -> bool {
    let Ok(particulars) = particulars_of(authority) else {
        return false;
    };
    let today = now.to_offset(UtcOffset::UTC).date();
    let keeps = |name: &str, rule: fn(&Date, &Date) -> bool| match particulars.get(name) {
        Some(text) => parse_day(text).is_ok_and(|day| rule(&today, &day)),
        None => true,
    };
    keeps(ENABLED_FROM, Date::ge) && keeps(ENABLED_UNTIL, Date::le)
}

impl Service {
    /// Adds an authority below one that the caller sees. Settings come in the form too.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Fields`], [`Error::Duplicate`].
    pub async fn add_authority(
        &self,
        caller: &Caller,
        form: Form,
    ) -> Result<AuthorityRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut reading = Reading::of(&form);
        let name = reading.required("name", parse_name);
        // Only the operator plants a new tree.
        let parent = match caller.authority() {
            Some(_) => reading.required("parent", number::<RaId>),
            None => reading.optional("parent", number::<RaId>),
        };
        let mut row = RegistrationAuthority {
            id: RaId(0),
            parent,
            name: name.unwrap_or_default(),
            particulars: String::new(),
            settings: AuthoritySettings::default(),
            webhook_url: None,
            webhook_format: WebhookFormat::Status,
            webhook_secret: None,
            videoid_enabled: true,
            external_unlock: Vec::new(),
            created_at: self.now(),
        };
        apply(&mut row, Particulars::new(), &mut reading)?;
        reading.check()?;
        if parent.is_some_and(|parent| !caller.sees(parent)) {
            return Err(Error::NotPermitted);
        }

        let mut tx = self.store().begin().await?;
        row.id = RaId(store::authorities::next_id(&mut tx).await?);
        unique(store::authorities::insert(&mut tx, &row).await)?;
        let details = json!({ "registration_authority": row.id.0, "parent": parent });
        let record = authority_record(&mut tx, row).await?;
        self.record(&mut tx, caller.actor(), "authority-created", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(record)
    }

    /// Changes what is sent. An authority cannot come to stand below itself.
    ///
    /// # Errors
    ///
    /// As [`Service::add_authority`], and [`Error::UnknownAuthority`].
    pub async fn change_authority(
        &self,
        caller: &Caller,
        id: i64,
        form: Form,
    ) -> Result<AuthorityRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut tx = self.store().begin().await?;
        let standing = self
            .visible_authority(&mut tx, caller, Some(RaId(id)))
            .await?;
        let mut row = standing.clone();
        let mut reading = Reading::of(&form);
        if let Some(name) = reading.kept("name", parse_name) {
            row.name = name;
        }
        reading.change("parent", &mut row.parent, None, |text| {
            number(text).map(Some)
        });
        apply(&mut row, particulars_of(&standing)?, &mut reading)?;
        if row.parent != standing.parent {
            self.check_parent(&mut tx, caller, &row, &mut reading)
                .await?;
        }
        let changed = reading.check()?;

        unique(store::authorities::update(&mut tx, &row).await)?;
        let details = json!({
            "registration_authority": id,
            "parent": row.parent,
            "changed": changed,
        });
        let record = authority_record(&mut tx, row).await?;
        self.record(&mut tx, caller.actor(), "authority-changed", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(record)
    }

    /// One authority.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAuthority`].
    pub async fn authority(&self, caller: &Caller, id: i64) -> Result<AuthorityRecord, Error> {
        let mut reader = self.store().read().await?;
        let row = self
            .visible_authority(&mut reader, caller, Some(RaId(id)))
            .await?;
        authority_record(&mut reader, row).await
    }

    /// A page of the authorities that the caller sees.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPage`].
    pub async fn authorities(
        &self,
        caller: &Caller,
        page: i64,
    ) -> Result<Page<AuthorityRecord>, Error> {
        let mut reader = self.store().read().await?;
        let (total, rows) =
            store::authorities::page(&mut reader, caller.scope(), offset(page), PAGE_SIZE).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(authority_record(&mut reader, row).await?);
        }
        Page::of(page, total, items)
    }

    /// The authority of that number, if the caller sees it.
    pub(crate) async fn visible_authority(
        &self,
        reads: &mut Reader,
        caller: &Caller,
        id: Option<RaId>,
    ) -> Result<RegistrationAuthority, Error> {
        let id = id
            .filter(|id| caller.sees(*id))
            .ok_or(Error::UnknownAuthority)?;
        store::authorities::get(reads, id)
            .await?
            .ok_or(Error::UnknownAuthority)
    }

    async fn check_parent(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &RegistrationAuthority,
        reading: &mut Reading<'_>,
    ) -> Result<(), Error> {
        let Some(parent) = row.parent else {
            // Only the operator makes a tree of a branch.
            return match caller.authority() {
                Some(_) => Err(Error::NotPermitted),
                None => Ok(()),
            };
        };
        if !caller.sees(parent) {
            return Err(Error::NotPermitted);
        }
        let below = store::authorities::descendants(tx, row.id).await?;
        if below.contains(&parent) {
            let text = "must not be the authority itself or one below it";
            reading.problems.invalid("parent", text);
        }
        Ok(())
    }
}

/// Changes what the form sends of particulars, settings and webhooks.
fn apply(
    row: &mut RegistrationAuthority,
    mut particulars: Particulars,
    reading: &mut Reading<'_>,
) -> Result<(), Error> {
    for name in TEXTS {
        particular(&mut particulars, reading, name, parse_name);
    }
    particular(&mut particulars, reading, COUNTRY, Country::parse);
    particular(&mut particulars, reading, "email", |text| {
        Email::parse(text).map(|email| email.as_str().to_owned())
    });
    for name in [ENABLED_FROM, ENABLED_UNTIL] {
        particular(&mut particulars, reading, name, |text| {
            parse_day(text).map(|_| text.to_owned())
        });
    }
    // Days written so sort as they follow each other.
    if let (Some(from), Some(until)) = (
        particulars.get(ENABLED_FROM),
        particulars.get(ENABLED_UNTIL),
    ) && from > until
    {
        reading
            .problems
            .invalid(ENABLED_UNTIL, "must not be before enabled_from");
    }
    row.particulars = serde_json::to_string(&particulars)?;

    reading.change("webhook_url", &mut row.webhook_url, None, |text| {
        address(text).map(|url| Some(url.into()))
    });
    let format = &mut row.webhook_format;
    reading.change(
        "webhook_format",
        format,
        WebhookFormat::Status,
        |text| match text {
            "status" => Ok(WebhookFormat::Status),
            "event" => Ok(WebhookFormat::Event),
            _ => Err("must be status or event"),
        },
    );
    reading.change("videoid_enabled", &mut row.videoid_enabled, true, flag);
    apply_settings(&mut row.settings, reading);
    Ok(())
}

fn apply_settings(settings: &mut AuthoritySettings, reading: &mut Reading<'_>) {
    let usual = AuthoritySettings::default();
    for (name, slot, usual) in [
        (
            "enable_external_auth",
            &mut settings.enable_external_auth,
            usual.enable_external_auth,
        ),
        (
            "validate_auto_approves",
            &mut settings.validate_auto_approves,
            usual.validate_auto_approves,
        ),
        (
            "renewal_enabled",
            &mut settings.renewal_enabled,
            usual.renewal_enabled,
        ),
        (
            "renewal_needs_officer",
            &mut settings.renewal_needs_officer,
            usual.renewal_needs_officer,
        ),
        (
            "blank_secrets",
            &mut settings.blank_secrets,
            usual.blank_secrets,
        ),
        (
            "identity_images_mandatory",
            &mut settings.identity_images_mandatory,
            usual.identity_images_mandatory,
        ),
        (
            "auto_scratchcards",
            &mut settings.auto_scratchcards,
            usual.auto_scratchcards,
        ),
    ] {
        reading.change(name, slot, usual, flag);
    }
    for (name, slot) in [
        ("documents_per_phone", &mut settings.documents_per_phone),
        ("documents_per_email", &mut settings.documents_per_email),
        ("max_renewals", &mut settings.max_renewals),
        ("max_request_age_days", &mut settings.max_request_age_days),
    ] {
        reading.change(name, slot, None, |text| positive(text).map(Some));
    }
    let provider = &mut settings.videoid_provider;
    reading.change("videoid_provider", provider, usual.videoid_provider, number);
    let steps = &mut settings.videoid_steps;
    reading.change(
        "videoid_steps",
        steps,
        usual.videoid_steps,
        |text| match text {
            "1" => Ok(1),
            "2" => Ok(2),
            _ => Err("must be 1 or 2"),
        },
    );
    let upload = &mut settings.video_upload_auth;
    reading.change(
        "video_upload_auth",
        upload,
        usual.video_upload_auth,
        |text| match text {
            "certificate" => Ok(VideoUploadAuth::Certificate),
            "identifier" => Ok(VideoUploadAuth::Identifier),
            _ => Err("must be certificate or identifier"),
        },
    );
    let level = &mut settings.signature_level;
    reading.change(
        "signature_level",
        level,
        usual.signature_level,
        |text| match Level::parse(text) {
            Some(level) => Ok(Some(level)),
            None => Err("must be BASIC, T, LTVLITE, LTV or LTVA"),
        },
    );
    reading.change(
        "language",
        &mut settings.language,
        usual.language,
        str::parse,
    );
}

fn particular<T: fmt::Display, E: fmt::Display>(
    particulars: &mut Particulars,
    reading: &mut Reading<'_>,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) {
    let mut value = particulars.remove(name);
    reading.change(name, &mut value, None, |text| {
        parse(text).map(|value| Some(value.to_string()))
    });
    particulars.extend(value.map(|value| (name.to_owned(), value)));
}

pub(super) fn particulars_of(authority: &RegistrationAuthority) -> Result<Particulars, Error> {
    Ok(serde_json::from_str(&authority.particulars)?)
}

async fn authority_record(
    reads: &mut Reader,
    row: RegistrationAuthority,
) -> Result<AuthorityRecord, Error> {
    let operators = store::users::of_authority(reads, row.id).await?;
    Ok(AuthorityRecord {
        particulars: particulars_of(&row)?,
        operators: operators.into_iter().map(UserRecord::of).collect(),
        id: row.id,
        name: row.name,
        parent: row.parent,
        settings: row.settings,
        videoid_enabled: row.videoid_enabled,
        webhook_url: row.webhook_url,
        webhook_format: row.webhook_format,
    })
}

/// Names are unique.
fn unique(stored: Result<(), StoreError>) -> Result<(), Error> {
    match stored {
        Err(StoreError::Duplicate { .. }) => Err(Error::Duplicate { field: "name" }),
        other => Ok(other?),
    }
}

fn parse_day(text: &str) -> Result<Date, &'static str> {
    Date::parse(text, DAY).map_err(|_| "must be a day in the form YYYY-MM-DD")
}

fn positive(text: &str) -> Result<i64, &'static str> {
    number(text)
        .ok()
        .filter(|number| *number > 0)
        .ok_or("must be a number above 0")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn authority(particulars: &str) -> RegistrationAuthority {
        RegistrationAuthority {
            id: RaId(10),
            parent: None,
            name: "Example RA".to_owned(),
            particulars: particulars.to_owned(),
            settings: AuthoritySettings::default(),
            webhook_url: None,
            webhook_format: WebhookFormat::Status,
            webhook_secret: None,
            videoid_enabled: true,
            external_unlock: Vec::new(),
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn applied(fields: &[(&str, &str)]) -> Result<RegistrationAuthority, Error> {
        let form = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect();
        let mut row = authority("{}");
        let mut reading = Reading::of(&form);
        apply(&mut row, Particulars::new(), &mut reading)?;
        reading.check().map(|_| row)
    }

    #[test]
    fn the_window_is_open_on_its_first_and_on_its_last_day() {
        let row = authority(r#"{"enabled_from":"2026-01-02","enabled_until":"2026-01-04"}"#);
        assert!(!is_open(&row, datetime!(2026-01-01 23:59:59 UTC)));
        assert!(is_open(&row, datetime!(2026-01-02 00:00 UTC)));
        assert!(is_open(&row, datetime!(2026-01-04 23:59:59 UTC)));
        assert!(!is_open(&row, datetime!(2026-01-05 00:00 UTC)));
        assert!(is_open(&row, datetime!(2026-01-05 01:00 +2)));
    }

    #[test]
    fn an_authority_without_a_window_is_open_and_one_that_cannot_be_read_is_not() {
        let now = datetime!(2026-01-01 00:00 UTC);
        assert!(is_open(&authority("{}"), now));
        assert!(!is_open(&authority("damaged"), now));
        assert!(!is_open(&authority(r#"{"enabled_from":"soon"}"#), now));
    }

    #[test]
    fn settings_come_as_texts_of_many_spellings() {
        let row = applied(&[
            ("enable_external_auth", "0"),
            ("videoid_steps", "2"),
            ("documents_per_phone", "3"),
            ("video_upload_auth", "identifier"),
            ("language", "ES"),
            ("webhook_url", "https://hooks.example.org/ra"),
            ("webhook_format", "event"),
            ("videoid_enabled", "false"),
            ("country", "es"),
        ])
        .unwrap();
        assert!(!row.settings.enable_external_auth);
        assert_eq!(row.settings.videoid_steps, 2);
        assert_eq!(row.settings.documents_per_phone, Some(3));
        assert_eq!(row.settings.video_upload_auth, VideoUploadAuth::Identifier);
        assert_eq!(row.settings.language.code(), "es");
        assert_eq!(row.webhook_format, WebhookFormat::Event);
        assert!(!row.videoid_enabled);
        assert_eq!(row.particulars, r#"{"country":"ES"}"#);
    }

    #[test]
    fn every_wrong_value_is_named() {
        let Err(Error::Fields(problems)) = applied(&[
            ("enabled_from", "01/02/2026"),
            ("country", "Spain"),
            ("email", "nobody"),
            ("videoid_steps", "3"),
            ("max_renewals", "-1"),
            ("webhook_url", "ftp://example.org"),
            ("blank_secrets", "maybe"),
        ]) else {
            panic!("wrong values were taken");
        };
        let mut named: Vec<_> = problems.0.iter().map(|(name, _)| name.as_str()).collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                "blank_secrets",
                "country",
                "email",
                "enabled_from",
                "max_renewals",
                "videoid_steps",
                "webhook_url",
            ]
        );
    }

    #[test]
    fn a_window_that_ends_before_it_begins_is_refused() {
        let window = [
            ("enabled_from", "2026-02-01"),
            ("enabled_until", "2026-01-31"),
        ];
        assert!(applied(&window).is_err());
    }
}
