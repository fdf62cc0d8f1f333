//! What both shapes of a lockfile of npm say of the project, and of packages that are odd.

use super::super::text::{excerpt, word};
use super::super::{Input, ParseError};
use super::json::Text;

/// Name and version of the project, each if it is given.
pub(super) type Root<'a> = (Option<Text<'a>>, Option<Text<'a>>);

/// Whether the project has no name.
pub(super) fn is_nameless((name, _): &Root<'_>) -> bool {
    name.as_ref().is_none_or(|name| name.0.is_empty())
}

/// The way out of [`other_files`] for npm.
pub(super) const WRITE_ANEW: &str = "Run `npm install --package-lock-only`, and look at what changes.";

/// The first few names, with how many more there are.
fn listed(names: &[String]) -> Option<(String, bool)> {
    const NAMED: usize = 3;
    let first: Vec<String> = names.iter().take(NAMED).map(|name| excerpt(name)).collect();
    let text = match names.len() {
        0 => return None,
        1..=NAMED => first.join(", "),
        all => format!("{} and {} more", first.join(", "), all - NAMED),
    };
    Some((text, names.len() > 1))
}

/// A warning about optional packages that are listed and not installed.
pub(super) fn nothing_to_install(input: &Input<'_>, absent: &[String]) -> Option<String> {
    let (names, many) = listed(absent)?;
    let what = if many { "are optional and have" } else { "is optional and has" };
    Some(format!("{}: {names} {what} no version, so npm installs nothing", input.path))
}

/// A warning about packages that are called otherwise than the file that `tool` installs them from.
pub(in crate::lockfile) fn other_files(
    input: &Input<'_>,
    others: &[String],
    tool: &str,
    way_out: &str,
) -> Option<String> {
    let (names, many) = listed(others)?;
    let what = if many { "have the addresses of other packages" } else { "has the address of another package" };
    Some(format!("{}: {names} {what} or version, which {tool} installs. {way_out}", input.path))
}

/// The same as a lockfile's project; `None` without a name.
pub(super) fn root((name, version): Root<'_>) -> Option<(String, String)> {
    let name = name.map(Text::into_string).filter(|name| !name.is_empty())?;
    Some((name, version.map(Text::into_string).unwrap_or_default()))
}

/// A package's name, by those of npm's rules that matter here (<https://docs.npmjs.com/cli/configuring-npm>).
pub(in crate::lockfile) fn check_name(name: &str, line: u32) -> Result<(), ParseError> {
    word("name", name, line)?;
    let slashes = name.bytes().filter(|byte| *byte == b'/').count();
    match slashes == usize::from(name.starts_with('@')) {
        true => Ok(()),
        false => Err(ParseError::at(line, format!("`{}` is not a package's name", excerpt(name)))),
    }
}
