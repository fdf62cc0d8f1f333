//! Authentication at registries: basic, and bearer tokens of a token service.

mod challenge;
mod scope;
mod token;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use pipe_core::http::{Authorization, Response};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::credentials::{Credential, Credentials};
use crate::error::{Error, ErrorKind, refusal_line};
pub(crate) use challenge::Challenge;
pub(crate) use scope::{Access, Scope};
use token::Grant;

type TokenKey = (String, String);

/// The credentials of a run, with the tokens and challenges that were seen.
pub(crate) struct Authorizer {
    credentials: Credentials,
    /// By registry and scope. Each has a separate lock, so that many requests fetch one token.
    tokens: Mutex<HashMap<TokenKey, Arc<Mutex<TokenSlot>>>>,
    /// The challenge of each registry.
    challenges: Mutex<HashMap<String, Challenge>>,
}

#[derive(Default)]
struct TokenSlot {
    grant: Option<Grant>,
    /// The last failure, for all requests that waited for the token.
    failed: Option<(Instant, Error)>,
}

impl Authorizer {
    pub(crate) fn new(credentials: Credentials) -> Authorizer {
        Authorizer { credentials, tokens: Mutex::default(), challenges: Mutex::default() }
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The authorization for the first attempt. `None` before the first challenge, or without credentials.
    pub(crate) async fn known(&self, scope: &Scope<'_>) -> Result<Option<Authorization>, Error> {
        let repository = scope.repository;
        let challenge = self.challenges.lock().await.get(&repository.registry).cloned();
        match challenge {
            // A registry may require credentials for some repositories only.
            Some(Challenge::Basic) if self.credentials.of(repository).is_none() => Ok(None),
            Some(challenge) => self.grant(scope, &challenge, None).await.map(Some),
            None => Ok(None),
        }
    }

    /// The authorization after `refused` was not accepted. It is never the same again.
    pub(crate) async fn answer(
        &self,
        scope: &Scope<'_>,
        refusal: &Response,
        refused: Option<&Authorization>,
    ) -> Result<Authorization, Error> {
        let registry = &scope.repository.registry;
        let challenge = {
            let mut challenges = self.challenges.lock().await;
            if let Some(challenge) = Challenge::of(refusal) {
                challenges.insert(registry.clone(), challenge);
            }
            challenges.get(registry).cloned()
        };
        let challenge = challenge.ok_or_else(|| {
            Error::new(ErrorKind::Malformed, format!("{registry} asks for an unknown kind of authentication"))
        })?;
        let answer = self.grant(scope, &challenge, refused).await?;
        if refused.is_some_and(|refused| same(refused, &answer)) {
            return Err(self.credentials.unauthorized(scope.repository, &refusal_line(&refusal.body)));
        }
        Ok(answer)
    }

    async fn grant(
        &self,
        scope: &Scope<'_>,
        challenge: &Challenge,
        refused: Option<&Authorization>,
    ) -> Result<Authorization, Error> {
        let repository = scope.repository;
        let credential = self.credentials.of(repository);
        let (realm, service) = match (challenge, credential) {
            (_, Some(Credential::Token(token))) => return Ok(Authorization::Bearer(token.clone())),
            (Challenge::Bearer { realm, service }, _) => (realm, service.as_deref()),
            (Challenge::Basic, Some(Credential::Basic { user, password })) => {
                return Ok(Authorization::Basic { user: user.clone(), password: password.clone() });
            }
            (Challenge::Basic, Some(Credential::Identity(token))) => return Ok(Authorization::Bearer(token.clone())),
            (Challenge::Basic, None) => return Err(self.credentials.unauthorized(repository, "")),
        };
        let scopes: Vec<String> = scope
            .access
            .iter()
            .map(|(repository, access)| format!("repository:{}:{}", repository.repository, access.actions()))
            .collect();
        let key = (repository.registry.clone(), scopes.join(" "));
        let slot = Arc::clone(self.tokens.lock().await.entry(key).or_default());
        let began = Instant::now();
        let mut slot = slot.lock().await;
        if let Some(grant) = &slot.grant
            && grant.until > Instant::now()
        {
            let known = Authorization::Bearer(grant.token.clone());
            // Another request may have renewed it.
            if !refused.is_some_and(|refused| same(refused, &known)) {
                return Ok(known);
            }
        }
        if let Some((at, error)) = &slot.failed
            && *at >= began
        {
            return Err(error.clone());
        }
        match token::fetch(&self.credentials, scope, realm, service, &scopes).await {
            Ok(grant) => {
                let authorization = Authorization::Bearer(grant.token.clone());
                *slot = TokenSlot { grant: Some(grant), failed: None };
                Ok(authorization)
            }
            Err(error) => {
                *slot = TokenSlot { grant: None, failed: Some((Instant::now(), error.clone())) };
                Err(error)
            }
        }
    }
}

fn same(one: &Authorization, other: &Authorization) -> bool {
    match (one, other) {
        (Authorization::Bearer(one), Authorization::Bearer(other)) => one.expose_secret() == other.expose_secret(),
        (
            Authorization::Basic { user, password },
            Authorization::Basic { user: other_user, password: other_password },
        ) => user == other_user && password.expose_secret() == other_password.expose_secret(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
