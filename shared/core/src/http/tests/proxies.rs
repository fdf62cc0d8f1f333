use proptest::prelude::*;
use tokio::io::copy_bidirectional;

use super::super::proxy::Proxies;
use super::secure::tls_server;
use super::*;

fn through_http(proxy: &str) -> Settings {
    Settings { http_proxy: Some(proxy.into()), ..settings() }
}

fn through_https(proxy: &str) -> Settings {
    Settings { https_proxy: Some(proxy.into()), ..settings() }
}

#[tokio::test]
async fn plain_requests_go_in_absolute_form() {
    // Bitbucket's proxy answers nothing else, and there is no such host here to be reached directly.
    let proxy = answering(vec![answer("200 OK", &[], "{}")]).await;
    let settings = through_http(&format!("http://localhost:{}", proxy.address.port()));
    let url = "http://api.bitbucket.org/2.0/repositories/w/r/commit/c/reports/x";
    let request = Request::put(url).json(&serde_json::json!({"title": "t"}));
    let response = client(&settings).send(request).await.expect("the proxy's answer");
    assert_eq!(response.body, b"{}");
    let seen = proxy.seen().concat();
    assert!(seen.starts_with(&format!("PUT {url} HTTP/1.1\r\n")), "{seen}");
    assert!(seen.contains("host: api.bitbucket.org\r\n") && seen.ends_with("\r\n\r\n{\"title\":\"t\"}"), "{seen}");
}

/// A proxy that tunnels to `target` for `me:p@ss` and for nobody else.
async fn guarded(target: SocketAddr) -> Server {
    server(move |mut stream, seen, _| async move {
        let request = read_request(&mut stream).await;
        let known = request.to_lowercase().contains("proxy-authorization: basic bwu6cebzcw==\r\n");
        let tunnel = request.starts_with("CONNECT ");
        seen.keep(request);
        if !known {
            let refusal = answer("407 Proxy Authentication Required", &["Proxy-Authenticate: Basic"], "who?");
            let _ = stream.write_all(refusal.as_bytes()).await;
        } else if tunnel {
            let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let mut upstream = TcpStream::connect(target).await.expect("the target");
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        } else {
            let _ = stream.write_all(answer("200 OK", &[], "via proxy").as_bytes()).await;
        }
    })
    .await
}

#[tokio::test]
async fn proxies_that_want_a_password() {
    let (authority, target) = tls_server("api.example", vec![answer("200 OK", &[], "tunnelled")]).await;
    let proxy = guarded(target.address).await;
    let known = proxy.url("").replace("http://", "http://me:p%40ss@");

    let settings = Settings { ca_pem: Some(authority.clone()), ..through_https(&known) };
    let request = Request::get("https://api.example/x").secret_header("X-Key", &"key".into());
    let response = client(&settings).send(request).await.expect("through the tunnel");
    assert_eq!(response.body, b"tunnelled");
    let tunnel = proxy.seen().concat();
    assert!(tunnel.starts_with("CONNECT api.example:443 HTTP/1.1\r\n") && !tunnel.contains("key"), "{tunnel}");
    let inner = target.seen().pop().expect("a request");
    assert!(inner.starts_with("GET /x HTTP/1.1\r\n") && !inner.to_lowercase().contains("proxy-"), "{inner}");

    let response = client(&through_http(&known)).send(Request::get("http://api.example/x")).await.expect("an answer");
    assert_eq!(response.body, b"via proxy");

    for wrong in [proxy.url(""), proxy.url("").replace("http://", "http://me:secret@")] {
        let before = proxy.seen().len();
        let error = refused(&through_https(&wrong), Request::get("https://api.example/x")).await;
        assert_eq!(error.kind(), &Kind::Proxy);
        let want = "GET https://api.example/x: no connection through the proxy: tunnel error: proxy authorization \
                    required. Set its user and password in HTTPS_PROXY.";
        assert_eq!(chain(&error), want);
        let error = refused(&through_http(&wrong), Request::get("http://api.example/x")).await;
        assert_eq!(error.kind(), &Kind::Proxy);
        assert_eq!(error.to_string(), "GET http://api.example/x: 407 Proxy Authentication Required: who?");
        assert_eq!(proxy.seen().len(), before + 2, "the same password again would not help");
    }
}

#[tokio::test]
async fn proxies_that_are_not_there() {
    let (_socket, address) = deaf();
    let gone = address.to_string();
    for (settings, url) in
        [(through_https(&gone), "https://api.example/"), (through_http(&gone), "http://api.example/")]
    {
        let error = refused(&settings, Request::get(url)).await;
        assert_eq!(error.kind(), &Kind::Proxy);
        let text = chain(&error);
        assert!(
            text.contains("no connection through the proxy after 3 attempts")
                && text.contains("refused")
                && text.contains("_PROXY, or add the host to NO_PROXY."),
            "{text}"
        );
    }
}

#[tokio::test]
async fn hosts_that_need_no_proxy() {
    let direct = answering(vec![answer("200 OK", &[], "direct")]).await;
    let proxy = answering(vec![answer("200 OK", &[], "proxy")]).await;
    for (list, body) in
        [("", "proxy"), ("10.0.0.0/8,example.com", "proxy"), ("x, 127.0.0.0/8", "direct"), ("*", "direct")]
    {
        let settings = Settings { no_proxy: Some(list.to_owned()), ..through_http(&proxy.url("")) };
        let response = client(&settings).send(Request::get(&direct.url("/"))).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&response.body), body, "{list:?}");
    }
}

#[test]
fn no_proxy_as_people_type_it() {
    for (list, url, through_proxy) in [
        ("example.com", "http://example.com/", false),
        ("example.com", "http://a.b.example.com/", false),
        ("example.com", "http://notexample.com/", true),
        (".example.com", "http://a.example.com/", false),
        ("*.example.com", "http://a.example.com/", false),
        ("EXAMPLE.com", "http://a.Example.COM/", false),
        ("registry:5000", "http://registry:5000/", false),
        ("a.example b.example;c.example", "http://b.example/", false),
        ("10.1.0.0/16", "http://10.1.2.3/", false),
        ("10.1.0.0/16", "http://10.2.2.3/", true),
        ("::1", "http://[::1]:80/", false),
        ("[::1]", "http://[::1]:80/", false),
        ("fd00::/8", "http://[fd12::1]/", false),
        ("*", "http://anything/", false),
        ("*", "http://10.2.2.3/", false),
        ("*", "http://[fd12::1]/", false),
        (" , ,", "http://anything/", true),
        ("", "https://anything/", false),
    ] {
        let settings = Settings { no_proxy: Some(list.to_owned()), ..through_http("http://p:1") };
        let proxies = Proxies::new(&settings).expect("good settings");
        assert_eq!(proxies.apply_to(&Url::parse(url).expect("a URL")), through_proxy, "{list:?} {url}");
    }
}

proptest! {
    #[test]
    fn no_list_of_hosts_panics(list in any::<String>(), typed in "[a-z0-9.:*,\\[\\] /]{0,20}") {
        for list in [list, typed] {
            let settings = Settings { no_proxy: Some(list), ..through_http("http://p:1") };
            let proxies = Proxies::new(&settings).expect("good settings");
            proxies.apply_to(&Url::parse("http://a.example/").expect("a URL"));
        }
    }
}

#[test]
fn proxies_that_are_none() {
    for text in ["http://", "socks5://secret:1", "ftp://secret", "http://u:secret@h:port", "::"] {
        for (settings, scheme) in [(through_http(text), "http"), (through_https(text), "https")] {
            let error = Client::new(&settings, CancellationToken::new()).expect_err("no proxy");
            let want = format!("the {scheme} proxy: expected http://host:port or https://host:port");
            assert_eq!(chain(&error), want);
        }
    }
    assert!(Client::new(&through_http(" "), CancellationToken::new()).is_ok(), "empty is unset");
}
