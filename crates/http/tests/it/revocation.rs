//! What two processes over one database tell of revocations: one knows at once what it did, the
//! other within half a minute, and what nothing changed about is handed out as it was.

use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use crypto::{MasterKey, SystemEntropy};
use model::Clock;
use model::certificate::RevocationReason;
use pki::ocsp::{Responder, Status};
use pki::{AuthorityNames, AuthorityUrls, CertificateFacts, Established};
use service::{Parts, Service, TrustAnchors};
use store::{Certificate, CertificateState, Store};
use time::{Duration, OffsetDateTime};

use crate::house::policy;

/// A clock that the test sets.
struct Hand(Mutex<OffsetDateTime>);

impl Clock for Hand {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// Two processes of one installation.
pub struct Pair {
    pub one: Service,
    other: Service,
    store: Store,
    clock: Arc<Hand>,
    established: Established,
    pub issuer: String,
    _folder: tempfile::TempDir,
}

impl Pair {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with authorities that `adapt` may change.
    pub async fn start_with(adapt: impl FnOnce(&mut Established)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("db").display());
        let now = time::macros::datetime!(2026-03-01 12:00 UTC);
        let clock = Arc::new(Hand(Mutex::new(now)));
        let shards = NonZeroU16::new(4).unwrap();
        let urls = AuthorityUrls::at("http://localhost").with_shards(shards);
        let names = AuthorityNames {
            country: "ES".into(),
            organisation: "Example".into(),
            organisation_identifier: None,
            prefix: "Example".into(),
        };
        let mut established = pki::establish(&names, &urls, now, &SystemEntropy).unwrap();
        adapt(&mut established);
        let store = Store::open(&database).await.unwrap();
        let mut services = Vec::new();
        for _ in 0..2 {
            let blobs = folder.path().join("blobs");
            services.push(Service::new(Parts {
                store: Store::open(&database).await.unwrap(),
                blobs: blob::BlobStore::local(blobs).await.unwrap(),
                master: MasterKey::from_bytes([7; 32]),
                anchors: TrustAnchors::new(established.clone(), &urls).unwrap(),
                one_time_keys: service::OneTimeKeys::default(),
                renderer: contract::Renderer::new(),
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
                entropy: Arc::new(SystemEntropy),
                policy: policy(),
                outbox: Arc::default(),
            }));
        }
        let facts = CertificateFacts::read(&established.issuing.certificate).unwrap();
        let (Some(other), Some(one)) = (services.pop(), services.pop()) else {
            unreachable!("two were started")
        };
        Self {
            one,
            other,
            store,
            clock,
            established,
            issuer: facts.key_identifier,
            _folder: folder,
        }
    }

    fn wait(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    pub async fn issue(&self, number: i64, state: CertificateState) -> String {
        let now = self.clock.now();
        let serial = format!("4{number:031x}");
        let mut tx = self.store.begin().await.unwrap();
        let row = Certificate {
            serial: serial.clone(),
            number,
            request: None,
            renewal: false,
            issuer: self.issuer.clone(),
            shard: Some(number % 4),
            state,
            tbs: Vec::new(),
            der: None,
            sealed_key: None,
            not_before: now,
            not_after: now + Duration::days(700),
            recorded_at: now,
            revoked_at: (state == CertificateState::Revoked).then_some(now),
            reason: None,
        };
        store::certificates::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        serial
    }

    /// What another process does, or this one before it tells itself.
    async fn revoke(&self, serial: &str) {
        let mut tx = self.store.begin().await.unwrap();
        let (at, reason) = (self.clock.now(), RevocationReason::KeyCompromise);
        let (state, at, reason) = (CertificateState::Revoked, Some(at), Some(reason));
        let changed = store::certificates::set_state(&mut tx, serial, state, at, reason).await;
        assert!(changed.unwrap());
        tx.commit().await.unwrap();
    }

    /// A request about one certificate: the CertID from an answer about it.
    pub fn request(&self, serial: &str) -> Vec<u8> {
        const SHA1: [u8; 11] = [
            0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00,
        ];
        let made = &self.established;
        let responder = Responder::new(
            &made.issuing.certificate,
            made.issuing_ocsp.certificate.clone(),
            made.issuing_ocsp.key.clone(),
        );
        let now = self.clock.now();
        let answer = responder.unwrap().answer_about(serial, Status::Good, now);
        let answer = answer.unwrap();
        let at = answer.windows(SHA1.len()).position(|part| part == SHA1);
        let at = at.unwrap() - 2;
        let mut request = answer[at..at + 2 + usize::from(answer[at + 1])].to_vec();
        for _ in 0..4 {
            request.splice(0..0, [0x30, request.len() as u8]);
        }
        request
    }
}

async fn answer(service: &Service, request: &[u8]) -> Vec<u8> {
    service.ocsp(request).await.unwrap().der.to_vec()
}

async fn list(service: &Service, issuer: &str, shard: Option<u16>) -> Vec<u8> {
    let list = service.crl(Some(issuer), shard).await.unwrap();
    list.expect("there is such a list").to_vec()
}

/// CertStatus `revoked`, with the reason keyCompromise(1).
fn is_revoked(answer: &[u8]) -> bool {
    let reason = [0xa0, 0x03, 0x0a, 0x01, 0x01];
    answer.windows(5).any(|part| part == reason)
}

fn names(list: &[u8], serial: &str) -> bool {
    let serial = hex_bytes(serial);
    list.windows(serial.len()).any(|part| part == serial)
}

fn hex_bytes(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[tokio::test]
async fn what_one_process_revokes_the_other_tells_within_half_a_minute() {
    let pair = Pair::start().await;
    let (revoked, good) = (
        pair.issue(5, CertificateState::Valid).await,
        pair.issue(6, CertificateState::Valid).await,
    );
    let requests = [pair.request(&revoked), pair.request(&good)];
    let (one, issuer) = (&pair.one, pair.issuer.as_str());
    let before = [
        answer(one, &requests[0]).await,
        answer(one, &requests[1]).await,
    ];
    let lists = [
        list(one, issuer, None).await,
        list(one, issuer, Some(1)).await,
        list(one, issuer, Some(2)).await,
    ];
    assert!(!is_revoked(&before[0]) && !names(&lists[1], &revoked));

    pair.revoke(&revoked).await;
    assert!(
        is_revoked(&answer(&pair.other, &requests[0]).await),
        "who never answered looks"
    );
    pair.wait(Duration::seconds(21));
    assert!(is_revoked(&answer(one, &requests[0]).await));
    assert_eq!(
        answer(one, &requests[1]).await,
        before[1],
        "nothing changed about it"
    );
    for (at, shard) in [None, Some(1)].into_iter().enumerate() {
        let now = list(one, issuer, shard).await;
        assert!(now != lists[at] && names(&now, &revoked), "{shard:?}");
        assert!(!names(&now, &good));
    }
    assert_eq!(
        list(one, issuer, Some(2)).await,
        lists[2],
        "no other shard is made anew"
    );
}

#[tokio::test]
async fn answers_and_lists_are_handed_out_again_until_they_are_no_longer_young() {
    let pair = Pair::start().await;
    let serial = pair.issue(5, CertificateState::Valid).await;
    let request = pair.request(&serial);
    let (one, issuer) = (&pair.one, pair.issuer.as_str());
    let first = answer(one, &request).await;
    let listed = list(one, issuer, Some(1)).await;
    pair.wait(Duration::minutes(29));
    assert_eq!(answer(one, &request).await, first);
    pair.wait(Duration::minutes(2));
    assert_ne!(answer(one, &request).await, first);
    one.publish_revocation_lists().await.unwrap();
    assert_eq!(list(one, issuer, Some(1)).await, listed);
    pair.wait(Duration::hours(6));
    assert_eq!(
        list(one, issuer, Some(1)).await,
        listed,
        "half of its time is not over"
    );
    one.publish_revocation_lists().await.unwrap();
    assert_ne!(list(one, issuer, Some(1)).await, listed, "made ahead");
    let unknown = pair.request("4fffffffffffffffffffffffffffffff");
    let refused = answer(one, &unknown).await;
    assert_ne!(
        answer(one, &unknown).await,
        refused,
        "what we do not know is looked up again"
    );
}

#[tokio::test]
async fn a_shard_tells_of_its_part_and_the_complete_list_of_all() {
    let pair = Pair::start().await;
    let mut serials = Vec::new();
    for number in 0..40 {
        serials.push(pair.issue(number, CertificateState::Revoked).await);
    }
    let issuer = pair.issuer.as_str();
    let complete = list(&pair.one, issuer, None).await;
    for (at, serial) in serials.iter().enumerate() {
        assert!(names(&complete, serial));
        for shard in 0..4 {
            let told = names(&list(&pair.one, issuer, Some(shard)).await, serial);
            assert_eq!(told, at % 4 == usize::from(shard), "{at} in {shard}");
        }
    }
    let none = |issuer: &'static str, shard| pair.one.crl(Some(issuer), shard);
    assert!(none("00", None).await.unwrap().is_none());
    assert!(
        pair.one
            .crl(Some(issuer), Some(1024))
            .await
            .unwrap()
            .is_none()
    );
    let first = pair.one.crl(None, None).await.unwrap();
    assert_eq!(
        first.unwrap().to_vec(),
        complete,
        "the name without a key is the first CA's"
    );
}

#[tokio::test]
async fn ends_are_told_in_time() {
    let pair = Pair::start().await;
    assert!(pair.one.health().await.unwrap().ending.is_empty());
    pair.wait(Duration::days(3 * 365 - 50));
    let ending = pair.one.health().await.unwrap().ending;
    let names: Vec<_> = ending.iter().map(|one| one.common_name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(
        names.iter().all(|name| name.ends_with("OCSP Responder")),
        "{names:?}"
    );
    pair.wait(Duration::days(4 * 365 + 60));
    let ending = pair.one.health().await.unwrap().ending;
    let offices: Vec<_> = ending.iter().map(|one| one.office).collect();
    assert_eq!(offices, ["ocsp", "ocsp", "time-stamping", "issuing"]);
}

#[tokio::test]
async fn the_authorities_stand_on_record_once() {
    let pair = Pair::start().await;
    for service in [&pair.one, &pair.other, &pair.one] {
        service.record_authorities().await.unwrap();
    }
    let mut reader = pair.store.read().await.unwrap();
    let rows = store::authority_certificates::all(&mut reader)
        .await
        .unwrap();
    let mut offices: Vec<_> = rows.iter().map(|row| row.office.as_str()).collect();
    offices.sort_unstable();
    assert_eq!(
        offices,
        ["issuing", "ocsp", "ocsp", "root", "time-stamping"]
    );
    let folders = store::authority_certificates::folders(&mut reader, &pair.issuer).await;
    assert_eq!(
        folders.unwrap(),
        [format!("http://localhost/pki/{}", pair.issuer)]
    );
}
