//! What the CI's own pages show of a run.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::exit::Verdict;
use pipe_core::platform::rendering::{Annotation, Annotations, Fact, Kind as AnnotationKind, Level, Rendering};

use crate::finding::{Finding, Kind};
use crate::output::Run;

/// `findings` are those of the run.
pub(crate) fn rendering(
    run: &Run<'_>,
    findings: Arc<Vec<Finding>>,
    summary_markdown: String,
    ctx: &Context,
) -> Rendering {
    let counts = run.counts;
    let verdict = run.ending.verdict();
    let facts = [
        ("Critical", counts.critical),
        ("High", counts.high),
        ("Medium", counts.medium),
        ("Low", counts.low),
        ("Unscored", counts.unscored),
        ("Known", counts.known),
        ("Ignored", counts.ignored),
        ("Failing the gate", counts.failing),
    ];
    let outputs = [
        ("critical", counts.critical),
        ("high", counts.high),
        ("medium", counts.medium),
        ("low", counts.low),
        ("unscored", counts.unscored),
        ("failing", counts.failing),
    ];
    Rendering {
        pipe: ctx.spec.name.to_owned(),
        report_name: ctx.report_name.clone(),
        title: "Security".to_owned(),
        about_code: true,
        passed: matches!(verdict, Verdict::Passed | Verdict::Warned | Verdict::Skipped),
        details: format!("{} {}", verdict.headline(), run.ending.reason()),
        facts: facts.into_iter().map(|(name, count)| (name.to_owned(), Fact::Number(count as f64))).collect(),
        annotations: Annotations::new(findings.len(), move |place| {
            findings.get(place).filter(|finding| finding.is_open()).map(annotation)
        }),
        summary_markdown,
        outputs: outputs.into_iter().map(|(name, count)| (name.to_owned(), count.to_string())).collect(),
    }
}

fn annotation(finding: &Finding) -> Annotation {
    let (title, clause) = (&finding.rule.title, finding.remedy().clause);
    let message = match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) => format!("{}: {title} ({clause})", finding.subject()),
        Kind::Secret { .. } | Kind::Misconfiguration => format!("{title}: {clause}"),
    };
    let (location, span) = (&finding.location, &finding.location.span);
    // A platform can only link to files of the checkout; the others are named in words.
    let path = location.checkout_path().map(str::to_owned);
    let place = if path.is_some() { String::new() } else { format!("{}: ", location.shown()) };
    Annotation {
        level: if finding.fails() { Level::Error } else { Level::Warning },
        severity: finding.rating().as_str(),
        title: format!("{} {}", finding.rating().as_str(), finding.rule.id),
        message: format!("{place}{message}"),
        line: path.is_some().then_some(span.line),
        path,
        end_line: span.end_line,
        column: span.column,
        end_column: span.end_column,
        id: finding.fingerprint.clone(),
        link: finding.rule.link.clone(),
        kind: AnnotationKind::Vulnerability,
    }
}
