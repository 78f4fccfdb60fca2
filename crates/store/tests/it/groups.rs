//! Transactions that become durable together.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::on_both;

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
}
