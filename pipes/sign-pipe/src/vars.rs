//! The declaration of sign-pipe's variables. What belongs to one part is declared beside it.

use std::time::Duration;

use pipe_core::spec::{Group, Spec, Var};

use crate::{attestation, cloud, keyless, registry, signing, targets, verification};

pub static SPEC: Spec = Spec {
    name: "sign-pipe",
    summary: "Signs images and files, attaches SBOM, provenance and scan result, and verifies all of it",
    category: "Security",
    version: env!("CARGO_PKG_VERSION"),
    groups: &[
        Group { title: "What is signed", vars: targets::VARS },
        Group { title: "Signing", vars: SIGNING },
        Group { title: "Keyless", vars: keyless::VARS },
        Group { title: "Keys in a KMS", vars: cloud::VARS },
        Group { title: "Attestations", vars: attestation::VARS },
        Group { title: "Verification", vars: verification::VARS },
        Group { title: "Registry", vars: registry::VARS },
    ],
    timeout: "10m",
    grace: Duration::from_millis(1500),
};

const SIGNING: &[&Var] = &[
    &ACTION,
    &SIGN,
    &signing::SIGNING_MODE,
    &signing::COSIGN_PRIVATE_KEY,
    &signing::COSIGN_PASSWORD,
    &signing::COSIGN_PUBLIC_KEY,
    &signing::SIGNATURE_FORMAT,
    &signing::SIGNATURE_ANNOTATIONS,
    &signing::TLOG_UPLOAD,
    &signing::KEY_DIR,
];

pub(crate) const ACTION: Var = Var::choice(
    "ACTION",
    &["run", "generate-key-pair"],
    "`run` signs and verifies; `generate-key-pair` writes cosign.key (encrypted with COSIGN_PASSWORD) and cosign.pub to \
     KEY_DIR and does nothing else; if unset, run.",
)
.default("run");
pub(crate) const SIGN: Var = Var::flag(
    "SIGN",
    "Signs; false only verifies what others signed; if unset, true. On pull requests of forks nothing is signed.",
)
.default("true");
