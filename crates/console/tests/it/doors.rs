//! The handlers, over a real service: from the link to the certificate and to a signature.

use axum::body::Body;
use axum::http::{Request, header};
use testkit::run;
use tower::ServiceExt;

use crate::house::{House, Visitor};

const PIN: &str = "secret=abcdef12&again=abcdef12";

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_certificate_is_enrolled_and_signs() {
    let house = House::build().await;
    let link = house.invite("PFnubeNC").await;
    let mut ana = Visitor::of(&house);
    let page = ana.open(&link).await;
    assert_eq!((page.status, page.title()), (200, "Get your certificate"));
    assert!(page.text().contains("Olga Officer"), "who approved");
    let page = ana.open(&format!("{link}?lang=it")).await;
    assert_eq!(page.title(), "Ottenga il Suo certificato");

    let page = ana.send(&format!("{link}/code"), "").await;
    assert_eq!(page.status, 422, "without accepting");
    let page = ana
        .send(&format!("{link}/code?lang=es"), "accept=yes")
        .await;
    assert_eq!((page.status, page.title()), (200, "Confirme que es usted"));

    // Another device finds it busy, also with a cookie of its own making.
    let mut other = Visitor::of(&house);
    assert_eq!(other.open(&link).await.status, 409);

    let enrol = format!("{link}/enrol");
    let page = ana.send(&enrol, &format!("code=000&{PIN}")).await;
    assert_eq!((page.status, page.title()), (403, "Confirm that it is you"));
    let code = house.code().await;
    let page = ana
        .send(
            &enrol,
            &format!("code={code}&secret=abcdef12&again=abcdef13"),
        )
        .await;
    assert_eq!(page.status, 422, "entries differ");
    let page = ana
        .send(&enrol, &format!("code={code}&secret=short&again=short"))
        .await;
    assert_eq!(page.status, 422, "weak");
    assert!(!page.text().contains("value=\"short\""), "a PIN comes back");
    let page = ana.send(&enrol, &format!("code={code}&{PIN}")).await;
    assert_eq!(
        (page.status, page.title()),
        (200, "Your certificate is ready")
    );
    // Sent once more, by an impatient finger or after going back, it does nothing and says so.
    for (form, fields) in [
        ("enrol", format!("code={code}&{PIN}")),
        ("code", "accept=yes".into()),
    ] {
        let page = ana.send(&format!("{link}/{form}"), &fields).await;
        assert_eq!(
            (page.status, page.title()),
            (200, "Your certificate is ready")
        );
    }
    assert_eq!(other.open(&link).await.status, 410);
    assert_eq!(
        other
            .send(&enrol, &format!("code={code}&{PIN}"))
            .await
            .status,
        410
    );
    let contract = ana.open(&format!("{link}/contract.pdf")).await;
    assert_eq!(contract.header(header::CONTENT_TYPE), "application/pdf");
    assert!(contract.content.starts_with(b"%PDF"));

    let username = page.text().split("<code>").nth(1).unwrap();
    let username = username.split('<').next().unwrap().to_owned();
    let mut ana = Visitor::of(&house);
    let wrong = format!("username={username}&password=wrong");
    let page = ana.send("/sign/code", &wrong).await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains(&format!("value=\"{username}\"")));
    let password = house.password(&username).await;
    let right: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("username", &username), ("password", &password)])
        .finish();
    let page = ana.send("/sign/code", &right).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("name=\"pin\""), "{}", page.title());
    assert!(!page.text().contains(&password), "a password comes back");
    let code = house.code().await;
    let file = (
        "name=\"file\"; filename=\"offer ñ.pdf\"",
        specimens::AGREEMENT,
    );
    let pin: (&str, &[u8]) = ("name=\"pin\"", b"abcdef12");
    let code: (&str, &[u8]) = ("name=\"code\"", code.as_bytes());
    let page = ana.send_parts("/sign", &[pin, code]).await;
    assert_eq!(page.status, 422, "no file");
    let wrong: (&str, &[u8]) = ("name=\"pin\"", b"abcdef13");
    let page = ana.send_parts("/sign", &[file, wrong, code]).await;
    assert_eq!(page.status, 403, "wrong PIN");
    let signed = ana.send_parts("/sign", &[file, pin, code]).await;
    assert_eq!(signed.status, 200);
    assert_eq!(
        signed.header(header::CONTENT_DISPOSITION),
        "attachment; filename*=UTF-8''offer%20%C3%B1-signed.pdf"
    );
    assert!(signed.content.len() > specimens::AGREEMENT.len());
    let page = ana.send("/sign/out", "").await;
    assert!(page.text().contains("name=\"password\""));
    let page = ana.send_parts("/sign", &[file, pin, code]).await;
    assert_eq!(page.status, 403, "signed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_handed_out_once() {
    let house = House::build().await;
    let link = house.invite("PFSoftAFCiudadano").await;
    let mut ana = Visitor::of(&house);
    ana.send(&format!("{link}/code"), "accept=yes").await;
    let code = house.code().await;
    let page = ana
        .send(&format!("{link}/enrol"), &format!("code={code}&{PIN}"))
        .await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("data-download"), "{}", page.title());
    let file = ana.send(&format!("{link}/file"), "").await;
    assert_eq!(file.header(header::CONTENT_TYPE), "application/x-pkcs12");
    run(
        "openssl",
        ["pkcs12", "-passin", "pass:abcdef12", "-nokeys"],
        &file.content,
    )
    .must_accept();
    let page = ana.send(&format!("{link}/file"), "").await;
    assert_eq!(page.status, 410);
    assert_eq!(page.title(), "Your certificate is ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_brings_its_request_and_takes_its_certificate() {
    let house = House::build().await;
    let link = house.invite("PFqscdCiudadano").await;
    let mut ana = Visitor::of(&house);
    ana.send(&format!("{link}/code"), "accept=yes").await;
    let code = house.code().await;
    let enrol = format!("{link}/enrol");
    let code: (&str, &[u8]) = ("name=\"code\"", code.as_bytes());
    let page = ana.send_parts(&enrol, &[code]).await;
    assert_eq!(page.status, 422, "no request");
    let part = "name=\"request\"; filename=\"card.csr\"";
    let page = ana.send_parts(&enrol, &[code, (part, b"nonsense")]).await;
    assert_eq!(page.status, 422, "no request either");
    let key = tempfile::NamedTempFile::new().unwrap();
    let arguments = [
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=card",
        "-keyout",
    ];
    let arguments = arguments.map(Into::into).into_iter();
    let request = run(
        "openssl",
        arguments.chain([key.path().as_os_str().to_owned()]),
        b"",
    );
    let request = request.must_accept().stdout;
    let page = ana.send_parts(&enrol, &[code, (part, &request)]).await;
    assert_eq!(
        (page.status, page.title()),
        (200, "Your certificate is ready")
    );
    let pem = page.text().split("readonly").nth(1).unwrap();
    let pem = pem.split(['>', '<']).nth(1).unwrap();
    run("openssl", ["x509", "-noout"], pem.as_bytes()).must_accept();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_nowhere_says_so() {
    let house = House::build().await;
    let mut visitor = Visitor::of(&house);
    for token in [
        "0123456789abcdef0123456789abcdef",
        "%3Cb%3E",
        "..%2F..",
        "x",
    ] {
        let link = format!("/lcmpl/enrollment/auth/{token}");
        for path in [link.clone(), format!("{link}/contract.pdf")] {
            let page = visitor.open(&path).await;
            assert_eq!(page.status, 404, "{path}");
            assert_eq!(page.title(), "We do not know this link");
        }
        let page = visitor.send(&format!("{link}/code"), "accept=yes").await;
        assert_eq!(page.status, 404);
    }
    let link = "/lcmpl/enrollment/auth/0123456789abcdef0123456789abcdef";
    let foreign = Request::post(format!("{link}/code"))
        .header("sec-fetch-site", "cross-site")
        .header(header::ACCEPT_LANGUAGE, "es")
        .body(Body::from("accept=yes"));
    let refused = house.router.clone().oneshot(foreign.unwrap()).await;
    assert_eq!(refused.unwrap().status(), 403);
    let large = vec![b'a'; 2 << 20];
    let page = visitor
        .send(&format!("{link}/code"), str::from_utf8(&large).unwrap())
        .await;
    assert_eq!(page.status, 413);
}
