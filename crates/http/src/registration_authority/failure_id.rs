//! The `id` of a failure: 16 hexadecimal digits by which it is found in the log.

use crate::layers::request_id::RequestId;

/// The beginning of the request's id where that is hexadecimal, as it is unless a client or proxy
/// made it up; otherwise a digest of it (FNV-1a, 64 bits), which the log notes too.
pub(super) fn of(request: Option<&RequestId>) -> String {
    let text = request.map_or("", RequestId::as_str);
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let own = digits.get(..16);
    match own.filter(|own| own.bytes().all(|b| b.is_ascii_hexdigit())) {
        Some(own) => own.to_ascii_lowercase(),
        None => format!("{:016x}", digest(text.as_bytes())),
    }
}

fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_id_gives_sixteen_digits() {
        let id = |text: &'static str| of(Some(&RequestId::of_text(text)));
        assert_eq!(id("0123456789abcdef0123456789abcdef"), "0123456789abcdef");
        assert_eq!(
            id("0123ABCD-0123-4567-89ab-0123456789ab"),
            "0123abcd01234567"
        );
        // FNV-1a's published test vector for "foobar".
        assert_eq!(id("foobar"), "85944171f73967e8");
        assert_eq!(of(None), "cbf29ce484222325");
    }
}
