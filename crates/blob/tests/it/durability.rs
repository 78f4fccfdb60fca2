//! Full disks and killed processes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use blob::{BlobError, BlobStore};
use bytes::Bytes;
use crypto::{DataKey, SystemEntropy};

use crate::{content, contents, far_future, files};

const MIB: usize = 1024 * 1024;

/// Set in the process that is to be killed: the folder it writes to.
const VICTIM: &str = "BLOB_TEST_VICTIM_FOLDER";

#[test]
fn a_killed_process_leaves_no_blob_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::victim", "--nocapture", "--ignored"])
        .env(VICTIM, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(victim.stdout.take().unwrap()).lines();
    let finished = said
        .find_map(|line| line.unwrap().strip_prefix("finished ").map(str::to_owned))
        .expect("the victim finishes one blob and is half-way through another");
    victim.kill().unwrap();
    victim.wait().unwrap();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = BlobStore::local(folder.path()).await.unwrap();
        let mut listed = store.list(far_future()).await.unwrap();
        assert_eq!(listed.len(), 2, "the whole blob and the abandoned one");
        listed.retain(|id| *id != finished);
        let key = DataKey::generate(&FIXED);
        assert!(matches!(
            store.reader(&listed[0], &key).await,
            Err(BlobError::Missing(_))
        ));
        let whole = store.reader(&finished, &key).await.unwrap();
        assert!(whole.read_all().await.unwrap() == content(MIB));
        store.delete(&listed[0]).await.unwrap();
        assert_eq!(files(folder.path()).len(), 1);
    });
}

#[tokio::test]
#[ignore = "a_killed_process_leaves_no_blob_that_can_be_read runs it in a process of its own"]
async fn victim() {
    let folder = std::env::var_os(VICTIM).expect("the folder to write to");
    let store = BlobStore::local(folder).await.unwrap();
    let key = DataKey::generate(&FIXED);
    let finished = store
        .put(content(MIB).into(), &key, &SystemEntropy)
        .await
        .unwrap();
    let mut writer = store.writer(&key, &SystemEntropy).await.unwrap();
    writer.write(content(MIB).into()).await.unwrap();
    println!("finished {}", finished.id);
    std::future::pending().await
}

#[test]
fn what_a_process_told_of_before_it_was_killed_is_there_and_the_rest_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "durability::appender",
            "--nocapture",
            "--ignored",
        ])
        .env(VICTIM, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(victim.stdout.take().unwrap()).lines();
    let told = |line: std::io::Result<String>| {
        let line = line.unwrap();
        // What was cut off by the end was told to nobody.
        let whole = line.strip_prefix("stored ")?.strip_suffix(" .")?;
        Some(whole.to_owned())
    };
    let mut finished: Vec<_> = said.by_ref().filter_map(told).take(150).collect();
    victim.kill().unwrap();
    victim.wait().unwrap();
    finished.extend(said.filter_map(told));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = BlobStore::local(folder.path()).await.unwrap();
        let key = DataKey::generate(&FIXED);
        let listed = store.list(far_future()).await.unwrap();
        for id in &finished {
            assert!(store.read(id, &key).await.unwrap() == content(30_000));
            assert!(listed.contains(id), "{id} is not listed");
        }
        // Nobody appends where the other one did.
        let stored = store.put_all(contents(&[7]), &key, &SystemEntropy).await;
        let (name, _) = stored.as_ref().unwrap()[0].id.split_once('.').unwrap();
        assert!(!finished.iter().any(|id| id.starts_with(name)));
        for id in listed.into_iter().chain([stored.unwrap()[0].id.clone()]) {
            store.delete(&id).await.unwrap();
        }
        drop(store);
        assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "what_a_process_told_of_before_it_was_killed_is_there runs it in a process of its own"]
async fn appender() {
    let folder = std::env::var_os(VICTIM).expect("the folder to write to");
    let store = BlobStore::local(folder).await.unwrap();
    let key = DataKey::generate(&FIXED);
    let writing = (0..8).map(|_| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            loop {
                let contents = contents(&[30_000; 3]);
                let stored = store.put_all(contents, &key, &SystemEntropy).await;
                for stored in stored.unwrap() {
                    println!("stored {} .", stored.id);
                }
            }
        })
    });
    futures::future::join_all(writing).await;
}

/// The same key in both processes.
const FIXED: Fixed = Fixed;

struct Fixed;

impl model::Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[tokio::test]
async fn a_full_disk_is_told_from_other_failures_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::of(folder.path(), "24m") else {
        return;
    };

    let key = DataKey::generate(&SystemEntropy);
    let store = BlobStore::local(folder.path()).await.unwrap();
    let mut writer = store.writer(&key, &SystemEntropy).await.unwrap();
    let piece = Bytes::from(content(MIB));
    let mut outcome = Ok(());
    for _ in 0..64 {
        outcome = writer.write(piece.clone()).await;
        if outcome.is_err() {
            break;
        }
    }
    assert!(
        matches!(outcome, Err(BlobError::StorageFull)),
        "{outcome:?}"
    );
    assert!(writer.write(piece.clone()).await.is_err());
    assert!(writer.finish().await.is_err());
    assert!(files(folder.path()).is_empty());

    // A process that another test is just starting has its copy of every open file for a moment.
    let patience = Instant::now() + Duration::from_secs(20);
    while room(folder.path()) < 20 * MIB && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What fits goes in again, until too little is left to begin with.
    let mut outcome = Ok(());
    for _ in 0..64 {
        outcome = store
            .put(piece.clone(), &key, &SystemEntropy)
            .await
            .map(drop);
        if outcome.is_err() {
            break;
        }
    }
    assert!(
        matches!(outcome, Err(BlobError::StorageFull)),
        "{outcome:?}"
    );
    assert!(!files(folder.path()).is_empty());
    assert!(matches!(
        store.writer(&key, &SystemEntropy).await.map(drop),
        Err(BlobError::StorageFull)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_fill_the_disk_at_once_each_is_told_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::of(folder.path(), "48m") else {
        return;
    };
    let key = DataKey::generate(&SystemEntropy);
    let store = BlobStore::local(folder.path()).await.unwrap();
    for _ in 0..2 {
        let writing = (0..8).map(|_| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move {
                let mut told = Vec::new();
                loop {
                    let contents = contents(&[MIB / 2, MIB / 4]);
                    match store.put_all(contents, &key, &SystemEntropy).await {
                        Ok(stored) => told.extend(stored),
                        Err(BlobError::StorageFull) => break told,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        });
        let told = futures::future::join_all(writing).await.into_iter();
        let told: Vec<_> = told.flat_map(Result::unwrap).collect();
        assert!(told.len() >= 2 * 20, "{} blobs fill 30 MiB", told.len());
        let room = room(folder.path());
        assert!(room > 8 * MIB, "{room} bytes are left for others");
        for stored in &told {
            let read = store.read(&stored.id, &key).await.unwrap();
            assert_eq!(crypto::sha256(&read), stored.sha256);
        }
        let listed: BTreeSet<_> = store
            .list(far_future())
            .await
            .unwrap()
            .into_iter()
            .collect();
        assert_eq!(listed, told.iter().map(|one| one.id.clone()).collect());
        for stored in &told {
            store.delete(&stored.id).await.unwrap();
        }
        assert!(files(folder.path()).is_empty());
    }
}

/// Bytes that are free.
fn room(folder: &std::path::Path) -> usize {
    let room = rustix::fs::statvfs(folder).unwrap();
    (room.f_bavail * room.f_frsize) as usize
}

struct Mount<'a>(&'a std::path::Path);

impl<'a> Mount<'a> {
    /// A file system of its own, where the test may mount one.
    fn of(folder: &'a std::path::Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder)
            .output();
        match mounted.map(|output| output.status.success()) {
            Ok(true) => Some(Self(folder)),
            _ => {
                eprintln!("not run: mounting a small file system needs root");
                None
            }
        }
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
