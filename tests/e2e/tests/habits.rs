//! The habits of this repository: what is pinned, one toolchain, updaters, generated files, commit subjects.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use pipewright_harness::{Repo, pipes, root};

/// The files that Git tracks here.
fn tracked() -> Vec<String> {
    let output = git(&["ls-files"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn git(args: &[&str]) -> Output {
    // In a container the checkout may belong to another user.
    Command::new("git").args(["-c", "safe.directory=*"]).args(args).current_dir(root()).output().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What follows `key` on each line, up to a space or a quote.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let values = text.lines().filter_map(|line| line.split_once(key)).map(|(_, value)| value.trim_start_matches('"'));
    values.map(|value| value.split([' ', '"', '`']).next().unwrap_or_default()).collect()
}

const PIPELINES: [&str; 3] = [".github/workflows/ci.yml", ".gitlab-ci.yml", "bitbucket-pipelines.yml"];

#[test]
fn the_list_of_pins_names_exactly_what_has_no_digest() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in tracked() {
        let is_page = path.ends_with(".md") && path != "docs/pins.md";
        let is_manifest = path.ends_with("action.yml") || path.ends_with("pipe.yml");
        let is_ours = path.starts_with(".github/") || PIPELINES.contains(&path.as_str()) || is_manifest;
        let is_image = path.starts_with("Dockerfiles/");
        if !(is_page || is_ours || is_image) {
            continue;
        }
        let text = read(&path);
        // Runners elsewhere want the whole address.
        let actions =
            values(&text, "uses: ").into_iter().map(|action| action.trim_start_matches("https://github.com/"));
        let actions = actions.filter(|action| {
            let digest = action.split_once('@').map_or("", |(_, digest)| digest);
            let is_pinned = digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            // A pipe of the same release.
            !is_pinned && action.contains('@') && !action.starts_with("pipewright/pipewright/")
        });
        let images = ["image: ", "RUST_IMAGE="].iter().flat_map(|key| values(&text, key));
        let images = images.map(|image| image.trim_start_matches("docker://"));
        let images = images.filter(|image| is_manifest || image.contains("docker.io/"));
        let images = images.filter(|image| image.contains('/') && !image.contains("@sha256:"));
        for name in actions.chain(images.filter(|_| !is_page)) {
            found.entry(name.to_owned()).or_default().insert(path.clone());
        }
    }
    let rows =
        read("docs/pins.md").lines().filter_map(|row| row.strip_prefix("| `").map(str::to_owned)).collect::<Vec<_>>();
    let listed: BTreeMap<String, BTreeSet<String>> = rows
        .iter()
        .map(|row| {
            let (name, places) = row.split_once("` | ").unwrap();
            (name.to_owned(), places.split('`').skip(1).step_by(2).map(str::to_owned).collect())
        })
        .collect();
    assert_eq!(found, listed, "found, and listed in docs/pins.md");

    // The linter allows no other action without a digest.
    let policies = read(".github/zizmor.yml");
    let allowed: BTreeSet<&str> = policies
        .lines()
        .filter_map(|line| line.trim().strip_suffix(": ref-pin"))
        .filter(|action| !action.starts_with("pipewright/"))
        .collect();
    let actions: BTreeSet<&str> =
        listed.keys().filter_map(|name| name.split_once('@')).map(|(action, _)| action).collect();
    assert_eq!(allowed, actions, ".github/zizmor.yml, and docs/pins.md");
}

/// `1.95`, as the image names it.
fn toolchain() -> String {
    let dockerfile = read("Dockerfiles/Dockerfile");
    let image = values(&dockerfile, "ARG RUST_IMAGE=")[0];
    image.strip_prefix("docker.io/library/rust:").unwrap().split('-').next().unwrap().to_owned()
}

fn minimum() -> String {
    let manifest = read("Cargo.toml");
    values(&manifest, "rust-version = ")[0].to_owned()
}

fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|part| part.parse().unwrap()).collect()
}

#[test]
fn one_toolchain_builds_images_and_runs_in_ci() {
    let image = format!("docker.io/library/rust:{}-bookworm", toolchain());
    for path in PIPELINES {
        let text = read(path);
        let images: Vec<&str> = values(&text, "image: ").into_iter().filter(|image| image.contains("rust:")).collect();
        assert!(!images.is_empty(), "{path} names no image");
        assert!(images.iter().all(|other| *other == image), "{path}: expected {image}, found {images:?}");
    }
    assert!(version(&minimum()) <= version(&toolchain()), "rust-version is above the toolchain");
    assert!(!root().join("rust-toolchain.toml").exists(), "rustup would download it (docs/decisions)");
    assert_eq!(values(&read("fuzz/Cargo.toml"), "rust-version = "), [minimum()], "fuzz/Cargo.toml");
    let contributing = read("CONTRIBUTING.md");
    assert!(contributing.contains(&format!("Any stable Rust from {} on", minimum())), "CONTRIBUTING.md");
    let is_version = |word: &&str| word.starts_with("1.") && word[2..].parse::<u32>().is_ok();
    let words = contributing.lines().filter(|line| line.contains("Rust")).flat_map(|line| line.split([' ', ',', '`']));
    let named: Vec<&str> = words.map(|word| word.trim_end_matches('.')).filter(is_version).collect();
    assert!(named.len() >= 2 && named.iter().all(|named| *named == minimum()), "CONTRIBUTING.md: {named:?}");
}

#[test]
fn every_linter_that_is_installed_is_called() {
    let requirements = read("tests/lint/requirements.in");
    let of_python = requirements.lines().filter_map(|line| line.split_once("==")).map(|(name, _)| name);
    let linters: Vec<&str> = of_python.chain(["actionlint"]).collect();
    assert!(linters.len() >= 5, "{linters:?}");
    let run = read("tests/lint/run.sh");
    for linter in linters {
        // The test of our hook calls it.
        let called = if linter == "pre-commit" { read("tests/e2e/tests/pre_commit.rs") } else { run.clone() };
        let call = if linter == "pre-commit" { "lint/bin/pre-commit".to_owned() } else { format!("\"$bin/{linter}\"") };
        assert!(called.contains(&call), "{linter} is installed and not called");
    }
}

#[test]
fn ci_installs_the_toolchain_of_the_image_and_the_minimum() {
    let repo = Repo::plain();
    let rustup = repo.join("rustup");
    fs::write(&rustup, "#!/bin/sh\necho \"$@\"\n").unwrap();
    fs::set_permissions(&rustup, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", repo.path().display());
    let run = |args: &[&str]| {
        let output = Command::new(root().join(".ci/toolchain")).args(args).env("PATH", &path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for (args, version) in [(&[][..], toolchain()), (&["minimum"], minimum())] {
        let expected = format!(
            "toolchain install {version} --profile minimal --component clippy --component rustfmt\ndefault {version}\n"
        );
        assert_eq!(run(args), (Some(0), expected));
    }
    assert_eq!(run(&["newest"]).0, Some(2));
    let workflow = read(".github/workflows/ci.yml");
    for line in ["- run: ./.ci/toolchain\n", "- run: ./.ci/toolchain minimum\n      - run: cargo check"] {
        assert!(workflow.contains(line), "{line}");
    }
}

#[test]
fn no_dependency_of_a_pipe_needs_a_newer_compiler() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |value: &serde_json::Value| value.as_array().unwrap().clone();
    let nodes: BTreeMap<String, serde_json::Value> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| (node["id"].as_str().unwrap().to_owned(), node))
        .collect();
    let packages: BTreeMap<String, serde_json::Value> = list(&metadata["packages"])
        .into_iter()
        .map(|package| (package["id"].as_str().unwrap().to_owned(), package))
        .collect();
    // What a pipe is built from, without what its tests need.
    let is_pipe = |package: &serde_json::Value| pipes().iter().any(|pipe| package["name"] == pipe.as_str());
    let mut wanted: Vec<String> =
        packages.iter().filter(|(_, package)| is_pipe(package)).map(|(id, _)| id.clone()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = wanted.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dependency in list(&nodes[&id]["deps"]) {
            if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev") {
                wanted.push(dependency["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(seen.len() > 100, "only {} packages", seen.len());
    for id in seen {
        let package = &packages[&id];
        if let Some(needed) = package["rust_version"].as_str() {
            let needed = needed.split('.').take(2).collect::<Vec<_>>().join(".");
            assert!(version(&needed) <= version(&minimum()), "{} needs Rust {needed}", package["name"]);
        }
    }
}

#[test]
fn every_list_of_dependencies_has_an_updater() {
    let mut found: BTreeSet<(&str, String)> =
        [("docker", "/Dockerfiles".to_owned()), ("github-actions", "/".to_owned())].into();
    for path in tracked() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let ecosystem = match name {
            "Cargo.lock" => "cargo",
            "go.mod" => "gomod",
            "package-lock.json" => "npm",
            "requirements.txt" => "pip",
            _ => continue,
        };
        // Vulnerable on purpose, or read by a test.
        if !folder.starts_with("examples/demo") && !folder.contains("golden") {
            found.insert((ecosystem, format!("/{folder}")));
        }
    }
    let mut updated = BTreeSet::new();
    for entry in read(".github/dependabot.yml").split("  - package-ecosystem: ").skip(1) {
        let ecosystem = entry.lines().next().unwrap();
        let ecosystem = *["cargo", "docker", "github-actions", "gomod", "npm", "pip"]
            .iter()
            .find(|known| **known == ecosystem)
            .unwrap_or_else(|| panic!("{ecosystem} is new here"));
        assert!(entry.contains("cooldown: { default-days: 7 }"), "{ecosystem} has no cooldown");
        let folders = entry.split(['\n', ' ', ',', '[', ']']).filter(|word| word.starts_with('/'));
        for folder in folders {
            match folder.strip_suffix("/*") {
                Some(parent) => updated.extend(
                    found
                        .iter()
                        .filter(|(kind, path)| *kind == ecosystem && path.rsplit_once('/').unwrap().0 == parent)
                        .cloned()
                        .collect::<Vec<_>>(),
                ),
                None => {
                    updated.insert((ecosystem, folder.to_owned()));
                }
            }
        }
    }
    assert_eq!(found, updated, "found, and named in .github/dependabot.yml");
}

#[test]
fn generated_files_are_marked() {
    let mut generated = vec!["action.yml".to_owned(), "docs/variables.md".to_owned()];
    for pipe in pipes() {
        generated.push(format!("pipes/{pipe}/action.yml"));
        generated.push(format!("pipes/{pipe}/pipe.yml"));
        generated.push(format!("docs/schemas/{pipe}.variables.schema.json"));
    }
    generated.extend(tracked().into_iter().filter(|path| path.starts_with("docs/ci/")));
    let attribute = |attribute: &str, path: &str| {
        let output = git(&["check-attr", attribute, "--", path]);
        String::from_utf8(output.stdout).unwrap().trim().rsplit(' ').next().unwrap().to_owned()
    };
    for path in &generated {
        assert!(root().join(path).is_file(), "{path}");
        assert_eq!(attribute("linguist-generated", path), "set", "{path}");
    }
    for path in ["README.md", "pipes/security-pipe/README.md", "docs/schemas/report.v1.schema.json"] {
        assert_eq!(attribute("linguist-generated", path), "unspecified", "{path}");
    }
    // Compared byte by byte: no checkout may change them.
    let binary = tracked().into_iter().filter(|path| path.starts_with("fuzz/corpus/") || path.contains("/golden/"));
    let binary: Vec<String> = binary.collect();
    assert!(binary.len() > 100);
    for path in binary.iter().step_by(17) {
        assert_eq!(attribute("text", path), "unset", "{path}");
    }
    assert_eq!(attribute("eol", "README.md"), "lf");
}

#[test]
fn a_commit_subject_has_one_clause_of_72_characters() {
    let repo = Repo::new();
    fs::create_dir(repo.join(".ci")).unwrap();
    fs::copy(root().join(".ci/subjects"), repo.join(".ci/subjects")).unwrap();
    let base = repo.commit(&"x".repeat(100));
    let check = |base: &str| {
        let output = Command::new(repo.join(".ci/subjects")).arg(base).current_dir(repo.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // Characters, not bytes; and the body is free.
    repo.commit(&format!("{}\n\n{}", "é".repeat(72), "y".repeat(200)));
    assert_eq!(check(&base), (Some(0), String::new()));
    let fine = repo.git(&["rev-parse", "HEAD"]);
    for subject in ["é".repeat(73), "Do this; do that".to_owned()] {
        repo.git(&["reset", "--quiet", "--hard", &fine]);
        repo.commit(&subject);
        let (code, text) = check(&base);
        assert_eq!(code, Some(1));
        assert!(text.contains(&subject), "{text}");
    }
    assert_ne!(check("no-such-commit").0, Some(0), "a range that is not there has no good subjects");
    assert!(read(".github/workflows/ci.yml").contains("- run: ./.ci/subjects \"$BASE\""));
    assert!(read("CONTRIBUTING.md").contains(".ci/subjects"), "contributors find the check");
}
