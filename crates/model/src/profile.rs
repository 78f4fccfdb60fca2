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
    /// The values that the table allows, where it lists them.
    #[serde(default)]
    pub allowed: Vec<serde_json::Value>,
}

/// What holds the subscriber's key. The numbers are wire constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecureElement {
    /// A PKCS#12 file in the subscriber's hands: `0`.
    Software,
    /// A smart card or token, which makes the key itself: `1`.
    SmartCard,
    /// We, wrapped under the subscriber's PIN: `2`.
    Cloud,
}

impl SecureElement {
    /// All of them, by number.
    pub const ALL: [SecureElement; 3] = [
        SecureElement::Software,
        SecureElement::SmartCard,
        SecureElement::Cloud,
    ];

    /// The wire number.
    pub fn number(self) -> i64 {
        match self {
            SecureElement::Software => 0,
            SecureElement::SmartCard => 1,
            SecureElement::Cloud => 2,
        }
    }

    /// The element of that number.
    pub fn of_number(number: i64) -> Option<Self> {
        SecureElement::ALL
            .into_iter()
            .find(|element| element.number() == number)
    }
}

/// Whom a profile's certificates name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A person on his or her own behalf.
    Individual,
    /// A person as a member of an organisation: employee, professional, public servant.
    Member,
    /// A person who acts for an organisation.
    Representative,
    /// The organisation itself: a seal.
    Organisation,
}

/// Days for which a certificate may be valid, the same in every profile.
pub const VALIDITY_DAYS: [i64; 6] = [1, 3, 365, 730, 1095, 1825];
/// Days of validity where nobody says otherwise.
pub const DEFAULT_VALIDITY_DAYS: i64 = 730;

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

    /// The elements that the profile's table allows, by number.
    pub fn elements(&self) -> Vec<SecureElement> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name == "secure_element");
        let listed = field
            .into_iter()
            .flat_map(|field| field.value.iter().chain(&field.allowed))
            .filter_map(serde_json::Value::as_i64);
        let mut elements: Vec<_> = listed.filter_map(SecureElement::of_number).collect();
        elements.dedup();
        elements
    }

    /// The element of a request that names none: the cloud where the profile allows it.
    pub fn usual_element(&self) -> SecureElement {
        let elements = self.elements();
        if elements.contains(&SecureElement::Cloud) {
            SecureElement::Cloud
        } else {
            elements.first().copied().unwrap_or(SecureElement::Software)
        }
    }

    /// Whom its certificates name.
    pub fn holder(&self) -> Holder {
        let says = |word| self.description.contains(word);
        if says("eal") || says("Legal entity") {
            Holder::Organisation
        } else if says("Representative") {
            Holder::Representative
        } else if self.description == "Individual" {
            Holder::Individual
        } else {
            Holder::Member
        }
    }

    /// The value that the profile fixes for a field of the subject.
    pub fn fixed(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        field.value.as_ref()?.as_str()
    }

    /// The profile's technical name, which certificates are listed under: without the ending that
    /// names the holder.
    pub fn technical_name(&self) -> &str {
        ["Ciudadano", "Empresa", "Colegiado"]
            .into_iter()
            .find_map(|ending| self.name.strip_suffix(ending))
            .filter(|name| name.starts_with("PF"))
            .unwrap_or(&self.name)
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
            .filter(|name| subject.field(name).is_none() && self.fixed(name).is_none())
            .collect()
    }
}
