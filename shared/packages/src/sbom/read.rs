//! The format of an SBOM that any tool wrote.
//!
//! Source: CycloneDX 1.6, `bomFormat`, and SPDX 2.3, `spdxVersion`, each required in JSON.

use std::fmt;

use serde::Deserialize;

/// A format of SBOMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbomFormat {
    /// CycloneDX, of any version.
    CycloneDx,
    /// SPDX 2, of any minor version.
    Spdx,
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
    /// The format of a JSON document. Only the fields that name the format are read.
    ///
    /// # Errors
    /// The document is not an SBOM in one of these formats.
    ///
    /// ```
    /// use pipe_packages::sbom::SbomFormat;
    /// assert_eq!(SbomFormat::of(r#"{"bomFormat":"CycloneDX"}"#), Ok(SbomFormat::CycloneDx));
    /// ```
    pub fn of(json: &str) -> Result<SbomFormat, SbomError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "bomFormat")]
            format: Option<String>,
            #[serde(rename = "spdxVersion")]
            spdx: Option<String>,
        }
        // An array would pass for an object whose fields stand in order.
        if !json.trim_start().starts_with('{') {
            return Err(SbomError::NotAnObject);
        }
        let head: Head = serde_json::from_str(json).map_err(|_| SbomError::NotAnObject)?;
        match (head.format.as_deref(), head.spdx) {
            (Some("CycloneDX"), _) => Ok(SbomFormat::CycloneDx),
            (_, Some(version)) if version.starts_with("SPDX-2.") => Ok(SbomFormat::Spdx),
            (_, Some(version)) => Err(SbomError::UnsupportedSpdx(version)),
            _ => Err(SbomError::UnknownFormat),
        }
    }
}

/// `CycloneDX` or `SPDX`.
impl fmt::Display for SbomFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SbomFormat::CycloneDx => "CycloneDX",
            SbomFormat::Spdx => "SPDX",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{SbomError, SbomFormat};
    use crate::sbom::{Bom, cyclonedx, spdx};
    use crate::store::Store;

    #[test]
    fn the_documents_that_are_written_here_are_recognised() {
        let packages = &Store::default();
        let bom = Bom { name: "org/app", version: None, created: None, tool_version: "1", packages, sources: &[] };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        cyclonedx(&bom, &mut first).unwrap();
        spdx(&bom, &mut second).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(SbomFormat::of(&text(first)), Ok(SbomFormat::CycloneDx));
        assert_eq!(SbomFormat::of(&text(second)), Ok(SbomFormat::Spdx));
    }

    #[test]
    fn documents_of_other_tools_are_recognised_by_the_fields_that_name_the_format() {
        for (json, expected) in [
            (r#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#, Ok(SbomFormat::CycloneDx)),
            (r#" {"spdxVersion":"SPDX-2.2"}"#, Ok(SbomFormat::Spdx)),
            (r#"{"spdxVersion":"SPDX-3.0"}"#, Err(SbomError::UnsupportedSpdx("SPDX-3.0".to_owned()))),
            (r#"{"bomFormat":"Other"}"#, Err(SbomError::UnknownFormat)),
            ("{}", Err(SbomError::UnknownFormat)),
            (r#"["CycloneDX", null]"#, Err(SbomError::NotAnObject)),
            (r#"{"bomFormat":"CycloneDX""#, Err(SbomError::NotAnObject)),
            ("", Err(SbomError::NotAnObject)),
        ] {
            assert_eq!(SbomFormat::of(json), expected, "{json}");
        }
    }
}
