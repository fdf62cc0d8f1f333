//! The software bill of materials of everything in the lockfiles.

use std::sync::Arc;

use pipe_core::env::Vars;
use pipe_core::spec::{Kind, Var};

use super::{Input, Scan, Scanner};
use pipe_packages::sbom::{self, Bom};

pub(crate) const SBOM_GENERATE: Var =
    Var::flag("SBOM_GENERATE", "Writes an SBOM of every package in the lockfiles; if unset, true.").default("true");
pub(crate) const SBOM_FORMAT: Var = Var::new(
    "SBOM_FORMAT",
    Kind::Choices(&["cyclonedx-json", "spdx-json"], &[("cyclonedx", "cyclonedx-json"), ("spdx", "spdx-json")]),
    "The SBOM's formats: CycloneDX 1.6 as `sbom/sbom-cyclonedx.json`, SPDX 2.3 as `sbom/sbom-spdx.json`; if unset, \
     cyclonedx-json.",
)
.default("cyclonedx-json")
.example("cyclonedx-json,spdx-json");

/// Below REPORTS_DIR, where pipelines have looked for them before.
const CYCLONEDX: &str = "sbom/sbom-cyclonedx.json";
const SPDX: &str = "sbom/sbom-spdx.json";

pub(crate) fn from_vars(vars: &mut Vars) -> Option<Arc<dyn Scanner>> {
    let generate = vars.flag(&SBOM_GENERATE);
    let formats = vars.list(&SBOM_FORMAT);
    generate.then(|| Arc::new(Sbom { formats }) as Arc<dyn Scanner>)
}

struct Sbom {
    formats: Vec<String>,
}

impl Scanner for Sbom {
    fn name(&self) -> &'static str {
        "sbom"
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let inventory = input.inventory();
        anyhow::ensure!(!input.cancel.is_cancelled(), "cancelled");
        let mut scan = Scan::default();
        if !inventory.errors.is_empty() {
            // Said in full by the scan of dependencies; here it matters that the list is not whole.
            scan.unable.push(format!(
                "incomplete: {} could not be read",
                pipe_core::text::plural(inventory.errors.len(), "lockfile")
            ));
        }
        if inventory.lockfiles.is_empty() {
            scan.skipped = inventory.errors.is_empty().then(|| "no lockfile".to_owned());
            return Ok(scan);
        }
        let sources: Vec<sbom::Source<'_>> = inventory
            .lockfiles
            .iter()
            .map(|lockfile| sbom::Source {
                path: &lockfile.path,
                format: lockfile.format.name(),
                packages: &lockfile.packages,
                root: lockfile.root.as_ref().map(|(name, version)| (name.as_str(), version.as_str())),
            })
            .collect();
        let project = &input.project;
        let bom = Bom {
            name: &project.name,
            version: project.commit.as_deref(),
            created: project.created.as_deref(),
            tool_version: env!("CARGO_PKG_VERSION"),
            sources: &sources,
        };
        for format in &self.formats {
            let (name, bytes) = match format.as_str() {
                "spdx-json" => (SPDX, sbom::spdx(&bom)),
                _ => (CYCLONEDX, sbom::cyclonedx(&bom)),
            };
            input.report.write_json(name, bytes);
        }
        let components: usize = sources.iter().map(|source| source.packages.len()).sum();
        scan.counts.push(("components", components as u64));
        scan.detail = format!("SBOM of {components} packages");
        Ok(scan)
    }
}
