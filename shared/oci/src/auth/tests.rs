mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pipe_core::http::{Client, Response, Settings, Url};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{any, header, method, path, path_regex, query_param};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{Access, Authorizer, Scope};
use crate::{Credentials, ErrorKind, Reference, Registry, RegistrySettings, Repository};

fn registry(credentials: Credentials) -> Registry {
    let settings = Settings { attempts: 1, ..Settings::default() };
    let http = Client::new(&settings, CancellationToken::new()).unwrap();
    Registry::new(http, credentials, RegistrySettings::default())
}

fn host(server: &MockServer) -> String {
    server.uri().trim_start_matches("http://").to_owned()
}

fn image(server: &MockServer) -> Reference {
    Reference::parse(&format!("{}/org/app:1", host(server))).unwrap()
}

fn as_ada(server: &MockServer) -> Credentials {
    let mut credentials = Credentials::default();
    credentials.add(&host(server), "ada", "secret".to_owned().into());
    credentials
}

const ADA: &str = "Basic YWRhOnNlY3JldA==";

fn manifest() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw("{}", "application/vnd.oci.image.manifest.v1+json")
}

/// Lets requests with one of `tokens` through and challenges the rest.
async fn protect(server: &MockServer, tokens: &[&str]) {
    for token in tokens {
        Mock::given(path_regex("^/v2/"))
            .and(header("authorization", format!("Bearer {token}")))
            .respond_with(manifest())
            .mount(server)
            .await;
    }
    let challenge =
        format!("Bearer realm=\"{}/token\",service=\"registry\",scope=\"repository:org/app:pull\"", server.uri());
    let challenge = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(path_regex("^/v2/")).respond_with(challenge).with_priority(9).mount(server).await;
}

#[tokio::test]
async fn a_token_is_fetched_once_for_many_requests() {
    let server = MockServer::start().await;
    protect(&server, &["t1"]).await;
    let token = ResponseTemplate::new(200).set_body_json(json!({ "token": "t1", "expires_in": 300 }));
    Mock::given(path("/token"))
        .and(header("authorization", ADA))
        .and(query_param("service", "registry"))
        .and(query_param("scope", "repository:org/app:pull"))
        .respond_with(token.set_delay(Duration::from_millis(50)))
        .expect(1)
        .mount(&server)
        .await;
    let (registry, image) = (registry(as_ada(&server)), image(&server));
    let requests = (0..10).map(|_| registry.manifest(&image));
    for outcome in futures_util::future::join_all(requests).await {
        outcome.unwrap();
    }
}

/// Hands out t1, t2 and so on.
struct Counting(Arc<AtomicU32>);

impl Respond for Counting {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        ResponseTemplate::new(200).set_body_json(json!({ "access_token": format!("t{number}") }))
    }
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_is_renewed_once() {
    let server = MockServer::start().await;
    let count = Arc::new(AtomicU32::new(0));
    Mock::given(path("/token")).respond_with(Counting(Arc::clone(&count))).mount(&server).await;
    let challenge = format!("Bearer realm=\"{}/token\"", server.uri());
    let refused = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(header("authorization", "Bearer t1")).respond_with(manifest()).up_to_n_times(1).mount(&server).await;
    Mock::given(header("authorization", "Bearer t2")).respond_with(manifest()).mount(&server).await;
    Mock::given(path_regex("^/v2/")).respond_with(refused).with_priority(9).mount(&server).await;
    let (registry, image) = (registry(Credentials::default()), image(&server));
    registry.manifest(&image).await.unwrap();
    registry.manifest(&image).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn missing_and_refused_credentials_are_different_errors() {
    let server = MockServer::start().await;
    protect(&server, &[]).await;
    Mock::given(path("/token"))
        .and(header("authorization", ADA))
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let anonymous = ResponseTemplate::new(200).set_body_json(json!({ "token": "useless" }));
    Mock::given(path("/token")).respond_with(anonymous).with_priority(9).mount(&server).await;
    let error = registry(as_ada(&server)).manifest(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let what = format!("failed to fetch the manifest of {}", image(&server));
    let advice = "Set DOCKER_USERNAME and DOCKER_PASSWORD.";
    let refused = format!("{what}: the credentials for {} were refused. {advice}", host(&server));
    assert_eq!(error.to_string(), refused);
    let error = registry(Credentials::default()).manifest(&image(&server)).await.unwrap_err();
    let missing = format!("{what}: no credentials for {}, which requires them. {advice}", host(&server));
    assert_eq!(error.to_string(), missing);
    let mut helper = Credentials::default();
    helper.add_docker_config(&r#"{"credsStore":"desktop"}"#.to_owned().into()).unwrap();
    let error = registry(helper).manifest(&image(&server)).await.unwrap_err();
    assert!(error.to_string().contains("refers to the credential helper \"desktop\""), "{error}");
}

#[tokio::test]
async fn basic_registries_and_refresh_tokens() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", ADA)).respond_with(manifest()).mount(&server).await;
    let challenge = ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"x\"");
    Mock::given(any()).respond_with(challenge).with_priority(9).mount(&server).await;
    registry(as_ada(&server)).manifest(&image(&server)).await.unwrap();
    let error = registry(Credentials::default()).manifest(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);

    let server = MockServer::start().await;
    protect(&server, &["fresh"]).await;
    let form = "grant_type=refresh_token&refresh_token=re%2Ffresh&client_id=pipewright&service=registry&scope=repository%3Aorg%2Fapp%3Apull";
    Mock::given(method("POST"))
        .and(path("/token"))
        .and(wiremock::matchers::body_string(form))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "access_token": "fresh" })))
        .mount(&server)
        .await;
    let mut credentials = Credentials::default();
    let config = format!(r#"{{"auths":{{"{}":{{"identitytoken":"re/fresh"}}}}}}"#, host(&server));
    credentials.add_docker_config(&config.into()).unwrap();
    registry(credentials).manifest(&image(&server)).await.unwrap();
}

#[tokio::test]
async fn credentials_never_go_elsewhere() {
    let (server, stranger) = (MockServer::start().await, MockServer::start().await);
    // A token service that is neither on loopback nor reached by https.
    let challenge = "Bearer realm=\"http://tokens.example/token\"";
    let refused = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(path("/v2/org/app/manifests/1")).respond_with(refused).mount(&server).await;
    let error = registry(as_ada(&server)).manifest(&image(&server)).await.unwrap_err();
    assert!(error.to_string().contains("is not contacted because its URL is not https"), "{error}");

    // A blob at a storage service.
    let basic = ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"x\"");
    let elsewhere = ResponseTemplate::new(307).insert_header("location", format!("{}/blob", stranger.uri()));
    Mock::given(header("authorization", ADA)).respond_with(elsewhere).mount(&server).await;
    Mock::given(path_regex("/blobs/")).respond_with(basic).with_priority(9).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string("blob")).mount(&stranger).await;
    let descriptor = crate::Descriptor::of("text/plain", b"blob");
    registry(as_ada(&server)).blob(&image(&server).repository, &descriptor, 100).await.unwrap();
    let received = stranger.received_requests().await.unwrap();
    assert!(!received.is_empty());
    assert!(received.iter().all(|request| !request.headers.contains_key("authorization")), "{received:?}");
}

#[tokio::test]
async fn a_registry_that_asks_for_one_repository_may_not_for_another() {
    let server = MockServer::start().await;
    let challenge = ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"x\"");
    Mock::given(path_regex("^/v2/org/app/")).respond_with(challenge).mount(&server).await;
    Mock::given(path_regex("^/v2/public/")).respond_with(manifest()).mount(&server).await;
    let registry = registry(Credentials::default());
    registry.manifest(&image(&server)).await.unwrap_err();
    let public = Reference::parse(&format!("{}/public/app:1", host(&server))).unwrap();
    registry.manifest(&public).await.unwrap();
}

#[tokio::test]
async fn the_longest_refusal_of_a_short_blob() {
    let server = MockServer::start().await;
    let challenge = format!("Bearer realm=\"{}/token\"", server.uri());
    let refused = ResponseTemplate::new(401)
        .insert_header("www-authenticate", challenge)
        .set_body_json(json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "m".repeat(2000) }] }));
    Mock::given(path("/token")).respond_with(Counting(Arc::default())).mount(&server).await;
    Mock::given(header("authorization", "Bearer t1"))
        .respond_with(ResponseTemplate::new(200).set_body_string("{}"))
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(refused).with_priority(9).mount(&server).await;
    let blob = crate::Descriptor::of("text/plain", b"{}");
    registry(Credentials::default()).blob(&image(&server).repository, &blob, 10).await.unwrap();
}

/// A storage service that asks for the registry's credentials gets nothing, and nor does the token service it names.
#[tokio::test]
async fn a_challenge_of_another_host_is_not_answered() {
    let (server, stranger) = (MockServer::start().await, MockServer::start().await);
    let challenge = format!("Bearer realm=\"{}/token\"", stranger.uri());
    let trap = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(any()).respond_with(trap).mount(&stranger).await;
    let elsewhere = ResponseTemplate::new(307).insert_header("location", format!("{}/blob", stranger.uri()));
    Mock::given(path_regex("/blobs/sha256")).and(method("GET")).respond_with(elsewhere).mount(&server).await;
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let begun = ResponseTemplate::new(202).insert_header("location", format!("{}/upload", stranger.uri()));
    Mock::given(method("POST")).respond_with(begun).mount(&server).await;
    let (registry, repository) = (registry(as_ada(&server)), image(&server).repository);
    let descriptor = crate::Descriptor::of("text/plain", b"blob");
    let errors = [
        registry.blob(&repository, &descriptor, 100).await.unwrap_err(),
        registry.push_blob(&repository, "text/plain", "blob".into()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("the registry redirects to"), "{error}");
    }
    let received = stranger.received_requests().await.unwrap();
    assert!(!received.is_empty());
    assert!(received.iter().all(|request| !request.headers.contains_key("authorization")), "{received:?}");
    assert!(received.iter().all(|request| request.url.path() != "/token"), "{received:?}");
}
