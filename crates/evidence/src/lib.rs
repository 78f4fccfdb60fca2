//! What uploaded material shows: is this an image, is this a film, and what are its dimensions.
//!
//! Everything here is *recomputed* from the bytes; what the sender claimed about them lives
//! elsewhere. The room holds nothing, opens nothing and knows no protocol: images come as bytes,
//! films as a reader that can seek (in the server a decrypting one), and facts or a refusal go back.
//!
//! Both probes are made for hostile input. Their time grows with the length of the input and
//! their memory stays under a stated bound whatever sizes the input claims.

pub mod image;
pub mod video;

mod look;

pub use look::looks_like;
