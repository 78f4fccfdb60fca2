//! Jobs: one of a kind for a request, leases, fencing, what is left of them.

use model::RequestPk;
use store::jobs;
use store::{Job, JobKind, LeasedJob, Store};
use time::{Duration, OffsetDateTime};

use crate::{at, on_both, populate};

const LEASE: Duration = Duration::seconds(30);
const PK: RequestPk = RequestPk(1001);

async fn enqueue(store: &Store, pk: RequestPk, kind: JobKind, payload: &[u8]) -> bool {
    let mut tx = store.begin().await.unwrap();
    let queued = jobs::enqueue(&mut tx, pk, kind, payload, at(0))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    queued
}

async fn lease(store: &Store, now: OffsetDateTime, limit: i64) -> Vec<LeasedJob> {
    let mut tx = store.begin().await.unwrap();
    let leased = jobs::lease(&mut tx, now, LEASE, limit).await.unwrap();
    tx.commit().await.unwrap();
    leased
}

async fn get(store: &Store, kind: JobKind) -> Option<Job> {
    jobs::get(&mut store.read().await.unwrap(), PK, kind)
        .await
        .unwrap()
}

async fn next_due(store: &Store) -> Option<OffsetDateTime> {
    jobs::next_due_at(&mut store.read().await.unwrap())
        .await
        .unwrap()
}

async fn counts(store: &Store) -> (i64, i64) {
    let counts = jobs::counts(&mut store.read().await.unwrap())
        .await
        .unwrap();
    (counts.pending, counts.failed)
}

on_both! {
    async fn jobs_are_counted_until_they_are_done(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001, 1003]).await;
        assert_eq!(counts(store).await, (0, 0));
        enqueue(store, PK, JobKind::Approve, b"sealed").await;
        enqueue(store, PK, JobKind::Sign, b"sealed").await;
        enqueue(store, RequestPk(1003), JobKind::Sign, b"sealed").await;
        let leased = lease(store, at(1), 2).await;
        assert_eq!(counts(store).await, (3, 0), "leased ones are not done yet");
        let mut tx = store.begin().await.unwrap();
        jobs::done(&mut tx, &leased[0]).await.unwrap();
        jobs::given_up(&mut tx, &leased[1], "no").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(counts(store).await, (1, 1));
    }

    async fn a_job_is_leased_once_and_gone_when_done(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001, 1003]).await;
        assert_eq!(next_due(store).await, None);
        assert!(enqueue(store, PK, JobKind::Approve, b"sealed").await);
        assert!(enqueue(store, RequestPk(1003), JobKind::Approve, b"other").await);
        assert!(enqueue(store, PK, JobKind::Sign, b"sign").await, "another kind");
        assert!(!enqueue(store, PK, JobKind::Approve, b"again").await, "one is pending");
        assert_eq!(next_due(store).await, Some(at(0)));

        assert!(lease(store, at(-1), 9).await.is_empty(), "nothing is due yet");
        let leased = lease(store, at(1), 1).await;
        assert_eq!(leased.len(), 1);
        let job = &leased[0];
        assert_eq!((job.request, job.kind, job.attempts), (PK, JobKind::Approve, 1));
        assert_eq!(job.payload, b"sealed");
        assert_eq!(lease(store, at(1), 9).await.len(), 2, "the others");
        assert!(lease(store, at(2), 9).await.is_empty());
        assert_eq!(next_due(store).await, Some(at(1) + LEASE));

        let mut tx = store.begin().await.unwrap();
        assert!(jobs::done(&mut tx, job).await.unwrap());
        assert!(!jobs::done(&mut tx, job).await.unwrap(), "it is gone");
        tx.commit().await.unwrap();
        assert_eq!(get(store, JobKind::Approve).await, None);
    }

    async fn a_report_on_a_lease_that_passed_on_changes_nothing(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001]).await;
        enqueue(store, PK, JobKind::Sign, b"sealed").await;
        let first = lease(store, at(1), 9).await.remove(0);
        let later = at(1) + LEASE + Duration::SECOND;
        let second = lease(store, later, 9).await.remove(0);
        assert_eq!((second.number, second.attempts), (first.number, 2));

        let mut tx = store.begin().await.unwrap();
        assert!(!jobs::done(&mut tx, &first).await.unwrap());
        assert!(!jobs::failed(&mut tx, &first, later, "no").await.unwrap());
        assert!(!jobs::given_up(&mut tx, &first, "no").await.unwrap());
        let again = later + Duration::MINUTE;
        assert!(jobs::failed(&mut tx, &second, again, "busy").await.unwrap());
        tx.commit().await.unwrap();
        let pending = Job { given_up: false, last_error: Some("busy".to_owned()) };
        assert_eq!(get(store, JobKind::Sign).await, Some(pending));
        assert_eq!(next_due(store).await, Some(again));
        assert!(lease(store, later, 9).await.is_empty(), "it rests");
        assert_eq!(lease(store, again, 9).await[0].attempts, 3);
    }

    async fn a_job_that_was_given_up_keeps_its_reason_alone_and_makes_room(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001]).await;
        enqueue(store, PK, JobKind::Approve, b"the officer's PIN, sealed").await;
        let job = lease(store, at(1), 9).await.remove(0);
        let mut tx = store.begin().await.unwrap();
        assert!(jobs::given_up(&mut tx, &job, "wrong officer credentials").await.unwrap());
        tx.commit().await.unwrap();
        let told = Job {
            given_up: true,
            last_error: Some("wrong officer credentials".to_owned()),
        };
        assert_eq!(get(store, JobKind::Approve).await, Some(told));
        assert_eq!(next_due(store).await, None);
        fixture.home.tamper(
            "UPDATE job SET state = 'pending', leased_until = NULL WHERE length(payload) = 0",
        )
        .await
        .unwrap();
        let raised = lease(store, at(100), 9).await.remove(0);
        assert!(raised.payload.is_empty(), "nothing sealed is left");

        let mut tx = store.begin().await.unwrap();
        jobs::given_up(&mut tx, &raised, "again").await.unwrap();
        tx.commit().await.unwrap();
        assert!(enqueue(store, PK, JobKind::Approve, b"fresh").await, "it makes room");
        let fresh = lease(store, at(200), 9).await.remove(0);
        assert_eq!((fresh.payload.as_slice(), fresh.attempts), (&b"fresh"[..], 1));
        assert!(fresh.number > job.number);
    }
}
