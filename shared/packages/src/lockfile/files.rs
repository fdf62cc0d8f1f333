//! The files of a package with their hashes: most of the text of a lockfile that Poetry or uv wrote. The TOML parser
//! would keep a table for each of these lines, so the lines that look as those tools write them are cut down to their
//! hash before it reads them. Every line stays a line, and any other form of the list is read as it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::hash;
use crate::package::Hash;

/// The hashes of a list of files, in its order; a file without one that can be recorded has none.
#[derive(Default)]
pub(super) struct Files(pub(super) Vec<Hash>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Files;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of files")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut files: A) -> Result<Files, A::Error> {
                let mut hashes = Vec::new();
                while let Some(File(hash)) = files.next_element()? {
                    hashes.extend(hash);
                }
                Ok(Files(hashes))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// One file; without a hash that can be recorded, `None`.
pub(super) struct File(pub(super) Option<Hash>);

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = File;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file with its hash")
            }

            fn visit_str<E>(self, text: &str) -> Result<File, E> {
                Ok(File(hash::tagged(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
                let mut file = File(None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "hash" => file = File(hash::tagged(&map.next_value::<String>()?)),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(file)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// The text of a lockfile with each file cut down to its hash.
pub(super) fn shortened(text: &str) -> String {
    let mut short = String::with_capacity(text.len() / 2);
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).map(|newline| newline + 1).chain([text.len()]) {
        let line = &text[from..end];
        match hash_of(line) {
            Some(hash) => short.extend(["\"", hash, "\",\n"]),
            None => short.push_str(line),
        }
        from = end;
    }
    short
}

/// The hash in `{file = "...", hash = "..."},` (Poetry) or `{ url = "...", hash = "...", size = 1 },` (uv).
fn hash_of(line: &str) -> Option<&str> {
    let line = line.strip_suffix('\n')?;
    let table =
        line.strip_suffix('\r').unwrap_or(line).trim_start_matches(' ').strip_prefix('{')?.strip_suffix("},")?;
    let table = table.strip_prefix(' ').unwrap_or(table);
    let named = ["file", "url", "path"].iter().find_map(|key| table.strip_prefix(key))?;
    let (_, rest) = string(named)?;
    let (hash, rest) = string(rest.strip_prefix(", hash")?)?;
    let rest = match rest.strip_prefix(", size = ") {
        Some(size) => size.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let rest = match rest.strip_prefix(", upload-time") {
        Some(time) => string(time)?.1,
        None => rest,
    };
    matches!(rest, "" | " ").then_some(hash)
}

/// What stands in ` = "..."`, and the text after it.
fn string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(" = \"")?;
    let (value, rest) = text.split_at(memchr::memchr(b'"', text.as_bytes())?);
    let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\\');
    plain.then_some((value, &rest[1..]))
}

#[cfg(test)]
mod tests {
    use super::{hash_of, shortened};

    #[test]
    fn only_lines_as_the_tools_write_them_are_cut_down() {
        for line in [
            "    {file = \"a-1.tar.gz\", hash = \"sha256:aa\"},\n",
            "    { url = \"https://host.example/a.whl\", hash = \"sha256:aa\", size = 12 },\n",
            "    { url = \"https://a\", hash = \"sha256:aa\", size = 12, upload-time = \"2025-01-01T00:00:00Z\" },\n",
            "    { path = \"a.whl\", hash = \"sha256:aa\" },\n",
            "    { path = \"a.whl\", hash = \"sha256:aa\" },\r\n",
        ] {
            assert_eq!(hash_of(line), Some("sha256:aa"), "{line}");
        }
        for line in [
            "    {file = \"a\", hash = \"sha256:aa\"}\n",
            "    {file = \"a\", hash = \"sha256:aa\"},",
            "    {file = \"a\"},\n",
            "    {hash = \"sha256:aa\"},\n",
            "    {file = \"a\", file = \"b\", hash = \"sha256:aa\"},\n",
            "    {file = \"a\", hash = \"sha256:aa\", hash = \"sha256:bb\"},\n",
            "    {file = \"a\", hash = \"sha\\u0041\"},\n",
            "    {file = \"a\u{1}\", hash = \"sha256:aa\"},\n",
            "    {file = \"a\", hash = \"sha256:aa\", size = x},\n",
            "x = {file = \"a\", hash = \"sha256:aa\"},\n",
        ] {
            assert_eq!(hash_of(line), None, "{line}");
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "files = [\n    {file = \"a\", hash = \"sha256:aa\"},\n]\nname = \"b\"";
        assert_eq!(shortened(text), "files = [\n\"sha256:aa\",\n]\nname = \"b\"");
    }
}
