//! A client for OCI registries.

mod auth;
mod client;
mod credentials;
mod digest;
mod error;
mod reference;
mod referrers;
mod types;
mod update;
mod upload;

pub use client::{Fetched, Pushed, Registry, Settings};
pub use credentials::{Credentials, CredentialsError};
pub use digest::{Digest, DigestError};
pub use error::{Error, Kind};
pub use reference::{Reference, ReferenceError, Repository};
pub use referrers::Attached;
pub use types::{Descriptor, Index, Manifest, Platform, media_type};
pub use update::Edit;
