//! `go.work`: it stands above the `go.mod` of each module that it uses (<https://go.dev/ref/mod#workspaces>). Its
//! replacements come before those of the modules, those of one module hold for all, its members are built from their
//! folders, and it alone says which Go builds.

use std::collections::HashMap;

use super::super::text::excerpt;
use super::super::{Input, ParseError};
use super::modfile::{self, ModFile, Replace, Versions};
use super::syntax::directives;

/// No workspace has more; a file that names ever more folders ends here.
const MOST_MODULES: usize = 1_000;

/// What the workspace decides for one of its modules. Paths are relative to that module's folder.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) versions: Versions,
    /// Of `go.work` itself.
    pub(super) replaces: Vec<Replace>,
    /// Of the other modules.
    pub(super) others: Vec<Replace>,
    /// The other modules' folders, by module path.
    pub(super) members: HashMap<String, String>,
    /// What was not found out, each beginning with the path of the lockfile.
    pub(super) warnings: Vec<String>,
}

/// The workspace that the module in the lockfile's folder is built in: the nearest `go.work` of its folder and those
/// above decides, if it uses the module.
///
/// # Errors
/// If that `go.work` can't be read: Go refuses to build in its folder.
pub(super) fn find(input: &Input<'_>) -> Result<Option<Workspace>, ParseError> {
    let folders: Vec<&str> = input.path.split('/').filter(|part| !part.is_empty()).collect();
    let folders = folders.split_last().map_or(&[][..], |(_, folders)| folders);
    for levels in 0..=folders.len() {
        let up = "../".repeat(levels);
        let broken = |error: &dyn std::fmt::Display| ParseError::new(format!("{up}go.work: {error}"));
        let text = match (input.sibling)(&format!("{up}go.work")).decoded() {
            Ok(None) => continue,
            Ok(Some(text)) => text,
            Err(reason) => return Err(broken(&reason)),
        };
        let below = folders.get(folders.len() - levels..).unwrap_or_default();
        let (uses, workspace) = read(&text).map_err(|error| match error.line {
            Some(line) => ParseError::new(format!("{up}go.work line {line}: {error}")),
            None => broken(&error),
        })?;
        let (inside, outside): (Vec<_>, Vec<_>) =
            uses.into_iter().map(|folder| (normal(&folder), folder)).partition(|(inside, _)| inside.is_some());
        let inside: Vec<Vec<String>> = inside.into_iter().filter_map(|(folder, _)| folder).collect();
        if !inside.iter().any(|folder| folder == below) {
            return Ok(None);
        }
        let mut workspace = workspace.seen_from(input, below, inside);
        for (_, folder) in outside {
            workspace.unread(input, &folder);
        }
        return Ok(Some(workspace));
    }
    Ok(None)
}

/// The folders that it uses, and what it says itself.
pub(super) fn read(text: &str) -> Result<(Vec<String>, Workspace), ParseError> {
    const BLOCKS: [&str; 3] = ["godebug", "use", "replace"];
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut workspace = Workspace::default();
    let mut uses = Vec::new();
    for directive in directives(text, &BLOCKS)? {
        match (directive.verb, directive.words.as_slice()) {
            ("use", [folder]) => uses.push(directive.text(folder)?.to_owned()),
            ("use", _) => return Err(directive.wrong("one folder")),
            ("replace", _) => workspace.replaces.push(modfile::replace(&directive)?),
            _ => workspace.versions.add(&directive)?,
        }
    }
    if uses.len() > MOST_MODULES {
        return Err(ParseError::new(format!("more than {MOST_MODULES} modules")));
    }
    modfile::contradiction(&workspace.replaces)?;
    Ok((uses, workspace))
}

impl Workspace {
    fn seen_from(mut self, input: &Input<'_>, below: &[&str], uses: Vec<Vec<String>>) -> Workspace {
        let up = "../".repeat(below.len());
        for replace in &mut self.replaces {
            rebase(replace, &up);
        }
        for folder in uses.iter().filter(|folder| *folder != below) {
            let path = format!("{up}{}", folder.join("/"));
            let name = if folder.is_empty() { format!("{up}go.mod") } else { format!("{path}/go.mod") };
            let text = (input.sibling)(&name).text();
            let read = text.and_then(|text| modfile::read(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok());
            let Some(ModFile { module, mut replaces, .. }) = read else {
                self.unread(input, &name);
                continue;
            };
            for replace in &mut replaces {
                rebase(replace, &format!("{path}/"));
            }
            self.others.extend(replaces);
            self.members.insert(module, path.trim_end_matches('/').to_owned());
        }
        self
    }

    fn unread(&mut self, input: &Input<'_>, module: &str) {
        let what = "of go.work was not read, so its replacements are not known";
        self.warnings.push(format!("{}: the module {} {what}", input.path, excerpt(module)));
    }
}

/// The parts of a relative path, without `.` and `..`; `None` for one that leads outside of the workspace's folder.
fn normal(path: &str) -> Option<Vec<String>> {
    let inside = super::super::paths::join("", path)?;
    Some(inside.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// A folder as seen from the module's own. What it was replaced by stands in another file, whose line says nothing here.
fn rebase(replace: &mut Replace, folder: &str) {
    replace.line = 0;
    if replace.new_version.is_none() && replace.new.starts_with('.') {
        let path = replace.new.strip_prefix("./").unwrap_or(&replace.new);
        replace.new = format!("{folder}{path}");
    }
}
