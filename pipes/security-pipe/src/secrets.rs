//! Finds secrets in a file's bytes: rules as data, a keyword prefilter, then one anchored pattern a hit.
//!
//! A found value never leaves through `Debug` or a report: what is shown is the rule, the place and the provider's
//! public prefix.

mod allow;
mod assignment;
mod bech32;
mod checks;
mod drawn;
mod engine;
mod fingerprint;
mod found;
mod generic;
mod keywords;
mod names;
mod pem;
mod place;
mod placeholder;
mod rule;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use allow::inline_allows;
pub(crate) use engine::{Engine, MOST};
pub(crate) use found::Match;
pub(crate) use text::is_binary;
