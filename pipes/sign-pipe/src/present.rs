//! The lines of a run, its verdict, and its summary on the CI's pages.

use pipe_core::Context;
use pipe_core::console::{Color, Console};
use pipe_core::exit::Ending;
use pipe_core::platform::escape::{markdown, terminal};
use pipe_core::platform::rendering::{Fact, Rendering};
use pipe_core::text::{first_and_more, plural};
use pipe_evidence::statement::predicate;

use crate::plan::RunPlan;
use crate::results::{FileResult, ImageResult, Results, StoredEvidence};
use crate::signer::Signer;

/// Lines that are printed of the results.
const MAX_LINES: usize = 18;

/// Prints the signer: `key      ECDSA P-256 SHA256:1f0c... (SIGNING_MODE=key)`
pub(crate) fn signer(console: &Console, signer: &Signer) {
    let identity = match signer.signing.certificate() {
        Some(certificate) => {
            let identity = certificate.identity();
            let subject = identity.subject.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} of {}", terminal(&subject), terminal(identity.issuer.as_deref().unwrap_or("no issuer")))
        }
        None => signer.signing.public_key().to_string(),
    };
    console.line(format!("{:<8} {identity} ({})", signer.mode, terminal(&signer.why)));
}

/// Prints what was done with each image and file, errors first.
pub(crate) fn print(console: &Console, results: &Results) {
    for line in lines(results) {
        match line {
            Line { label: "", text } => console.line(text),
            Line { label, text } => {
                let padded = format!("{label:<8}");
                let label = match label {
                    "error" => console.paint(Color::Red, &padded),
                    "skipped" => console.paint(Color::Yellow, &padded),
                    _ => padded,
                };
                console.line(format!("{label} {text}"));
            }
        }
    }
}

/// A line of the results, without colours. Its text is escaped.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// `error`, `skipped`, `signed` or `verified`; empty for the line that counts the rest.
    label: &'static str,
    text: String,
}

fn lines(results: &Results) -> Vec<Line> {
    let line = |label, name: &str, text: &str| Line { label, text: format!("{name}  {}", terminal(text)) };
    let mut errors = Vec::new();
    let mut others = Vec::new();
    for image in &results.images {
        let name = name(image);
        errors.extend(image.failed.iter().chain(&image.unable).map(|why| line("error", &name, why)));
        others.extend(image.skipped.iter().map(|why| line("skipped", &name, why)));
        if image.signed {
            others.push(line("signed", &name, &written(&image.written)));
        }
        if image.verified == Some(true) {
            others.push(line("verified", &name, &accepted(image)));
        }
    }
    for file in &results.files {
        let name = terminal(&file.file);
        errors.extend(file.failed.iter().chain(&file.unable).map(|why| line("error", &name, why)));
        if file.signed {
            others.push(line("signed", &name, &file.bundle));
        }
        if file.verified == Some(true) {
            let by = file.by.as_ref().map(|by| by.words()).unwrap_or_default();
            others.push(line("verified", &name, &format!("by {by}")));
        }
    }
    // The verdict already has a single error.
    if errors.len() == 1 {
        errors.clear();
    }
    let mut lines: Vec<Line> = errors.into_iter().chain(others).collect();
    if lines.len() > MAX_LINES {
        let more = plural(lines.len() - MAX_LINES, "more line");
        lines.truncate(MAX_LINES);
        lines.push(Line { label: "", text: format!("and {more} in the report") });
    }
    lines
}

/// `ghcr.io/org/app:1.2@sha256:6c3c624b58db (linux/arm64)`
fn name(image: &ImageResult) -> String {
    const DIGITS: usize = 12;
    let short = match image.image.split_once("@sha256:") {
        Some((name, hex)) => format!("{name}@sha256:{}", hex.get(..DIGITS).unwrap_or(hex)),
        None => image.image.clone(),
    };
    let platform = image.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
    terminal(&format!("{short}{platform}"))
}

/// `signature, cyclonedx (already there: slsaprovenance1)`
fn written(entries: &[StoredEvidence]) -> String {
    let mut new: Vec<&str> = Vec::new();
    let mut old: Vec<&str> = Vec::new();
    for entry in entries {
        let name = predicate::name(&entry.predicate_type);
        let list = if entry.existed { &mut old } else { &mut new };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    match (new.as_slice(), old.as_slice()) {
        (new, []) => new.join(", "),
        ([], old) => format!("nothing new (already there: {})", old.join(", ")),
        (new, old) => format!("{} (already there: {})", new.join(", "), old.join(", ")),
    }
}

/// `signature, cyclonedx by ECDSA P-256 SHA256:1f0c...`
fn accepted(image: &ImageResult) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    let mut signers: Vec<String> = Vec::new();
    for one in &image.accepted {
        let kind = predicate::name(&one.predicate_type);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
        let by = one.by.words();
        if !signers.contains(&by) {
            signers.push(by);
        }
    }
    kinds.sort_by_key(|kind| *kind != "signature");
    format!("{} by {}", kinds.join(", "), signers.join(", "))
}

/// `2 images and 1 file`
pub(crate) fn count(images: usize, files: usize) -> String {
    match (images, files) {
        (images, 0) => plural(images, "image"),
        (0, files) => plural(files, "file"),
        (images, files) => format!("{} and {}", plural(images, "image"), plural(files, "file")),
    }
}

/// The end of the run. A verdict of no goes before what could not be found out.
/// `warnings` are the clauses for which it is at best warned.
pub(crate) fn verdict(plan: &RunPlan, results: &Results, warnings: &[String]) -> Result<Ending, Ending> {
    let failed = reasons(results, |image| &image.failed, |file| &file.failed);
    if !failed.is_empty() {
        return Err(Ending::Failed(first_and_more(&failed)));
    }
    let unable = reasons(results, |image| &image.unable, |file| &file.unable);
    if !unable.is_empty() {
        return Err(Ending::Unable(first_and_more(&unable)));
    }
    let skipped = match results.images.iter().map(|image| image.skipped.len()).sum() {
        0 => None,
        skipped => Some(format!("{} skipped", plural(skipped, "attestation"))),
    };
    let warnings: Vec<String> = skipped.into_iter().chain(warnings.iter().cloned()).collect();
    Ok(passed(done(plan, results), &warnings))
}

/// Passed, or warned if there are warnings.
pub(crate) fn passed(done: String, warnings: &[String]) -> Ending {
    if warnings.is_empty() {
        Ending::Passed(done)
    } else {
        Ending::Warned(format!("{done}, {}", warnings.join(" and ")))
    }
}

/// `2 images signed and verified (1 was already signed)`
fn done(plan: &RunPlan, results: &Results) -> String {
    let (images, files) = results.verified();
    if !plan.signs() {
        return format!("{} verified", count(images, files));
    }
    let (images, files) = results.signed();
    let all = count(images, files);
    let before = results.images.iter().filter(|image| image.signed_before()).count();
    match (before, plan.verification.is_some()) {
        (0, true) => format!("{all} signed and verified"),
        (0, false) => format!("{all} signed"),
        (before, true) if before == images + files => format!("{all} already signed, now verified"),
        (before, false) if before == images + files => format!("{all} already signed"),
        (before, verified) => {
            let signed = if verified { "signed and verified" } else { "signed" };
            let were = if before == 1 { "1 was" } else { &format!("{before} were") };
            format!("{all} {signed} ({were} already signed)")
        }
    }
}

fn reasons(
    results: &Results,
    images: fn(&ImageResult) -> &Vec<String>,
    files: fn(&FileResult) -> &Vec<String>,
) -> Vec<String> {
    let of_images =
        results.images.iter().flat_map(|image| images(image).iter().map(|why| format!("{}: {why}", name(image))));
    let of_files = results.files.iter().flat_map(|file| files(file).iter().map(|why| format!("{}: {why}", file.file)));
    of_images.chain(of_files).collect()
}

/// The summary of the run on the CI's own pages.
pub(crate) fn rendering(
    ctx: &Context,
    plan: &RunPlan,
    results: &Results,
    ending: &Result<Ending, Ending>,
) -> Rendering {
    let passed = ending.is_ok();
    let (Ok(ending) | Err(ending)) = ending;
    let details = ending.reason().to_owned();
    let markdown = |text: &str| markdown(text, &ctx.redactor);
    let digests: Vec<&str> = results.images.iter().map(|image| image.digest.as_str()).collect();
    let images: Vec<&str> = results.images.iter().map(|image| image.image.as_str()).collect();
    Rendering {
        pipe: ctx.spec.name.to_owned(),
        report_name: ctx.report_name.clone(),
        title: "Signatures".to_owned(),
        passed,
        about_code: false,
        facts: vec![
            ("Images".to_owned(), Fact::Number(results.images.len() as f64)),
            ("Files".to_owned(), Fact::Number(results.files.len() as f64)),
        ],
        summary_markdown: format!("{}\n\n{}", markdown(&details), table(plan.signs(), results, markdown)),
        details,
        annotations: Vec::new().into(),
        outputs: vec![
            ("digest".to_owned(), digests.first().copied().unwrap_or_default().to_owned()),
            ("digests".to_owned(), digests.join(",")),
            ("images".to_owned(), images.join(",")),
        ],
    }
}

/// A row for each image and file, in Markdown. A column that the run does not deal with has a dash.
fn table(signs: bool, results: &Results, markdown: impl Fn(&str) -> String) -> String {
    let mut rows = String::from("| image or file | digest | signed | attested | verified |\n|---|---|---|---|---|\n");
    let yes = |value: Option<bool>| match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    for image in &results.images {
        let attested: Vec<&str> = image.attestations.iter().map(|kind| predicate::name(kind)).collect();
        let attested = if attested.is_empty() { "-".to_owned() } else { markdown(&attested.join(", ")) };
        rows.push_str(&format!(
            "| {} | {} | {} | {attested} | {} |\n",
            markdown(image.image.split('@').next().unwrap_or_default()),
            markdown(&image.digest),
            yes(signs.then_some(image.signed)),
            yes(image.verified),
        ));
    }
    for file in &results.files {
        let (name, digest) = (markdown(&file.file), markdown(file.digest.as_deref().unwrap_or("-")));
        let signed = yes(signs.then_some(file.signed));
        rows.push_str(&format!("| {name} | {digest} | {signed} | - | {} |\n", yes(file.verified)));
    }
    rows
}

#[cfg(test)]
mod tests;
