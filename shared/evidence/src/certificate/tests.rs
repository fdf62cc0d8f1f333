use der::Encode as _;
use proptest::prelude::*;
use rcgen::{
    CertificateParams, CustomExtension, Issuer, KeyPair, OtherNameValue, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SanType, SignatureAlgorithm,
};

use super::*;
use crate::key::PrivateKey;

/// What an authority signs that has not got the key itself.
struct Foreign(Vec<u8>);

impl PublicKeyData for Foreign {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// An extension of Fulcio's: `.1.8` and from `.1.9` on a UTF8String, before that the text itself.
pub(crate) fn extension(number: u64, text: &str) -> CustomExtension {
    let content =
        if number < 8 { text.as_bytes().to_vec() } else { Utf8StringRef::new(text).unwrap().to_der().unwrap() };
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, number], content)
}

/// PEM of a certificate for a P-256 key and of its authority's.
pub(crate) fn issue(key: &PublicKey, name: SanType, extensions: Vec<CustomExtension>) -> Vec<String> {
    let authority_key = KeyPair::generate().unwrap();
    let authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.subject_alt_names = vec![name];
    params.custom_extensions = extensions;
    let point = key.der()[key.der().len() - 65..].to_vec();
    let leaf = params.signed_by(&Foreign(point), &Issuer::new(authority, authority_key)).unwrap();
    vec![leaf.pem(), authority_pem]
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn key() -> PublicKey {
    PrivateKey::generate().unwrap().public_key().clone()
}

fn certificate(name: SanType, extensions: Vec<CustomExtension>) -> Result<Certificate, CertificateError> {
    Certificate::from_pem(&issue(&key(), name, extensions).concat())
}

#[test]
fn an_identity_has_its_parts() {
    let key = key();
    let extensions = vec![
        extension(1, "https://old"),
        extension(8, "https://issuer"),
        extension(12, "https://github.com/org/app"),
        extension(15, "42"),
        extension(4, "Release"),
    ];
    let pem = issue(&key, uri("https://github.com/org/app/x@refs/heads/main"), extensions);
    let certificate = Certificate::from_pem(&pem.concat()).unwrap();
    let identity = certificate.identity();
    assert_eq!(identity.subject, Some(Subject::Uri("https://github.com/org/app/x@refs/heads/main".to_owned())));
    assert_eq!(identity.issuer.as_deref(), Some("https://issuer"));
    assert_eq!(identity.public_key, key);
    assert!(identity.not_before < identity.not_after);
    assert_eq!(identity.claims.source_repository_uri.as_deref(), Some("https://github.com/org/app"));
    assert_eq!(
        identity.named_claims(),
        [
            ("source_repository_uri", "https://github.com/org/app"),
            ("source_repository_id", "42"),
            ("github_workflow_name", "Release"),
        ]
    );
    assert_eq!(certificate.chain().count(), 1);
    let again = Certificate::from_pem(&(certificate.to_pem() + &certificate.chain_pem())).unwrap();
    assert_eq!(again, certificate);
    assert_eq!(
        Certificate::from_der(certificate.der().to_vec(), certificate.chain().map(<[u8]>::to_vec).collect()).unwrap(),
        certificate
    );
}

#[test]
fn names_are_addresses_uris_or_users() {
    let subject = |name| certificate(name, vec![]).unwrap().identity().subject.clone();
    let email = SanType::Rfc822Name("dev@example.com".try_into().unwrap());
    assert_eq!(subject(email), Some(Subject::Email("dev@example.com".to_owned())));
    let user = |oid: u64| {
        SanType::OtherName((
            vec![1, 3, 6, 1, 4, 1, 57264, 1, oid],
            OtherNameValue::Utf8String("alice!example".to_owned()),
        ))
    };
    assert_eq!(subject(user(7)), Some(Subject::OtherName("alice!example".to_owned())));
    assert_eq!(subject(user(99)), None);
    assert_eq!(subject(SanType::DnsName("example.com".try_into().unwrap())), None);
}

#[test]
fn the_issuer_of_old_counts_where_there_is_no_other() {
    let issuer = |extensions| certificate(uri("https://x"), extensions).map(|got| got.identity().issuer.clone());
    assert_eq!(issuer(vec![extension(1, "https://old")]).unwrap().as_deref(), Some("https://old"));
    assert_eq!(issuer(vec![]).unwrap(), None);
    let damaged = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], vec![0xff]);
    issuer(vec![extension(1, "https://old"), damaged]).unwrap_err();
}

#[test]
fn what_is_no_certificate_is_refused() {
    for pem in ["", "x", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", &key().to_pem()] {
        Certificate::from_pem(pem).unwrap_err();
    }
    let good = certificate(uri("https://x"), vec![]).unwrap().to_pem();
    let cut = Certificate::from_pem(&good[..good.len() - 30]).unwrap_err();
    assert!(cut.to_string().contains("block 1 is damaged PEM: the END line is missing"), "{cut}");
    Certificate::from_pem(&(good.clone() + &good.replace("MII", "@II"))).unwrap_err();
    Certificate::from_pem(&good.trim().replace('\n', "\\n")).unwrap();
    Certificate::from_der(vec![], vec![]).unwrap_err();
    Certificate::from_der(key().der().to_vec(), vec![]).unwrap_err();
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = CertificateIdentity::from_der(&bytes);
        let _ = Certificate::from_pem(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        static GOOD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            certificate(uri("https://x"), vec![extension(8, "https://i"), extension(9, "x")]).unwrap().der().to_vec()
        });
        let mut der = GOOD.clone();
        let at = at.index(der.len());
        der[at] = byte;
        let _ = CertificateIdentity::from_der(&der);
        let _ = CertificateIdentity::from_der(&GOOD[..cut.index(GOOD.len())]);
    }
}
