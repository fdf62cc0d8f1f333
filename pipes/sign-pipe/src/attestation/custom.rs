//! A predicate of any type, from a file.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::sbom::{Sbom, SbomFormat};
use pipe_evidence::statement::predicate;

use super::document::{Document, Documents, json};
use super::predicate::{About, Attestation, NotAttested, Predicate};

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
    document: Document,
    predicate_type: String,
}

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context, documents: &Documents) -> Vec<Arc<dyn Attestation>> {
    custom(vars, ctx, documents).into_iter().map(|custom| Arc::new(custom) as Arc<dyn Attestation>).collect()
}

fn custom(vars: &mut Vars, ctx: &Context, documents: &Documents) -> Option<Custom> {
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
    if !documents.signs {
        return None;
    }
    match documents.check(name.clone(), path, |text| fits(&uri, text)) {
        Ok((document, ())) => Some(Custom { document, predicate_type: uri }),
        Err(why) => {
            let advice = "Write it again, or correct PREDICATE_TYPE";
            vars.problem(&PREDICATE_FILE, with_advice(format!("{name:?}: {why}"), advice));
            None
        }
    }
}

/// An SBOM has the format of its type, by which verifiers choose how to read it.
fn fits(uri: &str, text: &str) -> Result<(), String> {
    let Some(expected) = SbomFormat::of_type(uri) else { return json(text) };
    match Sbom::parse(text) {
        Ok(sbom) if sbom.format == expected => Ok(()),
        _ => Err(format!("expected a document of the type {}. Set PREDICATE_TYPE to its own", predicate::name(uri))),
    }
}

impl Attestation for Custom {
    fn name(&self) -> &'static str {
        "predicate"
    }

    fn plan(&self) -> String {
        format!("{} from {}", self.predicate_type, self.document.name)
    }

    fn size(&self) -> u64 {
        self.document.len()
    }

    fn predicate(&self, _: &About<'_>) -> Result<Predicate, NotAttested> {
        let unable = |why| NotAttested::Unable(format!("{} {why}. Check PREDICATE_FILE.", self.document.name));
        self.document.predicate(&self.predicate_type).map_err(unable)
    }
}
