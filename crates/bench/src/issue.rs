//! Certificates: key, draft, lints, record, signature, everything durable and in the audit log.

use std::sync::Arc;

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use model::Clock;
use pki::establish;
use pki::issuance::{Issuer, Validity};
use pki::profile::natural_person::{self, NaturalPerson, Posture, Qualification, Terms};
use store::{AuditEntry, Certificate, CertificateState};
use time::OffsetDateTime;

use crate::cost::{Costs, Needs};
use crate::crowd::Rounds;
use crate::house::House;
use crate::report::{Asked, Report};

const ROUNDS: usize = 5;
const CERTIFICATES: usize = 4000;

/// Issues certificates by a crowd.
pub async fn measure(house: &House, costs: &Costs, report: &mut Report) -> anyhow::Result<()> {
    let made = establish(&house.names, &house.urls, house.clock.now(), &SystemEntropy)?;
    let issuer = Arc::new(made.issuing.issuer(&house.urls)?);
    let mut rounds = Rounds::default();
    for _ in 0..ROUNDS {
        let (issuer, house) = (Arc::clone(&issuer), house.clone());
        let one = move |()| {
            let (issuer, house) = (Arc::clone(&issuer), house.clone());
            async move { issue(&issuer, &house).await }
        };
        rounds.play(vec![(); CERTIFICATES], one).await?;
    }
    let needs = Needs {
        keys: 1.0,
        signatures: 1.0,
        bytes: 0.0,
    };
    let limit = costs.limit(&needs);
    rounds.tell("issue", Asked::AtLeast(2200.0), limit, report);
    Ok(())
}

/// The way that every certificate goes: its content is durable before it is signed.
async fn issue(issuer: &Issuer, house: &House) -> anyhow::Result<()> {
    let (now, store) = (house.clock.now(), &house.store);
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
    let person = NaturalPerson {
        given_name: "Ana".to_owned(),
        surname: "Ejemplo Muestra".to_owned(),
        common_name: "Ana Ejemplo Muestra".to_owned(),
        country: "ES".to_owned(),
        semantic_serial_number: "IDCES-X0000000T".to_owned(),
        email: Some("ana@example.com".to_owned()),
        organisation: None,
    };
    let validity = Validity::starting(now, Validity::ONE_DAY);
    let terms = Terms {
        validity,
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let (posture, entropy) = (Posture::default(), &SystemEntropy);
    let public = key.public_key_info();
    let draft = natural_person::draft(issuer, &person, &terms, posture, public, entropy)?;
    let recorded = draft.lint()?.record()?;
    let serial = recorded.serial().to_owned();

    let mut tx = store.begin().await?;
    let row = Certificate {
        number: store::certificates::next_number(&mut tx).await?,
        request: None,
        renewal: false,
        issuer: hex::encode(issuer.key_identifier()),
        shard: None,
        state: CertificateState::Recorded,
        tbs: recorded.tbs().to_vec(),
        der: None,
        sealed_key: None,
        not_before: validity.not_before,
        not_after: validity.not_after,
        recorded_at: now,
        revoked_at: None,
        reason: None,
        serial: serial.clone(),
    };
    store::certificates::insert(&mut tx, &row).await?;
    note(&mut tx, now, "certificate-recorded", &serial).await?;
    tx.commit().await?;

    let certificate = recorded.sign(issuer)?.into_certificate();
    let mut tx = store.begin().await?;
    store::certificates::mark_signed(&mut tx, &serial, &certificate).await?;
    note(&mut tx, now, "certificate-signed", &serial).await?;
    Ok(tx.commit().await?)
}

async fn note(
    tx: &mut store::Tx,
    at: OffsetDateTime,
    action: &str,
    serial: &str,
) -> anyhow::Result<()> {
    let entry = AuditEntry {
        at,
        actor: "system".to_owned(),
        action: action.to_owned(),
        request: None,
        details: serde_json::json!({ "serial": serial }).to_string(),
    };
    store::audit::append(tx, &entry).await?;
    Ok(())
}
