//! Naming what a file looks like, so that a refusal can say what was sent instead.

/// What the first bytes look like, as a noun phrase for an error text.
///
/// `first` should hold at least the first 512 bytes, or all where there are fewer. The answer
/// serves people: it is a guess by signature and promises nothing about the rest of the file.
pub fn looks_like(first: &[u8]) -> &'static str {
    if first.is_empty() {
        return "an empty file";
    }
    if let Some((_, name)) = SIGNATURES
        .iter()
        .find(|((offset, magic), _)| first.get(*offset..).is_some_and(|b| b.starts_with(magic)))
    {
        return name;
    }
    if first.starts_with(b"RIFF") {
        return match first.get(8..12) {
            Some(b"AVI ") => "an AVI video",
            Some(b"WEBP") => "a WebP image",
            Some(b"WAVE") => "a WAV recording",
            _ => "a RIFF file",
        };
    }
    if first.get(4..8) == Some(b"ftyp") {
        return match first.get(8..12) {
            Some(b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1") => "a HEIF image",
            Some(b"avif" | b"avis") => "an AVIF image",
            Some(b"M4A " | b"M4B ") => "an MPEG-4 audio file",
            _ => "an MPEG-4 file",
        };
    }
    // Transport streams have no signature but a sync byte every 188 bytes.
    if [0, 188, 376].iter().all(|at| first.get(*at) == Some(&0x47)) {
        return "an MPEG transport stream";
    }
    match text(first) {
        Some(text) if is_svg(text) => "an SVG drawing",
        Some(text) if starts_with_any(text, &["<!doctype html", "<html"]) => "an HTML page",
        Some(text) if text.trim_start().starts_with('<') => "an XML document",
        Some(text) if text.trim_start().starts_with(['{', '[']) => "JSON text",
        Some(_) => "plain text",
        None => "data of an unknown kind",
    }
}

/// Whether the bytes begin like an SVG drawing, with or without prolog and comments.
pub(crate) fn looks_like_svg(first: &[u8]) -> bool {
    text(&first[..first.len().min(4096)]).is_some_and(is_svg)
}

/// The longest text at the front, where the bytes are text at all.
fn text(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A character cut at the end of the excerpt does not make it binary.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&bytes[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let printable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    text.chars().all(printable).then_some(text)
}

fn is_svg(text: &str) -> bool {
    text.to_ascii_lowercase().contains("<svg")
}

fn starts_with_any(text: &str, prefixes: &[&str]) -> bool {
    let start: String = text.trim_start().chars().take(32).collect();
    let start = start.to_ascii_lowercase();
    prefixes.iter().any(|prefix| start.starts_with(prefix))
}

/// Offset and bytes of a signature, and the name of what carries it.
type Signature = ((usize, &'static [u8]), &'static str);

const SIGNATURES: &[Signature] = &[
    ((0, b"\xff\xd8\xff"), "a JPEG image"),
    ((0, b"\x89PNG\r\n\x1a\n"), "a PNG image"),
    ((0, b"GIF8"), "a GIF image"),
    ((0, b"%PDF-"), "a PDF document"),
    ((0, b"BM"), "a BMP image"),
    ((0, b"II*\0"), "a TIFF image"),
    ((0, b"MM\0*"), "a TIFF image"),
    ((0, b"\0\0\x01\0"), "an icon"),
    ((0, b"\0\0\0\x0cjP  "), "a JPEG 2000 image"),
    ((0, b"\xff\x0a"), "a JPEG XL image"),
    ((0, b"\0\0\0\x0cJXL "), "a JPEG XL image"),
    ((0, b"\x1a\x45\xdf\xa3"), "a Matroska or WebM file"),
    ((0, b"FLV\x01"), "a Flash video"),
    ((0, b"OggS"), "an Ogg file"),
    (
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
        "a Windows Media file",
    ),
    ((0, b"\0\0\x01\xba"), "an MPEG program stream"),
    ((0, b"\0\0\x01\xb3"), "an MPEG video stream"),
    ((0, b"ID3"), "an MP3 recording"),
    ((0, b"fLaC"), "a FLAC recording"),
    ((0, b"PK\x03\x04"), "a ZIP archive"),
    ((0, b"\x1f\x8b"), "a gzip archive"),
    ((0, b"7z\xbc\xaf\x27\x1c"), "a 7-Zip archive"),
    ((0, b"Rar!"), "a RAR archive"),
    ((0, b"\x7fELF"), "a program"),
    ((0, b"MZ"), "a program"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_sent() {
        let ts: Vec<u8> = (0..600)
            .map(|i| if i % 188 == 0 { 0x47 } else { 0xff })
            .collect();
        for (bytes, name) in [
            (&b""[..], "an empty file"),
            (b"GIF89a\x01\0", "a GIF image"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP image"),
            (b"RIFF\x10\0\0\0AVI LIST", "an AVI video"),
            (b"%PDF-1.7\n", "a PDF document"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIF image"),
            (
                b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><SVG>",
                "an SVG drawing",
            ),
            (b"<!DOCTYPE html><p>502 Bad Gateway", "an HTML page"),
            ("una línea de tex".as_bytes(), "plain text"),
            (&"é".as_bytes()[..1], "plain text"),
            (b"{\"error\": 1}", "JSON text"),
            (b"\x01\x02\x03\xfe\xff", "data of an unknown kind"),
            (&ts, "an MPEG transport stream"),
        ] {
            assert_eq!(looks_like(bytes), name, "{bytes:?}");
        }
    }
}
