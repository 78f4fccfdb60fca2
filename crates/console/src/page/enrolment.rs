//! The subscriber's enrolment: read the contract, confirm by code, done.

use askama::Template;
use axum::response::{IntoResponse, Response};
use model::{Language, Profile, SecureElement};
use time::OffsetDateTime;

use super::wording::{ConfirmWords, DoneWords, ReadWords};
use super::{Frame, Step, answer, steps};

/// Who approved what, for whom.
#[derive(Debug, Clone)]
pub struct About {
    /// The subscriber.
    pub name: String,
    /// The organisation that the certificate names, if any.
    pub organisation: Option<String>,
    /// The profile's wire name.
    pub profile: String,
    /// What will hold the key.
    pub element: SecureElement,
    /// Days for which the certificate is valid.
    pub validity_days: i64,
    /// The officer who approved.
    pub officer: String,
    /// The registration authority.
    pub authority: String,
    /// The provider.
    pub provider: String,
    /// When the officer approved.
    pub approved_at: Option<OffsetDateTime>,
    /// Until when the link opens.
    pub expires_at: OffsetDateTime,
    /// Where codes go, all but its end hidden.
    pub masked_phone: String,
}

/// The contract as it is read in the page.
#[derive(Debug, Clone)]
pub struct Contract {
    /// An HTML fragment, safe to be put into a page.
    pub html: String,
    /// Its language, which may not be the page's.
    pub language: Language,
}

impl Contract {
    /// What to say of its language, where it is not the page's.
    fn foreign(&self, frame: &Frame) -> Option<String> {
        let words = &frame.words().read;
        (self.language != frame.language).then(|| (words.contract_language)(self.language))
    }
}

/// A line of what there is to know.
struct Fact {
    label: &'static str,
    value: String,
    /// A technical name beside it.
    code: Option<String>,
}

impl About {
    fn facts(&self, frame: &Frame) -> Vec<Fact> {
        let words = frame.words();
        let said = &words.facts;
        let plain = |label, value| Fact {
            label,
            value,
            code: None,
        };
        let mut facts = vec![plain(said.holder, self.name.clone())];
        if let Some(organisation) = &self.organisation {
            facts.push(plain(said.organisation, organisation.clone()));
        }
        facts.push(match Profile::find(&self.profile) {
            Some(profile) => Fact {
                label: said.kind,
                value: (said.kinds)(profile.holder()).to_owned(),
                code: Some(self.profile.clone()),
            },
            None => plain(said.kind, self.profile.clone()),
        });
        let key = match self.element {
            SecureElement::Cloud => (said.key_in_cloud)(&self.provider),
            SecureElement::Software => said.key_in_file.to_owned(),
            SecureElement::SmartCard => said.key_on_card.to_owned(),
        };
        facts.push(plain(said.key, key));
        facts.push(plain(said.validity, (said.days)(self.validity_days)));
        let approval = (said.approved_by)(&self.officer, &self.authority);
        facts.push(plain(said.approval, approval));
        if let Some(approved_at) = self.approved_at {
            facts.push(plain(said.approved_at, (words.moment)(approved_at)));
        }
        facts.push(plain(said.open_until, (words.moment)(self.expires_at)));
        facts
    }

    /// Whether the key is the subscriber's own, on a card, and signs nothing here.
    fn on_card(&self) -> bool {
        self.element == SecureElement::SmartCard
    }

    /// The steps of an enrolment, the reader's at `current`.
    fn steps(&self, frame: &Frame, current: usize) -> Vec<Step> {
        let words = frame.words();
        let confirm = match self.element {
            SecureElement::Cloud => words.confirm.step_pin,
            SecureElement::Software => words.confirm.step_password,
            SecureElement::SmartCard => words.confirm.step_card,
        };
        steps([words.read.step, confirm, words.done.step], current)
    }
}

/// The first step: who approved what, and the contract.
#[derive(Debug, Clone, Template)]
#[template(path = "enrolment/read.html")]
pub struct ReadPage {
    /// Around it.
    pub frame: Frame,
    /// The path of the link.
    pub link: String,
    /// Who approved what.
    pub about: About,
    /// What is accepted.
    pub contract: Contract,
}

/// The second step: the code, and where the key goes.
#[derive(Debug, Clone, Template)]
#[template(path = "enrolment/confirm.html")]
pub struct ConfirmPage {
    /// Around it.
    pub frame: Frame,
    /// The path of the link.
    pub link: String,
    /// Who approved what.
    pub about: About,
    /// What is accepted.
    pub contract: Contract,
}

/// The end: what it is, what to do next, how to revoke.
#[derive(Debug, Clone, Template)]
#[template(path = "enrolment/done.html")]
pub struct DonePage {
    /// Around it.
    pub frame: Frame,
    /// The path of the link.
    pub link: String,
    /// Who approved what.
    pub about: About,
    /// The name to sign in with.
    pub username: String,
    /// Whether a PKCS#12 file waits to be taken.
    pub file_waits: bool,
    /// The certificate, PEM, for those who load it onto a card.
    pub certificate: String,
}

impl ReadPage {
    fn words(&self) -> &'static ReadWords {
        &self.frame.words().read
    }

    fn lead(&self) -> String {
        (self.words().lead)(&self.about.authority)
    }

    fn contract_lead(&self) -> String {
        let words = self.words();
        let lead = if self.about.on_card() {
            words.card_contract_lead
        } else {
            words.contract_lead
        };
        lead(&self.about.officer)
    }

    fn code_goes_to(&self) -> String {
        (self.words().code_goes_to)(&self.about.masked_phone)
    }

    fn something_wrong(&self) -> String {
        (self.frame.words().facts.something_wrong)(&self.about.authority)
    }
}

impl ConfirmPage {
    fn words(&self) -> &'static ConfirmWords {
        &self.frame.words().confirm
    }

    fn code_sent(&self) -> String {
        (self.words().code_sent)(&self.about.masked_phone)
    }

    fn on_card(&self) -> bool {
        self.about.on_card()
    }

    /// What happens now, and the button for it.
    fn issue(&self) -> [&'static str; 2] {
        let words = self.words();
        if self.on_card() {
            [words.card_issue_lead, words.card_issue]
        } else {
            [words.issue_lead, words.issue]
        }
    }

    /// Label, hint and second label of the PIN or password.
    fn secret(&self) -> [&'static str; 3] {
        let words = self.words();
        if self.about.element == SecureElement::Cloud {
            [words.pin, words.pin_hint, words.pin_again]
        } else {
            [words.password, words.password_hint, words.password_again]
        }
    }
}

impl DonePage {
    fn words(&self) -> &'static DoneWords {
        &self.frame.words().done
    }

    fn lead(&self) -> String {
        let words = self.words();
        let lead = if self.on_card() {
            words.lead_on_card
        } else {
            words.lead
        };
        lead(&self.about.name)
    }

    fn on_card(&self) -> bool {
        self.about.on_card()
    }

    fn revoke(&self) -> String {
        (self.words().revoke)(&self.about.authority)
    }
}

impl IntoResponse for ReadPage {
    fn into_response(self) -> Response {
        answer(self.frame.status(), &self)
    }
}

impl IntoResponse for ConfirmPage {
    fn into_response(self) -> Response {
        answer(self.frame.status(), &self)
    }
}

impl IntoResponse for DonePage {
    fn into_response(self) -> Response {
        answer(self.frame.status(), &self)
    }
}
