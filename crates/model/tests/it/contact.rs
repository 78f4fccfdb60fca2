use model::contact::{Country, Email, Phone};
use proptest::prelude::*;

#[test]
fn phones_need_an_international_prefix() {
    for good in [
        "+34600000000",
        "+34 600 00 00 00",
        "+1-202-555-0143",
        "+352 (621) 123.456",
    ] {
        assert!(Phone::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "600000000",
        "0034600000000",
        "+",
        "+34",
        "+34abc000000",
        "+0346000000",
        "",
        "+12345678901234567",
    ] {
        assert!(Phone::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(
        Phone::parse(" +34 600-000-000 ").unwrap().as_str(),
        "+34600000000"
    );
}

#[test]
fn a_masked_phone_shows_two_digits() {
    assert_eq!(
        Phone::parse("+34600000012").unwrap().masked(),
        "+•••••••••12"
    );
}

#[test]
fn emails() {
    for good in [
        "ana@example.com",
        "a.b+c@sub.example.co",
        "josé@correo.example",
        "x_y@xn--bcher-kva.example",
    ] {
        assert!(Email::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@localhost",
        "a b@example.com",
        "a..b@example.com",
        "ana@-x.com",
        "a@b@c..d",
        "a\r\nBcc: x@example.com",
    ] {
        assert!(Email::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn countries() {
    assert_eq!(Country::parse("es").unwrap().as_str(), "ES");
    for bad in ["", "E", "ESP", "XX", "ZZ", "ñ", "é1"] {
        assert!(Country::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn parsing_is_stable_and_never_panics(text in ".{0,40}") {
        if let Ok(phone) = Phone::parse(&text) {
            prop_assert_eq!(Phone::parse(phone.as_str()).unwrap(), phone.clone());
            let debug = format!("{phone:?}");
            prop_assert!(!debug.contains(phone.as_str()));
            let _ = phone.masked();
        }
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email);
        }
        let _ = Country::parse(&text);
    }
}
