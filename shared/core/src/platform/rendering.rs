//! What a run shows on a CI's own pages, before it is put into any platform's form.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How an annotation stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It makes the run fail.
    Error,
    /// A person should look at it.
    Warning,
    /// Worth knowing.
    Notice,
}

/// What an annotation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A weakness that can be exploited.
    Vulnerability,
    /// Code that should be better.
    CodeSmell,
    /// Code that does not do what it should.
    Bug,
}

/// A remark, at a place in the repository if it has one. All text may come from outside: each platform escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How it stands out.
    pub level: Level,
    /// `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`; any other word is judged by the level.
    pub severity: &'static str,
    /// One line.
    pub title: String,
    /// One or more lines.
    pub message: String,
    /// Relative to the repository's root, with `/`.
    pub path: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// At least `line`.
    pub end_line: Option<u32>,
    /// From 1.
    pub column: Option<u32>,
    /// At least `column`.
    pub end_column: Option<u32>,
    /// Stays the same from run to run.
    pub id: String,
    /// An `https` or `http` URL with more about it.
    pub link: Option<String>,
    /// What it is about.
    pub kind: Kind,
}

/// Annotations that are made one by one whenever they are read, since a run may have very many.
#[derive(Clone)]
pub struct Annotations {
    length: usize,
    at: Arc<dyn Fn(usize) -> Option<Annotation> + Send + Sync>,
}

impl Annotations {
    /// Those that `at` gives for the places from 0 up to `length`.
    pub fn new(length: usize, at: impl Fn(usize) -> Option<Annotation> + Send + Sync + 'static) -> Annotations {
        Annotations { length, at: Arc::new(at) }
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = Annotation> + '_ {
        (0..self.length).filter_map(|place| (self.at)(place))
    }

    /// Each of them changed by `change`.
    pub fn map(self, change: impl Fn(Annotation) -> Annotation + Send + Sync + 'static) -> Annotations {
        Annotations::new(self.length, move |place| (self.at)(place).map(&change))
    }
}

impl From<Vec<Annotation>> for Annotations {
    fn from(annotations: Vec<Annotation>) -> Annotations {
        Annotations::new(annotations.len(), move |place| annotations.get(place).cloned())
    }
}

impl fmt::Debug for Annotations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Annotations {
    fn eq(&self, other: &Annotations) -> bool {
        self.iter().eq(other.iter())
    }
}

/// A figure at the head of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A count or a measure.
    Number(f64),
    /// Plain text.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A span of time.
    Duration(Duration),
    /// A page.
    Link {
        /// What the reader sees.
        text: String,
        /// Its URL.
        href: String,
    },
}

/// A result for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// `security-pipe`.
    pub pipe: String,
    /// Distinguishes several runs of one pipe.
    pub report_name: Option<String>,
    /// `Security`.
    pub title: String,
    /// The verdict is not no.
    pub passed: bool,
    /// It is a judgement of the code, for the pages that a platform has for such: Code Insights, code quality.
    pub about_code: bool,
    /// One paragraph.
    pub details: String,
    /// By label, the most important first.
    pub facts: Vec<(String, Fact)>,
    /// Worst first.
    pub annotations: Annotations,
    /// Markdown in which text from outside is escaped already.
    pub summary_markdown: String,
    /// For later steps, by `lower_snake` name.
    pub outputs: Vec<(String, String)>,
}

impl Rendering {
    /// Identifies the report of this pipe among all others on a commit: `security-pipe`, `security-pipe-api`.
    pub fn key(&self) -> String {
        key(&self.pipe, self.report_name.as_deref())
    }
}

/// [`Rendering::key`] of a pipe's run with this `REPORT_NAME`.
pub(crate) fn key(pipe: &str, report_name: Option<&str>) -> String {
    match report_name {
        Some(name) => format!("{pipe}-{name}"),
        None => pipe.to_owned(),
    }
}

/// The outputs as `SECURITY_PIPE_CRITICAL`: names for platforms on which all variables of a pipeline share one space.
pub(super) fn variables(rendering: &Rendering) -> impl Iterator<Item = (String, &str)> {
    let prefix = upper_snake(&rendering.key());
    rendering.outputs.iter().map(move |(name, value)| (format!("{prefix}_{}", upper_snake(name)), value.as_str()))
}

fn upper_snake(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// At most `max` characters; one that is longer ends in `…`.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
pub(crate) mod example {
    use super::{Annotation, Kind, Level, Rendering};

    pub(crate) fn annotation(number: usize, level: Level) -> Annotation {
        Annotation {
            level,
            severity: "CRITICAL",
            title: format!("title {number}"),
            message: format!("message {number}"),
            path: Some("src/a.rs".to_owned()),
            line: Some(3),
            end_line: None,
            column: None,
            end_column: None,
            id: format!("id-{number}"),
            link: None,
            kind: Kind::Vulnerability,
        }
    }

    pub(crate) fn rendering(annotations: Vec<Annotation>, outputs: &[(&str, &str)]) -> Rendering {
        Rendering {
            pipe: "security-pipe".to_owned(),
            report_name: None,
            title: "Security".to_owned(),
            passed: false,
            about_code: true,
            details: "FAILED 1 critical".to_owned(),
            facts: Vec::new(),
            annotations: annotations.into(),
            summary_markdown: String::new(),
            outputs: outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }
}
