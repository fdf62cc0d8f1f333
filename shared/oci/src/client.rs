//! Requests for manifests and blobs.
//!
//! Source: the OCI distribution specification 1.1, "Pulling manifests", "Pulling blobs" and "Pushing Manifests".

use std::sync::Arc;

use bytes::Bytes;
use pipe_core::http::{Client, Request, Response, Url};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::auth::{Access, Authorizer};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::settings::{RegistrySettings, RetryPolicy};
use crate::types::media_type;
use crate::{Descriptor, Digest, Reference, Repository};

/// The most bytes of a response without content, such as a refusal.
pub(crate) const MAX_REPLY: u64 = 64 * 1024;

/// A manifest or index as it is at a registry.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Media type, digest and size in bytes. The digest is verified.
    pub descriptor: Descriptor,
    /// The document, byte for byte.
    pub bytes: Bytes,
}

impl Fetched {
    /// The document, parsed for instance as a [`Manifest`](crate::Manifest).
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it has another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("invalid manifest {}: {error}", self.descriptor.digest))
        })
    }
}

/// A manifest that a registry accepted.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Media type, digest and size in bytes of what was written.
    pub descriptor: Descriptor,
    /// Whether the registry lists it among the referrers of its subject, as the header `OCI-Subject` says.
    pub(crate) subject_accepted: bool,
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
    /// A client that sends its requests by `http`. Credentials go only to the registries they are given for.
    pub fn new(http: Client, credentials: Credentials, settings: RegistrySettings) -> Registry {
        let authorizer = Arc::new(Authorizer::new(credentials));
        Registry { http, authorizer, settings: Arc::new(settings), retry_policy: Arc::default() }
    }

    /// The manifest or index that a reference names at this moment, of at most [`RegistrySettings::max_manifest`] bytes.
    /// Its digest is computed from the content, and has to be that of the reference and that of the header of the response.
    /// A HEAD request is never trusted instead: a cache may answer it for older content.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::TooLarge`], [`ErrorKind::DigestMismatch`], or the reason why the registry
    /// did not answer.
    pub async fn manifest(&self, reference: &Reference) -> Result<Fetched, Error> {
        let what = format!("failed to fetch the manifest of {reference}");
        let repository = &reference.repository;
        let url = self.url(repository, &format!("manifests/{}", reference.key()));
        let limit = self.settings.max_manifest;
        let get = Request::get(&url).header("Accept", media_type::ALL).max_body(limit.max(MAX_REPLY));
        let response = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?;
        if response.body.len() as u64 > limit {
            return Err(Error::new(ErrorKind::TooLarge, format!("{what}: larger than {limit} bytes")));
        }
        let digest = match reference.digest.clone().or_else(|| digest_in(&response)) {
            Some(digest) => digest,
            None => Digest::of(&response.body),
        };
        if !digest.verify(&response.body) {
            return Err(Error::new(
                ErrorKind::DigestMismatch,
                format!("{what}: the content does not match the digest {digest}"),
            ));
        }
        let kind =
            media_type_in(&response.body).or_else(|| response.header("content-type").map(bare).filter(is_manifest));
        let kind = kind.unwrap_or_else(|| media_type::MANIFEST.to_owned());
        let descriptor = Descriptor::new(&kind, digest, response.body.len() as u64);
        Ok(Fetched { descriptor, bytes: response.body.into() })
    }

    /// A blob of at most `limit` bytes. Its digest and size are verified.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::TooLarge`], [`ErrorKind::DigestMismatch`], or the reason why the registry
    /// did not answer.
    pub async fn blob(&self, repository: &Repository, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, Error> {
        let what = format!("failed to fetch the blob {} of {repository}", descriptor.digest);
        if descriptor.size > limit {
            let text = format!("{what}: it has {} bytes, and the limit is {limit}", descriptor.size);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        let url = self.url(repository, &format!("blobs/{}", descriptor.digest));
        // A refusal may be longer than the blob.
        let get = Request::get(&url).max_body(descriptor.size.max(MAX_REPLY));
        let body = self.send(get, &what, repository, &[(repository, Access::Pull)]).await?.body;
        if body.len() as u64 > descriptor.size {
            let text = format!("{what}: larger than the announced {} bytes", descriptor.size);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        if body.len() as u64 != descriptor.size || !descriptor.digest.verify(&body) {
            return Err(Error::new(
                ErrorKind::DigestMismatch,
                format!("{what}: the content does not match the digest"),
            ));
        }
        Ok(body)
    }

    /// Writes a manifest under `reference`, which is a tag or its digest.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`], [`ErrorKind::DigestMismatch`] if the registry confirms another digest, or the reason why
    /// it did not answer.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Pushed, Error> {
        self.put_manifest(repository, reference, media_type, bytes, false).await
    }

    /// With `once`, the request is never repeated: after a failure and a wait it could overwrite newer content.
    pub(crate) async fn put_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
        once: bool,
    ) -> Result<Pushed, Error> {
        let separator = if reference.contains(':') { '@' } else { ':' };
        let what = format!("failed to write the manifest {repository}{separator}{reference}");
        let descriptor = Descriptor::of(media_type, &bytes);
        let url = self.url(repository, &format!("manifests/{reference}"));
        let put = Request::put(&url).body(media_type, bytes).max_body(self.settings.max_manifest.max(MAX_REPLY));
        let put = if once { put.once() } else { put };
        let response = self.send(put, &what, repository, &[(repository, Access::Push)]).await?;
        match digest_in(&response) {
            Some(digest) if digest != descriptor.digest => {
                return Err(Error::new(
                    ErrorKind::DigestMismatch,
                    format!("{what}: the registry stored it as {digest}"),
                ));
            }
            // A redirect can turn it into a GET, whose success means nothing.
            None if Url::parse(&url).is_ok_and(|url| url != response.url) => {
                let text = format!("{what}: the registry redirected the request and did not confirm the digest");
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

/// The media type that a document names itself. Unlike the header of the response, the digest covers it, so that a
/// registry cannot present a signed index as an image.
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
        // The first versions of the OCI image specification omit it.
        None if fields.manifests.is_some() && fields.config.is_none() => Some(media_type::INDEX.to_owned()),
        None => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
