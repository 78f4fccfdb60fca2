//! The outbox: order, leases, fencing.

use std::collections::HashMap;

use store::outbox::{self, Counts};
use store::{Channel, Leased, OutboxMessage, Store};
use time::{Duration, OffsetDateTime};

use crate::{at, message, on_both, populate};

const ALL: &[Channel] = &[Channel::Webhook, Channel::Sms, Channel::Mail];
const LEASE: Duration = Duration::seconds(30);

async fn enqueue(store: &Store, messages: &[OutboxMessage]) -> Vec<i64> {
    let mut tx = store.begin().await.unwrap();
    let mut numbers = Vec::new();
    for message in messages {
        numbers.push(outbox::enqueue(&mut tx, message).await.unwrap());
    }
    tx.commit().await.unwrap();
    numbers
}

async fn lease(store: &Store, channels: &[Channel], now: OffsetDateTime) -> Vec<Leased> {
    let mut tx = store.begin().await.unwrap();
    let leased = outbox::lease(&mut tx, channels, now, LEASE, 100)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    leased
}

fn ids(leased: &[Leased]) -> Vec<&str> {
    leased
        .iter()
        .map(|leased| leased.message.id.as_str())
        .collect()
}

async fn next_due(store: &Store) -> Option<OffsetDateTime> {
    outbox::next_due_at(&mut store.read().await.unwrap())
        .await
        .unwrap()
}

async fn counts(store: &Store) -> (i64, i64) {
    let Counts { pending, dead } = outbox::counts(&mut store.read().await.unwrap())
        .await
        .unwrap();
    (pending, dead)
}

async fn delivered(store: &Store, leased: &Leased) -> bool {
    let mut tx = store.begin().await.unwrap();
    let ours = outbox::delivered(&mut tx, leased.number, leased.attempts)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    ours
}

on_both! {
    async fn only_heads_of_streams_leave_and_in_order(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001, 1003]).await;
        enqueue(store, &[
            message("a1", 1001, Channel::Webhook),
            message("a2", 1001, Channel::Webhook),
            message("a-sms", 1001, Channel::Sms),
            message("b1", 1003, Channel::Webhook),
        ])
        .await;
        assert_eq!(counts(store).await, (4, 0));
        assert_eq!(next_due(store).await, Some(at(0)));

        assert!(lease(store, ALL, at(-1)).await.is_empty(), "nothing is due yet");
        assert!(lease(store, &[], at(1)).await.is_empty());
        let sms = lease(store, &[Channel::Sms], at(1)).await;
        assert_eq!(ids(&sms), ["a-sms"]);
        let heads = lease(store, ALL, at(1)).await;
        assert_eq!(ids(&heads), ["a1", "b1"]);
        assert!(heads[0].message == message("a1", 1001, Channel::Webhook));
        assert_eq!(heads[0].attempts, 0);
        assert!(lease(store, ALL, at(2)).await.is_empty(), "all heads are leased");
        assert_eq!(next_due(store).await, Some(at(1) + LEASE));

        assert!(delivered(store, &heads[0]).await);
        assert_eq!(next_due(store).await, Some(at(0)), "a2 moved up");
        let second = lease(store, ALL, at(3)).await;
        assert_eq!(ids(&second), ["a2"]);
        for leased in [&second[0], &heads[1], &sms[0]] {
            assert!(delivered(store, leased).await);
        }
        assert_eq!(next_due(store).await, None);
        assert_eq!(counts(store).await, (0, 0));
    }

    async fn failures_hold_their_stream_until_the_next_try(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001]).await;
        enqueue(store, &[
            message("a1", 1001, Channel::Webhook),
            message("a2", 1001, Channel::Webhook),
        ])
        .await;
        let first = lease(store, ALL, at(1)).await.remove(0);
        let mut tx = store.begin().await.unwrap();
        let next = at(100);
        assert!(outbox::failed(&mut tx, first.number, 0, next, "HTTP 500").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(next_due(store).await, Some(next));
        assert!(lease(store, ALL, at(99)).await.is_empty(), "a2 waits for a1");

        let again = lease(store, ALL, at(100)).await;
        assert_eq!(ids(&again), ["a1"]);
        assert_eq!(again[0].attempts, 1);
        let mut tx = store.begin().await.unwrap();
        assert!(outbox::dead(&mut tx, first.number, 1, "gave up").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(counts(store).await, (1, 1));
        assert_eq!(ids(&lease(store, ALL, at(101)).await), ["a2"]);
    }

    async fn a_lease_that_ran_out_passes_to_another_and_fences_the_first(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001]).await;
        enqueue(store, &[message("a1", 1001, Channel::Webhook)]).await;
        let first = lease(store, ALL, at(0)).await.remove(0);
        let second = lease(store, ALL, at(0) + LEASE).await.remove(0);
        assert_eq!((first.number, first.attempts, second.attempts), (second.number, 0, 1));

        assert!(!delivered(store, &first).await);
        let mut tx = store.begin().await.unwrap();
        assert!(!outbox::failed(&mut tx, first.number, 0, at(9), "late").await.unwrap());
        assert!(!outbox::dead(&mut tx, first.number, 0, "late").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(counts(store).await, (1, 0));
        assert!(delivered(store, &second).await);
        assert!(!delivered(store, &second).await, "a report counts once");
        let mut tx = store.begin().await.unwrap();
        assert!(!outbox::dead(&mut tx, first.number, 1, "late").await.unwrap());
    }

    async fn contents_go_when_nothing_needs_them(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001, 1003]).await;
        enqueue(store, &[
            message("delivered webhook", 1001, Channel::Webhook),
            message("delivered sms", 1001, Channel::Sms),
            message("delivered mail", 1001, Channel::Mail),
            message("dead webhook", 1003, Channel::Webhook),
            message("dead sms", 1003, Channel::Sms),
            message("dead mail", 1003, Channel::Mail),
        ])
        .await;
        for leased in lease(store, ALL, at(0)).await {
            let mut tx = store.begin().await.unwrap();
            if leased.message.id.starts_with("dead") {
                assert!(outbox::dead(&mut tx, leased.number, 0, "gone").await.unwrap());
                tx.commit().await.unwrap();
            } else {
                drop(tx);
                assert!(delivered(store, &leased).await);
            }
        }
        // Only the dead webhook's payload is left: made pending, it shows.
        fixture.tamper("UPDATE outbox SET state = 'pending', attempts = 0").await.unwrap();
        let left: HashMap<_, _> = lease(store, ALL, at(0))
            .await
            .into_iter()
            .map(|leased| (leased.message.id, (leased.message.payload, leased.message.secret)))
            .collect();
        assert_eq!(left.len(), 6);
        for (id, (payload, secret)) in left {
            let expected: &[u8] = if id == "dead webhook" { b"{}" } else { b"" };
            assert_eq!((payload.as_slice(), secret), (expected, None), "{id}");
        }
    }

    async fn limits_take_the_longest_due_first(fixture: Fixture) {
        let store = &fixture.store;
        populate(store, &[1001, 1003, 1005]).await;
        let due = |id: &str, request, seconds| OutboxMessage {
            created_at: at(seconds),
            ..message(id, request, Channel::Webhook)
        };
        enqueue(store, &[due("c", 1005, 3), due("b", 1003, 2), due("a", 1001, 1)]).await;
        let mut tx = store.begin().await.unwrap();
        let leased = outbox::lease(&mut tx, ALL, at(9), LEASE, 2).await.unwrap();
        assert_eq!(ids(&leased), ["b", "a"], "by number, out of the two that wait longest");
    }
}
