//! A client for OCI registries: images, artifacts, and what refers to them.
//!
//! ```no_run
//! use pipe_core::http::{Client, Settings};
//! use pipe_oci::{Credentials, Descriptor, Manifest, Reference, Registry, RegistrySettings, media_type};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut credentials = Credentials::default();
//! credentials.add("ghcr.io", "ada", "a token".to_owned().into());
//! let http = Client::new(&Settings::default(), tokio_util::sync::CancellationToken::new())?;
//! let registry = Registry::new(http, credentials, RegistrySettings::default());
//!
//! // A tag is resolved once; whoever moves it afterwards changes nothing.
//! let image = Reference::parse("ghcr.io/org/app:1.2.3")?;
//! let subject = registry.resolve(&image).await?;
//! let image = image.with_digest(subject.digest.clone());
//! for platform in registry.images(&image).await? {
//!     println!("{} {}", platform.digest, platform.size);
//! }
//!
//! // A note that refers to it, and everything that does.
//! let repository = &image.repository;
//! let note = registry.push_blob(repository, "text/plain", "well tested".into()).await?;
//! let config = registry.push_blob(repository, media_type::EMPTY, "{}".into()).await?;
//! let manifest = Manifest {
//!     artifact_type: Some("text/plain".to_owned()),
//!     subject: Some(Descriptor::new(&subject.media_type, subject.digest.clone(), subject.size)),
//!     ..Manifest::new(config, vec![note])
//! };
//! registry.attach(repository, &manifest).await?;
//! for referrer in registry.referrers(repository, &subject.digest).await? {
//!     println!("{} {:?}", referrer.digest, referrer.artifact_type);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is believed
//!
//! Nothing that a registry says about content: every manifest and blob is read up to a limit and held against its digest,
//! and a document's own `mediaType` counts more than the answer's header. A list that can't be read to its end is an
//! [`Error`], never an empty or a shorter one. [`Error::kind`] is what a caller branches on; only [`ErrorKind::NotFound`] says
//! that something is not there. The text says what was asked for, and what the registry said to it in its own words.
//!
//! # Credentials
//!
//! [`Credentials`] are given for a host, or come from a Docker configuration, where the longest path counts. They go to
//! that host and to the token service that it names. As with Docker, and in the specification, that may be another host;
//! it has to be reached by https, unless the registry is itself reached without. They never go along with redirects or to
//! the storage service where an upload goes on, and what those ask for is not answered. Tokens are fetched once for all
//! requests with the same scope, and once more when a registry no longer takes them. Registries on loopback are talked to
//! without TLS and others with it, unless [`RegistrySettings::plain_http`] says otherwise.
//!
//! # Referrers
//!
//! Registries of OCI 1.1 list what refers to a manifest. For others the list is an index at the tag `sha256-<hex>` of the
//! subject, which clients keep themselves. [`Registry::referrers`] reads both, [`Registry::attach`] writes whichever is
//! needed. Entries of others stay as they are, also those that nobody here can make sense of. An index that would be
//! larger than [`RegistrySettings::max_manifest`] is not written, since it could not be read again.
//!
//! # Many writers
//!
//! No registry can write a tag only if it is still what was read. [`Registry::update_tag`] looks again before it writes,
//! reads back and repeats, so that nothing is lost among writers who do the same; what others overwrote in the end is
//! [`ErrorKind::Lost`]. How long it waits before it reads back follows from how long its own requests took, and from how far
//! reads lag behind where they do. So there are limits, and beyond them nothing tells either writer:
//!
//! - one who doesn't look (cosign) undoes what was written since he last read;
//! - so can one whose way to the registry takes much longer than ours, within that time;
//! - where each read lags by another time, and some not at all, as with replicas, a lucky read passes for a current one.

mod auth;
mod client;
mod credentials;
mod digest;
pub mod ecr;
mod error;
#[cfg(test)]
mod fake;
mod images;
mod reference;
mod referrers;
mod send;
mod settings;
mod types;
mod update;
mod upload;

pub use client::{Fetched, Pushed, Registry};
pub use credentials::{Credentials, CredentialsError};
pub use digest::{Digest, DigestError};
pub use error::{Error, ErrorKind};
pub use reference::{Reference, ReferenceError, Repository};
pub use referrers::Attached;
pub use settings::RegistrySettings;
pub use types::{Descriptor, Index, Manifest, Platform, media_type};
pub use update::Edit;
