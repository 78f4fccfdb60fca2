//! What the registration authority API keeps: what goes in comes out.

use model::{RaId, RaoId, RequestPk, UserId};
use store::{
    ApiUser, Attachment, AttachmentKind, Credential, Enrolment, Scratchcard, StoreError, Tx,
};

use crate::{at, authority, file, on_both, populate, scratchcard, user};

const PK: RequestPk = RequestPk(1001);
const OTHER: RequestPk = RequestPk(1003);

pub(crate) fn credential(username: &str) -> Credential {
    Credential {
        username: username.to_owned(),
        request: Some(PK),
        serial: "ab01".to_owned(),
        password_hash: "$argon2id$".to_owned(),
        wrapped_key: vec![9; 40],
        recovery_key: None,
        under_master: false,
        failures: 0,
        pin_failures: 0,
        blocked_until: None,
        created_at: at(1),
    }
}

fn enrolment(request: RequestPk, token: u8) -> Enrolment {
    Enrolment {
        request,
        token_digest: [token; 32],
        token: vec![token; 60],
        created_at: at(1),
        expires_at: at(100),
        device: None,
        device_until: None,
        completed_at: None,
        pickup: None,
    }
}

async fn stock(tx: &mut Tx, sns: &[&str]) {
    for sn in sns {
        let pk = store::scratchcards::next_pk(tx).await.unwrap();
        store::scratchcards::insert(tx, &scratchcard(pk, sn))
            .await
            .unwrap();
    }
}

/// The serial numbers of an authority's unused cards, in the order in which they are used up.
async fn unused(tx: &mut Tx, ra: i64) -> Vec<String> {
    let (total, mut cards) = store::scratchcards::page(tx, &[RaId(ra)], None, None, 0, 100)
        .await
        .unwrap();
    assert_eq!(total, cards.len() as i64);
    cards.retain(|card| card.used_by.is_none());
    let count = store::scratchcards::count_unused(tx, RaId(ra)).await;
    assert_eq!(count.unwrap(), cards.len() as i64);
    cards.sort_by_key(|card| card.sn.parse::<u64>().unwrap());
    cards.into_iter().map(|card| card.sn).collect()
}

on_both! {
    async fn credentials(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let mut first = credential("first");
        let second = Credential { created_at: at(2), ..credential("second") };
        for credential in [&second, &first] {
            store::credentials::insert(&mut tx, credential).await.unwrap();
        }
        assert!(store::credentials::get(&mut tx, "first").await.unwrap() == Some(first.clone()));
        assert!(store::credentials::get(&mut tx, "FIRST").await.unwrap().is_none());
        let newest = store::credentials::of_request(&mut tx, PK).await.unwrap();
        assert!(newest == Some(second.clone()));
        let newest = store::credentials::of_serial(&mut tx, "ab01").await.unwrap();
        assert!(newest == Some(second.clone()));
        assert!(store::credentials::of_request(&mut tx, OTHER).await.unwrap().is_none());
        assert!(store::credentials::of_serial(&mut tx, "ab").await.unwrap().is_none());

        first.request = None;
        first.serial = "ff".to_owned();
        first.password_hash = "$argon2id$other".to_owned();
        first.wrapped_key = vec![8; 41];
        first.recovery_key = Some(vec![7; 42]);
        first.under_master = true;
        first.failures = 2;
        first.pin_failures = 3;
        first.blocked_until = Some(at(600));
        store::credentials::update(&mut tx, &first).await.unwrap();
        assert!(store::credentials::lock(&mut tx, "first").await.unwrap() == Some(first));
        assert!(store::credentials::lock(&mut tx, "second").await.unwrap() == Some(second));
        let absent = store::credentials::update(&mut tx, &credential("nobody")).await;
        assert!(matches!(absent, Err(StoreError::Absent { what: "credential" })));
        let twice = store::credentials::insert(&mut tx, &credential("first")).await;
        assert!(matches!(twice, Err(StoreError::Duplicate { what }) if what == "credential"));
    }

    async fn users(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        assert_eq!(store::users::next_id(&mut tx).await.unwrap(), 1);
        store::authorities::insert(&mut tx, &authority(2)).await.unwrap();
        let mut first = user(1);
        let second = ApiUser { serial: Some("12".to_owned()), ..user(2) };
        let third = ApiUser { ra: RaId(2), request: Some(PK), ..user(3) };
        for user in [&first, &second, &third] {
            store::users::insert(&mut tx, user).await.unwrap();
        }
        assert_eq!(store::users::next_id(&mut tx).await.unwrap(), 4);
        assert_eq!(store::users::get(&mut tx, UserId(1)).await.unwrap(), Some(first.clone()));
        assert_eq!(store::users::get(&mut tx, UserId(9)).await.unwrap(), None);
        assert_eq!(store::users::by_serial(&mut tx, "12").await.unwrap(), Some(second.clone()));
        assert_eq!(store::users::by_serial(&mut tx, "77").await.unwrap(), None);
        let found = store::users::by_request(&mut tx, PK).await.unwrap();
        assert_eq!(found, Some(third.clone()));
        let all = store::users::of_authority(&mut tx, RaId(1)).await.unwrap();
        assert_eq!(all, [first.clone(), second.clone()]);

        first.ra = RaId(2);
        first.permissions = 3;
        first.request = Some(PK);
        first.officer = Some(RaoId(1));
        first.serial = Some("13".to_owned());
        first.enabled = false;
        store::users::update(&mut tx, &first).await.unwrap();
        assert_eq!(store::users::get(&mut tx, UserId(1)).await.unwrap(), Some(first));
        let found = store::users::by_request(&mut tx, PK).await.unwrap();
        assert_eq!(found, Some(third), "the first is not enabled");
        let absent = store::users::update(&mut tx, &user(9)).await;
        assert!(matches!(absent, Err(StoreError::Absent { what: "api_user" })));
        let twin = ApiUser { id: UserId(4), ..second };
        let refused = store::users::insert(&mut tx, &twin).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "api_user"));
    }

    async fn attachments(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let attachment = |number: i64, kind: AttachmentKind| Attachment {
            number,
            request: PK,
            kind,
            label: (number == 403).then(|| "Паспорт".to_owned()),
            file: file(&format!("blob-{number}")),
            media_type: "image/png".to_owned(),
            uploaded_at: at(5),
        };
        let mut expected = Vec::new();
        for kind in AttachmentKind::ALL {
            let number = store::sequence::next_document(&mut tx).await.unwrap();
            expected.push(attachment(number, kind));
        }
        expected.push(attachment(500, AttachmentKind::ExtraDocument));
        for attachment in expected.iter().rev() {
            store::attachments::insert(&mut tx, attachment).await.unwrap();
        }
        assert_eq!(store::attachments::list(&mut tx, PK).await.unwrap(), expected);
        assert!(store::attachments::list(&mut tx, OTHER).await.unwrap().is_empty());
        let extra = AttachmentKind::ExtraDocument;
        let found = store::attachments::of_kind(&mut tx, PK, extra).await.unwrap();
        assert_eq!(found, [expected[3].clone(), expected[5].clone()]);
        let found = store::attachments::get(&mut tx, PK, 403).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected[2]));
        assert_eq!(store::attachments::get(&mut tx, OTHER, 403).await.unwrap(), None);

        assert_eq!(store::attachments::remove(&mut tx, OTHER, 403).await.unwrap(), None);
        let removed = store::attachments::remove(&mut tx, PK, 403).await.unwrap();
        assert_eq!(removed.as_deref(), Some("blob-403"));
        assert_eq!(store::attachments::remove(&mut tx, PK, 403).await.unwrap(), None);
        assert_eq!(store::attachments::list(&mut tx, PK).await.unwrap().len(), 5);
    }

    async fn enrolments(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        assert!(store::enrolments::get(&mut tx, PK).await.unwrap().is_none());
        let other = enrolment(OTHER, 9);
        for enrolment in [&enrolment(PK, 1), &enrolment(PK, 2), &other] {
            store::enrolments::put(&mut tx, enrolment).await.unwrap();
        }
        assert!(store::enrolments::get(&mut tx, PK).await.unwrap() == Some(enrolment(PK, 2)));
        assert!(store::enrolments::by_token(&mut tx, &[1; 32]).await.unwrap().is_none());
        let found = store::enrolments::by_token(&mut tx, &[2; 32]).await.unwrap();
        assert!(found == Some(enrolment(PK, 2)));

        let used = Enrolment {
            expires_at: at(200),
            device: Some([5; 32]),
            device_until: Some(at(20)),
            completed_at: Some(at(10)),
            pickup: Some(vec![3; 3000]),
            ..enrolment(PK, 2)
        };
        store::enrolments::update(&mut tx, &used).await.unwrap();
        assert!(store::enrolments::get(&mut tx, PK).await.unwrap() == Some(used));
        store::enrolments::put(&mut tx, &enrolment(PK, 3)).await.unwrap();
        assert!(store::enrolments::get(&mut tx, PK).await.unwrap() == Some(enrolment(PK, 3)));
        assert!(store::enrolments::get(&mut tx, OTHER).await.unwrap() == Some(other));
        let refused = store::enrolments::put(&mut tx, &enrolment(PK, 9)).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "enrolment"));
    }

    async fn files_go_with_their_links(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let waiting = |request, token, expires_at| Enrolment {
            expires_at,
            pickup: Some(vec![3; 3000]),
            ..enrolment(request, token)
        };
        let (late, other) = (waiting(PK, 1, at(100)), waiting(OTHER, 2, at(101)));
        for enrolment in [&late, &other] {
            store::enrolments::put(&mut tx, enrolment).await.unwrap();
        }
        for (now, dropped) in [(99, 0), (100, 1), (100, 0)] {
            let found = store::enrolments::drop_pickups(&mut tx, at(now)).await;
            assert_eq!(found.unwrap(), dropped, "at {now}");
        }
        let left = store::enrolments::get(&mut tx, PK).await.unwrap();
        assert!(left == Some(Enrolment { pickup: None, ..late }));
        assert!(store::enrolments::get(&mut tx, OTHER).await.unwrap() == Some(other));
    }

    async fn scratchcards(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        store::authorities::insert(&mut tx, &authority(2)).await.unwrap();
        let first = scratchcard(301, "5000001");
        store::scratchcards::insert(&mut tx, &first).await.unwrap();
        store::scratchcards::insert(&mut tx, &scratchcard(302, "77")).await.unwrap();
        assert!(store::scratchcards::get(&mut tx, 301).await.unwrap() == Some(first.clone()));
        let found = store::scratchcards::by_sn(&mut tx, "5000001").await.unwrap();
        assert!(found == Some(first));
        assert!(store::scratchcards::get(&mut tx, 303).await.unwrap().is_none());
        assert!(store::scratchcards::by_sn(&mut tx, "5").await.unwrap().is_none());

        // 4001001 is a request's own card, which was never in a stock.
        for (sn, expected) in [("77", true), ("4001001", true), ("78", false)] {
            let exists = store::scratchcards::exists(&mut tx, sn).await.unwrap();
            assert_eq!(exists, expected, "{sn}");
        }
        let changed = Scratchcard {
            sn: "5000009".to_owned(),
            ra: RaId(2),
            secrets: vec![1],
            ..scratchcard(301, "")
        };
        store::scratchcards::update(&mut tx, &changed).await.unwrap();
        assert!(store::scratchcards::get(&mut tx, 301).await.unwrap() == Some(changed));
        let absent = store::scratchcards::update(&mut tx, &scratchcard(9, "9")).await;
        assert!(matches!(absent, Err(StoreError::Absent { what: "scratchcard" })));
        let refused = store::scratchcards::insert(&mut tx, &scratchcard(303, "77")).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { what }) if what == "scratchcard"));
    }

    async fn the_lowest_card_of_the_stock_is_used_first_and_once(fixture: Fixture) {
        populate(&fixture.store, &[1001, 1003]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        store::authorities::insert(&mut tx, &authority(2)).await.unwrap();
        assert!(store::scratchcards::first_unused(&mut tx, RaId(1)).await.unwrap().is_none());
        stock(&mut tx, &["10", "9", "100"]).await;
        for (expected, ra, request, had) in [
            ("9", 2, PK, false),
            ("9", 1, PK, true),
            ("10", 1, OTHER, true),
        ] {
            let first = store::scratchcards::first_unused(&mut tx, RaId(1)).await.unwrap();
            assert_eq!(first.unwrap().sn, expected);
            let claim = store::scratchcards::claim(&mut tx, expected, RaId(ra), request).await;
            assert_eq!(claim.unwrap(), had, "{expected} of {ra}");
        }
        assert!(!store::scratchcards::claim(&mut tx, "9", RaId(1), OTHER).await.unwrap());
        let used = store::scratchcards::by_sn(&mut tx, "9").await.unwrap().unwrap();
        assert_eq!(used.used_by, Some(PK));
        let changed = store::scratchcards::update(&mut tx, &used).await;
        assert!(matches!(changed, Err(StoreError::Absent { .. })), "a used card stays as it is");
        assert_eq!(unused(&mut tx, 1).await, ["100"]);
        let nobody = store::scratchcards::claim(&mut tx, "100", RaId(1), RequestPk(77)).await;
        assert!(matches!(nobody, Err(StoreError::Refused(_))), "the request does not exist");
    }

    async fn a_number_of_unused_cards_moves(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        store::authorities::insert(&mut tx, &authority(2)).await.unwrap();
        stock(&mut tx, &["8", "100", "9", "10", "11"]).await;
        assert!(store::scratchcards::claim(&mut tx, "9", RaId(1), PK).await.unwrap());
        let moved = store::scratchcards::move_first(&mut tx, RaId(1), RaId(2), 2).await;
        assert_eq!(moved.unwrap(), 2);
        assert_eq!(unused(&mut tx, 1).await, ["11", "100"]);
        assert_eq!(unused(&mut tx, 2).await, ["8", "10"]);
        let moved = store::scratchcards::move_first(&mut tx, RaId(1), RaId(2), 9).await;
        assert_eq!(moved.unwrap(), 2);
        assert_eq!(unused(&mut tx, 2).await, ["8", "10", "11", "100"]);
    }

    async fn a_range_of_unused_cards_moves_by_number(fixture: Fixture) {
        populate(&fixture.store, &[1001]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        for id in [2, 3] {
            store::authorities::insert(&mut tx, &authority(id)).await.unwrap();
        }
        stock(&mut tx, &["8", "9", "10", "11", "99", "100", "101"]).await;
        assert!(store::scratchcards::claim(&mut tx, "11", RaId(1), PK).await.unwrap());
        let to_foreign = store::scratchcards::move_range(&mut tx, &[RaId(1)], "99", "99", RaId(3));
        assert_eq!(to_foreign.await.unwrap(), (1, 0));

        let own = [RaId(1), RaId(2)];
        let moved = store::scratchcards::move_range(&mut tx, &own, "9", "100", RaId(2)).await;
        assert_eq!(moved.unwrap(), (3, 1), "one is used; somebody else's is none of theirs");
        assert_eq!(unused(&mut tx, 1).await, ["8", "101"]);
        assert_eq!(unused(&mut tx, 2).await, ["9", "10", "100"]);
        assert_eq!(unused(&mut tx, 3).await, ["99"]);
        let nothing = store::scratchcards::move_range(&mut tx, &own, "100", "9", RaId(1)).await;
        assert_eq!(nothing.unwrap(), (0, 0));
    }
}
