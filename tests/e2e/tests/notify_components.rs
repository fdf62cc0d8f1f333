//! notify-pipe against real servers: aiosmtpd for mail.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod smtpd;

use pipewright_harness::{Outcome, Pipe, Repo};
use serde_json::Value;
use smtpd::{Mode, Smtpd, USER, closed_port, left_behind, password};

/// notify-pipe with a mail to one address by a server on loopback.
fn mailing(repo: &Repo, port: u16) -> Pipe {
    Pipe::new("notify-pipe", repo.path())
        .envs(&[("EMAIL_FROM", "CI <ci@example.com>"), ("EMAIL_TO", "team@example.com")])
        .env("EMAIL_SMTP_HOST", "127.0.0.1")
        .env("EMAIL_SMTP_PORT", port.to_string())
        .envs(&[("TITLE", "The title"), ("MESSAGE", "The message"), ("STATUS", "success"), ("RETRIES", "0")])
}

/// [`mailing`] with the server's authority, user and password.
fn logged_in(repo: &Repo, server: &Smtpd) -> Pipe {
    mailing(repo, server.port)
        .env("CA_CERT", &server.authority)
        .env("EMAIL_SMTP_USERNAME", USER)
        .env("EMAIL_SMTP_PASSWORD", password())
}

#[track_caller]
fn told(outcome: &Outcome, words: &str) {
    assert!(outcome.output().contains(words), "{words}: {}", outcome.output());
}

/// Nothing arrived, and nobody heard a password.
#[track_caller]
fn nothing_reached(server: &Smtpd) {
    assert_eq!(server.seen("mail"), Vec::<Value>::new());
    assert_eq!(server.seen("login"), Vec::<Value>::new());
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn starttls_and_a_password_deliver() {
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::StartTls));
    let outcome = logged_in(&repo, &server).run().expect(0);
    let mail = server.mail();
    assert_eq!((&mail["encrypted"], &mail["authenticated"]), (&Value::from(true), &Value::from(true)));
    assert_eq!(mail["sender"], "ci@example.com");
    assert!(!server.seen("login").is_empty());
    assert!(server.seen("login").iter().all(|login| login["encrypted"] == true));
    told(&outcome, "email team@example.com delivered");
    assert!(!outcome.output().contains(&password()) && !left_behind(&outcome.reports, &password()));
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn tls_from_the_start_delivers() {
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::Implicit));
    logged_in(&repo, &server).env("EMAIL_TLS", "implicit").run().expect(0);
    let mail = server.mail();
    assert_eq!((&mail["encrypted"], &mail["authenticated"]), (&Value::from(true), &Value::from(true)));
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn a_server_that_does_not_encrypt_gets_neither_mail_nor_password() {
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::Clear));
    let outcome = logged_in(&repo, &server).run().expect(1);
    told(&outcome, "email team@example.com not delivered");
    told(&outcome, "STARTTLS");
    nothing_reached(&server);
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn in_clear_it_goes_only_where_the_user_says_so() {
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::Clear));
    logged_in(&repo, &server).env("EMAIL_USE_TLS", "false").run().expect(0);
    let mail = server.mail();
    assert_eq!((&mail["encrypted"], &mail["authenticated"]), (&Value::from(false), &Value::from(true)));
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn an_authority_that_nobody_knows_is_not_believed() {
    for mode in [Mode::StartTls, Mode::Implicit] {
        let (repo, server) = (Repo::new(), Smtpd::start(mode));
        let tls = if mode == Mode::Implicit { "implicit" } else { "starttls" };
        let pipe = logged_in(&repo, &server).env("EMAIL_TLS", tls).env("CA_CERT", "");
        told(&pipe.run().expect(1), "email team@example.com not delivered (refused)");
        nothing_reached(&server);
        // Another authority's word is none either.
        let another = Smtpd::start(mode);
        logged_in(&repo, &server).env("EMAIL_TLS", tls).env("CA_CERT", &another.authority).run().expect(1);
        nothing_reached(&server);
    }
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn a_webhook_behind_an_authority_that_nobody_knows_is_refused_before_anything_is_sent() {
    // The mail server has what is needed for it: TLS by an authority of the test's own. It speaks no HTTP.
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::Implicit));
    let run = || {
        let url = format!("https://127.0.0.1:{}/services/T0/B0/tokentokentokentoken", server.port);
        Pipe::new("notify-pipe", repo.path()).env("SLACK_WEBHOOK_URL", url).env("RETRIES", "0")
    };
    let outcome = run().run().expect(1);
    told(&outcome, "no secure connection: invalid peer certificate: UnknownIssuer");
    told(&outcome, "slack not delivered (refused)");
    // Once it is trusted, what is wrong is another thing.
    let outcome = run().env("CA_CERT", &server.authority).run().expect(0);
    told(&outcome, "slack not delivered (unreachable)");
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn a_wrong_password_is_a_refusal() {
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::StartTls));
    let wrong = format!("wrong-{}", "x".repeat(9));
    let outcome = logged_in(&repo, &server).env("EMAIL_SMTP_PASSWORD", &wrong).run().expect(1);
    told(&outcome, "email team@example.com not delivered (refused)");
    told(&outcome, "535");
    assert!(!outcome.output().contains(&wrong));
    assert_eq!(server.seen("mail"), Vec::<Value>::new());
    assert!(server.seen("login").iter().any(|login| login["password"] == wrong.as_str()));
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn a_server_that_is_not_there_was_not_told() {
    // The ancestor said that the mail was sent, with exit code 0 (N-2).
    let repo = Repo::new();
    let outcome = mailing(&repo, closed_port()).run().expect(0);
    told(&outcome, "email team@example.com not delivered (unreachable)");
    assert!(!outcome.output().contains("email team@example.com delivered"));
    assert_eq!(outcome.report()["verdict"], "warned");
    mailing(&repo, closed_port()).env("FAIL_ON_ERROR", "true").run().expect(1);
}

/// What would be read as markup, as a header or as nothing.
const NASTY: &str = "<b>\"bold\"</b> & 'it' 🎉 ünï\nline two <script>alert(1)</script>";

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn a_mail_says_the_same_as_text_and_as_html() {
    let (repo, server) = (Repo::new(), Smtpd::start(Mode::Clear));
    repo.write("build.log", "first\n<i>last</i> & done\n");
    mailing(&repo, server.port)
        .env("EMAIL_USE_TLS", "false")
        .env("EMAIL_TO", "team@example.com,Ops <ops@example.com>,third@example.com")
        .env("EMAIL_REPLY_TO", "answers@example.com")
        .env("TITLE", "Release \"1.2\" 🎉\r\nBcc: evil@example.com")
        .env("MESSAGE", NASTY)
        .env("CUSTOM_FIELDS", r#"{"Region": "<eu> & \"us\""}"#)
        .env("CUSTOM_LINKS", r#"{"Roll <back>": "https://ci.example/?a=1&b=\"2\""}"#)
        .env("LOG_FILE", "build.log")
        .env("PRIORITY", "high")
        .run()
        .expect(0);
    let mail = server.mail();
    assert_eq!(mail["recipients"], serde_json::json!(["team@example.com", "ops@example.com", "third@example.com"]));
    let header = |name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("subject"), "✅ Release \"1.2\" 🎉 Bcc: evil@example.com");
    assert_eq!((header("bcc"), header("auto-submitted")), (String::new(), "auto-generated".to_owned()));
    assert_eq!(
        (header("from"), header("reply-to")),
        ("CI <ci@example.com>".to_owned(), "answers@example.com".to_owned())
    );
    assert_eq!(header("importance"), "high");
    assert!(header("message-id").ends_with("@example.com>") && !header("date").is_empty());
    assert!(mail["longest"].as_u64().unwrap() <= 998, "{}", mail["longest"]);

    assert_eq!(mail["type"], "multipart/alternative");
    let text = mail["parts"]["text/plain"].as_str().unwrap().replace("\r\n", "\n");
    assert!(
        text.contains(NASTY) && text.contains("Region: <eu> & \"us\"") && text.contains("<i>last</i> & done"),
        "{text}"
    );
    let html = mail["parts"]["text/html"].as_str().unwrap().replace("\r\n", "\n");
    for escaped in [
        "&lt;b&gt;&quot;bold&quot;&lt;/b&gt; &amp; &#39;it&#39; 🎉 ünï",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;eu&gt; &amp; &quot;us&quot;",
        "Roll &lt;back&gt;",
        "?a=1&amp;b=%222%22",
        "&lt;i&gt;last&lt;/i&gt; &amp; done",
    ] {
        assert!(html.contains(escaped), "{escaped}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains("<b>\"") && !html.contains("<i>"), "{html}");
}

#[test]
#[ignore = "needs aiosmtpd: make test"]
fn a_mail_of_little_says_nothing_of_nothing() {
    // The ancestor wrote `None` for what it did not know, and put texts into HTML as they were (N-10).
    let (repo, server) = (Repo::plain(), Smtpd::start(Mode::Clear));
    Pipe::new("notify-pipe", repo.path())
        .envs(&[("EMAIL_FROM", "ci@example.com"), ("EMAIL_TO", "team@example.com"), ("EMAIL_USE_TLS", "false")])
        .env("EMAIL_SMTP_HOST", "127.0.0.1")
        .env("EMAIL_SMTP_PORT", server.port.to_string())
        .run()
        .expect(0);
    let mail = server.mail();
    for part in ["text/plain", "text/html"] {
        let text = mail["parts"][part].as_str().unwrap();
        assert!(text.contains("finished"), "{text}");
        for nothing in ["None", "null", "unknown", "undefined", "()", ": \r\n"] {
            assert!(!text.contains(nothing), "{nothing:?} in {text}");
        }
    }
}
