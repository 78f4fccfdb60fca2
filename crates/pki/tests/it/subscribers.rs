use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use model::contact::{Email, Phone};
use model::profile::Holder;
use model::{Profile, SecureElement, Subject};
use pki::issuance::{Recorded, Validity};
use pki::profile::subscriber::{self, Subscriber};
use pki::profile::{Qualification, Terms};
use pki::{CertificateFacts, PkiError};
use testkit::openssl;
use time::Duration;

use crate::{AUTHORITIES, disclosures, pkilint_must_accept, text};

/// A subject with every field that the profile demands, and with the document's number, which
/// some of Peru's profiles leave to choice.
fn subject(profile: &Profile) -> Subject {
    let peru = profile.region == "Peru";
    let mut subject = Subject::from_contact(
        Email::parse("ana@example.com").unwrap(),
        Phone::parse("+34600000000").unwrap(),
    );
    let number = match profile
        .fields
        .iter()
        .any(|field| field.name == "serial_number")
    {
        true => "serial_number",
        false => "id_document_number",
    };
    for name in profile.mandatory().chain([number]) {
        let value = match name {
            "id_document_type" if peru => "DNI",
            "id_document_country" | "organization_country" => match peru {
                true => "PE",
                false => "ES",
            },
            "serial_number" | "id_document_number" => "00000000T",
            "organization_identifier" if peru => "NTRPE-20100000001",
            "organization_identifier" => "VATES-B00000000",
            "organization_tax_number" => "B00000000",
            "email" | "mobile_phone_number" | "id_document_type" => continue,
            "organization_email" => "office@example.org",
            "given_name" => "Ana",
            "surname_1" => "Ñíguez",
            "organization_name" => "Ejemplo Ñandú S.L.",
            "process_application" => "Sede electrónica",
            "title" => "Ingeniera",
            "description" => "Reg: 28065 /Hoja: M-000000 /Tomo: 1",
            "organizational_unit_2" => "Dirección General",
            _ => "Value",
        };
        subject.set(name, Some(value)).unwrap();
    }
    subject
}

fn terms(qualification: &Qualification) -> Terms<'_> {
    Terms {
        validity: Validity::starting(AUTHORITIES.now, Duration::days(730)),
        qualification,
        policy: None,
        practice_statement: None,
    }
}

fn qualified(qscd: bool) -> Qualification {
    Qualification::Qualified {
        qscd,
        disclosures: disclosures(),
    }
}

fn record(
    subscriber: &Subscriber<'_>,
    qualification: &Qualification,
) -> Result<Recorded, PkiError> {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let (issuer, terms) = (&AUTHORITIES.issuer, terms(qualification));
    let spki = key.public_key_info();
    subscriber::draft(issuer, subscriber, &terms, spki, &SystemEntropy)?
        .lint()?
        .record()
}

fn issue(subscriber: &Subscriber<'_>, qualification: &Qualification) -> Result<Vec<u8>, PkiError> {
    let signed = record(subscriber, qualification)?.sign(&AUTHORITIES.issuer)?;
    Ok(signed.into_certificate())
}

fn refusal(profile: &str, change: impl FnOnce(&mut Subject)) -> String {
    let profile = Profile::find(profile).unwrap();
    let mut subject = subject(profile);
    change(&mut subject);
    let subscriber = Subscriber {
        profile,
        subject: &subject,
        element: profile.usual_element(),
    };
    match issue(&subscriber, &Qualification::None) {
        Err(PkiError::Value { field, reason }) => format!("{field} {reason}"),
        other => panic!("not refused for a value: {other:?}"),
    }
}

/// What OpenSSL reads in a certificate.
fn shown(certificate: &[u8]) -> String {
    let options = ["x509", "-inform", "DER", "-noout", "-text"];
    let names = ["-nameopt", "RFC2253,utf8,-esc_msb"];
    openssl(options.into_iter().chain(names), certificate)
        .must_accept()
        .text()
}

/// All profiles with all their elements.
fn kinds() -> impl Iterator<Item = (&'static Profile, SecureElement)> {
    Profile::all().iter().flat_map(|profile| {
        profile
            .elements()
            .into_iter()
            .map(move |one| (profile, one))
    })
}

#[test]
fn every_profile_gives_a_certificate_that_openssl_and_pkilint_accept() {
    let a = &*AUTHORITIES;
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let mut linted = Vec::new();
    let mut files = Vec::new();
    for (profile, element) in kinds() {
        let subject = subject(profile);
        let subscriber = Subscriber {
            profile,
            subject: &subject,
            element,
        };
        let claims = [
            ("plain", Qualification::None),
            ("qcp", qualified(false)),
            ("qscd", qualified(true)),
        ];
        for (claim, qualification) in claims {
            let certificate = issue(&subscriber, &qualification)
                .unwrap_or_else(|error| panic!("{}: {error}", profile.name));
            let shown = shown(&certificate);
            for field in &profile.fields {
                if let (true, Some(fixed)) = (
                    field.name.starts_with("organizational_unit"),
                    profile.fixed(&field.name),
                ) {
                    assert!(shown.contains(&format!("OU={fixed}")), "{shown}");
                }
            }
            assert!(shown.contains(".crl"), "{shown}");
            let in_device = element == SecureElement::SmartCard || profile.wants_qscd();
            assert_eq!(
                !in_device,
                shown.contains("Digital Signature, Non Repudiation")
            );

            let is_seal = profile.holder() == Holder::Organisation;
            let is_qualified = profile.is_qualified() && qualification != Qualification::None;
            let has_qscd = profile.is_qualified() && claim == "qscd" && in_device;
            let policy = match (is_qualified, has_qscd, is_seal) {
                (false, ..) => "0.4.0.2042.1.1",
                (true, false, false) => "0.4.0.194112.1.0",
                (true, false, true) => "0.4.0.194112.1.1",
                (true, true, false) => "0.4.0.194112.1.2",
                (true, true, true) => "0.4.0.194112.1.3",
            };
            assert!(shown.contains(&format!("Policy: {policy}\n")), "{shown}");
            // pkilint knows qualified certificates of this kind with a device and for people only;
            // the others it judges as what they are besides.
            let kind = match (has_qscd, is_seal) {
                (_, true) => "NCP-LEGAL-PERSON-CERTIFICATE",
                (true, false) => "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE",
                (false, false) => "NCP-NATURAL-PERSON-CERTIFICATE",
            };
            let name = format!("profile-{}-{element:?}-{claim}.pem", profile.name);
            let file = a.file(&name, pki::facts::to_pem(&certificate).unwrap());
            linted.push((kind, file.clone()));
            files.push(file);
        }
    }
    let mut arguments = vec!["verify", "-x509_strict", "-CAfile", text(&root)];
    arguments.extend(["-untrusted", text(&issuing)]);
    arguments.extend(files.iter().map(|file| text(file)));
    openssl(arguments, b"").must_accept();
    pkilint_must_accept(&linted);
}

#[test]
fn people_log_in_and_sign_mails_with_keys_outside_devices() {
    let a = &*AUTHORITIES;
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    for (name, allowed) in [
        ("PFnubeAFCiudadano", true),
        ("PFnubeQAFCiudadano", false),
        ("SELLOPJsoft", true),
    ] {
        let profile = Profile::find(name).unwrap();
        let subscriber = Subscriber {
            profile,
            subject: &subject(profile),
            element: profile.usual_element(),
        };
        let certificate = issue(&subscriber, &Qualification::None).unwrap();
        let pem = pki::facts::to_pem(&certificate).unwrap();
        let file = a.file(&format!("log-in-{name}.pem"), pem);
        for purpose in ["sslclient", "smimesign"] {
            let output = openssl(
                [
                    "verify",
                    "-purpose",
                    purpose,
                    "-CAfile",
                    text(&root),
                    "-untrusted",
                    text(&issuing),
                    text(&file),
                ],
                b"",
            );
            // S/MIME takes non-repudiation for a signature.
            assert_eq!(
                output.accepted(),
                allowed || purpose == "smimesign",
                "{name} {purpose}"
            );
        }
        let is_person = name == "PFnubeAFCiudadano";
        let extended =
            shown(&certificate).contains("TLS Web Client Authentication, E-mail Protection");
        assert_eq!(extended, is_person, "{name}");
    }
}

#[test]
fn subjects_are_listed_as_the_public_api_shows_them() {
    let listed = |name: &str, change: &dyn Fn(&mut Subject)| {
        let profile = Profile::find(name).unwrap();
        let mut subject = subject(profile);
        change(&mut subject);
        let subscriber = Subscriber {
            profile,
            subject: &subject,
            element: profile.usual_element(),
        };
        let certificate = issue(&subscriber, &Qualification::None).unwrap();
        let facts = CertificateFacts::read(&certificate).unwrap();
        assert_eq!(
            facts.issuer_listed(),
            "CN=Avouch Test Issuing CA, 2.5.4.97=VATES-B00000000, O=Ejemplo Ñandú S.L., C=ES"
        );
        facts.subject_listed()
    };
    let nothing = |_: &mut Subject| {};
    assert_eq!(
        listed("PFnubeAFCiudadano", &nothing),
        "CN=Ana Ñíguez, 2.5.4.5=IDCES-00000000T, 2.5.4.42=Ana, 2.5.4.4=Ñíguez, C=ES"
    );
    assert_eq!(
        listed("PFSoftAFEmpresa", &|subject| {
            subject
                .set("organization_name", Some("Uno, Dos + Tres"))
                .unwrap();
        }),
        "CN=Ana Ñíguez, 2.5.4.5=IDCES-00000000T, 2.5.4.42=Ana, 2.5.4.4=Ñíguez, \
         2.5.4.12=Ingeniera, 2.5.4.97=VATES-B00000000, O=Uno\\, Dos \\+ Tres, C=ES"
    );
    assert_eq!(
        listed("REPPJqscd", &nothing),
        "CN=Ana Ñíguez, 2.5.4.5=IDCES-00000000T, 2.5.4.42=Ana, 2.5.4.4=Ñíguez, \
         2.5.4.12=Ingeniera, 2.5.4.13=Reg: 28065 /Hoja: M-000000 /Tomo: 1, \
         2.5.4.97=VATES-B00000000, O=Ejemplo Ñandú S.L., C=ES"
    );
    assert_eq!(
        listed("SELLOMedio", &nothing),
        "CN=Sede electrónica, OU=SELLO ELECTRONICO, 2.5.4.97=VATES-B00000000, \
         O=Ejemplo Ñandú S.L., C=ES"
    );
    // What a profile fixes stands whatever the request says; fields of other profiles do not.
    assert_eq!(
        listed("EMPUBsoft", &|subject| {
            subject
                .set("organizational_unit_1", Some("Otra cosa"))
                .unwrap();
            subject.set("title", Some("Ministra")).unwrap();
        }),
        "CN=Ana Ñíguez, 2.5.4.5=IDCES-00000000T, 2.5.4.42=Ana, 2.5.4.4=Ñíguez, \
         OU=Dirección General, OU=CERTIFICADO ELECTRONICO DE EMPLEADO PUBLICO, \
         2.5.4.97=VATES-B00000000, O=Ejemplo Ñandú S.L., C=ES"
    );
    assert_eq!(
        listed("PEFacturacion", &nothing),
        "CN=Ejemplo Ñandú S.L., OU=Value, 2.5.4.97=NTRPE-20100000001, O=Ejemplo Ñandú S.L., C=PE"
    );
}

#[test]
fn seals_carry_the_organisations_address_and_people_their_own() {
    for (name, address) in [
        ("SELLOPJnube", "office@example.org"),
        ("PFnubeAFEmpresa", "ana@example.com"),
    ] {
        let profile = Profile::find(name).unwrap();
        let subscriber = Subscriber {
            profile,
            subject: &subject(profile),
            element: profile.usual_element(),
        };
        let certificate = issue(&subscriber, &Qualification::None).unwrap();
        let shown = shown(&certificate);
        assert!(shown.contains(&format!("email:{address}\n")), "{shown}");
        assert_eq!(shown.matches("email:").count(), 1, "{shown}");
    }
}

#[test]
fn values_that_cannot_stand_are_named_by_their_field() {
    let set = |name: &'static str, value: &'static str| {
        move |subject: &mut Subject| subject.set(name, Some(value)).unwrap()
    };
    let unset = |name: &'static str| move |subject: &mut Subject| subject.set(name, None).unwrap();
    let form = "organization_identifier must have the form of EN 319 412-1 §5.1.4, as in \
                VATES-B00000000";
    for bad in ["B00000000", "VATes-B00000000", "VATES-", "IDCES-00000000T"] {
        assert_eq!(
            refusal("SELLOPJnube", set("organization_identifier", bad)),
            form
        );
        assert_eq!(
            refusal("REPsoft", set("organization_identifier", bad)),
            form
        );
    }
    let long = |name: &'static str, len| {
        move |subject: &mut Subject| subject.set(name, Some(&"x".repeat(len))).unwrap()
    };
    assert_eq!(
        refusal("PFSoftAFEmpresa", long("organization_name", 65)),
        "organization_name has 65 characters, of which a certificate takes 64"
    );
    assert_eq!(
        refusal("PFSoftAFEmpresa", long("title", 65)),
        "title has 65 characters, of which a certificate takes 64"
    );
    assert_eq!(
        refusal("PFSoftAFEmpresa", long("organization_tax_number", 60)),
        "organization_tax_number has 66 characters, of which a certificate takes 64"
    );
    assert_eq!(
        refusal("SELLOPJsoft", set("organization_country", "Spain")),
        "organization_country is no ISO 3166-1 alpha-2 country code"
    );
    assert_eq!(
        refusal("SELLOPJsoft", unset("organization_identifier")),
        "organization_identifier is missing"
    );
    assert_eq!(
        refusal("PFSoftAFEmpresa", unset("organization_name")),
        "organization_name is missing"
    );
    assert_eq!(
        refusal("PFSoftAFEmpresa", unset("serial_number")),
        "serial_number is missing"
    );
    assert_eq!(
        refusal("PEPNRepresentante", unset("id_document_number")),
        "id_document_number is missing"
    );
    assert_eq!(
        refusal("PFSoftAFEmpresa", unset("id_document_country")),
        "id_document_country is missing"
    );
    assert_eq!(
        refusal("PFSoftAFEmpresa", unset("given_name")),
        "given_name is empty"
    );
}

/// Each row changes one detail of a good certificate's bytes, without changing their length.
#[test]
fn changed_certificates_break_the_rule_of_what_was_changed() {
    // KeyUsage of type A, of type B, and for digital signatures alone.
    let commitment = b"\x03\x02\x06\x40";
    let both = b"\x03\x02\x06\xc0";
    let signature = b"\x03\x02\x07\x80";
    // qcp-legal and qcp-natural, eseal and esign.
    let qcp_l = b"\x04\x00\x8b\xec\x40\x01\x01";
    let qcp_n = b"\x04\x00\x8b\xec\x40\x01\x00";
    let (eseal, esign) = (b"\x8e\x46\x01\x06\x02", b"\x8e\x46\x01\x06\x01");
    // emailProtection and codeSigning.
    let mail = b"\x2b\x06\x01\x05\x05\x07\x03\x04";
    let code = b"\x2b\x06\x01\x05\x05\x07\x03\x03";
    // organizationalUnitName and surname.
    let (unit, surname) = (b"\x06\x03\x55\x04\x0b", b"\x06\x03\x55\x04\x04");
    let (http, ldap) = (
        b"http://pki.example.com/pki/",
        b"ldap://pki.example.com/pki/",
    );
    let rows: [(&str, &[u8], &[u8], &str); 11] = [
        ("SELLOMedio", b"VATES-", b"VAXES-", "EN 319 412-1 §5.1.4"),
        (
            "PFSoftAFEmpresa",
            b"VATES-",
            b"VATes-",
            "EN 319 412-1 §5.1.4",
        ),
        (
            "PFSoftAFEmpresa",
            b"IDCES-",
            b"ID ES-",
            "EN 319 412-1 §5.1.3",
        ),
        ("PFSoftAFEmpresa", both, commitment, "EN 319 412-2 §4.3.2"),
        ("PFSoftAFEmpresa", mail, code, "EN 319 412-2 §4.3.2"),
        ("PFqscdEmpresa", commitment, both, "EN 319 412-2 §4.3.2"),
        ("SELLOMedio", both, signature, "EN 319 412-3 §4.3.1"),
        ("SELLOMedio", unit, surname, "a seal must not name a person"),
        ("SELLOMedio", qcp_l, qcp_n, "EN 319 412-2 §5.2"),
        ("SELLOMedio", eseal, esign, "EN 319 412-5 §4.2.3"),
        ("PFSoftAFEmpresa", http, ldap, "EN 319 412-2 §4.3.11"),
    ];
    for (name, from, to, rule) in rows {
        let profile = Profile::find(name).unwrap();
        let subscriber = Subscriber {
            profile,
            subject: &subject(profile),
            element: profile.usual_element(),
        };
        let record = record(&subscriber, &qualified(false)).unwrap();
        let mut tbs = record.tbs().to_vec();
        // The last one is the subject's, where the issuer has the like.
        let at = tbs.windows(from.len()).rposition(|window| window == from);
        let at = at.unwrap_or_else(|| panic!("{name} has no {from:x?}"));
        tbs[at..at + from.len()].copy_from_slice(to);
        let error = Recorded::from_tbs(&tbs).unwrap_err().to_string();
        assert!(error.contains(rule), "{name}, {rule}: {error}");
    }
}

#[test]
fn debug_prints_nothing_of_the_subject() {
    let profile = Profile::find("PFnubeNC").unwrap();
    let subscriber = Subscriber {
        profile,
        subject: &subject(profile),
        element: SecureElement::Cloud,
    };
    assert_eq!(
        format!("{subscriber:?}"),
        "Subscriber { profile: \"PFnubeNC\", element: Cloud, .. }"
    );
}
