//! Policies, QCStatements and the identifiers that they say how to read (EN 319 412-1, -2 and -5,
//! RFC 3739).

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::CertificatePolicies;

use super::Lint;
use crate::decode::{self, Elements, SEQUENCE};
use crate::profile::statements::{Person, URI};
use crate::{name, oid, semantics};

impl Lint<'_> {
    pub(super) fn policies_and_statements(&mut self, person: Person) {
        let policies = self.certificate.get_extension::<CertificatePolicies>();
        self.expect(
            matches!(&policies, Ok(Some((false, policies))) if !policies.0.is_empty()),
            "EN 319 412-2 §4.3.3",
            "certificate policies must be there and not be critical",
        );
        let policies = policies
            .ok()
            .flatten()
            .map(|(_, policies)| policies.0)
            .unwrap_or_default();
        let has_policy = |id| policies.iter().any(|policy| policy.policy_identifier == id);
        let Some(statements) = self.statements() else {
            let message = "the qualified certificate statements are unreadable or critical";
            return self.expect(false, "EN 319 412-5 §4.1", message);
        };

        let qualified = statements.ids.contains(&oid::QCS_COMPLIANCE);
        let in_device = statements.ids.contains(&oid::QCS_QSCD);
        let other = match person {
            Person::Natural => Person::Legal,
            Person::Legal => Person::Natural,
        };
        self.expect(
            has_policy(person.qualified_policy(false)) == (qualified && !in_device)
                && has_policy(person.qualified_policy(true)) == (qualified && in_device)
                && !(qualified && has_policy(oid::POLICY_NCP))
                && ![false, true]
                    .map(|qscd| other.qualified_policy(qscd))
                    .into_iter()
                    .any(has_policy),
            "EN 319 412-2 §5.2",
            "policies and statements must agree on whether the certificate is qualified",
        );
        self.expect(
            !in_device || self.commitment().0,
            "EN 319 412-2 §4.3.2",
            "a key in a qualified device must be for commitment to content alone (type A)",
        );
        self.expect(
            qualified || (!in_device && !statements.ids.contains(&oid::QCS_TYPE)),
            "EN 319 412-5 §5",
            "a certificate that is not qualified must not carry a qualified one's statements",
        );
        self.expect(
            !qualified || statements.types == [person.qc_type()],
            "EN 319 412-5 §4.2.3",
            "a qualified certificate must be of type eSign for a person, eSeal for an organisation",
        );
        let ids = &statements.ids;
        self.expect(
            (1..ids.len()).all(|at| ids[at] == oid::QCS_SYNTAX_V2 || !ids[..at].contains(&ids[at])),
            "RFC 3739 §3.2.6",
            "a statement is there twice",
        );
        self.expect(
            statements.disclosures_are_sound,
            "EN 319 412-5 §4.3.4",
            "disclosure statements must be pointed to over HTTPS, with an ISO 639-1 language code",
        );
        self.expect(
            !qualified || statements.disclosed_in_english,
            "EN 319 412-5 §4.3.4",
            "a disclosure statement in English must be pointed to over HTTPS",
        );
        self.identifiers(&statements);
    }

    /// The form of the identifiers whose semantics is declared (EN 319 412-1 §5.1.3 and §5.1.4).
    fn identifiers(&mut self, statements: &Statements) {
        let subject = self.certificate.subject();
        let value = |attribute| {
            let found = subject.iter().find(|one| one.oid == attribute);
            found.and_then(name::text)
        };
        let number = value(oid::SERIAL_NUMBER);
        let organisation = value(oid::ORGANIZATION_IDENTIFIER);
        let declared = |semantics| statements.semantics.contains(&semantics);
        let (natural, legal) = (
            declared(oid::SEMANTICS_NATURAL),
            declared(oid::SEMANTICS_LEGAL),
        );
        self.expect(
            !natural || number.is_some_and(semantics::is_natural),
            "EN 319 412-1 §5.1.3",
            "the identity number must have the form of its semantics, as in IDCES-00000000T",
        );
        self.expect(
            (!legal || organisation.is_some()) && organisation.is_none_or(semantics::is_legal),
            "EN 319 412-1 §5.1.4",
            "an organisation identifier must have the form of its semantics, as in VATES-B00000000",
        );
        let local = natural && number.is_some_and(semantics::is_local_scheme)
            || legal && organisation.is_some_and(semantics::is_local_scheme);
        self.expect(
            !local || statements.names_register,
            "EN 319 412-1 §5.1",
            "who registers numbers of a locally defined scheme must be named by a URI",
        );
    }

    pub(super) fn statements(&self) -> Option<Statements> {
        let extensions = self.certificate.extensions()?;
        let Some(extension) = extensions
            .iter()
            .find(|one| one.extn_id == oid::QC_STATEMENTS)
        else {
            return Some(Statements::none());
        };
        if extension.critical {
            return None;
        }
        Statements::parse(extension.extn_value.as_bytes()).ok()
    }
}

/// What a certificate's QCStatements (RFC 3739 §3.2.6) say.
pub(super) struct Statements {
    ids: Vec<ObjectIdentifier>,
    pub(super) semantics: Vec<ObjectIdentifier>,
    names_register: bool,
    types: Vec<ObjectIdentifier>,
    disclosures_are_sound: bool,
    disclosed_in_english: bool,
}

impl Statements {
    fn none() -> Self {
        Self {
            ids: Vec::new(),
            semantics: Vec::new(),
            names_register: false,
            types: Vec::new(),
            disclosures_are_sound: true,
            disclosed_in_english: false,
        }
    }

    fn parse(value: &[u8]) -> Result<Self, crate::PkiError> {
        const WHAT: &str = "QCStatements";
        let mut found = Self::none();
        let mut list = Elements::of(SEQUENCE, value, WHAT)?;
        while !list.is_finished() {
            let mut statement = list.inside(SEQUENCE)?;
            let id = statement.oid()?;
            match id {
                oid::QCS_SYNTAX_V2 => {
                    let mut semantics = statement.inside(SEQUENCE)?;
                    found.semantics.push(semantics.oid()?);
                    if let Some(registers) = semantics.optional(SEQUENCE)? {
                        let mut registers = Elements::of(SEQUENCE, registers, WHAT)?;
                        while !registers.is_finished() {
                            found.names_register |= registers.any()?.first() == Some(&URI);
                        }
                    }
                }
                oid::QCS_TYPE => {
                    let mut types = statement.inside(SEQUENCE)?;
                    while !types.is_finished() {
                        found.types.push(types.oid()?);
                    }
                }
                oid::QCS_PDS => {
                    let mut locations = statement.inside(SEQUENCE)?;
                    while !locations.is_finished() {
                        let mut location = locations.inside(SEQUENCE)?;
                        let (url, language) = (location.any()?, location.any()?);
                        let url = decode::content(0x16, url).unwrap_or_default();
                        let language = decode::content(0x13, language).unwrap_or_default();
                        let sound = url.starts_with(b"https://")
                            && language.len() == 2
                            && language.iter().all(u8::is_ascii_lowercase);
                        found.disclosures_are_sound &= sound;
                        found.disclosed_in_english |= sound && language == b"en";
                    }
                }
                _ => {}
            }
            found.ids.push(id);
        }
        Ok(found)
    }
}
