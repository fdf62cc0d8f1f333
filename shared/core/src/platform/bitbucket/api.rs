//! Where Bitbucket's API is.

/// Bitbucket's API, the one host that its tokens go to.
pub const API: &str = "https://api.bitbucket.org/2.0";
