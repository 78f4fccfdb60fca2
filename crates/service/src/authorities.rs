//! The authorities themselves: put on record, exchanged for newer ones, and watched for their end.

use serde_json::json;
use store::AuthorityCertificate;
use time::{Duration, OffsetDateTime};

use crate::advance::Actor;
use crate::trust::TrustAnchors;
use crate::{Error, Service};

/// How the certificate of an authority in use stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityStanding {
    /// The office: `root`, `issuing`, `time-stamping` or `ocsp`.
    pub office: &'static str,
    /// Its name.
    pub common_name: String,
    /// The identifier of its key.
    pub key_identifier: String,
    /// The last second of its certificate.
    pub not_after: OffsetDateTime,
    /// Whether that is so near that somebody must act, or over.
    pub ending: bool,
}

/// How long before its end an office needs a successor: authorities while what they issue can
/// still be valid as long as they allow, others as soon as they should have been renewed.
pub fn notice(office: &str) -> Duration {
    match office {
        "root" => Duration::days(10 * 365),
        "issuing" => Duration::days(3 * 365),
        _ => Duration::days(60),
    }
}

impl Service {
    /// Makes these the authorities from now on; what is under way ends with those it began with.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn replace_authorities(&self, anchors: TrustAnchors) -> Result<(), Error> {
        self.inner.parts.anchors.replace(anchors);
        self.inner.revocation.forget_answers();
        self.record_authorities().await
    }

    /// Puts the authorities' own certificates on record, those that are not. Certificates from
    /// before issuers were recorded are the first authority's: there was no other.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn record_authorities(&self) -> Result<(), Error> {
        let (anchors, now) = (self.anchors(), self.now());
        let mut reader = self.store().read().await?;
        let known = store::authority_certificates::all(&mut reader).await?;
        let unnamed = store::certificates::any_unnamed(&mut reader).await?;
        let mut moved = false;
        for (issuer, folder) in anchors.list_folders() {
            let known = store::authority_certificates::folders(&mut reader, issuer).await?;
            moved |= !known.iter().any(|one| one == folder);
        }
        drop(reader);
        let is_known = |serial: &str| known.iter().any(|row| row.serial == serial);
        let mut own = anchors.appointed().iter();
        if !unnamed && !moved && own.all(|one| is_known(&one.facts.serial)) {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        store::certificates::adopt(&mut tx, anchors.first_issuer()).await?;
        for (issuer, folder) in anchors.list_folders() {
            store::authority_certificates::record_folder(&mut tx, issuer, folder).await?;
        }
        for one in anchors.appointed() {
            let row = AuthorityCertificate {
                serial: one.facts.serial.clone(),
                office: one.office.to_owned(),
                issuer: one.issuer().to_owned(),
                der: one.der.clone(),
                not_before: one.facts.not_before,
                not_after: one.facts.not_after,
                recorded_at: now,
            };
            if store::authority_certificates::record(&mut tx, &row).await? {
                let details = json!({
                    "serial": row.serial,
                    "office": row.office,
                    "subject": one.facts.subject(),
                    "certificate_sha256": hex::encode(crypto::sha256(&row.der)),
                });
                let action = "authority-appointed";
                self.record(&mut tx, Actor::System, action, None, details)
                    .await?;
            }
        }
        self.commit(tx).await
    }

    /// The authorities in use, whoever ends first in front.
    pub fn authority_standings(&self) -> Vec<AuthorityStanding> {
        let now = self.now();
        let anchors = self.anchors();
        let in_use = anchors.appointed().iter().filter(|one| one.current);
        let mut standing: Vec<_> = in_use
            .map(|one| AuthorityStanding {
                office: one.office,
                common_name: one.facts.common_name.clone(),
                key_identifier: one.facts.key_identifier.clone(),
                not_after: one.facts.not_after,
                ending: one.facts.not_after - now < notice(one.office),
            })
            .collect();
        standing.sort_by_key(|one| one.not_after);
        standing
    }
}
