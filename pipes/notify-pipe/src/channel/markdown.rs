//! Markdown as chat services read it, made of text that is to stay text.

/// What a mention needs to be one, broken by a character without width.
const BREAK: char = '\u{200b}';

/// `text` with nothing in it that would be markup, in a paragraph or a label; line breaks stay. What is in `broken` is
/// followed by a character without width, since a backslash does not keep the service from acting on it.
pub(crate) fn escape(text: &str, broken: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if broken.contains(c) {
            out.push(c);
            out.push(BREAK);
        } else {
            if is_special(c) {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// [`escape`] with the addresses in `text` as links.
pub(crate) fn linked(text: &str, broken: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for (range, url) in crate::text::links(text) {
        out.push_str(&escape(&text[from..range.start], broken));
        from = range.end;
        out.push_str(&format!("<{url}>"));
    }
    out.push_str(&escape(&text[from..], broken));
    out
}

/// How long a character becomes, at most.
pub(crate) fn cost(c: char) -> usize {
    if c.is_ascii_punctuation() { 2 } else { c.len_utf16() }
}

fn is_special(c: char) -> bool {
    "\\`*_{}[]()<>#+-.!|~:@&$=\"'^".contains(c)
}

/// A link, or its text alone where the address would break it.
pub(crate) fn link(text: &str, url: &str) -> String {
    if url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>".contains(c)) {
        return text.to_owned();
    }
    format!("[{text}]({})", url.replace('(', "%28").replace(')', "%29"))
}

/// Text as it is, in a code block.
pub(crate) fn code_block(text: &str) -> String {
    format!("```\n{}\n```", text.replace("```", "`\u{200b}`\u{200b}`"))
}

#[cfg(test)]
mod tests {
    use super::{code_block, escape, link, linked};

    #[test]
    fn nothing_in_a_text_is_markup_or_a_mention() {
        assert_eq!(escape("*a* _b_ [c](d) `e`", ""), r"\*a\* \_b\_ \[c\]\(d\) \`e\`");
        assert_eq!(escape("@here", "@"), "@\u{200b}here");
        assert_eq!(escape("one\ntwo", ""), "one\ntwo");
        assert_eq!(linked("*see* https://x.example/@a.", "@:"), r"\*see\* <https://x.example/@a>\.");
    }

    #[test]
    fn links_and_code_blocks_stay_closed() {
        assert_eq!(link("x", "https://a/(b)"), "[x](https://a/%28b%29)");
        assert_eq!(link("x", "https://a/ b"), "x");
        assert_eq!(code_block("a```b").matches("```").count(), 2);
    }
}
