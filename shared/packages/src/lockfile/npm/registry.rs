//! The public registry of npm under its names.

use super::super::url;

/// The public registry and its alias for Yarn.
pub(in crate::lockfile) const PUBLIC: [&str; 3] = ["registry.npmjs.org", "registry.npmjs.com", "registry.yarnpkg.com"];

/// Whether a registry of this address is the public one.
pub(in crate::lockfile) fn is_public(registry: &str) -> bool {
    url::host(registry).is_some_and(|host| PUBLIC.contains(&host.as_str()))
}
