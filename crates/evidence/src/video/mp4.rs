//! The ISO base media file format (ISO/IEC 14496-12), ordinary and fragmented.

use std::io::{Read, Seek};

use super::window::Window;
use super::{Budget, Container, MAX_TABLE, VideoFacts, VideoRefusal, milliseconds};

/// Which relative of MPEG-4 the first box announces.
pub(super) fn sniff(first: &[u8]) -> Option<Container> {
    match first.get(4..8)? {
        b"ftyp" => match first.get(8..12)? {
            b"qt  " => Some(Container::QuickTime),
            [b'3', b'g', ..] => Some(Container::ThreeGpp),
            b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1" | b"avif" | b"avis"
            | b"M4A " | b"M4B " | b"crx " => None,
            _ => Some(Container::Mp4),
        },
        // QuickTime before ftyp.
        b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot" => Some(Container::QuickTime),
        _ => None,
    }
}

pub(super) fn probe<R: Read + Seek>(
    window: &mut Window<R>,
    container: Container,
) -> Result<VideoFacts, VideoRefusal> {
    let mut budget = Budget::new();
    let mut movie: Option<Movie> = None;
    let mut at = 0;
    while let Some(head) = Head::read(window, at)? {
        budget.spend()?;
        match &head.kind {
            b"moov" if movie.is_none() => {
                movie = Some(Movie::parse(
                    &head.table(window)?,
                    window.size(),
                    &mut budget,
                )?);
            }
            // Fragments before the movie box say nothing that can be understood.
            b"moof" => {
                let movie = movie
                    .as_mut()
                    .ok_or(VideoRefusal::Malformed("no movie box"))?;
                movie.add_fragment(&head.table(window)?, at, window.size(), &mut budget)?;
            }
            _ => {}
        }
        at = head.end;
    }

    let movie = movie.ok_or(VideoRefusal::Truncated("it has no movie box"))?;
    let track = movie.picture()?;
    Ok(VideoFacts {
        container,
        media_type: container.media_type(),
        duration_ms: milliseconds(track.summed_duration, track.timescale.into())
            .or_else(|| milliseconds(track.stated_duration, track.timescale.into())),
        width: track.width,
        height: track.height,
        codec: track.codec.clone(),
    })
}

/// The head of a box in the file.
struct Head {
    kind: [u8; 4],
    body: u64,
    end: u64,
}

impl Head {
    /// Reads the head at `at`, `None` at the end of the file.
    fn read<R: Read + Seek>(window: &mut Window<R>, at: u64) -> Result<Option<Self>, VideoRefusal> {
        let size = window.size();
        let bytes = window.up_to(at, 16)?;
        // Fewer than eight bytes at the end are the padding of some writers.
        let Some((length, kind)) = u32_at(bytes, 0).zip(array_at(bytes, 4)) else {
            return Ok(None);
        };
        let (header, end) = match length {
            0 => (8, Some(size)),
            1 => {
                let long =
                    u64_at(bytes, 8).ok_or(VideoRefusal::Truncated("a box is incomplete"))?;
                (16, at.checked_add(long))
            }
            short => (8, at.checked_add(short.into())),
        };
        let end = end.ok_or(VideoRefusal::Malformed("a box is impossibly long"))?;
        if end < at + header {
            return Err(VideoRefusal::Malformed("a box is shorter than its head"));
        }
        if end > size {
            return Err(VideoRefusal::Truncated(
                "a box ends beyond the end of the file",
            ));
        }
        Ok(Some(Self {
            kind,
            body: at + header,
            end,
        }))
    }

    fn table<R: Read + Seek>(&self, window: &mut Window<R>) -> Result<Vec<u8>, VideoRefusal> {
        let len = usize::try_from(self.end - self.body)
            .ok()
            .filter(|len| *len <= MAX_TABLE)
            .ok_or(VideoRefusal::TooComplex("its index is too long"))?;
        window.table(self.body, len)
    }
}

/// What is kept of a `moov` box and the `moof` boxes after it.
struct Movie {
    tracks: Vec<Track>,
}

#[derive(Default)]
struct Track {
    id: u32,
    handler: [u8; 4],
    timescale: u32,
    /// What the header says, in units of the timescale.
    stated_duration: u64,
    /// The sum over the frames, in units of the timescale.
    summed_duration: u64,
    frames: u64,
    width: u32,
    height: u32,
    codec: String,
    default_frame_duration: u32,
    default_frame_size: u32,
}

/// How many tracks are looked at: picture, sound and what telephones add.
const MAX_TRACKS: usize = 64;

impl Movie {
    fn parse(moov: &[u8], file_size: u64, budget: &mut Budget) -> Result<Self, VideoRefusal> {
        let mut tracks = Vec::new();
        for item in Boxes::of(moov, budget) {
            let Inner { kind, body } = item?;
            if kind == *b"trak" {
                if tracks.len() == MAX_TRACKS {
                    return Err(VideoRefusal::TooComplex("it has too many tracks"));
                }
                tracks.push(body);
            }
        }
        let mut tracks = tracks
            .into_iter()
            .map(|trak| Track::parse(trak, file_size, budget))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(mvex) = child(moov, b"mvex", budget)? {
            for item in Boxes::of(mvex, budget) {
                let Inner { kind, body: trex } = item?;
                // ISO/IEC 14496-12 §8.8.3: version and flags, track, description, duration, size.
                if kind == *b"trex" {
                    let id = u32_at(trex, 4);
                    if let Some(track) = tracks.iter_mut().find(|track| Some(track.id) == id) {
                        track.default_frame_duration = u32_at(trex, 12).unwrap_or(0);
                        track.default_frame_size = u32_at(trex, 16).unwrap_or(0);
                    }
                }
            }
        }
        Ok(Self { tracks })
    }

    /// Sums up one movie fragment (§8.8.4) that begins at `start`.
    fn add_fragment(
        &mut self,
        moof: &[u8],
        start: u64,
        file_size: u64,
        budget: &mut Budget,
    ) -> Result<(), VideoRefusal> {
        let mut trafs = Vec::new();
        for item in Boxes::of(moof, budget) {
            let Inner { kind, body } = item?;
            if kind == *b"traf" {
                if trafs.len() == MAX_TRACKS {
                    return Err(VideoRefusal::TooComplex("a fragment has too many tracks"));
                }
                trafs.push(body);
            }
        }
        for traf in trafs {
            let tfhd = child(traf, b"tfhd", budget)?.ok_or(MISSING)?;
            let header = FragmentHeader::parse(tfhd)?;
            let track = self
                .tracks
                .iter_mut()
                .find(|track| track.id == header.track)
                .ok_or(VideoRefusal::Malformed("a fragment belongs to no track"))?;
            let base = header.base.unwrap_or(start);
            let mut end = base;
            for item in Boxes::of(traf, budget) {
                let Inner { kind, body: trun } = item?;
                if kind == *b"trun" {
                    let run = Run::parse(
                        trun,
                        header
                            .frame_duration
                            .unwrap_or(track.default_frame_duration),
                        header.frame_size.unwrap_or(track.default_frame_size),
                    )?;
                    let from = match run.offset {
                        Some(offset) => base.saturating_add_signed(offset.into()),
                        None => end,
                    };
                    end = from.saturating_add(run.size);
                    if end > file_size {
                        return Err(FRAME_BEYOND_END);
                    }
                    track.frames = track.frames.saturating_add(run.frames);
                    track.summed_duration = track.summed_duration.saturating_add(run.duration);
                }
            }
        }
        Ok(())
    }

    /// The track that shows something.
    fn picture(&self) -> Result<&Track, VideoRefusal> {
        let mut pictures = self
            .tracks
            .iter()
            .filter(|track| track.handler == *b"vide")
            .peekable();
        let first = *pictures.peek().ok_or(VideoRefusal::NoVideoTrack)?;
        let track = pictures.max_by_key(|track| track.frames).unwrap_or(first);
        if track.frames == 0 {
            return Err(VideoRefusal::NoFrames);
        }
        if track.width == 0 || track.height == 0 {
            return Err(VideoRefusal::Malformed("the video track has no dimensions"));
        }
        Ok(track)
    }
}

impl Track {
    fn parse(trak: &[u8], file_size: u64, budget: &mut Budget) -> Result<Self, VideoRefusal> {
        let mut track = Track::default();
        let tkhd = child(trak, b"tkhd", budget)?.ok_or(MISSING)?;
        // §8.3.2: times of 32 or 64 bits before the track's number; the size is at the end.
        let (id_at, size_at) = if tkhd.first() == Some(&1) {
            (20, 88)
        } else {
            (12, 76)
        };
        track.id = u32_at(tkhd, id_at).ok_or(MISSING)?;
        track.width = u32_at(tkhd, size_at).unwrap_or(0) >> 16;
        track.height = u32_at(tkhd, size_at + 4).unwrap_or(0) >> 16;

        let mdia = child(trak, b"mdia", budget)?.ok_or(MISSING)?;
        let mdhd = child(mdia, b"mdhd", budget)?.ok_or(MISSING)?;
        // §8.4.2; a duration of all ones means unknown.
        if mdhd.first() == Some(&1) {
            track.timescale = u32_at(mdhd, 20).ok_or(MISSING)?;
            track.stated_duration = u64_at(mdhd, 24).filter(|d| *d != u64::MAX).unwrap_or(0);
        } else {
            track.timescale = u32_at(mdhd, 12).ok_or(MISSING)?;
            let duration = u32_at(mdhd, 16).filter(|d| *d != u32::MAX);
            track.stated_duration = duration.unwrap_or(0).into();
        }
        let hdlr = child(mdia, b"hdlr", budget)?.ok_or(MISSING)?;
        track.handler = array_at(hdlr, 8).ok_or(MISSING)?;

        let minf = child(mdia, b"minf", budget)?.ok_or(MISSING)?;
        let stbl = child(minf, b"stbl", budget)?.ok_or(MISSING)?;
        if track.handler == *b"vide" {
            let stsd = child(stbl, b"stsd", budget)?.ok_or(MISSING)?;
            track.describe(stsd.get(8..).unwrap_or_default(), budget)?;
        }
        track.sum_up(stbl, file_size, budget)?;
        Ok(track)
    }

    /// Takes dimensions and codec from the first visual sample entry (§12.1.3).
    fn describe(&mut self, entries: &[u8], budget: &mut Budget) -> Result<(), VideoRefusal> {
        let Some(entry) = Boxes::of(entries, budget).next() else {
            return Ok(());
        };
        let Inner { kind, body } = entry?;
        if let Some((width, height)) = u16_at(body, 24).zip(u16_at(body, 26))
            && width != 0
            && height != 0
        {
            self.width = width.into();
            self.height = height.into();
        }
        let inner = body.get(78..).unwrap_or_default();
        self.codec = match &kind {
            b"avc1" | b"avc3" => {
                // RFC 6381 §3.3: profile, constraints and level as they stand in avcC.
                let avcc = child(inner, b"avcC", budget).ok().flatten();
                match avcc.and_then(|avcc| array_at::<3>(avcc, 1)) {
                    Some([profile, constraints, level]) => {
                        format!(
                            "{}.{profile:02x}{constraints:02x}{level:02x}",
                            printable(kind)
                        )
                    }
                    None => printable(kind),
                }
            }
            b"vp08" => "vp8".to_owned(),
            b"vp09" => "vp9".to_owned(),
            b"av01" => "av1".to_owned(),
            b"encv" => return Err(VideoRefusal::Malformed("it is encrypted")),
            _ => printable(kind),
        };
        Ok(())
    }

    /// Walks the sample tables (§8.6, §8.7): how many frames, how long, and does the last byte of
    /// each chunk lie inside the file.
    fn sum_up(
        &mut self,
        stbl: &[u8],
        file_size: u64,
        budget: &mut Budget,
    ) -> Result<(), VideoRefusal> {
        let Some(sizes) = child(stbl, b"stsz", budget)?
            .map(Sizes::parse)
            .or(child(stbl, b"stz2", budget)?.map(Sizes::parse_compact))
        else {
            return Ok(());
        };
        let sizes = sizes?;
        if let Some(stts) = child(stbl, b"stts", budget)? {
            for entry in table(stts, 4, 8)? {
                let (count, delta) = (u32_of(entry, 0), u32_of(entry, 4));
                let run = u64::from(count) * u64::from(delta);
                self.summed_duration = self.summed_duration.saturating_add(run);
            }
        }
        if sizes.count == 0 {
            return Ok(());
        }

        let runs = child(stbl, b"stsc", budget)?.ok_or(MISSING)?;
        let mut runs = table(runs, 4, 12)?
            .map(|e| (u32_of(e, 0), u32_of(e, 4)))
            .peekable();
        let (offsets, width) = match child(stbl, b"stco", budget)? {
            Some(stco) => (stco, 4),
            None => (child(stbl, b"co64", budget)?.ok_or(MISSING)?, 8),
        };

        let mut per_chunk = 0;
        let mut frame: u64 = 0;
        for (chunk, offset) in (1_u64..).zip(table(offsets, 4, width)?) {
            while let Some((_, count)) = runs.next_if(|(first, _)| u64::from(*first) <= chunk) {
                per_chunk = u64::from(count);
            }
            let here = per_chunk.min(u64::from(sizes.count) - frame);
            let start = if width == 4 {
                u32_of(offset, 0).into()
            } else {
                u64_of(offset)
            };
            let end = start.saturating_add(sizes.sum(frame, here));
            if end > file_size {
                return Err(FRAME_BEYOND_END);
            }
            frame += here;
        }
        if frame < u64::from(sizes.count) {
            return Err(VideoRefusal::Malformed("some frames lie nowhere"));
        }
        self.frames = frame;
        Ok(())
    }
}

/// The sizes of samples (§8.7.3): one for all, or a table.
struct Sizes<'a> {
    count: u32,
    uniform: u32,
    bits: u8,
    table: &'a [u8],
}

impl<'a> Sizes<'a> {
    fn parse(stsz: &'a [u8]) -> Result<Self, VideoRefusal> {
        let uniform = u32_at(stsz, 4).ok_or(MISSING)?;
        let count = u32_at(stsz, 8).ok_or(MISSING)?;
        let sizes = Self {
            count,
            uniform,
            bits: 32,
            table: &stsz[12..],
        };
        sizes.checked()
    }

    fn parse_compact(stz2: &'a [u8]) -> Result<Self, VideoRefusal> {
        let bits = *stz2.get(7).ok_or(MISSING)?;
        let count = u32_at(stz2, 8).ok_or(MISSING)?;
        let sizes = Self {
            count,
            uniform: 0,
            bits,
            table: &stz2[12..],
        };
        sizes.checked()
    }

    fn checked(self) -> Result<Self, VideoRefusal> {
        let needed = u64::from(self.count) * u64::from(self.bits) / 8;
        if !matches!(self.bits, 4 | 8 | 16 | 32) {
            return Err(VideoRefusal::Malformed("frame sizes of an odd width"));
        }
        if self.uniform == 0 && needed > self.table.len() as u64 {
            return Err(TABLE_TOO_SHORT);
        }
        Ok(self)
    }

    /// The size of `count` samples from number `first` on, both within the table.
    fn sum(&self, first: u64, count: u64) -> u64 {
        if self.uniform != 0 {
            return count.saturating_mul(self.uniform.into());
        }
        let range = |unit: u64| {
            let (from, to) = (first * unit / 8, (first + count) * unit / 8);
            &self.table[from as usize..to as usize]
        };
        match self.bits {
            // Halves of bytes: an upper bound is enough for a width that no film uses.
            4 => count * 15,
            8 => range(8).iter().map(|size| u64::from(*size)).sum(),
            16 => range(16)
                .chunks_exact(2)
                .map(|e| u64::from(u16::from_be_bytes([e[0], e[1]])))
                .sum(),
            _ => range(32)
                .chunks_exact(4)
                .map(|e| u64::from(u32_of(e, 0)))
                .sum(),
        }
    }
}

/// A track fragment header (§8.8.7).
struct FragmentHeader {
    track: u32,
    base: Option<u64>,
    frame_duration: Option<u32>,
    frame_size: Option<u32>,
}

impl FragmentHeader {
    fn parse(tfhd: &[u8]) -> Result<Self, VideoRefusal> {
        let flags = u32_at(tfhd, 0).ok_or(MISSING)?;
        let mut fields = Fields {
            bytes: tfhd,
            at: 4,
            flags,
        };
        Ok(Self {
            track: fields.next(None)?.ok_or(MISSING)?,
            base: fields.next_long(0x1)?,
            frame_duration: {
                fields.next(Some(0x2))?;
                fields.next(Some(0x8))?
            },
            frame_size: fields.next(Some(0x10))?,
        })
    }
}

/// A track run (§8.8.8), summed up.
struct Run {
    offset: Option<i32>,
    frames: u64,
    size: u64,
    duration: u64,
}

impl Run {
    fn parse(trun: &[u8], duration: u32, size: u32) -> Result<Self, VideoRefusal> {
        let flags = u32_at(trun, 0).ok_or(MISSING)?;
        let mut fields = Fields {
            bytes: trun,
            at: 4,
            flags,
        };
        let count = fields.next(None)?.ok_or(MISSING)?;
        let offset = fields.next(Some(0x1))?.map(u32::cast_signed);
        fields.next(Some(0x4))?;
        let frames = u64::from(count);
        let mut run = Run {
            offset,
            frames,
            size: 0,
            duration: 0,
        };

        let has = |flag| flags & flag != 0;
        let width = 4 * [0x100, 0x200, 0x400, 0x800]
            .iter()
            .filter(|flag| has(**flag))
            .count();
        if !has(0x100) {
            run.duration = frames * u64::from(duration);
        }
        if !has(0x200) {
            run.size = frames * u64::from(size);
        }
        if width != 0 {
            let rest = trun.get(fields.at..).unwrap_or_default();
            if frames * width as u64 > rest.len() as u64 {
                return Err(TABLE_TOO_SHORT);
            }
            for entry in rest.chunks_exact(width).take(count as usize) {
                if has(0x100) {
                    run.duration += u64::from(u32_of(entry, 0));
                }
                if has(0x200) {
                    run.size += u64::from(u32_of(entry, if has(0x100) { 4 } else { 0 }));
                }
            }
        }
        Ok(run)
    }
}

/// Fields that are there only where a flag says so.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    flags: u32,
}

impl Fields<'_> {
    fn next(&mut self, flag: Option<u32>) -> Result<Option<u32>, VideoRefusal> {
        if flag.is_some_and(|flag| self.flags & flag == 0) {
            return Ok(None);
        }
        let value = u32_at(self.bytes, self.at).ok_or(MISSING)?;
        self.at += 4;
        Ok(Some(value))
    }

    fn next_long(&mut self, flag: u32) -> Result<Option<u64>, VideoRefusal> {
        if self.flags & flag == 0 {
            return Ok(None);
        }
        let value = u64_at(self.bytes, self.at).ok_or(MISSING)?;
        self.at += 8;
        Ok(Some(value))
    }
}

/// A box inside a box.
struct Inner<'a> {
    kind: [u8; 4],
    body: &'a [u8],
}

/// The boxes inside a box.
struct Boxes<'a, 'b> {
    rest: &'a [u8],
    budget: &'b mut Budget,
}

impl<'a, 'b> Boxes<'a, 'b> {
    fn of(body: &'a [u8], budget: &'b mut Budget) -> Self {
        Self { rest: body, budget }
    }

    fn take(&mut self) -> Result<Option<Inner<'a>>, VideoRefusal> {
        // QuickTime ends a list of boxes with four zero bytes.
        if self.rest.len() < 8 {
            return Ok(None);
        }
        self.budget.spend()?;
        let length = u32_of(self.rest, 0);
        let kind = array_at(self.rest, 4).ok_or(MISSING)?;
        let (header, end) = match length {
            0 => (8, self.rest.len() as u64),
            1 => (16, u64_at(self.rest, 8).ok_or(MISSING)?),
            short => (8, short.into()),
        };
        let end = usize::try_from(end).ok().filter(|end| *end >= header);
        let body = end.and_then(|end| self.rest.get(header..end));
        let body = body.ok_or(VideoRefusal::Malformed(
            "a box reaches out of the box around it",
        ))?;
        self.rest = &self.rest[header + body.len()..];
        Ok(Some(Inner { kind, body }))
    }
}

impl<'a> Iterator for Boxes<'a, '_> {
    type Item = Result<Inner<'a>, VideoRefusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.take();
        if item.is_err() {
            self.rest = &[];
        }
        item.transpose()
    }
}

/// The first box of a kind inside `body`.
fn child<'a>(
    body: &'a [u8],
    kind: &[u8; 4],
    budget: &mut Budget,
) -> Result<Option<&'a [u8]>, VideoRefusal> {
    for item in Boxes::of(body, budget) {
        let Inner {
            kind: found,
            body: inner,
        } = item?;
        if found == *kind {
            return Ok(Some(inner));
        }
    }
    Ok(None)
}

/// The entries, `width` bytes each, of a table whose count stands at `count_at`.
fn table(
    body: &[u8],
    count_at: usize,
    width: usize,
) -> Result<std::slice::ChunksExact<'_, u8>, VideoRefusal> {
    let count = u32_at(body, count_at).ok_or(MISSING)? as usize;
    let length = count.checked_mul(width).ok_or(TABLE_TOO_SHORT)?;
    let entries = body.get(count_at + 4..).and_then(|rest| rest.get(..length));
    Ok(entries.ok_or(TABLE_TOO_SHORT)?.chunks_exact(width))
}

const MISSING: VideoRefusal = VideoRefusal::Malformed("a part of its index is missing");
const TABLE_TOO_SHORT: VideoRefusal =
    VideoRefusal::Malformed("a table has fewer entries than it says");
const FRAME_BEYOND_END: VideoRefusal =
    VideoRefusal::Truncated("a frame lies beyond the end of the file");

fn printable(kind: [u8; 4]) -> String {
    kind.iter()
        .map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect()
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_be_bytes)
}

/// For entries of a table, whose width is known.
fn u32_of(entry: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
}

fn u64_of(entry: &[u8]) -> u64 {
    u64::from(u32_of(entry, 0)) << 32 | u64::from(u32_of(entry, 4))
}
