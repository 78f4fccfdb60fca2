use model::contact::{Email, Phone};
use model::{Profile, Subject};

#[test]
fn the_table_has_45_profiles_with_unlike_names() {
    let mut names: Vec<_> = Profile::all().iter().map(|profile| &profile.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 45);
}

#[test]
fn three_profiles_serve_one_shot() {
    let names: Vec<_> = Profile::all()
        .iter()
        .filter(|profile| profile.serves_one_shot())
        .map(|profile| profile.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["PFnubeAFCiudadano", "PFnubeQAFCiudadano", "PFnubeNC"]
    );
}

#[test]
fn what_an_approval_misses_is_named_in_the_tables_order() {
    let subject = Subject::from_contact(
        Email::parse("ana@example.com").unwrap(),
        Phone::parse("+34600000000").unwrap(),
    );
    let profile = Profile::find("PFnubeNC").unwrap();
    assert_eq!(
        profile.missing(&subject),
        ["serial_number", "given_name", "surname_1"]
    );
}

#[test]
fn every_profile_has_an_element_and_a_holder() {
    let mut holders = std::collections::BTreeMap::<_, usize>::new();
    for profile in Profile::all() {
        assert!(!profile.elements().is_empty(), "{}", profile.name);
        assert!(profile.elements().contains(&profile.usual_element()));
        *holders
            .entry(format!("{:?}", profile.holder()))
            .or_default() += 1;
    }
    let counted: Vec<_> = holders
        .iter()
        .map(|(name, n)| (name.as_str(), *n))
        .collect();
    assert_eq!(
        counted,
        [
            ("Individual", 7),
            ("Member", 13),
            ("Organisation", 11),
            ("Representative", 14)
        ]
    );
}

#[test]
fn every_field_of_a_profile_can_be_set() {
    let server = [
        "secure_element",
        "profile",
        "validity_time",
        "registration_authority",
        "scratchcard",
    ];
    let mut subject = Subject::from_email(Email::parse("ana@example.org").unwrap());
    for field in Profile::all().iter().flat_map(|profile| &profile.fields) {
        if server.contains(&field.name.as_str()) {
            continue;
        }
        let value = match field.name.as_str() {
            "email" => "ana@example.org",
            "mobile_phone_number" => "+34600000000",
            "id_document_type" => "IDC",
            "id_document_country" => "ES",
            _ => "X",
        };
        subject
            .set(&field.name, Some(value))
            .unwrap_or_else(|error| panic!("{}: {error}", field.name));
        assert_eq!(subject.field(&field.name).as_deref(), Some(value));
    }
    assert!(subject.set("webhook_url", Some("x")).is_err());
    assert!(subject.set("title", Some("a\nb")).is_err());
    subject.set("title", Some(" ")).unwrap();
    assert_eq!(subject.field("title"), None);
}
