//! Input made to break the probes: never a panic, never much memory, never much reading.

use proptest::prelude::*;

use evidence::video::MAX_MEMORY;

use crate::{Counting, media};

const SPECIMENS: &[&str] = &[
    "plain.mp4",
    "fragmented.mp4",
    "fragmented-based.mp4",
    "plain.mov",
    "plain.3gp",
    "plain.webm",
    "live.webm",
    "plain.mkv",
];

/// A change to a file.
#[derive(Debug, Clone)]
enum Damage {
    Byte(prop::sample::Index, u8),
    /// Length and count fields are four bytes; extremes are where arithmetic breaks.
    Word(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

impl Damage {
    fn apply(&self, file: &mut Vec<u8>) {
        if file.is_empty() {
            return;
        }
        let len = file.len();
        match self {
            Damage::Byte(at, value) => file[at.index(len)] = *value,
            Damage::Word(at, value) => {
                let at = at.index(len);
                let end = (at + 4).min(len);
                file[at..end].copy_from_slice(&value.to_be_bytes()[..end - at]);
            }
            Damage::Cut(at) => file.truncate(at.index(len)),
            Damage::Remove(at, count) => {
                let at = at.index(len);
                file.drain(at..(at + count).min(len));
            }
            Damage::Repeat(at, count) => {
                let at = at.index(len);
                let piece = file[at..(at + count).min(len)].to_vec();
                file.splice(at..at, piece);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let word = prop_oneof![
        any::<u32>(),
        Just(0),
        Just(1),
        Just(u32::MAX),
        Just(i32::MAX as u32),
        Just(i32::MIN as u32),
        0_u32..64,
    ];
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, value)| Damage::Byte(at, value)),
        (at(), word).prop_map(|(at, value)| Damage::Word(at, value)),
        at().prop_map(Damage::Cut),
        (at(), 1_usize..64).prop_map(|(at, count)| Damage::Remove(at, count)),
        (at(), 1_usize..512).prop_map(|(at, count)| Damage::Repeat(at, count)),
    ]
}

/// Beginnings that send the rest into each of the parsers.
const STARTS: &[&[u8]] = &[
    b"\0\0\0\x10ftypisom\0\0\0\0",
    b"\0\0\0\x10ftypqt  \0\0\0\0\0\0\x01\0moov\0\0\0\x6cmvhd",
    b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_films_are_answered(
        name in prop::sample::select(SPECIMENS),
        // Most of the structure is at one end of the file: half of the damage goes to the first
        // two kilobytes.
        front in prop::collection::vec(damage(), 0..6),
        anywhere in prop::collection::vec(damage(), 0..6),
    ) {
        let mut film = media(name);
        let mut head: Vec<u8> = film.drain(..2048.min(film.len())).collect();
        front.iter().for_each(|damage| damage.apply(&mut head));
        head.append(&mut film);
        anywhere.iter().for_each(|damage| damage.apply(&mut head));
        let len = head.len() as u64;
        let mut reader = Counting::new(head);
        let answer = reader.probe();
        prop_assert!(reader.bytes <= 4 * len + 4096, "{} of {len} bytes: {answer:?}", reader.bytes);
    }

    #[test]
    fn noise_behind_a_signature_is_answered(
        start in prop::sample::select(STARTS),
        noise in prop::collection::vec(any::<u8>(), 0..2048),
    ) {
        let mut file = start.to_vec();
        file.extend(noise);
        let _ = evidence::image::probe(&file);
        let mut reader = Counting::new(file);
        prop_assert!(reader.probe().is_err());
    }
}

/// Boxes nested in boxes.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A film whose tables claim whatever is asked, 200 bytes long.
fn claiming(stsz: &[u32], stsc: &[u32], stco: &[u32]) -> Vec<u8> {
    let tables = [
        boxed(b"stsz", &words(stsz)),
        boxed(b"stsc", &words(stsc)),
        boxed(b"stco", &words(stco)),
    ];
    let stbl = [boxed(b"stsd", &words(&[0, 0])), tables.concat()].concat();
    let mdia = [
        boxed(b"mdhd", &words(&[0, 0, 0, 1000, 0, 0])),
        boxed(b"hdlr", &[&[0; 8][..], b"vide", &[0; 12]].concat()),
        boxed(b"minf", &boxed(b"stbl", &stbl)),
    ];
    let mut tkhd = vec![0; 84];
    tkhd[76..84].copy_from_slice(&words(&[320 << 16, 240 << 16]));
    let trak = [boxed(b"tkhd", &tkhd), boxed(b"mdia", &mdia.concat())].concat();
    [
        boxed(b"ftyp", b"isom\0\0\0\0"),
        boxed(b"moov", &boxed(b"trak", &trak)),
    ]
    .concat()
}

/// Films that make a reader of tables allocate gigabytes.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let mut many_boxes = boxed(b"ftyp", b"isom\0\0\0\0");
    many_boxes.extend(boxed(b"free", b"").repeat(1_100_000));
    let mut long_index = boxed(b"ftyp", b"isom\0\0\0\0");
    long_index.extend(boxed(b"moov", &vec![0; 17 << 20]));
    let mut long_tracks =
        b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
            .to_vec();
    long_tracks.extend(b"\x16\x54\xae\x6b\x01\0\0\0\x01\x10\0\0");
    long_tracks.resize(long_tracks.len() + (17 << 20), 0);
    vec![
        (
            "four billion frames of one byte",
            claiming(&[0, 1, u32::MAX], &[0, 1, 1, u32::MAX, 1], &[0, 1, 0]),
        ),
        (
            "four billion frames of no bytes",
            claiming(&[0, 0, u32::MAX], &[0, 1, 1, u32::MAX, 1], &[0, 1, 0]),
        ),
        (
            "four billion chunks",
            claiming(&[0, 1, 9], &[0, 1, 1, 1, 1], &[0, u32::MAX, 0]),
        ),
        (
            "four billion runs",
            claiming(&[0, 1, 9], &[0, u32::MAX, 1, 1, 1], &[0, 1, 0]),
        ),
        ("a million boxes", many_boxes),
        ("an index of 17 MiB", long_index),
        ("a track list of 17 MiB", long_tracks),
    ]
}

#[test]
fn bombs_are_refused() {
    for (name, film) in bombs() {
        let refusal = Counting::new(film).probe();
        assert!(refusal.is_err(), "{name}: {refusal:?}");
    }
}

/// The frames of the smallest claim are fine, so that the bombs above fail for the right reason.
#[test]
fn an_honest_claim_passes() {
    let facts = Counting::new(claiming(&[0, 1, 9], &[0, 1, 1, 9, 1], &[0, 1, 0]))
        .probe()
        .unwrap();
    assert_eq!(
        (facts.width, facts.height, facts.duration_ms),
        (320, 240, None)
    );
}

/// The peak of a process's memory cannot be measured beside other tests, so this test runs itself
/// once more, alone, in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn bombs_take_little_memory() {
    const ALONE: &str = "EVIDENCE_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "hostile::bombs_take_little_memory",
                "--nocapture",
            ])
            .env(ALONE, "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    }
    for (name, film) in bombs() {
        // The film itself is held by the test; only what comes on top counts.
        let mut reader = Counting::new(film);
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = peak();
        reader.probe().unwrap_err();
        let growth = peak().saturating_sub(before);
        assert!(growth < MAX_MEMORY + (4 << 20), "{name}: {growth} bytes");
    }
}

#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        << 10
}
