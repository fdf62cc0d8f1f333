//! Lockfile version 2 has the tree twice: flat for npm 7 and later, nested for npm 6. Files that were merged by hand may
//! say different things to the two.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::ParseError;
use super::super::text::excerpt;
use super::flat::Table;
use super::json::{Members, Reader, Text};
use super::origin::is_address;
use super::tree::DEEPEST;

/// # Errors
/// With the line, for a package of the nested half that the flat half doesn't have at this version.
pub(super) fn check<'a>(reader: &Reader<'a>, table: &Table<'a>, nested: &'a RawValue) -> Result<(), ParseError> {
    reader.check_depth(nested, DEEPEST)?;
    let mut known: HashSet<(&str, &str)> = HashSet::with_capacity(table.0.len());
    for (key, entry) in &table.0 {
        let name = key.name.rsplit_once("node_modules/").map_or(key.name.as_ref(), |(_, name)| name);
        let version = entry.version.as_ref().map_or("", |version| &version.0);
        known.insert((name, version));
        // an address of the nested half, and a folder that is linked
        known.insert((name, ""));
        if let Some(name) = &entry.name {
            known.insert((&name.0, version));
        }
    }
    let mut open = vec![nested];
    while let Some(value) = open.pop() {
        let level: Members<'_, Node<'_>> = reader.value(value)?;
        for (key, node) in level.0 {
            let stated = node.version.as_ref().map_or("", |version| &version.0);
            let version = match stated.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
                Some((_, version)) => version,
                None if is_address(stated) => "",
                None => stated,
            };
            if !known.contains(&(key.name.as_ref(), version)) {
                let what = format!("`dependencies` has `{}`", excerpt(&format!("{}@{version}", key.name)));
                let way_out = "Run `npm install --package-lock-only`";
                let message = format!("{what}, and `packages` does not: badly merged. {way_out}");
                return Err(ParseError::at(reader.line(&key), message));
            }
            open.extend(node.dependencies);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Node<'a> {
    #[serde(borrow)]
    version: Option<Text<'a>>,
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
}
