//! A real installation, from `avouch init` to a subscriber's certificate: set up at the command
//! line, with a mail server, an SMS gateway and an API listener in its configuration.

use std::fs;

use serde_json::{Value, json};
use testkit::{HttpSink, ReadMail, SinkSecurity, SmtpSetup, SmtpSink, pdfsig, pyhanko, qpdf_check};

use super::client::{Api, Case, PIN, Visitor, decoded, merged, text};
use super::parties::{Operator, User};
use crate::client::ANA;
use crate::harness::Installation;

const LOGIN: (&str, &str) = ("avouch", "the-mail-server-s-password");

/// An installation with everything that a subscriber's journey needs.
struct Office {
    installation: Installation,
    operator: Operator,
    mails: SmtpSink,
    texts: HttpSink,
    ra: i64,
    officer: Value,
    user: User,
}

impl Office {
    /// Everything that an operator sets up before the server first runs.
    async fn furnish() -> Self {
        let installation = Installation::init(["--organisation", "Example Trust SL"]);
        let operator = Operator::of_installation(&installation);
        let settings = ["country=ES", "language=en", "auto_scratchcards=false"];
        let ra = operator.new_authority(None, &settings);
        Self {
            mails: SmtpSink::start(SmtpSetup {
                security: SinkSecurity::Tls,
                login: Some(LOGIN),
                ..SmtpSetup::default()
            }),
            texts: HttpSink::start().await,
            officer: operator.new_officer(ra),
            user: operator.new_user(ra, "requests"),
            installation,
            operator,
            ra,
        }
    }

    /// Writes the rest of the configuration, serves, and gives a client of the authority's user.
    fn serve(&mut self) -> Api {
        // The link in the mail leads to the public URL, which is known once there is a port.
        let url = self.installation.serve(&[]);
        assert!(self.installation.terminate().success());
        let trust = self.mails.trust();
        let settings = format!(
            "[mail.smtp]\n\
             host = \"localhost\"\n\
             port = {port}\n\
             username = \"{user}\"\n\
             password = \"{password}\"\n\
             from = \"Example Trust <noreply@example.com>\"\n\
             trust = \"{trust}\"\n\
             [otp.sms_gateway]\n\
             url = \"{gateway}\"\n\
             body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\", \"code\": \"{{code}}\"}}'\n",
            port = self.mails.port(),
            user = LOGIN.0,
            password = LOGIN.1,
            trust = trust.display(),
            gateway = self.texts.url("/send"),
        );
        let config = self.installation.config();
        let template = fs::read_to_string(&config).expect("init wrote it");
        let api = "[registration_authority]\n";
        let listening = format!("{api}listen = \"127.0.0.1:0\"\n");
        fs::write(&config, template.replace(api, &listening) + &settings).expect("it is ours");
        self.installation
            .serve(&[("AVOUCH__SERVER__PUBLIC_URL", &url)]);
        self.installation.confide(LOGIN.1);

        let told = "serving the Registration Authority API";
        let line: Value = serde_json::from_str(&self.installation.wait_for_log(told))
            .expect("a log line is JSON");
        let folder = self.user.certificate.parent().expect("a file in a folder");
        let described = json!({
            "base_url": line["public_url"], "ra": self.ra,
            "client_certificate": self.user.certificate, "client_key": self.user.key,
            "server_ca": folder.join("ca.pem"),
        });
        for secret in ["rao_password", "rao_pin"] {
            self.installation.confide(text(&self.officer[secret]));
        }
        Api::new(&merged(described, self.officer.clone()))
    }

    /// A batch of scratchcards, as they are printed once.
    fn scratchcards(&self, count: u8) -> Vec<Value> {
        let (ra, count) = (self.ra.to_string(), count.to_string());
        let order = ["scratchcard", "create", "--ra", &ra, "--count", &count];
        let made = self.operator.asks(&order);
        made.as_array().expect("a list").clone()
    }

    /// The `count`th mail, which Python finds nothing wrong with.
    async fn mail(&self, count: usize) -> ReadMail {
        let mail = self.mails.wait_for(count).await.remove(count - 1);
        assert!(mail.encrypted && mail.logged_in, "{mail:?}");
        assert_eq!(mail.to, [ANA.email]);
        assert_eq!(mail.from, "noreply@example.com");
        let read = mail.read.expect("the sink took it");
        assert_eq!(read.defects, [""; 0]);
        read
    }

    /// The subscriber follows the link and chooses [`PIN`].
    async fn enrol(&self, invitation: &ReadMail, texts_so_far: usize) {
        let written = invitation.text.as_deref().expect("a text");
        let link = written
            .lines()
            .find(|line| line.starts_with("http://"))
            .expect("a line of its own");
        let html = invitation.html.as_deref().expect("a page");
        assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
        let token = link.rsplit('/').next().expect("the end of the link");
        self.installation.confide(token);

        let mut visitor = Visitor::at(link);
        visitor.ask_for_code().await;
        let texts = self.texts.wait_for(texts_so_far + 1).await;
        let sent = texts[texts_so_far].json();
        assert_eq!(sent["to"], ANA.phone);
        let code = text(&sent["code"]);
        self.installation.confide(code);
        let page = visitor
            .send("/enrol", &[("code", code), ("secret", PIN), ("again", PIN)])
            .await;
        assert_eq!(page.status, 200, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_init_to_a_certificate_a_signed_contract_in_the_mail_and_a_second_officer() {
    let mut office = Office::furnish().await;
    let cards = office.scratchcards(3);
    let api = office.serve();
    let api = &api;

    // The oldest card comes first, with the secrets that were printed.
    let case = api.new_videoid_request().await;
    assert_eq!(case.sn, text(&cards[0]["sn"]));
    api.submit_evidence(&case).await;
    let decided = api.approve(&case).await;
    assert_eq!(decided["secrets"], cards[0]["secrets"]);
    let secrets = &decided["secrets"];
    for name in ["enrollment_code", "erc"] {
        office.installation.confide(text(&secrets[name]));
    }

    let invitation = office.mail(1).await;
    let written = invitation.text.as_deref().expect("a text");
    for part in [case.sn.as_str(), text(&secrets["enrollment_code"])] {
        assert!(written.contains(part), "{part}: {written}");
    }
    assert!(!written.contains(text(&secrets["erc"])), "{written}");
    assert!(invitation.attachments.is_empty());
    office.enrol(&invitation, 0).await;
    assert_eq!(api.status(&case).await, "ISSUED");

    let farewell = office.mail(2).await;
    let written = farewell.text.as_deref().expect("a text");
    for part in [case.sn.as_str(), text(&secrets["erc"])] {
        assert!(written.contains(part), "{part}: {written}");
    }
    let [contract] = farewell.attachments.as_slice() else {
        panic!("not one: {farewell:?}");
    };
    assert_eq!(contract.media_type, "application/pdf");
    assert_eq!(contract.name, Some(format!("contract-{}.pdf", case.pk)));
    let stored = json!({ "type": "signed_contract" });
    let stored = api.post(&case.path("pl_get_document/"), &stored).await.ok();
    assert!(contract.content == decoded(&stored[0]["document"]));
    signed_by_both(&office.installation, &contract.content);

    // The subscriber becomes an officer and approves the next one.
    let (ra, request) = (office.ra.to_string(), case.pk.to_string());
    let appointment = ["rao", "appoint", "--ra", &ra, "--request", &request];
    let second = office.operator.asks(&appointment);
    assert_eq!(second["username"], case.sn);
    assert_eq!(second["given_name"], ANA.given_name);
    let credentials = json!({ "username": case.sn, "password": secrets["enrollment_code"],
                              "pin": PIN, "rao_id": second["pk"] });
    let next = api.reviewable().await;
    assert_eq!(next.sn, text(&cards[1]["sn"]));
    let decided = api.post(&next.path("pl_approve/"), &credentials).await.ok();
    assert_eq!(decided["request"]["approving_rao"]["pk"], second["pk"]);
    office.enrol(&office.mail(3).await, 1).await;
    assert_eq!(api.status(&next).await, "ISSUED");

    stock_and_users(&office, api, [&case, &next], &cards[2]).await;
    let audit = office.operator.orders(&["audit"]);
    assert!(audit.contains("each fits the one before it"), "{audit}");
}

/// Two signatures that hold, under the installation's own root.
fn signed_by_both(installation: &Installation, contract: &[u8]) {
    let file = installation.dir().join("contract.pdf");
    fs::write(&file, contract).expect("a writable folder");
    let root = installation.dir().join("keys/root.crt");
    qpdf_check(&file).must_accept();
    let signers = pdfsig(&file, &root);
    let names: Vec<_> = signers.iter().map(|one| one.signer.as_str()).collect();
    let ana = format!("{} {} {}", ANA.given_name, ANA.surname_1, ANA.surname_2);
    assert_eq!(names, ["Rosa Oficial", &ana]);
    assert!(signers.iter().all(|one| one.valid), "{signers:?}");
    assert!(signers[1].covers_whole_document, "{signers:?}");
    let opinions = pyhanko(&file, &root, testkit::Revocation::Ignore);
    assert!(
        opinions.iter().all(|one| one.trusted && one.bottom_line),
        "{opinions:#?}"
    );
}

/// What the operator does while the server runs is seen at once, and the other way round.
async fn stock_and_users(office: &Office, api: &Api, used: [&Case; 2], left: &Value) {
    let operator = &office.operator;
    let ra = office.ra.to_string();
    let cards = operator.asks(&["scratchcard", "list", "--ra", &ra]);
    let users: Vec<_> = cards.as_array().expect("a list").iter().collect();
    let users: Vec<_> = users.iter().map(|card| &card["request"]).collect();
    assert_eq!(
        users,
        [&json!(used[0].pk), &json!(used[1].pk), &Value::Null]
    );
    assert!(!cards.to_string().contains("erc"), "{cards}");

    // The last card goes elsewhere; none is made, since the authority wants none made.
    let other = operator.new_authority(None, &[]).to_string();
    let order = ["scratchcard", "move", "--from", &ra, "--amount", "1"];
    let moved = operator.asks(&[&order[..], &["--to", &other]].concat());
    assert_eq!(moved["moved"], 1);
    let none = api.get("/scratchcards/get_first_unused/").await;
    none.refused(404, "400", "No ScratchCard matches the given query.");
    let back = text(&left["sn"]);
    let order = ["scratchcard", "move", "--first", back, "--last", back];
    operator.asks(&[&order[..], &["--to", &ra]].concat());
    assert_eq!(api.unused_card().await, back);

    operator.asks(&["ra", "set", &ra, "max_renewals=7", "city=Almería"]);
    let shown = operator.asks(&["ra", "show", &ra]);
    assert_eq!(
        (&shown["max_renewals"], &shown["city"]),
        (&json!(7), &json!("Almería"))
    );

    let number = office.user.pk.to_string();
    operator.asks(&["api-user", "disable", &number]);
    assert_eq!(api.get("/requests/").await.refusal(401)["code"], "401");
    let user = operator.asks(&["api-user", "enable", &number]);
    assert_eq!(user["enabled"], true);
    assert_eq!(api.get("/requests/").await.ok()["count"], 2);
}
