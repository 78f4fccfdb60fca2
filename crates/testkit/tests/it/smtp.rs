use testkit::{At, SinkSecurity, SmtpSetup, SmtpSink, ToolOutput, run};

/// Sends a mail with Python's own client, over STARTTLS and logged in where told so.
fn send(sink: &SmtpSink, protected: bool) -> ToolOutput {
    let script = r#"
import email.message, smtplib, ssl, sys
mail = email.message.EmailMessage()
mail["Subject"] = "Ñandú"
mail.set_content("Text\n")
mail.add_attachment(b"\x00\xff", maintype="application", subtype="pdf", filename="ñ.pdf")
with smtplib.SMTP("localhost", int(sys.argv[1])) as client:
    if sys.argv[2] == "true":
        client.starttls(context=ssl.create_default_context(cafile=sys.argv[3]))
        client.login("avouch", "s3cret")
    client.send_message(mail, "a@example.org", ["b@example.org"])
"#;
    let (port, trust) = (sink.port().to_string(), sink.trust().display().to_string());
    let arguments = ["-c", script, &port, &protected.to_string(), &trust];
    run("python", arguments, b"")
}

#[tokio::test]
async fn records_what_python_sends_and_answers_as_told() {
    let sink = SmtpSink::start(SmtpSetup {
        replies: &[
            (At::Content, "451 later"),
            (At::Recipient, "550 nobody"),
            (At::Content, "drop"),
        ],
        ..SmtpSetup::default()
    });
    for _ in 0..3 {
        send(&sink, false).must_refuse();
    }
    send(&sink, false).must_accept();
    let received = sink.wait_for(4).await;
    let answers: Vec<_> = received.iter().map(|mail| &*mail.answered).collect();
    assert_eq!(
        answers,
        ["451 later", "550 nobody", "drop", "250 2.0.0 taken"]
    );
    assert!(received[1].read.is_none());
    assert!(!received[3].encrypted && !received[3].logged_in);
    assert_eq!(
        (&*received[3].from, &*received[3].to[0]),
        ("a@example.org", "b@example.org")
    );
    let read = received[3].read.as_ref().unwrap();
    assert_eq!(read.header("subject"), ["Ñandú"]);
    assert_eq!(read.text.as_deref(), Some("Text\n"));
    assert_eq!(read.attachments[0].name.as_deref(), Some("ñ.pdf"));
    assert_eq!(read.attachments[0].content, [0, 255]);
}

#[tokio::test]
async fn takes_nothing_unprotected_when_it_is_protected() {
    let sink = SmtpSink::start(SmtpSetup {
        security: SinkSecurity::Starttls,
        login: Some(("avouch", "s3cret")),
        replies: &[],
    });
    send(&sink, false).must_refuse();
    send(&sink, true).must_accept();
    let received = sink.wait_for(1).await;
    assert_eq!(received.len(), 1);
    assert!(received[0].encrypted && received[0].logged_in);
}
