//! The files of a crate and what they use of each other: names are followed through `use` and re-exports to the file that
//! defines them. Methods are not: only paths say where something comes from. Tests are left out.

mod scope;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use scope::{Scope, is_test};
use syn::visit::{self, Visit};

/// The path of a module from the crate's root: empty for the root itself.
pub(crate) type Name = Vec<String>;

/// A crate's modules.
pub(crate) struct Modules {
    scopes: HashMap<Name, Scope>,
    files: BTreeMap<PathBuf, Vec<(Name, Vec<syn::Item>)>>,
}

impl Modules {
    /// Reads every file that `lib` declares, directly or through others.
    pub(crate) fn read(lib: &Path) -> Modules {
        let mut modules = Modules { scopes: HashMap::new(), files: BTreeMap::new() };
        modules.file(Vec::new(), lib, lib.parent().unwrap());
        modules
    }

    /// Takes in the module `name`, which is the file `path` and has its children in `folder`.
    fn file(&mut self, name: Name, path: &Path, folder: &Path) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let items = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).items;
        self.files.insert(path.to_owned(), Vec::new());
        self.module(name, path, folder, items);
    }

    fn module(&mut self, name: Name, path: &Path, folder: &Path, items: Vec<syn::Item>) {
        let items: Vec<syn::Item> = items.into_iter().filter(|item| !is_test(item)).collect();
        self.scopes.insert(name.clone(), Scope::of(path, &items));
        let mut own = Vec::new();
        for item in items {
            let syn::Item::Mod(module) = item else {
                own.push(item);
                continue;
            };
            let ident = module.ident.to_string();
            let (child, inner) = ([&name[..], std::slice::from_ref(&ident)].concat(), folder.join(&ident));
            match module.content {
                Some((_, items)) => self.module(child, path, &inner, items),
                None => {
                    let file = folder.join(format!("{ident}.rs"));
                    let file = if file.is_file() { file } else { inner.join("mod.rs") };
                    self.file(child, &file, &inner);
                }
            }
        }
        self.files.get_mut(path).unwrap().push((name, own));
    }

    /// Each file with the others that it uses.
    pub(crate) fn uses(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let used = |(path, modules): (&PathBuf, &Vec<(Name, Vec<syn::Item>)>)| {
            let mut found = BTreeSet::new();
            for (name, items) in modules {
                let mut references = References { modules: self, from: name, found: &mut found };
                items.iter().for_each(|item| references.visit_item(item));
            }
            found.remove(path);
            (path.clone(), found)
        };
        self.files.iter().map(used).collect()
    }

    /// The file that defines what `path` leads to from the module `from`; `None` if it leads out of the crate.
    fn resolve(&self, from: &[String], path: &[String]) -> Option<&Path> {
        self.follow(from, path, 0).map(|name| self.scopes[&name].file.as_path())
    }

    /// The module that defines it.
    fn follow(&self, from: &[String], path: &[String], depth: usize) -> Option<Name> {
        // Re-exports of re-exports are few: more is a circle of globs.
        if depth > 16 {
            return None;
        }
        let mut at = from.to_vec();
        let mut rest = path;
        let mut inside = false;
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            (rest, inside) = (&rest[1..], true);
        }
        while let Some(first) = rest.first() {
            let scope = &self.scopes[&at];
            let child = [&at[..], std::slice::from_ref(first)].concat();
            if self.scopes.contains_key(&child) {
                (at, rest, inside) = (child, &rest[1..], true);
                continue;
            }
            if scope.defined.contains(first) {
                return Some(at);
            }
            if let Some(target) = scope.imports.get(first) {
                let target = [&target[..], &rest[1..]].concat();
                return self.follow(&at, &target, depth + 1);
            }
            let glob = scope.globs.iter().find_map(|glob| {
                let module = self.follow(&at, glob, depth + 1)?;
                (module != at && self.has(&module, first)).then_some(module)
            });
            return match glob {
                Some(module) => self.follow(&module, rest, depth + 1),
                // What a macro defines is where the path says; a bare name is the prelude's or another crate's.
                None => inside.then_some(at),
            };
        }
        inside.then_some(at)
    }

    fn has(&self, module: &Name, name: &String) -> bool {
        let scope = &self.scopes[module];
        let child = [&module[..], std::slice::from_ref(name)].concat();
        scope.defined.contains(name) || scope.imports.contains_key(name) || self.scopes.contains_key(&child)
    }
}

/// Collects the files that the code of one module leads to.
struct References<'a> {
    modules: &'a Modules,
    from: &'a Name,
    found: &'a mut BTreeSet<PathBuf>,
}

impl References<'_> {
    fn path(&mut self, segments: &[String]) {
        self.found.extend(self.modules.resolve(self.from, segments).map(Path::to_owned));
    }

    /// The paths in what a macro is given: `a::b`, and bare names that were imported.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.words(&path);
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    self.words(&path);
                    (path, colons) = (Vec::new(), 0);
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.words(&path);
                    (path, colons) = (Vec::new(), 0);
                }
            }
        }
        self.words(&path);
    }

    fn words(&mut self, path: &[String]) {
        let imported = |name: &String| self.modules.scopes[self.from].imports.contains_key(name);
        if path.len() > 1 || path.first().is_some_and(imported) {
            self.path(path);
        }
    }
}

impl<'ast> Visit<'ast> for References<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&segments);
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // A re-export alone is no use: whoever uses the name is led to where it is defined.
        if matches!(item.vis, syn::Visibility::Inherited) {
            for (_, path) in scope::leaves(&item.tree) {
                self.path(&path);
            }
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// The circles among `uses`: groups of files of which each leads to each other one.
pub(crate) fn circles(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach = |start: &String| {
        let (mut found, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(next) = open.pop() {
            for used in &uses[next] {
                if found.insert(used.clone()) {
                    open.push(used);
                }
            }
        }
        found
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = uses.keys().map(|file| (file, reach(file))).collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (file, from_here) in &reached {
        if from_here.contains(*file) && !circles.iter().any(|circle| circle.contains(*file)) {
            circles.push(from_here.iter().filter(|other| reached[other].contains(*file)).cloned().collect());
        }
    }
    circles
}
