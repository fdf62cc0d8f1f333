//! Identity tokens (OpenID Connect) of CI jobs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// The most bytes of a token. Tokens of CI systems have 1 to 4 KiB.
pub(crate) const MAX_TOKEN: usize = 64 * 1024;

/// What is wrong with a token. No message contains a part of it other than names of claims.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// The text is not a JWT with the required claims.
    #[error("{0}")]
    Malformed(String),
    /// Its validity has not begun, by the clock of this machine.
    #[error("the identity token is not valid before {at}. Check the clock of this machine, or request a new token.")]
    NotYet {
        /// The begin of its validity.
        at: Timestamp,
    },
    /// Its validity is over.
    #[error("the identity token expired at {at}. Request a new one for each run.")]
    Expired {
        /// The end of its validity.
        at: Timestamp,
    },
}

/// A JWT with the identity of a job. The certificate authority verifies it. Here the claims are only read, for messages
/// and to prove possession of a key, and never decide anything.
#[derive(Clone)]
pub struct IdToken {
    raw: SecretString,
    claims: Map<String, Value>,
    expires_at: Timestamp,
}

impl IdToken {
    /// Reads a token's claims (RFC 7519).
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if it is not a JWT, larger than 64 KiB, or without `iss`, `sub` or `exp`.
    pub fn parse(token: SecretString) -> Result<IdToken, TokenError> {
        let malformed = |what: &str| TokenError::Malformed(format!("the identity token is not a JWT: {what}"));
        let text = token.expose_secret().trim();
        if text.len() > MAX_TOKEN {
            return Err(malformed("it is larger than 64 KiB"));
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [_, payload, _] = parts.as_slice() else {
            return Err(malformed("it does not have three parts"));
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed("its payload is not base64url"))?;
        // The error of serde may quote the content.
        let claims: Map<String, Value> =
            serde_json::from_slice(&payload).map_err(|_| malformed("its payload is not a JSON object"))?;
        let lacks = |claim: &str| TokenError::Malformed(format!("the identity token has no claim {claim:?}"));
        for claim in ["iss", "sub"] {
            claims.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(|| lacks(claim))?;
        }
        let expires_at = claims.get("exp").and_then(numeric_date).ok_or_else(|| lacks("exp"))?;
        Ok(IdToken { raw: text.to_owned().into(), claims, expires_at })
    }

    /// The token itself, for the service that it is sent to.
    pub fn secret(&self) -> &SecretString {
        &self.raw
    }

    /// The claim `iss`: the URL of the issuer.
    pub fn issuer(&self) -> &str {
        self.claim("iss").unwrap_or_default()
    }

    /// The claim `sub`: the subject.
    pub fn subject(&self) -> &str {
        self.claim("sub").unwrap_or_default()
    }

    /// The claim `aud`, which holds one or several audiences.
    pub fn audience(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the token is valid at `now`, with a minute of tolerance for its begin.
    ///
    /// # Errors
    /// [`TokenError::Expired`] or [`TokenError::NotYet`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), TokenError> {
        const TOLERANCE: i64 = 60;
        if self.expires_at <= now {
            return Err(TokenError::Expired { at: self.expires_at });
        }
        match self.claims.get("nbf").and_then(numeric_date) {
            Some(at) if at.as_second() > now.as_second() + TOLERANCE => Err(TokenError::NotYet { at }),
            _ => Ok(()),
        }
    }

    /// The claim `email`.
    pub fn email(&self) -> Option<&str> {
        self.claim("email")
    }

    /// The claim `email_verified`, which some issuers write as a string.
    pub fn email_verified(&self) -> bool {
        match self.claims.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(verified)) => verified == "true",
            _ => false,
        }
    }

    /// A claim whose value is a string.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// All claims of the token.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The text that is signed to prove possession of a key if the certificate authority does not name a claim: the
    /// verified email address, otherwise the subject.
    pub(crate) fn challenge(&self) -> &str {
        self.email().filter(|_| self.email_verified()).unwrap_or_else(|| self.subject())
    }
}

/// Prints issuer, subject and end, which every certificate contains, but not the token.
impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdToken({:?} of {:?}, until {})", self.subject(), self.issuer(), self.expires_at)
    }
}

/// Seconds since 1970, which may have a fraction (RFC 7519 section 2).
fn numeric_date(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and an invalid time is refused below")]
    let seconds = value.as_i64().or_else(|| Some(value.as_f64()?.floor() as i64))?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests;
