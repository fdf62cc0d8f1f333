//! JSON with lines: every key knows where it stands in the text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::super::text::{Lines, excerpt, library_message};
use super::super::{MAX_PACKAGES, ParseError};

/// Reads values of one text and knows where they stand in it.
pub(super) struct Reader<'a> {
    text: &'a str,
    lines: &'a Lines<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, lines: &'a Lines<'a>) -> Self {
        Reader { text, lines }
    }

    /// # Errors
    /// With the line.
    pub(super) fn document<S: DeserializeSeed<'a>>(&self, seed: S) -> Result<S::Value, ParseError> {
        let mut json = serde_json::Deserializer::from_str(self.text);
        let document = seed.deserialize(&mut json).and_then(|document| json.end().map(|()| document));
        document.map_err(|error| message(&error, 1))
    }

    /// # Errors
    /// With the line in the whole text.
    pub(super) fn value<T: Deserialize<'a>>(&self, value: &'a RawValue) -> Result<T, ParseError> {
        serde_json::from_str(value.get()).map_err(|error| message(&error, self.lines.at(self.offset(value))))
    }

    /// Like [`Reader::value`], read by a seed.
    ///
    /// # Errors
    /// With the line in the whole text.
    pub(super) fn seeded<S: DeserializeSeed<'a>>(&self, value: &'a RawValue, seed: S) -> Result<S::Value, ParseError> {
        // A raw value is one value and nothing behind it.
        seed.deserialize(&mut serde_json::Deserializer::from_str(value.get()))
            .map_err(|error| message(&error, self.lines.at(self.offset(value))))
    }

    /// Refuses a value that nests deeper than `limit`, in one pass: reading it level by level would pass over the
    /// innermost text once for each level.
    ///
    /// # Errors
    /// With the line where the limit is passed.
    pub(super) fn check_depth(&self, value: &RawValue, limit: usize) -> Result<(), ParseError> {
        let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
        for (at, byte) in value.get().bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = inside,
                b'"' => inside = !inside,
                _ if inside => {}
                b'{' | b'[' => {
                    depth += 1;
                    if depth > limit {
                        return Err(self.too_deep_at(self.offset(value) + at));
                    }
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn too_deep(&self, value: &RawValue) -> ParseError {
        self.too_deep_at(self.offset(value))
    }

    fn too_deep_at(&self, offset: usize) -> ParseError {
        ParseError::at(self.lines.at(offset), "dependencies are nested too deep to be real")
    }

    pub(super) fn line(&self, key: &Key<'_>) -> u32 {
        self.lines.at(self.offset(key.raw))
    }

    /// npm would take the last of two equal keys, a reader that takes the first would see another tree.
    pub(super) fn twice(&self, key: &Key<'_>) -> ParseError {
        ParseError::at(self.line(key), format!("key `{}` occurs twice", excerpt(&key.name)))
    }

    /// A raw value borrows from the text, so its place is the distance of the two.
    fn offset(&self, value: &RawValue) -> usize {
        let distance = (value.get().as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        distance.min(self.text.len())
    }
}

fn message(error: &serde_json::Error, first_line: u32) -> ParseError {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let line = first_line + u32::try_from(error.line().saturating_sub(1)).unwrap_or(0);
    ParseError { line: Some(line), message: library_message(text) }
}

/// A key of an object.
pub(super) struct Key<'a> {
    raw: &'a RawValue,
    pub(super) name: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let name = match raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
            _ => Cow::Owned(serde_json::from_str(raw.get()).map_err(de::Error::custom)?),
        };
        Ok(Key { raw, name })
    }
}

/// The members of an object in their order, with keys that occur twice.
pub(super) struct Members<'a, V>(pub(super) Vec<(Key<'a>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Members<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<'a, V>(std::marker::PhantomData<(&'a (), V)>);
        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for Pairs<'a, V> {
            type Value = Members<'a, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    // One more for the project itself, which is an entry like its packages.
                    if members.len() == MAX_PACKAGES + 1 {
                        return Err(de::Error::custom(format_args!("more than {MAX_PACKAGES} packages")));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Pairs(std::marker::PhantomData))
    }
}

/// A string, borrowed where it has no escapes. `true` and `false`, which npm has written for unknown addresses, read
/// as an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Str;
        impl<'de> Visitor<'de> for Str {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed("")))
            }
        }
        deserializer.deserialize_any(Str)
    }
}

/// The keys of an object; nothing for `true`, `false`, `null` and a list, which old versions of npm wrote.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(pub(super) Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Names<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some((Text(key), IgnoredAny)) = map.next_entry()? {
                    names.push(key);
                }
                Ok(Names(names))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Names::default())
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Names::default())
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Names::default())
            }
        }
        deserializer.deserialize_any(Keys)
    }
}
