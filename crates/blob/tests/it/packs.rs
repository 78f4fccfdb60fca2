//! Blobs that share files: written, read and deleted by many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use blob::{BlobError, BlobStore, Stored};
use bytes::Bytes;
use crypto::{DataKey, SystemEntropy};
use futures::future::join_all;
use proptest::prelude::*;
use rustix::fs::{FallocateFlags, fallocate};

use crate::{Bench, content, contents, far_future, files};

const MIB: usize = 1024 * 1024;

impl Bench {
    async fn put_all(&self, lens: &[usize]) -> Vec<Stored> {
        let stored = self
            .store
            .put_all(contents(lens), &self.key, &SystemEntropy);
        stored.await.unwrap()
    }

    /// Asserts that this store reads what was stored.
    async fn reads(&self, stored: &Stored) {
        let read = self.store.read(&stored.id, &self.key).await.unwrap();
        assert_eq!(crypto::sha256(&read), stored.sha256, "{}", stored.id);
        assert_eq!(read, content(stored.size as usize));
    }

    /// Another process, as good as: what keeps two apart are locks on files, which know no
    /// processes.
    async fn neighbour(&self) -> BlobStore {
        BlobStore::local(self.folder.path()).await.unwrap()
    }
}

/// The file in which a blob lies.
fn pack_of(stored: &Stored) -> &str {
    stored.id.split_once('.').expect("a pack's member").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_write_at_once_is_all_there_under_names_of_its_own() {
    let bench = Bench::new().await;
    let writing = (0..24).map(|writer| {
        let (store, key) = (bench.store.clone(), bench.key.clone());
        tokio::spawn(async move {
            let mut all = Vec::new();
            for call in 0..12 {
                let lens = [writer * 100, call, 25_000 + writer + call, 4096];
                let stored = store.put_all(contents(&lens), &key, &SystemEntropy).await;
                let stored = stored.unwrap();
                assert!(stored.iter().map(|one| one.size as usize).eq(lens));
                all.extend(stored);
            }
            all
        })
    });
    let written = join_all(writing).await.into_iter();
    let written: Vec<_> = written.flat_map(Result::unwrap).collect();
    for stored in &written {
        bench.reads(stored).await;
    }
    let names: BTreeSet<_> = written.iter().map(|one| &one.id).collect();
    assert_eq!(names.len(), 24 * 12 * 4);
    // 256 to a file.
    assert_eq!(bench.files().len(), 5);
    // Whoever comes later reads the same, and adds to none of these files.
    let later = Bench {
        store: bench.neighbour().await,
        ..bench
    };
    for stored in &written {
        later.reads(stored).await;
    }
    let added = later.put_all(&[1]).await.remove(0);
    assert!(written.iter().all(|one| pack_of(one) != pack_of(&added)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_go_while_others_are_being_written() {
    let bench = Bench::new().await;
    let writing = (0..16).map(|writer: usize| {
        let (store, key) = (bench.store.clone(), bench.key.clone());
        tokio::spawn(async move {
            let mut left = Vec::new();
            for _ in 0..20 {
                let lens = [10_000 + writer, 20_000 + writer, 70_000 + writer];
                let stored = store.put_all(contents(&lens), &key, &SystemEntropy).await;
                let [first, second, third] = <[_; 3]>::try_from(stored.unwrap()).unwrap();
                store.delete(&first.id).await.unwrap();
                store.delete(&third.id).await.unwrap();
                let gone = store.read(&third.id, &key).await;
                assert!(matches!(gone, Err(BlobError::Missing(_))));
                left.push(second);
            }
            left
        })
    });
    let left = join_all(writing).await.into_iter();
    let left: Vec<_> = left.flat_map(Result::unwrap).collect();
    for stored in &left {
        bench.reads(stored).await;
    }
    let listed = bench.store.list(far_future()).await.unwrap();
    let listed: BTreeSet<_> = listed.into_iter().collect();
    assert_eq!(listed, left.into_iter().map(|one| one.id).collect());
}

#[tokio::test]
async fn a_file_that_is_still_appended_to_outlives_its_last_member() {
    let bench = Bench::new().await;
    for deleting in [bench.store.clone(), bench.neighbour().await] {
        let first = bench.put_all(&[9]).await.remove(0);
        deleting.delete(&first.id).await.unwrap();
        deleting
            .delete(&format!("{}.pack", pack_of(&first)))
            .await
            .unwrap();
        let second = bench.put_all(&[10]).await.remove(0);
        assert_eq!(pack_of(&first), pack_of(&second));
        assert_eq!(bench.files().len(), 1);
        bench.reads(&second).await;
        deleting.delete(&second.id).await.unwrap();
    }
    // Nothing is left in it: it goes when it is closed.
    assert_eq!(bench.files().len(), 1);
    let Bench { store, folder, .. } = bench;
    drop(store);
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_closed_file_goes_with_its_last_member() {
    let bench = Bench::new().await;
    let stored = bench.put_all(&[5, 6]).await;
    let Bench { store, folder, .. } = bench;
    drop(store);
    let later = BlobStore::local(folder.path()).await.unwrap();
    later.delete(&stored[0].id).await.unwrap();
    assert_eq!(files(folder.path()).len(), 1);
    later.delete(&stored[1].id).await.unwrap();
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_neighbour_deletes_everything_it_hears_of_and_nothing_else_is_lost() {
    let bench = Bench::new().await;
    let neighbour = bench.neighbour().await;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel::<String>();
    let deleting = tokio::spawn(async move {
        while let Some(id) = heard.recv().await {
            let listed = neighbour.list(far_future()).await.unwrap();
            assert!(!listed.contains(&id), "a file that is open was listed");
            neighbour.delete(&id).await.unwrap();
            let pack = id.split_once('.').unwrap().0;
            neighbour.delete(&format!("{pack}.pack")).await.unwrap();
        }
    });
    let mut kept = Vec::new();
    for round in 0..60 {
        let stored = bench.put_all(&[3000 + round, 7000]).await;
        if round % 10 > 0 {
            for stored in stored {
                told.send(stored.id).unwrap();
            }
        } else {
            kept.extend(stored);
        }
    }
    drop(told);
    deleting.await.unwrap();
    for stored in &kept {
        bench.reads(stored).await;
    }
    let listed = bench.store.list(far_future()).await.unwrap();
    let listed: BTreeSet<_> = listed.into_iter().collect();
    assert_eq!(listed, kept.into_iter().map(|one| one.id).collect());
}

#[tokio::test]
async fn the_list_names_nothing_in_a_file_that_is_appended_to_unless_it_is_old() {
    let bench = Bench::new().await;
    let neighbour = bench.neighbour().await;
    let stored = bench.put_all(&[5]).await.remove(0);
    let nothing: [&str; 0] = [];
    assert_eq!(neighbour.list(far_future()).await.unwrap(), nothing);
    let long_ago = time::OffsetDateTime::UNIX_EPOCH;
    assert_eq!(bench.store.list(long_ago).await.unwrap(), nothing);
    let again = bench.put_all(&[5]).await.remove(0);
    assert_eq!(pack_of(&stored), pack_of(&again), "it is still open");

    // To whoever owns it, it is old now, and nothing is added any more.
    let both = [stored.id, again.id];
    assert_eq!(bench.store.list(far_future()).await.unwrap(), both);
    assert_eq!(neighbour.list(far_future()).await.unwrap(), both);
    let other = bench.put_all(&[5]).await.remove(0);
    assert!(!both.iter().any(|id| id.starts_with(pack_of(&other))));
}

#[tokio::test]
async fn large_ones_have_a_file_to_themselves() {
    let bench = Bench::new().await;
    let small = bench.put_all(&[5]).await.remove(0);
    let large = bench.put_all(&[3 * MIB, 2 * MIB]).await;
    let next = bench.put_all(&[5]).await.remove(0);
    assert_eq!(pack_of(&large[0]), pack_of(&large[1]));
    assert_ne!(pack_of(&large[0]), pack_of(&small));
    assert_eq!(pack_of(&next), pack_of(&small));
    for stored in [&small, &large[0], &large[1], &next] {
        bench.reads(stored).await;
    }
    // Nobody appends to that file any more.
    for stored in &large {
        bench.store.delete(&stored.id).await.unwrap();
    }
    assert_eq!(bench.files().len(), 1);
}

#[tokio::test]
async fn more_than_one_file_holds_are_all_there() {
    let bench = Bench::new().await;
    bench.put_all(&[1]).await;
    let lens: Vec<_> = (0..600).collect();
    let stored = bench.put_all(&lens).await;
    for stored in &stored {
        bench.reads(stored).await;
    }
    let packs: BTreeSet<_> = stored.iter().map(pack_of).collect();
    assert_eq!(packs.len(), 3);
    // Files that grow too large are closed as well.
    let mut packs = BTreeSet::new();
    for _ in 0..24 {
        packs.insert(pack_of(&bench.put_all(&[3 * MIB]).await[0]).to_owned());
    }
    assert_eq!(packs.len(), 2);
}

fn punches_holes(folder: &Path) -> bool {
    let file = std::fs::File::create(folder.join("probe")).unwrap();
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(&file, flags, 0, 4096).is_ok()
}

#[tokio::test]
async fn what_is_deleted_gives_its_room_back_at_once() {
    if !punches_holes(tempfile::tempdir().unwrap().path()) {
        eprintln!("not run: this file system has no holes");
        return;
    }
    let bench = Bench::new().await;
    let [before, large, after] =
        <[_; 3]>::try_from(bench.put_all(&[5000, MIB, 5000]).await).unwrap();
    let room = || std::fs::metadata(&bench.files()[0]).unwrap().blocks() * 512;
    let full = room();
    assert!(full >= MIB as u64);

    // But not under somebody who reads it.
    let reader = bench.store.reader(&large.id, &bench.key).await.unwrap();
    let other = reader.clone();
    bench.store.delete(&large.id).await.unwrap();
    let again = bench.store.reader(&large.id, &bench.key).await;
    assert!(matches!(again, Err(BlobError::Missing(_))));
    assert_eq!(reader.read_all().await.unwrap(), content(MIB));
    drop(reader);
    assert_eq!(room(), full);
    assert_eq!(other.read_all().await.unwrap(), content(MIB));
    drop(other);
    assert!(room() <= full - MIB as u64 + 8192, "{} of {full}", room());
    for stored in [&before, &after] {
        bench.reads(stored).await;
    }
    bench.store.delete(&before.id).await.unwrap();
    bench.reads(&after).await;
}

#[tokio::test]
async fn entries_without_their_content_harm_no_others() {
    let bench = Bench::new().await;
    let first = bench.put_all(&[5000]).await.remove(0);
    let second = bench.put_all(&[5000]).await.remove(0);
    let file = std::fs::File::options().write(true).open(&bench.files()[0]);
    // As a power cut may leave it: the table is there, the blocks behind it are not.
    file.unwrap().set_len(8192 + 4096).unwrap();
    bench.reads(&first).await;
    assert!(bench.store.read(&second.id, &bench.key).await.is_err());
    let listed = bench.store.list(far_future()).await.unwrap();
    assert_eq!(listed, [&first.id[..], &second.id]);
    bench.store.delete(&second.id).await.unwrap();
    bench.reads(&first).await;
    bench.store.delete(&first.id).await.unwrap();
    assert_eq!(bench.files(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_table_that_is_not_there_names_nothing() {
    let bench = Bench::new().await;
    let stored = bench.put_all(&[5, 6]).await;
    let Bench { store, key, folder } = bench;
    drop(store);
    std::fs::write(&files(folder.path())[0], "").unwrap();
    let store = BlobStore::local(folder.path()).await.unwrap();
    let read = store.read(&stored[1].id, &key).await;
    assert!(matches!(read, Err(BlobError::Missing(_))));
    store.delete(&stored[1].id).await.unwrap();
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}

/// What may happen to two stores on one folder. Blobs are counted from the newest.
#[derive(Debug, Clone)]
enum Step {
    Put { by: usize, lens: Vec<usize> },
    Delete { by: usize, which: usize },
    Read { by: usize, which: usize },
    Sweep { by: usize },
    Restart { by: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let by = 0..2usize;
    let which = 0..12usize;
    let lens = prop::collection::vec(prop_oneof![0..300usize, 4000..9000usize], 1..5);
    prop_oneof![
        4 => (by.clone(), lens).prop_map(|(by, lens)| Step::Put { by, lens }),
        4 => (by.clone(), which.clone()).prop_map(|(by, which)| Step::Delete { by, which }),
        2 => (by.clone(), which).prop_map(|(by, which)| Step::Read { by, which }),
        1 => by.clone().prop_map(|by| Step::Sweep { by }),
        1 => by.prop_map(|by| Step::Restart { by }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_two_stores_do_what_was_stored_and_not_deleted_is_there(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(steps));
    }
}

async fn play(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let key = DataKey::generate(&SystemEntropy);
    let open = async || BlobStore::local(folder.path()).await.unwrap();
    let mut stores = [open().await, open().await];
    let mut written: Vec<Stored> = Vec::new();
    let mut standing: BTreeMap<String, usize> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put { by, lens } => {
                let stored = stores[by].put_all(contents(&lens), &key, &SystemEntropy);
                for (stored, len) in stored.await.unwrap().into_iter().zip(lens) {
                    assert_eq!(standing.insert(stored.id.clone(), len), None);
                    written.push(stored);
                }
            }
            Step::Delete { by, which } => {
                if let Some(stored) = written.iter().rev().nth(which) {
                    stores[by].delete(&stored.id).await.unwrap();
                    standing.remove(&stored.id);
                }
            }
            Step::Read { by, which } => {
                if let Some(stored) = written.iter().rev().nth(which) {
                    let read = stores[by].read(&stored.id, &key).await;
                    match standing.get(&stored.id) {
                        Some(len) => assert_eq!(read.unwrap(), content(*len)),
                        None => assert!(matches!(read, Err(BlobError::Missing(_)))),
                    }
                }
            }
            // All that is listed and that nobody was told of goes.
            Step::Sweep { by } => {
                for id in stores[by].list(far_future()).await.unwrap() {
                    if !standing.contains_key(&id) {
                        assert!(id.ends_with(".pack"), "{id} was deleted");
                        stores[by].delete(&id).await.unwrap();
                    }
                }
            }
            Step::Restart { by } => stores[by] = open().await,
        }
    }
    drop(stores);
    let store = open().await;
    let listed: BTreeSet<_> = store
        .list(far_future())
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(listed, standing.keys().cloned().collect());
    for (id, len) in &standing {
        let read: Bytes = store.read(id, &key).await.unwrap();
        assert_eq!(read, content(*len));
        store.delete(id).await.unwrap();
    }
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}
