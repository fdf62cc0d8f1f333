//! `database_specific`: each database puts there what it likes, so no value of it can be wrong.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What the databases we know put there, where it has the type they give it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct DatabaseSpecific {
    /// GitHub: CRITICAL, HIGH, MODERATE, LOW.
    pub(super) severity: Option<String>,
    /// RubySec: a number, or a number in a string.
    pub(super) cvss_v3_score: Option<f64>,
    /// GitHub: `["CWE-79"]`.
    pub(super) cwe_ids: Vec<String>,
    /// RustSec: unmaintained, unsound, notice.
    pub(super) informational: Option<String>,
    /// RustSec: `["malicious"]`, `["denial-of-service"]`.
    pub(super) categories: Vec<String>,
    /// Malicious Packages, beside the affected versions: `[{"cweId": "CWE-506"}]`.
    pub(super) cwes: Vec<String>,
    /// Malicious Packages: who reported the package. Other databases that copy a record keep it.
    pub(super) has_malicious_origins: bool,
}

/// Values nested in lists and objects are skipped, however deep; serde_json does that without recursion.
#[derive(Debug)]
enum Loose {
    Text(String),
    Number(f64),
    List(Vec<String>),
    Other,
}

impl<'de> Deserialize<'de> for DatabaseSpecific {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecificVisitor)
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            Loose::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Loose::Number(number) => Some(number),
            Loose::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn list(self) -> Vec<String> {
        match self {
            Loose::List(list) => list,
            Loose::Text(text) => vec![text],
            _ => Vec::new(),
        }
    }
}

/// The scalars that carry nothing for us; each visitor adds what it does read.
macro_rules! ignore_scalars {
    ($nothing:expr, $($visit:ident: $type:ty),*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Self::Value, E> { Ok($nothing) })*
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok($nothing) }
    };
}

struct SpecificVisitor;

impl<'de> Visitor<'de> for SpecificVisitor {
    type Value = DatabaseSpecific;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    ignore_scalars!(DatabaseSpecific::default(), visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64,
        visit_str: &str);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(DatabaseSpecific::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut specific = DatabaseSpecific::default();
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "severity" => specific.severity = object.next_value::<Loose>()?.text(),
                "cvss_v3_score" => specific.cvss_v3_score = object.next_value::<Loose>()?.number(),
                "cwe_ids" => specific.cwe_ids = object.next_value::<Loose>()?.list(),
                "informational" => specific.informational = object.next_value::<Loose>()?.text(),
                "categories" => specific.categories = object.next_value::<Loose>()?.list(),
                "cwes" => specific.cwes = object.next_value::<Loose>()?.list(),
                "malicious-packages-origins" => {
                    specific.has_malicious_origins = matches!(object.next_value::<Loose>()?, Loose::List(_));
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(specific)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    ignore_scalars!(Loose::Other, visit_bool: bool);

    fn visit_i64<E: Error>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Loose, E> {
        Ok(Loose::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
        let mut texts = Vec::new();
        // One level is as deep as any value we read, so an element is text, an object around one, or nothing.
        while let Some(element) = list.next_element::<TextOrNothing>()? {
            texts.extend(element.0);
        }
        Ok(Loose::List(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Loose, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}

struct TextOrNothing(Option<String>);

impl<'de> Deserialize<'de> for TextOrNothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(TextOrNothing)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    ignore_scalars!(None, visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut id = None;
        while let Some(key) = object.next_key::<String>()? {
            if key == "cweId" {
                id = object.next_value::<Flat>()?.0;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(id)
    }
}

/// Text, or nothing.
struct Flat(Option<String>);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Flat(Loose::deserialize(deserializer)?.text()))
    }
}
