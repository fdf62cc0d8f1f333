//! Package URLs (<https://github.com/package-url/purl-spec>).

use std::borrow::Cow;

use packageurl::PackageUrl;

use crate::lockfile::paths::normal;
use crate::package::{Ecosystem, Locked, Source};
use crate::sbom::uri;

/// The package's URL. One that isn't from the public registry says so in a qualifier (`vcs_url`, `download_url`,
/// `repository_url`), so that it is not taken for the registry's package of that name. Empty if the package has no
/// name.
pub fn purl(package: &Locked<'_>) -> String {
    of(package, &Origin::new(package.source, ""))
}

/// Where a package comes from, with local places relative to the repository instead of the lockfile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Origin<'a> {
    Registry,
    Private(&'a str),
    Git(&'a str),
    Url(&'a str),
    /// A path, or the folder of the workspace that the package is a member of.
    Local(String),
    Member(String),
}

impl<'a> Origin<'a> {
    /// `folder` is the lockfile's, which local paths start from.
    pub(super) fn new(source: &'a Source, folder: &str) -> Origin<'a> {
        match source {
            Source::Registry => Origin::Registry,
            Source::PrivateRegistry(location) => Origin::Private(location),
            Source::Git(location) => Origin::Git(location),
            Source::Url(location) => Origin::Url(location),
            Source::Path(path) => Origin::Local(join(folder, path)),
            Source::Workspace => Origin::Member(folder.to_owned()),
        }
    }

    /// The name of the qualifier, and the place if there is one.
    pub(super) fn words(&self) -> (&'static str, &str) {
        match self {
            Origin::Registry => ("registry", ""),
            Origin::Private(location) => ("private-registry", location),
            Origin::Git(location) => ("git", location),
            Origin::Url(location) => ("url", location),
            Origin::Local(path) => ("path", path),
            Origin::Member(folder) => ("workspace", folder),
        }
    }
}

/// The version as the ecosystem's own tools spell it: Go's have a `v`, which OSV leaves out.
pub(super) fn version<'a>(package: &Locked<'a>) -> Cow<'a, str> {
    let version = package.version;
    // The standard library is not a module and counts without it.
    let module = package.ecosystem == Ecosystem::Go && package.name.contains(['.', '/']);
    match version.starts_with(|c: char| c.is_ascii_digit()) && module {
        true => Cow::Owned(format!("v{version}")),
        false => Cow::Borrowed(version),
    }
}

pub(super) fn of(package: &Locked<'_>, origin: &Origin<'_>) -> String {
    let (namespace, name) = match package.ecosystem {
        Ecosystem::Go => package.name.rsplit_once('/').unwrap_or(("", package.name)),
        Ecosystem::Npm if package.name.starts_with('@') => package.name.split_once('/').unwrap_or(("", package.name)),
        _ => ("", package.name),
    };
    let version = version(package);
    let name = match package.ecosystem {
        Ecosystem::PyPi => Cow::Owned(pypi(name)),
        // Readers take slashes at the ends of a name away, and nothing would be left.
        _ if name.trim_matches('/').is_empty() => Cow::Borrowed(""),
        _ => Cow::Borrowed(name),
    };
    let Ok(mut purl) = PackageUrl::new(package.ecosystem.purl_type(), name.as_ref()) else {
        return String::new();
    };
    let namespace: Vec<&str> = namespace.split('/').filter(|segment| !segment.is_empty()).collect();
    // The setters below refuse only namespaces of types that have none and malformed keys: neither occurs.
    if !namespace.is_empty() {
        // packageurl 0.7.1 lowercases npm's names, but not its scopes.
        let _ = purl.with_namespace(namespace.join("/").to_lowercase());
    }
    let qualifier = match origin {
        Origin::Registry => None,
        Origin::Private(location) => {
            Some(("repository_url", uri::absolute(location).unwrap_or_else(|| (*location).to_owned())))
        }
        Origin::Git(location) => {
            Some(("vcs_url", uri::git_locator(location).unwrap_or_else(|| (*location).to_owned())))
        }
        Origin::Url(location) => {
            Some(("download_url", uri::absolute(location).unwrap_or_else(|| (*location).to_owned())))
        }
        Origin::Local(path) | Origin::Member(path) => {
            let path = uri::path(path);
            Some(("download_url", format!("file:{}", if path.is_empty() { "." } else { &path })))
        }
    };
    if let Some((key, value)) = qualifier.filter(|(_, value)| !value.is_empty()) {
        let _ = purl.add_qualifier(key, value);
    }
    let mut text = purl.to_string();
    if !version.is_empty() {
        // Not by `with_version`: packageurl 0.7.1 leaves a `/` in it as it is, and then can't read its own output. The
        // first `?` begins the qualifiers, since one in a name is encoded.
        let end = text.find('?').unwrap_or(text.len());
        text.insert_str(end, &format!("@{}", uri::component(&version)));
    }
    text
}

/// Runs of `-`, `_` and `.` count as one `-` (PEP 503).
fn pypi(name: &str) -> String {
    let words = name.split(['-', '_', '.', '/']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// `path` from `folder` on, with `.` and `..` resolved. A `..` above the root stays.
fn join(folder: &str, path: &str) -> String {
    let path = path.strip_prefix("file:").unwrap_or(path);
    if path.starts_with('/') {
        return path.to_owned();
    }
    normal(&format!("{folder}/{path}"))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use packageurl::PackageUrl;
    use proptest::prelude::*;

    use super::{join, purl};
    use crate::package::{Ecosystem, Package, Scope, Source};

    fn package(ecosystem: Ecosystem, name: &str, version: &str, source: Source) -> Package {
        Package {
            ecosystem,
            name: name.to_owned(),
            version: version.to_owned(),
            source,
            line: 1,
            scope: Scope::Production,
            direct: None,
            dependencies: Vec::new(),
            hashes: Vec::new(),
            optional: false,
            folder: None,
        }
    }

    /// Cases of purl-spec's own test suite (`tests/types/*-test.json`).
    #[test]
    fn purls_are_those_of_the_specification() {
        for (ecosystem, name, version, expected) in [
            (Ecosystem::Npm, "foobar", "12.3.1", "pkg:npm/foobar@12.3.1"),
            (Ecosystem::Npm, "@angular/animation", "12.3.1", "pkg:npm/%40angular/animation@12.3.1"),
            (Ecosystem::Npm, "LoDash", "4.17.21", "pkg:npm/lodash@4.17.21"),
            (Ecosystem::Npm, "@MyScope/MyPackage", "1.0.0", "pkg:npm/%40myscope/mypackage@1.0.0"),
            (Ecosystem::Npm, "@angular/core", "", "pkg:npm/%40angular/core"),
            (Ecosystem::PyPi, "django", "1.11.1", "pkg:pypi/django@1.11.1"),
            (Ecosystem::PyPi, "django-allauth", "12.23", "pkg:pypi/django-allauth@12.23"),
            (Ecosystem::PyPi, "My.PyPI_.--._Package", "1.11.1.dev1", "pkg:pypi/my-pypi-package@1.11.1.dev1"),
            (Ecosystem::CratesIo, "rand", "0.7.2", "pkg:cargo/rand@0.7.2"),
            (Ecosystem::CratesIo, "structopt", "0.3.11", "pkg:cargo/structopt@0.3.11"),
            (Ecosystem::Go, "google.golang.org/genproto", "abcdedf", "pkg:golang/google.golang.org/genproto@abcdedf"),
            (Ecosystem::Go, "golang.org/x/crypto", "", "pkg:golang/golang.org/x/crypto"),
        ] {
            assert_eq!(purl(&package(ecosystem, name, version, Source::Registry).locked()), expected);
        }
    }

    #[test]
    fn go_versions_have_their_v_and_awkward_names_are_escaped_or_none() {
        let of = |ecosystem, name, version| purl(&package(ecosystem, name, version, Source::Registry).locked());
        assert_eq!(of(Ecosystem::Go, "github.com/Gorilla/mux", "1.8.0"), "pkg:golang/github.com/gorilla/mux@v1.8.0");
        assert_eq!(
            of(Ecosystem::Go, "k8s.io/api", "2.0.0+incompatible"),
            "pkg:golang/k8s.io/api@v2.0.0%2Bincompatible"
        );
        assert_eq!(of(Ecosystem::Go, "stdlib", "1.22.1"), "pkg:golang/stdlib@1.22.1");
        assert_eq!(of(Ecosystem::CratesIo, "a/b?c", "1/2"), "pkg:cargo/a%2Fb%3Fc@1%2F2");
        assert_eq!(of(Ecosystem::CratesIo, "", "1"), "");
        assert_eq!(of(Ecosystem::CratesIo, "//", "1"), "");
        assert_eq!(of(Ecosystem::PyPi, "_._", "1"), "");
    }

    #[test]
    fn a_package_from_elsewhere_says_where_from() {
        let of = |source| purl(&package(Ecosystem::Npm, "lib", "1.0.0", source).locked());
        assert_eq!(
            of(Source::Git("https://host.example/lib.git#0a1b".into())),
            "pkg:npm/lib@1.0.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Flib.git%400a1b"
        );
        assert_eq!(
            of(Source::Url("https://host.example/l.tgz".into())),
            "pkg:npm/lib@1.0.0?download_url=https:%2F%2Fhost.example%2Fl.tgz"
        );
        assert_eq!(
            of(Source::PrivateRegistry("https://npm.example/".into())),
            "pkg:npm/lib@1.0.0?repository_url=https:%2F%2Fnpm.example%2F"
        );
        assert_eq!(of(Source::Path("../lib".into())), "pkg:npm/lib@1.0.0?download_url=file:..%2Flib");
        assert_eq!(of(Source::Workspace), "pkg:npm/lib@1.0.0?download_url=file:.");
    }

    #[test]
    fn local_paths_are_resolved_from_the_lockfile() {
        assert_eq!(join("a/b", "../lib/./x"), "a/lib/x");
        assert_eq!(join("", "../lib"), "../lib");
        assert_eq!(join("a", "../../../lib"), "../../lib");
        assert_eq!(join("a", "/opt/lib"), "/opt/lib");
    }

    proptest! {
        #[test]
        fn any_name_gives_a_purl_that_reads_back(name in "[^/@\\pC]{1,20}", version in "\\PC{0,20}", which in 0_usize..4) {
            let ecosystem = Ecosystem::ALL[which];
            let package = package(ecosystem, &name, &version, Source::Registry);
            let text = purl(&package.locked());
            prop_assume!(!text.is_empty());
            let back = PackageUrl::from_str(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
            prop_assert_eq!(back.ty(), ecosystem.purl_type());
            prop_assert_eq!(back.version().unwrap_or_default(), super::version(&package.locked()));
            prop_assert!(text.is_ascii() && !text.contains([' ', '"', '<', '#']), "{}", text);
        }
    }
}
