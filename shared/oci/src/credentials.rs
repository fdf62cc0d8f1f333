//! Who we are to which registry.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::Repository;

/// Where Docker keeps the credentials of Docker Hub.
const DOCKER_HUB: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// Credentials by registry. Each goes to its own registry and that one's token service, and nowhere else.
#[derive(Clone, Default)]
pub struct Credentials {
    /// By host, or by host and the beginning of a path.
    known: BTreeMap<String, Credential>,
    /// Hosts whose credentials only a helper program has.
    helpers: BTreeMap<String, String>,
    /// The helper of all other hosts.
    store: Option<String>,
}

/// One registry's.
#[derive(Clone)]
pub(crate) enum Credential {
    Basic {
        user: String,
        password: SecretString,
    },
    /// An OAuth2 refresh token.
    Identity(SecretString),
    /// A bearer token as it is.
    Token(SecretString),
}

/// Not a Docker configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CredentialsError(String);

/// The hosts only.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}

impl Credentials {
    /// An account at `host` (`ghcr.io`, `localhost:5000`, `docker.io`); replaces what was known.
    pub fn add(&mut self, host: &str, user: &str, password: SecretString) {
        self.known.insert(key(host), Credential::Basic { user: user.to_owned(), password });
    }

    /// Whether there are any for a repository.
    pub fn know(&self, repository: &Repository) -> bool {
        self.of(repository).is_some()
    }

    /// A registry's own bearer token.
    pub fn add_token(&mut self, host: &str, token: SecretString) {
        self.known.insert(key(host), Credential::Token(token));
    }

    /// The accounts of a Docker configuration (the JSON of `config.json` or podman's `auth.json`) that are not known yet.
    ///
    /// # Errors
    /// Not JSON, or an account that can't be read; the text has no part of it.
    pub fn add_docker_config(&mut self, config: &SecretString) -> Result<(), CredentialsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Config {
            #[serde(default)]
            auths: BTreeMap<String, Auth>,
            creds_store: Option<String>,
            #[serde(default)]
            cred_helpers: BTreeMap<String, String>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Auth {
            auth: String,
            username: String,
            password: String,
            identitytoken: String,
            registrytoken: String,
        }
        let config: Config = serde_json::from_str(config.expose_secret())
            .map_err(|_| CredentialsError("expected a Docker configuration in JSON".to_owned()))?;
        for (host, auth) in config.auths {
            let damaged = || CredentialsError(format!("the `auth` of {host} is not the base64 of user:password"));
            let credential = if !auth.registrytoken.is_empty() {
                Credential::Token(auth.registrytoken.into())
            } else if !auth.identitytoken.is_empty() {
                Credential::Identity(auth.identitytoken.into())
            } else if !auth.auth.is_empty() {
                let text = STANDARD.decode(auth.auth.trim()).map_err(|_| damaged())?;
                let text = String::from_utf8(text).map_err(|_| damaged())?;
                let (user, password) = text.trim_end_matches('\0').split_once(':').ok_or_else(damaged)?;
                Credential::Basic { user: user.to_owned(), password: password.to_owned().into() }
            } else if !auth.username.is_empty() {
                Credential::Basic { user: auth.username, password: auth.password.into() }
            } else {
                // What `docker login` leaves behind when a helper took the password.
                continue;
            };
            self.known.entry(key(&host)).or_insert(credential);
        }
        let helpers = config.cred_helpers.into_iter().map(|(host, helper)| (key(&host), helper));
        self.helpers.extend(helpers);
        self.store = config.creds_store.filter(|store| !store.is_empty()).or(self.store.take());
        Ok(())
    }

    /// Those for a repository: of the longest path, or else of its host.
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

    /// The helper program that would have credentials for a host; it can't be run here.
    pub(crate) fn helper(&self, repository: &Repository) -> Option<&str> {
        self.helpers.get(&key(&repository.registry)).or(self.store.as_ref()).map(String::as_str)
    }
}

/// `https://index.docker.io/v1/` is `docker.io`, `https://ghcr.io/v2/` is `ghcr.io`, podman's `quay.io/org` stays.
fn key(host: &str) -> String {
    let bare = host.trim().trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare).to_ascii_lowercase();
    let (host, path) = bare.split_once('/').map_or((bare.as_str(), None), |(host, path)| (host, Some(path)));
    let host = if DOCKER_HUB.contains(&host) { "docker.io" } else { host };
    path.map_or_else(|| host.to_owned(), |path| format!("{host}/{path}"))
}

#[cfg(test)]
mod tests;
