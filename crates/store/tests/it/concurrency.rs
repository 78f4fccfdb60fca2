//! Several transactions, and several processes, at once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use model::{RaId, RequestPk};
use store::{AuditEntry, Channel, Store, audit, outbox};
use time::Duration;

use crate::registration::credential;
use crate::{Fixture, Home, at, insert_request, message, on_both, populate, scratchcard};

on_both! {
    async fn locked_changes_are_never_lost(fixture: Fixture) {
        const TASKS: u8 = 8;
        populate(&fixture.store, &[1001]).await;
        let other = fixture.other().await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let store = if task % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tasks.spawn(async move {
                for _ in 0..4 {
                    let mut tx = store.begin().await.unwrap();
                    let pk = RequestPk(1001);
                    let mut request =
                        store::requests::lock(&mut tx, pk).await.unwrap().unwrap();
                    request.refuse_reason.get_or_insert_default().push(task);
                    store::requests::update(&mut tx, &request).await.unwrap();
                    tx.commit().await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        let mut reader = fixture.store.read().await.unwrap();
        let request = store::requests::get(&mut reader, RequestPk(1001)).await.unwrap().unwrap();
        assert_eq!(request.refuse_reason.unwrap().len(), usize::from(TASKS) * 4);
    }

    async fn tries_are_counted_whoever_makes_them(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        store::credentials::insert(&mut tx, &credential("first")).await.unwrap();
        tx.commit().await.unwrap();
        let other = fixture.other().await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..8 {
            let store = if task % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tasks.spawn(async move {
                let mut tx = store.begin().await.unwrap();
                let locked = store::credentials::lock(&mut tx, "first").await;
                let mut credential = locked.unwrap().unwrap();
                credential.pin_failures += 1;
                store::credentials::update(&mut tx, &credential).await.unwrap();
                tx.commit().await.unwrap();
            });
        }
        tasks.join_all().await;
        let mut reader = fixture.store.read().await.unwrap();
        let credential = store::credentials::get(&mut reader, "first").await.unwrap().unwrap();
        assert_eq!(credential.pin_failures, 8);
    }

    async fn a_card_goes_to_one_request_only(fixture: Fixture) {
        let requests: Vec<_> = (0..8).map(|n| 1001 + 2 * n).collect();
        populate(&fixture.store, &requests).await;
        let mut tx = fixture.store.begin().await.unwrap();
        for n in 1..=10 {
            let card = scratchcard(300 + n, &n.to_string());
            store::scratchcards::insert(&mut tx, &card).await.unwrap();
        }
        tx.commit().await.unwrap();
        let other = fixture.other().await;
        let mut tasks = tokio::task::JoinSet::new();
        for (n, request) in requests.into_iter().enumerate() {
            let store = if n % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tasks.spawn(async move {
                let mut tx = store.begin().await.unwrap();
                let sn = loop {
                    let first = store::scratchcards::first_unused(&mut tx, RaId(1)).await;
                    let sn = first.unwrap().unwrap().sn;
                    let claim =
                        store::scratchcards::claim(&mut tx, &sn, RaId(1), RequestPk(request));
                    if claim.await.unwrap() {
                        break sn;
                    }
                };
                tx.commit().await.unwrap();
                sn.parse::<i64>().unwrap()
            });
        }
        let taken: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
        assert!(taken.into_iter().eq(1..=8), "the lowest, each once");
    }

    async fn numbers_are_given_out_once(fixture: Fixture) {
        let other = fixture.other().await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..6 {
            let store = if task % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tasks.spawn(async move {
                let mut taken = Vec::new();
                for _ in 0..5 {
                    let mut tx = store.begin().await.unwrap();
                    taken.push(store::sequence::next(&mut tx).await.unwrap());
                    taken.push(store::sequence::next(&mut tx).await.unwrap());
                    tx.commit().await.unwrap();
                }
                taken
            });
        }
        let taken: BTreeSet<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert!(taken.into_iter().eq(1001..1061));
    }

    async fn entries_chain_whoever_appends_them(fixture: Fixture) {
        let other = fixture.other().await;
        populate(&fixture.store, &[1001]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..6 {
            let store = if task % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tasks.spawn(async move {
                for n in 0..5 {
                    let mut tx = store.begin().await.unwrap();
                    // As the use cases do: the request first, the log last.
                    store::requests::lock(&mut tx, RequestPk(1001)).await.unwrap();
                    audit::append(&mut tx, &AuditEntry {
                        at: at(n),
                        actor: format!("task {task}"),
                        action: "test".to_owned(),
                        request: Some(RequestPk(1001)),
                        details: "{}".to_owned(),
                    })
                    .await
                    .unwrap();
                    tx.commit().await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(audit::verify(&fixture.store).await.unwrap().entries, 30);
    }

    /// Whoever leases, each message is leased once, and each stream in order.
    async fn leases_are_disjoint(fixture: Fixture) {
        const REQUESTS: i64 = 12;
        const EACH: i64 = 3;
        let requests: Vec<_> = (0..REQUESTS).map(|n| 1001 + 2 * n).collect();
        populate(&fixture.store, &requests).await;
        let mut tx = fixture.store.begin().await.unwrap();
        for n in 0..EACH {
            for request in &requests {
                let id = format!("{request} {n}");
                outbox::enqueue(&mut tx, &message(&id, *request, Channel::Webhook)).await.unwrap();
            }
        }
        tx.commit().await.unwrap();

        let other = fixture.other().await;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4 {
            let store = if task % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tasks.spawn(drain(store, sent.clone()));
        }
        tasks.join_all().await;
        let sent = sent.lock().unwrap();
        let once: BTreeSet<_> = sent.iter().collect();
        assert_eq!((sent.len(), once.len()), (36, 36), "each once");
    }

    /// Killed between writing and committing: what was committed is there, the rest never was.
    async fn a_killed_process_loses_only_what_it_did_not_commit(fixture: Fixture) {
        populate(&fixture.store, &[]).await;
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "concurrency::victim", "--nocapture", "--ignored"])
            .env(VICTIM, &fixture.url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(victim.stdout.take().unwrap()).lines();
        assert!(said.map_while(Result::ok).any(|line| line.contains("half-way")));
        victim.kill().unwrap();
        victim.wait().unwrap();

        // Its lock went with it: this would wait for ever otherwise.
        let mut tx = fixture.store.begin().await.unwrap();
        assert!(store::requests::lock(&mut tx, RequestPk(1001)).await.unwrap().is_some());
        assert!(store::requests::get(&mut tx, RequestPk(1003)).await.unwrap().is_none());
        insert_request(&mut tx, 1003).await;
        tx.commit().await.unwrap();
    }
}

/// Leases and delivers until nothing is left. Notes what it sends before it reports it, so that
/// whoever leases the next one of a stream finds all earlier ones noted.
async fn drain(store: Store, sent: Arc<Mutex<Vec<String>>>) {
    loop {
        let mut tx = store.begin().await.unwrap();
        let lease_for = Duration::hours(1);
        let leased = outbox::lease(&mut tx, &[Channel::Webhook], at(0), lease_for, 2)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        for leased in &leased {
            let (request, n) = leased.message.id.split_once(' ').unwrap();
            {
                let mut sent = sent.lock().unwrap();
                for earlier in 0..n.parse().unwrap() {
                    assert!(
                        sent.contains(&format!("{request} {earlier}")),
                        "{request} {n}"
                    );
                }
                sent.push(leased.message.id.clone());
            }
            let mut tx = store.begin().await.unwrap();
            let ours = outbox::delivered(&mut tx, leased.number, leased.attempts)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            assert!(ours);
        }
        let mut reader = store.read().await.unwrap();
        if leased.is_empty() && outbox::counts(&mut reader).await.unwrap().pending == 0 {
            return;
        }
    }
}

/// Set in the process that is to be killed: the database's URL.
const VICTIM: &str = "STORE_TEST_VICTIM_URL";

#[tokio::test]
#[ignore = "a_killed_process_loses_only_what_it_did_not_commit runs it in a process of its own"]
async fn victim() {
    let url = std::env::var(VICTIM).expect("the database to write to");
    let store = Store::open(&url).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    insert_request(&mut tx, 1001).await;
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    store::requests::lock(&mut tx, RequestPk(1001))
        .await
        .unwrap();
    insert_request(&mut tx, 1003).await;
    println!("half-way");
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_a_new_database_at_once() {
    for home in [Home::sqlite(), Home::postgres()] {
        let url = home.url();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let url = url.clone();
            tasks.spawn(async move {
                let store = Store::open(&url).await.unwrap();
                store.health().await.unwrap().schema_version
            });
        }
        assert_eq!(tasks.join_all().await, [5; 5]);
        // The home is still there: the database goes with it.
        drop(Fixture::new(home).await);
    }
}
