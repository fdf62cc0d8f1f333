//! Words of a command that a person will paste.

/// The text as one word of a POSIX shell: as it is where that is safe, else in single quotes, and after `--` where the
/// command would take it for an option (npm has had a package called `-`).
pub(super) fn word(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '/' | '.' | '_' | '-' | '+' | ':' | '=' | '~');
    if !text.is_empty() && text.chars().all(safe) && !text.starts_with(['-', '~']) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 5);
    quoted.push_str(if text.starts_with('-') { "-- '" } else { "'" });
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '\'' => quoted.push_str("'\\''"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn only_harmless_words_stay_bare() {
        assert_eq!(word("@scope/name@1.2.3"), "@scope/name@1.2.3");
        assert_eq!(word("$(reboot)"), "'$(reboot)'");
        assert_eq!(word("a'b;c\nd"), "'a'\\''b;cd'");
        assert_eq!(word("--force"), "-- '--force'");
        assert_eq!(word("~root"), "'~root'");
        assert_eq!(word(""), "''");
    }
}
