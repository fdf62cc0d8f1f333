//! The parts of a `poetry.lock` that are read.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;

use super::super::files::Files;
use super::super::toml_file::lockfile;

#[derive(Deserialize)]
pub(super) struct Lock {
    #[serde(default)]
    pub(super) package: Vec<Entry>,
    pub(super) metadata: Option<Metadata>,
}

lockfile!(Lock of Entry);

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) name: Spanned<String>,
    pub(super) version: String,
    /// Installed only if an extra asks for it.
    #[serde(default)]
    pub(super) optional: bool,
    /// Until lock version 2.0 of Poetry 1.4.
    pub(super) category: Option<String>,
    /// Since lock version 2.1.
    pub(super) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(super) files: Files,
    #[serde(default, deserialize_with = "pairs")]
    pub(super) dependencies: Vec<(String, Dependency)>,
    #[serde(default)]
    pub(super) extras: BTreeMap<String, Vec<String>>,
    pub(super) source: Option<Origin>,
}

/// A version alone, one table, or a table for each environment.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Dependency {
    Version(Text),
    Table(Details),
    Many(Vec<Dependency>),
}

/// A string that is not kept: only its form matters.
pub(super) struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct Str;
        impl Visitor<'_> for Str {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(Str)
    }
}

/// A table as a list, which takes less than half of a map. The parser has refused keys that occur twice.
fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Dependency)>, D::Error> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Dependency)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = table.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs)
}

#[derive(Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    extras: Vec<String>,
}

impl Dependency {
    /// Whether it is there without an extra.
    pub(super) fn required(&self) -> bool {
        match self {
            Dependency::Version(_) => true,
            Dependency::Table(details) => !details.optional,
            Dependency::Many(many) => many.iter().any(Dependency::required),
        }
    }

    pub(super) fn extras(&self) -> Vec<&str> {
        match self {
            Dependency::Version(_) => Vec::new(),
            Dependency::Table(details) => details.extras.iter().map(String::as_str).collect(),
            Dependency::Many(many) => many.iter().flat_map(Dependency::extras).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Origin {
    /// `legacy` is a package index; else `git`, `url`, `file`, `directory`.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) url: String,
    pub(super) reference: Option<String>,
    pub(super) resolved_reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Metadata {
    pub(super) lock_version: Option<String>,
    #[serde(default)]
    pub(super) files: BTreeMap<String, Files>,
    #[serde(default)]
    pub(super) hashes: BTreeMap<String, Vec<String>>,
}
