//! How a client behaves: limits of what it reads, and how it retries.

use std::time::Duration;

use crate::Repository;

/// Limits and habits of a client.
#[derive(Debug, Clone)]
pub struct RegistrySettings {
    /// Whether registries are reached without TLS. `None` means without TLS on loopback and with TLS elsewhere.
    pub plain_http: Option<bool>,
    /// The most bytes of a manifest or index that are read. The default is 4 MiB, which registries have to accept at least
    /// (OCI distribution specification 1.1, "Pushing Manifests").
    pub max_manifest: u64,
    /// The most bytes that one request uploads. Larger blobs are uploaded in chunks of this size. The default is 16 MiB.
    pub chunk: usize,
    /// The most pages that are read of a list of referrers. The default is 1000.
    pub max_pages: usize,
}

impl RegistrySettings {
    /// The URL that all requests to a repository begin with, e.g. `https://registry-1.docker.io`.
    pub fn origin(&self, repository: &Repository) -> String {
        let scheme = if self.uses_plain_http(repository) { "http" } else { "https" };
        format!("{scheme}://{}", repository.host())
    }

    /// Whether the registry of a repository is reached without TLS.
    pub(crate) fn uses_plain_http(&self, repository: &Repository) -> bool {
        self.plain_http.unwrap_or_else(|| repository.is_local())
    }
}

impl Default for RegistrySettings {
    fn default() -> RegistrySettings {
        RegistrySettings { plain_http: None, max_manifest: 4 * 1024 * 1024, chunk: 16 * 1024 * 1024, max_pages: 1000 }
    }
}

/// How often and how long writes are retried. Tests use shorter times.
#[derive(Debug, Clone)]
pub(crate) struct RetryPolicy {
    /// The shortest wait before a tag that was written is read back.
    pub(crate) settle: Duration,
    /// The longest single wait that the client chooses itself.
    pub(crate) max_wait: Duration,
    /// How long, in total, a tag that looks as it did before the write is taken for a stale read.
    pub(crate) stale_read_budget: Duration,
    /// The most rounds of reading, changing and writing a tag.
    pub(crate) max_rounds: u32,
    /// The time after which no further round begins.
    pub(crate) deadline: Duration,
    /// The most failed writes of a tag or a blob.
    pub(crate) max_failures: u32,
    /// The upper bound of the wait after the first failed write. It doubles with each further failure.
    pub(crate) first_backoff: Duration,
    /// The longest wait after failed writes, in total, that a registry can ask for.
    pub(crate) retry_after_budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            settle: Duration::from_millis(250),
            max_wait: Duration::from_secs(5),
            stale_read_budget: Duration::from_secs(3),
            max_rounds: 20,
            deadline: Duration::from_secs(120),
            max_failures: 4,
            first_backoff: Duration::from_millis(500),
            retry_after_budget: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// A random wait after the given number of failures, for a registry that does not name one.
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        let bound = self.first_backoff.saturating_mul(1 << failures.saturating_sub(1).min(10));
        bound.min(self.max_wait).mul_f64(fastrand::f64())
    }
}
