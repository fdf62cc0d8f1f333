//! Addresses from outside made fit for formats that validate them (RFC 3986).

/// A path relative to the repository's root as a URI reference: everything but unreserved characters, `/` and a few
/// harmless delimiters is percent-encoded. A `:` is too, since it would end a scheme in the first segment.
pub fn path(relative: &str) -> String {
    encode(relative, |byte| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte))
}

/// Text within a part of a package URL, where only unreserved characters and `:` stand for themselves.
pub(super) fn component(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte))
}

/// An absolute `scheme://host...` address without credentials, escaped where it has to be; `None` for anything else.
pub fn absolute(url: &str) -> Option<String> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !valid {
        return None;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, mut tail) = rest.split_at_checked(end)?;
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    // `ssh://git@host:org/app` is common and no URL: what follows the colon is a path.
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() => (name, Some(port)),
        _ => (host, None),
    };
    let folder: String;
    let port =
        match port {
            Some(digits) if digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                if digits.is_empty() { String::new() } else { format!(":{digits}") }
            }
            Some(word) => {
                folder = format!("/{word}{tail}");
                tail = &folder;
                String::new()
            }
            None => String::new(),
        };
    if !is_host(host) {
        return None;
    }
    // The account of an SSH address is not a secret, and the address is useless without it.
    let ssh = scheme.ends_with("ssh") && !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let user = if ssh { format!("{user}@") } else { String::new() };
    let (before, fragment) = tail.split_once('#').map_or((tail, None), |(before, after)| (before, Some(after)));
    let mut address = format!("{}://{user}{host}{port}{}", scheme.to_ascii_lowercase(), escape(before));
    if let Some(fragment) = fragment {
        address.push('#');
        address.push_str(&escape(fragment));
    }
    Some(address)
}

/// A Git address with its commit after `#` as a version control locator, `git+https://host/repo@commit`: what both
/// the purl qualifier `vcs_url` and SPDX's `downloadLocation` (clause 7.7) want.
pub fn git_locator(location: &str) -> Option<String> {
    let (address, commit) = location.split_once('#').unwrap_or((location, ""));
    let address = absolute(address).or_else(|| scp(address))?;
    let prefix = if address.starts_with("git+") || address.starts_with("git://") { "" } else { "git+" };
    let commit = if commit.is_empty() { String::new() } else { format!("@{}", escape(commit)) };
    Some(format!("{prefix}{address}{commit}"))
}

/// `git@host:org/app`, as Git itself accepts it.
fn scp(address: &str) -> Option<String> {
    let (account, path) = address.split_once(':')?;
    absolute(&format!("ssh://{account}/{}", path.trim_start_matches('/')))
}

fn is_host(host: &str) -> bool {
    // Not `[::1]`: valid, but CycloneDX' own validator rejects a document for it, and no lockfile is known to have one.
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Encodes what no URI may hold, and leaves encoded bytes as they are.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        escaped.push_str(&encode(before, is_uri_byte));
        let encoded = after.as_bytes().iter().take(2).filter(|byte| byte.is_ascii_hexdigit()).count() == 2;
        escaped.push_str(if encoded { "%" } else { "%25" });
        rest = after;
    }
    escaped.push_str(&encode(rest, is_uri_byte));
    escaped
}

fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=".contains(&byte)
}

fn encode(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{absolute, git_locator, path};

    #[test]
    fn paths_are_relative_references() {
        assert_eq!(path("a b/ü%[1].lock"), "a%20b/%C3%BC%25%5B1%5D.lock");
        assert_eq!(path("c:/x#y?z"), "c%3A/x%23y%3Fz");
    }

    #[test]
    fn addresses_lose_credentials_and_gain_escapes() {
        let of = |url: &str| absolute(url);
        assert_eq!(
            of("https://user:pw@host.example:8443/a b?q=[1]#f#g").as_deref(),
            Some("https://host.example:8443/a%20b?q=%5B1%5D#f%23g")
        );
        assert_eq!(of("HTTPS://host.example/%zz%2F").as_deref(), Some("https://host.example/%25zz%2F"));
        assert_eq!(of("ssh://git@host.example:org/app").as_deref(), Some("ssh://git@host.example/org/app"));
        for wrong in ["", "host.example", "https://", "ht tp://host", "https://a b/", "https://[::1]/", "://host"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn git_addresses_become_locators_with_their_commit() {
        let of = |location: &str| git_locator(location);
        assert_eq!(
            of("https://host.example/a/lib.git#0a1b").as_deref(),
            Some("git+https://host.example/a/lib.git@0a1b")
        );
        assert_eq!(of("git+ssh://git@host.example/a#v1").as_deref(), Some("git+ssh://git@host.example/a@v1"));
        assert_eq!(of("git@host.example:org/app.git").as_deref(), Some("git+ssh://git@host.example/org/app.git"));
        assert_eq!(of("./here"), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_only_uri_characters_come_out(text in "\\PC{0,40}", tail in "\\PC{0,20}") {
            let allowed = |uri: &str| uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte));
            prop_assert!(allowed(&path(&text)));
            for uri in [absolute(&text), absolute(&format!("https://{text}")), absolute(&format!("https://h.example/{text}#{tail}")), git_locator(&text)] {
                let Some(uri) = uri else { continue };
                prop_assert!(allowed(&uri), "{}", uri);
                prop_assert!(uri.matches('#').count() <= 1, "{}", uri);
            }
        }
    }
}
