//! What one requirement asks for, distinguished as pip does it: an address, an archive, and everything else by PEP 508.

use std::net::Ipv6Addr;

use super::super::pep508::{self, Requirement, is_space};
use super::super::{archive, python};

/// One requirement. The error of all who read one is a fragment that quotes nothing of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As written; `None` when neither the line nor a file name says.
    pub(super) name: Option<String>,
    /// The only version that is allowed.
    pub(super) pin: Option<String>,
    /// An archive, a repository or a folder.
    pub(super) address: Option<String>,
    /// As written, with commas between them.
    pub(super) specifiers: String,
    /// As written.
    pub(super) marker: Option<String>,
}

impl Wanted {
    /// Whether it says which file is installed.
    pub(super) fn is_exact(&self) -> bool {
        self.pin.is_some() || self.address.is_some()
    }
}

const NOT_ONE: &str = "not a requirement that pip reads";
const BAD_MARKER: &str = "what follows the `;` is not an environment marker";
const BAD_ADDRESS: &str = "an address that pip does not read";
const BAD_WHEEL: &str = "the address of a wheel whose file name pip does not read";
const BAD_EGG: &str = "`#egg=` does not hold a project name alone";
const NOT_EDITABLE: &str = "neither a folder nor a repository with a name, as an editable requirement must be";

/// Schemes with which a requirement is an address. Each of a version control system is `system+transport`.
const SCHEMES: [&str; 4] = ["http", "https", "file", "ftp"];
const REPOSITORIES: [&str; 22] = [
    "bzr+http",
    "bzr+https",
    "bzr+ssh",
    "bzr+sftp",
    "bzr+ftp",
    "bzr+lp",
    "bzr+file",
    "git+http",
    "git+https",
    "git+ssh",
    "git+git",
    "git+file",
    "hg+file",
    "hg+http",
    "hg+https",
    "hg+ssh",
    "hg+static-http",
    "svn+ssh",
    "svn+http",
    "svn+https",
    "svn+svn",
    "svn+file",
];

/// Reads a requirement without its options.
pub(super) fn read(text: &str) -> Result<Wanted, String> {
    if !splits(text) {
        return Err(BAD_ADDRESS.into());
    }
    let is_address =
        scheme(text).is_some_and(|scheme| [&SCHEMES[..], &REPOSITORIES].iter().any(|list| list.contains(&&*scheme)));
    // in an address, only a space makes a semicolon one
    let (asked, marker) = match text.split_once(if is_address { "; " } else { ";" }) {
        Some((asked, marker)) => (asked, Some(marker.trim_matches(is_space)).filter(|marker| !marker.is_empty())),
        None => (text, None),
    };
    if marker.is_some_and(|marker| !pep508::is_marker(marker)) {
        return Err(BAD_MARKER.into());
    }
    let asked = asked.trim_matches(is_space);
    let mut wanted = match is_address {
        true => link(asked)?,
        false => local_or_named(asked)?,
    };
    wanted.marker = marker.map(str::to_owned);
    Ok(wanted)
}

/// Reads an editable requirement. `named` is whether the line holds it as a requirement, beside another of `-e`.
pub(super) fn editable(text: &str, named: bool) -> Result<Wanted, String> {
    if let Some(Requirement { name, address: Some(address), marker, .. }) = pep508::parse(text) {
        if !is_repository(address) && !address.starts_with("file:") {
            return Err(NOT_EDITABLE.into());
        }
        let (name, marker) = (Some(name.to_owned()), marker.map(str::to_owned));
        return Ok(Wanted { name, marker, ..place(address)? });
    }
    let (plain, valid) = without_extras(text);
    if !valid {
        return Err(NOT_ONE.into());
    }
    let lower = text.to_ascii_lowercase();
    let short = ["bzr", "git", "hg", "svn"]
        .into_iter()
        .find(|kind| lower.strip_prefix(kind).is_some_and(|rest| rest.starts_with(':')));
    let address = match short {
        Some(kind) => format!("{kind}+{text}"),
        None if text.starts_with("file:") => plain.to_owned(),
        None => text.to_owned(),
    };
    if is_repository(&address) || address.starts_with("file:") {
        let wanted = place(&address)?;
        let unnamed = wanted.name.is_none() && is_repository(&address);
        return if unnamed { Err(NOT_EDITABLE.into()) } else { Ok(wanted) };
    }
    match if named { is_folder(plain) } else { is_plain(plain) } {
        false => Err(NOT_EDITABLE.into()),
        true => Ok(Wanted { address: Some(plain.to_owned()), ..Wanted::default() }),
    }
}

fn local_or_named(text: &str) -> Result<Wanted, String> {
    let (path, valid) = without_extras(text);
    if !valid {
        return Err(NOT_ONE.into());
    }
    let file = path.rsplit('/').next().unwrap_or(path);
    let named_address = text.split_once('@').is_some_and(|(before, _)| !looks_like_path(before));
    if archive::is_archive(file) && !named_address {
        if path.starts_with("//") && !path.starts_with("///") {
            // to pip, the name of another machine
            return Err(BAD_ADDRESS.into());
        }
        // what reads like an address is none here
        let path = if !path.starts_with('/') && path.contains([':', '#', '?', '\t']) {
            format!("./{path}")
        } else {
            path.to_owned()
        };
        let wanted = Wanted { address: Some(path), ..Wanted::default() };
        return if archive::is_wheel(file) { wheel(file, wanted) } else { Ok(wanted) };
    }
    if let Some(requirement) = pep508::parse(text) {
        return named(&requirement);
    }
    // pip asks the disk; a folder that will be there when it does is none in this checkout
    match is_folder(text) {
        true => Ok(Wanted { address: Some(path.to_owned()), ..Wanted::default() }),
        false => Err(NOT_ONE.into()),
    }
}

fn named(requirement: &Requirement<'_>) -> Result<Wanted, String> {
    if let Some(address) = requirement.address {
        check_address(address)?;
        egg(address)?;
    }
    let specifiers: Vec<String> =
        requirement.specifiers.iter().map(|one| format!("{}{}", one.operator, one.version)).collect();
    Ok(Wanted {
        name: Some(requirement.name.to_owned()),
        pin: requirement.pin().map(str::to_owned),
        address: requirement.address.map(str::to_owned),
        specifiers: specifiers.join(","),
        marker: requirement.marker.map(str::to_owned),
    })
}

/// An address alone: `#egg=` says what it is called.
fn place(address: &str) -> Result<Wanted, String> {
    check_address(address)?;
    let name = egg(address)?.map(str::to_owned);
    Ok(Wanted { name, address: Some(address.to_owned()), ..Wanted::default() })
}

/// As [`place`], or a wheel's file name says it.
fn link(address: &str) -> Result<Wanted, String> {
    let wanted = place(address)?;
    let file = archive::file_name(address);
    if archive::is_wheel(&file) { wheel(&file, wanted) } else { Ok(wanted) }
}

fn wheel(file: &str, wanted: Wanted) -> Result<Wanted, String> {
    let (name, version) = archive::wheel(file).ok_or(BAD_WHEEL)?;
    // a file may have a name that no requirement can have
    pep508::parse(&python::normalise(name)).ok_or(BAD_WHEEL)?;
    Ok(Wanted {
        name: Some(name.to_owned()),
        pin: Some(version.to_owned()),
        specifiers: format!("=={version}"),
        ..wanted
    })
}

/// Whether the text can only be a path: pip would install a folder of any name, if it is there.
fn is_folder(text: &str) -> bool {
    let path = text.contains('/') || matches!(text, "." | "..");
    path && !text.contains(is_space) && is_plain(text)
}

/// Whether the text has none of the characters that make it something else than a path.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['=', '<', '>', '~', '!', ':', ';', '#'])
}

/// What pip calls so.
fn looks_like_path(text: &str) -> bool {
    text.contains('/') || text.starts_with('.')
}

/// A path without the extras that may follow it, and whether those are some.
fn without_extras(text: &str) -> (&str, bool) {
    let Some(open) = text.strip_suffix(']').and_then(|inside| {
        let from = inside.rfind(']').map_or(0, |at| at + 1);
        let inside = inside.get(from..)?;
        inside.trim_end_matches('[').rfind('[').map(|at| from + at)
    }) else {
        return (text, true);
    };
    let (path, extras) = text.split_at_checked(open).unwrap_or((text, ""));
    (path.trim_end_matches(is_space), pep508::parse(&format!("placeholder{extras}")).is_some())
}

/// What stands before the first colon, if Python's `urlsplit` takes it for a scheme; in lower case.
fn scheme(text: &str) -> Option<String> {
    let text = text.trim_start_matches(|c| c <= ' ');
    let (scheme, _) = text.split_once(':')?;
    let scheme: String = scheme.chars().filter(|c| *c != '\t').collect();
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    valid.then(|| scheme.to_ascii_lowercase())
}

fn is_repository(address: &str) -> bool {
    scheme(address).is_some_and(|scheme| REPOSITORIES.contains(&&*scheme))
}

/// The host of an address; empty in any other text.
fn host(address: &str) -> &str {
    let after = match scheme(address) {
        Some(_) => address.split_once(':').map_or(address, |(_, after)| after),
        None => address,
    };
    after.strip_prefix("//").map_or("", |rest| rest.split(['/', '?', '#']).next().unwrap_or(rest))
}

/// Whether Python's `urlsplit`, to which pip gives every requirement first, takes the text.
fn splits(text: &str) -> bool {
    let host = host(text);
    match (host.split_once('['), host.contains(']')) {
        (None, false) => true,
        (Some((_, inside)), true) => {
            let inside = inside.split([']', '%']).next().unwrap_or(inside);
            inside.parse::<Ipv6Addr>().is_ok()
        }
        _ => false,
    }
}

/// pip knows a file by its scheme in lower case, and then only one of this machine.
fn check_address(address: &str) -> Result<(), String> {
    let is_file = scheme(address).as_deref() == Some("file");
    let valid =
        splits(address) && (!is_file || (address.starts_with("file:") && matches!(host(address), "" | "localhost")));
    if valid { Ok(()) } else { Err(BAD_ADDRESS.into()) }
}

/// The name in `#egg=name&subdirectory=x`.
fn egg(address: &str) -> Result<Option<&str>, String> {
    let found = ["#egg=", "&egg="].into_iter().filter_map(|key| address.find(key)).min();
    let Some(name) = found.and_then(|at| address.get(at + "#egg=".len()..)) else {
        return Ok(None);
    };
    let name = name.split('&').next().unwrap_or(name);
    let edge = |c: char| c.is_ascii_alphanumeric();
    let valid =
        name.starts_with(edge) && name.ends_with(edge) && name.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'));
    if valid { Ok(Some(name)) } else { Err(BAD_EGG.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(wanted: &Wanted) -> (Option<&str>, Option<&str>, Option<&str>) {
        (wanted.name.as_deref(), wanted.pin.as_deref(), wanted.address.as_deref())
    }

    #[test]
    fn an_address_is_what_begins_with_a_scheme() {
        for (text, name, pin, address) in [
            ("vuln==1.0.0;\"://\"!=os_name", Some("vuln"), Some("1.0.0"), None),
            ("vuln==1.0.0;", Some("vuln"), Some("1.0.0"), None),
            ("a @ file:./a-1.whl", Some("a"), None, Some("file:./a-1.whl")),
            (
                "git+https://host.example/x@v1#egg=the-name&subdirectory=b",
                Some("the-name"),
                None,
                Some("git+https://host.example/x@v1#egg=the-name&subdirectory=b"),
            ),
            ("./libs/x ; os_name == 'nt'", None, None, Some("./libs/x")),
            ("libs/x[a]", None, None, Some("libs/x")),
            ("x_y-1.0-py3-none-any.whl", Some("x_y"), Some("1.0"), Some("x_y-1.0-py3-none-any.whl")),
            ("vuln==1.0.zip", None, None, Some("vuln==1.0.zip")),
            ("HTTPS://u:p@host.example/x-1.0.tar.gz", None, None, Some("HTTPS://u:p@host.example/x-1.0.tar.gz")),
            ("https://host.example/x.zip;os_name", None, None, Some("https://host.example/x.zip;os_name")),
            ("a @ https://[::1]/x.zip", Some("a"), None, Some("https://[::1]/x.zip")),
            ("vuln@1.0", Some("vuln"), None, Some("1.0")),
        ] {
            let wanted = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(row(&wanted), (name, pin, address), "{text}");
        }
    }

    #[test]
    fn editable_requirements_are_folders_and_repositories() {
        for (text, name, address) in [
            (".", None, "."),
            ("./libs/x[dev]", None, "./libs/x"),
            ("git+ssh://git@host.example/x#egg=x", Some("x"), "git+ssh://git@host.example/x#egg=x"),
            ("git://host.example/x#egg=x", Some("x"), "git+git://host.example/x#egg=x"),
            ("x @ git+https://host.example/y", Some("x"), "git+https://host.example/y"),
            ("file:///x", None, "file:///x"),
        ] {
            let wanted = editable(text, false).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(row(&wanted), (name, None, Some(address)), "{text}");
        }
        for text in
            ["https://host.example/x#egg=x", "git+https://host.example/x", "x @ https://host.example/x", "./x[a b]"]
        {
            assert!(editable(text, false).is_err(), "{text}");
        }
        assert!(editable("vuln==1.0", true).is_err());
    }

    #[test]
    fn what_pip_refuses_is_refused() {
        for text in [
            "<<<<<<< HEAD",
            "=======",
            "some prose",
            "see docs/readme for more",
            "a=1",
            "vuln==1.0 extra",
            "vuln==1.0; marker",
            "name @ https://host.example/a;b",
            "https://host.example/bad.whl",
            "https://host.example/x#egg=x[a]",
            "a @ https://[::1/x",
            "a @ https://[host]/x",
            "a @ file://host/x",
            "bad.whl",
            "x_-1.0-py3-none-any.whl",
            "x[a b]",
            "ghp_token: x",
            ".pkg==1.0",
            "FILE:///x",
            "git://host.example/x#egg=x",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
