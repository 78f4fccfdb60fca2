//! Lists: ten on a page, neighbours that keep the filters, each filter by itself and together.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Answer, Api, CLOUD, SOFTWARE, assert_members, text};
use crate::client::ANA;
use crate::harness::{Options, Sandbox};

/// A page, which must be there.
async fn page(api: &Api, path: &str) -> Value {
    let page = api.get(path).await.ok();
    assert_members(&page, &["count", "next", "previous", "results"]);
    page
}

/// The numbers on a page.
fn pks(page: &Value) -> Vec<i64> {
    let results = page["results"].as_array().expect("a list");
    results
        .iter()
        .map(|one| one["pk"].as_i64().unwrap())
        .collect()
}

/// Follows `next` to the end and back; answers every number on the way. The addresses are
/// absolute, and the pages full but for the last.
async fn walk(api: &Api, path: &str) -> Vec<i64> {
    let first = page(api, path).await;
    assert_eq!(first["previous"], Value::Null);
    let count = first["count"].as_u64().unwrap() as usize;
    let mut pages = vec![first];
    while let Some(next) = pages.last().and_then(|last| last["next"].as_str()) {
        let next = next.strip_prefix(&api.base).expect("an absolute address");
        pages.push(page(api, next).await);
    }
    let mut seen = Vec::new();
    for (n, one) in pages.iter().enumerate() {
        let left = count - seen.len();
        assert_eq!(pks(one).len(), left.min(10), "page {}", n + 1);
        assert_eq!(one["count"], count);
        seen.extend(pks(one));
        if n > 0 {
            let previous = text(&one["previous"]).strip_prefix(&api.base).unwrap();
            assert_eq!(
                &page(api, previous).await["results"],
                &pages[n - 1]["results"]
            );
        }
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((distinct.len(), seen.len()), (count, count), "{path}");
    seen
}

#[track_caller]
fn no_page(answer: &Answer) {
    let documented = json!({ "detail": "Invalid page." });
    answer.refused_with(404, "404", "Invalid page.", &documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_come_in_tens_and_the_neighbours_keep_the_filters() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let api = api.for_authority(ra);
    let mut made = Vec::new();
    for n in 0..12 {
        let email = if n < 10 {
            "ana+ten@example.org"
        } else {
            "two@example.org"
        };
        let request = api.create(json!({ "email": email })).await;
        made.push(request["pk"].as_i64().unwrap());
    }
    let all = format!("/requests/?registration_authority={ra}");
    for api in [api.clone(), api.clone().without_slash()] {
        let mut seen = walk(&api, &all).await;
        seen.sort_unstable();
        assert_eq!(seen, made);
    }
    let first = page(&api, &all).await;
    let base = &api.base;
    let next = format!("{base}/api/v1/requests/?registration_authority={ra}&page=2");
    assert_eq!(first["next"], next);
    let second = page(
        &api,
        &format!("/requests/?page=2&registration_authority={ra}"),
    )
    .await;
    assert_eq!(second["next"], Value::Null);
    assert!(text(&second["previous"]).contains(&format!("registration_authority={ra}")));
    assert_eq!(page(&api, &format!("{all}&page=1")).await, first);

    // Ten are one page, and an address keeps its odd characters.
    let ten = format!("{all}&email=ana%2Bten%40example.org");
    let only = page(&api, &ten).await;
    assert_eq!((&only["count"], &only["next"]), (&json!(10), &Value::Null));
    no_page(&api.get(&format!("{ten}&page=2")).await);
    let open = format!("/requests/?email=two%40example.org&registration_authority={ra}");
    assert_eq!(page(&api, &open).await["count"], 2);

    for wrong in ["0", "-1", "3", "abc", "1.5", "99999999999999999999", "%00"] {
        no_page(&api.get(&format!("{all}&page={wrong}")).await);
    }
    // An empty list has one page all the same.
    let none = format!("{all}&given_name=Nobody");
    assert_eq!(
        page(&api, &none).await,
        json!({ "count": 0, "next": null, "previous": null, "results": [] })
    );
    no_page(&api.get(&format!("{none}&page=2")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_found_by_every_filter_alone_and_together() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let api = api.for_authority(ra);
    let one = api.create(json!({ "paperless_mode": 1 })).await;
    let two = api
        .create(json!({
            "videoid_mode": 1, "given_name": "Łucja", "surname_1": "O'Higgins & Söhne",
            "surname_2": "Z", "serial_number": "00000009X", "email": "lucja@example.org",
            "mobile_phone_number": "+48600000001",
        }))
        .await;
    let three = api
        .create(json!({ "profile": SOFTWARE, "secure_element": 0, "given_name": "Łucja" }))
        .await;
    let [one_pk, two_pk, three_pk] = [&one, &two, &three].map(|one| one["pk"].as_i64().unwrap());
    let found = async |filters: &[(&str, &str)]| {
        let query = url(filters);
        let list = page(
            &api,
            &format!("/requests/?registration_authority={ra}&{query}"),
        )
        .await;
        let mut found = pks(&list);
        found.sort_unstable();
        assert_eq!(list["count"], found.len());
        found
    };
    for (filters, expected) in [
        (
            vec![("scratchcard", text(&two["scratchcard"]))],
            vec![two_pk],
        ),
        (vec![("given_name", "Łucja")], vec![two_pk, three_pk]),
        (vec![("given_name", ANA.given_name)], vec![one_pk]),
        (vec![("surname_1", "O'Higgins & Söhne")], vec![two_pk]),
        (vec![("surname_2", "Z")], vec![two_pk]),
        (vec![("serial_number", "00000009X")], vec![two_pk]),
        (vec![("email", "lucja@example.org")], vec![two_pk]),
        (vec![("mobile_phone_number", "+48600000001")], vec![two_pk]),
        (vec![("status", "VIDEOPENDING")], vec![two_pk]),
        (vec![("status", "CREATED")], vec![one_pk, three_pk]),
        (vec![("profile", CLOUD)], vec![one_pk, two_pk]),
        (vec![("profile", SOFTWARE)], vec![three_pk]),
        (vec![("videoid_mode", "1")], vec![two_pk]),
        (vec![("videoid_mode", "true")], vec![two_pk]),
        (vec![("videoid_mode", "0")], vec![one_pk, three_pk]),
        (
            vec![("given_name", "Łucja"), ("status", "CREATED")],
            vec![three_pk],
        ),
        (
            vec![("surname_1", ANA.surname_1), ("email", ANA.email)],
            vec![one_pk, three_pk],
        ),
        // Nothing is found by a part, nor by what cannot be.
        (vec![("given_name", "Łuc")], vec![]),
        (vec![("given_name", "Łucja"), ("surname_2", "Y")], vec![]),
        (vec![("status", "NOWHERE")], vec![]),
        (vec![("scratchcard", "1")], vec![]),
        (vec![("videoid_mode", "maybe")], vec![]),
        (vec![("email", "%")], vec![]),
        // A filter without a value, and one that nobody knows, filter nothing.
        (vec![("email", "")], vec![one_pk, two_pk, three_pk]),
        (vec![("colour", "blue")], vec![one_pk, two_pk, three_pk]),
    ] {
        assert_eq!(found(&filters).await, expected, "{filters:?}");
    }
    // What is corrected is found by its new value alone.
    let path = format!("/requests/{one_pk}/");
    let change = json!({ "given_name": "Berta", "mobile_phone_number": "+34600000077" });
    api.put(&path, &change).await.ok();
    assert_eq!(found(&[("given_name", "Berta")]).await, [one_pk]);
    assert_eq!(
        found(&[("mobile_phone_number", "+34600000077")]).await,
        [one_pk]
    );
    assert_eq!(found(&[("given_name", ANA.given_name)]).await, [0; 0]);
    for wrong in ["abc", "0", "999999999"] {
        let list = page(&api, &format!("/requests/?registration_authority={wrong}")).await;
        assert_eq!(list["count"], 0, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scratchcards_come_in_tens_and_are_found_by_number_and_authority() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let api = api.for_authority(ra);
    let lowest = api.unused_card().await;
    let mut numbers = vec![lowest.clone()];
    for n in 0..13 {
        let sn = (8_000_000_000 + ra * 100 + n).to_string();
        let body = json!({
            "registration_authority": ra, "sn": sn,
            "secrets": { "erc": "0123456789", "enrollment_code": "aB3:d,9_", "pin": "01234567",
                         "puk": "76543210" },
        });
        api.post("/scratchcards/", &body).await.created();
        numbers.push(sn);
    }
    let path = format!("/scratchcards/?registration_authority={ra}");
    // Ten were made when the first was asked for.
    assert_eq!(walk(&api, &path).await.len(), 23);
    for sn in &numbers {
        let list = page(&api, &format!("/scratchcards/?sn={sn}")).await;
        assert_eq!(
            (&list["count"], &list["results"][0]["sn"]),
            (&json!(1), &json!(sn))
        );
        assert_eq!(list["results"][0]["registration_authority"], ra);
    }
    let both = format!(
        "/scratchcards/?sn={lowest}&registration_authority={}",
        api.told("ra")
    );
    assert_eq!(page(&api, &both).await["count"], 0);
    no_page(&api.get(&format!("{path}&page=4")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_officers_and_users_come_in_pages_too() {
    // Nobody else adds to these lists.
    let sandbox = Sandbox::start(Options::default());
    let api = Api::of(&sandbox);
    let mut places = vec![api.ra];
    for _ in 0..10 {
        places.push(api.new_authority(json!({})).await);
    }
    let seen = walk(&api, "/registrationauthorities/").await;
    assert_eq!(seen, places);

    let (case, _) = api.issued(&sandbox).await;
    let certificate = api.record(&case).await["certificate_set"][0]["data"].clone();
    let body = json!({
        "registration_authority_master": places[3], "registration_authority": [places[3], places[4]],
        "certificate": case.pk, "given_name": "Rosa", "surname_1": "Oficial", "surname_2": "Uno",
    });
    let rosa = api.post("/rao/", &body).await.ok()["pk"].as_i64().unwrap();
    let first = api.told("rao_id").as_i64().unwrap();
    let own = api.get(&format!("/rao/{first}/")).await.ok();
    let home = own["registration_authority_master"].to_string();
    let (third, fourth, fifth) = (
        places[3].to_string(),
        places[4].to_string(),
        places[5].to_string(),
    );
    for (filters, expected) in [
        (vec![], vec![first, rosa]),
        (vec![("given_name", "Rosa")], vec![rosa]),
        (vec![("given_name", text(&own["given_name"]))], vec![first]),
        (vec![("surname_1", "Oficial")], vec![rosa]),
        (vec![("surname_2", "Uno")], vec![rosa]),
        (vec![("surname_1", "Oficial"), ("surname_2", "Dos")], vec![]),
        (vec![("certificate", text(&certificate))], vec![rosa]),
        (vec![("certificate", "AAAA")], vec![]),
        (
            vec![("registration_authority", fourth.as_str())],
            vec![first, rosa],
        ),
        (
            vec![("registration_authority", fifth.as_str())],
            vec![first],
        ),
        (
            vec![("registration_authority_master", third.as_str())],
            vec![rosa],
        ),
        (
            vec![("registration_authority_master", home.as_str())],
            vec![first],
        ),
        (
            vec![("registration_authority_master", fourth.as_str())],
            vec![],
        ),
        (vec![("registration_authority", "ten")], vec![]),
    ] {
        let list = page(&api, &format!("/rao/?{}", url(&filters))).await;
        assert_eq!(pks(&list), expected, "{filters:?}");
        assert_eq!(list["count"], expected.len());
    }
    no_page(&api.get("/rao/?page=2").await);

    let before = page(&api, "/users/").await["count"].as_i64().unwrap();
    let body = json!({ "registration_authority": api.ra, "permission_profile": 3,
                       "request": case.pk, "rao": rosa });
    let user = api.post("/users/", &body).await.ok();
    let list = page(&api, "/users/").await;
    assert_eq!(list["count"], before + 1);
    assert!(
        list["results"].as_array().unwrap().contains(&user),
        "{list}"
    );
    no_page(&api.get("/users/?page=2").await);
    no_page(&api.get("/registrationauthorities/?page=3").await);
}

/// Filters as a query.
fn url(filters: &[(&str, &str)]) -> String {
    let pairs = filters.iter().map(|(name, value)| {
        let escaped: String = value
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect();
        format!("{name}={escaped}")
    });
    pairs.collect::<Vec<_>>().join("&")
}
