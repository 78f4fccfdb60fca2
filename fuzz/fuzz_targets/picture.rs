//! Pictures for visible signatures.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pades::Picture;

fuzz_target!(|picture: &[u8]| {
    let _ = Picture::read(picture);
});
