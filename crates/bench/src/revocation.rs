//! One revocation among very many: how long until a list tells of it.

use std::time::Instant;

use anyhow::{Context, ensure};
use model::Clock;
use model::certificate::RevocationReason;
use pki::{AuthorityUrls, CertificateFacts};
use store::{AuditEntry, Certificate, CertificateState};
use time::{Duration, OffsetDateTime};

use crate::house::House;
use crate::report::{Figure, Report};

const REVOKED: usize = 100_000;
const ROUNDS: usize = 9;
/// What else was done is noticed by then, as where another process revoked.
const NOTICED: Duration = Duration::seconds(30);

/// Revokes one certificate a round and asks for the shard that tells of it, and for the complete
/// list.
pub async fn measure(house: &House, report: &mut Report) -> anyhow::Result<()> {
    let issuing = house.service.issuing_certificate(None);
    let issuing = issuing.context("no issuing authority")?;
    let issuer = CertificateFacts::read(&issuing)?.key_identifier;
    let row = |number: usize, state, at: Option<OffsetDateTime>| Certificate {
        serial: format!("{number:032x}"),
        number: number as i64,
        request: None,
        renewal: false,
        issuer: issuer.clone(),
        shard: Some(number as i64 % i64::from(AuthorityUrls::SHARDS.get())),
        state,
        tbs: Vec::new(),
        der: None,
        sealed_key: None,
        not_before: house.clock.now(),
        not_after: house.clock.now() + Duration::days(365),
        recorded_at: house.clock.now(),
        revoked_at: at,
        reason: at.map(|_| RevocationReason::Unspecified),
    };
    let mut number = 1_000_000;
    while number < 1_000_000 + REVOKED {
        let mut tx = house.store.begin().await?;
        for number in number..number + 1000 {
            let row = row(number, CertificateState::Revoked, Some(house.clock.now()));
            store::certificates::insert(&mut tx, &row).await?;
        }
        tx.commit().await?;
        number += 1000;
    }
    let mut revoking = Vec::new();
    let (mut of_shard, mut of_all) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let row = row(number + round, CertificateState::Valid, None);
        let mut tx = house.store.begin().await?;
        store::certificates::insert(&mut tx, &row).await?;
        tx.commit().await?;

        let start = Instant::now();
        revoke(house, &row.serial).await?;
        revoking.push(start.elapsed().as_secs_f64() * 1e3);
        house.clock.forward(NOTICED);
        let shard = row.shard.and_then(|shard| u16::try_from(shard).ok());
        for (times, shard) in [(&mut of_shard, shard), (&mut of_all, None)] {
            let start = Instant::now();
            let list = house.service.crl(Some(&issuer), shard).await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            let list = list.context("there is no such list")?;
            let serial = hex::decode(&row.serial)?;
            let serial = &serial[serial.iter().take_while(|byte| **byte == 0).count()..];
            let named = list.windows(serial.len()).any(|part| part == serial);
            ensure!(named, "the list does not tell of the revocation");
        }
    }
    let ratios = of_all.iter().zip(&of_shard).map(|(all, shard)| all / shard);
    let ratio = Figure::median("revoke_complete_to_shard", "", ratios.collect());
    report.add(Figure::median("revoke_ms", "ms", revoking));
    report.add(Figure::median("revoke_shard_ms", "ms", of_shard));
    report.add(Figure::median("revoke_complete_ms", "ms", of_all));
    report.add(ratio);
    Ok(())
}

/// As every revocation goes: durable, and in the audit log.
async fn revoke(house: &House, serial: &str) -> anyhow::Result<()> {
    let (now, reason) = (house.clock.now(), RevocationReason::KeyCompromise);
    let mut tx = house.store.begin().await?;
    let state = CertificateState::Revoked;
    store::certificates::set_state(&mut tx, serial, state, Some(now), Some(reason)).await?;
    let entry = AuditEntry {
        at: now,
        actor: "system".to_owned(),
        action: "certificates-revoked".to_owned(),
        request: None,
        details: serde_json::json!({ "serials": [serial] }).to_string(),
    };
    store::audit::append(&mut tx, &entry).await?;
    Ok(tx.commit().await?)
}
