//! Certificates of keyless signatures and the identity in them.

use std::fmt;

use der::Decode as _;
use der::asn1::Utf8StringRef;
use der::oid::ObjectIdentifier;
use jiff::Timestamp;
use pipe_core::pem::{PemError, blocks};
use sigstore_crypto::parse_certificate_info;
pub use sigstore_crypto::{DeprecatedGitHubClaims, FulcioCiClaims};
use sigstore_types::DerCertificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::key::PublicKey;

/// The type of other name that holds a user name (Fulcio's `docs/oid-info.md`).
const OTHER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// Why a certificate is not valid.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("not a valid certificate: {0}")]
pub struct CertificateError(String);

/// The certificate of a signer and the certificates of its issuers.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: DerCertificate,
    chain: Vec<DerCertificate>,
    identity: CertificateIdentity,
}

impl Certificate {
    /// Reads a certificate in DER. `chain` holds its issuers in DER, the direct one first.
    ///
    /// # Errors
    /// It is not a certificate, its subject alternative names are damaged, or its type of key is not supported.
    pub fn from_der(der: Vec<u8>, chain: Vec<Vec<u8>>) -> Result<Certificate, CertificateError> {
        let identity = CertificateIdentity::from_der(&der)?;
        let chain = chain.into_iter().map(DerCertificate::new).collect();
        Ok(Certificate { der: DerCertificate::new(der), chain, identity })
    }

    /// Reads certificates in PEM, the one of the signer first.
    ///
    /// # Errors
    /// It is not PEM, or one of the errors of [`Certificate::from_der`].
    pub fn from_pem(pem: &str) -> Result<Certificate, CertificateError> {
        let mut certificates = pem_chain(pem)?.into_iter();
        let first = certificates.next().unwrap_or_default();
        Certificate::from_der(first, certificates.collect())
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        self.der.as_bytes()
    }

    /// The issuers in DER, the direct one first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(DerCertificate::as_bytes)
    }

    /// The certificate in PEM, without its issuers.
    pub fn to_pem(&self) -> String {
        self.der.to_pem()
    }

    /// The issuers in PEM, the direct one first.
    pub(crate) fn chain_pem(&self) -> String {
        self.chain.iter().map(DerCertificate::to_pem).collect()
    }

    /// What the certificate says about its holder.
    pub fn identity(&self) -> &CertificateIdentity {
        &self.identity
    }

    pub(crate) fn der_certificate(&self) -> &DerCertificate {
        &self.der
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?}, {} issuers)", self.identity, self.chain.len())
    }
}

/// The name in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An email address.
    Email(String),
    /// A URI: the workflow of a CI job.
    Uri(String),
    /// A user name of the form `user!domain`.
    OtherName(String),
}

impl Subject {
    /// The name without its kind.
    pub fn as_str(&self) -> &str {
        match self {
            Subject::Email(text) | Subject::Uri(text) | Subject::OtherName(text) => text,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a certificate says about its holder. Nothing here verifies the certificate. [`crate::verify`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// The first email address, URI or user's name among the subject's alternative names.
    pub subject: Option<Subject>,
    /// The issuer of the identity token (OID 1.3.6.1.4.1.57264.1.8, or .1 in older certificates).
    pub issuer: Option<String>,
    /// The start of the validity.
    pub not_before: Timestamp,
    /// The end of the validity. Certificates of Fulcio are valid for ten minutes.
    pub not_after: Timestamp,
    /// The key that the certificate certifies.
    pub public_key: PublicKey,
    /// The other extensions of Fulcio: repository, workflow, commit, runner.
    pub claims: FulcioCiClaims,
}

impl CertificateIdentity {
    /// Reads the identity from a certificate in DER.
    ///
    /// # Errors
    /// The errors of [`Certificate::from_der`].
    pub fn from_der(der: &[u8]) -> Result<CertificateIdentity, CertificateError> {
        let refused = |error: &dyn fmt::Display| CertificateError(error.to_string());
        let info = parse_certificate_info(&DerCertificate::from_bytes(der)).map_err(|error| refused(&error))?;
        let certificate = x509_cert::Certificate::from_der(der).map_err(|error| refused(&error))?;
        let public_key = PublicKey::from_der(info.public_key.into_bytes()).map_err(|error| refused(&error))?;
        Ok(CertificateIdentity {
            subject: subject(&certificate)?,
            issuer: info.issuer,
            not_before: info.not_before,
            not_after: info.not_after,
            public_key,
            claims: info.ci_claims,
        })
    }

    /// The extensions that are set, with the names that policies and reports use.
    pub fn named_claims(&self) -> Vec<(&'static str, &str)> {
        let claims = &self.claims;
        let old = &claims.deprecated_github;
        let all = [
            ("build_signer_uri", &claims.build_signer_uri),
            ("build_signer_digest", &claims.build_signer_digest),
            ("runner_environment", &claims.runner_environment),
            ("source_repository_uri", &claims.source_repository_uri),
            ("source_repository_digest", &claims.source_repository_digest),
            ("source_repository_ref", &claims.source_repository_ref),
            ("source_repository_id", &claims.source_repository_identifier),
            ("source_repository_owner_uri", &claims.source_repository_owner_uri),
            ("source_repository_owner_id", &claims.source_repository_owner_identifier),
            ("build_config_uri", &claims.build_config_uri),
            ("build_config_digest", &claims.build_config_digest),
            ("build_trigger", &claims.build_trigger),
            ("run_invocation_uri", &claims.run_invocation_uri),
            ("source_repository_visibility", &claims.source_repository_visibility_at_signing),
            ("deployment_environment", &claims.deployment_environment),
            ("token_subject", &claims.token_subject),
            ("github_workflow_trigger", &old.workflow_trigger),
            ("github_workflow_sha", &old.workflow_sha),
            ("github_workflow_name", &old.workflow_name),
            ("github_workflow_repository", &old.workflow_repository),
            ("github_workflow_ref", &old.workflow_ref),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

/// The certificates of a PEM, in order, in any form that [`pipe_core::pem`] reads.
pub(crate) fn pem_chain(pem: &str) -> Result<Vec<Vec<u8>>, CertificateError> {
    let absent = || CertificateError("expected PEM (-----BEGIN CERTIFICATE----- ...)".to_owned());
    let blocks = blocks(pem).map_err(|error| match error {
        PemError::Absent => absent(),
        damaged => CertificateError(format!("the PEM is not valid: {damaged}")),
    })?;
    let mut ders = Vec::new();
    for block in blocks.into_iter().filter(|block| block.label == "CERTIFICATE") {
        let number = ders.len() + 1;
        x509_cert::Certificate::from_der(&block.bytes)
            .map_err(|error| CertificateError(format!("block {number} of the PEM is not a certificate: {error}")))?;
        ders.push(block.bytes);
    }
    if ders.is_empty() { Err(absent()) } else { Ok(ders) }
}

fn subject(certificate: &x509_cert::Certificate) -> Result<Option<Subject>, CertificateError> {
    let names = certificate.tbs_certificate.get::<SubjectAltName>();
    let names = names.map_err(|error| CertificateError(format!("invalid subject alternative names: {error}")))?;
    Ok(names.into_iter().flat_map(|(_, SubjectAltName(names))| names).find_map(|name| match name {
        GeneralName::Rfc822Name(email) => Some(Subject::Email(email.to_string())),
        GeneralName::UniformResourceIdentifier(uri) => Some(Subject::Uri(uri.to_string())),
        GeneralName::OtherName(other) if other.type_id == OTHER_NAME => {
            let text = other.value.decode_as::<Utf8StringRef<'_>>().ok()?;
            Some(Subject::OtherName(text.as_str().to_owned()))
        }
        _ => None,
    }))
}

#[cfg(test)]
pub(crate) mod tests;
