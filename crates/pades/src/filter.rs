//! Decoding of the streams that carry a file's structure: cross-reference streams, object
//! streams and XMP metadata (ISO 32000-2, 7.4).

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

use crate::{
    error::PdfError,
    object::{Dictionary, Object},
};

/// Decodes `data` by the filters of its stream `dictionary`, to at most `limit` bytes.
///
/// Flate with PNG predictors and no filter at all are what producers use for structure.
pub(crate) fn decode(
    dictionary: &Dictionary,
    data: &[u8],
    limit: usize,
    number: u32,
) -> Result<Vec<u8>, PdfError> {
    let mut filters = one_or_many(dictionary.get("Filter"));
    let mut parameters = one_or_many(dictionary.get("DecodeParms"));
    // Undone already, where the file is encrypted; it may only be the first (7.4.10).
    if let [Object::Name(name), rest @ ..] = filters
        && name == b"Crypt"
    {
        filters = rest;
        parameters = parameters.get(1..).unwrap_or_default();
    }
    match filters {
        [] => Ok(data[..data.len().min(limit)].to_vec()),
        [Object::Name(name)] if matches!(name.as_slice(), b"FlateDecode" | b"Fl") => {
            let plain = inflate(data, limit, number)?;
            match parameters {
                [Object::Dictionary(parameters)] => undo_predictor(parameters, plain, number),
                _ => Ok(plain),
            }
        }
        [Object::Name(name), ..] => Err(PdfError::Filter(String::from_utf8_lossy(name).into())),
        _ => Err(PdfError::in_object(
            "a stream's filter is not a name",
            number,
        )),
    }
}

fn one_or_many(value: Option<&Object>) -> &[Object] {
    match value {
        None | Some(Object::Null) => &[],
        Some(Object::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
    }
}

fn inflate(data: &[u8], limit: usize, number: u32) -> Result<Vec<u8>, PdfError> {
    decompress_to_vec_zlib_with_limit(data, limit).or_else(|error| match error.status {
        TINFLStatus::HasMoreOutput => Err(PdfError::Limit {
            what: "its compressed structure unpacks to too many bytes",
            limit: limit as u64,
        }),
        // A wrong checksum at the end is common and says nothing about the structure, which is
        // checked by itself.
        TINFLStatus::Adler32Mismatch => Ok(error.output),
        _ => Err(PdfError::in_object("compressed data are damaged", number)),
    })
}

/// ISO 32000-2, 7.4.4.4; the filter types are those of the PNG specification, clause 9.
fn undo_predictor(
    parameters: &Dictionary,
    data: Vec<u8>,
    number: u32,
) -> Result<Vec<u8>, PdfError> {
    let parameter = |key, default| {
        let value = parameters
            .get(key)
            .and_then(Object::as_integer)
            .unwrap_or(default);
        usize::try_from(value)
            .ok()
            .filter(|value| (1..=1 << 16).contains(value))
    };
    let broken = || PdfError::in_object("a stream's predictor does not fit its data", number);
    let predictor = parameter("Predictor", 1).ok_or_else(broken)?;
    if predictor == 1 {
        return Ok(data);
    }
    if predictor < 10 {
        return Err(PdfError::Filter("FlateDecode with a TIFF predictor".into()));
    }
    let colors = parameter("Colors", 1).ok_or_else(broken)?;
    let bits = parameter("BitsPerComponent", 8).ok_or_else(broken)?;
    let columns = parameter("Columns", 1).ok_or_else(broken)?;
    let bits_per_pixel = colors * bits;
    let step = bits_per_pixel.div_ceil(8);
    let width = (bits_per_pixel * columns).div_ceil(8);
    // A last row without any data is how some encoders end.
    if !matches!(data.len() % (width + 1), 0 | 1) {
        return Err(broken());
    }
    let mut plain: Vec<u8> = Vec::with_capacity(data.len());
    for row in data.chunks_exact(width + 1) {
        let start = plain.len();
        for (column, &byte) in row[1..].iter().enumerate() {
            let left = if column >= step {
                plain[start + column - step]
            } else {
                0
            };
            let above = if start > 0 {
                plain[start + column - width]
            } else {
                0
            };
            let corner = if start > 0 && column >= step {
                plain[start + column - step - width]
            } else {
                0
            };
            let prediction = match row[0] {
                0 => 0,
                1 => left,
                2 => above,
                3 => u8::midpoint(left, above),
                4 => paeth(left, above, corner),
                _ => return Err(broken()),
            };
            plain.push(byte.wrapping_add(prediction));
        }
    }
    Ok(plain)
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    [left, above, corner]
        .into_iter()
        .min_by_key(|candidate| (estimate - i16::from(*candidate)).abs())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Lexer;

    fn dictionary(text: &str) -> Dictionary {
        match Lexer::new(text.as_bytes(), 0).object() {
            Ok(Object::Dictionary(dictionary)) => dictionary,
            other => panic!("not a dictionary: {other:?}"),
        }
    }

    #[test]
    fn every_png_predictor_is_undone() {
        // Two columns of two bytes; each row is predicted in another way from
        // 10 20 30 40 / 11 22 33 44, as worked out by hand from the PNG specification.
        let parameters = dictionary("<</Predictor 15/Colors 2/Columns 2>>");
        let first = [0, 10, 20, 30, 40];
        for row in [
            [0, 11, 22, 33, 44],
            [1, 11, 22, 22, 22],
            [2, 1, 2, 3, 4],
            [3, 6, 12, 13, 13],
            [4, 1, 2, 3, 4],
        ] {
            let data = [first, row].concat();
            let plain = undo_predictor(&parameters, data, 1).unwrap();
            assert_eq!(
                plain,
                [10, 20, 30, 40, 11, 22, 33, 44],
                "filter type {}",
                row[0]
            );
        }
        assert!(undo_predictor(&parameters, vec![5, 0, 0, 0, 0], 1).is_err());
        assert!(undo_predictor(&parameters, vec![0, 0, 0], 1).is_err());
    }

    #[test]
    fn unknown_filters_are_named() {
        let error = decode(&dictionary("<</Filter[/LZWDecode]>>"), b"", 10, 1).unwrap_err();
        assert_eq!(error, PdfError::Filter("LZWDecode".into()));
    }
}
