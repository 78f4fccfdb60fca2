//! Asked about certificates of OpenSSL's, whose answers and lists OpenSSL signs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration as Timeout;

use delivery::AllowList;
use tempfile::TempDir;
use testkit::{HttpSink, openssl};

use super::*;
use crate::Error;

/// A root, and who stands below it.
struct Authority {
    desk: TempDir,
    sink: HttpSink,
    now: OffsetDateTime,
}

/// How the root's register has the unit.
#[derive(Clone, Copy)]
enum Entry {
    Valid,
    Revoked,
    Missing,
}

/// The unit's serial number, in hexadecimal.
const SERIAL: &str = "0x1234";

const USAGES: &str = "\
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[unit]
extendedKeyUsage = critical, timeStamping
[responder]
extendedKeyUsage = OCSPSigning
[nobody]
extendedKeyUsage = clientAuth
";

impl Authority {
    async fn new() -> Self {
        let authority = Self {
            desk: tempfile::tempdir().unwrap(),
            sink: HttpSink::start().await,
            now: machine_time(),
        };
        let register = authority.path("index.txt");
        let common = format!(
            "[req]\ndistinguished_name = none\n[none]\n[ca]\ndefault_ca = own\n[own]\n\
             database = {register}\ndefault_md = sha256\n{USAGES}"
        );
        let sources = format!(
            "authorityInfoAccess = OCSP;URI:{}\ncrlDistributionPoints = URI:{}\n",
            authority.sink.url("/ocsp"),
            authority.sink.url("/list"),
        );
        let stamping = "extendedKeyUsage = critical, timeStamping";
        // RFC 9608.
        let no_answers = "2.5.29.56 = DER:0500";
        let with_sources = format!(
            "[unit_with_sources]\n{stamping}\n{sources}\
             [unit_of_a_day]\n{stamping}\n{no_answers}\n{sources}"
        );
        authority.put("usages.cnf", common + &with_sources);
        for root in ["root", "stranger"] {
            authority.make(root, "authority", None);
        }
        authority
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.desk.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// The certificate of somebody new, DER.
    fn make(&self, name: &str, usage: &str, issuer: Option<&str>) -> Vec<u8> {
        let settings = self.path("usages.cnf");
        let subject = format!("/CN={name}");
        let [key, pem] = ["key", "pem"].map(|kind| self.path(&format!("{name}.{kind}")));
        let mut arguments = vec!["req", "-x509", "-newkey", "ec", "-pkeyopt"];
        arguments.extend(["ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
        arguments.extend([
            "-config",
            &settings,
            "-extensions",
            usage,
            "-subj",
            &subject,
        ]);
        arguments.extend(["-keyout", &key, "-out", &pem]);
        if name == "unit" {
            arguments.extend(["-set_serial", SERIAL]);
        }
        let signer =
            issuer.map(|one| ["pem", "key"].map(|kind| self.path(&format!("{one}.{kind}"))));
        if let Some([pem, key]) = &signer {
            arguments.extend(["-CA", pem, "-CAkey", key]);
        }
        openssl(arguments, b"").must_accept();
        self.der(name)
    }

    fn der(&self, name: &str) -> Vec<u8> {
        let pem = self.path(&format!("{name}.pem"));
        let arguments = ["x509", "-in", &pem, "-outform", "DER"];
        openssl(arguments, b"").must_accept().stdout
    }

    fn register(&self, entry: Entry) {
        let row = |state: &str| format!("{state}\t{}\tunknown\t/CN=unit\n", &SERIAL[2..]);
        let content = match entry {
            Entry::Valid => row("V\t491231235959Z\t"),
            Entry::Revoked => row("R\t491231235959Z\t260101000000Z"),
            Entry::Missing => String::new(),
        };
        self.put("index.txt", content);
    }

    /// An answer to the question about the unit, signed by `responder`.
    fn answer(&self, entry: Entry, responder: &str, lasting: &[&str]) -> Vec<u8> {
        self.register(entry);
        let [register, root, unit, key, signer, answer] = [
            "index.txt",
            "root.pem",
            "unit.pem",
            &format!("{responder}.key"),
            &format!("{responder}.pem"),
            "answer.der",
        ]
        .map(|name| self.path(name));
        let request = self.path("request.der");
        let ask = [
            "ocsp",
            "-no_nonce",
            "-issuer",
            &root,
            "-cert",
            &unit,
            "-reqout",
            &request,
        ];
        openssl(ask, b"").must_accept();
        let mut arguments = vec![
            "ocsp", "-index", &register, "-CA", &root, "-rsigner", &signer,
        ];
        arguments.extend(["-rkey", &key, "-reqin", &request, "-respout", &answer]);
        arguments.extend(lasting);
        openssl(arguments, b"").must_accept();
        fs::read(answer).unwrap()
    }

    /// A revocation list of one day, signed by `signer`.
    fn list(&self, entry: Entry, signer: &str) -> Vec<u8> {
        self.register(entry);
        let [settings, certificate, key, list] = [
            "usages.cnf",
            &format!("{signer}.pem"),
            &format!("{signer}.key"),
            "list.pem",
        ]
        .map(|name| self.path(name));
        let mut arguments = vec!["ca", "-gencrl", "-config", &settings, "-crldays", "1"];
        arguments.extend(["-cert", &certificate, "-keyfile", &key, "-out", &list]);
        openssl(arguments, b"").must_accept();
        openssl(["crl", "-in", &list, "-outform", "DER"], b"")
            .must_accept()
            .stdout
    }

    /// Asks about the unit while these answers come, one after the other.
    async fn ask(&self, answers: &[&[u8]]) -> Result<Standing, String> {
        self.ask_at(self.now, answers).await
    }

    async fn ask_at(&self, now: OffsetDateTime, answers: &[&[u8]]) -> Result<Standing, String> {
        for answer in answers {
            self.sink.serve_next(answer.to_vec());
        }
        let [unit, root] = ["unit", "root"].map(|name| self.der(name));
        let path = path(&unit, &[], &[root]).expect("the root vouches for the unit");
        let allow = AllowList::new(&["127.0.0.1"]).unwrap();
        let fetcher = Fetcher::new(allow, Timeout::from_secs(5)).unwrap();
        let found = Standing::of(&path, &fetcher, now).await;
        found.map_err(|failure| Error::from(failure).to_string())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "OpenSSL dates its answers by the machine's own clock"
)]
fn machine_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// An authority whose unit names a responder and a list, and that appointed a responder, and somebody
/// who is none.
async fn answering() -> Authority {
    let mut authority = Authority::new().await;
    authority.make("unit", "unit_with_sources", Some("root"));
    authority.make("responder", "responder", Some("root"));
    authority.make("nobody", "nobody", Some("root"));
    // Their certificates are valid by now.
    authority.now = machine_time();
    authority
}

/// How long something holds from now on, in minutes.
fn minutes(authority: &Authority, until: OffsetDateTime) -> i64 {
    (until - authority.now).whole_minutes()
}

#[tokio::test]
async fn a_good_answer_is_taken_along_and_kept_until_its_end() {
    let authority = answering().await;
    let unit = authority.der("unit");
    for responder in ["responder", "root"] {
        let answer = authority.answer(Entry::Valid, responder, &["-nmin", "30"]);
        let before = authority.sink.received().len();
        let found = authority.ask(&[&answer]).await.unwrap();
        assert_eq!(found.security.ocsp_responses, [answer]);
        assert_eq!(found.security.certificates, [authority.der("root")]);
        assert!(found.security.revocation_lists.is_empty());
        let asked = authority.sink.received().len() - before;
        assert_eq!(asked, 1, "that was enough");

        let kept = Kept::new(&unit, found);
        let after = |minutes| authority.now + Duration::minutes(minutes);
        assert!(kept.is_about(&unit, after(29)));
        assert!(!kept.is_about(&unit, after(31)));
        assert!(!kept.is_about(&authority.der("root"), after(1)));
    }
}

#[tokio::test]
async fn no_answer_is_kept_for_ever() {
    let authority = answering().await;
    for (lasting, expected) in [(&["-ndays", "3"][..], 12 * 60), (&[], 60)] {
        let answer = authority.answer(Entry::Valid, "responder", lasting);
        let found = authority.ask(&[&answer]).await.unwrap();
        assert_eq!(minutes(&authority, found.until), expected, "{lasting:?}");
    }
}

#[tokio::test]
async fn a_list_serves_where_no_responder_knows() {
    let authority = answering().await;
    let list = authority.list(Entry::Valid, "root");
    let by = |responder| authority.answer(Entry::Valid, responder, &[]);
    for (what, answer) in [
        (
            "unknown",
            authority.answer(Entry::Missing, "responder", &[]),
        ),
        ("unreadable", b"what a day".to_vec()),
        ("too long", vec![0x30; MAX_ANSWER_LEN + 1]),
        ("a stranger's", by("stranger")),
        ("nobody's", by("nobody")),
    ] {
        let found = authority.ask(&[&answer, &list]).await;
        let found = found.unwrap_or_else(|reason| panic!("{what}: {reason}"));
        assert!(found.security.ocsp_responses.is_empty(), "{what}");
        let lists = found.security.revocation_lists;
        assert_eq!(lists, std::slice::from_ref(&list), "{what}");
    }
    let (nothing, strangers) = (&b""[..], authority.list(Entry::Valid, "stranger"));
    let refused = authority.ask(&[nothing, &strangers]).await.err().unwrap();
    assert!(refused.contains("signed by nobody who may"), "{refused}");
}

#[tokio::test]
async fn nobody_outweighs_who_says_that_the_unit_is_revoked() {
    let authority = answering().await;
    let good = authority.list(Entry::Valid, "root");
    let revoked = authority.answer(Entry::Revoked, "responder", &[]);
    let refused = authority.ask(&[&revoked, &good]).await.err().unwrap();
    assert!(refused.contains("is revoked"), "{refused}");
    let asked = authority.sink.received().len();
    assert_eq!(asked, 1, "nobody else is asked");

    let authority = answering().await;
    let revoked = authority.list(Entry::Revoked, "root");
    let refused = authority.ask(&[b"", &revoked]).await.err().unwrap();
    assert!(refused.contains("is revoked"), "{refused}");
}

#[tokio::test]
async fn what_is_of_another_time_or_about_another_certificate_shows_nothing() {
    let authority = answering().await;
    let answer = authority.answer(Entry::Valid, "responder", &["-nmin", "30"]);
    let list = authority.list(Entry::Valid, "root");
    for days in [-1, 2] {
        let then = authority.now + Duration::days(days);
        let refused = authority.ask_at(then, &[&answer, &list]).await;
        let refused = refused.err().unwrap();
        assert!(refused.contains("of another time"), "{refused}");
    }
    authority.make("another", "unit_with_sources", Some("root"));
    let read = |name| Certificate::read(&authority.der(name)).unwrap();
    let (another, root) = (read("another"), read("root"));
    let judged = judged_answer(&answer, &another, &root, authority.now);
    assert!(
        matches!(judged, Err(Doubt::Open(_))),
        "it is not asked about"
    );
    authority.make("guest", "unit_with_sources", Some("stranger"));
    let judged = judged_list(&list, &read("guest"), &root, authority.now);
    assert!(matches!(judged, Err(Doubt::Open(_))), "another issued it");
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_will_ever_say_more() {
    let authority = Authority::new().await;
    for usage in ["unit", "unit_of_a_day"] {
        authority.make("unit", usage, Some("root"));
        let found = authority.ask(&[]).await.unwrap();
        assert!(found.security.ocsp_responses.is_empty());
        assert_eq!(minutes(&authority, found.until), 12 * 60);
    }
    assert!(authority.sink.received().is_empty());
}

#[tokio::test]
async fn a_path_leads_over_what_came_along_to_a_root_of_the_operators() {
    let authority = Authority::new().await;
    let middle = authority.make("middle", "authority", Some("root"));
    let unit = authority.make("unit", "unit", Some("middle"));
    let [root, stranger] = ["root", "stranger"].map(|name| authority.der(name));
    let along = [stranger.clone(), middle.clone()];
    let found = path(&unit, &along, std::slice::from_ref(&root)).unwrap();
    let found: Vec<_> = found.certificates().iter().map(|one| one.der()).collect();
    assert_eq!(found, [&unit[..], &middle, &root]);
    assert!(path(&unit, &along, &[stranger]).is_none());
    assert!(path(&unit, &[], &[root]).is_none(), "a link is missing");
}
