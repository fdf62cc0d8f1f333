//! What the three Python lockfiles share: names and package indexes.

use super::{archive, url};
use crate::package::{Ecosystem, Source};
use crate::version::Version;

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

/// Whether the packages at an address are those of PyPI.
pub(super) fn is_public(address: &str) -> bool {
    url::host(address).is_some_and(|host| PUBLIC.contains(&host.as_str()))
}

/// The source of a package that a lockfile names by the address of its file: a file of PyPI is that package, wherever its
/// address stands.
pub(super) fn file(address: &str, name: &str, version: &str) -> Source {
    let of_pypi = is_public(address)
        && archive::name_and_version(&archive::file_name(address)).is_some_and(|(named, its)| {
            normalise(named) == normalise(name)
                && Version::parse(Ecosystem::PyPi, its) == Version::parse(Ecosystem::PyPi, version)
        });
    if of_pypi { Source::Registry } else { Source::Url(url::clean(address)) }
}

/// Where the packages of an index come from. A folder is an index too: copies of packages lie in it under their own
/// names, whatever program made them.
pub(super) fn index(address: &str) -> Source {
    if is_public(address) { Source::Registry } else { Source::PrivateRegistry(url::clean(address)) }
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
        for other in ["./wheels", "wheels", "nexus.example/simple", "", "${INDEX}", "file:///srv/wheels"] {
            assert_eq!(index(other), Source::PrivateRegistry(other.into()));
        }
    }

    #[test]
    fn a_file_of_pypi_is_the_package_it_names() {
        let of = |address: &str| file(address, "My.Lib", "1.0");
        assert_eq!(
            of("https://files.pythonhosted.org/packages/ab/cd/my_lib-1.0.0-py3-none-any.whl#sha256=aa"),
            Source::Registry
        );
        assert_eq!(of("https://pypi.org/x/my-lib-1.0.tar.gz"), Source::Registry);
        for address in [
            "https://host.example/my_lib-1.0-py3-none-any.whl",
            "https://files.pythonhosted.org/packages/other-1.0.tar.gz",
            "https://files.pythonhosted.org/packages/my_lib-2.0.tar.gz",
            "https://files.pythonhosted.org/packages/my_lib",
        ] {
            assert_eq!(of(address), Source::Url(address.into()), "{address}");
        }
    }
}
