//! The workflows from the scratchcard to the subscriber's certificate: the status read back after
//! every step, and what the authority's receiver is told, in both forms.

use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{HttpSink, Received};

use super::client::{Api, CLOUD, Case, PIN, Visitor, assert_members, decoded, merged, text};
use crate::client::{ANA, evidence, keys, video};
use crate::harness::Sandbox;

const DONE: &str = "200 OK";

/// A client of a new authority whose events go to `sink`.
async fn authority(sandbox: &Sandbox, sink: &HttpSink, settings: Value) -> Api {
    let api = Api::of(sandbox);
    let target = json!({ "webhook_url": sink.url("/ra") });
    let ra = api.new_authority(merged(target, settings)).await;
    api.for_authority(ra)
}

#[tokio::test(flavor = "multi_thread")]
async fn external_videoid_in_two_steps_with_the_event_form() {
    let sandbox = Sandbox::shared();
    let sink = HttpSink::start().await;
    let settings = json!({ "webhook_format": "event", "videoid_steps": 2 });
    let api = authority(&sandbox, &sink, settings).await;
    let case = api.new_videoid_request().await;
    stands(&api, &case, "VIDEOPENDING", "PENDING").await;
    assert_eq!(
        api.put_evidence(&case, &evidence()).await.ok()["status"],
        DONE
    );
    stands(&api, &case, "VIDEOINCOMPLETE", "INCOMPLETE").await;
    // More of the same, and corrections, change no status: nobody is told.
    assert_eq!(
        api.put_evidence(&case, &evidence()).await.ok()["status"],
        DONE
    );
    correct(&api, &case).await;
    assert_eq!(api.post_video(&case, video()).await.ok()["status"], DONE);
    stands(&api, &case, "VIDEOREVIEW", "REVIEW").await;
    correct(&api, &case).await;

    // This authority wants a validation first.
    let approval = api.post(&case.path("pl_approve/"), &api.officer()).await;
    approval.refused(412, "412", "Invalid request status");
    let decided = api
        .post(&case.path("validate_videoid"), &api.officer())
        .await
        .ok();
    let request = decision(&api, &case, &decided);
    assert_eq!(request["status"], "CREATED");
    assert_eq!(request["videoid_data"]["status"], "VALIDATED");
    let operator = &request["videoid_data"]["validation_operator"];
    assert_eq!(&operator["pk"], api.told("rao_id"));
    for name in ["approving_rao", "approving_user"] {
        assert_eq!(request[name], Value::Null, "{name}");
    }
    stands(&api, &case, "CREATED", "VALIDATED").await;
    correct(&api, &case).await;

    papers_before_approval(&api, &case).await;
    approve(&api, &case).await;
    stands(&api, &case, "ENROLLREADY", "VALIDATED").await;
    subscribe(&sandbox, &api, &case).await;
    stands(&api, &case, "ISSUED", "VALIDATED").await;

    told_in_event_form(
        &sink,
        &api,
        &case,
        &[
            ("REQUEST_CREATED", None, "VIDEOPENDING"),
            ("VIDEOID_UPDATED", Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
            ("VIDEOID_UPDATED", Some("VIDEOINCOMPLETE"), "VIDEOREVIEW"),
            ("VIDEOID_UPDATED", Some("VIDEOREVIEW"), "CREATED"),
            ("REQUEST_APPROVED", Some("CREATED"), "ENROLLREADY"),
            ("REQUEST_ENROLLED", Some("ENROLLREADY"), "ISSUED"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn external_videoid_in_one_step_video_first_with_the_status_form() {
    let sandbox = Sandbox::shared();
    let sink = HttpSink::start().await;
    let api = authority(&sandbox, &sink, json!({})).await;
    let case = api.new_videoid_request().await;
    assert_eq!(api.post_video(&case, video()).await.ok()["status"], DONE);
    stands(&api, &case, "VIDEOINCOMPLETE", "INCOMPLETE").await;
    assert_eq!(
        api.put_evidence(&case, &evidence()).await.ok()["status"],
        DONE
    );
    stands(&api, &case, "VIDEOREVIEW", "REVIEW").await;
    papers_before_approval(&api, &case).await;
    approve(&api, &case).await;
    stands(&api, &case, "ENROLLREADY", "VALIDATED").await;
    // Who approves in one step validates too.
    let video_id = api.record(&case).await["videoid_data"].clone();
    assert_eq!(&video_id["validation_operator"]["pk"], api.told("rao_id"));
    subscribe(&sandbox, &api, &case).await;
    stands(&api, &case, "ISSUED", "VALIDATED").await;

    told_in_status_form(
        &sink,
        &api,
        &case,
        &[
            (None, "VIDEOPENDING"),
            (Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
            (Some("VIDEOINCOMPLETE"), "VIDEOREVIEW"),
            (Some("VIDEOREVIEW"), "ENROLLREADY"),
            (Some("ENROLLREADY"), "ISSUED"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_video_is_an_error_that_a_good_one_mends() {
    let sandbox = Sandbox::shared();
    let sink = HttpSink::start().await;
    let settings = json!({ "webhook_format": "event" });
    let api = authority(&sandbox, &sink, settings).await;
    let case = api.new_videoid_request().await;
    api.put_evidence(&case, &evidence()).await.ok();
    let refused = api.post_video(&case, Bytes::from_static(b"no film")).await;
    assert_eq!(refused.refusal(400)["title"], "Upload Video Error");
    stands(&api, &case, "VIDEOERROR", "ERROR").await;
    api.post_video(&case, video()).await.ok();
    stands(&api, &case, "VIDEOREVIEW", "REVIEW").await;
    told_in_event_form(
        &sink,
        &api,
        &case,
        &[
            ("REQUEST_CREATED", None, "VIDEOPENDING"),
            ("VIDEOID_UPDATED", Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
            ("VIDEOID_FAILED", Some("VIDEOINCOMPLETE"), "VIDEOERROR"),
            ("VIDEOID_UPDATED", Some("VIDEOERROR"), "VIDEOREVIEW"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_cancelled_and_says_why() {
    let sandbox = Sandbox::shared();
    for (format, reason) in [("event", "blurred document"), ("status", "")] {
        let sink = HttpSink::start().await;
        let settings = json!({ "webhook_format": format });
        let api = authority(&sandbox, &sink, settings).await;
        let case = api.reviewable().await;
        // A reason is not demanded.
        let body = match reason {
            "" => api.officer(),
            reason => api.officer_with(json!({ "reason": reason })),
        };
        let refused = api.post(&case.path("refuse_videoid"), &body).await.ok();
        assert_eq!(
            refused,
            json!({ "videoid_status": "REFUSED", "reason": reason })
        );
        stands(&api, &case, "CANCELLED", "REFUSED").await;
        let video_id = api.record(&case).await["videoid_data"].clone();
        assert_eq!(video_id["refusal_reason"], reason);
        assert_eq!(&video_id["validation_operator"]["pk"], api.told("rao_id"));
        let body = json!({ "sn": case.sn });
        let used = api.post("/scratchcards/isused/", &body).await;
        assert_eq!(used.ok(), json!(true));
        for call in ["pl_approve/", "validate_videoid", "refuse_videoid"] {
            let again = api.post(&case.path(call), &api.officer()).await;
            again.refused(412, "412", "Invalid request status");
        }
        if format == "event" {
            told_in_event_form(
                &sink,
                &api,
                &case,
                &[
                    ("REQUEST_CREATED", None, "VIDEOPENDING"),
                    ("VIDEOID_UPDATED", Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
                    ("VIDEOID_UPDATED", Some("VIDEOINCOMPLETE"), "VIDEOREVIEW"),
                    ("VIDEOID_REFUSED", Some("VIDEOREVIEW"), "CANCELLED"),
                ],
            )
            .await;
        } else {
            told_in_status_form(
                &sink,
                &api,
                &case,
                &[
                    (None, "VIDEOPENDING"),
                    (Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
                    (Some("VIDEOINCOMPLETE"), "VIDEOREVIEW"),
                    (Some("VIDEOREVIEW"), "CANCELLED"),
                ],
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_from_incomplete_data_to_the_certificate_in_both_forms() {
    let sandbox = Sandbox::shared();
    for format in ["event", "status"] {
        let sink = HttpSink::start().await;
        let settings = json!({ "webhook_format": format });
        let api = authority(&sandbox, &sink, settings).await;
        let more = json!({ "paperless_mode": 1, "serial_number": null, "mobile_phone_number": "" });
        let created = api.create(more).await;
        assert_eq!(created["status"], "CREATED");
        assert_eq!(created["paperless_mode"], true);
        assert_eq!(created["videoid_mode"], false);
        assert!(created.get("videoid_data").is_none(), "{created}");
        let case = Case::of(&created);

        let missing = api.get(&case.path("validate/")).await.ok();
        assert_eq!(
            missing,
            json!([
                ["serial_number", "missing"],
                ["mobile_phone_number", "missing"]
            ])
        );
        let approval = api.post(&case.path("pl_approve/"), &api.officer()).await;
        approval.refused(400, "400", "Missing required docs");
        api.upload_documents(&case).await;
        let approval = api.post(&case.path("pl_approve/"), &api.officer()).await;
        let words = "Invalid request fields: serial_number, mobile_phone_number";
        approval.refused(412, "415", words);
        let mended = json!({ "serial_number": ANA.serial_number,
                             "mobile_phone_number": ANA.phone });
        api.put(&case.path(""), &mended).await.ok();
        assert_eq!(api.get(&case.path("validate/")).await.ok(), json!([]));
        assert_eq!(api.status(&case).await, "CREATED");

        papers_before_approval(&api, &case).await;
        approve(&api, &case).await;
        assert_eq!(api.status(&case).await, "ENROLLREADY");
        subscribe(&sandbox, &api, &case).await;
        if format == "event" {
            told_in_event_form(
                &sink,
                &api,
                &case,
                &[
                    ("REQUEST_CREATED", None, "CREATED"),
                    ("REQUEST_APPROVED", Some("CREATED"), "ENROLLREADY"),
                    ("REQUEST_ENROLLED", Some("ENROLLREADY"), "ISSUED"),
                ],
            )
            .await;
        } else {
            told_in_status_form(
                &sink,
                &api,
                &case,
                &[
                    (None, "CREATED"),
                    (Some("CREATED"), "ENROLLREADY"),
                    (Some("ENROLLREADY"), "ISSUED"),
                ],
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validation_approves_a_natural_person_at_once_where_the_authority_says_so() {
    let sandbox = Sandbox::shared();
    let sink = HttpSink::start().await;
    let settings = json!({ "validate_auto_approves": true, "webhook_format": "event" });
    let api = authority(&sandbox, &sink, settings).await;
    let case = api.reviewable().await;
    let decided = api
        .post(&case.path("validate_videoid"), &api.officer())
        .await
        .ok();
    let request = decision(&api, &case, &decided);
    assert_eq!(request["status"], "ENROLLREADY");
    assert_eq!(&request["approving_rao"]["pk"], api.told("rao_id"));
    assert_eq!(request["videoid_data"]["status"], "VALIDATED");
    api.enrol_cloud(&sandbox, &case).await;
    told_in_event_form(
        &sink,
        &api,
        &case,
        &[
            ("REQUEST_CREATED", None, "VIDEOPENDING"),
            ("VIDEOID_UPDATED", Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
            ("VIDEOID_UPDATED", Some("VIDEOINCOMPLETE"), "VIDEOREVIEW"),
            ("VIDEOID_UPDATED", Some("VIDEOREVIEW"), "CREATED"),
            ("REQUEST_APPROVED", Some("CREATED"), "ENROLLREADY"),
            ("REQUEST_ENROLLED", Some("ENROLLREADY"), "ISSUED"),
        ],
    )
    .await;

    // Whoever stands for an organisation has more to show.
    let request = api
        .create(json!({ "videoid_mode": 1, "profile": "REPnubeNC" }))
        .await;
    let case = Case::of(&request);
    api.submit_evidence(&case).await;
    let decided = api
        .post(&case.path("validate_videoid"), &api.officer())
        .await
        .ok();
    assert_eq!(decided["request"]["status"], "CREATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_that_is_not_issued_can_be_cancelled_once_and_its_card_stays_used() {
    let sandbox = Sandbox::shared();
    let sink = HttpSink::start().await;
    let settings = json!({ "webhook_format": "event" });
    let api = authority(&sandbox, &sink, settings).await;

    let pending = api.new_videoid_request().await;
    let incomplete = api.new_videoid_request().await;
    api.put_evidence(&incomplete, &evidence()).await.ok();
    let failed = api.new_videoid_request().await;
    let nonsense = Bytes::from_static(b"no film");
    api.post_video(&failed, nonsense).await.refusal(400);
    let in_review = api.reviewable().await;
    let created = api.new_classic_request().await;
    let (ready, _) = api.approved(CLOUD).await;
    let link = sandbox.link_for(ready.pk).await;

    for (case, status) in [
        (&pending, "VIDEOPENDING"),
        (&incomplete, "VIDEOINCOMPLETE"),
        (&failed, "VIDEOERROR"),
        (&in_review, "VIDEOREVIEW"),
        (&created, "CREATED"),
        (&ready, "ENROLLREADY"),
    ] {
        assert_eq!(api.status(case).await, status);
        let cancelled = api.delete(&case.path("cancel/")).await.ok();
        assert_eq!(cancelled, json!({ "status": "Request cancelled" }));
        assert_eq!(api.status(case).await, "CANCELLED");
        let again = api.delete(&case.path("cancel/")).await;
        again.refused(412, "412", "Invalid request status");
        let body = json!({ "sn": case.sn });
        let used = api.post("/scratchcards/isused/", &body).await;
        assert_eq!(used.ok(), json!(true));
    }
    // With the request goes its link.
    let page = Visitor::at(&link).open("").await;
    assert_eq!(page.status, 410, "{page}");
    let link = api.call(&ready.path("preauthlink/")).await;
    link.refused(412, "412", "Invalid request status");

    let (issued, _) = api.issued(&sandbox).await;
    let late = api.delete(&issued.path("cancel/")).await;
    late.refused(412, "412", "Invalid request status");
    assert_eq!(api.status(&issued).await, "ISSUED");

    let told = sink.wait_for(2 + 3 + 3 + 4 + 2 + 3 + 3).await;
    for case in [&pending, &incomplete, &failed, &in_review, &created, &ready] {
        let last = of_request(&told, case).pop().expect("it was told");
        assert_eq!(last["event_type"], "REQUEST_CANCELED");
        assert_eq!(last["request"]["status"], "CANCELLED");
        assert_eq!(last["certificates"], json!([]));
    }
}

/// The request and its VideoID stand so; classic requests have none.
async fn stands(api: &Api, case: &Case, status: &str, video_id: &str) {
    let record = api.record(case).await;
    assert_eq!(record["status"], status);
    assert_eq!(record["videoid_data"]["status"], video_id, "of {status}");
}

/// A change that moves nothing.
async fn correct(api: &Api, case: &Case) {
    let before = api.status(case).await;
    let changed = api
        .put(&case.path(""), &json!({ "residence_city": "Almería" }))
        .await
        .ok();
    assert_eq!(changed["residence_city"], "Almería");
    assert_eq!(changed["status"], before);
}

/// The answer of a decision: the request's own secrets, as an object, and the request.
fn decision<'a>(api: &Api, case: &Case, decided: &'a Value) -> &'a Value {
    assert_eq!(keys(decided), ["secrets", "request"]);
    let secrets = &decided["secrets"];
    assert_eq!(keys(secrets), ["puk", "enrollment_code", "pin", "erc"]);
    for (name, length) in [("puk", 8), ("enrollment_code", 8), ("pin", 8), ("erc", 10)] {
        assert_eq!(text(&secrets[name]).len(), length, "{name}");
    }
    let request = &decided["request"];
    assert_eq!(request["pk"], case.pk);
    assert_eq!(request["scratchcard"], case.sn);
    assert_eq!(request["registration_authority"], api.ra);
    request
}

/// Declaration and contract in the presence of the officer.
async fn papers_before_approval(api: &Api, case: &Case) {
    let body = json!({ "rao": api.told("rao_id"), "type": "APPROVE" });
    let declared = api
        .post(&case.path("generates_tbs_receipt/"), &body)
        .await
        .ok();
    assert_eq!(keys(&declared), ["serial_number", "receipt"]);
    let officer = api.get(&format!("/rao/{}/", api.told("rao_id"))).await.ok();
    let certificate = &officer["certificate"]["serial_number"];
    assert_eq!(&declared["serial_number"], certificate);
    let receipt = text(&declared["receipt"]);
    for line in receipt.split_inclusive('\n') {
        assert!(line.ends_with("\r\n"), "{line:?}");
    }
    let names = [ANA.given_name, ANA.surname_1, ANA.serial_number, ANA.email];
    for part in names.into_iter().chain([case.pk.to_string().as_str()]) {
        assert!(receipt.contains(part), "{part}: {receipt}");
    }

    let body = json!({ "type": "contract", "rao_id": api.told("rao_id") });
    let papers = api.post(&case.path("pl_get_document/"), &body).await.ok();
    let [contract] = papers.as_array().expect("a list").as_slice() else {
        panic!("not one: {papers}")
    };
    assert_members(contract, &["document", "type"]);
    assert_eq!(contract["type"], "contract");
    assert!(decoded(&contract["document"]).starts_with(b"%PDF-"));
}

async fn approve(api: &Api, case: &Case) {
    let decided = api.approve(case).await;
    let request = decision(api, case, &decided);
    assert_eq!(&request["approving_rao"]["pk"], api.told("rao_id"));
    let user = &request["approving_user"];
    assert_eq!(user, &request["registering_user"]);
    assert_eq!(
        keys(user),
        [
            "pk",
            "permission_profile",
            "registration_authority",
            "request"
        ]
    );
    for name in ["producing_user", "producing_rao"] {
        assert_eq!(request[name], Value::Null, "{name}");
    }
    let again = api.post(&case.path("pl_approve/"), &api.officer()).await;
    again.refused(412, "412", "Invalid request status");
}

/// The subscriber's part: mail, contract, code, PIN, certificate, signed contract.
async fn subscribe(sandbox: &Sandbox, api: &Api, case: &Case) {
    let mail = sandbox.nth_mail_for(case.pk, 1).await;
    assert_eq!(mail["to"], ANA.email);
    let link = text(&mail["link"]);
    let before = text(&sandbox.description()["base_url"]).to_owned() + "/lcmpl/enrollment/auth/";
    let token = link.strip_prefix(&before).expect("the pages' address");
    let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    assert!(
        token.len() == 32 && token.bytes().all(hexadecimal),
        "{link}"
    );
    assert!(text(&mail["text"]).contains(link));

    let approved = signed_contract(api, case).await;
    Visitor::at(link).enrol(sandbox, case, PIN).await;
    let record = api.record(case).await;
    assert_eq!(record["status"], "ISSUED");
    for (producing, approving) in [
        ("producing_user", "approving_user"),
        ("producing_rao", "approving_rao"),
    ] {
        assert_eq!(record[producing], record[approving]);
    }
    let [certificate] = record["certificate_set"]
        .as_array()
        .expect("a list")
        .as_slice()
    else {
        panic!("not one certificate: {record}")
    };
    assert_eq!(certificate["valid"], "VALID");
    assert_eq!(certificate["status"], 0);
    trusted(sandbox, &decoded(&certificate["data"]));

    // The contract has got a second signature, and goes out by mail.
    let signed = signed_contract(api, case).await;
    assert!(signed.len() > approved.len() && signed.starts_with(&approved));
    let mail = sandbox.nth_mail_for(case.pk, 2).await;
    assert_eq!(mail["to"], ANA.email);
    let [attached] = mail["attachments"].as_array().expect("a list").as_slice() else {
        panic!("not one attachment: {mail}")
    };
    assert_eq!(decoded(&attached["content"]), signed);
    assert!(text(&mail["text"]).contains(&case.sn));
}

async fn signed_contract(api: &Api, case: &Case) -> Vec<u8> {
    let body = json!({ "type": "signed_contract" });
    let papers = api.post(&case.path("pl_get_document/"), &body).await.ok();
    assert_members(&papers[0], &["pk", "document", "type"]);
    decoded(&papers[0]["document"])
}

/// OpenSSL follows the certificate to the sandbox's root.
fn trusted(sandbox: &Sandbox, der: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("certificate.der");
    std::fs::write(&file, der).expect("it can be written");
    let issuing = sandbox.dir().join("keys/issuing.crt");
    let root = sandbox.root();
    let arguments = [
        "verify".as_ref(),
        "-CAfile".as_ref(),
        root.as_os_str(),
        "-untrusted".as_ref(),
        issuing.as_os_str(),
        file.as_os_str(),
    ];
    testkit::run("openssl", arguments, b"").must_accept();
}

/// What was told of one request, in the event form.
fn of_request(told: &[Received], case: &Case) -> Vec<Value> {
    let bodies = told.iter().map(Received::json);
    bodies
        .filter(|body| body["request"]["pk"] == case.pk)
        .collect()
}

async fn told_in_event_form(
    sink: &HttpSink,
    api: &Api,
    case: &Case,
    expected: &[(&str, Option<&str>, &str)],
) {
    let told = of_request(&sink.wait_for(expected.len()).await, case);
    let record = api.record(case).await;
    let seen: Vec<_> = told
        .iter()
        .map(|body| {
            let previous = body["previous_status"].as_str();
            let status = text(&body["request"]["status"]);
            (text(&body["event_type"]), previous, status)
        })
        .collect();
    assert_eq!(seen, expected);
    for body in &told {
        let members = [
            "event_type",
            "sent_at",
            "date",
            "previous_status",
            "request",
            "certificates",
        ];
        assert_eq!(keys(body), members);
        assert_shape(&body["sent_at"], "99999999999999");
        let status = &body["request"]["status"];
        assert_eq!(
            body["request"],
            json!({ "status": status, "profile": CLOUD, "registration_authority": api.ra,
                    "scratchcard": case.sn, "pk": case.pk })
        );
        if status != "ISSUED" {
            assert_eq!(body["certificates"], json!([]));
            continue;
        }
        let issued = &record["certificate_set"][0];
        let [certificate] = body["certificates"].as_array().expect("a list").as_slice() else {
            panic!("not one certificate: {body}")
        };
        let members = ["status", "serial_number", "valid_from", "valid_to"];
        assert_eq!(keys(certificate), members);
        assert_eq!(certificate["status"], "VALID");
        assert_eq!(certificate["serial_number"], issued["serial_number"]);
        for name in ["valid_from", "valid_to"] {
            assert_shape(&certificate[name], "99999999 99:99:99");
            let digits = |value: &Value| text(value).replace(|c: char| !c.is_ascii_digit(), "");
            assert_eq!(digits(&certificate[name]), digits(&issued[name]));
        }
    }
}

async fn told_in_status_form(
    sink: &HttpSink,
    api: &Api,
    case: &Case,
    expected: &[(Option<&str>, &str)],
) {
    let told = sink.wait_for(expected.len()).await;
    assert_eq!(told.len(), expected.len());
    for (one, (previous, status)) in told.iter().zip(expected) {
        let body = one.json();
        assert_eq!(
            body,
            json!({ "status": status, "date": body["date"], "previous_status": previous,
                    "request": case.pk, "registration_authority": api.ra })
        );
        assert_shape(&body["date"], "9999-99-99T99:99:99.999999");
    }
}

/// The text looks like this one, but for the digits.
#[track_caller]
fn assert_shape(value: &Value, shape: &str) {
    let digit = |c: char| if c.is_ascii_digit() { '9' } else { c };
    let seen: String = text(value).chars().map(digit).collect();
    assert_eq!(seen, shape, "{value}");
}
