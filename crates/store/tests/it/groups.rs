//! Transactions that become durable together.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use store::{AuditEntry, Store, audit};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{at, on_both};

/// Nothing here takes long; what hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

on_both! {
    async fn of_many_at_once_each_stands_or_falls_alone(fixture: Fixture) {
        let mut tasks = JoinSet::new();
        for task in 0..200_u32 {
            let store = fixture.store.clone();
            tasks.spawn(async move {
                let mut tx = store.begin().await.unwrap();
                let taken = store::sequence::next(&mut tx).await.unwrap();
                match task % 4 {
                    // Dropped: undone.
                    0 => None,
                    // A statement that fails undoes nothing but itself.
                    1 => {
                        let pk = model::RequestPk(-1);
                        assert!(store::requests::lock(&mut tx, pk).await.unwrap().is_none());
                        tx.commit().await.unwrap();
                        Some(taken)
                    }
                    _ => {
                        tx.commit().await.unwrap();
                        Some(taken)
                    }
                }
            });
        }
        let taken = timeout(PATIENCE, tasks.join_all()).await.expect("nobody hangs");
        let mut taken: Vec<_> = taken.into_iter().flatten().collect();
        taken.sort_unstable();
        // What was given up was given to somebody else.
        let expected: Vec<i64> = (1001..1001 + 150).collect();
        assert_eq!(taken, expected);
    }

    async fn whoever_leaves_the_queue_holds_nobody_up(fixture: Fixture) {
        for round in 0..20 {
            let first = fixture.store.begin().await.unwrap();
            let mut waiting = JoinSet::new();
            for _ in 0..4 {
                let store = fixture.store.clone();
                waiting.spawn(async move { store.begin().await.map(drop) });
            }
            // They are in the queue, or soon will be: both must do.
            tokio::time::sleep(Duration::from_millis(round)).await;
            let commit = tokio::spawn(first.commit());
            waiting.abort_all();
            timeout(PATIENCE, commit).await.expect("nobody hangs").unwrap().unwrap();
            while waiting.join_next().await.is_some() {}
        }
        let mut tx = timeout(PATIENCE, fixture.store.begin()).await.expect("a turn").unwrap();
        store::settings::put(&mut tx, "{}").await.unwrap();
        timeout(PATIENCE, tx.commit()).await.expect("nobody hangs").unwrap();
    }

    async fn a_caller_that_goes_away_while_it_commits_harms_nobody(fixture: Fixture) {
        let mut tasks = JoinSet::new();
        for task in 0..60_u64 {
            let store = fixture.store.clone();
            tasks.spawn(async move {
                let mut tx = store.begin().await.unwrap();
                store::sequence::next(&mut tx).await.unwrap();
                if task % 3 == 0 {
                    let _ = timeout(Duration::from_micros(50 * task), tx.commit()).await;
                    false
                } else {
                    tx.commit().await.unwrap();
                    true
                }
            });
        }
        let kept = timeout(PATIENCE, tasks.join_all()).await.expect("nobody hangs");
        let kept = kept.into_iter().filter(|kept| *kept).count() as i64;
        let mut tx = fixture.store.begin().await.unwrap();
        let next = store::sequence::next(&mut tx).await.unwrap();
        assert!(next >= 1001 + kept, "what was told to be durable is: {next}");
    }

    async fn nobody_sees_what_is_not_committed(fixture: Fixture) {
        let mut first = fixture.store.begin().await.unwrap();
        store::settings::put(&mut first, "{\"seen\":1}").await.unwrap();
        let store = fixture.store.clone();
        let second = tokio::spawn(async move {
            let tx = store.begin().await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            tx.commit().await.unwrap();
        });
        let mut reader = fixture.store.read().await.unwrap();
        assert_eq!(store::settings::get(&mut reader).await.unwrap(), None);
        drop(reader);
        first.commit().await.unwrap();
        let mut reader = fixture.store.read().await.unwrap();
        assert!(store::settings::get(&mut reader).await.unwrap().is_some());
        drop(reader);
        timeout(PATIENCE, second).await.expect("nobody hangs").unwrap();
    }

    /// Killed while groups of transactions are on their way to the disk.
    async fn what_a_crowd_was_told_is_there_after_a_kill(fixture: Fixture) {
        const ENOUGH: usize = 400;
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "groups::victim", "--nocapture", "--ignored"])
            .env(VICTIM, &fixture.url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(victim.stdout.take().unwrap()).lines();
        let said = said.map_while(Result::ok);
        let told = |line: String| line.strip_prefix("told ").map(str::to_owned);
        let mut said = said.filter_map(told);
        let mut promised: BTreeSet<_> = said.by_ref().take(ENOUGH).collect();
        victim.kill().unwrap();
        victim.wait().unwrap();
        promised.extend(said);
        assert!(promised.len() >= ENOUGH);

        audit::verify(&fixture.store).await.expect("the chain holds");
        let mut reader = fixture.store.read().await.unwrap();
        let entries = audit::page(&mut reader, 0, i64::MAX).await.unwrap();
        let kept: BTreeSet<_> = entries.into_iter().map(|one| one.entry.details).collect();
        let lost: Vec<_> = promised.difference(&kept).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

/// Pages of 4 KiB: the log starts again at 8000, and those who write meanwhile come to some more.
const LONGEST_LOG: u64 = 12_000 * 4096;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_short_while_many_write_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let log = folder.path().join("db-wal");
    let store = Store::open(path.to_str().unwrap()).await.unwrap();
    // Tens of thousands of pages in all, however the transactions fall together.
    let mut crowd = JoinSet::new();
    for _ in 0..4 {
        let (store, log) = (store.clone(), log.clone());
        crowd.spawn(async move {
            for number in 0..1600 {
                // What is the same already is not written again.
                let text = format!("{number:04}").repeat(16 * 1024);
                let mut tx = store.begin().await.unwrap();
                store::settings::put(&mut tx, &text).await.unwrap();
                tx.commit().await.unwrap();
                let mut reader = store.read().await.unwrap();
                assert!(store::settings::get(&mut reader).await.unwrap().is_some());
                let length = std::fs::metadata(&log).unwrap().len();
                assert!(length < LONGEST_LOG, "{length}");
            }
        });
    }
    timeout(PATIENCE, crowd.join_all())
        .await
        .expect("nobody hangs");
    store.close().await;
    assert!(!log.exists(), "what is closed is folded in");
}

/// Set in the process that is to be killed: the database's URL.
const VICTIM: &str = "STORE_TEST_CROWD_URL";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "what_a_crowd_was_told_is_there_after_a_kill runs it in a process of its own"]
async fn victim() {
    let url = std::env::var(VICTIM).expect("the database to write to");
    let store = Store::open(&url).await.unwrap();
    let mut crowd = JoinSet::new();
    for client in 0..16 {
        let store = store.clone();
        crowd.spawn(async move {
            for number in 0.. {
                let entry = AuditEntry {
                    at: at(0),
                    actor: "system".to_owned(),
                    action: "tried".to_owned(),
                    request: None,
                    details: format!("{client}-{number}"),
                };
                let mut tx = store.begin().await.unwrap();
                audit::append(&mut tx, &entry).await.unwrap();
                tx.commit().await.unwrap();
                println!("told {}", entry.details);
            }
        });
    }
    crowd.join_all().await;
}
