//! The declaration of sign-pipe's variables. Variables of one part are declared beside it.

use std::time::Duration;

use pipe_core::spec::{Group, Output, Spec, Var};

use crate::{attestation, cloud, registry, signing_options, sigstore, targets, verification_options};

pub static SPEC: Spec = Spec {
    name: "sign-pipe",
    summary: "Signs images and files, attests SBOM, provenance and scan results, and verifies signatures and attestations",
    category: "Security",
    version: env!("CARGO_PKG_VERSION"),
    groups: &[
        Group { title: "What is signed", vars: targets::VARS },
        Group { title: "Signing", vars: SIGNING },
        Group { title: "Keyless", vars: sigstore::VARS },
        Group { title: "Keys in a KMS", vars: cloud::VARS },
        Group { title: "Attestations", vars: attestation::VARS },
        Group { title: "Verification", vars: verification_options::VARS },
        Group { title: "Registry", vars: registry::VARS },
    ],
    outputs: &[
        Output::new("digest", "The digest of the first image"),
        Output::new("digests", "The digests of all images, separated by commas"),
        Output::new("images", "All images with their digests, separated by commas"),
    ],
    timeout: "10m",
    grace: Duration::from_millis(1500),
};

const SIGNING: &[&Var] = &[
    &ACTION,
    &SIGN,
    &signing_options::SIGNING_MODE,
    &signing_options::COSIGN_PRIVATE_KEY,
    &signing_options::COSIGN_PASSWORD,
    &signing_options::COSIGN_PUBLIC_KEY,
    &signing_options::SIGNATURE_FORMAT,
    &signing_options::SIGNATURE_ANNOTATIONS,
    &signing_options::TLOG_UPLOAD,
    &signing_options::KEY_DIR,
];

pub(crate) const ACTION: Var = Var::choice("ACTION", &["run", "generate-key-pair"], "Sets what the pipe does.")
    .values(&[
        ("run", "signs and verifies"),
        (
            "generate-key-pair",
            "writes cosign.key (encrypted with COSIGN_PASSWORD) and cosign.pub to KEY_DIR, and does nothing else",
        ),
    ])
    .default("run");
pub(crate) const SIGN: Var = Var::flag("SIGN", "Signs images and files, except on pull requests from forks.")
    .or("only verifies")
    .default("true");
