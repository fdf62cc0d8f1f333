//! Fulcio, the certificate authority that exchanges an identity token for a certificate of ten minutes.
//!
//! Source: Fulcio's API v2 (`fulcio.proto`) and the code of its server 1.8.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pipe_core::http::{Client, Request};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sigstore_types::DerCertificate;
use tokio::sync::OnceCell;

use crate::certificate::Certificate;
use crate::key::PrivateKey;
use crate::keyless::{Endpoint, KeylessError, Service};
use crate::token::IdToken;
use pipe_core::text::line_excerpt;

/// The most bytes of a response that are read.
const MAX_ANSWER: u64 = 512 * 1024;

/// Fulcio at its URL. Clones share the configuration that was read.
#[derive(Debug, Clone)]
pub struct Fulcio {
    endpoint: Endpoint,
    issuers: Arc<OnceCell<Vec<Issuer>>>,
}

/// An issuer of tokens that Fulcio accepts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    /// The issuer, as a URL or a pattern.
    #[serde(flatten)]
    pub url: IssuerUrl,
    /// The audience that its tokens must have.
    #[serde(default)]
    pub audience: String,
    /// The claim that proves possession of the key: `sub` or `email`, empty if Fulcio does not say.
    #[serde(default)]
    pub challenge_claim: String,
}

/// Which issuers an entry of the configuration means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum IssuerUrl {
    /// One URL.
    #[serde(rename = "issuerUrl")]
    Exact(String),
    /// `https://oidc.eks.*.amazonaws.com/id/*`, where `*` is a part of a host name or path.
    #[serde(rename = "wildcardIssuerUrl")]
    Wildcard(String),
}

impl IssuerUrl {
    /// Whether `issuer` is the URL or matches the pattern.
    pub fn matches(&self, issuer: &str) -> bool {
        match self {
            IssuerUrl::Exact(url) => url == issuer,
            IssuerUrl::Wildcard(pattern) => wildcard(pattern.as_bytes(), issuer.as_bytes()),
        }
    }
}

/// Whether Fulcio accepts the tokens of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// Yes, with the configuration for this issuer.
    Accepted(Issuer),
    /// No entry of the configuration matches the issuer.
    NotAccepted,
}

impl Fulcio {
    /// Fulcio at `url`. Nothing is requested yet.
    pub fn new(http: Client, url: &str) -> Fulcio {
        Fulcio { endpoint: Endpoint::new(Service::Fulcio, http, url), issuers: Arc::default() }
    }

    /// Requests a certificate for `key` in the name of `token`. A repeated request is harmless: it adds an entry to the
    /// log of certificates.
    ///
    /// # Errors
    /// [`KeylessError::Refused`] if Fulcio refuses the token, [`KeylessError::Malformed`] if it certifies another key,
    /// [`KeylessError::Unavailable`] if it does not answer, [`KeylessError::Token`] if the token expired.
    pub async fn certificate(&self, token: &IdToken, key: &PrivateKey) -> Result<Certificate, KeylessError> {
        let challenge = self.challenge(token).await?;
        let proof = key.sign(challenge.as_bytes()).map_err(|error| KeylessError::Unsupported(error.to_string()))?;
        let body = SigningCertRequest {
            credentials: Credentials { oidc_identity_token: token.secret().expose_secret() },
            public_key_request: KeyRequest {
                public_key: Key { algorithm: "", content: key.public_key().to_pem() },
                proof_of_possession: STANDARD.encode(proof),
            },
        };
        let request = Request::post(&self.endpoint.url("/api/v2/signingCert"))
            .json(&body)
            .header("Accept", "application/json")
            .secret_body()
            .idempotent()
            .max_body(MAX_ANSWER);
        let response = match self.endpoint.send(request, Some(token.secret())).await {
            Ok(response) => response,
            Err(refused @ KeylessError::Refused { .. }) => return Err(self.explain(refused, token).await),
            Err(error) => return Err(error),
        };
        // The error of serde may quote the response, which may contain the token.
        let answer: SigningCertResponse =
            response.json().map_err(|_| self.endpoint.malformed("it is not JSON with a certificate"))?;
        let certificate = self.read(answer)?;
        if certificate.identity().public_key != *key.public_key() {
            return Err(self.endpoint.malformed("the certificate is for another key"));
        }
        Ok(certificate)
    }

    /// The issuers whose tokens Fulcio accepts. The configuration is requested once.
    ///
    /// # Errors
    /// [`KeylessError::Unavailable`] or [`KeylessError::Malformed`].
    pub async fn issuers(&self) -> Result<&[Issuer], KeylessError> {
        #[derive(Deserialize)]
        struct Configuration {
            #[serde(default)]
            issuers: Vec<Issuer>,
        }
        let ask = async || {
            let request = Request::get(&self.endpoint.url("/api/v2/configuration"))
                .header("Accept", "application/json")
                .max_body(MAX_ANSWER);
            let response = self.endpoint.send(request, None).await?;
            let answer: serde_json::Result<Configuration> = response.json();
            Ok(answer
                .map_err(|error| self.endpoint.malformed(format!("its configuration is not valid: {error}")))?
                .issuers)
        };
        self.issuers.get_or_try_init(ask).await.map(Vec::as_slice)
    }

    /// Whether Fulcio accepts the tokens of `issuer`, and the audience that they need. An exact URL takes precedence over
    /// a pattern.
    ///
    /// # Errors
    /// The errors of [`Fulcio::issuers`].
    pub async fn accepts(&self, issuer: &str) -> Result<Acceptance, KeylessError> {
        let issuers = self.issuers().await?;
        let exact = issuers.iter().find(|known| matches!(&known.url, IssuerUrl::Exact(url) if url == issuer));
        let found = exact.or_else(|| issuers.iter().find(|known| known.url.matches(issuer)));
        Ok(found.map_or(Acceptance::NotAccepted, |known| Acceptance::Accepted(known.clone())))
    }

    /// The claim that proves possession of the key. Tokens of CI jobs have no email address and need no request.
    async fn challenge<'a>(&self, token: &'a IdToken) -> Result<&'a str, KeylessError> {
        if token.email().is_none() {
            return Ok(token.subject());
        }
        let claim = match self.accepts(token.issuer()).await {
            Ok(Acceptance::Accepted(issuer)) => issuer.challenge_claim,
            Ok(Acceptance::NotAccepted) => String::new(),
            Err(KeylessError::Interrupted) => return Err(KeylessError::Interrupted),
            // Older versions of Fulcio do not publish their configuration.
            Err(_) => String::new(),
        };
        Ok(if claim.is_empty() { None } else { token.claim(&claim) }.unwrap_or_else(|| token.challenge()))
    }

    /// Finds the reason for a refusal, since Fulcio only reports that the token is not valid.
    async fn explain(&self, refused: KeylessError, token: &IdToken) -> KeylessError {
        if let Err(error) = token.check_time(Timestamp::now()) {
            return error.into();
        }
        match self.accepts(token.issuer()).await {
            Ok(Acceptance::NotAccepted) => {
                self.endpoint.refused(format!("the issuer {} is not accepted", shown(token.issuer())))
            }
            Ok(Acceptance::Accepted(issuer)) if !token.audience().contains(&issuer.audience.as_str()) => {
                let audiences: Vec<String> = token.audience().into_iter().map(shown).collect();
                let audiences = if audiences.is_empty() { "none".to_owned() } else { audiences.join(", ") };
                let wanted = shown(&issuer.audience);
                self.endpoint.refused(format!(
                    "the audience of the identity token is {audiences}, expected {wanted} (OIDC_AUDIENCE)"
                ))
            }
            _ => refused,
        }
    }

    fn read(&self, answer: SigningCertResponse) -> Result<Certificate, KeylessError> {
        let chain = match (answer.signed_certificate_embedded_sct, answer.signed_certificate_detached_sct) {
            (Some(signed), None) | (None, Some(signed)) => signed.chain.certificates,
            _ => return Err(self.endpoint.malformed("it does not hold exactly one certificate")),
        };
        let ders = chain.iter().map(|pem| Some(DerCertificate::from_pem(pem).ok()?.into_bytes()));
        let mut ders = ders.collect::<Option<Vec<_>>>().unwrap_or_default().into_iter();
        let leaf = ders.next().ok_or_else(|| self.endpoint.malformed("it holds no certificate in PEM"))?;
        Certificate::from_der(leaf, ders.collect()).map_err(|error| self.endpoint.malformed(error.to_string()))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SigningCertRequest<'a> {
    credentials: Credentials<'a>,
    public_key_request: KeyRequest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    oidc_identity_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyRequest {
    public_key: Key,
    proof_of_possession: String,
}

#[derive(Serialize)]
struct Key {
    /// Empty, since the PEM contains it.
    algorithm: &'static str,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SigningCertResponse {
    signed_certificate_embedded_sct: Option<SignedCertificate>,
    signed_certificate_detached_sct: Option<SignedCertificate>,
}

#[derive(Deserialize)]
struct SignedCertificate {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// Fulcio's `MetaRegex`: each `*` is one or more of `-_a-zA-Z0-9`.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut open = false;
        for (at, byte) in text.iter().enumerate() {
            next[at + 1] = if *part == b'*' {
                open = (open || reached[at]) && (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
                open
            } else {
                reached[at] && part == byte
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// Text from outside for a message: on one line, and at most 200 characters.
fn shown(text: &str) -> String {
    line_excerpt(text, 200)
}

#[cfg(test)]
mod tests;
