//! What a project has installed: packages, their versions, the lockfiles that name them, and the bills of materials
//! made of them.
//!
//! # The parts
//!
//! - [`package`] holds the vocabulary. A [`package::Package`] is one resolved package of one lockfile, with its
//!   ecosystem, version, origin, scope, line, checksums, and the indices of the packages it depends on.
//! - [`lockfile`] reads lockfiles. Each format is one file that implements [`lockfile::Format`], and one line in
//!   [`lockfile::FORMATS`].
//! - [`store`] keeps the packages of many lockfiles, each once.
//! - [`version`] orders versions. Each ecosystem has its own specification, and any text has a place in the order.
//! - [`sbom`] writes CycloneDX 1.6 and SPDX 2.3 documents of the packages, and recognises those of other tools.
//!
//! # How they fit together
//!
//! A caller finds the format of a file by its name, gives the reader the text and a way to read files beside it, and
//! gets a [`lockfile::Parsed`], whose packages it adds to a [`store::Store`]. From there they go to an advisory look-up,
//! whose matcher compares versions by [`version::Version`], and to [`sbom::cyclonedx`] and [`sbom::spdx`]:
//!
//! ```
//! use pipe_packages::lockfile::{FORMATS, Input, Sibling};
//! use pipe_packages::package::Ecosystem;
//! use pipe_packages::store::Store;
//! use pipe_packages::version::Version;
//!
//! let format = FORMATS.iter().find(|format| format.matches("requirements.txt", "")).expect("a known format");
//! let input = Input { path: "requirements.txt", text: "urllib3==1.22\n", sibling: &|_| Sibling::Absent, below: &|_| Vec::new() };
//! let parsed = format.parse(&input)?;
//! assert_eq!(parsed.packages[0].name, "urllib3");
//!
//! let mut packages = Store::default();
//! let listing = packages.add("requirements.txt", &parsed.packages, 14).expect("one package is not too many");
//! assert_eq!(packages.locked(&listing).count(), 1);
//!
//! let installed = Version::parse(Ecosystem::PyPi, &parsed.packages[0].version);
//! assert!(installed < Version::parse(Ecosystem::PyPi, "1.23"));
//! # Ok::<(), pipe_packages::lockfile::ParseError>(())
//! ```
//!
//! # What holds everywhere
//!
//! - Nothing in this crate reads a file or opens a connection. The caller reads, bounds and decodes.
//! - A reader never guesses. A file that it can't read to the end is an error with its line, and anything the file
//!   leaves open is a warning.
//! - The same input gives the same bytes on every machine. An SBOM contains no clock, no path of the machine and no
//!   random identifier.
//! - Text from a lockfile is not trusted. Messages quote short excerpts without control characters, URLs lose their
//!   credentials, and [`lockfile::Format::upgrade`] returns commands that are safe to paste into a shell.

#![deny(missing_docs)]

pub mod lockfile;
pub mod package;
pub mod sbom;
pub mod store;
pub mod version;
