//! Blobs on their way to a registry.

use bytes::Bytes;
use pipe_core::http::{Method, Request, Response, Url};

use crate::auth::Access;
use crate::client::Registry;
use crate::error::{Error, Kind};
use crate::{Descriptor, Digest, Repository};

/// How often an upload is begun.
const UPLOADS: u32 = 3;

impl Registry {
    /// Whether a repository has a blob.
    ///
    /// # Errors
    /// The registry can't be asked.
    pub async fn has_blob(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let what = format!("the blob {} of {repository}", descriptor.digest);
        let head = Request::new(Method::HEAD, &self.url(repository, &format!("blobs/{}", descriptor.digest)));
        let response = self.send(head.accept(404), &what, repository, &[(repository, Access::Push)]).await?;
        Ok(response.status != 404)
    }

    /// Writes a blob, unless it is there: in one request, or in pieces where it is larger than
    /// [`Settings::chunk`](crate::Settings::chunk).
    ///
    /// # Errors
    /// The registry refuses it or can't be asked.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let descriptor = Descriptor::of(media_type, &bytes);
        if self.has_blob(repository, &descriptor).await? {
            return Ok(descriptor);
        }
        // A piece is sent once: what became of one whose answer is lost is not known, so all of it begins again.
        for begun in 1.. {
            let upload = self.begin(repository).await?;
            let in_pieces = bytes.len() > upload.chunk;
            match self.upload(repository, upload, &descriptor, bytes.clone()).await {
                Ok(true) => break,
                Ok(false) if begun < UPLOADS => {}
                Ok(false) => {
                    let what = format!("writing the blob {} to {repository}", descriptor.digest);
                    let text = format!("{what}: the registry lost track of the upload {UPLOADS} times");
                    return Err(Error::new(Kind::Unavailable, text));
                }
                Err(error) if error.kind() == Kind::Unavailable && in_pieces && begun < UPLOADS => {}
                Err(error) => return Err(error),
            }
        }
        Ok(descriptor)
    }

    /// Makes a blob of `from` one of `to` too, at the same registry, without moving its bytes. `false` where the registry
    /// doesn't do it.
    ///
    /// # Errors
    /// The registry can't be asked.
    pub async fn mount_blob(&self, from: &Repository, to: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        if from.registry != to.registry {
            return Ok(false);
        }
        let query = format!("?mount={}&from={}", descriptor.digest, from.repository);
        let what = format!("mounting the blob {} in {to}", descriptor.digest);
        let post = Request::post(&self.url(to, &format!("blobs/uploads/{query}"))).idempotent();
        let scope = [(to, Access::Push), (from, Access::Pull)];
        let response = self.send(post, &what, to, &scope).await?;
        if response.status == 201 {
            return Ok(true);
        }
        // It has begun an upload instead, which nobody will go on with.
        if let Some(place) = location(&response) {
            let cancel = Request::new(Method::DELETE, &place).accept(404).accept(405);
            drop(self.send(cancel, &what, to, &[(to, Access::Push)]).await);
        }
        Ok(false)
    }

    /// Where to send a blob to, and how.
    async fn begin(&self, repository: &Repository) -> Result<Upload, Error> {
        let what = format!("beginning an upload to {repository}");
        let url = self.url(repository, "blobs/uploads/");
        // An upload that was begun twice costs nothing.
        let post = Request::post(&url).idempotent().body("application/octet-stream", Bytes::new());
        let response = self.send(post, &what, repository, &[(repository, Access::Push)]).await?;
        let least = response.header("oci-chunk-min-length").and_then(|least| least.parse().ok()).unwrap_or(1);
        let place = location(&response)
            .ok_or_else(|| Error::new(Kind::Malformed, format!("{what}: the registry names no place")))?;
        Ok(Upload { place, chunk: self.settings.chunk.max(least) })
    }

    /// Sends all of a blob; `false` where the registry doesn't know the upload any more, or is elsewhere in it.
    async fn upload(
        &self,
        repository: &Repository,
        Upload { mut place, chunk }: Upload,
        descriptor: &Descriptor,
        bytes: Bytes,
    ) -> Result<bool, Error> {
        let what = format!("writing the blob {} to {repository}", descriptor.digest);
        let scope = [(repository, Access::Push)];
        let mut last = bytes.clone();
        if bytes.len() > chunk {
            let mut start = 0;
            while start < bytes.len() {
                let end = (start + chunk).min(bytes.len());
                let range = format!("{start}-{}", end - 1);
                let patch = Request::new(Method::PATCH, &place)
                    .header("Content-Range", &range)
                    .body("application/octet-stream", bytes.slice(start..end));
                let response = self.send(patch.accept(404).accept(416), &what, repository, &scope).await?;
                if matches!(response.status, 404 | 416) {
                    return Ok(false);
                }
                place = location(&response).unwrap_or(place);
                start = end;
            }
            last = Bytes::new();
        }
        let separator = if place.contains('?') { '&' } else { '?' };
        let url = format!("{place}{separator}digest={}", descriptor.digest);
        let put = Request::put(&url).body("application/octet-stream", last);
        let response = self.send(put.accept(404).accept(416), &what, repository, &scope).await?;
        if matches!(response.status, 404 | 416) {
            // A repeated request finds its upload finished by the first one, whose answer was lost.
            return self.has_blob(repository, descriptor).await;
        }
        let named = response.header("docker-content-digest").and_then(|digest| Digest::parse(digest).ok());
        match named.filter(|digest| *digest != descriptor.digest) {
            Some(digest) => Err(Error::new(Kind::DigestMismatch, format!("{what}: the registry has it as {digest}"))),
            None => Ok(true),
        }
    }
}

/// One that a registry has begun.
struct Upload {
    place: String,
    /// Bytes that go at once: at least what the registry asks for.
    chunk: usize,
}

/// Where an answer sends us, in full.
fn location(response: &Response) -> Option<String> {
    let location = response.header("location")?;
    let url: Url = response.url.join(location).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests;
