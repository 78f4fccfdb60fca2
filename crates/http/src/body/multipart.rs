//! Multipart forms (RFC 7578), part by part and never as a whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures::Stream;

use super::BodyFault;

/// Parts of one form.
const MAX_PARTS: usize = 200;
/// Bytes between the content of two parts: boundaries, part headers, preamble. The parser keeps
/// them, so that they must be bounded. One read ahead of the parser counts too.
const MAX_BETWEEN: u64 = 1 << 20;

/// A form that is being read.
pub(crate) struct Form {
    parser: multer::Multipart<'static>,
    between: Arc<AtomicU64>,
    parts: usize,
}

/// One part of a form. Its content must be read before the next part.
pub(crate) struct Part {
    field: multer::Field<'static>,
    between: Arc<AtomicU64>,
}

impl Form {
    /// Opens the form; nothing is read yet.
    pub(crate) fn open(headers: &HeaderMap, body: Body) -> Result<Self, BodyFault> {
        let boundary = boundary(headers).ok_or(BodyFault::NotMultipart)?;
        let between = Arc::new(AtomicU64::new(0));
        let metered = Metered {
            body: body.into_data_stream(),
            between: Arc::clone(&between),
        };
        Ok(Self {
            parser: multer::Multipart::new(metered, boundary),
            between,
            parts: 0,
        })
    }

    /// The next part; `None` after the closing boundary. A form that lacks it is an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, BodyFault> {
        self.between.store(0, Ordering::Relaxed);
        let Some(field) = self.parser.next_field().await.map_err(fault)? else {
            return Ok(None);
        };
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(BodyFault::Multipart(format!("more than {MAX_PARTS} parts")));
        }
        Ok(Some(Part {
            field,
            between: Arc::clone(&self.between),
        }))
    }
}

impl Part {
    /// The field's name, without control characters; empty where the part has none.
    pub(crate) fn name(&self) -> String {
        let name = self.field.name().unwrap_or_default();
        name.chars().filter(|c| !c.is_control()).take(255).collect()
    }

    /// The file's name or path, where the part states one that is not empty. Long ones are not cut
    /// here: their end is what matters.
    pub(crate) fn file_name(&self) -> Option<String> {
        self.field
            .file_name()
            .map(|name| name.chars().filter(|c| !c.is_control()).collect())
            .filter(|name: &String| !name.trim().is_empty())
    }

    /// Whether the part states a media type that is not plain text.
    pub(crate) fn states_binary(&self) -> bool {
        self.field
            .content_type()
            .is_some_and(|media| media.type_() != "text")
    }

    /// The next piece of content.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, BodyFault> {
        self.between.store(0, Ordering::Relaxed);
        self.field.chunk().await.map_err(fault)
    }

    /// The whole content, refused as soon as it is over `limit`.
    pub(crate) async fn read(&mut self, limit: u64) -> Result<Bytes, BodyFault> {
        let mut content = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if (content.len() + chunk.len()) as u64 > limit {
                return Err(BodyFault::TooLarge { limit });
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content.freeze())
    }

    /// Reads the content and drops it.
    pub(crate) async fn drain(&mut self) -> Result<(), BodyFault> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

/// Counts what goes into the parser while it hands nothing out.
struct Metered {
    body: BodyDataStream,
    between: Arc<AtomicU64>,
}

/// The parser swallowed [`MAX_BETWEEN`] bytes without giving any content.
#[derive(Debug, thiserror::Error)]
#[error("part headers too long")]
struct TooMuchBetween;

impl Stream for Metered {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.body).poll_next(context);
        Poll::Ready(match std::task::ready!(polled) {
            Some(Ok(chunk)) => {
                let length = chunk.len() as u64;
                let before = self.between.fetch_add(length, Ordering::Relaxed);
                if before > MAX_BETWEEN {
                    Some(Err(TooMuchBetween.into()))
                } else {
                    Some(Ok(chunk))
                }
            }
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }
}

fn fault(error: multer::Error) -> BodyFault {
    match error {
        multer::Error::StreamReadFailed(error) if error.is::<TooMuchBetween>() => {
            BodyFault::Multipart(TooMuchBetween.to_string())
        }
        multer::Error::StreamReadFailed(error) => BodyFault::of_read(&*error),
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => {
            BodyFault::Multipart("the form ended before its closing boundary".to_owned())
        }
        _ => BodyFault::Multipart("broken part headers".to_owned()),
    }
}

/// The boundary of a `multipart/form-data` Content-Type. Some clients send the header, or the
/// parameter in it, twice: the last one is the one that they use.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers
        .get_all(header::CONTENT_TYPE)
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    let form = "multipart/form-data";
    if !value
        .trim_start()
        .get(..form.len())?
        .eq_ignore_ascii_case(form)
    {
        return None;
    }
    parameters(value)
        .filter(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value)
        .last()
        .filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// The parameters of a header value, quoted or not (RFC 9110 §5.6.6); a second value after a comma
/// goes on with the list.
fn parameters(value: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find([';', ','])? + 1..];
            let end = rest.find(['=', ';', ','])?;
            if rest.as_bytes()[end] != b'=' {
                rest = &rest[end..];
                continue;
            }
            let name = rest[..end].trim().to_owned();
            rest = rest[end + 1..].trim_start();
            return Some((name, take_value(&mut rest)));
        }
    })
}

/// Takes a token or quoted string off the front.
fn take_value(rest: &mut &str) -> String {
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([';', ',']).unwrap_or(rest.len());
        let value = rest[..end].trim().to_owned();
        *rest = &rest[end..];
        return value;
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                *rest = &quoted[place + 1..];
                return value;
            }
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    *rest = "";
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_type(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::CONTENT_TYPE, value.parse().unwrap()))
            .collect()
    }

    fn pieces(text: &str, size: usize) -> Body {
        let chunks: Vec<Result<Bytes, std::io::Error>> = text
            .as_bytes()
            .chunks(size)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        Body::from_stream(futures::stream::iter(chunks))
    }

    async fn parts(
        text: &str,
        size: usize,
    ) -> Result<Vec<(String, Option<String>, String)>, BodyFault> {
        let headers = content_type(&["multipart/form-data; boundary=b"]);
        let mut form = Form::open(&headers, pieces(text, size))?;
        let mut found = Vec::new();
        while let Some(mut part) = form.next().await? {
            let content = part.read(1000).await?;
            found.push((
                part.name(),
                part.file_name(),
                String::from_utf8_lossy(&content).into_owned(),
            ));
        }
        Ok(found)
    }

    #[test]
    fn the_last_boundary_counts() {
        let of = |values: &[&str]| boundary(&content_type(values));
        assert_eq!(
            of(&["multipart/form-data; boundary=a"]).as_deref(),
            Some("a")
        );
        assert_eq!(
            of(&["Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b\""]).as_deref(),
            Some("a b")
        );
        assert_eq!(
            of(&["multipart/form-data; boundary=a; boundary=b"]).as_deref(),
            Some("b")
        );
        assert_eq!(
            of(&["multipart/form-data; boundary=a, multipart/form-data; boundary=\"b,;\\\"\""])
                .as_deref(),
            Some("b,;\"")
        );
        assert_eq!(
            of(&["application/json", "multipart/form-data; boundary=b"]).as_deref(),
            Some("b")
        );
        assert_eq!(of(&["multipart/form-data"]), None);
        assert_eq!(of(&["multipart/form-data; boundary="]), None);
        assert_eq!(of(&["multipart/mixed; boundary=a"]), None);
        assert_eq!(of(&["application/json; boundary=a"]), None);
        assert_eq!(
            of(&["multipart/form-data; x=\"; boundary=c\"; boundary=d"]).as_deref(),
            Some("d")
        );
        assert_eq!(of(&[]), None);
    }

    #[tokio::test]
    async fn parts_come_out_however_the_bytes_come_in() {
        let text = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\none\r\n\
                    --b\r\nContent-Disposition: form-data; name=file\r\nContent-Type: application/pdf\r\n\r\n\
                    two\r\n--b\r\nX: y\r\n\r\nthree\r\n--b--\r\n";
        let expected = vec![
            (
                "file".to_owned(),
                Some("a.pdf".to_owned()),
                "one".to_owned(),
            ),
            ("file".to_owned(), None, "two".to_owned()),
            (String::new(), None, "three".to_owned()),
        ];
        for size in [1, 7, 10_000] {
            assert_eq!(
                parts(text, size).await.unwrap(),
                expected,
                "pieces of {size}"
            );
        }
    }

    #[tokio::test]
    async fn a_form_cut_anywhere_is_refused() {
        let text = "--b\r\nContent-Disposition: form-data; name=\"v\"; filename=\"v\"\r\n\r\ncontent\r\n--b--";
        assert!(parts(text, 5).await.is_ok());
        for cut in 0..text.len() {
            assert!(parts(&text[..cut], 5).await.is_err(), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn endless_headers_parts_and_contents_are_refused() {
        let headers = format!("--b\r\nX: {}", "x".repeat(3 << 20));
        let refused = parts(&headers, 64 << 10).await.unwrap_err();
        assert!(
            refused.to_string().contains("part headers too long"),
            "{refused}"
        );

        let many = "--b\r\nX: y\r\n\r\n\r\n".repeat(MAX_PARTS + 1) + "--b--";
        let refused = parts(&many, 64 << 10).await.unwrap_err();
        assert!(
            refused.to_string().contains("more than 200 parts"),
            "{refused}"
        );

        let long = format!("--b\r\nX: y\r\n\r\n{}\r\n--b--", "x".repeat(1001));
        assert!(matches!(
            parts(&long, 100).await,
            Err(BodyFault::TooLarge { limit: 1000 })
        ));
    }
}
