//! Whose signatures are accepted.

use pipe_core::Context;
use pipe_core::exit::Stop;
use pipe_evidence::trust::Trust;
use pipe_evidence::verify::{Authority, IdentityRule, Pattern, VerificationOptions, Verifier};

use crate::config::Config;
use crate::signing::Chosen;
use crate::verification::Verification;

/// Accepts what `chosen` signs, where it is logged if this run logs.
pub(crate) async fn own(config: &Config, chosen: &Chosen, ctx: &Context) -> Result<Verifier, Stop> {
    by(config, chosen, config.signing.upload, None, ctx).await
}

async fn by(
    config: &Config,
    chosen: &Chosen,
    log: Option<bool>,
    sct: Option<bool>,
    ctx: &Context,
) -> Result<Verifier, Stop> {
    let (authority, log_by_default) = match chosen.signing.certificate() {
        None => (Authority::Keys(vec![chosen.signing.public_key().clone()]), false),
        Some(certificate) => {
            let identity = certificate.identity();
            let exact = |text: Option<String>| text.map(Pattern::exact);
            let rule = IdentityRule {
                identity: exact(identity.subject.as_ref().map(ToString::to_string)),
                issuer: exact(identity.issuer.clone()),
                commit: identity.claims.source_repository_digest.clone(),
                ..IdentityRule::any()
            };
            (Authority::Identity(Box::new(rule)), true)
        }
    };
    build(config, authority, log_by_default, log, sct, ctx).await
}

/// Accepts whom the configuration names, or else what `chosen` signs.
pub(crate) async fn configured(
    config: &Config,
    verification: &Verification,
    chosen: Option<&Chosen>,
    ctx: &Context,
) -> Result<Verifier, Stop> {
    let (log, sct) = (verification.require_log, verification.require_sct);
    if let Some(key) = &verification.key {
        return build(config, Authority::Keys(vec![key.clone()]), false, log, sct, ctx).await;
    }
    if verification.names_identity() {
        let mut rule = verification.rule.clone();
        if rule.issuer.is_none() {
            let issuer = chosen.and_then(|chosen| chosen.signing.certificate()?.identity().issuer.clone());
            rule.issuer = issuer.map(Pattern::exact);
        }
        return build(config, Authority::Identity(Box::new(rule)), true, log, sct, ctx).await;
    }
    match chosen {
        Some(chosen) => by(config, chosen, log.or(config.signing.upload), sct, ctx).await,
        None => Err(Stop::Unable("nobody's signatures are accepted".to_owned())),
    }
}

async fn build(
    config: &Config,
    authority: Authority,
    log_by_default: bool,
    log: Option<bool>,
    sct: Option<bool>,
    ctx: &Context,
) -> Result<Verifier, Stop> {
    let certificates = matches!(authority, Authority::Identity(_));
    let needed = certificates || log == Some(true);
    let trust = if needed { Some(config.keyless.trust(ctx).await?) } else { None };
    let root = trust.map(Trust::root);
    let demands = VerificationOptions {
        // GitHub's own instance has timestamps instead of a log.
        log: log.unwrap_or(log_by_default && root.is_none_or(|root| !root.tlogs.is_empty())),
        sct: sct.unwrap_or(root.is_none_or(|root| !root.ctlogs.is_empty())),
    };
    Verifier::new(authority, trust, demands).map_err(Stop::Unable)
}
