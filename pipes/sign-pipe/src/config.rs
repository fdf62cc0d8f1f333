//! From variables to a configuration.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use secrecy::SecretString;

use crate::attestation::{self, Attestation};
use crate::claims::Environment;
use crate::cloud::Cloud;
use crate::demands::{self, ByKey, Scope};
use crate::registry::Access;
use crate::signing_options::{COSIGN_PASSWORD, COSIGN_PUBLIC_KEY, KEY_DIR, SigningOptions};
use crate::sigstore::Sigstore;
use crate::targets::Targets;
use crate::vars::{ACTION, SIGN};
use crate::verification_options::{
    CERTIFICATE_IDENTITY, CERTIFICATE_IDENTITY_REGEXP, CERTIFICATE_OIDC_ISSUER, VERIFY, VerificationOptions,
};

/// The variables of a run, checked, with its keys and credentials.
pub struct Config {
    /// The directory for a new pair of keys, if that is all there is to do.
    pub(crate) key_dir: Option<PathBuf>,
    /// The password of a new private key.
    pub(crate) key_password: SecretString,
    pub(crate) targets: Targets,
    pub(crate) access: Access,
    pub(crate) sigstore: Sigstore,
    pub(crate) cloud: Cloud,
    pub(crate) signing: SigningOptions,
    /// SIGN, which does not apply to pull requests from forks.
    pub(crate) sign: bool,
    /// Why nothing is signed.
    pub(crate) not_signed: Option<String>,
    pub(crate) attestations: Vec<Arc<dyn Attestation>>,
    pub(crate) verification: Option<VerificationOptions>,
    pub(crate) environment: Environment,
    /// Why the run can't end better than warned, each as a clause: `FAIL_ON_HIGH has no effect`.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        let key_dir = vars.path(&KEY_DIR);
        let generate = vars.choice(&ACTION) == Some("generate-key-pair");
        if generate && key_dir.is_none() && ctx.checkout.is_some() {
            vars.problem(
                &KEY_DIR,
                "required inside a checkout, where cosign.key could be committed. Set it to another directory, or to . for \
                 this one",
            );
        }
        let dir = ctx.workspace.dir.join(key_dir.unwrap_or_default());
        if generate && !dir.is_dir() {
            vars.problem(&KEY_DIR, "no such directory. Create it, or unset KEY_DIR");
        }
        let key_password = vars.secret(&COSIGN_PASSWORD).unwrap_or_default();
        let fork = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.fork == Some(true));
        let sign = vars.flag(&SIGN);
        let signs = sign && !fork && !generate;
        let not_signed = match (sign, fork) {
            (false, _) => Some("SIGN=false".to_owned()),
            (true, true) => Some("this is a pull request from a fork".to_owned()),
            (true, false) => None,
        };
        let targets = Targets::from_vars(vars, ctx, signs);
        let access = Access::from_vars(vars, ctx, &targets.hosts());
        let sigstore = Sigstore::from_vars(vars);
        let cloud = Cloud::from_vars(vars, ctx, &access, &targets, signs);
        let signing = SigningOptions::from_vars(vars, ctx, &sigstore, &cloud, signs);
        let attestations = attestation::from_vars(vars, ctx, signs);
        let verification = VerificationOptions::from_vars(vars);
        let verify = vars.flag(&VERIFY);
        let by_key = if !verification.keys.is_empty() {
            Some(ByKey::Named)
        } else if signs && !verification.names_identity() {
            signing.only_by_key(&sigstore).then_some(ByKey::Signs)
        } else {
            None
        };
        let scope = Scope {
            generates: generate,
            verifies: verify,
            by_key,
            key_compared: signs && signing.only_by_key(&sigstore) && signing.public_key().is_some(),
            only_files: Targets::only_files(vars),
            scans: verification.requires_scan(),
        };
        let mut warnings = demands::check(vars, scope);
        for warning in attestations.iter().filter_map(|attestation| attestation.warning()) {
            vars.notice(format!("{warning}. Check SBOM_FILE"));
            warnings.push(warning);
        }
        if !generate {
            Targets::require(vars);
            check_pair(vars, &verification, &signing);
            if verify {
                check_signer(vars, &verification, signs);
            }
            if not_signed.is_some() && !verify && !fork {
                vars.problem(&VERIFY, "SIGN=false and VERIFY=false leave nothing to do. Set one of them to true");
            }
        }
        Some(Config {
            key_dir: generate.then_some(dir),
            key_password,
            targets,
            access,
            sigstore,
            cloud,
            signing,
            sign,
            not_signed,
            attestations,
            verification: verify.then_some(verification),
            environment: Environment::from_vars(vars),
            warnings,
        })
    }
}

/// A key that the run signs with has to be the one that is accepted.
fn check_pair(vars: &mut Vars, verification: &VerificationOptions, signing: &SigningOptions) {
    if let ([public, ..], Some(private)) = (verification.keys.as_slice(), signing.public_key())
        && !verification.keys.contains(private)
    {
        let text = format!("is {public}, but COSIGN_PRIVATE_KEY signs as {private}. Set both to one pair of keys");
        vars.problem(&COSIGN_PUBLIC_KEY, text);
    }
}

/// A run that only verifies has to name the accepted signer.
fn check_signer(vars: &mut Vars, verification: &VerificationOptions, signs: bool) {
    let named = verification.names_identity();
    if named && verification.keys.is_empty() && verification.rule.issuer.is_none() {
        vars.require(&CERTIFICATE_OIDC_ISSUER);
    }
    let fork = !signs && vars.problems().is_empty();
    if fork && verification.keys.is_empty() && !named && !vars.is_set(&SIGN) {
        // A pull request from a fork is not signed, and without a named signer not verified either.
        return;
    }
    let mentioned = [&COSIGN_PUBLIC_KEY, &CERTIFICATE_IDENTITY_REGEXP].into_iter().any(|var| vars.is_set(var));
    if !signs && !mentioned && !named {
        if verification.rule.issuer.is_some() {
            vars.require(&CERTIFICATE_IDENTITY);
        } else {
            vars.problem(
                &COSIGN_PUBLIC_KEY,
                "required to verify, unless CERTIFICATE_IDENTITY and CERTIFICATE_OIDC_ISSUER are set. Without them a \
                 signature by anyone would be accepted",
            );
        }
    }
}
