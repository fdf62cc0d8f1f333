//! Requests to registries.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use pipe_core::http::{Authorization, Client, Method, Request, Response, Url};
use serde::de::DeserializeOwned;

use crate::auth::{Access, Asked, Authorizer};
use crate::credentials::Credentials;
use crate::error::{Error, Kind, explained, explanation};
use crate::types::media_type;
use crate::{Descriptor, Digest, Index, Reference, Repository};

/// Bytes of an answer that holds no content of its own.
pub(crate) const REPLY: u64 = 64 * 1024;

/// How deep indexes may lie in each other.
const DEPTH: usize = 4;

/// Limits and habits of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Talk to every registry without TLS; those on loopback are anyway.
    pub plain_http: bool,
    /// Bytes of a manifest or index that are read; registries allow 4 MiB.
    pub max_manifest: u64,
    /// Bytes that are uploaded at once; larger blobs go in pieces of this size.
    pub chunk: usize,
    /// Pages of a list of referrers that are asked for.
    pub max_pages: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { plain_http: false, max_manifest: 4 * 1024 * 1024, chunk: 16 * 1024 * 1024, max_pages: 1000 }
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
        // A refusal may be longer than the blob.
        let get = Request::get(&url).max_body(descriptor.size.max(REPLY));
        let body = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?.body;
        if body.len() as u64 > descriptor.size {
            let text = format!("{what} has more than the {} bytes that are announced", descriptor.size);
            return Err(Error::new(Kind::TooLarge, text));
        }
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
        let scheme = if self.settings.plain_http || repository.is_local() { "http" } else { "https" };
        format!("{scheme}://{}/v2/{}/{rest}", repository.host(), repository.repository)
    }

    /// Where an answer sends us on, in full: never from https to http, except at the same host, where it is a proxy in
    /// front of the registry that the registry doesn't know of.
    pub(crate) fn onward(&self, response: &Response, target: &str) -> Option<Url> {
        let mut url = response.url.join(target).ok()?;
        if response.url.scheme() == "https" && url.scheme() == "http" {
            url.set_scheme("https").ok()?;
            if url.origin() != response.url.origin() {
                return None;
            }
        }
        url.set_fragment(None);
        // No credentials that a registry chose.
        url.set_username("").and_then(|()| url.set_password(None)).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// Sends a request, with credentials where the registry asks for them. They go to the registry alone: neither along
    /// with redirects, nor to a storage service where an upload goes on, nor to a token service that one of those names.
    pub(crate) async fn send(
        &self,
        request: Request,
        what: &str,
        repository: &Repository,
        scope: &[(&Repository, Access)],
    ) -> Result<Response, Error> {
        let host = repository.host();
        let registry = Url::parse(&self.url(repository, "")).ok().map(|url| url.origin());
        let is_registry = |url: &Url| registry.as_ref().is_some_and(|registry| *registry == url.origin());
        let ours = request.url().is_some_and(is_registry);
        let request = request.accept(401).explained_by(explained);
        let exchange = async |authorization: Option<&Authorization>| {
            let request = match authorization {
                Some(authorization) => request.clone().authorize(authorization, host),
                None => request.clone(),
            };
            let response = self.http.send(request).await.map_err(|error| Error::http(what, &error))?;
            if response.status == 401 && !is_registry(&response.url) {
                let host = response.url.host_str().unwrap_or_default();
                let text = format!("{what}: {host}, where the registry sends us, asks for credentials");
                return Err(Error::new(Kind::Denied, text));
            }
            Ok(response)
        };
        let asked = Asked { http: &self.http, settings: &self.settings, repository, scope };
        let about = |error: Error| error.about(what);
        let known = if ours { self.authorizer.known(&asked).await.map_err(about)? } else { None };
        let response = exchange(known.as_ref()).await?;
        if response.status != 401 {
            return Ok(response);
        }
        let answer = self.authorizer.answer(&asked, &response, known.as_ref()).await.map_err(about)?;
        let response = exchange(Some(&answer)).await?;
        if response.status == 401 {
            return Err(self.authorizer.lacking(repository, &explanation(&response.body)).about(what));
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
