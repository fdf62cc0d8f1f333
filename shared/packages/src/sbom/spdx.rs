//! SPDX 2.3 JSON (<https://spdx.github.io/spdx-spec/v2.3/>).
//!
//! The repository contains one package for each lockfile's project; that one depends on what it asks for. Licences
//! are `NOASSERTION`: a lockfile doesn't give them.

mod model;

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::package::{Hash, Scope};
use crate::sbom::merge::{Component, Merged, merge};
use crate::sbom::purl::{self, Origin};
use crate::sbom::spdx::model::{Checksum, CreationInfo, Document, ExternalRef, Item, NO_ASSERTION, Relationship};
use crate::sbom::{Bom, id, time, uri};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const ROOT: &str = "SPDXRef-Repository";

/// The document, in one line with a line end.
pub fn spdx(bom: &Bom<'_>) -> Vec<u8> {
    let merged = merge(bom);
    let ids = Ids {
        projects: merged
            .projects
            .iter()
            .map(|project| id::spdx_id("Project", &[project.name()], &project.reference))
            .collect(),
        components: merged.components.iter().map(component_id).collect(),
    };
    let created = bom.created.and_then(time::utc);
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: bom.name,
        document_namespace: String::new(),
        creation_info: CreationInfo {
            comment: created.is_none().then_some("the time of the commit is not known"),
            created: created.unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned()),
            creators: [format!("Tool: security-pipe-{}", bom.tool_version)],
        },
        packages: Packages { bom, merged: &merged, ids: &ids },
        relationships: Relationships { merged: &merged, ids: &ids },
    };
    let name = uri::path(bom.name).replace('/', "-");
    // The form that the specification (clause 6.5) gives to creators without an address.
    document.document_namespace = format!("https://spdx.org/spdxdocs/{name}-{}", id::uuid(&document));
    let mut bytes = Vec::new();
    // Writing to memory what has only string keys can't fail.
    let _ = serde_json::to_writer(&mut bytes, &document);
    bytes.push(b'\n');
    bytes
}

struct Ids {
    projects: Vec<String>,
    components: Vec<String>,
}

fn component_id(component: &Component<'_>) -> String {
    let package = component.package;
    id::spdx_id("Package", &[package.ecosystem.purl_type(), &package.name, &package.version], &component.reference)
}

/// Written one by one, so that no second copy of a large tree exists.
pub(super) struct Packages<'a> {
    bom: &'a Bom<'a>,
    merged: &'a Merged<'a>,
    ids: &'a Ids,
}

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let root = Item {
            version_info: self.bom.version.unwrap_or_default().into(),
            ..Item::new(ROOT, self.bom.name, "APPLICATION")
        };
        let projects = self.merged.projects.iter().zip(&self.ids.projects).map(|(project, id)| Item {
            version_info: project.version().into(),
            source_info: format!("{} ({})", project.source.path, project.source.format),
            ..Item::new(id, project.name(), "APPLICATION")
        });
        let libraries =
            self.merged.components.iter().zip(&self.ids.components).map(|(component, id)| library(component, id));
        serializer.collect_seq(std::iter::once(root).chain(projects).chain(libraries))
    }
}

fn library<'a>(component: &'a Component<'a>, id: &'a str) -> Item<'a> {
    let places: Vec<String> = component.places.iter().map(|place| format!("{}:{}", place.path, place.line)).collect();
    let (source, location) = component.origin.words();
    let from = if location.is_empty() { String::new() } else { format!(" ({location})") };
    let scope = match component.scope {
        Scope::Production if component.optional => Some("production, optional"),
        Scope::Production => Some("production"),
        Scope::Development => Some("development only"),
        Scope::Unknown => None,
    };
    let depth = component.direct.map(|direct| if direct { "direct" } else { "transitive" });
    let external_refs = match component.purl.as_str() {
        "" => Vec::new(),
        purl => {
            vec![ExternalRef { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: purl }]
        }
    };
    Item {
        version_info: purl::version(component.package),
        download_location: download_location(&component.origin).map_or(NO_ASSERTION.into(), Cow::Owned),
        checksums: component.hashes.iter().filter_map(|hash| checksum(hash)).collect(),
        source_info: format!("{}, from {source}{from}", places.join(", ")),
        comment: [scope, depth].into_iter().flatten().collect::<Vec<_>>().join(", "),
        external_refs,
        ..Item::new(id, &component.package.name, "LIBRARY")
    }
}

fn checksum(hash: &Hash) -> Option<Checksum<'_>> {
    let algorithm = match hash.algorithm {
        "SHA-1" => "SHA1",
        "SHA-256" => "SHA256",
        "SHA-384" => "SHA384",
        "SHA-512" => "SHA512",
        _ => return None,
    };
    Some(Checksum { algorithm, checksum_value: &hash.hex })
}

fn download_location(origin: &Origin<'_>) -> Option<String> {
    let location = match origin {
        Origin::Git(location) => uri::git_locator(location)?,
        Origin::Url(location) => uri::absolute(location)?,
        Origin::Registry | Origin::Private(_) | Origin::Local(_) | Origin::Member(_) => return None,
    };
    is_accepted(&location).then_some(location)
}

/// Whether SPDX's own tools take the location: they want a host that ends in two to five letters and one of a few
/// schemes, and reject the document otherwise. The location is in `sourceInfo` and the purl in any case.
fn is_accepted(location: &str) -> bool {
    let plain = location.strip_prefix("git+").unwrap_or(location);
    let Some((scheme, rest)) = plain.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let labels: Vec<&str> = host.split(['.', '-']).collect();
    matches!(scheme, "http" | "https" | "ssh" | "git" | "ftp")
        && labels.iter().all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && host.rsplit_once('.').is_some_and(|(_, last)| {
            (2..=5).contains(&last.len()) && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) struct Relationships<'a> {
    merged: &'a Merged<'a>,
    ids: &'a Ids,
}

impl Serialize for Relationships<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let link =
            |from, kind, to| Relationship { spdx_element_id: from, relationship_type: kind, related_spdx_element: to };
        let id = |index: &usize| self.ids.components.get(*index).map(String::as_str);
        let describes = std::iter::once(link(DOCUMENT, "DESCRIBES", ROOT));
        let contains = self.ids.projects.iter().map(|project| link(ROOT, "CONTAINS", project));
        let asked = self.merged.projects.iter().zip(&self.ids.projects).flat_map(|(project, own)| {
            let direct = project.direct.iter().filter_map(id).map(|to| link(own, "DEPENDS_ON", to));
            let development =
                project.development.iter().filter_map(id).map(|from| link(from, "DEV_DEPENDENCY_OF", own));
            let indirect = project.indirect.iter().filter_map(id).map(|from| link(from, "DEPENDENCY_OF", own));
            direct.chain(development).chain(indirect)
        });
        let edges = self.merged.components.iter().zip(&self.ids.components).flat_map(|(component, own)| {
            let targets = component.depends_on.iter().flatten().filter_map(id);
            targets.map(|to| link(own, "DEPENDS_ON", to))
        });
        serializer.collect_seq(describes.chain(contains).chain(asked).chain(edges))
    }
}
