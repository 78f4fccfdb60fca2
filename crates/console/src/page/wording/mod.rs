//! Everything that the pages say, once per language. A word that is missing does not compile.

mod en;
mod es;
mod it;

use model::Language;
use model::profile::Holder;
use time::OffsetDateTime;

/// The words of one language. Sentences that name something are functions of what they name.
pub(crate) struct Wording {
    pub(crate) frame: FrameWords,
    pub(crate) facts: FactWords,
    pub(crate) read: ReadWords,
    pub(crate) confirm: ConfirmWords,
    pub(crate) done: DoneWords,
    pub(crate) sign: SignWords,
    pub(crate) closed: ClosedWords,
    pub(crate) notice: NoticeWords,
    /// A day and time, UTC.
    pub(crate) moment: fn(OffsetDateTime) -> String,
}

/// Around every page.
pub(crate) struct FrameWords {
    pub(crate) skip: &'static str,
    pub(crate) language: &'static str,
    pub(crate) steps: &'static str,
    /// Put before the title of a page that shows a problem.
    pub(crate) problem: &'static str,
    pub(crate) show: &'static str,
    pub(crate) hide: &'static str,
    pub(crate) busy: &'static str,
}

/// Who approved what, for whom.
pub(crate) struct FactWords {
    pub(crate) heading: &'static str,
    pub(crate) holder: &'static str,
    pub(crate) organisation: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) kinds: fn(Holder) -> &'static str,
    pub(crate) key: &'static str,
    pub(crate) key_in_cloud: fn(&str) -> String,
    pub(crate) key_in_file: &'static str,
    pub(crate) key_on_card: &'static str,
    pub(crate) validity: &'static str,
    pub(crate) days: fn(i64) -> String,
    pub(crate) approval: &'static str,
    /// Officer, registration authority.
    pub(crate) approved_by: fn(&str, &str) -> String,
    pub(crate) approved_at: &'static str,
    pub(crate) open_until: &'static str,
    /// Registration authority.
    pub(crate) something_wrong: fn(&str) -> String,
}

/// The first step of an enrolment.
pub(crate) struct ReadWords {
    pub(crate) step: &'static str,
    pub(crate) title: &'static str,
    /// Registration authority.
    pub(crate) lead: fn(&str) -> String,
    pub(crate) contract: &'static str,
    /// Officer.
    pub(crate) contract_lead: fn(&str) -> String,
    /// Officer; where the key is on a card, so that it does not sign the contract.
    pub(crate) card_contract_lead: fn(&str) -> String,
    /// The contract's language, where it is not the page's.
    pub(crate) contract_language: fn(Language) -> String,
    pub(crate) contract_text: &'static str,
    pub(crate) contract_file: &'static str,
    pub(crate) accept: &'static str,
    /// Masked telephone number.
    pub(crate) code_goes_to: fn(&str) -> String,
    pub(crate) send_code: &'static str,
}

/// The second step of an enrolment.
pub(crate) struct ConfirmWords {
    pub(crate) step_pin: &'static str,
    pub(crate) step_password: &'static str,
    pub(crate) step_card: &'static str,
    pub(crate) title: &'static str,
    /// Masked telephone number.
    pub(crate) code_sent: fn(&str) -> String,
    pub(crate) code: &'static str,
    pub(crate) code_hint: &'static str,
    pub(crate) pin: &'static str,
    pub(crate) pin_hint: &'static str,
    pub(crate) pin_again: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_hint: &'static str,
    pub(crate) password_again: &'static str,
    pub(crate) rule_length: &'static str,
    pub(crate) rule_letters: &'static str,
    pub(crate) rule_digits: &'static str,
    pub(crate) rule_same: &'static str,
    pub(crate) rule_met: &'static str,
    pub(crate) rule_open: &'static str,
    pub(crate) card_lead: &'static str,
    pub(crate) card_file: &'static str,
    pub(crate) card_text: &'static str,
    pub(crate) issue_lead: &'static str,
    pub(crate) issue: &'static str,
    pub(crate) card_issue_lead: &'static str,
    pub(crate) card_issue: &'static str,
    pub(crate) no_message: &'static str,
    pub(crate) resend: &'static str,
    pub(crate) contract_again: &'static str,
}

/// After an enrolment.
pub(crate) struct DoneWords {
    pub(crate) step: &'static str,
    pub(crate) title: &'static str,
    /// The holder.
    pub(crate) lead: fn(&str) -> String,
    /// The holder of a card.
    pub(crate) lead_on_card: fn(&str) -> String,
    pub(crate) cloud_heading: &'static str,
    pub(crate) cloud_lead: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_is: &'static str,
    pub(crate) pin: &'static str,
    pub(crate) pin_is: &'static str,
    pub(crate) sign_now: &'static str,
    pub(crate) file_heading: &'static str,
    pub(crate) file_waits: &'static str,
    pub(crate) file_button: &'static str,
    pub(crate) file_gone: &'static str,
    pub(crate) file_use: &'static str,
    pub(crate) card_heading: &'static str,
    pub(crate) card_lead: &'static str,
    pub(crate) card_text: &'static str,
    pub(crate) card_button: &'static str,
    pub(crate) papers_heading: &'static str,
    pub(crate) papers_lead: &'static str,
    pub(crate) card_papers_lead: &'static str,
    pub(crate) signed_contract: &'static str,
    pub(crate) revoke_heading: &'static str,
    /// Registration authority.
    pub(crate) revoke: fn(&str) -> String,
}

/// The signing page.
pub(crate) struct SignWords {
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) step_who: &'static str,
    pub(crate) step_sign: &'static str,
    pub(crate) username: &'static str,
    pub(crate) username_hint: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_hint: &'static str,
    pub(crate) send_code: &'static str,
    /// User name.
    pub(crate) signing_as: fn(&str) -> String,
    pub(crate) file: &'static str,
    /// Whole megabytes.
    pub(crate) file_hint: fn(u64) -> String,
    pub(crate) pin: &'static str,
    pub(crate) pin_hint: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) saved: &'static str,
    pub(crate) other: &'static str,
}

/// A title and what to do.
pub(crate) type Said = (&'static str, &'static str);

/// Pages on which nothing can be done.
pub(crate) struct ClosedWords {
    pub(crate) unknown: Said,
    pub(crate) used: Said,
    pub(crate) expired: Said,
    pub(crate) cancelled: Said,
    pub(crate) other_device: Said,
    pub(crate) guessed: Said,
    pub(crate) foreign_form: Said,
    pub(crate) unreadable: Said,
    pub(crate) too_large: Said,
    pub(crate) internal: Said,
    /// By which the operator finds the failure in the log.
    pub(crate) reference: &'static str,
    pub(crate) back: &'static str,
}

/// What went wrong, or well, on a page that stays.
pub(crate) struct NoticeWords {
    pub(crate) heading: &'static str,
    pub(crate) accept_first: &'static str,
    pub(crate) code_too_soon: fn(i64) -> String,
    pub(crate) not_delivered: &'static str,
    pub(crate) code_missing: &'static str,
    pub(crate) code_wrong: &'static str,
    pub(crate) code_expired: &'static str,
    pub(crate) code_exhausted: &'static str,
    pub(crate) code_consumed: &'static str,
    pub(crate) code_void: &'static str,
    pub(crate) weak_secret: &'static str,
    pub(crate) secrets_differ: &'static str,
    pub(crate) no_key_request: &'static str,
    pub(crate) unusable_key_request: &'static str,
    pub(crate) storage_full: &'static str,
    pub(crate) file_taken: &'static str,
    pub(crate) wrong_credentials: &'static str,
    pub(crate) wrong_pin: &'static str,
    pub(crate) blocked: &'static str,
    pub(crate) signed_out: &'static str,
    pub(crate) no_file: &'static str,
    /// Whole megabytes.
    pub(crate) file_too_large: fn(u64) -> String,
    pub(crate) not_signable: NotSignableWords,
}

/// Why a file cannot be signed, and what to do about it.
pub(crate) struct NotSignableWords {
    /// Before each of the others.
    pub(crate) lead: &'static str,
    pub(crate) not_pdf: &'static str,
    pub(crate) incomplete: &'static str,
    pub(crate) damaged: &'static str,
    pub(crate) protected: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) form: &'static str,
    pub(crate) unusual: &'static str,
}

/// The words of that language.
pub(crate) fn of(language: Language) -> &'static Wording {
    match language {
        Language::English => &en::ENGLISH,
        Language::Spanish => &es::SPANISH,
        Language::Italian => &it::ITALIAN,
    }
}

/// What a language calls itself.
pub(crate) fn own_name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Español",
        Language::Italian => "Italiano",
    }
}

/// Days as whole years where they are some: `(number, whether it counts years)`.
fn years_or_days(days: i64) -> (i64, bool) {
    if days >= 365 && days % 365 == 0 {
        (days / 365, true)
    } else {
        (days, false)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_are_written_as_the_language_does() {
        let when = datetime!(2026-03-01 09:05 +2);
        let said = Language::ALL.map(|language| (of(language).moment)(when));
        assert_eq!(
            said,
            [
                "1 March 2026, 07:05 UTC",
                "1 de marzo de 2026, 07:05 UTC",
                "1º marzo 2026, 07:05 UTC"
            ]
        );
    }

    #[test]
    fn validity_counts_years_where_it_can() {
        let said = |days| Language::ALL.map(|language| (of(language).facts.days)(days));
        assert_eq!(said(1), ["1 day", "1 día", "1 giorno"]);
        assert_eq!(said(3), ["3 days", "3 días", "3 giorni"]);
        assert_eq!(said(365), ["1 year", "1 año", "1 anno"]);
        assert_eq!(said(730), ["2 years", "2 años", "2 anni"]);
    }
}
