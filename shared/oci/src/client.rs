//! Requests to registries.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use pipe_core::http::{Authorization, Client, HttpError, Method, Request, Response, Url};
use serde::de::DeserializeOwned;

use crate::auth::{Access, Authorizer};
use crate::credentials::Credentials;
use crate::error::{Error, Kind};
use crate::types::media_type;
use crate::{Descriptor, Digest, Index, Reference, Repository};

/// How deep indexes may lie in each other.
const DEPTH: usize = 4;

/// Limits and habits of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether registries are talked to without TLS; `None`: those on loopback are, the others not.
    pub plain_http: Option<bool>,
    /// Bytes of a manifest or index that are read; registries allow 4 MiB.
    pub max_manifest: u64,
    /// Bytes that are uploaded at once; larger blobs go in pieces of this size.
    pub chunk: usize,
    /// Pages of a list of referrers that are asked for.
    pub max_pages: usize,
}

impl Settings {
    /// Whether a host, without its port, is talked to without TLS.
    pub(crate) fn is_plain(&self, host: &str) -> bool {
        self.plain_http.unwrap_or_else(|| is_loopback(host))
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { plain_http: None, max_manifest: 4 * 1024 * 1024, chunk: 16 * 1024 * 1024, max_pages: 1000 }
    }
}

/// A manifest or index as it is at a registry.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub descriptor: Descriptor,
    pub bytes: Bytes,
}

impl Fetched {
    /// The document, e.g. as a [`Manifest`](crate::Manifest).
    ///
    /// # Errors
    /// It is of another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            Error::new(Kind::Malformed, format!("the manifest {} can't be read: {error}", self.descriptor.digest))
        })
    }
}

/// What a registry said to a manifest.
#[derive(Debug, Clone)]
pub struct Pushed {
    pub descriptor: Descriptor,
    /// The registry lists it among the referrers of its subject by itself.
    pub subject_accepted: bool,
}

/// A client for any number of registries. Clones share connections and tokens.
#[derive(Clone)]
pub struct Registry {
    http: Client,
    authorizer: Arc<Authorizer>,
    pub(crate) settings: Arc<Settings>,
}

impl Registry {
    pub fn new(http: Client, credentials: Credentials, settings: Settings) -> Registry {
        Registry { http, authorizer: Arc::new(Authorizer::new(credentials)), settings: Arc::new(settings) }
    }

    /// What a reference names at this moment.
    ///
    /// # Errors
    /// It is not there, or the registry can't be asked.
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error> {
        let what = format!("the manifest of {reference}");
        let repository = &reference.repository;
        let url = self.url(repository, &format!("manifests/{}", reference.key()));
        let head = Request::new(Method::HEAD, &url).header("Accept", media_type::ALL).accept(405).accept(400);
        let response = self.send(head, &what, repository, &[(repository, Access::Pull)]).await?;
        let named = digest_in(&response);
        let size = response.header("content-length").and_then(|size| size.parse().ok());
        let kind = response.header("content-type").map(bare);
        if let (true, Some(digest), Some(size), Some(kind)) = (response.status == 200, named, size, kind)
            && reference.digest.as_ref().is_none_or(|wanted| *wanted == digest)
        {
            return Ok(Descriptor::new(&kind, digest, size));
        }
        // Some registries answer HEAD in part only: the manifest itself tells everything.
        Ok(self.manifest(reference).await?.descriptor)
    }

    /// A manifest or index, its digest verified: the one that was asked for, or for a tag the one that the registry names.
    ///
    /// # Errors
    /// It is not there, too large or of another digest, or the registry can't be asked.
    pub async fn manifest(&self, reference: &Reference) -> Result<Fetched, Error> {
        let what = format!("the manifest of {reference}");
        let repository = &reference.repository;
        let url = self.url(repository, &format!("manifests/{}", reference.key()));
        let get = Request::get(&url).header("Accept", media_type::ALL).max_body(self.settings.max_manifest);
        let response = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?;
        let digest = match reference.digest.clone().or_else(|| digest_in(&response)) {
            Some(digest) => digest,
            None => Digest::of(&response.body),
        };
        if !digest.verify(&response.body) {
            return Err(Error::new(Kind::DigestMismatch, format!("{what} is not what its digest {digest} says")));
        }
        // Registries say what it is; where one does not, the document does.
        let inside = || {
            let document: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
            document.get("mediaType")?.as_str().map(str::to_owned)
        };
        let kind = response.header("content-type").map(bare).filter(|kind| kind.contains("vnd.")).or_else(inside);
        let kind = kind.unwrap_or_else(|| media_type::MANIFEST.to_owned());
        let descriptor = Descriptor::new(&kind, digest, response.body.len() as u64);
        Ok(Fetched { descriptor, bytes: response.body.into() })
    }

    /// Every image in an index, nested indexes opened; for an image itself just that. What build tools hide in an index
    /// as images for `unknown/unknown` (BuildKit's attestations) is left out.
    ///
    /// # Errors
    /// As [`Registry::manifest`], and an index that lies in itself.
    pub async fn images(&self, reference: &Reference) -> Result<Vec<Descriptor>, Error> {
        let top = self.manifest(reference).await?;
        let mut images = Vec::new();
        self.collect(reference, top, DEPTH, &mut images).await?;
        Ok(images)
    }

    fn collect<'a>(
        &'a self,
        reference: &'a Reference,
        fetched: Fetched,
        depth: usize,
        images: &'a mut Vec<Descriptor>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if !media_type::is_index(&fetched.descriptor.media_type) {
                images.push(fetched.descriptor);
                return Ok(());
            }
            if depth == 0 {
                let text = format!("the index {reference} has indexes nested more than {DEPTH} deep");
                return Err(Error::new(Kind::Malformed, text));
            }
            for child in fetched.json::<Index>()?.manifests {
                let hidden =
                    |platform: &crate::Platform| platform.os == "unknown" && platform.architecture == "unknown";
                if child.platform.as_ref().is_some_and(hidden)
                    || images.iter().any(|known| known.digest == child.digest)
                {
                    continue;
                }
                if media_type::is_index(&child.media_type) {
                    let nested = self.manifest(&reference.with_digest(child.digest)).await?;
                    self.collect(reference, nested, depth - 1, images).await?;
                } else {
                    images.push(child);
                }
            }
            Ok(())
        })
    }

    /// A blob, digest and size verified.
    ///
    /// # Errors
    /// It is not there, larger than `limit` bytes or of another digest, or the registry can't be asked.
    pub async fn blob(&self, repository: &Repository, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, Error> {
        let what = format!("the blob {} of {repository}", descriptor.digest);
        if descriptor.size > limit {
            let text = format!("{what} has {} bytes, and at most {limit} are read", descriptor.size);
            return Err(Error::new(Kind::TooLarge, text));
        }
        let url = self.url(repository, &format!("blobs/{}", descriptor.digest));
        let get = Request::get(&url).max_body(descriptor.size);
        let body = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?.body;
        if body.len() as u64 != descriptor.size || !descriptor.digest.verify(&body) {
            return Err(Error::new(Kind::DigestMismatch, format!("{what} is not what its digest says")));
        }
        Ok(body)
    }

    /// Writes a manifest under a tag or its digest.
    ///
    /// # Errors
    /// The registry refuses it, says that it has another digest, or can't be asked.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Pushed, Error> {
        let what = format!("writing the manifest {repository}:{reference}");
        let descriptor = Descriptor::of(media_type, &bytes);
        let url = self.url(repository, &format!("manifests/{reference}"));
        let put = Request::put(&url).body(media_type, bytes);
        let response = self.send(put, &what, repository, &[(repository, Access::Push)]).await?;
        if let Some(digest) = digest_in(&response)
            && digest != descriptor.digest
        {
            return Err(Error::new(Kind::DigestMismatch, format!("{what}: the registry has it as {digest}")));
        }
        Ok(Pushed { descriptor, subject_accepted: response.header("oci-subject").is_some() })
    }

    /// `https://host/v2/name/rest`
    pub(crate) fn url(&self, repository: &Repository, rest: &str) -> String {
        let host = repository.host();
        let bare = host.rsplit_once(':').map_or(host, |(before, _)| before);
        let scheme = if self.settings.is_plain(bare) { "http" } else { "https" };
        format!("{scheme}://{host}/v2/{}/{rest}", repository.repository)
    }

    /// Sends a request, with credentials where the registry asks for them.
    pub(crate) async fn send(
        &self,
        request: Request,
        what: &str,
        repository: &Repository,
        scope: &[(&Repository, Access)],
    ) -> Result<Response, Error> {
        let host = repository.host();
        let registry = Url::parse(&self.url(repository, "")).ok();
        // An upload may go on at a storage service, which is not to know who we are.
        let ours = request.url().zip(registry).is_some_and(|(url, registry)| url.origin() == registry.origin());
        let authorized = |request: &Request, authorization: &Option<Authorization>| match authorization {
            Some(authorization) if ours => request.clone().authorize(authorization, host),
            _ => request.clone(),
        };
        let request = request.accept(401);
        let known = self.authorizer.known(&self.http, &self.settings, repository, scope).await?;
        let failed = |error: HttpError| Error::http(what, &error);
        let response = self.http.send(authorized(&request, &known)).await.map_err(failed)?;
        if response.status != 401 {
            return Ok(response);
        }
        if known.is_some() {
            self.authorizer.forget(repository).await;
        }
        let challenge = response.header("www-authenticate").unwrap_or_default().to_owned();
        let answer = self.authorizer.answer(&self.http, &self.settings, repository, &challenge, scope).await?;
        let response = self.http.send(authorized(&request, &Some(answer))).await.map_err(failed)?;
        if response.status == 401 {
            return Err(self.authorizer.lacking(repository));
        }
        Ok(response)
    }
}

/// The digest that a registry names in its answer.
fn digest_in(response: &Response) -> Option<Digest> {
    Digest::parse(response.header("docker-content-digest")?).ok()
}

/// A media type without its parameters.
fn bare(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_owned()
}

/// Hosts that are this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
pub(crate) mod tests;
