//! Full disks and killed processes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use blob::{BlobError, BlobStore};
use bytes::Bytes;
use crypto::{DataKey, SystemEntropy};

use crate::{content, far_future, files};

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

/// The same key in both processes.
const FIXED: Fixed = Fixed;

struct Fixed;

impl model::Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// A file system of 24 MiB of its own, where the test may mount one.
#[tokio::test]
async fn a_full_disk_is_told_from_other_failures_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
        .arg(folder.path())
        .output();
    let Ok(true) = mounted.map(|output| output.status.success()) else {
        eprintln!("not run: mounting a small file system needs root");
        return;
    };
    let _mount = Mount(folder.path());

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

struct Mount<'a>(&'a std::path::Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
