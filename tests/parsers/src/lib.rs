//! Every parser of foreign input, as a function of bytes.
//!
//! A fuzz target in `fuzz/` calls one of [`TARGETS`]. A test of this crate runs every seed of `fuzz/corpus/` on stable
//! Rust. A target panics if its parser breaks a promise: text that is safe to print, a round trip, nothing left of a
//! secret. What a parser returns is of no interest otherwise.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a target that finds a fault panics")]

mod advisories;
mod core;
mod evidence;
mod oci;
mod packages;
mod policies;
mod secrets;

/// One parser, or several of one kind that the first byte of the input chooses from.
pub struct Target {
    /// Of the fuzz target, and of its folder in `fuzz/corpus/`.
    pub name: &'static str,
    /// Feeds the parser, and returns whether it accepted the input.
    pub run: fn(&[u8]) -> bool,
}

/// One line for each target.
pub const TARGETS: &[Target] = &[
    Target { name: "baseline", run: policies::baseline },
    Target { name: "bundles", run: evidence::bundles },
    Target { name: "certificates", run: evidence::certificates },
    Target { name: "docker_config", run: oci::docker_config },
    Target { name: "env", run: core::env },
    Target { name: "events", run: core::events },
    Target { name: "ignore_file", run: policies::ignore_file },
    Target { name: "keys", run: evidence::keys },
    Target { name: "lockfiles", run: packages::lockfiles },
    Target { name: "manifests", run: packages::manifests },
    Target { name: "oci_manifests", run: oci::manifests },
    Target { name: "osv_api", run: advisories::api },
    Target { name: "osv_index", run: advisories::index },
    Target { name: "osv_records", run: advisories::records },
    Target { name: "osv_zips", run: advisories::zips },
    Target { name: "redactor", run: core::redactor },
    Target { name: "references", run: oci::references },
    Target { name: "secrets", run: secrets::scan },
    Target { name: "statements", run: evidence::statements },
    Target { name: "tokens", run: evidence::tokens },
    Target { name: "trusted_roots", run: evidence::trusted_roots },
    Target { name: "versions", run: packages::versions },
];

/// Runs the target called `name`. Returns whether its parser accepted the input.
///
/// # Panics
/// No target is called so, or it finds a fault.
pub fn run(name: &str, data: &[u8]) -> bool {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.run)(data)
}

/// The first byte as a choice, and what follows it. Seeds stay readable: the choice is a printable digit or letter.
fn choice(data: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    let choice = match first {
        b'0'..=b'9' => first - b'0',
        b'a'..=b'z' => first - b'a' + 10,
        other => *other,
    };
    Some((choice.into(), rest))
}

/// A text with choices: most parsers take text, and a program refuses other bytes before.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// What is printed may come from a file. It must not end a line or carry an escape sequence to the terminal.
fn printable(text: &str) {
    let hostile = text.chars().find(|c| c.is_control());
    assert_eq!(hostile, None, "a control character in the message {text:?}");
}
