//! The software bill of materials, CycloneDX or SPDX.

use std::path::PathBuf;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::statement::predicate;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{About, Attestation, Lacking, Predicate, read_json};

pub(crate) const ATTEST_SBOM: Var = Var::flag(
    "ATTEST_SBOM",
    "Attests the SBOM of SBOM_FILE; true without a file is exit 2. If unset, it is attested where there is one.",
);
pub(crate) const SBOM_FILE: Var = Var::list(
    "SBOM_FILE",
    "SBOMs in CycloneDX or SPDX JSON; if unset, `sbom.json`, or else what security-pipe wrote \
     (`sbom/sbom-cyclonedx.json` and `sbom/sbom-spdx.json` in REPORTS_DIR).",
)
.example("build/sbom.cdx.json");

struct Sbom {
    files: Vec<(String, PathBuf)>,
}

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Box<dyn Attestation>> {
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
            vars.problem(&SBOM_FILE, format!("{name:?}: there is no such file"));
        }
    }
    if named.is_empty() {
        let usual = ctx.workspace.dir.join("sbom.json");
        let ours = ["sbom-cyclonedx.json", "sbom-spdx.json"].map(|name| ctx.workspace.reports.join("sbom").join(name));
        let found: Vec<PathBuf> =
            if usual.is_file() { vec![usual] } else { ours.into_iter().filter(|path| path.is_file()).collect() };
        files.extend(found.into_iter().map(|path| (name_of(&path, ctx), path)));
        if files.is_empty() && asked == Some(true) {
            vars.problem(&SBOM_FILE, "required, since ATTEST_SBOM is true and there is no sbom.json");
        }
    }
    (!files.is_empty()).then(|| Box::new(Sbom { files }) as Box<dyn Attestation>)
}

/// Relative to the working directory, where it is in there.
pub(super) fn name_of(path: &std::path::Path, ctx: &Context) -> String {
    path.strip_prefix(&ctx.workspace.dir).unwrap_or(path).to_string_lossy().into_owned()
}

impl Attestation for Sbom {
    fn name(&self) -> &'static str {
        "sbom"
    }

    fn plan(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(|(name, _)| name.as_str()).collect();
        format!("SBOM from {}", names.join(", "))
    }

    fn predicates(&self, _: &About<'_>) -> Result<Vec<Predicate>, Lacking> {
        let read = |(name, path): &(String, PathBuf)| {
            let sbom = read_json(path).and_then(|sbom| Ok((kind(&sbom)?, sbom)));
            let (predicate_type, predicate) = sbom.map_err(|why| Lacking::Unable(format!("{name} {why}")))?;
            Ok(Predicate { predicate_type: predicate_type.to_owned(), predicate })
        };
        self.files.iter().map(read).collect()
    }
}

fn kind(sbom: &RawValue) -> Result<&'static str, String> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "bomFormat")]
        format: Option<String>,
        #[serde(rename = "spdxVersion")]
        spdx: Option<String>,
    }
    let head: Head = serde_json::from_str(sbom.get()).map_err(|_| "is no SBOM".to_owned())?;
    match (head.format.as_deref(), head.spdx.as_deref()) {
        (Some("CycloneDX"), _) => Ok(predicate::CYCLONEDX),
        (_, Some(version)) if version.starts_with("SPDX-2.") => Ok(predicate::SPDX),
        (_, Some(version)) => Err(format!("is {version}, and SPDX 2 is expected")),
        _ => Err("is neither CycloneDX nor SPDX JSON".to_owned()),
    }
}
