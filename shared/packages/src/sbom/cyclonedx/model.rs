//! The part of the CycloneDX 1.6 object model that is written, in the order it is written.

use std::borrow::Cow;

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a, C, D, P> {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata<'a>,
    /// A list of [`Item`].
    pub(super) components: C,
    /// A list of [`Dependency`].
    pub(super) dependencies: D,
    /// A list of [`Composition`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compositions: Option<P>,
}

#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    pub(super) lifecycles: [Lifecycle; 1],
    pub(super) tools: Tools<'a>,
    pub(super) component: Item<'a>,
}

#[derive(Serialize)]
pub(super) struct Lifecycle {
    pub(super) phase: &'static str,
}

#[derive(Serialize)]
pub(super) struct Tools<'a> {
    pub(super) components: [Item<'a>; 1],
}

/// A component, the repository or a tool.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "str::is_empty")]
    pub(super) reference: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) group: &'a str,
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) version: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Checksum>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) purl: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence<'a>>,
}

#[derive(Serialize)]
pub(super) struct Checksum {
    pub(super) alg: &'static str,
    pub(super) content: String,
}

#[derive(Serialize)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) url: String,
}

#[derive(Serialize)]
pub(super) struct Property<'a> {
    pub(super) name: &'static str,
    pub(super) value: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct Evidence<'a> {
    pub(super) occurrences: Vec<Occurrence<'a>>,
}

#[derive(Serialize)]
pub(super) struct Occurrence<'a> {
    pub(super) location: &'a str,
    pub(super) line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency<'a> {
    #[serde(rename = "ref")]
    pub(super) reference: Cow<'a, str>,
    pub(super) depends_on: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
pub(super) struct Composition<'a> {
    pub(super) aggregate: &'static str,
    pub(super) dependencies: Vec<Cow<'a, str>>,
}
