//! From variables to a configuration.

use std::path::PathBuf;

use pipe_core::Context;
use pipe_core::env::Vars;
use secrecy::SecretString;

use crate::attestation::{self, Attestation};
use crate::cloud::Cloud;
use crate::identity::Surroundings;
use crate::keyless::Keyless;
use crate::registry::Access;
use crate::signing::{COSIGN_PASSWORD, COSIGN_PUBLIC_KEY, KEY_DIR, Wanted};
use crate::targets::Targets;
use crate::vars::{ACTION, SIGN};
use crate::verification::{
    CERTIFICATE_IDENTITY, CERTIFICATE_IDENTITY_REGEXP, CERTIFICATE_OIDC_ISSUER, VERIFY, Verification,
};

/// What a run of sign-pipe does.
pub struct Config {
    /// Write a pair of keys and do nothing else.
    pub(crate) generate: Option<Generate>,
    pub(crate) targets: Targets,
    pub(crate) access: Access,
    pub(crate) keyless: Keyless,
    pub(crate) cloud: Cloud,
    pub(crate) signing: Wanted,
    /// SIGN, which is not honoured everywhere.
    pub(crate) asked: bool,
    /// Why nothing is signed.
    pub(crate) not_signed: Option<String>,
    pub(crate) attestations: Vec<Box<dyn Attestation>>,
    pub(crate) verification: Option<Verification>,
    pub(crate) surroundings: Surroundings,
}

/// Where a new pair of keys goes.
pub(crate) struct Generate {
    pub(crate) dir: PathBuf,
    pub(crate) password: SecretString,
}

impl Config {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        let dir = ctx.workspace.dir.join(vars.path(&KEY_DIR).unwrap_or_default());
        let generate = (vars.choice(&ACTION) == Some("generate-key-pair")).then(|| {
            if !dir.is_dir() {
                vars.problem(&KEY_DIR, "there is no such directory");
            }
            Generate { dir, password: vars.secret(&COSIGN_PASSWORD).unwrap_or_default() }
        });
        let fork = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.fork == Some(true));
        let asked = vars.flag(&SIGN);
        let sign = asked && !fork && generate.is_none();
        let not_signed = match (asked, fork) {
            (false, _) => Some("SIGN is false".to_owned()),
            (true, true) => Some("a pull request of a fork".to_owned()),
            (true, false) => None,
        };
        let targets = Targets::from_vars(vars, ctx);
        let access = Access::from_vars(vars, ctx, &targets.hosts());
        let keyless = Keyless::from_vars(vars);
        let cloud = Cloud::from_vars(vars, ctx, &access, &targets, sign);
        let signing = Wanted::from_vars(vars, ctx, &keyless, &cloud, sign);
        let attestations = attestation::from_vars(vars, ctx);
        let verification = Verification::from_vars(vars);
        if generate.is_none() {
            Targets::require(vars);
            if let Some(verification) = &verification {
                authority(vars, verification, sign, &signing);
            }
            if not_signed.is_some() && verification.is_none() && !fork {
                vars.problem(&VERIFY, "is false, and so is SIGN: there is nothing to do");
            }
        }
        Some(Config {
            generate,
            targets,
            access,
            keyless,
            cloud,
            signing,
            asked,
            not_signed,
            attestations,
            verification,
            surroundings: Surroundings::from_vars(vars),
        })
    }
}

/// Whose signatures count has to be said, unless this run signs.
fn authority(vars: &mut Vars, verification: &Verification, sign: bool, signing: &Wanted) {
    let named = verification.names_identity();
    if verification.key.is_some() && named {
        vars.problem(&COSIGN_PUBLIC_KEY, "both a key and an identity are expected (CERTIFICATE_...): set one");
    }
    if let (Some(public), Some(private)) = (&verification.key, signing.public_key())
        && public != private
    {
        let text = format!("is {public}, and COSIGN_PRIVATE_KEY signs as {private}");
        vars.problem(&COSIGN_PUBLIC_KEY, text);
    }
    if named && verification.rule.issuer.is_none() {
        vars.require(&CERTIFICATE_OIDC_ISSUER);
    }
    let fork = !sign && vars.problems().is_empty();
    if fork && verification.key.is_none() && !named && !vars.is_set(&SIGN) {
        // A fork's pull request, which signs nothing: what can't be verified is not.
        return;
    }
    let told = [&COSIGN_PUBLIC_KEY, &CERTIFICATE_IDENTITY_REGEXP].into_iter().any(|var| vars.is_set(var));
    if !sign && !told && !named {
        if verification.rule.issuer.is_some() {
            vars.require(&CERTIFICATE_IDENTITY);
        } else {
            vars.problem(
                &COSIGN_PUBLIC_KEY,
                "required to verify, or CERTIFICATE_IDENTITY and CERTIFICATE_OIDC_ISSUER: without either, anybody's \
                 signature would do",
            );
        }
    }
}
