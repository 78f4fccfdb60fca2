//! English.

use model::Language;
use model::profile::Holder;
use time::OffsetDateTime;

use super::{
    ClosedWords, ConfirmWords, DoneWords, FactWords, FrameWords, NotSignableWords, NoticeWords,
    ReadWords, SignWords, Wording, years_or_days,
};

pub(super) const ENGLISH: Wording = Wording {
    frame: FrameWords {
        skip: "Skip to the content",
        language: "Language",
        steps: "Steps",
        problem: "Problem",
        show: "Show",
        hide: "Hide",
        busy: "One moment…",
    },
    facts: FactWords {
        heading: "Your certificate",
        holder: "Issued to",
        organisation: "Organisation",
        kind: "Kind",
        kinds,
        key: "Signing key",
        key_in_cloud: |provider| {
            format!("Kept by {provider}, locked with a PIN that only you know")
        },
        key_in_file: "In a file that you download, locked with your password",
        key_on_card: "On your smart card or token; it never leaves it",
        validity: "Valid for",
        days,
        approval: "Identity checked by",
        approved_by: |officer, authority| format!("{officer}, {authority}"),
        approved_at: "Approved on",
        open_until: "This link is open until",
        something_wrong: |authority| {
            format!("Is anything here wrong? Then stop and tell {authority}.")
        },
    },
    read: ReadWords {
        step: "Read",
        title: "Get your certificate",
        lead: |authority| {
            format!(
                "{authority} has checked your identity and approved your certificate. Read the \
                 contract, confirm with a code that we send to your phone, and it is yours."
            )
        },
        contract: "Contract",
        contract_lead: |officer| {
            format!(
                "Signed by {officer} already. Your own signature is added, with your new \
                 certificate, when it is issued."
            )
        },
        card_contract_lead: |officer| {
            format!("Signed by {officer} already. You accept it by confirming with the code.")
        },
        contract_language: |language| {
            let language = match language {
                Language::English => "English",
                Language::Spanish => "Spanish",
                Language::Italian => "Italian",
            };
            format!("This contract is in {language}: that is the text that is signed.")
        },
        contract_text: "Text of the contract",
        contract_file: "Download the contract (PDF)",
        accept: "I have read the contract and accept it",
        code_goes_to: |phone| format!("We send a code by text message to {phone}."),
        send_code: "Send me the code",
    },
    confirm: ConfirmWords {
        step_pin: "Code and PIN",
        step_password: "Code and password",
        step_card: "Code and card",
        title: "Confirm that it is you",
        code_sent: |phone| format!("We sent a code by text message to {phone}."),
        code: "Code from the text message",
        code_hint: "Digits only. It is good for a few minutes.",
        pin: "Choose a PIN",
        pin_hint: "You will type it whenever you sign. We do not know it and cannot tell it to you \
                   later.",
        pin_again: "Repeat the PIN",
        password: "Choose a password for the file",
        password_hint: "You need it to open the file with your certificate. We do not know it and \
                        cannot tell it to you later.",
        password_again: "Repeat the password",
        rule_length: "8 to 64 characters",
        rule_letters: "at least 2 letters",
        rule_digits: "at least 2 digits",
        rule_same: "the same in both fields",
        rule_met: "met",
        rule_open: "not yet met",
        card_lead: "Make the key on your card with the card’s own software, and let it write a \
                    certificate request (PKCS#10). The key stays on the card.",
        card_file: "Certificate request, as a file",
        card_text: "or as text (PEM)",
        issue_lead: "Your certificate is issued now, and signs the contract for you.",
        issue: "Sign the contract and get my certificate",
        card_issue_lead: "With the code you accept the contract, and your certificate is issued now.",
        card_issue: "Accept the contract and get my certificate",
        no_message: "No message after a minute?",
        resend: "Send a new code",
        contract_again: "Read the contract again",
    },
    done: DoneWords {
        step: "Done",
        title: "Your certificate is ready",
        lead: |name| {
            format!(
                "It was issued to {name}, and the contract is signed with it. We send you the \
                 contract by e-mail, with what you need to use the certificate."
            )
        },
        lead_on_card: |name| {
            format!(
                "It was issued to {name}. We send you the contract by e-mail, with what you need \
                 to use the certificate."
            )
        },
        cloud_heading: "To sign with it",
        cloud_lead: "You need these, and a code that we text to your phone each time:",
        username: "User name",
        password: "Password",
        password_is: "the enrollment code in our e-mail",
        pin: "PIN",
        pin_is: "the one that you have just chosen",
        sign_now: "Sign a PDF",
        file_heading: "Download your file",
        file_waits: "The file holds your key and is handed out once, to this device only. It is \
                     best done on a computer.",
        file_button: "Download my certificate",
        file_gone: "The file was handed out. There is no copy of it with us: keep it, and its \
                    password, in a safe place.",
        file_use: "Open the file on the computer that you sign with, and type the password that \
                   you have just chosen.",
        card_heading: "Load it onto your card",
        card_lead: "Import this certificate with your card’s own software. The key is on the card \
                    already.",
        card_text: "Certificate (PEM)",
        card_button: "Download the certificate",
        papers_heading: "For your records",
        papers_lead: "The contract with both signatures.",
        card_papers_lead: "The contract that you accepted, signed by the registration authority.",
        signed_contract: "Download the signed contract (PDF)",
        revoke_heading: "If something goes wrong",
        revoke: |authority| {
            format!(
                "Lost, stolen, or does somebody else know your PIN or password? Have the \
                 certificate revoked at once: tell {authority}, and have the revocation code \
                 from our e-mail at hand."
            )
        },
    },
    sign: SignWords {
        title: "Sign a PDF",
        lead: "With your certificate in the cloud. What you need is in the e-mail that came with \
               it.",
        step_who: "Sign in",
        step_sign: "Document, PIN and code",
        username: "User name",
        username_hint: "The number of your certificate",
        password: "Password",
        password_hint: "The enrollment code in our e-mail",
        send_code: "Send me a code",
        signing_as: |username| format!("You sign as {username}."),
        file: "PDF to be signed",
        file_hint: |megabytes| format!("Up to {megabytes} MB"),
        pin: "Your PIN",
        pin_hint: "The one that you chose when the certificate was issued",
        sign: "Sign and download",
        saved: "The signed PDF goes to your downloads.",
        other: "Use another user name",
    },
    closed: ClosedWords {
        unknown: (
            "We do not know this link",
            "It is not complete, or a newer one has taken its place. Open the link in the latest \
             e-mail from us.",
        ),
        used: (
            "This link has already been used",
            "Your certificate was issued. What you need to use it is in our e-mail.",
        ),
        expired: (
            "This link has expired",
            "Ask the registration authority that checked your identity for a new one.",
        ),
        cancelled: (
            "This request was cancelled",
            "No certificate will be issued from it. If that surprises you, ask the registration \
             authority that checked your identity.",
        ),
        other_device: (
            "You have begun on another device",
            "Go on there; or wait a few minutes until the code sent to that device has expired, \
             and begin again here.",
        ),
        guessed: (
            "Too many wrong codes",
            "Someone has typed too many wrong codes, so this link no longer works. Ask the registration \
             authority that checked your identity to send you a new one.",
        ),
        foreign_form: (
            "This form does not come from us",
            "For your safety nothing was done. Open the link in our e-mail and start from there.",
        ),
        unreadable: (
            "We could not read what your browser sent",
            "Nothing was done. Go back and try again.",
        ),
        too_large: (
            "That file is too large",
            "Nothing was done. Go back and choose a smaller one.",
        ),
        internal: (
            "Something went wrong on our side",
            "It is not your fault, and nothing was lost. Try again in a few minutes. If it happens \
             again, give us this reference.",
        ),
        reference: "Reference",
        back: "Back",
    },
    notice: NoticeWords {
        heading: "There is a problem",
        accept_first: "Read the contract and tick that you accept it.",
        code_too_soon: |seconds| {
            format!(
                "We have just sent a code. Wait until {seconds} seconds have passed before you \
                 ask for another."
            )
        },
        not_delivered: "We cannot send codes at the moment. Try again in a few minutes.",
        code_missing: "Ask for a code first.",
        code_wrong: "That is not the code in our latest message. After a few wrong tries it stops \
                     working, and you can ask for a new one.",
        code_expired: "That code has expired. Ask for a new one.",
        code_exhausted: "Too many wrong tries: that code no longer works. Ask for a new one.",
        code_consumed: "That code was used before. Ask for a new one.",
        code_void: "The contract has changed since the code was sent. Read it and ask for a new \
                    code.",
        weak_secret: "Use 8 to 64 characters, with at least 2 letters and 2 digits.",
        secrets_differ: "The two entries are not the same. Type them again.",
        no_key_request: "Choose the file with the certificate request, or paste its text.",
        unusable_key_request: "That certificate request cannot be used.",
        storage_full: "We have no room at the moment, and nothing was done. Try again later.",
        file_taken: "The file was handed out before, and there is no copy of it.",
        wrong_credentials: "User name or password is wrong, or the certificate is no longer \
                            valid.",
        wrong_pin: "The PIN is wrong, or the certificate is no longer valid.",
        blocked: "Blocked after too many wrong tries. Ask your registration authority to unlock \
                  it.",
        signed_out: "You were signed out for safety. Type your user name and password again.",
        no_file: "Choose the PDF to be signed.",
        file_too_large: |megabytes| {
            format!("That file is too large. It may have {megabytes} MB at most.")
        },
        not_signable: NotSignableWords {
            lead: "That file cannot be signed.",
            not_pdf: "It is not a PDF.",
            incomplete: "Its end is missing: fetch it again from where it came from.",
            damaged: "It is damaged: ask whoever made it for a sound copy.",
            protected: "It is protected: choose a copy without a password and without \
                        restrictions.",
            closed: "Its author, or an earlier signature, has closed it to further ones.",
            form: "It is a form of a kind that cannot be signed: print it into a new PDF and \
                   choose that.",
            unusual: "It is made in a way that we do not support: print it into a new PDF and \
                      choose that.",
        },
    },
    moment,
};

fn kinds(holder: Holder) -> &'static str {
    match holder {
        Holder::Individual => "Personal certificate",
        Holder::Member => "Personal certificate as a member of an organisation",
        Holder::Representative => "Certificate of a representative",
        Holder::Organisation => "Electronic seal of an organisation",
    }
}

fn days(days: i64) -> String {
    match years_or_days(days) {
        (1, true) => "1 year".to_owned(),
        (years, true) => format!("{years} years"),
        (1, false) => "1 day".to_owned(),
        (days, false) => format!("{days} days"),
    }
}

fn moment(when: OffsetDateTime) -> String {
    let when = when.to_offset(time::UtcOffset::UTC);
    format!(
        "{} {} {}, {:02}:{:02} UTC",
        when.day(),
        when.month(),
        when.year(),
        when.hour(),
        when.minute()
    )
}
