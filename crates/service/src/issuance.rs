//! A certificate on its way from the record to the signature.
//!
//! What goes on record stays the request's one certificate: whoever comes back after a crash gets
//! the same content and the same key, sealed under the request's data key until then.

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, Zeroizing};
use model::{RequestPk, Trigger, transition};
use pki::issuance::{Draft, Linted, Recorded, Validity};
use serde_json::json;
use store::{Certificate, CertificateState, Tx};
use time::Duration;

use crate::advance::Actor;
use crate::case::Case;
use crate::one_time_keys::OneTimeKey;
use crate::papers::validity_days;
use crate::trust::{issuing, refused};
use crate::{Error, Service};

/// How long before "now" a certificate or a list starts to be valid, for verifiers whose clocks lag.
pub(crate) const BACKDATED: Duration = Duration::minutes(5);

/// A key of the signer's or subscriber's that we make, and what its certificate will say.
pub(crate) struct KeyOnRecord<K = SoftwareKey> {
    pub(crate) key: K,
    pub(crate) recorded: Recorded,
}

impl Service {
    /// Whether the subject fits into the certificate that the request asks for, found out before
    /// an officer approves. The issuing CA's own key stands in for the subject's.
    pub(crate) fn rehearse_issuance(&self, case: &Case) -> Result<(), Error> {
        let anchors = self.anchors();
        let key = anchors.issuer().key().public_key_info();
        let draft = self.draft(case, key, self.validity_of(case))?;
        draft.lint().map(drop).map_err(|error| refused(case, error))
    }

    /// The certificate of the request's kind for a key.
    fn draft(
        &self,
        case: &Case,
        public_key_info: &[u8],
        validity: Validity,
    ) -> Result<Draft, Error> {
        if case.row.workflow.is_registration() {
            self.draft_for_subscriber(case, public_key_info, validity)
        } else {
            self.draft_for_signer(case, public_key_info, validity)
        }
    }

    /// When a certificate is valid that is issued now.
    fn validity_of(&self, case: &Case) -> Validity {
        let lasting = if case.row.workflow.is_registration() {
            Duration::days(validity_days(case))
        } else {
            self.policy().certificate_validity
        };
        Validity::starting(self.now() - BACKDATED, lasting)
    }

    /// The key and the certificate that an attempt left on record, or else fresh ones. `trigger`
    /// says for what: the request must allow it.
    pub(crate) async fn record_with_key(
        &self,
        pk: RequestPk,
        trigger: Trigger,
    ) -> Result<KeyOnRecord, Error> {
        let mut tx = self.store().begin().await?;
        let case = self.relock(&mut tx, pk).await?;
        transition(case.row.status, trigger)?;
        if let Some((pkcs8, recorded)) = self.left_on_record(&mut tx, &case, trigger).await? {
            return Ok(KeyOnRecord {
                key: SoftwareKey::from_pkcs8(&pkcs8)?,
                recorded,
            });
        }
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        let (public, pkcs8) = (key.public_key_info(), key.to_pkcs8()?);
        let prepared = self.prepare_record(&case, trigger, public, Some(&pkcs8))?;
        let recorded = self.put_on_record(tx, &case, prepared).await?;
        Ok(KeyOnRecord { key, recorded })
    }

    /// As [`Service::record_with_key`], for one act of signing, with the kind of key that the
    /// operator chose. All but the record itself is made before the transaction.
    ///
    /// Fails with [`Error::NoKeyReady`]; nothing is on record then.
    pub(crate) async fn record_with_one_time_key(
        &self,
        case: &Case,
    ) -> Result<KeyOnRecord<OneTimeKey>, Error> {
        let trigger = Trigger::Enrol;
        let prepare = |case: &Case, key: &OneTimeKey| {
            let record = key.record()?;
            self.prepare_record(case, trigger, key.public_key_info(), Some(&record))
        };
        let mut key = self.one_time_key_at_once()?;
        let mut known = case.clone();
        loop {
            let prepared = key.as_ref().map(|key| prepare(&known, key)).transpose()?;
            let mut tx = self.store().begin().await?;
            let standing = self.relock_known(&mut tx, &known).await?;
            transition(standing.row.status, trigger)?;
            let left = self.left_on_record(&mut tx, &standing, trigger).await?;
            match (left, key.take(), prepared) {
                (Some((record, recorded)), unused, _) => {
                    drop(tx);
                    let unused = unused.and_then(|key| key.reference());
                    self.destroy_one_time_key(unused).await;
                    let key = self.open_one_time_key(&record).await?;
                    return Ok(KeyOnRecord { key, recorded });
                }
                (None, Some(key), Some(prepared)) if standing.row == known.row => {
                    let recorded = self.put_on_record(tx, &standing, prepared).await?;
                    return Ok(KeyOnRecord { key, recorded });
                }
                // Nobody waits for a key, or draws up anew, inside a transaction.
                (None, fresh, _) => {
                    drop(tx);
                    known = standing;
                    key = match fresh {
                        Some(key) => Some(key),
                        None => Some(self.fresh_one_time_key().await?),
                    };
                }
            }
        }
    }

    /// What an attempt left on record: the key, or where it is, and the certificate's content.
    async fn left_on_record(
        &self,
        tx: &mut Tx,
        case: &Case,
        trigger: Trigger,
    ) -> Result<Option<(Zeroizing<Vec<u8>>, Recorded)>, Error> {
        for row in self.unfinished(tx, case, trigger).await? {
            if let Some(sealed) = &row.sealed_key {
                let key = case.key.open(&key_context(&row.serial), sealed)?;
                return Ok(Some((key, Recorded::from_tbs(&row.tbs).map_err(issuing)?)));
            }
        }
        Ok(None)
    }

    /// All keys, or where they are, of certificates on record that can still be signed.
    pub(crate) async fn keys_on_record(&self) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
        let mut reader = self.store().read().await?;
        let rows = store::certificates::with_key(&mut reader, self.now()).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for (request, serial, sealed) in rows {
            let case = self.reopen(&mut reader, request).await?;
            keys.push(case.key.open(&key_context(&serial), &sealed)?);
        }
        Ok(keys)
    }

    /// The certificate that an attempt left on record for this key (DER SubjectPublicKeyInfo),
    /// which is not in our hands, or else a fresh one. One on record for another key stays unsigned:
    /// the status moves but once.
    pub(crate) async fn record_for_key(
        &self,
        pk: RequestPk,
        trigger: Trigger,
        public_key_info: &[u8],
    ) -> Result<Recorded, Error> {
        let mut tx = self.store().begin().await?;
        let case = self.relock(&mut tx, pk).await?;
        transition(case.row.status, trigger)?;
        for row in self.unfinished(&mut tx, &case, trigger).await? {
            if names_key(&row.tbs, public_key_info) {
                return Recorded::from_tbs(&row.tbs).map_err(issuing);
            }
        }
        let prepared = self.prepare_record(&case, trigger, public_key_info, None)?;
        self.put_on_record(tx, &case, prepared).await
    }

    /// Certificates that were recorded for the same occasion and can still be signed.
    async fn unfinished(
        &self,
        tx: &mut Tx,
        case: &Case,
        trigger: Trigger,
    ) -> Result<Vec<Certificate>, Error> {
        let now = self.now();
        let mut rows = store::certificates::of_request(tx, case.pk()).await?;
        rows.retain(|row| {
            row.state == CertificateState::Recorded
                && row.renewal == is_renewal(trigger)
                && now < row.not_after
        });
        Ok(rows)
    }

    /// The content of a certificate for a key, linted, and the row that will tell of it.
    fn prepare_record(
        &self,
        case: &Case,
        trigger: Trigger,
        public_key_info: &[u8],
        key: Option<&Zeroizing<Vec<u8>>>,
    ) -> Result<PreparedRecord, Error> {
        let validity = self.validity_of(case);
        let recorded = self
            .draft(case, public_key_info, validity)?
            .lint()
            .and_then(Linted::record)
            .map_err(|error| refused(case, error))?;
        let serial = recorded.serial().to_owned();
        let listed = self.anchors().listing(&recorded);
        let sealed_key = key.map(|key| case.key.seal(&key_context(&serial), key, self.entropy()));
        let row = Certificate {
            number: 0,
            request: Some(case.pk()),
            renewal: is_renewal(trigger),
            issuer: listed.issuer,
            shard: listed.shard,
            state: CertificateState::Recorded,
            tbs: recorded.tbs().to_vec(),
            der: None,
            sealed_key,
            not_before: validity.not_before,
            not_after: validity.not_after,
            recorded_at: self.now(),
            revoked_at: None,
            reason: None,
            serial,
        };
        Ok(PreparedRecord { recorded, row })
    }

    async fn put_on_record(
        &self,
        mut tx: Tx,
        case: &Case,
        prepared: PreparedRecord,
    ) -> Result<Recorded, Error> {
        let row = Certificate {
            number: store::certificates::next_number(&mut tx).await?,
            ..prepared.row
        };
        store::certificates::insert(&mut tx, &row).await?;
        let details = json!({
            "serial": row.serial,
            "tbs_sha256": hex::encode(crypto::sha256(&row.tbs)),
            "profile": case.row.profile,
            "renewal": row.renewal,
        });
        let action = "certificate-recorded";
        self.record(&mut tx, Actor::System, action, Some(case), details)
            .await?;
        self.commit(tx).await?;
        Ok(prepared.recorded)
    }
}

/// What is ready to be put on record.
struct PreparedRecord {
    recorded: Recorded,
    /// Without its number yet.
    row: Certificate,
}

fn is_renewal(trigger: Trigger) -> bool {
    trigger == Trigger::Renew
}

/// A certificate's content holds its public key word for word (RFC 5280 §4.1).
fn names_key(tbs: &[u8], public_key_info: &[u8]) -> bool {
    !public_key_info.is_empty()
        && tbs
            .windows(public_key_info.len())
            .any(|part| part == public_key_info)
}

fn key_context(serial: &str) -> String {
    format!("one-time key of certificate {serial}")
}
