//! What a writer promises.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use blob::{BlobError, Content};
use bytes::Bytes;
use crypto::{Hashed, SystemEntropy};

use crate::{Bench, content, contents, far_future, files};

const CHUNK: usize = crypto::chunk::PLAIN;

#[tokio::test]
async fn pieces_of_any_size_become_one_blob() {
    let bench = Bench::new().await;
    let whole = content(3 * CHUNK + 77);
    for piece in [1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, whole.len()] {
        let mut writer = bench
            .store
            .writer(&bench.key, &SystemEntropy)
            .await
            .unwrap();
        for piece in whole.chunks(piece) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        assert_eq!(stored.size, whole.len() as u64);
        assert_eq!(stored.sha256, crypto::sha256(&whole));
        let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
        assert_eq!(reader.read_all().await.unwrap(), whole);
    }
}

#[tokio::test]
async fn every_size_around_chunk_borders_comes_back() {
    let bench = Bench::new().await;
    for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1] {
        let whole = Bytes::from(content(len));
        let put = bench
            .store
            .put(whole.clone(), &bench.key, &SystemEntropy)
            .await
            .unwrap();
        let mut writer = bench
            .store
            .writer(&bench.key, &SystemEntropy)
            .await
            .unwrap();
        writer.write(whole.clone()).await.unwrap();
        let written = writer.finish().await.unwrap();
        assert_ne!(put.id, written.id);
        for stored in [put, written] {
            let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
            assert_eq!((reader.size(), stored.size), (len as u64, len as u64));
            assert_eq!(reader.read_all().await.unwrap(), whole);
        }
    }
}

#[tokio::test]
async fn nothing_in_the_folder_shows_the_content_or_is_open_to_others() {
    let bench = Bench::new().await;
    let whole = b"a person's face ".repeat(40_000);
    bench
        .store
        .put(whole.clone().into(), &bench.key, &SystemEntropy)
        .await
        .unwrap();
    let files = bench.files();
    assert_eq!(files.len(), 1);
    let sealed = std::fs::read(&files[0]).unwrap();
    assert!(!sealed.windows(8).any(|window| window == &whole[..8]));

    let mut path = files[0].as_path();
    assert_eq!(mode(path), 0o600);
    for _ in 0..2 {
        path = path.parent().unwrap();
        assert_eq!(mode(path), 0o700);
    }
    assert_eq!(mode(&bench.folder.path().join("staging")), 0o700);
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn an_aborted_writer_leaves_nothing() {
    let bench = Bench::new().await;
    let mut writer = bench
        .store
        .writer(&bench.key, &SystemEntropy)
        .await
        .unwrap();
    writer.write(content(2 * CHUNK).into()).await.unwrap();
    assert_eq!(bench.files().len(), 1, "the blob is being staged");
    writer.abort().await;
    assert!(bench.files().is_empty());
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = blob::BlobStore::local(folder.path()).await.unwrap();
        let key = crypto::DataKey::generate(&SystemEntropy);
        let mut writer = store.writer(&key, &SystemEntropy).await.unwrap();
        writer.write(content(2 * CHUNK).into()).await.unwrap();
        drop(writer);
    });
    // Shutting a runtime down waits for its blocking threads.
    drop(runtime);
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn writers_side_by_side_do_not_mix() {
    let bench = Bench::new().await;
    let whole = content(2 * CHUNK + 5);
    let mut writers = Vec::new();
    for _ in 0..6 {
        writers.push(
            bench
                .store
                .writer(&bench.key, &SystemEntropy)
                .await
                .unwrap(),
        );
    }
    for piece in whole.chunks(60_000) {
        for (number, writer) in writers.iter_mut().enumerate() {
            let piece: Vec<_> = piece.iter().map(|byte| byte ^ number as u8).collect();
            writer.write(piece.into()).await.unwrap();
        }
    }
    for (number, writer) in writers.into_iter().enumerate() {
        let stored = writer.finish().await.unwrap();
        let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
        let read = reader.read_all().await.unwrap();
        assert!(read.iter().zip(&whole).all(|(a, b)| *a == b ^ number as u8));
        assert_eq!(read.len(), whole.len());
    }
}

#[tokio::test]
async fn deleted_is_gone_and_deleting_again_does_no_harm() {
    let bench = Bench::new().await;
    let stored = bench
        .store
        .put(content(10).into(), &bench.key, &SystemEntropy)
        .await
        .unwrap();
    for _ in 0..2 {
        bench.store.delete(&stored.id).await.unwrap();
        let Err(error) = bench.store.reader(&stored.id, &bench.key).await else {
            panic!("a deleted blob was opened");
        };
        assert!(matches!(error, BlobError::Missing(id) if id == stored.id));
    }
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn names_that_are_none_reach_no_file() {
    let bench = Bench::new().await;
    let outside = bench.folder.path().join("key");
    std::fs::write(&outside, "secret").unwrap();
    for id in [
        "",
        "x",
        "../key",
        "aa/../../key",
        &"a".repeat(31),
        &"A".repeat(32),
        "ééééééééééé",
    ] {
        bench.store.delete(id).await.unwrap();
        let error = bench.store.reader(id, &bench.key).await.err();
        assert!(
            matches!(error, Some(BlobError::Missing(_))),
            "{id}: {error:?}"
        );
    }
    assert!(outside.exists());
}

#[tokio::test]
async fn the_list_has_what_is_old_whole_or_abandoned() {
    let bench = Bench::new().await;
    let whole = bench
        .store
        .put(content(10).into(), &bench.key, &SystemEntropy)
        .await
        .unwrap();
    // As a killed process leaves it.
    let abandoned = "0123456789abcdef0123456789abcdef";
    std::fs::write(bench.folder.path().join("staging").join(abandoned), "part").unwrap();
    std::fs::write(bench.folder.path().join("README"), "not a blob").unwrap();

    let mut listed = bench.store.list(far_future()).await.unwrap();
    listed.sort();
    let mut expected = vec![abandoned.to_owned(), whole.id.clone()];
    expected.sort();
    assert_eq!(listed, expected);
    let long_ago = time::OffsetDateTime::UNIX_EPOCH;
    assert!(bench.store.list(long_ago).await.unwrap().is_empty());

    assert!(bench.store.reader(abandoned, &bench.key).await.is_err());
    bench.store.delete(abandoned).await.unwrap();
    assert_eq!(bench.store.list(far_future()).await.unwrap(), [whole.id]);
}

#[tokio::test]
async fn several_at_once_are_all_there_in_one_folder_and_in_order() {
    let bench = Bench::new().await;
    let sizes = [0, 5, CHUNK, 3 * CHUNK + 7];
    let stored = bench
        .store
        .put_all(contents(&sizes), &bench.key, &SystemEntropy);
    let stored = stored.await.unwrap();
    for (stored, size) in stored.iter().zip(sizes) {
        assert_eq!(stored.size, size as u64);
        let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
        assert_eq!(reader.read_all().await.unwrap(), content(size));
    }
    assert_eq!(bench.files().len(), 1, "they share a file");
    let listed: BTreeSet<_> = bench
        .store
        .list(far_future())
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(listed, stored.iter().map(|one| one.id.clone()).collect());
}

#[tokio::test]
async fn what_was_hashed_before_is_stored_with_what_follows_it() {
    let bench = Bench::new().await;
    let whole = content(2 * CHUNK + 9);
    for begun in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, whole.len()] {
        let (begun, rest) = whole.split_at(begun);
        let content = Content {
            begun: Hashed::new(Bytes::copy_from_slice(begun)),
            rest: Bytes::copy_from_slice(rest),
        };
        let stored = bench
            .store
            .put_all(vec![content], &bench.key, &SystemEntropy);
        let [stored] = <[_; 1]>::try_from(stored.await.unwrap()).unwrap();
        assert_eq!(stored.sha256, crypto::sha256(&whole));
        assert_eq!(stored.size, whole.len() as u64);
        let read = bench.store.read(&stored.id, &bench.key).await.unwrap();
        assert!(read == whole);
    }
}

#[tokio::test]
async fn of_several_each_can_go_alone_and_the_file_goes_with_the_last() {
    let bench = Bench::new().await;
    let stored = bench
        .store
        .put_all(contents(&[1, 2, 3]), &bench.key, &SystemEntropy);
    let [first, second, third] = <[_; 3]>::try_from(stored.await.unwrap()).unwrap();

    bench.store.delete(&second.id).await.unwrap();
    bench.store.delete(&second.id).await.unwrap();
    let gone = bench.store.reader(&second.id, &bench.key).await;
    assert!(matches!(gone, Err(BlobError::Missing(_))));
    let left = bench.store.list(far_future()).await.unwrap();
    assert_eq!(left, [first.id.clone(), third.id.clone()]);
    let reader = bench.store.reader(&third.id, &bench.key).await.unwrap();
    assert_eq!(reader.read_all().await.unwrap(), content(3));

    let deleting = [&first.id, &third.id].map(|id| bench.store.delete(id));
    for deleted in futures::future::join_all(deleting).await {
        deleted.unwrap();
    }
    assert_eq!(bench.files(), Vec::<std::path::PathBuf>::new());
    assert_eq!(
        reader.read_all().await.unwrap(),
        content(3),
        "whoever reads goes on"
    );
}

#[tokio::test]
async fn one_of_several_does_not_open_in_anothers_place() {
    let bench = Bench::new().await;
    let stored = bench
        .store
        .put_all(contents(&[9, 9]), &bench.key, &SystemEntropy);
    let stored = stored.await.unwrap();
    let path = &bench.files()[0];
    let mut bytes = std::fs::read(path).unwrap();
    let (first, second) = bytes[..32].split_at_mut(16);
    first.swap_with_slice(second);
    std::fs::write(path, bytes).unwrap();
    for one in stored {
        let opened = bench.store.reader(&one.id, &bench.key).await;
        assert!(matches!(opened, Err(BlobError::Damaged { .. })));
    }
}

#[tokio::test]
async fn several_that_were_abandoned_half_way_are_listed_and_go() {
    for left in [0, 100, 4096, 4100] {
        let bench = Bench::new().await;
        let stored = bench
            .store
            .put_all(contents(&[5, 6]), &bench.key, &SystemEntropy);
        let stored = stored.await.unwrap();
        let pack = bench.files().remove(0);
        let file = std::fs::File::options().write(true).open(&pack).unwrap();
        file.set_len(left).unwrap();
        for one in &stored {
            assert!(bench.store.reader(&one.id, &bench.key).await.is_err());
        }
        for id in bench.store.list(far_future()).await.unwrap() {
            bench.store.delete(&id).await.unwrap();
        }
        assert_eq!(bench.files(), Vec::<std::path::PathBuf>::new(), "{left}");
    }
}

#[tokio::test]
async fn of_several_all_are_there_or_none() {
    /// Draws names that are known beforehand.
    struct Same;

    impl model::Entropy for Same {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    let bench = Bench::new().await;
    let in_the_way = bench.folder.path().join("07");
    std::fs::write(&in_the_way, "no folder").unwrap();
    let contents = contents(&[5, 6, 7]);
    let refused = bench.store.put_all(contents, &bench.key, &Same).await;
    assert!(matches!(refused, Err(BlobError::Io(_))), "{refused:?}");
    assert_eq!(bench.files(), [in_the_way]);
}
