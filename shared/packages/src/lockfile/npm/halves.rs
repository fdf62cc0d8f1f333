//! Lockfile version 2 has the tree twice: flat for npm 7 and later, nested for npm 6. Files that were merged by hand may
//! say different things to the two.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use super::super::text::excerpt;
use super::super::{MAX_PACKAGES, ParseError};
use super::flat::{Table, split};
use super::json::{Key, Reader, Text};
use super::origin::is_address;
use super::tree::MAX_DEPTH;

/// How many levels are read in one pass. The JSON reader counts two for each and stops at 128.
const AT_ONCE: usize = MAX_DEPTH / 2;

/// The nested half as it was met.
pub(super) enum Nested<'a> {
    /// Before the flat half, or without one.
    Unread(&'a RawValue),
    /// Behind the flat half, and held against it.
    Checked(Result<(), ParseError>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Nested<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Nested::Unread)
    }
}

/// # Errors
/// With the line, for a package of the nested half that the flat half doesn't have at this version, and for packages that
/// are nested too deep.
pub(super) fn check<'a>(reader: &Reader<'a>, table: &Table<'a>, nested: &'a RawValue) -> Result<(), ParseError> {
    let mut check = Check::new(table);
    reader.seeded(nested, check.level())?;
    check.finish(reader)
}

/// What the packages of the nested half are held against, and what came of it.
pub(super) struct Check<'t, 'a> {
    known: HashSet<(&'t str, &'t str)>,
    /// The first package that is not known, with its version.
    unknown: Option<(Key<'a>, String)>,
    /// Packages below those of this pass.
    deeper: Vec<&'a RawValue>,
}

impl<'t, 'a> Check<'t, 'a> {
    pub(super) fn new(table: &'t Table<'a>) -> Self {
        let mut known: HashSet<(&str, &str)> = HashSet::with_capacity(2 * table.0.len());
        for (key, entry) in &table.0 {
            let name = split(&key.name).map_or(key.name.as_ref(), |(_, name)| name);
            let version = entry.version.as_ref().map_or("", |version| &version.0);
            known.insert((name, version));
            // an address of the nested half, and a folder that is linked
            known.insert((name, ""));
            if let Some(name) = &entry.name {
                known.insert((&name.0, version));
            }
        }
        Check { known, unknown: None, deeper: Vec::new() }
    }

    /// Reads the nested half down to [`AT_ONCE`] levels.
    pub(super) fn level(&mut self) -> Level<'_, 't, 'a> {
        Level { check: self, levels: AT_ONCE }
    }

    /// Reads what lies deeper.
    ///
    /// # Errors
    /// As [`check`].
    pub(super) fn finish(mut self, reader: &Reader<'a>) -> Result<(), ParseError> {
        let mut open = vec![];
        let mut above = 0;
        loop {
            if let Some((key, version)) = &self.unknown {
                let what = format!("`dependencies` has `{}`", excerpt(&format!("{}@{version}", key.name)));
                let way_out = "Run `npm install --package-lock-only`";
                let message = format!("{what}, and `packages` does not: badly merged. {way_out}");
                return Err(ParseError::at(reader.line(key), message));
            }
            open.extend(self.deeper.drain(..).map(|value| (value, above + AT_ONCE)));
            let Some((value, levels)) = open.pop() else { return Ok(()) };
            if levels >= MAX_DEPTH {
                return Err(reader.too_deep(value));
            }
            above = levels;
            reader.seeded(value, self.level())?;
        }
    }

    fn package(&mut self, key: Key<'a>, version: Option<Text<'a>>) {
        let stated = version.as_ref().map_or("", |version| &version.0);
        let version = match stated.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
            Some((_, version)) => version,
            None if is_address(stated) => "",
            None => stated,
        };
        if self.unknown.is_none() && !self.known.contains(&(key.name.as_ref(), version)) {
            let version = version.to_owned();
            self.unknown = Some((key, version));
        }
    }
}

/// Reads `dependencies` down to so many levels.
pub(super) struct Level<'c, 't, 'a> {
    check: &'c mut Check<'t, 'a>,
    levels: usize,
}

impl<'a> DeserializeSeed<'a> for Level<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Level<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.levels {
            AT_ONCE => Err(E::invalid_type(Unexpected::Unit, &self)),
            _ => Ok(()),
        }
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(key) = map.next_key::<Key<'a>>()? {
            if count == MAX_PACKAGES {
                return Err(A::Error::custom(format_args!("more than {MAX_PACKAGES} packages")));
            }
            count += 1;
            let version = map.next_value_seed(Node { check: self.check, levels: self.levels })?;
            self.check.package(key, version);
        }
        Ok(())
    }
}

/// Reads one package, gives its version, and reads the packages below it.
struct Node<'c, 't, 'a> {
    check: &'c mut Check<'t, 'a>,
    levels: usize,
}

impl<'a> DeserializeSeed<'a> for Node<'_, '_, 'a> {
    type Value = Option<Text<'a>>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Node<'_, '_, 'a> {
    type Value = Option<Text<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a package")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut version, mut has_dependencies) = (None, false);
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "version" if version.is_some() => return Err(A::Error::duplicate_field("version")),
                "version" => version = Some(map.next_value::<Option<Text<'a>>>()?),
                "dependencies" if has_dependencies => return Err(A::Error::duplicate_field("dependencies")),
                "dependencies" => {
                    has_dependencies = true;
                    match self.levels - 1 {
                        0 => self.check.deeper.extend(map.next_value::<Option<&RawValue>>()?),
                        levels => map.next_value_seed(Level { check: self.check, levels })?,
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(version.flatten())
    }
}
