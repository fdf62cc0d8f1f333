//! JUnit XML, as Jenkins' schema has it (`junit-10.xsd` of its xUnit plugin), which Bitbucket and GitLab read too.
//!
//! A test suite is a scan and a test case a finding: it fails where the finding fails the gate and counts as skipped
//! if it doesn't. A scan without findings is one test that passed; one that could not be done is an error, so that
//! a broken scan is never green.

use std::io;

use pipe_core::report::StepStatus;

use crate::finding::{Finding, Kind};
use crate::output::{Run, text};
use pipe_packages::sbom::utc;

/// Hands the document to `write`, a test case at a time, since there may be many.
///
/// # Errors
/// Those of `write`.
pub(crate) fn junit(run: &Run<'_>, write: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let suites = suites(run);
    let total = |count: fn(&Suite<'_>) -> usize| suites.iter().map(count).sum::<usize>();
    let seconds: f64 = suites.iter().map(|suite| suite.seconds).sum();
    let name = match run.report_name {
        Some(name) => format!("security-pipe {name}"),
        None => "security-pipe".to_owned(),
    };
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">\n",
        attribute(&name),
        total(|suite| suite.tests),
        total(|suite| suite.failed),
        total(|suite| suite.errors),
        time(seconds)
    );
    write(head.as_bytes())?;
    let started = utc(run.started_at);
    let timestamp = started.map(|utc| format!(r#" timestamp="{}""#, utc.trim_end_matches('Z'))).unwrap_or_default();
    for suite in &suites {
        let Suite { name, tests, failed, errors, skipped, .. } = suite;
        let head = format!(
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{skipped}\" \
             time=\"{}\"{timestamp}>\n",
            attribute(name),
            time(suite.seconds)
        );
        write(head.as_bytes())?;
        if let Some(case) = &suite.own {
            write(case.xml().as_bytes())?;
        }
        for finding in run.findings.iter().filter(|finding| finding.scanner == *name) {
            write(case(finding).xml().as_bytes())?;
        }
        write(b"  </testsuite>\n")?;
    }
    write(b"</testsuites>\n")
}

/// A scan, and what its test cases come to.
struct Suite<'a> {
    name: &'a str,
    seconds: f64,
    /// The test case of the scan itself.
    own: Option<Case>,
    tests: usize,
    failed: usize,
    errors: usize,
    skipped: usize,
}

struct Case {
    class: String,
    name: String,
    result: Result,
}

enum Result {
    Passed,
    /// In a word or two, and in full.
    Failed(String, String),
    Skipped(String, String),
    Error(String),
}

fn suites<'a>(run: &Run<'a>) -> Vec<Suite<'a>> {
    let mut suites: Vec<Suite<'_>> = run
        .outcomes
        .iter()
        .map(|scan| {
            let mut suite = Suite::new(scan.name, scan.elapsed.as_secs_f64());
            match scan.status {
                StepStatus::Ran => {}
                StepStatus::Skipped => suite.add("scan", Result::Skipped(scan.detail.clone(), String::new())),
                StepStatus::Failed => suite.add("scan", Result::Error(scan.detail.clone())),
            }
            suite
        })
        .collect();
    for finding in run.findings.iter() {
        let index = suites.iter().position(|suite| suite.name == finding.scanner).unwrap_or_else(|| {
            suites.push(Suite::new(finding.scanner, 0.0));
            suites.len() - 1
        });
        if let Some(suite) = suites.get_mut(index) {
            suite.tests += 1;
            match finding.fails() {
                true => suite.failed += 1,
                false => suite.skipped += 1,
            }
        }
    }
    for suite in suites.iter_mut().filter(|suite| suite.tests == 0) {
        suite.add("no findings", Result::Passed);
    }
    suites
}

impl<'a> Suite<'a> {
    fn new(name: &'a str, seconds: f64) -> Suite<'a> {
        Suite { name, seconds, own: None, tests: 0, failed: 0, errors: 0, skipped: 0 }
    }

    /// Adds the test case of the scan itself.
    fn add(&mut self, name: &str, result: Result) {
        self.tests += 1;
        match result {
            Result::Passed => {}
            Result::Failed(..) => self.failed += 1,
            Result::Skipped(..) => self.skipped += 1,
            Result::Error(_) => self.errors += 1,
        }
        self.own = Some(Case { class: self.name.to_owned(), name: name.to_owned(), result });
    }
}

fn case(finding: &Finding) -> Case {
    let what = match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) => format!("{} {}", finding.subject(), finding.names()),
        Kind::Secret { .. } | Kind::Misconfiguration => finding.subject(),
    };
    let name = format!("{what} at {}", finding.location.shown());
    let short = format!("{} {}", finding.rating().as_str(), text::message(finding));
    let mut full = format!("{}\n{}\n{}", text::standing(finding), finding.severity_source, finding.remedy().text);
    if let Some(url) = &finding.rule.link {
        full.push('\n');
        full.push_str(url);
    }
    let result = match finding.fails() {
        true => Result::Failed(short, full),
        false => Result::Skipped(format!("{short} {}", text::standing(finding)), full),
    };
    // One class a file, so that readers group by it.
    Case { class: format!("{}.{}", finding.scanner, finding.location.path), name, result }
}

impl Case {
    fn xml(&self) -> String {
        let (class, name) = (attribute(&self.class), attribute(&self.name));
        let rest = match &self.result {
            Result::Passed => "/>\n".to_owned(),
            Result::Failed(short, full) => child("failure", short, full),
            Result::Skipped(short, full) => child("skipped", short, full),
            Result::Error(why) => child("error", why, ""),
        };
        format!(r#"    <testcase classname="{class}" name="{name}"{rest}"#)
    }
}

fn child(element: &str, short: &str, full: &str) -> String {
    let (short, full) = (attribute(&crate::words::short(short, 1000)), content(full));
    format!(">\n      <{element} message=\"{short}\">{full}</{element}>\n    </testcase>\n")
}

/// Seconds with three decimals, the schema's most.
fn time(seconds: f64) -> String {
    // A sum over nothing is -0.0, which the schema refuses.
    let seconds = if seconds.is_finite() && seconds > 0.0 { seconds.min(999_999.0) } else { 0.0 };
    format!("{seconds:.3}")
}

/// Text of an attribute: line ends and tabs are kept as references, since a reader turns them into spaces.
fn attribute(text: &str) -> String {
    escaped(text, |c| match c {
        '\n' => Some("&#10;"),
        '\t' => Some("&#9;"),
        c => reference(c),
    })
}

/// Text between tags.
fn content(text: &str) -> String {
    escaped(text, reference)
}

/// What stands for a character that can't stand for itself. What XML 1.0 (section 2.2) can't hold in any form is
/// replaced.
fn reference(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\r' => Some("&#13;"),
        '\t' | '\n' => None,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => Some("\u{fffd}"),
        _ => None,
    }
}

fn escaped(text: &str, reference: impl Fn(char) -> Option<&'static str>) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    // Every character with a reference begins with one of these bytes.
    let special = |byte: u8| !matches!(byte, b' '..=b'~') || matches!(byte, b'&' | b'<' | b'>' | b'"');
    while let Some(at) = rest.bytes().position(special) {
        let (before, found) = rest.split_at(at);
        let c = found.chars().next().unwrap_or_default();
        let (c, after) = found.split_at(c.len_utf8());
        escaped.push_str(before);
        escaped.push_str(c.chars().next().and_then(&reference).unwrap_or(c));
        rest = after;
    }
    escaped.push_str(rest);
    escaped
}
