//! Checks that an entry belongs to the request. Otherwise a log that confuses entries would lead to a bundle that does not
//! verify.

use sigstore_rekor::RekorEntryBody;
use sigstore_rekor::body::{DsseV001Body, HashedRekordV001Body, HashedRekordV002Body, PublicKeyContent};
use sigstore_types::{DerCertificate, DerPublicKey, HashAlgorithm, KindVersion, PemContent, TransparencyLogEntry};

use super::entry::{EntryVerifier, ProposedEntry, SignedContent};

/// Checks an entry of version 1. The error is a fragment.
pub(super) fn v1(entry: &ProposedEntry<'_>, logged: &TransparencyLogEntry) -> Result<(), String> {
    same(entry, logged)?;
    if logged.inclusion_promise.is_none() || logged.integrated_time.is_none() {
        return Err("the entry has no signed time of the log".to_owned());
    }
    included(logged)
}

/// Checks an entry of version 2. The error is a fragment.
pub(super) fn v2(entry: &ProposedEntry<'_>, logged: &TransparencyLogEntry) -> Result<(), String> {
    if logged.kind_version != KindVersion::HashedRekordV002 {
        return Err(format!("the entry is of the kind {}, expected hashedrekord 0.0.2", logged.kind_version.kind()));
    }
    same(entry, logged)?;
    // Clients refuse entries with fields of both versions.
    if logged.inclusion_promise.is_some() || logged.integrated_time.is_some() {
        return Err("the entry of version 2 has a time".to_owned());
    }
    included(logged)
}

fn included(logged: &TransparencyLogEntry) -> Result<(), String> {
    match &logged.inclusion_proof {
        Some(proof) if !proof.checkpoint.is_empty() => Ok(()),
        _ => Err("the entry has no inclusion proof".to_owned()),
    }
}

fn same(entry: &ProposedEntry<'_>, logged: &TransparencyLogEntry) -> Result<(), String> {
    let body = RekorEntryBody::parse(&logged.canonicalized_body, logged.kind_version);
    let is_same = match (&body, &entry.signed) {
        (Err(error), _) => return Err(format!("not an entry: {error}")),
        (Ok(RekorEntryBody::HashedRekordV001(body)), SignedContent::Message { .. }) => hashedrekord_v1(entry, body),
        (Ok(RekorEntryBody::HashedRekordV002(body)), _) => hashedrekord_v2(entry, body),
        (Ok(RekorEntryBody::DsseV001(body)), SignedContent::Envelope(envelope)) => {
            dsse_v1(entry, envelope.payload.as_bytes(), body)
        }
        _ => false,
    };
    if is_same { Ok(()) } else { Err("the entry is for another signature".to_owned()) }
}

fn hashedrekord_v1(entry: &ProposedEntry<'_>, body: &HashedRekordV001Body) -> bool {
    let hash = &body.spec.data.hash;
    let signature = &body.spec.signature;
    hash.algorithm == HashAlgorithm::Sha2256
        && hash.value.as_str().eq_ignore_ascii_case(&entry.sha256().to_hex())
        && signature.content == *entry.signature()
        && by_content(entry.verifier, &signature.public_key)
}

fn hashedrekord_v2(entry: &ProposedEntry<'_>, body: &HashedRekordV002Body) -> bool {
    let logged = &body.spec.hashed_rekord_v002;
    let verifier = &logged.signature.verifier;
    let by = match (&verifier.x509_certificate, &verifier.public_key) {
        (Some(certificate), None) => entry.verifier.is_certificate(&certificate.raw_bytes),
        (None, Some(key)) => entry.verifier.is_key(&key.raw_bytes),
        _ => false,
    };
    logged.data.algorithm == HashAlgorithm::Sha2256
        && logged.data.digest.as_bytes() == entry.sha256().as_slice()
        && logged.signature.content == *entry.signature()
        && by
}

fn dsse_v1(entry: &ProposedEntry<'_>, payload: &[u8], body: &DsseV001Body) -> bool {
    let payload_hash = &body.spec.payload_hash;
    let [signature] = body.spec.signatures.as_slice() else {
        return false;
    };
    payload_hash.algorithm == HashAlgorithm::Sha2256
        && payload_hash.value.eq_ignore_ascii_case(&sigstore_crypto::sha256(payload).to_hex())
        && signature.signature == *entry.signature()
        && by_pem(entry.verifier, &signature.verifier)
}

fn by_content(verifier: EntryVerifier<'_>, logged: &PublicKeyContent) -> bool {
    by_pem(verifier, &logged.content)
}

fn by_pem(verifier: EntryVerifier<'_>, logged: &PemContent) -> bool {
    let Ok(pem) = std::str::from_utf8(logged.as_bytes()) else {
        return false;
    };
    match verifier {
        EntryVerifier::Certificate(_) => DerCertificate::from_pem(pem).is_ok_and(|der| verifier.is_certificate(&der)),
        EntryVerifier::Key(_) => DerPublicKey::from_pem(pem).is_ok_and(|der| verifier.is_key(&der)),
    }
}
