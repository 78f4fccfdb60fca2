//! The pages without a script: plain forms, as they stand in the page.

use super::super::client::{Api, CARD, CLOUD, PIN, SOFTWARE, opened};
use super::enrolment::card_request;
use super::screen::Screen;
use super::{Invited, WINDOWS};
use crate::client::specimen;
use crate::harness::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_without_a_script() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let screen = Screen::open(&sandbox, WINDOWS[0], "en").await;
    screen.block_scripts().await;
    for profile in [CLOUD, SOFTWARE, CARD] {
        let invited = Invited::to(&sandbox, &api, profile, "en").await;
        screen.go(&invited.link).await;
        // Nobody is offered what only a script could do.
        assert_eq!(screen.count("button:not([type=submit])").await, 0);
        screen.press(".languages [hreflang=it]").await;
        assert_eq!(screen.heading().await, "Ottenga il Suo certificato");
        screen.tick("accept").await;
        screen.press("form.card button").await;
        assert_eq!(screen.heading().await, "Confermi la Sua identità");
        screen.picture(&format!("plain-{profile}")).await;
        let code = sandbox.code_for(invited.case.pk).await;
        screen.fill("code", &code).await;
        if profile == CARD {
            let (request, _) = card_request(folder.path(), 0);
            screen.choose("request", &request).await;
        } else {
            screen.fill("secret", PIN).await;
            screen.fill("again", PIN).await;
        }
        screen.press("form.card button[type=submit]").await;
        assert_eq!(screen.heading().await, "Il Suo certificato è pronto");
        assert_eq!(api.status(&invited.case).await, "ISSUED");
        match profile {
            SOFTWARE => {
                let (_, file) = screen.download("form[data-download] button").await;
                opened(&file);
                // The page still stands there; the second time there is nothing to be had.
                screen.press("form[data-download] button").await;
                let said = screen.notice().await;
                assert!(said.contains("già stato consegnato"), "{said}");
                assert_eq!(screen.count("form[data-download]").await, 0);
            }
            CLOUD => {
                screen.press("section.card a.button").await;
                assert_eq!(screen.heading().await, "Firma un PDF");
                screen.fill("username", &invited.case.sn).await;
                screen.fill("password", invited.password()).await;
                screen.press("form.card button").await;
                let code = sandbox.nth_code_for(invited.case.pk, 2).await;
                let file = folder.path().join("accordo.pdf");
                std::fs::write(&file, specimen("agreement.pdf")).expect("it can be written");
                screen.choose("file", &file).await;
                screen.fill("pin", PIN).await;
                screen.fill("code", &code).await;
                let (name, pdf) = screen.download("form[data-download] button").await;
                assert_eq!(name, "accordo-signed.pdf");
                assert!(pdf.starts_with(&specimen("agreement.pdf")));
            }
            _ => {
                let (name, _) = screen.download("section.card a.button").await;
                assert_eq!(name, "certificate.pem");
            }
        }
    }
    screen.close().await;
}
