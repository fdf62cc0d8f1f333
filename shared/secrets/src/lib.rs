//! Finds secrets in the bytes of a file.
//!
//! # The parts
//!
//! - [`Engine`] holds the built-in rules and scans one file at a time. It is shared between threads by reference.
//! - [`Rule`] describes one kind of secret. Rules are data in `rules/*.toml`: the format as its provider documents it,
//!   keywords of which each match contains one, checks, a severity, and the page the format was taken from.
//! - [`Match`] is one secret that was found: its rule, severity, place, fingerprint and public prefix.
//! - [`inline_allows`] lists the lines of a file that carry `gitleaks:allow`, so that a caller can ask whether an allow
//!   stood in an older version of the file.
//! - [`Scanned`] says whether the engine saw text in a file at all. A file of any size is read in windows
//!   ([`Engine::scan_stream`]).
//!
//! # How a file is scanned
//!
//! One pass looks for the keywords of all rules at once. Each hit is handed to the rules that asked for the keyword, and
//! each of these tries one anchored pattern there, or, for a provider's token, its form ([`pipe_core::redact::tokens`]). What matches is put to the rule's checks: checksums that the
//! provider builds into its tokens, the decoded form of keys and JSON web tokens, entropy for values without a format,
//! placeholders and examples of documentation. Of overlapping matches the more specific one stays. The time is linear
//! in the size of the file.
//!
//! ```
//! use pipe_secrets::Engine;
//!
//! let engine = Engine::new();
//! let key = ["AK", "IA", "Q3EGRZ6YM7TB5XWD"].concat();
//! let found = engine.scan("app.py", format!("KEY = \"{key}\"\n").as_bytes());
//! assert_eq!(engine.rules()[found[0].rule].id, "aws-access-key-id");
//! assert_eq!((found[0].start_line, found[0].start_column), (1, 8));
//! assert!(!format!("{found:?}").contains(&key));
//! ```
//!
//! # What holds everywhere
//!
//! - A found value never leaves through `Debug` or an error. A caller shows the rule, the place and the provider's public
//!   prefix ([`Match::shown`]), and gives [`Match::value`] to its redactor.
//! - Fingerprints survive moved lines, and differ for two equal values in one file.
//! - A file with more than [`MAX_MATCHES`] secrets yields one match more than that, so that a caller can say that others
//!   were not judged.

#![deny(missing_docs)]

mod allow;
mod assignment;
mod candidate;
mod checks;
mod engine;
mod fingerprint;
#[cfg(test)]
mod forms;
mod found;
mod generic;
mod keywords;
mod names;
mod pem;
mod place;
mod placeholder;
mod random;
mod rule;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod text;
mod windows;

pub use allow::inline_allows;
pub use engine::{Engine, MAX_MATCHES};
pub use found::{Match, Scanned};
pub use rule::Rule;
