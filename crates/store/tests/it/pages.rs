//! Long lists, part by part, and never what the caller may not see.

use model::{RaId, RaoId, RequestPk, Status, Workflow};
use store::{OfficerFilter, RegistrationAuthority, Request, RequestFilter, Store};

use crate::{at, authority, officer, on_both, populate, request, scratchcard, user};

const EMAIL: &str = "email";
const DOCUMENT: &str = "serial_number";

/// Authorities 1 with 2 and 3 below it, 4 below 3, and 5 apart.
async fn tree(store: &Store) {
    populate(store, &[]).await;
    let mut tx = store.begin().await.unwrap();
    for (id, parent) in [(2, Some(1)), (3, Some(1)), (4, Some(3)), (5, None)] {
        let branch = RegistrationAuthority {
            parent: parent.map(RaId),
            ..authority(id)
        };
        store::authorities::insert(&mut tx, &branch).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn ids(numbers: &[i64]) -> Vec<RaId> {
    numbers.iter().copied().map(RaId).collect()
}

/// Registrations 1001 to 1007 of authorities 2 and 3, in turn, and one-time requests.
async fn registrations(store: &Store) {
    tree(store).await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..7 {
        let registration = Request {
            ra: RaId(2 + n % 2),
            workflow: if n < 3 {
                Workflow::Classic
            } else {
                Workflow::VideoId
            },
            status: if n == 6 {
                Status::Cancelled
            } else {
                Status::Created
            },
            profile: if n == 4 { "special" } else { "natural" }.to_owned(),
            ..request(1001 + n, 2001 + n)
        };
        store::requests::insert(&mut tx, &registration)
            .await
            .unwrap();
    }
    let one_time = Request {
        ra: RaId(2),
        ..request(1008, 2008)
    };
    store::requests::insert(&mut tx, &one_time).await.unwrap();
    let one_time_classic = Request {
        ra: RaId(2),
        workflow: Workflow::OneShotClassic,
        asynchronous: true,
        ..request(1009, 2009)
    };
    store::requests::insert(&mut tx, &one_time_classic)
        .await
        .unwrap();
    for (pk, email, document) in [
        (1001, 1, 1),
        (1002, 1, 2),
        (1003, 1, 1),
        (1005, 2, 3),
        (1007, 1, 4),
    ] {
        let digests = [(EMAIL, vec![email; 32]), (DOCUMENT, vec![document; 32])];
        store::subject_index::put(&mut tx, RequestPk(pk), &digests)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

on_both! {
    async fn a_branch_of_authorities_is_itself_and_all_below(fixture: Fixture) {
        tree(&fixture.store).await;
        let mut reader = fixture.store.read().await.unwrap();
        for (id, branch) in [
            (1, &[1, 2, 3, 4][..]),
            (2, &[2]),
            (3, &[3, 4]),
            (5, &[5]),
            (9, &[]),
        ] {
            let found = store::authorities::descendants(&mut reader, RaId(id)).await.unwrap();
            assert_eq!(found, ids(branch), "{id}");
        }
    }

    async fn a_ring_of_authorities_ends(fixture: Fixture) {
        tree(&fixture.store).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let ring = RegistrationAuthority { parent: Some(RaId(4)), ..authority(1) };
        store::authorities::update(&mut tx, &ring).await.unwrap();
        let found = store::authorities::descendants(&mut tx, RaId(3)).await.unwrap();
        assert_eq!(found, ids(&[1, 2, 3, 4]));
    }

    async fn authorities(fixture: Fixture) {
        tree(&fixture.store).await;
        let mut reader = fixture.store.read().await.unwrap();
        for (within, offset, limit, expected) in [
            (&[4, 1, 3][..], 0, 2, (3, &[1, 3][..])),
            (&[4, 1, 3], 2, 2, (3, &[4])),
            (&[4, 1, 3], 3, 2, (3, &[])),
            (&[], 0, 9, (0, &[])),
            (&[9], 0, 9, (0, &[])),
        ] {
            let page = store::authorities::page(&mut reader, &ids(within), offset, limit).await;
            let (total, found) = page.unwrap();
            let found: Vec<_> = found.into_iter().map(|authority| authority.id.0).collect();
            assert_eq!((total, found.as_slice()), expected, "{within:?} {offset}");
        }
    }

    async fn users_and_scratchcards(fixture: Fixture) {
        tree(&fixture.store).await;
        let mut tx = fixture.store.begin().await.unwrap();
        for n in 1..=4 {
            let mut user = user(n);
            user.ra = RaId(1 + n % 2);
            store::users::insert(&mut tx, &user).await.unwrap();
            let mut card = scratchcard(300 + n, &(100 - n).to_string());
            card.ra = RaId(1 + n % 2);
            store::scratchcards::insert(&mut tx, &card).await.unwrap();
        }
        let (total, users) = store::users::page(&mut tx, &ids(&[1, 5]), 1, 9).await.unwrap();
        let users: Vec<_> = users.into_iter().map(|user| user.id.0).collect();
        assert_eq!((total, users.as_slice()), (2, &[4][..]));

        for (within, ra, sn, offset, expected) in [
            (&[1, 2][..], None, None, 0, (4, &[301, 302][..])),
            (&[1, 2], None, None, 3, (4, &[304])),
            (&[1, 2], Some(2), None, 0, (2, &[301, 303])),
            (&[1, 2], None, Some("98"), 0, (1, &[302])),
            (&[1, 2], Some(2), Some("98"), 0, (0, &[])),
            (&[2], Some(1), None, 0, (0, &[])),
            (&[], None, None, 0, (0, &[])),
        ] {
            let within = ids(within);
            let (total, cards) =
                store::scratchcards::page(&mut tx, &within, ra.map(RaId), sn, offset, 2)
                    .await
                    .unwrap();
            let cards: Vec<_> = cards.into_iter().map(|card| card.pk).collect();
            assert_eq!((total, cards.as_slice()), expected, "{ra:?} {sn:?} {offset}");
        }
    }

    async fn officers(fixture: Fixture) {
        tree(&fixture.store).await;
        let mut tx = fixture.store.begin().await.unwrap();
        for id in 2..=4 {
            let mut officer = officer(id, 2);
            officer.authorities = ids(&[2, id]);
            officer.given_name = format!("Given {id}");
            officer.surname_1 = format!("First {}", id % 2);
            officer.surname_2 = Some(format!("Second {id}"));
            officer.certificate = vec![id as u8];
            store::officers::insert(&mut tx, &officer).await.unwrap();
        }
        let text = |text: &str| Some(text.to_owned());
        let all = OfficerFilter::default;
        for (filter, within, expected) in [
            (all(), &[1, 2, 3, 4, 5][..], &[1, 2, 3, 4][..]),
            (all(), &[1], &[1]),
            (all(), &[3, 4], &[3, 4]),
            (all(), &[], &[]),
            (OfficerFilter { given_name: text("Given 3"), ..all() }, &[2], &[3]),
            (OfficerFilter { surname_1: text("First 0"), ..all() }, &[2], &[2, 4]),
            (OfficerFilter { surname_2: text("Second 4"), ..all() }, &[2], &[4]),
            (OfficerFilter { certificate: Some(vec![3]), ..all() }, &[2], &[3]),
            (OfficerFilter { authority: Some(RaId(4)), ..all() }, &[2], &[4]),
            (OfficerFilter { authority: Some(RaId(1)), ..all() }, &[2], &[]),
            (OfficerFilter { master: Some(RaId(2)), ..all() }, &[1, 3], &[3]),
            (OfficerFilter { given_name: text("Given 3"), ..all() }, &[4], &[]),
        ] {
            let page = store::officers::page(&mut tx, &filter, &ids(within), 0, 9).await;
            let (total, found) = page.unwrap();
            let found: Vec<_> = found.into_iter().map(|officer| officer.id.0).collect();
            assert_eq!((total, found.as_slice()), (expected.len() as i64, expected), "{within:?}");
        }
        let page = store::officers::page(&mut tx, &all(), &ids(&[2]), 1, 1).await;
        let (total, found) = page.unwrap();
        assert_eq!((total, found.len(), found[0].id), (3, 1, RaoId(3)));
        assert_eq!(found[0].authorities, ids(&[2, 3]));
        // Who is seen in two authorities is passed over once.
        let page = store::officers::page(&mut tx, &all(), &ids(&[2, 3, 4]), 2, 9).await;
        let (total, found) = page.unwrap();
        assert_eq!((total, found.len(), found[0].id), (3, 1, RaoId(4)));
    }

    async fn requests(fixture: Fixture) {
        registrations(&fixture.store).await;
        let mut reader = fixture.store.read().await.unwrap();
        let both = || RequestFilter { within: ids(&[2, 3]), ..RequestFilter::default() };
        let indexed = |digests: &[(&str, u8)]| RequestFilter {
            indexed: digests
                .iter()
                .map(|(field, digest)| ((*field).to_owned(), vec![*digest; 32]))
                .collect(),
            ..both()
        };
        let card = |pk: i64| Some(request(pk, 0).scratchcard);
        for (n, (filter, expected)) in [
            (both(), &[1001, 1002, 1003, 1004, 1005, 1006, 1007][..]),
            (RequestFilter { within: ids(&[3]), ..both() }, &[1002, 1004, 1006]),
            (RequestFilter { within: Vec::new(), ..both() }, &[]),
            (RequestFilter { ra: Some(RaId(3)), ..both() }, &[1002, 1004, 1006]),
            (RequestFilter { ra: Some(RaId(3)), within: ids(&[2]), ..both() }, &[]),
            (RequestFilter { scratchcard: card(1004), ..both() }, &[1004]),
            (RequestFilter { scratchcard: card(1008), ..both() }, &[]),
            (RequestFilter { status: Some(Status::Cancelled), ..both() }, &[1007]),
            (RequestFilter { profile: Some("special".to_owned()), ..both() }, &[1005]),
            (RequestFilter { workflow: Some(Workflow::Classic), ..both() }, &[1001, 1002, 1003]),
            (RequestFilter { workflow: Some(Workflow::OneShot), ..both() }, &[]),
            (indexed(&[(EMAIL, 1)]), &[1001, 1002, 1003, 1007]),
            (indexed(&[(EMAIL, 1), (DOCUMENT, 1)]), &[1001, 1003]),
            (indexed(&[(EMAIL, 1), (EMAIL, 1)]), &[1001, 1002, 1003, 1007]),
            (indexed(&[(EMAIL, 1), (EMAIL, 2)]), &[]),
            (indexed(&[(EMAIL, 3)]), &[]),
            (indexed(&[("its \"name\"", 1)]), &[]),
            (RequestFilter { within: ids(&[3]), ..indexed(&[(EMAIL, 1)]) }, &[1002]),
        ]
        .into_iter()
        .enumerate()
        {
            let page = store::requests::page(&mut reader, &filter, 0, 9).await.unwrap();
            let found: Vec<_> = page.1.iter().map(|request| request.pk.0).collect();
            let expected = (expected.len() as i64, expected);
            assert_eq!((page.0, found.as_slice()), expected, "filter {n}");
        }
        let (total, found) = store::requests::page(&mut reader, &both(), 5, 1).await.unwrap();
        assert_eq!((total, found.len(), found[0].pk), (7, 1, RequestPk(1006)));
        assert_eq!(found[0].created_at, at(2));
    }

    async fn documents_that_share_an_address_are_counted_once(fixture: Fixture) {
        registrations(&fixture.store).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let sharing = async |tx: &mut store::Tx, email: u8, within: &[i64]| {
            let within = ids(within);
            store::subject_index::digests_sharing(tx, EMAIL, &[email; 32], DOCUMENT, &within)
                .await
                .unwrap()
        };
        // 1001 and 1003 are of one document, 1007 is cancelled, 1002 is authority 3's.
        assert_eq!(sharing(&mut tx, 1, &[2]).await, [[1; 32]]);
        assert_eq!(sharing(&mut tx, 1, &[2, 3]).await, [[1; 32], [2; 32]]);
        assert_eq!(sharing(&mut tx, 2, &[2, 3]).await, [[3; 32]]);
        assert!(sharing(&mut tx, 9, &[2, 3]).await.is_empty());
        assert!(sharing(&mut tx, 1, &[]).await.is_empty());

        store::subject_index::put(&mut tx, RequestPk(1002), &[(EMAIL, vec![1; 32])]).await.unwrap();
        assert_eq!(sharing(&mut tx, 1, &[2, 3]).await, [[1; 32]], "its document is not known now");
    }
}
