//! API users.

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey};
use model::authority::{Act, Permissions};
use model::contact::Country;
use model::{RaId, RaoId, RequestPk, UserId};
use pki::PkiError;
use pki::issuance::Validity;
use pki::profile::{Unit, tls};
use serde_json::json;
use store::{ApiUser, Reader, Tx};
use time::Duration;

use super::authorities::{COUNTRY, particulars_of};
use super::form::number;
use super::officers::visible_officer;
use super::{Caller, PAGE_SIZE, Page, UserRecord, offset};
use crate::trust::issuing;
use crate::{Error, Problems, Service};

/// Longest validity of a user's own certificate, in days.
const LONGEST: i64 = 3650;
/// Longest name of an organisation in a certificate (X.520 `ub-organization-name`).
const ORGANISATION_LENGTH: usize = 64;

/// An API user as a client describes it; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserForm {
    /// The authority it works for.
    pub registration_authority: Option<String>,
    /// Number of its permissions.
    pub permission_profile: Option<String>,
    /// The request whose certificate it will show.
    pub request: Option<String>,
    /// The officer behind it.
    pub rao: Option<String>,
}

/// A user and what its client needs for mutual TLS.
pub struct IssuedUser {
    /// The user.
    pub user: UserRecord,
    /// The client certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key, PKCS#8 DER; kept nowhere else.
    pub key: crypto::Zeroizing<Vec<u8>>,
}

impl Service {
    /// Adds a user with a client certificate of its own, called `name`, valid for so many days.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::UnknownAuthority`], [`Error::Fields`].
    pub async fn issue_user(
        &self,
        caller: &Caller,
        authority: RaId,
        permissions: Permissions,
        name: &str,
        days: i64,
    ) -> Result<IssuedUser, Error> {
        caller.demand(Act::Administer)?;
        let mut problems = Problems::default();
        let name = problems.require("name", Some(name), |text| Ok::<_, Error>(text.to_owned()));
        if !(1..=LONGEST).contains(&days) {
            problems.invalid("days", "must be between 1 and 3650");
        }
        let (Some(name), true) = (name, problems.0.is_empty()) else {
            return Err(Error::Fields(problems));
        };
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        let validity = Validity::starting(self.now(), Duration::days(days));

        let mut tx = self.store().begin().await?;
        let authority = self
            .visible_authority(&mut tx, caller, Some(authority))
            .await?;
        let country = particulars_of(&authority)?
            .get(COUNTRY)
            .and_then(|code| Country::parse(code).ok())
            .unwrap_or(Country::SPAIN);
        let organisation: String = authority.name.chars().take(ORGANISATION_LENGTH).collect();
        let unit = Unit {
            country: country.as_str(),
            organisation: &organisation,
            organisation_identifier: None,
            common_name: &name,
        };
        let anchors = self.anchors();
        let issuer = anchors.issuer();
        let spki = key.public_key_info();
        let draft =
            tls::client_draft(issuer, &unit, spki, validity, self.entropy()).map_err(unusable)?;
        let issued = self.issue_at_once(&mut tx, draft, validity).await?;
        let user = ApiUser {
            id: UserId(store::users::next_id(&mut tx).await?),
            ra: authority.id,
            permissions: permissions.number(),
            request: None,
            officer: None,
            serial: Some(issued.serial().to_owned()),
            enabled: true,
            created_at: self.now(),
        };
        store::users::insert(&mut tx, &user).await?;
        self.settle_user(tx, caller, &user, "user-issued").await?;
        Ok(IssuedUser {
            user: UserRecord::of(user),
            certificate: issued.into_certificate(),
            key: key.to_pkcs8()?,
        })
    }

    /// Switches a user off, or on again. Its certificate stays what it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::UnknownUser`], [`Error::Duplicate`] where another user is
    /// known by the same certificate meanwhile.
    pub async fn enable_user(&self, caller: &Caller, id: i64, enabled: bool) -> Result<(), Error> {
        caller.demand(Act::Administer)?;
        let mut tx = self.store().begin().await?;
        let mut user = visible_user(&mut tx, caller, id).await?;
        user.enabled = enabled;
        if enabled {
            only_one(&mut tx, &user).await?;
        }
        store::users::update(&mut tx, &user).await?;
        self.settle_user(tx, caller, &user, "user-changed").await
    }

    /// Adds a user.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Fields`], [`Error::UnknownAuthority`],
    /// [`Error::UnknownRequest`], [`Error::UnknownOfficerNumber`], [`Error::Duplicate`] where the
    /// request's certificate is another user's.
    pub async fn add_user(&self, caller: &Caller, form: UserForm) -> Result<UserRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut problems = Problems::default();
        for (name, value) in [
            ("registration_authority", &form.registration_authority),
            ("permission_profile", &form.permission_profile),
            ("request", &form.request),
        ] {
            problems.require(name, value.as_deref(), |_| Ok::<_, Error>(()));
        }
        problems.check()?;
        let mut tx = self.store().begin().await?;
        let mut user = ApiUser {
            id: UserId(store::users::next_id(&mut tx).await?),
            ra: RaId(0),
            permissions: 0,
            request: None,
            officer: None,
            serial: None,
            enabled: true,
            created_at: self.now(),
        };
        self.describe_user(&mut tx, caller, &mut user, form).await?;
        store::users::insert(&mut tx, &user).await?;
        self.settle_user(tx, caller, &user, "user-added").await?;
        Ok(UserRecord::of(user))
    }

    /// Changes what is sent.
    ///
    /// # Errors
    ///
    /// As [`Service::add_user`], and [`Error::UnknownUser`].
    pub async fn change_user(
        &self,
        caller: &Caller,
        id: i64,
        form: UserForm,
    ) -> Result<UserRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut tx = self.store().begin().await?;
        let mut user = visible_user(&mut tx, caller, id).await?;
        self.describe_user(&mut tx, caller, &mut user, form).await?;
        store::users::update(&mut tx, &user).await?;
        self.settle_user(tx, caller, &user, "user-changed").await?;
        Ok(UserRecord::of(user))
    }

    /// One user.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`].
    pub async fn user(&self, caller: &Caller, id: i64) -> Result<UserRecord, Error> {
        let mut reader = self.store().read().await?;
        visible_user(&mut reader, caller, id)
            .await
            .map(UserRecord::of)
    }

    /// A page of the users that the caller sees.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPage`].
    pub async fn users(&self, caller: &Caller, page: i64) -> Result<Page<UserRecord>, Error> {
        let mut reader = self.store().read().await?;
        let (total, rows) =
            store::users::page(&mut reader, caller.scope(), offset(page), PAGE_SIZE).await?;
        let items = rows.into_iter().map(UserRecord::of).collect();
        Page::of(page, total, items)
    }

    async fn settle_user(
        &self,
        mut tx: Tx,
        caller: &Caller,
        user: &ApiUser,
        action: &str,
    ) -> Result<(), Error> {
        let details = json!({
            "user": user.id,
            "registration_authority": user.ra,
            "permissions": user.permissions,
            "request": user.request,
            "serial": user.serial,
            "enabled": user.enabled,
        });
        self.record(&mut tx, caller.actor(), action, None, details)
            .await?;
        self.commit(tx).await
    }

    /// Changes of a user what the form sends.
    async fn describe_user(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        user: &mut ApiUser,
        form: UserForm,
    ) -> Result<(), Error> {
        let mut problems = Problems::default();
        let mut sent = |name: &str, value: &Option<String>| {
            problems.parse(name, value.as_deref(), number::<i64>)
        };
        let authority = sent("registration_authority", &form.registration_authority);
        let permissions = sent("permission_profile", &form.permission_profile);
        let request = sent("request", &form.request);
        let officer = sent("rao", &form.rao);
        if let Some(id) = authority {
            user.ra = self.visible_authority(tx, caller, Some(RaId(id))).await?.id;
        }
        if let Some(number) = permissions {
            match Permissions::of_number(number) {
                Some(permissions) => user.permissions = permissions.number(),
                None => problems.invalid("permission_profile", "must be 1, 2, 3 or 4"),
            }
        }
        if let Some(id) = request.filter(|id| user.request != Some(RequestPk(*id))) {
            // Locked, so that of two users at once one is the first.
            let case = self.scoped_lock(tx, caller, id).await?;
            if case.row.status.is_issued() {
                user.request = Some(case.pk());
                only_one(tx, user).await?;
            } else {
                problems.invalid("request", "must be one whose certificate was issued");
            }
        }
        if let Some(id) = officer {
            user.officer = Some(visible_officer(tx, caller, RaoId(id)).await?.id);
        }
        problems.check()
    }
}

/// The user of that number, if the caller sees the authority it works for.
async fn visible_user(reads: &mut Reader, caller: &Caller, id: i64) -> Result<ApiUser, Error> {
    store::users::get(reads, UserId(id))
        .await?
        .filter(|user| caller.sees(user.ra))
        .ok_or(Error::UnknownUser)
}

/// Fails with [`Error::Duplicate`] where the certificate of the user's request lets another in: who
/// shows it would be two, with the permissions of one of them.
async fn only_one(reads: &mut Reader, user: &ApiUser) -> Result<(), Error> {
    let Some(request) = user.request else {
        return Ok(());
    };
    match store::users::by_request(reads, request).await? {
        Some(other) if other.id != user.id && other.enabled => {
            Err(Error::Duplicate { field: "request" })
        }
        _ => Ok(()),
    }
}

/// A value that cannot stand in a certificate is the caller's; all else is ours.
fn unusable(error: PkiError) -> Error {
    match error {
        PkiError::Value { field, reason } => {
            let mut problems = Problems::default();
            problems.invalid(field, reason);
            Error::Fields(problems)
        }
        other => issuing(other),
    }
}
