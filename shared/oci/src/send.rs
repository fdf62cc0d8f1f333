//! Sends requests with credentials, and resolves the URLs in responses.

use pipe_core::http::{Authorization, HttpError, Request, Response, Url};

use crate::Repository;
use crate::auth::{Access, Scope};
use crate::client::Registry;
use crate::error::{Error, ErrorKind, refusal_line, refusal_message};

impl Registry {
    /// `https://host/v2/name/rest`
    pub(crate) fn url(&self, repository: &Repository, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.settings.origin(repository), repository.repository)
    }

    /// The absolute URL of `target` in a response. It never leads from https to http: at the same host, where a proxy in
    /// front of the registry handles TLS, the scheme becomes https, otherwise the result is `None`.
    pub(crate) fn onward(&self, response: &Response, target: &str) -> Option<Url> {
        let mut url = response.url.join(target).ok()?;
        if response.url.scheme() == "https" && url.scheme() == "http" {
            url.set_scheme("https").ok()?;
            if url.origin() != response.url.origin() {
                return None;
            }
        }
        url.set_fragment(None);
        // A registry must not choose credentials.
        url.set_username("").and_then(|()| url.set_password(None)).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// Sends a request, with credentials if the registry requires them. They are sent to the registry only, never along a
    /// redirect, to the storage service of an upload, or to a token service that one of these names.
    pub(crate) async fn send(
        &self,
        request: Request,
        what: &str,
        repository: &Repository,
        access: &[(&Repository, Access)],
    ) -> Result<Response, Error> {
        let host = repository.host();
        let registry = Url::parse(&self.url(repository, "")).ok().map(|url| url.origin());
        let is_registry = |url: &Url| registry.as_ref().is_some_and(|registry| *registry == url.origin());
        let ours = request.url().is_some_and(is_registry);
        let request = request.accept(401).explained_by(refusal_message);
        let writes = access.iter().any(|(_, access)| *access == Access::Push);
        let failed = |error: &HttpError| {
            let error = Error::http(what, error);
            if writes { error.of_write() } else { error }
        };
        let exchange = async |authorization: Option<&Authorization>| {
            let request = match authorization {
                Some(authorization) => request.clone().authorize(authorization, host),
                None => request.clone(),
            };
            let response = self.http.send(request).await.map_err(|error| failed(&error))?;
            if response.status == 401 && !is_registry(&response.url) {
                let host = response.url.host_str().unwrap_or_default();
                let text = format!("{what}: the registry redirects to {host}, which asks for credentials");
                return Err(Error::new(ErrorKind::Denied, text));
            }
            Ok(response)
        };
        let scope = Scope { http: &self.http, settings: &self.settings, repository, access };
        let about = |error: Error| error.about(what);
        let known = if ours { self.authorizer.known(&scope).await.map_err(about)? } else { None };
        let response = exchange(known.as_ref()).await?;
        if response.status != 401 {
            return Ok(response);
        }
        let answer = self.authorizer.answer(&scope, &response, known.as_ref()).await.map_err(about)?;
        let response = exchange(Some(&answer)).await?;
        if response.status == 401 {
            return Err(self
                .authorizer
                .credentials()
                .unauthorized(repository, &refusal_line(&response.body))
                .about(what));
        }
        Ok(response)
    }
}
