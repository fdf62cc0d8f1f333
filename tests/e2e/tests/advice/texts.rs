//! The texts of a file that end up in an error or a warning, found by where they stand: in `bail!` and its like, in
//! `#[error]`, in `Err(…)` and the constructors of errors, in what is given to `context`, `problem`, `failed` and
//! others, and in everything that such an expression names: variables, closures and functions of the same file.
//!
//! A text that the rules do not find is one that no reviewer sees here, so the rules err on the side of too much.

use std::collections::{BTreeMap, BTreeSet};

use pipe_core::advice::is_advised;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::names::{Names, is_test};

/// One text, and what it is given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text {
    /// As the source has it, with `{why}` for what is filled in. A constant of the same file is filled in already.
    pub(crate) text: String,
    /// Whether it is the problem of a variable, which the console names before it.
    pub(crate) problem: bool,
    /// What the same expression adds at its end: `with_advice("failed", "Run the job again")`.
    pub(crate) advice: Option<String>,
}

pub(crate) const MACROS: &[&str] = &["bail", "anyhow", "ensure"];
/// What is given to them is read as, or becomes part of, an error or a warning.
const METHODS: &[&str] = &[
    "context",
    "with_context",
    "problem",
    "unable",
    "failed",
    "warning",
    "error",
    "ok_or",
    "ok_or_else",
    "map_err",
    "bug",
    "leave_out",
    "warn",
    "with_advice",
];
/// Lists and fields that are printed as errors or warnings.
const LISTS: &[&str] = &[
    "warnings",
    "unable",
    "problems",
    "errors",
    "incomplete",
    "problem",
    "hint",
    "without_effect",
    "remarks",
    "failure",
];

/// Whether a type or a constructor is that of an error, or of an ending.
pub(crate) fn is_error(name: &str) -> bool {
    name.ends_with("Error")
        || name.ends_with("Failure")
        || ["Err", "Ending", "Undelivered", "NotAttested", "Refusal", "Unsupported", "Sibling", "Cause"].contains(&name)
}

/// The texts of `file`. `makers` are functions of the workspace that return an error.
pub(crate) fn texts(
    file: &syn::File,
    makers: &BTreeSet<String>,
    constants: &BTreeMap<String, String>,
) -> BTreeSet<Text> {
    let mut names = Names::default();
    names.visit_file(file);
    let mut finder = Finder {
        makers,
        constants,
        names: &names,
        found: BTreeSet::new(),
        used: BTreeSet::new(),
        depth: 0,
        problem: false,
        unit: None,
    };
    finder.visit_file(file);
    // What an error names is a part of it, and may name more.
    let mut done = BTreeSet::new();
    while let Some(name) = finder.used.difference(&done).next().cloned() {
        done.insert(name.clone());
        for part in names.bound.get(&name).into_iter().flatten() {
            finder.depth += 1;
            finder.visit_expr(part);
            finder.depth -= 1;
        }
        for part in names.functions.get(&name).into_iter().flatten() {
            finder.depth += 1;
            finder.visit_block(part);
            finder.depth -= 1;
        }
    }
    finder.found
}

struct Finder<'a> {
    makers: &'a BTreeSet<String>,
    constants: &'a BTreeMap<String, String>,
    names: &'a Names<'a>,
    found: BTreeSet<Text>,
    /// Names inside of errors.
    used: BTreeSet<String>,
    /// Above 0 inside of an error.
    depth: usize,
    problem: bool,
    /// The texts of an expression that adds advice to one of them.
    unit: Option<Vec<String>>,
}

impl Finder<'_> {
    fn inside(&mut self, error: bool, visit: impl FnOnce(&mut Self)) {
        self.depth += usize::from(error);
        visit(self);
        self.depth -= usize::from(error);
    }

    fn text(&mut self, text: &str) {
        let mut text = text.to_owned();
        let names: Vec<String> =
            text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect();
        for name in names.iter().filter(|name| !name.is_empty()) {
            let value = self.constants.get(name).cloned().or_else(|| self.names.advice(name));
            if let Some(value) = value {
                text = text.replace(&format!("{{{name}}}"), &value);
            }
        }
        // A literal without a space is a name, a key or a format.
        if text.trim().contains(' ') && text.chars().any(char::is_alphabetic) {
            match &mut self.unit {
                Some(unit) => unit.push(text),
                None => drop(self.found.insert(Text { text, problem: self.problem, advice: None })),
            }
        }
    }

    /// An expression that joins a text and its advice.
    fn unit(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = self.unit.replace(Vec::new());
        visit(self);
        let texts = std::mem::replace(&mut self.unit, outer).unwrap_or_default();
        let (advice, texts): (Vec<String>, Vec<String>) =
            texts.into_iter().partition(|text| is_advised(text) && !text.contains(". "));
        let advice = advice.into_iter().next();
        if texts.is_empty() {
            // The text is made elsewhere.
            self.found.extend(advice.map(|text| Text { text, problem: self.problem, advice: None }));
            return;
        }
        self.found.extend(texts.into_iter().map(|text| Text { text, problem: self.problem, advice: advice.clone() }));
    }

    /// A name inside of an error: what it stands for is a part of it.
    fn name(&mut self, name: String) {
        match (&mut self.unit, self.names.advice(&name)) {
            (Some(unit), Some(advice)) => unit.push(advice),
            _ => drop(self.used.insert(name)),
        }
    }

    /// The parts of a macro such as `format!`, which are no expressions of the syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => self.name(ident.to_string()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        let text = text.value();
                        for name in text.split('{').skip(1).filter_map(|part| part.split(['}', ':']).next()) {
                            self.name(name.to_owned());
                        }
                        self.text(&text);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("error") {
            self.inside(true, |finder| finder.unit(|finder| finder.tokens(attribute.meta.to_token_stream())));
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let error = MACROS.contains(&name.as_str());
        if ["assert", "debug_assert", "matches", "unreachable"].contains(&name.as_str()) {
            return;
        }
        if error || self.depth > 0 {
            self.inside(error, |finder| finder.tokens(mac.tokens.clone()));
        } else if let Ok(parts) =
            mac.parse_body_with(syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated)
        {
            parts.iter().for_each(|part| self.visit_expr(part));
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        let list = matches!(name.as_str(), "push" | "extend" | "insert" | "get_or_insert_with")
            && last_name(&call.receiver).is_some_and(|list| LISTS.contains(&list.as_str()));
        let error = METHODS.contains(&name.as_str()) || self.makers.contains(&name) || list;
        self.visit_expr(&call.receiver);
        if self.depth > 0 {
            self.name(name.clone());
        }
        let before = self.problem;
        self.problem |= name == "problem";
        self.inside(error, |finder| call.args.iter().for_each(|arg| finder.visit_expr(arg)));
        self.problem = before;
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let names: Vec<String> = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
            _ => Vec::new(),
        };
        let last = names.last().map_or("", String::as_str);
        let error = names.iter().any(|name| is_error(name))
            || self.makers.contains(last)
            || self.names.closures.contains(last)
            || last == "fail";
        self.visit_expr(&call.func);
        if last == "with_advice" {
            self.inside(true, |finder| finder.unit(|finder| call.args.iter().for_each(|arg| finder.visit_expr(arg))));
        } else {
            self.inside(error, |finder| call.args.iter().for_each(|arg| finder.visit_expr(arg)));
        }
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        let error = made.path.segments.iter().any(|segment| is_error(&segment.ident.to_string()));
        self.inside(error, |finder| visit::visit_expr_struct(finder, made));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        let error = matches!(&field.member, syn::Member::Named(name) if LISTS.contains(&name.to_string().as_str()));
        self.inside(error, |finder| visit::visit_field_value(finder, field));
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        let error = last_name(&assign.left).is_some_and(|name| LISTS.contains(&name.as_str()));
        self.inside(error, |finder| visit::visit_expr_assign(finder, assign));
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if self.depth > 0
            && let Some(last) = path.path.segments.last()
        {
            self.name(last.ident.to_string());
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        if self.depth > 0 {
            self.text(&text.value());
        }
    }
}

/// `warnings` of `scan.warnings`.
fn last_name(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        syn::Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}
