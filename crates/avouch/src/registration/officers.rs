//! `avouch rao`.

use model::RaId;
use model::contact::Country;
use serde_json::{Value, json};
use service::registration::{CertificateStanding, OfficerForm, OfficerRecord};

use super::output::{self, Table, or_dash};
use super::{Office, all};
use crate::cli::{Rao, RaoCommand};
use crate::init::{OfficerCredentials, Person, create_officer, digits};
use crate::stdout;

/// Runs the command and prints its answer.
pub async fn run(options: Rao) -> anyhow::Result<()> {
    match options.command {
        RaoCommand::Create {
            place,
            ra,
            given_name,
            surname,
            identity,
            country,
            username,
            again,
        } => {
            let country = Country::parse(&country)?;
            let office = Office::open(&place).await?;
            let person = Person {
                given_name,
                surname,
                // A number that only this installation issues (EN 319 412-1 §5.1.3, third form).
                identity: identity.unwrap_or_else(|| format!("PI:{country}-{}", digits(10))),
                country: country.to_string(),
            };
            let username = username.unwrap_or_else(|| format!("rao-{}", digits(6)));
            let made = create_officer(office.service(), RaId(ra), username, person, again).await?;
            stdout::print(&hand_out(&made, ra, place.json))?;
            office.close().await;
        }
        RaoCommand::Appoint {
            place,
            ra,
            also,
            request,
            identificator,
        } => {
            let office = Office::open(&place).await?;
            let mut form = of_request(&office, request).await?;
            let authorities = std::iter::once(&ra).chain(&also);
            form.registration_authority_master = Some(ra.to_string());
            form.registration_authority = Some(authorities.map(i64::to_string).collect());
            form.is_identificator = Some(identificator.to_string());
            let appointed = office
                .service()
                .appoint_officer(&office.operator, form)
                .await?;
            stdout::print(&show(&appointed, place.json))?;
            office.close().await;
        }
        RaoCommand::List { place } => {
            let office = Office::open(&place).await?;
            let (service, operator) = (office.service(), &office.operator);
            let everybody = OfficerForm::default;
            let found = all(|page| service.officers(operator, everybody(), page)).await?;
            stdout::print(&list(&found, place.json))?;
            office.close().await;
        }
        RaoCommand::Show { place, number } => {
            let office = Office::open(&place).await?;
            let found = office.service().officer(&office.operator, number).await?;
            stdout::print(&show(&found, place.json))?;
            office.close().await;
        }
    }
    Ok(())
}

/// What an issued request says of the person that it names.
async fn of_request(office: &Office, request: i64) -> anyhow::Result<OfficerForm> {
    let found = office
        .service()
        .registration(&office.operator, request)
        .await?;
    let subject = found.subject;
    Ok(OfficerForm {
        certificate: Some(request.to_string()),
        given_name: subject.given_name,
        surname_1: subject.surname_1,
        surname_2: subject.surname_2,
        id_document_number: subject.serial_number,
        email: Some(subject.email.as_str().to_owned()),
        ..OfficerForm::default()
    })
}

/// The one moment at which password and PIN are known in the clear.
fn hand_out(made: &OfficerCredentials, ra: i64, as_json: bool) -> String {
    if as_json {
        let made = json!({
            "pk": made.id,
            "registration_authority": ra,
            "username": made.username,
            "password": made.password,
            "pin": made.pin,
        });
        return output::json(&made);
    }
    let lines = [
        ("Officer (RAO)", made.id.to_string()),
        ("Registration authority", ra.to_string()),
        ("User name", made.username.clone()),
        ("Password", made.password.clone()),
        ("PIN", made.pin.clone()),
    ];
    let warning = "These are shown once and stored nowhere in the clear: write them down now.";
    format!("{}\n{warning}\n", output::fields(&lines))
}

fn list(found: &[OfficerRecord], as_json: bool) -> String {
    if as_json {
        return output::json(&found.iter().map(described).collect());
    }
    let mut table = Table::new(["Number", "Name", "Authority", "User name", "Certificate"]);
    for one in found {
        table.row([
            one.id.to_string(),
            full_name(one),
            one.master.to_string(),
            or_dash(one.username.as_deref()),
            standing(one).to_owned(),
        ]);
    }
    table.text()
}

fn show(one: &OfficerRecord, as_json: bool) -> String {
    if as_json {
        return output::json(&described(one));
    }
    let authorities: Vec<_> = one.authorities.iter().map(RaId::to_string).collect();
    let lines = [
        ("Officer (RAO)", one.id.to_string()),
        ("Name", full_name(one)),
        ("Home authority", one.master.to_string()),
        ("May act for", authorities.join(", ")),
        ("User name", or_dash(one.username.as_deref())),
        ("E-mail", or_dash(one.email.as_deref())),
        ("Identity document", or_dash(one.document_number.as_deref())),
        ("Identifies for others", yes_or_no(one.is_identificator)),
        ("Certificate", one.certificate.serial_number.clone()),
        ("  stands", standing(one).to_owned()),
        ("  subject", one.certificate.subject.clone()),
        ("  valid until", one.certificate.valid_to.date().to_string()),
    ];
    output::fields(&lines)
}

/// Under the names of the API.
fn described(one: &OfficerRecord) -> Value {
    json!({
        "pk": one.id,
        "given_name": one.given_name,
        "surname_1": one.surname_1,
        "surname_2": one.surname_2,
        "registration_authority_master": one.master,
        "registration_authority": one.authorities,
        "username": one.username,
        "email": one.email,
        "id_document_number": one.document_number,
        "is_identificator": one.is_identificator,
        "certificate": {
            "serial_number": one.certificate.serial_number,
            "valid": standing(one),
            "valid_to": one.certificate.valid_to.date().to_string(),
            "subject": one.certificate.subject,
        },
    })
}

fn full_name(one: &OfficerRecord) -> String {
    let second = one.surname_2.as_deref().unwrap_or_default();
    let name = format!("{} {} {second}", one.given_name, one.surname_1);
    name.trim_end().to_owned()
}

fn standing(one: &OfficerRecord) -> &'static str {
    match one.certificate.standing {
        CertificateStanding::Valid => "VALID",
        CertificateStanding::Suspended => "SUSPENDED",
        CertificateStanding::Revoked => "REVOKED",
        CertificateStanding::Expired => "EXPIRED",
    }
}

fn yes_or_no(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}
