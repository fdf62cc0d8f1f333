//! The rules: data in `rules/*.toml`, one table a rule.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_automata::util::syntax;
use serde::{Deserialize, Deserializer};

use super::checks::Check;
use pipe_core::severity::Severity;

const FILES: [&str; 8] = [
    include_str!("rules/cloud.toml"),
    include_str!("rules/vcs.toml"),
    include_str!("rules/chat.toml"),
    include_str!("rules/payment.toml"),
    include_str!("rules/ai.toml"),
    include_str!("rules/monitoring.toml"),
    include_str!("rules/services.toml"),
    include_str!("rules/generic.toml"),
];

/// How the pattern is applied at a keyword's hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// The token begins with the keyword.
    #[default]
    Token,
    /// The keyword stands inside the token, at most `before` bytes from its start.
    Inside,
    /// The keyword stands in a name (`DATADOG_API_KEY`) that a literal is assigned to; the pattern is the whole literal.
    Assigned,
}

/// One kind of secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// As reports, ignore files and baselines name it: `aws-access-key-id`.
    pub id: String,
    /// One line for a person.
    pub title: String,
    /// How bad a leak is.
    pub severity: Severity,
    /// One of these occurs in each match.
    pub(crate) keywords: Vec<String>,
    /// The first group is the value. Without a group, the whole match is.
    pub(crate) pattern: String,
    /// Where the provider describes the format.
    pub doc: String,
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Keywords match in any case (always so for assigned values).
    #[serde(default)]
    pub(crate) ignore_case: bool,
    /// Bytes a token may begin before its keyword.
    #[serde(default)]
    pub(crate) before: usize,
    /// Bytes that stand before the keyword at the least; if absent, exactly `before` do.
    pub(crate) at_least: Option<usize>,
    /// Bytes looked at from the keyword on; for assigned values the longest one.
    #[serde(default = "default_reach")]
    pub(crate) reach: usize,
    /// A character that follows the keyword in each match. If none is in reach, the pattern is not tried.
    #[serde(default, deserialize_with = "one_byte")]
    pub(crate) needs: Option<u8>,
    /// Shannon entropy the value must reach, in bits a character; 0 asks for none.
    #[serde(default)]
    pub(crate) entropy: f32,
    /// What the format itself lets us verify without a network.
    pub(crate) check: Option<Check>,
    /// Public prefixes that may be shown; if absent, the keywords of a token rule.
    prefixes: Option<Vec<String>>,
    /// Many providers use the format: specific rules win, and the fingerprint is over the line.
    #[serde(default)]
    pub(crate) generic: bool,
    #[serde(skip)]
    compiled: OnceLock<meta::Regex>,
}

fn one_byte<'de, D: Deserializer<'de>>(text: D) -> Result<Option<u8>, D::Error> {
    Ok(String::deserialize(text)?.bytes().next())
}

fn default_reach() -> usize {
    512
}

impl Rule {
    /// Every rule. The data is part of the program: a file that does not parse is a bug, and a bug panics.
    pub(super) fn all() -> Vec<Rule> {
        #[derive(Deserialize)]
        struct File {
            rule: Vec<Rule>,
        }
        let parse = |text| match toml::from_str::<File>(text) {
            Ok(file) => file.rule,
            Err(error) => panic!("an embedded rule file does not parse: {error}"),
        };
        FILES.into_iter().flat_map(parse).collect()
    }

    /// Compiled at the first hit, because most rules never see one.
    pub(super) fn regex(&self) -> &meta::Regex {
        self.compiled.get_or_init(|| {
            // An assigned literal is looked at alone and as a whole.
            let anchored = format!("^(?:{})$", self.pattern);
            let pattern = if self.mode == Mode::Assigned { &anchored } else { &self.pattern };
            let built = meta::Regex::builder()
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .configure(meta::Config::new().utf8_empty(false).nfa_size_limit(Some(8 << 20)))
                .build(pattern);
            match built {
                Ok(regex) => regex,
                Err(error) => panic!("the pattern of rule {} does not compile: {error}", self.id),
            }
        })
    }

    /// The provider's public prefix of `value` with an ellipsis, or nothing.
    pub(super) fn shown(&self, value: &[u8]) -> String {
        let prefixes = match &self.prefixes {
            Some(prefixes) => prefixes,
            None if self.mode == Mode::Token => &self.keywords,
            None => return String::new(),
        };
        let longest =
            prefixes.iter().filter(|prefix| value.starts_with(prefix.as_bytes())).max_by_key(|prefix| prefix.len());
        longest.map(|prefix| format!("{prefix}…")).unwrap_or_default()
    }
}
