//! Films: MPEG-4 and its relatives, Matroska and WebM, probed without decoding a frame.
//!
//! The probe follows the container's own structure from its start to the last frame that it
//! promises, so a file that was cut anywhere is found, and reads only that structure: of a film of
//! a gigabyte a few hundred kilobytes. No table is built: sizes and times are summed up while
//! the container's tables are walked in place. That is why no demultiplexer stands behind this: those
//! tried allocate whatever a table's length field claims.

use std::io::{self, Read, Seek};

use crate::look::looks_like;

mod matroska;
mod mp4;
mod window;

use window::Window;

/// The containers that can be probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// ISO/IEC 14496-14 and other brands of ISO/IEC 14496-12.
    Mp4,
    /// Apple QuickTime, the ancestor of MPEG-4.
    QuickTime,
    /// 3GPP TS 26.244.
    ThreeGpp,
    /// The WebM subset of Matroska.
    WebM,
    /// RFC 9559.
    Matroska,
}

impl Container {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Container::Mp4 => "video/mp4",
            Container::QuickTime => "video/quicktime",
            Container::ThreeGpp => "video/3gpp",
            Container::WebM => "video/webm",
            Container::Matroska => "video/x-matroska",
        }
    }
}

/// What a film turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFacts {
    /// How streams are interleaved.
    pub container: Container,
    /// The media type of the container.
    pub media_type: &'static str,
    /// How long the film runs, in milliseconds, summed up from its frames where possible.
    pub duration_ms: Option<u64>,
    /// Width as encoded, in pixels.
    pub width: u32,
    /// Height as encoded, in pixels.
    pub height: u32,
    /// The codec by its registered name where there is one: `avc1.640028`, `vp9`.
    pub codec: String,
}

/// Why a file is not a film that can be used.
///
/// All but [`Read`](VideoRefusal::Read) are the sender's fault.
#[derive(Debug, thiserror::Error)]
pub enum VideoRefusal {
    /// There are no bytes.
    #[error("the video is empty")]
    Empty,
    /// Not a container that can be probed; the text says what it looks like.
    #[error("the file looks like {looks_like}, send MP4, MOV, 3GP, WebM or Matroska video")]
    UnsupportedType {
        /// A noun phrase, such as `plain text`.
        looks_like: &'static str,
    },
    /// The structure, or a frame that it promises, lies beyond the end of the file.
    #[error("the video is cut off: {0}")]
    Truncated(&'static str),
    /// Only sound, subtitles or nothing at all.
    #[error("the file has no video track")]
    NoVideoTrack,
    /// A video track without a frame.
    #[error("the video track has no frames")]
    NoFrames,
    /// The structure contradicts itself.
    #[error("the video is damaged: {0}")]
    Malformed(&'static str),
    /// The structure is larger than that of any real film.
    #[error("the video cannot be examined: {0}")]
    TooComplex(&'static str),
    /// The reader failed. The server's fault.
    #[error("the stored video cannot be read")]
    Read(#[source] io::Error),
}

/// How many of the first bytes [`sniff`] wants to see.
pub const SNIFF_LEN: usize = 512;

/// Which container the first bytes announce, `None` if none that can be probed.
///
/// Good for turning away a wrong upload at its first chunk; only [`probe`] tells whether the rest
/// keeps the promise.
pub fn sniff(first_bytes: &[u8]) -> Option<Container> {
    mp4::sniff(first_bytes).or_else(|| matroska::sniff(first_bytes))
}

/// Which container a file of `size` bytes announces, or the refusal that [`probe`] would give.
///
/// `first_bytes` are its first [`SNIFF_LEN`] bytes, or all of them.
pub fn recognise(first_bytes: &[u8], size: u64) -> Result<Container, VideoRefusal> {
    if size == 0 {
        return Err(VideoRefusal::Empty);
    }
    sniff(first_bytes).ok_or_else(|| VideoRefusal::UnsupportedType {
        looks_like: looks_like(first_bytes),
    })
}

/// Walks the film of `size` bytes behind `reader` and tells what it is. For blocking threads.
///
/// Holds no more than [`MAX_MEMORY`] bytes at once; reads in pieces of 64 KiB and never the same
/// piece of media data twice.
pub fn probe<R: Read + Seek>(reader: R, size: u64) -> Result<VideoFacts, VideoRefusal> {
    let mut window = Window::new(reader, size);
    let container = recognise(window.up_to(0, SNIFF_LEN)?, size)?;
    match container {
        Container::WebM | Container::Matroska => matroska::probe(&mut window, container),
        Container::Mp4 | Container::QuickTime | Container::ThreeGpp => {
            mp4::probe(&mut window, container)
        }
    }
}

/// The most memory that [`probe`] takes, in bytes.
pub const MAX_MEMORY: usize = MAX_TABLE + window::PIECE + (64 << 10);

/// The longest single header structure (`moov`, `moof`, `Tracks` …) that is read. Ten hours of
/// video and sound take less than half of it.
const MAX_TABLE: usize = 16 << 20;

/// How many parts a film may have. A file of a million boxes was made to keep us busy.
const MAX_PARTS: u32 = 1_000_000;

/// Counts parts of a structure, so that walking it ends.
struct Budget(u32);

impl Budget {
    fn new() -> Self {
        Self(MAX_PARTS)
    }

    fn spend(&mut self) -> Result<(), VideoRefusal> {
        self.0 = self
            .0
            .checked_sub(1)
            .ok_or(VideoRefusal::TooComplex("it has too many parts"))?;
        Ok(())
    }
}

/// `value` units of `scale` a second, in milliseconds. Zero of either means unknown.
fn milliseconds(value: u64, scale: u64) -> Option<u64> {
    if value == 0 || scale == 0 {
        return None;
    }
    u64::try_from(u128::from(value) * 1000 / u128::from(scale)).ok()
}
