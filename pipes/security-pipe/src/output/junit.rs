//! JUnit XML, as Jenkins' schema has it (`junit-10.xsd` of its xUnit plugin), which Bitbucket and GitLab read too.
//!
//! A test suite is a scan and a test case a finding: it fails where the finding fails the gate and counts as skipped
//! if it doesn't. A scan without findings is one test that passed; one that could not be done is an error, so that
//! a broken scan is never green.

use std::fmt::Write;

use pipe_core::report::StepStatus;

use crate::finding::{Finding, Kind};
use crate::output::{Run, text};
use pipe_packages::sbom::utc;

pub(crate) fn junit(run: &Run<'_>) -> Vec<u8> {
    let mut suites: Vec<Suite<'_>> = run
        .outcomes
        .iter()
        .map(|scan| {
            let suite = Suite::new(scan.name, scan.elapsed.as_secs_f64());
            let result = match scan.status {
                StepStatus::Ran => None,
                StepStatus::Skipped => Some(Result::Skipped(scan.detail.clone(), String::new())),
                StepStatus::Failed => Some(Result::Error(scan.detail.clone())),
            };
            Suite { cases: result.map(|result| Case::new(scan.name, "scan", result)).into_iter().collect(), ..suite }
        })
        .collect();
    for finding in run.findings {
        let index = suites.iter().position(|suite| suite.name == finding.scanner).unwrap_or_else(|| {
            suites.push(Suite::new(finding.scanner, 0.0));
            suites.len() - 1
        });
        if let Some(suite) = suites.get_mut(index) {
            suite.cases.push(case(finding));
        }
    }
    for suite in suites.iter_mut().filter(|suite| suite.cases.is_empty()) {
        suite.cases.push(Case::new(suite.name, "no findings", Result::Passed));
    }
    write(run, &suites).into_bytes()
}

struct Suite<'a> {
    name: &'a str,
    seconds: f64,
    cases: Vec<Case>,
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

impl<'a> Suite<'a> {
    fn new(name: &'a str, seconds: f64) -> Suite<'a> {
        Suite { name, seconds, cases: Vec::new() }
    }

    fn count(&self, is_one: fn(&Result) -> bool) -> usize {
        self.cases.iter().filter(|case| is_one(&case.result)).count()
    }
}

impl Case {
    fn new(class: &str, name: &str, result: Result) -> Case {
        Case { class: class.to_owned(), name: name.to_owned(), result }
    }
}

fn case(finding: &Finding) -> Case {
    let what = match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) => format!("{} {}", finding.subject(), finding.names()),
        Kind::Secret { .. } | Kind::Misconfiguration => finding.subject(),
    };
    let name = format!("{what} at {}", finding.location.shown());
    let short = format!("{} {}", finding.rating().as_str(), text::message(finding));
    let mut full = format!("{}\n{}\n{}", text::standing(finding), finding.severity_source, finding.remedy.text);
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

fn write(run: &Run<'_>, suites: &[Suite<'_>]) -> String {
    const FAILED: fn(&Result) -> bool = |outcome| matches!(outcome, Result::Failed(..));
    const SKIPPED: fn(&Result) -> bool = |outcome| matches!(outcome, Result::Skipped(..));
    const ERROR: fn(&Result) -> bool = |outcome| matches!(outcome, Result::Error(_));
    let total = |is_one: fn(&Result) -> bool| suites.iter().map(|suite| suite.count(is_one)).sum::<usize>();
    let seconds: f64 = suites.iter().map(|suite| suite.seconds).sum();
    let name = match run.report_name {
        Some(name) => format!("security-pipe {name}"),
        None => "security-pipe".to_owned(),
    };
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string can't fail; the same holds below.
    let _ = writeln!(
        xml,
        r#"<testsuites name="{}" tests="{}" failures="{}" errors="{}" time="{}">"#,
        attribute(&name),
        total(|_| true),
        total(FAILED),
        total(ERROR),
        time(seconds)
    );
    let started = utc(run.started_at);
    let timestamp = started.map(|utc| format!(r#" timestamp="{}""#, utc.trim_end_matches('Z'))).unwrap_or_default();
    for suite in suites {
        let _ = writeln!(
            xml,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="{}" time="{}"{timestamp}>"#,
            attribute(suite.name),
            suite.cases.len(),
            suite.count(FAILED),
            suite.count(ERROR),
            suite.count(SKIPPED),
            time(suite.seconds)
        );
        for case in &suite.cases {
            let (class, name) = (attribute(&case.class), attribute(&case.name));
            let _ = write!(xml, r#"    <testcase classname="{class}" name="{name}""#);
            let _ = match &case.result {
                Result::Passed => writeln!(xml, "/>"),
                Result::Failed(short, full) => child(&mut xml, "failure", short, full),
                Result::Skipped(short, full) => child(&mut xml, "skipped", short, full),
                Result::Error(why) => child(&mut xml, "error", why, ""),
            };
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn child(xml: &mut String, element: &str, short: &str, full: &str) -> std::fmt::Result {
    let (short, full) = (attribute(&crate::words::short(short, 1000)), content(full));
    writeln!(xml, ">\n      <{element} message=\"{short}\">{full}</{element}>\n    </testcase>")
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
