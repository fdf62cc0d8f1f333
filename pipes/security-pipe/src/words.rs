//! Small things about words that scanners and outputs share.

/// Ends with a full stop, which readers of several messages in a row rely on.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// At most `most` characters, cut with an ellipsis.
pub(crate) fn short(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// `AwsAccessKeyId` of `aws-access-key-id`: a rule's name in the style of other tools' rules.
pub(crate) fn pascal(words: &str) -> String {
    let mut name = String::from(if words.starts_with(|c: char| c.is_ascii_digit()) { "Rule" } else { "" });
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}
