//! One file at a time: keyword hits, the rules that asked for them, what is left after checks and overlaps.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;

use pipe_core::redact::tokens::{self, Form, Runs};
use regex_automata::{Anchored, Input};
use secrecy::SecretString;

use super::allow::Allows;
use super::assignment::{Assigned, Reader};
use super::candidate::Candidate;
use super::checks::Check;
use super::fingerprint::Fingerprints;
use super::found::{Match, Scanned};
use super::keywords::Keywords;
use super::place::Places;
use super::placeholder;
use super::rule::{Mode, Rule};
use super::text::{self, Share};
use super::windows::{Window, Windows};

/// All rules, ready to scan; shared between threads by reference.
pub struct Engine {
    rules: Vec<Rule>,
    /// By rule: the form that does for its pattern, where the value is all of a match.
    forms: Vec<Option<&'static Form>>,
    keywords: Keywords,
}

/// A rule that reaches further than this does not look twice at one run of characters. Bytes.
const SHORT: usize = 512;

/// The part of a large file that is looked at at once. Bytes.
const WINDOW: usize = 4 * 1024 * 1024;

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
        let form = |rule: &Rule| tokens::forms().iter().find(|form| form.rule() == rule.id && form.is_whole());
        let forms = rules.iter().map(form).collect();
        Engine { rules, forms, keywords }
    }

    /// The built-in rules; [`Match::rule`] is an index into them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The secrets of one file in the order of their places. `path` is relative to the repository's root, with `/`;
    /// `bytes` are the whole file. More than [`MAX_MATCHES`] mean that there are others still.
    pub fn scan(&self, path: &str, bytes: &[u8]) -> Vec<Match> {
        self.scan_bytes(path, bytes).matches
    }

    /// [`Engine::scan`] with what the file is.
    pub fn scan_bytes(&self, path: &str, bytes: &[u8]) -> Scanned {
        let (text, share) = text::decode(bytes);
        let found = match share {
            Share::None => Vec::new(),
            Share::All | Share::Parts => self.without_overlaps(self.candidates(path, &text, share)),
        };
        let mut scanned = Scanned { matches: Vec::new(), is_text: share != Share::None, bytes: bytes.len() as u64 };
        if !found.is_empty() {
            let mut places = Places::new(&text);
            scanned.matches =
                self.describe(found, &text, &mut places, &mut Fingerprints::new(path), &Allows::new(&text));
        }
        scanned
    }

    /// [`Engine::scan_bytes`] for a file of any size, in windows that overlap. Stops early when `goes_on` says no.
    ///
    /// # Errors
    /// It can't be read.
    pub fn scan_stream(&self, path: &str, file: &mut dyn Read, goes_on: &dyn Fn() -> bool) -> io::Result<Scanned> {
        self.scan_windows(path, file, goes_on, WINDOW)
    }

    pub(super) fn scan_windows(
        &self,
        path: &str,
        file: &mut dyn Read,
        goes_on: &dyn Fn() -> bool,
        size: usize,
    ) -> io::Result<Scanned> {
        let mut windows = Windows::new(file, size);
        let mut fingerprints = Fingerprints::new(path);
        let mut scanned = Scanned { matches: Vec::new(), is_text: false, bytes: 0 };
        let mut start = (1, 1);
        while goes_on() && scanned.matches.len() <= MAX_MATCHES {
            let Some(Window { text, own, share, next }) = windows.next()? else { break };
            let mut found = self.without_overlaps(self.candidates(path, text, share));
            found.retain(|found| own.contains(&found.value.start));
            let mut places = Places::starting(text, start);
            scanned.matches.extend(self.describe(found, text, &mut places, &mut fingerprints, &Allows::new(text)));
            start = Places::starting(text, start).at(next);
        }
        (scanned.bytes, scanned.is_text) = (windows.bytes(), windows.is_text());
        Ok(scanned)
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
        let (found, name) = (self.without_overlaps(known.collect()), format!("{path}\0"));
        self.describe(found, text, &mut Places::new(text), &mut Fingerprints::new(&name), &Allows::none())
    }

    fn describe<'e>(
        &'e self,
        found: Vec<Found>,
        text: &[u8],
        places: &mut Places<'_>,
        fingerprints: &mut Fingerprints<'e>,
        allows: &Allows,
    ) -> Vec<Match> {
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

    /// In a file that is mostly no text, only formats of providers mean anything.
    fn candidates(&self, path: &str, text: &[u8], share: Share) -> Vec<Found> {
        let mut found = Vec::new();
        let (mut runs, mut reader) = (Runs::default(), Reader::default());
        // By rule: where it has looked already, so that repeated keywords cost no more than one look.
        let mut looked = vec![0; self.rules.len()];
        for (hit, askers) in self.keywords.hits(text) {
            // Read at most once a hit, and only if a rule asks.
            let mut assigned: Option<Option<Assigned>> = None;
            for index in askers {
                let rule = &self.rules[index];
                if share != Share::All && (rule.generic || rule.mode == Mode::Assigned) {
                    continue;
                }
                let value = match (rule.mode, self.forms[index]) {
                    (Mode::Token, _) if hit.start < looked[index] => None,
                    (Mode::Token, Some(form)) => {
                        let value = whole(rule, form, text, &hit, &mut runs);
                        looked[index] = value.as_ref().map_or(0, |value| value.end);
                        value
                    }
                    (Mode::Token, None) => {
                        let value = token(rule, text, &hit);
                        looked[index] = match &value {
                            Some(value) => value.end,
                            None if rule.reach > SHORT => hit.end + run(rule, &text[hit.end..]),
                            None => 0,
                        };
                        value
                    }
                    (Mode::Inside, _) => inside(rule, text, &hit),
                    (Mode::Assigned, _) => {
                        let assigned = assigned.get_or_insert_with(|| reader.at(text, hit.clone()));
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
        && rule.check.is_none_or(|check| check.holds(candidate))
        && (rule.check.is_some_and(Check::is_key_material) || !placeholder::is_placeholder(candidate.value))
}

fn may_begin(text: &[u8], at: usize) -> bool {
    !text[at].is_ascii_alphanumeric() || begins(text, at)
}

/// A token by its form. The same as its pattern would give, without reading a run of characters once for each keyword in
/// it.
fn whole(rule: &Rule, form: &Form, text: &[u8], hit: &Range<usize>, runs: &mut Runs) -> Option<Range<usize>> {
    let end = may_begin(text, hit.start).then(|| form.longest(text, hit.start, runs)).flatten()?;
    Some(hit.start..end).filter(|value| is_whole(rule, text, value))
}

fn token(rule: &Rule, text: &[u8], hit: &Range<usize>) -> Option<Range<usize>> {
    let end = text.len().min(hit.start.saturating_add(rule.reach));
    let lacks = |byte: u8| memchr::memchr(byte, &text[hit.end..end.max(hit.end)]).is_none();
    if !may_begin(text, hit.start) || rule.needs.is_some_and(lacks) {
        return None;
    }
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
    if regex.captures_len() < 2 {
        return Some(whole).filter(|whole| is_whole(rule, text, whole));
    }
    let mut groups = regex.create_captures();
    regex.search_captures(&input, &mut groups);
    Some(groups.get_group(1).map_or(whole, |group| group.range())).filter(|value| !value.is_empty())
}

/// Whether a match ends where a word ends.
fn is_whole(rule: &Rule, text: &[u8], found: &Range<usize>) -> bool {
    let hyphens = rule.pattern.contains("_-]");
    let word = |at: usize| text.get(at).is_some_and(|byte| is_word(*byte) || (hyphens && *byte == b'-'));
    !(found.is_empty() || word(found.end - 1) && word(found.end))
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
