//! Our facts against those of ffprobe.

use evidence::video::{Container, VideoRefusal, probe, sniff};

use crate::{Counting, media};

/// The films, with the container and codec that we name.
const FILMS: &[(&str, Container, &str)] = &[
    ("plain.mp4", Container::Mp4, "avc1."),
    ("faststart.mp4", Container::Mp4, "avc1."),
    ("fragmented.mp4", Container::Mp4, "avc1."),
    ("fragmented-based.mp4", Container::Mp4, "avc1."),
    ("plain.mov", Container::QuickTime, "avc1."),
    ("plain.3gp", Container::ThreeGpp, "s263"),
    ("plain.webm", Container::WebM, "vp8"),
    ("vp9.webm", Container::WebM, "vp9"),
    ("live.webm", Container::WebM, "vp8"),
    ("plain.mkv", Container::Matroska, "avc1"),
];

#[test]
fn agrees_with_ffprobe() {
    let judged = String::from_utf8(media("ffprobe.jsonl")).unwrap();
    for (name, container, codec) in FILMS {
        let line = judged
            .lines()
            .find(|line| line.contains(&format!("\"{name}\"")))
            .unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let streams = line["ffprobe"]["streams"].as_array().unwrap();
        let judge = streams
            .iter()
            .find(|stream| stream["codec_type"] == "video")
            .unwrap();

        let mut reader = Counting::new(media(name));
        let facts = reader.probe().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(facts.container, *container, "{name}");
        assert_eq!(facts.media_type, container.media_type());
        assert!(facts.codec.starts_with(codec), "{name}: {}", facts.codec);
        assert_eq!(judge["width"], facts.width, "{name}");
        assert_eq!(judge["height"], facts.height, "{name}");
        // Matroska states one duration for all tracks, the longest; a live recording states none,
        // so there only the film of two seconds that was asked of ffmpeg can judge.
        let seconds = |v: &serde_json::Value| v["duration"].as_str()?.parse::<f64>().ok();
        let judged = seconds(judge)
            .or(seconds(&line["ffprobe"]["format"]))
            .unwrap_or(2.0);
        let ours = facts.duration_ms.unwrap() as f64 / 1000.0;
        assert!(
            (ours - judged).abs() <= 0.1,
            "{name}: {ours} s, ffprobe says {judged} s"
        );
    }
}

#[test]
fn sniffs_the_first_chunk() {
    for (name, container, _) in FILMS {
        assert_eq!(sniff(&media(name)[..64]), Some(*container), "{name}");
    }
    assert_eq!(sniff(&media("plain.avi")), None);
    assert_eq!(sniff(b"this is not a video at all, but text"), None);
    assert_eq!(sniff(b""), None);
}

#[test]
fn says_what_was_sent_instead() {
    let refusal = |bytes: &[u8]| {
        Counting::new(bytes.to_vec())
            .probe()
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal(b""), "the video is empty");
    assert!(refusal(b"this is not a video").starts_with("the file looks like plain text"));
    assert!(refusal(&media("plain.avi")).starts_with("the file looks like an AVI video"));
    assert!(refusal(b"\0\0\0\x18ftypheic\0\0\0\0").starts_with("the file looks like a HEIF image"));
    for sound in ["sound.mp4", "sound.webm"] {
        assert_eq!(refusal(&media(sound)), "the file has no video track");
    }
}

#[test]
fn finds_every_cut() {
    for (name, ..) in FILMS {
        let whole = media(name);
        for end in 1..whole.len() {
            let Ok(facts) = Counting::new(whole[..end].to_vec()).probe() else {
                continue;
            };
            // Only where the structure itself has no total can a cut between two parts go unseen;
            // and an index for seeking may be lost without losing a frame.
            let missing = whole.len() - end;
            assert!(
                name.starts_with("fragmented") || *name == "live.webm" || missing < 8,
                "{name} lacks {missing} bytes and passes as {facts:?}"
            );
        }
    }
}

#[test]
fn a_cut_inside_a_live_frame_is_found() {
    let whole = media("live.webm");
    let refused = (1..whole.len())
        .filter(|end| Counting::new(whole[..*end].to_vec()).probe().is_err())
        .count();
    assert!(
        refused * 100 > whole.len() * 95,
        "{refused} of {} cuts found",
        whole.len()
    );
}

/// A gigabyte between index and end must not be read.
#[test]
fn reads_the_structure_only() {
    let mut film = media("faststart.mp4");
    let before = film.len();
    film.extend_from_slice(&(64_u32 << 20).to_be_bytes());
    film.extend_from_slice(b"mdat");
    film.resize(before + (64 << 20), 0);
    let mut reader = Counting::new(film);
    reader.probe().unwrap();
    assert!(reader.bytes < 256 << 10, "{} bytes read", reader.bytes);
    assert!(reader.reads < 10, "{} reads", reader.reads);
}

/// The store's fault is not blamed on the sender.
#[test]
fn a_failing_reader_is_our_fault() {
    let film = media("plain.mp4");
    let size = film.len() as u64;
    let mut short = film;
    short.truncate(100);
    let refusal = probe(std::io::Cursor::new(short), size).unwrap_err();
    assert!(matches!(refusal, VideoRefusal::Read(_)), "{refusal}");
}

/// The specimens that the project ships are good evidence.
#[test]
fn the_specimens_pass() {
    let specimen = |name: &str| media(&format!("../../../../specimens/{name}"));
    for (name, width, height) in [
        ("id-front.jpg", 1400, 960),
        ("id-rear.jpg", 1400, 960),
        ("id-photo.jpg", 480, 600),
        ("selfie.jpg", 900, 1200),
    ] {
        let facts = evidence::image::probe(&specimen(name)).unwrap();
        assert_eq!((facts.width, facts.height), (width, height), "{name}");
    }
    let film = Counting::new(specimen("video.mp4")).probe().unwrap();
    assert_eq!(
        (film.width, film.height, film.duration_ms),
        (1280, 720, Some(8000))
    );
    assert_eq!(
        (film.container, film.media_type),
        (Container::Mp4, "video/mp4")
    );
}
