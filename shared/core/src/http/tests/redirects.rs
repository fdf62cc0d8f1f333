use super::super::redirect::Hop;
use super::*;

fn to(status: &str, location: &str) -> String {
    answer(status, &[&format!("Location: {location}")], "")
}

/// A request with everything that must not leave its host.
fn with_secrets(request: Request, host: SocketAddr) -> Request {
    let basic = Authorization::Basic { user: "me".to_owned(), password: "pass".into() };
    request
        .authorize(&basic, &host.to_string())
        .header("Cookie", "session=1")
        .secret_header("X-Key", &"key".into())
        .header("X-Plain", "plain")
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let back = answering(vec![answer("200 OK", &[], "end")]).await;
    // A server that wants credentials of its choice to be sent on.
    let userinfo = back.url("/c").replace("http://", "http://evil:evil@");
    let other = answering(vec![to("302 Found", &userinfo)]).await;
    let first = answering(vec![to("302 Found", "/b"), to("307 Temporary Redirect", &other.url("/x"))]).await;
    let request = with_secrets(Request::get(&first.url("/a")), first.address).header("Host", "chosen.example");
    let response = client(&settings()).send(request).await.expect("the end of it");
    assert_eq!((response.body.as_slice(), response.url.as_str()), (&b"end"[..], back.url("/c").as_str()));
    let names = |request: &String| {
        let lower = request.to_lowercase();
        ["authorization: basic bwu6cgfzcw==", "cookie: session=1", "x-key: key", "x-plain: plain"]
            .map(|line| lower.contains(line))
    };
    assert_eq!(first.seen().iter().map(names).collect::<Vec<_>>(), [[true; 4]; 2]);
    assert!(first.seen().iter().all(|request| request.contains("host: chosen.example\r\n")));
    for server in [other, back] {
        assert!(server.seen()[0].contains(&format!("host: {}\r\n", server.address)), "{:?}", server.seen());
        assert_eq!(server.seen().iter().map(names).collect::<Vec<_>>(), [[false, false, false, true]]);
        assert!(!server.seen()[0].to_lowercase().contains("authorization"), "{:?}", server.seen());
    }
}

#[tokio::test]
async fn credentials_that_were_dropped_do_not_come_back() {
    /// Sends on to the URL in the query.
    async fn sending_on() -> Server {
        server(|mut stream, seen, _| async move {
            let request = read_request(&mut stream).await;
            let path = request.split(' ').nth(1).unwrap_or_default();
            let answer = match path.split_once("?to=") {
                Some((_, target)) => to("307 Temporary Redirect", target),
                None => answer("200 OK", &[], ""),
            };
            seen.keep(request);
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await
    }
    let (home, other) = (sending_on().await, sending_on().await);
    let round_trip = home.url(&format!("/?to={}", other.url(&format!("/?to={}", home.url("/end")))));
    client(&settings()).send(with_secrets(Request::get(&round_trip), home.address)).await.expect("home again");
    let authorized: Vec<_> = home.seen().iter().map(|request| request.contains("authorization: ")).collect();
    assert_eq!(authorized, [true, false]);
}

#[tokio::test]
async fn credentials_for_another_host_are_not_sent() {
    let server = answering(vec![answer("200 OK", &[], "")]).await;
    let token = Authorization::Bearer("t".into());
    for host in ["ghcr.io", "127.0.0.1", "127.0.0.1:1", "", "a b"] {
        let error = refused(&settings(), Request::get(&server.url("/x")).authorize(&token, host)).await;
        assert!(error.to_string().ends_with(&format!("/x: these credentials are for {host} only")), "{error}");
    }
    assert!(server.seen().is_empty());
    let host = server.address.to_string();
    client(&settings()).send(Request::get(&server.url("/x")).authorize(&token, &host)).await.expect("its own host");
    assert!(server.seen()[0].contains("authorization: Bearer t\r\n"));
    // The scheme's own port needs no mention.
    let request = Request::get("https://GHCR.io:443/v2/").authorize(&token, "ghcr.io");
    assert!(Hop::first(&request).is_ok());
}

#[tokio::test]
async fn user_and_password_of_a_url_are_its_authorization() {
    let server = answering(vec![answer("200 OK", &[], "")]).await;
    let url = server.url("/x").replace("http://", "http://us%40r:p+a%2Fs@");
    client(&settings()).send(Request::get(&url)).await.expect("an answer");
    let seen = server.seen().concat();
    assert!(
        seen.starts_with("GET /x HTTP/1.1\r\n") && seen.contains("authorization: Basic dXNAcjpwK2Evcw==\r\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn methods_and_bodies() {
    for (status, first, then) in [
        ("301 Moved Permanently", "POST", "GET"),
        ("302 Found", "POST", "GET"),
        ("302 Found", "PUT", "PUT"),
        ("303 See Other", "PUT", "GET"),
        ("307 Temporary Redirect", "POST", "POST"),
        ("308 Permanent Redirect", "PATCH", "PATCH"),
    ] {
        let server = answering(vec![to(status, "next?x=1"), answer("200 OK", &[], "")]).await;
        let method = Method::from_bytes(first.as_bytes()).expect("a method");
        let request = Request::new(method, &server.url("/a/b")).body("text/plain", "content");
        client(&settings()).send(request).await.expect("an answer");
        let last = server.seen().pop().expect("two requests");
        assert!(last.starts_with(&format!("{then} /a/next?x=1 HTTP/1.1\r\n")), "{last}");
        assert_eq!(
            (last.ends_with("content"), last.contains("content-type")),
            (then != "GET", then != "GET"),
            "{last}"
        );
    }
}

#[tokio::test]
async fn redirects_that_are_not_followed() {
    let endless = answering(vec![to("302 Found", "/again")]).await;
    let error = refused(&settings(), Request::get(&endless.url("/x"))).await;
    assert!(error.to_string().ends_with("/x: more than 5 redirects"), "{error}");
    assert_eq!(endless.seen().len(), 6);

    let target = answering(vec![answer("200 OK", &[], "")]).await;
    let away = answering(vec![to("307 Temporary Redirect", &target.url("/y?t=s3cret"))]).await;
    let request = Request::post(&away.url("/x")).body("text/plain", "refresh_token=s3cret").secret_body();
    let error = refused(&settings(), request).await;
    let want = format!("redirect not followed: {} is another host, and the body is secret", target.url("/y?t=***"));
    assert!(error.to_string().ends_with(&want), "{error}");
    assert!(target.seen().is_empty());

    for (location, want) in [("ftp://h/x", "neither http nor https"), ("http://[", "not a URL")] {
        let server = answering(vec![to("302 Found", location)]).await;
        let error = refused(&settings(), Request::get(&server.url("/x"))).await;
        assert!(error.to_string().ends_with(want) && error.kind() == &Kind::Other, "{error}");
    }
    // Without a target it is a refusal, and where the caller wants to see it, an answer.
    let server = answering(vec![answer("302 Found", &[], "")]).await;
    assert_eq!(refused(&settings(), Request::get(&server.url("/x"))).await.status(), Some(302));
    let response = client(&settings()).send(Request::get(&endless.url("/x")).accept(302)).await.expect("accepted");
    assert_eq!(response.header("location"), Some("/again"));
}

#[tokio::test]
async fn trouble_behind_a_redirect_says_where() {
    let target = answering(vec![answer("404 Not Found", &[], "")]).await;
    let server = answering(vec![to("302 Found", &target.url("/y?t=s3cret"))]).await;
    let error = refused(&settings(), Request::get(&server.url("/x"))).await;
    let want = format!("GET {}: redirected to {}: 404 Not Found", server.url("/x"), target.url("/y?t=***"));
    assert_eq!(error.to_string(), want);
}

#[tokio::test]
async fn a_request_that_follows_none_ends_with_the_redirect() {
    let server = answering(vec![answer("302 Found", &["Location: /login"], ""), answer("200 OK", &[], "a page")]).await;
    let error = refused(&settings(), Request::post(&server.url("/hook")).no_redirects()).await;
    assert_eq!((error.status(), server.seen().len()), (Some(302), 1));
}
