use std::fs;
use std::time::{Duration, Instant};

use delivery::{
    Config, FileOutbox, MailAttachment, MailMessage, MailRoute, SmtpSecurity, SmtpServer,
    mail_context,
};
use serde_json::{Value, json};
use store::{Channel, OutboxMessage};
use testkit::{At, ReadAttachment, ReceivedMail, SinkSecurity, SmtpSetup, SmtpSink, run};

use crate::house::{Counting, House, quick};

fn plain(to: &str) -> MailMessage {
    MailMessage {
        to: to.to_owned(),
        subject: "Tu certificado está listo — Ñandú 🖋 y otras palabras que no caben en una línea"
            .to_owned(),
        text: "Hola, Íñigo:\n\nhttps://ra.example/enrol/abc?x=1&y=2\n.\n.end=20\nFrom here\n"
            .to_owned(),
        html: None,
        link: Some("https://ra.example/enrol/abc?x=1&y=2".to_owned()),
        attachments: Vec::new(),
    }
}

fn rich(to: &str) -> MailMessage {
    // Every byte, every pair of line ends, and the end of a mail, many times over.
    let bytes = (0..=255).chain(*b"\r\n.\r\n\n\r").cycle().take(200_000);
    MailMessage {
        html: Some("<p>Hola, <b>Íñigo</b></p>\n".to_owned()),
        attachments: vec![
            MailAttachment {
                name: "Contrato de Íñigo \"Nº 1\".pdf".to_owned(),
                media_type: "application/pdf".to_owned(),
                content: bytes.collect(),
            },
            MailAttachment {
                name: "empty.txt".to_owned(),
                media_type: "text/plain".to_owned(),
                content: Vec::new(),
            },
        ],
        ..plain(to)
    }
}

fn sealed(house: &House, request: i64, id: &str, mail: &MailMessage) -> OutboxMessage {
    let plain = serde_json::to_vec(mail).unwrap();
    let context = mail_context(id);
    OutboxMessage {
        payload: house.master.seal(&context, &plain, &Counting::default()),
        label: "enrolment-link".to_owned(),
        ..house.message(Channel::Mail, request, id, "")
    }
}

fn server(sink: &SmtpSink) -> SmtpServer {
    SmtpServer {
        host: "localhost".to_owned(),
        port: Some(sink.port()),
        security: SmtpSecurity::None,
        username: None,
        password: None,
        from: "Casa de Íñigo <noreply@house.example>".to_owned(),
        timeout_seconds: 20,
        trust: None,
    }
}

fn through(server: SmtpServer) -> Config {
    Config {
        mail: MailRoute::Smtp(server),
        ..quick()
    }
}

/// One value of the outbox's table, which nothing but the dispatcher writes to.
fn look(house: &House, column: &str) -> String {
    let script = "import sqlite3,sys; rows=sqlite3.connect(sys.argv[1]); \
                  print(rows.execute(f'SELECT MAX({sys.argv[2]}) FROM outbox').fetchone()[0])";
    let told = run("python", ["-c", script, &house.url, column], b"");
    told.must_accept().text().trim().to_owned()
}

/// Waits until so many attempts at a mail were made.
async fn attempts(house: &House, count: i64) {
    let minute = Instant::now() + Duration::from_secs(60);
    while look(house, "attempts").parse::<i64>().unwrap() < count {
        assert!(Instant::now() < minute, "no {count} attempts in a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn answers(received: &[ReceivedMail]) -> Vec<&str> {
    received.iter().map(|mail| mail.answered.as_str()).collect()
}

const TAKEN: &str = "250 2.0.0 taken";

#[tokio::test]
async fn a_mail_arrives_whole_over_every_sort_of_connection() {
    let sorts = [
        (SinkSecurity::None, SmtpSecurity::None),
        (SinkSecurity::Starttls, SmtpSecurity::Starttls),
        (SinkSecurity::Tls, SmtpSecurity::Tls),
    ];
    for (theirs, ours) in sorts {
        let house = House::new().await;
        let sink = SmtpSink::start(SmtpSetup {
            security: theirs,
            login: Some(("avouch", "p4ss wörd")),
            replies: &[],
        });
        let mail = rich("ana@example.org");
        house.queue(&sealed(&house, 1, "msg_1", &mail)).await;
        let running = house.start_with(through(SmtpServer {
            security: ours,
            username: Some("avouch".to_owned()),
            password: Some("p4ss wörd".into()),
            trust: Some(sink.trust()),
            ..server(&sink)
        }));
        house.settles_at(0, 0).await;
        running.stop().await;

        let received = sink.wait_for(1).await;
        assert_eq!(answers(&received), [TAKEN]);
        let [arrived] = &received[..] else { panic!() };
        assert_eq!(arrived.encrypted, ours != SmtpSecurity::None);
        assert!(arrived.logged_in);
        assert_eq!(arrived.from, "noreply@house.example");
        assert_eq!(arrived.to, ["ana@example.org"]);

        let read = arrived.read.as_ref().unwrap();
        assert_eq!(read.defects, [""; 0]);
        assert!(read.source.is_ascii(), "8BITMIME must not be needed");
        assert!(read.source.split(|b| *b == b'\n').all(|l| l.len() <= 998));
        assert_eq!(read.header("subject"), [mail.subject.as_str()]);
        assert_eq!(read.header("to"), ["ana@example.org"]);
        assert_eq!(
            read.header("from"),
            ["Casa de Íñigo <noreply@house.example>"]
        );
        assert_eq!(read.header("message-id"), ["<msg_1@house.example>"]);
        assert_eq!(read.header("auto-submitted"), ["auto-generated"]);
        assert_eq!(read.header("date").len(), 1);
        assert_eq!(
            read.parts,
            [
                "multipart/mixed",
                "multipart/alternative",
                "text/plain",
                "text/html",
                "application/pdf",
                "text/plain",
            ]
        );
        assert_eq!(read.text.as_ref().unwrap().trim_end(), mail.text.trim_end());
        let html = mail.html.as_ref().unwrap();
        assert_eq!(read.html.as_ref().unwrap().trim_end(), html.trim_end());
        let expected: Vec<_> = mail.attachments.iter().map(as_read).collect();
        assert!(read.attachments == expected, "attachments differ");
    }
}

fn as_read(file: &MailAttachment) -> ReadAttachment {
    ReadAttachment {
        name: Some(file.name.clone()),
        media_type: file.media_type.clone(),
        content: file.content.clone(),
    }
}

#[tokio::test]
async fn a_text_alone_stays_one_part_and_addresses_of_every_script_are_reached() {
    let house = House::new().await;
    let sink = SmtpSink::start(SmtpSetup::default());
    let cases = [
        ("ana@example.org", "ana@example.org"),
        ("Ana.B+c@EXAMPLE.org", "Ana.B+c@example.org"),
        ("ana@españa.example", "ana@xn--espaa-rta.example"),
        ("íñigo@example.org", "íñigo@example.org"),
    ];
    for (number, (to, _)) in cases.iter().enumerate() {
        let id = format!("msg_{number}");
        house.queue(&sealed(&house, 1, &id, &plain(to))).await;
    }
    let running = house.start_with(through(server(&sink)));
    house.settles_at(0, 0).await;
    running.stop().await;
    let received = sink.wait_for(cases.len()).await;
    for (arrived, (_, to)) in received.iter().zip(cases) {
        let read = arrived.read.as_ref().unwrap();
        assert_eq!(arrived.to, [to]);
        assert_eq!(read.parts, ["text/plain"]);
        assert_eq!(
            read.text.as_ref().unwrap().trim_end(),
            plain(to).text.trim_end()
        );
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_is_given_up_and_the_next_one_leaves() {
    let house = House::new().await;
    let sink = SmtpSink::start(SmtpSetup {
        replies: &[
            (At::Recipient, "550 5.1.1 <ana@example.org> is nobody here"),
            (At::Content, "554 5.7.1 secret words of <ana@example.org>"),
        ],
        ..SmtpSetup::default()
    });
    for id in ["msg_1", "msg_2", "msg_3"] {
        let mail = plain("ana@example.org");
        house.queue(&sealed(&house, 1, id, &mail)).await;
    }
    let running = house.start_with(through(server(&sink)));
    house.settles_at(0, 2).await;
    running.stop().await;
    let received = sink.wait_for(3).await;
    let codes: Vec<_> = received.iter().map(|mail| &mail.answered[..3]).collect();
    assert_eq!(codes, ["550", "554", "250"]);
    assert_eq!(
        look(&house, "last_error"),
        "the mail server refused the mail: 554 5.7.1"
    );
}

#[tokio::test]
async fn a_mail_that_is_deferred_or_cut_off_comes_again_as_the_same_mail() {
    let house = House::new().await;
    let sink = SmtpSink::start(SmtpSetup {
        replies: &[
            (At::Recipient, "450 4.2.1 ana is busy"),
            (At::Content, "451 later, ana@example.org"),
            (At::Content, "drop"),
        ],
        ..SmtpSetup::default()
    });
    let mail = rich("ana@example.org");
    house.queue(&sealed(&house, 1, "msg_1", &mail)).await;
    let running = house.start_with(through(server(&sink)));
    house.settles_at(0, 0).await;
    running.stop().await;
    let received = sink.wait_for(4).await;
    assert_eq!(answers(&received)[2..], ["drop", TAKEN]);
    let sources: Vec<_> = received
        .iter()
        .filter_map(|mail| mail.read.as_ref())
        .collect();
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|read| read.source == sources[0].source));
}

#[tokio::test]
async fn what_the_operator_can_mend_is_tried_again() {
    let cases = [
        (
            SmtpSecurity::None,
            "wr0ng",
            "the mail server refused the login: 535 5.7.8",
        ),
        (
            SmtpSecurity::Starttls,
            "s3cret",
            "the mail server offers no STARTTLS",
        ),
    ];
    for (security, password, expected) in cases {
        let house = House::new().await;
        let sink = SmtpSink::start(SmtpSetup {
            login: Some(("avouch", "s3cret")),
            ..SmtpSetup::default()
        });
        let mail = plain("ana@example.org");
        house.queue(&sealed(&house, 1, "msg_1", &mail)).await;
        let running = house.start_with(through(SmtpServer {
            security,
            username: Some("avouch".to_owned()),
            password: Some(password.into()),
            ..server(&sink)
        }));
        attempts(&house, 3).await;
        running.stop().await;
        assert_eq!(house.counts().await, (1, 0), "it waits");
        assert_eq!(look(&house, "last_error"), expected);
        assert_eq!(sink.received().len(), 0);
    }
}

#[tokio::test]
async fn a_server_that_does_not_prove_its_name_gets_nothing() {
    let sorts = [
        (SinkSecurity::Starttls, SmtpSecurity::Starttls),
        (SinkSecurity::Tls, SmtpSecurity::Tls),
    ];
    for (theirs, security) in sorts {
        let sink = SmtpSink::start(SmtpSetup {
            security: theirs,
            ..SmtpSetup::default()
        });
        // An authority that we do not trust; a name that its certificate does not have.
        for (host, trust) in [("localhost", None), ("127.0.0.1", Some(sink.trust()))] {
            let house = House::new().await;
            let mail = plain("ana@example.org");
            house.queue(&sealed(&house, 1, "msg_1", &mail)).await;
            let running = house.start_with(through(SmtpServer {
                host: host.to_owned(),
                security,
                trust,
                ..server(&sink)
            }));
            attempts(&house, 2).await;
            running.stop().await;
            assert_eq!(house.counts().await, (1, 0), "it waits");
            assert_eq!(look(&house, "last_error"), "no connection");
        }
        assert_eq!(sink.received().len(), 0);
    }
}

#[tokio::test]
async fn no_field_can_write_a_header_a_part_or_a_command() {
    const ENDS: [&str; 4] = ["\r\n", "\n", "\r", "\r\n.\r\n"];
    const ORDERS: &str = "RCPT TO:<eve@evil.example>\r\nBcc: eve@evil.example\r\n\r\n<b>Eve</b>";
    let house = House::new().await;
    let sink = SmtpSink::start(SmtpSetup::default());
    let running = house.start_with(through(server(&sink)));
    let (mut arrive, mut fail) = (0, 0);
    for end in ENDS {
        let boundaries = (0..99).map(|id| format!("--=_msg_{id}_both--{end}"));
        let boundaries: String = boundaries.collect();
        let evil = format!("x{end}{ORDERS}{end}{boundaries}QUIT{end}");
        let good = || rich("ana@example.org");
        let named = |name: &str, media_type: &str| MailAttachment {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            content: evil.clone().into_bytes(),
        };
        let harmless = [
            MailMessage {
                subject: evil.clone(),
                ..good()
            },
            MailMessage {
                text: evil.clone(),
                ..good()
            },
            MailMessage {
                html: Some(evil.clone()),
                ..good()
            },
            MailMessage {
                link: Some(evil.clone()),
                ..good()
            },
            MailMessage {
                attachments: vec![named(&evil, "application/pdf")],
                ..good()
            },
        ];
        let refused = [
            MailMessage {
                to: format!("ana@example.org{end}{ORDERS}"),
                ..good()
            },
            MailMessage {
                to: format!("ana{end}{ORDERS}@example.org"),
                ..good()
            },
            MailMessage {
                to: format!("\"ana{end}x\"@example.org"),
                ..good()
            },
            MailMessage {
                to: "\"ana\u{85}x\"@example.org".to_owned(),
                ..good()
            },
            MailMessage {
                to: "ana@example.org>\u{20}SIZE=1".to_owned(),
                ..good()
            },
            MailMessage {
                to: "ana@example.org, eve@evil.example".to_owned(),
                ..good()
            },
            MailMessage {
                attachments: vec![named("a", &format!("application/pdf{end}{ORDERS}"))],
                ..good()
            },
        ];
        let all = harmless.map(|mail| (mail, true)).into_iter();
        for (mail, arrives) in all.chain(refused.map(|mail| (mail, false))) {
            let id = format!("msg_{}", arrive + fail);
            arrive += i64::from(arrives);
            fail += i64::from(!arrives);
            house.queue(&sealed(&house, 1, &id, &mail)).await;
        }
        // An identifier that the service never makes.
        fail += 1;
        let id = format!("msg{end}{ORDERS}");
        house.queue(&sealed(&house, 1, &id, &good())).await;
        house.settles_at(0, fail).await;
    }
    running.stop().await;

    let received = sink.wait_for(arrive as usize).await;
    assert_eq!(received.len() as i64, arrive);
    for arrived in received {
        assert_eq!(arrived.to, ["ana@example.org"]);
        let read = arrived.read.unwrap();
        let names: Vec<_> = read.headers.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names, expected);
        let files = read.attachments.iter().flat_map(|file| &file.name);
        for shown in read.headers.iter().map(|(_, value)| value).chain(files) {
            assert!(!shown.contains(char::is_control), "{shown:?}");
        }
        assert_eq!(
            read.parts[..2],
            ["multipart/mixed", "multipart/alternative"]
        );
        assert_eq!(read.parts[2..4], ["text/plain", "text/html"]);
        assert_eq!(read.parts.len(), 4 + read.attachments.len());
        assert_eq!(read.defects, [""; 0]);
        for end in [&b"\r"[..], b"\n"] {
            // Every line end is a whole one: nothing for two servers to read differently.
            let whole = read
                .source
                .windows(2)
                .filter(|pair| pair == b"\r\n")
                .count();
            let any = read.source.iter().filter(|byte| **byte == end[0]).count();
            assert_eq!(any, whole);
        }
    }
}

#[tokio::test]
async fn the_sandbox_writes_into_a_file() {
    let house = House::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail.jsonl");
    let running = house.start_with(Config {
        mail: MailRoute::File(FileOutbox::open(&path).unwrap()),
        ..quick()
    });
    let rich = MailMessage {
        attachments: vec![MailAttachment {
            name: "contract.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: b"%PDF-".to_vec(),
        }],
        ..rich("ana@example.org")
    };
    let bare = MailMessage {
        link: None,
        ..plain("ana@example.org")
    };
    house.queue(&sealed(&house, 1, "msg_1", &rich)).await;
    house.queue(&sealed(&house, 1, "msg_2", &bare)).await;
    house.settles_at(0, 0).await;
    running.stop().await;

    let lines: Vec<Value> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    let at = |line: &Value| {
        let at = line["at"].as_str().unwrap();
        time::OffsetDateTime::parse(at, &time::format_description::well_known::Rfc3339).unwrap();
        at.to_owned()
    };
    let attachment = json!({
        "name": "contract.pdf", "media_type": "application/pdf", "size": 5,
        "sha256": "38523c087796e5d5dd1cf9bad1fb026781a838dd9dd2cf8af58b9f6502a46778",
        "content": "JVBERi0=",
    });
    assert_eq!(
        lines[0],
        json!({
            "to": "ana@example.org", "subject": rich.subject, "text": rich.text,
            "link": rich.link, "attachments": [attachment], "request_pk": 1,
            "at": at(&lines[0]),
        })
    );
    assert_eq!(
        lines[1],
        json!({
            "to": "ana@example.org", "subject": bare.subject, "text": bare.text,
            "attachments": [], "request_pk": 1, "at": at(&lines[1]),
        })
    );
}

#[tokio::test]
async fn an_expired_mail_and_one_sealed_for_another_row_are_not_sent() {
    let house = House::new().await;
    let sink = SmtpSink::start(SmtpSetup::default());
    let mail = plain("ana@example.org");
    let late = sealed(&house, 1, "msg_1", &mail);
    let expires_at = late.created_at + time::Duration::hours(1);
    house.queue(&OutboxMessage { expires_at, ..late }).await;
    house.clock.advance(time::Duration::hours(2));
    let moved = OutboxMessage {
        id: "msg_3".to_owned(),
        ..sealed(&house, 2, "msg_2", &mail)
    };
    house.queue(&moved).await;
    let running = house.start_with(through(server(&sink)));
    house.settles_at(0, 2).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 0);
}

#[tokio::test]
async fn without_a_server_mails_wait() {
    let house = House::new().await;
    let mail = plain("ana@example.org");
    house.queue(&sealed(&house, 1, "msg_1", &mail)).await;
    let running = house.start();
    attempts(&house, 2).await;
    running.stop().await;
    assert_eq!(house.counts().await, (1, 0));
    assert_eq!(look(&house, "last_error"), "no sender is configured");
}
