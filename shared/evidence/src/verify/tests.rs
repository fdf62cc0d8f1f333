//! A bundle that was made against real servers (Fulcio with a log for certificates, Rekor 2, a timestamp
//! authority), and what becomes of it when anything in it is changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::find::Location;
use crate::key::PrivateKey;

const BUNDLE: &str = include_str!("data/bundle.json");
const ROOT: &str = include_str!("data/trusted_root.json");
const SUBJECT: &str = include_str!("data/subject");
const WORKFLOW: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/heads/main";

const STRICT: VerificationOptions = VerificationOptions { log: true, sct: true };

fn subject() -> Digest {
    Digest::parse(SUBJECT.trim()).unwrap()
}

fn rule() -> IdentityRule {
    IdentityRule { identity: Some(Pattern::exact(WORKFLOW)), ..IdentityRule::any() }
}

fn verifier(rule: IdentityRule, root: &str, options: VerificationOptions) -> Verifier {
    let trust = Trust::from_json(root, None).unwrap();
    Verifier::new(Authority::Identity(Box::new(rule)), Some(&trust), options).unwrap()
}

fn evidence(bundle: &[u8]) -> Result<Evidence, String> {
    Evidence::from_bundle(Location::File("bundle".to_owned()), bundle)
}

/// What a strict verifier says to a bundle that `change` was made to.
fn after(change: impl FnOnce(&mut Value)) -> Result<Verified, Refusal> {
    let mut bundle: Value = serde_json::from_str(BUNDLE).unwrap();
    change(&mut bundle);
    let evidence = evidence(bundle.to_string().as_bytes()).map_err(Refusal::Malformed)?;
    verifier(rule(), ROOT, STRICT).verify(&subject(), &evidence)
}

fn refused(change: impl FnOnce(&mut Value)) -> Refusal {
    after(change).expect_err("it is refused")
}

/// Changes the root instead.
fn with_root(change: impl FnOnce(&mut Value)) -> Refusal {
    let mut root: Value = serde_json::from_str(ROOT).unwrap();
    change(&mut root);
    let verifier = verifier(rule(), &root.to_string(), STRICT);
    verifier.verify(&subject(), &evidence(BUNDLE.as_bytes()).unwrap()).expect_err("it is refused")
}

/// The places whose every bit counts, with what is encoded there.
const COUNTING: [&str; 6] = [
    "/dsseEnvelope/payload",
    "/dsseEnvelope/signatures/0/sig",
    "/verificationMaterial/certificate/rawBytes",
    "/verificationMaterial/tlogEntries/0/inclusionProof/hashes/0",
    "/verificationMaterial/tlogEntries/0/inclusionProof/hashes/1",
    "/verificationMaterial/tlogEntries/0/canonicalizedBody",
];

const TIMESTAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

fn flip(bundle: &mut Value, place: &str, bit: usize) {
    let text = bundle.pointer_mut(place).expect(place);
    let mut bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    *text = json!(STANDARD.encode(bytes));
}

#[test]
fn what_was_signed_is_accepted_with_everything_that_vouches_for_it() {
    let verified = after(|_| {}).unwrap();
    assert!(matches!(verified.content, Content::Signature { .. }));
    let Signatory::Certificate(certificate) = verified.by else { panic!("a certificate") };
    assert_eq!(certificate.subject.unwrap().as_str(), WORKFLOW);
    assert_eq!(certificate.claims.source_repository_uri.as_deref(), Some("https://github.com/org/app"));
    assert_eq!(verified.log_index, Some(0));
    assert!(verified.time.is_some());
}

#[test]
fn each_check_says_what_it_found() {
    let entry = "/verificationMaterial/tlogEntries/0";
    let cases: Vec<(Refusal, &str)> = vec![
        (
            refused(|bundle| bundle["verificationMaterial"]["tlogEntries"] = json!([])),
            "it has no entry in a transparency log",
        ),
        (
            refused(|bundle| bundle["verificationMaterial"]["timestampVerificationData"] = json!({})),
            "the time of the signature is not proven",
        ),
        (refused(|bundle| flip(bundle, "/dsseEnvelope/signatures/0/sig", 200)), ""),
        (
            refused(|bundle| *bundle.pointer_mut(&format!("{entry}/inclusionProof/hashes")).unwrap() = json!([])),
            "its entry in the transparency log is not valid: invalid inclusion proof",
        ),
        (
            refused(|bundle| {
                let checkpoint = bundle.pointer_mut(&format!("{entry}/inclusionProof/checkpoint/envelope")).unwrap();
                *checkpoint = json!(checkpoint.as_str().unwrap().replacen("\n3\n", "\n4\n", 1));
            }),
            "its entry in the transparency log is not valid",
        ),
        (with_root(|root| root["tlogs"] = json!([])), "its entry in the transparency log is not valid"),
        (with_root(|root| root["certificateAuthorities"] = json!([])), "the certificate is not trusted"),
        (with_root(|root| root["timestampAuthorities"] = json!([])), "the time of the signature is not proven"),
        (with_root(|root| root["ctlogs"] = json!([])), "the certificate is not trusted: no CT log keys"),
        (
            with_root(|root| {
                root["certificateAuthorities"][0]["validFor"] =
                    json!({ "start": "2000-01-01T00:00:00Z", "end": "2001-01-01T00:00:00Z" })
            }),
            "the certificate is not trusted",
        ),
        (
            with_root(|root| {
                root["timestampAuthorities"][0]["validFor"] =
                    json!({ "start": "2000-01-01T00:00:00Z", "end": "2001-01-01T00:00:00Z" })
            }),
            "the time of the signature is not proven",
        ),
        (
            refused(|bundle| bundle["dsseEnvelope"]["payloadType"] = json!("text/plain")),
            "payloads of the type \"text/plain\" are not supported",
        ),
        (
            refused(|bundle| {
                let statement =
                    json!({ "_type": "https://in-toto.io/Statement/v2", "subject": [], "predicateType": "p" });
                bundle["dsseEnvelope"]["payload"] = json!(STANDARD.encode(statement.to_string()));
            }),
            "the type of the payload is \"https://in-toto.io/Statement/v2\", expected an in-toto statement",
        ),
    ];
    for (refusal, expected) in cases {
        assert!(refusal.to_string().starts_with(expected), "{refusal} instead of {expected}");
    }
    let bundle = evidence(BUNDLE.as_bytes()).unwrap();
    let other = Digest::of(b"another");
    let refusal = verifier(rule(), ROOT, STRICT).verify(&other, &bundle).unwrap_err();
    assert_eq!(refusal, Refusal::WrongSubject { found: SUBJECT.trim().to_owned() });
    let key = PrivateKey::generate().unwrap();
    let keys = Authority::Keys(vec![key.public_key().clone()]);
    let by_key = Verifier::new(keys, None, VerificationOptions { log: false, sct: false }).unwrap();
    assert_eq!(by_key.verify(&subject(), &bundle).unwrap_err(), Refusal::NotByKey);
    let named = json!({ "publicKey": { "hint": key.public_key().hint() } });
    assert_eq!(refused(|bundle| bundle["verificationMaterial"] = named), Refusal::NotByCertificate);
}

#[test]
fn what_is_not_asked_for_is_not_needed() {
    let bundle = {
        let mut bundle: Value = serde_json::from_str(BUNDLE).unwrap();
        bundle["verificationMaterial"]["tlogEntries"] = json!([]);
        evidence(bundle.to_string().as_bytes()).unwrap()
    };
    let lenient = VerificationOptions { log: false, sct: true };
    let verified = verifier(rule(), ROOT, lenient).verify(&subject(), &bundle).unwrap();
    assert_eq!((verified.log_index, verified.time.is_some()), (None, true));
}

#[test]
fn a_verifier_without_what_it_needs_is_none() {
    let identity = || Authority::Identity(Box::new(rule()));
    assert!(Verifier::new(identity(), None, STRICT).is_err());
    let key = Authority::Keys(vec![PrivateKey::generate().unwrap().public_key().clone()]);
    assert!(Verifier::new(key, None, VerificationOptions { log: true, sct: false }).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Signature, payload, certificate, proof and what was logged: no bit of them can be another.
    #[test]
    fn a_flipped_bit_is_refused(place in 0..COUNTING.len(), bit in any::<usize>()) {
        let outcome = after(|bundle| flip(bundle, COUNTING[place], bit));
        prop_assert!(outcome.is_err(), "bit {bit} of {}", COUNTING[place]);
    }

    /// Some parts of a timestamp are not signed: the status text and unused certificates. If a flipped bit in it is
    /// accepted, the result stays the same.
    #[test]
    fn a_flipped_bit_of_a_timestamp_changes_nothing(bit in any::<usize>()) {
        if let Ok(verified) = after(|bundle| flip(bundle, TIMESTAMP, bit)) {
            prop_assert_eq!(said(&verified), said(&after(|_| {}).unwrap()));
            prop_assert_eq!(verified.time, after(|_| {}).unwrap().time);
        }
    }

    /// Anywhere else a change may be without effect, but never changes what is believed.
    #[test]
    fn no_change_of_the_text_changes_what_is_believed(place in any::<usize>(), byte in any::<u8>()) {
        let mut text = BUNDLE.as_bytes().to_vec();
        let place = place % text.len();
        text[place] = byte;
        if let Ok(evidence) = evidence(&text)
            && let Ok(verified) = verifier(rule(), ROOT, STRICT).verify(&subject(), &evidence)
        {
            prop_assert_eq!(said(&verified), said(&after(|_| {}).unwrap()));
        }
    }

    #[test]
    fn garbage_is_no_evidence(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".{0,300}") {
        prop_assert!(evidence(&bytes).is_err());
        prop_assert!(evidence(text.as_bytes()).is_err());
        drop(Statement::parse(&bytes));
        drop(Payload::parse(&bytes));
    }

    /// Structures that look right with values that are not.
    #[test]
    fn halves_of_bundles_never_panic(cut in any::<usize>(), insert in ".{0,20}") {
        let cut = cut % BUNDLE.len();
        prop_assume!(BUNDLE.is_char_boundary(cut));
        let text = format!("{}{insert}{}", &BUNDLE[..cut], &BUNDLE[cut..]);
        if let Ok(evidence) = evidence(text.as_bytes()) {
            drop(verifier(rule(), ROOT, STRICT).verify(&subject(), &evidence));
        }
    }
}

fn said(verified: &Verified) -> (String, Option<String>, Option<String>, Option<u64>) {
    let (subject, issuer) = match &verified.by {
        Signatory::Certificate(certificate) => {
            (certificate.subject.as_ref().map(ToString::to_string), certificate.issuer.clone())
        }
        Signatory::Key(key) => (Some(key.to_string()), None),
    };
    (verified.content.predicate_type().to_owned(), subject, issuer, verified.log_index)
}
