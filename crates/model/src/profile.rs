//! The certificate profiles: data that ships with the program.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::subject::Subject;

/// One certificate profile.
#[derive(Debug, Clone, Deserialize)]
pub struct Profile {
    /// The wire name, as in `PFnubeNC`.
    pub name: String,
    /// Under which law the profile was drawn up.
    pub region: String,
    /// Who it is for.
    pub description: String,
    /// What holds the key, in the table's own words.
    pub element: String,
    /// The fields of a request under this profile.
    pub fields: Vec<ProfileField>,
}

/// One field of a profile.
#[derive(Debug, Clone, Deserialize)]
pub struct ProfileField {
    /// The wire name.
    pub name: String,
    /// The value that the profile fixes, if it does.
    #[serde(default)]
    pub value: Option<serde_json::Value>,
    /// Whether a request cannot be approved without it.
    pub mandatory: bool,
}

/// Fields that the server, not the sender, gives a request.
const GIVEN_BY_SERVER: [&str; 5] = [
    "secure_element",
    "profile",
    "validity_time",
    "registration_authority",
    "scratchcard",
];

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/profiles.json"))
        .expect("the shipped profile table is valid; a test reads it")
});

impl Profile {
    /// All profiles of the table.
    pub fn all() -> &'static [Profile] {
        &PROFILES
    }

    /// The profile of that name.
    pub fn find(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// Whether the table lets the key live with us.
    pub fn allows_cloud(&self) -> bool {
        self.element.contains("Cloud")
    }

    /// Whether the subject is a natural person on his or her own behalf: every mandatory field
    /// is one that an identification yields.
    pub fn is_natural_person(&self) -> bool {
        const PERSONAL: [&str; 7] = [
            "id_document_type",
            "id_document_country",
            "serial_number",
            "given_name",
            "surname_1",
            "email",
            "mobile_phone_number",
        ];
        self.mandatory().all(|name| PERSONAL.contains(&name))
    }

    /// Whether the profile can serve one-time signatures: a natural person's, with the key in
    /// our hands.
    pub fn serves_one_shot(&self) -> bool {
        self.is_natural_person() && self.allows_cloud()
    }

    /// Whether certificates under the profile may be qualified (Regulation (EU) 910/2014): those
    /// drawn up for Europe, where the operator has that status.
    pub fn is_qualified(&self) -> bool {
        self.region.contains("eIDAS")
    }

    /// Whether the table wants the key in a qualified signature creation device of ours.
    pub fn wants_qscd(&self) -> bool {
        self.element == "Cloud-QSCD"
    }

    /// Names of the mandatory fields that the sender must bring.
    pub fn mandatory(&self) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(|field| field.mandatory && !GIVEN_BY_SERVER.contains(&field.name.as_str()))
            .map(|field| field.name.as_str())
    }

    /// Mandatory fields that `subject` lacks, in the table's order.
    pub fn missing(&self, subject: &Subject) -> Vec<&str> {
        self.mandatory()
            .filter(|name| subject.field(name).is_none())
            .collect()
    }
}
