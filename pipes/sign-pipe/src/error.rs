//! Every error of a run. Each text ends with the variable, line or address that gets the reader out of it; a test lists
//! them all.

use pipe_core::advice::with_advice;
use pipe_core::exit::Ending;
use pipe_evidence::keyless::KeylessError;
use pipe_evidence::sign::SignError;

/// Why a run, or its work on one image or file, did not succeed. The text is a fragment that stands after the verdict or
/// after the name of the image or file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{path} already exists and is not overwritten. Move it away, or set KEY_DIR to another directory.")]
    KeyFileExists { path: String },
    #[error("failed to write {path}: {why}. Set KEY_DIR to a directory that can be written.")]
    KeyFileNotWritten { path: String, why: String },
    #[error("failed to make a key: {why}. Please report this at https://github.com/pipewright/pipewright/issues.")]
    KeyNotMade { why: String },

    #[error("{0}")]
    Registry(pipe_oci::Error),
    #[error(
        "{image} is {digest}, but the digest {expected} was expected. Push the expected image again, or correct \
         EXPECTED_DIGEST."
    )]
    OtherDigest { image: String, digest: String, expected: String },

    #[error(
        "the environment contradicts the job's token: {name} is {value:?}, and the job's token says {claimed:?}. Remove \
         the line that sets {name}."
    )]
    TokenContradicted { name: &'static str, value: String, claimed: String },
    #[error(
        "the certificate authority does not accept tokens of {issuer}, and no signing key is configured. Set \
         COSIGN_PRIVATE_KEY or KMS_KEY."
    )]
    TokenNotAccepted { issuer: String },
    #[error(
        "the CERTIFICATE_ variables and REQUIRE_SCT are about certificates, and this run signs with a key. Unset them, or set \
         SIGNING_MODE=keyless."
    )]
    NoCertificate,
    #[error("the job has no identity token to sign with. Set COSIGN_PRIVATE_KEY, KMS_KEY or SIGSTORE_ID_TOKEN.")]
    NoSigner,
    #[error(
        "a keyless signature needs a log entry or a timestamp, and TLOG_UPLOAD=false without a timestamp authority gives \
         neither. Set TSA_URL, or remove TLOG_UPLOAD."
    )]
    NoTimestamp,
    #[error("{0}")]
    Sigstore(KeylessError),
    #[error("{}", with_advice(why.as_str(), "Check TRUSTED_ROOT."))]
    TrustedRoot { why: String },
    #[error("failed to open the signing key: {}", with_advice(why.as_str(), &format!("Check KMS_KEY and {credentials}.")))]
    KmsKey { why: String, credentials: &'static str },
    #[error("no AWS credentials are configured. Set AWS_ROLE_ARN, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")]
    NoAwsCredentials,
    #[error("no Vault is configured. Set VAULT_ADDR and VAULT_TOKEN.")]
    NoVault,
    #[error("failed to log in to {host}: {}", with_advice(why.as_str(), "Check AWS_ROLE_ARN, or set DOCKER_USERNAME."))]
    EcrLogin { host: String, why: String },
    #[error("{}", with_advice(.0.as_str(), "Check CA_CERT and HTTPS_PROXY."))]
    Network(String),

    #[error("failed to look for earlier signatures: {}", with_advice(.0.to_string(), "Run the job again."))]
    NotLookedUp(Box<Error>),
    #[error("not signed: {}", with_advice(.0.to_string(), "Run the job again."))]
    NotSigned(Box<Error>),
    #[error("{}", with_advice(.0.to_string(), "Run the pipe again, or check KMS_KEY."))]
    Sign(SignError),
    #[error("failed to write a document: {0}. Please report this at https://github.com/pipewright/pipewright/issues.")]
    Json(serde_json::Error),
    #[error("{attestation} not attested: {}", with_advice(why.as_str(), "Run the job again."))]
    NotAttested { attestation: &'static str, why: String },

    #[error("no trusted key or identity is configured. Set COSIGN_PUBLIC_KEY or CERTIFICATE_IDENTITY.")]
    NoAuthority,
    #[error("not verified: {}", with_advice(.0.to_string(), "Run the job again."))]
    NotVerified(Box<Error>),
    #[error("no signature found. Sign it first, or check SIGNATURE_REPOSITORY.")]
    NoSignature,
    #[error("no signature found, only attestations. To accept attestations alone, name them in REQUIRE_ATTESTATIONS.")]
    OnlyAttestations,
    #[error("the one signature or attestation is not accepted: {}", with_advice(why.as_str(), &check(variables)))]
    NotAccepted { why: String, variables: &'static str },
    #[error("none of {count} signatures and attestations is accepted{others}: {}", with_advice(why.as_str(), &check(variables)))]
    NoneAccepted { count: usize, others: String, why: String, variables: &'static str },
    #[error("{name} is required: {}", with_advice(why.as_str(), "Attest it, or change REQUIRE_ATTESTATIONS."))]
    RequirementNotMet { name: String, why: String },

    #[error("failed to read {path}: {why}. Check FILES.")]
    FileNotRead { path: String, why: String },
    #[error("failed to write the bundle {path}: {why}. Set BUNDLE_DIR to a directory that can be written.")]
    BundleNotWritten { path: String, why: String },
    #[error("no signature found: {path} does not exist. Sign the file first, or check BUNDLE_DIR.")]
    NoBundle { path: String },
    #[error("failed to read the bundle {path}: {why}. Check BUNDLE_DIR.")]
    BundleNotRead { path: String, why: String },
    #[error("the signature is not accepted: {}", with_advice(why.as_str(), &check(variables)))]
    FileNotAccepted { why: String, variables: &'static str },
}

impl From<Error> for Ending {
    /// A contradiction and another digest are verdicts; everything else could not be done.
    fn from(error: Error) -> Ending {
        match error {
            Error::OtherDigest { .. } | Error::TokenContradicted { .. } => Ending::Failed(error.to_string()),
            Error::Sigstore(KeylessError::Interrupted) => Ending::Interrupted,
            Error::Registry(ref registry) if registry.kind() == pipe_oci::ErrorKind::Cancelled => Ending::Interrupted,
            other => Ending::Unable(other.to_string()),
        }
    }
}

impl From<pipe_oci::Error> for Error {
    fn from(error: pipe_oci::Error) -> Error {
        Error::Registry(error)
    }
}

impl From<KeylessError> for Error {
    fn from(error: KeylessError) -> Error {
        Error::Sigstore(error)
    }
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Error {
        Error::Sign(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::Json(error)
    }
}

fn check(variables: &str) -> String {
    format!("Check {variables}.")
}

#[cfg(test)]
mod tests;
