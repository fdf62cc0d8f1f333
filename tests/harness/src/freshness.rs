//! Whether a binary is as new as the sources it was built from. `cargo test` of one crate rebuilds that crate's
//! binaries only, so a test of another crate would run an old one without a word.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::checkout::root;
use crate::metadata::members;

/// The crates of this workspace, each with those it links, by the names that rustc uses.
static LINKED: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let metadata = members();
    let name = |value: &Value| value["name"].as_str().unwrap().replace('-', "_");
    let linked = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap();
        all.iter().filter(|other| other["path"].is_string() && other["kind"].is_null()).map(name).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|package| (name(package), linked(package))).collect()
});

/// The crate `package` and every crate of this workspace that it links.
fn crates(package: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![package.replace('-', "_")];
    while let Some(next) = open.pop() {
        let linked = LINKED.get(&next).unwrap_or_else(|| panic!("{next} is not a crate of this workspace"));
        open.extend(linked.iter().cloned());
        found.insert(next);
    }
    found
}

/// The files that rustc read to build `crates`, as its dep-info files in `deps` name them, relative to the root of the
/// workspace. The dep-info of a crate's own tests is left out: editing a file of tests builds no binary anew.
fn sources(deps: &Path, crates: &BTreeSet<String>) -> BTreeSet<PathBuf> {
    let names: BTreeSet<String> =
        fs::read_dir(deps).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    // Units that were only checked, by clippy, left neither.
    let of_library = |unit: &str| names.contains(&format!("lib{unit}.rlib"));
    let of_binary = |unit: &str, text: &str| {
        names.contains(unit) && (text.contains("/src/main.rs:\n") || text.contains("/src/bin/"))
    };
    let mut sources = BTreeSet::new();
    for unit in names.iter().filter_map(|name| name.strip_suffix(".d")) {
        let Some((name, _)) = unit.rsplit_once('-') else { continue };
        if !crates.contains(name) {
            continue;
        }
        let text = fs::read_to_string(deps.join(format!("{unit}.d"))).unwrap();
        if of_library(unit) || of_binary(unit, &text) {
            sources.extend(text.lines().filter_map(|line| line.strip_suffix(':')).map(PathBuf::from));
        }
    }
    sources
}

/// The first of `sources` below `root` that was changed after `binary` was written. A file that is gone was named by an
/// older build: the file that named it has changed as well.
fn newer(binary: &Path, root: &Path, sources: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let built = modified(binary).expect("the binary is there");
    sources.iter().map(|source| root.join(source)).find(|source| modified(source).is_some_and(|time| time > built))
}

/// Fails the test if a source of `package` is newer than `binary`, which is beside the folder `deps`.
pub(crate) fn check(binary: &Path, package: &str) {
    let sources = sources(&binary.parent().unwrap().join("deps"), &crates(package));
    assert!(!sources.is_empty(), "no dep-info of {package} beside {}", binary.display());
    if let Some(source) = newer(binary, &root(), &sources) {
        panic!("{} is older than {}: run `cargo test --workspace --no-run`", binary.display(), source.display());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_binary_is_made_of_the_crates_that_it_links() {
        let found = crates("sign-pipe");
        for name in ["sign_pipe", "pipe_evidence", "pipe_oci", "pipe_core"] {
            assert!(found.contains(name), "{name}");
        }
        for name in ["pipewright_harness", "pipe_secrets", "security_pipe"] {
            assert!(!found.contains(name), "{name}");
        }
    }

    #[test]
    fn a_source_that_was_changed_after_the_build_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in ["a/src/main.rs", "a/src/lib.rs", "a/src/tests.rs", "b/src/lib.rs"] {
            write(name, "");
        }
        write("deps/liba-1.rlib", "");
        write("deps/a-1.d", "deps/liba-1.rlib: a/src/lib.rs\n\na/src/lib.rs:\na/src/gone.rs:\n");
        write("deps/a-2", "");
        write("deps/a-2.d", "deps/a-2: a/src/main.rs\n\na/src/main.rs:\n");
        write("deps/a-3", "");
        write("deps/a-3.d", "deps/a-3: a/src/lib.rs a/src/tests.rs\n\na/src/lib.rs:\na/src/tests.rs:\n");
        // Read by a linter.
        write("a/lints.toml", "");
        write("deps/a-4.d", "deps/a-4.rmeta: a/src/main.rs a/lints.toml\n\na/src/main.rs:\na/lints.toml:\n");
        write("deps/libb-1.rlib", "");
        write("deps/b-1.d", "deps/libb-1.rlib: b/src/lib.rs\n\nb/src/lib.rs:\n");
        write("binary", "");
        let (binary, now) = (dir.path().join("binary"), SystemTime::now());
        let touch = |name: &str, seconds: u64| {
            let file = fs::File::options().append(true).open(dir.path().join(name)).unwrap();
            file.set_modified(now + Duration::from_secs(seconds)).unwrap();
        };
        let found = || {
            let sources = sources(&dir.path().join("deps"), &BTreeSet::from(["a".to_owned()]));
            newer(&binary, dir.path(), &sources)
        };
        touch("binary", 10);
        assert_eq!(found(), None);
        // Neither another crate, nor a file of tests, nor a linter's settings are in the binary.
        touch("b/src/lib.rs", 20);
        touch("a/src/tests.rs", 20);
        touch("a/lints.toml", 20);
        assert_eq!(found(), None);
        for name in ["a/src/main.rs", "a/src/lib.rs"] {
            touch(name, 20);
            assert_eq!(found(), Some(dir.path().join(name)));
            touch(name, 0);
        }
    }
}
