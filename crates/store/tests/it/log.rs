//! The issuance log's rows: one order for all, nothing taken back.

use std::collections::BTreeSet;

use model::certificate::RevocationReason;
use store::log::{self, LogEntry};
use store::register::{self, RegisterFilter};
use store::{Certificate, CertificateState, Store, StoreError};

use crate::{at, on_both};

fn certificate(n: i64) -> Certificate {
    Certificate {
        serial: format!("{n:04x}"),
        number: 501 + n,
        request: None,
        renewal: false,
        issuer: "0c".into(),
        shard: None,
        state: CertificateState::Valid,
        tbs: b"tbs".to_vec(),
        der: Some(b"der".to_vec()),
        sealed_key: None,
        not_before: at(0),
        not_after: at(1000),
        recorded_at: at(n),
        revoked_at: None,
        reason: None::<RevocationReason>,
    }
}

fn entry(n: i64) -> LogEntry {
    LogEntry {
        serial: format!("{n:04x}"),
        commitment: [n as u8; 32],
        sealed_salt: b"salt".to_vec(),
        place: None,
    }
}

async fn enter(store: &Store, numbers: std::ops::Range<i64>) {
    let mut tx = store.begin().await.unwrap();
    for n in numbers {
        store::certificates::insert(&mut tx, &certificate(n))
            .await
            .unwrap();
        log::enter(&mut tx, &entry(n)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Gives places to all that wait, some at a time; the head counts them.
async fn give_places(store: &Store) {
    loop {
        let mut tx = store.begin().await.unwrap();
        let head = log::lock_head(&mut tx).await.unwrap();
        let mut size = i64::from_be_bytes(head.try_into().unwrap());
        let waiting = log::waiting(&mut tx, 3).await.unwrap();
        if waiting.is_empty() {
            return;
        }
        for (serial, commitment) in waiting {
            log::give_place(&mut tx, &serial, size).await.unwrap();
            log::put_node(&mut tx, 0, size, &commitment).await.unwrap();
            size += 1;
        }
        log::put_head(&mut tx, &size.to_be_bytes()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

on_both! {
    async fn two_processes_at_once_keep_one_order(fixture: Fixture) {
        let (one, two) = (fixture.store.clone(), fixture.other().await);
        enter(&one, 0..40).await;
        tokio::join!(give_places(&one), give_places(&two), enter(&two, 40..50));
        give_places(&one).await;
        let mut reader = one.read().await.unwrap();
        let entries = log::entries(&mut reader, 0, 100).await.unwrap();
        let places: Vec<_> = entries.iter().map(|entry| entry.place.unwrap()).collect();
        assert_eq!(places, (0..50).collect::<Vec<_>>());
        let serials: BTreeSet<_> = entries.iter().map(|entry| &entry.serial).collect();
        assert_eq!(serials.len(), 50);
        let nodes = log::nodes(&mut reader, 0, 10, 5).await.unwrap();
        let commitments: Vec<_> = entries[10..15].iter().map(|entry| entry.commitment).collect();
        assert_eq!(nodes, commitments);
    }

    async fn what_is_in_the_log_stays_as_it_is(fixture: Fixture) {
        let store = &fixture.store;
        enter(store, 0..5).await;
        give_places(store).await;
        let mut tx = store.begin().await.unwrap();
        log::put_checkpoint(&mut tx, 5, "note", at(9)).await.unwrap();
        tx.commit().await.unwrap();
        for sql in [
            "UPDATE log_entry SET place = 77 WHERE place = 3",
            "UPDATE log_entry SET commitment = sealed_salt WHERE place = 3",
            "DELETE FROM log_entry WHERE place = 4",
            "UPDATE log_node SET level = 1 WHERE place = 1",
            "DELETE FROM log_node WHERE place = 1",
            "UPDATE log_checkpoint SET note = 'another'",
            "DELETE FROM log_checkpoint",
        ] {
            let refused = fixture.tamper(sql).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
        }
        let mut tx = store.begin().await.unwrap();
        let again = log::enter(&mut tx, &entry(2)).await;
        assert!(matches!(again, Err(StoreError::Duplicate { .. })), "{again:?}");
    }

    async fn a_transaction_that_fails_leaves_no_entry(fixture: Fixture) {
        let mut tx = fixture.store.begin().await.unwrap();
        store::certificates::insert(&mut tx, &certificate(1)).await.unwrap();
        log::enter(&mut tx, &entry(1)).await.unwrap();
        drop(tx);
        let mut reader = fixture.store.read().await.unwrap();
        assert!(log::waiting(&mut reader, 9).await.unwrap().is_empty());
        drop(reader);
        let mut tx = fixture.store.begin().await.unwrap();
        store::certificates::insert(&mut tx, &certificate(1)).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = fixture.store.read().await.unwrap();
        let found = log::without_entry(&mut reader, 9).await.unwrap();
        assert_eq!(found, [("0001".to_owned(), b"der".to_vec())]);
    }

    async fn the_register_is_searched_by_all_that_is_given(fixture: Fixture) {
        let store = &fixture.store;
        enter(store, 0..7).await;
        let mut tx = store.begin().await.unwrap();
        let [a, b, c] = [b"a\xff_____b", b"b_\0_____", b"c_______"].map(|one| *one);
        for (serial, digests) in [("0001", &[a, b][..]), ("0002", &[a]), ("0004", &[b, a])] {
            register::enter(&mut tx, serial, digests).await.unwrap();
        }
        let reason = Some(RevocationReason::Superseded);
        let state = CertificateState::Revoked;
        store::certificates::set_state(&mut tx, "0004", state, Some(at(20)), reason).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = store.read().await.unwrap();
        let both = vec![b, a, a];
        for (filter, expected) in [
            (RegisterFilter::default(), &["0000", "0001", "0002", "0003"][..]),
            (RegisterFilter { digests: both.clone(), ..Default::default() }, &["0001", "0004"]),
            (RegisterFilter { digests: both, state: Some(state), ..Default::default() }, &["0004"]),
            (RegisterFilter { from: Some(at(2)), before: Some(at(4)), ..Default::default() }, &["0002", "0003"]),
            (RegisterFilter { scratchcard: Some("4000001".into()), ..Default::default() }, &[]),
            (RegisterFilter { digests: vec![c], ..Default::default() }, &[]),
        ] {
            let found = register::find(&mut reader, &filter, None, 4).await.unwrap();
            let serials: Vec<_> = found.iter().map(|row| row.serial.as_str()).collect();
            assert_eq!(serials, expected, "{filter:?}");
        }
        let all = RegisterFilter::default();
        let rest = register::find(&mut reader, &all, Some((at(3), "0003")), 9).await.unwrap();
        let serials: Vec<_> = rest.iter().map(|row| row.serial.as_str()).collect();
        assert_eq!(serials, ["0004", "0005", "0006"]);
        assert_eq!((rest[0].state, rest[0].revoked_at), (state, Some(at(20))));
    }
}
