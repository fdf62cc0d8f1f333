//! The services of Sigstore that a run uses: token, certificate authority, transparency log, timestamps, trusted root.

use std::sync::Arc;

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::env::Vars;
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

use crate::error::Error;

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

const SIGSTORE_ID_TOKEN: Var = Var::secret("SIGSTORE_ID_TOKEN", "Signs with the identity in this OIDC token.").unset(
    "the token is the one that GitHub gives a job with `id-token: write`, or Bitbucket a step with `oidc: true`",
);
const OIDC_AUDIENCE: Var =
    Var::text("OIDC_AUDIENCE", "Sets the audience of the token that is requested from GitHub.").default("sigstore");
const SIGSTORE_INSTANCE: Var = Var::choice(
    "SIGSTORE_INSTANCE",
    &["public", "staging", "github"],
    "Selects the Sigstore instance whose certificates, logs and timestamps are used and trusted.",
)
.values(&[
    ("public", "selects the public instance"),
    ("staging", "selects the staging instance of Sigstore"),
    ("github", "selects the instance of GitHub's private attestations, which can only be verified"),
])
.default("public");
const FULCIO_URL: Var =
    Var::url("FULCIO_URL", "Requests certificates from this private certificate authority (Fulcio).")
        .unset("the certificate authority of the instance is used");
const REKOR_URL: Var = Var::url("REKOR_URL", "Records signatures in this private transparency log (Rekor).")
    .unset("the log of the instance is used");
const REKOR_VERSION: Var = Var::new(
    "REKOR_VERSION",
    Kind::Integer { min: 1, max: 2 },
    "Sets the API version of REKOR_URL, or the version of the instance's log. SIGNATURE_FORMAT=legacy needs 1.",
)
.unset("the newest version of the instance is used, and 2 for REKOR_URL");
const TSA_URL: Var =
    Var::url("TSA_URL", "Requests timestamps from this private authority (RFC 3161). The URL is used as it is.")
        .unset("the authority of the instance is used, and none if FULCIO_URL and REKOR_URL are set")
        .example("https://tsa.example/api/v1/timestamp");
const TRUSTED_ROOT: Var = Var::text(
    "TRUSTED_ROOT",
    "Trusts these keys and certificates, as Sigstore's `trusted_root.json`. Nothing is fetched to verify.",
)
.unset("those of the instance are trusted, updated by TUF")
.file();
const SIGNING_CONFIG: Var =
    Var::text("SIGNING_CONFIG", "Signs with these services, as Sigstore's `signing_config.json`. Needs TRUSTED_ROOT.")
        .unset("the services of the instance are used, updated by TUF")
        .file();
const TUF_URL: Var = Var::url(
    "TUF_URL",
    "Reads both documents from this TUF repository. Needs TUF_ROOT, unless it is a mirror of the instance's repository.",
)
.unset("the repository of the instance is used");
const TUF_ROOT: Var =
    Var::text("TUF_ROOT", "Verifies the repository at TUF_URL with this root metadata (`root.json`).")
        .unset("the root metadata of the instance is used")
        .file();

/// The source of the job's token, which names the identity that signs.
#[derive(Clone)]
pub(crate) enum TokenSource {
    Given(SecretString),
    GitHub { url: String, request_token: SecretString },
    Bitbucket(SecretString),
}

/// The instance, or the private services in its place.
#[derive(Clone)]
pub(crate) struct Sigstore {
    pub(crate) token: Option<TokenSource>,
    audience: String,
    instance: SigstoreInstance,
    overrides: ServiceOverrides,
    given: Option<Trust>,
    /// Fetched by [`Sigstore::trust`], once a run.
    fetched: Arc<OnceCell<Trust>>,
    tuf: Option<(String, Option<String>)>,
}

impl Sigstore {
    pub(crate) fn from_vars(vars: &mut Vars) -> Sigstore {
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
            vars.problem(&SIGNING_CONFIG, "needs TRUSTED_ROOT or TRUSTED_ROOT_FILE");
        }
        let tuf_root = vars.text(&TUF_ROOT);
        let tuf = vars.text(&TUF_URL).map(|url| (url, tuf_root.clone()));
        if tuf.is_none() && tuf_root.is_some() {
            vars.problem(&TUF_ROOT, "needs TUF_URL");
        }
        Sigstore {
            token: token(vars),
            audience: vars.text(&OIDC_AUDIENCE).unwrap_or_default(),
            instance,
            overrides,
            given,
            fetched: Arc::default(),
            tuf,
        }
    }

    /// Adds a problem if SIGSTORE_ID_TOKEN is not valid now. A token that its CI gives is fetched for each run.
    pub(crate) fn check_token_time(&self, vars: &mut Vars) {
        if let Some(TokenSource::Given(token)) = &self.token
            && let Ok(token) = IdToken::parse(token.clone())
            && let Err(error) = token.check_time(Timestamp::now())
        {
            vars.problem(&SIGSTORE_ID_TOKEN, error.to_string());
        }
    }

    /// The trusted root: as given, or else as the instance publishes it now, or else as this release knows it.
    ///
    /// # Errors
    /// The repository at TUF_URL is not available or not valid.
    pub(crate) async fn trust(&self, ctx: &Context) -> Result<&Trust, Error> {
        self.fetched.get_or_try_init(|| self.fetch_trust(ctx)).await
    }

    async fn fetch_trust(&self, ctx: &Context) -> Result<Trust, Error> {
        if let Some(trust) = &self.given {
            return Ok(trust.clone());
        }
        let http = http(ctx)?;
        if let Some((url, root)) = &self.tuf {
            let root = root.as_ref().map_or(TufRoot::Of(self.instance), |root| TufRoot::Json(root.as_bytes()));
            return Ok(Trust::from_tuf(&http, url, root).await?);
        }
        match Trust::refreshed(&http, self.instance).await {
            Ok(trust) => Ok(trust),
            Err(KeylessError::Interrupted) => Err(KeylessError::Interrupted.into()),
            Err(error) => {
                let embedded = Trust::embedded(self.instance)?;
                ctx.console.notice(format!("using {}: {error}", embedded.source()));
                Ok(embedded)
            }
        }
    }

    /// Whether every service that signing needs is set, so that no signing config is fetched.
    fn names_services(&self) -> bool {
        self.overrides.fulcio.is_some() && self.overrides.rekor.is_some()
    }

    async fn services(&self, ctx: &Context) -> Result<Services, Error> {
        let trust = if self.names_services() { self.given.as_ref() } else { Some(self.trust(ctx).await?) };
        Ok(Services::choose(trust.and_then(Trust::signing_config), &self.overrides, Timestamp::now()))
    }

    /// The job's token.
    ///
    /// # Errors
    /// It is not a token, or GitHub does not give one.
    pub(crate) async fn id_token(&self, ctx: &Context) -> Result<Option<IdToken>, Error> {
        let token = match &self.token {
            None => return Ok(None),
            Some(TokenSource::Given(token) | TokenSource::Bitbucket(token)) => {
                IdToken::parse(token.clone()).map_err(KeylessError::from)?
            }
            Some(TokenSource::GitHub { url, request_token }) => {
                request_id_token(&http(ctx)?, url, request_token, &self.audience).await?
            }
        };
        ctx.redactor.add_secret(token.secret());
        Ok(Some(token))
    }

    /// Whether the certificate authority accepts tokens of this one's issuer.
    ///
    /// # Errors
    /// No certificate authority is known, or it is not available.
    pub(crate) async fn accepts(&self, ctx: &Context, token: &IdToken) -> Result<bool, Error> {
        let services = self.services(ctx).await?;
        let fulcio = Fulcio::new(http(ctx)?, services.fulcio()?);
        let acceptance = fulcio.accepts(token.issuer()).await?;
        Ok(matches!(acceptance, Acceptance::Accepted(_)))
    }

    /// A new key with a certificate for the identity in `token`, with the log if `log` is true, and with the timestamp
    /// authority if there is one.
    ///
    /// # Errors
    /// A service is missing, is not available or refuses.
    pub(crate) async fn certified(
        &self,
        ctx: &Context,
        token: &IdToken,
        log: bool,
        legacy: bool,
    ) -> Result<BundleSigner, Error> {
        let services = self.for_format(legacy).services(ctx).await?;
        // Checked before a certificate is requested, which is public from then on: without a time it proves nothing.
        if log {
            services.rekor()?;
        } else if services.tsa().is_err() {
            return Err(Error::NoTimestamp);
        }
        let http = http(ctx)?;
        let key = PrivateKey::generate().map_err(|error| Error::KeyNotMade { why: error.to_string() })?;
        let fulcio = Fulcio::new(http.clone(), services.fulcio()?);
        let certificate = fulcio.certificate(token, &key).await?;
        witnessed(BundleSigner::new(key).certified(certificate), &services, http, log)
    }

    /// A signer with a key, with the log and the timestamp authority of the instance.
    ///
    /// # Errors
    /// No log is known.
    pub(crate) async fn witnessed_key(&self, ctx: &Context, signing: BundleSigner) -> Result<BundleSigner, Error> {
        let services = self.services(ctx).await?;
        witnessed(signing, &services, http(ctx)?, true)
    }

    /// These services, with the log that a format needs: cosign 2 can't read the proofs of Rekor 2.
    fn for_format(&self, legacy: bool) -> Sigstore {
        let mut sigstore = self.clone();
        if legacy && sigstore.overrides.rekor.is_none() {
            sigstore.overrides.rekor_version = Some(RekorVersion::V1);
        }
        sigstore
    }
}

/// What a plan says of these services, before anything is fetched.
impl Sigstore {
    /// The services by name: `the public Sigstore`.
    pub(crate) fn words(&self) -> String {
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

    /// Whether anyone can read the log.
    pub(crate) fn is_public(&self) -> bool {
        self.overrides.rekor.is_none() && self.given.is_none() && self.tuf.is_none()
    }

    /// The URL that gives the job its token.
    pub(crate) fn token_url(&self) -> Option<&str> {
        match &self.token {
            Some(TokenSource::GitHub { url, .. }) => Some(url),
            _ => None,
        }
    }

    /// The services that signing uses: as set or given, or else as this release knows them. The repository of
    /// [`Sigstore::services_repository`] may name others.
    pub(crate) fn expected_services(&self, legacy: bool) -> Services {
        let embedded = match (&self.given, &self.tuf) {
            (None, None) if !self.names_services() => Trust::embedded(self.instance).ok(),
            _ => None,
        };
        let config = self.given.as_ref().or(embedded.as_ref()).and_then(Trust::signing_config);
        Services::choose(config, &self.for_format(legacy).overrides, Timestamp::now())
    }

    /// The TUF repository that names the services, if one does.
    pub(crate) fn services_repository(&self) -> Option<String> {
        if self.names_services() { None } else { self.trust_repository() }
    }

    /// The TUF repository that names the trusted root, if one does.
    pub(crate) fn trust_repository(&self) -> Option<String> {
        match (&self.given, &self.tuf) {
            (Some(_), _) => None,
            (None, Some((url, _))) => Some(url.clone()),
            (None, None) => Some(Trust::tuf_repository(self.instance).to_owned()),
        }
    }
}

fn witnessed(signing: BundleSigner, services: &Services, http: Client, log: bool) -> Result<BundleSigner, Error> {
    let mut signing = signing;
    if log {
        let rekor = services.rekor()?;
        signing = signing.logged(Rekor::new(http.clone(), &rekor.url, rekor.version));
    }
    if let Ok(tsa) = services.tsa() {
        signing = signing.timestamped(TimestampAuthority::new(http, tsa));
    }
    Ok(signing)
}

/// The variable to set if the job has no token.
pub(crate) fn token_var() -> &'static Var {
    &SIGSTORE_ID_TOKEN
}

fn token(vars: &mut Vars) -> Option<TokenSource> {
    if let Some(token) = vars.secret(&SIGSTORE_ID_TOKEN) {
        if let Err(error) = IdToken::parse(token.clone()) {
            vars.problem(&SIGSTORE_ID_TOKEN, with_advice(error.to_string(), "Set it to an OIDC token"));
        }
        return Some(TokenSource::Given(token));
    }
    let github = vars.ci("ACTIONS_ID_TOKEN_REQUEST_URL").zip(vars.ci("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    if let Some((url, token)) = github {
        return Some(TokenSource::GitHub { url: url.to_owned(), request_token: token.to_owned().into() });
    }
    vars.ci("BITBUCKET_STEP_OIDC_TOKEN").map(|token| TokenSource::Bitbucket(token.to_owned().into()))
}

/// A client for requests of this run.
///
/// # Errors
/// CA_CERT or a proxy can't be used.
pub(crate) fn http(ctx: &Context) -> Result<Client, Error> {
    ctx.http().map_err(|error| Error::Network(error.to_string()))
}
