//! Taking in evidence: the data block with its images, and the video.

use std::ops::Range;

use blob::{BlobReader, BlobWriter};
use bytes::Bytes;
use crypto::DataKey;
use evidence::image::ImageFacts;
use evidence::video::{SNIFF_LEN, VideoFacts, VideoRefusal, recognise};
use futures::{Stream, TryStreamExt};
use model::contact::{Country, Email, Phone};
use model::evidence::{Claims, ImageKind, missing};
use model::subject::{parse_name, parse_number};
use model::{RequestPk, Status, Subject, Trigger, Workflow};
use serde_json::{Map, Value, json};
use store::{EvidenceImage, EvidenceVideo, Reader, Tx};

use crate::advance::Actor;
use crate::bounds::check_claims;
use crate::case::{Case, document_type, text_of};
use crate::files::NewBlobs;
use crate::{Error, Problems, Service};

/// Evidence as a client brings it.
#[derive(Default)]
pub struct EvidenceUpload {
    /// What the sender claims.
    pub claims: Claims,
    /// The stills; in place of an image, why its encoding could not be read.
    pub images: Vec<(ImageKind, Result<Vec<u8>, String>)>,
}

/// Where a request stands after an upload.
#[derive(Debug, Clone)]
pub struct Intake {
    /// The status now.
    pub status: Status,
    /// What must still come before an officer can review.
    pub missing: Vec<&'static str>,
}

impl Service {
    /// Takes in claims and stills, block by block; what was sent before and is not sent again
    /// stays.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::EvidenceClosed`]; [`Error::Fields`] when the OCR data
    /// lacks a required member or a claim is too long; [`Error::UnusableImages`], after which the request is in
    /// `VIDEOERROR` and nothing of the upload is kept.
    pub async fn upload_evidence(&self, id: i64, upload: EvidenceUpload) -> Result<Intake, Error> {
        let case = self.peek(id).await?;
        self.take_in_evidence(Actor::Client, case, upload).await
    }

    /// As [`Service::upload_evidence`], for a request found by other means.
    pub(crate) async fn take_in_evidence(
        &self,
        actor: Actor,
        case: Case,
        upload: EvidenceUpload,
    ) -> Result<Intake, Error> {
        still_open(&case)?;
        let pk = case.pk();
        let EvidenceUpload { claims, images } = upload;
        check_claims(&claims)?;
        if claims == Claims::default() && images.is_empty() {
            let mut problems = Problems::default();
            problems.missing("acceptance");
            problems.missing("videoid_data");
            return Err(Error::Fields(problems));
        }
        let rule = OcrRule::of(case.row.workflow);
        if let Some(ocr) = &claims.ocr_data {
            rule.check(ocr)?;
        }

        let decoded = self.at_work(move |_| decode(images)).await?;
        let images = match decoded {
            Ok(images) => images,
            Err(problems) => {
                let fields: Vec<_> = problems.0.iter().map(|(field, _)| field.as_str()).collect();
                let details = json!({ "unusable": fields });
                self.unusable(actor, pk, details).await?;
                return Err(Error::UnusableImages(problems));
            }
        };
        let mut blobs = NewBlobs::new(self);
        let mut rows = Vec::new();
        for Still {
            kind,
            content,
            facts,
        } in images
        {
            let file = blobs.put(&case.key, content.into()).await?;
            rows.push(EvidenceImage {
                kind,
                number: None,
                blob: file.blob,
                sha256: file.sha256,
                size: file.size,
                media_type: facts.format.media_type().to_owned(),
                width: facts.width.into(),
                height: facts.height.into(),
            });
        }

        let mut tx = self.store().begin().await?;
        let mut case = self.relock(&mut tx, pk).await?;
        still_open(&case)?;
        let mut standing = self.claims(&mut tx, &case).await?;
        if let Some(ocr) = &claims.ocr_data {
            rule.apply(ocr, &mut case.subject);
        }
        standing.merge(claims);
        case.row.subject = case.seal(self, "subject", &case.subject)?;
        if case.row.workflow.is_registration() {
            self.index_subject(&mut tx, &case).await?;
        }
        let sealed = case.seal(self, "claims", &standing)?;
        store::evidence::put_claims(&mut tx, case.pk(), &sealed).await?;
        let mut replaced = Vec::new();
        for row in &mut rows {
            row.number = Some(store::sequence::next_document(&mut tx).await?);
            replaced.extend(store::evidence::put_image(&mut tx, case.pk(), row).await?);
        }
        let digests: Value = rows
            .iter()
            .map(|row| (row.kind.name(), hex::encode(row.sha256)))
            .collect();
        let details = json!({ "received": "evidences", "images": digests });
        let intake = self.settle(&mut tx, &mut case, actor, details).await?;
        self.commit(tx).await?;
        blobs.keep();
        self.discard(replaced).await;
        Ok(intake)
    }

    /// Opens the way for a video, before a byte of it is read.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::EvidenceClosed`], [`Error::TooLarge`].
    pub async fn open_video_intake(
        &self,
        id: i64,
        declared_size: Option<u64>,
    ) -> Result<VideoIntake, Error> {
        let case = self.peek(id).await?;
        self.take_in_video(Actor::Client, case, declared_size).await
    }

    /// As [`Service::open_video_intake`], for a request found by other means.
    pub(crate) async fn take_in_video(
        &self,
        actor: Actor,
        case: Case,
        declared_size: Option<u64>,
    ) -> Result<VideoIntake, Error> {
        still_open(&case)?;
        let limit = self.limits().video_bytes;
        if declared_size.is_some_and(|size| size > limit) {
            return Err(Error::TooLarge { limit });
        }
        Ok(VideoIntake {
            service: self.clone(),
            actor,
            request: case.pk(),
            writer: Some(self.blobs().writer(&case.key, self.entropy()).await?),
            key: case.key,
            head: Vec::new(),
            received: 0,
        })
    }

    /// The stored video, and an entry in the audit log that it was asked for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::NoVideo`].
    pub async fn video(&self, id: i64) -> Result<VideoContent, Error> {
        let case = self.peek(id).await?;
        self.hand_out_video(Actor::Client, case).await
    }

    /// As [`Service::video`], for a request found by other means.
    pub(crate) async fn hand_out_video(
        &self,
        actor: Actor,
        case: Case,
    ) -> Result<VideoContent, Error> {
        let mut reader = self.store().read().await?;
        let row = store::evidence::video(&mut reader, case.pk())
            .await?
            .ok_or(Error::NoVideo(case.pk()))?;
        drop(reader);
        let content = self.blobs().reader(&row.blob, &case.key).await?;
        let mut tx = self.store().begin().await?;
        let details = json!({ "sha256": hex::encode(row.sha256) });
        self.record(&mut tx, actor, "video-read", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        Ok(VideoContent {
            size: row.size as u64,
            media_type: row.media_type,
            sha256: row.sha256,
            reader: content,
        })
    }

    /// The number behind a VideoID's opaque name; a plain number stands for itself.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub async fn video_identifier(&self, name: &str) -> Result<i64, Error> {
        if let Ok(number) = name.parse() {
            return Ok(number);
        }
        let mut reader = self.store().read().await?;
        store::requests::by_video_identifier(&mut reader, name)
            .await?
            .map(|row| row.videoid_pk.0)
            .ok_or_else(|| Error::UnknownRequest(name.chars().take(64).collect()))
    }

    /// The sender's claims so far.
    pub(crate) async fn claims(&self, reads: &mut Reader, case: &Case) -> Result<Claims, Error> {
        match store::evidence::claims(reads, case.pk()).await? {
            Some(sealed) => case.unseal("claims", &sealed),
            None => Ok(Claims::default()),
        }
    }

    /// What the evidence set still lacks.
    pub(crate) async fn missing_evidence(
        &self,
        reads: &mut Reader,
        case: &Case,
    ) -> Result<Vec<&'static str>, Error> {
        let claims = self.claims(reads, case).await?;
        let images = store::evidence::images(reads, case.pk()).await?;
        let kinds: Vec<_> = images.iter().map(|image| image.kind).collect();
        let video = store::evidence::video(reads, case.pk()).await?.is_some();
        Ok(missing(
            &claims,
            &kinds,
            video,
            case.subject.id_document_type,
            case.row.workflow,
        ))
    }

    /// Moves the request on after a good upload: complete, or not yet.
    async fn settle(
        &self,
        tx: &mut Tx,
        case: &mut Case,
        actor: Actor,
        details: Value,
    ) -> Result<Intake, Error> {
        let missing = self.missing_evidence(tx, case).await?;
        let trigger = if missing.is_empty() {
            Trigger::EvidenceComplete
        } else {
            Trigger::EvidencePartial
        };
        let status = self.advance(tx, case, trigger, actor, details).await?;
        Ok(Intake { status, missing })
    }

    /// Notes that an upload was unusable: `VIDEOERROR`.
    async fn unusable(&self, actor: Actor, pk: RequestPk, details: Value) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let mut case = self.relock(&mut tx, pk).await?;
        still_open(&case)?;
        self.advance(
            &mut tx,
            &mut case,
            Trigger::EvidenceUnusable,
            actor,
            details,
        )
        .await?;
        self.commit(tx).await
    }
}

/// A video on its way in. Dropped before [`VideoIntake::finish`], it leaves nothing behind.
pub struct VideoIntake {
    service: Service,
    actor: Actor,
    request: RequestPk,
    key: DataKey,
    /// Gone once the first bytes show that this is no video: the rest is counted, not kept.
    writer: Option<BlobWriter>,
    head: Vec<u8>,
    received: u64,
}

impl VideoIntake {
    /// Takes the next piece: one pass hashes, encrypts and writes it.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] as soon as the limit is passed, [`Error::StorageFull`].
    pub async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        self.received += piece.len() as u64;
        let limit = self.service.limits().video_bytes;
        if self.received > limit {
            return Err(Error::TooLarge { limit });
        }
        if self.head.len() < SNIFF_LEN {
            self.head
                .extend_from_slice(&piece[..piece.len().min(SNIFF_LEN - self.head.len())]);
            if self.head.len() == SNIFF_LEN && recognise(&self.head, self.received).is_err() {
                self.writer = None;
            }
        }
        if let Some(writer) = &mut self.writer {
            writer.write(piece).await?;
        }
        Ok(())
    }

    /// All has come: probes the video and moves the request on.
    ///
    /// # Errors
    ///
    /// [`Error::UnusableVideo`], after which the request is in `VIDEOERROR` and the video is
    /// gone; [`Error::EvidenceClosed`] when the request moved on meanwhile.
    pub async fn finish(self) -> Result<Intake, Error> {
        let Self {
            service,
            actor,
            request: pk,
            key,
            writer,
            head,
            received,
        } = self;
        if let Err(refusal) = recognise(&head, received) {
            return Err(service.refuse_video(actor, pk, refusal).await);
        }
        let Some(writer) = writer else {
            return Err(Error::Internal(
                "a video was recognised only at its end".into(),
            ));
        };
        let stored = writer.finish().await?;
        let mut blobs = NewBlobs::new(&service);
        blobs.adopt(stored.id.clone());

        let reader = service.blobs().reader(&stored.id, &key).await?;
        let size = stored.size;
        let probed = service
            .at_work(move |_| evidence::video::probe(reader.into_seek(), size))
            .await?;
        let facts = match probed {
            Ok(facts) => facts,
            Err(VideoRefusal::Read(error)) => {
                return Err(Error::Internal(format!("reading back a video: {error}")));
            }
            Err(refusal) => return Err(service.refuse_video(actor, pk, refusal).await),
        };

        let mut tx = service.store().begin().await?;
        let mut case = service.relock(&mut tx, pk).await?;
        still_open(&case)?;
        let row = video_row(stored, facts, service.now());
        let replaced = store::evidence::put_video(&mut tx, case.pk(), &row).await?;
        let details = json!({ "received": "video", "sha256": hex::encode(row.sha256) });
        let intake = service.settle(&mut tx, &mut case, actor, details).await?;
        service.commit(tx).await?;
        blobs.keep();
        service.discard(replaced).await;
        Ok(intake)
    }
}

impl Service {
    async fn refuse_video(&self, actor: Actor, pk: RequestPk, refusal: VideoRefusal) -> Error {
        let details = json!({ "unusable": ["video"] });
        match self.unusable(actor, pk, details).await {
            Ok(()) => Error::UnusableVideo(refusal),
            Err(error) => error,
        }
    }
}

/// A stored video, to be read in any range.
pub struct VideoContent {
    /// Size in bytes.
    pub size: u64,
    /// Media type as found by looking.
    pub media_type: String,
    /// SHA-256 over the whole.
    pub sha256: [u8; 32],
    reader: BlobReader,
}

impl VideoContent {
    /// The bytes of `range`, piece by piece.
    pub fn stream(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        self.reader.range(range).map_err(Error::from)
    }
}

fn still_open(case: &Case) -> Result<(), Error> {
    if case.row.status.takes_evidence() {
        Ok(())
    } else if case.row.workflow.is_registration() {
        Err(Error::WrongStatus(case.row.status))
    } else {
        Err(Error::EvidenceClosed(case.pk()))
    }
}

/// What is read from the OCR block; all else in it is kept as it came.
const OCR_TEXTS: [&str; 9] = [
    "given_name",
    "surname_1",
    "surname_2",
    "serial_number",
    "birth_date",
    "mobile_phone_number",
    "email",
    "id_document_type",
    "id_document_country",
];
/// What an OCR block cannot be without.
const OCR_REQUIRED: [&str; 3] = ["given_name", "surname_1", "serial_number"];

/// What a workflow makes of the OCR block.
#[derive(Clone, Copy)]
enum OcrRule {
    /// It says who the signer is: usable as a whole, or nothing of the upload is kept.
    Identifies,
    /// It is free-form and fills what the request leaves open; an officer sees where they differ.
    Fills,
}

impl OcrRule {
    fn of(workflow: Workflow) -> Self {
        match workflow {
            Workflow::OneShot | Workflow::OneShotClassic => OcrRule::Identifies,
            Workflow::VideoId | Workflow::Classic => OcrRule::Fills,
        }
    }

    fn check(self, ocr: &Map<String, Value>) -> Result<(), Error> {
        match self {
            OcrRule::Identifies => check_identity(ocr),
            OcrRule::Fills => Ok(()),
        }
    }

    fn apply(self, ocr: &Map<String, Value>, subject: &mut Subject) {
        match self {
            OcrRule::Identifies => take_identity(ocr, subject),
            OcrRule::Fills => fill_gaps(ocr, subject),
        }
    }
}

fn check_identity(ocr: &Map<String, Value>) -> Result<(), Error> {
    let mut problems = Problems::default();
    let sent = |name: &str| text_of(ocr, name);
    let is_no_text = |name: &str| {
        matches!(
            ocr.get(name),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_))
        )
    };
    for name in OCR_TEXTS {
        if is_no_text(name) {
            problems.invalid(name, "must be a text");
        } else if OCR_REQUIRED.contains(&name) && sent(name).is_none() {
            problems.missing(name);
        }
    }
    for name in ["given_name", "surname_1", "surname_2", "birth_date"] {
        problems.parse(name, sent(name).as_deref(), parse_name);
    }
    problems.parse(
        "serial_number",
        sent("serial_number").as_deref(),
        parse_number,
    );
    if let Err(error) = document_type(ocr) {
        problems.invalid("id_document_type", error.to_string());
    }
    problems.parse(
        "id_document_country",
        sent("id_document_country").as_deref(),
        Country::parse,
    );
    problems.parse(
        "mobile_phone_number",
        sent("mobile_phone_number").as_deref(),
        Phone::parse,
    );
    problems.parse("email", sent("email").as_deref(), Email::parse);
    problems.check()
}

/// The phone stays the one that the business gave at creation, since codes go there.
fn take_identity(ocr: &Map<String, Value>, subject: &mut Subject) {
    subject.given_name = text_of(ocr, "given_name");
    subject.surname_1 = text_of(ocr, "surname_1");
    subject.surname_2 = text_of(ocr, "surname_2");
    subject.serial_number = text_of(ocr, "serial_number");
    subject.birth_date = text_of(ocr, "birth_date").or(subject.birth_date.take());
    subject.id_document_type = Some(document_type(ocr).unwrap_or_default());
    let country = text_of(ocr, "id_document_country");
    subject.id_document_country = country
        .and_then(|text| Country::parse(&text).ok())
        .or(Some(Country::SPAIN));
    if let Some(email) = text_of(ocr, "email").and_then(|text| Email::parse(&text).ok()) {
        subject.email = email;
    }
}

/// What cannot stand in a field stays in the claims only.
fn fill_gaps(ocr: &Map<String, Value>, subject: &mut Subject) {
    for name in OCR_TEXTS {
        if subject.field(name).is_none() {
            subject.set(name, text_of(ocr, name).as_deref()).ok();
        }
    }
}

struct Still {
    kind: ImageKind,
    content: Vec<u8>,
    facts: ImageFacts,
}

fn decode(images: Vec<(ImageKind, Result<Vec<u8>, String>)>) -> Result<Vec<Still>, Problems> {
    let mut problems = Problems::default();
    let mut stills = Vec::new();
    for (kind, content) in images {
        let decoded = content.and_then(|content| {
            let facts = evidence::image::probe(&content).map_err(|refusal| refusal.to_string())?;
            Ok(Still {
                kind,
                content,
                facts,
            })
        });
        match decoded {
            Ok(still) => stills.push(still),
            Err(text) => problems.invalid(kind.name(), text),
        }
    }
    if problems.0.is_empty() {
        Ok(stills)
    } else {
        Err(problems)
    }
}

fn video_row(
    stored: blob::Stored,
    facts: VideoFacts,
    received_at: time::OffsetDateTime,
) -> EvidenceVideo {
    EvidenceVideo {
        blob: stored.id,
        sha256: stored.sha256,
        size: stored.size as i64,
        media_type: facts.container.media_type().to_owned(),
        width: facts.width.into(),
        height: facts.height.into(),
        duration_ms: facts.duration_ms.map(|ms| ms as i64),
        codec: facts.codec,
        received_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        let mut subject = Subject::from_email(Email::parse("ana@example.org").unwrap());
        subject.given_name = Some("Ana".to_owned());
        subject
    }

    fn ocr(members: Value) -> Map<String, Value> {
        members.as_object().unwrap().clone()
    }

    #[test]
    fn a_registration_keeps_what_it_has_and_takes_what_it_lacks() {
        let ocr = ocr(json!({
            "given_name": "ANNA",
            "surname_1": "PRUEBA",
            "serial_number": 12345678,
            "email": "other@example.org",
            "id_document_type": "PAS",
        }));
        let rule = OcrRule::of(Workflow::VideoId);
        rule.check(&ocr).unwrap();
        let mut subject = subject();
        rule.apply(&ocr, &mut subject);
        assert_eq!(subject.given_name.as_deref(), Some("Ana"));
        assert_eq!(subject.surname_1.as_deref(), Some("PRUEBA"));
        assert_eq!(subject.serial_number.as_deref(), Some("12345678"));
        assert_eq!(subject.email.as_str(), "ana@example.org");
        assert_eq!(subject.field("id_document_type").as_deref(), Some("PAS"));
        assert_eq!(subject.id_document_country, None);
    }

    #[test]
    fn a_registration_leaves_out_what_cannot_stand_and_one_shot_refuses_it() {
        let ocr = ocr(json!({
            "given_name": "Ana",
            "surname_1": ["Prueba"],
            "serial_number": "12\u{202e}34",
            "id_document_country": "Spain",
        }));
        let rule = OcrRule::of(Workflow::VideoId);
        rule.check(&ocr).unwrap();
        let mut filled = subject();
        rule.apply(&ocr, &mut filled);
        assert!(filled == subject());
        assert!(OcrRule::of(Workflow::OneShot).check(&ocr).is_err());
    }

    #[test]
    fn one_shot_takes_the_person_from_the_document() {
        let ocr = ocr(json!({
            "given_name": "ANNA",
            "surname_1": "PRUEBA",
            "serial_number": "00000000T",
        }));
        let rule = OcrRule::of(Workflow::OneShot);
        rule.check(&ocr).unwrap();
        let mut subject = subject();
        rule.apply(&ocr, &mut subject);
        assert_eq!(subject.given_name.as_deref(), Some("ANNA"));
        assert_eq!(subject.id_document_country, Some(Country::SPAIN));
    }
}
