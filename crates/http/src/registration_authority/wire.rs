//! The objects of the API: names, order and kinds of their members.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::RequestPk;
use model::Status;
use serde_json::{Map, Value, json};
use service::registration::{
    AuthorityRecord, CertificateRecord, CertificateStanding, OfficerRecord, Registration,
    ScratchcardRecord, Secrets, UserRecord, VideoIdRecord,
};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use crate::pki::armour;

/// The members of a request, in their order. Those that [`request`] does not name are fields of
/// the subject.
pub(super) const REQUEST: [&str; 96] = [
    "pk",
    "given_name",
    "surname_1",
    "surname_2",
    "sex",
    "id_document_type",
    "id_document_country",
    "serial_number",
    "country_name",
    "citizenship",
    "residence",
    "organization_email",
    "email",
    "title",
    "organization_name",
    "organizational_unit_1",
    "organizational_unit_2",
    "organization_identifier",
    "responsible_name",
    "responsible_first_surname",
    "responsible_second_surname",
    "responsible_email",
    "responsible_serial",
    "responsible_position",
    "subscriber_responsible_serial",
    "administrative_unit",
    "empowerment",
    "representation",
    "circumstances",
    "limit",
    "registration",
    "process_application",
    "entity_owner",
    "entity_owner_serial_number",
    "description",
    "certificate_set",
    "profile",
    "scratchcard",
    "status",
    "registering_user",
    "approving_user",
    "producing_user",
    "registration_authority",
    "secure_element",
    "validity_time",
    "smartcard_sn",
    "citizen_tax_number",
    "birth_date",
    "birth_country",
    "birth_city",
    "birth_province",
    "birth_state",
    "birth_district",
    "birth_canton",
    "id_document_description",
    "id_document_issuer",
    "organization_rol",
    "professional_id_number",
    "mobile_phone_number",
    "fix_phone_number",
    "residence_address",
    "residence_city",
    "residence_province",
    "residence_postal_code",
    "residence_state",
    "residence_district",
    "residence_canton",
    "organization_tax_number",
    "organization_address",
    "organization_city",
    "organization_province",
    "organization_country",
    "organization_postal_code",
    "organization_state",
    "organization_url",
    "responsible_legal_level",
    "subscriber",
    "responsible_legal_documents",
    "special_conditions",
    "responsible_registry_data",
    "approving_rao",
    "producing_rao",
    "id_document_number",
    "id_responsible_document_type",
    "id_responsible_document_country",
    "id_responsible_document_number",
    "organizational_unit_3",
    "paperless_mode",
    "videoid_mode",
    "ext_recognition_data",
    "complement_number",
    "id_responsible_document_issuer",
    "provider_registration_number",
    "communication_language",
    "identification_rao",
    // A field of profiles that the original keeps to itself.
    "organizational_unit_4",
];

/// Further fields of an authority, in their order.
pub(super) const PARTICULARS: [&str; 18] = [
    "enabled_from",
    "enabled_until",
    "organization_tax_number",
    "organization_name",
    "responsible_name",
    "responsible_first_surname",
    "responsible_second_surname",
    "responsible_serial",
    "email",
    "fix_phone_number",
    "mobile_phone_number",
    "city",
    "postal_code",
    "province",
    "url",
    "address",
    "state",
    "country",
];

/// A request.
pub(super) fn request(registration: &Registration) -> Value {
    // Whoever approved answers for what is issued on it.
    let is_issued = matches!(registration.status, Status::Issued | Status::Renewed);
    let approving_user = registration.approving_user.as_ref();
    let approving_officer = registration.approving_officer.as_ref();
    let value = |name: &str| -> Value {
        match name {
            "pk" => registration.request.0.into(),
            "certificate_set" => registration.certificates.iter().map(nested).collect(),
            "profile" => registration.profile.as_str().into(),
            "scratchcard" => registration.scratchcard.as_str().into(),
            "status" => registration.status.name().into(),
            "registering_user" => or_null(registration.registering_user.as_ref(), user_ref),
            "approving_user" => or_null(approving_user, user_ref),
            "producing_user" => or_null(approving_user.filter(|_| is_issued), user_ref),
            "registration_authority" => registration.authority.0.into(),
            "secure_element" => registration.element.number().into(),
            "validity_time" => registration.validity_days.to_string().into(),
            "approving_rao" => or_null(approving_officer, officer),
            "producing_rao" => or_null(approving_officer.filter(|_| is_issued), officer),
            "paperless_mode" => registration.paperless.into(),
            "videoid_mode" => registration.workflow.is_filmed().into(),
            "communication_language" => registration
                .language
                .map_or("", |language| language.code())
                .into(),
            "identification_rao" => or_null(registration.identification_officer.as_ref(), officer),
            field => registration.subject.field(field).into(),
        }
    };
    let mut members: Map<_, _> = REQUEST
        .into_iter()
        .map(|name| (name.to_owned(), value(name)))
        .collect();
    if let Some(record) = &registration.videoid {
        members.insert("videoid_data".to_owned(), videoid(record));
    }
    Value::Object(members)
}

/// The VideoID record of a request.
fn videoid(record: &VideoIdRecord) -> Value {
    let claims = &record.claims;
    let images: Map<_, _> = record
        .images
        .iter()
        .map(|(kind, content)| (kind.name().to_owned(), STANDARD.encode(content).into()))
        .collect();
    let data: Map<_, _> = [
        (
            "images",
            Some(images)
                .filter(|some| !some.is_empty())
                .map(Value::Object),
        ),
        ("ocr_data", claims.ocr_data.clone().map(Value::Object)),
        (
            "security_checks",
            claims.security_checks.clone().map(Value::Object),
        ),
        ("similarity_level", claims.similarity_level.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect();
    let identifier = Uuid::parse_str(&record.video_identifier).map_or_else(
        |_| record.video_identifier.clone(),
        |uuid| uuid.hyphenated().to_string(),
    );
    json!({
        "pk": record.videoid.0,
        "status": record.status,
        "provider": record.provider,
        "videoid_link": "",
        "requests": [record.request.0],
        "refusal_reason": record.refusal_reason,
        "data": data,
        "video_identifier": identifier,
        "validation_services": validation_services(record),
        "acceptance": claims.acceptance.clone().unwrap_or_default(),
        "validation_operator": or_null(record.operator.as_ref(), officer),
    })
}

/// What the server finds by comparing: for the officer to see, and nothing where all agrees.
fn validation_services(record: &VideoIdRecord) -> Value {
    if record.mismatches.is_empty() {
        json!({})
    } else {
        json!({ "mismatches": record.mismatches })
    }
}

fn or_null<T>(value: Option<&T>, form: impl FnOnce(&T) -> Value) -> Value {
    value.map_or(Value::Null, form)
}

/// An API user, as other objects refer to it.
fn user_ref(user: &UserRecord) -> Value {
    json!({
        "pk": user.id.0,
        "permission_profile": user.permissions,
        "registration_authority": user.authority.0,
        "request": user.request.map(|request| request.0),
    })
}

/// An API user.
pub(super) fn user(user: &UserRecord) -> Value {
    let mut object = user_ref(user);
    object["rao"] = user.officer.map(|officer| officer.0).into();
    object
}

/// An officer.
pub(super) fn officer(officer: &OfficerRecord) -> Value {
    json!({
        "pk": officer.id.0,
        "given_name": officer.given_name,
        "surname_1": officer.surname_1,
        "surname_2": officer.surname_2,
        "certificate": nested(&officer.certificate),
        "id_document_number": officer.document_number.as_deref().unwrap_or_default(),
        "id_document_description": officer.document_description.as_deref().unwrap_or_default(),
        "id_document_issuer": officer.document_issuer.as_deref().unwrap_or_default(),
        "registration_authority": officer.authorities,
        "registration_authority_master": officer.master.0,
        "is_identificator": officer.is_identificator,
    })
}

/// A certificate inside another object.
fn nested(certificate: &CertificateRecord) -> Value {
    json!({
        "profile": certificate.profile,
        "status": status_number(certificate.standing),
        "valid_from": timestamp(certificate.valid_from),
        "valid_to": timestamp(certificate.valid_to),
        "valid": standing_name(certificate.standing),
        "revokation_reason": reason_number(certificate),
        "serial_number": certificate.serial_number,
        "subject": certificate.subject,
        "data": STANDARD.encode(&certificate.der),
        "issuer": certificate.issuer,
    })
}

/// A certificate by itself.
pub(super) fn flat(certificate: &CertificateRecord) -> Value {
    let mut object = flat_core(certificate);
    let kind = if certificate.renewal {
        "RENEWAL"
    } else {
        "FIRSTISSUE"
    };
    object["type"] = kind.into();
    object
}

/// A certificate as enrolment calls answer it.
pub(super) fn enrolled(certificate: &CertificateRecord, request: RequestPk) -> Value {
    let mut object = flat_core(certificate);
    object["request"] = request.0.into();
    object
}

fn flat_core(certificate: &CertificateRecord) -> Value {
    json!({
        "data": STANDARD.encode(&certificate.der),
        "profile": certificate.profile,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "valid_from": timestamp(certificate.valid_from),
        "valid_to": timestamp(certificate.valid_to),
        "serial_number": certificate.serial_number,
        "status": status_number(certificate.standing),
        "pk": certificate.number,
        "revokation_reason": reason_number(certificate),
    })
}

fn status_number(standing: CertificateStanding) -> u8 {
    match standing {
        CertificateStanding::Valid | CertificateStanding::Expired => 0,
        CertificateStanding::Suspended => 1,
        CertificateStanding::Revoked => 2,
    }
}

fn standing_name(standing: CertificateStanding) -> &'static str {
    match standing {
        CertificateStanding::Valid => "VALID",
        CertificateStanding::Suspended => "SUSPENDED",
        CertificateStanding::Revoked => "REVOKED",
        CertificateStanding::Expired => "EXPIRED",
    }
}

fn reason_number(certificate: &CertificateRecord) -> Option<i64> {
    certificate.reason.map(|reason| reason.number())
}

/// A registration authority. Its settings stand beside the documented members.
pub(super) fn authority(authority: &AuthorityRecord) -> Value {
    let field = |name: &str| authority.particulars.get(name);
    let mut object = json!({
        "pk": authority.id.0,
        "name": authority.name,
        "parent": authority.parent.map(|parent| parent.0),
        "operators": authority.operators.iter().map(user_ref).collect::<Value>(),
    });
    for name in PARTICULARS {
        object[name] = json!(field(name));
    }
    let settings = &authority.settings;
    object["enable_external_auth"] = settings.enable_external_auth.into();
    object["videoid_enabled"] = authority.videoid_enabled.into();
    object["videoid_provider"] = settings.videoid_provider.into();
    object["webhook_url"] = json!(authority.webhook_url);
    object["webhook_format"] = json!(authority.webhook_format);
    if let (Value::Object(members), Value::Object(settings)) = (&mut object, json!(settings)) {
        for (name, value) in settings {
            members.entry(name).or_insert(value);
        }
    }
    object
}

/// A scratchcard. Its secrets are JSON inside a text, blanks included.
pub(super) fn scratchcard(card: &ScratchcardRecord) -> Value {
    let Secrets {
        erc,
        enrollment_code,
        pin,
        puk,
    } = &card.secrets;
    let secrets = format!(
        r#"{{"erc": {}, "enrollment_code": {}, "pin": {}, "puk": {}}}"#,
        json!(erc),
        json!(enrollment_code),
        json!(pin),
        json!(puk)
    );
    json!({
        "pk": card.pk,
        "sn": card.sn,
        "registration_authority": card.authority.0,
        "secrets": secrets,
    })
}

/// A scratchcard's secrets as an object, as approvals answer them.
pub(super) fn secrets(secrets: &Secrets) -> Value {
    json!({
        "puk": secrets.puk,
        "enrollment_code": secrets.enrollment_code,
        "pin": secrets.pin,
        "erc": secrets.erc,
    })
}

/// A PKCS#12 file in armour, under the label that the original gives it.
pub(super) fn pkcs12(file: &[u8]) -> String {
    armour("PKCS12", file)
}

fn timestamp(time: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    time.to_offset(time::UtcOffset::UTC)
        .format(form)
        .unwrap_or_default()
}
