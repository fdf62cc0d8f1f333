//! `go.mod`, with `go.sum` where `go.mod` doesn't list everything (before Go 1.17), and the `go.work` above it.

mod modfile;
mod order;
mod replacements;
mod sum;
mod syntax;
mod version;
mod work;

use std::cmp::Ordering;
use std::collections::HashSet;

use super::text::excerpt;
use super::{Format, Input, MAX_PACKAGES, ParseError, Parsed, Shared, shell, url};
use crate::package::{Ecosystem, Locked, Package, Scope, Source};
use modfile::{ModFile, Versions};
use replacements::Replacements;
use work::Seen;
pub(super) use work::Workspaces;

/// The file that Go takes without `-modfile`.
const OWN: &str = "go.mod";

#[derive(Debug)]
pub(crate) struct GoMod;

impl Format for GoMod {
    fn name(&self) -> &'static str {
        "go.mod"
    }

    /// `go -modfile` takes a file of any name with this end.
    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name.ends_with(".mod")
    }

    /// Other languages have `.mod` files too.
    fn claims(&self, file_name: &str, content: &dyn Fn() -> Option<Vec<u8>>) -> bool {
        if file_name == OWN {
            return true;
        }
        let Some(content) = content() else { return true };
        let is_module = |line: &str| {
            let rest = line.trim_start().strip_prefix("module");
            rest.is_some_and(|rest| rest.starts_with([' ', '\t', '(', '"', '`']))
        };
        std::str::from_utf8(&content).is_ok_and(|text| text.lines().any(is_module))
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        self.parse_one_of(input, &mut Shared::default())
    }

    fn parse_one_of(&self, input: &Input<'_>, shared: &mut Shared) -> Result<Parsed, ParseError> {
        let file = modfile::read(input.body())?;
        let mut parsed = Parsed { root: Some((file.module.clone(), String::new())), ..Parsed::default() };
        // Go refuses `-modfile` in a workspace
        let workspace = if file_name(input.path) == OWN { work::find(input, &mut shared.workspaces) } else { Ok(None) };
        let workspace = workspace.unwrap_or_else(|error| {
            parsed.unable.push(format!("{}: the workspace can't be read: {error}", input.path));
            None
        });
        let workspace = workspace.unwrap_or_default();
        parsed.warnings.extend(workspace.warning(input));
        let resolve = Resolve { own: Replacements::new(file.replaces.iter().cloned()), workspace };
        for require in &file.requires {
            let package = resolve.module(&require.path, &require.version, require.line, !require.indirect);
            parsed.packages.push(package);
        }
        if order::go(file.versions.go.as_ref().map_or("1.16", |go| &go.value), "1.17") == Ordering::Less {
            add_unlisted(input, &file, &resolve, &mut parsed);
        }
        parsed.packages.extend(standard_library(&file, &resolve.workspace.workspace.versions));
        Ok(parsed)
    }

    fn upgrade(&self, package: &Locked<'_>, fixed: &str, lockfile: &str) -> String {
        let get = match file_name(lockfile) {
            OWN => "go get".to_owned(),
            // a name that begins with `-` would be an option
            other if other.starts_with('-') => format!("go get -modfile={}", shell::word(&format!("./{other}"))),
            other => format!("go get -modfile={}", shell::word(other)),
        };
        if package.name == "stdlib" {
            return format!("{get} toolchain@{}", shell::word(&format!("go{}", order::to_go(fixed))));
        }
        format!("{get} {}", shell::word(&format!("{}@v{fixed}", package.name)))
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a required module is built from.
struct Resolve {
    own: Replacements,
    workspace: Seen,
}

impl Resolve {
    /// The module, or what stands in for it: then the line is the replacement's if it has one here, which is what an
    /// upgrade changes.
    fn module(&self, path: &str, version: &str, line: u32, direct: bool) -> Package {
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
            optional: false,
            folder: None,
        };
        if let Some(folder) = self.workspace.member(path) {
            return package(path, "", Source::Path(url::clean(&folder)), line);
        }
        let Some(replace) = self.workspace.replacement(&self.own, path, version) else {
            return package(path, version, origin(path), line);
        };
        let at = if replace.line == 0 { line } else { replace.line };
        match &replace.new_version {
            Some(version) => package(&replace.new, version, origin(&replace.new), at),
            None => package(path, "", Source::Path(url::clean(&replace.new)), at),
        }
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
/// for each module that was built from; of several versions the highest is the one. Go writes a line for every module
/// that it loads, so where one is missing, others are.
fn add_unlisted(input: &Input<'_>, file: &ModFile, resolve: &Resolve, parsed: &mut Parsed) {
    const WAY_OUT: &str = "Run `go mod tidy -go=1.17`, which lists them in go.mod";
    let name = file_name(input.path);
    let sum = format!("{}.sum", name.strip_suffix(".mod").unwrap_or("go"));
    let text = match (input.sibling)(&sum).decoded() {
        Ok(Some(text)) => text,
        // without a requirement there is nothing that it could hold
        Ok(None) if file.requires.is_empty() => return,
        Ok(None) => {
            let why = format!("there is no {sum}, so its indirect modules are not known");
            return parsed.warnings.push(format!("{}: {why}. {WAY_OUT}.", input.path));
        }
        Err(reason) => {
            let why = format!("its indirect modules are not known, since {sum} was not read: {reason}");
            return parsed.unable.push(format!("{}: {why}. {WAY_OUT}.", input.path));
        }
    };
    let listed: HashSet<&str> = file.requires.iter().map(|require| require.path.as_str()).collect();
    let stand_ins: HashSet<&str> = file.replaces.iter().map(|replace| replace.new.as_str()).collect();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = file.versions.go.as_ref().map_or(file.module_line, |go| go.line);
    let sums = match sum::read(text, &file.excludes) {
        Ok(sums) => sums,
        Err((line, what)) => return parsed.unable.push(format!("{}: {sum} line {line}: {what}", input.path)),
    };
    let downloaded = |package: &&Package| !matches!(package.source, Source::Path(_));
    let is_known = |package: &Package| sums.loaded.contains(package.name.as_str());
    if let Some(missing) = parsed.packages.iter().filter(downloaded).find(|package| !is_known(package)) {
        let why = format!("{sum} has no line of {}, so its indirect modules are not known", excerpt(&missing.name));
        parsed.warnings.push(format!("{}: {why}. {WAY_OUT}.", input.path));
    }
    if parsed.packages.len() + sums.built.len() > MAX_PACKAGES {
        return parsed.unable.push(format!("{}: {sum} names more than {MAX_PACKAGES} modules", input.path));
    }
    for (path, version) in sums.built {
        if !listed.contains(path) && !stand_ins.contains(path) {
            parsed.packages.push(resolve.module(path, version, line, false));
        }
    }
}

/// `stdlib`, as the vulnerability database calls it, at the version `go` or the newer `toolchain` asks for; in a
/// workspace only its own file is asked. Before Go 1.21 the directive named the language only, and any later toolchain
/// may build the module: then it is not known.
fn standard_library(file: &ModFile, workspace: &Versions) -> Option<Package> {
    let own = file.versions.go.as_ref();
    let (versions, line) = match &workspace.go {
        Some(_) => (workspace, Some(own.map_or(file.module_line, |go| go.line))),
        None => (&file.versions, None),
    };
    let go = versions.go.as_ref()?;
    let mut chosen = match &versions.toolchain {
        Some(toolchain) if order::go(&toolchain.value, &go.value) == Ordering::Greater => toolchain,
        _ => go,
    };
    // Go refuses a workspace that is older than one of its modules, until `go work use` brings it up to date.
    if let Some(own) = own.filter(|own| order::go(&own.value, &chosen.value) == Ordering::Greater) {
        chosen = own;
    }
    if order::go(&chosen.value, "1.21") == Ordering::Less {
        return None;
    }
    Some(Package {
        ecosystem: Ecosystem::Go,
        name: "stdlib".to_owned(),
        version: order::from_go(&chosen.value),
        source: Source::Registry,
        line: line.unwrap_or(chosen.line),
        scope: Scope::Production,
        direct: Some(true),
        dependencies: Vec::new(),
        hashes: Vec::new(),
        optional: false,
        folder: None,
    })
}

#[cfg(test)]
mod judge;
#[cfg(test)]
mod tests;
