//! Signing as the CI job itself: its OIDC token, a certificate, a transparency log.

use std::sync::Arc;

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::exit::Stop;
use pipe_core::http::Client;
use pipe_core::spec::{Kind, Var};
use pipe_evidence::fulcio::{Acceptance, Fulcio};
use pipe_evidence::github::request_id_token;
use pipe_evidence::key::PrivateKey;
use pipe_evidence::keyless::KeylessError;
use pipe_evidence::rekor::{Rekor, RekorVersion};
use pipe_evidence::sign::BundleSigner;
use pipe_evidence::timestamp::TimestampAuthority;
use pipe_evidence::token::IdToken;
use pipe_evidence::trust::{RekorService, ServiceOverrides, Services, SigstoreInstance, Trust, TufRoot};
use secrecy::SecretString;
use tokio::sync::OnceCell;

pub(crate) const VARS: &[&Var] = &[
    &SIGSTORE_ID_TOKEN,
    &OIDC_AUDIENCE,
    &SIGSTORE_INSTANCE,
    &FULCIO_URL,
    &REKOR_URL,
    &REKOR_VERSION,
    &TSA_URL,
    &TRUSTED_ROOT,
    &SIGNING_CONFIG,
    &TUF_URL,
    &TUF_ROOT,
];

const SIGSTORE_ID_TOKEN: Var = Var::secret(
    "SIGSTORE_ID_TOKEN",
    "The OIDC token to sign as; if unset, the one that GitHub gives a job with `id-token: write`, or Bitbucket one with \
     `oidc: true`.",
);
const OIDC_AUDIENCE: Var =
    Var::text("OIDC_AUDIENCE", "The audience that GitHub's token is asked for; if unset, sigstore.")
        .default("sigstore");
const SIGSTORE_INSTANCE: Var = Var::choice(
    "SIGSTORE_INSTANCE",
    &["public", "staging", "github"],
    "Whose certificates, logs and timestamps are used and trusted: the public Sigstore, its staging, or GitHub's own, \
     which only verifies; if unset, public.",
)
.default("public");
const FULCIO_URL: Var = Var::url("FULCIO_URL", "A certificate authority of your own; if unset, the instance's.");
const REKOR_URL: Var = Var::url("REKOR_URL", "A transparency log of your own; if unset, the instance's.");
const REKOR_VERSION: Var = Var::new(
    "REKOR_VERSION",
    Kind::Integer { min: 1, max: 2 },
    "The API of REKOR_URL, or which of the instance's logs is used; if unset, the newest of the instance, and 2 for \
     REKOR_URL. SIGNATURE_FORMAT=legacy needs 1.",
);
const TSA_URL: Var = Var::url(
    "TSA_URL",
    "A timestamp authority (RFC 3161) of your own, whole; if unset, the instance's, and none where FULCIO_URL and REKOR_URL \
     are set.",
)
.example("https://tsa.example/api/v1/timestamp");
const TRUSTED_ROOT: Var = Var::text(
    "TRUSTED_ROOT",
    "Whom to trust, as Sigstore's `trusted_root.json`; with it nothing is fetched to verify. If unset, the instance's, \
     updated by TUF.",
)
.file();
const SIGNING_CONFIG: Var = Var::text(
    "SIGNING_CONFIG",
    "Where to sign, as Sigstore's `signing_config.json`; if unset, the instance's, updated by TUF.",
)
.file();
const TUF_URL: Var =
    Var::url("TUF_URL", "The TUF repository with both of these documents; if unset, the instance's. Needs TUF_ROOT.");
const TUF_ROOT: Var =
    Var::text("TUF_ROOT", "The root metadata (`root.json`) that TUF_URL is trusted by; if unset, the instance's.")
        .file();

/// Where the token that says who signs comes from.
#[derive(Clone)]
pub(crate) enum TokenSource {
    Given(SecretString),
    GitHub { url: String, request_token: SecretString },
    Bitbucket(SecretString),
}

/// Everything that was said about keyless signing and trust.
#[derive(Clone)]
pub(crate) struct Keyless {
    pub(crate) token: Option<TokenSource>,
    audience: String,
    instance: SigstoreInstance,
    overrides: ServiceOverrides,
    given: Option<Trust>,
    /// What [`Keyless::trust`] found, once a run.
    found: Arc<OnceCell<Trust>>,
    tuf: Option<(String, Option<String>)>,
}

impl Keyless {
    pub(crate) fn from_vars(vars: &mut Vars) -> Keyless {
        let instance = match vars.choice(&SIGSTORE_INSTANCE) {
            Some("staging") => SigstoreInstance::Staging,
            Some("github") => SigstoreInstance::GitHub,
            _ => SigstoreInstance::PublicGood,
        };
        let version =
            vars.integer(&REKOR_VERSION).and_then(|major| RekorVersion::from_major(u32::try_from(major).ok()?));
        let fulcio = vars.text(&FULCIO_URL);
        let rekor = vars.text(&REKOR_URL);
        let overrides = ServiceOverrides {
            rekor: rekor.map(|url| RekorService { url, version: version.unwrap_or(RekorVersion::V2) }),
            rekor_version: version,
            tsa: vars.text(&TSA_URL),
            oidc: None,
            fulcio,
        };
        let root = vars.text(&TRUSTED_ROOT);
        let config = vars.text(&SIGNING_CONFIG);
        let given = root.as_deref().and_then(|root| match Trust::from_json(root, config.as_deref()) {
            Ok(trust) => Some(trust),
            Err(error) => {
                vars.problem(&TRUSTED_ROOT, error.to_string());
                None
            }
        });
        if config.is_some() && root.is_none() {
            vars.problem(&SIGNING_CONFIG, "needs TRUSTED_ROOT beside it");
        }
        let tuf_root = vars.text(&TUF_ROOT);
        let tuf = vars.text(&TUF_URL).map(|url| (url, tuf_root.clone()));
        if tuf.is_none() && tuf_root.is_some() {
            vars.problem(&TUF_ROOT, "needs TUF_URL beside it");
        }
        Keyless {
            token: token(vars),
            audience: vars.text(&OIDC_AUDIENCE).unwrap_or_default(),
            instance,
            overrides,
            given,
            found: Arc::default(),
            tuf,
        }
    }

    /// Whom to trust: as given, or else what the instance publishes today, or else what this release knows of it.
    pub(crate) async fn trust(&self, ctx: &Context) -> Result<&Trust, Stop> {
        self.found.get_or_try_init(|| self.find_trust(ctx)).await
    }

    async fn find_trust(&self, ctx: &Context) -> Result<Trust, Stop> {
        if let Some(trust) = &self.given {
            return Ok(trust.clone());
        }
        let http = http(ctx)?;
        if let Some((url, root)) = &self.tuf {
            let root = root.as_ref().map_or(TufRoot::Of(self.instance), |root| TufRoot::Json(root.as_bytes()));
            return Trust::from_tuf(&http, url, root).await.map_err(stop);
        }
        match Trust::refreshed(&http, self.instance).await {
            Ok(trust) => Ok(trust),
            Err(KeylessError::Interrupted) => Err(Stop::Interrupted),
            Err(error) => {
                let embedded = Trust::embedded(self.instance).map_err(stop)?;
                ctx.console.notice(format!("{} is used: {error}", embedded.source()));
                Ok(embedded)
            }
        }
    }

    /// What is asked to sign. Nothing is fetched where every service is named.
    async fn services(&self, ctx: &Context) -> Result<Services, Stop> {
        let overrides = &self.overrides;
        let own = overrides.fulcio.is_some() && overrides.rekor.is_some();
        let trust = if own { self.given.as_ref() } else { Some(self.trust(ctx).await?) };
        let config = trust.and_then(Trust::signing_config);
        Ok(Services::choose(config, overrides, Timestamp::now()))
    }

    /// The services by name, for the plan.
    pub(crate) fn plan(&self) -> String {
        let instance = match self.instance {
            SigstoreInstance::Staging => "Sigstore's staging instance",
            SigstoreInstance::GitHub => "GitHub's instance",
            _ => "the public Sigstore",
        };
        let overrides = &self.overrides;
        let own = [overrides.fulcio.as_deref(), overrides.rekor.as_ref().map(|rekor| rekor.url.as_str())];
        let own: Vec<&str> = own.into_iter().flatten().collect();
        if own.is_empty() { instance.to_owned() } else { own.join(" and ") }
    }

    /// Whether a log is public for all the world.
    pub(crate) fn is_public(&self) -> bool {
        self.overrides.rekor.is_none() && self.given.is_none() && self.tuf.is_none()
    }

    /// The job's token.
    pub(crate) async fn id_token(&self, ctx: &Context) -> Result<Option<IdToken>, Stop> {
        let token = match &self.token {
            None => return Ok(None),
            Some(TokenSource::Given(token) | TokenSource::Bitbucket(token)) => {
                IdToken::parse(token.clone()).map_err(|error| Stop::Unable(error.to_string()))?
            }
            Some(TokenSource::GitHub { url, request_token }) => {
                request_id_token(&http(ctx)?, url, request_token, &self.audience).await.map_err(stop)?
            }
        };
        ctx.redactor.add_secret(token.secret());
        Ok(Some(token))
    }

    /// Whether the certificate authority takes a token.
    pub(crate) async fn accepts(&self, ctx: &Context, token: &IdToken) -> Result<bool, Stop> {
        let services = self.services(ctx).await?;
        let fulcio = Fulcio::new(http(ctx)?, services.fulcio().map_err(stop)?);
        let acceptance = fulcio.accepts(token.issuer()).await.map_err(stop)?;
        Ok(matches!(acceptance, Acceptance::Accepted(_)))
    }

    /// A certificate for a new key, in the name of `token`, with everybody who bears witness.
    pub(crate) async fn signing(
        &self,
        ctx: &Context,
        token: &IdToken,
        log: bool,
        legacy: bool,
    ) -> Result<BundleSigner, Stop> {
        let mut chosen = self.clone();
        // cosign 2 can't read the proofs of Rekor 2.
        if legacy && chosen.overrides.rekor.is_none() {
            chosen.overrides.rekor_version = Some(RekorVersion::V1);
        }
        let services = chosen.services(ctx).await?;
        // Before a certificate is had, which is public already: without somebody's word for the time it proves nothing.
        if log {
            services.rekor().map_err(stop)?;
        } else if let Err(why) = services.tsa() {
            let text = "a certificate needs somebody who tells when it signed, and TLOG_UPLOAD=false leaves nobody";
            return Err(Stop::Unable(format!("{text}: {why}")));
        }
        let http = http(ctx)?;
        let key = PrivateKey::generate().map_err(|error| Stop::Unable(error.to_string()))?;
        let fulcio = Fulcio::new(http.clone(), services.fulcio().map_err(stop)?);
        let certificate = fulcio.certificate(token, &key).await.map_err(stop)?;
        let signing = BundleSigner::new(key).certified(certificate);
        chosen.witnessed(signing, &services, http, log)
    }

    /// A signer with the log and the timestamp authority of the instance, for keys.
    pub(crate) async fn witness(&self, ctx: &Context, signing: BundleSigner) -> Result<BundleSigner, Stop> {
        let services = self.services(ctx).await?;
        self.witnessed(signing, &services, http(ctx)?, true)
    }

    fn witnessed(
        &self,
        signing: BundleSigner,
        services: &Services,
        http: Client,
        log: bool,
    ) -> Result<BundleSigner, Stop> {
        let mut signing = signing;
        if log {
            let rekor = services.rekor().map_err(stop)?;
            signing = signing.logged(Rekor::new(http.clone(), &rekor.url, rekor.version));
        }
        if let Ok(tsa) = services.tsa() {
            signing = signing.timestamped(TimestampAuthority::new(http, tsa));
        }
        Ok(signing)
    }
}

/// What is missing where there is no token.
pub(crate) fn token_var() -> &'static Var {
    &SIGSTORE_ID_TOKEN
}

fn token(vars: &mut Vars) -> Option<TokenSource> {
    if let Some(token) = vars.secret(&SIGSTORE_ID_TOKEN) {
        return Some(TokenSource::Given(token));
    }
    let github = vars.ci("ACTIONS_ID_TOKEN_REQUEST_URL").zip(vars.ci("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    if let Some((url, token)) = github {
        return Some(TokenSource::GitHub { url: url.to_owned(), request_token: token.to_owned().into() });
    }
    vars.ci("BITBUCKET_STEP_OIDC_TOKEN").map(|token| TokenSource::Bitbucket(token.to_owned().into()))
}

pub(crate) fn http(ctx: &Context) -> Result<Client, Stop> {
    ctx.http().map_err(|error| Stop::Unable(error.to_string()))
}

/// How a run ends by what a service said.
pub(crate) fn stop(error: KeylessError) -> Stop {
    match error {
        KeylessError::Interrupted => Stop::Interrupted,
        other => Stop::Unable(other.to_string()),
    }
}
