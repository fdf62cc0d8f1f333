//! Text for HTML and for the small part of it that chat services read.

/// `text` as nothing but text, also inside a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A link with escaped text and address.
pub(crate) fn link(text: &str, url: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(url), escape(text))
}

/// `text` with the addresses in it as links, and `escape` for what is between them.
pub(crate) fn linked(text: &str, escape: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut from = 0;
    for (range, url) in crate::text::links(text) {
        out.push_str(&escape(&text[from..range.start]));
        from = range.end;
        out.push_str(&link(&text[range], &url));
    }
    out.push_str(&escape(&text[from..]));
    out
}

#[cfg(test)]
mod tests {
    use super::{escape, link, linked};

    #[test]
    fn no_text_is_markup() {
        assert_eq!(linked("<b>&\"'", escape), "&lt;b&gt;&amp;&quot;&#39;");
        assert_eq!(link("a<", "https://x/?a=1&b=\""), "<a href=\"https://x/?a=1&amp;b=&quot;\">a&lt;</a>");
        assert_eq!(linked("see https://x/y.", escape), "see <a href=\"https://x/y\">https://x/y</a>.");
    }
}
