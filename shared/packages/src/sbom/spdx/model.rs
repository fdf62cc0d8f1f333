//! The part of the SPDX 2.3 object model that is written, in the order it is written.

use std::borrow::Cow;

use serde::Serialize;

/// What SPDX writes where nothing is known.
pub(super) const NO_ASSERTION: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a, P, R> {
    pub(super) spdx_version: &'static str,
    pub(super) data_license: &'static str,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'static str,
    pub(super) name: &'a str,
    pub(super) document_namespace: String,
    pub(super) creation_info: CreationInfo,
    /// A list of [`Item`].
    pub(super) packages: P,
    /// A list of [`Relationship`].
    pub(super) relationships: R,
}

#[derive(Serialize)]
pub(super) struct CreationInfo {
    pub(super) created: String,
    pub(super) creators: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    pub(super) name: Cow<'a, str>,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) version_info: Cow<'a, str>,
    pub(super) download_location: Cow<'a, str>,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    pub(super) license_concluded: &'static str,
    pub(super) license_declared: &'static str,
    pub(super) copyright_text: &'static str,
    pub(super) primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) source_info: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_refs: Vec<ExternalRef<'a>>,
}

impl<'a> Item<'a> {
    pub(super) fn new(id: &'a str, name: &'a str, purpose: &'static str) -> Item<'a> {
        Item {
            name: name.into(),
            id,
            version_info: Cow::Borrowed(""),
            download_location: NO_ASSERTION.into(),
            files_analyzed: false,
            checksums: Vec::new(),
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION,
            copyright_text: NO_ASSERTION,
            primary_package_purpose: purpose,
            source_info: String::new(),
            comment: String::new(),
            external_refs: Vec::new(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub(super) algorithm: String,
    pub(super) checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef<'a> {
    pub(super) reference_category: &'static str,
    pub(super) reference_type: &'static str,
    pub(super) reference_locator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship<'a> {
    pub(super) spdx_element_id: &'a str,
    pub(super) relationship_type: &'static str,
    pub(super) related_spdx_element: &'a str,
}
