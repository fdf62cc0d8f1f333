//! What is to be said, before any channel puts it into its own form.
//!
//! All text is plain: nothing in it is markup, a mention or a command, whatever it looks like. Channels escape it.

use jiff::Timestamp;
use pipe_core::redact::Redactor;
use serde::Serialize;

use crate::http::tidy;
use crate::mention::Mentions;
use crate::run::Run;
use crate::status::Status;
use crate::text::{Return, one_line, without_controls};

/// One notification.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Message {
    /// One line, without the status's icon.
    pub(crate) title: String,
    pub(crate) status: Status,
    /// What the user wrote; may be empty.
    pub(crate) text: String,
    /// The most important first.
    pub(crate) fields: Vec<Field>,
    /// What the other pipes of this run found, in the order they ran.
    pub(crate) findings: Vec<Finding>,
    /// Pages a reader goes to from here, the most useful first.
    pub(crate) links: Vec<Link>,
    pub(crate) log: Option<Log>,
    pub(crate) mentions: Mentions,
    pub(crate) priority: Priority,
    /// `NOTIFICATION_COLOR`: 24 bits of red, green and blue.
    pub(crate) color: Option<u32>,
    pub(crate) run: Run,
    /// What WEBHOOK_PAYLOAD_TEMPLATE makes of all this, or why it fails. `None` as long as it was not rendered.
    #[serde(skip)]
    pub(crate) payload: Option<Result<String, String>>,
    /// When it was worded, which is later than the end of the run.
    #[serde(skip)]
    pub(crate) worded_at: Timestamp,
}

/// A label and its value, with the page it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) url: Option<String>,
}

/// One pipe's verdict in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// `Security`
    pub(crate) label: String,
    pub(crate) status: Status,
    /// `2 critical, 1 high; gate failed`
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// `View pipeline`
    pub(crate) text: String,
    pub(crate) url: String,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Log {
    /// The file's name.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    Low,
    Normal,
    High,
    Urgent,
}

impl Message {
    /// The title with the status's icon: the one line that is read first.
    pub(crate) fn headline(&self) -> String {
        let urgent = if self.priority == Priority::Urgent { "🚨 " } else { "" };
        format!("{urgent}{} {}", self.status.icon(), self.title)
    }

    /// For a bar or a frame, 24 bits of red, green and blue.
    pub(crate) fn color(&self) -> u32 {
        self.color.unwrap_or(self.status.color())
    }

    /// All of it as lines of plain text: for mail, and for services without structure.
    pub(crate) fn plain(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        if !self.text.is_empty() {
            text.push_str(&format!("\n{}\n", self.text));
        }
        if !self.fields.is_empty() || !self.findings.is_empty() {
            text.push('\n');
        }
        for field in &self.fields {
            let url = field.url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
            text.push_str(&format!("{}: {}{url}\n", field.label, field.value));
        }
        for finding in &self.findings {
            text.push_str(&format!("{} {}: {}\n", finding.status.icon(), finding.label, finding.text));
        }
        if !self.links.is_empty() {
            text.push('\n');
        }
        for link in &self.links {
            text.push_str(&format!("{}: {}\n", link.text, link.url));
        }
        if let Some(log) = &self.log {
            text.push_str(&format!("\n--- {}\n{}\n", log.name, log.text));
        }
        text
    }

    /// Removes control sequences from everything that will be sent, and then this run's secrets, which a control sequence
    /// may have cut in two.
    pub(crate) fn clean(&mut self, redactor: &Redactor) {
        let clean = |text: &mut String| clean_text(text, redactor);
        let line = |text: &mut String| clean_line(text, redactor);
        line(&mut self.title);
        clean(&mut self.text);
        for field in &mut self.fields {
            line(&mut field.label);
            clean(&mut field.value);
            field.url.as_mut().map(line);
        }
        for finding in &mut self.findings {
            line(&mut finding.label);
            clean(&mut finding.text);
        }
        for person in &mut self.mentions.people {
            line(&mut person.name);
        }
        for link in &mut self.links {
            line(&mut link.text);
            line(&mut link.url);
        }
        if let Some(log) = &mut self.log {
            line(&mut log.name);
            clean(&mut log.text);
        }
        self.run.clean(&line);
    }
}

fn clean_text(text: &mut String, redactor: &Redactor) {
    *text = redactor.text(&without_controls(text, Return::EndsLine)).into_owned();
}

/// What [`Message::clean`] does to a text of one line.
pub(crate) fn clean_line(text: &mut String, redactor: &Redactor) {
    clean_text(text, redactor);
    if text.contains('\n') {
        *text = one_line(text);
    }
}

impl Finding {
    /// The job that sends the message failed, and the message is about another run.
    pub(crate) fn of_failed_job() -> Finding {
        Finding { label: "This job".to_owned(), status: Status::Error, text: "failed".to_owned() }
    }
}

impl Field {
    pub(crate) fn new(label: &str, value: impl Into<String>) -> Field {
        Field { label: label.to_owned(), value: value.into(), url: None }
    }

    pub(crate) fn link(label: &str, value: impl Into<String>, url: Option<String>) -> Field {
        Field { label: label.to_owned(), value: value.into(), url: url.as_deref().and_then(tidy) }
    }
}

/// A message with something of everything.
#[cfg(test)]
pub(crate) fn example() -> Message {
    use crate::run::{Person, Pull};
    let url = |path: &str| Some(format!("https://github.com/org/shop/{path}"));
    let run = Run {
        provider: "github".to_owned(),
        repository: Some("org/shop".to_owned()),
        repository_url: Some("https://github.com/org/shop".to_owned()),
        commit: Some("4f2c1aa0b3c14f2c1aa0b3c14f2c1aa0b3c14f2c".to_owned()),
        commit_url: url("commit/4f2c1aa0b3c14f2c1aa0b3c14f2c1aa0b3c14f2c"),
        subject: Some("Fix the <cart> & *total*".to_owned()),
        author: Some(Person { name: "Ada Author".to_owned(), email: "ada@example.com".to_owned() }),
        branch: Some("main".to_owned()),
        tag: None,
        pull_request: Some(Pull {
            id: "41".to_owned(),
            target: Some("main".to_owned()),
            url: url("pull/41"),
            title: Some("Fix totals".to_owned()),
            mark: "#",
        }),
        pipeline: Some("CI".to_owned()),
        has_one_pipeline: false,
        id: Some("1001".to_owned()),
        number: Some("128".to_owned()),
        url: url("actions/runs/1001"),
        actor: Some("ada".to_owned()),
        environment: None,
        started_at: "2026-01-02T03:00:00Z".parse().ok(),
        finished_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        deployment: None,
        unsure: Vec::new(),
    };
    Message {
        title: "org/shop PR 41 succeeded".to_owned(),
        status: Status::Success,
        text: "All \"quoted\"\nand <!channel> 🎉 https://shop.example/x".to_owned(),
        fields: vec![
            Field::new("Branch", "main"),
            Field::link("Commit", "4f2c1aa Fix the <cart> & *total*", run.commit_url.clone()),
            Field::new("Duration", "4 min 5 s"),
        ],
        findings: vec![Finding {
            label: "Security".to_owned(),
            status: Status::Warning,
            text: "2 high; warned: 2 high, none gated".to_owned(),
        }],
        links: vec![Link { text: "View pipeline".to_owned(), url: run.url.clone().unwrap() }],
        log: Some(Log { name: "build.log".to_owned(), text: "line 1\nline 2 <b>".to_owned() }),
        mentions: Mentions::default(),
        priority: Priority::Normal,
        color: None,
        run,
        payload: None,
        worded_at: "2026-01-02T03:04:06Z".parse().unwrap(),
    }
}
