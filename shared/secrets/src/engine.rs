//! One file at a time: keyword hits, the rules that asked for them, what is left after checks and overlaps.

use std::collections::BTreeMap;
use std::ops::Range;

use pipe_core::redact::tokens;
use regex_automata::{Anchored, Input};
use secrecy::SecretString;

use super::allow::Allows;
use super::assignment::{self, Assigned};
use super::candidate::Candidate;
use super::checks::Check;
use super::fingerprint::Fingerprints;
use super::found::Match;
use super::keywords::Keywords;
use super::place::Places;
use super::placeholder;
use super::rule::{Mode, Rule};
use super::text;

/// All rules, ready to scan; shared between threads by reference.
pub struct Engine {
    rules: Vec<Rule>,
    keywords: Keywords,
}

/// A rule that reaches further than this does not look twice at one run of characters. Bytes.
const SHORT: usize = 512;

/// A file made of keys would take many times its size: so many of its secrets are described.
pub const MAX_MATCHES: usize = 1_000;

/// A value that passed its rule.
struct Found {
    rule: usize,
    value: Range<usize>,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// Parses the built-in rules. Costs a few milliseconds: make one engine a run.
    pub fn new() -> Engine {
        let rules = Rule::all();
        let keywords = Keywords::new(&rules);
        Engine { rules, keywords }
    }

    /// The built-in rules; [`Match::rule`] is an index into them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The secrets of one file in the order of their places. `path` is relative to the repository's root, with `/`;
    /// `bytes` are the whole file. More than [`MAX_MATCHES`] mean that there are others still. Binary files are the caller's to leave out.
    pub fn scan(&self, path: &str, bytes: &[u8]) -> Vec<Match> {
        let text = &*text::decode(bytes);
        let found = self.without_overlaps(self.candidates(path, text));
        if found.is_empty() {
            return Vec::new();
        }
        let allows = Allows::new(text);
        self.describe(found, text, path, &allows)
    }

    /// The tokens in the name of a file: a path from the repository's root, or any other name from outside. Lines and
    /// columns are those of the name.
    pub fn scan_name(&self, path: &str) -> Vec<Match> {
        let text = path.as_bytes();
        let known = tokens::find(text).into_iter().filter_map(|token| {
            let rule = self.rules.iter().position(|rule| rule.id == token.rule)?;
            let candidate = Candidate { path, text, value: &text[token.range.clone()], assigned: None };
            passes(&self.rules[rule], &candidate).then_some(Found { rule, value: token.range })
        });
        // The file may hold the same token.
        self.describe(self.without_overlaps(known.collect()), text, &format!("{path}\0"), &Allows::none())
    }

    fn describe(&self, found: Vec<Found>, text: &[u8], path: &str, allows: &Allows) -> Vec<Match> {
        let (mut places, mut fingerprints) = (Places::new(text), Fingerprints::new(path));
        let describe = |found: Found| {
            let rule = &self.rules[found.rule];
            let (start_line, start_column) = places.at(found.value.start);
            let (end_line, end_column) = places.at(found.value.end);
            let allow_key = allows.of(&found.value).map(str::to_owned);
            let value = &text[found.value.clone()];
            Match {
                rule: found.rule,
                severity: rule.severity,
                shown: rule.shown(value),
                start_line,
                start_column,
                end_line,
                end_column,
                fingerprint: fingerprints.next(rule, text, &found.value),
                allowed: allow_key.is_some(),
                allow_key,
                value: SecretString::from(String::from_utf8_lossy(value).into_owned()),
            }
        };
        found.into_iter().take(MAX_MATCHES + 1).map(describe).collect()
    }

    fn candidates(&self, path: &str, text: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        // By rule: where it has looked already, so that repeated keywords cost no more than one look.
        let mut looked = vec![0; self.rules.len()];
        for (hit, askers) in self.keywords.hits(text) {
            // Read at most once a hit, and only if a rule asks.
            let mut assigned: Option<Option<Assigned>> = None;
            for index in askers {
                let rule = &self.rules[index];
                let value = match rule.mode {
                    Mode::Token if hit.start < looked[index] => None,
                    Mode::Token => {
                        let value = token(rule, text, &hit);
                        looked[index] = match &value {
                            Some(value) => value.end,
                            None if rule.reach > SHORT => hit.end + run(rule, &text[hit.end..]),
                            None => 0,
                        };
                        value
                    }
                    Mode::Inside => inside(rule, text, &hit),
                    Mode::Assigned => {
                        let assigned = assigned.get_or_insert_with(|| assignment::at(text, hit.clone()));
                        assigned.as_ref().and_then(|assigned| literal(rule, text, assigned))
                    }
                };
                let Some(value) = value else { continue };
                let assigned = assigned.as_ref().and_then(Option::as_ref);
                let candidate = Candidate { path, text, value: &text[value.clone()], assigned };
                if passes(rule, &candidate) {
                    found.push(Found { rule: index, value });
                }
            }
        }
        found
    }

    /// One value is reported once: a provider's rule beats a generic one, then the longer span wins, then the earlier
    /// rule.
    fn without_overlaps(&self, mut found: Vec<Found>) -> Vec<Found> {
        found
            .sort_by_key(|one| (self.rules[one.rule].generic, usize::MAX - one.value.len(), one.rule, one.value.start));
        let mut kept: BTreeMap<usize, Found> = BTreeMap::new();
        for one in found {
            let before = kept.range(..one.value.end).next_back();
            if before.is_none_or(|(_, before)| before.value.end <= one.value.start) {
                kept.insert(one.value.start, one);
            }
        }
        kept.into_values().collect()
    }
}

fn passes(rule: &Rule, candidate: &Candidate) -> bool {
    (rule.entropy <= 0.0 || placeholder::entropy(candidate.value) >= rule.entropy)
        && (rule.check.is_some_and(Check::is_key_material) || !placeholder::is_placeholder(candidate.value))
        && rule.check.is_none_or(|check| check.holds(candidate))
}

fn token(rule: &Rule, text: &[u8], hit: &Range<usize>) -> Option<Range<usize>> {
    if text[hit.start].is_ascii_alphanumeric() && !begins(text, hit.start) {
        return None;
    }
    let end = text.len().min(hit.start.saturating_add(rule.reach));
    matched(rule, text, Input::new(text).range(hit.start..end).anchored(Anchored::Yes))
}

fn inside(rule: &Rule, text: &[u8], hit: &Range<usize>) -> Option<Range<usize>> {
    let mut start = hit.start.saturating_sub(rule.before);
    let last = hit.start.checked_sub(rule.at_least.unwrap_or(rule.before))?;
    let end = text.len().min(hit.start.saturating_add(rule.reach));
    // A match that begins inside a word says nothing about one that begins later.
    while start <= last {
        let begin = (start..=last).find(|&at| begins(text, at))?;
        let input = Input::new(text).range(begin..end).anchored(Anchored::Yes);
        match matched(rule, text, input).filter(|value| value.end >= hit.end) {
            Some(value) => return Some(value),
            None => start = begin + 1,
        }
    }
    None
}

fn literal(rule: &Rule, text: &[u8], assigned: &Assigned) -> Option<Range<usize>> {
    let value = Some(assigned.value.clone()).filter(|value| value.len() <= rule.reach)?;
    rule.regex().is_match(Input::new(&text[value.clone()]).anchored(Anchored::Yes)).then_some(value)
}

/// The value of an anchored match: the first group, whose surroundings the pattern knows, or all of it, which has to end
/// where a word ends.
fn matched(rule: &Rule, text: &[u8], input: Input) -> Option<Range<usize>> {
    let regex = rule.regex();
    let whole = regex.search(&input)?.range();
    let hyphens = rule.pattern.contains("_-]");
    let word = |at: usize| text.get(at).is_some_and(|byte| is_word(*byte) || (hyphens && *byte == b'-'));
    if regex.captures_len() < 2 {
        let partial = whole.is_empty() || word(whole.end - 1) && word(whole.end);
        return (!partial).then_some(whole);
    }
    let mut groups = regex.create_captures();
    regex.search_captures(&input, &mut groups);
    Some(groups.get_group(1).map_or(whole, |group| group.range())).filter(|value| !value.is_empty())
}

/// How long the run at the start of `text` is that one token of the rule may be.
fn run(rule: &Rule, text: &[u8]) -> usize {
    let base64: &[u8] = if rule.pattern.contains("+/") { b"+/=" } else { b"" };
    text.iter().take_while(|byte| is_word(**byte) || **byte == b'-' || base64.contains(byte)).count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a word may begin at `at`: after a byte of no word, a written-out line end (`\n`) or a percent-encoded byte.
fn begins(text: &[u8], at: usize) -> bool {
    match &text[..at] {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., before] => !is_word(*before),
    }
}
