//! Microsoft Teams: an Adaptive Card to the webhook of a workflow.
//!
//! People's words are text runs, which no client reads as Markdown.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::fit::fit;
use super::target::{Channel, ChannelKind, HttpChannel, Target, numbered, urls};
use crate::http::{RequestExt, post_secret};
use crate::message::Message;
use crate::post::{Receipt, Response, Undelivered};
use crate::status::Status;
use crate::text::{and_more, chars, hex_color, last_lines, links, one_line, shorten, utf16};

const TEAMS_WEBHOOK_URL: Var =
    Var::secrets("TEAMS_WEBHOOK_URL", "One or several webhooks of workflows (Power Automate) to send to.")
        .unset("nothing is sent to Teams")
        .example("https://….powerplatform.com/…");
const TEAMS_PAYLOAD: Var = Var::choice("TEAMS_PAYLOAD", &["message", "card"], "Sets what the workflow expects.")
    .values(&[
        ("message", "sends a message with the card attached"),
        ("card", "sends the bare card, for workflows that report \"Property 'type' must be 'AdaptiveCard'\""),
    ])
    .default("message");
const TEAMS_THEME_COLOR: Var = Var::text(
    "TEAMS_THEME_COLOR",
    "The color of the headline, in hexadecimal. Cards have five colors, of which the nearest is used.",
)
.unset("the color of the status is used")
.example("0078D7");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "teams",
    group: Group { title: "Microsoft Teams", vars: &[&TEAMS_WEBHOOK_URL, &TEAMS_PAYLOAD, &TEAMS_THEME_COLOR] },
    needs: &[&TEAMS_WEBHOOK_URL],
    inferred: true,
    from_vars,
};

/// Bytes of a request: a message may have about 28 KB, and is then kept in another encoding.
const MAX_SIZE: usize = 20_000;
const MAX_TITLE: usize = 250;
const MAX_TEXT: usize = 6_000;
const MAX_LINES: usize = 60;
const MAX_FIELDS: usize = 20;
const MAX_VALUE: usize = 300;
const MAX_LOG: usize = 4_000;
const MAX_LOG_LINES: usize = 40;
const MAX_BUTTONS: usize = 5;
const MAX_URL: usize = 2_000;
const MAX_PEOPLE: usize = 20;
/// The longest mail address there is.
const MAX_ACCOUNT: usize = 254;

struct Teams {
    url: SecretString,
    bare: bool,
    color: Option<u32>,
    name: String,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &TEAMS_WEBHOOK_URL);
    let bare = vars.choice(&TEAMS_PAYLOAD) == Some("card");
    let color = vars.text(&TEAMS_THEME_COLOR).and_then(|text| {
        let color = hex_color(text.trim());
        if color.is_none() {
            vars.problem(&TEAMS_THEME_COLOR, "expected a hexadecimal color such as 0078D7");
        }
        color
    });
    let count = urls.len();
    let of = |(index, url)| Box::new(Teams { url, bare, color, name: numbered(index, count) }) as Box<dyn Channel>;
    urls.into_iter().enumerate().map(of).collect()
}

impl Target for Teams {
    fn target(&self) -> String {
        self.name.clone()
    }
}

impl HttpChannel for Teams {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let build = |scale| self.payload(message, scale);
        let payload = fit(MAX_SIZE, build, |payload: &Value| payload.to_string().len());
        Ok(post_secret(&self.url).json_body(&payload))
    }

    /// A workflow answers 202 before it has done anything. The connectors before it answered 200 whatever happened, and
    /// said in the body that it went wrong.
    fn judge(&self, response: &Response) -> Result<Receipt, Undelivered> {
        let body = String::from_utf8_lossy(&response.body);
        if body.contains("delivery failed") {
            return Err(Undelivered::Refused(format!("Teams: {}", shorten(&one_line(&body), 200, chars))));
        }
        Ok(Receipt::default())
    }
}

impl Teams {
    fn payload(&self, message: &Message, scale: usize) -> Value {
        let card = self.card(message, scale);
        if self.bare {
            return card;
        }
        json!({
            "type": "message",
            // What a preview of the message shows. Without it that is "Card".
            "summary": shorten(&one_line(&message.headline()), MAX_TITLE, chars),
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": card,
            }],
        })
    }

    fn card(&self, message: &Message, scale: usize) -> Value {
        let headline = shorten(&one_line(&message.headline()), MAX_TITLE, chars);
        let mut body = vec![json!({
            "type": "Container",
            "style": self.style(message),
            "bleed": true,
            "items": [rich(&[run(&headline, json!({ "weight": "Bolder", "size": "Medium" }))], "Default")],
        })];
        let (mentions, entities) = mentions(message, scale);
        body.extend(mentions);
        let text = shorten(&message.text, MAX_TEXT / scale, chars);
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().take(MAX_LINES / scale.min(MAX_LINES)).enumerate() {
            let spacing = if index == 0 { "Medium" } else { "None" };
            body.push(rich(&linked(line), spacing));
        }
        body.extend(more(lines.len().saturating_sub(MAX_LINES / scale.min(MAX_LINES)), "lines"));
        body.extend(facts(message, scale));
        if let Some(log) = &message.log {
            let end = last_lines(&log.text, MAX_LOG / scale, chars);
            let lines: Vec<&str> = end.lines().collect();
            let bold = json!({ "weight": "Bolder" });
            body.push(rich(&[run(&format!("End of {}", shorten(&log.name, MAX_VALUE, chars)), bold)], "Medium"));
            let first = lines.len().saturating_sub(MAX_LOG_LINES / scale.min(MAX_LOG_LINES));
            let monospace = json!({ "fontType": "Monospace", "size": "Small" });
            body.extend(lines[first..].iter().map(|line| rich(&[run(line, monospace.clone())], "None")));
        }
        let mut card = json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "fallbackText": headline,
            "msteams": { "width": "Full", "entities": entities },
            "body": body,
        });
        let actions = actions(message, scale);
        if !actions.is_empty() {
            card["actions"] = Value::Array(actions);
        }
        card
    }

    fn style(&self, message: &Message) -> &'static str {
        match self.color.or(message.color) {
            Some(color) => nearest(color),
            None => match message.status {
                Status::Success => "good",
                Status::Warning => "warning",
                Status::Error => "attention",
                Status::Info => "accent",
                Status::Cancelled | Status::Finished => "emphasis",
            },
        }
    }
}

/// The style whose colour in Teams is nearest to this one.
fn nearest(color: u32) -> &'static str {
    let styles = [
        ("good", 0x23_7b_4b),
        ("warning", 0xff_aa_44),
        ("attention", 0xc4_31_4b),
        ("accent", 0x00_78_d7),
        ("emphasis", 0x80_80_80),
    ];
    let channels = |color: u32| [16, 8, 0].map(|shift| i64::from(color >> shift & 0xff));
    let distance = |other: u32| -> i64 {
        channels(color).iter().zip(channels(other)).map(|(one, other)| (one - other) * (one - other)).sum()
    };
    styles.into_iter().min_by_key(|(_, other)| distance(*other)).map_or("default", |(style, _)| style)
}

/// People that Teams can mention: those with an id or an e-mail address, which is their account's name.
fn mentions(message: &Message, scale: usize) -> (Option<Value>, Vec<Value>) {
    let mut words = Vec::new();
    let mut entities = Vec::new();
    for person in &message.mentions.people {
        let name: String = person.name.chars().filter(|c| !"<>&".contains(*c) && !c.is_control()).collect();
        let name = shorten(&name, 60, chars);
        let id = person.id("teams", |_| false).or_else(|| person.email.clone());
        let is_account = |id: &String| id.len() <= MAX_ACCOUNT && !id.contains(char::is_control);
        let Some(id) = id.filter(is_account).filter(|_| !name.trim().is_empty()) else { continue };
        if words.len() == MAX_PEOPLE / scale.min(4) {
            break;
        }
        let text = format!("<at>{name}</at>");
        entities.push(json!({ "type": "mention", "text": text, "mentioned": { "id": id, "name": name } }));
        words.push(text);
    }
    let block = (!words.is_empty()).then(|| json!({ "type": "TextBlock", "text": words.join(" "), "wrap": true }));
    (block, entities)
}

fn rich(inlines: &[Value], spacing: &str) -> Value {
    json!({ "type": "RichTextBlock", "spacing": spacing, "inlines": inlines })
}

/// A run is never empty: clients leave such a one out, and with it the line.
fn run(text: &str, looks: Value) -> Value {
    let mut run = looks;
    run["type"] = json!("TextRun");
    run["text"] = json!(if text.is_empty() { " " } else { text });
    run
}

fn opens(text: &str, url: &str) -> Value {
    run(text, json!({ "color": "Accent", "selectAction": { "type": "Action.OpenUrl", "url": url } }))
}

fn linked(line: &str) -> Vec<Value> {
    let mut inlines = Vec::new();
    let mut from = 0;
    for (range, url) in links(line) {
        if range.start > from {
            inlines.push(run(&line[from..range.start], json!({})));
        }
        from = range.end;
        inlines.push(opens(&line[range], &url));
    }
    if from < line.len() || inlines.is_empty() {
        inlines.push(run(&line[from..], json!({})));
    }
    inlines
}

fn facts(message: &Message, scale: usize) -> Vec<Value> {
    let count = MAX_FIELDS / scale.min(MAX_FIELDS);
    let value = MAX_VALUE / scale.min(8);
    let label = |text: &str| run(&format!("{}  ", shorten(&one_line(text), 60, chars)), json!({ "weight": "Bolder" }));
    let fields = message.fields.iter().map(|field| {
        let text = shorten(&one_line(&field.value), value, chars);
        let shown = match &field.url {
            Some(url) if url.len() <= MAX_URL / scale.min(8) => opens(&text, url),
            _ => run(&text, json!({})),
        };
        vec![label(&field.label), shown]
    });
    let findings = message.findings.iter().map(|finding| {
        let text = shorten(&one_line(&finding.text), value, chars);
        vec![label(&format!("{} {}", finding.status.icon(), finding.label)), run(&text, json!({}))]
    });
    let all: Vec<Vec<Value>> = fields.chain(findings).collect();
    let spacing = |index| if index == 0 { "Medium" } else { "None" };
    let mut blocks: Vec<Value> =
        all.iter().take(count).enumerate().map(|(index, inlines)| rich(inlines, spacing(index))).collect();
    blocks.extend(more(all.len().saturating_sub(count), "facts"));
    blocks
}

fn more(count: usize, what: &str) -> Option<Value> {
    let text = format!("{} {what}", and_more(count));
    (count > 0).then(|| rich(&[run(&text, json!({ "isSubtle": true }))], "None"))
}

fn actions(message: &Message, scale: usize) -> Vec<Value> {
    let usable =
        message.links.iter().filter(|link| link.url.len() <= MAX_URL / scale.min(4) && !link.text.trim().is_empty());
    usable
        .take(MAX_BUTTONS)
        .map(|link| {
            let title = shorten(&one_line(&link.text), 60, utf16);
            json!({ "type": "Action.OpenUrl", "title": title, "url": link.url })
        })
        .collect()
}
