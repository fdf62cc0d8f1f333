//! The names that a module has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use quote::ToTokens;

/// A module's names.
pub(crate) struct Scope {
    pub(crate) file: PathBuf,
    /// What it defines.
    pub(crate) defined: BTreeSet<String>,
    /// What it imports or re-exports, each with the path it comes from.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    /// The modules of which it imports everything.
    pub(crate) globs: Vec<Vec<String>>,
}

impl Scope {
    pub(crate) fn of(file: &Path, items: &[syn::Item]) -> Scope {
        let mut scope =
            Scope { file: file.to_owned(), defined: BTreeSet::new(), imports: BTreeMap::new(), globs: Vec::new() };
        for item in items {
            if let syn::Item::Use(item) = item {
                for (name, path) in leaves(&item.tree) {
                    match name {
                        Some(name) => drop(scope.imports.insert(name, path)),
                        None => scope.globs.push(path),
                    }
                }
            } else if let Some(ident) = ident(item) {
                scope.defined.insert(ident.to_string());
            }
        }
        scope
    }
}

fn ident(item: &syn::Item) -> Option<&syn::Ident> {
    match item {
        syn::Item::Const(item) => Some(&item.ident),
        syn::Item::Enum(item) => Some(&item.ident),
        syn::Item::Fn(item) => Some(&item.sig.ident),
        syn::Item::Macro(item) => item.ident.as_ref(),
        syn::Item::Static(item) => Some(&item.ident),
        syn::Item::Struct(item) => Some(&item.ident),
        syn::Item::Trait(item) => Some(&item.ident),
        syn::Item::Type(item) => Some(&item.ident),
        syn::Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// What a `use` brings in: name and path, without a name for a glob.
pub(crate) fn leaves(tree: &syn::UseTree) -> Vec<(Option<String>, Vec<String>)> {
    fn walk(tree: &syn::UseTree, path: &[String], found: &mut Vec<(Option<String>, Vec<String>)>) {
        let with = |ident: &syn::Ident| [path, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(tree) => walk(&tree.tree, &with(&tree.ident), found),
            syn::UseTree::Name(tree) if tree.ident == "self" => found.push((path.last().cloned(), path.to_vec())),
            syn::UseTree::Name(tree) => found.push((Some(tree.ident.to_string()), with(&tree.ident))),
            syn::UseTree::Rename(tree) if tree.ident == "self" => {
                found.push((Some(tree.rename.to_string()), path.to_vec()));
            }
            syn::UseTree::Rename(tree) => found.push((Some(tree.rename.to_string()), with(&tree.ident))),
            syn::UseTree::Glob(_) => found.push((None, path.to_vec())),
            syn::UseTree::Group(tree) => tree.items.iter().for_each(|tree| walk(tree, path, found)),
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], &mut found);
    found
}

/// Whether an item is there in tests only.
pub(crate) fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.to_token_stream().to_string();
        attribute.path().is_ident("cfg") && condition.contains("test") && !condition.contains("not")
    })
}
