//! Who calls: an API user behind a client certificate, or the operator at the command line.

use std::fmt;

use model::authority::{Act, Permissions};
use model::{RaId, UserId};
use store::CertificateState;

use super::authorities::is_open;
use crate::advance::Actor;
use crate::{Error, Service};

/// On whose behalf a use case acts, and what it may see and do.
#[derive(Debug, Clone)]
pub struct Caller {
    user: Option<UserId>,
    authority: Option<RaId>,
    permissions: Permissions,
    /// The authorities it sees: its own and all below.
    scope: Vec<RaId>,
}

impl Caller {
    /// The API user, unless it is the operator.
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// The authority that it works for; none for the operator.
    pub fn authority(&self) -> Option<RaId> {
        self.authority
    }

    /// How the audit log names it.
    pub(crate) fn actor(&self) -> Actor {
        self.user.map_or(Actor::Operator, Actor::User)
    }

    pub(crate) fn scope(&self) -> &[RaId] {
        &self.scope
    }

    pub(crate) fn sees(&self, authority: RaId) -> bool {
        self.scope.contains(&authority)
    }

    /// Fails with [`Error::NotPermitted`] where its permissions do not allow `act`.
    pub(crate) fn demand(&self, act: Act) -> Result<(), Error> {
        if self.permissions.allow(act) {
            Ok(())
        } else {
            Err(Error::NotPermitted)
        }
    }
}

/// Why a client certificate opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientRefusal {
    /// None was shown.
    Missing,
    /// Not one that this server issued to an API user.
    Unknown,
    /// Its validity is over, or has not begun.
    Expired,
    /// Revoked or suspended.
    Revoked,
    /// The user, or its authority, is switched off.
    Disabled,
}

impl fmt::Display for ClientRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClientRefusal::Missing => "no client certificate was presented",
            ClientRefusal::Unknown => "the client certificate belongs to no API user",
            ClientRefusal::Expired => "the client certificate is not valid at this time",
            ClientRefusal::Revoked => "the client certificate was revoked or suspended",
            ClientRefusal::Disabled => "the API user or its registration authority is disabled",
        })
    }
}

impl Service {
    /// The API user that a client certificate (DER) stands for. That the client holds its key has
    /// been shown by the TLS handshake, ours or a trusted proxy's.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownClient`].
    pub async fn caller(&self, certificate: &[u8]) -> Result<Caller, Error> {
        let unknown = || Error::UnknownClient(ClientRefusal::Unknown);
        let facts = pki::CertificateFacts::read(certificate).map_err(|_| unknown())?;
        let mut reader = self.store().read().await?;
        let row = store::certificates::get(&mut reader, &facts.serial)
            .await?
            .filter(|row| row.der.as_deref() == Some(certificate))
            .ok_or_else(unknown)?;
        let direct = store::users::by_serial(&mut reader, &row.serial).await?;
        let user = match (direct, row.request) {
            (Some(user), _) => Some(user),
            (None, Some(request)) => store::users::by_request(&mut reader, request).await?,
            (None, None) => None,
        };
        let user = user.ok_or_else(unknown)?;
        let now = self.now();
        if row.state != CertificateState::Valid {
            return Err(Error::UnknownClient(ClientRefusal::Revoked));
        }
        if now < row.not_before || now > row.not_after {
            return Err(Error::UnknownClient(ClientRefusal::Expired));
        }
        let disabled = Error::UnknownClient(ClientRefusal::Disabled);
        if !user.enabled {
            return Err(disabled);
        }
        let Some(permissions) = Permissions::of_number(user.permissions) else {
            return Err(disabled);
        };
        let authority = store::authorities::get(&mut reader, user.ra).await?;
        if !authority.is_some_and(|authority| is_open(&authority, now)) {
            return Err(disabled);
        }
        let scope = store::authorities::descendants(&mut reader, user.ra).await?;
        Ok(Caller {
            user: Some(user.id),
            authority: Some(user.ra),
            permissions,
            scope,
        })
    }

    /// The operator at the command line, who sees and may do everything.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn operator(&self) -> Result<Caller, Error> {
        let mut reader = self.store().read().await?;
        let authorities = store::authorities::list(&mut reader).await?;
        Ok(Caller {
            user: None,
            authority: None,
            permissions: Permissions::Administrator,
            scope: authorities.into_iter().map(|row| row.id).collect(),
        })
    }
}
