//! Keys of every kind, in the forms that people have them in.

use std::path::{Path, PathBuf};

use super::{Cosign, installed};

/// The kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// As `cosign generate-key-pair` makes them.
    Cosign,
    P256,
    P384,
    Rsa,
    Ed25519,
}

/// A pair in files.
pub struct KeyPair {
    pub kind: KeyKind,
    /// What sign-pipe gets: cosign's encrypted form for [`KeyKind::Cosign`], PKCS#8 in PEM for the others.
    pub private: PathBuf,
    pub public: PathBuf,
    /// cosign's encrypted form, which alone cosign signs with.
    pub cosign: PathBuf,
}

/// What encrypted keys are encrypted with.
pub const PASSWORD: &str = "open sesame";

impl KeyPair {
    /// A new pair in `dir`.
    pub fn new(kind: KeyKind, dir: &Path) -> KeyPair {
        let name = format!("{kind:?}").to_lowercase();
        let path = |suffix: &str| dir.join(format!("{name}.{suffix}"));
        let run = |cosign: Cosign, args: &[&str]| {
            cosign.args(args.iter().copied()).env("COSIGN_PASSWORD", PASSWORD).dir(dir).run().expect_success();
        };
        let prefix = format!("--output-key-prefix={name}");
        if kind == KeyKind::Cosign {
            run(Cosign::v2(), &["generate-key-pair", &prefix]);
            return KeyPair { kind, private: path("key"), public: path("pub"), cosign: path("key") };
        }
        let options: &[&str] = match kind {
            KeyKind::P384 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
            KeyKind::Rsa => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            KeyKind::Ed25519 => &["-algorithm", "ed25519"],
            KeyKind::Cosign | KeyKind::P256 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        };
        let pem = path("pem");
        let made = installed("openssl").arg("genpkey").args(options).arg("-out").arg(&pem).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        run(Cosign::v3(), &["import-key-pair", "--yes", &format!("--key={}", pem.display()), &prefix]);
        KeyPair { kind, private: pem, public: path("pub"), cosign: path("key") }
    }
}
