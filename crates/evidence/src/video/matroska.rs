//! Matroska and WebM (RFC 9559 over EBML, RFC 8794), finished files and live recordings.

use std::io::{Read, Seek};

use super::window::Window;
use super::{Budget, Container, MAX_TABLE, VideoFacts, VideoRefusal, milliseconds};

const EBML: u32 = 0x1a45_dfa3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x23_e383;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
/// The other children of a segment: they end a cluster of unknown size.
const SEEK_HEAD: u32 = 0x114d_9b74;
const CUES: u32 = 0x1c53_bb6b;
const CHAPTERS: u32 = 0x1043_a770;
const TAGS: u32 = 0x1254_c367;
const ATTACHMENTS: u32 = 0x1941_a469;

const NANOSECONDS: u64 = 1_000_000_000;

/// Which document type the EBML header announces.
pub(super) fn sniff(first: &[u8]) -> Option<Container> {
    let (id, length, header) = element_head(first)?;
    let end = length
        .and_then(|length| usize::try_from(length).ok())?
        .checked_add(header)?;
    if id != EBML {
        return None;
    }
    let fields = first.get(header..end.min(first.len()))?;
    match text(child(fields, DOC_TYPE)?).as_str() {
        "webm" => Some(Container::WebM),
        "matroska" => Some(Container::Matroska),
        _ => None,
    }
}

pub(super) fn probe<R: Read + Seek>(
    window: &mut Window<R>,
    container: Container,
) -> Result<VideoFacts, VideoRefusal> {
    let mut budget = Budget::new();
    let mut at = 0;
    let segment = loop {
        let element = Element::read(window, at)?.ok_or(CUT_BEFORE_FRAMES)?;
        budget.spend()?;
        if element.id == SEGMENT {
            break element;
        }
        at = element
            .end
            .ok_or(VideoRefusal::Malformed("the header has no end"))?;
    };

    let mut film = Film::default();
    // A live recording states no size and runs to the end of the file.
    let end = segment.end.unwrap_or(window.size());
    at = segment.body;
    while at < end {
        let Some(element) = Element::read(window, at)? else {
            break;
        };
        budget.spend()?;
        match element.id {
            INFO => film.take_info(&element.table(window)?),
            TRACKS => film.take_tracks(&element.table(window)?)?,
            CLUSTER => film.last_cluster = Some((element.body, element.end)),
            _ => {}
        }
        at = match element.end {
            Some(end) => end,
            None if element.id == CLUSTER => {
                film.walk_cluster(window, element.body, end, &mut budget)?
            }
            None => return Err(VideoRefusal::Malformed("a part has no end")),
        };
    }

    if let Some((body, Some(end))) = film.last_cluster {
        film.walk_cluster(window, body, end, &mut budget)?;
    }
    film.into_facts(container)
}

/// An element's head in the file.
struct Element {
    id: u32,
    body: u64,
    /// `None` where the size is unknown (RFC 8794 §6.2).
    end: Option<u64>,
}

impl Element {
    /// Reads the head at `at`, `None` at the end of the file.
    fn read<R: Read + Seek>(window: &mut Window<R>, at: u64) -> Result<Option<Self>, VideoRefusal> {
        let size = window.size();
        let bytes = window.up_to(at, 12)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let short = bytes.len() < 12;
        let (id, length, header) = match element_head(bytes) {
            Some(head) => head,
            None if short => return Err(VideoRefusal::Truncated("a part is incomplete")),
            None => {
                return Err(VideoRefusal::Malformed(
                    "a part has an invalid name or size",
                ));
            }
        };
        let body = at + header as u64;
        let end = match length {
            Some(length) => Some(
                body.checked_add(length)
                    .ok_or(VideoRefusal::Malformed("an impossible size"))?,
            ),
            None => None,
        };
        if end.is_some_and(|end| end > size) {
            return Err(VideoRefusal::Truncated(
                "a part ends beyond the end of the file",
            ));
        }
        Ok(Some(Self { id, body, end }))
    }

    fn table<R: Read + Seek>(&self, window: &mut Window<R>) -> Result<Vec<u8>, VideoRefusal> {
        let end = self
            .end
            .ok_or(VideoRefusal::Malformed("a part has no end"))?;
        let len = usize::try_from(end - self.body)
            .ok()
            .filter(|len| *len <= MAX_TABLE)
            .ok_or(VideoRefusal::TooComplex("its header is too long"))?;
        window.table(self.body, len)
    }
}

/// What is kept of the segment.
#[derive(Default)]
struct Film {
    /// Nanoseconds per tick; 0 until the information says otherwise.
    scale: u64,
    /// What the header says, in nanoseconds.
    stated_duration: Option<u64>,
    tracks_seen: bool,
    picture: Option<Picture>,
    last_cluster: Option<(u64, Option<u64>)>,
    frames: u64,
    /// The latest block of the picture, in ticks.
    last_block: Option<u64>,
}

struct Picture {
    number: u64,
    codec: String,
    frame_duration: u64,
    width: u32,
    height: u32,
}

impl Film {
    fn take_info(&mut self, info: &[u8]) {
        self.scale = child(info, TIMESTAMP_SCALE).map_or(0, unsigned);
        self.stated_duration = child(info, DURATION)
            .and_then(float)
            .map(|ticks| ticks * self.scale() as f64)
            // Longer than a century is no film; the comparison is false for NaN too.
            .filter(|nanoseconds| (1.0..3.2e18).contains(nanoseconds))
            .map(|nanoseconds| nanoseconds as u64);
    }

    fn take_tracks(&mut self, tracks: &[u8]) -> Result<(), VideoRefusal> {
        self.tracks_seen = true;
        for (id, entry) in Children(tracks) {
            let kind = child(entry, TRACK_TYPE).map(unsigned);
            let Some(video) = child(entry, VIDEO) else {
                continue;
            };
            if id != TRACK_ENTRY || kind != Some(1) || self.picture.is_some() {
                continue;
            }
            let side = |id| {
                child(video, id)
                    .map(unsigned)
                    .and_then(|side| u32::try_from(side).ok())
            };
            let (width, height) = side(PIXEL_WIDTH)
                .zip(side(PIXEL_HEIGHT))
                .filter(|(width, height)| *width != 0 && *height != 0)
                .ok_or(VideoRefusal::Malformed("the video track has no dimensions"))?;
            self.picture = Some(Picture {
                number: child(entry, TRACK_NUMBER).map_or(0, unsigned),
                codec: codec(&child(entry, CODEC_ID).map(text).unwrap_or_default()),
                frame_duration: child(entry, DEFAULT_DURATION).map_or(0, unsigned),
                width,
                height,
            });
        }
        Ok(())
    }

    /// Notes the blocks of a cluster; the answer is where it ends.
    fn walk_cluster<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        body: u64,
        end: u64,
        budget: &mut Budget,
    ) -> Result<u64, VideoRefusal> {
        let mut base = 0;
        let mut at = body;
        while at < end {
            let Some(element) = Element::read(window, at)? else {
                break;
            };
            if is_child_of_segment(element.id) {
                break;
            }
            budget.spend()?;
            let inner = element
                .end
                .ok_or(VideoRefusal::Malformed("a frame has no end"))?;
            match element.id {
                TIMESTAMP => base = unsigned(window.up_to(element.body, length(&element, 8))?),
                SIMPLE_BLOCK => {
                    let head = window.up_to(element.body, length(&element, 12))?;
                    self.note_block(base, head);
                }
                BLOCK_GROUP => {
                    let head = window.up_to(element.body, length(&element, 64))?;
                    // The block comes first in all but hand-made files, so its head is near.
                    if let Some((BLOCK, _, header)) = element_head(head) {
                        let head = head.get(header..).unwrap_or_default();
                        self.note_block(base, head);
                    }
                }
                _ => {}
            }
            at = inner;
        }
        Ok(at)
    }

    /// RFC 9559 §10.1: track number, then a signed 16-bit distance from the cluster's timestamp.
    fn note_block(&mut self, base: u64, head: &[u8]) {
        self.frames = self.frames.saturating_add(1);
        let Some((track, used)) = size(head) else {
            return;
        };
        let Some(picture) = &self.picture else { return };
        if track == Some(picture.number)
            && let Some(&[high, low]) = head.get(used..used + 2)
        {
            let ticks = base.saturating_add_signed(i16::from_be_bytes([high, low]).into());
            self.last_block = self.last_block.max(Some(ticks));
        }
    }

    fn into_facts(self, container: Container) -> Result<VideoFacts, VideoRefusal> {
        if !self.tracks_seen {
            return Err(CUT_BEFORE_FRAMES);
        }
        let scale = self.scale();
        let picture = self.picture.ok_or(VideoRefusal::NoVideoTrack)?;
        if self.frames == 0 {
            return Err(VideoRefusal::NoFrames);
        }
        // A browser's recording has no duration in its header: the last frame tells.
        let shown = self.last_block.map(|ticks| {
            ticks
                .saturating_mul(scale)
                .saturating_add(picture.frame_duration)
        });
        let nanoseconds = self.stated_duration.or(shown);
        Ok(VideoFacts {
            container,
            media_type: container.media_type(),
            duration_ms: nanoseconds.and_then(|duration| milliseconds(duration, NANOSECONDS)),
            width: picture.width,
            height: picture.height,
            codec: picture.codec,
        })
    }

    /// RFC 9559 §5.1.2.9: a millisecond unless stated.
    fn scale(&self) -> u64 {
        if self.scale == 0 {
            1_000_000
        } else {
            self.scale
        }
    }
}

const CUT_BEFORE_FRAMES: VideoRefusal = VideoRefusal::Truncated("it ends before its first frame");

fn is_child_of_segment(id: u32) -> bool {
    matches!(
        id,
        CLUSTER | CUES | TAGS | SEEK_HEAD | INFO | TRACKS | CHAPTERS | ATTACHMENTS
    )
}

fn length(element: &Element, most: u64) -> usize {
    let length = element.end.map_or(most, |end| end - element.body);
    // At most 64, so the conversion cannot lose anything.
    length.min(most) as usize
}

fn codec(id: &str) -> String {
    match id {
        "V_VP8" => "vp8".to_owned(),
        "V_VP9" => "vp9".to_owned(),
        "V_AV1" => "av1".to_owned(),
        "V_MPEG4/ISO/AVC" => "avc1".to_owned(),
        "V_MPEGH/ISO/HEVC" => "hvc1".to_owned(),
        other => other.to_owned(),
    }
}

/// The elements inside a master element; ends at the first that does not fit.
struct Children<'a>(&'a [u8]);

impl<'a> Iterator for Children<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, length, header) = element_head(self.0)?;
        let length = usize::try_from(length?).ok()?;
        let body = self.0.get(header..)?.get(..length)?;
        self.0 = &self.0[header + length..];
        Some((id, body))
    }
}

fn child(body: &[u8], id: u32) -> Option<&[u8]> {
    Children(body)
        .find(|(found, _)| *found == id)
        .map(|(_, inner)| inner)
}

/// Id, length (`None` for unknown) and the number of bytes that both took.
fn element_head(bytes: &[u8]) -> Option<(u32, Option<u64>, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    // RFC 8794 §5: Matroska's ids have at most four bytes and keep their marker.
    if width > 4 {
        return None;
    }
    let id = bytes
        .get(..width)?
        .iter()
        .fold(0, |id, byte| id << 8 | u32::from(*byte));
    let (length, used) = size(&bytes[width..])?;
    Some((id, length, width + used))
}

/// A variable-size integer (RFC 8794 §4), `None` inside for all ones, and its width.
fn size(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    if width > 8 {
        return None;
    }
    let all = bytes
        .get(..width)?
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    let mask = (1_u64 << (7 * width)) - 1;
    let value = all & mask;
    Some(((value != mask).then_some(value), width))
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => bytes.try_into().ok().map(f32::from_be_bytes).map(f64::from),
        8 => bytes.try_into().ok().map(f64::from_be_bytes),
        _ => None,
    }
}

/// A string element: printable ASCII, at most 64 of it, up to the first zero.
fn text(bytes: &[u8]) -> String {
    let chars = bytes.iter().take(64).take_while(|byte| **byte != 0);
    chars
        .map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect()
}
