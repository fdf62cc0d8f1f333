//! The way out at the end of an error: one sentence that begins with what to do, such as `Set CA_CERT_FILE to read a
//! file`.

/// The words that begin such a sentence. A test reads the texts of all errors by them.
const BEGINNINGS: &[&str] = &[
    "Add", "Allow", "Ask", "Attest", "Check", "Clone", "Commit", "Convert", "Correct", "Create", "Delete", "Encrypt",
    "Example:", "Exclude", "Fetch", "Fix", "Free", "Give", "Invite", "Leave", "Merge", "Mount", "Move", "Name", "Pin",
    "Please", "Push", "Put", "Raise", "Remove", "Renew", "Report", "Request", "Resolve", "Run", "Save", "Scan", "See",
    "Set", "Sign", "Split", "Start", "To", "Track", "Try", "Unset", "Update", "Use", "Wait", "Write", "help:",
];

/// Whether a sentence of `text` says what to do.
pub fn is_advised(text: &str) -> bool {
    split(text).is_some()
}

/// What `text` says, and from the first sentence that says what to do.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let starts = std::iter::once(0).chain(text.match_indices(". ").map(|(at, end)| at + end.len()));
    let of_advice = |at: &usize| {
        let first = text[*at..].split([' ', ',']).next().unwrap_or_default();
        BEGINNINGS.contains(&first)
    };
    let at = starts.into_iter().find(of_advice)?;
    Some((text[..at].trim_end_matches(". "), &text[at..]))
}

/// Whether `text`, which follows the name of a variable, says which value is right.
pub fn is_expectation(text: &str) -> bool {
    ["expected ", "required", "requires ", "need"].iter().any(|word| text.contains(word)) || is_advised(text)
}

/// `text`, a fragment, with the sentence `advice` at its end, unless it says what to do already.
pub fn with_advice(text: impl Into<String>, advice: &str) -> String {
    let text = text.into();
    if is_advised(&text) { text } else { format!("{}. {advice}", text.trim_end_matches('.')) }
}

#[cfg(test)]
mod tests {
    use super::{is_advised, is_expectation, split, with_advice};

    #[test]
    fn advice_is_added_once() {
        assert_eq!(with_advice("no such file", "Check FILES."), "no such file. Check FILES.");
        assert_eq!(with_advice("no such file. Set FILES", "Check FILES."), "no such file. Set FILES");
        assert_eq!(with_advice("it ended.", "Run it again"), "it ended. Run it again");
    }

    #[test]
    fn the_problem_of_a_variable_says_which_value_is_right() {
        assert!(is_expectation("expected a digest"));
        assert!(is_expectation("db needs OSV_DB_PATH"));
        assert!(is_expectation("both are set. Set one of them"));
        assert!(!is_expectation("no such file"));
    }

    #[test]
    fn a_text_is_split_before_its_advice() {
        assert_eq!(
            split("no file. Not even here. Set IT. Or that"),
            Some(("no file. Not even here", "Set IT. Or that"))
        );
        assert_eq!(split("Set IT"), Some(("", "Set IT")));
        assert_eq!(split("no file"), None);
    }

    #[test]
    fn only_a_sentence_is_advice() {
        assert!(is_advised("Set STATUS"));
        assert!(is_advised("no token. To sign, set a key"));
        for text in ["", "the Settings are wrong", "a Set", "set STATUS", "no Check. ", "ends. Setting it helps"] {
            assert!(!is_advised(text), "{text}");
        }
    }
}
