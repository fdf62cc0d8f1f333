//! The entry that a log adds.

use sigstore_types::{DerCertificate, DerPublicKey, DsseEnvelope, Sha256Hash, SignatureBytes};

use crate::certificate::Certificate;
use crate::key::{Algorithm, PublicKey};

/// An entry for a log: a signature, what it signs, and its key or certificate.
#[derive(Debug, Clone)]
pub(crate) struct ProposedEntry<'a> {
    pub(super) signed: SignedContent<'a>,
    pub(super) verifier: EntryVerifier<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum SignedContent<'a> {
    Envelope(&'a DsseEnvelope),
    Message { sha256: Sha256Hash, signature: SignatureBytes },
}

/// What verifies a logged signature.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EntryVerifier<'a> {
    /// The certificate of a keyless signature.
    Certificate(&'a Certificate),
    /// A public key that verifiers know.
    Key(&'a PublicKey),
}

impl<'a> ProposedEntry<'a> {
    /// An entry for an attestation.
    pub(crate) fn envelope(envelope: &'a DsseEnvelope, verifier: EntryVerifier<'a>) -> ProposedEntry<'a> {
        ProposedEntry { signed: SignedContent::Envelope(envelope), verifier }
    }

    /// An entry for a signature over a message. The log only gets the SHA-256 of the message.
    pub(crate) fn message(sha256: [u8; 32], signature: &[u8], verifier: EntryVerifier<'a>) -> ProposedEntry<'a> {
        let (sha256, signature) = (Sha256Hash::new(sha256), SignatureBytes::from_bytes(signature));
        ProposedEntry { signed: SignedContent::Message { sha256, signature }, verifier }
    }

    pub(super) fn signature(&self) -> &SignatureBytes {
        match &self.signed {
            SignedContent::Envelope(envelope) => &envelope.signature.sig,
            SignedContent::Message { signature, .. } => signature,
        }
    }

    /// What `hashedrekord` has as the hash of what was signed.
    pub(super) fn sha256(&self) -> Sha256Hash {
        match &self.signed {
            SignedContent::Envelope(envelope) => sigstore_crypto::sha256(&envelope.pae()),
            SignedContent::Message { sha256, .. } => *sha256,
        }
    }
}

impl EntryVerifier<'_> {
    pub(super) fn algorithm(self) -> Algorithm {
        self.key().algorithm()
    }

    pub(super) fn key(self) -> PublicKey {
        match self {
            EntryVerifier::Certificate(certificate) => certificate.identity().public_key.clone(),
            EntryVerifier::Key(key) => key.clone(),
        }
    }

    pub(super) fn to_pem(self) -> String {
        match self {
            EntryVerifier::Certificate(certificate) => certificate.to_pem(),
            EntryVerifier::Key(key) => key.to_pem(),
        }
    }

    pub(super) fn is_certificate(self, der: &DerCertificate) -> bool {
        matches!(self, EntryVerifier::Certificate(certificate) if certificate.der() == der.as_bytes())
    }

    pub(super) fn is_key(self, der: &DerPublicKey) -> bool {
        matches!(self, EntryVerifier::Key(key) if key.der() == der.as_bytes())
    }
}
