//! `workspaces` of a `package.json`: which folders are members of the project.

use serde::Deserialize;

/// Patterns of folders, as a list or (Yarn's way) under `packages`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::lockfile) enum Workspaces {
    List(Vec<String>),
    Table {
        #[serde(default)]
        packages: Vec<String>,
    },
    /// `false`, `null` and whatever else.
    Other(serde::de::IgnoredAny),
}

impl Workspaces {
    /// Whether a folder, relative to the project, is one of them.
    pub(in crate::lockfile) fn contains(&self, folder: &str) -> bool {
        let patterns = match self {
            Workspaces::List(patterns) | Workspaces::Table { packages: patterns } => patterns,
            Workspaces::Other(_) => return false,
        };
        let folder: Vec<&str> = folder.split('/').collect();
        patterns.iter().any(|pattern| {
            let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
            matches(&pattern.split('/').collect::<Vec<_>>(), &folder)
        })
    }
}

/// Whether the parts of a path fit those of a pattern; `**` fits any number of them. One table with a row for each part
/// of the pattern keeps patterns full of `**` cheap.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    let mut fits = vec![false; path.len() + 1];
    fits[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for (at, fit) in fits.iter().enumerate() {
            if *part == "**" {
                next[at] = *fit || (at > 0 && next[at - 1]);
            } else if *fit && path.get(at).is_some_and(|name| part_matches(part, name)) {
                next[at + 1] = true;
            }
        }
        fits = next;
    }
    fits.last().copied().unwrap_or(false)
}

/// `*` within one part; other signs of a pattern (`?`, `[a]`, `{a,b}`) are taken to fit.
fn part_matches(pattern: &str, name: &str) -> bool {
    if pattern.contains(['?', '[', '{']) {
        return true;
    }
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match name.find(piece).and_then(|at| name.get(at + piece.len()..)) {
            Some(rest) => name = rest,
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_fit_patterns() {
        let table: Workspaces =
            serde_json::from_str(r#"{"packages": ["packages/*", "./apps/web/", "libs/**", "x-*-y/z"]}"#).unwrap();
        for folder in ["packages/a", "apps/web", "libs", "libs/a/b", "x-1-y/z"] {
            assert!(table.contains(folder), "{folder}");
        }
        for folder in ["packages", "packages/a/b", "apps/api", "lib", "x-1/z", "../packages/a"] {
            assert!(!table.contains(folder), "{folder}");
        }
        let list: Workspaces = serde_json::from_str(r#"["*"]"#).unwrap();
        assert!(list.contains("a") && !list.contains("a/b"));
        let none: Workspaces = serde_json::from_str("false").unwrap();
        assert!(!none.contains("a"));
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = vec!["**"; 2_000];
        let path = vec!["a"; 64];
        assert!(matches(&pattern, &path));
        assert!(!part_matches(&"a*".repeat(2_000), &"a".repeat(1_000)));
    }
}
