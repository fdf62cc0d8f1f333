//! The signer of a run, ready to sign.

use std::sync::Arc;

use pipe_core::Context;
use pipe_evidence::sign::BundleSigner;

use crate::claims::Claims;
use crate::config::Config;
use crate::error::Error;
use crate::plan::{KeyPlan, SignerPlan, SigningPlan};

/// A key, or an identity with its certificate, and how it was chosen.
pub(crate) struct Signer {
    pub(crate) signing: BundleSigner,
    /// What the job's token says of this run, if there is one.
    pub(crate) claims: Option<Claims>,
    /// `keyless` or `key`.
    pub(crate) mode: &'static str,
    /// Why it is this one: `SIGNING_MODE=key`.
    pub(crate) why: String,
}

impl Signer {
    /// Opens the signer that the plan names. A certificate is fetched here, once for everything that is signed.
    ///
    /// # Errors
    /// The token, the certificate authority or the service that holds the key is not available or refuses.
    pub(crate) async fn open(plan: &SigningPlan, config: &Config, ctx: &Context) -> Result<Signer, Error> {
        let sigstore = &config.sigstore;
        let token = match &plan.signer {
            // For the provenance only: a key needs no token.
            SignerPlan::Key { .. } => sigstore.id_token(ctx).await.unwrap_or_default(),
            SignerPlan::Keyless | SignerPlan::KeylessOr { .. } => sigstore.id_token(ctx).await?,
        };
        let claims = token.as_ref().map(Claims::of);
        let why = match (&plan.signer, &token) {
            (SignerPlan::Key { .. }, _) => None,
            (_, None) => return Err(Error::NoSigner),
            (SignerPlan::Keyless, Some(_)) => Some("SIGNING_MODE=keyless".to_owned()),
            (SignerPlan::KeylessOr { .. }, Some(token)) => {
                let accepted = sigstore.accepts(ctx, token).await?;
                accepted.then(|| format!("the certificate authority accepts tokens of {}", token.issuer()))
            }
        };
        if let (Some(why), Some(token)) = (why, &token) {
            let signing = sigstore.certified(ctx, token, plan.logs_keyless(), plan.formats.legacy).await?;
            return Ok(Signer { signing, claims, mode: "keyless", why });
        }
        let issuer = || token.as_ref().map(|token| token.issuer().to_owned()).unwrap_or_default();
        let (key, why) = match &plan.signer {
            SignerPlan::Key { key, why } => (key, why.clone()),
            SignerPlan::KeylessOr { key: Some(key) } => {
                (key, format!("not keyless: the certificate authority does not accept tokens of {}", issuer()))
            }
            SignerPlan::Keyless | SignerPlan::KeylessOr { key: None } => {
                return Err(Error::TokenNotAccepted { issuer: issuer() });
            }
        };
        let signing = match (key, &config.signing.key) {
            (KeyPlan::Kms(key), _) => BundleSigner::new(config.cloud.open(ctx, key).await?),
            (KeyPlan::Private(_), Some(key)) => BundleSigner::new(Arc::clone(key)),
            (KeyPlan::Private(_), None) => return Err(Error::NoSigner),
        };
        let signing = if plan.logs_key() { sigstore.witnessed_key(ctx, signing).await? } else { signing };
        Ok(Signer { signing, claims, mode: "key", why })
    }
}
