//! `go.mod`, with `go.sum` where `go.mod` doesn't list everything (before Go 1.17).

mod modfile;
mod order;
mod sum;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::{Format, Input, ParseError, Parsed, shell, url};
use crate::package::{Ecosystem, Package, Scope, Source};
use modfile::{ModFile, Replace};

pub(crate) struct GoMod;

impl Format for GoMod {
    fn name(&self) -> &'static str {
        "go.mod"
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == "go.mod"
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let file = modfile::read(input.body())?;
        let mut parsed = Parsed { root: Some((file.module.clone(), String::new())), ..Parsed::default() };
        for (line, directive) in &file.unknown {
            let warning = format!("line {line}: directive `{directive}` is not known and was passed over");
            parsed.warnings.push(format!("{}: {warning}", input.path));
        }
        let replaced = Replacements::new(&file.replaces);
        for require in &file.requires {
            let package = module(&require.path, &require.version, require.line, !require.indirect, &replaced);
            parsed.packages.push(package);
        }
        if order::go(file.go.as_ref().map_or("1.16", |go| &go.value), "1.17") == Ordering::Less {
            add_unlisted(input, &file, &replaced, &mut parsed)?;
        }
        parsed.packages.extend(standard_library(&file));
        Ok(parsed)
    }

    fn upgrade(&self, package: &Package, fixed: &str, _lockfile: &str) -> String {
        if package.name == "stdlib" {
            return format!("go get toolchain@{}", shell::word(&format!("go{}", order::to_go(fixed))));
        }
        format!("go get {}", shell::word(&format!("{}@v{fixed}", package.name)))
    }
}

/// Replacements by module: those of one version come before those of all.
struct Replacements<'a>(HashMap<(&'a str, Option<&'a str>), &'a Replace>);

impl<'a> Replacements<'a> {
    fn new(replaces: &'a [Replace]) -> Self {
        Replacements(replaces.iter().map(|new| ((new.old.as_str(), new.old_version.as_deref()), new)).collect())
    }

    fn of(&self, path: &str, version: &str) -> Option<&'a Replace> {
        self.0.get(&(path, Some(version))).or_else(|| self.0.get(&(path, None))).copied()
    }
}

/// The module, or what stands in for it: then the line is the replacement's, which is what an upgrade changes.
fn module(path: &str, version: &str, line: u32, direct: bool, replaced: &Replacements<'_>) -> Package {
    let package = |name: &str, version: &str, source: Source, line: u32| Package {
        ecosystem: Ecosystem::Go,
        name: name.to_owned(),
        version: version.strip_prefix('v').unwrap_or(version).to_owned(),
        source,
        line,
        // go.mod does not distinguish test dependencies
        scope: Scope::Unknown,
        direct: Some(direct),
        dependencies: Vec::new(),
        hashes: Vec::new(),
        folder: None,
    };
    match replaced.of(path, version) {
        None => package(path, version, origin(path), line),
        Some(Replace { new, new_version: Some(new_version), line, .. }) => {
            package(new, new_version, origin(new), *line)
        }
        Some(Replace { new, line, .. }) => package(path, "", Source::Path(url::clean(new)), *line),
    }
}

/// Go doesn't record where a module came from. A host that can't be on the public Internet is private for sure.
fn origin(path: &str) -> Source {
    const INTERNAL: [&str; 11] = [
        "local",
        "localhost",
        "internal",
        "intranet",
        "corp",
        "lan",
        "home",
        "private",
        "test",
        "invalid",
        "localdomain",
    ];
    let host = path.split('/').next().unwrap_or(path);
    match host.rsplit_once('.') {
        Some((_, top)) if !INTERNAL.contains(&top.to_ascii_lowercase().as_str()) => Source::Registry,
        _ => Source::PrivateRegistry(host.to_owned()),
    }
}

/// Before Go 1.17 `go.mod` left out what its dependencies require themselves. `go.sum` has a checksum of the content
/// for each module that was built from; of several versions the highest is the one.
fn add_unlisted(
    input: &Input<'_>,
    file: &ModFile,
    replaced: &Replacements<'_>,
    parsed: &mut Parsed,
) -> Result<(), ParseError> {
    let Some(text) = (input.sibling)("go.sum").text() else {
        return Ok(());
    };
    let listed: HashSet<&str> = file.requires.iter().map(|require| require.path.as_str()).collect();
    let stand_ins: HashSet<&str> = file.replaces.iter().map(|replace| replace.new.as_str()).collect();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = file.go.as_ref().map_or(file.module_line, |go| go.line);
    for (path, version) in sum::built(text, &file.excludes)? {
        if !listed.contains(path) && !stand_ins.contains(path) {
            parsed.packages.push(module(path, version, line, false, replaced));
        }
    }
    Ok(())
}

/// `stdlib`, as the vulnerability database calls it, at the version `go` or the newer `toolchain` asks for. Before Go
/// 1.21 the directive named the language only, and any later toolchain may build the module: then it is not known.
fn standard_library(file: &ModFile) -> Option<Package> {
    let go = file.go.as_ref()?;
    let chosen = match &file.toolchain {
        Some(toolchain) if order::go(&toolchain.value, &go.value) == Ordering::Greater => toolchain,
        _ => go,
    };
    if order::go(&chosen.value, "1.21") == Ordering::Less {
        return None;
    }
    Some(Package {
        ecosystem: Ecosystem::Go,
        name: "stdlib".to_owned(),
        version: order::from_go(&chosen.value),
        source: Source::Registry,
        line: chosen.line,
        scope: Scope::Production,
        direct: Some(true),
        dependencies: Vec::new(),
        hashes: Vec::new(),
        folder: None,
    })
}

#[cfg(test)]
mod tests;
