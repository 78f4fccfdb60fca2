//! Opening: what is created, what is refused.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use model::RequestPk;
use store::{Health, Store, StoreError};

use crate::{Fixture, Home, authority, on_both, populate};

on_both! {
    async fn everything_is_there_after_reopening(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let before = fixture.store.health().await.unwrap();
        assert_eq!(before, Health { engine: fixture.store.engine(), schema_version: 5 });
        fixture.store.close().await;
        assert!(fixture.store.health().await.is_err(), "it was closed");

        let store = fixture.other().await;
        assert_eq!(store.health().await.unwrap(), before);
        let mut reader = store.read().await.unwrap();
        let request = store::requests::get(&mut reader, RequestPk(1001)).await.unwrap();
        assert!(request.is_some());
    }

    async fn a_newer_database_is_left_alone(fixture: Fixture) {
        fixture.store.close().await;
        fixture
            .tamper(
                "INSERT INTO _sqlx_migrations \
                 SELECT 99, 'later', installed_on, success, checksum, 0 FROM _sqlx_migrations \
                 WHERE version = 1",
            )
            .await
            .unwrap();
        let error = Store::open(&fixture.url).await.err().expect("it must be refused");
        assert!(matches!(error, StoreError::Newer { found: 99, known: 5 }), "{error:?}");
        assert!(error.to_string().contains("newer version of the program"), "{error}");
    }

    async fn a_database_made_by_other_migrations_is_refused(fixture: Fixture) {
        fixture.store.close().await;
        let zeros = match fixture.home {
            Home::Sqlite(_) => "zeroblob(48)",
            Home::Postgres(_) => "'\\x00'",
        };
        fixture
            .tamper(&format!("UPDATE _sqlx_migrations SET checksum = {zeros}"))
            .await
            .unwrap();
        let error = Store::open(&fixture.url).await.err().expect("it must be refused");
        assert!(
            matches!(&error, StoreError::Corrupt { what } if what.contains("migration 1")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_only() {
    let fixture = Fixture::new(Home::sqlite()).await;
    populate(&fixture.store, &[1001]).await;
    let folder = fixture.file();
    let folder = folder.parent().unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        ["db", "db-shm", "db-wal"],
        "write-ahead logging is on"
    );
    fixture.store.close().await;
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        1,
        "the log was folded in"
    );
}

#[tokio::test]
async fn erased_values_do_not_linger_in_the_file() {
    let fixture = Fixture::new(Home::sqlite()).await;
    populate(&fixture.store, &[1001]).await;
    let secret = b"a data key that must go away";
    for data_key in [secret.to_vec(), Vec::new()] {
        let mut tx = fixture.store.begin().await.unwrap();
        let request = store::requests::lock(&mut tx, RequestPk(1001))
            .await
            .unwrap()
            .unwrap();
        let changed = store::Request {
            data_key,
            ..request
        };
        store::requests::update(&mut tx, &changed).await.unwrap();
        tx.commit().await.unwrap();
    }
    fixture.store.close().await;
    let bytes = std::fs::read(fixture.file()).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret));
}

#[tokio::test]
async fn a_bare_path_and_both_forms_of_url_name_the_same_file() {
    let home = Home::sqlite();
    let url = home.url();
    let path = url.strip_prefix("sqlite:").unwrap();
    Store::open(&url).await.unwrap().close().await;
    for form in [path.to_owned(), format!("sqlite://{path}")] {
        assert_eq!(Store::open(&form).await.unwrap().engine(), "SQLite");
    }
    let folder = std::path::Path::new(path).parent().unwrap();
    assert!(std::fs::read_dir(folder).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.starts_with("db")
    }));
}

#[tokio::test]
async fn what_is_no_database_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "not a database ".repeat(1000)).unwrap();
    let error = Store::open(text.to_str().unwrap()).await.err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");

    let nowhere = folder.path().join("no/such/folder");
    let error = Store::open(nowhere.to_str().unwrap()).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");

    // Port 1 of this machine answers nobody.
    let error = Store::open("postgres://a:hunter2@127.0.0.1:1/b")
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));

    let error = Store::open("postgres://a:hunter2@host:port/b")
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Url(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

/// A file system of 2 MiB of its own, where the test may mount one.
#[tokio::test]
async fn a_full_disk_is_told_from_other_failures_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
        .arg(folder.path())
        .output();
    let Ok(true) = mounted.map(|output| output.status.success()) else {
        eprintln!("not run: mounting a small file system needs root");
        return;
    };
    let mount = Mount(folder.path());

    let store = Store::open(folder.path().join("db").to_str().unwrap())
        .await
        .unwrap();
    let mut tx = store.begin().await.unwrap();
    store::authorities::insert(&mut tx, &authority(1))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let huge = "x".repeat(4 * 1024 * 1024);
    let written = async {
        let mut tx = store.begin().await?;
        store::settings::put(&mut tx, &huge).await?;
        tx.commit().await
    };
    let written = written.await;
    assert!(
        matches!(written, Err(StoreError::StorageFull)),
        "{written:?}"
    );

    let mut tx = store.begin().await.unwrap();
    assert_eq!(store::authorities::list(&mut tx).await.unwrap().len(), 1);
    store::settings::put(&mut tx, "{}").await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    drop(mount);
}

struct Mount<'a>(&'a std::path::Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
