//! The mail as HTML: tables and inline styles, which is what mail programs agree on. No picture, no script, nothing that
//! is fetched.

use crate::channel::html::{escape, link, linked};
use crate::message::Message;
use crate::text::{chars, one_line, shorten};

/// Words as long as a URL are broken rather than made to stretch the page.
const BREAK: &str = "overflow-wrap:anywhere;word-break:break-word";
/// Characters on a button.
const MAX_BUTTON: usize = 80;
const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

pub(super) fn page(message: &Message) -> String {
    let color = format!("#{:06x}", message.color());
    let mut rows = String::new();
    if !message.text.is_empty() {
        let text = linked(&message.text, escape).replace('\n', "<br>\n");
        row(&mut rows, &format!("<p style=\"margin:0;font-size:15px;line-height:22px;{BREAK}\">{text}</p>"));
    }
    let facts = facts(message);
    if !facts.is_empty() {
        row(&mut rows, &format!("<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\">{facts}</table>"));
    }
    let buttons: Vec<String> = message
        .links
        .iter()
        .filter(|it| !it.text.trim().is_empty())
        .map(|it| button(&it.text, &it.url, &color))
        .collect();
    if !buttons.is_empty() {
        row(&mut rows, &buttons.join(" "));
    }
    if let Some(log) = &message.log {
        row(
            &mut rows,
            &format!(
                "<p style=\"margin:0 0 6px;font-size:13px;color:#57606a\">End of {}</p>\
                 <pre style=\"margin:0;padding:12px;background:#f6f8fa;border-radius:6px;font-size:12px;line-height:17px;\
                 white-space:pre-wrap;{BREAK}\">{}</pre>",
                escape(&log.name),
                escape(&log.text)
            ),
        );
    }
    let headline = escape(&message.headline());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{headline}</title>\n</head>\n\
         <body style=\"margin:0;padding:24px 12px;background:#f6f8fa;color:#1f2328;{FONT}\">\n\
         <table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" width=\"100%\" style=\"max-width:640px;\
         table-layout:fixed;margin:0 auto;background:#ffffff;border:1px solid #d0d7de;border-top:6px solid {color};border-radius:8px\">\n\
         <tr><td style=\"padding:20px 24px 4px\">\
         <h1 style=\"margin:0;font-size:19px;line-height:26px;font-weight:600;{BREAK}\">{headline}</h1></td></tr>\n\
         {rows}<tr><td style=\"padding:12px 24px 20px\"></td></tr>\n</table>\n</body>\n</html>\n"
    )
}

fn row(rows: &mut String, content: &str) {
    rows.push_str(&format!("<tr><td style=\"padding:12px 24px 0\">{content}</td></tr>\n"));
}

fn facts(message: &Message) -> String {
    let line = |label: &str, value: &str| {
        format!(
            "<tr><td style=\"padding:3px 16px 3px 0;font-size:14px;line-height:20px;color:#57606a;vertical-align:top;\
             min-width:80px;max-width:200px;overflow-wrap:break-word\">{label}</td><td style=\"padding:3px 0;font-size:14px;\
             line-height:20px;vertical-align:top;{BREAK}\">{value}</td></tr>"
        )
    };
    let fields = message.fields.iter().map(|field| {
        let value = field.url.as_ref().map_or_else(|| escape(&field.value), |url| link(&field.value, url));
        line(&escape(&field.label), &value)
    });
    let findings = message
        .findings
        .iter()
        .map(|finding| line(&format!("{} {}", finding.status.icon(), escape(&finding.label)), &escape(&finding.text)));
    fields.chain(findings).collect()
}

fn button(text: &str, url: &str, color: &str) -> String {
    format!(
        "<a href=\"{}\" style=\"display:inline-block;margin:4px 8px 0 0;padding:8px 14px;border:1px solid {color};\
         border-radius:6px;color:{color};font-size:14px;font-weight:600;text-decoration:none;{BREAK}\">{}</a>",
        escape(url),
        escape(&shorten(&one_line(text), MAX_BUTTON, chars))
    )
}

#[cfg(test)]
mod tests {
    use super::facts;
    use crate::message::example;

    /// On a narrow screen a column is at least as wide as what may not break in it: a label stays whole.
    #[test]
    fn values_break_anywhere_and_labels_at_spaces_only() {
        let message = example();
        let table = facts(&message);
        let rows: Vec<&str> = table.split("</tr>").filter(|row| !row.is_empty()).collect();
        assert_eq!(rows.len(), message.fields.len() + message.findings.len());
        for row in rows {
            let cells: Vec<&str> =
                row.split("<td style=\"").skip(1).map(|cell| cell.split('"').next().unwrap()).collect();
            let breaks = |style: &str| style.contains("anywhere") || style.contains("word-break");
            assert_eq!(cells.iter().map(|style| breaks(style)).collect::<Vec<_>>(), [false, true], "{row}");
        }
    }
}
