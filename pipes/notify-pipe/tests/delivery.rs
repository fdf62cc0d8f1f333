//! Whether a message arrived, and whether the run says so.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::time::Duration;

use common::*;
use pipewright_harness::{Reply, Repo, Server};

#[test]
fn a_webhook_and_nothing_else_sends_a_message_that_says_it_all() {
    let (repo, server) = (repo(), sink());
    let commit = repo.git(&["rev-parse", "--short=7", "HEAD"]);
    let outcome = slack(&repo, &server).envs(BITBUCKET).env("BITBUCKET_EXIT_CODE", "0").run().expect(0);
    let request = only(&server);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", HOOK));
    let payload = body(&request);
    assert_eq!(payload["blocks"][0]["text"]["text"], "✅ org/shop main succeeded");
    let text = texts(&payload);
    for known in [
        "Branch",
        &format!("{commit} Fix the <cart> & *total*"),
        "Author",
        "#128",
        "https://bitbucket.org/org/shop/pipelines/results/128",
        "View pipeline",
    ] {
        assert!(text.contains(known), "{known} is not in {text}");
    }
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.contains("PASSED") && last.contains("slack delivered"), "{last}");
    assert_eq!(outcome.report()["deliveries"][0]["outcome"], "delivered");
}

#[test]
fn trouble_that_passes_is_waited_out() {
    // A11, and the ancestor's N-1, which called everything delivered.
    let (repo, server) = (repo(), answering(&[500, 500, 200]));
    let outcome = slack(&repo, &server).env("TIMEOUT", "30s").run().expect(0);
    assert_eq!(server.requests().len(), 3);
    assert!(outcome.stdout.contains("slack delivered"), "{}", outcome.stdout);
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "an attempt is a repetition");
}

#[test]
fn trouble_that_stays_is_not_delivered_and_fails_as_wanted() {
    for (policy, code) in [("auto", 0), ("false", 0), ("true", 1)] {
        let (repo, server) = (repo(), answering(&[500]));
        let outcome = slack(&repo, &server).env("FAIL_ON_ERROR", policy).env("RETRIES", "1").run().expect(code);
        assert_eq!(server.requests().len(), 2, "{policy}");
        let last = outcome.stdout.lines().last().unwrap();
        assert!(last.contains("slack not delivered (unreachable)"), "{last}");
        assert!(!last.starts_with("PASSED"), "{last}");
        let report = outcome.report();
        assert_eq!(report["steps"][0]["status"], "failed");
        assert_eq!(report["deliveries"][0]["outcome"], "unreachable");
        assert!(report["deliveries"][0]["reason"].as_str().unwrap().contains("500"), "{report}");
    }
}

#[test]
fn a_refusal_fails_the_run_by_default_and_is_not_tried_again() {
    for status in [400, 401, 403, 404, 410] {
        let repo = repo();
        let server = Server::start(move |_| Reply::Send(status, Vec::new(), b"no_service".to_vec()));
        let outcome = slack(&repo, &server).run().expect(1);
        assert_eq!(server.requests().len(), 1, "{status}");
        assert!(outcome.stdout.contains(&format!("{status}")) && outcome.stdout.contains("no_service"), "{outcome:?}");
        slack(&repo, &server).env("FAIL_ON_ERROR", "false").run().expect(0);
    }
}

#[test]
fn an_unreachable_host_is_not_delivered() {
    // The ancestor: "All notifications sent successfully!" (N-1).
    let repo = repo();
    let nobody = || notify(&repo).env("SLACK_WEBHOOK_URL", format!("http://127.0.0.1:9{HOOK}")).env("RETRIES", "0");
    let outcome = nobody().run().expect(0);
    assert!(outcome.stdout.contains("WARNED") && outcome.stdout.contains("not delivered"), "{}", outcome.stdout);
    nobody().env("FAIL_ON_ERROR", "true").run().expect(1);
}

#[test]
fn a_redirect_is_no_delivery() {
    // Followed, it would turn the POST into a GET that anybody answers with 200.
    let repo = repo();
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => Reply::Send(200, Vec::new(), Vec::new()),
        _ => Reply::Send(302, vec![("location", "/login".to_owned())], Vec::new()),
    });
    let outcome = slack(&repo, &server).run().expect(1);
    assert_eq!(server.requests().len(), 1);
    assert!(outcome.stdout.contains("302"), "{}", outcome.stdout);
}

#[test]
fn a_hang_ends_with_the_timeout_and_is_reported() {
    // The ancestor had no limit at all (N-9).
    let repo = repo();
    let server = Server::start(|_| Reply::Hang(Duration::from_secs(30)));
    let outcome = slack(&repo, &server).env("TIMEOUT", "3s").env("FAIL_ON_ERROR", "true").run().expect(1);
    assert!(outcome.elapsed < Duration::from_secs(4), "{:?}", outcome.elapsed);
    assert!(outcome.stdout.contains("slack not delivered (unreachable)"), "{}", outcome.stdout);
    let dropping = Server::start(|_| Reply::Drop);
    let outcome = slack(&repo, &dropping).env("RETRIES", "1").env("FAIL_ON_ERROR", "true").run().expect(1);
    assert!(outcome.stdout.contains("not delivered"), "{}", outcome.stdout);
}

#[test]
fn what_a_service_asks_to_wait_is_waited_and_no_longer_than_there_is_time() {
    let repo = repo();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::Send(429, vec![("retry-after", "1".to_owned())], Vec::new()),
        _ => Reply::Send(200, Vec::new(), b"ok".to_vec()),
    });
    let outcome = slack(&repo, &server).run().expect(0);
    assert!(outcome.elapsed >= Duration::from_secs(1), "{:?}", outcome.elapsed);
    let patient = Server::start(|_| Reply::Send(429, vec![("retry-after", "3600".to_owned())], Vec::new()));
    let outcome = slack(&repo, &patient).env("FAIL_ON_ERROR", "true").run().expect(1);
    assert_eq!(patient.requests().len(), 1);
    assert!(outcome.stdout.contains("asks to wait 3600 s"), "{}", outcome.stdout);
}

#[test]
fn waiting_times_in_the_body_of_discord_and_telegram_are_heard() {
    for (channel, url, refusal, good) in [
        (
            "discord",
            "DISCORD_WEBHOOK_URL",
            r#"{"message":"limited","retry_after":0.8,"global":false}"#,
            r#"{"id":"1"}"#,
        ),
        ("telegram", "TELEGRAM_API_URL", r#"{"ok":false,"parameters":{"retry_after":1}}"#, r#"{"ok":true}"#),
    ] {
        let repo = repo();
        let count = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::json(429, refusal),
            _ => Reply::json(200, good),
        });
        let run = notify(&repo).env("CHANNELS", channel).env(url, server.url());
        let outcome = run.env("TELEGRAM_BOT_TOKEN", "1:a").env("TELEGRAM_CHAT_ID", "42").run().expect(0);
        assert!(outcome.elapsed >= Duration::from_millis(800), "{channel}: {:?}", outcome.elapsed);
        assert_eq!(server.requests().len(), 2, "{channel}");
    }
}

#[test]
fn one_channel_that_fails_stops_no_other() {
    let (repo, good, bad) = (repo(), sink(), answering(&[404]));
    let discord = Server::start(|_| Reply::json(200, r#"{"id": "1"}"#));
    let outcome = notify(&repo)
        .env("CHANNELS", "slack,teams,discord,webhook,mattermost")
        .env("SLACK_WEBHOOK_URL", hook(&bad))
        .env("TEAMS_WEBHOOK_URL", good.url())
        .env("DISCORD_WEBHOOK_URL", discord.url())
        .env("WEBHOOK_URL", good.url())
        .env("MATTERMOST_WEBHOOK_URL", good.url())
        .run()
        .expect(1);
    assert_eq!((good.requests().len(), discord.requests().len(), bad.requests().len()), (3, 1, 1));
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.contains("4 of 5 delivered, slack not delivered (refused)"), "{last}");
    for name in ["teams", "discord", "webhook", "mattermost"] {
        let line = outcome.stdout.lines().find(|line| line.starts_with(name)).expect(name);
        assert!(line.ends_with(" delivered") && !last.contains(name), "{line} {last}");
    }
}

#[test]
fn several_targets_of_one_channel_are_told_apart() {
    let (repo, one, two) = (repo(), sink(), answering(&[403]));
    let outcome = notify(&repo).env("SLACK_WEBHOOK_URL", format!("{}, {}", hook(&one), hook(&two))).run().expect(1);
    assert!(outcome.stdout.contains("slack 1 of 2 delivered"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("slack 2 of 2 not delivered (refused)"), "{}", outcome.stdout);
    assert_eq!((one.requests().len(), two.requests().len()), (1, 1));
}

#[test]
fn teams_takes_a_message_with_202_and_says_no_with_200() {
    // The ancestor knew 200 only (N-7).
    let repo = repo();
    let workflow = answering(&[202]);
    notify(&repo).env("TEAMS_WEBHOOK_URL", workflow.url()).run().expect(0);
    let payload = body(&only(&workflow));
    assert_eq!(payload["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(payload["attachments"][0]["content"]["type"], "AdaptiveCard");
    let bare = answering(&[202]);
    notify(&repo).env("TEAMS_WEBHOOK_URL", bare.url()).env("TEAMS_PAYLOAD", "card").run().expect(0);
    assert_eq!(body(&only(&bare))["type"], "AdaptiveCard");
    let connector = Server::start(|_| {
        let text = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413";
        Reply::Send(200, Vec::new(), text.as_bytes().to_vec())
    });
    let outcome = notify(&repo).env("TEAMS_WEBHOOK_URL", connector.url()).run().expect(1);
    assert!(outcome.stdout.contains("HTTP error 413"), "{}", outcome.stdout);
}

#[test]
fn a_dry_run_shows_every_request_and_sends_none() {
    let (repo, server) = (repo(), sink());
    let outcome = notify(&repo)
        .env("CHANNELS", "slack,webhook,email")
        .env("SLACK_WEBHOOK_URL", hook(&server))
        .env("WEBHOOK_URL", format!("{}/x?sig=abcdefghijklmnop", server.url()))
        .env("WEBHOOK_HEADERS", r#"{"X-Key": "header-secret-value"}"#)
        .envs(&[("EMAIL_TO", "a@b.example"), ("EMAIL_FROM", "c@d.example"), ("EMAIL_SMTP_HOST", "localhost")])
        .env("MESSAGE", "hello")
        .env("DRY_RUN", "true")
        .run()
        .expect(0);
    assert!(server.requests().is_empty());
    for shown in ["https\": \"", "hello", "localhost:587 (STARTTLS)", "c@d.example", "x-key"] {
        assert!(shown == "https\": \"" || outcome.stdout.contains(shown), "{shown}: {}", outcome.stdout);
    }
    for hidden in ["tokentoken", "T000SECRET", "abcdefghijklmnop", "header-secret-value"] {
        assert!(!outcome.output().contains(hidden), "{hidden}");
    }
    assert!(!repo.join("security-reports").exists());
}

#[test]
fn no_credential_is_printed_or_written_or_sent_to_another() {
    // The ancestor passed the URL as an argument and logged it (N-8).
    let repo = repo();
    let echo = Server::start(|request| {
        let text = format!("no route {} for {:?}", request.path, request.header("authorization"));
        Reply::Send(404, Vec::new(), text.into_bytes())
    });
    let outcome = notify(&repo)
        .env("CHANNELS", "slack,webhook,telegram,discord")
        .env("SLACK_WEBHOOK_URL", hook(&echo))
        .env("WEBHOOK_URL", format!("{}/in?sig=signature-of-the-url", echo.url()))
        .env("WEBHOOK_HEADERS", r#"{"Authorization": "Bearer header-secret-value"}"#)
        .env("TELEGRAM_API_URL", echo.url())
        .env("TELEGRAM_BOT_TOKEN", "123456:telegram-token-value")
        .env("TELEGRAM_CHAT_ID", "42")
        .env("DISCORD_WEBHOOK_URL", format!("{}/api/webhooks/1/discord-token-value", echo.url()))
        .env("MESSAGE", "the token is 123456:telegram-token-value")
        .env("DEBUG", "true")
        .run()
        .expect(1);
    let text = everything(&outcome);
    for secret in
        ["tokentoken", "T000SECRET", "signature-of-the-url", "header-secret-value", "telegram-token", "discord-token"]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // Nor does a message carry one.
    for request in echo.requests() {
        assert!(!String::from_utf8_lossy(&request.body).contains("telegram-token-value"), "{}", request.path);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_reported_although_the_message_was_sent() {
    let (repo, server) = (repo(), sink());
    repo.write("blocked", "a file");
    let outcome = slack(&repo, &server).env("REPORTS_DIR", "blocked").run().expect(3);
    assert_eq!(server.requests().len(), 1);
    assert!(outcome.stdout.contains("slack       delivered"), "{}", outcome.stdout);
}

#[test]
fn a_cancelled_run_ends_in_time_and_says_so() {
    let repo = repo();
    let server = Server::start(|_| Reply::Hang(Duration::from_secs(20)));
    let running = slack(&repo, &server).spawn();
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal("TERM");
    let outcome = running.finish().expect(143);
    assert!(outcome.elapsed < Duration::from_secs(10));
    assert_eq!(outcome.report()["verdict"], "interrupted");
}

#[test]
fn nothing_outside_a_repository_is_needed() {
    let (repo, server) = (Repo::plain(), sink());
    slack(&repo, &server).env("STATUS", "failure").env("TITLE", "Backup").run().expect(0);
    assert_eq!(body(&only(&server))["blocks"][0]["text"]["text"], "❌ Backup");
}

#[test]
fn a_date_to_wait_for_is_understood() {
    let repo = repo();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::Send(429, vec![("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())], Vec::new()),
        _ => Reply::Send(200, Vec::new(), b"ok".to_vec()),
    });
    slack(&repo, &server).run().expect(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_body_that_never_ends_is_no_delivery() {
    let repo = repo();
    // It announces more than it sends.
    let server = Server::start(|_| Reply::Send(200, vec![("content-length", "1000".to_owned())], b"o".to_vec()));
    let outcome =
        slack(&repo, &server).env("TIMEOUT", "3s").env("RETRIES", "0").env("FAIL_ON_ERROR", "true").run().expect(1);
    assert!(outcome.elapsed < Duration::from_secs(4), "{:?}", outcome.elapsed);
}

#[test]
fn a_proxy_is_spoken_to_with_its_password_and_the_service_without_it() {
    let (repo, proxy) = (repo(), sink());
    let address = proxy.url().replace("http://", "http://me:password-of-the-proxy@");
    let outcome = notify(&repo)
        .env("SLACK_WEBHOOK_URL", format!("http://hooks.invalid{HOOK}"))
        .env("HTTP_PROXY", address)
        .env("DEBUG", "true")
        .run()
        .expect(0);
    let request = only(&proxy);
    assert_eq!(request.path, format!("http://hooks.invalid{HOOK}"));
    assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6cGFzc3dvcmQtb2YtdGhlLXByb3h5"));
    assert!(!everything(&outcome).contains("password-of-the-proxy"));
    let refusing = answering(&[407]);
    let outcome = notify(&repo)
        .env("SLACK_WEBHOOK_URL", format!("http://hooks.invalid{HOOK}"))
        .env("HTTP_PROXY", refusing.url())
        .run()
        .expect(1);
    assert!(outcome.stdout.contains("407"), "{}", outcome.stdout);
}

#[test]
fn a_server_that_speaks_no_tls_is_refused() {
    let repo = repo();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}{HOOK}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten().take(1) {
            drop(std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let outcome = notify(&repo).env("SLACK_WEBHOOK_URL", url).run().expect(1);
    assert!(outcome.stdout.contains("no secure connection"), "{}", outcome.stdout);
}
