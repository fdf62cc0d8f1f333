//! The signers that are accepted, as a verifier.

use pipe_core::Context;
use pipe_evidence::trust::Trust;
use pipe_evidence::verify::{Authority, IdentityRule, Pattern, VerificationOptions, Verifier};

use crate::error::Error;
use crate::plan::{AcceptedSigner, SigningPlan, VerificationPlan};
use crate::signer::Signer;
use crate::sigstore::Sigstore;

/// Accepts the signatures of `signer`; with an entry in the log if this run logs.
pub(crate) async fn of_signer(
    signer: &Signer,
    plan: &SigningPlan,
    sigstore: &Sigstore,
    ctx: &Context,
) -> Result<Verifier, Error> {
    build(authority(signer), plan.transparency_log, None, sigstore, ctx).await
}

/// Accepts the signers that the plan names, or the signatures of `signer` if it names none.
pub(crate) async fn of_plan(
    plan: &VerificationPlan,
    signer: Option<(&Signer, &SigningPlan)>,
    sigstore: &Sigstore,
    ctx: &Context,
) -> Result<Verifier, Error> {
    let (authority, log) = match (&plan.accept, signer) {
        (AcceptedSigner::Keys(keys), _) => (Authority::Keys(keys.clone()), plan.require_log),
        (AcceptedSigner::Certificate(rule), signer) => {
            let mut rule = rule.clone();
            let own = signer.and_then(|(signer, _)| Some(signer.signing.certificate()?.identity()));
            if rule.issuer.is_none() {
                rule.issuer = own.and_then(|own| own.issuer.clone()).map(Pattern::exact);
            }
            if !rule.names_signer() {
                let own = own.and_then(|own| own.subject.as_ref()).ok_or(Error::NoAuthority)?;
                rule.identity = Some(Pattern::exact(own.to_string()));
            }
            (Authority::Identity(Box::new(rule)), plan.require_log)
        }
        (AcceptedSigner::ThisRun, Some((signer, signing))) => {
            (authority(signer), plan.require_log.or(signing.transparency_log))
        }
        (AcceptedSigner::ThisRun, None) => return Err(Error::NoAuthority),
    };
    build(authority, log, plan.require_sct, sigstore, ctx).await
}

/// What the plan demands of certificates is applied to this signer. It is known only now whether the certificate authority
/// accepts the job's token.
///
/// # Errors
/// The signer is a key, whose signatures have no certificate.
pub(crate) fn fits(plan: &VerificationPlan, signer: &Signer) -> Result<(), Error> {
    let demands = match &plan.accept {
        AcceptedSigner::Keys(_) => false,
        AcceptedSigner::Certificate(rule) => !rule.names_signer(),
        AcceptedSigner::ThisRun => plan.require_sct == Some(true),
    };
    if demands && signer.signing.certificate().is_none() { Err(Error::NoCertificate) } else { Ok(()) }
}

/// The key, or exactly the identity in the certificate and its commit.
fn authority(signer: &Signer) -> Authority {
    match signer.signing.certificate() {
        None => Authority::Keys(vec![signer.signing.public_key().clone()]),
        Some(certificate) => {
            let identity = certificate.identity();
            let exact = |text: Option<String>| text.map(Pattern::exact);
            Authority::Identity(Box::new(IdentityRule {
                identity: exact(identity.subject.as_ref().map(ToString::to_string)),
                issuer: exact(identity.issuer.clone()),
                commit: identity.claims.source_repository_digest.clone(),
                ..IdentityRule::any()
            }))
        }
    }
}

/// Certificates are expected in the logs that the trusted root knows, unless `log` or `sct` says otherwise; keys are not.
async fn build(
    authority: Authority,
    log: Option<bool>,
    sct: Option<bool>,
    sigstore: &Sigstore,
    ctx: &Context,
) -> Result<Verifier, Error> {
    let certificates = matches!(authority, Authority::Identity(_));
    let needed = certificates || log == Some(true);
    let trust = if needed { Some(sigstore.trust(ctx).await?) } else { None };
    let root = trust.map(Trust::root);
    let options = VerificationOptions {
        // GitHub's own instance has timestamps instead of a log.
        log: log.unwrap_or(certificates && root.is_none_or(|root| !root.tlogs.is_empty())),
        sct: sct.unwrap_or(root.is_none_or(|root| !root.ctlogs.is_empty())),
    };
    Verifier::new(authority, trust, options).map_err(|why| Error::TrustedRoot { why })
}
