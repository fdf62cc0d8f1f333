use comrak::Options;
use proptest::prelude::*;

use super::{lines, terminal, workflow_data, workflow_property};
use crate::redact::Redactor;

fn markdown(text: &str) -> String {
    super::markdown(text, &Redactor::new())
}

#[test]
fn a_secret_is_hidden_before_markdown_escapes_it() {
    let redactor = Redactor::new();
    redactor.add("pass_word*123");
    assert_eq!(super::markdown("with pass_word*123", &redactor), r"with \*\*\*");
}

/// What a person reads on a page made of `source` by GitHub's own dialect, with everything in it that could turn text
/// into something else; and the page.
fn read(source: &str) -> (String, String) {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.math_dollars = true;
    options.extension.math_code = true;
    options.extension.alerts = true;
    options.extension.wikilinks_title_after_pipe = true;
    options.render.r#unsafe = true;
    let html = comrak::markdown_to_html(source, &options);
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    (text.replace('\u{200b}', "").trim().to_owned(), html)
}

fn tags(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn markdown_of_hostile_text_reads_as_the_text() {
    for text in [
        "a | b",
        "`code`",
        "**bold** _it_ ~~no~~",
        "<script>alert(1)</script>",
        "<!-- hidden",
        "&lt;b&gt;",
        "&copy;",
        "[a](https://x.example)",
        "![a](x)",
        "https://x.example/?a=b",
        "www.x.example",
        "me@x.example",
        "ssh://x",
        "# heading",
        "- list",
        "+ list",
        "1. list",
        "12) list",
        "> quote",
        "---",
        "===",
        "$x$ $$y$$",
        "a\\b",
        "a\\|b",
        "[ ] todo",
        "[^1]",
        "~~~",
        "```",
        "| a |\\",
        "/close",
        "mailto:me@x.example",
        "xmpp:me@x.example",
        "http://a",
    ] {
        let (seen, html) = read(&markdown(text));
        assert_eq!(seen, text, "{html}");
        assert_eq!(tags(&html), ["p", "/p"], "{html}");
        let table = format!("| h | i |\n|---|---|\n| {} | end |\n", markdown(text));
        let (_, html) = read(&table);
        assert_eq!(html.matches("<td>").count(), 2, "{html}");
        assert!(html.contains("<td>end</td>"), "{html}");
    }
}

#[test]
fn markdown_mentions_nobody_and_refers_to_nothing() {
    for text in ["@org/team", "see #12", "group!34", "GH @a @b", "a@b.example", ":+1: :smile:", "/assign @me"] {
        let safe = markdown(text);
        for (at, _) in safe.match_indices(['@', '#', '!']) {
            let after = safe[at + 1..].chars().next();
            assert!(!after.is_some_and(char::is_alphanumeric), "{safe:?}");
        }
        assert!(!safe.contains(":smile:") && !safe.starts_with('/'), "{safe:?}");
    }
}

#[test]
fn what_deceives_the_eye_is_shown() {
    assert_eq!(terminal("a\u{1b}[31mred\r\n\u{9b}x\u{7}"), "a\\u{1b}[31mred\\u{d}\\u{a}\\u{9b}x\\u{7}");
    assert_eq!(
        terminal("in\u{202e}gnp\u{2066}\u{200f}.exe\u{e0041}"),
        "in\\u{202e}gnp\\u{2066}\\u{200f}.exe\\u{e0041}"
    );
    assert_eq!(terminal("plain: ä 漢 👩\u{200d}💻"), "plain: ä 漢 👩\u{200d}💻");
    assert_eq!(lines("a\r\nb\u{1b}\tc"), "a\nb\\u{1b}\tc");
    assert_eq!(markdown("a\r\n\r\nb\tc\u{1b}"), "a b c\\\\u\\{1b\\}");
}

#[test]
fn text_never_ends_a_workflow_command() {
    assert_eq!(workflow_data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
    assert_eq!(workflow_property("a:b,c%2C\n"), "a%3Ab%2Cc%252C%0A");
}

/// The order in which the runner decodes.
fn decode(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
}

fn tricky() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-\\\\`*_\\[\\](){}<>&|~#@!$+=:./%'\" a1w\n]{0,24}",
        "(https?|www|ssh)[:./@a-z]{0,12}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_in_markdown_is_text(text in tricky()) {
        // Passwords of URLs are hidden.
        let text = Redactor::new().text(&text).into_owned();
        let safe = markdown(&text);
        prop_assert!(!safe.contains(['\n', '\r']));
        let (seen, html) = read(&safe);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let expected = text.split(['\n', '\r', '\t']).map(terminal).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(words(&seen), words(&expected), "{}", html);
        // Blanks that are no ASCII spaces are a paragraph, too.
        let blank = words(&expected).is_empty() && html.is_empty();
        let allowed: &[&str] = if blank { &[] } else { &["p", "/p"] };
        prop_assert_eq!(tags(&html), allowed, "{}", html);
    }

    #[test]
    fn any_text_in_a_terminal_is_one_harmless_line(text in any::<String>()) {
        let safe = terminal(&text);
        prop_assert!(!safe.chars().any(super::deceives));
        prop_assert_eq!(terminal(&safe), safe);
    }

    #[test]
    fn the_runner_decodes_what_was_meant(text in "[%0-9A-F:,\r\na-c]{0,20}") {
        for encoded in [workflow_data(&text), workflow_property(&text)] {
            prop_assert!(!encoded.contains(['\r', '\n']));
        }
        prop_assert!(!workflow_property(&text).contains([':', ',']));
        prop_assert_eq!(decode(&workflow_property(&text)), text);
    }
}
