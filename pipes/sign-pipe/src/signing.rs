//! With what is signed: a key, one that a service keeps, or an identity.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::exit::Stop;
use pipe_core::platform::Provider;
use pipe_core::spec::{Kind, Var};
use pipe_evidence::key::{KeyError, PrivateKey, PublicKey};
use pipe_evidence::sign::BundleSigner;
use pipe_evidence::token::IdToken;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::cloud::{Cloud, KMS_KEY};
use crate::keyless::{self, Keyless};

pub(crate) const SIGNING_MODE: Var = Var::choice(
    "SIGNING_MODE",
    &["auto", "keyless", "key"],
    "`keyless` signs as the identity of the CI job (its OIDC token, a certificate by Fulcio), `key` with \
     KMS_KEY or COSIGN_PRIVATE_KEY; if unset, auto: KMS_KEY where it is set, keyless where the CI gives a token that \
     Fulcio accepts, COSIGN_PRIVATE_KEY otherwise.",
)
.default("auto");
pub(crate) const COSIGN_PRIVATE_KEY: Var = Var::secret(
    "COSIGN_PRIVATE_KEY",
    "The private key in PEM: as cosign encrypts it, PKCS#8, SEC1 or PKCS#1; P-256, P-384, Ed25519 or RSA. If unset, \
     there is no key to sign with.",
)
.required("to sign, unless KMS_KEY is set or the CI gives the job a token that Fulcio accepts");
pub(crate) const COSIGN_PASSWORD: Var =
    Var::secret("COSIGN_PASSWORD", "What the private key is encrypted with; if unset, the empty password.");
pub(crate) const COSIGN_PUBLIC_KEY: Var = Var::text(
    "COSIGN_PUBLIC_KEY",
    "The public key in PEM that signatures must verify with; if unset, that of COSIGN_PRIVATE_KEY, or the certificate \
     decides.",
)
.file();
pub(crate) const SIGNATURE_FORMAT: Var = Var::new(
    "SIGNATURE_FORMAT",
    Kind::Choices(&["bundle", "legacy"], &[("cosign3", "bundle"), ("cosign2", "legacy")]),
    "How signatures and attestations are stored: `bundle` is a Sigstore bundle as OCI referrer, which cosign 3 reads; \
     `legacy` are the tags `.sig` and `.att`, for cosign 2, Harbor and older policy engines; both may be named. If \
     unset, bundle. Reading always knows both.",
)
.default("bundle")
.example("bundle,legacy");
pub(crate) const SIGNATURE_ANNOTATIONS: Var = Var::list(
    "SIGNATURE_ANNOTATIONS",
    "`name=value` pairs that are signed with the image, as `cosign sign -a` does; if unset, none.",
)
.example("release=1.2.3,team=shop");
pub(crate) const TLOG_UPLOAD: Var = Var::flag(
    "TLOG_UPLOAD",
    "Records each signature in the transparency log, which is public for good; if unset, true when keyless and false \
     with a key.",
);
pub(crate) const KEY_DIR: Var =
    Var::path("KEY_DIR", "Where ACTION=generate-key-pair writes; if unset, WORKING_DIR. It never overwrites a key.")
        .default(".");

/// The forms that are written.
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

/// What was said about signing.
pub(crate) struct Wanted {
    mode: Mode,
    key: Option<Arc<PrivateKey>>,
    pub(crate) formats: Formats,
    pub(crate) annotations: Map<String, Value>,
    /// TLOG_UPLOAD.
    pub(crate) upload: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Auto,
    Keyless,
    Key,
}

/// Who signs in the end, and why so.
pub(crate) struct Chosen {
    pub(crate) signing: BundleSigner,
    /// The token that a certificate was had with, or that says where this runs.
    pub(crate) token: Option<IdToken>,
    /// `keyless` or `key`.
    pub(crate) mode: &'static str,
    pub(crate) why: String,
}

impl Wanted {
    /// `None` where nothing is to be signed; the private key then only serves to verify.
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context, keyless: &Keyless, cloud: &Cloud, sign: bool) -> Wanted {
        let mode = match vars.choice(&SIGNING_MODE) {
            Some("keyless") => Mode::Keyless,
            Some("key") => Mode::Key,
            // The token may be there for AWS only, and keyless signatures are public for good.
            _ if cloud.key.is_some() => Mode::Key,
            _ => Mode::Auto,
        };
        let named = vars.list(&SIGNATURE_FORMAT);
        let has = |word: &str| named.iter().any(|name| name == word);
        let untrusted = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.may_lack_secrets());
        let pem = vars.secret(&COSIGN_PRIVATE_KEY);
        let password = vars.secret(&COSIGN_PASSWORD);
        let key = pem.filter(|_| mode != Mode::Keyless && sign).and_then(|pem| {
            match PrivateKey::from_pem(&pem, password.as_ref()) {
                Ok(key) => Some(Arc::new(key)),
                Err(KeyError::WrongPassword) => {
                    let why = if password.is_some() { "does not open" } else { "is not set, and is needed to open" };
                    vars.problem(&COSIGN_PASSWORD, format!("{why} COSIGN_PRIVATE_KEY"));
                    None
                }
                Err(error) => {
                    vars.problem(&COSIGN_PRIVATE_KEY, error.to_string());
                    None
                }
            }
        });
        if cloud.key.is_some() && vars.is_set(&COSIGN_PRIVATE_KEY) {
            vars.problem(&COSIGN_PRIVATE_KEY, "both this and KMS_KEY are set; set one");
        }
        if sign && !vars.is_set(&COSIGN_PRIVATE_KEY) && !vars.is_set(&KMS_KEY) {
            match (mode, &keyless.token) {
                (Mode::Key, _) => vars.lacks_secret(&COSIGN_PRIVATE_KEY, untrusted),
                (Mode::Auto, None) => {
                    vars.lacks_secret(&COSIGN_PRIVATE_KEY, untrusted);
                    vars.notice(format!("not keyless: {}", no_token(ctx)));
                }
                _ => {}
            }
        }
        if sign && mode == Mode::Keyless && keyless.token.is_none() {
            vars.lacks_secret(keyless::token_var(), untrusted);
        }
        Wanted {
            mode,
            key,
            formats: Formats { bundle: has("bundle"), legacy: has("legacy") },
            annotations: annotations(vars),
            upload: vars.maybe_flag(&TLOG_UPLOAD),
        }
    }

    /// The public half of the private key.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.key.as_deref().map(PrivateKey::public_key)
    }

    /// How it will be signed, as far as that can be said before the certificate authority was asked.
    pub(crate) fn plan(&self, keyless: &Keyless, cloud: &Cloud) -> (String, Vec<String>) {
        let with_key = || match (&self.key, &cloud.key) {
            (Some(key), _) => format!("with the key {}", key.public_key()),
            (None, Some(key)) => format!("with the key {key}"),
            (None, None) => "with a key that is not there".to_owned(),
        };
        let how = match (self.mode, keyless.token.is_some()) {
            (Mode::Key, _) | (Mode::Auto, false) => with_key(),
            (Mode::Auto, true) if self.key.is_some() || cloud.key.is_some() => {
                format!("keyless at {} if it accepts the job's token, or else {}", keyless.plan(), with_key())
            }
            _ => format!("keyless at {}", keyless.plan()),
        };
        let may_be_keyless = self.mode != Mode::Key && keyless.token.is_some();
        let mut public = Vec::new();
        if may_be_keyless {
            public.push("the certificate with the identity of this job, in the log of certificates".to_owned());
        }
        if self.upload.unwrap_or(may_be_keyless) {
            let who = if keyless.is_public() { "the public transparency log" } else { "your transparency log" };
            public.push(format!("the hash of each signature with who made it, in {who}"));
        }
        (how, public)
    }

    /// Chooses and prepares: the certificate is had here, once for everything that is signed.
    pub(crate) async fn choose(&self, ctx: &Context, keyless: &Keyless, cloud: &Cloud) -> Result<Chosen, Stop> {
        let token = match self.mode {
            // Told in the provenance, where there is one; a key needs none.
            Mode::Key => keyless.id_token(ctx).await.unwrap_or_default(),
            Mode::Keyless | Mode::Auto => keyless.id_token(ctx).await?,
        };
        let why = match (self.mode, &token) {
            (Mode::Key, _) | (Mode::Auto, None) => None,
            (Mode::Keyless, _) => Some("SIGNING_MODE=keyless".to_owned()),
            (Mode::Auto, Some(token)) => {
                let accepted = keyless.accepts(ctx, token).await?;
                accepted.then(|| format!("{} is accepted", token.issuer()))
            }
        };
        if let (Some(why), Some(token)) = (why, &token) {
            let upload = self.upload.unwrap_or(true);
            let signing = keyless.signing(ctx, token, upload, self.formats.legacy).await?;
            return Ok(Chosen { signing, token: Some(token.clone()), mode: "keyless", why });
        }
        let signing = match (&self.key, &cloud.key) {
            (Some(key), _) => Some(BundleSigner::new(Arc::clone(key))),
            (None, Some(key)) => Some(BundleSigner::new(cloud.open(ctx, key).await?)),
            (None, None) => None,
        };
        let Some(signing) = signing else {
            let text = match &token {
                Some(token) => format!(
                    "the certificate authority does not accept tokens of {}, and COSIGN_PRIVATE_KEY is not set",
                    token.issuer()
                ),
                None => "there is neither a token nor a key to sign with".to_owned(),
            };
            return Err(Stop::Unable(text));
        };
        let why = match (self.mode, &token) {
            (Mode::Auto, Some(token)) => {
                format!("the certificate authority does not accept tokens of {}", token.issuer())
            }
            (Mode::Auto, None) => no_token(ctx),
            _ if cloud.key.is_some() => "KMS_KEY is set".to_owned(),
            _ => "SIGNING_MODE=key".to_owned(),
        };
        let signing = if self.upload == Some(true) { keyless.witness(ctx, signing).await? } else { signing };
        Ok(Chosen { signing, token, mode: "key", why })
    }
}

/// Why there is no token, as far as the CI tells.
fn no_token(ctx: &Context) -> String {
    match ctx.ci.provider {
        Provider::GitHub => "the job has no token: it lacks `permissions: id-token: write`".to_owned(),
        Provider::GitLab => "the job has no SIGSTORE_ID_TOKEN: it lacks `id_tokens`".to_owned(),
        Provider::Bitbucket => "Bitbucket's tokens are not accepted by the public Sigstore".to_owned(),
        _ => "there is no token of a CI".to_owned(),
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

/// Writes a new pair of keys. Neither is ever overwritten.
pub(crate) fn generate(dir: &std::path::Path, password: &SecretString) -> Result<PublicKey, String> {
    use std::io::Write;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
    let key = PrivateKey::generate().map_err(|error| error.to_string())?;
    let private = key.to_encrypted_pem(password).map_err(|error| error.to_string())?;
    let public = key.public_key().to_pem();
    let names = ["cosign.key", "cosign.pub"];
    if let Some(name) = names.iter().find(|name| dir.join(name).symlink_metadata().is_ok()) {
        return Err(format!("{name} is there already and is not overwritten"));
    }
    let owner = std::fs::metadata(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for (name, text, mode) in [(names[0], private.expose_secret(), 0o600), (names[1], public.as_str(), 0o644)] {
        let failed = |error: std::io::Error| format!("{name} can't be written: {error}");
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(dir.join(name)).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        // Root in a container writes for whoever owns the workspace.
        let _ = chown(dir.join(name), Some(owner.uid()), Some(owner.gid()));
    }
    Ok(key.public_key().clone())
}
