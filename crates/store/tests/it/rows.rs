//! What goes in comes out, in every repository.

use model::certificate::RevocationReason;
use model::evidence::ImageKind;
use model::otp::{OtpState, Purpose};
use model::{
    DocumentUid, Environment, ImageUid, Language, MetadataUid, RaId, RaoId, RequestPk,
    SecureElement, Status, TokenUid, UserId, VideoIdPk, Workflow,
};
use store::{
    Certificate, CertificateState, Document, DocumentKind, EvidenceImage, EvidenceVideo, Image,
    Metadata, Otp, Paper, PaperKind, SealedImage, StoreError, StoredFile, Token,
};
use time::Duration;

use crate::{at, authority, file, insert_request, officer, on_both, populate, request, user};

const PK: RequestPk = RequestPk(1001);

on_both! {
    async fn sequences(fixture: Fixture) {
        let mut tx = fixture.store.begin().await.unwrap();
        assert_eq!(store::sequence::next(&mut tx).await.unwrap(), 1001);
        assert_eq!(store::sequence::next(&mut tx).await.unwrap(), 1002);
        assert_eq!(store::sequence::next_scratchcard(&mut tx).await.unwrap(), 4_000_001);
        assert_eq!(store::scratchcards::next_pk(&mut tx).await.unwrap(), 301);
        assert_eq!(store::sequence::next_document(&mut tx).await.unwrap(), 401);
        assert_eq!(store::certificates::next_number(&mut tx).await.unwrap(), 501);
        tx.commit().await.unwrap();
        let mut tx = fixture.store.begin().await.unwrap();
        assert_eq!(store::sequence::next(&mut tx).await.unwrap(), 1003);
        assert_eq!(store::sequence::next_scratchcard(&mut tx).await.unwrap(), 4_000_002);
        assert_eq!(store::scratchcards::next_pk(&mut tx).await.unwrap(), 302);
        assert_eq!(store::sequence::next_document(&mut tx).await.unwrap(), 402);
        assert_eq!(store::certificates::next_number(&mut tx).await.unwrap(), 502);
    }

    async fn authorities(fixture: Fixture) {
        let mut tx = fixture.store.begin().await.unwrap();
        let mut first = authority(1);
        store::authorities::insert(&mut tx, &authority(2)).await.unwrap();
        store::authorities::insert(&mut tx, &first).await.unwrap();
        assert_eq!(store::authorities::get(&mut tx, RaId(1)).await.unwrap(), Some(first.clone()));
        assert_eq!(store::authorities::get(&mut tx, RaId(3)).await.unwrap(), None);

        first.parent = Some(RaId(2));
        first.name = "Another".to_owned();
        first.particulars = r#"{"city":null}"#.to_owned();
        first.settings.max_renewals = Some(3);
        first.settings.language = model::Language::Italian;
        first.webhook_url = None;
        first.webhook_secret = None;
        first.webhook_format = model::event::WebhookFormat::Event;
        first.videoid_enabled = false;
        first.external_unlock.clear();
        store::authorities::update(&mut tx, &first).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = fixture.store.read().await.unwrap();
        let all = store::authorities::list(&mut reader).await.unwrap();
        assert_eq!(all, [first, authority(2)]);
        drop(reader);

        let mut tx = fixture.store.begin().await.unwrap();
        let absent = store::authorities::update(&mut tx, &authority(9)).await;
        assert!(matches!(absent, Err(StoreError::Absent { what: "authority" })));
        let mut namesake = authority(3);
        namesake.name = authority(2).name;
        let refused = store::authorities::insert(&mut tx, &namesake).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "authority"));
    }

    async fn officers(fixture: Fixture) {
        populate(&fixture.store, &[]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        for id in [2, 3] {
            store::authorities::insert(&mut tx, &authority(id)).await.unwrap();
        }
        let mut second = officer(2, 1);
        second.authorities = vec![RaId(1), RaId(3)];
        store::officers::insert(&mut tx, &second).await.unwrap();
        assert!(store::officers::get(&mut tx, RaoId(2)).await.unwrap() == Some(second.clone()));
        let found = store::officers::by_username(&mut tx, "officer-2").await.unwrap();
        assert!(found == Some(second.clone()));
        assert!(store::officers::by_username(&mut tx, "OFFICER-2").await.unwrap().is_none());
        let all = store::officers::list(&mut tx, RaId(1)).await.unwrap();
        assert!(all == [officer(1, 1), second.clone()]);
        assert!(store::officers::list(&mut tx, RaId(2)).await.unwrap().is_empty());

        second.ra = RaId(2);
        second.authorities = vec![RaId(2), RaId(3)];
        second.username = "renamed".to_owned();
        second.surname_2 = Some("Ωμέγα".to_owned());
        second.identity = "PASES-ZZZ000000".to_owned();
        second.document_number = Some("ZZZ000000".to_owned());
        second.document_description = Some("passport".to_owned());
        second.document_issuer = Some("ES".to_owned());
        second.email = Some("officer@example.test".to_owned());
        second.is_identificator = true;
        second.certificate = vec![0x30, 1, 0];
        second.serial = Some("ab01".to_owned());
        store::officers::update(&mut tx, &second).await.unwrap();
        assert!(store::officers::get(&mut tx, RaoId(2)).await.unwrap() == Some(second.clone()));
        let untouched = store::officers::get(&mut tx, RaoId(1)).await.unwrap();
        assert!(untouched == Some(officer(1, 1)));
        second.authorities.clear();
        store::officers::update(&mut tx, &second).await.unwrap();
        assert!(store::officers::get(&mut tx, RaoId(2)).await.unwrap() == Some(second));
        let absent = store::officers::update(&mut tx, &officer(9, 1)).await;
        assert!(matches!(absent, Err(StoreError::Absent { what: "officer" })));
        tx.commit().await.unwrap();

        let mut tx = fixture.store.begin().await.unwrap();
        let mut namesake = officer(3, 1);
        namesake.username = "officer-1".to_owned();
        let refused = store::officers::insert(&mut tx, &namesake).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "officer"));
        drop(tx);
        let mut tx = fixture.store.begin().await.unwrap();
        let homeless = store::officers::insert(&mut tx, &officer(4, 77)).await;
        assert!(matches!(homeless, Err(StoreError::Refused(_))), "its authority does not exist");
    }

    async fn images(fixture: Fixture) {
        let image = |n: u8| SealedImage {
            image: Image {
                // Descending, so that the order of insertion is not that of the names.
                uid: ImageUid(uuid::Uuid::from_u128(u128::from(100 - n))),
                file_name: format!("logo-{n}.png"),
                width: 300 + i64::from(n),
                height: 100,
                uploaded_at: at(i64::from(n)),
            },
            sealed: vec![n; 50],
        };
        let mut tx = fixture.store.begin().await.unwrap();
        for n in [1, 2, 3] {
            store::images::insert(&mut tx, &image(n)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut tx = fixture.store.begin().await.unwrap();
        let uid = |n: u8| image(n).image.uid;
        assert_eq!(store::images::get(&mut tx, uid(2)).await.unwrap(), Some(image(2)));
        assert_eq!(store::images::get(&mut tx, uid(9)).await.unwrap(), None);
        let listed = store::images::list(&mut tx).await.unwrap();
        assert_eq!(listed, [1, 2, 3].map(|n| image(n).image));
        assert!(store::images::delete(&mut tx, uid(2)).await.unwrap());
        assert!(!store::images::delete(&mut tx, uid(2)).await.unwrap());
        assert_eq!(store::images::delete_all(&mut tx).await.unwrap(), 2);
        assert_eq!(store::images::list(&mut tx).await.unwrap(), []);
    }

    async fn metadata(fixture: Fixture) {
        let metadata = |n: u8| Metadata {
            uid: MetadataUid(uuid::Uuid::from_u128(u128::from(100 - n))),
            oid: format!("1.3.6.1.4.1.32473.2.{n}"),
            sealed: vec![n; 50],
            stored_at: at(i64::from(n)),
        };
        let mut tx = fixture.store.begin().await.unwrap();
        for n in [1, 2, 3] {
            store::metadata::insert(&mut tx, &metadata(n)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut tx = fixture.store.begin().await.unwrap();
        let uid = |n: u8| metadata(n).uid;
        assert_eq!(store::metadata::get(&mut tx, uid(2)).await.unwrap(), Some(metadata(2)));
        assert_eq!(store::metadata::get(&mut tx, uid(9)).await.unwrap(), None);
        assert_eq!(store::metadata::list(&mut tx).await.unwrap(), [1, 2, 3].map(metadata));
        assert!(store::metadata::delete(&mut tx, uid(2)).await.unwrap());
        assert!(!store::metadata::delete(&mut tx, uid(2)).await.unwrap());
        assert_eq!(store::metadata::delete_all(&mut tx).await.unwrap(), 2);
        assert_eq!(store::metadata::list(&mut tx).await.unwrap(), []);
    }

    async fn tokens(fixture: Fixture) {
        let token = |n: u8| Token {
            // Descending, so that the order of insertion is not that of the names.
            uid: TokenUid(uuid::Uuid::from_u128(u128::from(100 - n))),
            username: "officer-1".to_owned(),
            has_password: n != 3,
            has_pin: true,
            environment: Environment::Prod,
            sealed: vec![n; 50],
            fingerprint: vec![n; 32],
            deletable: n != 1,
            created_at: at(0),
        };
        let mut tx = fixture.store.begin().await.unwrap();
        for n in [1, 2, 3] {
            store::tokens::insert(&mut tx, &token(n)).await.unwrap();
        }
        tx.commit().await.unwrap();

        let mut tx = fixture.store.begin().await.unwrap();
        let twin = Token { uid: TokenUid(uuid::Uuid::nil()), ..token(2) };
        let refused = store::tokens::insert(&mut tx, &twin).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "token"));
        drop(tx);

        let mut tx = fixture.store.begin().await.unwrap();
        assert!(store::tokens::get(&mut tx, token(1).uid).await.unwrap() == Some(token(1)));
        assert!(store::tokens::delete(&mut tx, token(2).uid).await.unwrap());
        assert!(!store::tokens::delete(&mut tx, token(2).uid).await.unwrap());
        assert!(store::tokens::list(&mut tx).await.unwrap() == [token(1), token(3)]);
        // Its fingerprint is free again.
        store::tokens::insert(&mut tx, &twin).await.unwrap();
        assert!(store::tokens::list(&mut tx).await.unwrap() == [token(1), token(3), twin]);
    }

    async fn settings(fixture: Fixture) {
        let mut tx = fixture.store.begin().await.unwrap();
        assert_eq!(store::settings::get(&mut tx).await.unwrap(), None);
        for json in [r#"{"a":1}"#, r#"{"β":"2"}"#] {
            store::settings::put(&mut tx, json).await.unwrap();
            assert_eq!(store::settings::get(&mut tx).await.unwrap().as_deref(), Some(json));
        }
    }

    async fn requests(fixture: Fixture) {
        populate(&fixture.store, &[]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        store::authorities::insert(&mut tx, &authority(2)).await.unwrap();
        for id in [1, 2] {
            store::users::insert(&mut tx, &user(id)).await.unwrap();
        }
        let mut first = request(1001, 1002);
        first.workflow = Workflow::Classic;
        // Numbers that cross: 1002 is one request's VideoID and, wrongly, another's own.
        let second = request(1002, 1003);
        store::requests::insert(&mut tx, &first).await.unwrap();
        store::requests::insert(&mut tx, &second).await.unwrap();
        let resolved = async |tx: &mut store::Tx, number| {
            store::requests::resolve(tx, number).await.unwrap().map(|request| request.pk.0)
        };
        assert_eq!(resolved(&mut tx, 1001).await, Some(1001));
        assert_eq!(resolved(&mut tx, 1002).await, Some(1001));
        assert_eq!(resolved(&mut tx, 1003).await, Some(1002));
        assert_eq!(resolved(&mut tx, 1004).await, None);
        let named = store::requests::by_video_identifier(&mut tx, &second.video_identifier).await;
        assert!(named.unwrap() == Some(second.clone()));

        let card = store::requests::by_scratchcard(&mut tx, &second.scratchcard).await;
        assert!(card.unwrap() == Some(second.clone()));
        assert!(store::requests::by_scratchcard(&mut tx, "77").await.unwrap().is_none());

        first.scratchcard = "5000001".to_owned();
        first.ra = RaId(2);
        first.secure_element = SecureElement::SmartCard;
        first.validity_days = Some(730);
        first.paperless = true;
        first.language = Some(Language::Spanish);
        first.identification_officer = Some(RaoId(1));
        first.validation_officer = Some(RaoId(1));
        first.registering_user = Some(UserId(1));
        first.approving_user = Some(UserId(2));
        first.approved_at = Some(at(40));
        first.renewal_enabled = true;
        first.renewals = 2;
        first.status = Status::EnrollReady;
        first.profile = "other".to_owned();
        first.environment = Environment::Prod;
        first.webhook_url = Some("http://127.0.0.1:1/".to_owned());
        first.webhook_format = Some(model::event::WebhookFormat::Event);
        first.data_key = Vec::new();
        first.subject = Vec::new();
        first.billing_username = Some("biller".to_owned());
        first.refuse_reason = Some(vec![3]);
        first.officer = Some(RaoId(1));
        first.external_unlock = Some(vec![4]);
        first.updated_at = at(50);
        store::requests::update(&mut tx, &first).await.unwrap();
        assert!(store::requests::lock(&mut tx, first.pk).await.unwrap() == Some(first.clone()));
        tx.commit().await.unwrap();

        let mut reader = fixture.store.read().await.unwrap();
        assert!(store::requests::get(&mut reader, first.pk).await.unwrap() == Some(first));
        assert!(store::requests::get(&mut reader, second.pk).await.unwrap() == Some(second));
        drop(reader);

        let mut tx = fixture.store.begin().await.unwrap();
        let mut clash = request(2000, 2001);
        clash.videoid_pk = VideoIdPk(1002);
        let refused = store::requests::insert(&mut tx, &clash).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "request"));
    }

    async fn evidence(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let image = |kind, blob: &str| EvidenceImage {
            kind,
            number: (blob != "a").then_some(401),
            blob: blob.to_owned(),
            sha256: [7; 32],
            size: 123_456,
            media_type: "image/png".to_owned(),
            width: 1200,
            height: 800,
        };
        let video = |blob: &str, duration_ms| EvidenceVideo {
            blob: blob.to_owned(),
            sha256: [8; 32],
            size: 5_000_000_000,
            media_type: "video/mp4".to_owned(),
            width: 1280,
            height: 720,
            duration_ms,
            codec: "avc1".to_owned(),
            received_at: at(9),
        };
        let mut tx = fixture.store.begin().await.unwrap();
        assert_eq!(store::evidence::claims(&mut tx, PK).await.unwrap(), None);
        for sealed in [&b"one"[..], b"two"] {
            store::evidence::put_claims(&mut tx, PK, sealed).await.unwrap();
            assert_eq!(store::evidence::claims(&mut tx, PK).await.unwrap().unwrap(), sealed);
        }

        let mut replaced = Vec::new();
        for (kind, blob) in [
            (ImageKind::DocumentOwner, "a"),
            (ImageKind::DocumentFront, "b"),
            (ImageKind::DocumentOwner, "c"),
        ] {
            let put = store::evidence::put_image(&mut tx, PK, &image(kind, blob)).await.unwrap();
            replaced.push(put);
        }
        assert_eq!(replaced, [None, None, Some("a".to_owned())]);
        assert_eq!(
            store::evidence::images(&mut tx, PK).await.unwrap(),
            [image(ImageKind::DocumentFront, "b"), image(ImageKind::DocumentOwner, "c")]
        );

        assert_eq!(store::evidence::video(&mut tx, PK).await.unwrap(), None);
        for (new, old) in [(video("v", None), None), (video("w", Some(61_000)), Some("v"))] {
            let replaced = store::evidence::put_video(&mut tx, PK, &new).await.unwrap();
            assert_eq!(replaced.as_deref(), old);
            assert_eq!(store::evidence::video(&mut tx, PK).await.unwrap(), Some(new));
        }
        assert!(store::evidence::images(&mut tx, RequestPk(1003)).await.unwrap().is_empty());
    }

    async fn documents(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let document = |request, n: u128| Document {
            uid: DocumentUid(uuid::Uuid::from_u128(100 - n)),
            request,
            position: n as i64,
            field_name: "file".to_owned(),
            file_name: format!("договор {n}.pdf"),
            original: Some(file(&format!("original-{n}"))),
            signed: None,
            uploaded_at: at(3),
            kind: DocumentKind::Pdf,
            good_until: None,
        };
        let other = RequestPk(1003);
        let mut tx = fixture.store.begin().await.unwrap();
        for n in [2, 0, 1] {
            store::documents::insert(&mut tx, &document(PK, n)).await.unwrap();
        }
        store::documents::insert(&mut tx, &document(other, 50)).await.unwrap();
        assert_eq!(
            store::documents::list(&mut tx, PK).await.unwrap(),
            [document(PK, 0), document(PK, 1), document(PK, 2)]
        );
        assert_eq!(store::documents::count(&mut tx, PK).await.unwrap(), 3);

        let uid = document(PK, 1).uid;
        let got = store::documents::get(&mut tx, PK, uid).await.unwrap();
        assert_eq!(got, Some(document(PK, 1)));
        assert_eq!(store::documents::get(&mut tx, other, uid).await.unwrap(), None);

        let signed = Document { signed: Some(file("signed-1")), ..document(PK, 1) };
        store::documents::update(&mut tx, &signed).await.unwrap();
        let got = store::documents::get(&mut tx, PK, uid).await.unwrap();
        assert_eq!(got, Some(signed.clone()));
        let only_signed = Document { original: None, ..signed };
        store::documents::update(&mut tx, &only_signed).await.unwrap();
        let got = store::documents::get(&mut tx, PK, uid).await.unwrap();
        assert_eq!(got, Some(only_signed));

        assert!(!store::documents::remove(&mut tx, other, uid).await.unwrap());
        let first = document(PK, 0).uid;
        assert!(store::documents::remove(&mut tx, PK, first).await.unwrap());
        assert!(!store::documents::remove(&mut tx, PK, first).await.unwrap());
        let mut removed = store::documents::remove_all(&mut tx, PK).await.unwrap();
        removed.sort();
        assert_eq!(removed, ["original-2", "signed-1"]);
        assert!(store::documents::remove_all(&mut tx, PK).await.unwrap().is_empty());
        assert_eq!(store::documents::count(&mut tx, other).await.unwrap(), 1);
        let gone = store::documents::update(&mut tx, &document(PK, 0)).await;
        assert!(matches!(gone, Err(StoreError::Absent { .. })));
    }

    async fn papers(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let paper = |kind, signed: Option<StoredFile>| Paper {
            kind,
            number: signed.is_some().then_some(402),
            unsigned: file("u"),
            approved: file("a"),
            good_until: signed.is_some().then_some(at(1000)),
            signed,
        };
        let mut tx = fixture.store.begin().await.unwrap();
        let contract = paper(PaperKind::Contract, None);
        let declaration = paper(PaperKind::Declaration, None);
        for paper in [&contract, &declaration] {
            store::papers::put(&mut tx, PK, paper).await.unwrap();
        }
        let signed = paper(PaperKind::Contract, Some(file("s")));
        store::papers::put(&mut tx, PK, &signed).await.unwrap();
        let get = async |tx: &mut store::Tx, kind| store::papers::get(tx, PK, kind).await.unwrap();
        assert_eq!(get(&mut tx, PaperKind::Contract).await, Some(signed));
        assert_eq!(get(&mut tx, PaperKind::Declaration).await, Some(declaration));
        let none = store::papers::get(&mut tx, RequestPk(5), PaperKind::Contract).await.unwrap();
        assert_eq!(none, None);
    }

    async fn codes(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let state = |binding| OtpState {
            created_at: at(0),
            expires_at: at(600),
            attempts_left: 5,
            failures: 2,
            consumed: false,
            binding,
        };
        let mut tx = fixture.store.begin().await.unwrap();
        for purpose in Purpose::ALL {
            assert!(store::otps::get(&mut tx, PK, purpose).await.unwrap().is_none());
        }
        let first = Otp { salt: [1; 16], digest: [2; 32], state: state(None) };
        let second = Otp { salt: [3; 16], digest: [4; 32], state: state(Some([5; 32])) };
        for otp in [&first, &second] {
            for purpose in Purpose::ALL {
                store::otps::put(&mut tx, PK, purpose, otp).await.unwrap();
                let got = store::otps::get(&mut tx, PK, purpose).await.unwrap();
                assert!(got.as_ref() == Some(otp));
            }
        }
        let used = OtpState { attempts_left: 4, failures: 3, consumed: true, ..second.state.clone() };
        store::otps::update(&mut tx, PK, Purpose::Enrol, &used).await.unwrap();
        let expected = Otp { state: used, ..second.clone() };
        let got = store::otps::get(&mut tx, PK, Purpose::Enrol).await.unwrap();
        assert!(got == Some(expected));
        let other = store::otps::get(&mut tx, PK, Purpose::Sign).await.unwrap();
        assert!(other == Some(second), "the codes of other purposes are untouched");
    }

    async fn certificates(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let recorded = |serial: &str, seconds| Certificate {
            serial: serial.to_owned(),
            number: 500 + seconds,
            request: Some(PK),
            renewal: seconds == 2,
            issuer: "0a".to_owned(),
            shard: (seconds > 1).then_some(seconds),
            state: CertificateState::Recorded,
            tbs: vec![0x30; 300],
            der: None,
            sealed_key: Some(vec![6; 150]),
            not_before: at(0),
            not_after: at(86_400),
            recorded_at: at(seconds),
            revoked_at: None,
            reason: None,
        };
        let mut tx = fixture.store.begin().await.unwrap();
        let (old, new) = (recorded("ab01", 1), recorded("12", 2));
        let officers = Certificate { request: None, not_after: at(5), ..recorded("ff", 3) };
        for certificate in [&old, &new, &officers] {
            store::certificates::insert(&mut tx, certificate).await.unwrap();
        }
        assert!(store::certificates::of_request(&mut tx, PK).await.unwrap() == [new, old.clone()]);
        assert!(store::certificates::get(&mut tx, "ff").await.unwrap() == Some(officers));

        store::certificates::mark_signed(&mut tx, "ab01", b"der").await.unwrap();
        let mut expected = Certificate {
            state: CertificateState::Valid,
            tbs: Vec::new(),
            der: Some(b"der".to_vec()),
            sealed_key: None,
            ..old
        };
        let got = store::certificates::get(&mut tx, "ab01").await.unwrap();
        assert!(got == Some(expected.clone()));
        let twice = store::certificates::mark_signed(&mut tx, "ab01", b"other").await;
        assert!(matches!(twice, Err(StoreError::Absent { what: "certificate" })));

        let set = async |tx: &mut store::Tx, serial: &str, state, at, reason| {
            store::certificates::set_state(tx, serial, state, at, reason).await.unwrap()
        };
        let hold = Some(RevocationReason::CertificateHold);
        assert!(set(&mut tx, "ab01", CertificateState::Suspended, Some(at(7)), hold).await);
        expected.state = CertificateState::Suspended;
        expected.revoked_at = Some(at(7));
        expected.reason = hold;
        let got = store::certificates::get(&mut tx, "ab01").await.unwrap();
        assert!(got == Some(expected.clone()));
        assert!(!set(&mut tx, "ab01", CertificateState::Suspended, Some(at(8)), None).await);
        assert!(!set(&mut tx, "ab01", CertificateState::Recorded, None, None).await);
        assert!(set(&mut tx, "ab01", CertificateState::Valid, None, None).await);
        expected.state = CertificateState::Valid;
        expected.revoked_at = None;
        expected.reason = None;
        let got = store::certificates::get(&mut tx, "ab01").await.unwrap();
        assert!(got == Some(expected.clone()));

        for (serial, state) in [
            ("12", CertificateState::Valid),
            ("12", CertificateState::Suspended),
            ("77", CertificateState::Revoked),
        ] {
            assert!(!set(&mut tx, serial, state, None, None).await, "{serial} {state:?}");
        }
        let reason = Some(RevocationReason::KeyCompromise);
        assert!(set(&mut tx, "ab01", CertificateState::Revoked, Some(at(9)), reason).await);
        for state in [
            CertificateState::Recorded,
            CertificateState::Valid,
            CertificateState::Suspended,
            CertificateState::Revoked,
        ] {
            assert!(!set(&mut tx, "ab01", state, Some(at(10)), None).await, "{state:?}");
        }
        expected.state = CertificateState::Revoked;
        expected.revoked_at = Some(at(9));
        expected.reason = reason;
        assert!(store::certificates::get(&mut tx, "ab01").await.unwrap() == Some(expected));

        assert!(set(&mut tx, "12", CertificateState::Revoked, Some(at(8)), None).await);
        let key = store::certificates::get(&mut tx, "12").await.unwrap().unwrap().sealed_key;
        assert_eq!(key, None, "a key that signs nothing any more is erased");
        assert!(set(&mut tx, "ff", CertificateState::Revoked, Some(at(8)), None).await);
        let revoked = |serial: &str, since, reason| {
            (serial.to_owned(), CertificateState::Revoked, since, reason)
        };
        let late = [revoked("12", at(8), None), revoked("ab01", at(9), reason)];
        let not_good = async |tx: &mut store::Tx, issuer, shard, after| {
            store::certificates::not_good(tx, issuer, shard, after).await.unwrap()
        };
        let rest = not_good(&mut tx, "0a", None, at(6)).await;
        assert_eq!(rest, late, "the officer's has run out");
        assert_eq!(not_good(&mut tx, "0a", None, at(5)).await.len(), 3);
        assert_eq!(not_good(&mut tx, "0a", Some(2), at(5)).await, late[..1]);
        assert_eq!(not_good(&mut tx, "0b", None, at(5)).await, []);

        let latest = store::certificates::latest_revision(&mut tx).await.unwrap();
        let changes = store::certificates::changes(&mut tx, 0, latest).await.unwrap();
        let serials: Vec<_> = changes.iter().map(|change| change.serial.as_str()).collect();
        assert_eq!(serials, ["ab01", "12", "ff"], "each once, in the order of the last change");
        assert_eq!((changes[1].issuer.as_str(), changes[1].shard), ("0a", Some(2)));
        let after = store::certificates::changes(&mut tx, latest, latest + 1).await.unwrap();
        assert_eq!(after, []);
        assert_eq!(store::certificates::adopt(&mut tx, "0c").await.unwrap(), 0);
        tx.commit().await.unwrap();

        let mut tx = fixture.store.begin().await.unwrap();
        let again = store::certificates::insert(&mut tx, &recorded("12", 5)).await;
        assert!(matches!(again, Err(StoreError::Duplicate { what }) if what == "certificate"));
    }

    async fn blobs_in_use(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let blobs = [
            "image", "video", "original", "signed", "unsigned", "approved", "final", "attachment",
        ];
        let mut tx = fixture.store.begin().await.unwrap();
        let image = EvidenceImage {
            kind: ImageKind::DocumentRear,
            number: None,
            blob: "image".to_owned(),
            sha256: [0; 32],
            size: 1,
            media_type: "image/jpeg".to_owned(),
            width: 1,
            height: 1,
        };
        store::evidence::put_image(&mut tx, PK, &image).await.unwrap();
        let video = EvidenceVideo {
            blob: "video".to_owned(),
            sha256: [0; 32],
            size: 1,
            media_type: "video/webm".to_owned(),
            width: 1,
            height: 1,
            duration_ms: None,
            codec: "vp8".to_owned(),
            received_at: at(0),
        };
        store::evidence::put_video(&mut tx, PK, &video).await.unwrap();
        let document = Document {
            uid: DocumentUid(uuid::Uuid::nil()),
            request: PK,
            position: 0,
            field_name: String::new(),
            file_name: String::new(),
            original: Some(file("original")),
            signed: Some(file("signed")),
            uploaded_at: at(0),
            kind: DocumentKind::Pdf,
            good_until: None,
        };
        store::documents::insert(&mut tx, &document).await.unwrap();
        let paper = Paper {
            kind: PaperKind::Contract,
            number: None,
            unsigned: file("unsigned"),
            approved: file("approved"),
            signed: Some(file("final")),
            good_until: None,
        };
        store::papers::put(&mut tx, PK, &paper).await.unwrap();
        let attachment = store::Attachment {
            number: 401,
            request: PK,
            kind: store::AttachmentKind::ExtraDocument,
            label: None,
            file: file("attachment"),
            media_type: "application/pdf".to_owned(),
            uploaded_at: at(0),
        };
        store::attachments::insert(&mut tx, &attachment).await.unwrap();

        let mut asked: Vec<_> = blobs.map(str::to_owned).into();
        asked.extend(["unknown".to_owned(), String::new()]);
        let used = store::blobs_in_use(&mut tx, &asked).await.unwrap();
        assert_eq!(used, blobs.map(str::to_owned).into());
        store::documents::remove_all(&mut tx, PK).await.unwrap();
        let used = store::blobs_in_use(&mut tx, &asked).await.unwrap();
        assert_eq!(used.len(), 6);
    }

    /// Times are kept in milliseconds; what is finer is cut off, before 1970 too.
    async fn times(fixture: Fixture) {
        let mut tx = fixture.store.begin().await.unwrap();
        for (id, at) in [(1, at(0)), (2, time::OffsetDateTime::UNIX_EPOCH - Duration::days(9))] {
            let mut authority = authority(id);
            authority.created_at = at + Duration::nanoseconds(999_999);
            store::authorities::insert(&mut tx, &authority).await.unwrap();
            let got = store::authorities::get(&mut tx, RaId(id)).await.unwrap().unwrap();
            assert_eq!(got.created_at, at);
        }
    }

    async fn damaged_values_are_reported_by_column(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        fixture.tamper("UPDATE request SET status = 'NEVERHEARD'").await.unwrap();
        let mut reader = fixture.store.read().await.unwrap();
        let got = store::requests::get(&mut reader, PK).await;
        let Err(StoreError::Corrupt { what }) = got else { panic!("it was read") };
        assert_eq!(what, "column status");
    }

    async fn a_dropped_transaction_never_was(fixture: Fixture) {
        populate(&fixture.store, &[]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        insert_request(&mut tx, 1001).await;
        assert!(store::requests::get(&mut tx, PK).await.unwrap().is_some());
        drop(tx);
        let mut reader = fixture.store.read().await.unwrap();
        assert!(store::requests::get(&mut reader, PK).await.unwrap().is_none());
    }

    async fn a_reader_sees_one_moment(fixture: Fixture) {
        populate(&fixture.store, &[]).await;
        let mut reader = fixture.store.read().await.unwrap();
        assert!(store::requests::get(&mut reader, PK).await.unwrap().is_none());
        let mut tx = fixture.store.begin().await.unwrap();
        insert_request(&mut tx, 1001).await;
        tx.commit().await.unwrap();
        assert!(store::requests::get(&mut reader, PK).await.unwrap().is_none());
        drop(reader);
        let mut reader = fixture.store.read().await.unwrap();
        assert!(store::requests::get(&mut reader, PK).await.unwrap().is_some());
    }
}
