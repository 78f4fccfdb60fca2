//! Identifiers of people and organisations that say which register they are from (EN 319 412-1
//! §5.1.3 and §5.1.4): three letters, or two and a colon, then a country, a hyphen, a number.

/// Whether `number` identifies a natural person, as in `IDCES-00000000T`.
pub(crate) fn is_natural(number: &str) -> bool {
    is_of(&["PAS", "IDC", "PNO", "TIN"], number)
}

/// Whether `identifier` identifies a legal person, as in `VATES-B00000000`.
pub(crate) fn is_legal(identifier: &str) -> bool {
    is_of(&["VAT", "NTR", "PSD", "LEI"], identifier)
}

/// Whether an identifier is of a locally defined scheme, as in `PI:ES-0001` (NAT-5.1.3-05,
/// LEG-5.1.4-05).
pub(crate) fn is_local_scheme(identifier: &str) -> bool {
    identifier.as_bytes().get(2) == Some(&b':')
}

fn is_of(schemes: &[&str], identifier: &str) -> bool {
    let Some((prefix, number)) = identifier.split_at_checked(6) else {
        return false;
    };
    let capitals = |text: &str| text.bytes().all(|letter| letter.is_ascii_uppercase());
    let (Some(scheme), Some(country)) = (prefix.get(..3), prefix.get(3..5)) else {
        return false;
    };
    let local = || scheme.ends_with(':') && capitals(&scheme[..2]);
    (schemes.contains(&scheme) || local())
        && capitals(country)
        && prefix.ends_with('-')
        && !number.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_name_register_and_country() {
        for good in ["VATES-B00000000", "NTRPE-20100000001", "LEIXG-1", "AB:ES-1"] {
            assert!(is_legal(good), "{good}");
        }
        for bad in [
            "",
            "B00000000",
            "VATES-",
            "VATes-B1",
            "IDCES-1",
            "VATESB1",
            "A:BES-1",
            "VAñES-1",
        ] {
            assert!(!is_legal(bad), "{bad}");
        }
        assert!(is_natural("IDCES-00000000T") && is_natural("PI:ES-0001"));
        assert!(!is_natural("VATES-B00000000") && !is_natural("99999999R"));
        assert!(is_local_scheme("PI:ES-0001") && !is_local_scheme("IDCES-1"));
    }
}
