//! Lockfiles, manifests and versions.

use std::cmp::Ordering;

use pipe_packages::lockfile::{FORMATS, Input, Sibling, decode, is_manifest_name, manifest, unsupported};
use pipe_packages::package::Ecosystem;
use pipe_packages::sbom::{Bom, Source, cyclonedx, spdx};
use pipe_packages::store::Store;
use pipe_packages::version::Version;

/// The first byte chooses the format. A NUL separates the lockfile from the text of any file beside it. What was read is
/// then written as both SBOMs, and each package upgraded.
pub(crate) fn lockfiles(data: &[u8]) -> bool {
    let Some((format, rest)) = super::choice(data) else { return false };
    let format = FORMATS[format % FORMATS.len()];
    let (lockfile, sibling) = rest.split_at(rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len()));
    let Ok(text) = decode(lockfile.to_owned()) else { return false };
    let sibling = Sibling::from(sibling.strip_prefix(b"\0").and_then(super::text).map(str::to_owned));
    let path = "services/api/lockfile";
    let below = |_: &str| vec!["a".to_owned()];
    let parsed = match format.parse(&Input { path, text: &text, sibling: &|_| sibling.clone(), below: &below }) {
        Ok(parsed) => parsed,
        Err(error) => {
            super::printable(&error.message);
            return false;
        }
    };
    for package in &parsed.packages {
        assert!(
            package.dependencies.iter().all(|index| *index < parsed.packages.len()),
            "a dependency that is not there"
        );
        super::printable(&parsed.format.unwrap_or(format).upgrade(&package.locked(), "1.2.3", path));
    }
    let root = parsed.root.as_ref().map(|(name, version)| (name.as_str(), version.as_str()));
    let mut packages = Store::default();
    let Ok(listing) = packages.add(path, &parsed.packages, text.len()) else { return false };
    let sources = [Source { path, format: format.name(), listing: &listing, root }];
    let bom = Bom {
        name: "org/app",
        version: None,
        created: None,
        tool_version: "0.1.0",
        packages: &packages,
        sources: &sources,
    };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    assert!(cyclonedx(&bom, &mut first).is_ok() && spdx(&bom, &mut second).is_ok());
    for document in [first, second] {
        let valid: Result<serde_json::Value, _> = serde_json::from_slice(&document);
        assert!(valid.is_ok(), "an SBOM that is not JSON");
    }
    true
}

/// The first line is the file's name, the rest its text.
pub(crate) fn manifests(data: &[u8]) -> bool {
    let Some((name, content)) = super::text(data).and_then(|text| text.split_once('\n')) else { return false };
    let found = manifest(name, content);
    assert!(found.is_none() || is_manifest_name(name), "a manifest by content alone");
    found.is_some() || unsupported(name, &|_| false).is_some()
}

/// Three lines are three versions, in an order.
pub(crate) fn versions(data: &[u8]) -> bool {
    let Some((ecosystem, rest)) = super::choice(data) else { return false };
    let Some(text) = super::text(rest) else { return false };
    let ecosystem = Ecosystem::ALL[ecosystem % Ecosystem::ALL.len()];
    let versions: Vec<Version> = text.split('\n').take(3).map(|line| Version::parse(ecosystem, line)).collect();
    let [a, b, c] = versions.as_slice() else { return false };
    for version in &versions {
        assert_eq!(version.cmp(version), Ordering::Equal);
        let _ = version.public();
    }
    assert_eq!(a.cmp(b), b.cmp(a).reverse(), "an order that depends on the side");
    assert!(a > b || b > c || a <= c, "an order that is not transitive");
    true
}
