//! What goes wrong on the way to a certificate, and leads on all the same.

use super::super::client::{Api, CLOUD, PIN};
use super::screen::Screen;
use super::{Invited, WINDOWS, ask_for_code, other_than};
use crate::harness::Sandbox;
use crate::sql;

/// A subscriber who makes every mistake.
struct Clumsy<'a> {
    sandbox: &'a Sandbox,
    screen: Screen,
    invited: Invited,
}

impl Clumsy<'_> {
    /// The page stays, says what is wrong, and is as good as any other.
    async fn is_told(&self, state: &str, status: u64, words: &str, culprit: Option<&str>) {
        assert_eq!(self.screen.status().await, status, "{state}");
        let said = self.screen.notice().await;
        assert!(said.contains(words), "{state}: {said}");
        // What is wrong is marked, and the message leads there.
        let marked = "return document.querySelector('main [aria-invalid]')?.id ?? null";
        assert_eq!(self.screen.run(marked).await.as_str(), culprit, "{state}");
        let leads = "return document.querySelector('#notice a')?.getAttribute('href') ?? null";
        let expected = culprit.map(|id| format!("#{id}"));
        assert_eq!(self.screen.run(leads).await.as_str(), expected.as_deref());
        // Who cannot see the page hears it first.
        let focused = self.screen.run("return document.activeElement.id").await;
        assert_eq!(focused, "notice", "{state}");
        self.screen.look(&format!("mistake-{state}")).await;
    }

    async fn send(&self, code: &str, secret: &str, again: &str) {
        for (id, typed) in [("code", code), ("secret", secret), ("again", again)] {
            self.screen.fill(id, typed).await;
        }
        self.screen.press("form.card button[type=submit]").await;
    }

    /// Tries that are left for the code.
    fn tries(&self) -> i64 {
        let pk = self.invited.case.pk;
        sql::number(
            &self.sandbox.dir().join("avouch.db"),
            &format!("SELECT attempts_left FROM otp WHERE request = {pk} AND purpose = 'enrol'"),
        )
    }

    /// As if some time had passed since the code was sent.
    fn later(&self, change: &str) {
        let pk = self.invited.case.pk;
        sql::execute(
            &self.sandbox.dir().join("avouch.db"),
            &format!("UPDATE {change} WHERE request = {pk}"),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_said_counted_and_can_be_made_good() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for window in WINDOWS {
        let clumsy = Clumsy {
            invited: Invited::to(&sandbox, &api, CLOUD, "en").await,
            screen: Screen::open(&sandbox, window, "en").await,
            sandbox: &sandbox,
        };
        let (screen, link) = (&clumsy.screen, &clumsy.invited.link);

        screen.go(link).await;
        screen
            .run("document.getElementById('accept').required = false")
            .await;
        screen.press("form.card button").await;
        let words = "tick that you accept it";
        clumsy.is_told("accept", 422, words, Some("accept")).await;

        ask_for_code(screen, link).await;
        screen.press("form.aside button").await;
        clumsy.is_told("too-soon", 429, "60 seconds", None).await;

        let code = sandbox.code_for(clumsy.invited.case.pk).await;
        let wrong = other_than(&code);
        clumsy.send(wrong, PIN, PIN).await;
        let words = "not the code";
        clumsy.is_told("code", 403, words, Some("code")).await;
        assert_eq!(clumsy.tries(), 4);
        // A PIN that cannot be used costs nothing, and comes back to nobody.
        clumsy.send(&code, "withoutdigits", "withoutdigits").await;
        let words = "at least 2 letters and 2 digits";
        clumsy.is_told("weak", 422, words, Some("secret")).await;
        let typed = "return document.getElementById('secret').value";
        assert_eq!(screen.run(typed).await, "");
        clumsy.send(&code, PIN, "q7Lantern53").await;
        let words = "not the same";
        clumsy.is_told("differ", 422, words, Some("again")).await;
        assert_eq!(clumsy.tries(), 4);

        for left in [3, 2, 1] {
            clumsy.send(wrong, PIN, PIN).await;
            assert_eq!(clumsy.tries(), left);
        }
        clumsy.send(wrong, PIN, PIN).await;
        let words = "Too many wrong tries";
        clumsy.is_told("exhausted", 403, words, None).await;
        assert_eq!(screen.heading().await, "Get your certificate");

        // A new code is another try, until it has expired.
        clumsy.later("otp SET created_at = 0");
        ask_for_code(screen, link).await;
        let code = sandbox.nth_code_for(clumsy.invited.case.pk, 2).await;
        clumsy.later("otp SET expires_at = 1");
        clumsy.later("enrolment SET device_until = 1");
        clumsy.send(&code, PIN, PIN).await;
        clumsy.is_told("expired", 403, "has expired", None).await;
        assert_eq!(api.status(&clumsy.invited.case).await, "ENROLLREADY");

        clumsy.later("otp SET created_at = 0");
        ask_for_code(screen, link).await;
        let code = sandbox.nth_code_for(clumsy.invited.case.pk, 3).await;
        clumsy.send(&code, PIN, PIN).await;
        assert_eq!(screen.heading().await, "Your certificate is ready");
        assert_eq!(api.status(&clumsy.invited.case).await, "ISSUED");
        clumsy.screen.close().await;
    }
}
