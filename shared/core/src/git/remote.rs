//! Where a repository is: the URL of a remote, taken apart.

/// A remote's URL without credentials, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// As it was written, less user, password, query and fragment; the `git@` of SSH stays.
    pub url: String,
    /// With its port, if one is given; none for a path.
    pub host: Option<String>,
    /// Everything before the repository's name: `org`, `group/sub`. Without the `_git` of Azure Repos.
    pub workspace: Option<String>,
    /// Without `.git`.
    pub repository: String,
    /// Where the repository is at the host, as it was written.
    path: String,
}

impl Remote {
    /// Understands `scheme://[user@]host[:port]/path`, SSH's `[user@]host:path`, and plain paths.
    pub fn parse(url: &str) -> Option<Remote> {
        let url = url.trim();
        if url.is_empty() || url.chars().any(char::is_control) {
            return None;
        }
        match url.split_once("://") {
            Some((scheme, rest)) => with_scheme(scheme, rest),
            None => match url.split_once(':') {
                // A colon after a slash belongs to a path.
                Some((place, path)) if !place.contains('/') && !place.is_empty() => like_ssh(place, path),
                _ => build(None, cut(url), cut(url).to_owned()),
            },
        }
    }

    /// For a browser: `https://host/path`. Nothing for a path or a URL that names no web server.
    pub fn web_url(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        let web = match self.url.split_once("://") {
            // The port is SSH's or Git's.
            Some(("ssh" | "git" | "git+ssh" | "ssh+git", _)) | None => without_port(host),
            Some(("http" | "https", _)) => host,
            Some(_) => return None,
        };
        // Azure Repos has another host for SSH, and a version before the name.
        let azure = self.path.strip_prefix("v3/").filter(|_| without_port(host) == "ssh.dev.azure.com");
        match azure.and_then(|path| path.rsplit_once('/')) {
            Some((project, repository)) => Some(format!("https://dev.azure.com/{project}/_git/{repository}")),
            None => Some(format!("https://{web}/{}", self.path)),
        }
    }
}

fn with_scheme(scheme: &str, rest: &str) -> Option<Remote> {
    let rest = cut(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if scheme.eq_ignore_ascii_case("file") {
        return build(None, path, format!("{scheme}://{rest}"));
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let web = scheme.to_ascii_lowercase().starts_with("http");
    let shown = if web || user.is_empty() { String::new() } else { format!("{}@", name_of(user)) };
    build(Some(host), path, format!("{scheme}://{shown}{host}/{path}"))
}

fn like_ssh(place: &str, path: &str) -> Option<Remote> {
    let path = cut(path);
    let (shown, host) = match place.rsplit_once('@') {
        Some((user, host)) => (format!("{}@", name_of(user)), host),
        None => (String::new(), place),
    };
    build(Some(host), path, format!("{shown}{host}:{path}"))
}

fn build(host: Option<&str>, path: &str, url: String) -> Option<Remote> {
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let (workspace, repository) = match path.rsplit_once('/') {
        Some((workspace, repository)) => (Some(workspace).filter(|_| host.is_some()), repository),
        None => (None, path),
    };
    let workspace = workspace.map(|workspace| workspace.strip_suffix("/_git").unwrap_or(workspace));
    let workspace = workspace.map(|workspace| match host {
        Some("ssh.dev.azure.com") => workspace.strip_prefix("v3/").unwrap_or(workspace),
        _ => workspace,
    });
    let host = host.filter(|host| !host.is_empty()).map(str::to_owned);
    let repository = decoded(Some(repository).filter(|repository| !repository.is_empty())?);
    Some(Remote { url, host, workspace: workspace.map(decoded), repository, path: path.to_owned() })
}

/// A name as people write it. One that would hold control characters stays encoded.
fn decoded(name: &str) -> String {
    let text = percent_encoding::percent_decode_str(name).decode_utf8();
    match text {
        Ok(text) if !text.chars().any(char::is_control) => text.into_owned(),
        _ => name.to_owned(),
    }
}

fn name_of(user: &str) -> &str {
    user.split(':').next().unwrap_or_default()
}

fn cut(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Remote;

    #[test]
    fn every_way_to_write_a_remote_is_understood() {
        for (url, workspace, repository, web) in [
            ("https://github.com/org/app.git", Some("org"), "app", Some("https://github.com/org/app")),
            ("git@gitlab.com:group/sub/app.git", Some("group/sub"), "app", Some("https://gitlab.com/group/sub/app")),
            ("ssh://git@host.example:2222/org/app/", Some("org"), "app", Some("https://host.example/org/app")),
            ("http://host.example:8080/app", None, "app", Some("https://host.example:8080/app")),
            (
                "https://acme@dev.azure.com/acme/My%20Shop/_git/shop",
                Some("acme/My Shop"),
                "shop",
                Some("https://dev.azure.com/acme/My%20Shop/_git/shop"),
            ),
            (
                "git@ssh.dev.azure.com:v3/acme/My%20Shop/shop",
                Some("acme/My Shop"),
                "shop",
                Some("https://dev.azure.com/acme/My%20Shop/_git/shop"),
            ),
            ("https://host.example/a%0ab/app", Some("a%0ab"), "app", Some("https://host.example/a%0ab/app")),
            ("/srv/git/app.git", None, "app", None),
            ("file:///srv/git/app.git", None, "app", None),
            ("../app", None, "app", None),
        ] {
            let remote = Remote::parse(url).unwrap();
            assert_eq!(remote.workspace.as_deref(), workspace, "{url}");
            assert_eq!(remote.repository, repository, "{url}");
            assert_eq!(remote.web_url().as_deref(), web, "{url}");
        }
        assert_eq!(Remote::parse("https://host.example/"), None);
        assert_eq!(Remote::parse(""), None);
    }

    #[test]
    fn credentials_are_not_kept() {
        for (url, clean) in [
            ("https://x-token-auth:secret@bitbucket.org/org/app.git", "https://bitbucket.org/org/app.git"),
            ("https://secret@github.com/org/app", "https://github.com/org/app"),
            ("https://host.example/org/app?private_token=secret#secret", "https://host.example/org/app"),
            ("ssh://git:secret@host.example/org/app", "ssh://git@host.example/org/app"),
            ("https://a:secret@b:secret@host.example/org/app", "https://host.example/org/app"),
            ("git:secret@host.example:org/app", "git:secret@host.example:org/app"),
        ] {
            let remote = Remote::parse(url);
            let debug = format!("{remote:?}");
            if clean == url {
                // Not a URL of any kind: the host would be `git`.
                assert_eq!(remote.unwrap().host.as_deref(), Some("git"));
            } else {
                assert!(!debug.contains("secret"), "{debug}");
                assert_eq!(remote.unwrap().url, clean);
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_a_password_never_stays(
            url in any::<String>(),
            password in "[A-Z]{8}",
            scheme in prop::sample::select(vec!["https", "http", "ssh", "ftp"]),
        ) {
            Remote::parse(&url);
            let url = format!("{scheme}://user:{password}@host.example/{}", url.to_lowercase());
            if let Some(remote) = Remote::parse(&url) {
                let shown = format!("{remote:?}");
                prop_assert!(!shown.contains(&password));
            }
        }
    }
}
