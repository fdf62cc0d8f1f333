//! The prefilter: one pass over a file finds every keyword of every rule.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::rule::{Mode, Rule};

pub(super) struct Keywords {
    automaton: AhoCorasick,
    /// By the automaton's pattern: who asked for it.
    askers: Vec<Vec<Asker>>,
}

struct Asker {
    rule: usize,
    /// The keyword as written, where its case counts.
    exact: Option<Vec<u8>>,
}

impl Keywords {
    pub(super) fn new(rules: &[Rule]) -> Keywords {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let (mut patterns, mut askers) = (Vec::new(), Vec::<Vec<Asker>>::new());
        for (rule, about) in rules.iter().enumerate() {
            for keyword in &about.keywords {
                let lower = keyword.to_ascii_lowercase();
                let number = *numbers.entry(lower.clone()).or_insert_with(|| {
                    patterns.push(lower);
                    askers.push(Vec::new());
                    askers.len() - 1
                });
                let any_case = about.ignore_case || about.mode == Mode::Assigned;
                askers[number].push(Asker { rule, exact: (!any_case).then(|| keyword.clone().into_bytes()) });
            }
        }
        let built =
            AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(&patterns);
        match built {
            Ok(automaton) => Keywords { automaton, askers },
            Err(error) => panic!("the keywords do not compile: {error}"),
        }
    }

    /// Each place of a keyword with the rules that asked for it.
    pub(super) fn hits<'a>(
        &'a self,
        text: &'a [u8],
    ) -> impl Iterator<Item = (Range<usize>, impl Iterator<Item = usize> + 'a)> + 'a {
        self.automaton.find_overlapping_iter(text).map(move |hit| {
            let found = &text[hit.range()];
            let askers = self.askers[hit.pattern().as_usize()].iter();
            let meant = move |asker: &&Asker| asker.exact.as_deref().is_none_or(|exact| exact == found);
            (hit.range(), askers.filter(meant).map(|asker| asker.rule))
        })
    }
}
