//! The format of an SBOM, and the number of components that it lists.
//!
//! Sources: CycloneDX 1.6, `bomFormat`, and SPDX 2.3, `spdxVersion`, each required in JSON. SPDX 2.3 as tag-value text is what
//! `cosign attest --type spdx` stores in a JSON string.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::statement::predicate;

/// A format of SBOMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbomFormat {
    /// CycloneDX, of any version.
    CycloneDx,
    /// SPDX 2, of any minor version.
    Spdx,
}

/// What is read of an SBOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sbom {
    /// The format that it names.
    pub format: SbomFormat,
    /// The components (CycloneDX), or the packages other than the ones that the document describes (SPDX).
    pub components: usize,
}

/// Why a document is not an SBOM. Each text is a fragment that stands after the document's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SbomError {
    /// It is not JSON, or not an object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// It names neither format.
    #[error("is neither CycloneDX nor SPDX JSON")]
    UnknownFormat,
    /// It is SPDX of a version with another structure.
    #[error("is {0}, but SPDX-2 is expected")]
    UnsupportedSpdx(String),
}

impl SbomFormat {
    /// The format that documents with this predicate type have. `None` for other types.
    pub fn of_type(predicate_type: &str) -> Option<SbomFormat> {
        match predicate_type {
            predicate::CYCLONEDX => Some(SbomFormat::CycloneDx),
            predicate::SPDX => Some(SbomFormat::Spdx),
            _ => None,
        }
    }

    /// The predicate type of documents in this format.
    pub fn predicate_type(self) -> &'static str {
        match self {
            SbomFormat::CycloneDx => predicate::CYCLONEDX,
            SbomFormat::Spdx => predicate::SPDX,
        }
    }

    fn of_spdx(version: &str) -> Result<SbomFormat, SbomError> {
        if version.starts_with("SPDX-2.") {
            Ok(SbomFormat::Spdx)
        } else {
            Err(SbomError::UnsupportedSpdx(version.to_owned()))
        }
    }
}

impl Sbom {
    /// Reads a JSON document, which is valid to its end if this succeeds.
    ///
    /// # Errors
    /// The document is not an SBOM in one of these formats.
    ///
    /// ```
    /// use pipe_evidence::sbom::{Sbom, SbomFormat};
    /// let sbom = Sbom::parse(r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#);
    /// assert_eq!(sbom, Ok(Sbom { format: SbomFormat::CycloneDx, components: 1 }));
    /// ```
    pub fn parse(json: &str) -> Result<Sbom, SbomError> {
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(rename = "bomFormat", borrow)]
            format: Option<Cow<'a, str>>,
            #[serde(rename = "spdxVersion", borrow)]
            spdx: Option<Cow<'a, str>>,
            // Elements that are not read take no memory.
            components: Option<Vec<IgnoredAny>>,
            packages: Option<Vec<IgnoredAny>>,
            #[serde(rename = "documentDescribes")]
            describes: Option<Vec<IgnoredAny>>,
            #[serde(borrow)]
            relationships: Option<Vec<Relationship<'a>>>,
        }
        #[derive(Deserialize)]
        struct Relationship<'a> {
            #[serde(rename = "relationshipType", borrow, default)]
            kind: Cow<'a, str>,
        }
        // An array would pass for an object whose fields stand in order.
        if !json.trim_start().starts_with('{') {
            return Err(SbomError::NotAnObject);
        }
        let read: Document<'_> = serde_json::from_str(json).map_err(|_| SbomError::NotAnObject)?;
        let format = match (read.format.as_deref(), read.spdx.as_deref()) {
            (Some("CycloneDX"), _) => SbomFormat::CycloneDx,
            (_, Some(version)) => SbomFormat::of_spdx(version)?,
            _ => return Err(SbomError::UnknownFormat),
        };
        let count = |list: Option<Vec<IgnoredAny>>| list.map_or(0, |list| list.len());
        let components = match format {
            SbomFormat::CycloneDx => count(read.components),
            SbomFormat::Spdx => {
                let relationships = read.relationships.unwrap_or_default();
                let described = relationships.iter().filter(|relationship| relationship.kind == "DESCRIBES").count();
                count(read.packages).saturating_sub(described.max(count(read.describes)))
            }
        };
        Ok(Sbom { format, components })
    }

    /// Reads the predicate of an attestation: a document, or a JSON string with one, or with SPDX as tag-value text.
    ///
    /// # Errors
    /// The predicate is not an SBOM in one of these formats.
    pub fn of_predicate(predicate: &str) -> Result<Sbom, SbomError> {
        let Ok(text) = serde_json::from_str::<String>(predicate) else { return Sbom::parse(predicate) };
        if text.trim_start().starts_with('{') {
            return Sbom::parse(&text);
        }
        let values = |tag: &'static str| {
            text.lines().filter_map(move |line| Some(line.trim().strip_prefix(tag)?.strip_prefix(':')?.trim()))
        };
        let format = SbomFormat::of_spdx(values("SPDXVersion").next().ok_or(SbomError::UnknownFormat)?)?;
        let described = values("Relationship").filter(|text| text.split_whitespace().nth(1) == Some("DESCRIBES"));
        Ok(Sbom { format, components: values("PackageName").count().saturating_sub(described.count()) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Sbom, SbomError, SbomFormat};
    use crate::statement::predicate;

    fn cyclonedx(components: usize) -> Result<Sbom, SbomError> {
        Ok(Sbom { format: SbomFormat::CycloneDx, components })
    }

    fn spdx(components: usize) -> Result<Sbom, SbomError> {
        Ok(Sbom { format: SbomFormat::Spdx, components })
    }

    #[test]
    fn the_format_is_what_the_document_names_and_what_it_describes_is_not_listed() {
        for (json, expected) in [
            (r#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#, cyclonedx(0)),
            (r#"{"bomFormat":"CycloneDX","components":null}"#, cyclonedx(0)),
            (r#"{"bomFormat":"CycloneDX","components":[{},{"a":[1]}],"packages":[]}"#, cyclonedx(2)),
            (r#" {"spdxVersion":"SPDX-2.2"}"#, spdx(0)),
            (r#"{"spdxVersion":"SPDX-2.3","packages":[{},{}],"components":[{},{},{}]}"#, spdx(2)),
            (r#"{"spdxVersion":"SPDX-2.3","packages":[{}],"documentDescribes":["a"]}"#, spdx(0)),
            (
                r#"{"spdxVersion":"SPDX-2.3","packages":[{},{}],"relationships":[{"relationshipType":"DESCRIBES"},{}]}"#,
                spdx(1),
            ),
            (r#"{"spdxVersion":"SPDX-3.0"}"#, Err(SbomError::UnsupportedSpdx("SPDX-3.0".to_owned()))),
            (r#"{"bomFormat":"Other"}"#, Err(SbomError::UnknownFormat)),
            ("{}", Err(SbomError::UnknownFormat)),
            (r#"["CycloneDX", null]"#, Err(SbomError::NotAnObject)),
            (r#"{"bomFormat":"CycloneDX""#, Err(SbomError::NotAnObject)),
            (r#"{"bomFormat":"CycloneDX"} x"#, Err(SbomError::NotAnObject)),
            ("", Err(SbomError::NotAnObject)),
        ] {
            assert_eq!(Sbom::parse(json), expected, "{json}");
            assert_eq!(Sbom::of_predicate(json), expected, "{json}");
        }
    }

    /// As cosign stores them with `--type spdx`.
    #[test]
    fn a_predicate_may_be_a_text() {
        let of = |text: &str| Sbom::of_predicate(&serde_json::to_string(text).unwrap());
        let head = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n";
        assert_eq!(of(head), spdx(0));
        let one = format!("{head}\r\n  PackageName: a\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a\n");
        assert_eq!(of(&one), spdx(0));
        assert_eq!(of(&format!("{one}PackageName: b\nRelationship: a CONTAINS b\n")), spdx(1));
        assert_eq!(of(r#"{"spdxVersion":"SPDX-2.3","packages":[{}]}"#), spdx(1));
        assert_eq!(of("SPDXVersion: SPDX-3.0"), Err(SbomError::UnsupportedSpdx("SPDX-3.0".to_owned())));
        assert_eq!(of("PackageName: a"), Err(SbomError::UnknownFormat));
    }

    #[test]
    fn each_format_has_its_type() {
        for format in [SbomFormat::CycloneDx, SbomFormat::Spdx] {
            assert_eq!(SbomFormat::of_type(format.predicate_type()), Some(format));
        }
        assert_eq!(SbomFormat::of_type(predicate::CUSTOM), None);
    }
}
