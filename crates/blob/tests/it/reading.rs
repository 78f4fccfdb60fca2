//! What a reader promises.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::OnceLock;

use blob::{BlobError, BlobReader};
use bytes::Bytes;
use crypto::{DataKey, SystemEntropy};
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::{Bench, content};

const CHUNK: usize = crypto::chunk::PLAIN;
const SEALED: usize = crypto::chunk::SEALED;

async fn collect(reader: &BlobReader, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
    let pieces: Vec<Bytes> = reader.range(range).try_collect().await?;
    Ok(pieces.concat())
}

/// One blob for all cases: three chunks and a bit.
fn sample() -> &'static (tokio::runtime::Runtime, BlobReader, Vec<u8>) {
    static SAMPLE: OnceLock<(tokio::runtime::Runtime, BlobReader, Vec<u8>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let whole = content(3 * CHUNK + 1000);
        // The reader holds the file open, so that the folder may go.
        let reader = runtime.block_on(async {
            let bench = Bench::new().await;
            let stored = bench
                .store
                .put(whole.clone().into(), &bench.key, &SystemEntropy)
                .await
                .unwrap();
            bench.store.reader(&stored.id, &bench.key).await.unwrap()
        });
        (runtime, reader, whole)
    })
}

/// Places anywhere, and often next to a chunk border.
fn place() -> impl Strategy<Value = u64> {
    let len = 3 * CHUNK as u64 + 1000;
    prop_oneof![
        0..len + 10,
        (0..4u64, 0..5u64).prop_map(|(chunk, by)| (chunk * CHUNK as u64 + by).saturating_sub(2)),
        len - 2..len + 3,
    ]
}

proptest! {
    #[test]
    fn any_range_is_that_part_of_the_whole(start in place(), end in place()) {
        let (runtime, reader, whole) = sample();
        let read = runtime.block_on(collect(reader, start..end)).unwrap();
        let end = (end as usize).min(whole.len());
        let expected = whole.get(start as usize..end).unwrap_or_default();
        prop_assert!(read == expected);
    }

    #[test]
    fn the_seekable_view_is_the_whole(
        steps in prop::collection::vec((place(), 0..3 * CHUNK), 1..6),
    ) {
        let (_, reader, whole) = sample();
        let mut seekable = reader.clone().into_seek();
        let mut plain = std::io::Cursor::new(whole);
        for (at, len) in steps {
            let at = SeekFrom::Start(at);
            prop_assert_eq!(seekable.seek(at).unwrap(), plain.seek(at).unwrap());
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            seekable.by_ref().take(len as u64).read_to_end(&mut ours).unwrap();
            plain.by_ref().take(len as u64).read_to_end(&mut theirs).unwrap();
            prop_assert!(ours == theirs);
        }
        prop_assert_eq!(
            seekable.seek(SeekFrom::End(-5)).unwrap(),
            plain.seek(SeekFrom::End(-5)).unwrap()
        );
        prop_assert_eq!(
            seekable.seek(SeekFrom::Current(2)).unwrap(),
            plain.seek(SeekFrom::Current(2)).unwrap()
        );
        prop_assert!(seekable.seek(SeekFrom::Current(i64::MIN)).is_err());
    }
}

#[tokio::test]
async fn a_changed_byte_is_found_where_it_is_read_and_only_there() {
    let bench = Bench::new().await;
    let whole = content(2 * CHUNK + 100);
    let stored = bench
        .store
        .put(whole.clone().into(), &bench.key, &SystemEntropy)
        .await
        .unwrap();
    let path = bench.path(&stored.id);
    let mut sealed = std::fs::read(&path).unwrap();
    sealed[SEALED + 9] ^= 1;
    std::fs::write(&path, &sealed).unwrap();

    let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
    let border = CHUNK as u64;
    assert!(collect(&reader, 0..border).await.unwrap() == whole[..CHUNK]);
    assert!(damaged(collect(&reader, 0..border + 1).await));
    assert!(damaged(collect(&reader, 2 * border - 1..2 * border).await));
    assert!(damaged(reader.read_all().await));
    assert!(collect(&reader, 2 * border..stored.size).await.unwrap() == whole[2 * CHUNK..]);

    let mut seekable = reader.into_seek();
    let mut read = Vec::new();
    let error = seekable.read_to_end(&mut read).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(read == whole[..CHUNK], "what was genuine came out");
}

#[tokio::test]
async fn a_blob_that_was_cut_swapped_or_lengthened_does_not_open() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for byte in [1, 2] {
        let content = vec![byte; 2 * CHUNK + 100];
        let stored = bench
            .store
            .put(content.into(), &bench.key, &SystemEntropy)
            .await
            .unwrap();
        ids.push(stored.id);
    }
    let path = bench.path(&ids[0]);
    let sealed = std::fs::read(&path).unwrap();
    let opens = async |sealed: &[u8]| {
        std::fs::write(&path, sealed).unwrap();
        bench.store.reader(&ids[0], &bench.key).await
    };

    assert!(opens(&sealed).await.is_ok());
    for cut in [
        0,
        1,
        15,
        16,
        17,
        SEALED - 1,
        SEALED,
        2 * SEALED,
        sealed.len() - 1,
    ] {
        assert!(damaged(opens(&sealed[..cut]).await), "cut to {cut} bytes");
    }
    assert!(damaged(opens(&[&sealed[..], &[0]].concat()).await));
    assert!(damaged(opens(&[&sealed[..], &sealed[..]].concat()).await));
    assert!(damaged(
        opens(&std::fs::read(bench.path(&ids[1])).unwrap()).await
    ));

    std::fs::write(&path, &sealed).unwrap();
    let other = DataKey::generate(&SystemEntropy);
    assert!(damaged(bench.store.reader(&ids[0], &other).await));
}

#[tokio::test]
async fn a_file_cut_while_it_is_read_gives_an_error() {
    let bench = Bench::new().await;
    let stored = bench
        .store
        .put(content(3 * CHUNK).into(), &bench.key, &SystemEntropy)
        .await
        .unwrap();
    let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(bench.path(&stored.id))
        .unwrap();
    file.set_len(SEALED as u64 + 5).unwrap();
    assert!(damaged(reader.read_all().await));
}

#[tokio::test]
async fn a_reader_outlives_the_deletion_of_its_blob() {
    let bench = Bench::new().await;
    let whole = content(CHUNK + 3);
    let stored = bench
        .store
        .put(whole.clone().into(), &bench.key, &SystemEntropy)
        .await
        .unwrap();
    let reader = bench.store.reader(&stored.id, &bench.key).await.unwrap();
    bench.store.delete(&stored.id).await.unwrap();
    assert!(reader.read_all().await.unwrap() == whole);
}

fn damaged<T>(result: Result<T, BlobError>) -> bool {
    matches!(result, Err(BlobError::Damaged { .. }))
}
