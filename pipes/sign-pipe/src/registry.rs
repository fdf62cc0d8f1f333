//! The credentials for registries, and how registries are reached.

use std::path::PathBuf;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::fs::{Links, read_text};
use pipe_core::spec::Var;
use pipe_oci::{Credentials, Registry, RegistrySettings, Repository};
use secrecy::SecretString;

use crate::targets::DOCKER_REGISTRY;

pub(crate) const VARS: &[&Var] = &[
    &DOCKER_USERNAME,
    &DOCKER_PASSWORD,
    &DOCKER_AUTH_CONFIG,
    &DOCKER_CONFIG,
    &REGISTRY_PLAIN_HTTP,
    &SIGNATURE_REPOSITORY,
];

const DOCKER_USERNAME: Var = Var::text(
    "DOCKER_USERNAME",
    "Logs in to the registry of the images with this account: to DOCKER_REGISTRY, or to the one registry of all images.",
)
.unset("the credentials of the Docker configuration are used")
.aliases(&["REGISTRY_USERNAME"]);
const DOCKER_PASSWORD: Var = Var::secret("DOCKER_PASSWORD", "Sets the password or token of DOCKER_USERNAME.")
    .unset("DOCKER_USERNAME must be unset too")
    .aliases(&["REGISTRY_PASSWORD"]);
const DOCKER_AUTH_CONFIG: Var = Var::secret(
    "DOCKER_AUTH_CONFIG",
    "Logs in to registries with the credentials in this Docker configuration, the JSON of `config.json`.",
)
.unset("the file in DOCKER_CONFIG is used");
const DOCKER_CONFIG: Var = Var::path("DOCKER_CONFIG", "Sets the directory of Docker's `config.json`.")
    .unset("it is `.docker` in the home directory, if that exists");
const REGISTRY_PLAIN_HTTP: Var = Var::flag("REGISTRY_PLAIN_HTTP", "Connects to registries without TLS.")
    .or("connects with TLS")
    .unset("only registries on loopback are connected to without TLS");
const SIGNATURE_REPOSITORY: Var = Var::text(
    "SIGNATURE_REPOSITORY",
    "Writes signatures and attestations to this repository, and reads them there, e.g. if the repositories of the images \
     are read-only.",
)
.unset("the repository of each image is used")
.aliases(&["COSIGN_REPOSITORY"])
.example("ghcr.io/org/signatures");

/// Whether DOCKER_REGISTRY, which may be a URL or name Docker Hub in several ways, is this host.
fn same_host(host: &str, given: &str) -> bool {
    let bare = |text: &str| {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        text.split('/').next().unwrap_or_default().to_ascii_lowercase()
    };
    let hub = |text: &str| ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(&text);
    let (host, given) = (bare(host), bare(given));
    host == given || (hub(&host) && hub(&given))
}

/// The largest Docker configuration that is read.
const MAX_CONFIG: u64 = 1 << 20;

/// How registries are reached.
#[derive(Clone)]
pub(crate) struct Access {
    credentials: Credentials,
    plain_http: Option<bool>,
    /// The repository that holds all signatures and attestations, instead of each image's own.
    pub(crate) signature_repository: Option<Repository>,
}

impl Access {
    /// `hosts` are the registries of the images.
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context, hosts: &[String]) -> Access {
        let mut credentials = Credentials::default();
        if let Some(config) = docker_config(vars, ctx)
            && let Err(problem) = credentials.add_docker_config(&config)
        {
            let var = if vars.is_set(&DOCKER_AUTH_CONFIG) { &DOCKER_AUTH_CONFIG } else { &DOCKER_CONFIG };
            vars.problem(var, problem.to_string());
        }
        let user = vars.text(&DOCKER_USERNAME);
        let password = vars.secret(&DOCKER_PASSWORD);
        match (user, password) {
            (Some(user), Some(password)) => match (vars.text(&DOCKER_REGISTRY), hosts) {
                (Some(host), hosts) => {
                    let elsewhere = |text: &&String| !same_host(text, &host);
                    if !hosts.is_empty()
                        && hosts.iter().all(|known| elsewhere(&known))
                        && !vars.is_set(&SIGNATURE_REPOSITORY)
                    {
                        let which = hosts.join(", ");
                        vars.notice(format!(
                            "DOCKER_USERNAME is for DOCKER_REGISTRY={host}, and the images are at {which}. Set DOCKER_REGISTRY to \
                             the registry of the account"
                        ));
                    }
                    credentials.add(&host, &user, password);
                }
                (None, [host]) => credentials.add(host, &user, password),
                (None, []) => {}
                (None, several) => {
                    let which = several.join(", ");
                    vars.problem(
                        &DOCKER_USERNAME,
                        format!(
                            "the images are at several registries ({which}). Set DOCKER_REGISTRY to the one of this account"
                        ),
                    );
                }
            },
            (Some(_), None) => vars.problem(&DOCKER_PASSWORD, "required, since DOCKER_USERNAME is set"),
            (None, Some(_)) => vars.problem(&DOCKER_USERNAME, "required, since DOCKER_PASSWORD is set"),
            (None, None) => {}
        }
        let signature_repository = vars.text(&SIGNATURE_REPOSITORY).and_then(|text| match text.parse::<Repository>() {
            Ok(repository) => Some(repository),
            Err(error) => {
                vars.problem(&SIGNATURE_REPOSITORY, error.to_string());
                None
            }
        });
        Access { credentials, plain_http: vars.maybe_flag(&REGISTRY_PLAIN_HTTP), signature_repository }
    }

    /// Whether there are credentials for a repository.
    pub(crate) fn knows(&self, repository: &Repository) -> bool {
        self.credentials.know(repository)
    }

    pub(crate) fn add(&mut self, host: &str, user: &str, password: SecretString) {
        self.credentials.add(host, user, password);
    }

    /// The URL that all requests to a repository begin with.
    pub(crate) fn origin(&self, repository: &Repository) -> String {
        self.settings().origin(repository)
    }

    /// Bytes from which on a blob is uploaded in pieces.
    pub(crate) fn piece(&self) -> u64 {
        self.settings().chunk as u64
    }

    pub(crate) fn connect(self, http: pipe_core::http::Client) -> Registry {
        let settings = self.settings();
        Registry::new(http, self.credentials, settings)
    }

    fn settings(&self) -> RegistrySettings {
        RegistrySettings { plain_http: self.plain_http, ..RegistrySettings::default() }
    }
}

/// The JSON of a Docker configuration, if there is one.
fn docker_config(vars: &mut Vars, ctx: &Context) -> Option<SecretString> {
    if let Some(config) = vars.secret(&DOCKER_AUTH_CONFIG) {
        vars.pass_over(&[&DOCKER_CONFIG]);
        return Some(config);
    }
    let named = vars.path(&DOCKER_CONFIG);
    let dir = match &named {
        Some(dir) => ctx.workspace.dir.join(dir),
        None => PathBuf::from(vars.ci("HOME")?).join(".docker"),
    };
    match read_text(&dir.join("config.json"), MAX_CONFIG, Links::Follow) {
        Ok(text) => {
            let config = SecretString::from(text);
            ctx.redactor.add_secret(&config);
            Some(config)
        }
        Err(error) => {
            if named.is_some() {
                vars.problem(
                    &DOCKER_CONFIG,
                    format!("failed to read config.json: {error}. Set it to a directory that can be read"),
                );
            }
            None
        }
    }
}
