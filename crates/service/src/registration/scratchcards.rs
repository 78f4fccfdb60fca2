//! Scratchcards: made, listed, moved. A request uses one up.

use model::authority::Act;
use model::{Entropy, RaId};
use serde_json::json;
use store::{Reader, Scratchcard, StoreError, Tx};

use super::form::number;
use super::{Caller, PAGE_SIZE, Page, Registration, ScratchcardRecord, Secrets, offset};
use crate::advance::Actor;
use crate::case::Case;
use crate::{Error, Problems, Service};

/// Cards that are made when the last one is used up.
const REFILL: u32 = 10;
/// Longest serial number and secret of a card that was made elsewhere, in characters.
const LONGEST: usize = 32;

/// A scratchcard that was made elsewhere.
#[derive(Debug, Clone, Default)]
pub struct NewScratchcard {
    /// Whose it is.
    pub registration_authority: Option<String>,
    /// Its number, unique everywhere.
    pub sn: Option<String>,
    /// Its secrets.
    pub secrets: Option<Secrets>,
}

/// Which cards to move.
#[derive(Debug, Clone)]
pub enum Stretch {
    /// So many unused ones of an authority, the lowest first.
    Some {
        /// From where.
        from: RaId,
        /// How many.
        amount: i64,
    },
    /// The unused ones between two numbers, both included.
    Between {
        /// The lowest number.
        first: String,
        /// The highest number.
        last: String,
    },
}

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Cards that moved.
    pub moved: i64,
    /// What did not fit, in words.
    pub details: Option<String>,
}

impl Service {
    /// A page of the scratchcards that the caller sees.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPage`].
    pub async fn scratchcards(
        &self,
        caller: &Caller,
        authority: Option<RaId>,
        sn: Option<&str>,
        page: i64,
    ) -> Result<Page<ScratchcardRecord>, Error> {
        let mut reader = self.store().read().await?;
        let (total, rows) = store::scratchcards::page(
            &mut reader,
            caller.scope(),
            authority,
            sn.map(str::trim),
            offset(page),
            PAGE_SIZE,
        )
        .await?;
        let items = rows.into_iter().map(|row| self.scratchcard_record(row));
        Page::of(page, total, items.collect::<Result<_, _>>()?)
    }

    /// One scratchcard, by its number in lists.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScratchcard`].
    pub async fn scratchcard(&self, caller: &Caller, pk: i64) -> Result<ScratchcardRecord, Error> {
        let mut reader = self.store().read().await?;
        let row = store::scratchcards::get(&mut reader, pk).await?;
        self.scratchcard_record(visible(row, caller)?)
    }

    /// The lowest unused scratchcard of `authority`, or else of the caller's own. It is not
    /// reserved. Where none is left and the authority says so, more are made.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScratchcard`] where none is left, [`Error::UnknownAuthority`].
    pub async fn first_unused_scratchcard(
        &self,
        caller: &Caller,
        authority: Option<RaId>,
    ) -> Result<ScratchcardRecord, Error> {
        let mut reader = self.store().read().await?;
        let authority = self
            .visible_authority(&mut reader, caller, authority.or(caller.authority()))
            .await?;
        let lowest = store::scratchcards::first_unused(&mut reader, authority.id).await?;
        drop(reader);
        if let Some(row) = lowest {
            return self.scratchcard_record(row);
        }
        // Who cannot use a card up does not have any made.
        if !authority.settings.auto_scratchcards || caller.demand(Act::Submit).is_err() {
            return Err(Error::UnknownScratchcard);
        }
        let mut tx = self.store().begin().await?;
        let made = self
            .stock_up(&mut tx, caller.actor(), authority.id, REFILL)
            .await?;
        self.commit(tx).await?;
        made.into_iter().next().ok_or(Error::UnknownScratchcard)
    }

    /// Whether a request used it up.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScratchcard`].
    pub async fn scratchcard_is_used(&self, caller: &Caller, sn: &str) -> Result<bool, Error> {
        let mut reader = self.store().read().await?;
        let row = store::scratchcards::by_sn(&mut reader, sn.trim()).await?;
        Ok(visible(row, caller)?.used_by.is_some())
    }

    /// The request of a scratchcard; `secret` is its revocation code or its enrollment code.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScratchcard`], also where the secret is wrong.
    pub async fn whoami(
        &self,
        caller: &Caller,
        sn: &str,
        secret: &str,
    ) -> Result<Registration, Error> {
        let mut reader = self.store().read().await?;
        let case = self.opened_by(&mut reader, caller, sn, secret).await?;
        self.registration_record(&mut reader, case, true).await
    }

    /// Moves unused cards to another authority.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`] where the caller does not see both authorities.
    pub async fn move_scratchcards(
        &self,
        caller: &Caller,
        stretch: Stretch,
        to: RaId,
    ) -> Result<Moved, Error> {
        caller.demand(Act::Administer)?;
        let from = match &stretch {
            Stretch::Some { from, .. } => Some(*from),
            Stretch::Between { .. } => None,
        };
        if !from.into_iter().chain([to]).all(|ra| caller.sees(ra)) {
            return Err(Error::NotPermitted);
        }
        let mut tx = self.store().begin().await?;
        let moved = match stretch {
            Stretch::Some { from, amount } => {
                let moved =
                    store::scratchcards::move_first(&mut tx, from, to, amount.max(0)).await?;
                let short = moved < amount;
                Moved {
                    moved,
                    details: short.then(|| format!("Only {moved} scratchcards were unused")),
                }
            }
            Stretch::Between { first, last } => {
                let (first, last) = (first.trim(), last.trim());
                let (moved, stayed) =
                    store::scratchcards::move_range(&mut tx, caller.scope(), first, last, to)
                        .await?;
                let details = match (moved, stayed) {
                    (0, 0) => Some("There are no scratchcards between these numbers".to_owned()),
                    (_, 0) => None,
                    (_, stayed) => Some(format!("{stayed} scratchcards were not to be moved")),
                };
                Moved { moved, details }
            }
        };
        let details = json!({ "from": from, "to": to, "moved": moved.moved });
        self.record(&mut tx, caller.actor(), "scratchcards-moved", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(moved)
    }

    /// Adds a scratchcard that was made elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Fields`], [`Error::Duplicate`].
    pub async fn add_scratchcard(
        &self,
        caller: &Caller,
        new: NewScratchcard,
    ) -> Result<ScratchcardRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut problems = Problems::default();
        let ra = new.registration_authority.as_deref();
        let ra = problems.require("registration_authority", ra, number::<RaId>);
        let sn = problems.require("sn", new.sn.as_deref(), parse_sn);
        let secrets = match new.secrets {
            Some(secrets) => check_secrets(secrets, &mut problems),
            None => {
                problems.missing("secrets");
                None
            }
        };
        let (Some(ra), Some(sn), Some(secrets)) = (ra, sn, secrets) else {
            return Err(Error::Fields(problems));
        };
        if !caller.sees(ra) {
            return Err(Error::NotPermitted);
        }
        let mut tx = self.store().begin().await?;
        if store::scratchcards::exists(&mut tx, &sn).await? {
            return Err(Error::Duplicate { field: "sn" });
        }
        let record = self.insert_card(&mut tx, ra, sn, secrets).await?;
        let details = json!({ "registration_authority": ra, "scratchcard": record.sn });
        self.record(&mut tx, caller.actor(), "scratchcard-added", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(record)
    }

    /// Changes an unused scratchcard.
    ///
    /// # Errors
    ///
    /// As [`Service::add_scratchcard`], and [`Error::UnknownScratchcard`],
    /// [`Error::InvalidScratchcard`] where it is used.
    pub async fn change_scratchcard(
        &self,
        caller: &Caller,
        pk: i64,
        new: NewScratchcard,
    ) -> Result<ScratchcardRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut tx = self.store().begin().await?;
        let mut row = visible(store::scratchcards::get(&mut tx, pk).await?, caller)?;
        if row.used_by.is_some() {
            return Err(Error::InvalidScratchcard);
        }
        let mut problems = Problems::default();
        let ra = new.registration_authority.as_deref();
        if let Some(ra) = problems.parse("registration_authority", ra, number::<RaId>) {
            row.ra = ra;
        }
        if let Some(sn) = problems.parse("sn", new.sn.as_deref(), parse_sn)
            && sn != row.sn
        {
            if store::scratchcards::exists(&mut tx, &sn).await? {
                return Err(Error::Duplicate { field: "sn" });
            }
            row.sn = sn;
        }
        if let Some(secrets) = new.secrets
            && let Some(secrets) = check_secrets(secrets, &mut problems)
        {
            row.secrets = self.seal_secrets(pk, &secrets)?;
        }
        problems.check()?;
        if !caller.sees(row.ra) {
            return Err(Error::NotPermitted);
        }
        match store::scratchcards::update(&mut tx, &row).await {
            Err(StoreError::Duplicate { .. }) => return Err(Error::Duplicate { field: "sn" }),
            // Used up since it was looked at.
            Err(StoreError::Absent { .. }) => return Err(Error::InvalidScratchcard),
            other => other?,
        }
        let details = json!({ "registration_authority": row.ra, "scratchcard": row.sn });
        self.record(
            &mut tx,
            caller.actor(),
            "scratchcard-changed",
            None,
            details,
        )
        .await?;
        self.commit(tx).await?;
        self.scratchcard_record(row)
    }

    /// Makes `amount` scratchcards for an authority, with fresh numbers and secrets.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::UnknownAuthority`].
    pub async fn make_scratchcards(
        &self,
        caller: &Caller,
        authority: RaId,
        amount: u32,
    ) -> Result<Vec<ScratchcardRecord>, Error> {
        caller.demand(Act::Administer)?;
        let mut tx = self.store().begin().await?;
        let authority = self
            .visible_authority(&mut tx, caller, Some(authority))
            .await?;
        let made = self
            .stock_up(&mut tx, caller.actor(), authority.id, amount)
            .await?;
        self.commit(tx).await?;
        Ok(made)
    }

    /// A card of that number and its secrets, whoever asks.
    pub(crate) async fn secrets_of(
        &self,
        reads: &mut Reader,
        sn: &str,
    ) -> Result<Option<(Scratchcard, Secrets)>, Error> {
        let Some(card) = store::scratchcards::by_sn(reads, sn).await? else {
            return Ok(None);
        };
        let secrets = self.open_secrets(&card)?;
        Ok(Some((card, secrets)))
    }

    /// The request of a card that the caller sees, if `secret` is one of the two that open it.
    pub(crate) async fn opened_by(
        &self,
        reads: &mut Reader,
        caller: &Caller,
        sn: &str,
        secret: &str,
    ) -> Result<Case, Error> {
        let sn = sn.trim();
        let card = self.secrets_of(reads, sn).await?;
        let opened = card.is_some_and(|(_, secrets)| secrets.open(secret));
        store::requests::by_scratchcard(reads, sn)
            .await?
            .filter(|row| opened && row.workflow.is_registration() && caller.sees(row.ra))
            .map(|row| self.open(row))
            .unwrap_or(Err(Error::UnknownScratchcard))
    }

    pub(crate) fn open_secrets(&self, card: &Scratchcard) -> Result<Secrets, Error> {
        let plain = self.master().open(&context(card.pk), &card.secrets)?;
        Ok(serde_json::from_slice(&plain)?)
    }

    pub(crate) fn seal_secrets(&self, pk: i64, secrets: &Secrets) -> Result<Vec<u8>, Error> {
        let plain = crypto::Zeroizing::new(serde_json::to_vec(secrets)?);
        Ok(self.master().seal(&context(pk), &plain, self.entropy()))
    }

    /// A number that no scratchcard and no request carries.
    pub(crate) async fn fresh_scratchcard_number(&self, tx: &mut Tx) -> Result<String, Error> {
        loop {
            let sn = store::sequence::next_scratchcard(tx).await?.to_string();
            if !store::scratchcards::exists(tx, &sn).await? {
                return Ok(sn);
            }
        }
    }

    async fn stock_up(
        &self,
        tx: &mut Tx,
        actor: Actor,
        authority: RaId,
        amount: u32,
    ) -> Result<Vec<ScratchcardRecord>, Error> {
        let mut made = Vec::new();
        for _ in 0..amount {
            let sn = self.fresh_scratchcard_number(tx).await?;
            let secrets = Secrets::draw(self.entropy());
            made.push(self.insert_card(tx, authority, sn, secrets).await?);
        }
        let details = json!({
            "registration_authority": authority,
            "amount": amount,
            "first": made.first().map(|card| &card.sn),
            "last": made.last().map(|card| &card.sn),
        });
        self.record(tx, actor, "scratchcards-made", None, details)
            .await?;
        Ok(made)
    }

    async fn insert_card(
        &self,
        tx: &mut Tx,
        ra: RaId,
        sn: String,
        secrets: Secrets,
    ) -> Result<ScratchcardRecord, Error> {
        let pk = store::scratchcards::next_pk(tx).await?;
        let row = Scratchcard {
            pk,
            sn,
            ra,
            secrets: self.seal_secrets(pk, &secrets)?,
            used_by: None,
            created_at: self.now(),
        };
        match store::scratchcards::insert(tx, &row).await {
            Err(StoreError::Duplicate { .. }) => Err(Error::Duplicate { field: "sn" }),
            other => Ok(other?),
        }?;
        Ok(record(row, secrets))
    }

    fn scratchcard_record(&self, row: Scratchcard) -> Result<ScratchcardRecord, Error> {
        let secrets = self.open_secrets(&row)?;
        Ok(record(row, secrets))
    }
}

impl Secrets {
    /// Draws fresh ones.
    fn draw(entropy: &dyn Entropy) -> Self {
        const DIGITS: &[u8] = b"0123456789";
        Self {
            erc: draw(entropy, DIGITS, 10),
            enrollment_code: draw_code(entropy),
            pin: draw(entropy, DIGITS, 8),
            puk: draw(entropy, DIGITS, 8),
        }
    }

    /// Whether `secret` is the revocation code or the enrollment code, in time that does not tell
    /// which it resembles.
    fn open(&self, secret: &str) -> bool {
        let secret = secret.trim().as_bytes();
        let revocation = crypto::equal(secret, self.erc.as_bytes());
        let enrollment = crypto::equal(secret, self.enrollment_code.as_bytes());
        !secret.is_empty() && (revocation | enrollment)
    }
}

/// Eight characters, at least two of them letters and two digits, without those that people take
/// for one another.
fn draw_code(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789:,._-!";
    loop {
        let code = draw(entropy, ALPHABET, 8);
        let letters = code.bytes().filter(u8::is_ascii_alphabetic).count();
        let digits = code.bytes().filter(u8::is_ascii_digit).count();
        if letters >= 2 && digits >= 2 {
            return code;
        }
    }
}

/// So many characters of `alphabet`, each equally likely.
fn draw(entropy: &dyn Entropy, alphabet: &[u8], length: usize) -> String {
    // Bytes from the incomplete last span would make the first characters likelier: draw again.
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut byte = [0];
        entropy.fill(&mut byte);
        let drawn = usize::from(byte[0]);
        if drawn < fair {
            text.push(alphabet[drawn % alphabet.len()].into());
        }
    }
    text
}

fn context(pk: i64) -> String {
    format!("scratchcard {pk}")
}

fn record(row: Scratchcard, secrets: Secrets) -> ScratchcardRecord {
    ScratchcardRecord {
        pk: row.pk,
        sn: row.sn,
        authority: row.ra,
        secrets,
        used_by: row.used_by,
    }
}

fn visible(row: Option<Scratchcard>, caller: &Caller) -> Result<Scratchcard, Error> {
    row.filter(|row| caller.sees(row.ra))
        .ok_or(Error::UnknownScratchcard)
}

fn parse_sn(text: &str) -> Result<String, &'static str> {
    if text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("must be a number of at most 32 digits")
    }
}

/// Cards made elsewhere may have secrets of other forms; a blank one would open what it should not.
fn check_secrets(secrets: Secrets, problems: &mut Problems) -> Option<Secrets> {
    let mut check = |name: &str, secret: String| {
        problems.require(name, Some(&secret), |text| {
            let fits = text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic());
            fits.then(|| text.to_owned())
                .ok_or("must be at most 32 visible ASCII characters")
        })
    };
    let erc = check("secrets.erc", secrets.erc);
    let enrollment_code = check("secrets.enrollment_code", secrets.enrollment_code);
    let pin = check("secrets.pin", secrets.pin);
    let puk = check("secrets.puk", secrets.puk);
    Some(Secrets {
        erc: erc?,
        enrollment_code: enrollment_code?,
        pin: pin?,
        puk: puk?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Every byte in turn.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn secrets() -> Secrets {
        Secrets {
            erc: "0123456789".to_owned(),
            enrollment_code: "aB3:d,9_".to_owned(),
            pin: "01234567".to_owned(),
            puk: "76543210".to_owned(),
        }
    }

    #[test]
    fn secrets_have_the_form_that_clients_know() {
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        for _ in 0..200 {
            let drawn = Secrets::draw(&crypto::SystemEntropy);
            assert!(drawn.erc.len() == 10 && all_digits(&drawn.erc));
            assert!(drawn.pin.len() == 8 && all_digits(&drawn.pin));
            assert!(drawn.puk.len() == 8 && all_digits(&drawn.puk));
            let code = drawn.enrollment_code;
            assert_eq!(code.len(), 8);
            assert!(code.bytes().filter(u8::is_ascii_alphabetic).count() >= 2);
            assert!(code.bytes().filter(u8::is_ascii_digit).count() >= 2);
            let known = |c: char| c.is_ascii_alphanumeric() || ":,._-!".contains(c);
            assert!(code.chars().all(known), "{code}");
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        // 250 of 256 bytes are used: each digit 25 times.
        let text = draw(&Counting::default(), b"0123456789", 250);
        for digit in '0'..='9' {
            assert_eq!(text.matches(digit).count(), 25);
        }
    }

    #[test]
    fn two_secrets_open_a_card_and_nothing_else_does() {
        let secrets = secrets();
        assert!(secrets.open("0123456789"));
        assert!(secrets.open(" aB3:d,9_ "));
        for wrong in ["", " ", "01234567", "76543210", "0123456788", "ab3:d,9_"] {
            assert!(!secrets.open(wrong), "{wrong:?}");
        }
        assert!(!Secrets::default().open(""));
    }

    #[test]
    fn a_card_with_a_blank_secret_is_not_taken_in() {
        let mut problems = Problems::default();
        let blank = Secrets {
            erc: String::new(),
            ..secrets()
        };
        assert!(check_secrets(blank, &mut problems).is_none());
        assert_eq!(problems.missing_names(), ["secrets.erc"]);
        assert!(check_secrets(secrets(), &mut problems).is_some());
    }
}
