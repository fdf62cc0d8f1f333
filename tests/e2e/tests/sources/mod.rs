//! What the sources of the pipes and their libraries say: string literals and documentation comments, without those of
//! tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses some of it")]

use std::fs;
use std::path::{Path, PathBuf};

use pipewright_harness::{files, root};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

/// What a file says.
#[derive(Default)]
pub struct Said {
    /// String literals, those in macros included.
    pub messages: Vec<String>,
    pub comments: String,
}

impl Said {
    fn items(&mut self, items: &[syn::Item]) {
        for item in items {
            match item {
                syn::Item::Mod(module) if is_test(&module.attrs) => {}
                syn::Item::Mod(module) => {
                    self.attributes(&module.attrs);
                    self.items(module.content.as_ref().map_or(&[], |(_, items)| items));
                }
                item => {
                    let tokens = item.to_token_stream();
                    if !tokens.to_string().starts_with("# [cfg (test)]") {
                        self.tokens(tokens);
                    }
                }
            }
        }
    }

    fn attributes(&mut self, attributes: &[syn::Attribute]) {
        for attribute in attributes {
            self.tokens(attribute.to_token_stream());
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut doc = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => {
                    doc = ident == "doc"
                        && matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=');
                }
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        if doc {
                            self.comments.push_str(&text.value());
                            self.comments.push('\n');
                        } else {
                            self.messages.push(text.value());
                        }
                    }
                    doc = false;
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.meta.to_token_stream().to_string().contains("test")
    })
}

/// The files of the workspace's programs and libraries that are not tests.
pub fn parsed() -> Vec<(String, syn::File)> {
    let mut crates: Vec<PathBuf> = ["shared", "pipes"]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path().join("src"))
        .filter(|path| path.is_dir())
        .collect();
    crates.sort();
    let paths = crates.iter().flat_map(|folder| files(folder));
    let paths = paths.filter(|path| {
        // Modules of an inline `mod tests` lie there too.
        path.extension().is_some_and(|extension| extension == "rs") && !path.iter().any(|part| part == "tests")
    });
    let parsed = paths.map(|path| {
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        (path, file)
    });
    let mut parsed: Vec<(PathBuf, syn::File)> = parsed.collect();
    let of_tests: Vec<PathBuf> = parsed.iter().flat_map(|(path, file)| modules_of_tests(path, file)).collect();
    parsed.retain(|(path, _)| {
        !of_tests.iter().any(|module| path.starts_with(module) || *path == module.with_extension("rs"))
    });
    parsed.into_iter().map(|(path, file)| (relative(&path), file)).collect()
}

/// The files of `#[cfg(test)] mod x;`, as folders: `tests` beside `lib.rs`, `a/tests` beside `a.rs`.
fn modules_of_tests(path: &Path, file: &syn::File) -> Vec<PathBuf> {
    let named = path.file_stem().is_some_and(|stem| stem == "lib" || stem == "mod" || stem == "main");
    let folder = if named { path.with_file_name("") } else { path.with_extension("") };
    let modules = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() && is_test(&module.attrs) => {
            Some(folder.join(module.ident.to_string()))
        }
        _ => None,
    });
    modules.collect()
}

/// What each of them says.
pub fn sources() -> Vec<(String, Said)> {
    let said = |file: &syn::File| {
        let mut said = Said::default();
        said.attributes(&file.attrs);
        said.items(&file.items);
        said
    };
    parsed().into_iter().map(|(path, file)| (path, said(&file))).collect()
}

/// A path from the repository's root.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}
