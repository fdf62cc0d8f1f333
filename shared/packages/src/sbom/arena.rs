//! Texts one after another in one buffer.

/// Texts by the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Arena {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Arena {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Empty if there is none of this number.
    pub(super) fn get(&self, index: usize) -> &str {
        let Some(end) = self.ends.get(index) else { return "" };
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start..*end).unwrap_or_default()
    }
}
