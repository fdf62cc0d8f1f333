//! JUnit XML, as Jenkins' schema has it (`junit-10.xsd` of its xUnit plugin), which Bitbucket and GitLab read too.
//!
//! A test suite is a scan and a test case a finding: it fails where the finding fails the gate and counts as skipped
//! where it doesn't. A scan without findings is one test that passed; one that could not be done is an error, so that
//! a broken scan is never green.

use std::fmt::Write;

use crate::finding::Finding;
use crate::output::{Run, ScanStatus, text};
use pipe_packages::sbom::utc;

pub(crate) fn junit(run: &Run<'_>) -> Vec<u8> {
    let mut suites: Vec<Suite<'_>> = run
        .scans
        .iter()
        .map(|scan| {
            let suite = Suite::new(scan.name, scan.seconds);
            let outcome = match scan.status {
                ScanStatus::Ran => None,
                ScanStatus::Skipped => {
                    Some(Case::new(scan.name, "scan", Outcome::Skipped(scan.detail.to_owned(), String::new())))
                }
                ScanStatus::Failed => Some(Case::new(scan.name, "scan", Outcome::Error(scan.detail.to_owned()))),
            };
            Suite { cases: outcome.into_iter().collect(), ..suite }
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
        suite.cases.push(Case::new(suite.name, "no findings", Outcome::Passed));
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
    outcome: Outcome,
}

enum Outcome {
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

    fn count(&self, is_one: fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|case| is_one(&case.outcome)).count()
    }
}

impl Case {
    fn new(class: &str, name: &str, outcome: Outcome) -> Case {
        Case { class: class.to_owned(), name: name.to_owned(), outcome }
    }
}

fn case(finding: &Finding) -> Case {
    let location = &finding.location;
    let what = match &finding.package {
        Some(_) => format!("{} {}", finding.subject(), text::names(finding)),
        None => finding.subject(),
    };
    let name = format!("{what} at {}:{}", location.path, location.line);
    let short = format!("{} {}", finding.severity_word(), text::message(finding));
    let mut full = format!("{}\n{}\n{}", text::standing(finding), finding.severity_source, text::remedy(finding));
    if let Some(url) = &finding.url {
        full.push('\n');
        full.push_str(url);
    }
    let outcome = match finding.fails() {
        true => Outcome::Failed(short, full),
        false => Outcome::Skipped(format!("{short} {}", text::standing(finding)), full),
    };
    // One class a file, so that readers group by it.
    Case { class: format!("{}.{}", finding.scanner, location.path), name, outcome }
}

fn write(run: &Run<'_>, suites: &[Suite<'_>]) -> String {
    const FAILED: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Failed(..));
    const SKIPPED: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Skipped(..));
    const ERROR: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Error(_));
    let total = |is_one: fn(&Outcome) -> bool| suites.iter().map(|suite| suite.count(is_one)).sum::<usize>();
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
            let _ = match &case.outcome {
                Outcome::Passed => writeln!(xml, "/>"),
                Outcome::Failed(short, full) => child(&mut xml, "failure", short, full),
                Outcome::Skipped(short, full) => child(&mut xml, "skipped", short, full),
                Outcome::Error(why) => child(&mut xml, "error", why, ""),
            };
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn child(xml: &mut String, element: &str, short: &str, full: &str) -> std::fmt::Result {
    let (short, full) = (attribute(&text::short(short, 1000)), content(full));
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
