//! Requests to registries.

use std::sync::Arc;

use bytes::Bytes;
use pipe_core::http::{Client, Method, Request, Response, Url};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::auth::{Access, Authorizer};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::settings::{RegistrySettings, RetryPolicy};
use crate::types::media_type;
use crate::{Descriptor, Digest, Reference, Repository};

/// Bytes of an answer that holds no content of its own.
pub(crate) const MAX_REPLY: u64 = 64 * 1024;

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
            Error::new(ErrorKind::Malformed, format!("the manifest {} can't be read: {error}", self.descriptor.digest))
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
    pub(crate) http: Client,
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) settings: Arc<RegistrySettings>,
    pub(crate) retry_policy: Arc<RetryPolicy>,
}

impl Registry {
    pub fn new(http: Client, credentials: Credentials, settings: RegistrySettings) -> Registry {
        let authorizer = Arc::new(Authorizer::new(credentials));
        Registry { http, authorizer, settings: Arc::new(settings), retry_policy: Arc::default() }
    }

    /// What a reference names at this moment.
    ///
    /// # Errors
    /// It is not there, or the registry can't be asked.
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error> {
        let what = format!("the manifest of {reference}");
        let repository = &reference.repository;
        let url = self.url(repository, &format!("manifests/{}", reference.key()));
        let head = Request::new(Method::HEAD, &url).header("Accept", media_type::ALL).max_body(MAX_REPLY);
        // Some registries know no HEAD.
        let head = head.accept(400).accept(405).accept(501);
        let response = self.send(head, &what, repository, &[(repository, Access::Pull)]).await?;
        let named = digest_in(&response);
        let size = response.header("content-length").and_then(|size| size.parse().ok());
        let kind = response.header("content-type").map(bare).filter(is_manifest);
        if let (true, Some(digest), Some(size), Some(kind)) = (response.status == 200, named, size, kind)
            && reference.digest.as_ref().is_none_or(|wanted| *wanted == digest)
        {
            return Ok(Descriptor::new(&kind, digest, size));
        }
        // Others answer it in part only: the manifest itself tells everything.
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
        let limit = self.settings.max_manifest;
        let get = Request::get(&url).header("Accept", media_type::ALL).max_body(limit.max(MAX_REPLY));
        let response = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?;
        if response.body.len() as u64 > limit {
            return Err(Error::new(ErrorKind::TooLarge, format!("{what} has more than {limit} bytes")));
        }
        let digest = match reference.digest.clone().or_else(|| digest_in(&response)) {
            Some(digest) => digest,
            None => Digest::of(&response.body),
        };
        if !digest.verify(&response.body) {
            return Err(Error::new(ErrorKind::DigestMismatch, format!("{what} is not what its digest {digest} says")));
        }
        let kind =
            media_type_in(&response.body).or_else(|| response.header("content-type").map(bare).filter(is_manifest));
        let kind = kind.unwrap_or_else(|| media_type::MANIFEST.to_owned());
        let descriptor = Descriptor::new(&kind, digest, response.body.len() as u64);
        Ok(Fetched { descriptor, bytes: response.body.into() })
    }

    /// A blob, digest and size verified.
    ///
    /// # Errors
    /// It is not there, larger than `limit` bytes or of another digest, or the registry can't be asked.
    pub async fn blob(&self, repository: &Repository, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, Error> {
        let what = format!("the blob {} of {repository}", descriptor.digest);
        if descriptor.size > limit {
            let text = format!("{what} has {} bytes, and at most {limit} are read", descriptor.size);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        let url = self.url(repository, &format!("blobs/{}", descriptor.digest));
        // A refusal may be longer than the blob.
        let get = Request::get(&url).max_body(descriptor.size.max(MAX_REPLY));
        let body = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?.body;
        if body.len() as u64 > descriptor.size {
            let text = format!("{what} has more than the {} bytes that are announced", descriptor.size);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        if body.len() as u64 != descriptor.size || !descriptor.digest.verify(&body) {
            return Err(Error::new(ErrorKind::DigestMismatch, format!("{what} is not what its digest says")));
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
        self.put_manifest(repository, reference, media_type, bytes, false).await
    }

    /// `once` where it must not be written late, after a failure and a wait.
    pub(crate) async fn put_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
        once: bool,
    ) -> Result<Pushed, Error> {
        let separator = if reference.contains(':') { '@' } else { ':' };
        let what = format!("writing the manifest {repository}{separator}{reference}");
        let descriptor = Descriptor::of(media_type, &bytes);
        let url = self.url(repository, &format!("manifests/{reference}"));
        let put = Request::put(&url).body(media_type, bytes).max_body(self.settings.max_manifest.max(MAX_REPLY));
        let put = if once { put.once() } else { put };
        let response = self.send(put, &what, repository, &[(repository, Access::Push)]).await?;
        match digest_in(&response) {
            Some(digest) if digest != descriptor.digest => {
                return Err(Error::new(ErrorKind::DigestMismatch, format!("{what}: the registry has it as {digest}")));
            }
            // A redirect can turn it into a GET, whose success means nothing.
            None if Url::parse(&url).is_ok_and(|url| url != response.url) => {
                let text = format!("{what}: the registry redirects it, and doesn't say what it has then");
                return Err(Error::new(ErrorKind::Malformed, text));
            }
            _ => {}
        }
        Ok(Pushed { descriptor, subject_accepted: response.header("oci-subject").is_some() })
    }
}

/// The digest that a registry names in its answer.
pub(crate) fn digest_in(response: &Response) -> Option<Digest> {
    Digest::parse(response.header("docker-content-digest")?).ok()
}

/// A media type without its parameters.
fn bare(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Of all media types of manifests, `vnd.` is what `application/json` and `text/html` have not.
fn is_manifest(media_type: &impl AsRef<str>) -> bool {
    media_type.as_ref().contains("vnd.")
}

/// What a document says that it is. Unlike the answer's header, that is covered by its digest: who has it signed or
/// pinned can't be told that an index is an image.
fn media_type_in(document: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        media_type: Option<String>,
        manifests: Option<IgnoredAny>,
        config: Option<IgnoredAny>,
    }
    let fields: Fields = serde_json::from_slice(document).ok()?;
    match fields.media_type.filter(is_manifest) {
        Some(named) => Some(named),
        // OCI's first versions left it out.
        None if fields.manifests.is_some() && fields.config.is_none() => Some(media_type::INDEX.to_owned()),
        None => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
