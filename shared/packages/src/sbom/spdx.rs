//! SPDX 2.3 JSON (<https://spdx.github.io/spdx-spec/v2.3/>).
//!
//! The repository contains one package for each lockfile's project; that one depends on what it asks for. Licences
//! are `NOASSERTION`: a lockfile doesn't give them.

mod model;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use pipe_core::text::hex;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::package::{Hash, Scope};
use crate::sbom::arena::Arena;
use crate::sbom::merge::{Component, Merged, Place, merge};
use crate::sbom::purl::{self, Origin};
use crate::sbom::spdx::model::{Checksum, CreationInfo, Document, ExternalRef, Item, NO_ASSERTION, Relationship};
use crate::sbom::{Bom, id, time, uri};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const ROOT: &str = "SPDXRef-Repository";

/// Writes the document, in one line with a line end.
///
/// # Errors
/// Those of `out`.
pub fn spdx(bom: &Bom<'_>, out: impl Write) -> io::Result<()> {
    write(bom, out, id::MAX_KEPT)
}

/// Above `limit` bytes, the document is made a second time instead of kept.
pub(super) fn write(bom: &Bom<'_>, out: impl Write, limit: usize) -> io::Result<()> {
    // The document comes in pieces of a few bytes.
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let merged = merge(bom);
    let ids = Ids {
        projects: merged
            .projects
            .iter()
            .map(|project| id::spdx_id("Project", &[project.name()], &project.reference))
            .collect(),
        components: component_ids(&merged),
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
    let (uuid, text) = id::identify(&document, limit);
    let namespace = format!("https://spdx.org/spdxdocs/{name}-{uuid}");
    match text {
        Some(text) => id::insert(&mut out, &text, r#"","creationInfo""#, &namespace)?,
        None => {
            document.document_namespace = namespace;
            serde_json::to_writer(&mut out, &document)?;
        }
    }
    out.write_all(b"\n")?;
    out.flush()
}

struct Ids {
    projects: Vec<String>,
    components: Arena,
}

fn component_ids(merged: &Merged<'_>) -> Arena {
    let mut ids = Arena::default();
    for (index, component) in merged.components.iter().enumerate() {
        let words =
            merged.package(component).map(|package| [package.ecosystem.purl_type(), package.name, package.version]);
        ids.push(&id::spdx_id("Package", &words.unwrap_or_default(), &merged.reference(index)));
    }
    ids
}

/// Written one by one, so that no second copy of a large tree exists.
struct Packages<'a> {
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
        let mut list = serializer.serialize_seq(None)?;
        for item in std::iter::once(root).chain(projects) {
            list.serialize_element(&item)?;
        }
        for (index, component, places) in self.merged.placed() {
            list.serialize_element(&library(self.merged, self.ids.components.get(index), index, component, &places))?;
        }
        list.end()
    }
}

fn library<'a>(
    merged: &'a Merged<'_>,
    id: &'a str,
    index: usize,
    component: &'a Component<'_>,
    places: &[Place<'a>],
) -> Item<'a> {
    let package = merged.package(component);
    let places: Vec<String> = places.iter().map(|place| format!("{}:{}", place.path, place.line)).collect();
    let (source, location) = component.origin.words();
    let from = if location.is_empty() { String::new() } else { format!(" ({location})") };
    let scope = match component.scope {
        Scope::Production if component.optional => Some("production, optional"),
        Scope::Production => Some("production"),
        Scope::Development => Some("development only"),
        Scope::Unknown => None,
    };
    let depth = component.direct.map(|direct| if direct { "direct" } else { "transitive" });
    let external_refs = match merged.purl(index) {
        "" => Vec::new(),
        purl => {
            vec![ExternalRef { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: purl }]
        }
    };
    Item {
        version_info: package.as_ref().map(purl::version).unwrap_or_default(),
        download_location: download_location(&component.origin).map_or(NO_ASSERTION.into(), Cow::Owned),
        checksums: merged.hashes(index).into_iter().map(checksum).collect(),
        source_info: format!("{}, from {source}{from}", places.join(", ")),
        comment: [scope, depth].into_iter().flatten().collect::<Vec<_>>().join(", "),
        external_refs,
        ..Item::new(id, package.map_or("", |package| package.name), "LIBRARY")
    }
}

/// SPDX names the algorithms as CycloneDX does, without the dash.
fn checksum(hash: &[u8]) -> Checksum {
    Checksum { algorithm: Hash::algorithm(hash).replace('-', ""), checksum_value: hex(hash) }
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

struct Relationships<'a> {
    merged: &'a Merged<'a>,
    ids: &'a Ids,
}

impl Serialize for Relationships<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let link =
            |from, kind, to| Relationship { spdx_element_id: from, relationship_type: kind, related_spdx_element: to };
        let id = |index: usize| self.ids.components.get(index);
        let mut list = serializer.serialize_seq(None)?;
        list.serialize_element(&link(DOCUMENT, "DESCRIBES", ROOT))?;
        for project in &self.ids.projects {
            list.serialize_element(&link(ROOT, "CONTAINS", project))?;
        }
        for (number, own) in self.ids.projects.iter().enumerate() {
            let asked = self.merged.asked(number);
            for to in asked.direct {
                list.serialize_element(&link(own, "DEPENDS_ON", id(to)))?;
            }
            for from in asked.development {
                list.serialize_element(&link(id(from), "DEV_DEPENDENCY_OF", own))?;
            }
            for from in asked.indirect {
                list.serialize_element(&link(id(from), "DEPENDENCY_OF", own))?;
            }
        }
        for index in 0..self.merged.components.len() {
            for to in self.merged.depends_on(index).into_iter().flatten() {
                list.serialize_element(&link(id(index), "DEPENDS_ON", id(to)))?;
            }
        }
        list.end()
    }
}
