//! Signature Version 4.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::http::Url;
use crate::text::hex;

/// A key at AWS.
#[derive(Clone)]
pub struct Credentials {
    /// The id of the key, which is not secret.
    pub access_key: String,
    /// The key that requests are signed with.
    pub secret_key: SecretString,
    /// Of credentials that end.
    pub session_token: Option<SecretString>,
}

/// The public part only.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.access_key)
    }
}

/// Where and when a signature is good.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) time: Timestamp,
}

/// The headers that sign a request: `x-amz-date`, `x-amz-security-token` for temporary credentials, `authorization`. `headers`
/// are signed too, their names in lower case; the URL's query is empty or already in order.
pub(super) fn headers(
    credentials: &Credentials,
    scope: &Scope<'_>,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<(&'static str, SecretString)> {
    let Scope { region, service, time } = scope;
    let time = time.to_zoned(TimeZone::UTC);
    let stamp = time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = time.strftime("%Y%m%d").to_string();
    let url = Url::parse(url).ok();
    let part = |get: fn(&Url) -> Option<&str>| url.as_ref().and_then(get).unwrap_or_default().to_owned();
    let port = url.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();

    let mut signed: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (*name, (*value).trim().to_owned())).collect();
    signed.push(("host", part(Url::host_str) + &port));
    signed.push(("x-amz-date", stamp.clone()));
    if let Some(token) = &credentials.session_token {
        signed.push(("x-amz-security-token", token.expose_secret().to_owned()));
    }
    signed.sort();
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let path = part(|url| Some(url.path()));
    let canonical = format!("{method}\n{path}\n{}\n{lines}\n{names}\n{}", part(Url::query), hex(&Sha256::digest(body)));

    let place = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{place}\n{}", hex(&Sha256::digest(canonical)));
    let secret = format!("AWS4{}", credentials.secret_key.expose_secret());
    let key = [day.as_str(), region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, step| mac(&key, step.as_bytes()));
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key
    );
    let mut out = vec![("x-amz-date", stamp.into()), ("authorization", authorization.into())];
    out.extend(credentials.session_token.iter().map(|token| ("x-amz-security-token", token.clone())));
    out
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8], token: Option<&str>) -> String {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: token.map(|token| token.to_owned().into()),
        };
        let scope = Scope { region: "us-east-1", service: "service", time: "2015-08-30T12:36:00Z".parse().unwrap() };
        let signed = super::headers(&credentials, &scope, method, url, headers, body);
        let authorization = &signed.iter().find(|(name, _)| *name == "authorization").unwrap().1;
        authorization.expose_secret().to_owned()
    }

    /// The cases of AWS's published test suite that this has to do with: get-vanilla, post-vanilla, and a form.
    #[test]
    fn the_test_suite_of_aws_passes() {
        let expected = |names: &str, signature: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, \
                 Signature={signature}"
            )
        };
        let url = "https://example.amazonaws.com/";
        assert_eq!(
            signature("GET", url, &[], b"", None),
            expected("host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
        );
        assert_eq!(
            signature("POST", url, &[], b"", None),
            expected("host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
        );
        assert_eq!(
            signature("POST", url, &[("content-type", "application/x-www-form-urlencoded")], b"Param1=value1", None),
            expected(
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
            )
        );
    }

    #[test]
    fn the_token_of_a_session_is_signed_and_sent() {
        let text = signature("GET", "https://example.amazonaws.com/", &[], b"", Some("session"));
        assert!(text.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"), "{text}");
    }
}
