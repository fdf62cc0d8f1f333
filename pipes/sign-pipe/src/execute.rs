//! The run: resolve, sign, attest, verify, report.

use futures_util::{StreamExt, stream};
use pipe_core::Context;
use pipe_core::exit::{Pass, Stop};
use pipe_core::report::Recorder;
use pipe_core::text::plural;
use pipe_evidence::verify::Verifier;
use pipe_oci::{Reference, Registry};
use tokio::sync::Semaphore;

use crate::checker::Checker;
use crate::config::Config;
use crate::identity::Claims;
use crate::images::{AT_ONCE, Outcome, Subject};
use crate::keyless::http;
use crate::maker::Maker;
use crate::signing::{self, Chosen};
use crate::verification::Verification;
use crate::{files, present, verifier};

/// Everything that came out.
#[derive(Default)]
pub(crate) struct Results {
    pub(crate) images: Vec<Outcome>,
    pub(crate) files: Vec<files::Outcome>,
}

pub(crate) async fn execute(config: &Config, ctx: &Context, report: &Recorder) -> Result<Pass, Stop> {
    if let Some(generate) = &config.generate {
        let step = report.step("generate-key-pair");
        return match signing::generate(&generate.dir, &generate.password) {
            Ok(key) => {
                step.ran(key.to_string());
                Ok(Pass::Passed(format!("cosign.key and cosign.pub written: {key}")))
            }
            Err(why) => {
                step.failed(&why);
                Err(Stop::Unable(why))
            }
        };
    }
    if let Some(why) = &config.not_signed {
        report.step("sign").skipped(why);
        if config.asked {
            ctx.console.notice(format!("nothing is signed: {why}"));
        }
    }
    let verification = config.verification.as_ref();
    let nobody = |verification: &Verification| verification.key.is_none() && !verification.names_identity();
    if let Some(why) = &config.not_signed
        && verification.is_none_or(nobody)
    {
        return Ok(Pass::Skipped(why.clone()));
    }

    let registry = connect(config, ctx).await?;
    let step = report.step("resolve");
    let subjects = match resolve(config, &registry).await {
        Ok(subjects) => subjects,
        Err(stop) => {
            step.failed(reason(&stop));
            return Err(stop);
        }
    };
    if let Some(first) = subjects.first() {
        report.subject(format!("image:{}", first.descriptor.digest));
    }
    step.ran(plural(subjects.len(), "image"));
    let mut results = Results {
        images: subjects.iter().map(Outcome::new).collect(),
        files: config.targets.files.iter().map(files::Outcome::new).collect(),
    };
    record(report, &results);

    let mut chosen = None;
    if config.not_signed.is_none() {
        let step = report.step("signer");
        match prepare(config, ctx).await {
            Ok(prepared) => {
                step.ran(format!("{}: {}", prepared.0.mode, prepared.0.why));
                present::signer(&ctx.console, &prepared.0);
                chosen = Some(prepared);
            }
            Err(stop) => {
                step.failed(reason(&stop));
                return Err(stop);
            }
        }
    }
    if let Some((chosen, own)) = &chosen {
        make(config, ctx, report, &registry, &subjects, chosen, own, &mut results).await;
    }
    if ctx.cancel.is_cancelled() {
        return Err(Stop::Interrupted);
    }
    if let Some(verification) = verification {
        let step = report.step("verify");
        let own = chosen.as_ref().map(|(chosen, _)| chosen);
        match verifier::configured(config, verification, own, ctx).await {
            Ok(verifier) => {
                check(config, &registry, &subjects, &verifier, verification, &mut results).await;
                record(report, &results);
                step.ran(format!(
                    "{} accepted",
                    results.images.iter().filter(|one| one.verified == Some(true)).count()
                ));
            }
            Err(stop) => {
                step.failed(reason(&stop));
                record(report, &results);
                return Err(stop);
            }
        }
    }
    if ctx.cancel.is_cancelled() {
        return Err(Stop::Interrupted);
    }
    record(report, &results);
    let ending = present::verdict(config, &results);
    present::print(&ctx.console, &results);
    report.present(present::rendering(ctx, &results, &ending));
    ending
}

/// The client of registries, logged in to those of a cloud that nothing else is known for.
async fn connect(config: &Config, ctx: &Context) -> Result<Registry, Stop> {
    let mut access = config.access.clone();
    let repositories = config.targets.images.iter().map(|image| &image.repository).chain(&config.access.elsewhere);
    for repository in repositories {
        if !access.knows(repository)
            && let Some((user, password)) = config.cloud.login(ctx, &repository.registry).await?
        {
            access.add(&repository.registry, &user, password);
        }
    }
    Ok(access.connect(http(ctx)?))
}

fn reason(stop: &Stop) -> String {
    stop.reason().to_owned()
}

fn record(report: &Recorder, results: &Results) {
    report.section("images", &results.images);
    if !results.files.is_empty() {
        report.section("files", &results.files);
    }
    report.save();
}

/// What each reference names now, and the images in it.
async fn resolve(config: &Config, registry: &Registry) -> Result<Vec<Subject>, Stop> {
    let targets = &config.targets;
    let mut resolved = stream::iter(&targets.images)
        .map(|image| async move { (image, resolve_one(image, registry, targets.recursive).await) })
        .buffered(AT_ONCE);
    let mut subjects: Vec<Subject> = Vec::new();
    let mut troubles = Vec::new();
    while let Some((image, resolved)) = resolved.next().await {
        match resolved {
            Ok(found) => {
                if let (Some(expected), Some(top)) = (&targets.expected, found.first())
                    && top.descriptor.digest != *expected
                {
                    let digest = &top.descriptor.digest;
                    return Err(Stop::Failed(format!("{image} is {digest}, and EXPECTED_DIGEST is {expected}")));
                }
                for subject in found {
                    let same = |known: &Subject| {
                        known.descriptor.digest == subject.descriptor.digest
                            && known.image.repository == subject.image.repository
                    };
                    if !subjects.iter().any(same) {
                        subjects.push(subject);
                    }
                }
            }
            Err(error) if error.kind() == pipe_oci::ErrorKind::Cancelled => return Err(Stop::Interrupted),
            Err(error) => troubles.push(error.to_string()),
        }
    }
    // Nothing is signed while it is not clear what all of it is.
    match troubles.as_slice() {
        [] => Ok(subjects),
        [one] => Err(Stop::Unable(one.clone())),
        [first, rest @ ..] => Err(Stop::Unable(format!("{first} (and {} more)", plural(rest.len(), "image")))),
    }
}

async fn resolve_one(image: &Reference, registry: &Registry, recursive: bool) -> Result<Vec<Subject>, pipe_oci::Error> {
    let descriptor = registry.resolve(image).await?;
    let top = image.with_digest(descriptor.digest.clone());
    let mut subjects = vec![Subject { image: top.clone(), descriptor, platform: None }];
    if recursive {
        for child in registry.images(&top).await? {
            if child.digest != subjects[0].descriptor.digest {
                let platform = child.platform.as_ref().map(ToString::to_string);
                subjects.push(Subject { image: top.with_digest(child.digest.clone()), descriptor: child, platform });
            }
        }
    }
    Ok(subjects)
}

/// Who signs, and how to recognise what they signed.
async fn prepare(config: &Config, ctx: &Context) -> Result<(Chosen, Verifier), Stop> {
    let chosen = config.signing.choose(ctx, &config.keyless, &config.cloud).await?;
    if let Some(token) = &chosen.token
        && let Some(contradiction) = config.surroundings.contradiction(&Claims::of(token))
    {
        return Err(Stop::Failed(format!("the environment contradicts the job's token: {contradiction}")));
    }
    let verifier = verifier::own(config, &chosen, ctx).await?;
    Ok((chosen, verifier))
}

#[expect(clippy::too_many_arguments, reason = "a step of the run with all that it needs")]
async fn make(
    config: &Config,
    ctx: &Context,
    report: &Recorder,
    registry: &Registry,
    subjects: &[Subject],
    chosen: &Chosen,
    own: &Verifier,
    results: &mut Results,
) {
    let step = report.step("sign");
    let claims = chosen.token.as_ref().map(Claims::of);
    let (memory, started_at) = (Semaphore::new(AT_ONCE), report.started_at());
    let maker = Maker {
        ctx,
        registry,
        elsewhere: config.access.elsewhere.as_ref(),
        signing: &chosen.signing,
        own,
        formats: config.signing.formats,
        annotations: &config.signing.annotations,
        attestations: &config.attestations,
        claims: claims.as_ref(),
        started_at: &started_at,
        memory: &memory,
    };
    let maker = &maker;
    let mut made = stream::iter(subjects.iter().enumerate())
        .map(|(index, subject)| async move {
            let mut outcome = Outcome::new(subject);
            maker.make(subject, &mut outcome).await;
            (index, outcome)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((index, outcome)) = made.next().await {
        results.images[index] = outcome;
        record(report, results);
    }
    drop(made);
    for (index, file) in config.targets.files.iter().enumerate() {
        files::make(file, &chosen.signing, &mut results.files[index]).await;
        record(report, results);
    }
    let signed =
        results.images.iter().filter(|one| one.signed).count() + results.files.iter().filter(|one| one.signed).count();
    let all = results.images.len() + results.files.len();
    if signed == all { step.ran(format!("{signed} signed")) } else { step.failed(format!("{signed} of {all} signed")) }
}

async fn check(
    config: &Config,
    registry: &Registry,
    subjects: &[Subject],
    verifier: &Verifier,
    verification: &Verification,
    results: &mut Results,
) {
    let checker = Checker {
        registry,
        elsewhere: config.access.elsewhere.as_ref(),
        verifier,
        requirements: &verification.requirements,
    };
    let checker = &checker;
    // What could not be signed has nothing that could be verified.
    let wanted = |outcome: &Outcome| config.not_signed.is_some() || outcome.signed;
    let todo: Vec<(usize, Outcome)> =
        results.images.iter().cloned().enumerate().filter(|(_, outcome)| wanted(outcome)).collect();
    let mut checked = stream::iter(todo)
        .map(|(index, mut outcome)| async move {
            checker.check(&subjects[index], &mut outcome).await;
            (index, outcome)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((index, outcome)) = checked.next().await {
        results.images[index] = outcome;
    }
    for (file, outcome) in config.targets.files.iter().zip(&mut results.files) {
        if config.not_signed.is_some() || outcome.signed {
            files::check(file, verifier, outcome);
        }
    }
}
