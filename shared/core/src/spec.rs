//! The declaration of a pipe's variables. Everything a user meets (`--help`, `action.yml`, `pipe.yml`, the README table,
//! the JSON Schema, the warnings) is made from it.

pub mod common;
mod var;

use std::time::Duration;

pub use common::COMMON;
pub use var::{Group, Kind, Var};

/// What a pipe is called and which variables it reads.
#[derive(Debug)]
pub struct Spec {
    /// Folder, package, image and action share this name, e.g. `security-pipe`.
    pub name: &'static str,
    /// One sentence for the action and pipe listings.
    pub summary: &'static str,
    /// The category of the pipe listing, e.g. `Security`.
    pub category: &'static str,
    /// `1.2.3`.
    pub version: &'static str,
    /// The pipe's own variables, in groups as a reader should meet them. [`COMMON`] is added to every pipe.
    pub groups: &'static [Group],
    /// What the pipe leaves for later steps. [`OUTPUTS`] are added to every pipe.
    pub outputs: &'static [Output],
    /// The default of `TIMEOUT`.
    pub timeout: &'static str,
    /// How long after a cancellation the pipe may go on to bring things in order.
    pub grace: Duration,
}

/// A value that a run leaves for later steps, declared once as variables are.
#[derive(Debug)]
pub struct Output {
    /// `lower_snake`.
    pub name: &'static str,
    /// What it is, without a full stop.
    pub description: &'static str,
}

/// The outputs of every pipe.
pub const OUTPUTS: &[Output] = &[
    Output::new("verdict", "passed, warned, skipped, failed, error, rolled_back or interrupted"),
    Output::new("exit_code", "The exit code of the run"),
    Output::new("report", "The path of the JSON report"),
];

impl Output {
    /// See the fields.
    pub const fn new(name: &'static str, description: &'static str) -> Output {
        Output { name, description }
    }
}

impl Spec {
    /// Every output, those of all pipes first.
    pub fn outputs(&self) -> impl Iterator<Item = &'static Output> {
        OUTPUTS.iter().chain(self.outputs)
    }

    /// Every group with its variables, the common one last.
    pub fn groups(&self) -> impl Iterator<Item = &'static Group> {
        self.groups.iter().chain(std::iter::once(&COMMON))
    }

    /// Every variable of the pipe, the common ones last.
    pub fn vars(&self) -> impl Iterator<Item = &'static Var> {
        self.groups().flat_map(|group| group.vars.iter().copied())
    }

    /// Whether this version does anything with a variable. What it does not honour is left out of the pages and manifests
    /// that users read, and still ends a run with 3 when it is set.
    pub fn honours(&self, var: &Var) -> bool {
        let of = var.part_of.and_then(|name| self.vars().find(|other| other.name == name));
        !var.later && of.is_none_or(|scan| !scan.later)
    }

    /// The default shown for a variable; `TIMEOUT`'s belongs to the pipe.
    pub fn default_of(&self, var: &Var) -> Option<&'static str> {
        if var.name == common::TIMEOUT.name { Some(self.timeout) } else { var.default }
    }
}
