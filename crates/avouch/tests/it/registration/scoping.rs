//! Who sees and may do what: authorities side by side and below each other, and the four sets of
//! permissions.
//!
//! Every call of the API stands in one table, [`calls`], made for whatever is to be reached. The
//! tests differ in who makes them.

use std::collections::BTreeSet;

use model::authority::Act;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::client::{Answer, Api, CLOUD, Case, PIN, document_form, merged, text, video_form};
use super::parties::{Operator, Party};
use crate::client::{evidence, specimen, video};
use crate::harness::{Options, Sandbox};
use crate::sql;

const NO_PERMISSION: &str = "You do not have permission to perform this action.";

/// What an authority has: one request for each way in which a call may touch one, and the rest.
#[derive(Debug, Clone)]
struct Stock {
    /// Its own number.
    ra: i64,
    rao: i64,
    user: i64,
    /// `VIDEOPENDING`.
    pending: Case,
    /// `VIDEOREVIEW`, with a video.
    filmed: Case,
    /// `CREATED`, with papers, and the number of one.
    open: Case,
    paper: i64,
    /// `ENROLLREADY`.
    approved: Case,
    /// `ISSUED`, with the secrets of its scratchcard.
    issued: Case,
    secrets: Value,
    /// An unused scratchcard.
    card: i64,
    sn: String,
    certificate: String,
}

impl Stock {
    /// Furnishes an authority.
    async fn of(sandbox: &Sandbox, party: &Party) -> Self {
        let api = &party.api;
        let (pending, filmed) = (api.new_videoid_request().await, api.reviewable().await);
        let open = api.new_classic_request().await;
        let paper = api
            .upload_document(&open, "document_front", specimen("id-front.jpg"))
            .await;
        let (approved, _) = api.approved(CLOUD).await;
        let (issued, secrets) = api.issued(sandbox).await;
        let certificate = api.record(&issued).await["certificate_set"][0]["data"].clone();
        let path = format!("/scratchcards/get_first_unused/?ra={}", api.ra);
        let card = api.get(&path).await.ok();
        Self {
            ra: api.ra,
            rao: api.told("rao_id").as_i64().expect("a number"),
            user: party.user.pk,
            pending,
            filmed,
            open,
            paper,
            approved,
            issued,
            secrets,
            card: card["pk"].as_i64().expect("a number"),
            sn: text(&card["sn"]).to_owned(),
            certificate: text(&certificate).to_owned(),
        }
    }

    /// The same of an authority that does not exist.
    fn of_nobody(like: &Stock) -> Self {
        const NONE: i64 = 987_654_321;
        let case = Case {
            pk: NONE,
            sn: NONE.to_string(),
            video_pk: NONE,
            video_identifier: "0f0e0d0c-0b0a-4908-8706-050403020100".to_owned(),
        };
        Self {
            ra: NONE,
            rao: NONE,
            user: NONE,
            pending: case.clone(),
            filmed: case.clone(),
            open: case.clone(),
            paper: NONE,
            approved: case.clone(),
            issued: case,
            secrets: like.secrets.clone(),
            card: NONE,
            sn: NONE.to_string(),
            certificate: "MAMCAQA=".to_owned(),
        }
    }

    /// All by which it could be recognised in an answer.
    fn traces(&self) -> Vec<String> {
        let cases = [
            &self.pending,
            &self.filmed,
            &self.open,
            &self.approved,
            &self.issued,
        ];
        let mut traces = vec![self.sn.clone(), self.certificate.clone()];
        for case in cases {
            traces.extend([case.sn.clone(), case.video_identifier.clone()]);
        }
        for secret in ["erc", "enrollment_code", "pin", "puk"] {
            traces.push(text(&self.secrets[secret]).to_owned());
        }
        traces.retain(|trace| !trace.is_empty());
        traces
    }
}

/// One call.
struct Call {
    act: Act,
    name: String,
    request: RequestBuilder,
}

/// Every call that names something, made by `api` for what `target` has, with what is its own from
/// `own`.
fn calls(api: &Api, target: &Stock, own: &Stock) -> Vec<Call> {
    use Act::{Administer, Handle, Read, Submit};
    let Stock {
        pending,
        filmed,
        open,
        approved,
        issued,
        secrets,
        ..
    } = target;
    let officer = api.officer();
    let refusing = api.officer_with(json!({ "reason": "blurred" }));
    let mut calls = Vec::new();
    let mut add = |act: Act, method: Method, path: String, body: Option<Value>| {
        let mut request = api.request(method.clone(), &path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let name = format!("{method} {path}");
        calls.push(Call { act, name, request });
    };
    let by_cloud = json!({ "secret": "000000", "pin": PIN });
    let by_file = json!({ "secret": "000000", "p12password": PIN });
    for (act, method, path, body) in [
        (Read, Method::GET, open.path(""), None),
        (Read, Method::GET, open.path("validate/"), None),
        (Read, Method::GET, open.path("pl_get_documents/"), None),
        (
            Read,
            Method::POST,
            open.path("pl_get_document/"),
            Some(json!({ "type": "contract", "rao_id": officer["rao_id"] })),
        ),
        (
            Read,
            Method::POST,
            approved.path("pl_get_document/"),
            Some(json!({ "type": "signed_contract" })),
        ),
        (
            Handle,
            Method::POST,
            open.path("generates_tbs_receipt/"),
            Some(json!({ "rao": officer["rao_id"], "type": "APPROVE" })),
        ),
        (
            Read,
            Method::POST,
            approved.path("generate_document/"),
            Some(json!({ "doctype": "contract" })),
        ),
        (Read, Method::GET, issued.path("renewal_status/"), None),
        (Handle, Method::GET, approved.path("preauthlink/"), None),
        (Handle, Method::POST, approved.path("preauthlink/"), None),
        (
            Handle,
            Method::PUT,
            open.path(""),
            Some(json!({ "surname_2": "Otro" })),
        ),
        (Handle, Method::POST, issued.path("enable_renewal/"), None),
        (Handle, Method::POST, issued.path("disable_renewal/"), None),
        (
            Handle,
            Method::POST,
            issued.path("generate_otp_for_unlock/"),
            None,
        ),
        (
            Handle,
            Method::POST,
            issued.path("unlock_pin/"),
            Some(
                json!({ "scratchcard": issued.sn, "enrollment_code": secrets["enrollment_code"],
                         "newpin": PIN, "otp": "000000" }),
            ),
        ),
        (
            Handle,
            Method::POST,
            approved.path("generate_otp/"),
            Some(json!({})),
        ),
        (
            Handle,
            Method::POST,
            approved.path("generate_otp_for_qs/"),
            Some(json!({})),
        ),
        (
            Handle,
            Method::POST,
            approved.path("pl_cloud_enroll/"),
            Some(by_cloud.clone()),
        ),
        (
            Handle,
            Method::POST,
            approved.path("plq_cloud_enroll/"),
            Some(by_cloud),
        ),
        (
            Handle,
            Method::POST,
            approved.path("pl_p12_enroll/"),
            Some(by_file),
        ),
        (
            Handle,
            Method::POST,
            "/requests/cloud_renew/".to_owned(),
            Some(
                json!({ "username": issued.sn, "password": secrets["enrollment_code"],
                         "pin": PIN }),
            ),
        ),
        (
            Handle,
            Method::POST,
            "/requests/soft_renew/".to_owned(),
            Some(
                json!({ "username": issued.sn, "password": secrets["enrollment_code"],
                         "pin": PIN }),
            ),
        ),
        (
            Handle,
            Method::POST,
            filmed.path("validate_videoid"),
            Some(officer.clone()),
        ),
        (
            Handle,
            Method::POST,
            filmed.path("refuse_videoid"),
            Some(refusing),
        ),
        (
            Handle,
            Method::POST,
            filmed.path("pl_approve/"),
            Some(officer),
        ),
        (Handle, Method::DELETE, open.path("cancel/"), None),
        (
            Submit,
            Method::PUT,
            format!("/videoid/{}", pending.video_pk),
            Some(evidence()),
        ),
        (
            Submit,
            Method::PUT,
            format!("/videoid/{}", pending.pk),
            Some(evidence()),
        ),
        (
            Submit,
            Method::POST,
            format!("/videoid/{}/evidences", pending.video_identifier),
            Some(evidence()),
        ),
        (
            Read,
            Method::GET,
            format!("/download/video/{}", filmed.video_identifier),
            None,
        ),
        (
            Read,
            Method::GET,
            format!("/v1/download/video/{}", filmed.pk),
            None,
        ),
        (
            Submit,
            Method::POST,
            open.path("pl_delete_document/"),
            Some(json!({ "docpk": target.paper })),
        ),
        (
            Read,
            Method::POST,
            "/requests/is_renewable/".to_owned(),
            Some(json!({ "scratchcard": issued.sn, "erc": secrets["erc"] })),
        ),
        (
            Read,
            Method::POST,
            "/requests/check_contact_data_limits/".to_owned(),
            Some(
                json!({ "registration_authority": target.ra, "serial_number": "X0000000T",
                         "email": "ana@example.org", "mobile_phone_number": "+34600000000" }),
            ),
        ),
        (
            Read,
            Method::GET,
            format!("/scratchcards/{}/", target.card),
            None,
        ),
        (
            Read,
            Method::GET,
            format!("/scratchcards/get_first_unused/?ra={}", target.ra),
            None,
        ),
        (
            Read,
            Method::POST,
            "/scratchcards/isused/".to_owned(),
            Some(json!({ "sn": issued.sn })),
        ),
        (
            Read,
            Method::POST,
            "/scratchcards/whoami/".to_owned(),
            Some(json!({ "scratchcard": issued.sn, "erc": secrets["erc"] })),
        ),
        (
            Handle,
            Method::POST,
            "/scratchcards/revoke/".to_owned(),
            Some(json!({ "scratchcard": issued.sn, "erc": secrets["erc"],
                         "reason": "CERTIFICATEHOLD" })),
        ),
        (
            Administer,
            Method::POST,
            "/scratchcards/move/".to_owned(),
            Some(json!({ "from_ra": target.ra, "to_ra": own.ra, "amount": 1 })),
        ),
        (
            Administer,
            Method::POST,
            "/scratchcards/move/".to_owned(),
            Some(json!({ "from_ra": own.ra, "to_ra": target.ra, "amount": 1 })),
        ),
        (
            Administer,
            Method::PUT,
            format!("/scratchcards/{}/", target.card),
            Some(json!({ "registration_authority": own.ra })),
        ),
        (
            Administer,
            Method::POST,
            "/scratchcards/".to_owned(),
            Some(
                json!({ "registration_authority": target.ra, "sn": "871100042",
                         "secrets": secrets.to_string() }),
            ),
        ),
        (
            Read,
            Method::GET,
            format!("/registrationauthorities/{}/", target.ra),
            None,
        ),
        (
            Administer,
            Method::PUT,
            format!("/registrationauthorities/{}/", target.ra),
            Some(json!({ "webhook_url": "https://example.org/hook" })),
        ),
        (
            Administer,
            Method::POST,
            "/registrationauthorities/".to_owned(),
            Some(json!({ "name": format!("Below {}", target.ra), "parent": target.ra })),
        ),
        (Read, Method::GET, format!("/rao/{}/", target.rao), None),
        (
            Administer,
            Method::PUT,
            format!("/rao/{}/", target.rao),
            Some(json!({ "surname_2": "Otra" })),
        ),
        (
            Administer,
            Method::POST,
            "/rao/".to_owned(),
            Some(json!({ "registration_authority_master": own.ra,
                         "registration_authority": [own.ra], "given_name": "Rosa",
                         "surname_1": "Ladrona", "certificate": target.certificate })),
        ),
        (Read, Method::GET, format!("/users/{}/", target.user), None),
        (
            Administer,
            Method::PUT,
            format!("/users/{}/", target.user),
            Some(json!({ "permission_profile": 1 })),
        ),
        (
            Administer,
            Method::POST,
            "/users/".to_owned(),
            Some(
                json!({ "registration_authority": own.ra, "permission_profile": 1,
                         "request": issued.pk, "rao": own.rao }),
            ),
        ),
        (
            Submit,
            Method::POST,
            "/requests/".to_owned(),
            Some(merged(
                api.creation_of(&crate::client::ANA),
                json!({ "scratchcard": target.sn }),
            )),
        ),
    ] {
        add(act, method, path, body);
    }
    let multipart = |path: String, form| Call {
        act: Submit,
        name: format!("POST {path}"),
        request: api.request(Method::POST, &path).multipart(form),
    };
    let front = || specimen("id-front.jpg");
    calls.push(multipart(
        open.path("pl_upload_document/"),
        document_form("document_front", front()),
    ));
    let labelled = document_form("ignored", front()).text("label", "Proof");
    calls.push(multipart(open.path("upload_videoid_evidence/"), labelled));
    let path = format!("/v1/upload/video/{}/", pending.video_identifier);
    calls.push(multipart(path, video_form(video())));
    calls
}

/// Calls that would put what is another's into what is one's own, made by `api`.
fn takings(api: &Api, target: &Stock, own: &Stock) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut add = |act: Act, method: Method, path: String, body: Value| {
        let request = api.request(method.clone(), &path).json(&body);
        let name = format!("{method} {path} {body}");
        calls.push(Call { act, name, request });
    };
    let below = |number: i64| format!("/registrationauthorities/{number}/");
    let ra = json!({ "registration_authority": target.ra });
    add(Act::Handle, Method::PUT, own.open.path(""), ra.clone());
    add(
        Act::Handle,
        Method::PUT,
        own.open.path(""),
        json!({ "scratchcard": target.sn }),
    );
    add(
        Act::Handle,
        Method::PUT,
        own.open.path(""),
        json!({ "identification_rao": target.rao }),
    );
    add(
        Act::Submit,
        Method::POST,
        own.open.path("pl_delete_document/"),
        json!({ "docpk": target.paper }),
    );
    add(
        Act::Administer,
        Method::PUT,
        below(own.ra),
        json!({ "parent": target.ra }),
    );
    let path = format!("/rao/{}/", own.rao);
    add(
        Act::Administer,
        Method::PUT,
        path.clone(),
        json!({ "registration_authority": [target.ra] }),
    );
    add(
        Act::Administer,
        Method::PUT,
        path.clone(),
        json!({ "registration_authority_master": target.ra }),
    );
    add(
        Act::Administer,
        Method::PUT,
        path,
        json!({ "certificate": target.certificate }),
    );
    let path = format!("/users/{}/", own.user);
    add(Act::Administer, Method::PUT, path.clone(), ra.clone());
    add(
        Act::Administer,
        Method::PUT,
        path.clone(),
        json!({ "request": target.issued.pk }),
    );
    add(
        Act::Administer,
        Method::PUT,
        path,
        json!({ "rao": target.rao }),
    );
    add(
        Act::Administer,
        Method::PUT,
        format!("/scratchcards/{}/", own.card),
        ra.clone(),
    );
    let with_ra = merged(json!({ "scratchcard": own.sn }), ra);
    let creation = merged(api.creation_of(&crate::client::ANA), with_ra);
    add(Act::Submit, Method::POST, "/requests/".to_owned(), creation);
    calls
}

/// Everything that is kept, but for what leaves by itself.
fn kept(sandbox: &Sandbox) -> Vec<Value> {
    let database = sandbox.dir().join("avouch.db");
    let tables = "SELECT group_concat('SELECT ''' || name || ''', * FROM \"' || name || '\"', '|') \
                  FROM sqlite_master WHERE type = 'table' AND name NOT IN ('outbox') \
                  AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'";
    let statements = sql::query(&database, tables)[0][0]
        .as_str()
        .expect("a text")
        .to_owned();
    statements
        .split('|')
        .map(|statement| json!(sql::query(&database, statement)))
        .collect()
}

/// An answer without what differs from one to the next; where its words name one of `numbers`, any
/// number would do.
fn alike(answer: &Answer, numbers: [i64; 2]) -> (u16, Value) {
    let mut body = answer.json();
    let numbers = numbers.map(|number| number.to_string());
    let blurred = |text: &str| {
        let words = text
            .split(' ')
            .map(|word| match numbers.iter().any(|n| n == word) {
                true => "N",
                false => word,
            });
        words.collect::<Vec<_>>().join(" ")
    };
    if let Some(members) = body.as_object_mut() {
        members.remove("id");
        for (_, member) in members.iter_mut().filter(|(name, _)| *name != "code") {
            if let Some(told) = member.as_str().map(blurred) {
                *member = told.into();
            }
        }
    }
    (answer.status, body)
}

/// Makes both lists of calls, one for what is another's and one for what nobody has, and insists
/// that the answers are the same refusals and that nothing changes.
async fn strange(sandbox: &Sandbox, api: &Api, foreign: &Stock, own: &Stock) {
    let nobody = Stock::of_nobody(foreign);
    let traces = foreign.traces();
    let before = kept(sandbox);
    let both = |make: fn(&Api, &Stock, &Stock) -> Vec<Call>| {
        make(api, foreign, own)
            .into_iter()
            .zip(make(api, &nobody, own))
            .collect::<Vec<_>>()
    };
    for (theirs, nobodys) in both(calls).into_iter().chain(both(takings)) {
        let answer = api.send(theirs.request).await;
        assert!(answer.status >= 400, "{}: {answer}", theirs.name);
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        for trace in &traces {
            assert!(!said.contains(trace.as_str()), "{}: {answer}", theirs.name);
        }
        let same = api.send(nobodys.request).await;
        assert_eq!(
            alike(&answer, [foreign.paper, foreign.ra]),
            alike(&same, [nobody.paper, nobody.ra]),
            "{}",
            theirs.name
        );
    }
    assert!(before == kept(sandbox), "a refused call changed something");
    listed(api, foreign).await;
}

/// Insists that no list names what is another's, however it is asked for.
async fn listed(api: &Api, foreign: &Stock) {
    let case = &foreign.issued;
    for path in [
        format!("/requests/?scratchcard={}", case.sn),
        format!("/requests/?registration_authority={}", foreign.ra),
        format!("/scratchcards/?sn={}", foreign.sn),
        format!("/scratchcards/?registration_authority={}", foreign.ra),
        format!("/rao/?registration_authority={}", foreign.ra),
        format!("/rao/?registration_authority_master={}", foreign.ra),
    ] {
        assert_eq!(api.get(&path).await.ok()["count"], 0, "{path}");
    }
    for (path, foreign) in [
        ("/requests/", foreign.open.pk),
        ("/registrationauthorities/", foreign.ra),
        ("/rao/", foreign.rao),
        ("/users/", foreign.user),
        ("/scratchcards/", foreign.card),
    ] {
        let numbers = all(api, path).await;
        assert!(
            !numbers.is_empty() && !numbers.contains(&foreign),
            "{path}: {numbers:?}"
        );
    }
}

/// The numbers of everything in a list.
async fn all(api: &Api, path: &str) -> BTreeSet<i64> {
    let mut numbers = BTreeSet::new();
    for page in 1.. {
        let list = api.get(&format!("{path}?page={page}")).await.ok();
        let items = list["results"].as_array().expect("a list");
        numbers.extend(items.iter().filter_map(|item| item["pk"].as_i64()));
        if list["next"].is_null() {
            break;
        }
    }
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_authoritys_does_not_exist() {
    let sandbox = Sandbox::start(Options::default());
    let root = Api::of(&sandbox);
    let (left, right) = (
        Party::below(&sandbox, root.ra),
        Party::below(&sandbox, root.ra),
    );
    let between = Operator::of(&sandbox).new_authority(Some(left.api.ra), &[]);
    let child = Party::below(&sandbox, between);
    let lefts = Stock::of(&sandbox, &left).await;
    let rights = Stock::of(&sandbox, &right).await;
    let childs = Stock::of(&sandbox, &child).await;

    strange(&sandbox, &right.api, &lefts, &rights).await;
    strange(&sandbox, &left.api, &rights, &lefts).await;
    // Nobody looks upwards.
    strange(&sandbox, &child.api, &lefts, &childs).await;

    // From above everything is seen, here and at the top; what the owner sees is what they see.
    for above in [&left.api, &root] {
        for path in [
            childs.open.path(""),
            format!("/scratchcards/{}/", childs.card),
            format!("/registrationauthorities/{}/", childs.ra),
            format!("/rao/{}/", childs.rao),
            format!("/users/{}/", childs.user),
            childs.issued.path("renewal_status/"),
            format!("/requests/?registration_authority={}", childs.ra),
        ] {
            assert_eq!(
                above.get(&path).await.ok(),
                child.api.get(&path).await.ok(),
                "{path}"
            );
        }
        let listed = all(above, "/registrationauthorities/").await;
        assert!(listed.contains(&childs.ra) && listed.contains(&lefts.ra));
        assert_eq!(listed.contains(&rights.ra), above.ra == root.ra);
    }
    // The table is worth something only if its calls work for those who may make them.
    for call in calls(&left.api, &lefts, &lefts) {
        if call.act != Act::Read {
            continue;
        }
        let answer = left.api.send(call.request).await;
        // A renewal waits for an officer's word.
        let waits = call.name.ends_with("/is_renewable/") && answer.status == 412;
        assert!(answer.status == 200 || waits, "{}: {answer}", call.name);
    }
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_let_through_what_they_name_and_nothing_else() {
    let sandbox = Sandbox::start(Options::default());
    let root = Api::of(&sandbox);
    let party = Party::below(&sandbox, root.ra);
    let stock = Stock::of(&sandbox, &party).await;
    let nobody = Stock::of_nobody(&stock);
    let operator = Operator::of(&sandbox);
    use Act::{Administer, Handle, Read, Submit};
    for (permissions, allowed) in [
        ("administrator", vec![Read, Submit, Handle, Administer]),
        ("requests", vec![Read, Submit, Handle]),
        ("read-only", vec![Read]),
        ("officers", vec![Read, Handle]),
    ] {
        let user = operator.new_user(stock.ra, permissions);
        let api = party
            .api
            .clone()
            .with_identity(&user.certificate, &user.key);
        let before = kept(&sandbox);
        // What is not allowed is refused where it would work; what is allowed is not refused for
        // want of permission, which shows on what nobody has.
        let real = calls(&api, &stock, &stock)
            .into_iter()
            .zip(calls(&api, &nobody, &stock));
        for (real, unreal) in real {
            let name = format!("{permissions}: {}", real.name);
            if allowed.contains(&real.act) {
                let answer = api.send(unreal.request).await;
                let outside = name.contains("/registrationauthorities/") || name.contains("/move/");
                let created = name.ends_with("/scratchcards/");
                // What lies outside one's own is worded like that too.
                if !outside && !created && !name.contains("check_contact") {
                    assert!(!is_about_permission(&answer), "{name}: {answer}");
                }
            } else {
                let answer = api.send(real.request).await;
                assert!(is_about_permission(&answer), "{name}: {answer}");
            }
        }
        assert!(
            before == kept(&sandbox),
            "{permissions}: a refused call changed something"
        );
    }
}

/// Whether a call was refused for want of permission, in one of the forms that calls have for it.
fn is_about_permission(answer: &Answer) -> bool {
    let body = answer.json();
    match answer.status {
        403 if answer.call.contains("/scratchcards/move") => {
            body["moved"] == 0 && body["details"] == "Permission Denied"
        }
        403 => body["detail"] == NO_PERMISSION,
        500 => body["error"] == NO_PERMISSION,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_decides_where_it_was_admitted_and_nowhere_else() {
    let sandbox = Sandbox::shared();
    let root = Api::of(&sandbox);
    let (left, right) = (
        Party::below(&sandbox, root.ra),
        Party::below(&sandbox, root.ra),
    );
    let filmed = left.api.reviewable().await;
    let decisions = ["validate_videoid", "refuse_videoid", "pl_approve/"];
    // Another authority's officer, and one who does not exist.
    for path in decisions.map(|call| filmed.path(call)) {
        let answer = left.api.post(&path, &right.api.officer()).await;
        answer.refused(500, "500", NO_PERMISSION);
        let body = left.api.officer_with(json!({ "rao_id": 987_654_321 }));
        let answer = left.api.post(&path, &body).await;
        answer.refused(500, "500", "Rao matching query does not exist.");
        // One's own number with another's credentials.
        let body = right
            .api
            .officer_with(json!({ "rao_id": left.api.told("rao_id") }));
        let answer = left.api.post(&path, &body).await;
        answer.refused(403, "403", "Invalid RAO credentials");
    }
    let body = json!({ "rao": right.api.told("rao_id"), "type": "APPROVE" });
    let answer = left
        .api
        .post(&filmed.path("generates_tbs_receipt/"), &body)
        .await;
    answer.refused(403, "403", NO_PERMISSION);
    assert_eq!(left.api.status(&filmed).await, "VIDEOREVIEW");

    // Whoever sees both admits it; then it decides in both.
    let path = format!("/rao/{}/", right.api.told("rao_id"));
    let both = json!({ "registration_authority": [right.api.ra, left.api.ra] });
    let admitted = root.put(&path, &both).await.ok();
    assert_eq!(
        admitted["registration_authority"].as_array().map(Vec::len),
        Some(2)
    );
    let seen = left.api.get(&path).await.ok();
    assert_eq!(seen["pk"], *right.api.told("rao_id"));
    // It acts here, but belongs elsewhere.
    let answer = left.api.put(&path, &json!({ "surname_2": "Otra" })).await;
    answer.refused(500, "500", NO_PERMISSION);
    let approved = left
        .api
        .post(&filmed.path("pl_approve/"), &right.api.officer())
        .await
        .ok();
    assert_eq!(
        approved["request"]["approving_rao"]["pk"],
        *right.api.told("rao_id")
    );
    // And back.
    let one = json!({ "registration_authority": [right.api.ra] });
    root.put(&path, &one).await.ok();
    let next = left.api.reviewable().await;
    let answer = left
        .api
        .post(&next.path("pl_approve/"), &right.api.officer())
        .await;
    answer.refused(500, "500", NO_PERMISSION);
}

#[tokio::test(flavor = "multi_thread")]
async fn unused_cards_move_between_authorities_and_used_ones_stay() {
    let sandbox = Sandbox::shared();
    let root = Api::of(&sandbox);
    let (left, right) = (
        Party::below(&sandbox, root.ra),
        Party::below(&sandbox, root.ra),
    );
    let operator = Operator::of(&sandbox);
    let ra = left.api.ra.to_string();
    let made = operator.asks(&["scratchcard", "create", "--ra", &ra, "--count", "6"]);
    let mut cards: Vec<i64> = made
        .as_array()
        .expect("a list")
        .iter()
        .map(|card| text(&card["sn"]).parse().expect("a number"))
        .collect();
    cards.sort_unstable();
    let used = left.api.new_classic_request().await;
    assert_eq!(used.sn, cards[0].to_string());

    let move_cards = |body: Value| {
        let root = &root;
        async move { root.post("/scratchcards/move/", &body).await.ok() }
    };
    let whole = json!({ "from_sn": cards[0].to_string(), "to_sn": cards[2].to_string(),
                        "to_ra": right.api.ra });
    let moved = move_cards(whole).await;
    assert_eq!(moved["moved"], 2);
    assert!(moved["details"].is_string(), "{moved}");
    let two = json!({ "from_ra": left.api.ra, "to_ra": right.api.ra.to_string(), "amount": "2" });
    assert_eq!(move_cards(two).await, json!({ "moved": 2 }));
    let rest = json!({ "from_ra": left.api.ra, "to_ra": right.api.ra, "amount": 9 });
    let moved = move_cards(rest).await;
    assert_eq!(moved["moved"], 1);
    assert!(moved["details"].is_string(), "{moved}");

    let count = |api: &Api| {
        let (api, path) = (
            api.clone(),
            format!("/scratchcards/?registration_authority={}", api.ra),
        );
        async move { api.get(&path).await.ok()["count"].clone() }
    };
    assert_eq!(
        (count(&left.api).await, count(&right.api).await),
        (json!(1), json!(5))
    );
    let path = format!("/scratchcards/?sn={}", cards[3]);
    assert_eq!(left.api.get(&path).await.ok()["count"], 0);
    assert_eq!(
        right.api.get(&path).await.ok()["results"][0]["registration_authority"],
        right.api.ra
    );
    let moved = right.api.create(json!({})).await;
    assert_eq!(text(&moved["scratchcard"]), cards[1].to_string());

    // How many cards others have between two numbers is nobody's business.
    let body = json!({ "from_sn": cards[0].to_string(), "to_sn": cards[5].to_string(),
                       "to_ra": left.api.ra });
    let stranger = Party::below(&sandbox, root.ra);
    let body = merged(body, json!({ "to_ra": stranger.api.ra }));
    let answer = stranger.api.post("/scratchcards/move/", &body).await.ok();
    assert_eq!(
        answer,
        json!({ "moved": 0, "details": "There are no scratchcards between these numbers" })
    );

    // A request goes where its card is.
    let ra = json!({ "registration_authority": right.api.ra });
    let answer = root.put(&used.path(""), &ra).await;
    answer.refused(500, "500", "Invalid ScratchCard");
    let both = merged(ra, json!({ "scratchcard": cards[2].to_string() }));
    root.put(&used.path(""), &both).await.ok();
    left.api.get(&used.path("")).await.refusal(404);
    assert_eq!(
        right.api.record(&used).await["registration_authority"],
        right.api.ra
    );
    // The card that it leaves stays used.
    let body = json!({ "sn": used.sn });
    assert_eq!(
        left.api.post("/scratchcards/isused/", &body).await.ok(),
        true
    );
}
