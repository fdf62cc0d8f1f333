//! `.npmrc` beside the lockfile: which registry a package without an address came from.

use super::super::{Sibling, url};
use super::registry::is_public;
use crate::package::Source;

/// The registries other than the public one.
#[derive(Debug, Default)]
pub(in crate::lockfile) struct Registries {
    default: Option<String>,
    /// By scope, with its `@`.
    scoped: Vec<(String, String)>,
    /// Something that may name a registry was not read.
    unread: bool,
}

impl Registries {
    /// Lines as npm's `ini` reads them: a key without a section, with or without quotes.
    pub(in crate::lockfile) fn read(sibling: &dyn Fn(&str) -> Sibling) -> Registries {
        let mut registries = Registries::default();
        let Ok(text) = sibling(".npmrc").decoded() else {
            return Registries { unread: true, ..registries };
        };
        for line in text.unwrap_or_default().split(['\n', '\r']).map(str::trim) {
            if line.starts_with('[') && line.ends_with(']') {
                break;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with([';', '#'])) else {
                continue;
            };
            let (key, value) = (plain(key), plain(value));
            // of the variable's value, or of a list of registries, nothing is known
            registries.unread |= key.contains("${") || key.ends_with("registry[]");
            match key.strip_suffix(":registry") {
                Some(scope) if scope.starts_with('@') => registries.set(Some(scope), &value),
                None if key == "registry" => registries.set(None, &value),
                _ => {}
            }
        }
        registries
    }

    /// The registry of a scope (with its `@`), or of all packages in no such scope.
    pub(in crate::lockfile) fn set(&mut self, scope: Option<&str>, registry: &str) {
        let private = (!is_public(registry)).then(|| url::clean(registry));
        match scope {
            Some(scope) => self.scoped.push((scope.to_owned(), private.unwrap_or_default())),
            None => self.default = private,
        }
    }

    /// Settings that may name a registry were not read: no package is taken for a public one by its name alone.
    pub(in crate::lockfile) fn set_unread(&mut self) {
        self.unread = true;
    }

    pub(in crate::lockfile) fn of(&self, name: &str) -> Source {
        let scope = name.split_once('/').map(|(scope, _)| scope);
        let scoped = self.scoped.iter().rev().find(|(known, _)| Some(known.as_str()) == scope);
        match scoped.map(|(_, registry)| registry).or(self.default.as_ref()) {
            Some(registry) if !registry.is_empty() => Source::PrivateRegistry(registry.clone()),
            _ if self.unread => Source::PrivateRegistry(String::new()),
            _ => Source::Registry,
        }
    }
}

/// A key or a value without its quotes; what is not quoted ends at a comment.
fn plain(text: &str) -> String {
    let text = text.trim();
    if let Some(inside) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inside.to_owned();
    }
    if let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return serde_json::from_str(text).unwrap_or_else(|_| inside.to_owned());
    }
    let (mut out, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next_if(|next| matches!(next, ';' | '#' | '\\')) {
                Some(escaped) => out.push(escaped),
                None => out.push(c),
            },
            ';' | '#' => break,
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(npmrc: Sibling) -> [Source; 2] {
        let registries = Registries::read(&|_| npmrc.clone());
        [registries.of("p"), registries.of("@scope/p")]
    }

    #[test]
    fn every_form_that_npm_reads_is_read() {
        let private = || Source::PrivateRegistry("https://nexus.example/".into());
        for text in [
            "registry=https://nexus.example/",
            "\"registry\" = \"https://nexus.example/\"",
            "'registry'='https://nexus.example/'",
            "a=1\rregistry=https://nexus.example/\rb=2",
            "registry = https://nexus.example/ ; the mirror",
            "registry=https://nexus.example/#x",
            "re\\gistry=https://registry.npmjs.org/\nregistry=https://nexus.example/",
            "registry=https://nexus.example/\n;registry=https://registry.npmjs.org/",
            // what a section holds is no setting of npm
            "registry=https://nexus.example/\n[x]\nregistry=https://registry.npmjs.org/",
        ] {
            assert_eq!(of(Some(text.to_owned()).into()), [private(), private()], "{text:?}");
        }
        let scoped = "@scope:registry=https://nexus.example/\nregistry=https://registry.npmjs.org/ # public";
        assert_eq!(of(Some(scoped.to_owned()).into()), [Source::Registry, private()]);
    }

    #[test]
    fn what_cannot_be_read_makes_no_package_public() {
        let unknown = || Source::PrivateRegistry(String::new());
        for npmrc in [
            Sibling::Unreadable("it is not a regular file".into()),
            Sibling::Content(b"\xff\xfer\0".to_vec()),
            Sibling::Content(b"${SCOPE}:registry=https://nexus.example/".to_vec()),
            Sibling::Content(b"registry[]=https://nexus.example/".to_vec()),
        ] {
            assert_eq!(of(npmrc.clone()), [unknown(), unknown()], "{npmrc:?}");
        }
        assert_eq!(of(Sibling::Absent), [Source::Registry, Source::Registry]);
    }
}
