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
