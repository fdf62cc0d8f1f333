//! CycloneDX 1.6 JSON (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! What a package is for becomes its `scope`: `required` for what ships, `optional` for what ships only if it is asked
//! for or fits the machine, `excluded` for what only development needs ("component usage for test and other non-runtime
//! purposes", as the specification has it), none where the lockfile doesn't say, which consumers read as `required`.

mod model;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use pipe_core::text::hex;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::package::{Hash, Scope};
use crate::sbom::cyclonedx::model::{
    Checksum, Composition, Dependency, Document, Evidence, Item, Lifecycle, Metadata, Occurrence, Property, Reference,
    Tools,
};
use crate::sbom::merge::{Component, Merged, Place, Project, merge};
use crate::sbom::purl::{self, Origin};
use crate::sbom::{Bom, id, time, uri};

/// The reference of the repository itself.
const ROOT: &str = "repository";

/// Writes the document, in one line with a line end.
///
/// # Errors
/// Those of `out`.
pub fn cyclonedx(bom: &Bom<'_>, out: impl Write) -> io::Result<()> {
    write(bom, out, id::MAX_KEPT)
}

/// Above `limit` bytes, the document is made a second time instead of kept.
pub(super) fn write(bom: &Bom<'_>, out: impl Write, limit: usize) -> io::Result<()> {
    // The document comes in pieces of a few bytes.
    let mut out = BufWriter::with_capacity(64 * 1024, out);
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
        compositions: Some(Compositions::of(&merged)).filter(|compositions| !compositions.is_empty()),
    };
    let (uuid, text) = id::identify(&document, limit);
    let serial_number = format!("urn:uuid:{uuid}");
    match text {
        Some(text) => {
            id::insert(&mut out, &text, r#""version":1,"#, &format!(r#""serialNumber":"{serial_number}","#))?;
        }
        None => {
            document.serial_number = Some(serial_number);
            serde_json::to_writer(&mut out, &document)?;
        }
    }
    out.write_all(b"\n")?;
    out.flush()
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
            reference: ROOT.into(),
            name: bom.name.into(),
            version: limited(bom.version.unwrap_or_default().into()),
            ..Item::default()
        },
    }
}

/// Written one by one, so that no second copy of a large tree exists.
struct Components<'a>(&'a Merged<'a>);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for one in &self.0.projects {
            list.serialize_element(&project(one))?;
        }
        for (index, component, places) in self.0.placed() {
            list.serialize_element(&library(self.0, index, component, &places))?;
        }
        list.end()
    }
}

fn project<'a>(project: &'a Project<'a>) -> Item<'a> {
    Item {
        kind: "application",
        reference: project.reference.as_str().into(),
        name: project.name().into(),
        version: limited(project.version().into()),
        properties: vec![
            Property { name: "pipewright:lockfile", value: project.source.path.into() },
            Property { name: "pipewright:format", value: project.source.format.into() },
        ],
        ..Item::default()
    }
}

fn library<'a>(merged: &'a Merged<'_>, index: usize, component: &'a Component<'_>, places: &[Place<'a>]) -> Item<'a> {
    let package = merged.package(component);
    let full_name = package.map_or("", |package| package.name);
    let (group, name) = match full_name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') => (scope, name),
        _ => ("", full_name),
    };
    let hashes = merged.hashes(index);
    Item {
        kind: "library",
        reference: merged.reference(index),
        group,
        name: name.into(),
        version: limited(package.as_ref().map(purl::version).unwrap_or_default()),
        scope: match component.scope {
            Scope::Development => Some("excluded"),
            Scope::Production | Scope::Unknown if component.optional => Some("optional"),
            Scope::Production => Some("required"),
            Scope::Unknown => None,
        },
        hashes: hashes.into_iter().map(|hash| Checksum { alg: Hash::algorithm(hash), content: hex(hash) }).collect(),
        purl: merged.purl(index),
        external_references: reference(&component.origin).into_iter().collect(),
        properties: properties(component, places),
        evidence: Some(Evidence {
            occurrences: places.iter().map(|place| Occurrence { location: place.path, line: place.line }).collect(),
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

fn properties<'a>(component: &'a Component<'_>, places: &[Place<'a>]) -> Vec<Property<'a>> {
    let (source, location) = component.origin.words();
    let mut properties = vec![Property { name: "pipewright:source", value: source.into() }];
    if !location.is_empty() {
        properties.push(Property { name: "pipewright:source:location", value: location.into() });
    }
    if let Some(direct) = component.direct {
        let value = if direct { "direct" } else { "transitive" };
        properties.push(Property { name: "pipewright:dependency", value: value.into() });
    }
    for place in places {
        properties.push(Property { name: "pipewright:lockfile", value: place.path.into() });
        properties.push(Property { name: "pipewright:line", value: place.line.to_string().into() });
    }
    properties
}

/// The graph. A component that is absent from it is one whose dependencies no lockfile records.
struct Dependencies<'a>(&'a Merged<'a>);

impl Serialize for Dependencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let merged = self.0;
        let mut list = serializer.serialize_seq(None)?;
        let projects = merged.projects.iter().map(|project| project.reference.as_str().into());
        list.serialize_element(&Dependency { reference: ROOT.into(), depends_on: projects.collect() })?;
        let references = |components: &[usize]| components.iter().map(|index| merged.reference(*index)).collect();
        for (number, project) in merged.projects.iter().enumerate() {
            let asked = merged.asked(number);
            let mut depends_on: Vec<Cow<'_, str>> = references(&asked.direct);
            depends_on.append(&mut references(&asked.development));
            list.serialize_element(&Dependency { reference: project.reference.as_str().into(), depends_on })?;
        }
        for index in 0..merged.components.len() {
            if let Some(targets) = merged.depends_on(index) {
                let depends_on = references(&targets);
                list.serialize_element(&Dependency { reference: merged.reference(index), depends_on })?;
            }
        }
        list.end()
    }
}

/// Says of which parts the graph is known to lack edges.
struct Compositions<'a> {
    merged: &'a Merged<'a>,
    /// References of projects.
    incomplete: Vec<&'a str>,
    /// Indices of components.
    unknown: Vec<usize>,
}

impl<'a> Compositions<'a> {
    fn of(merged: &'a Merged<'a>) -> Compositions<'a> {
        let projects = merged.projects.iter().enumerate();
        let incomplete = projects.filter(|(number, _)| !merged.asked(*number).indirect.is_empty());
        let components = merged.components.iter().enumerate();
        Compositions {
            merged,
            incomplete: incomplete.map(|(_, project)| project.reference.as_str()).collect(),
            unknown: components.filter(|(_, component)| !component.has_graph).map(|(index, _)| index).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.incomplete.is_empty() && self.unknown.is_empty()
    }
}

impl Serialize for Compositions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        if !self.incomplete.is_empty() {
            let dependencies = self.incomplete.iter().map(|reference| (*reference).into()).collect();
            list.serialize_element(&Composition { aggregate: "incomplete", dependencies })?;
        }
        if !self.unknown.is_empty() {
            let dependencies = self.unknown.iter().map(|index| self.merged.reference(*index)).collect();
            list.serialize_element(&Composition { aggregate: "unknown", dependencies })?;
        }
        list.end()
    }
}

/// The schema's longest version is 1,024 characters.
fn limited(version: Cow<'_, str>) -> Cow<'_, str> {
    match version.char_indices().nth(1024) {
        Some((end, _)) => version.get(..end).unwrap_or_default().to_owned().into(),
        None => version,
    }
}
