//! Which registries are talked to, and as whom.

use std::path::PathBuf;

use pipe_core::Context;
use pipe_core::env::Vars;
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
    "The account at the registry of the images (DOCKER_REGISTRY, or else the one that all of them have in common); if \
     unset, the Docker configuration decides.",
)
.aliases(&["REGISTRY_USERNAME"]);
const DOCKER_PASSWORD: Var =
    Var::secret("DOCKER_PASSWORD", "Its password or token; if unset, DOCKER_USERNAME is not used.")
        .aliases(&["REGISTRY_PASSWORD"]);
const DOCKER_AUTH_CONFIG: Var = Var::secret(
    "DOCKER_AUTH_CONFIG",
    "A Docker configuration (the JSON of `config.json`) with credentials for any number of registries; if unset, the \
     file in DOCKER_CONFIG.",
);
const DOCKER_CONFIG: Var = Var::path(
    "DOCKER_CONFIG",
    "The directory of Docker's `config.json`; if unset, `.docker` in the home directory, where there is one.",
);
const REGISTRY_PLAIN_HTTP: Var = Var::flag(
    "REGISTRY_PLAIN_HTTP",
    "Talks to registries without TLS (true) or with it (false); if unset, without it to those on loopback only.",
);
const SIGNATURE_REPOSITORY: Var = Var::text(
    "SIGNATURE_REPOSITORY",
    "Another repository for signatures and attestations, e.g. where the images' own is read-only; if unset, beside each \
     image.",
)
.aliases(&["COSIGN_REPOSITORY"])
.example("ghcr.io/org/signatures");

/// How registries are reached.
#[derive(Clone)]
pub(crate) struct Access {
    credentials: Credentials,
    plain_http: Option<bool>,
    /// Where evidence is kept, if not beside the image.
    pub(crate) elsewhere: Option<Repository>,
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
                (Some(host), _) => credentials.add(&host, &user, password),
                (None, [host]) => credentials.add(host, &user, password),
                (None, []) => {}
                (None, several) => {
                    let which = several.join(", ");
                    vars.problem(
                        &DOCKER_USERNAME,
                        format!("is for which registry? The images are at {which}: set DOCKER_REGISTRY"),
                    );
                }
            },
            (Some(_), None) => vars.problem(&DOCKER_PASSWORD, "required, since DOCKER_USERNAME is set"),
            (None, Some(_)) => vars.problem(&DOCKER_USERNAME, "required, since DOCKER_PASSWORD is set"),
            (None, None) => {}
        }
        let elsewhere = vars.text(&SIGNATURE_REPOSITORY).and_then(|text| match text.parse::<Repository>() {
            Ok(repository) => Some(repository),
            Err(error) => {
                vars.problem(&SIGNATURE_REPOSITORY, error.to_string());
                None
            }
        });
        Access { credentials, plain_http: vars.maybe_flag(&REGISTRY_PLAIN_HTTP), elsewhere }
    }

    pub(crate) fn knows(&self, repository: &Repository) -> bool {
        self.credentials.know(repository)
    }

    pub(crate) fn add(&mut self, host: &str, user: &str, password: SecretString) {
        self.credentials.add(host, user, password);
    }

    pub(crate) fn connect(self, http: pipe_core::http::Client) -> Registry {
        let settings = RegistrySettings { plain_http: self.plain_http, ..RegistrySettings::default() };
        Registry::new(http, self.credentials, settings)
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
    match std::fs::read_to_string(dir.join("config.json")) {
        Ok(text) => Some(text.into()),
        Err(error) => {
            if named.is_some() {
                vars.problem(&DOCKER_CONFIG, format!("config.json can't be read: {error}"));
            }
            None
        }
    }
}
