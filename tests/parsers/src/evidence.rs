//! Bundles, certificates, keys, statements, tokens and trusted roots.

use std::sync::LazyLock;

use pipe_evidence::certificate::Certificate;
use pipe_evidence::find::{Evidence, Location};
use pipe_evidence::key::{PrivateKey, PublicKey};
use pipe_evidence::legacy::Payload;
use pipe_evidence::policy::{Check, Requirement, Severity};
use pipe_evidence::statement::Statement;
use pipe_evidence::token::IdToken;
use pipe_evidence::trust::{LogKey, PemParts, Trust};
use pipe_evidence::verify::{Authority, Content, IdentityRule, Signatory, VerificationOptions, Verified, Verifier};
use pipe_oci::Digest;

const ROOT: &str = include_str!("../../../shared/evidence/src/verify/data/trusted_root.json");
/// The digest that the first seed of `bundles` is about.
const SUBJECT: &str = include_str!("../../../shared/evidence/src/verify/data/subject");
const KEY: &str = include_str!("../../../shared/evidence/src/rekor/tests/rsa.pub.pem");

/// A bundle, verified as of anyone with a certificate, and as of a key.
pub(crate) fn bundles(data: &[u8]) -> bool {
    static VERIFIERS: LazyLock<[Verifier; 2]> = LazyLock::new(|| {
        let trust = Trust::from_json(ROOT, None).expect("a trusted root");
        let key = PublicKey::from_pem(KEY).expect("a public key");
        let identity = Authority::Identity(Box::new(IdentityRule::any()));
        let strict = VerificationOptions { log: true, sct: true };
        let lenient = VerificationOptions { log: false, sct: false };
        [
            Verifier::new(identity, Some(&trust), strict).expect("a verifier"),
            Verifier::new(Authority::Keys(vec![key]), Some(&trust), lenient).expect("a verifier"),
        ]
    });
    let Ok(evidence) = Evidence::from_bundle(Location::File("bundle.json".to_owned()), data) else { return false };
    let digest = Digest::parse(SUBJECT.trim()).expect("a digest");
    let verified: Vec<bool> = VERIFIERS.iter().map(|verifier| verifier.verify(&digest, &evidence).is_ok()).collect();
    let evidence = evidence.of_file(SUBJECT.as_bytes().to_owned());
    let _ = VERIFIERS[1].verify(&digest, &evidence);
    verified.contains(&true)
}

/// A certificate: DER, or PEM.
pub(crate) fn certificates(data: &[u8]) -> bool {
    if let Ok(certificate) = Certificate::from_der(data.to_owned(), Vec::new()) {
        let _ = (certificate.to_pem(), certificate.identity().named_claims(), format!("{certificate:?}"));
        let again = Certificate::from_pem(&certificate.to_pem()).expect("what is written can be read");
        assert_eq!(again.der(), certificate.der());
        return true;
    }
    super::text(data).is_some_and(|text| Certificate::from_pem(text).is_ok())
}

/// The first byte chooses the label of a PEM, whose content follows: no seed looks like a private key. `0`: a text as it
/// is.
pub(crate) fn keys(data: &[u8]) -> bool {
    const LABELS: [&str; 6] = [
        "PUBLIC KEY",
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "RSA PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ];
    let Some((label, content)) = super::choice(data) else { return false };
    let text = match label.checked_sub(1) {
        Some(label) => {
            let label = LABELS[label % LABELS.len()];
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(content))
        }
        None => match super::text(content) {
            Some(text) => text.to_owned(),
            None => return false,
        },
    };
    let mut read = false;
    if let Ok(key) = PublicKey::from_pem(&text) {
        let again = PublicKey::from_pem(&key.to_pem()).expect("what is written can be read");
        assert_eq!(again.der(), key.der());
        read = true;
    }
    // An encrypted key takes a quarter of a second, by design: only its PEM is read here.
    if text.contains("ENCRYPTED SIGSTORE") || text.contains("ENCRYPTED COSIGN") {
        return read;
    }
    if let Ok(key) = PrivateKey::from_pem(&text.into(), None) {
        let signature = key.sign(b"message").expect("a key signs");
        assert!(key.public_key().verifies(b"message", &signature), "a signature that its own key does not verify");
        read = true;
    }
    read
}

/// What is signed: an in-toto statement, judged by every check of a policy, and a payload of the older form.
pub(crate) fn statements(data: &[u8]) -> bool {
    let payload = Payload::parse(data);
    if let Ok(payload) = &payload {
        let _ = (payload.digest(), payload.annotations());
    }
    let Ok(statement) = Statement::parse(data) else { return payload.is_ok() };
    let digest = Digest::parse(SUBJECT.trim()).expect("a digest");
    let requirement =
        Requirement { name: "all".to_owned(), types: vec![statement.predicate_type.clone()], checks: Vec::new() };
    let verified = Verified {
        content: Content::Attestation(statement),
        by: Signatory::Key(PublicKey::from_pem(KEY).expect("a public key")),
        time: None,
        log_index: None,
    };
    let checks = [
        Check::Sbom,
        Check::ScanOfImage,
        Check::NoFindingsFrom(Severity::High),
        Check::MaxAge(std::time::Duration::from_secs(86_400)),
    ];
    for check in checks {
        let requirement = Requirement { checks: vec![check], ..requirement.clone() };
        let judgement = requirement.judge(&digest, &verified, jiff::Timestamp::UNIX_EPOCH);
        let _ = requirement.decide(&judgement.into_iter().collect::<Vec<_>>());
    }
    true
}

/// A CI's identity token.
pub(crate) fn tokens(data: &[u8]) -> bool {
    let Some(text) = super::text(data) else { return false };
    let Ok(token) = IdToken::parse(text.to_owned().into()) else { return false };
    let _ = (token.audience(), token.email_verified());
    assert!(!token.issuer().is_empty() && !token.subject().is_empty());
    true
}

/// A trusted root in JSON, after a NUL a signing configuration; and a root of a private instance in PEM.
pub(crate) fn trusted_roots(data: &[u8]) -> bool {
    let Some(text) = super::text(data) else { return false };
    let mut read = false;
    let (root, config) = text.split_once('\0').map_or((text, None), |(root, config)| (root, Some(config)));
    if let Ok(trust) = Trust::from_json(root, config) {
        let authority = Authority::Identity(Box::new(IdentityRule::any()));
        let _ = Verifier::new(authority, Some(&trust), VerificationOptions { log: true, sct: true });
        read = true;
    }
    let log = LogKey { url: "https://rekor.example".to_owned(), pem: text.to_owned() };
    let parts =
        PemParts { fulcio: Some(text.to_owned()), tsa: Some(text.to_owned()), ct: Some(log), ..Default::default() };
    Trust::from_pem(&parts).is_ok() || read
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
