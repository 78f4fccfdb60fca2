//! Still images: JPEG and PNG, decoded to the last pixel.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::image::codecs::jpeg::JpegDecoder;
use ::image::codecs::png::PngDecoder;
use ::image::{DynamicImage, ImageDecoder, ImageFormat as Encoding, ImageResult, Limits};

use crate::look::{looks_like, looks_like_svg};

/// The kinds of image that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// ISO/IEC 10918-1.
    Jpeg,
    /// ISO/IEC 15948.
    Png,
}

impl ImageFormat {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            ImageFormat::Jpeg => "image/jpeg",
            ImageFormat::Png => "image/png",
        }
    }
}

/// What an image turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFacts {
    /// How it is encoded.
    pub format: ImageFormat,
    /// Width as stored, in pixels.
    pub width: u32,
    /// Height as stored, in pixels.
    pub height: u32,
}

/// What an image must measure to be evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePolicy {
    /// Both sides must have at least this many pixels. Nobody recognises a face in fewer than
    /// the default, 64.
    pub min_side: u32,
    /// Width times height may not exceed this. The default, 50 million, is beyond the cameras
    /// of telephones in their everyday mode; decoding that much needs about 150 MB for a moment.
    pub max_pixels: u64,
    /// The decoded image may not take more bytes than this. The default is 256 MiB.
    pub max_decoded_bytes: u64,
}

impl Default for ImagePolicy {
    fn default() -> Self {
        Self {
            min_side: 64,
            max_pixels: 50_000_000,
            max_decoded_bytes: 256 << 20,
        }
    }
}

impl ImagePolicy {
    fn measure(&self, width: u32, height: u32) -> Result<(), ImageRefusal> {
        let &Self {
            min_side,
            max_pixels,
            ..
        } = self;
        if width < min_side || height < min_side {
            return Err(ImageRefusal::TooSmall {
                width,
                height,
                min_side,
            });
        }
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(ImageRefusal::TooManyPixels {
                width,
                height,
                max_pixels,
            });
        }
        Ok(())
    }
}

/// Why bytes are not an image that can be used. Always the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageRefusal {
    /// There are no bytes.
    #[error("the image is empty")]
    Empty,
    /// A drawing is a program for a renderer, not a photograph.
    #[error("SVG drawings are not accepted, send JPEG or PNG")]
    Svg,
    /// Some other kind of file; the text says which it looks like.
    #[error("the file looks like {looks_like}, send JPEG or PNG")]
    UnsupportedType {
        /// A noun phrase, such as `a PDF document`.
        looks_like: &'static str,
    },
    /// The header is that of an image but the rest cannot be decoded.
    #[error("the image cannot be decoded: {reason}")]
    Undecodable {
        /// What the decoder says.
        reason: String,
    },
    /// A side is shorter than the policy asks for.
    #[error("the image has {width} x {height} pixels, both sides need at least {min_side}")]
    TooSmall {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pixels.
        min_side: u32,
    },
    /// The header claims more pixels than the policy allows. Nothing was decoded.
    #[error("the image claims {width} x {height} pixels, {max_pixels} in all are allowed")]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pixels.
        max_pixels: u64,
    },
}

/// Decodes an image under the default [`ImagePolicy`].
pub fn probe(bytes: &[u8]) -> Result<ImageFacts, ImageRefusal> {
    probe_with(bytes, &ImagePolicy::default())
}

/// Decodes an image and tells what it is. Takes milliseconds to a second: not for async threads.
///
/// The header's dimensions are held against the policy before anything is allocated for pixels.
pub fn probe_with(bytes: &[u8], policy: &ImagePolicy) -> Result<ImageFacts, ImageRefusal> {
    if bytes.is_empty() {
        return Err(ImageRefusal::Empty);
    }
    let format = if bytes.starts_with(b"\xff\xd8\xff") {
        ImageFormat::Jpeg
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ImageFormat::Png
    } else if looks_like_svg(bytes) {
        return Err(ImageRefusal::Svg);
    } else {
        let looks_like = looks_like(&bytes[..bytes.len().min(512)]);
        return Err(ImageRefusal::UnsupportedType { looks_like });
    };

    // Decoders are large and their input is hostile: a panic in one must not end the request.
    let decoded = catch_unwind(AssertUnwindSafe(|| match format {
        ImageFormat::Jpeg => decode(JpegDecoder::new(Cursor::new(bytes)), format, policy),
        ImageFormat::Png => {
            // The PNG decoder holds the claimed size against its limits before it can be asked
            // for it, and its words would hide the reason.
            if let Some((width, height)) = png_dimensions(bytes) {
                policy.measure(width, height)?;
            }
            decode(
                PngDecoder::with_limits(Cursor::new(bytes), limits(policy)),
                format,
                policy,
            )
        }
    }));
    let facts = decoded.unwrap_or_else(|_| Err(undecodable("the decoder gave up")))?;

    // The JPEG decoder paints what is missing grey and the PNG decoder does not ask for the end.
    let complete = match format {
        ImageFormat::Jpeg => jpeg_is_complete(bytes),
        ImageFormat::Png => png_is_complete(bytes),
    };
    if complete {
        Ok(facts)
    } else {
        Err(undecodable("the file is cut off"))
    }
}

/// The image as a PNG, with its facts: a PNG as it is, a JPEG upright and without its metadata,
/// which may tell where it was taken. As slow as [`probe_with`], and as strict.
pub fn as_png(bytes: &[u8], policy: &ImagePolicy) -> Result<(ImageFacts, Vec<u8>), ImageRefusal> {
    let facts = probe_with(bytes, policy)?;
    if facts.format == ImageFormat::Png {
        return Ok((facts, bytes.to_vec()));
    }
    let turned = catch_unwind(AssertUnwindSafe(|| upright(bytes, policy)));
    let image = turned.unwrap_or_else(|_| Err(undecodable("the decoder gave up")))?;
    let mut png = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut png), Encoding::Png)
        .map_err(undecodable)?;
    let facts = ImageFacts {
        format: ImageFormat::Png,
        width: image.width(),
        height: image.height(),
    };
    Ok((facts, png))
}

/// A JPEG's pixels, turned as its metadata says that it was held.
fn upright(bytes: &[u8], policy: &ImagePolicy) -> Result<DynamicImage, ImageRefusal> {
    let mut decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(undecodable)?;
    decoder.set_limits(limits(policy)).map_err(undecodable)?;
    let orientation = decoder.orientation().map_err(undecodable)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn decode<D: ImageDecoder>(
    decoder: ImageResult<D>,
    format: ImageFormat,
    policy: &ImagePolicy,
) -> Result<ImageFacts, ImageRefusal> {
    let mut decoder = decoder.map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    policy.measure(width, height)?;
    let max_decoded_bytes = policy.max_decoded_bytes;
    let size = decoder.total_bytes();
    let len = usize::try_from(size)
        .ok()
        .filter(|_| size <= max_decoded_bytes)
        .ok_or_else(|| undecodable(format!("it would take {size} bytes of memory")))?;
    decoder.set_limits(limits(policy)).map_err(undecodable)?;
    decoder.read_image(&mut vec![0; len]).map_err(undecodable)?;
    Ok(ImageFacts {
        format,
        width,
        height,
    })
}

fn limits(policy: &ImagePolicy) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(policy.max_decoded_bytes);
    limits
}

fn undecodable(reason: impl ToString) -> ImageRefusal {
    ImageRefusal::Undecodable {
        reason: reason.to_string(),
    }
}

/// Whether the marker segments lead to an end-of-image marker (ISO/IEC 10918-1 Annex B).
///
/// Walked, not searched: a thumbnail inside a segment has an end marker of its own.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    const START: u8 = 0xd8;
    const END: u8 = 0xd9;
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 0;
    loop {
        // Between segments and inside scans alike, the next thing of interest is 0xFF followed by
        // neither a stuffed zero nor another fill byte.
        let Some(found) = bytes[at..]
            .windows(2)
            .position(|w| w[0] == 0xff && w[1] != 0xff)
        else {
            return false;
        };
        let marker = bytes[at + found + 1];
        at += found + 2;
        match marker {
            END => return true,
            START | 0x00 | 0x01 | 0xd0..=0xd7 => {}
            _ => {
                let Some(&[high, low]) = bytes.get(at..at + 2) else {
                    return false;
                };
                at += usize::from(u16::from_be_bytes([high, low])).max(2);
                if at > bytes.len() || (marker == START_OF_SCAN && at == bytes.len()) {
                    return false;
                }
            }
        }
    }
}

/// Width and height as the header chunk states them (ISO/IEC 15948 §11.2.2).
fn png_dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24)?.strip_prefix(b"IHDR")?;
    let (width, height) = header.split_first_chunk()?;
    Some((
        u32::from_be_bytes(*width),
        u32::from_be_bytes(height.try_into().ok()?),
    ))
}

/// Whether the chunks lead to `IEND` (ISO/IEC 15948 §11.2.5).
fn png_is_complete(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let Some(&[l0, l1, l2, l3, k0, k1, k2, k3]) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        at = at.saturating_add(length).saturating_add(12);
        if [k0, k1, k2, k3] == *b"IEND" {
            return at <= bytes.len();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use ::image::codecs::jpeg::JpegEncoder;
    use ::image::codecs::png::PngEncoder;
    use ::image::{ExtendedColorType, ImageEncoder};

    use super::*;

    fn picture(width: u32, height: u32) -> Vec<u8> {
        (0..width * height * 3)
            .map(|i| (i * 7 % 251) as u8)
            .collect()
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Vec::new();
        PngEncoder::new(&mut out)
            .write_image(
                &picture(width, height),
                width,
                height,
                ExtendedColorType::Rgb8,
            )
            .unwrap();
        out
    }

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut out = Vec::new();
        JpegEncoder::new(&mut out)
            .write_image(
                &picture(width, height),
                width,
                height,
                ExtendedColorType::Rgb8,
            )
            .unwrap();
        out
    }

    /// A PNG whose header claims other dimensions, with the checksum put right.
    fn png_claiming(width: u32, height: u32) -> Vec<u8> {
        let mut out = png(64, 64);
        out[16..20].copy_from_slice(&width.to_be_bytes());
        out[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = out[12..29].iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg())
            })
        });
        out[29..33].copy_from_slice(&(!crc).to_be_bytes());
        out
    }

    #[test]
    fn reads_both_formats() {
        let facts = |format| ImageFacts {
            format,
            width: 90,
            height: 64,
        };
        assert_eq!(probe(&png(90, 64)), Ok(facts(ImageFormat::Png)));
        assert_eq!(probe(&jpeg(90, 64)), Ok(facts(ImageFormat::Jpeg)));
    }

    #[test]
    fn refuses_what_is_no_photograph() {
        assert_eq!(probe(b""), Err(ImageRefusal::Empty));
        assert_eq!(
            probe(b"<?xml version=\"1.0\"?><svg width='90'/>"),
            Err(ImageRefusal::Svg)
        );
        assert_eq!(probe(b"<!-- a -->\n<svg/>"), Err(ImageRefusal::Svg));
        assert_eq!(
            probe(b"GIF89a\x01\0\x01\0"),
            Err(ImageRefusal::UnsupportedType {
                looks_like: "a GIF image"
            })
        );
        assert_eq!(
            probe(b"hello").unwrap_err().to_string(),
            "the file looks like plain text, send JPEG or PNG"
        );
    }

    #[test]
    fn measures_before_decoding() {
        assert!(matches!(
            probe(&png(1, 1)),
            Err(ImageRefusal::TooSmall { width: 1, .. })
        ));
        assert!(matches!(
            probe(&jpeg(90, 63)),
            Err(ImageRefusal::TooSmall { height: 63, .. })
        ));
        for side in [50_000, 0x7fff_ffff] {
            assert!(matches!(
                probe(&png_claiming(side, side)),
                Err(ImageRefusal::TooManyPixels { .. })
            ));
        }
        let mut wide = jpeg(64, 64);
        let frame = wide.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        wide[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
        assert!(matches!(
            probe(&wide),
            Err(ImageRefusal::TooManyPixels {
                width: 65_535,
                height: 65_535,
                ..
            })
        ));
    }

    #[test]
    fn a_png_stays_and_a_jpeg_becomes_an_upright_one() {
        let policy = ImagePolicy::default();
        let whole = png(90, 64);
        let (facts, same) = as_png(&whole, &policy).unwrap();
        assert_eq!((facts.width, facts.height), (90, 64));
        assert!(same == whole);

        // An Exif segment with one entry: orientation 6, held by a quarter turn (Exif 2.3 §4.6.4).
        let mut held = jpeg(90, 64);
        let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        held.splice(2..2, exif.iter().copied());
        let (facts, turned) = as_png(&held, &policy).unwrap();
        assert_eq!((facts.width, facts.height), (64, 90));
        assert_eq!(probe(&turned), Ok(facts));

        let small = ImagePolicy {
            max_pixels: 90 * 64 - 1,
            ..policy
        };
        for too_large in [whole, held] {
            assert!(matches!(
                as_png(&too_large, &small),
                Err(ImageRefusal::TooManyPixels { .. })
            ));
        }
        as_png(b"GIF89a\x01\0\x01\0", &policy).unwrap_err();
    }

    #[test]
    fn finds_every_cut() {
        for whole in [jpeg(80, 80), png(80, 80)] {
            for end in (1..whole.len())
                .step_by(37)
                .chain(whole.len() - 14..whole.len())
            {
                probe(&whole[..end]).unwrap_err();
            }
            let mut trailing = whole.clone();
            trailing.extend_from_slice(b"\0\0trailer of some camera");
            probe(&trailing).unwrap();
        }
    }

    #[test]
    fn a_thumbnail_does_not_end_the_picture() {
        let mut whole = jpeg(80, 80);
        let thumbnail = jpeg(64, 64);
        let mut segment = vec![0xff, 0xe1];
        segment.extend_from_slice(&(thumbnail.len() as u16 + 2).to_be_bytes());
        segment.extend_from_slice(&thumbnail);
        whole.splice(2..2, segment);
        probe(&whole).unwrap();
        probe(&whole[..whole.len() - 2]).unwrap_err();
    }
}
