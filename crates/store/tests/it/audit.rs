//! The audit log: order, chain, and what happens to whoever touches it.

use model::RequestPk;
use store::audit::{self, VerifyError};
use store::{AuditEntry, ChainedEntry, Store};

use crate::{Home, at, on_both};

fn entry(n: i64, request: Option<i64>) -> AuditEntry {
    AuditEntry {
        at: at(n) + time::Duration::nanoseconds(77),
        actor: "officer 1".to_owned(),
        action: "переход".to_owned(),
        request: request.map(RequestPk),
        details: format!(r#"{{"n":{n}}}"#),
    }
}

async fn append(store: &Store, entries: &[AuditEntry]) -> Vec<ChainedEntry> {
    let mut tx = store.begin().await.unwrap();
    let mut chained = Vec::new();
    for entry in entries {
        chained.push(audit::append(&mut tx, entry).await.unwrap());
    }
    tx.commit().await.unwrap();
    chained
}

fn drop_triggers(home: &Home) -> &'static str {
    match home {
        Home::Sqlite(_) => "DROP TRIGGER audit_keeps_entries; DROP TRIGGER audit_loses_nothing;",
        Home::Postgres(_) => {
            "DROP TRIGGER audit_keeps_entries ON audit; DROP TRIGGER audit_loses_nothing ON audit;"
        }
    }
}

on_both! {
    async fn entries_come_back_in_order(fixture: Fixture) {
        let store = &fixture.store;
        let empty = audit::verify(store).await.unwrap();
        assert_eq!((empty.entries, empty.head), (0, [0; 32]));
        let chained = append(store, &[entry(1, Some(1001)), entry(2, None), entry(3, Some(1001))])
            .await;
        assert_eq!(chained[0].previous, [0; 32]);
        assert_eq!(chained[1].previous, chained[0].hash);
        assert_eq!(chained[0].entry.at, at(1), "with the precision that is stored");

        let mut reader = store.read().await.unwrap();
        assert_eq!(audit::page(&mut reader, 0, 10).await.unwrap(), chained);
        assert_eq!(audit::page(&mut reader, 1, 1).await.unwrap(), chained[1..2]);
        let of_request = audit::of_request(&mut reader, RequestPk(1001)).await.unwrap();
        assert_eq!(of_request, [chained[0].clone(), chained[2].clone()]);
        let verified = audit::verify(store).await.unwrap();
        assert_eq!((verified.entries, verified.head), (3, chained[2].hash));
    }

    async fn an_entry_is_there_only_with_its_transaction(fixture: Fixture) {
        let mut tx = fixture.store.begin().await.unwrap();
        audit::append(&mut tx, &entry(1, None)).await.unwrap();
        drop(tx);
        let chained = append(&fixture.store, &[entry(2, None)]).await;
        assert_eq!(chained[0].number, 1);
        assert_eq!(audit::verify(&fixture.store).await.unwrap().entries, 1);
    }

    async fn the_database_refuses_changes(fixture: Fixture) {
        append(&fixture.store, &[entry(1, None)]).await;
        let refused = async |sql: &str| {
            let error = fixture.tamper(sql).await.unwrap_err();
            assert!(error.to_string().contains("append-only"), "{sql}: {error}");
        };
        refused("UPDATE audit SET actor = 'nobody'").await;
        refused("DELETE FROM audit").await;
        if matches!(fixture.home, Home::Postgres(_)) {
            refused("TRUNCATE audit").await;
        }
        assert_eq!(audit::verify(&fixture.store).await.unwrap().entries, 1);
    }

    async fn whatever_is_changed_behind_its_back_is_found(fixture: Fixture) {
        // More than one page of the verification.
        let entries: Vec<_> = (0..700).map(|n| entry(n, Some(1001 + n % 5))).collect();
        append(&fixture.store, &entries).await;
        fixture.tamper(drop_triggers(&fixture.home)).await.unwrap();
        let hash = match fixture.home {
            Home::Sqlite(_) => "zeroblob(32)",
            Home::Postgres(_) => "decode(repeat('00', 32), 'hex')",
        };
        let cases = [
            ("UPDATE audit SET actor = 'officer 2' WHERE number = 3", 3, "content"),
            ("UPDATE audit SET action = 'Переход' WHERE number = 4", 4, "content"),
            ("UPDATE audit SET details = '{}' WHERE number = 699", 699, "content"),
            ("UPDATE audit SET at = at + 1 WHERE number = 1", 1, "content"),
            ("UPDATE audit SET request = NULL WHERE number = 600", 600, "content"),
            ("UPDATE audit SET hash = ZEROS WHERE number = 513", 513, "content"),
            ("UPDATE audit SET previous = ZEROS WHERE number = 512", 512, "follow"),
            ("DELETE FROM audit WHERE number = 512", 512, "missing"),
            ("UPDATE audit SET number = 701 WHERE number = 1", 1, "missing"),
            ("DELETE FROM audit WHERE number = 700", 700, "head"),
            ("DELETE FROM audit", 1, "head"),
            ("UPDATE audit_head SET number = 699", 700, "head"),
            ("UPDATE audit_head SET hash = ZEROS", 701, "head"),
        ];
        fixture
            .tamper(
                "CREATE TABLE kept AS SELECT * FROM audit; \
                 CREATE TABLE kept_head AS SELECT * FROM audit_head",
            )
            .await
            .unwrap();
        for (change, expected, word) in cases {
            fixture.tamper(&change.replace("ZEROS", hash)).await.unwrap();
            match audit::verify(&fixture.store).await {
                Err(VerifyError::Broken { number, why }) => {
                    assert_eq!(number, expected, "{change}");
                    assert!(why.contains(word), "{change}: {why}");
                }
                other => panic!("{change}: {other:?}"),
            }
            fixture
                .tamper(
                    "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; \
                     DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head",
                )
                .await
                .unwrap();
            assert_eq!(audit::verify(&fixture.store).await.unwrap().entries, 700, "{change}");
        }
    }
}

/// The chain as its documentation describes it, computed by software that is not ours.
const CHAIN: &str = r#"
import hashlib, sqlite3, sys
chain = bytes(32)
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT number, at, actor, action, request, details FROM audit ORDER BY number")
for number, at, actor, action, request, details in rows:
    fields = [number.to_bytes(8, "big"), at.to_bytes(8, "big"), actor.encode(), action.encode(),
              b"" if request is None else request.to_bytes(8, "big"), details.encode(), chain]
    data = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    chain = hashlib.sha256(b"avouch audit entry 1\n" + data).digest()
print(chain.hex())
"#;

#[tokio::test]
async fn the_chain_is_the_documented_one() {
    let fixture = crate::Fixture::new(Home::sqlite()).await;
    let entries = [entry(1, Some(1001)), entry(2, None), entry(3, Some(1003))];
    append(&fixture.store, &entries).await;
    let head = audit::verify(&fixture.store).await.unwrap().head;
    fixture.store.close().await;
    let file = fixture.file();
    let arguments = ["-c".into(), CHAIN.into(), file.into_os_string()];
    let computed = testkit::run("python3", arguments, b"").must_accept().text();
    let head: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(computed.trim(), head);
}
