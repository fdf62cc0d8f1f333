//! The software bill of materials of everything in the lockfiles.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::git::Checkout;
use pipe_core::plan::Effects;
use pipe_core::spec::{Kind, Var};
use pipe_core::text::{count, plural};

use super::{Input, Scan, Scanner};
use pipe_packages::sbom::{self, Bom};

pub(crate) const SBOM_GENERATE: Var = Var::flag("SBOM_GENERATE", "Writes an SBOM of every package in the lockfiles.")
    .or("writes no SBOM")
    .default("true");
pub(crate) const SBOM_FORMAT: Var = Var::new(
    "SBOM_FORMAT",
    Kind::Choices(&["cyclonedx-json", "spdx-json"], &[("cyclonedx", "cyclonedx-json"), ("spdx", "spdx-json")]),
    "Lists the formats of the SBOM.",
)
.values(&[
    ("cyclonedx-json", "writes CycloneDX 1.6 to `sbom/sbom-cyclonedx.json`"),
    ("spdx-json", "writes SPDX 2.3 to `sbom/sbom-spdx.json`"),
])
.default("cyclonedx-json")
.example("cyclonedx-json,spdx-json");

pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Arc<dyn Scanner>> {
    let generate = vars.flag(&SBOM_GENERATE);
    let formats = vars.list(&SBOM_FORMAT).iter().map(|format| Format::named(format)).collect();
    generate.then(|| Arc::new(Sbom { formats, project: Project::of(ctx) }) as Arc<dyn Scanner>)
}

struct Sbom {
    formats: Vec<Format>,
    project: Project,
}

#[derive(Clone, Copy)]
enum Format {
    CycloneDx,
    Spdx,
}

impl Format {
    /// `name` is one of SBOM_FORMAT's.
    fn named(name: &str) -> Format {
        if name == "spdx-json" { Format::Spdx } else { Format::CycloneDx }
    }

    /// Below REPORTS_DIR, at the names that pipelines of the bash pipe look for.
    fn file(self) -> &'static str {
        match self {
            Format::CycloneDx => "sbom/sbom-cyclonedx.json",
            Format::Spdx => "sbom/sbom-spdx.json",
        }
    }
}

/// What the SBOM says of the whole.
struct Project {
    name: String,
    commit: Option<String>,
    checkout: Option<Arc<Checkout>>,
}

impl Project {
    fn of(ctx: &Context) -> Project {
        let directory = ctx.workspace.root.file_name().map(|name| name.to_string_lossy().into_owned());
        Project {
            name: ctx.ci.repository.clone().or(directory).unwrap_or_else(|| "project".to_owned()),
            commit: ctx.ci.commit.clone(),
            checkout: ctx.checkout.clone(),
        }
    }

    /// The commit's time, RFC 3339: the clock would make every SBOM differ.
    fn created(&self) -> Option<String> {
        Some(self.checkout.as_ref()?.head()?.committer_time)
    }
}

impl Scanner for Sbom {
    fn name(&self) -> &'static str {
        "sbom"
    }

    fn reads_lockfiles(&self) -> bool {
        true
    }

    fn effects(&self) -> Effects {
        let files = self.formats.iter().map(|format| format.file().to_owned()).collect();
        Effects { files, ..Effects::default() }
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let inventory = input.inventory();
        anyhow::ensure!(!input.cancel.is_cancelled(), "cancelled");
        let mut scan = Scan::default();
        if inventory.incomplete > 0 {
            scan.incomplete =
                Some(format!("incomplete: {} could not be read", plural(inventory.incomplete, "lockfile")));
        }
        if inventory.lockfiles.is_empty() {
            scan.skipped = (inventory.incomplete == 0).then(|| "no lockfile".to_owned());
            return Ok(scan);
        }
        let sources: Vec<sbom::Source<'_>> = inventory
            .lockfiles
            .iter()
            .map(|lockfile| sbom::Source {
                path: &lockfile.path,
                format: lockfile.format.name(),
                listing: &lockfile.listing,
                root: lockfile.root.as_ref().map(|(name, version)| (name.as_str(), version.as_str())),
            })
            .collect();
        let created = self.project.created();
        let bom = Bom {
            name: &self.project.name,
            version: self.project.commit.as_deref(),
            created: created.as_deref(),
            tool_version: env!("CARGO_PKG_VERSION"),
            packages: &inventory.packages,
            sources: &sources,
        };
        for format in &self.formats {
            input.report.write_json(format.file(), |file| match format {
                Format::CycloneDx => sbom::cyclonedx(&bom, file),
                Format::Spdx => sbom::spdx(&bom, file),
            });
        }
        let components: usize = sources.iter().map(|source| source.listing.len()).sum();
        scan.counts.push(("components", components as u64));
        scan.detail = format!("SBOM of {}", count(components as u64, "package"));
        Ok(scan)
    }
}
