//! Requirements that are an address or a folder: what they are called, and where they are from.

use super::super::{Sibling, archive, pyproject, python, url};
use super::target::Wanted;
use crate::package::Source;

/// Name, version and source of what an address means; `None` for the project itself. The version may be empty.
pub(super) fn identify(
    wanted: &Wanted,
    address: &str,
    sibling: &dyn Fn(&str) -> Sibling,
) -> Option<(String, String, Source)> {
    let clean = url::clean(address);
    let file = archive::file_name(&clean);
    let (of_file, its_version) = archive::name_and_version(&file).unzip();
    let version = wanted.pin.as_deref().or(its_version).unwrap_or_default().to_owned();
    let named = wanted.name.as_deref().or(of_file).map(str::to_owned);
    let short = || last_part(address).unwrap_or_else(|| "unnamed".to_owned());
    for kind in ["git+", "hg+", "svn+", "bzr+"] {
        if let Some(plain) = address.strip_prefix(kind) {
            let (plain, reference) = reference(plain);
            return Some((named.unwrap_or_else(short), version, Source::Git(url::git(plain, reference))));
        }
    }
    let path = match address.strip_prefix("file:") {
        Some(path) => path.strip_prefix("//").unwrap_or(path),
        None if url::host(address).is_some() => {
            // what is fetched counts, whatever the line calls it
            let named = of_file.filter(|_| python::is_public(address)).map(str::to_owned).or(named);
            let name = named.unwrap_or_else(short);
            let source = python::file(address, &name, &version);
            return Some((name, version, source));
        }
        None => address,
    };
    let path = path.split(['#', '[']).next().unwrap_or(path);
    let folder = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    if matches!(folder, "" | ".") {
        return None;
    }
    let inside = !folder.starts_with(['/', '~']);
    let manifest = inside.then(|| sibling(&format!("{folder}/pyproject.toml")).text()).flatten();
    let project = manifest.and_then(|text| pyproject::read(&text)).unwrap_or_default();
    let name = named.or(project.name).unwrap_or_else(short);
    let version = if version.is_empty() { project.version.unwrap_or_default() } else { version };
    Some((name, version, Source::Path(url::clean(path))))
}

/// `host/repository@reference`
fn reference(address: &str) -> (&str, Option<&str>) {
    let plain = address.split('#').next().unwrap_or(address);
    let path_starts =
        plain.split_once("://").map_or(0, |(scheme, rest)| scheme.len() + 3 + rest.find('/').unwrap_or(0));
    match plain.rfind('@').filter(|at| *at > path_starts) {
        Some(at) => (plain.get(..at).unwrap_or(plain), plain.get(at + 1..)),
        None => (plain, None),
    }
}

/// The last part of a path as a name, without the characters that a name cannot hold.
fn last_part(address: &str) -> Option<String> {
    let path = url::clean(address);
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => &path,
    };
    let path = path.split('@').next().unwrap_or(path);
    let last = path.trim_end_matches('/').rsplit(['/', '\\']).find(|part| !matches!(*part, "" | "." | ".."))?;
    let last = last.strip_suffix(".git").unwrap_or(last);
    let name: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: Option<&str>, address: &str) -> (String, String, Source) {
        let files = |file: &str| {
            (file == "libs/x/pyproject.toml").then(|| "[project]\nname='The.X'\nversion='3'\n".to_owned()).into()
        };
        let wanted = Wanted { name: name.map(str::to_owned), ..Wanted::default() };
        identify(&wanted, address, &files).unwrap()
    }

    #[test]
    fn addresses_are_identified() {
        let commit = "git+https://t0k:x@host.example/a/lib.git@0a1b2c#subdirectory=b";
        assert_eq!(
            of(None, commit),
            ("lib".into(), "".into(), Source::Git("https://host.example/a/lib.git#0a1b2c".into()))
        );
        let ssh = "git+ssh://git@host.example/a/lib";
        assert_eq!(of(Some("n"), ssh), ("n".into(), "".into(), Source::Git("ssh://host.example/a/lib".into())));
        let wheel = "https://host.example/lib-1.0-py3-none-any.whl?sig=secret";
        assert_eq!(
            of(None, wheel),
            ("lib".into(), "1.0".into(), Source::Url("https://host.example/lib-1.0-py3-none-any.whl".into()))
        );
        assert_eq!(of(None, "./libs/x"), ("the-x".into(), "3".into(), Source::Path("./libs/x".into())));
        assert_eq!(of(None, "../y"), ("y".into(), "".into(), Source::Path("../y".into())));
        assert_eq!(
            of(Some("w"), "file:///opt/w-2.0.zip"),
            ("w".into(), "2.0".into(), Source::Path("/opt/w-2.0.zip".into()))
        );
        let public = "https://files.pythonhosted.org/packages/ab/cd/vuln-1.0.0-py3-none-any.whl";
        assert_eq!(of(Some("harmless"), public), ("vuln".into(), "1.0.0".into(), Source::Registry));
    }

    #[test]
    fn the_project_itself_is_no_dependency() {
        for address in [".", "./", ".[dev]"] {
            assert_eq!(identify(&Wanted::default(), address, &|_| Sibling::Absent), None, "{address}");
        }
    }
}
