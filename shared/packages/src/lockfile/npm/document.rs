//! The lockfile's own members.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::super::ParseError;
use super::flat::Table;
use super::halves::{Check, Nested};
use super::json::{Reader, Text};

#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) version: Option<Text<'a>>,
    pub(super) lockfile_version: Option<u64>,
    pub(super) packages: Option<Table<'a>>,
    /// In version 2, the same tree once more: read as it comes, since it is half of a large file.
    pub(super) dependencies: Option<Nested<'a>>,
}

impl<'a> Document<'a> {
    /// # Errors
    /// With the line. What the halves of version 2 don't agree on is in [`Nested::Checked`].
    pub(super) fn read(reader: &Reader<'a>) -> Result<Self, ParseError> {
        reader.document(Members(reader))
    }
}

struct Members<'r, 'a>(&'r Reader<'a>);

impl<'a> DeserializeSeed<'a> for Members<'_, 'a> {
    type Value = Document<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Document<'a>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = Document<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Document<'a>, A::Error> {
        let mut document = Document::default();
        // the two that must not be `null` are there once they were met
        let (mut name, mut version, mut lockfile_version) = (None, None, None);
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "name" => once(&mut map, &mut name, "name")?,
                "version" => once(&mut map, &mut version, "version")?,
                "lockfileVersion" => once(&mut map, &mut lockfile_version, "lockfileVersion")?,
                "packages" => once(&mut map, &mut document.packages, "packages")?,
                "dependencies" => match (&document.packages, &document.dependencies) {
                    (Some(table), None) => {
                        let mut check = Check::new(table);
                        map.next_value_seed(check.level())?;
                        document.dependencies = Some(Nested::Checked(check.finish(self.0)));
                    }
                    _ => once(&mut map, &mut document.dependencies, "dependencies")?,
                },
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Document {
            name: name.flatten(),
            version: version.flatten(),
            lockfile_version: lockfile_version.map(|KnownVersion(version)| version),
            ..document
        })
    }
}

/// The value of a member that may be there once.
fn once<'a, A: MapAccess<'a>, T: Deserialize<'a>>(
    map: &mut A,
    place: &mut Option<T>,
    name: &'static str,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *place = Some(map.next_value()?);
    Ok(())
}

/// Refused where it stands, before a later form of the packages makes no sense.
struct KnownVersion(u64);

impl<'de> Deserialize<'de> for KnownVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            version @ 1..=3 => Ok(KnownVersion(version)),
            version => {
                Err(D::Error::custom(format!("lockfileVersion {version} is not known to this version (1 to 3 are)")))
            }
        }
    }
}
