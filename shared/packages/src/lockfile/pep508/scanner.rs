//! A place in a text, and what Python's regular expressions call a space, a word and its edge.

#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
    /// What stands before `rest`.
    before: Option<char>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { rest: text, before: None }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.before = taken.chars().next_back().or(self.before);
        self.rest = rest;
        taken
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len()))
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.take(text.len());
        }
        found
    }

    /// Spaces and tabs; whether there were any.
    pub(super) fn blank(&mut self) -> bool {
        !self.take_while(|c| matches!(c, ' ' | '\t')).is_empty()
    }

    /// The text as a word, which no letter touches.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let touched = self.before.is_some_and(is_word);
        let after = self.rest.strip_prefix(word);
        let found = !touched && after.is_some_and(|after| !after.starts_with(is_word));
        if found {
            self.take(word.len());
        }
        found
    }
}

/// `\w`
pub(in super::super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `\s` and what `str.strip` takes off: four separators more than Unicode's white space.
pub(in super::super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}
