//! A client for OCI registries: images, artifacts, and the manifests that refer to them.
//!
//! A [`Registry`] sends all requests. A [`Reference`] names an image by its tag or digest, a [`Descriptor`] identifies
//! content by its digest and size. The client reads manifests, indexes and blobs, writes them, and lists and adds
//! referrers, which is how signatures and attestations are attached to an image.
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
//! // A tag is resolved once. Later changes of the tag do not matter.
//! let image = Reference::parse("ghcr.io/org/app:1.2.3")?;
//! let fetched = registry.manifest(&image).await?;
//! let subject = fetched.descriptor.clone();
//! let image = image.with_digest(subject.digest.clone());
//! for platform in registry.images(&image, fetched).await? {
//!     println!("{} {}", platform.digest, platform.size);
//! }
//!
//! // Attach a note to the image, then list everything that refers to it.
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
//! Source: the OCI image and distribution specifications 1.1. Deviations of single registries are noted where they are
//! handled.
//!
//! # Verification of content
//!
//! Content of a registry is not trusted. Every manifest and blob is read up to a limit and verified against its digest. The
//! `mediaType` inside a document takes precedence over the header of the response, because the digest covers it. A list
//! that cannot be read completely is an [`Error`], never an empty or a shorter list.
//!
//! # Errors
//!
//! Callers branch on [`Error::kind`]. Only [`ErrorKind::NotFound`] means that something does not exist. The text of an
//! error names the operation, what the registry returned in its own words, and what the reader can do, with the variable
//! that all pipes share for it.
//!
//! # Credentials
//!
//! [`Credentials`] belong to a host, or come from a Docker configuration, where the longest matching path takes precedence.
//! They are sent to that host and to the token service that it names. As in the specification and in Docker, the token
//! service may be at another host. It must use https, unless the registry itself is reached without TLS. Credentials never
//! follow a redirect, and never go to the storage service of an upload. A token is fetched once for all requests with the
//! same scope, and again when a registry no longer accepts it. Registries on loopback are reached without TLS and others
//! with TLS, unless [`RegistrySettings::plain_http`] is set.
//!
//! # Referrers
//!
//! Registries that support OCI 1.1 list the referrers of a manifest. For other registries, clients maintain the list in an
//! index at the tag `sha256-<hex>` of the subject (the fallback tag). [`Registry::referrers`] reads both, and
//! [`Registry::attach`] writes the one that the registry needs. Entries of other clients are kept, even those that this
//! version does not understand. An index above [`RegistrySettings::max_manifest`] is not written, since it could not be
//! read again.
//!
//! # Concurrent writers
//!
//! Registries have no conditional writes. [`Registry::update_tag`] reads the tag again before it writes, reads it back
//! afterwards, and repeats both until the entry stays. Writers that do the same lose nothing. If others overwrite the
//! entry every time, the error is [`ErrorKind::Lost`]. The wait before the read follows from the duration of the client's
//! own requests and from the measured delay of reads. An entry can still be lost without an error in three cases:
//!
//! - a writer that does not read again (cosign) removes what was written since its last read,
//! - a writer with much slower requests does the same within their duration,
//! - a registry whose replicas return stale reads at random can confirm an entry that another writer removed.
//!
//! # Modules
//!
//! `client` reads and writes manifests and blobs, `upload` writes blobs in chunks, `images` opens indexes, `referrers`
//! lists and attaches, `update` changes tags, `auth` answers challenges, `send` adds credentials to requests. Each of them
//! is one `impl Registry`. `settings` holds limits and the retry policy. [`ecr`] gets credentials from AWS.

#![deny(missing_docs)]

mod auth;
mod client;
mod credentials;
mod digest;
pub mod ecr;
mod error;
#[cfg(test)]
mod fake;
#[doc(hidden)]
pub mod fuzz;
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
pub use referrers::{Attached, Referrers};
pub use settings::RegistrySettings;
pub use types::{Descriptor, Index, Manifest, Platform, media_type};
pub use update::Edit;
