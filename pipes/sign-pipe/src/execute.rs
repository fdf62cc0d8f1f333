//! Does what the plan says: resolve, sign, attest, verify, report.

use pipe_core::Context;
use pipe_core::exit::Ending;
use pipe_core::report::{Recorder, Step};
use pipe_core::text::plural;
use pipe_evidence::verify::Verifier;
use pipe_oci::Registry;

use crate::config::Config;
use crate::plan::{Action, Plan, RunPlan, SigningDecision, SigningPlan, VerificationPlan};
use crate::resolve::{ResolvedImage, resolve};
use crate::results::Results;
use crate::run::Run;
use crate::signer::Signer;
use crate::signing_run::SigningRun;
use crate::sigstore::http;
use crate::verification_run::VerificationRun;
use crate::{authority, key_pair, present};

/// Executes the plan. The configuration only gives keys, credentials and clients.
pub(crate) async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    match &plan.action {
        Action::GenerateKeyPair { dir } => {
            let generated = key_pair::generate(dir, &config.key_password).map_err(Ending::from);
            let key = end(report.step("generate-key-pair"), generated, ToString::to_string)?;
            Ok(present::passed(
                format!("cosign.key and cosign.pub written: {key}. Do not commit cosign.key"),
                &config.warnings,
            ))
        }
        Action::Skip { why } => {
            report.step("sign").skipped(why);
            ctx.console.notice(format!("nothing is signed: {why}"));
            Ok(Ending::Skipped(why.clone()))
        }
        Action::Run(plan) => run(config, plan, ctx, report).await,
    }
}

async fn run(config: &Config, plan: &RunPlan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    if let SigningDecision::Skip { why, notice } = &plan.signing {
        report.step("sign").skipped(why);
        if *notice {
            ctx.console.notice(format!("nothing is signed: {why}"));
        }
    }
    let run = Run { plan, config, ctx, report, registry: connect(config, plan, ctx).await? };
    let mut images = Vec::new();
    if !plan.images.is_empty() {
        let resolved = resolve(plan, &run.registry).await;
        images = end(report.step("resolve"), resolved, |images| plural(images.len(), "image"))?;
    }
    if let Some(first) = images.first() {
        report.subject(format!("image:{}", first.descriptor.digest));
    }
    let mut results = Results::new(&images, &plan.files);
    run.record(&results);
    let signer = match &plan.signing {
        SigningDecision::Skip { .. } => None,
        SigningDecision::Sign(signing) => Some((sign(&run, signing, &images, &mut results).await?, signing)),
    };
    if ctx.cancel.is_cancelled() {
        return Err(Ending::Interrupted);
    }
    if let Some(verification) = &plan.verification {
        let signer = signer.as_ref().map(|(signer, signing)| (signer, signing.as_ref()));
        verify(&run, verification, signer, &images, &mut results).await?;
    }
    if ctx.cancel.is_cancelled() {
        return Err(Ending::Interrupted);
    }
    run.record(&results);
    let ending = present::verdict(plan, &results, &config.warnings);
    present::print(&ctx.console, &results);
    report.present(present::rendering(ctx, plan, &results, &ending));
    ending
}

/// The client of registries, logged in to those of ECR that have no other credentials.
async fn connect(config: &Config, plan: &RunPlan, ctx: &Context) -> Result<Registry, Ending> {
    let mut access = config.access.clone();
    for repository in plan.repositories() {
        if !access.knows(repository)
            && let Some((user, password)) = config.cloud.login(ctx, &repository.registry).await?
        {
            access.add(&repository.registry, &user, password);
        }
    }
    Ok(access.connect(http(ctx)?))
}

/// Prepares the signer, then signs and attests everything.
async fn sign(
    run: &Run<'_>,
    plan: &SigningPlan,
    images: &[ResolvedImage],
    results: &mut Results,
) -> Result<Signer, Ending> {
    let prepared = prepare(run, plan).await;
    let detail = |(signer, _): &(Signer, Verifier)| format!("{}: {}", signer.mode, signer.why);
    let (signer, own) = end(run.report.step("signer"), prepared, detail)?;
    present::signer(&run.ctx.console, &signer);
    let step = run.report.step("sign");
    SigningRun::new(run, plan, &signer, own).sign_all(images, results).await;
    let (images, files) = results.signed();
    if images + files == results.len() {
        step.ran(format!("{} signed", present::count(images, files)));
    } else {
        step.failed(format!("{} of {} signed", images + files, results.len()));
    }
    Ok(signer)
}

/// The signer, and the verifier that recognises its earlier signatures.
async fn prepare(run: &Run<'_>, plan: &SigningPlan) -> Result<(Signer, Verifier), Ending> {
    let signer = Signer::open(plan, run.config, run.ctx).await?;
    if let Some(claims) = &signer.claims
        && let Some(contradiction) = run.config.environment.contradiction(claims)
    {
        return Err(contradiction.into());
    }
    if let Some(verification) = &run.plan.verification {
        authority::fits(verification, &signer)?;
    }
    let own = authority::of_signer(&signer, plan, &run.config.sigstore, run.ctx).await?;
    Ok((signer, own))
}

async fn verify(
    run: &Run<'_>,
    plan: &VerificationPlan,
    signer: Option<(&Signer, &SigningPlan)>,
    images: &[ResolvedImage],
    results: &mut Results,
) -> Result<(), Ending> {
    let step = run.report.step("verify");
    match authority::of_plan(plan, signer, &run.config.sigstore, run.ctx).await {
        Ok(verifier) => {
            VerificationRun { run, plan, verifier }.verify_all(images, results).await;
            run.record(results);
            let (images, files) = results.verified();
            if images + files == results.len() {
                step.ran(format!("{} accepted", present::count(images, files)));
            } else {
                step.ran(format!("{} of {} accepted", images + files, results.len()));
            }
            Ok(())
        }
        Err(error) => {
            let ending = Ending::from(error);
            step.failed(ending.reason());
            run.record(results);
            Err(ending)
        }
    }
}

/// Ends a step: with `detail` of what came out, or as failed.
fn end<T>(step: Step, result: Result<T, Ending>, detail: impl FnOnce(&T) -> String) -> Result<T, Ending> {
    match &result {
        Ok(value) => step.ran(detail(value)),
        Err(ending) => step.failed(ending.reason()),
    }
    result
}
