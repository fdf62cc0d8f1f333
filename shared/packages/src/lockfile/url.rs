//! Addresses as they may be shown: credentials, queries and fragments never leave this module.

/// The address without credentials, query and fragment. Text that isn't an address keeps its form, less what follows
/// a `?` or `#`.
pub(super) fn clean(url: &str) -> String {
    let url = url.trim();
    let Some((scheme, rest)) = split(url) else {
        return before(without_account(url), &['?', '#']).to_owned();
    };
    let rest = without_credentials(rest);
    let rest = before(rest, &['?', '#']);
    let rest = without_path_token(rest);
    let scheme = scheme.strip_prefix("git+").unwrap_or(scheme);
    let scheme = if scheme.is_empty() { "ssh" } else { scheme };
    format!("{scheme}://{rest}")
}

/// A Git address with the commit (or the reference) after `#`.
pub(super) fn git(url: &str, commit: Option<&str>) -> String {
    let url = clean(&expand(url));
    match commit.filter(|commit| !commit.is_empty() && commit.chars().all(|c| c.is_ascii_graphic() && c != '@')) {
        Some(commit) => format!("{url}#{commit}"),
        None => url,
    }
}

/// The host in lower case, without user, password and port; `None` for text that isn't an address.
pub(super) fn host(url: &str) -> Option<String> {
    let (_, rest) = split(url.trim())?;
    let authority = before(without_credentials(rest), &['/', '?', '#']);
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    Some(host.to_ascii_lowercase())
}

/// The fragment after `#`.
pub(super) fn fragment(url: &str) -> Option<&str> {
    url.split_once('#').map(|(_, fragment)| fragment)
}

/// The shorthand of code hosts and of ssh written as an address: `github:a/b`, `git@host:a/b.git`.
fn expand(url: &str) -> String {
    let url = url.trim();
    for (short, host) in [
        ("github:", "github.com"),
        ("gitlab:", "gitlab.com"),
        ("bitbucket:", "bitbucket.org"),
        ("gist:", "gist.github.com"),
    ] {
        if let Some(rest) = url.strip_prefix(short) {
            return format!("https://{host}/{}", rest.trim_start_matches('/'));
        }
    }
    if split(url).is_none() {
        let plain = url.strip_prefix("git+").unwrap_or(url);
        if let Some((user_host, path)) = plain.split_once(':').filter(|(left, _)| left.contains('@')) {
            return format!("ssh://{user_host}/{}", path.trim_start_matches('/'));
        }
    }
    url.to_owned()
}

/// Scheme and what follows `://`. Of the schemes of the web, any number of slashes is as good as two
/// (<https://url.spec.whatwg.org/#scheme-start-state>).
fn split(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
        return Some((scheme, rest.trim_start_matches(['/', '\\'])));
    }
    let valid = scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    Some((scheme, rest.strip_prefix("//")?)).filter(|_| valid)
}

/// Text that is not an address, less what could be the account of one: `user:password@host/x`, `//token@host/x`. A path
/// keeps the `@` of a scope or a version: `libs/@scope/a`, `a@1.0/b`.
fn without_account(text: &str) -> &str {
    let Some((account, host)) = text.rsplit_once('@') else { return text };
    let names_host = before(host, &['/', ':', '?', '#'])
        .rsplit_once('.')
        .is_some_and(|(name, top)| !name.is_empty() && top.len() > 1 && top.bytes().all(|c| c.is_ascii_alphabetic()));
    let is_account = text.starts_with("//") || account.contains(':') || (names_host && !account.contains('/'));
    if is_account && !account.ends_with(['/', '\\']) { host } else { text }
}

fn before<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.find(ends).and_then(|end| text.get(..end)).unwrap_or(text)
}

/// A password may hold an unescaped `/`, `?` or `#`; then what looks like a port isn't a number, and everything up to
/// the last `@` goes (or, without one, everything).
fn without_credentials(rest: &str) -> &str {
    let authority = before(rest, &['/', '?', '#']);
    if let Some(at) = authority.rfind('@') {
        return rest.get(at + 1..).unwrap_or_default();
    }
    let port_is_sane = authority.split_once(':').is_none_or(|(_, port)| port.chars().all(|c| c.is_ascii_digit()));
    if port_is_sane || authority.starts_with('[') {
        return rest;
    }
    rest.rfind('@').and_then(|at| rest.get(at + 1..)).unwrap_or("...")
}

/// Two hosts of package registries take their access token as a piece of the path.
fn without_path_token(rest: &str) -> String {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (first, more) = path.split_once('/').unwrap_or((path, ""));
    match host {
        "dl.cloudsmith.io" if !matches!(first, "" | "public" | "basic") => format!("{host}/.../{more}"),
        "pypi.fury.io" | "npm.fury.io" | "npm-proxy.fury.io" if more.trim_matches('/').contains(|c: char| c != '/') => {
            format!("{host}/.../{more}")
        }
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_queries_go() {
        for (url, shown) in [
            ("https://user:hunter2@host.example/simple/", "https://host.example/simple/"),
            ("https://${USER}:${TOKEN}@host.example/simple", "https://host.example/simple"),
            ("https://u:p@ss@host.example:8443/x?token=a#b", "https://host.example:8443/x"),
            ("https://user:pa/ss@host.example/x", "https://host.example/x"),
            ("https://user:pa#ss@host.example/x", "https://host.example/x"),
            ("https://user:hunter2/x", "https://..."),
            ("https://[::1]:80/x", "https://[::1]:80/x"),
            ("git+ssh://git@host.example/a/b.git", "ssh://host.example/a/b.git"),
            (
                "https://dl.cloudsmith.io/abcDEF123/org/repo/python/simple/",
                "https://dl.cloudsmith.io/.../org/repo/python/simple/",
            ),
            ("https://dl.cloudsmith.io/public/org/repo/", "https://dl.cloudsmith.io/public/org/repo/"),
            ("https://pypi.fury.io/s3cr3t/me/", "https://pypi.fury.io/.../me/"),
            ("../lib?x#y", "../lib"),
            ("https:bot:hunter2@host.example/x", "https://host.example/x"),
            ("https:/bot:hunter2@host.example/x", "https://host.example/x"),
            ("HTTP:\\\\bot:hunter2@host.example/x", "HTTP://host.example/x"),
            ("//bot:hunter2@host.example/x", "host.example/x"),
            ("//hunter2@host.example/x", "host.example/x"),
            ("bot:hunter2@host.example/x", "host.example/x"),
            ("bot:hun#ter2@localhost/x", "localhost/x"),
            ("hunter2@host.example/simple", "host.example/simple"),
            ("ftp:bot:hunter2@host/x", "host/x"),
            ("libs/@scope/a", "libs/@scope/a"),
            ("../a@1.0.0/b", "../a@1.0.0/b"),
            ("a@1.0.0", "a@1.0.0"),
            ("C:\\libs\\@scope\\a", "C:\\libs\\@scope\\a"),
        ] {
            assert_eq!(clean(url), shown, "{url}");
        }
    }

    #[test]
    fn git_addresses_are_written_one_way() {
        assert_eq!(git("git@host.example:a/b.git", Some("abc")), "ssh://host.example/a/b.git#abc");
        assert_eq!(git("github:a/b#x", None), "https://github.com/a/b");
        assert_eq!(git("git+https://t0ken@host.example/a?branch=main#x", Some("0a1b")), "https://host.example/a#0a1b");
    }

    #[test]
    fn hosts_are_found() {
        assert_eq!(host("https://U:p@Host.Example:80/x").as_deref(), Some("host.example"));
        assert_eq!(host("https:/Host.Example/x").as_deref(), Some("host.example"));
        assert_eq!(host("./wheels"), None);
    }
}
