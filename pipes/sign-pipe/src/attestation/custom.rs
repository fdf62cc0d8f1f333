//! A predicate of any type, from a file.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::statement::predicate;
use pipe_packages::sbom::SbomFormat;

use super::predicate::{About, Attestation, NotAttested, Predicate, read_json, size};

pub(super) const PREDICATE_FILE: Var = Var::path(
    "PREDICATE_FILE",
    "Attests this JSON document of at most 64 MiB byte for byte, with the type PREDICATE_TYPE.",
)
.unset("no other predicate is attested")
.example("test-results.json");
pub(super) const PREDICATE_TYPE: Var = Var::text(
    "PREDICATE_TYPE",
    "Sets the type of PREDICATE_FILE: a URI, or a name that cosign knows (openvex, vuln, slsaprovenance1, custom ...).",
)
.default("custom")
.example("https://in-toto.io/attestation/test-result/v0.1");

struct Custom {
    name: String,
    path: PathBuf,
    predicate_type: String,
}

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context, signs: bool) -> Option<Arc<dyn Attestation>> {
    let file = vars.path(&PREDICATE_FILE);
    let named = vars.text(&PREDICATE_TYPE).unwrap_or_default();
    let Some(uri) = predicate::uri(&named).map(str::to_owned) else {
        vars.problem(&PREDICATE_TYPE, format!("{named:?}: expected a URI, or a name such as openvex or custom"));
        return None;
    };
    let file = file?;
    let (name, path) = (file.to_string_lossy().into_owned(), ctx.workspace.dir.join(&file));
    if !path.is_file() {
        vars.problem(&PREDICATE_FILE, "no such file. Write it before this step, or correct the path");
        return None;
    }
    if signs && let Err(why) = read_json(&path).and_then(|document| fits(&uri, document.get())) {
        vars.problem(
            &PREDICATE_FILE,
            with_advice(format!("{name:?}: {why}"), "Write it again, or correct PREDICATE_TYPE"),
        );
    }
    Some(Arc::new(Custom { name, path, predicate_type: uri }))
}

/// An SBOM has the type of its format, by which verifiers choose how to read it.
fn fits(uri: &str, document: &str) -> Result<(), String> {
    let expected = match uri {
        predicate::CYCLONEDX => SbomFormat::CycloneDx,
        predicate::SPDX => SbomFormat::Spdx,
        _ => return Ok(()),
    };
    match SbomFormat::of(document) {
        Ok(format) if format == expected => Ok(()),
        _ => Err(format!("expected a document of the type {}. Set PREDICATE_TYPE to its own", predicate::name(uri))),
    }
}

impl Attestation for Custom {
    fn name(&self) -> &'static str {
        "predicate"
    }

    fn plan(&self) -> String {
        format!("{} from {}", self.predicate_type, self.name)
    }

    fn size(&self) -> u64 {
        size(&self.path)
    }

    fn predicates(&self, _: &About<'_>) -> Result<Vec<Predicate>, NotAttested> {
        let predicate = read_json(&self.path)
            .map_err(|why| NotAttested::Unable(format!("{} {why}. Check PREDICATE_FILE.", self.name)))?;
        Ok(vec![Predicate { predicate_type: self.predicate_type.clone(), predicate }])
    }
}
