//! Software bills of materials, CycloneDX or SPDX.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::statement::predicate;
use pipe_packages::sbom::SbomFormat;

use super::predicate::{About, Attestation, NotAttested, Predicate, name_of, read_json, size};

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

struct Sbom {
    files: Vec<(String, PathBuf)>,
}

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
    for (name, path) in files.iter().filter(|_| signs) {
        if let Err(why) = read_json(path).and_then(|sbom| predicate_type(sbom.get())) {
            vars.problem(&SBOM_FILE, format!("{name:?}: {why}. Write it again, or set ATTEST_SBOM=false"));
        }
    }
    (!files.is_empty()).then(|| Arc::new(Sbom { files }) as Arc<dyn Attestation>)
}

impl Attestation for Sbom {
    fn name(&self) -> &'static str {
        "SBOM"
    }

    fn plan(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(|(name, _)| name.as_str()).collect();
        format!("SBOM from {}", names.join(", "))
    }

    fn size(&self) -> u64 {
        self.files.iter().map(|(_, path)| size(path)).max().unwrap_or_default()
    }

    fn predicates(&self, _: &About<'_>) -> Result<Vec<Predicate>, NotAttested> {
        let read = |(name, path): &(String, PathBuf)| {
            let sbom = read_json(path).and_then(|sbom| Ok((predicate_type(sbom.get())?, sbom)));
            let (predicate_type, predicate) = sbom.map_err(|why| {
                NotAttested::Unable(format!("{name} {why}. Check SBOM_FILE, or set ATTEST_SBOM=false."))
            })?;
            Ok(Predicate { predicate_type: predicate_type.to_owned(), predicate })
        };
        self.files.iter().map(read).collect()
    }
}

fn predicate_type(sbom: &str) -> Result<&'static str, String> {
    match SbomFormat::of(sbom) {
        Ok(SbomFormat::CycloneDx) => Ok(predicate::CYCLONEDX),
        Ok(SbomFormat::Spdx) => Ok(predicate::SPDX),
        Err(error) => Err(error.to_string()),
    }
}
