use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{body_string_contains, header, header_exists};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::http::Settings;

fn aws(server: &MockServer, source: Source) -> Aws {
    let settings = Settings { attempts: 1, ..Settings::default() };
    let http = Client::new(&settings, CancellationToken::new()).unwrap();
    Aws::new(http, "eu-west-1", source, Some(server.uri()))
}

fn fixed() -> Source {
    Source::Static(Credentials {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret_key: "very secret".to_owned().into(),
        session_token: None,
    })
}

fn role() -> Source {
    Source::WebIdentity { role: "arn:aws:iam::123456789012:role/ci".to_owned(), token: "to.ke.n/+=".to_owned().into() }
}

const ASSUMED: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>sess</SessionToken>
    <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>";

#[tokio::test]
async fn a_role_is_assumed_once_with_the_ci_s_token() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("Action=AssumeRoleWithWebIdentity"))
        .and(body_string_contains("WebIdentityToken=to%2Eke%2En%2F%2B%3D"))
        .respond_with(ResponseTemplate::new(200).set_body_string(ASSUMED))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header("x-amz-target", "TrentService.Sign"))
        .and(header("x-amz-security-token", "sess"))
        .and(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .mount(&server)
        .await;
    let aws = aws(&server, role());
    for _ in 0..3 {
        let answer = aws.call("kms", "TrentService.Sign", &json!({})).await.unwrap();
        assert_eq!(answer["ok"], true);
    }
}

#[tokio::test]
async fn refusals_say_what_aws_says_and_no_secret() {
    for (status, body, told) in [
        (
            400,
            r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no such key"}"#,
            "AWS kms: NotFoundException: no such key",
        ),
        (
            403,
            r#"{"__type":"AccessDeniedException","Message":"not allowed"}"#,
            "AWS kms: AccessDeniedException: not allowed",
        ),
        (400, r#"{"__type":"DisabledException"}"#, "AWS kms: DisabledException (status 400)"),
        (400, "<html>", "AWS kms: status 400"),
    ] {
        let server = MockServer::start().await;
        Mock::given(header_exists("authorization"))
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .mount(&server)
            .await;
        let error = aws(&server, fixed()).call("kms", "TrentService.Sign", &json!({})).await.unwrap_err();
        assert!(matches!(error, AwsError::Refused { .. }));
        assert_eq!(error.to_string(), told);
    }
    let server = MockServer::start().await;
    let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>token expired</Message></Error></ErrorResponse>";
    Mock::given(body_string_contains("Action="))
        .respond_with(ResponseTemplate::new(400).set_body_string(refusal))
        .mount(&server)
        .await;
    let error = aws(&server, role()).call("kms", "TrentService.Sign", &json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "AWS sts: InvalidIdentityToken: token expired");
    for status in [500, 429] {
        let server = MockServer::start().await;
        Mock::given(header_exists("authorization")).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        let error = aws(&server, fixed()).call("kms", "TrentService.Sign", &json!({})).await.unwrap_err();
        assert!(matches!(error, AwsError::Unavailable { .. }));
    }
    assert_eq!(format!("{:?}", fixed()), "Static(Credentials(AKIDEXAMPLE))");
    assert!(!format!("{:?}", role()).contains("to.ke.n"));
}

#[test]
fn services_are_at_their_regions() {
    let http = Client::new(&Settings::default(), CancellationToken::new()).unwrap();
    let aws = Aws::new(http, "eu-west-1", fixed(), None);
    assert_eq!(aws.url("kms"), "https://kms.eu-west-1.amazonaws.com/");
    assert_eq!(aws.url("ecr"), "https://api.ecr.eu-west-1.amazonaws.com/");
    assert_eq!(aws.in_region("cn-north-1").url("sts"), "https://sts.cn-north-1.amazonaws.com.cn/");
}
