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
    <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s3cret s3cret</SecretAccessKey><SessionToken>session token</SessionToken>
    <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>";

#[tokio::test]
async fn a_role_is_assumed_once_with_the_token_of_the_ci() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("Action=AssumeRoleWithWebIdentity"))
        .and(body_string_contains("WebIdentityToken=to%2Eke%2En%2F%2B%3D"))
        .respond_with(ResponseTemplate::new(200).set_body_string(ASSUMED))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header("x-amz-target", "TrentService.Sign"))
        .and(header("x-amz-security-token", "session token"))
        .and(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .mount(&server)
        .await;
    let redactor = Redactor::new();
    let aws = aws(&server, role()).redacted_by(redactor.clone());
    for _ in 0..3 {
        let answer = aws.call("kms", "TrentService.Sign", &json!({})).await.unwrap();
        assert_eq!(answer["ok"], true);
    }
    assert_eq!(redactor.text("s3cret s3cret, session token"), "***, ***");
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

/// What AWS answers is longer than what HTTP errors quote.
#[tokio::test]
async fn long_refusals_are_read_and_shortened() {
    let long = "User: arn:aws:sts::123456789012:assumed-role/ci/pipewright is not authorized to perform: kms:GetPublicKey on \
                resource: arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab because no \
                identity-based policy allows the kms:GetPublicKey action";
    let server = MockServer::start().await;
    let body = json!({ "__type": "AccessDeniedException", "Message": long });
    Mock::given(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(400).set_body_json(body))
        .mount(&server)
        .await;
    let error = aws(&server, fixed()).call("kms", "TrentService.GetPublicKey", &json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), format!("AWS kms: AccessDeniedException: {long}"));

    let server = MockServer::start().await;
    let said =
        "Not authorized to perform sts:AssumeRoleWithWebIdentity &amp; &quot;more&quot; ".to_owned() + &"x".repeat(900);
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
         <Code>AccessDenied</Code>\n    <Message>{said}</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>"
    );
    Mock::given(body_string_contains("Action="))
        .respond_with(ResponseTemplate::new(403).set_body_string(body))
        .mount(&server)
        .await;
    let error = aws(&server, role()).call("kms", "TrentService.Sign", &json!({})).await.unwrap_err().to_string();
    assert!(error.starts_with("AWS sts: AccessDenied: Not authorized to perform"), "{error}");
    assert!(error.ends_with("& \"more\"..."), "{error}");
}

/// AWS repeats the request that it expected, with the session's token in it.
#[tokio::test]
async fn no_refusal_repeats_a_credential() {
    let server = MockServer::start().await;
    let echo = "The signature does not match. Token to.ke.n/+= and sess3cret of s3cretkey.\n\nThe Canonical String should \
                have been\n'POST\n/\n\nx-amz-security-token:sess3cret'";
    let assumed = ASSUMED.replace(">s3cret s3cret<", ">s3cretkey<").replace(">session token<", ">sess3cret<");
    Mock::given(body_string_contains("Action="))
        .respond_with(ResponseTemplate::new(200).set_body_string(assumed))
        .mount(&server)
        .await;
    for (status, target) in
        [(403, "TrentService.Sign"), (500, "TrentService.GetPublicKey"), (404, "TrentService.Other")]
    {
        let body = json!({ "__type": "SignatureDoesNotMatch", "message": echo });
        Mock::given(header("x-amz-target", target))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        let error = aws(&server, role()).call("kms", target, &json!({})).await.unwrap_err();
        let text = format!("{error} {error:?}");
        for secret in ["sess3cret", "s3cretkey", "to.ke.n"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(text.contains("The signature does not match. Token *** and *** of ***."), status == 403, "{text}");
        assert!(!text.contains("Canonical") || status != 403, "{text}");
    }
}

#[tokio::test]
async fn a_busy_aws_is_asked_again_and_is_no_refusal() {
    let throttled =
        || ResponseTemplate::new(400).set_body_string(r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    let server = MockServer::start().await;
    Mock::given(header_exists("authorization")).respond_with(throttled()).up_to_n_times(2).mount(&server).await;
    Mock::given(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .expect(1)
        .mount(&server)
        .await;
    let answer = aws(&server, fixed()).call("kms", "TrentService.Sign", &json!({})).await.unwrap();
    assert_eq!(answer["ok"], true);

    let server = MockServer::start().await;
    Mock::given(header_exists("authorization")).respond_with(throttled()).expect(3).mount(&server).await;
    let error = aws(&server, fixed()).call("kms", "TrentService.Sign", &json!({})).await.unwrap_err();
    assert!(matches!(error, AwsError::Unavailable { .. }), "{error:?}");
    assert_eq!(error.to_string(), "AWS kms: ThrottlingException: Rate exceeded");
}

#[tokio::test]
async fn nobody_is_asked_in_a_region_that_is_none() {
    let server = MockServer::start().await;
    for region in ["", "evil.example/", "eu west", "EU-WEST-1", "-", "eu-west-1."] {
        let error = aws(&server, fixed()).in_region(region).call("kms", "x", &json!({})).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("AWS kms: {region:?} is not a region. Set AWS_REGION to one such as eu-west-1.")
        );
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

fn container(vars: &[(&str, &str)]) -> Result<Option<Container>, String> {
    Container::from_env(|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn credentials_of_a_container_come_from_its_own_host_only() {
    const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    assert!(container(&[]).unwrap().is_none());
    for good in [
        "https://agent.example/x",
        "http://127.0.0.1:80/x",
        "http://localhost/x",
        "http://[::1]/x",
        "http://169.254.170.2/x",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials",
    ] {
        assert!(container(&[(FULL, good)]).unwrap().is_some(), "{good}");
    }
    for wrong in
        ["http://evil.example/x", "http://169.254.169.254/x", "http://127.0.0.1.evil.example/", "ftp://localhost/", "x"]
    {
        let error = container(&[(FULL, wrong)]).unwrap_err();
        assert!(error.starts_with("AWS_CONTAINER_CREDENTIALS_FULL_URI: expected https://"), "{wrong}: {error}");
    }
    assert!(container(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")]).unwrap().is_some());
    assert!(container(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/")]).is_err());
}

#[tokio::test]
async fn the_agent_of_a_container_gives_credentials_once() {
    let server = MockServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "agent-token\n").unwrap();
    let answer = json!({ "AccessKeyId": "ASIA2", "SecretAccessKey": "s", "Token": "agent-session", "Expiration": "2999-01-01T00:00:00Z" });
    Mock::given(header("authorization", "agent-token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header("x-amz-security-token", "agent-session"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .expect(2)
        .mount(&server)
        .await;
    let url = format!("{}/v1/credentials", server.uri());
    let with = |file: &str| {
        let vars =
            [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file)];
        aws(&server, Source::Container(container(&vars).unwrap().unwrap()))
    };
    let aws = with(file.to_str().unwrap());
    for _ in 0..2 {
        aws.call("kms", "TrentService.Sign", &json!({})).await.unwrap();
    }
    let error = with("/nowhere/token").call("kms", "TrentService.Sign", &json!({})).await.unwrap_err();
    assert!(
        error.to_string().starts_with(
            "AWS container credentials: failed to read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: no such file"
        )
    );
}

#[tokio::test]
async fn answers_without_credentials_are_told() {
    for answer in ["", "<SecretAccessKey>x</SecretAccessKey>", &ASSUMED.replace("2999-01-01T00:00:00Z", "tomorrow")] {
        let server = MockServer::start().await;
        Mock::given(body_string_contains("Action="))
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .mount(&server)
            .await;
        let error = aws(&server, role()).call("kms", "TrentService.Sign", &json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), "AWS sts: the response has no credentials");
    }
}

#[tokio::test]
async fn credentials_that_end_soon_are_renewed() {
    let server = MockServer::start().await;
    let soon = (Timestamp::now() + Duration::from_secs(30)).to_string();
    Mock::given(body_string_contains("Action="))
        .respond_with(ResponseTemplate::new(200).set_body_string(ASSUMED.replace("2999-01-01T00:00:00Z", &soon)))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(header("x-amz-security-token", "session token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&server)
        .await;
    let aws = aws(&server, role());
    for _ in 0..2 {
        aws.call("kms", "TrentService.Sign", &json!({})).await.unwrap();
    }
}

#[test]
fn single_services_can_be_elsewhere() {
    let http = Client::new(&Settings::default(), CancellationToken::new()).unwrap();
    let aws =
        Aws::new(http, "eu-west-1", fixed(), Some("https://all.example/".to_owned())).at("kms", "https://vpce.example");
    assert_eq!(aws.url("kms"), "https://vpce.example/");
    assert_eq!(aws.at("kms", "https://other.example/").url("kms"), "https://other.example/");
}
