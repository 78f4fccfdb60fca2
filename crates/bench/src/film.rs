//! A valid film of any size, made of memory.

use std::io::{self, Read, Write};

use anyhow::ensure;

/// A real film followed by a `free` box (ISO/IEC 14496-12 §8.1.2) that fills it up.
pub struct Film {
    /// The real film and the head of the box.
    head: Vec<u8>,
    /// What the box is filled with, over and over: noise, as encoded pictures are.
    noise: Vec<u8>,
    filling: u64,
}

/// Length of a box's head with a 64-bit size (ISO/IEC 14496-12 §4.2).
const BOX_HEAD: u64 = 16;

impl Film {
    /// Stretches `real`, an MP4 file, to `size` bytes.
    pub fn stretched(real: Vec<u8>, size: u64) -> anyhow::Result<Self> {
        let content = real.len() as u64;
        ensure!(
            content + BOX_HEAD <= size,
            "the film is longer than it should become"
        );
        let mut head = real;
        head.extend_from_slice(&1_u32.to_be_bytes());
        head.extend_from_slice(b"free");
        head.extend_from_slice(&(size - content).to_be_bytes());
        Ok(Self {
            head,
            noise: noise(1 << 20),
            filling: size - content - BOX_HEAD,
        })
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.head.len() as u64 + self.filling
    }

    /// Writes it, without making a copy first.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        let mut left = self.filling;
        while left > 0 {
            let piece = left.min(self.noise.len() as u64);
            out.write_all(&self.noise[..piece as usize])?;
            left -= piece;
        }
        Ok(())
    }

    /// The film from its beginning.
    pub fn reader(&self) -> impl Read + '_ {
        let noise = Repeated {
            noise: &self.noise,
            at: 0,
        };
        self.head.as_slice().chain(noise.take(self.filling))
    }
}

struct Repeated<'a> {
    noise: &'a [u8],
    at: usize,
}

impl Read for Repeated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = &self.noise[self.at..];
        let taken = rest.read(buffer)?;
        self.at = (self.at + taken) % self.noise.len();
        Ok(taken)
    }
}

/// Bytes without a pattern, the same each time (xorshift64).
pub fn noise(len: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(len).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same_bytes_and_the_promised_size() {
        let size = (3 << 20) + 77;
        let film = Film::stretched(b"real".to_vec(), size).unwrap();
        let (mut written, mut read) = (Vec::new(), Vec::new());
        film.write_to(&mut written).unwrap();
        film.reader().read_to_end(&mut read).unwrap();
        assert_eq!(written.len() as u64, size);
        assert_eq!(film.size(), size);
        assert!(written == read);
        assert_eq!(&written[4..12], b"\0\0\0\x01free");
        assert_eq!(written[12..20], (size - 4).to_be_bytes());
    }

    #[test]
    fn a_film_does_not_shrink() {
        assert!(Film::stretched(vec![0; 100], 110).is_err());
    }
}
