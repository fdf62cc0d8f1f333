//! Trusted roots and signing configs from a TUF repository, over our own HTTP.
//!
//! The `*.root.json` files are root metadata as `https://tuf-repo-cdn.sigstore.dev`, `https://tuf-repo-cdn.sigstage.dev`
//! and `https://tuf-repo.github.com` publish it. Newer versions are found from there, also when these have expired, through at most 32 changes.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use pipe_core::http::{Client, Kind, Request};
use sigstore_trust_root::SigstoreInstance;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, Repository, Updater};
use tokio::time::timeout;

use crate::keyless::{Endpoint, KeylessError, Service};

/// The time limit of an update with all its requests. The repository determines their number.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(120);

/// The most bytes of a target. Published ones have 10 KiB.
const MAX_TARGET: u64 = 4 * 1024 * 1024;

pub(super) struct Targets {
    pub(super) trusted_root: String,
    pub(super) signing_config: Option<String>,
}

pub(super) fn url(instance: SigstoreInstance) -> &'static str {
    match instance {
        SigstoreInstance::Staging => "https://tuf-repo-cdn.sigstage.dev",
        SigstoreInstance::GitHub => "https://tuf-repo.github.com",
        _ => "https://tuf-repo-cdn.sigstore.dev",
    }
}

pub(super) fn embedded(instance: SigstoreInstance) -> &'static [u8] {
    match instance {
        SigstoreInstance::Staging => include_bytes!("staging.root.json"),
        SigstoreInstance::GitHub => include_bytes!("github.root.json"),
        _ => include_bytes!("public-good.root.json"),
    }
}

/// Updates the metadata and reads both targets. The signing config is optional.
pub(super) async fn fetch(http: &Client, mirror: &str, root_json: &[u8]) -> Result<Targets, KeylessError> {
    let endpoint = Endpoint::new(Service::Tuf, http.clone(), mirror);
    let failure = Arc::default();
    let mirror = Mirror { http: http.clone(), endpoint: endpoint.clone(), failure: Arc::clone(&failure) };
    let fetched = timeout(REFRESH_TIMEOUT, refresh(mirror, root_json, Timestamp::now())).await;
    let fetched = fetched.map_err(|_| {
        endpoint.unavailable(format!("the update did not finish within {} s", REFRESH_TIMEOUT.as_secs()))
    })?;
    fetched.map_err(|error| match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The failure of the request itself.
        Some(failed) => failed,
        // A missing file. At a URL that is not a repository, all files are missing.
        None if matches!(error, Error::Transport { .. }) => endpoint.unavailable(chain(&error)),
        None => endpoint.malformed(chain(&error)),
    })
}

async fn refresh(mirror: Mirror, root_json: &[u8], now: Timestamp) -> Result<Targets, Error> {
    let mut config = sigstore_tuf::UpdaterConfig::default();
    config.target_max_length = MAX_TARGET;
    let mut updater = Updater::new(mirror, root_json)?.with_config(config);
    updater.refresh(now).await?;
    let trusted_root = updater.get_target("trusted_root.json", now).await?;
    let signing_config = match updater.get_target_info("signing_config.v0.2.json", now).await? {
        Some(info) => Some(updater.download_target(&info, "signing_config.v0.2.json").await?),
        None => None,
    };
    Ok(Targets { trusted_root: text(trusted_root)?, signing_config: signing_config.map(text).transpose()? })
}

fn text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::Malformed("a target is not text".to_owned()))
}

/// A repository that uses our HTTP client. It keeps the first failed request, since the errors of the updater are only
/// text.
struct Mirror {
    http: Client,
    endpoint: Endpoint,
    failure: Arc<Mutex<Option<KeylessError>>>,
}

impl Mirror {
    async fn fetch(&self, path: String, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let request = Request::get(&self.endpoint.url(&path)).max_body(limit);
        match self.http.send(request).await {
            Ok(response) => Ok(Some(response.body)),
            // Object stores answer 403 for missing files if listing is not allowed.
            Err(error) if matches!(error.kind(), Kind::Status { status: 403 | 404, .. }) => Ok(None),
            Err(error) => {
                let failed = self.endpoint.failed(&error, None);
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failed);
                Err(Error::transport(error.to_string()))
            }
        }
    }
}

impl Repository for Mirror {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.fetch(format!("/{name}"), max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.fetch(format!("/targets/{path}"), max_length))
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
