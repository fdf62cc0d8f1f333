//! What a person sees, and how the run ends.

use pipe_core::Context;
use pipe_core::console::{Color, Console};
use pipe_core::exit::{Pass, Stop};
use pipe_core::platform::escape::{markdown, terminal};
use pipe_core::platform::rendering::{Fact, Rendering};
use pipe_core::text::plural;
use pipe_evidence::statement::predicate;

use crate::config::Config;
use crate::execute::Results;
use crate::images::{Entry, Outcome};
use crate::signing::Chosen;

/// So many lines are printed of what was done.
const LINES: usize = 18;

/// `key      ECDSA P-256 SHA256:1f0c...`
pub(crate) fn signer(console: &Console, chosen: &Chosen) {
    let who = match chosen.signing.certificate() {
        Some(certificate) => {
            let identity = certificate.identity();
            let subject = identity.subject.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} of {}", terminal(&subject), terminal(identity.issuer.as_deref().unwrap_or("no issuer")))
        }
        None => chosen.signing.public_key().to_string(),
    };
    console.line(format!("{:<8} {who} ({})", chosen.mode, terminal(&chosen.why)));
}

/// What was done with each image and file, what failed first.
pub(crate) fn print(console: &Console, results: &Results) {
    let mut bad = Vec::new();
    let mut good = Vec::new();
    for image in &results.images {
        let name = name(image);
        for why in image.failed.iter().chain(&image.unable) {
            bad.push(format!("{} {name}  {}", console.paint(Color::Red, "error   "), terminal(why)));
        }
        for why in &image.skipped {
            good.push(format!("{} {name}  {}", console.paint(Color::Yellow, "skipped "), terminal(why)));
        }
        if image.signed {
            good.push(format!("signed   {name}  {}", written(&image.written)));
        }
        if image.verified == Some(true) {
            good.push(format!("verified {name}  {}", accepted(image)));
        }
    }
    for file in &results.files {
        let name = terminal(&file.file);
        for why in file.failed.iter().chain(&file.unable) {
            bad.push(format!("{} {name}  {}", console.paint(Color::Red, "error   "), terminal(why)));
        }
        if file.signed {
            good.push(format!("signed   {name}  {}", terminal(&file.bundle)));
        }
        if file.verified == Some(true) {
            let by = file.by.as_ref().map(|by| by.words()).unwrap_or_default();
            good.push(format!("verified {name}  by {}", terminal(&by)));
        }
    }
    // One trouble alone is what the verdict says.
    if let [_] = bad.as_slice() {
        bad.clear();
    }
    let all: Vec<String> = bad.into_iter().chain(good).collect();
    for line in all.iter().take(LINES) {
        console.line(line);
    }
    if all.len() > LINES {
        console.line(format!("and {} more lines: see the report", all.len() - LINES));
    }
}

/// `ghcr.io/org/app:1.2@sha256:6c3c624b58db (linux/arm64)`
fn name(image: &Outcome) -> String {
    const DIGITS: usize = 12;
    let short = match image.image.split_once("@sha256:") {
        Some((name, hex)) => format!("{name}@sha256:{}", hex.get(..DIGITS).unwrap_or(hex)),
        None => image.image.clone(),
    };
    let platform = image.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
    terminal(&format!("{short}{platform}"))
}

/// `signature, cyclonedx; slsaprovenance1 was there`
fn written(entries: &[Entry]) -> String {
    let mut new: Vec<&str> = Vec::new();
    let mut old: Vec<&str> = Vec::new();
    for entry in entries {
        let name = predicate::name(&entry.predicate_type);
        let list = if entry.existed { &mut old } else { &mut new };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    let mut parts = Vec::new();
    if !new.is_empty() {
        parts.push(new.join(", "));
    }
    if !old.is_empty() {
        parts.push(format!("{} was there already", old.join(", ")));
    }
    terminal(&parts.join("; "))
}

/// `signature, cyclonedx by ECDSA P-256 SHA256:1f0c...`
fn accepted(image: &Outcome) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    let mut people: Vec<String> = Vec::new();
    for one in &image.accepted {
        let kind = predicate::name(&one.predicate_type);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
        let by = one.by.words();
        if !people.contains(&by) {
            people.push(by);
        }
    }
    kinds.sort_by_key(|kind| *kind != "signature");
    terminal(&format!("{} by {}", kinds.join(", "), people.join(", ")))
}

/// The end of the run. Where something is wrong and something else could not be found out, the former counts.
pub(crate) fn verdict(config: &Config, results: &Results) -> Result<Pass, Stop> {
    let failed = reasons(results, |image| &image.failed, |file| &file.failed);
    let unable = reasons(results, |image| &image.unable, |file| &file.unable);
    if !failed.is_empty() {
        return Err(Stop::Failed(enumerate(&failed)));
    }
    if !unable.is_empty() {
        return Err(Stop::Unable(enumerate(&unable)));
    }
    let count = |images: fn(&Outcome) -> bool, files: fn(&crate::files::Outcome) -> bool| {
        let images = results.images.iter().filter(|image| images(image)).count();
        let files = results.files.iter().filter(|file| files(file)).count();
        let parts = [(images, "image"), (files, "file")];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| plural(count, what)).collect();
        parts.join(" and ")
    };
    let signed = count(|image| image.signed, |file| file.signed);
    let verified = count(|image| image.verified == Some(true), |file| file.verified == Some(true));
    let text = match (config.not_signed.is_some(), config.verification.is_some()) {
        (false, true) => format!("{signed} signed and verified"),
        (false, false) => format!("{signed} signed"),
        (true, _) => format!("{verified} verified"),
    };
    let skipped = results.images.iter().any(|image| !image.skipped.is_empty());
    if skipped { Ok(Pass::Warned(format!("{text}, not everything attested"))) } else { Ok(Pass::Passed(text)) }
}

fn reasons(
    results: &Results,
    images: fn(&Outcome) -> &Vec<String>,
    files: fn(&crate::files::Outcome) -> &Vec<String>,
) -> Vec<String> {
    let of_images =
        results.images.iter().flat_map(|image| images(image).iter().map(|why| format!("{}: {why}", name(image))));
    let of_files = results.files.iter().flat_map(|file| files(file).iter().map(|why| format!("{}: {why}", file.file)));
    of_images.chain(of_files).collect()
}

/// The first, and how many more.
fn enumerate(reasons: &[String]) -> String {
    match reasons {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// The run on the CI's own pages.
pub(crate) fn rendering(ctx: &Context, results: &Results, ending: &Result<Pass, Stop>) -> Rendering {
    let passed = ending.is_ok();
    let (Ok(ending) | Err(ending)) = ending;
    let details = ending.reason().to_owned();
    let markdown = |text: &str| markdown(text, &ctx.redactor);
    let mut rows = String::from("| image or file | digest | signed | attested | verified |\n|---|---|---|---|---|\n");
    let yes = |value: Option<bool>| match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    for image in &results.images {
        let attested: Vec<&str> = image.attestations.iter().map(|kind| predicate::name(kind)).collect();
        rows.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            markdown(image.image.split('@').next().unwrap_or_default()),
            markdown(&image.digest),
            yes(Some(image.signed)),
            markdown(&attested.join(", ")),
            yes(image.verified),
        ));
    }
    for file in &results.files {
        let (name, digest) = (markdown(&file.file), markdown(file.digest.as_deref().unwrap_or("-")));
        rows.push_str(&format!("| {name} | {digest} | {} | - | {} |\n", yes(Some(file.signed)), yes(file.verified)));
    }
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
        summary_markdown: format!("{}\n\n{rows}", markdown(&details)),
        details,
        annotations: Vec::new(),
        outputs: vec![
            ("digest".to_owned(), digests.first().copied().unwrap_or_default().to_owned()),
            ("digests".to_owned(), digests.join(",")),
            ("images".to_owned(), images.join(",")),
        ],
    }
}
