//! Software bills of materials, CycloneDX or SPDX.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::sbom::Sbom;

use super::document::{Document, Documents};
use super::predicate::{About, Attestation, NotAttested, Predicate, name_of};

pub(super) const ATTEST_SBOM: Var =
    Var::flag("ATTEST_SBOM", "Attests the SBOMs of SBOM_FILE. Without an SBOM, this is a configuration error.")
        .or("attests no SBOM")
        .unset("an SBOM is attested if one exists");
pub(super) const SBOM_FILE: Var =
    Var::list("SBOM_FILE", "Lists the SBOMs to attest, in CycloneDX or SPDX JSON of at most 64 MiB each.")
        .unset(
            "`sbom.json` is attested, or else the SBOMs of security-pipe (`sbom/sbom-cyclonedx.json` and \
         `sbom/sbom-spdx.json` in REPORTS_DIR)",
        )
        .example("build/sbom.cdx.json");

struct SbomFile {
    document: Document,
    sbom: Sbom,
}

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context, documents: &Documents) -> Vec<Arc<dyn Attestation>> {
    let asked = vars.maybe_flag(&ATTEST_SBOM);
    let named = vars.paths(&SBOM_FILE);
    if asked == Some(false) {
        return Vec::new();
    }
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for name in &named {
        let path = ctx.workspace.dir.join(name);
        if path.is_file() {
            files.push((name.clone(), path));
        } else {
            vars.problem(&SBOM_FILE, format!("{name:?}: no such file. Write it before this step, or correct the path"));
        }
    }
    if named.is_empty() {
        let usual = ctx.workspace.dir.join("sbom.json");
        let ours = ["sbom-cyclonedx.json", "sbom-spdx.json"].map(|name| ctx.workspace.reports.join("sbom").join(name));
        let found: Vec<PathBuf> =
            if usual.is_file() { vec![usual] } else { ours.into_iter().filter(|path| path.is_file()).collect() };
        files.extend(found.into_iter().map(|path| (name_of(&path, ctx), path)));
        if files.is_empty() && asked == Some(true) {
            vars.problem(
                &SBOM_FILE,
                "required, since ATTEST_SBOM=true and there is neither sbom.json nor an SBOM of security-pipe",
            );
        }
    }
    if !documents.signs {
        return Vec::new();
    }
    let mut sboms: Vec<Arc<dyn Attestation>> = Vec::new();
    for (name, path) in files {
        match documents.check(name.clone(), path, |text| Sbom::parse(text).map_err(|error| error.to_string())) {
            Ok((document, sbom)) => sboms.push(Arc::new(SbomFile { document, sbom })),
            Err(why) => {
                vars.problem(&SBOM_FILE, format!("{name:?}: {why}. Write it again, or set ATTEST_SBOM=false"));
            }
        }
    }
    sboms
}

impl Attestation for SbomFile {
    fn name(&self) -> &'static str {
        "SBOM"
    }

    fn plan(&self) -> String {
        format!("SBOM from {}", self.document.name)
    }

    fn size(&self) -> u64 {
        self.document.len()
    }

    fn warning(&self) -> Option<String> {
        (self.sbom.components == 0).then(|| format!("{} lists no components", self.document.name))
    }

    fn predicate(&self, _: &About<'_>) -> Result<Predicate, NotAttested> {
        self.document.predicate(self.sbom.format.predicate_type()).map_err(|why| {
            NotAttested::Unable(format!("{} {why}. Check SBOM_FILE, or set ATTEST_SBOM=false.", self.document.name))
        })
    }
}
