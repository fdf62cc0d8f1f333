//! Why evidence does not count.

use sigstore_verify::{CertificateError, Error, TimestampError};

use crate::certificate::CertificateIdentity;

/// One reason, the first that was found. Each text is a fragment that stands after "not accepted: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is signed by another key")]
    WrongKey,
    #[error("it is signed with a certificate, and a key is expected")]
    NotByKey,
    #[error("it is signed with a key, and a certificate is expected")]
    NotByCertificate,
    /// The right key or certificate, and yet.
    #[error("the signature is not valid: {0}")]
    Signature(String),
    #[error("it is about another digest: {found}")]
    WrongSubject { found: String },
    #[error("the certificate's {what} is {found}, expected {expected}")]
    Identity { what: &'static str, expected: String, found: String },
    #[error("it has no entry in a transparency log")]
    NotLogged,
    #[error("its entry in the transparency log is not valid: {0}")]
    Log(String),
    #[error("the certificate was not valid when it signed: {0}")]
    Expired(String),
    #[error("the certificate is not trusted: {0}")]
    Untrusted(String),
    /// No SCT, or one by a log that is not trusted.
    #[error("the certificate was not logged: {0}")]
    Sct(String),
    #[error("nothing vouches for the time of its signature: {0}")]
    Timestamp(String),
    #[error("{0} are not supported")]
    Unsupported(String),
    #[error("{0}")]
    Malformed(String),
}

impl Refusal {
    /// The verifier of chains looks at the time first, and says so only in its own words.
    pub(super) fn of(self, certificate: &CertificateIdentity) -> Refusal {
        match self {
            Refusal::Untrusted(why) if why.contains("CertExpired") || why.contains("CertNotValidYet") => {
                Refusal::Expired(format!("it was from {} to {}", certificate.not_before, certificate.not_after))
            }
            other => other,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::SignatureInvalid(why) => Refusal::Signature(why),
            Error::ArtifactMismatch(why) => Refusal::Signature(why),
            Error::Certificate(error @ (CertificateError::Expired { .. } | CertificateError::NotYetValid { .. })) => {
                Refusal::Expired(error.to_string())
            }
            Error::Certificate(CertificateError::Sct(why)) => Refusal::Sct(why),
            Error::Certificate(error) => Refusal::Untrusted(error.to_string()),
            Error::TransparencyLog(error) => Refusal::Log(error.to_string()),
            Error::Timestamp(TimestampError::NoVerifiedTimestamp(why)) => Refusal::Timestamp(why),
            Error::Timestamp(error) => Refusal::Timestamp(error.to_string()),
            Error::InvalidTrustRoot(why) => Refusal::Untrusted(why),
            Error::Bundle(error) => Refusal::Malformed(error.to_string()),
            other => Refusal::Malformed(other.to_string()),
        }
    }
}
