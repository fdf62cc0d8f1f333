//! What each service takes, as its documentation says it: docs/notify and the reference of each API.

use serde_json::Value;

use super::markup;
use crate::message::Message;

type Judged = Result<(), String>;

pub(super) fn judge(kind: &str, body: &Value, message: &Message) -> Judged {
    match kind {
        "slack" => slack(body),
        "teams" => teams(body),
        "discord" => discord(body),
        "mattermost" => mattermost(body),
        "google-chat" => google_chat(body),
        "telegram" => telegram(body),
        "email" => email(body),
        "pagerduty" => pagerduty(body),
        "jsm" => jsm(body),
        "webhook" => same("message", &body["message"], &message.text),
        "github" => github(body),
        "bitbucket" => bitbucket(body),
        "cdevents" => cdevents(body),
        "otlp" => otlp(body),
        "datadog" => datadog(body),
        "pushgateway" => pushgateway(body),
        "metrics" => same("status", &body["status"], message.status.name()),
        other => Err(format!("{other} has no judge")),
    }
}

fn same(what: &str, value: &Value, expected: &str) -> Judged {
    if value == expected { Ok(()) } else { Err(format!("{what} is not what was said")) }
}

fn wide(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text that is there, says something a reader can see, and is at most `max` UTF-16 units long.
fn said(what: &str, value: &Value, max: usize) -> Judged {
    let Some(text) = value.as_str() else { return Err(format!("{what} is no text: {value}")) };
    if text.trim().is_empty() {
        return Err(format!("{what} is blank"));
    }
    at_most(what, wide(text), max)
}

fn at_most(what: &str, length: usize, max: usize) -> Judged {
    if length <= max { Ok(()) } else { Err(format!("{what} has {length}, at most {max} are taken")) }
}

/// A web address of characters that addresses have.
fn address(what: &str, value: &Value, max: usize) -> Judged {
    let url = value.as_str().unwrap_or_default();
    at_most(what, url.len(), max)?;
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    if plain && host.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(format!("{what} is {url:?}"))
    }
}

fn items<'a>(what: &str, value: &'a Value, max: usize) -> Result<&'a [Value], String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    at_most(what, items.len(), max)?;
    Ok(items)
}

fn slack(body: &Value) -> Judged {
    said("text", &body["text"], 4_000)?;
    let mut total = 0;
    let mut count = 0;
    let attached = items("attachments", &body["attachments"], 20)?;
    for blocks in [&body["blocks"]].into_iter().chain(attached.iter().map(|attachment| &attachment["blocks"])) {
        for block in items("blocks", blocks, 50)? {
            count += 1;
            total += slack_block(block)?;
        }
    }
    at_most("all blocks", count, 50)?;
    at_most("the text of all blocks", total, 13_200)
}

/// Says how much text is in it.
fn slack_block(block: &Value) -> Result<usize, String> {
    match block["type"].as_str() {
        Some("header") => {
            said("header", &block["text"]["text"], 150)?;
            Ok(wide(block["text"]["text"].as_str().unwrap_or_default()))
        }
        Some("rich_text") => {
            let sections = block["elements"].as_array().ok_or("rich text without elements")?;
            let elements = sections.iter().flat_map(|section| section["elements"].as_array().into_iter().flatten());
            elements.map(slack_element).sum()
        }
        Some("actions") => {
            let buttons = items("buttons", &block["elements"], 25)?;
            for button in buttons {
                said("button", &button["text"]["text"], 75)?;
                address("button", &button["url"], 3_000)?;
            }
            if buttons.is_empty() { Err("actions without a button".to_owned()) } else { Ok(0) }
        }
        other => Err(format!("a block of type {other:?}")),
    }
}

fn slack_element(element: &Value) -> Result<usize, String> {
    let text = element["text"].as_str();
    match element["type"].as_str() {
        Some("text") if text.is_some_and(|text| !text.is_empty()) => Ok(text.map_or(0, wide)),
        Some("link") if text != Some("") => {
            address("link", &element["url"], 3_000)?;
            Ok(wide(text.or(element["url"].as_str()).unwrap_or_default()))
        }
        Some("user") if element["user_id"].as_str().is_some_and(|id| id.bytes().all(|b| b.is_ascii_alphanumeric())) => {
            Ok(0)
        }
        Some("broadcast") => Ok(0),
        _ => Err(format!("the element {element}")),
    }
}

fn teams(body: &Value) -> Judged {
    // 28 KB are taken, in an encoding of the service's own; we promise 20,000 bytes.
    at_most("the request", body.to_string().len(), 20_000)?;
    let card = &body["attachments"][0]["content"];
    for block in items("card", &card["body"], 300)? {
        let blocks = match block["type"].as_str() {
            Some("Container") => block["items"].as_array().map(Vec::as_slice).unwrap_or_default(),
            _ => std::slice::from_ref(block),
        };
        for block in blocks {
            match block["type"].as_str() {
                // Markdown is read in it, so it must hold mentions only.
                Some("TextBlock") => said("mentions", &block["text"], 5_000)?,
                Some("RichTextBlock") => {
                    for run in items("runs", &block["inlines"], 1_000)? {
                        if run["text"].as_str().is_none_or(str::is_empty) {
                            return Err("an empty run".to_owned());
                        }
                        if run["selectAction"] != Value::Null {
                            address("link", &run["selectAction"]["url"], 3_000)?;
                        }
                    }
                }
                other => return Err(format!("a block of type {other:?}")),
            }
        }
    }
    for action in items("actions", &card["actions"], 6)? {
        said("button", &action["title"], 100)?;
        address("button", &action["url"], 2_000)?;
    }
    Ok(())
}

fn discord(body: &Value) -> Judged {
    said("username", &body["username"], 80)?;
    at_most("content", wide(body["content"].as_str().unwrap_or_default()), 2_000)?;
    items("allowed users", &body["allowed_mentions"]["users"], 100)?;
    let mut total = 0;
    for embed in items("embeds", &body["embeds"], 10)? {
        said("title", &embed["title"], 256)?;
        total += wide(embed["title"].as_str().unwrap_or_default());
        if embed["description"] != Value::Null {
            said("description", &embed["description"], 4_096)?;
            total += wide(embed["description"].as_str().unwrap_or_default());
        }
        if embed["url"] != Value::Null {
            address("embed", &embed["url"], 2_048)?;
        }
        for field in items("fields", &embed["fields"], 25)? {
            said("name", &field["name"], 256)?;
            said("value", &field["value"], 1_024)?;
            total += wide(field["name"].as_str().unwrap_or_default());
            total += wide(field["value"].as_str().unwrap_or_default());
        }
    }
    at_most("all embeds", total, 6_000)
}

fn mattermost(body: &Value) -> Judged {
    at_most("the post", body.to_string().chars().count(), 16_383)?;
    for attachment in items("attachments", &body["attachments"], 10)? {
        said("title", &attachment["title"], 1_024)?;
        if attachment["title_link"] != Value::Null {
            address("title", &attachment["title_link"], 2_048)?;
        }
        for field in items("fields", &attachment["fields"], 100)? {
            said("field", &field["title"], 1_024)?;
            said("field", &field["value"], 4_096)?;
        }
    }
    Ok(())
}

fn google_chat(body: &Value) -> Judged {
    at_most("the message", body.to_string().len(), 32_000)?;
    let card = &body["cardsV2"][0]["card"];
    said("title", &card["header"]["title"], 1_000)?;
    let widgets = card["sections"][0]["widgets"].as_array().filter(|widgets| !widgets.is_empty());
    for widget in widgets.ok_or("a section without widgets")? {
        let known = ["a", "b", "br"];
        if let Some(text) = widget["textParagraph"]["text"].as_str() {
            markup::text(text, &known)?;
        } else if let Some(text) = widget["decoratedText"]["text"].as_str() {
            markup::text(text, &known)?;
            said("fact", &widget["decoratedText"]["text"], 10_000)?;
            said("label", &widget["decoratedText"]["topLabel"], 1_000)?;
            if widget["decoratedText"]["onClick"] != Value::Null {
                address("fact", &widget["decoratedText"]["onClick"]["openLink"]["url"], 2_048)?;
            }
        } else {
            for button in items("buttons", &widget["buttonList"]["buttons"], 100)? {
                said("button", &button["text"], 200)?;
                address("button", &button["onClick"]["openLink"]["url"], 2_048)?;
            }
        }
    }
    Ok(())
}

fn telegram(body: &Value) -> Judged {
    let html = body["text"].as_str().unwrap_or_default();
    let text = markup::text(html, &["a", "b", "pre"])?;
    said("text", &Value::from(text), 4_096)?;
    for row in items("buttons", &body["reply_markup"]["inline_keyboard"], 100)? {
        said("button", &row[0]["text"], 64)?;
        address("button", &row[0]["url"], 2_048)?;
    }
    Ok(())
}

fn email(mail: &Value) -> Judged {
    let subject = mail["subject"].as_str().unwrap_or_default();
    said("subject", &mail["subject"], 400)?;
    if subject.contains(['\r', '\n']) {
        return Err("a subject of several lines".to_owned());
    }
    let html = mail["html"].as_str().unwrap_or_default();
    let html = html.strip_prefix("<!DOCTYPE html>").ok_or("HTML without its type")?;
    let known =
        ["html", "head", "meta", "h1", "title", "body", "table", "tr", "td", "p", "pre", "a", "br", "span", "div"];
    markup::text(html, &known)?;
    at_most("the mail", html.len() + mail["text"].as_str().unwrap_or_default().len(), 10_000_000)
}

fn pagerduty(body: &Value) -> Judged {
    at_most("the event", body.to_string().len(), 512_000)?;
    if body["dedup_key"] != Value::Null {
        said("dedup_key", &body["dedup_key"], 255)?;
    }
    if body["event_action"] == "resolve" {
        return Ok(());
    }
    said("summary", &body["payload"]["summary"], 1_024)?;
    said("source", &body["payload"]["source"], 1_024)?;
    for link in items("links", &body["links"], 50)? {
        address("link", &link["href"], 3_000)?;
        said("link", &link["text"], 1_024)?;
    }
    Ok(())
}

fn jsm(body: &Value) -> Judged {
    let length = |key: &str| wide(body[key].as_str().unwrap_or_default());
    at_most("note", length("note"), 25_000)?;
    at_most("source", length("source"), 100)?;
    if body["note"] != Value::Null {
        return Ok(());
    }
    said("message", &body["message"], 130)?;
    said("alias", &body["alias"], 512)?;
    said("description", &body["description"], 15_000)?;
    let details = body["details"].as_object().ok_or("no details")?;
    let total = details.iter().map(|(key, value)| wide(key) + value.as_str().map_or(usize::MAX / 1_000, wide)).sum();
    at_most("details", total, 8_000)
}

fn github(body: &Value) -> Judged {
    said("description", &body["description"], 140)?;
    for key in ["target_url", "log_url"] {
        if body[key] != Value::Null {
            address(key, &body[key], 3_000)?;
        }
    }
    if body["state"] == Value::Null { said("environment", &body["environment"], 255) } else { Ok(()) }
}

fn bitbucket(body: &Value) -> Judged {
    said("key", &body["key"], 40)?;
    said("name", &body["name"], 255)?;
    at_most("description", wide(body["description"].as_str().unwrap_or_default()), 255)?;
    address("url", &body["url"], 3_000)
}

fn cdevents(body: &Value) -> Judged {
    for what in [&body["context"]["source"], &body["subject"]["source"]] {
        // It is a header as well, and has to be a URI reference.
        let source = what.as_str().unwrap_or_default();
        let plain = source.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        if source.is_empty() || !plain {
            return Err(format!("the source {source:?}"));
        }
    }
    said("id", &body["subject"]["id"], usize::MAX)?;
    let content = &body["subject"]["content"];
    if body["subject"]["type"] == "service" {
        let artifact = content["artifactId"].as_str().unwrap_or_default();
        if !artifact.starts_with("pkg:") || !artifact.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("the artifact {artifact:?}"));
        }
        said("environment", &content["environment"]["id"], usize::MAX)?;
    }
    Ok(())
}

fn otlp(body: &Value) -> Judged {
    let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let hex = |value: &Value, digits: usize| {
        let text = value.as_str().unwrap_or_default();
        text.len() == digits
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            && text.bytes().any(|byte| byte != b'0')
    };
    if *span != Value::Null {
        return match hex(&span["traceId"], 32) && hex(&span["spanId"], 16) {
            true => said("span", &span["name"], usize::MAX),
            false => Err("no ids".to_owned()),
        };
    }
    let metrics = items("metrics", &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"], 10)?;
    let point = &metrics.first().ok_or("neither spans nor metrics")?["histogram"]["dataPoints"][0];
    let of = |key: &str| point[key].as_array().map_or(0, Vec::len);
    if of("bucketCounts") == of("explicitBounds") + 1 { Ok(()) } else { Err("buckets without bounds".to_owned()) }
}

fn datadog(body: &Value) -> Judged {
    let attributes = &body["data"]["attributes"];
    said("service", &attributes["service"], usize::MAX)?;
    let time = |key: &str| attributes[key].as_i64().filter(|time| *time > 1_000_000_000_000_000_000);
    if time("started_at").ok_or("no start")? <= time("finished_at").ok_or("no end")? {
        Ok(())
    } else {
        Err("it ended before it began".to_owned())
    }
}

/// The text format: `name value` after `# HELP` and `# TYPE`.
fn pushgateway(body: &Value) -> Judged {
    let text = body.as_str().ok_or("no text")?;
    let mut samples = 0;
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (name, value) = line.split_once(' ').ok_or_else(|| format!("the line {line:?}"))?;
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !plain || value.parse::<f64>().is_err() {
            return Err(format!("the line {line:?}"));
        }
        samples += 1;
    }
    if samples > 0 && text.ends_with('\n') { Ok(()) } else { Err("no samples".to_owned()) }
}
