//! Proving who we are: basic authentication, and bearer tokens of the registry's token service.
//!
//! Source: the distribution project's token authentication specification, and RFC 7235 for challenges.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipe_core::http::{Authorization, Client, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::credentials::{Credential, Credentials};
use crate::error::{Error, Kind};
use crate::{Repository, Settings};

/// What is allowed with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
}

/// How long a token is used when nobody says: the specification's default.
const LIFETIME: u64 = 60;

/// A token this near its end is not used any more.
const MARGIN: Duration = Duration::from_secs(5);

/// What a registry wants, in one `WWW-Authenticate`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    pub(crate) fn parse(header: &str) -> Option<Challenge> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| {
            parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Challenge::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") })
    }
}

/// `key="value", key=value`, where commas within quotes belong to the value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_start_matches([',', ' ']).trim().to_owned();
        let after = after.trim_start();
        let value;
        if let Some(quoted) = after.strip_prefix('"') {
            let mut end = None;
            let mut escaped = false;
            for (index, character) in quoted.char_indices() {
                match character {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => {
                        end = Some(index);
                        break;
                    }
                    _ => {}
                }
            }
            let end = end.unwrap_or(quoted.len());
            value = quoted[..end].replace("\\\"", "\"").replace("\\\\", "\\");
            rest = quoted.get(end + 1..).unwrap_or("");
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value = after[..end].trim().to_owned();
            rest = &after[end..];
        }
        parameters.push((name, value));
    }
    parameters
}

type Key = (String, String);

/// Who we are at every registry of a run.
pub(crate) struct Authorizer {
    credentials: Credentials,
    /// By registry and scope. A lock of its own each, so that many requests fetch one token.
    tokens: Mutex<HashMap<Key, Arc<Mutex<Option<Grant>>>>>,
    /// What each registry asked for.
    challenges: Mutex<HashMap<String, Arc<Challenge>>>,
}

#[derive(Clone)]
struct Grant {
    authorization: Authorization,
    until: Instant,
}

impl Authorizer {
    pub(crate) fn new(credentials: Credentials) -> Authorizer {
        Authorizer { credentials, tokens: Mutex::default(), challenges: Mutex::default() }
    }

    /// What to send with the first attempt: nothing, before a registry has asked.
    pub(crate) async fn known(
        &self,
        http: &Client,
        settings: &Settings,
        repository: &Repository,
        scope: &[(&Repository, Access)],
    ) -> Result<Option<Authorization>, Error> {
        let challenge = self.challenges.lock().await.get(&repository.registry).cloned();
        match challenge {
            Some(challenge) => self.grant(http, settings, repository, &challenge, scope).await.map(Some),
            None => Ok(None),
        }
    }

    /// What to send after a refusal with this challenge.
    pub(crate) async fn answer(
        &self,
        http: &Client,
        settings: &Settings,
        repository: &Repository,
        challenge: &str,
        scope: &[(&Repository, Access)],
    ) -> Result<Authorization, Error> {
        let challenge = Challenge::parse(challenge).map(Arc::new).ok_or_else(|| {
            Error::new(Kind::Malformed, format!("{} asks for an unknown kind of authentication", repository.registry))
        })?;
        self.challenges.lock().await.insert(repository.registry.clone(), Arc::clone(&challenge));
        self.grant(http, settings, repository, &challenge, scope).await
    }

    async fn grant(
        &self,
        http: &Client,
        settings: &Settings,
        repository: &Repository,
        challenge: &Challenge,
        scope: &[(&Repository, Access)],
    ) -> Result<Authorization, Error> {
        let credential = self.credentials.of(repository);
        let Challenge::Bearer { realm, service, .. } = challenge else {
            return match credential {
                Some(Credential::Basic { user, password }) => {
                    Ok(Authorization::Basic { user: user.clone(), password: password.clone() })
                }
                Some(Credential::Token(token) | Credential::Identity(token)) => {
                    Ok(Authorization::Bearer(token.clone()))
                }
                None => Err(self.lacking(repository)),
            };
        };
        if let Some(Credential::Token(token)) = credential {
            return Ok(Authorization::Bearer(token.clone()));
        }
        let scopes: Vec<String> = scope
            .iter()
            .map(|(repository, access)| {
                let actions = if *access == Access::Push { "pull,push" } else { "pull" };
                format!("repository:{}:{actions}", repository.repository)
            })
            .collect();
        let key = (repository.registry.clone(), scopes.join(" "));
        let slot = Arc::clone(self.tokens.lock().await.entry(key).or_default());
        let mut slot = slot.lock().await;
        if let Some(grant) = &*slot
            && grant.until > Instant::now()
        {
            return Ok(grant.authorization.clone());
        }
        let grant = fetch(http, settings, repository, credential, realm, service.as_deref(), &scopes).await?;
        *slot = Some(grant.clone());
        Ok(grant.authorization)
    }

    /// Forgets the tokens of a registry that no longer takes them.
    pub(crate) async fn forget(&self, repository: &Repository) {
        self.tokens.lock().await.retain(|(registry, _), _| *registry != repository.registry);
    }

    /// Why a registry that wants credentials gets none.
    pub(crate) fn lacking(&self, repository: &Repository) -> Error {
        let registry = &repository.registry;
        let text = match (self.credentials.of(repository), self.credentials.helper(repository)) {
            (Some(_), _) => format!("the credentials for {registry} were refused"),
            (None, Some(helper)) => format!(
                "no credentials for {registry}: the Docker configuration leaves them to the helper {helper:?}, which \
                 can't be run here"
            ),
            (None, None) => format!("no credentials for {registry}, which asks for some"),
        };
        Error::new(Kind::Unauthorized, text)
    }
}

/// A token from the registry's token service.
async fn fetch(
    http: &Client,
    settings: &Settings,
    repository: &Repository,
    credential: Option<&Credential>,
    realm: &str,
    service: Option<&str>,
    scopes: &[String],
) -> Result<Grant, Error> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<u64>,
    }
    let registry = &repository.registry;
    let malformed = |why: &str| Error::new(Kind::Malformed, format!("the token service of {registry} {why}"));
    let url = Url::parse(realm).map_err(|_| malformed("is at no URL"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let secure = url.scheme() == "https";
    let plain = url.scheme() == "http" && settings.is_plain(&host);
    if !secure && !plain {
        return Err(malformed("is not asked, since it is not reached by https"));
    }
    let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let request = match credential {
        Some(Credential::Identity(token)) => {
            let scope = scopes.join(" ");
            let form = format!(
                "grant_type=refresh_token&refresh_token={}&client_id=pipewright&service={}&scope={}",
                encode(token.expose_secret()),
                encode(service.unwrap_or_default()),
                encode(&scope)
            );
            Request::post(realm).body("application/x-www-form-urlencoded", form).secret_body().idempotent()
        }
        other => {
            let mut url = url;
            {
                let mut query = url.query_pairs_mut();
                if let Some(service) = service {
                    query.append_pair("service", service);
                }
                for scope in scopes {
                    query.append_pair("scope", scope);
                }
            }
            let request = Request::get(url.as_str());
            match other {
                Some(Credential::Basic { user, password }) => request
                    .authorize(&Authorization::Basic { user: user.clone(), password: password.clone() }, &authority),
                _ => request,
            }
        }
    };
    let response = http.send(request.max_body(1 << 20)).await.map_err(|error| match error.status() {
        Some(401 | 403) if credential.is_some() => {
            Error::new(Kind::Unauthorized, format!("the credentials for {registry} were refused"))
        }
        _ => Error::http(&format!("a token for {registry}"), &error),
    })?;
    let answer: Answer = response.json().map_err(|_| malformed("answers no JSON with a token"))?;
    let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    let token: Option<SecretString> = token.map(SecretString::from);
    let token = token.ok_or_else(|| malformed("answers no token"))?;
    let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(LIFETIME).clamp(10, 3600));
    Ok(Grant { authorization: Authorization::Bearer(token), until: Instant::now() + lifetime - MARGIN })
}

#[cfg(test)]
mod tests;
