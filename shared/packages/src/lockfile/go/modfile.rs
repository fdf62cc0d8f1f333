//! The directives of `go.mod`. What `go` refuses in the main module's file is an error here; its lax mode is for the
//! files of dependencies only.

use std::collections::HashMap;

use super::super::ParseError;
use super::super::text::excerpt;
use super::order;
use super::syntax::{Directive, directives};
use super::version::{check_path, of_module, path_word};

/// The parts of a `go.mod` that decide what is built.
#[derive(Debug, Default)]
pub(super) struct ModFile {
    pub(super) module: String,
    pub(super) module_line: u32,
    pub(super) versions: Versions,
    /// Each module once, at its highest version.
    pub(super) requires: Vec<Require>,
    pub(super) replaces: Vec<Replace>,
    /// Module and version.
    pub(super) excludes: Vec<(String, String)>,
}

/// Which Go builds.
#[derive(Debug, Default)]
pub(super) struct Versions {
    pub(super) go: Option<Line>,
    /// Without its leading `go` and any suffix; `None` for `default` too.
    pub(super) toolchain: Option<Line>,
    has_toolchain: bool,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) value: String,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) struct Require {
    pub(super) path: String,
    /// In full, with its leading `v`.
    pub(super) version: String,
    pub(super) indirect: bool,
    pub(super) line: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Replace {
    pub(super) old: String,
    pub(super) old_version: Option<String>,
    /// A module, or without a version a folder.
    pub(super) new: String,
    pub(super) new_version: Option<String>,
    pub(super) line: u32,
}

/// # Errors
/// With the line, for anything that Go refuses.
pub(super) fn read(text: &str) -> Result<ModFile, ParseError> {
    const BLOCKS: [&str; 8] = ["module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"];
    let mut file = ModFile::default();
    let mut places = HashMap::new();
    for directive in directives(text, &BLOCKS)? {
        file.add(&directive, &mut places)?;
    }
    if file.module.is_empty() {
        return Err(ParseError::new("no module directive: the file is cut off or not a go.mod"));
    }
    contradiction(&file.replaces)?;
    Ok(file)
}

impl ModFile {
    fn add(&mut self, directive: &Directive<'_>, places: &mut HashMap<String, usize>) -> Result<(), ParseError> {
        let line = directive.line;
        match (directive.verb, directive.words.as_slice()) {
            ("module", [path]) => {
                let path = directive.text(path)?;
                path_word(path, line)?;
                if !self.module.is_empty() {
                    return Err(ParseError::at(line, "a second module directive"));
                }
                self.module = path.to_owned();
                self.module_line = line;
            }
            ("require", [path, version]) => {
                let (path, version) = (directive.text(path)?, directive.text(version)?);
                let version = of_module(path, version, line)?;
                let mut said = directive.comment.split_whitespace();
                let indirect = match said.next() {
                    Some("indirect") => said.next().is_none(),
                    Some("indirect;") => said.next().is_some(),
                    _ => false,
                };
                self.require(Require { path: path.to_owned(), version, indirect, line }, places);
            }
            ("exclude", [path, version]) => {
                let (path, version) = (directive.text(path)?, directive.text(version)?);
                self.excludes.push((path.to_owned(), of_module(path, version, line)?));
            }
            ("replace", _) => self.replaces.push(replace(directive)?),
            ("retract", ["[", low, ",", high, "]"]) => {
                directive.text(low)?;
                directive.text(high)?;
            }
            ("retract", [version]) if !matches!(*version, "(" | "[") => {
                directive.text(version)?;
            }
            ("tool" | "ignore", [path]) => {
                directive.text(path)?;
            }
            ("module", _) => return Err(directive.wrong("one path")),
            ("require" | "exclude", _) => return Err(directive.wrong("a module path and a version")),
            ("retract", _) => return Err(directive.wrong("a version, or two in brackets")),
            ("tool" | "ignore", _) => return Err(directive.wrong("one path")),
            _ => self.versions.add(directive)?,
        }
        Ok(())
    }

    /// Of two lines for one module Go takes the higher version.
    fn require(&mut self, require: Require, places: &mut HashMap<String, usize>) {
        match places.get(&require.path).and_then(|place| self.requires.get_mut(*place)) {
            Some(known) if order::module(&known.version, &require.version).is_lt() => *known = require,
            Some(_) => {}
            None => {
                places.insert(require.path.clone(), self.requires.len());
                self.requires.push(require);
            }
        }
    }
}

impl Versions {
    /// The directives that `go.mod` and `go.work` share; the last stop for any other.
    ///
    /// # Errors
    /// With the line, for a directive that Go doesn't know, and for one it refuses.
    pub(super) fn add(&mut self, directive: &Directive<'_>) -> Result<(), ParseError> {
        let line = directive.line;
        match (directive.verb, directive.words.as_slice()) {
            ("go", [version]) if order::is_go(version) && self.go.is_none() => {
                self.go = Some(Line { value: (*version).to_owned(), line });
            }
            ("toolchain", [name]) if order::is_toolchain(name) && !self.has_toolchain => {
                self.has_toolchain = true;
                // `go1.22.3-custom`; `default` names no version
                let version = name.strip_prefix("go").and_then(|name| name.split(['-', '+']).next());
                if let Some(version) = version.filter(|version| order::is_go(version)) {
                    self.toolchain = Some(Line { value: version.to_owned(), line });
                }
            }
            ("godebug", [setting]) if setting.contains('=') && !setting.contains(['"', '`', '\'']) => {}
            ("go", _) => return Err(directive.wrong("one version like 1.22.1, once")),
            ("toolchain", _) => return Err(directive.wrong("one name like go1.22.1, once")),
            ("godebug", _) => return Err(directive.wrong("key=value")),
            (other, _) => {
                return Err(ParseError::at(line, format!("`{}` is not a directive", excerpt(other))));
            }
        }
        Ok(())
    }
}

/// # Errors
/// With the line, for a form that Go refuses.
pub(super) fn replace(directive: &Directive<'_>) -> Result<Replace, ParseError> {
    let line = directive.line;
    let (old, old_version, new, new_version) = match directive.words.as_slice() {
        [old, "=>", new] => (old, None, new, None),
        [old, "=>", new, version] => (old, None, new, Some(version)),
        [old, version, "=>", new] => (old, Some(version), new, None),
        [old, version, "=>", new, new_version] => (old, Some(version), new, Some(new_version)),
        _ => return Err(directive.wrong("`old [version] => new [version]`")),
    };
    let (old, new) = (directive.text(old)?, directive.text(new)?);
    check_path(old, line)?;
    let version = |path: &str, version: Option<&&str>| {
        version.map(|version| of_module(path, directive.text(version)?, line)).transpose()
    };
    let is_folder = is_folder(new);
    match new_version {
        Some(_) if is_folder => return Err(directive.wrong("a folder without a version")),
        Some(_) => {}
        None if !is_folder => return Err(directive.wrong("a version after the module, or a path such as ../folder")),
        None if new.contains('\\') => return Err(directive.wrong("a path with /")),
        None => {}
    }
    Ok(Replace {
        old: old.to_owned(),
        old_version: version(old, old_version)?,
        new: new.to_owned(),
        new_version: version(new, new_version)?,
        line,
    })
}

/// Whether a replacement is a path, on any system.
fn is_folder(path: &str) -> bool {
    let starts = ["./", "../", ".\\", "..\\", "/", "\\"];
    let drive = path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && path.as_bytes().get(1) == Some(&b':');
    path == "." || path == ".." || drive || starts.iter().any(|start| path.starts_with(start))
}

/// # Errors
/// Two replacements of one module that differ: which one Go would take is not defined, so it refuses.
pub(super) fn contradiction(replaces: &[Replace]) -> Result<(), ParseError> {
    let mut known = HashMap::with_capacity(replaces.len());
    for new in replaces {
        let target = (&new.new, &new.new_version);
        let before = known.insert((&new.old, &new.old_version), target);
        if before.is_some_and(|before| before != target) {
            return Err(ParseError::at(new.line, format!("`{}` is replaced by two modules", excerpt(&new.old))));
        }
    }
    Ok(())
}
