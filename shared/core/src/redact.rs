//! Takes secrets out of every byte that leaves the process (promise 2 of the design).
//!
//! A registered value is found as it is, in base64 at any alignment, percent-encoded and JSON-escaped; so are the lines
//! of a multi-line value and the credentials inside a kubeconfig, a credentials file or a URL. Whatever is found is
//! replaced by `***`; matches that overlap or touch become one, so that no part of either stays visible.
//!
//! Two more kinds are hidden that no variable holds: values that a scan found in files ([`Redactor::add_found`]), however
//! many they are, and tokens of providers by their form alone ([`tokens`]), which come in names of files and branches and
//! in text that is quoted. Only [`writer`], which passes on what our own children print, knows the registered values
//! alone.
//!
//! A value under [`SHORT`] bytes is found only as a whole token, since `true` or `admin` would otherwise tear holes in
//! ordinary words.

mod forms;
mod found;
pub(crate) mod json;
mod mask;
mod matcher;
mod parts;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod writer;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use forms::Form;
pub(crate) use mask::masks_other_text;
pub use mask::{MASK, SHORT};
use matcher::{Entry, Matcher, Stream};

/// The secrets of this run. Clones share them, and a value counts for everything written after it was added, also by
/// writers that exist already.
#[derive(Clone, Default)]
pub struct Redactor {
    shared: Arc<RwLock<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Whether each is known in all its forms.
    known: HashMap<Arc<str>, bool>,
    patterns: BTreeMap<Arc<[u8]>, Entry>,
    /// Found in files.
    found: found::Values,
    /// Built when it is first needed after a registration, so that registering many values in a row builds it once.
    matcher: Option<Arc<Matcher>>,
}

impl Redactor {
    /// A redactor that knows no secret yet.
    pub fn new() -> Redactor {
        Redactor::default()
    }

    /// Registers a value and every part of it that is secret. Surrounding whitespace doesn't count, and a
    /// value that is empty or blank is not registered.
    pub fn add(&self, value: &str) {
        let is_known = {
            let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
            shared.known.get(value.trim()) == Some(&true)
        };
        if is_known {
            return;
        }
        let parts = parts::of(value);
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        for part in parts {
            let text: Arc<str> = part.text.into();
            if shared.known.get(&text).is_some_and(|thorough| *thorough || !part.thorough) {
                continue;
            }
            for form in forms::of(&text, part.thorough) {
                shared.insert(form, text.len() < SHORT);
            }
            shared.known.insert(text, part.thorough);
        }
    }

    /// [`Redactor::add`] for a value that is kept wrapped.
    pub fn add_secret(&self, value: &SecretString) {
        self.add(value.expose_secret());
    }

    /// Registers a value that was found in a file. There may be any number of them: what a text costs doesn't grow with
    /// it. After some ten thousand, only the value itself is hidden, in no encoding.
    pub fn add_found(&self, value: &SecretString) {
        let value = value.expose_secret();
        if value.trim().len() < SHORT {
            return self.add(value);
        }
        self.shared.write().unwrap_or_else(PoisonError::into_inner).found.add(value);
    }

    /// Registers the tokens in a name that is one of very many: [`Redactor::add_found`] for each.
    pub fn add_found_tokens(&self, name: &str) {
        for token in tokens::find(name.as_bytes()) {
            self.add_found(&SecretString::from(&name[token.range]));
        }
    }

    /// Registers the tokens in a text from outside, so that they are hidden in their other forms as well.
    pub fn add_tokens(&self, text: &str) {
        for token in tokens::find(text.as_bytes()) {
            self.add(&text[token.range]);
        }
    }

    /// `text` without secrets; borrowed where there was none.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.replace(text.as_bytes()) {
            None => Cow::Borrowed(text),
            // Matches begin and end between characters, so the lossy conversion never has anything to lose.
            Some(bytes) => Cow::Owned(
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        }
    }

    /// `bytes` without secrets, whatever their encoding; borrowed where there was none.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.replace(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned)
    }

    /// Takes secrets out of all strings and keys of a document, which stays valid JSON. A number of at least [`SHORT`]
    /// characters that shows a secret becomes the string `***`; keys that become equal are numbered.
    pub fn json(&self, value: &mut Value) {
        self.walk(value);
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let digits = number.to_string();
                if digits.len() >= SHORT && matches!(self.text(&digits), Cow::Owned(_)) {
                    *value = Value::String(MASK.to_owned());
                }
            }
            Value::String(text) => {
                if let Some(clean) = self.json_string(text) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(map) => {
                let mut clean = Map::with_capacity(map.len());
                for (key, mut item) in std::mem::take(map) {
                    self.walk(&mut item);
                    let Some(masked) = self.json_string(&key) else {
                        clean.insert(key, item);
                        continue;
                    };
                    let mut name = masked.clone();
                    let mut count = 1_u32;
                    while clean.contains_key(&name) {
                        count += 1;
                        name = format!("{masked} {count}");
                    }
                    clean.insert(name, item);
                }
                *map = clean;
            }
        }
    }

    /// The string without secrets, or `None` if there was none: first as it is, then as it will be written. A key
    /// registered with `\n` typed as two characters shows only in the second, where the string has a real line end.
    fn json_string(&self, text: &str) -> Option<String> {
        let clean = self.text(text);
        let written = serde_json::to_string(clean.as_ref()).unwrap_or_default();
        // Two quotes and nothing escaped.
        if written.len() == clean.len() + 2 {
            return matches!(clean, Cow::Owned(_)).then(|| clean.into_owned());
        }
        match self.text(&written) {
            Cow::Borrowed(_) => matches!(clean, Cow::Owned(_)).then(|| clean.into_owned()),
            // A match may end inside an escape sequence; then nothing of the string can be kept.
            Cow::Owned(masked) => Some(serde_json::from_str(&masked).unwrap_or_else(|_| MASK.to_owned())),
        }
    }

    fn replace(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut known = tokens::spans(bytes);
        known.extend(self.found(bytes));
        let matcher = self.matcher();
        let registered = matcher.as_ref().is_some_and(|matcher| matcher.finds_any(bytes));
        if known.is_empty() && !registered {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut stream = Stream::with(known);
        match matcher.filter(|_| registered) {
            Some(matcher) => stream.feed(&matcher, bytes, true, &mut out),
            None => stream.pass(bytes, &mut out),
        }
        (out != bytes).then_some(out)
    }

    /// Where values that were found in files stand.
    fn found(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        {
            let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
            if shared.found.is_sorted() {
                return shared.found.spans(bytes);
            }
        }
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        shared.found.sort();
        shared.found.spans(bytes)
    }

    /// `None` as long as nothing is registered.
    fn matcher(&self) -> Option<Arc<Matcher>> {
        {
            let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
            if shared.patterns.is_empty() || shared.matcher.is_some() {
                return shared.matcher.clone();
            }
        }
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        let Shared { patterns, matcher, .. } = &mut *shared;
        Some(matcher.get_or_insert_with(|| Arc::new(Matcher::build(patterns))).clone())
    }
}

impl Shared {
    fn insert(&mut self, form: Form, token: bool) {
        self.matcher = None;
        let entry =
            self.patterns.entry(form.anchor().into()).or_insert_with(|| Entry { token: true, long: Vec::new() });
        entry.token &= token;
        if form.goes_on() {
            entry.long.push(Arc::new(form));
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        let known = shared.known.len() + shared.found.len();
        write!(f, "Redactor({known} values)")
    }
}
