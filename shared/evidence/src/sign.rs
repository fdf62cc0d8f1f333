//! Making signatures, and the bundles that carry them.

mod bundle;
mod signer;

use pipe_core::text::plural;
use sha2::{Digest as _, Sha256, Sha384};
use sigstore_bundle::{BundleV03, VerificationMaterialV03};
use sigstore_types::bundle::{MessageDigest, MessageSignature};
use sigstore_types::{
    DerCertificate, DigestBytes, DsseEnvelope, DsseSignature, HashAlgorithm, KeyId, PayloadBytes, SignatureBytes,
    SignatureContent, TimestampToken, TransparencyLogEntry,
};
use tokio::time::Instant;

use crate::certificate::{Certificate, CertificateIdentity};
use crate::key::{Algorithm, PublicKey};
use crate::rekor::{EntryVerifier, ProposedEntry, Rekor};
use crate::statement::PAYLOAD_TYPE;
use crate::timestamp::TimestampAuthority;

pub use bundle::SignedBundle;
pub use signer::{SignError, SignatureFuture, Signer};

/// The media type of the bundles that are written.
pub(crate) const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A signer that produces bundles: signatures with their certificate, log entry and timestamp. It can sign any number of
/// things, also at the same time.
pub struct BundleSigner {
    signer: Box<dyn Signer>,
    /// With the time when it was issued, by the monotonic clock.
    certificate: Option<(Certificate, Instant)>,
    log: Option<Rekor>,
    timestamps: Option<TimestampAuthority>,
}

impl BundleSigner {
    /// Signs with a key that verifiers know.
    pub fn new(signer: impl Signer + 'static) -> BundleSigner {
        BundleSigner { signer: Box::new(signer), certificate: None, log: None, timestamps: None }
    }

    /// Adds a new certificate for the key, which verifiers trust instead of the key. Signing fails after the lifetime of
    /// the certificate, measured by the monotonic clock.
    #[must_use]
    pub fn certified(self, certificate: Certificate) -> BundleSigner {
        BundleSigner { certificate: Some((certificate, Instant::now())), ..self }
    }

    /// Records each signature in a transparency log.
    #[must_use]
    pub fn logged(self, log: Rekor) -> BundleSigner {
        BundleSigner { log: Some(log), ..self }
    }

    /// Adds a timestamp to each signature.
    #[must_use]
    pub fn timestamped(self, authority: TimestampAuthority) -> BundleSigner {
        BundleSigner { timestamps: Some(authority), ..self }
    }

    /// The key that verifies the signatures.
    pub fn public_key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    /// The certificate, if signatures are keyless.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref().map(|(certificate, _)| certificate)
    }

    /// Signs a statement in a DSSE envelope (`secure-systems-lab/dsse`, protocol 1.0.2).
    ///
    /// # Errors
    /// The signer, the log or the timestamp authority failed.
    pub async fn statement(&self, payload: Vec<u8>) -> Result<SignedBundle, SignError> {
        let mut envelope = DsseEnvelope::new(
            PAYLOAD_TYPE,
            PayloadBytes::new(payload),
            DsseSignature::new(SignatureBytes::new(Vec::new()), KeyId::default()),
        );
        let signature = self.signer.sign(&envelope.pae()).await?;
        envelope.signature = DsseSignature::new(SignatureBytes::from_bytes(&signature), KeyId::default());
        let proofs = self.prove(&ProposedEntry::envelope(&envelope, self.verifier()), &signature).await?;
        Ok(self.signed(proofs, SignatureContent::DsseEnvelope(envelope), signature))
    }

    /// Signs bytes as they are: a file, or a payload in the form of cosign 2.
    ///
    /// # Errors
    /// The errors of [`BundleSigner::statement`].
    pub async fn message(&self, message: &[u8]) -> Result<SignedBundle, SignError> {
        let signature = self.signer.sign(message).await?;
        // Verifiers take the hash of the signature from the digest's.
        let digest = match self.public_key().algorithm() {
            Algorithm::EcdsaP384 => MessageDigest::new(HashAlgorithm::Sha2384, bytes(&Sha384::digest(message))),
            _ => MessageDigest::new(HashAlgorithm::Sha2256, bytes(&Sha256::digest(message))),
        };
        let content = MessageSignature::new(SignatureBytes::from_bytes(&signature)).with_message_digest(digest);
        let entry = ProposedEntry::message(Sha256::digest(message).into(), &signature, self.verifier());
        let proofs = self.prove(&entry, &signature).await?;
        Ok(self.signed(proofs, SignatureContent::MessageSignature(content), signature))
    }

    async fn prove(&self, entry: &ProposedEntry<'_>, signature: &[u8]) -> Result<Proofs, SignError> {
        self.check_lifetime()?;
        let log = async {
            match &self.log {
                Some(log) => log.record(entry).await.map(Some),
                None => Ok(None),
            }
        };
        let timestamp = async {
            match &self.timestamps {
                Some(authority) => authority.timestamp(signature).await.map(Some),
                None => Ok(None),
            }
        };
        let (log, timestamp) = futures_util::future::try_join(log, timestamp).await?;
        // The log and the timestamp authority took time, too.
        self.check_lifetime()?;
        Ok(Proofs { log, timestamp })
    }

    fn check_lifetime(&self) -> Result<(), SignError> {
        if let Some((certificate, since)) = &self.certificate {
            let CertificateIdentity { not_before, not_after, .. } = certificate.identity();
            let life = not_after.duration_since(*not_before).unsigned_abs();
            if since.elapsed() >= life {
                let minutes = plural(life.as_secs().div_ceil(60) as usize, "minute");
                return Err(SignError::Refused(format!(
                    "the certificate expired after {minutes}. Sign fewer images in one run."
                )));
            }
        }
        Ok(())
    }

    fn verifier(&self) -> EntryVerifier<'_> {
        match self.certificate() {
            Some(certificate) => EntryVerifier::Certificate(certificate),
            None => EntryVerifier::Key(self.public_key()),
        }
    }

    fn signed(&self, proofs: Proofs, content: SignatureContent, signature: Vec<u8>) -> SignedBundle {
        let material = match self.certificate() {
            Some(certificate) => VerificationMaterialV03::Certificate(DerCertificate::from_bytes(certificate.der())),
            None => VerificationMaterialV03::PublicKey { hint: self.public_key().hint() },
        };
        let mut bundle = BundleV03::new(material, content);
        if let Some(entry) = proofs.log {
            bundle = bundle.with_tlog_entry(entry);
        }
        if let Some(timestamp) = proofs.timestamp {
            bundle = bundle.with_rfc3161_timestamp(timestamp);
        }
        let chain = self.certificate().map(|certificate| (certificate.to_pem(), certificate.chain_pem()));
        SignedBundle { bundle: bundle.into_bundle(), signature, chain }
    }
}

/// The proofs of a signature.
struct Proofs {
    log: Option<TransparencyLogEntry>,
    timestamp: Option<TimestampToken>,
}

fn bytes(digest: &[u8]) -> DigestBytes {
    DigestBytes::new(digest.to_vec())
}

#[cfg(test)]
mod tests;
