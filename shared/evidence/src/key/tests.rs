use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::pem::encode;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::*;

fn pkcs8_pem(der: &[u8]) -> SecretString {
    encode("PRIVATE KEY", der).into()
}

fn p384() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap()
}

/// A key of every kind and form that is read.
fn keys() -> Vec<(Algorithm, SecretString)> {
    let random = SystemRandom::new();
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = p256.private_key().as_der().unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa_pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    vec![
        (Algorithm::EcdsaP256, pkcs8_pem(p256.to_pkcs8v1().unwrap().as_ref())),
        (Algorithm::EcdsaP256, encode("EC PRIVATE KEY", sec1.as_ref()).into()),
        (Algorithm::EcdsaP384, pkcs8_pem(p384().to_pkcs8v1().unwrap().as_ref())),
        (Algorithm::Ed25519, pkcs8_pem(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref())),
        (Algorithm::Ed25519, pkcs8_pem(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref())),
        (Algorithm::Rsa, pkcs8_pem(rsa_pkcs8.as_ref())),
    ]
}

#[test]
fn every_kind_of_key_signs_and_its_public_half_verifies() {
    for (algorithm, pem) in keys() {
        let key = PrivateKey::from_pem(&pem, None).unwrap();
        assert_eq!(key.public_key().algorithm(), algorithm);
        let signature = key.sign(b"a message").unwrap();
        let public = PublicKey::from_pem(&key.public_key().to_pem()).unwrap();
        assert!(public.verifies(b"a message", &signature), "{algorithm}");
        assert!(!public.verifies(b"another", &signature), "{algorithm}");
        let other = PrivateKey::generate().unwrap();
        assert!(!other.public_key().verifies(b"a message", &signature), "{algorithm}");
    }
}

/// cosign 2 signs with SHA-256 whatever the curve. Made by `openssl dgst -sha256 -sign`, as aws-lc signs so by no means.
#[test]
fn a_p384_signature_over_sha256_verifies() {
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEu7NjUQjHimNgvQ2yne87vQlYsuEcVntm\n\
        PYe9uo5epmB9X0oA+Kc67q3myvNCytCaK/bjRPBZUCmCHg0iKSe4dGGusSNra31B\n\
        6XraTSbgykMJHBNyy7fdDKiwS/D/r2t6\n\
        -----END PUBLIC KEY-----";
    const SIGNATURE: &str = "MGQCMAIQZZvDpATCiEDqYyVg6nHU9dC/Ud5HGp7zLqf06d5LpeDan/LU3wQF+frLc0cO6gIwSltd8v9jYMxbUOL6JQ\
        WpRSzFQlQtHfFaY6qyQSdmrV0Dyzy6AbFMItdF/tekWPgQ";
    let signature = STANDARD.decode(SIGNATURE).unwrap();
    let key = PublicKey::from_pem(KEY).unwrap();
    assert!(key.verifies(b"a message", &signature));
    assert!(!key.verifies(b"another", &signature));
}

#[test]
fn an_encrypted_key_opens_with_its_password_only() {
    let key = PrivateKey::generate().unwrap();
    let sealed = key.to_encrypted_pem(&"open sesame".into()).unwrap();
    assert!(sealed.expose_secret().starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    let opened = PrivateKey::from_pem(&sealed, Some(&"open sesame".into())).unwrap();
    assert_eq!(opened.public_key(), key.public_key());
    assert_eq!(PrivateKey::from_pem(&sealed, Some(&"open".into())).unwrap_err(), KeyError::WrongPassword);
    assert_eq!(PrivateKey::from_pem(&sealed, None).unwrap_err(), KeyError::WrongPassword);
    let old = sealed.expose_secret().replace("SIGSTORE", "COSIGN");
    assert!(PrivateKey::from_pem(&old.into(), Some(&"open sesame".into())).is_ok());
}

#[test]
fn scrypt_is_bounded() {
    let document = |n: u64, r: u32, p: u32| {
        format!(
            r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":{r},"p":{p}}},"salt":"AAAA"}},
                "cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"AAAA"}}"#,
            "A".repeat(32)
        )
    };
    for (n, r, p) in [(1 << 20, 8, 1), (1 << 16, 9, 1), (1 << 16, 8, 5), (1000, 8, 1), (0, 0, 0), (2, u32::MAX, 1)] {
        let opened = encrypted::open(document(n, r, p).as_bytes(), b"");
        assert!(matches!(opened, Err(KeyError::Unsupported(_))), "N={n} r={r} p={p}");
    }
    assert_eq!(encrypted::open(document(2, 8, 1).as_bytes(), b"").unwrap_err(), KeyError::WrongPassword);
}

#[test]
fn keys_survive_how_people_paste_them() {
    let (_, pem) = keys().swap_remove(0);
    let text = pem.expose_secret();
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    for pasted in [
        text.replace('\n', "\\n"),
        text.replace('\n', "\r\n"),
        text.replace('\n', " "),
        STANDARD.encode(text),
        format!("  {text}  "),
        format!("{parameters}{text}"),
    ] {
        assert!(PrivateKey::from_pem(&pasted.clone().into(), None).is_ok(), "{pasted}");
    }
}

/// During a rotation both the new and the old key are trusted.
#[test]
fn no_key_of_several_is_dropped() {
    let pair = [PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap()];
    let text = pair.each_ref().map(|key| key.public_key().to_pem()).concat();
    let keys = PublicKey::all_from_pem(&text).unwrap();
    assert_eq!(keys.iter().collect::<Vec<_>>(), [pair[0].public_key(), pair[1].public_key()]);
    assert!(PublicKey::all_from_pem(&text.replacen("MFk", "M*k", 1)).is_err());
    assert!(PublicKey::all_from_pem(&(text.clone() + &encode("CERTIFICATE", b"x"))).is_err());
    let several = "expected one key in PEM, found several".to_owned();
    assert_eq!(PublicKey::from_pem(&text).unwrap_err(), KeyError::Malformed(several.clone()));
    let private: String = self::keys().iter().take(2).map(|(_, pem)| pem.expose_secret()).collect();
    assert_eq!(PrivateKey::from_pem(&private.into(), None).unwrap_err(), KeyError::Malformed(several));
}

/// What a message advises is done, and the result is read.
#[test]
#[ignore = "needs ssh-keygen and openssl: make test"]
fn advice_about_keys_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let done = std::process::Command::new(program).args(args).current_dir(dir.path()).output().unwrap();
        assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let read = |name: &str| {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        PrivateKey::from_pem(&text.into(), None)
    };
    for kind in ["rsa", "ecdsa"] {
        run("ssh-keygen", &["-q", "-t", kind, "-N", "sesame", "-f", kind]);
        let advice = read(kind).unwrap_err().to_string();
        assert!(advice.contains("`ssh-keygen -p -m PKCS8 -N \"\" -f <file>`"), "{advice}");
        run("ssh-keygen", &["-q", "-p", "-m", "PKCS8", "-P", "sesame", "-N", "", "-f", kind]);
        read(kind).unwrap();
    }
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "ed25519"]);
    let advice = read("ed25519").unwrap_err().to_string();
    assert!(advice.ends_with("Create a pair with ACTION=generate-key-pair."), "{advice}");

    run("openssl", &["genrsa", "-traditional", "-aes128", "-passout", "pass:sesame", "-out", "headers", "2048"]);
    let advice = read("headers").unwrap_err().to_string();
    assert!(advice.contains("`openssl pkcs8 -topk8 -nocrypt`"), "{advice}");
    run("openssl", &["pkcs8", "-topk8", "-nocrypt", "-passin", "pass:sesame", "-in", "headers", "-out", "plain"]);
    read("plain").unwrap();
}

#[test]
fn what_is_no_key_says_so_without_showing_it() {
    let unsupported = |text: &str| match PrivateKey::from_pem(&text.to_owned().into(), None) {
        Err(error) => error.to_string(),
        Ok(key) => panic!("{key:?}"),
    };
    let key = encode("PRIVATE KEY", b"MySecretBytes");
    assert!(!unsupported(&key).contains("MySecret"));
    insta::assert_snapshot!(unsupported(&key), @"expected a P-256, P-384, Ed25519 or RSA (2048 to 8192 bits) private key");
    insta::assert_snapshot!(unsupported("hunter2"), @"expected a key in PEM (-----BEGIN ...)");
    insta::assert_snapshot!(unsupported(&key.replace("-----END", "")), @"the key in PEM is incomplete: the END line is missing");
    insta::assert_snapshot!(unsupported(&key.replace("MVNl", "M*Nl").replace("TXlT", "TX*T")), @"the key in PEM is damaged: its content is not base64");
    let public = PrivateKey::generate().unwrap().public_key().to_pem();
    insta::assert_snapshot!(unsupported(&public), @"expected a private key, found a public key");
    let pgp = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQHYBF==\n=aBcD\n-----END PGP PRIVATE KEY BLOCK-----\n";
    insta::assert_snapshot!(unsupported(pgp), @"expected a key in PEM (cosign, PKCS#8, SEC1 or PKCS#1), found a PGP key. Create a pair with ACTION=generate-key-pair.");
    let encrypted = encode("ENCRYPTED PRIVATE KEY", b"x");
    insta::assert_snapshot!(unsupported(&encrypted), @"an encrypted PKCS#8 key is not supported. Convert it with `cosign import-key-pair`, or decrypt it.");
    let curve = EcdsaKeyPair::generate(&ECDSA_P256K1_SHA256_ASN1_SIGNING).unwrap();
    assert!(
        unsupported(pkcs8_pem(curve.to_pkcs8v1().unwrap().as_ref()).expose_secret()).starts_with("expected a P-256")
    );
    assert!(PublicKey::from_pem(&key).is_err());
    assert!(PublicKey::from_der(b"no key".to_vec()).is_err());
}

proptest! {
    #[test]
    fn garbage_is_an_error(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(PublicKey::from_pem(&text));
        drop(PrivateKey::from_pem(&text.into(), None));
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"] {
            let key = PrivateKey::from_pem(&encode(label, &bytes).into(), None);
            prop_assert!(key.is_err());
        }
    }
}
