use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::keyless::tests::{jwt, token};

fn claims() -> Value {
    json!({ "iss": "https://issuer.example", "sub": "job", "aud": "sigstore", "exp": 2_000_000_000 })
}

fn with(name: &str, value: Value) -> Result<IdToken, TokenError> {
    let mut claims = claims();
    claims[name] = value;
    IdToken::parse(jwt(&claims).into())
}

#[test]
fn claims_are_read() {
    let token = IdToken::parse(format!("\n{}\n", jwt(&claims())).into()).unwrap();
    assert_eq!(token.issuer(), "https://issuer.example");
    assert_eq!(token.subject(), "job");
    assert_eq!(token.audience(), ["sigstore"]);
    let at = |second| token.check_time(Timestamp::from_second(second).unwrap());
    assert!(matches!(at(2_000_000_000), Err(TokenError::Expired { .. })));
    assert_eq!(at(1_999_999_999), Ok(()));
    assert_eq!((token.claim("sub"), token.claim("exp"), token.claim("none")), (Some("job"), None, None));
    assert_eq!(token.claims().len(), 4);
    assert_eq!(token.secret().expose_secret(), jwt(&claims()));
}

#[test]
fn audiences_are_one_or_several_and_times_may_have_fractions() {
    assert_eq!(with("aud", json!(["a", "b", 3])).unwrap().audience(), ["a", "b"]);
    assert!(with("aud", json!(null)).unwrap().audience().is_empty());
    assert_eq!(with("exp", json!(2_000_000_000.9)).unwrap().expires_at.as_second(), 2_000_000_000);
    let early = with("nbf", json!(1_900_000_000)).unwrap();
    let at = |second| early.check_time(Timestamp::from_second(second).unwrap());
    assert!(matches!(at(1_899_999_000), Err(TokenError::NotYet { .. })));
    assert_eq!(at(1_899_999_990), Ok(()), "clocks differ a little");
}

#[test]
fn what_is_no_token_says_why() {
    let refused = |text: &str| IdToken::parse(text.to_owned().into()).unwrap_err().to_string();
    assert_eq!(refused(""), "the identity token is not a JWT: it does not have three parts");
    assert_eq!(refused("a.b.c.d"), "the identity token is not a JWT: it does not have three parts");
    assert_eq!(refused("a.!.c"), "the identity token is not a JWT: its payload is not base64url");
    assert_eq!(refused("a.e30x.c"), "the identity token is not a JWT: its payload is not a JSON object");
    assert_eq!(refused(&"a".repeat(65 * 1024)), "the identity token is not a JWT: it is larger than 64 KiB");
    for claim in ["iss", "sub", "exp"] {
        for value in [json!(null), json!(""), json!([1])] {
            assert_eq!(
                with(claim, value).unwrap_err().to_string(),
                format!("the identity token has no claim {claim:?}")
            );
        }
    }
    assert!(with("exp", json!(1e300)).is_err());
}

#[test]
fn the_token_is_in_no_debug_text() {
    let token = IdToken::parse(jwt(&claims()).into()).unwrap();
    assert_eq!(format!("{token:?}"), r#"IdToken("job" of "https://issuer.example", until 2033-05-18T03:33:20Z)"#);
}

#[test]
fn a_verified_email_address_is_the_challenge() {
    let challenge = |claims: Value| token(&claims).challenge().to_owned();
    assert_eq!(challenge(json!({})), "repo:org/app");
    assert_eq!(challenge(json!({ "email": "a@b.c", "email_verified": true })), "a@b.c");
    assert_eq!(challenge(json!({ "email": "a@b.c", "email_verified": "true" })), "a@b.c");
    assert_eq!(challenge(json!({ "email": "a@b.c", "email_verified": false })), "repo:org/app");
    assert_eq!(challenge(json!({ "email": "a@b.c" })), "repo:org/app");
    assert_eq!(challenge(json!({ "email": 3, "email_verified": true })), "repo:org/app");
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = IdToken::parse(text.into());
    }

    #[test]
    fn no_payload_panics(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = IdToken::parse(format!("a.{}.c", URL_SAFE_NO_PAD.encode(payload)).into());
    }

    #[test]
    fn no_time_panics(exp in any::<f64>(), whole in any::<i64>()) {
        let _ = with("exp", json!(exp));
        let _ = with("exp", json!(whole));
    }
}
