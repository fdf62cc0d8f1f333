//! Lockfiles that are known but can't be read yet. Meeting one is said aloud: a project whose lockfile is passed over
//! in silence looks clean.

mod table;

use super::FORMATS;
pub use table::Unsupported;
use table::{NAMES, PATHS, PATTERNS};

/// The lockfile that a tool takes in place of one of this name if both are in one folder.
pub fn superseded_by(file_name: &str) -> Option<&'static str> {
    const ORDER: [(&str, &str); 3] = [
        // https://docs.npmjs.com/cli/configuring-npm/npm-shrinkwrap-json
        ("package-lock.json", "npm-shrinkwrap.json"),
        ("bun.lockb", "bun.lock"),
        ("Manifest.toml", "JuliaManifest.toml"),
    ];
    ORDER.iter().find(|(loses, _)| *loses == file_name).map(|(_, wins)| *wins)
}

/// What a file is by its path (with `/`); `None` for what is not a lockfile, has a reader, or belongs to a file that has
/// one. `exists` answers for another path of the same tree.
pub fn unsupported(path: &str, exists: &dyn Fn(&str) -> bool) -> Option<Unsupported> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match by_surroundings(folder, name, exists) {
        Surroundings::Decide(answer) => answer,
        Surroundings::Open => by_name(folder, name).or_else(|| looks_like_one(folder, name)),
    }
}

/// With one of these, the packages of `node_modules` are known.
const LOCKS_OF_NODE: [&str; 2] = ["package-lock.json", "npm-shrinkwrap.json"];

enum Surroundings {
    Decide(Option<Unsupported>),
    Open,
}

/// Names that two tools share, or that mean something only beside another file.
fn by_surroundings(folder: &str, name: &str, exists: &dyn Fn(&str) -> bool) -> Surroundings {
    let in_folder = |folder: &str, name: &str| match folder {
        "" => exists(name),
        folder => exists(&format!("{folder}/{name}")),
    };
    let beside = |name: &str| in_folder(folder, name);
    let above = |name: &str| in_folder(folder.rsplit_once('/').map_or("", |(above, _)| above), name);
    let decided = match name {
        "go.sum" if beside("go.mod") => None,
        "go.work.sum" if beside("go.work") => None,
        // what Yarn installs from its lockfile
        ".pnp.cjs" | ".pnp.js" | ".pnp.data.json" if beside("yarn.lock") => None,
        "modules.txt" if is_called(folder, "vendor") && (above("go.mod") || above("go.work")) => None,
        // npm's note of what it installed from a lockfile
        ".package-lock.json" if is_called(folder, "node_modules") && LOCKS_OF_NODE.iter().any(|lock| above(lock)) => {
            None
        }
        "manifest.toml" => beside("gleam.toml").then_some(Unsupported::Covered("Hex (Gleam)")),
        "requirements.lock" if beside("requirements.yaml") => Some(Unsupported::NotCovered("Helm")),
        "dependencies.lock" if beside("CMakeLists.txt") => Some(Unsupported::NotCovered("ESP-IDF components")),
        _ => return Surroundings::Open,
    };
    Surroundings::Decide(decided)
}

fn by_name(folder: &str, name: &str) -> Option<Unsupported> {
    if let Ok(at) = NAMES.binary_search_by(|(known, _)| (*known).cmp(name)) {
        return NAMES.get(at).map(|(_, what)| *what);
    }
    let fits = |before: &str, after: &str| {
        name.len() > before.len() + after.len() && name.ends_with(after) && name.starts_with(before)
    };
    if let Some((.., what)) = PATTERNS.iter().find(|(before, after, _)| fits(before, after)) {
        return Some(*what);
    }
    let here = |part: &str, before: &str, after: &str| match after {
        "" => name == before,
        after => name.ends_with(after) && name.starts_with(before) && !part.is_empty(),
    };
    PATHS
        .iter()
        .find(|(part, before, after, _)| here(part, before, after) && is_called(folder, part))
        .map(|(.., what)| *what)
}

/// Whether a folder's path ends with these parts.
fn is_called(folder: &str, parts: &str) -> bool {
    folder.strip_suffix(parts).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Tools come up with new names, so the list need never be complete. A workflow of GitHub is one by its folder,
/// whatever it is called.
fn looks_like_one(folder: &str, name: &str) -> Option<Unsupported> {
    const ENDS: [&str; 12] = [
        ".lock",
        ".lockfile",
        "lock.json",
        "lockfile.json",
        "-lock.yml",
        "-lock.yaml",
        ".lock.yml",
        ".lock.yaml",
        ".lock.toml",
        "-lock.toml",
        ".lock.hcl",
        ".locked",
    ];
    let ends = |end: &&str| {
        let start = name.len().checked_sub(end.len());
        start.and_then(|start| name.get(start..)).is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    if !ENDS.iter().any(ends) || is_called(folder, ".github/workflows") {
        return None;
    }
    let parent = folder.rsplit('/').next().unwrap_or(folder);
    let read = FORMATS.iter().any(|format| format.matches(name, parent));
    (!read).then_some(Unsupported::Unknown)
}

#[cfg(test)]
mod tests;
