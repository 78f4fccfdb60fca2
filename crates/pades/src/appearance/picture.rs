//! Pictures that senders upload, brought into the form in which a PDF holds them (ISO 32000-2,
//! 8.9.5).

use std::{io::Cursor, sync::Arc};

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation,
};
use miniz_oxide::{deflate::compress_to_vec_zlib, inflate::decompress_to_vec_zlib};
use qrcode::{Color, QrCode};
use thiserror::Error;

use super::{
    Rules,
    colour::ColourSpace,
    draw::{COMPRESSION, Frame},
    jpeg,
};
use crate::{
    error::PdfError,
    object::{Dictionary, Object, Ref},
    revision::Revision,
};

/// Pixels that are taken in. Decoded they need up to four bytes each.
const MOST_PIXELS: u64 = 16 << 20;

/// Pixels that are kept: in a box as large as a hand, more than print can show.
const KEPT_PIXELS: f64 = (1 << 20) as f64;

/// Empty modules around a QR code (ISO/IEC 18004, 9.1).
const QUIET_ZONE: usize = 4;

/// Pixels for each module of a QR code, since some readers soften what they enlarge.
const MODULE: usize = 4;

/// A picture that can be drawn: decoded, checked and packed once, drawn as often as needed.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    colours: ColourSpace,
    bits: u8,
    /// `/FlateDecode` or `/DCTDecode`.
    filter: &'static str,
    data: Arc<[u8]>,
    /// Eight bits for each pixel, deflated; `None` where all are opaque.
    alpha: Option<Arc<[u8]>>,
}

/// Why a picture can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Neither a PNG nor a JPEG.
    #[error("this is neither a PNG nor a JPEG")]
    Unknown,
    /// It claims to be one of them, and is damaged.
    #[error("the picture is damaged")]
    Broken,
    /// More pixels than any signature needs.
    #[error("the picture has more than {MOST_PIXELS} pixels")]
    TooLarge,
    /// More text than the largest QR code holds.
    #[error("the text is too long for a QR code")]
    TooLong,
}

impl Picture {
    /// Reads a PNG or a JPEG.
    ///
    /// A JPEG that a PDF can hold as it is loses its metadata, which may tell where it was taken,
    /// and nothing else. All others are decoded, turned upright and made smaller where they have
    /// more pixels than a signature can show.
    ///
    /// # Errors
    ///
    /// See [`PictureError`]. Memory is bounded whatever the picture claims.
    pub fn read(bytes: &[u8]) -> Result<Self, PictureError> {
        let format = match image::guess_format(bytes) {
            Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
            _ => return Err(PictureError::Unknown),
        };
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        limits.max_alloc = Some(8 * MOST_PIXELS);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(refusal)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(PictureError::TooLarge);
        }
        let orientation = decoder.orientation().map_err(refusal)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
        if format == ImageFormat::Jpeg
            && orientation == Orientation::NoTransforms
            && let Some((colours, data)) = jpeg::slim(bytes)
        {
            return Ok(Self {
                width,
                height,
                colours,
                bits: 8,
                filter: "DCTDecode",
                data: data.into(),
                alpha: None,
            });
        }
        image.apply_orientation(orientation);
        Ok(Self::pack(image))
    }

    /// A QR code that leads to `url`.
    ///
    /// # Errors
    ///
    /// [`PictureError::TooLong`] beyond 2,331 bytes, the most that a QR code of middle strength
    /// holds.
    pub fn qr(url: &str) -> Result<Self, PictureError> {
        let code = QrCode::new(url).map_err(|_| PictureError::TooLong)?;
        let modules = code.width() + 2 * QUIET_ZONE;
        let side = modules * MODULE;
        let is_dark = |row: usize, column: usize| {
            let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < code.width());
            match (inside(row), inside(column)) {
                (Some(row), Some(column)) => code[(column, row)] == Color::Dark,
                _ => false,
            }
        };
        let mut bits = Vec::with_capacity(side * side.div_ceil(8));
        for row in 0..modules {
            let mut line = vec![0_u8; side.div_ceil(8)];
            for pixel in (0..side).filter(|pixel| !is_dark(row, pixel / MODULE)) {
                line[pixel / 8] |= 0x80 >> (pixel % 8);
            }
            for _ in 0..MODULE {
                bits.extend_from_slice(&line);
            }
        }
        Ok(Self {
            width: side as u32,
            height: side as u32,
            colours: ColourSpace::Gray,
            bits: 1,
            filter: "FlateDecode",
            data: compress_to_vec_zlib(&bits, COMPRESSION).into(),
            alpha: None,
        })
    }

    fn pack(mut image: DynamicImage) -> Self {
        let pixels = f64::from(image.width()) * f64::from(image.height());
        if pixels > KEPT_PIXELS {
            let scale = (KEPT_PIXELS / pixels).sqrt();
            let scaled = |length: u32| (f64::from(length) * scale).max(1.0) as u32;
            image = image.thumbnail_exact(scaled(image.width()), scaled(image.height()));
        }
        let (width, height) = (image.width(), image.height());
        let (colours, samples, alpha): (_, Vec<u8>, Vec<u8>) = if image.color().has_color() {
            let pixels = image.into_rgba8();
            let samples = pixels.pixels().flat_map(|pixel| {
                let [red, green, blue, _] = pixel.0;
                [red, green, blue]
            });
            let alpha = pixels.pixels().map(|pixel| pixel.0[3]);
            (ColourSpace::Rgb, samples.collect(), alpha.collect())
        } else {
            let pixels = image.into_luma_alpha8();
            let samples = pixels.pixels().map(|pixel| pixel.0[0]);
            let alpha = pixels.pixels().map(|pixel| pixel.0[1]);
            (ColourSpace::Gray, samples.collect(), alpha.collect())
        };
        let opaque = alpha.iter().all(|alpha| *alpha == u8::MAX);
        Self {
            width,
            height,
            colours,
            bits: 8,
            filter: "FlateDecode",
            data: compress_to_vec_zlib(&samples, COMPRESSION).into(),
            alpha: (!opaque).then(|| compress_to_vec_zlib(&alpha, COMPRESSION).into()),
        }
    }

    /// The largest place within `frame` that has the picture's own shape, in its middle.
    pub(super) fn fit(&self, frame: Frame) -> Frame {
        let scale =
            (frame.width / f64::from(self.width)).min(frame.height / f64::from(self.height));
        let width = f64::from(self.width) * scale;
        let height = f64::from(self.height) * scale;
        Frame {
            x: frame.x + (frame.width - width) / 2.0,
            y: frame.y + (frame.height - height) / 2.0,
            width,
            height,
        }
    }

    /// Writes the image; the answer is what a resource dictionary refers to.
    pub(super) fn put(
        &self,
        revision: &mut Revision<'_, '_>,
        rules: Rules,
    ) -> Result<Ref, PdfError> {
        let image = |colours: Object, bits: u8, filter| {
            Dictionary::default()
                .with("Type", Object::name("XObject"))
                .with("Subtype", Object::name("Image"))
                .with("Width", Object::Integer(self.width.into()))
                .with("Height", Object::Integer(self.height.into()))
                .with("ColorSpace", colours)
                .with("BitsPerComponent", Object::Integer(bits.into()))
                .with("Filter", Object::name(filter))
        };
        let picture = image(self.colours.object(rules), self.bits, self.filter);
        match &self.alpha {
            None => revision.put_stream(picture, &self.data),
            Some(alpha) if rules.transparent => {
                // A mask's samples are no colours, so no device shows them.
                let mask = image(Object::name("DeviceGray"), 8, "FlateDecode");
                let mask = revision.put_stream(mask, alpha)?;
                revision.put_stream(picture.with("SMask", Object::Reference(mask)), &self.data)
            }
            Some(alpha) => revision.put_stream(picture, &self.on_white(alpha)),
        }
    }

    /// The samples with what shines through them made white, deflated.
    fn on_white(&self, alpha: &[u8]) -> Vec<u8> {
        // Both are our own work and unpack.
        let alpha = decompress_to_vec_zlib(alpha).unwrap_or_default();
        let mut samples = decompress_to_vec_zlib(&self.data).unwrap_or_default();
        for (pixel, alpha) in samples
            .chunks_exact_mut(self.colours.components())
            .zip(alpha)
        {
            for sample in pixel {
                let (shade, alpha) = (u32::from(255 - *sample), u32::from(alpha));
                *sample = 255 - (shade * alpha / 255) as u8;
            }
        }
        compress_to_vec_zlib(&samples, COMPRESSION)
    }
}

/// Without the pixels, which may show a person's signature.
impl std::fmt::Debug for Picture {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Picture")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

fn refusal(error: ImageError) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::TooLarge,
        _ => PictureError::Broken,
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        image.into().write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    /// Red on the left, green on the right.
    fn halves(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| {
            if x < width / 2 {
                Rgb([255, 0, 0])
            } else {
                Rgb([0, 255, 0])
            }
        })
    }

    /// A JPEG as a telephone takes it: held upright, and telling where.
    fn from_telephone(orientation: u8) -> Vec<u8> {
        let mut exif =
            b"\xFF\xE1\0\x38Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.push(orientation);
        exif.extend_from_slice(b"\0\0\0\0\0\0");
        exif.resize(4 + 0x36, b' ');
        exif.splice(44.., *b"GPS 41.38 N 2E");
        let jpeg = encoded(halves(32, 16), ImageFormat::Jpeg);
        [&jpeg[..2], &exif, b"\xFF\xFE\0\x07hello", &jpeg[2..]].concat()
    }

    fn contains(bytes: &[u8], part: &[u8]) -> bool {
        memchr::memmem::find(bytes, part).is_some()
    }

    #[test]
    fn a_jpeg_is_kept_but_for_its_metadata() {
        let jpeg = from_telephone(1);
        assert!(contains(&jpeg, b"GPS 41.38 N") && contains(&jpeg, b"hello"));
        let picture = Picture::read(&jpeg).unwrap();
        assert_eq!((picture.filter, picture.bits), ("DCTDecode", 8));
        assert!(!contains(&picture.data, b"GPS") && !contains(&picture.data, b"hello"));
        let plain = |jpeg: &[u8]| image::load_from_memory(jpeg).unwrap().into_rgb8();
        assert_eq!(plain(&picture.data), plain(&jpeg));
    }

    #[test]
    fn a_photograph_that_lies_on_its_side_is_put_upright() {
        // 6: what is on the left belongs to the top.
        let picture = Picture::read(&from_telephone(6)).unwrap();
        assert_eq!((picture.width, picture.height), (16, 32));
        let samples = decompress_to_vec_zlib(&picture.data).unwrap();
        let (top, bottom) = (&samples[..3], &samples[samples.len() - 3..]);
        assert!(top[0] > 200 && bottom[1] > 200, "{top:?} {bottom:?}");
    }

    #[test]
    fn grey_opaque_and_deep_pictures_take_no_more_room_than_they_need() {
        let grey = image::ImageBuffer::from_pixel(4, 3, image::Luma([9_u16 << 8]));
        let picture = Picture::read(&encoded(grey, ImageFormat::Png)).unwrap();
        assert_eq!(picture.colours, ColourSpace::Gray);
        assert_eq!(decompress_to_vec_zlib(&picture.data).unwrap(), [9; 12]);
        assert_eq!(picture.alpha, None);
        let opaque = RgbaImage::from_pixel(2, 2, Rgba([1, 2, 3, 255]));
        let picture = Picture::read(&encoded(opaque, ImageFormat::Png)).unwrap();
        assert_eq!(picture.alpha, None);
    }

    #[test]
    fn what_shines_through_becomes_white_where_nothing_may() {
        let image = RgbaImage::from_fn(3, 1, |x, _| Rgba([0, 0, 100, [0, 51, 255][x as usize]]));
        let picture = Picture::read(&encoded(image, ImageFormat::Png)).unwrap();
        let flat = picture.on_white(picture.alpha.as_deref().unwrap());
        assert_eq!(
            decompress_to_vec_zlib(&flat).unwrap(),
            [255, 255, 255, 204, 204, 224, 0, 0, 100]
        );
    }

    #[test]
    fn large_pictures_are_made_smaller_and_larger_ones_are_refused() {
        let picture = Picture::read(&encoded(halves(2400, 1200), ImageFormat::Png)).unwrap();
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        assert!(width * height <= KEPT_PIXELS && width * height > 0.99 * KEPT_PIXELS);
        assert!((width / height - 2.0).abs() < 0.01);
        // A header that claims more than it holds.
        let mut png = encoded(halves(2, 2), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
        let checksum = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(Picture::read(&png).unwrap_err(), PictureError::TooLarge);
    }

    #[test]
    fn what_is_no_picture_is_refused_and_damaged_ones_are_too() {
        for other in [&b""[..], b"GIF89a\x01\0\x01\0", b"%PDF-1.7", b"<svg/>"] {
            assert_eq!(Picture::read(other).unwrap_err(), PictureError::Unknown);
        }
        let png = encoded(halves(64, 64), ImageFormat::Png);
        let jpeg = encoded(halves(64, 64), ImageFormat::Jpeg);
        assert_eq!(
            Picture::read(&png[..png.len() / 2]).unwrap_err(),
            PictureError::Broken
        );
        assert_eq!(
            Picture::read(&jpeg[..40]).unwrap_err(),
            PictureError::Broken
        );
        for file in [&png, &jpeg] {
            for end in 0..file.len() {
                // Whatever it is, it is no panic.
                drop(Picture::read(&file[..end]));
            }
        }
    }

    /// ISO 3309, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                sum >> 1 ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
            })
        })
    }
}
