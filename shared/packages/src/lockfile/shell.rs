//! Words of a command that a person will paste.

use std::borrow::Cow;

/// The text as one word of a POSIX shell: unchanged if that is safe, otherwise quoted. A word that the command would take
/// for an option follows `--` (npm has had a package called `-`). Control characters are dropped.
pub(super) fn word(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let quoted = shlex::try_quote(&text).unwrap_or_default();
    if text.starts_with('-') {
        return format!("-- {quoted}");
    }
    // The crate quotes `=` and `~` anywhere. A shell expands them at the start of a word only, and versions hold both.
    let unchanged = |part: &str| part.is_empty() || matches!(shlex::try_quote(part), Ok(Cow::Borrowed(_)));
    if !text.is_empty() && !text.starts_with(['=', '~']) && text.split(['=', '~']).all(unchanged) {
        return text;
    }
    quoted.into_owned()
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn only_harmless_words_stay_bare() {
        assert_eq!(word("@scope/name@1.2.3"), "@scope/name@1.2.3");
        assert_eq!(word("name==1.0~rc1"), "name==1.0~rc1");
        assert_eq!(word("$(reboot)"), "'$(reboot)'");
        assert_eq!(word("a'b;c\nd"), "\"a'b;cd\"");
        assert_eq!(word("--force"), "-- --force");
        assert_eq!(word("-$(reboot)"), "-- '-$(reboot)'");
        assert_eq!(word("~root"), "'~root'");
        assert_eq!(word("=ls"), "'=ls'");
        assert_eq!(word(""), "''");
    }
}
