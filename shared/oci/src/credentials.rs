//! Accounts at registries, from variables or from a Docker configuration.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::Repository;
use crate::error::{Error, ErrorKind};
use crate::types::null_as_default;

const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The names under which Docker keeps the credentials of Docker Hub.
const DOCKER_HUB: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// Credentials by registry. They are sent only to their registry and to its token service.
#[derive(Clone, Default)]
pub struct Credentials {
    /// By host, or by host and path prefix.
    known: BTreeMap<String, Credential>,
    /// Hosts with a credential helper.
    helpers: BTreeMap<String, String>,
    /// The credential helper of all other hosts.
    store: Option<String>,
}

/// The credentials for one registry.
#[derive(Clone)]
pub(crate) enum Credential {
    Basic {
        user: String,
        password: SecretString,
    },
    /// An OAuth2 refresh token.
    Identity(SecretString),
    /// A bearer token.
    Token(SecretString),
}

/// Text that is not a Docker configuration. The message contains no part of it but host names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CredentialsError(String);

/// Prints only the hosts.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}

impl Credentials {
    /// An account at `host` (`ghcr.io`, `localhost:5000`, `docker.io`); it replaces an earlier one. With the user `<token>`,
    /// the password is an OAuth2 refresh token, as in Docker's credential helpers.
    pub fn add(&mut self, host: &str, user: &str, password: SecretString) {
        self.known.insert(key(host), account(user, password));
    }

    /// Whether credentials for a repository are known.
    pub fn know(&self, repository: &Repository) -> bool {
        self.of(repository).is_some()
    }

    /// The accounts of a Docker configuration (the JSON of `config.json` or podman's `auth.json`) that are not known yet.
    ///
    /// # Errors
    /// It is not JSON, or the `auth` of an account is not valid. The message contains no secret.
    pub fn add_docker_config(&mut self, config: &SecretString) -> Result<(), CredentialsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Config {
            #[serde(default, deserialize_with = "null_as_default")]
            auths: BTreeMap<String, Option<Auth>>,
            creds_store: Option<String>,
            #[serde(default, deserialize_with = "null_as_default")]
            cred_helpers: BTreeMap<String, String>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Auth {
            #[serde(deserialize_with = "null_as_default")]
            auth: String,
            #[serde(deserialize_with = "null_as_default")]
            username: String,
            #[serde(deserialize_with = "null_as_default")]
            password: String,
            #[serde(deserialize_with = "null_as_default")]
            identitytoken: String,
            #[serde(deserialize_with = "null_as_default")]
            registrytoken: String,
        }
        let config: Config = serde_json::from_str(config.expose_secret())
            .map_err(|_| CredentialsError("expected a Docker configuration in JSON".to_owned()))?;
        for (host, auth) in config.auths {
            let auth = auth.unwrap_or_default();
            let damaged = || CredentialsError(format!("the `auth` of {host:?} is not user:password in base64"));
            let credential = if !auth.registrytoken.is_empty() {
                Credential::Token(auth.registrytoken.into())
            } else if !auth.identitytoken.is_empty() {
                Credential::Identity(auth.identitytoken.into())
            } else if !auth.auth.is_empty() {
                // It may be written by hand: `base64` breaks lines, and other tools omit the padding.
                let plain: String = auth.auth.split_whitespace().collect();
                let text = FORGIVING.decode(plain).map_err(|_| damaged())?;
                let text = String::from_utf8(text).map_err(|_| damaged())?;
                let (user, password) = text.trim_end_matches(['\0', '\n', '\r']).split_once(':').ok_or_else(damaged)?;
                account(user, password.to_owned().into())
            } else if !auth.username.is_empty() {
                account(&auth.username, auth.password.into())
            } else {
                // `docker login` writes an empty entry if a helper stores the password.
                continue;
            };
            self.known.entry(key(&host)).or_insert(credential);
        }
        for (host, helper) in config.cred_helpers.into_iter().filter(|(_, helper)| !helper.is_empty()) {
            self.helpers.entry(key(&host)).or_insert(helper);
        }
        self.store = self.store.take().or(config.creds_store.filter(|store| !store.is_empty()));
        Ok(())
    }

    /// The credentials for a repository: of the longest path, otherwise of its host.
    pub(crate) fn of(&self, repository: &Repository) -> Option<&Credential> {
        let host = key(&repository.registry);
        let mut path = format!("{host}/{}", repository.repository);
        loop {
            if let Some(credential) = self.known.get(&path) {
                return Some(credential);
            }
            path.truncate(path.rfind('/')?);
        }
    }

    /// The credential helper that is configured for a host. Helpers are not run.
    pub(crate) fn helper(&self, repository: &Repository) -> Option<&str> {
        self.helpers.get(&key(&repository.registry)).or(self.store.as_ref()).map(String::as_str)
    }

    /// The error for a registry that requires credentials and accepted none. `refusal` is its own text, if any.
    pub(crate) fn unauthorized(&self, repository: &Repository, refusal: &str) -> Error {
        let registry = &repository.registry;
        let text = match (self.of(repository), self.helper(repository)) {
            (Some(_), _) => format!("the credentials for {registry} were refused"),
            (None, Some(helper)) => format!(
                "no credentials for {registry}: the Docker configuration refers to the credential helper {helper:?}, \
                 which cannot run here"
            ),
            (None, None) => format!("no credentials for {registry}, which requires them"),
        };
        let text = if refusal.is_empty() { text } else { format!("{text}: {refusal}") };
        Error::new(ErrorKind::Unauthorized, text)
    }
}

fn account(user: &str, password: SecretString) -> Credential {
    match user {
        "<token>" => Credential::Identity(password),
        _ => Credential::Basic { user: user.to_owned(), password },
    }
}

/// `https://index.docker.io/v1/` is `docker.io`, `https://ghcr.io/v2/` is `ghcr.io`, podman's `quay.io/org` stays.
fn key(host: &str) -> String {
    let bare = host.trim().to_ascii_lowercase();
    let bare = bare.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let (host, path) = bare.split_once('/').map_or((bare, None), |(host, path)| (host, Some(path)));
    let host = if DOCKER_HUB.contains(&host) { "docker.io" } else { host };
    match path {
        None | Some("v1" | "v2") => host.to_owned(),
        Some(path) => format!("{host}/{path}"),
    }
}

#[cfg(test)]
mod tests;
