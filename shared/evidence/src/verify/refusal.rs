//! Why evidence does not count.

use sigstore_verify::{CertificateError, Error, TimestampError};

use crate::certificate::CertificateIdentity;

/// The first reason that was found. Each text is a fragment that follows "not accepted: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None of the given keys made the signature.
    #[error("it is signed by another key. Set COSIGN_PUBLIC_KEY to that key if you trust it.")]
    WrongKey,
    /// It has a certificate, but a key is expected.
    #[error(
        "it is signed with a certificate, but a key is expected. Set CERTIFICATE_IDENTITY and CERTIFICATE_OIDC_ISSUER \
         instead of COSIGN_PUBLIC_KEY to accept it."
    )]
    NotByKey,
    /// It has a key, but a certificate is expected.
    #[error("it is signed with a key, but a certificate is expected. Set COSIGN_PUBLIC_KEY to accept it.")]
    NotByCertificate,
    /// The signature of the right key or certificate does not match the content.
    #[error("the signature is not valid: {0}. Sign it again.")]
    Signature(String),
    /// The signature is about content with another digest.
    #[error("it is about another digest: {found}. Sign this digest.")]
    WrongSubject {
        /// The digests that it is about.
        found: String,
    },
    /// The certificate is trusted and names another signer than the rule.
    #[error("the certificate's {what} is {found}, expected {expected}. Check {variable}.")]
    Identity {
        /// The part of the rule: `identity`, `issuer`, `source repository`.
        what: &'static str,
        /// The variable that sets this part.
        variable: &'static str,
        /// The value or pattern of the rule.
        expected: String,
        /// The value in the certificate, in quotes, or `not set`.
        found: String,
    },
    /// The signature lacks a required annotation, or has it with another value.
    #[error("its annotation {name:?} is {found}, expected {expected:?}. Check SIGNATURE_ANNOTATIONS.")]
    Annotation {
        /// The name of the annotation.
        name: String,
        /// The required value.
        expected: String,
        /// The value as JSON, or `not set`.
        found: String,
    },
    /// A log entry is required and absent.
    #[error("it has no entry in a transparency log. Sign it with TLOG_UPLOAD=true, or set REQUIRE_TLOG=false.")]
    NotLogged,
    /// The entry is damaged, or of a log that the trusted root does not know.
    #[error("its entry in the transparency log is not valid: {0}. Check SIGSTORE_INSTANCE and TRUSTED_ROOT.")]
    Log(String),
    /// The proven time of the signature is outside the validity of the certificate.
    #[error("the certificate was not valid at the time of the signature: {0}. Sign it again.")]
    Expired(String),
    /// The certificate does not lead to an authority of the trusted root.
    #[error("the certificate is not trusted: {0}. Check SIGSTORE_INSTANCE and TRUSTED_ROOT.")]
    Untrusted(String),
    /// The certificate has no SCT (RFC 6962), or one of a log that is not trusted.
    #[error("the certificate was not logged: {0}. Check TRUSTED_ROOT, or set REQUIRE_SCT=false.")]
    Sct(String),
    /// Neither a log nor a timestamp authority proves the time of the signature.
    #[error("the time of the signature is not proven: {0}. Sign it with a log or with TSA_URL.")]
    Timestamp(String),
    /// Evidence of a kind that this program does not verify.
    #[error("{0} are not supported. Sign it with cosign 2 or later.")]
    Unsupported(String),
    /// Evidence that does not have the form it claims.
    #[error("{0}. Sign it again.")]
    Malformed(String),
}

impl Refusal {
    /// The verifier of chains checks the time first, and reports it only in its own words.
    pub(super) fn of(self, certificate: &CertificateIdentity) -> Refusal {
        match self {
            Refusal::Untrusted(why) if why.contains("CertExpired") || why.contains("CertNotValidYet") => {
                Refusal::Expired(format!("it was valid from {} to {}", certificate.not_before, certificate.not_after))
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
