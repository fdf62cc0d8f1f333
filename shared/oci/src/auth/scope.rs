//! What a request asks permission for.

use pipe_core::http::Client;

use crate::Repository;
use crate::settings::RegistrySettings;

/// The operations that a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Access {
    pub(super) fn actions(self) -> &'static str {
        match self {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        }
    }
}

/// The permission that a request needs, and what is required to obtain it.
pub(crate) struct Scope<'a> {
    pub(crate) http: &'a Client,
    pub(crate) settings: &'a RegistrySettings,
    pub(crate) repository: &'a Repository,
    pub(crate) access: &'a [(&'a Repository, Access)],
}
