use super::super::redirect::Hop;
use std::time::{Instant, SystemTime};

use proptest::prelude::*;
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::retry;
use super::*;

#[tokio::test]
async fn a_request_arrives_as_it_was_built() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/x"))
        .and(header("content-type", "application/json"))
        .and(header("user-agent", concat!("pipewright/", env!("CARGO_PKG_VERSION"))))
        .and(header("x-plain", "1"))
        .and(header("x-key", "hidden"))
        .and(header("authorization", "Bearer t0ken"))
        .and(body_string(r#"{"a":[1]}"#))
        .respond_with(ResponseTemplate::new(201).insert_header("etag", "e1").set_body_string(r#"{"id":7}"#))
        .expect(1)
        .mount(&server)
        .await;
    let host = server.address().to_string();
    let request = Request::post(&format!("{}/v1/x", server.uri()))
        .header("x-plain", "1")
        .secret_header("x-key", &"hidden".into())
        .authorize(&Authorization::Bearer("t0ken".into()), &host)
        .json(&serde_json::json!({"a": [1]}));
    let response = client(&settings()).send(request).await.expect("an answer");
    assert_eq!((response.status, response.header("ETag")), (201, Some("e1")));
    assert_eq!(response.json::<serde_json::Value>().expect("JSON")["id"], 7);
}

#[tokio::test]
async fn trouble_that_passes() {
    for trouble in ["500 Internal Server Error", "502 Bad Gateway", "504 Gateway Timeout", "408 Request Timeout"] {
        let server =
            answering(vec![answer(trouble, &[], ""), answer(trouble, &[], ""), answer("200 OK", &[], "ok")]).await;
        let response = client(&settings()).send(Request::get(&server.url("/"))).await.expect("the third answer");
        assert_eq!((response.body.as_slice(), server.seen().len()), (&b"ok"[..], 3));
        let server = answering(vec![answer(trouble, &[], ""), answer("200 OK", &[], "ok")]).await;
        let error = refused(&settings(), Request::post(&server.url("/"))).await;
        assert!(error.status().is_some() && server.seen().len() == 1, "the POST may have been processed");
        client(&settings()).send(Request::post(&server.url("/")).idempotent()).await.expect("an answer");
    }
    for busy in ["429 Too Many Requests", "503 Service Unavailable"] {
        let server = answering(vec![answer(busy, &[], ""), answer("200 OK", &[], "ok")]).await;
        client(&settings()).send(Request::post(&server.url("/"))).await.expect("the second answer");
        assert_eq!(server.seen().len(), 2, "the POST was not processed");
    }
}

#[tokio::test]
async fn trouble_that_stays() {
    let server = answering(vec![answer("500 Internal Server Error", &[], "<h1>out of\n disk</h1>")]).await;
    let error = refused(&settings(), Request::put(&server.url("/x?sig=secret&plain"))).await;
    let url = server.url("/x?sig=***&***");
    let text = error.to_string();
    assert!(text.starts_with(&format!("PUT {url}: 500 Internal Server Error after 3 attempts in ")), "{text}");
    assert!(text.ends_with("s: <h1>out of disk</h1>"), "{text}");
    assert_eq!((error.status(), server.seen().len()), (Some(500), 3));
}

#[tokio::test]
async fn refusals_are_final() {
    for (status, code) in [("401 Unauthorized", 401), ("404 Not Found", 404), ("501 Not Implemented", 501)] {
        let server = answering(vec![answer(status, &["WWW-Authenticate: Bearer realm=\"x\""], "why")]).await;
        let error = refused(&settings(), Request::get(&server.url("/x"))).await;
        assert_eq!(error.kind(), &Kind::Status { status: code, excerpt: "why".to_owned() });
        assert_eq!(error.to_string(), format!("GET {}: {status}: why", server.url("/x")));
        assert_eq!(server.seen().len(), 1);
        // Where it is an answer, it comes whole.
        let response = client(&settings()).send(Request::get(&server.url("/x")).accept(code)).await.expect("accepted");
        assert_eq!((response.status, response.body.as_slice()), (code, &b"why"[..]));
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"x\""));
    }
}

#[tokio::test]
async fn the_server_says_when() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    let wait = |value: String| async move {
        let busy = answer("429 Too Many Requests", &[&format!("Retry-After: {value}")], "");
        let server = answering(vec![busy, answer("200 OK", &[], "")]).await;
        let started = Instant::now();
        client(&settings()).send(Request::post(&server.url("/"))).await.expect("the second answer");
        started.elapsed()
    };
    let (seconds, date, past) =
        tokio::join!(wait("1".to_owned()), wait(date), wait("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()));
    // Without it, the wait is a millisecond. A date has whole seconds, of which up to one has passed.
    assert!(seconds >= Duration::from_secs(1), "{seconds:?}");
    assert!(date >= Duration::from_secs(1), "{date:?}");
    assert!(past < seconds, "{past:?}");
}

#[tokio::test]
async fn the_server_asks_for_more_than_there_is() {
    let server = answering(vec![answer("429 Too Many Requests", &["Retry-After: 3600"], "slow down")]).await;
    let started = Instant::now();
    let error = refused(&settings(), Request::get(&server.url("/x"))).await;
    assert!(started.elapsed() < Duration::from_secs(15) && server.seen().len() == 1);
    let text = error.to_string();
    let want = "/x: 429 Too Many Requests; the server asks to wait 3600 s, 20 s are left: slow down";
    assert!(text.ends_with(want), "{text}");
    assert_eq!(error.status(), Some(429));
}

#[tokio::test]
async fn the_budget_and_the_total_time_bound_the_waits() {
    let server = answering(vec![answer("503 Service Unavailable", &["Retry-After: 1"], "")]).await;
    // Enough for one second of waiting, but not for two.
    let limits = Settings { attempts: 50, retry_budget: Duration::from_millis(1500), ..settings() };
    let error = refused(&limits, Request::get(&server.url("/x"))).await;
    assert!(error.to_string().contains("after 2 attempts in "), "{error}");
    assert!(error.to_string().ends_with("; the server asks to wait 1 s, 0.5 s are left"), "{error}");
    // What came last says more than "not finished".
    let server = answering(vec![answer("503 Service Unavailable", &["Retry-After: 15"], "")]).await;
    let request = Request::get(&server.url("/x")).total_timeout(Duration::from_secs(12));
    assert_eq!(refused(&settings(), request).await.status(), Some(503));
    let none = Settings { retry_budget: Duration::ZERO, ..settings() };
    let server = answering(vec![answer("503 Service Unavailable", &[], "")]).await;
    let error = refused(&none, Request::get(&server.url("/x"))).await;
    assert!(error.to_string().ends_with("/x: 503 Service Unavailable"), "{error}");
}

#[test]
fn retry_after_in_all_its_ways() {
    let after = |text: &str| retry::after(&header::HeaderValue::from_str(text).expect("a header"));
    assert_eq!(after("0"), Some(Duration::ZERO));
    assert_eq!(after(" 120 "), Some(Duration::from_secs(120)));
    assert!(after("99999999999999999999999999").is_some_and(|wait| wait > Duration::from_secs(1 << 30)));
    assert_eq!(after("Sunday, 06-Nov-94 08:49:37 GMT"), Some(Duration::ZERO));
    assert!(after("Fri, 01 Jan 2100 00:00:00 GMT").is_some_and(|wait| wait > Duration::from_secs(1 << 30)));
    for nonsense in ["", "-1", "1.5", "soon", "Fri, 99 Jan 2100 00:00:00 GMT"] {
        assert_eq!(after(nonsense), None, "{nonsense}");
    }
}

#[test]
fn waits_double_and_are_spread() {
    let first = Duration::from_millis(100);
    for (attempt, limit) in [(1, 100), (2, 200), (3, 400), (30, 20_000), (u32::MAX, 20_000)] {
        let waits: Vec<_> = (0..200).map(|_| retry::backoff(first, attempt)).collect();
        let limit = Duration::from_millis(limit);
        assert!(waits.iter().all(|wait| *wait <= limit));
        assert!(waits.iter().any(|wait| *wait < limit / 2) && waits.iter().any(|wait| *wait > limit / 2));
    }
}

proptest! {
    #[test]
    fn no_url_and_no_header_panics(url in any::<String>(), text in any::<String>(), host in "[a-z0-9:@%/?&=#\\[\\]]{0,12}") {
        if let Ok(value) = header::HeaderValue::from_str(&text) {
            retry::after(&value);
        }
        for url in [url, format!("https://{host}")] {
            let request = Request::get(&url).header(&text, &text);
            let request = request.authorize(&Authorization::Header(text.clone().into()), &host);
            let _ = (request.to_string(), Hop::first(&request).map(|hop| hop.follow(reqwest::StatusCode::FOUND, &text).is_ok()));
        }
    }

    /// Whatever a URL looks like, its password and the values of its query are not shown.
    #[test]
    fn urls_are_shown_without_secrets(user in "[a-z%+@:]{0,8}", keys in prop::collection::vec("[a-z%=&+;]{0,6}", 0..4)) {
        let query: String = keys.iter().map(|key| format!("{key}=S3CRET&S3CRET&")).collect();
        let request = Request::get(&format!("https://{user}:S3CRET@h.example/p?{query}#S3CRET"));
        prop_assert!(!request.to_string().contains("S3CRET"), "{request}");
    }
}

#[tokio::test]
async fn requests_that_can_not_be_sent() {
    let token = Authorization::Bearer("line\nbreak-secret".into());
    for (request, want) in [
        (Request::get("no url secret"), "GET request: not a URL: relative URL without a base"),
        (Request::get("file:///etc/x"), "GET request: the URL begins with neither http:// nor https://"),
        (Request::get("http://h/").header("a b", "x"), "GET http://h/: the header \"a b\" can't be sent"),
        (Request::get("http://h/").authorize(&token, "h"), "GET http://h/: the header \"authorization\" can't be sent"),
    ] {
        let error = refused(&settings(), request).await;
        assert!(error.to_string().starts_with(want), "{error}");
        assert!(error.kind() == &Kind::Other && !chain(&error).contains("secret"), "{error}");
    }
}

#[test]
fn debugging_shows_no_secret() {
    let request = Request::get("https://me:secret@h.example/p?token=secret&secret#secret")
        .secret_header("x-key", &"secret".into())
        .body("text/plain", "secret");
    let text = format!("{request:?}");
    assert_eq!(
        text,
        "Request(GET https://h.example/p?token=***&***, headers [\"authorization\", \"x-key\", \"content-type\"], 6 bytes)"
    );
    let proxied = Settings { https_proxy: Some("http://me:secret@p:1".into()), ..settings() };
    assert!(!format!("{proxied:?} {:?}", client(&proxied)).contains("secret"));
}

#[tokio::test]
async fn a_body_can_say_how_long_to_wait_and_a_header_goes_first() {
    fn within(body: &[u8]) -> Option<Duration> {
        std::str::from_utf8(body).ok()?.parse().ok().map(Duration::from_millis)
    }
    let busy = |headers: &[&str], body| answer("429 Too Many Requests", headers, body);
    let server = answering(vec![busy(&[], "300"), answer("200 OK", &[], "ok")]).await;
    let started = Instant::now();
    client(&settings()).send(Request::post(&server.url("/")).retry_after_in(within)).await.expect("an answer");
    assert!(started.elapsed() >= Duration::from_millis(300));
    let server = answering(vec![busy(&["Retry-After: 3600"], "1")]).await;
    let error = refused(&settings(), Request::post(&server.url("/")).retry_after_in(within)).await;
    assert!(error.to_string().contains("asks to wait 3600 s"), "{error}");
}

#[test]
fn a_preview_shows_what_is_sent_without_credentials() {
    let request = Request::post("https://me:secret@api.example/in?sig=secret")
        .secret_header("X-Key", &"secret".into())
        .header("X-Plain", "plain")
        .json(&serde_json::json!({ "text": "hello" }));
    let preview = serde_json::to_value(request.preview()).expect("JSON");
    assert_eq!(
        preview,
        serde_json::json!({
            "request": "POST https://api.example/in?sig=***",
            "headers": {
                "authorization": "***",
                "content-type": "application/json",
                "x-key": "***",
                "x-plain": "plain",
            },
            "body": { "text": "hello" },
        })
    );
    let text = Request::put("https://api.example/").body("text/plain", "a line").preview();
    assert_eq!(text.body, "a line");
    let hook = Request::post("https://hooks.example/services/T000/secret").secret_url().preview();
    assert_eq!((hook.request.as_str(), hook.body), ("POST https://hooks.example/***", serde_json::Value::Null));
}

#[test]
fn a_status_about_the_moment_may_pass() {
    let passing: Vec<u16> = (100..600).filter(|status| may_pass(*status)).collect();
    assert_eq!(passing[..3], [408, 425, 429]);
    assert_eq!(passing[3..], (500..600).collect::<Vec<u16>>());
}
