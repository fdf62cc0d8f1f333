//! Readers of lockfiles: what a project has resolved, where each package stands and what brought it in.
//!
//! A reader never guesses: a file it can't read to the end is an error with its line, and what a file leaves open
//! (an unpinned requirement, an origin that could be private) is a warning for the caller to show.

mod archive;
mod cargo;
mod files;
mod go;
mod graph;
mod hash;
mod manifest;
mod members;
mod npm;
pub(crate) mod paths;
mod pep508;
mod poetry;
mod pyproject;
mod python;
mod requirements;
mod shell;
mod text;
mod toml_file;
mod unsupported;
mod url;
mod uv;
mod yarn;

use std::fmt::Debug;

use crate::package::{Locked, Package};

pub use manifest::{Manifest, is_manifest_name, manifest};
pub use members::Members;
pub use text::decode;
pub use unsupported::{Unsupported, superseded_by, unsupported};

/// A lockfile format: how its files are called, read, and how a package in them is upgraded.
pub trait Format: Sync + Debug {
    /// As a person would name it: `poetry.lock`, `go.mod`.
    fn name(&self) -> &'static str;

    /// The text of a file of the format, without a byte order mark.
    ///
    /// # Errors
    /// When the bytes are not text, with the line if it is known.
    fn decode(&self, bytes: Vec<u8>) -> Result<String, ParseError> {
        decode(bytes)
    }

    /// Whether a file of this name in this folder is of the format. `parent` may be the folder's name or its path.
    fn matches(&self, file_name: &str, parent: &str) -> bool;

    /// Whether a file that [`Format::matches`] is of the format and not another tool's that uses the same name. `content`
    /// is nothing for a file that can't be read.
    fn claims(&self, _file_name: &str, _content: &dyn Fn() -> Option<Vec<u8>>) -> bool {
        true
    }

    /// # Errors
    /// When the file is broken, incomplete, or of a newer version than is known, with the line if it is known.
    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError>;

    /// [`Format::parse`] for one of several lockfiles of a project. `shared` is the same for all of them, and is made
    /// anew for another project.
    ///
    /// # Errors
    /// As of [`Format::parse`].
    fn parse_one_of(&self, input: &Input<'_>, _shared: &mut Shared) -> Result<Parsed, ParseError> {
        self.parse(input)
    }

    /// What a person does to get `fixed` (a version as OSV spells it): a command, or a short instruction. Safe to
    /// paste into a shell whatever the lockfile called the package.
    fn upgrade(&self, package: &Locked<'_>, fixed: &str, lockfile: &str) -> String;
}

/// What several lockfiles of a project look at, so that each file is read once.
#[derive(Debug, Default)]
pub struct Shared {
    workspaces: go::Workspaces,
}

/// The most packages of one lockfile, and the most requirements of a requirements file with all that it includes.
const MAX_PACKAGES: usize = 30_000;

/// One line per format: adding one is one file and one line here.
pub const FORMATS: &[&dyn Format] = &[
    &poetry::Poetry,
    &uv::Uv,
    &requirements::Requirements,
    &npm::Npm("package-lock.json"),
    &npm::Npm("npm-shrinkwrap.json"),
    &cargo::CargoLock,
    &go::GoMod,
    &yarn::Yarn::ANY,
];

/// One lockfile and its surroundings.
pub struct Input<'a> {
    /// For messages: relative to the scan's root.
    pub path: &'a str,
    /// The whole file, decoded by [`Format::decode`].
    pub text: &'a str,
    /// Reads another file of the project, by its name relative to the lockfile's folder. A name may contain `/` and
    /// `..`. The caller keeps it inside the project.
    pub sibling: &'a dyn Fn(&str) -> Sibling,
    /// The folders below the lockfile's in which a file of this name lies, relative to it, sorted.
    pub below: &'a dyn Fn(&str) -> Vec<String>,
}

/// Another file of the project, as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sibling {
    /// No file has this name.
    Absent,
    /// The whole of it. A requirements file has encodings that other files do not have.
    Content(Vec<u8>),
    /// It exists and was not read. The reason is a fragment that quotes nothing of the file.
    Unreadable(String),
}

impl From<Option<String>> for Sibling {
    fn from(text: Option<String>) -> Sibling {
        text.map_or(Sibling::Absent, |text| Sibling::Content(text.into_bytes()))
    }
}

impl Sibling {
    /// The text, decoded by [`decode`], or nothing if no file has this name.
    ///
    /// # Errors
    /// Why it was not read, as a fragment.
    pub fn decoded(self) -> Result<Option<String>, String> {
        match self {
            Sibling::Absent => Ok(None),
            Sibling::Content(bytes) => decode(bytes).map(Some).map_err(|error| error.message),
            Sibling::Unreadable(reason) => Err(reason),
        }
    }

    /// The text, decoded by [`decode`], if there is one.
    pub fn text(self) -> Option<String> {
        match self {
            Sibling::Content(bytes) => decode(bytes).ok(),
            Sibling::Absent | Sibling::Unreadable(_) => None,
        }
    }
}

impl<'a> Input<'a> {
    /// The text without a byte order mark.
    fn body(&self) -> &'a str {
        self.text.strip_prefix('\u{feff}').unwrap_or(self.text)
    }
}

/// What a lockfile says.
#[derive(Debug, Default)]
pub struct Parsed {
    /// In the file's order; without the project itself.
    pub packages: Vec<Package>,
    /// What the file leaves open, such as a version. Each begins with the path of the lockfile.
    pub warnings: Vec<String>,
    /// Parts of it that could not be read, such as an included file. Each begins with the path of the lockfile.
    pub unable: Vec<String>,
    /// Name and version of the project itself where the lockfile or the manifest beside it says; the version may be
    /// empty.
    pub root: Option<(String, String)>,
    members: Members,
    /// The format that the file turned out to be, if several have its name.
    pub format: Option<&'static dyn Format>,
}

/// Why a lockfile can't be read. The message is a lowercase fragment without the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// From 1.
    pub line: Option<u32>,
    /// Never more than short, control-character-free excerpts of the file, and no values that could be secret.
    pub message: String,
}

/// The warning for a lockfile in which nothing was found, which would look like a clean one.
fn no_packages(input: &Input<'_>) -> String {
    format!("{}: it names no packages. Remove it, or name it in EXCLUDE_PATHS", input.path)
}

impl ParseError {
    /// Whether the file is not broken and has more than is read. Each such message begins alike.
    pub fn is_too_many(&self) -> bool {
        self.message.starts_with("more than ")
    }

    fn new(message: impl Into<String>) -> ParseError {
        ParseError { line: None, message: message.into() }
    }

    fn at(line: u32, message: impl Into<String>) -> ParseError {
        ParseError { line: Some(line), message: message.into() }
    }
}

#[cfg(test)]
mod limits;
#[cfg(test)]
mod tests;
