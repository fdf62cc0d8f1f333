//! The variables about the signer and the format of signatures.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::platform::Provider;
use pipe_core::spec::{Kind, Var};
use pipe_evidence::key::{KeyError, PrivateKey, PublicKey};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::cloud::{Cloud, KMS_KEY};
use crate::key_text::names_a_key;
use crate::sigstore::{self, Sigstore};

pub(crate) const SIGNING_MODE: Var = Var::choice("SIGNING_MODE", &["auto", "keyless", "key"], "Sets how to sign.")
    .values(&[
        (
            "auto",
            "signs with KMS_KEY if it is set, keyless if the CI gives the job a token that Fulcio accepts, and with \
             COSIGN_PRIVATE_KEY otherwise",
        ),
        ("keyless", "signs with the identity of the CI job: its OIDC token and a certificate from Fulcio"),
        ("key", "signs with KMS_KEY or COSIGN_PRIVATE_KEY"),
    ])
    .default("auto");
pub(crate) const COSIGN_PRIVATE_KEY: Var = Var::secret(
    "COSIGN_PRIVATE_KEY",
    "Signs with this private key in PEM: encrypted by cosign, PKCS#8, SEC1 or PKCS#1, with P-256, P-384, Ed25519 or RSA.",
)
.unset("KMS_KEY or the identity of the job signs")
.required("to sign, unless KMS_KEY is set or the CI gives the job a token that Fulcio accepts");
pub(crate) const COSIGN_PASSWORD: Var = Var::secret("COSIGN_PASSWORD", "Decrypts the private key with this password.")
    .unset("the key is assumed to have an empty password");
pub(crate) const COSIGN_PUBLIC_KEY: Var =
    Var::text("COSIGN_PUBLIC_KEY", "Verifies signatures with this public key in PEM, or with any of several.")
        .unset("signatures by the key or identity of this run are accepted")
        .file()
        .shared();
pub(crate) const SIGNATURE_FORMAT: Var = Var::new(
    "SIGNATURE_FORMAT",
    Kind::Choices(&["bundle", "legacy"], &[("cosign3", "bundle"), ("cosign2", "legacy")]),
    "Lists the formats in which signatures and attestations are written. Both formats are always read.",
)
.values(&[
    ("bundle", "writes Sigstore bundles as OCI referrers, for cosign 3"),
    ("legacy", "writes the tags `.sig` and `.att`, for cosign 2, Harbor and older policy engines"),
])
.default("bundle")
.example("bundle,legacy");
pub(crate) const SIGNATURE_ANNOTATIONS: Var = Var::list(
    "SIGNATURE_ANNOTATIONS",
    "Signs these annotations (`name=value`) with the image, and accepts only signatures that have all of them, like \
         `cosign sign -a` and `cosign verify -a`.",
)
.unset("no annotations are signed or required")
.example("release=1.2.3,team=shop");
pub(crate) const TLOG_UPLOAD: Var =
    Var::flag("TLOG_UPLOAD", "Records each signature in the transparency log, which is public for good.")
        .or("records no signature")
        .unset("it is `true` for keyless signatures and `false` for signatures with a key");
pub(crate) const KEY_DIR: Var = Var::path(
    "KEY_DIR",
    "Sets the directory that ACTION=generate-key-pair writes to. Existing files are never overwritten.",
)
.unset("it is the working directory, and a configuration error inside a checkout of Git");

/// The formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Formats {
    pub(crate) bundle: bool,
    pub(crate) legacy: bool,
}

impl Formats {
    pub(crate) fn words(self) -> Vec<&'static str> {
        [("bundle", self.bundle), ("legacy", self.legacy)]
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(word, _)| word)
            .collect()
    }
}

/// How to sign.
pub(crate) struct SigningOptions {
    pub(crate) mode: Mode,
    pub(crate) key: Option<Arc<PrivateKey>>,
    pub(crate) formats: Formats,
    pub(crate) annotations: Map<String, Value>,
    /// TLOG_UPLOAD.
    pub(crate) transparency_log: Option<bool>,
}

/// SIGNING_MODE; `Key` with a key in a KMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Auto,
    Keyless,
    Key,
}

impl SigningOptions {
    /// `sign` is false if the run only verifies: then no key is read and none is required.
    pub(crate) fn from_vars(
        vars: &mut Vars,
        ctx: &Context,
        sigstore: &Sigstore,
        cloud: &Cloud,
        sign: bool,
    ) -> SigningOptions {
        let mode = match vars.choice(&SIGNING_MODE) {
            Some("keyless") => Mode::Keyless,
            Some("key") => Mode::Key,
            // The token may be there for AWS only, and keyless signatures are public for good.
            _ if cloud.key.is_some() => Mode::Key,
            _ => Mode::Auto,
        };
        let listed = vars.list(&SIGNATURE_FORMAT);
        let has = |word: &str| listed.iter().any(|name| name == word);
        let untrusted = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.may_lack_secrets());
        let key = private_key(vars, mode != Mode::Keyless && sign);
        if cloud.key.is_some() && vars.is_set(&COSIGN_PRIVATE_KEY) {
            vars.problem(&COSIGN_PRIVATE_KEY, "both this and KMS_KEY are set. Set one");
        }
        if sign && !vars.is_set(&COSIGN_PRIVATE_KEY) && !vars.is_set(&KMS_KEY) {
            match (mode, &sigstore.token) {
                (Mode::Key, _) => vars.lacks_secret(&COSIGN_PRIVATE_KEY, untrusted),
                (Mode::Auto, None) => {
                    vars.lacks_secret(&COSIGN_PRIVATE_KEY, untrusted);
                    let why = no_token(ctx).unwrap_or("no CI identity token found");
                    vars.notice(format!("keyless signing is unavailable: {why}. Set COSIGN_PRIVATE_KEY or KMS_KEY, or give the job a token"));
                }
                _ => {}
            }
        }
        if sign && mode != Mode::Key {
            sigstore.check_token_time(vars);
        }
        if sign && mode == Mode::Keyless && sigstore.token.is_none() {
            vars.lacks_secret(sigstore::token_var(), untrusted);
        }
        SigningOptions {
            mode,
            key,
            formats: Formats { bundle: has("bundle"), legacy: has("legacy") },
            annotations: annotations(vars),
            transparency_log: vars.maybe_flag(&TLOG_UPLOAD),
        }
    }

    /// Whether the run signs with a key, whatever the certificate authority says.
    pub(crate) fn only_by_key(&self, sigstore: &Sigstore) -> bool {
        self.mode == Mode::Key || (self.mode == Mode::Auto && sigstore.token.is_none())
    }

    /// The public half of the private key.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.key.as_deref().map(PrivateKey::public_key)
    }
}

fn private_key(vars: &mut Vars, needed: bool) -> Option<Arc<PrivateKey>> {
    let pem = vars.secret(&COSIGN_PRIVATE_KEY);
    let password = vars.secret(&COSIGN_PASSWORD);
    let pem = pem.filter(|_| needed)?;
    if names_a_key(vars, &COSIGN_PRIVATE_KEY, pem.expose_secret()) {
        return None;
    }
    match PrivateKey::from_pem(&pem, password.as_ref()) {
        Ok(key) => Some(Arc::new(key)),
        Err(KeyError::WrongPassword) => {
            let why = if password.is_some() { "does not open" } else { "is not set, and is needed to open" };
            vars.problem(&COSIGN_PASSWORD, format!("{why} COSIGN_PRIVATE_KEY. Set it to the password of this key"));
            None
        }
        Err(error) => {
            vars.problem(&COSIGN_PRIVATE_KEY, error.to_string());
            None
        }
    }
}

/// Why the job has no token, if its CI explains it.
pub(crate) fn no_token(ctx: &Context) -> Option<&'static str> {
    match ctx.ci.provider {
        Provider::GitHub => Some("the job lacks `permissions: id-token: write`"),
        Provider::GitLab => Some("the job lacks `id_tokens: SIGSTORE_ID_TOKEN`"),
        Provider::Bitbucket => Some("the public Sigstore does not accept Bitbucket's tokens"),
        _ => None,
    }
}

fn annotations(vars: &mut Vars) -> Map<String, Value> {
    let mut annotations = Map::new();
    for pair in vars.list(&SIGNATURE_ANNOTATIONS) {
        match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                annotations.insert(name.trim().to_owned(), Value::String(value.trim().to_owned()));
            }
            _ => vars.problem(&SIGNATURE_ANNOTATIONS, format!("{pair:?}: expected name=value")),
        }
    }
    annotations
}
