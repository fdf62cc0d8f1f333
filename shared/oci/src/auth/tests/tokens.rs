//! Token services: what they answer, and how often they are asked.

use super::*;

#[tokio::test]
async fn a_renewed_token_is_shared_by_all_requests() {
    let server = MockServer::start().await;
    let count = Arc::new(AtomicU32::new(0));
    Mock::given(path("/token")).respond_with(Counting(Arc::clone(&count))).mount(&server).await;
    let challenge = format!("Bearer realm=\"{}/token\"", server.uri());
    let refused = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(header("authorization", "Bearer t1")).respond_with(manifest()).up_to_n_times(1).mount(&server).await;
    Mock::given(header("authorization", "Bearer t2")).respond_with(manifest()).mount(&server).await;
    Mock::given(path_regex("^/v2/"))
        .respond_with(refused.set_delay(Duration::from_millis(20)))
        .with_priority(9)
        .mount(&server)
        .await;
    let (registry, image) = (registry(Credentials::default()), image(&server));
    registry.manifest(&image).await.unwrap();
    for outcome in futures_util::future::join_all((0..10).map(|_| registry.manifest(&image))).await {
        outcome.unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 2, "ten refusals of one token are one renewal");
}

#[tokio::test]
async fn a_refusal_without_a_challenge_is_answered_as_the_last_one() {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(Counting(Arc::default())).mount(&server).await;
    let challenge = format!("Bearer realm=\"{}/token\"", server.uri());
    let first = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(header("authorization", "Bearer t1")).respond_with(manifest()).up_to_n_times(1).mount(&server).await;
    Mock::given(header("authorization", "Bearer t2")).respond_with(manifest()).mount(&server).await;
    Mock::given(path_regex("^/v2/")).respond_with(first).up_to_n_times(1).with_priority(8).mount(&server).await;
    Mock::given(path_regex("^/v2/")).respond_with(ResponseTemplate::new(401)).with_priority(9).mount(&server).await;
    let (registry, image) = (registry(Credentials::default()), image(&server));
    registry.manifest(&image).await.unwrap();
    registry.manifest(&image).await.unwrap();

    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let error = registry.manifest(&self::image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

#[tokio::test]
async fn a_token_service_that_fails_is_asked_once_and_never_means_not_found() {
    for (status, kind) in [(404, ErrorKind::Unavailable), (500, ErrorKind::Unavailable), (400, ErrorKind::Refused)] {
        let server = MockServer::start().await;
        protect(&server, &[]).await;
        let trouble = ResponseTemplate::new(status).set_delay(Duration::from_millis(50));
        Mock::given(path("/token")).respond_with(trouble).expect(1).mount(&server).await;
        let (registry, image) = (registry(as_ada(&server)), image(&server));
        for outcome in futures_util::future::join_all((0..5).map(|_| registry.manifest(&image))).await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains("org/app:1") && error.to_string().contains("no token for"), "{error}");
        }
    }
    // What is at the tag of referrers is not known without a token.
    let server = MockServer::start().await;
    protect(&server, &[]).await;
    Mock::given(path("/token")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let image = image(&server);
    let none = registry(Credentials::default()).referrers(&image.repository, &crate::Digest::of(b"x")).await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn tokens_come_under_either_name_and_last_as_long_as_they_say() {
    for (answer, tokens) in [
        (json!({ "token": "", "access_token": "t", "expires_in": "300" }), 1),
        (json!({ "token": "t", "access_token": null, "expires_in": 300.5 }), 1),
        (json!({ "token": "t", "access_token": "other", "expires_in": 1e300 }), 1),
        (json!({ "token": "t", "expires_in": -7 }), 1),
        (json!({ "token": "t", "expires_in": {} }), 1),
    ] {
        let server = MockServer::start().await;
        protect(&server, &["t"]).await;
        let granted = ResponseTemplate::new(200).set_body_json(&answer);
        Mock::given(path("/token")).respond_with(granted).expect(tokens).mount(&server).await;
        let (registry, image) = (registry(Credentials::default()), image(&server));
        registry.manifest(&image).await.unwrap_or_else(|error| panic!("{answer}: {error}"));
        registry.manifest(&image).await.unwrap();
    }
    for (answer, told) in [
        ("{}", "did not return a token"),
        ("<html>", "did not return JSON with a token"),
        (r#"{"token":""}"#, "did not return a token"),
    ] {
        let server = MockServer::start().await;
        protect(&server, &["t"]).await;
        Mock::given(path("/token"))
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .mount(&server)
            .await;
        let error = registry(Credentials::default()).manifest(&image(&server)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Malformed && error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn the_text_of_the_token_service_is_in_the_error() {
    let refusals = [
        (401, json!({ "details": "incorrect username or password" }), "incorrect username or password"),
        (403, json!({ "errors": [{ "code": "DENIED", "message": "denied" }] }), "denied (DENIED)"),
    ];
    for (status, body, told) in refusals {
        let server = MockServer::start().await;
        protect(&server, &[]).await;
        Mock::given(path("/token"))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        for (credentials, who) in
            [(as_ada(&server), "were refused: "), (Credentials::default(), "which requires them: ")]
        {
            let error = registry(credentials).manifest(&image(&server)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
            assert!(error.to_string().contains(&format!("{who}{told}. Set DOCKER_USERNAME")), "{error}");
        }
    }
    // A refresh token that is over.
    let server = MockServer::start().await;
    protect(&server, &[]).await;
    let over = json!({ "error": "invalid_grant", "error_description": "expired\u{1b}[2J" });
    Mock::given(path("/token")).respond_with(ResponseTemplate::new(400).set_body_json(over)).mount(&server).await;
    let mut credentials = Credentials::default();
    credentials.add(&host(&server), "<token>", "re/fresh".to_owned().into());
    let error = registry(credentials).manifest(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("were refused: expired [2J (invalid_grant). "), "{error}");
}

/// As Docker does and the specification has it: many registries keep their tokens at another host.
#[tokio::test]
async fn the_token_service_may_be_another_host() {
    let (server, tokens) = (MockServer::start().await, MockServer::start().await);
    let challenge = format!("Bearer realm=\"{}/token?kind=a\",service=\"s\"", tokens.uri());
    let refused = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(header("authorization", "Bearer t1")).respond_with(manifest()).mount(&server).await;
    Mock::given(any()).respond_with(refused).with_priority(9).mount(&server).await;
    Mock::given(path("/token"))
        .and(query_param("kind", "a"))
        .and(query_param("service", "s"))
        .and(header("authorization", ADA))
        .respond_with(Counting(Arc::default()))
        .expect(1)
        .mount(&tokens)
        .await;
    registry(as_ada(&server)).manifest(&image(&server)).await.unwrap();
}

/// Only a registry without TLS may name a token service without TLS, even on this machine, where any process may listen.
#[tokio::test]
async fn a_registry_with_tls_has_no_token_service_without() {
    let tokens = MockServer::start().await;
    Mock::given(any()).respond_with(Counting(Arc::default())).mount(&tokens).await;
    let http = Client::new(&Settings::default(), CancellationToken::new()).unwrap();
    let realm = format!("Bearer realm=\"{}/token\"", tokens.uri());
    let refusal = Response {
        status: 401,
        headers: [("www-authenticate".parse().unwrap(), realm.parse().unwrap())].into_iter().collect(),
        body: Vec::new(),
        url: Url::parse("https://registry.example/v2/app/manifests/1").unwrap(),
    };
    for (registry, plain_http, allowed) in [
        ("registry.example", None, false),
        ("registry.example", Some(true), true),
        ("127.0.0.1:5000", None, true),
        ("127.0.0.1:5000", Some(false), false),
    ] {
        let repository: Repository = format!("{registry}/app").parse().unwrap();
        let settings = RegistrySettings { plain_http, ..RegistrySettings::default() };
        let access = [(&repository, Access::Pull)];
        let scope = Scope { http: &http, settings: &settings, repository: &repository, access: &access };
        let authorizer = Authorizer::new(Credentials::default());
        let answer = authorizer.answer(&scope, &refusal, None).await;
        assert_eq!(answer.is_ok(), allowed, "{registry} {plain_http:?}");
        assert!(answer.is_ok() || answer.is_err_and(|error| error.to_string().contains("its URL is not https")));
    }
}
