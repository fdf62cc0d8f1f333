//! CycloneDX 1.6 JSON (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! What a package is for becomes its `scope`: `required` for what ships, `optional` for what ships only if it is asked
//! for or fits the machine, `excluded` for what only development needs ("component usage for test and other non-runtime
//! purposes", as the specification has it), none where the lockfile doesn't say, which consumers read as `required`.

mod model;

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::package::{Hash, Scope};
use crate::sbom::cyclonedx::model::{
    Checksum, Composition, Dependency, Document, Evidence, Item, Lifecycle, Metadata, Occurrence, Property, Reference,
    Tools,
};
use crate::sbom::merge::{Component, Merged, Project, merge};
use crate::sbom::purl::{self, Origin};
use crate::sbom::{Bom, id, time, uri};

/// The reference of the repository itself.
const ROOT: &str = "repository";

/// The document, in one line with a line end.
pub fn cyclonedx(bom: &Bom<'_>) -> Vec<u8> {
    let merged = merge(bom);
    let mut document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: metadata(bom),
        components: Components(&merged),
        dependencies: Dependencies(&merged),
        compositions: compositions(&merged),
    };
    document.serial_number = Some(format!("urn:uuid:{}", id::uuid(&document)));
    let mut bytes = Vec::new();
    // Writing to memory what has only string keys can't fail.
    let _ = serde_json::to_writer(&mut bytes, &document);
    bytes.push(b'\n');
    bytes
}

fn metadata<'a>(bom: &Bom<'a>) -> Metadata<'a> {
    Metadata {
        timestamp: bom.created.and_then(time::utc),
        // Lockfiles are read, nothing is built.
        lifecycles: [Lifecycle { phase: "pre-build" }],
        tools: Tools {
            components: [Item {
                kind: "application",
                group: "pipewright",
                name: "security-pipe".into(),
                version: bom.tool_version.into(),
                ..Item::default()
            }],
        },
        component: Item {
            kind: "application",
            reference: ROOT,
            name: bom.name.into(),
            version: limited(bom.version.unwrap_or_default().into()),
            ..Item::default()
        },
    }
}

/// Written one by one, so that no second copy of a large tree exists.
pub(super) struct Components<'a>(&'a Merged<'a>);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.projects.iter().map(project).chain(self.0.components.iter().map(library)))
    }
}

fn project<'a>(project: &'a Project<'a>) -> Item<'a> {
    Item {
        kind: "application",
        reference: &project.reference,
        name: project.name().into(),
        version: limited(project.version().into()),
        properties: vec![
            Property { name: "pipewright:lockfile", value: project.source.path.into() },
            Property { name: "pipewright:format", value: project.source.format.into() },
        ],
        ..Item::default()
    }
}

fn library<'a>(component: &'a Component<'a>) -> Item<'a> {
    let package = component.package;
    let (group, name) = match package.name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') => (scope, name),
        _ => ("", package.name.as_str()),
    };
    Item {
        kind: "library",
        reference: &component.reference,
        group,
        name: name.into(),
        version: limited(purl::version(package)),
        scope: match component.scope {
            Scope::Development => Some("excluded"),
            Scope::Production | Scope::Unknown if component.optional => Some("optional"),
            Scope::Production => Some("required"),
            Scope::Unknown => None,
        },
        hashes: component
            .hashes
            .iter()
            .map(|Hash { algorithm, hex }| Checksum { alg: algorithm, content: hex })
            .collect(),
        purl: &component.purl,
        external_references: reference(&component.origin).into_iter().collect(),
        properties: properties(component),
        evidence: Some(Evidence {
            occurrences: component
                .places
                .iter()
                .map(|place| Occurrence { location: place.path, line: place.line })
                .collect(),
        }),
    }
}

fn reference(origin: &Origin<'_>) -> Option<Reference> {
    match origin {
        Origin::Git(location) => Some(Reference { kind: "vcs", url: uri::git_locator(location)? }),
        Origin::Url(location) => Some(Reference { kind: "distribution", url: uri::absolute(location)? }),
        Origin::Registry | Origin::Private(_) | Origin::Local(_) | Origin::Member(_) => None,
    }
}

fn properties<'a>(component: &'a Component<'a>) -> Vec<Property<'a>> {
    let (source, location) = component.origin.words();
    let mut properties = vec![Property { name: "pipewright:source", value: source.into() }];
    if !location.is_empty() {
        properties.push(Property { name: "pipewright:source:location", value: location.into() });
    }
    if let Some(direct) = component.direct {
        let value = if direct { "direct" } else { "transitive" };
        properties.push(Property { name: "pipewright:dependency", value: value.into() });
    }
    for place in &component.places {
        properties.push(Property { name: "pipewright:lockfile", value: place.path.into() });
        properties.push(Property { name: "pipewright:line", value: place.line.to_string().into() });
    }
    properties
}

/// The graph. A component that is absent from it is one whose dependencies no lockfile records.
pub(super) struct Dependencies<'a>(&'a Merged<'a>);

impl Serialize for Dependencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let components = &self.0.components;
        let name = |index: &usize| components.get(*index).map(|component| component.reference.as_str());
        let root = Dependency {
            reference: ROOT,
            depends_on: self.0.projects.iter().map(|project| project.reference.as_str()).collect(),
        };
        let projects = self.0.projects.iter().map(|project| Dependency {
            reference: &project.reference,
            depends_on: project.direct.iter().chain(&project.development).filter_map(name).collect(),
        });
        let libraries = components.iter().filter_map(|component| {
            let depends_on = component.depends_on.as_ref()?.iter().filter_map(name).collect();
            Some(Dependency { reference: &component.reference, depends_on })
        });
        serializer.collect_seq(std::iter::once(root).chain(projects).chain(libraries))
    }
}

/// Says of which parts the graph is known to lack edges.
fn compositions<'a>(merged: &'a Merged<'a>) -> Vec<Composition<'a>> {
    let partial = merged.projects.iter().filter(|project| !project.indirect.is_empty());
    let partial: Vec<&str> = partial.map(|project| project.reference.as_str()).collect();
    let unknown = merged.components.iter().filter(|component| component.depends_on.is_none());
    let unknown: Vec<&str> = unknown.map(|component| component.reference.as_str()).collect();
    [("incomplete", partial), ("unknown", unknown)]
        .into_iter()
        .filter(|(_, dependencies)| !dependencies.is_empty())
        .map(|(aggregate, dependencies)| Composition { aggregate, dependencies })
        .collect()
}

/// The schema's longest version is 1,024 characters.
fn limited(version: Cow<'_, str>) -> Cow<'_, str> {
    match version.char_indices().nth(1024) {
        Some((end, _)) => version.get(..end).unwrap_or_default().to_owned().into(),
        None => version,
    }
}
