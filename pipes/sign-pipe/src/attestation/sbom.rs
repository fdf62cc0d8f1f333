//! Software bills of materials, CycloneDX or SPDX.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::sbom::Sbom;

use super::document::Document;
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

struct Sboms(Vec<(Document, Sbom)>);

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context, signs: bool) -> Option<Arc<dyn Attestation>> {
    let asked = vars.maybe_flag(&ATTEST_SBOM);
    let named = vars.list(&SBOM_FILE);
    if asked == Some(false) {
        return None;
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
    if !signs {
        return None;
    }
    let mut sboms = Vec::new();
    for (name, path) in files {
        match Document::check(name.clone(), path, |text| Sbom::parse(text).map_err(|error| error.to_string())) {
            Ok(sbom) => sboms.push(sbom),
            Err(why) => {
                vars.problem(&SBOM_FILE, format!("{name:?}: {why}. Write it again, or set ATTEST_SBOM=false"));
            }
        }
    }
    (!sboms.is_empty()).then(|| Arc::new(Sboms(sboms)) as Arc<dyn Attestation>)
}

impl Attestation for Sboms {
    fn name(&self) -> &'static str {
        "SBOM"
    }

    fn plan(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(document, _)| document.name.as_str()).collect();
        format!("SBOM from {}", names.join(", "))
    }

    fn size(&self) -> u64 {
        self.0.iter().map(|(document, _)| document.len()).max().unwrap_or_default()
    }

    fn warning(&self) -> Option<String> {
        let empty: Vec<&str> = self
            .0
            .iter()
            .filter(|(_, sbom)| sbom.components == 0)
            .map(|(document, _)| document.name.as_str())
            .collect();
        match empty.as_slice() {
            [] => None,
            [one] => Some(format!("{one} lists no components")),
            several => Some(format!("{} list no components", several.join(" and "))),
        }
    }

    fn predicates(&self, _: &About<'_>) -> Result<Vec<Predicate>, NotAttested> {
        let read = |(document, sbom): &(Document, Sbom)| {
            document.predicate(sbom.format.predicate_type()).map_err(|why| {
                NotAttested::Unable(format!("{} {why}. Check SBOM_FILE, or set ATTEST_SBOM=false.", document.name))
            })
        };
        self.0.iter().map(read).collect()
    }
}
