//! Verifies signatures and attestations: the signer, the content and the time.
//!
//! Sources: the Sigstore client specification, "Verification", and cosign's `SIGNATURE_SPEC.md`.

mod identity;
mod refusal;

use jiff::Timestamp;
use pipe_oci::Digest;
use serde_json::{Map, Value};
use sigstore_types::bundle::{PublicKeyIdentifier, VerificationMaterialContent};
use sigstore_types::{
    Artifact, ArtifactDigest, Bundle, DerPublicKey, DigestBytes, DsseEnvelope, HashAlgorithm, SignatureContent,
};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy};

use crate::certificate::CertificateIdentity;
use crate::find::{Evidence, SignedData};
use crate::key::PublicKey;
use crate::legacy::Payload;
use crate::statement::{PAYLOAD_TYPE, Statement, predicate};
use crate::trust::Trust;

pub use identity::{IdentityRule, Pattern};
pub use refusal::Refusal;

/// The trusted signers.
#[derive(Debug, Clone)]
pub enum Authority {
    /// The holders of these keys.
    Keys(Vec<PublicKey>),
    /// The holders of certificates that fit the rule.
    Identity(Box<IdentityRule>),
}

/// The proofs that a signature needs.
#[derive(Debug, Clone, Copy)]
pub struct VerificationOptions {
    /// Requires an entry in a transparency log of the trusted root.
    pub log: bool,
    /// Requires an SCT in the certificate: the proof that a certificate transparency log published it.
    pub sct: bool,
}

/// Verifies any number of pieces of evidence. It needs no network.
pub struct Verifier {
    authority: Authority,
    options: VerificationOptions,
    roots: Option<sigstore_verify::Verifier>,
}

/// Evidence that was verified.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The signed content.
    pub content: Content,
    /// The signer.
    pub by: Signatory,
    /// The time of the signature, if a log or a timestamp authority proves it.
    pub time: Option<Timestamp>,
    /// The index of the log entry, if it was verified.
    pub log_index: Option<u64>,
}

/// What was signed.
#[derive(Debug, Clone)]
pub enum Content {
    /// A signature without a predicate.
    Signature {
        /// The annotations of the signature.
        annotations: Map<String, Value>,
    },
    /// A statement with a predicate.
    Attestation(Statement),
}

impl Content {
    /// The predicate type; that of a signature is [`predicate::SIGNATURE`] in either format.
    pub fn predicate_type(&self) -> &str {
        match self {
            Content::Signature { .. } => predicate::SIGNATURE,
            Content::Attestation(statement) => &statement.predicate_type,
        }
    }

    /// Whether a signature has all of these annotations, as with `cosign verify -a`. Attestations have none, and pass.
    ///
    /// # Errors
    /// [`Refusal::Annotation`] for the first one that is missing or has another value.
    pub fn require_annotations(&self, required: &Map<String, Value>) -> Result<(), Refusal> {
        let Content::Signature { annotations } = self else { return Ok(()) };
        for (name, expected) in required {
            let found = annotations.get(name);
            if found != Some(expected) {
                return Err(Refusal::Annotation {
                    name: name.clone(),
                    expected: expected.as_str().map_or_else(|| expected.to_string(), str::to_owned),
                    found: found.map_or_else(|| "not set".to_owned(), Value::to_string),
                });
            }
        }
        Ok(())
    }
}

/// The signer.
#[derive(Debug, Clone)]
pub enum Signatory {
    /// One of the keys of the [`Authority`].
    Key(PublicKey),
    /// A certificate that the rule of the [`Authority`] accepts.
    Certificate(Box<CertificateIdentity>),
}

impl Verifier {
    /// A verifier. Certificates and log entries need `trust`.
    ///
    /// # Errors
    /// The reason as a fragment, if the trusted root is not valid or is missing and needed.
    pub fn new(authority: Authority, trust: Option<&Trust>, options: VerificationOptions) -> Result<Verifier, String> {
        let roots = trust.map(|trust| sigstore_verify::Verifier::new(trust.root())).transpose();
        let roots = roots.map_err(|error| format!("the trusted root is not valid: {error}. Set TRUSTED_ROOT."))?;
        let needed = options.log || matches!(authority, Authority::Identity(_));
        if needed && roots.is_none() {
            return Err("certificates and log entries need a trusted root. Set TRUSTED_ROOT.".to_owned());
        }
        Ok(Verifier { authority, options, roots })
    }

    /// Verifies that `evidence` is a signature or attestation of `subject` by a trusted signer with the required proofs.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn verify(&self, subject: &Digest, evidence: &Evidence) -> Result<Verified, Refusal> {
        // First of all, since evidence about another digest is refused in any case.
        let content = content(subject, evidence)?;
        match &self.authority {
            Authority::Keys(keys) => self.by_key(keys, subject, evidence, content),
            Authority::Identity(rule) => self.by_identity(rule, subject, evidence, content),
        }
    }

    fn by_key(
        &self,
        keys: &[PublicKey],
        subject: &Digest,
        evidence: &Evidence,
        content: Content,
    ) -> Result<Verified, Refusal> {
        let bundle = evidence.bundle();
        // A certificate beside the signature, as a PKCS#11 token gives it, does not decide: the key does.
        let Some(key) = keys.iter().find(|key| signed(key, subject, evidence)) else {
            let VerificationMaterialContent::PublicKey(named) = &bundle.verification_material.content else {
                return Err(Refusal::NotByKey);
            };
            return Err(match keys.iter().find(|key| key.hint() == named.hint) {
                Some(key) => {
                    Refusal::Signature(format!("it names the key {}, which did not make it", key.fingerprint()))
                }
                None => Refusal::WrongKey,
            });
        };
        let mut verified = Verified { content, by: Signatory::Key(key.clone()), time: None, log_index: None };
        let material = &bundle.verification_material;
        if self.options.log && material.tlog_entries.is_empty() {
            return Err(Refusal::NotLogged);
        }
        let stamped = !material.timestamp_verification_data.rfc3161_timestamps.is_empty();
        // Proofs that exist are verified even if they are not required, so that a damaged entry is never accepted.
        if let Some(roots) = &self.roots
            && (!material.tlog_entries.is_empty() || stamped)
        {
            let artifact = || artifact(subject, evidence);
            let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.der().to_vec()));
            let policy = if self.options.log { policy } else { policy.skip_tlog_unsafe() };
            let mut result = roots.verify(artifact()?, &with_key(bundle, key), &policy);
            // The log entry may name the certificate in place of the key.
            if result.is_err() && is_certified(bundle, key) {
                let policy = VerificationPolicy::any_identity().skip_certificate_chain();
                let policy = if self.options.log { policy } else { policy.skip_tlog_unsafe() };
                result = roots.verify(artifact()?, bundle, &policy);
            }
            let result = result.map_err(Refusal::from)?;
            verified.time = result.verified_timestamps().iter().min().copied();
            if result.tlog_verified() {
                verified.log_index = log_index(bundle);
            }
        }
        Ok(verified)
    }

    fn by_identity(
        &self,
        rule: &IdentityRule,
        subject: &Digest,
        evidence: &Evidence,
        content: Content,
    ) -> Result<Verified, Refusal> {
        let bundle = evidence.bundle();
        if let VerificationMaterialContent::PublicKey(_) = bundle.verification_material.content {
            return Err(Refusal::NotByCertificate);
        }
        let Some(roots) = &self.roots else {
            return Err(Refusal::Untrusted("no trusted root is set".to_owned()));
        };
        if self.options.log && bundle.verification_material.tlog_entries.is_empty() {
            return Err(Refusal::NotLogged);
        }
        let policy = VerificationPolicy::any_identity();
        let policy = if self.options.log { policy } else { policy.skip_tlog_unsafe() };
        let policy = if self.options.sct { policy } else { policy.skip_sct() };
        let certificate = bundle
            .signing_certificate()
            .and_then(|certificate| CertificateIdentity::from_der(certificate.as_bytes()).ok())
            .ok_or_else(|| Refusal::Malformed("the certificate is not valid".to_owned()))?;
        let result = roots.verify(artifact(subject, evidence)?, bundle, &policy);
        let result = result.map_err(|error| Refusal::from(error).of(&certificate))?;
        rule.check(&certificate)?;
        Ok(Verified {
            content,
            by: Signatory::Certificate(Box::new(certificate)),
            time: result.verified_timestamps().iter().min().copied(),
            log_index: result.tlog_verified().then(|| log_index(bundle)).flatten(),
        })
    }
}

/// The bundle as one of this key, without a certificate that is attached to it.
fn with_key(bundle: &Bundle, key: &PublicKey) -> Bundle {
    let mut bundle = bundle.clone();
    if !matches!(bundle.verification_material.content, VerificationMaterialContent::PublicKey(_)) {
        bundle.verification_material.content =
            VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new(key.hint()));
    }
    bundle
}

/// Whether a certificate is attached, and is one of this key.
fn is_certified(bundle: &Bundle, key: &PublicKey) -> bool {
    let certificate =
        bundle.signing_certificate().map(|certificate| CertificateIdentity::from_der(certificate.as_bytes()));
    certificate.is_some_and(|certificate| certificate.is_ok_and(|certificate| certificate.public_key == *key))
}

/// The signed content in the form that the verifier of bundles needs.
fn artifact<'a>(subject: &Digest, evidence: &'a Evidence) -> Result<Artifact<'a>, Refusal> {
    if let SignedData::Payload(payload) | SignedData::File(payload) = evidence.over() {
        return Ok(Artifact::from_blob(payload));
    }
    let unsupported = || Refusal::Unsupported(format!("{} digests", subject.algorithm()));
    let algorithm = match subject.algorithm() {
        "sha256" => HashAlgorithm::Sha2256,
        "sha512" => HashAlgorithm::Sha2512,
        _ => return Err(unsupported()),
    };
    let bytes = DigestBytes::from_hex(subject.hex()).map_err(|_| unsupported())?;
    Ok(Artifact::Digest(ArtifactDigest::new(algorithm, bytes).map_err(|_| unsupported())?))
}

/// Whether `key` made the signature in `evidence`.
fn signed(key: &PublicKey, subject: &Digest, evidence: &Evidence) -> bool {
    match (&evidence.bundle().content, evidence.over()) {
        (SignatureContent::DsseEnvelope(envelope), _) => {
            key.verifies(&envelope.pae(), envelope.signature.sig.as_bytes())
        }
        (SignatureContent::MessageSignature(message), SignedData::Payload(payload) | SignedData::File(payload)) => {
            key.verifies(payload, message.signature.as_bytes())
        }
        (SignatureContent::MessageSignature(message), SignedData::Subject) => {
            subject.algorithm() == "sha256"
                && DigestBytes::from_hex(subject.hex())
                    .is_ok_and(|digest| key.verifies_sha256(digest.as_bytes(), message.signature.as_bytes()))
        }
        _ => false,
    }
}

/// The content of `evidence`, if it is about `subject`.
fn content(subject: &Digest, evidence: &Evidence) -> Result<Content, Refusal> {
    let elsewhere = |found: String| Refusal::WrongSubject { found };
    match (&evidence.bundle().content, evidence.over()) {
        (SignatureContent::DsseEnvelope(envelope), _) => {
            let statement = statement(envelope)?;
            if !statement.is_about(subject) {
                let found: Vec<String> = statement.subjects.iter().map(|subject| subject.digest.to_string()).collect();
                return Err(elsewhere(found.join(", ")));
            }
            if statement.predicate_type != predicate::SIGNATURE {
                return Ok(Content::Attestation(statement));
            }
            let signed = statement.subjects.into_iter().find(|named| named.digest == *subject);
            Ok(Content::Signature { annotations: signed.map(|signed| signed.annotations).unwrap_or_default() })
        }
        (SignatureContent::MessageSignature(_), SignedData::Payload(payload)) => {
            let payload = Payload::parse(payload).map_err(Refusal::Malformed)?;
            if payload.digest() != subject.to_string() {
                return Err(elsewhere(payload.digest().to_owned()));
            }
            Ok(Content::Signature { annotations: payload.annotations() })
        }
        // The signature is over the manifest or the file itself.
        (SignatureContent::MessageSignature(message), SignedData::Subject | SignedData::File(_)) => {
            if let Some(named) = &message.message_digest
                && named.algorithm == HashAlgorithm::Sha2256
                && named.digest.to_hex() != subject.hex()
            {
                return Err(elsewhere(format!("sha256:{}", named.digest.to_hex())));
            }
            Ok(Content::Signature { annotations: Map::new() })
        }
        _ => Err(Refusal::Unsupported("signatures of this kind".to_owned())),
    }
}

pub(crate) fn statement(envelope: &DsseEnvelope) -> Result<Statement, Refusal> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Refusal::Unsupported(format!("payloads of the type {:?}", envelope.payload_type)));
    }
    Statement::parse(envelope.payload.as_bytes()).map_err(Refusal::Malformed)
}

fn log_index(bundle: &Bundle) -> Option<u64> {
    bundle.verification_material.tlog_entries.first().map(|entry| entry.log_index.get())
}

#[cfg(test)]
mod tests;
