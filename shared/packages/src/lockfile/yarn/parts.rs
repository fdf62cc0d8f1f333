//! The project and its members: what they ask for themselves, and what for.

use std::collections::HashSet;

use super::super::npm::project::{Project, Purpose};
use super::super::text::excerpt;
use super::super::{Input, Parsed, graph};
use super::read::{Lock, Part};
use pipe_core::text::first_and_more;

/// What a part's `package.json` says; `None` if there is none, or it can't be read, which is reported for itself.
pub(super) fn manifest(input: &Input<'_>, folder: &str) -> Option<Project> {
    let path = if folder.is_empty() { "package.json".to_owned() } else { format!("{folder}/package.json") };
    (input.sibling)(&path).text().and_then(|text| Project::parse(&text))
}

/// The names for which the project forces a version: the ends of patterns such as `a/**/@scope/b@npm:1.0`.
pub(super) fn forced(project: &Project) -> Vec<String> {
    let name = |pattern: &String| {
        let (before, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let last = last.split('@').next().unwrap_or(last);
        match before.rsplit('/').next().filter(|scope| scope.starts_with('@')) {
            Some(scope) => format!("{scope}/{last}"),
            None => last.to_owned(),
        }
    };
    project.resolutions.keys().map(name).collect()
}

/// The project and its members by the patterns of folders in its manifest, for a lockfile that doesn't list them.
pub(super) fn by_manifest(project: &Project, input: &Input<'_>) -> Vec<Part> {
    let mut folders = vec![String::new()];
    if let Some(workspaces) = &project.workspaces {
        folders.extend((input.below)("package.json").into_iter().filter(|folder| workspaces.contains(folder)));
    }
    let part = |folder| Part { folder, entry: None, package: None, wanted: Vec::new() };
    folders.into_iter().map(part).collect()
}

/// Marks what the parts ask for themselves, and from there what each package is for. What a part asks for and the
/// lockfile does not have is a warning.
pub(super) fn assign(lock: &Lock<'_>, input: &Input<'_>, parts: &[Part], parsed: &mut Parsed) {
    let mut roots = graph::Roots::default();
    let mut lacking = Vec::new();
    let names: HashSet<String> = match parts.iter().any(|part| part.entry.is_none()) {
        true => parts.iter().filter_map(|part| manifest(input, &part.folder)?.name).collect(),
        false => HashSet::new(),
    };
    for part in parts {
        parsed.members.add_folder(&part.folder);
        let manifest = manifest(input, &part.folder);
        if let Some(package) = part.package.and_then(|index| parsed.packages.get_mut(index)) {
            package.version = manifest.as_ref().and_then(|manifest| manifest.version.clone()).unwrap_or_default();
        }
        for (name, optional, packages) in &part.wanted {
            let purpose = manifest.as_ref().map(|manifest| manifest.purpose(name));
            let list = match (purpose, optional) {
                (Some(Some(Purpose::Development)), _) => &mut roots.development,
                (Some(Some(Purpose::Optional)), _) | (_, true) => &mut roots.optional,
                (Some(Some(Purpose::Production)), _) => &mut roots.production,
                // the lockfile is not in step with the manifest, or there is none
                (Some(None) | None, false) => &mut roots.unknown,
            };
            list.extend(packages);
        }
        for (name, range, purpose) in manifest.iter().flat_map(Project::asks) {
            let found = match part.entry {
                None => lock.find(name, range),
                // what is known is in the roots already
                Some(_) => part.wanted.iter().any(|(known, ..)| known == name).then(Vec::new),
            };
            let list = match purpose {
                Purpose::Production => &mut roots.production,
                Purpose::Optional => &mut roots.optional,
                Purpose::Development => &mut roots.development,
            };
            match found {
                Some(found) => list.extend(found),
                None if names.contains(name) || lock.dialect.is_outside(range) => {}
                None => lacking.push(excerpt(&format!("{name}@{range}"))),
            }
        }
    }
    let own: Vec<usize> = parts.iter().filter_map(|part| part.package).collect();
    if !parts.is_empty() {
        graph::assign_direct(&mut parsed.packages, &roots, &own);
        graph::assign_scopes(&mut parsed.packages, &roots, &own);
    }
    if !lacking.is_empty() {
        let names = first_and_more(&lacking);
        let advice = "Run `yarn install`, and commit the lockfile";
        parsed.warnings.push(format!("{}: no entry for {names}, which package.json asks for. {advice}", input.path));
    }
}
