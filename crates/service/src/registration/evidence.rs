//! The VideoID's evidence, under the identifiers that registration clients use.

use model::Workflow;
use model::authority::{Act, VideoUploadAuth};

use super::authorities::is_open;
use super::{Caller, ClientRefusal};
use crate::advance::Actor;
use crate::case::Case;
use crate::{Error, EvidenceUpload, Intake, Service, VideoContent, VideoIntake};

impl Service {
    /// Takes in claims and stills. `name` is the VideoID's number, the request's, or the video
    /// identifier.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownVideoId`], [`Error::WrongStatus`], [`Error::NotPermitted`],
    /// [`Error::Fields`], [`Error::UnusableImages`].
    pub async fn submit_evidence(
        &self,
        caller: &Caller,
        name: &str,
        upload: EvidenceUpload,
    ) -> Result<Intake, Error> {
        caller.demand(Act::Submit)?;
        let case = self.seen_video_id(caller, name).await?;
        self.take_in_evidence(caller.actor(), case, upload).await
    }

    /// Opens the way for a video. Without a caller only where the authority lets whoever knows the
    /// identifier upload.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownVideoId`], [`Error::UnknownClient`], [`Error::WrongStatus`],
    /// [`Error::NotPermitted`], [`Error::TooLarge`].
    pub async fn submit_video(
        &self,
        caller: Option<&Caller>,
        name: &str,
        declared_size: Option<u64>,
    ) -> Result<VideoIntake, Error> {
        let (actor, case) = match caller {
            Some(caller) => {
                caller.demand(Act::Submit)?;
                (caller.actor(), self.seen_video_id(caller, name).await?)
            }
            None => (Actor::Client, self.open_video_id(name).await?),
        };
        self.take_in_video(actor, case, declared_size).await
    }

    /// The stored video, and an entry in the audit log that it was asked for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownVideoId`], [`Error::NoVideo`].
    pub async fn filmed(&self, caller: &Caller, name: &str) -> Result<VideoContent, Error> {
        let case = self.seen_video_id(caller, name).await?;
        self.hand_out_video(caller.actor(), case).await
    }

    /// The filmed registration of that name, if the caller sees it.
    async fn seen_video_id(&self, caller: &Caller, name: &str) -> Result<Case, Error> {
        let mut reader = self.store().read().await?;
        let row = match VideoName::read(name) {
            Some(VideoName::Number(number)) => {
                store::requests::resolve(&mut reader, number).await?
            }
            Some(VideoName::Identifier(identifier)) => {
                store::requests::by_video_identifier(&mut reader, &identifier).await?
            }
            None => None,
        };
        row.filter(|row| row.workflow == Workflow::VideoId && caller.sees(row.ra))
            .map(|row| self.open(row))
            .unwrap_or_else(|| Err(Error::UnknownVideoId(name.chars().take(64).collect())))
    }

    /// The filmed registration of that identifier, if its authority lets whoever knows it upload.
    /// Nobody learns here which identifiers there are.
    async fn open_video_id(&self, name: &str) -> Result<Case, Error> {
        let refused = || Error::UnknownClient(ClientRefusal::Missing);
        let Some(VideoName::Identifier(identifier)) = VideoName::read(name) else {
            return Err(refused());
        };
        let mut reader = self.store().read().await?;
        let row = store::requests::by_video_identifier(&mut reader, &identifier)
            .await?
            .filter(|row| row.workflow == Workflow::VideoId)
            .ok_or_else(refused)?;
        let authority = store::authorities::get(&mut reader, row.ra).await?;
        let by_identifier = authority.is_some_and(|authority| {
            authority.settings.video_upload_auth == VideoUploadAuth::Identifier
                && is_open(&authority, self.now())
        });
        if by_identifier {
            self.open(row)
        } else {
            Err(refused())
        }
    }
}

/// What a client may call a VideoID.
#[derive(Debug, PartialEq, Eq)]
enum VideoName {
    /// The VideoID's number, or its request's.
    Number(i64),
    /// The video identifier as it is stored: 32 hexadecimal digits, lower case.
    Identifier(String),
}

impl VideoName {
    /// Identifiers come with or without hyphens, in either case.
    fn read(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Ok(number) = name.parse() {
            return Some(VideoName::Number(number));
        }
        let bare: String = name
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let plausible = bare.len() == 32 && bare.bytes().all(|b| b.is_ascii_hexdigit());
        plausible.then_some(VideoName::Identifier(bare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_known_in_every_spelling() {
        let bare = "6f0c1d2e3a4b4c5d8e6f708192a3b4c5";
        for spelling in [bare, "6F0C1D2E-3A4B-4C5D-8E6F-708192A3B4C5"] {
            let read = VideoName::read(spelling);
            assert_eq!(read, Some(VideoName::Identifier(bare.to_owned())));
        }
    }

    #[test]
    fn thirty_two_decimal_digits_are_an_identifier_and_fewer_a_number() {
        let digits = "12345678901234567890123456789012";
        assert_eq!(
            VideoName::read(digits),
            Some(VideoName::Identifier(digits.to_owned())),
        );
        assert_eq!(VideoName::read("2001"), Some(VideoName::Number(2001)));
        assert_eq!(VideoName::read("6f0c1d2e"), None);
        assert_eq!(VideoName::read(""), None);
    }
}
