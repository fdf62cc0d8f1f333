//! Uploads of blobs.
//!
//! Source: the OCI distribution specification 1.1, "Pushing blobs".

use bytes::Bytes;
use pipe_core::http::{Method, Request, Response};
use tokio::time::sleep;

use crate::auth::Access;
use crate::client::{MAX_REPLY, Registry, digest_in};
use crate::error::{Error, ErrorKind};
use crate::{Descriptor, Repository};

/// The most uploads that are begun for one blob.
const MAX_UPLOADS: u32 = 4;

/// A blob on its way to a repository, with the failures so far.
struct Upload<'a> {
    registry: &'a Registry,
    repository: &'a Repository,
    descriptor: &'a Descriptor,
    bytes: &'a Bytes,
    what: String,
    failures: u32,
    budget: std::time::Duration,
}

/// The place where an upload continues.
struct UploadLocation {
    url: String,
    /// The least bytes of a chunk (header `OCI-Chunk-Min-Length`).
    least: usize,
}

impl Registry {
    /// Whether a repository has a blob.
    ///
    /// # Errors
    /// The registry did not answer.
    pub(crate) async fn has_blob(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let what = format!("failed to look up the blob {} of {repository}", descriptor.digest);
        let head = Request::new(Method::HEAD, &self.url(repository, &format!("blobs/{}", descriptor.digest)));
        let head = head.accept(404).max_body(MAX_REPLY);
        let response = self.send(head, &what, repository, &[(repository, Access::Push)]).await?;
        Ok(response.status != 404)
    }

    /// Writes a blob unless it exists: in one request, or in chunks if it is larger than
    /// [`RegistrySettings::chunk`](crate::RegistrySettings::chunk). An interrupted upload continues where it stopped, or
    /// begins again up to four times.
    ///
    /// # Errors
    /// The registry refused it or did not answer.
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
        let mut upload = Upload {
            registry: self,
            repository,
            descriptor: &descriptor,
            bytes: &bytes,
            what: format!("failed to write the blob {} to {repository}", descriptor.digest),
            failures: 0,
            budget: self.retry_policy.retry_after_budget,
        };
        for begun in 1.. {
            let place = upload.begin().await?;
            let error = match upload.send(place).await {
                Ok(()) => break,
                Err(error) => error,
            };
            // The digest is always right, so a refusal is caused by an earlier failure of this upload.
            if !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::NotFound | ErrorKind::Refused) {
                return Err(error);
            }
            // The upload may have succeeded, with only its response lost.
            if self.has_blob(repository, &descriptor).await.unwrap_or(false) {
                break;
            }
            if begun >= MAX_UPLOADS || (error.kind() == ErrorKind::Refused && upload.failures == 0) {
                // A missing upload is not a missing blob.
                let kind = if error.is_not_found() { ErrorKind::Unavailable } else { error.kind() };
                return Err(error.of_kind(kind));
            }
            upload.wait(error).await?;
        }
        Ok(descriptor)
    }

    /// The absolute URL of the header `Location`.
    fn location(&self, response: &Response) -> Option<String> {
        Some(self.onward(response, response.header("location")?)?.into())
    }
}

impl Upload<'_> {
    async fn ask(&self, request: Request) -> Result<Response, Error> {
        let scope = [(self.repository, Access::Push)];
        self.registry.send(request.max_body(MAX_REPLY), &self.what, self.repository, &scope).await
    }

    /// The location of the next chunk. It stays the same if the response names none.
    fn next(&self, response: &Response, place: &str) -> Result<String, Error> {
        match response.header("location") {
            None => Ok(place.to_owned()),
            Some(_) => self.registry.location(response).ok_or_else(|| self.nowhere()),
        }
    }

    fn nowhere(&self) -> Error {
        Error::new(ErrorKind::Malformed, format!("{}: the registry did not return a valid upload location", self.what))
    }

    /// Waits as long as the registry asks for, otherwise longer after every failure.
    async fn wait(&mut self, error: Error) -> Result<(), Error> {
        self.failures += 1;
        let wait = error.retry_after().unwrap_or_else(|| self.registry.retry_policy.backoff(self.failures));
        if wait > self.budget {
            return Err(error);
        }
        self.budget -= wait;
        sleep(wait).await;
        Ok(())
    }

    async fn begin(&self) -> Result<UploadLocation, Error> {
        let url = self.registry.url(self.repository, "blobs/uploads/");
        // A second upload has no effect.
        let post = Request::post(&url).idempotent().body("application/octet-stream", Bytes::new());
        let response = self.ask(post).await?;
        let url = self.registry.location(&response).ok_or_else(|| self.nowhere())?;
        let least = response.header("oci-chunk-min-length").and_then(|least| least.trim().parse().ok());
        Ok(UploadLocation { url, least: least.unwrap_or(0) })
    }

    async fn send(&mut self, place: UploadLocation) -> Result<(), Error> {
        let chunk = self.registry.settings.chunk.max(place.least).max(1);
        let (place, last) = if self.bytes.len() > chunk {
            (self.pieces(place.url, chunk).await?, Bytes::new())
        } else {
            (place.url, self.bytes.clone())
        };
        let digest = &self.descriptor.digest;
        let separator = if place.contains('?') { '&' } else { '?' };
        let put = Request::put(&format!("{place}{separator}digest={digest}")).body("application/octet-stream", last);
        let asked = put.url().cloned();
        // Not repeated: a registry may have stored a part of the first request and would append the second.
        let response = self.ask(put.once()).await?;
        if let Some(other) = digest_in(&response).filter(|other| other != digest) {
            return Err(Error::new(
                ErrorKind::DigestMismatch,
                format!("{}: the registry stored it as {other}", self.what),
            ));
        }
        // A redirect can turn it into a GET, whose success proves nothing.
        if asked.is_some_and(|asked| asked != response.url)
            && !self.registry.has_blob(self.repository, self.descriptor).await?
        {
            let text = format!("{}: the registry redirected the upload and does not have the blob", self.what);
            return Err(Error::new(ErrorKind::Malformed, text));
        }
        Ok(())
    }

    /// Sends all bytes in chunks and returns the location that completes the upload.
    async fn pieces(&mut self, mut place: String, chunk: usize) -> Result<String, Error> {
        let (mut start, mut stuck) = (0, 0);
        while start < self.bytes.len() {
            let end = (start + chunk).min(self.bytes.len());
            let patch = Request::new(Method::PATCH, &place)
                .header("Content-Range", &format!("{start}-{}", end - 1))
                .body("application/octet-stream", self.bytes.slice(start..end));
            let failed = match self.ask(patch.once().accept(416)).await {
                Ok(response) if response.status != 416 => {
                    place = self.next(&response, &place)?;
                    let had = received(&response).filter(|had| *had > start && *had < end);
                    (start, stuck) = (had.unwrap_or(end), 0);
                    continue;
                }
                Ok(_) => {
                    Error::new(ErrorKind::Unavailable, format!("{}: the registry expects another range", self.what))
                }
                Err(error) if error.kind() == ErrorKind::Unavailable => error,
                Err(error) => return Err(error),
            };
            stuck += 1;
            if stuck >= self.registry.retry_policy.max_failures {
                return Err(failed);
            }
            self.wait(failed.clone()).await?;
            // Asks how many bytes arrived.
            let status = match self.ask(Request::get(&place)).await {
                Ok(status) => status,
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                Err(_) => return Err(failed),
            };
            place = self.next(&status, &place)?;
            match received(&status) {
                Some(had) if had <= self.bytes.len() => start = had,
                _ => return Err(failed),
            }
        }
        Ok(place)
    }
}

/// The bytes that an upload has, from `Range: 0-<last>`. Registries send `0-0` both for no byte and for one.
fn received(response: &Response) -> Option<usize> {
    let range = response.header("range")?.trim();
    let (first, last) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
    let last: usize = last.trim().parse().ok()?;
    (first.trim() == "0").then(|| if last == 0 { 0 } else { last.saturating_add(1) })
}

#[cfg(test)]
mod tests;
