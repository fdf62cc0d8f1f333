use pipe_core::aws::{Credentials, Source};
use pipe_core::http::{Client, Settings};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{header, header_exists};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

#[test]
fn only_hosts_of_aws_get_a_login() {
    assert_eq!(region(HOST), Some("eu-west-1"));
    assert_eq!(region("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
    for other in [
        "ghcr.io",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
        "evil.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr..amazonaws.com",
        "123456789012.dkr.ecr.a.b.amazonaws.com",
    ] {
        assert_eq!(region(other), None, "{other}");
    }
}

/// What a login gives where AWS answers so.
async fn answered(status: u16, body: Value) -> Result<(String, SecretString), Error> {
    let server = MockServer::start().await;
    Mock::given(header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"))
        .and(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(&server)
        .await;
    let http = Client::new(&Settings { attempts: 1, ..Settings::default() }, CancellationToken::new()).unwrap();
    let credentials =
        Credentials { access_key: "AK".to_owned(), secret_key: "secret".to_owned().into(), session_token: None };
    let aws = Aws::new(http, "eu-west-1", Source::Static(credentials), Some("http://127.0.0.1:1".to_owned()));
    login(&aws.at("ecr", &server.uri()), HOST).await
}

fn token(text: &[u8]) -> Value {
    json!({ "authorizationData": [{ "authorizationToken": STANDARD.encode(text) }] })
}

#[tokio::test]
async fn aws_gives_user_and_password() {
    let (user, password) = answered(200, token(b"AWS:pass:word")).await.unwrap();
    assert_eq!((user.as_str(), password.expose_secret()), ("AWS", "pass:word"));
}

#[tokio::test]
async fn a_response_of_aws_without_the_expected_content_is_an_error() {
    let denied = json!({ "__type": "AccessDeniedException", "Message": "not authorized" });
    for (status, body, kind, told) in [
        (400, denied, ErrorKind::Unauthorized, "AWS ecr: AccessDeniedException: not authorized"),
        (503, json!({}), ErrorKind::Unavailable, "503 Service Unavailable"),
        (400, json!({ "__type": "ThrottlingException" }), ErrorKind::Unavailable, "ThrottlingException"),
        (200, json!({}), ErrorKind::Malformed, "AWS ecr did not return a token"),
        (200, json!({ "authorizationData": [] }), ErrorKind::Malformed, "AWS ecr did not return a token"),
        (200, token(b"no-colon"), ErrorKind::Malformed, "AWS ecr did not return a token"),
        (200, token(&[0xff, b':']), ErrorKind::Malformed, "AWS ecr did not return a token"),
    ] {
        let error = answered(status, body).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.to_string().contains(HOST), "{error}");
    }
}
