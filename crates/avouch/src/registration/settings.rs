//! What can be set of a registration authority at the command line.

/// Names and what they take. The names are those of the Registration Authority API.
const FIELDS: [(&str, &str); 39] = [
    ("name", "its name, as contracts print it"),
    ("parent", "the authority above it"),
    ("enabled_from", "first day, YYYY-MM-DD"),
    ("enabled_until", "last day, YYYY-MM-DD"),
    ("organization_name", "the organisation behind it"),
    ("organization_tax_number", "its tax number"),
    ("responsible_name", "who is in charge: first names"),
    ("responsible_first_surname", "first surname"),
    ("responsible_second_surname", "second surname"),
    ("responsible_serial", "number of the identity document"),
    ("email", "its e-mail address"),
    ("fix_phone_number", "telephone"),
    ("mobile_phone_number", "mobile telephone"),
    ("address", "street and number"),
    ("city", "city"),
    ("postal_code", "postal code"),
    ("province", "province"),
    ("state", "state"),
    (
        "country",
        "ISO 3166-1 alpha-2; requests that name none get it",
    ),
    ("url", "its web site"),
    ("language", "en, es or it: how subscribers are spoken to"),
    (
        "videoid_enabled",
        "true or false: takes filmed identifications",
    ),
    (
        "enable_external_auth",
        "true or false: filmed on the business's own platform",
    ),
    ("videoid_provider", "number of the video provider"),
    (
        "videoid_steps",
        "1: an approval validates too; 2: validation comes first",
    ),
    (
        "validate_auto_approves",
        "true or false: validating a natural person approves",
    ),
    (
        "video_upload_auth",
        "certificate or identifier: what an upload must show",
    ),
    (
        "documents_per_phone",
        "identity documents that may share a telephone number",
    ),
    (
        "documents_per_email",
        "identity documents that may share an e-mail address",
    ),
    (
        "renewal_enabled",
        "true or false: certificates may be renewed",
    ),
    (
        "renewal_needs_officer",
        "true or false: an officer enables each renewal",
    ),
    ("max_renewals", "renewals of one request"),
    (
        "max_request_age_days",
        "days after which a request is not renewed any more",
    ),
    (
        "blank_secrets",
        "true or false: approvals answer without secrets",
    ),
    (
        "identity_images_mandatory",
        "true or false: One-Shot creations bring images of document and owner",
    ),
    (
        "auto_scratchcards",
        "true or false: scratchcards are made when none is left",
    ),
    (
        "signature_level",
        "BASIC, T, LTVLITE, LTV or LTVA: where a call names none",
    ),
    ("webhook_url", "where its events go"),
    ("webhook_format", "status or event"),
];

/// The end of a subcommand's long help: its examples, and the fields.
pub fn help(examples: &str) -> String {
    let fields: String = FIELDS
        .iter()
        .map(|(name, takes)| format!("\n  {name:<27} {takes}"))
        .collect();
    format!("Fields:{fields}\n\nExamples:\n  {examples}")
}

/// Reads `FIELD=VALUE`.
pub fn parse(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected a field, an equals sign and a value")?;
    if FIELDS.iter().any(|(known, _)| *known == name) {
        Ok((name.to_owned(), value.to_owned()))
    } else {
        Err(format!("there is no field {name}; --help lists them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_an_authority_can_be_set() {
        let settings =
            serde_json::to_value(model::authority::AuthoritySettings::default()).unwrap();
        for name in settings.as_object().unwrap().keys() {
            assert!(parse(&format!("{name}=")).is_ok(), "{name}");
        }
    }

    #[test]
    fn values_may_hold_anything_and_names_may_not() {
        let url = parse("webhook_url=https://example.org/?a=b").unwrap();
        assert_eq!(url.1, "https://example.org/?a=b");
        assert_eq!(parse("city=").unwrap().1, "");
        assert!(parse("city").is_err());
        assert!(parse("town=X").unwrap_err().contains("town"));
    }
}
