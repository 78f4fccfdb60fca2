//! A database of an earlier version keeps everything.

use model::otp::Purpose;
use model::{RaId, RaoId, RequestPk, SecureElement, Status, Workflow};
use sqlx::Connection;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgConnection, SqlSafeStr, SqliteConnection};
use store::register::RegisterFilter;
use store::{CertificateState, Credential, Store};

use crate::{Home, authority, officer};

const PK: RequestPk = RequestPk(1001);

#[tokio::test]
async fn sqlite() {
    version_1_becomes_the_newest(Home::sqlite()).await;
    what_the_register_found_is_still_found(Home::sqlite()).await;
}

#[tokio::test]
async fn postgres() {
    version_1_becomes_the_newest(Home::postgres()).await;
    what_the_register_found_is_still_found(Home::postgres()).await;
}

async fn version_1_becomes_the_newest(home: Home) {
    run(&home, 1).await;
    home.tamper(&rows(&home)).await.unwrap();
    let store = Store::open(&home.url()).await.unwrap();
    assert_eq!(store.health().await.unwrap().schema_version, 5);
    let mut tx = store.begin().await.unwrap();

    let authorities = store::authorities::list(&mut tx).await.unwrap();
    let names: Vec<_> = authorities
        .iter()
        .map(|found| found.name.as_str())
        .collect();
    assert_eq!(names, ["Same", "Same (2)", "Other"], "names are unique now");
    let kept = &authorities[0];
    assert_eq!(kept.webhook_url.as_deref(), Some("https://example.test/"));
    assert_eq!(kept.external_unlock, ["bank"]);
    assert_eq!((kept.parent, kept.particulars.as_str()), (None, "{}"));
    assert_eq!(kept.settings, authority(1).settings);

    let first = store::officers::get(&mut tx, RaoId(1))
        .await
        .unwrap()
        .unwrap();
    let expected = store::Officer {
        username: "first".to_owned(),
        serial: Some("bb".to_owned()),
        created_at: first.created_at,
        ..officer(1, 1)
    };
    assert!(first == expected);
    let second = store::officers::get(&mut tx, RaoId(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((second.serial, second.authorities), (None, vec![RaId(2)]));
    for (username, serial, key) in [("first", "bb", 7), ("second", "", 8)] {
        let found = store::credentials::get(&mut tx, username)
            .await
            .unwrap()
            .unwrap();
        let expected = Credential {
            username: username.to_owned(),
            request: None,
            serial: serial.to_owned(),
            password_hash: format!("hash of {username}"),
            wrapped_key: vec![key; 2],
            recovery_key: None,
            under_master: false,
            failures: 0,
            pin_failures: 0,
            blocked_until: None,
            created_at: first.created_at,
        };
        assert!(found == expected, "{username}");
    }

    let request = store::requests::get(&mut tx, PK).await.unwrap().unwrap();
    assert_eq!(
        (request.status, request.workflow),
        (Status::Issued, Workflow::OneShot)
    );
    assert_eq!(
        (request.scratchcard.as_str(), request.officer),
        ("4000001", Some(RaoId(1)))
    );
    assert_eq!(request.secure_element, SecureElement::Cloud);
    assert_eq!(
        (request.data_key, request.subject),
        (vec![1, 2], vec![3, 4])
    );
    assert!(!request.paperless && !request.renewal_enabled && request.renewals == 0);

    let otp = store::otps::get(&mut tx, PK, Purpose::Sign)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((otp.salt, otp.digest), ([0xaa; 16], [0xbb; 32]));
    assert_eq!((otp.state.attempts_left, otp.state.consumed), (3, true));
    assert_eq!(
        (otp.state.binding, otp.state.failures),
        (Some([0xcc; 32]), 0)
    );
    assert!(
        store::otps::get(&mut tx, PK, Purpose::Enrol)
            .await
            .unwrap()
            .is_none()
    );

    let mut numbers = Vec::new();
    for serial in ["cc", "bb", "aa"] {
        let found = store::certificates::get(&mut tx, serial)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.renewal, found.reason), (false, None));
        numbers.push((found.number, found.state));
    }
    let states = [
        CertificateState::Valid,
        CertificateState::Valid,
        CertificateState::Revoked,
    ];
    assert!(
        numbers.into_iter().eq((501..).zip(states)),
        "in the order of their records"
    );
    assert_eq!(
        store::certificates::next_number(&mut tx).await.unwrap(),
        504
    );

    let images = store::evidence::images(&mut tx, PK).await.unwrap();
    assert_eq!((images.len(), images[0].number), (1, None));
    let paper = store::papers::get(&mut tx, PK, store::PaperKind::Contract)
        .await
        .unwrap();
    let paper = paper.unwrap();
    assert_eq!((paper.number, paper.unsigned.blob.as_str()), (None, "u"));
    assert_eq!(store::sequence::next(&mut tx).await.unwrap(), 1003);
}

async fn what_the_register_found_is_still_found(home: Home) {
    run(&home, 4).await;
    let (ana, number, eva) = ("a1".repeat(32), "b0".repeat(32), "c3".repeat(32));
    let rows = format!(
        "INSERT INTO certificate (serial, number, state, tbs, der, not_before, not_after,
            recorded_at) VALUES
            ('aa', 501, 'valid', #3001#, #3002#, 0, 1, 7000),
            ('bb', 502, 'valid', #3003#, #3004#, 0, 1, 7000),
            ('cc', 503, 'recorded', #3005#, NULL, 0, 1, 7000);
         INSERT INTO register_index VALUES ('{number}', 'aa'), ('{ana}', 'bb'), ('{ana}', 'aa'),
            ('{eva}', 'bb');"
    );
    home.tamper(&with_bytes(&home, &rows)).await.unwrap();
    let store = Store::open(&home.url()).await.unwrap();
    let mut reader = store.read().await.unwrap();
    for (digests, expected) in [
        (vec![0xa1], &["aa", "bb"][..]),
        (vec![0xa1, 0xb0], &["aa"]),
        (vec![0xb0, 0xc3], &[]),
    ] {
        let filter = RegisterFilter {
            digests: digests.into_iter().map(|byte| [byte; 8]).collect(),
            ..RegisterFilter::default()
        };
        let found = store::register::find(&mut reader, &filter, None, 9).await;
        let serials: Vec<_> = found.unwrap().into_iter().map(|row| row.serial).collect();
        assert_eq!(serials, expected);
    }
    for (serial, tbs) in [("aa", &[][..]), ("cc", &[0x30, 0x05])] {
        let found = store::certificates::get(&mut reader, serial).await.unwrap();
        assert_eq!(found.unwrap().tbs, tbs, "{serial}");
    }
}

/// Runs the migrations up to a version, as the program of that time did.
async fn run(home: &Home, version: usize) {
    macro_rules! migrator {
        ($engine:literal) => {
            migrator!($engine, "0001_foundation", "0002_registration", "0003_signatures", "0004_guesses")
        };
        ($engine:literal, $($file:literal),*) => {
            Migrator::with_migrations(
                [$(($file, include_str!(concat!("../../migrations/", $engine, "/", $file, ".sql")))),*]
                    .into_iter()
                    .zip(1..)
                    .take(version)
                    .map(|((file, sql), number)| {
                        let sql = sql.into_sql_str();
                        Migration::new(number, file.into(), MigrationType::Simple, sql, false)
                    })
                    .collect(),
            )
        };
    }
    let url = home.url();
    match home {
        Home::Sqlite(_) => {
            let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc"))
                .await
                .unwrap();
            migrator!("sqlite")
                .run_direct(None, &mut connection, false)
                .await
                .unwrap();
        }
        Home::Postgres(_) => {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            migrator!("postgres")
                .run_direct(None, &mut connection, false)
                .await
                .unwrap();
        }
    }
}

/// What such a database may hold. Bytes are written as `#hexadecimal#`.
fn rows(home: &Home) -> String {
    let rows = format!(
        "INSERT INTO authority VALUES
            (1, 'Same', 'https://example.test/', 'status', #00ff#, 1, '[\"bank\"]', 5000),
            (2, 'Same', NULL, 'event', NULL, 0, '[]', 5000),
            (3, 'Other', NULL, 'event', NULL, 0, '[]', 5000);
         INSERT INTO officer VALUES
            (1, 1, 'first', 'hash of first', 'Zoë', 'Ångström', NULL, 'IDCES-00000000T', #3000#,
             #0707#, 6000),
            (2, 2, 'second', 'hash of second', 'A', 'B', 'C', 'IDCES-1', #3001#, #0808#, 6000);
         INSERT INTO request VALUES (1001, 1002, 'abc', '4000001', 'ISSUED', 1, 'natural',
            'sandbox', NULL, NULL, #0102#, #0304#, NULL, NULL, 1, NULL, 7000, 7000);
         UPDATE sequence SET next = 1003 WHERE name = 'request';
         INSERT INTO certificate VALUES
            ('aa', 1001, 'revoked', #30#, NULL, NULL, 0, 1, 9000, 9001),
            ('bb', NULL, 'valid', #30#, #3000#, NULL, 0, 1, 8000, NULL),
            ('cc', 1001, 'valid', #30#, #3002#, NULL, 0, 1, 7000, NULL);
         INSERT INTO otp VALUES (1001, #{salt}#, #{digest}#, 1, 2, 3, 1, #{binding}#);
         INSERT INTO evidence_image VALUES
            (1001, 'document_front', 'i', #{digest}#, 1, 'image/png', 1, 1);
         INSERT INTO paper VALUES (1001, 'contract', 'u', #{digest}#, 1, 'a', #{digest}#, 1, NULL,
            NULL, NULL);",
        salt = "aa".repeat(16),
        digest = "bb".repeat(32),
        binding = "cc".repeat(32),
    );
    with_bytes(home, &rows)
}

/// Writes bytes given as `#hexadecimal#` in the engine's way.
fn with_bytes(home: &Home, rows: &str) -> String {
    let (open, close) = match home {
        Home::Sqlite(_) => ("x'", "'"),
        Home::Postgres(_) => ("decode('", "', 'hex')"),
    };
    let parts: Vec<_> = rows.split('#').collect();
    parts
        .chunks(2)
        .map(|pair| match pair {
            [text, hex] => format!("{text}{open}{hex}{close}"),
            rest => rest.concat(),
        })
        .collect()
}
