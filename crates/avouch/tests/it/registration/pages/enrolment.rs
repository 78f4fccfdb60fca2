//! From the mail to the certificate, at every width and in every language.

use std::path::{Path, PathBuf};

use testkit::{openssl, run};

use super::super::client::{Api, CARD, CLOUD, Case, PIN, SOFTWARE, decoded, opened, text};
use super::screen::Screen;
use super::{Invited, WINDOWS, ask_for_code};
use crate::client::ANA;
use crate::harness::Sandbox;

/// The headings of the three steps.
fn headings(language: &str) -> [&'static str; 3] {
    match language {
        "es" => [
            "Obtenga su certificado",
            "Confirme que es usted",
            "Su certificado está listo",
        ],
        "it" => [
            "Ottenga il Suo certificato",
            "Confermi la Sua identità",
            "Il Suo certificato è pronto",
        ],
        _ => [
            "Get your certificate",
            "Confirm that it is you",
            "Your certificate is ready",
        ],
    }
}

/// A subscriber on the way through the three steps.
struct Journey<'a> {
    sandbox: &'a Sandbox,
    api: &'a Api,
    screen: Screen,
    language: &'static str,
    element: &'static str,
    invited: Invited,
}

impl<'a> Journey<'a> {
    /// One on a telephone and one on a desktop, who are approved in these languages.
    async fn both(
        sandbox: &'a Sandbox,
        api: &'a Api,
        profile: &str,
        languages: [&'static str; 2],
    ) -> [Self; 2] {
        let [telephone, desktop] = [0, 1].map(async |at| {
            let (window, language) = (WINDOWS[at], languages[at]);
            let element = match profile {
                SOFTWARE => "software",
                CARD => "card",
                _ => "cloud",
            };
            Self {
                invited: Invited::to(sandbox, api, profile, language).await,
                // The approval's language counts more than the browser's.
                screen: Screen::open(sandbox, window, "de").await,
                sandbox,
                api,
                language,
                element,
            }
        });
        [telephone.await, desktop.await]
    }

    fn case(&self) -> &Case {
        &self.invited.case
    }

    /// Who arrives at a step sees what the step is.
    async fn arrive(&self, step: usize) {
        let expected = headings(self.language)[step];
        assert_eq!(self.screen.heading().await, expected);
        assert_eq!(self.screen.status().await, 200);
        assert_eq!(self.screen.language().await, self.language);
        let current = self.screen.run(
            "return [...document.querySelectorAll('.steps li')]\
             .findIndex(step => step.ariaCurrent === 'step')",
        );
        assert_eq!(current.await, step);
        let name = ["read", "confirm", "done"][step];
        let state = format!("{}-{name}", self.element);
        self.screen.look_in_every_language(&state).await;
        assert_eq!(self.screen.heading().await, expected);
    }

    /// The first step, and the code.
    async fn read_and_accept(&self) -> String {
        self.screen.go(&self.invited.link).await;
        self.arrive(0).await;
        let facts = self.screen.read("dl.facts").await;
        for part in [ANA.given_name, ANA.surname_2, "Olivia Sandbox"] {
            assert!(facts.contains(part), "{part}: {facts}");
        }
        // What is read is the contract, in the language of the approval.
        let contract = self.screen.read(".contract").await;
        for part in [ANA.given_name, ANA.serial_number, "Avouch Sandbox"] {
            assert!(contract.contains(part), "{part}: {contract}");
        }
        let spoken = self
            .screen
            .run("return document.querySelector('.contract > [lang]').lang");
        assert_eq!(spoken.await, self.language);
        ask_for_code(&self.screen, &self.invited.link).await;
        self.arrive(1).await;
        let sent = self.screen.read(".lead").await;
        assert!(sent.contains(&ANA.phone[ANA.phone.len() - 2..]), "{sent}");
        assert!(!sent.contains(ANA.phone), "{sent}");
        self.sandbox.code_for(self.case().pk).await
    }

    async fn type_secret(&self, code: &str) {
        self.screen.fill("code", code).await;
        self.screen.fill("secret", PIN).await;
        self.screen.fill("again", PIN).await;
        let met = "return document.querySelectorAll('.rules .met').length";
        assert_eq!(self.screen.run(met).await, 4);
        // What was typed stays in every language, its rules ticked off.
        let state = format!("{}-typed", self.element);
        self.screen.look_in_every_language(&state).await;
        assert_eq!(self.screen.run(met).await, 4);
    }

    async fn finish(&self) {
        self.screen.press("form.card button[type=submit]").await;
        self.arrive(2).await;
        assert_eq!(self.api.status(self.case()).await, "ISSUED");
    }

    /// The certificate that the request has now, DER.
    async fn certificate(&self) -> Vec<u8> {
        let record = self.api.record(self.case()).await;
        let certificates = record["certificate_set"].as_array().expect("a list");
        assert_eq!(certificates.len(), 1, "{record}");
        assert_eq!(certificates[0]["valid"], "VALID");
        decoded(&certificates[0]["data"])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_the_cloud_is_got_with_a_pin() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for journey in Journey::both(&sandbox, &api, CLOUD, ["en", "es"]).await {
        let code = journey.read_and_accept().await;
        journey.type_secret(&code).await;
        journey.finish().await;
        let name = journey.screen.read("section.card dl code").await;
        assert_eq!(name, journey.case().sn);
        journey.certificate().await;
        // The way on: to the page where it signs.
        journey.screen.press("section.card a.button").await;
        assert_eq!(journey.screen.status().await, 200);
        journey.screen.read("#username").await;
        journey.screen.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_software_certificate_is_a_file_that_is_handed_out_once() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for journey in Journey::both(&sandbox, &api, SOFTWARE, ["es", "it"]).await {
        let code = journey.read_and_accept().await;
        journey.type_secret(&code).await;
        journey.finish().await;
        let (name, file) = journey.screen.download("form[data-download] button").await;
        assert_eq!(name, "certificate.p12");
        let wrong = ["pkcs12", "-nodes", "-passin", "pass:q7Lantern53"];
        openssl(wrong, &file).must_refuse();
        let pem = opened(&file);
        let taken = openssl(["x509", "-outform", "DER"], &pem).must_accept();
        assert_eq!(taken.stdout, journey.certificate().await);
        let [of_key, of_certificate] =
            [&["pkey", "-pubout"][..], &["x509", "-noout", "-pubkey"][..]]
                .map(|arguments| openssl(arguments, &pem).must_accept().stdout);
        assert_eq!(of_key, of_certificate);

        // It says so when it is opened again, and when the button is pressed once more.
        journey.screen.go(&journey.invited.link).await;
        assert_eq!(journey.screen.status().await, 200);
        journey.screen.look("software-taken").await;
        let buttons = "return document.querySelectorAll('form[data-download]').length";
        assert_eq!(journey.screen.run(buttons).await, 0);
        journey.screen.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_brings_its_key_and_takes_its_certificate() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, journey) in Journey::both(&sandbox, &api, CARD, ["it", "en"])
        .await
        .into_iter()
        .enumerate()
    {
        let code = journey.read_and_accept().await;
        let (request, public_key) = card_request(folder.path(), number);
        journey.screen.fill("code", &code).await;
        // As a file or as text.
        if number % 2 == 0 {
            journey.screen.choose("request", &request).await;
        } else {
            let pem = std::fs::read_to_string(&request).expect("written above");
            journey.screen.fill("request-text", &pem).await;
        }
        journey.screen.look_in_every_language("card-typed").await;
        journey.finish().await;
        let der = journey.certificate().await;
        let shown = journey
            .screen
            .run("return document.querySelector('#certificate').value");
        let shown = shown.await;
        let (name, loaded) = journey.screen.download("section.card a.button").await;
        assert_eq!(name, "certificate.pem");
        for pem in [text(&shown).as_bytes(), &loaded] {
            let read = openssl(["x509", "-outform", "DER"], pem).must_accept();
            assert_eq!(read.stdout, der);
        }
        let arguments = ["x509", "-inform", "DER", "-noout", "-pubkey"];
        assert_eq!(openssl(arguments, &der).must_accept().text(), public_key);
        journey.screen.close().await;
    }
}

/// A certificate request as a card's software writes it, and the public key in it, PEM.
pub fn card_request(folder: &Path, number: usize) -> (PathBuf, String) {
    let [key, request] = ["key", "csr"].map(|ending| folder.join(format!("{number}.{ending}")));
    let arguments = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=card";
    let files = [
        "-keyout".as_ref(),
        key.as_os_str(),
        "-out".as_ref(),
        request.as_os_str(),
    ];
    let arguments = arguments.split(' ').map(AsRef::as_ref);
    run("openssl", arguments.chain(files), b"").must_accept();
    let pem = std::fs::read(&request).expect("written above");
    let public_key = openssl(["req", "-noout", "-pubkey"], &pem)
        .must_accept()
        .text();
    (request, public_key)
}
