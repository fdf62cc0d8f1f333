//! Software bills of materials.

use serde::Deserialize;
use serde::de::IgnoredAny;

pub(super) fn not_empty(predicate: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Sbom {
        components: Option<Vec<IgnoredAny>>,
        packages: Option<Vec<IgnoredAny>>,
        #[serde(default, rename = "documentDescribes")]
        describes: Vec<IgnoredAny>,
        #[serde(default)]
        relationships: Vec<Relationship>,
    }
    #[derive(Deserialize)]
    struct Relationship {
        #[serde(rename = "relationshipType")]
        kind: String,
    }
    let sbom: Sbom = serde_json::from_str(predicate)
        .map_err(|_| "its predicate is not an SBOM. Set SBOM_FILE to a CycloneDX or SPDX document.".to_owned())?;
    let described = sbom.relationships.iter().filter(|relationship| relationship.kind == "DESCRIBES").count();
    let components = match (sbom.components, sbom.packages) {
        (Some(components), _) => components.len(),
        (None, Some(packages)) => packages.len().saturating_sub(described.max(sbom.describes.len())),
        (None, None) => 0,
    };
    if components == 0 { Err("the SBOM lists no components. Check SBOM_FILE.".to_owned()) } else { Ok(()) }
}
