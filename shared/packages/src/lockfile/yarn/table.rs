//! Which entry a pattern such as `once@^1.4.0` leads to.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use super::super::text::excerpt;
use super::super::{MAX_PACKAGES, ParseError, graph};

/// The most patterns. Real lockfiles have two or three for each package.
const MAX_PATTERNS: usize = 10 * MAX_PACKAGES;

#[derive(Default)]
pub(super) struct Table<'a> {
    by_pattern: HashMap<Cow<'a, str>, usize>,
    /// Made if something asks for it.
    by_name: OnceCell<HashMap<String, Vec<usize>>>,
}

impl<'a> Table<'a> {
    /// # Errors
    /// When the pattern stands for another entry already, or there are too many.
    pub(super) fn add(&mut self, pattern: Cow<'a, str>, block: usize, line: u32) -> Result<(), ParseError> {
        if self.by_pattern.len() == MAX_PATTERNS {
            return Err(ParseError::at(line, format!("more than {MAX_PATTERNS} patterns")));
        }
        let before = self.by_pattern.get(&pattern);
        if before.is_some_and(|known| *known != block) {
            return Err(graph::twice(&pattern, line));
        }
        self.by_pattern.insert(pattern, block);
        Ok(())
    }

    /// A further pattern of an entry; the first one that claims it has it.
    pub(super) fn add_if_free(&mut self, pattern: String, block: usize) {
        self.by_pattern.entry(Cow::Owned(pattern)).or_insert(block);
    }

    pub(super) fn find(&self, pattern: &str) -> Option<usize> {
        self.by_pattern.get(pattern).copied()
    }

    /// Every entry of a name, whatever version was asked for.
    pub(super) fn named(&self, name: &str) -> &[usize] {
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
            for (pattern, block) in &self.by_pattern {
                if let Some((name, _)) = split(pattern) {
                    by_name.entry(name.to_owned()).or_default().push(*block);
                }
            }
            for blocks in by_name.values_mut() {
                blocks.sort_unstable();
                blocks.dedup();
            }
            by_name
        });
        by_name.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// `@scope/name@range` as name and range; `None` without an `@` after the name.
pub(super) fn split(pattern: &str) -> Option<(&str, &str)> {
    let at = pattern.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at)?;
    Some((pattern.get(..at)?, pattern.get(at + 1..)?))
}

/// As [`split`].
///
/// # Errors
/// When it is not a pattern.
pub(super) fn parts(pattern: &str, line: u32) -> Result<(&str, &str), ParseError> {
    split(pattern).ok_or_else(|| ParseError::at(line, format!("`{}` is not a name with a range", excerpt(pattern))))
}
