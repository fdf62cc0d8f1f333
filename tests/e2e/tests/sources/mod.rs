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

/// The files of the workspace's programs and libraries that are not tests, with what they say.
pub fn sources() -> Vec<(String, Said)> {
    let mut crates: Vec<PathBuf> = ["shared", "pipes"]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path().join("src"))
        .filter(|path| path.is_dir())
        .collect();
    crates.sort();
    let mut sources = Vec::new();
    for path in crates.iter().flat_map(|folder| files(folder)) {
        let of_tests = ["tests", "tests.rs", "fixtures", "fixtures.rs", "fake.rs"];
        let test = path.iter().any(|part| of_tests.iter().any(|name| part == *name));
        if test || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut said = Said::default();
        said.attributes(&file.attrs);
        said.items(&file.items);
        sources.push((relative(&path), said));
    }
    sources
}

/// A path from the repository's root.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}
