//! Which packages are looked up. With a database every package of a registry is, since nothing leaves the machine. The
//! API gets the names of public packages only.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use pipe_core::env::Vars;
use pipe_core::plan::host;
use pipe_core::spec::Var;
use pipe_packages::package::{Ecosystem, Locked, Source};

use crate::ledger::Reason;

pub(crate) const PUBLIC_MIRRORS: Var = Var::list(
    "PUBLIC_MIRRORS",
    "Lists registries that mirror a public one, as prefixes of their URLs (host and path). The names and versions of \
     their packages are sent to OSV_API_URL. It has no effect with a database.",
)
.unset("only packages of the public registries are sent")
.example("https://nexus.example/repository/npm/,pypi.example");
pub(crate) const PRIVATE_PACKAGES: Var = Var::list(
    "PRIVATE_PACKAGES",
    "Lists globs of package names that are never sent to OSV_API_URL, whatever their registry. `*` matches any text. It \
     has no effect with a database.",
)
.unset("every public package is sent")
.example("@acme/*,acme-*");

/// The way out of every package that could not be looked up.
pub(super) const WAYS_OUT: &str = "Set OSV_DB_PATH to look up every package without the API, name the registry in \
                                   PUBLIC_MIRRORS if its packages are public, or name the packages in \
                                   PRIVATE_PACKAGES if they are your own.";

/// What becomes of a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    LookUp,
    LeaveOut { reason: Reason, why: String },
}

/// What the API may know.
#[derive(Debug, Default)]
pub(super) struct Privacy {
    mirrors: Vec<Address>,
    names: Names,
}

impl Privacy {
    pub(super) fn from_vars(vars: &mut Vars) -> Privacy {
        let mut privacy = Privacy::default();
        for prefix in vars.list(&PUBLIC_MIRRORS) {
            match Address::of(&prefix).filter(Address::can_be_a_registry) {
                Some(address) if !prefix.contains('@') => privacy.mirrors.push(address),
                _ => vars.problem(
                    &PUBLIC_MIRRORS,
                    "expected the beginning of a registry's URL without credentials, e.g. \
                     https://nexus.example/repository/npm/",
                ),
            }
        }
        match Names::new(&vars.list(&PRIVATE_PACKAGES)) {
            Ok(names) => privacy.names = names,
            Err(problem) => vars.problem(&PRIVATE_PACKAGES, problem),
        }
        privacy
    }

    /// What becomes of a package if advisories come from the API.
    fn fate(&self, package: &Locked<'_>) -> Fate {
        if self.names.contains(package) {
            return Fate::LeaveOut { reason: Reason::PrivateName, why: String::new() };
        }
        let address = match package.source {
            Source::Registry => return Fate::LookUp,
            Source::PrivateRegistry(address) | Source::Url(address) => address,
            Source::Git(_) | Source::Path(_) | Source::Workspace => return local(),
        };
        let known = Address::of(address);
        if known.as_ref().is_some_and(|address| self.mirrors.iter().any(|mirror| mirror.holds(address))) {
            return Fate::LookUp;
        }
        // The path of an address may be a token, so only its host is named.
        let from = match Some(host(address)).filter(|host| !host.is_empty()) {
            Some(host) => format!("from {host}, which may be private"),
            None => "from a registry that may be private".to_owned(),
        };
        Fate::LeaveOut { reason: Reason::PrivateRegistry, why: format!("{from}, so it was not looked up. {WAYS_OUT}") }
    }

    /// Globs that no package matched: with a typo in one, names have left that should not.
    pub(super) fn unmatched<'a>(&self, packages: impl Iterator<Item = Locked<'a>>) -> Vec<String> {
        let matched: BTreeSet<usize> = packages.flat_map(|package| self.names.matches(&package)).collect();
        let globs = self.names.globs.iter().enumerate();
        globs.filter(|(place, _)| !matched.contains(place)).map(|(_, glob)| glob.clone()).collect()
    }
}

/// `privacy` is `None` with a database.
pub(super) fn fate(package: &Locked<'_>, privacy: Option<&Privacy>) -> Fate {
    match package.source {
        Source::Workspace => local(),
        // With a version it is a stated exception. Without one, nothing says what is installed.
        Source::Git(_) | Source::Path(_) if package.version.is_empty() => no_version(),
        Source::Git(_) | Source::Path(_) => local(),
        Source::Registry | Source::PrivateRegistry(_) | Source::Url(_) => match privacy {
            Some(privacy) if privacy.names.contains(package) => privacy.fate(package),
            _ if package.version.is_empty() => no_version(),
            Some(privacy) => privacy.fate(package),
            None => Fate::LookUp,
        },
    }
}

fn no_version() -> Fate {
    Fate::LeaveOut { reason: Reason::NoVersion, why: "without a version, so it was not looked up".to_owned() }
}

fn local() -> Fate {
    Fate::LeaveOut { reason: Reason::Local, why: String::new() }
}

/// Host with port and the parts of the path, so that a prefix ends where a part does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    host: String,
    path: Vec<String>,
}

impl Address {
    /// Of a URL with or without its scheme; `None` for what cannot be compared by its beginning.
    fn of(url: &str) -> Option<Address> {
        let url = url.trim();
        let url = ["registry+", "sparse+"].iter().find_map(|kind| url.strip_prefix(kind)).unwrap_or(url);
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let usual = if scheme.eq_ignore_ascii_case("http") { ":80" } else { ":443" };
        let host = host.strip_suffix(usual).unwrap_or(&host).trim_end_matches('.').to_owned();
        let encoded = path.to_ascii_lowercase();
        let climbs = path.split('/').any(|part| matches!(part, "." | ".."));
        if host.is_empty() || climbs || path.contains('\\') || encoded.contains("%2e") || encoded.contains("%2f") {
            return None;
        }
        let path = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Some(Address { host, path })
    }

    fn can_be_a_registry(&self) -> bool {
        self.host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
            && self.path.iter().all(|part| !part.contains(['*', '?']))
    }

    /// Whether `other` lies at or below this one.
    fn holds(&self, other: &Address) -> bool {
        self.host == other.host && other.path.starts_with(&self.path)
    }
}

/// Globs of names. They are compared as the registry compares names, and without case: to hide too much is safe.
#[derive(Debug, Default)]
struct Names {
    globs: Vec<String>,
    exact: GlobSet,
    /// As PyPI spells names.
    python: GlobSet,
}

impl Names {
    fn new(globs: &[String]) -> Result<Names, String> {
        let (mut exact, mut python) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for glob in globs {
            let build = |glob: &str| {
                let built = GlobBuilder::new(glob).case_insensitive(true).literal_separator(false).build();
                built.map_err(|error| format!("`{glob}` is not a glob: {}", error.kind()))
            };
            exact.add(build(glob)?);
            python.add(build(&Ecosystem::PyPi.canonical_name(glob))?);
        }
        let built = |set: GlobSetBuilder| set.build().map_err(|error| error.kind().to_string());
        Ok(Names { globs: globs.to_vec(), exact: built(exact)?, python: built(python)? })
    }

    fn matches(&self, package: &Locked<'_>) -> Vec<usize> {
        if self.globs.is_empty() {
            return Vec::new();
        }
        let mut matches = self.exact.matches(package.name);
        if package.ecosystem == Ecosystem::PyPi {
            matches.extend(self.python.matches(package.ecosystem.canonical_name(package.name).as_ref()));
        }
        matches
    }

    fn contains(&self, package: &Locked<'_>) -> bool {
        !self.matches(package).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pipe_core::env::Vars;
    use pipe_packages::package::{Ecosystem, Package, Scope, Source};

    use super::{Address, Fate, Privacy, fate};
    use crate::ledger::Reason;
    use crate::vars::SPEC;

    fn privacy(env: &[(&str, &str)]) -> (Privacy, usize) {
        let env = env.iter().map(|(name, value)| (name.into(), value.into()));
        let mut vars = Vars::load(&SPEC, env, Path::new("/"), Path::new("/"));
        let privacy = Privacy::from_vars(&mut vars);
        (privacy, vars.problems().len())
    }

    fn package(ecosystem: Ecosystem, name: &str, source: Source) -> Package {
        Package {
            ecosystem,
            name: name.to_owned(),
            version: "1.0".to_owned(),
            source,
            line: 1,
            scope: Scope::Unknown,
            optional: false,
            direct: None,
            dependencies: Vec::new(),
            hashes: Vec::new(),
            folder: None,
        }
    }

    fn reason(package: &Package, privacy: Option<&Privacy>) -> Option<Reason> {
        match fate(&package.locked(), privacy) {
            Fate::LookUp => None,
            Fate::LeaveOut { reason, .. } => Some(reason),
        }
    }

    #[test]
    fn a_database_looks_up_everything_of_a_registry_and_the_api_only_what_is_public() {
        let address = || "https://npm.example/all/".to_owned();
        let (api, _) = privacy(&[]);
        for (source, with_database, with_api) in [
            (Source::Registry, None, None),
            (Source::PrivateRegistry(address()), None, Some(Reason::PrivateRegistry)),
            (Source::PrivateRegistry("${INDEX}".to_owned()), None, Some(Reason::PrivateRegistry)),
            (Source::Url(address()), None, Some(Reason::PrivateRegistry)),
            (Source::Git(address()), Some(Reason::Local), Some(Reason::Local)),
            (Source::Path("../x".to_owned()), Some(Reason::Local), Some(Reason::Local)),
            (Source::Workspace, Some(Reason::Local), Some(Reason::Local)),
        ] {
            let package = package(Ecosystem::Npm, "p", source);
            assert_eq!(reason(&package, None), with_database, "{package:?}");
            assert_eq!(reason(&package, Some(&api)), with_api, "{package:?}");
            let unknown = Package { version: String::new(), ..package };
            assert!(reason(&unknown, None).is_some() && reason(&unknown, Some(&api)).is_some(), "{unknown:?}");
        }
    }

    #[test]
    fn a_mirror_is_the_beginning_of_an_address_up_to_a_whole_part() {
        let mirrors = "https://Nexus.example/repository/npm/, pypi.example:8443, sparse+https://cargo.example/index";
        let (api, problems) = privacy(&[("PUBLIC_MIRRORS", mirrors)]);
        assert_eq!(problems, 0);
        let is_sent = |address: &str| {
            let registry = package(Ecosystem::Npm, "p", Source::PrivateRegistry(address.to_owned()));
            let archive = package(Ecosystem::Npm, "p", Source::Url(address.to_owned()));
            let sent = [registry, archive].map(|package| reason(&package, Some(&api)).is_none());
            assert_eq!(sent[0], sent[1], "{address}");
            sent[0]
        };
        for address in [
            "https://nexus.example/repository/npm",
            "http://nexus.example/repository/npm/p/-/p-1.tgz",
            "https://NEXUS.example:443/repository/npm/",
            "https://nexus.example./repository//npm/?x=1",
            "https://pypi.example:8443/any/simple",
            "https://cargo.example/index/",
        ] {
            assert!(is_sent(address), "{address}");
        }
        for address in [
            "https://nexus.example/repository/npm-private/",
            "https://nexus.example/repository/",
            "https://nexus.example/repository/npm/../npm-private/",
            "https://nexus.example/repository/npm/%2E%2e/npm-private/",
            "https://nexus.example/repository/NPM/",
            "https://nexus.example.evil.example/repository/npm/",
            "https://evil.example/nexus.example/repository/npm/",
            "https://nexus.example@evil.example/repository/npm/",
            "https://nexus.example:8080/repository/npm/",
            "https://pypi.example/simple",
            "",
        ] {
            assert!(!is_sent(address), "{address}");
        }
    }

    /// Every value that cannot be meant is refused, so that none silently sends nothing, or everything.
    #[test]
    fn values_that_cannot_be_are_problems() {
        for value in ["https://", "https://u:p@nexus.example/", "https://nexus.example/*", "/repository", "a b", "../x"]
        {
            assert_eq!(privacy(&[("PUBLIC_MIRRORS", value)]).1, 1, "{value}");
        }
        for value in ["[a", "a{b", "**["] {
            assert_eq!(privacy(&[("PRIVATE_PACKAGES", value)]).1, 1, "{value}");
        }
        assert_eq!(Address::of("https://a.example/%2e%2E/b"), None);
    }

    #[test]
    fn a_private_name_stays_here_whatever_its_registry() {
        let globs = "@acme/*, acme-*, Acme_Core, git.acme.example/*";
        let (api, problems) = privacy(&[("PRIVATE_PACKAGES", globs), ("PUBLIC_MIRRORS", "npm.example")]);
        assert_eq!(problems, 0);
        let mirror = || Source::PrivateRegistry("https://npm.example/".to_owned());
        let is_kept = |ecosystem, name: &str| {
            let kept = [Source::Registry, mirror()].map(|source| {
                let package = package(ecosystem, name, source);
                assert_eq!(reason(&package, None), None, "a database may look it up");
                reason(&package, Some(&api)) == Some(Reason::PrivateName)
            });
            assert_eq!(kept[0], kept[1], "{name}");
            kept[0]
        };
        for (ecosystem, name) in [
            (Ecosystem::Npm, "@acme/ui"),
            (Ecosystem::Npm, "@ACME/ui"),
            (Ecosystem::Npm, "acme-tool"),
            (Ecosystem::CratesIo, "acme-tool"),
            (Ecosystem::PyPi, "acme-tool"),
            (Ecosystem::PyPi, "acme-core"),
            (Ecosystem::Go, "git.acme.example/team/lib/v2"),
        ] {
            assert!(is_kept(ecosystem, name), "{name}");
        }
        for (ecosystem, name) in
            [(Ecosystem::Npm, "acme"), (Ecosystem::Npm, "@acme2/x"), (Ecosystem::PyPi, "my-acme-x")]
        {
            assert!(!is_kept(ecosystem, name), "{name}");
        }
        let tool = package(Ecosystem::Npm, "acme-tool", Source::Registry);
        assert_eq!(api.unmatched([tool.locked()].into_iter()), ["@acme/*", "Acme_Core", "git.acme.example/*"]);
    }
}
