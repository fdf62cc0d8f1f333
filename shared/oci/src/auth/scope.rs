//! What a request asks permission for.

use pipe_core::http::Client;

use crate::Repository;
use crate::settings::RegistrySettings;

/// What is allowed with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
    Delete,
}

impl Access {
    pub(super) fn actions(self) -> &'static str {
        match self {
            Access::Pull => "pull",
            Access::Push => "pull,push",
            Access::Delete => "delete,pull,push",
        }
    }
}

/// A request that is to be allowed: where, and with what rights.
pub(crate) struct Scope<'a> {
    pub(crate) http: &'a Client,
    pub(crate) settings: &'a RegistrySettings,
    pub(crate) repository: &'a Repository,
    pub(crate) access: &'a [(&'a Repository, Access)],
}
