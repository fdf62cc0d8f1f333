//! Where an image came from: SLSA provenance, version 1.
//!
//! Taken from the job's token if there is one, and from the CI's variables otherwise. Nothing unverified is claimed: the
//! predicate names no level, and without a token its builder is only the host of the CI.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::platform::Provider;
use pipe_core::redact::Redactor;
use pipe_core::spec::Var;
use pipe_evidence::statement::predicate;
use serde_json::{Map, Value, json};

use super::document::Documents;
use super::predicate::{About, Attestation, NotAttested, Predicate};
use crate::claims::Claims;

pub(super) const ATTEST_PROVENANCE: Var = Var::flag(
    "ATTEST_PROVENANCE",
    "Attests where the image was built: repository, commit, pipeline and run (SLSA provenance 1). Without a CI and a \
     checkout, this is a configuration error.",
)
.or("attests no provenance")
.unset("it is `true` in a CI");

/// The build types: pages that define their parameters.
const GITHUB: &str = "https://actions.github.io/buildtypes/workflow/v1";
const GITLAB: &str = "https://docs.gitlab.com/ci/yaml/";
const BITBUCKET: &str =
    "https://support.atlassian.com/bitbucket-cloud/docs/bitbucket-pipelines-configuration-reference/";
const OTHER: &str = "https://slsa.dev/spec/v1.1/provenance#buildType";

struct Provenance;

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context, _: &Documents) -> Vec<Arc<dyn Attestation>> {
    let in_ci = ctx.ci.provider != Provider::None;
    match vars.maybe_flag(&ATTEST_PROVENANCE) {
        Some(false) => return Vec::new(),
        None if !in_ci => return Vec::new(),
        Some(true) if ctx.ci.commit.is_none() => {
            vars.problem(
                &ATTEST_PROVENANCE,
                "needs a CI or a checkout to describe the build. Set ATTEST_PROVENANCE=false to attest none",
            );
            return Vec::new();
        }
        _ => {}
    }
    vec![Arc::new(Provenance)]
}

impl Attestation for Provenance {
    fn name(&self) -> &'static str {
        "provenance"
    }

    fn plan(&self) -> String {
        "provenance of this run".to_owned()
    }

    fn size(&self) -> u64 {
        0
    }

    fn predicate(&self, about: &About<'_>) -> Result<Predicate, NotAttested> {
        let environment = Claims::of_environment(about.ctx);
        let claims = about.claims.filter(|claims| claims.repository.is_some());
        let mut document = predicate(claims.unwrap_or(&environment), claims.is_some(), about);
        // Names of branches and tags become public here. Only tokens are hidden: a variable whose secret is a common word
        // must not change what is attested.
        Redactor::new().json(&mut document);
        Predicate::new(predicate::PROVENANCE, &document)
    }
}

/// `vouched` if the claims are those of a token.
fn predicate(claims: &Claims, vouched: bool, about: &About<'_>) -> Value {
    let provider = about.ctx.ci.provider;
    let build_type = match provider {
        Provider::GitHub => GITHUB,
        Provider::GitLab => GITLAB,
        Provider::Bitbucket => BITBUCKET,
        _ => OTHER,
    };
    let mut workflow = Map::new();
    let set = |map: &mut Map<String, Value>, key: &str, value: Option<&String>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), Value::String(value.clone()));
        }
    };
    set(&mut workflow, "ref", claims.git_ref.as_ref());
    set(&mut workflow, "repository", claims.repository_url.as_ref());
    set(&mut workflow, "path", path(claims).as_ref());
    let mut internal = Map::new();
    set(&mut internal, "event_name", claims.trigger.as_ref());
    set(&mut internal, "repository_id", claims.repository_id.as_ref());
    set(&mut internal, "repository_owner_id", claims.owner_id.as_ref());
    set(&mut internal, "runner_environment", claims.runner.as_ref());
    let internal = match provider {
        Provider::GitHub => json!({ "github": internal }),
        _ => Value::Object(internal),
    };
    let at = claims.git_ref.as_ref().map(|git_ref| format!("@{git_ref}")).unwrap_or_default();
    let source = claims.repository_url.as_ref().map(|url| format!("git+{url}{at}"));
    let mut dependency = Map::new();
    set(&mut dependency, "uri", source.as_ref());
    if let Some(commit) = &claims.commit {
        dependency.insert("digest".to_owned(), json!({ "gitCommit": commit }));
    }
    // Without a token only the CI that claims to run this is known.
    let host = claims.repository_url.as_deref().and_then(|url| url.split('/').nth(2)).unwrap_or("unknown");
    let builder = match (&claims.builder, vouched) {
        (Some(builder), true) => builder.clone(),
        _ => format!("https://{host}"),
    };
    let mut metadata = Map::new();
    set(&mut metadata, "invocationId", claims.run_url.as_ref());
    json!({
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": { "workflow": workflow },
            "internalParameters": internal,
            "resolvedDependencies": [dependency],
        },
        "runDetails": { "builder": { "id": builder }, "metadata": metadata },
    })
}

/// `.github/workflows/ci.yml` of `org/app/.github/workflows/ci.yml@refs/heads/main`.
fn path(claims: &Claims) -> Option<String> {
    let (file, _) = claims.workflow_ref.as_ref()?.split_once('@')?;
    let (_, path) = file.split_once(claims.repository.as_ref()?.as_str())?;
    Some(path.trim_start_matches('/').to_owned())
}
