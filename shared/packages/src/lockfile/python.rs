//! What the three Python lockfiles share: names and package indexes.

use super::url;
use crate::package::Source;

/// Hosts whose packages are the public ones under the public names: PyPI itself, and the builds of public projects for
/// certain hardware (<https://download.pytorch.org>, <https://pypi.nvidia.com>, <https://www.piwheels.org>).
const PUBLIC: [&str; 6] = [
    "pypi.org",
    "pypi.python.org",
    "files.pythonhosted.org",
    "download.pytorch.org",
    "pypi.nvidia.com",
    "www.piwheels.org",
];

/// The normalised name (PEP 503): lower case, each run of `-`, `_`, `.` one `-`.
pub(super) fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

/// Where the packages of an index come from. An address that isn't one is a folder of archives.
pub(super) fn index(address: &str) -> Source {
    match url::host(address) {
        Some(host) if PUBLIC.contains(&host.as_str()) => Source::Registry,
        Some(_) => Source::PrivateRegistry(url::clean(address)),
        None if address.contains('$') => Source::PrivateRegistry(url::clean(address)),
        None => Source::Path(url::clean(address)),
    }
}

/// Version in the file name of a wheel or a source archive: `name-1.2.3-py3-none-any.whl`, `name-1.2.3.tar.gz`.
pub(super) fn archive_version(address: &str) -> Option<&str> {
    let path = address.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    if let Some(stem) = file.strip_suffix(".whl") {
        return stem.split('-').nth(1).filter(|version| starts_with_digit(version));
    }
    let stem = [".tar.gz", ".tar.bz2", ".tgz", ".zip"].iter().find_map(|suffix| file.strip_suffix(suffix))?;
    stem.rsplit_once('-').map(|(_, version)| version).filter(|version| starts_with_digit(version))
}

/// Name in the file name of a wheel or a source archive.
pub(super) fn archive_name(address: &str) -> Option<&str> {
    let version = archive_version(address)?;
    let path = address.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    let (name, _) = file.split_once(&format!("-{version}"))?;
    Some(name).filter(|name| !name.is_empty())
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        for (name, normal) in [("Django", "django"), ("zope.interface", "zope-interface"), ("a-_.b", "a-b"), ("", "")] {
            assert_eq!(normalise(name), normal);
        }
    }

    #[test]
    fn only_public_indexes_are_public() {
        assert_eq!(index("https://pypi.org/simple"), Source::Registry);
        assert_eq!(index("https://u:p@pypi.org/simple/"), Source::Registry);
        assert_eq!(
            index("https://pypi.org.evil.example/simple"),
            Source::PrivateRegistry("https://pypi.org.evil.example/simple".into())
        );
        assert_eq!(index("./wheels"), Source::Path("./wheels".into()));
        assert_eq!(index("${INDEX}"), Source::PrivateRegistry("${INDEX}".into()));
    }

    #[test]
    fn archives_tell_name_and_version() {
        let wheel = "https://host.example/x/My_Lib-1.2.3-py3-none-any.whl?token=x";
        assert_eq!((archive_name(wheel), archive_version(wheel)), (Some("My_Lib"), Some("1.2.3")));
        assert_eq!(archive_version("./my-lib-2.0.tar.gz#egg=x"), Some("2.0"));
        assert_eq!(archive_name("./my-lib-2.0.tar.gz"), Some("my-lib"));
        assert_eq!(archive_version("https://host.example/main.zip"), None);
    }
}
