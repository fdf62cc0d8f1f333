//! What every pipe stands on.
//!
//! A pipe declares its variables in a [`spec::Spec`], implements [`Pipe`] and calls [`run()`] from a three-line `main`.
//! The order of a run is [`env::Vars`] -> configuration -> plan -> execution -> [`report::Recorder`] -> the CI's pages ->
//! [`exit::Ending`]; `docs/architecture.md` traces one.

#![deny(missing_docs)]

pub mod advice;
pub mod aws;
pub mod console;
pub mod context;
pub mod env;
pub mod exit;
pub mod fs;
pub mod git;
pub mod http;
pub mod manifest;
pub mod pem;
mod pipe;
mod place;
pub mod plan;
pub mod platform;
pub mod publish;
pub mod redact;
pub mod report;
pub mod run;
pub mod severity;
pub mod spec;
pub mod text;
pub mod trusted;
pub mod workspace;

pub use context::Context;
#[cfg(test)]
mod tests;

pub use pipe::Pipe;
pub use run::run;
