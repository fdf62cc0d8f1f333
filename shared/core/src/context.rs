//! What a pipe knows of the run it is part of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::console::{Console, Style};
use crate::env::Vars;
use crate::git::Checkout;
use crate::http::{Authorization, Client, HttpError, Settings};
use crate::place::Place;
use crate::platform::{self, CiContext, Provider};
use crate::redact::Redactor;
use crate::spec::{Spec, common};
use crate::workspace::Workspace;

/// Shared by every part of a run.
pub struct Context {
    /// The pipe that runs.
    pub spec: &'static Spec,
    /// What the CI says about the run.
    pub ci: CiContext,
    /// The Git repository around the working directory. `None` outside of one.
    pub checkout: Option<Arc<Checkout>>,
    /// The directories of the run.
    pub workspace: Workspace,
    /// `REPORT_NAME`.
    pub report_name: Option<String>,
    /// Standard output and error.
    pub console: Arc<Console>,
    /// Knows the secrets of this run.
    pub redactor: Redactor,
    /// Set when the run is to end: by a signal or by `TIMEOUT`.
    pub cancel: CancellationToken,
    /// `TIMEOUT`.
    pub timeout: Duration,
    /// `DRY_RUN`.
    pub dry_run: bool,
    /// When the run began, by the machine's clock.
    pub now: Timestamp,
    /// Credentials of the CI platforms.
    pub tokens: Tokens,
    network: Settings,
}

/// Credentials of the CI platforms. Each goes to its own platform's API and nowhere else.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// `GITHUB_TOKEN`.
    pub github: Option<SecretString>,
    /// `GITLAB_TOKEN`.
    pub gitlab: Option<SecretString>,
    /// `BITBUCKET_ACCESS_TOKEN`.
    pub bitbucket: Option<SecretString>,
    /// Account and API token.
    pub atlassian: Option<(String, SecretString)>,
}

impl Tokens {
    /// What proves us to Bitbucket's API: an access token, or else an account's API token.
    pub fn bitbucket_authorization(&self) -> Option<Authorization> {
        let bearer = self.bitbucket.clone().map(Authorization::Bearer);
        bearer.or_else(|| {
            let (user, password) = self.atlassian.clone()?;
            Some(Authorization::Basic { user, password })
        })
    }
}

impl Context {
    /// Reads the common variables. Mistakes are recorded in `vars`; the context is usable all the same, so that a
    /// report can be written.
    pub fn new(spec: &'static Spec, vars: &mut Vars, cwd: &Path) -> Context {
        let place = Place::find(vars, cwd, None);
        Context::of(spec, vars, place, Redactor::default())
    }

    /// [`Context::new`] where the place of the run and the redactor of its report are known already.
    pub(crate) fn of(spec: &'static Spec, vars: &mut Vars, place: Place, redactor: Redactor) -> Context {
        let Place { workspace, checkout, report_name } = place;
        let mut ci = platform::detect(&|name| vars.ci(name).map(str::to_owned), checkout.as_deref());
        platform::given(vars, &mut ci);
        for secret in vars.secrets() {
            redactor.add_secret(secret);
        }
        ci.written_by_authors().for_each(|text| redactor.add_tokens(text));
        let runner_debug = vars.ci("RUNNER_DEBUG") == Some("1");
        let debug = vars.maybe_flag(&common::DEBUG).unwrap_or(runner_debug);
        let json = vars.choice(&common::LOG_FORMAT) == Some("json");
        let no_color = vars.text(&common::NO_COLOR).is_some();
        let plain = vars.ci("TERM") == Some("dumb");
        let style = Style::choose(json, no_color, ci.provider != Provider::None, plain, debug);
        Context {
            spec,
            report_name,
            console: Arc::new(Console::new(spec.name, redactor.clone(), style)),
            redactor,
            cancel: CancellationToken::new(),
            timeout: vars.duration(&common::TIMEOUT).unwrap_or(Duration::from_secs(3600)),
            dry_run: vars.flag(&common::DRY_RUN),
            now: Timestamp::now(),
            tokens: tokens(vars),
            network: network(vars),
            workspace,
            checkout,
            ci,
        }
    }

    /// A client for requests of this run, which end when the run does.
    ///
    /// # Errors
    /// `CA_CERT` or a proxy's address can't be used.
    pub fn http(&self) -> Result<Client, HttpError> {
        Client::new(&self.http_settings(), self.cancel.clone())
    }

    /// The settings of [`Context::http`], to be changed where a service needs other limits.
    pub fn http_settings(&self) -> Settings {
        let user_agent = format!("{}/{}", self.spec.name, self.spec.version);
        Settings { user_agent, redactor: self.redactor.clone(), ..self.network.clone() }
    }
}

fn tokens(vars: &mut Vars) -> Tokens {
    let email = vars.text(&common::ATLASSIAN_ACCOUNT_EMAIL);
    Tokens {
        github: vars.secret(&common::GITHUB_TOKEN),
        gitlab: vars.secret(&common::GITLAB_TOKEN),
        bitbucket: vars.secret(&common::BITBUCKET_ACCESS_TOKEN),
        atlassian: email.zip(vars.secret(&common::ATLASSIAN_API_TOKEN)),
    }
}

/// Proxies and certificate authorities. What can't be used is a mistake in the configuration.
fn network(vars: &mut Vars) -> Settings {
    let mut settings = Settings {
        no_proxy: vars.text(&common::NO_PROXY),
        roots_pem: vars.ci("SSL_CERT_FILE").and_then(|path| std::fs::read_to_string(path).ok()),
        ..Settings::default()
    };
    settings.ca_pem = vars.text(&common::CA_CERT);
    if settings.ca_pem.is_some()
        && let Err(error) = Client::check(&settings)
    {
        vars.problem(&common::CA_CERT, error.to_string());
        settings.ca_pem = None;
    }
    settings.https_proxy = vars.secret(&common::HTTPS_PROXY);
    if settings.https_proxy.is_some()
        && let Err(error) = Client::check(&settings)
    {
        vars.problem(&common::HTTPS_PROXY, error.to_string());
        settings.https_proxy = None;
    }
    settings.http_proxy = vars.secret(&common::HTTP_PROXY);
    if settings.http_proxy.is_some()
        && let Err(error) = Client::check(&settings)
    {
        vars.problem(&common::HTTP_PROXY, error.to_string());
        settings.http_proxy = None;
    }
    settings
}
