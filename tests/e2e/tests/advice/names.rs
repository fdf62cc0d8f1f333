//! What the names in a file stand for.

use std::collections::{BTreeMap, BTreeSet};

use pipe_core::advice::is_advised;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::texts::{MACROS, is_error};

/// The constants that are texts.
pub(crate) fn constants(file: &syn::File) -> BTreeMap<String, String> {
    struct Constants(BTreeMap<String, String>);
    impl Visit<'_> for Constants {
        fn visit_item_const(&mut self, constant: &syn::ItemConst) {
            if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &*constant.expr {
                // Others are names and keys.
                if text.value().contains(' ') || text.value().contains("://") {
                    self.0.insert(constant.ident.to_string(), text.value());
                }
            }
        }
    }
    let mut constants = Constants(BTreeMap::new());
    constants.visit_file(file);
    constants.0
}

/// The names of free functions that return an error and not a result.
pub(crate) fn makers(file: &syn::File) -> BTreeSet<String> {
    struct Makers(BTreeSet<String>);
    impl Visit<'_> for Makers {
        fn visit_item_fn(&mut self, function: &syn::ItemFn) {
            if let syn::ReturnType::Type(_, kind) = &function.sig.output
                && let syn::Type::Path(path) = &**kind
                && path.path.segments.last().is_some_and(|last| is_error(&last.ident.to_string()))
            {
                self.0.insert(function.sig.ident.to_string());
            }
        }
    }
    let mut makers = Makers(BTreeSet::new());
    makers.visit_file(file);
    makers.0
}

/// What the names of a file stand for.
#[derive(Default)]
pub(crate) struct Names<'ast> {
    pub(crate) bound: BTreeMap<String, Vec<&'ast syn::Expr>>,
    pub(crate) functions: BTreeMap<String, Vec<&'ast syn::Block>>,
    /// Closures that make an error.
    pub(crate) closures: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Names<'ast> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let mut names = Vec::new();
        idents(local.pat.to_token_stream(), &mut names);
        if let Some(init) = &local.init {
            for name in names {
                if let syn::Expr::Closure(closure) = &*init.expr
                    && closure.body.to_token_stream().into_iter().any(|token| holds_error(&token))
                {
                    self.closures.insert(name.clone());
                }
                self.bound.entry(name).or_default().push(&init.expr);
            }
        }
        visit::visit_local(self, local);
    }

    fn visit_item_const(&mut self, constant: &'ast syn::ItemConst) {
        if matches!(&*constant.expr, syn::Expr::Lit(_)) {
            self.bound.entry(constant.ident.to_string()).or_default().push(&constant.expr);
        }
        // Others are declarations of variables, which errors name and do not quote.
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if is_test(&function.attrs) {
            return;
        }
        if returns_text(&function.sig) {
            self.functions.entry(function.sig.ident.to_string()).or_default().push(&function.block);
        }
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if returns_text(&function.sig) {
            self.functions.entry(function.sig.ident.to_string()).or_default().push(&function.block);
        }
        visit::visit_impl_item_fn(self, function);
    }
}

impl Names<'_> {
    /// What a name stands for, if that is always a text with advice.
    pub(crate) fn advice(&self, name: &str) -> Option<String> {
        let bound = self.bound.get(name).into_iter().flatten().map(|part| part.to_token_stream());
        let functions = self.functions.get(name).into_iter().flatten().map(|block| block.to_token_stream());
        let mut texts = Vec::new();
        for tokens in bound.chain(functions) {
            let mut of_it = Vec::new();
            literals(tokens, &mut of_it);
            texts.extend(of_it.into_iter().filter(|text| text.contains(' ')));
        }
        texts.iter().all(|text| is_advised(text)).then(|| texts.into_iter().next()).flatten()
    }
}

fn literals(tokens: TokenStream, into: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), into),
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                    into.push(text.value());
                }
            }
            _ => {}
        }
    }
}

fn returns_text(signature: &syn::Signature) -> bool {
    let output = signature.output.to_token_stream().to_string();
    output.contains("String") || output.contains("str")
}

pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.meta.to_token_stream().to_string().contains("test")
    })
}

fn idents(tokens: TokenStream, into: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => into.push(ident.to_string()),
            TokenTree::Group(group) => idents(group.stream(), into),
            _ => {}
        }
    }
}

fn holds_error(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => {
            let name = ident.to_string();
            is_error(&name) || MACROS.contains(&name.as_str())
        }
        TokenTree::Group(group) => group.stream().into_iter().any(|token| holds_error(&token)),
        _ => false,
    }
}
