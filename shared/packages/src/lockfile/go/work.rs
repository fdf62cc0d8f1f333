//! `go.work`: it stands above the `go.mod` of each module that it uses (<https://go.dev/ref/mod#workspaces>). Its
//! replacements come before those of the modules, those of one module hold for all, its members are built from their
//! folders, and it alone says which Go builds.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::text::excerpt;
use super::super::{Input, ParseError};
use super::modfile::{self, ModFile, Replace, Versions};
use super::replacements::Replacements;
use super::syntax::directives;

/// No workspace has more; a file that names ever more folders ends here.
const MOST_MODULES: usize = 1_000;

/// What was found in the folders above the modules of a project, so that each is read once. By folder, relative to the
/// root; nothing for one without a `go.work`.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(HashMap<String, Result<Option<Rc<Workspace>>, ParseError>>);

/// What a `go.work` and the modules that it uses say. Paths are relative to its folder, and begin with a dot.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) versions: Versions,
    /// Of `go.work`, as it gives them.
    pub(super) replaces: Vec<Replace>,
    /// Of `go.work` itself.
    own: Replacements,
    /// Of all modules.
    modules: Replacements,
    /// The modules' folders, by module path.
    members: HashMap<String, String>,
    /// Every folder that is used and lies in that of `go.work`, without `.` and `..`.
    folders: HashSet<String>,
    /// Modules that were not read.
    unread: Vec<String>,
}

/// The workspace as one of its modules has it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) workspace: Rc<Workspace>,
    /// The module's folder, as seen from the workspace's.
    below: String,
    /// Leads from the module's folder to the workspace's.
    up: String,
}

/// The workspace that the module in the lockfile's folder is built in: the nearest `go.work` of its folder and those
/// above decides, if it uses the module.
///
/// # Errors
/// If that `go.work` can't be read: Go refuses to build in its folder.
pub(super) fn find(input: &Input<'_>, known: &mut Workspaces) -> Result<Option<Seen>, ParseError> {
    let folders: Vec<&str> = input.path.split('/').filter(|part| !part.is_empty()).collect();
    let folders = folders.split_last().map_or(&[][..], |(_, folders)| folders);
    for levels in 0..=folders.len() {
        let up = "../".repeat(levels);
        let (above, below) = folders.split_at(folders.len() - levels);
        let found = known.0.entry(above.join("/")).or_insert_with(|| Workspace::beside(input, &up));
        let workspace = match found {
            Ok(None) => continue,
            Ok(Some(workspace)) => Rc::clone(workspace),
            Err(ParseError { line, message }) => {
                let line = line.map(|line| format!(" line {line}")).unwrap_or_default();
                return Err(ParseError::new(format!("{up}go.work{line}: {message}")));
            }
        };
        let below = below.join("/");
        let uses = workspace.folders.contains(&below);
        return Ok(uses.then(|| Seen { workspace, below, up }));
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
    /// The one in the folder to which `up` leads, with all its modules.
    fn beside(input: &Input<'_>, up: &str) -> Result<Option<Rc<Workspace>>, ParseError> {
        let text = (input.sibling)(&format!("{up}go.work")).decoded().map_err(ParseError::new)?;
        let Some(text) = text else { return Ok(None) };
        let (uses, mut workspace) = read(&text)?;
        workspace.own = Replacements::new(std::mem::take(&mut workspace.replaces).into_iter().map(without_line));
        let mut replaces = Vec::new();
        for used in uses {
            let Some(folder) = normal(&used) else {
                workspace.unread.push(used);
                continue;
            };
            let name = if folder.is_empty() { "go.mod".to_owned() } else { format!("{folder}/go.mod") };
            let text = (input.sibling)(&format!("{up}{name}")).text();
            let read = text.and_then(|text| modfile::read(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok());
            match read {
                Some(ModFile { module, replaces: its, .. }) => {
                    let from = if folder.is_empty() { "./".to_owned() } else { format!("./{folder}/") };
                    replaces.extend(its.into_iter().map(|replace| rebase(without_line(replace), &from)));
                    workspace.members.insert(module, folder.clone());
                }
                None => workspace.unread.push(name),
            }
            workspace.folders.insert(folder);
        }
        workspace.modules = Replacements::new(replaces.into_iter());
        Ok(Some(Rc::new(workspace)))
    }
}

impl Seen {
    /// The folder of another module of the workspace.
    pub(super) fn member(&self, module: &str) -> Option<String> {
        let folder = self.workspace.members.get(module).filter(|folder| **folder != self.below)?;
        Some(format!("{}{folder}", self.up).trim_end_matches('/').to_owned())
    }

    /// What stands in for a module: `go.work` decides, then the module itself (`own`) with the others.
    pub(super) fn replacement(&self, own: &Replacements, path: &str, version: &str) -> Option<Replace> {
        let Workspace { own: first, modules: others, .. } = &*self.workspace;
        let first = first.of(path, Some(version)).or_else(|| first.of(path, None));
        let of_modules = |version| own.of(path, version).or_else(|| others.of(path, version));
        let found = first.or_else(|| of_modules(Some(version))).or_else(|| of_modules(None))?;
        // only the module's own have a line
        Some(if found.line == 0 { rebase(found.clone(), &self.up) } else { found.clone() })
    }

    /// A warning about modules of the workspace that were not read.
    pub(super) fn warning(&self, input: &Input<'_>) -> Option<String> {
        let own = format!("{}/go.mod", self.below);
        let mut unread = self.workspace.unread.iter().filter(|name| **name != own.trim_start_matches('/'));
        let first = excerpt(&format!("{}{}", self.up, unread.next()?));
        let (what, of) = match unread.count() {
            0 => (format!("the module {first}"), "of go.work was not read, so its replacements are not known"),
            more => (
                format!("{first} and {more} more modules"),
                "of go.work were not read, so their replacements are not known",
            ),
        };
        Some(format!("{}: {what} {of}", input.path))
    }
}

/// A relative path without `.` and `..`; `None` for one that leads outside of the workspace's folder.
fn normal(path: &str) -> Option<String> {
    super::super::paths::join("", path)
}

/// It stands in another file, whose line says nothing here.
fn without_line(replace: Replace) -> Replace {
    Replace { line: 0, ..replace }
}

/// A folder as seen from another one, from which `folder` leads to the one it was given for.
fn rebase(mut replace: Replace, folder: &str) -> Replace {
    if replace.new_version.is_none() && replace.new.starts_with('.') {
        let path = replace.new.strip_prefix("./").unwrap_or(&replace.new);
        replace.new = format!("{folder}{path}");
    }
    replace
}
