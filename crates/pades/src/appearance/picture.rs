//! Pictures that senders upload, brought into the form in which a PDF holds them.

use thiserror::Error;

/// A picture that can be drawn: decoded, checked and packed once, drawn as often as needed.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
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
    #[error("the picture has too many pixels")]
    TooLarge,
    /// More text than the largest QR code holds.
    #[error("the text is too long for a QR code")]
    TooLong,
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
