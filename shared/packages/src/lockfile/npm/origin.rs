//! Where npm got a package from.

use super::super::url;
use super::npmrc::Registries;
use super::registry::PUBLIC;
use crate::package::Source;

/// By the address it was resolved to, or by the version where that is an address (version 1 of the lockfile).
pub(in crate::lockfile) fn source(name: &str, version: &str, resolved: &str, registries: &Registries) -> Source {
    if resolved.starts_with("https://registry.npmjs.org/") && !is_address(version) {
        return Source::Registry;
    }
    let address = match (is_address(version), resolved.is_empty()) {
        (true, _) if !is_git(resolved) => version,
        (_, false) => resolved,
        // bundled in another package, or written with omit-lockfile-registry-resolved
        _ => return registries.of(name),
    };
    if is_git(address) {
        return Source::Git(url::git(address, url::fragment(address)));
    }
    if let Some(path) = address.strip_prefix("file:") {
        return Source::Path(url::clean(path));
    }
    match url::host(address) {
        Some(host) if PUBLIC.contains(&host.as_str()) => Source::Registry,
        Some(host) => match registry(address, name).or_else(|| (host == "npm.pkg.github.com").then_some(address)) {
            Some(registry) => Source::PrivateRegistry(url::clean(registry)),
            None => Source::Url(url::clean(address)),
        },
        // nothing says that it is local
        None => Source::PrivateRegistry(String::new()),
    }
}

/// Whether `resolved` says where the package lies. npm takes other text for a version, a tag or the name of another
/// package, and asks a registry.
pub(super) fn says_where(resolved: &str) -> bool {
    is_git(resolved)
        || resolved.starts_with("file:")
        || (!resolved.starts_with(char::is_whitespace) && url::host(resolved).is_some_and(|host| !host.is_empty()))
}

/// Whether an address of the public registry is that of another package, or of another version: npm installs what lies
/// there, whatever the entry is called.
pub(in crate::lockfile) fn is_another(name: &str, version: &str, resolved: &str) -> bool {
    if is_as_written(name, version, resolved).is_some() {
        return false;
    }
    let Some((host, path)) = resolved.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    if !PUBLIC.contains(&host) || version.is_empty() {
        return false;
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let Some((package, file)) = path.split_once("/-/") else { return false };
    let short = name.rsplit('/').next().unwrap_or(name);
    let same = package == name || package.to_ascii_lowercase().replace("%2f", "/") == name.to_ascii_lowercase();
    // mirrors keep the scope in the file's name
    let rest = file.strip_prefix(name).or_else(|| file.strip_prefix(short));
    let rest = rest.and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tgz"));
    // the registry drops build metadata
    let plain = |version: &str| version.split('+').next().unwrap_or_default().to_owned();
    !same || rest.is_none_or(|found| found != version && plain(found) != plain(version))
}

/// Nearly every address is this one, and no part of it has to be searched for.
fn is_as_written(name: &str, version: &str, resolved: &str) -> Option<()> {
    let file = resolved.strip_prefix("https://registry.npmjs.org/")?.strip_prefix(name)?.strip_prefix("/-/")?;
    let short = name.rsplit('/').next()?;
    let rest = file.strip_prefix(short)?.strip_prefix('-')?.strip_prefix(version)?;
    (!version.is_empty() && rest == ".tgz").then_some(())
}

/// Whether what stands for a version is an address.
pub(in crate::lockfile) fn is_address(version: &str) -> bool {
    is_git(version) || version.starts_with("file:") || version.contains("://")
}

fn is_git(address: &str) -> bool {
    const STARTS: [&str; 8] = ["git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:"];
    STARTS.iter().any(|start| address.starts_with(start))
}

/// Registries serve `<registry>/<name>/-/<file>.tgz`; that is the registry's own part.
fn registry<'a>(address: &'a str, name: &str) -> Option<&'a str> {
    let (package, _) = address.split_once("/-/")?;
    let short = name.rsplit('/').next().unwrap_or(name);
    let escaped = name.replace('/', "%2f");
    let parent = [name, escaped.as_str(), escaped.replace("%2f", "%2F").as_str(), short]
        .iter()
        .find_map(|name| package.strip_suffix(*name));
    Some(parent.unwrap_or(package))
}
