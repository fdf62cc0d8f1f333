//! The decisions of a plan.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::Context;
use pipe_evidence::key::{PrivateKey, PublicKey};
use pipe_evidence::kms;
use pipe_evidence::policy::Requirement;
use pipe_evidence::verify::IdentityRule;
use pipe_oci::{Digest, Reference, Repository};
use serde_json::{Map, Value};

use crate::attestation::Attestation;
use crate::config::Config;
use crate::file::File;
use crate::signing_options::{Formats, Mode, no_token};
use crate::verification_options::VerificationOptions;

/// What a run does.
pub(crate) enum Action {
    /// Writes a new pair of keys to this directory, and does nothing else.
    GenerateKeyPair { dir: PathBuf },
    /// Neither signs nor verifies.
    Skip { why: String },
    /// Signs, verifies, or both.
    Run(Box<RunPlan>),
}

/// A run that signs, verifies, or both.
pub(crate) struct RunPlan {
    pub(crate) images: Vec<Reference>,
    /// The digest that the only image must have.
    pub(crate) expected_digest: Option<Digest>,
    /// Also the image of each platform of an index.
    pub(crate) every_platform: bool,
    pub(crate) files: Vec<File>,
    /// Holds the signatures and attestations of all images; `None` for each image's own repository.
    pub(crate) signature_repository: Option<Repository>,
    pub(crate) signing: SigningDecision,
    pub(crate) verification: Option<VerificationPlan>,
}

/// Whether the run signs.
pub(crate) enum SigningDecision {
    Sign(Box<SigningPlan>),
    /// Only verifies. `notice` if the user did not ask for that.
    Skip {
        why: String,
        notice: bool,
    },
}

/// How the run signs.
pub(crate) struct SigningPlan {
    pub(crate) signer: SignerPlan,
    pub(crate) formats: Formats,
    pub(crate) annotations: Map<String, Value>,
    pub(crate) attestations: Vec<Arc<dyn Attestation>>,
    /// TLOG_UPLOAD.
    pub(crate) transparency_log: Option<bool>,
    /// The signer in words: `with the key ECDSA P-256 SHA256:1f0c...`
    pub(crate) words: String,
    /// What becomes public for good, one sentence each.
    pub(crate) becomes_public: Vec<String>,
}

/// The signer.
pub(crate) enum SignerPlan {
    /// With the reason why it is not an identity: `SIGNING_MODE=key`.
    Key { key: KeyPlan, why: String },
    /// The identity in the job's token.
    Keyless,
    /// The identity if the certificate authority accepts the job's token, and otherwise the key, if there is one.
    KeylessOr { key: Option<KeyPlan> },
}

/// A key to sign with.
pub(crate) enum KeyPlan {
    /// COSIGN_PRIVATE_KEY, whose public half this is.
    Private(PublicKey),
    /// KMS_KEY.
    Kms(kms::KeyReference),
}

/// How the run verifies.
pub(crate) struct VerificationPlan {
    pub(crate) accept: AcceptedSigner,
    /// REQUIRE_TLOG.
    pub(crate) require_log: Option<bool>,
    /// REQUIRE_SCT.
    pub(crate) require_sct: Option<bool>,
    pub(crate) requirements: Vec<Requirement>,
    /// SIGNATURE_ANNOTATIONS, which the signature of an image must have.
    pub(crate) annotations: Map<String, Value>,
}

/// The signer whose signatures and attestations are accepted.
pub(crate) enum AcceptedSigner {
    Keys(Vec<PublicKey>),
    /// The signer of this run adds the identity and the issuer if the rule has none.
    Certificate(IdentityRule),
    /// The signer of this run.
    ThisRun,
}

impl Action {
    /// What a configuration asks for.
    pub(crate) fn decide(config: &Config, ctx: &Context) -> Action {
        if let Some(dir) = &config.key_dir {
            return Action::GenerateKeyPair { dir: dir.clone() };
        }
        let signing = match (&config.not_signed, signer(config, ctx)) {
            (Some(why), _) => SigningDecision::Skip { why: why.clone(), notice: config.sign },
            (None, Some(signer)) => SigningDecision::Sign(Box::new(SigningPlan::new(signer, config))),
            (None, None) => return Action::Skip { why: "there is nothing to sign with".to_owned() },
        };
        let signs = matches!(signing, SigningDecision::Sign(_));
        let verification = config.verification.as_ref().map(|options| VerificationPlan::new(options, config, signs));
        let verification = match (&signing, verification) {
            (SigningDecision::Skip { why, .. }, None | Some(None)) => return Action::Skip { why: why.clone() },
            (_, verification) => verification.flatten(),
        };
        Action::Run(Box::new(RunPlan {
            images: config.targets.images.clone(),
            expected_digest: config.targets.expected.clone(),
            every_platform: config.targets.recursive,
            files: config.targets.files.clone(),
            signature_repository: config.access.signature_repository.clone(),
            signing,
            verification,
        }))
    }
}

/// `None` if there is nothing to sign with: a run that is skipped for a missing secret.
fn signer(config: &Config, ctx: &Context) -> Option<SignerPlan> {
    let private = config.signing.key.as_deref().map(PrivateKey::public_key).cloned().map(KeyPlan::Private);
    let key = private.or_else(|| config.cloud.key.clone().map(KeyPlan::Kms));
    let token = config.sigstore.token.is_some();
    let why = match config.signing.mode {
        _ if matches!(key, Some(KeyPlan::Kms(_))) => "KMS_KEY is set".to_owned(),
        Mode::Auto => format!("not keyless: {}", no_token(ctx).unwrap_or("no CI token")),
        Mode::Key | Mode::Keyless => "SIGNING_MODE=key".to_owned(),
    };
    match (config.signing.mode, token) {
        (Mode::Key, _) | (Mode::Auto, false) => key.map(|key| SignerPlan::Key { key, why }),
        (Mode::Keyless, true) => Some(SignerPlan::Keyless),
        (Mode::Keyless, false) => None,
        (Mode::Auto, true) => Some(SignerPlan::KeylessOr { key }),
    }
}

impl RunPlan {
    /// The repositories that the run talks to: those of the images, and that of the signatures.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.images.iter().map(|image| &image.repository).chain(&self.signature_repository)
    }

    /// Whether the run signs, as opposed to only verifying.
    pub(crate) fn signs(&self) -> bool {
        matches!(self.signing, SigningDecision::Sign(_))
    }
}

impl SigningPlan {
    fn new(signer: SignerPlan, config: &Config) -> SigningPlan {
        let sigstore = &config.sigstore;
        let words = match &signer {
            SignerPlan::Key { key, .. } => key.words(),
            SignerPlan::Keyless | SignerPlan::KeylessOr { key: None } => format!("keyless at {}", sigstore.words()),
            SignerPlan::KeylessOr { key: Some(key) } => {
                format!("keyless at {} if it accepts the job's token, otherwise {}", sigstore.words(), key.words())
            }
        };
        let mut plan = SigningPlan {
            formats: config.signing.formats,
            annotations: config.signing.annotations.clone(),
            attestations: config.attestations.clone(),
            transparency_log: config.signing.transparency_log,
            becomes_public: Vec::new(),
            signer,
            words,
        };
        if plan.may_be_keyless() {
            plan.becomes_public
                .push("the certificate with the identity of this job, in the log of certificates".to_owned());
        }
        if plan.transparency_log.unwrap_or(plan.may_be_keyless()) {
            let log = if sigstore.is_public() { "the public transparency log" } else { "your transparency log" };
            plan.becomes_public.push(format!("the hash of each signature with its signer, in {log}"));
        }
        plan
    }

    pub(crate) fn may_be_keyless(&self) -> bool {
        !matches!(self.signer, SignerPlan::Key { .. })
    }

    /// The key that signs, for sure or if the certificate authority does not accept the job's token.
    pub(crate) fn key(&self) -> Option<&KeyPlan> {
        match &self.signer {
            SignerPlan::Key { key, .. } => Some(key),
            SignerPlan::Keyless => None,
            SignerPlan::KeylessOr { key } => key.as_ref(),
        }
    }

    /// Whether keyless signatures are logged.
    pub(crate) fn logs_keyless(&self) -> bool {
        self.transparency_log.unwrap_or(true)
    }

    /// Whether signatures with a key are logged.
    pub(crate) fn logs_key(&self) -> bool {
        self.transparency_log == Some(true)
    }
}

impl KeyPlan {
    fn words(&self) -> String {
        match self {
            KeyPlan::Private(key) => format!("with the key {key}"),
            KeyPlan::Kms(key) => format!("with the key {key}"),
        }
    }
}

impl VerificationPlan {
    /// `None` if no signer is accepted: the run neither signs nor names one.
    fn new(options: &VerificationOptions, config: &Config, signs: bool) -> Option<VerificationPlan> {
        let accept = match options.keys.as_slice() {
            [_, ..] => AcceptedSigner::Keys(options.keys.clone()),
            [] if options.names_identity() || (signs && options.restricts_certificate()) => {
                AcceptedSigner::Certificate(options.rule.clone())
            }
            [] if signs => AcceptedSigner::ThisRun,
            [] => return None,
        };
        Some(VerificationPlan {
            accept,
            require_log: options.require_log,
            require_sct: options.require_sct,
            requirements: options.requirements.clone(),
            annotations: config.signing.annotations.clone(),
        })
    }
}

impl AcceptedSigner {
    /// For the plan.
    pub(crate) fn words(&self) -> String {
        let rule = match self {
            AcceptedSigner::Keys(keys) => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                return format!("signatures by the key {}", keys.join(" or "));
            }
            AcceptedSigner::ThisRun => return "signatures by the signer of this run".to_owned(),
            AcceptedSigner::Certificate(rule) => rule,
        };
        let patterns = [("identity", &rule.identity), ("issuer", &rule.issuer)];
        let patterns = patterns.into_iter().filter_map(|(what, pattern)| Some(format!("{what} {}", pattern.as_ref()?)));
        let texts = [
            ("repository", &rule.repository),
            ("ref", &rule.git_ref),
            ("commit", &rule.commit),
            ("workflow", &rule.workflow),
            ("trigger", &rule.trigger),
        ];
        let texts = texts.into_iter().filter_map(|(what, text)| Some(format!("{what} {}", text.as_ref()?)));
        let this_run = (!rule.names_signer()).then(|| "the signer of this run".to_owned());
        let parts: Vec<String> = this_run.into_iter().chain(patterns).chain(texts).collect();
        format!("signatures with a certificate of {}", parts.join(", "))
    }

    /// The variables that name the signer, for messages.
    pub(crate) fn variables(&self) -> &'static str {
        match self {
            AcceptedSigner::Keys(_) => "COSIGN_PUBLIC_KEY",
            AcceptedSigner::Certificate(_) => "CERTIFICATE_IDENTITY and CERTIFICATE_OIDC_ISSUER",
            AcceptedSigner::ThisRun => "COSIGN_PUBLIC_KEY or CERTIFICATE_IDENTITY",
        }
    }
}

#[cfg(test)]
impl SigningPlan {
    /// Signs keyless in bundles, for tests of the output.
    pub(crate) fn sample() -> SigningPlan {
        SigningPlan {
            signer: SignerPlan::Keyless,
            formats: Formats { bundle: true, legacy: false },
            annotations: Map::new(),
            attestations: Vec::new(),
            transparency_log: None,
            words: String::new(),
            becomes_public: Vec::new(),
        }
    }
}
