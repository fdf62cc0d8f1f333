//! Known vulnerabilities of the packages in lockfiles.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use pipe_advisories::{self as osv, Advisory, Coverage, Lookup, Query};
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::{Client, Request, Settings};
use pipe_core::plan::{Effects, host};
use pipe_core::spec::{Kind as VarKind, Var};
use pipe_core::text::{count, plural, thousands};
use pipe_packages::package::{Package, Source};
use pipe_packages::sbom::purl;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Input, Scan, Scanner};
use crate::finding::{
    AffectedPackage, Finding, Kind, Location, Precision, Remedy, Rule, Span, Status, Vulnerability, fingerprint,
};
use crate::inventory::Lockfile;
use crate::ledger::Reason;
use crate::words::{pascal, sentence};

pub(crate) const SCA_SCAN: Var =
    Var::flag("SCA_SCAN", "Looks up the packages of every lockfile in the OSV advisories.")
        .or("looks up nothing")
        .default("true");
pub(crate) const OSV_SOURCE: Var = Var::choice("OSV_SOURCE", &["auto", "db", "api"], "Sets the source of advisories.")
    .values(&[
        ("auto", "uses OSV_DB_PATH if it is set, and OSV_API_URL otherwise"),
        ("db", "uses OSV_DB_PATH"),
        ("api", "uses OSV_API_URL"),
    ])
    .default("auto");
pub(crate) const OSV_DB_PATH: Var = Var::path(
    "OSV_DB_PATH",
    "Reads advisories from this folder of OSV's published zips (`<any name>/all.zip`), or from an index that \
     OSV_DB_COMPILE wrote.",
)
.unset("there is no database, and nothing is kept between runs")
.example("/advisories");
pub(crate) const OSV_DB_COMPILE: Var = Var::path(
    "OSV_DB_COMPILE",
    "Writes the zips of OSV_DB_PATH as one small index file to this path, and does nothing else.",
)
.unset("the run scans")
.example("advisories.idx");
pub(crate) const OSV_API_URL: Var = Var::new(
    "OSV_API_URL",
    VarKind::Url,
    "Sets the OSV API. It receives names and versions of public packages, and nothing else.",
)
.default("https://api.osv.dev");

pub(crate) const VARS: &[&Var] = &[&OSV_SOURCE, &OSV_DB_PATH, &OSV_DB_COMPILE, &OSV_API_URL];

pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Arc<dyn Scanner>> {
    let source = AdvisorySource::from_vars(vars);
    if !vars.flag(&SCA_SCAN) {
        return None;
    }
    let source = match source? {
        AdvisorySource::Database(path) => AdvisorySource::Database(ctx.workspace.dir.join(path)),
        api => api,
    };
    Some(Arc::new(Dependencies { source, network: ctx.http_settings(), cancel: ctx.cancel.clone() }))
}

/// Where advisories come from, as configured.
#[derive(Debug, Clone)]
enum AdvisorySource {
    /// A folder of zips, or an index.
    Database(PathBuf),
    /// The API's address, without a slash at its end.
    Api(String),
}

impl AdvisorySource {
    fn from_vars(vars: &mut Vars) -> Option<AdvisorySource> {
        let source = vars.choice(&OSV_SOURCE);
        let path = vars.path(&OSV_DB_PATH);
        let api = vars.text(&OSV_API_URL).map(|url| url.trim_end_matches('/').to_owned());
        match (source, path) {
            (Some("api"), _) | (_, None) if source != Some("db") => api.map(AdvisorySource::Api),
            (_, Some(path)) => Some(AdvisorySource::Database(path)),
            (_, None) => {
                vars.problem(&OSV_SOURCE, "db needs OSV_DB_PATH, a folder of OSV's zips or a compiled index");
                None
            }
        }
    }
}

struct Api<'a> {
    client: &'a Client,
    url: &'a str,
}

impl osv::Transport for Api<'_> {
    async fn post(&self, path: &str, body: String) -> anyhow::Result<Vec<u8>> {
        let request = Request::post(&format!("{}{path}", self.url)).body("application/json", body).idempotent();
        Ok(self.client.send(request).await?.body)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.client.send(Request::get(&format!("{}{path}", self.url))).await?.body)
    }
}

struct Dependencies {
    source: AdvisorySource,
    network: Settings,
    cancel: CancellationToken,
}

impl Dependencies {
    fn lookup(&self, queries: &[Query<'_>]) -> anyhow::Result<Lookup> {
        match &self.source {
            AdvisorySource::Database(path) => Ok(osv::open(path)?.lookup(queries, &|| self.cancel.is_cancelled())?),
            AdvisorySource::Api(url) => {
                let client = Client::new(&self.network, self.cancel.clone())?;
                Handle::current().block_on(osv::lookup_api(&Api { client: &client, url }, queries))
            }
        }
    }
}

impl Scanner for Dependencies {
    fn name(&self) -> &'static str {
        "dependencies"
    }

    fn reads_lockfiles(&self) -> bool {
        true
    }

    fn effects(&self) -> Effects {
        match &self.source {
            AdvisorySource::Database(_) => Effects::default(),
            AdvisorySource::Api(url) => Effects { hosts: vec![host(url)], ..Effects::default() },
        }
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let inventory = input.inventory();
        anyhow::ensure!(!input.cancel.is_cancelled(), "cancelled");
        let packages: Vec<(&Lockfile, &Package)> = inventory
            .lockfiles
            .iter()
            .flat_map(|lockfile| lockfile.packages.iter().map(move |package| (lockfile, package)))
            .collect();
        let (public, other): (Vec<_>, Vec<_>) = packages
            .iter()
            .copied()
            .partition(|(_, package)| package.source == Source::Registry && !package.version.is_empty());
        let mut scan = Scan {
            detail: format!(
                "{}, {}",
                plural(inventory.lockfiles.len(), "lockfile"),
                count(packages.len() as u64, "package")
            ),
            counts: vec![
                ("lockfiles", inventory.lockfiles.len() as u64),
                ("packages", packages.len() as u64),
                ("not_looked_up", other.len() as u64),
            ],
            ..Scan::default()
        };
        if !other.is_empty() {
            scan.detail.push_str(&format!(" ({} not looked up: private, Git or local)", other.len()));
        }
        if inventory.lockfiles.is_empty() && inventory.incomplete == 0 {
            scan.skipped = Some("no lockfile".to_owned());
        }
        if public.is_empty() {
            return Ok(scan);
        }

        // One question a package and version, however many lockfiles have it.
        let mut queries: Vec<Query<'_>> = Vec::new();
        let mut known: HashMap<Query<'_>, usize> = HashMap::new();
        let questions: Vec<usize> = public
            .iter()
            .map(|(_, Package { ecosystem, name, version, .. })| {
                let query = Query { ecosystem: *ecosystem, name, version };
                *known.entry(query).or_insert_with(|| {
                    queries.push(query);
                    queries.len() - 1
                })
            })
            .collect();
        let lookup = match self.lookup(&queries) {
            Ok(lookup) => lookup,
            Err(error) => {
                input.ledger.leave_out(self.name(), Reason::Failed, "", &format!("no advisories: {error:#}"));
                return Ok(scan);
            }
        };
        let coverage = &lookup.coverage;
        scan.detail.push_str(&format!("; advisories of {}", dates(&public, coverage)));
        scan.counts.push(("advisories", coverage.records));
        input.report.section(
            "advisories",
            serde_json::json!({
                "source": coverage.description,
                "date": coverage.date,
                "records": coverage.records,
                "ecosystems": coverage.ecosystems,
                "dates": coverage.dates,
            }),
        );
        for problem in uncovered(&public, coverage) {
            input.ledger.leave_out(self.name(), Reason::NotCovered, "", &problem);
        }

        let answers = questions.iter().map(|question| lookup.results.get(*question).map_or(&[][..], Vec::as_slice));
        scan.findings = findings(public.into_iter().zip(answers));
        Ok(scan)
    }
}

/// How old the advisories are: one date, or the oldest with its ecosystem and the newest. One that is stale must not
/// hide behind another.
fn dates(packages: &[(&Lockfile, &Package)], coverage: &Coverage) -> String {
    let used: BTreeSet<&str> = packages.iter().map(|(_, package)| package.ecosystem.osv_name()).collect();
    let mut dates: Vec<(&str, &str)> = coverage
        .dates
        .iter()
        .filter(|(ecosystem, _)| used.contains(ecosystem.as_str()))
        .map(|(ecosystem, date)| (day(date), ecosystem.as_str()))
        .collect();
    dates.sort_unstable();
    match (dates.first(), dates.last()) {
        (Some((oldest, ecosystem)), Some((newest, _))) if oldest != newest => {
            format!("{oldest} ({ecosystem}) to {newest}")
        }
        (Some((date, _)), _) => (*date).to_owned(),
        _ => coverage.date.as_deref().map_or("an unknown date", day).to_owned(),
    }
}

/// `2026-08-22` of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// A package whose ecosystem the source doesn't know has not been checked.
fn uncovered(packages: &[(&Lockfile, &Package)], coverage: &Coverage) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, package) in packages {
        let ecosystem = package.ecosystem.osv_name();
        if !coverage.covers(package.ecosystem) {
            *counts.entry(ecosystem).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .map(|(ecosystem, count)| {
            format!("the advisories do not cover {ecosystem}: {} not checked", plural(count, "package"))
        })
        .collect()
}

fn findings<'a>(answered: impl Iterator<Item = ((&'a Lockfile, &'a Package), &'a [Advisory])>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // npm installs one version at many places of one tree: one finding.
    let mut seen = BTreeSet::new();
    let mut occurrences: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for ((lockfile, package), advisories) in answered {
        for advisory in advisories {
            if !seen.insert((&lockfile.path, &package.name, &package.version, &advisory.id)) {
                continue;
            }
            // The version is not part of it: a finding survives an upgrade that doesn't help.
            let key = (lockfile.path.clone(), package.name.clone(), advisory.id.clone());
            let occurrence = occurrences.entry(key).and_modify(|count| *count += 1).or_insert(0);
            findings.push(finding(lockfile, package, advisory, *occurrence));
        }
    }
    findings
}

fn finding(lockfile: &Lockfile, package: &Package, advisory: &Advisory, occurrence: usize) -> Finding {
    let upgrade = advisory.fixed.first().map(|fixed| lockfile.format.upgrade(package, fixed, &lockfile.path));
    let ecosystem = package.ecosystem.osv_name();
    let sort = if advisory.informational.is_some() { "advice" } else { "vulnerability" };
    Finding {
        scanner: "dependencies",
        rule: Arc::new(Rule {
            id: advisory.id.clone(),
            ids: advisory.ids.clone(),
            name: match advisory.informational.as_deref() {
                Some(word) => format!("{}Dependency", pascal(word)),
                None => "VulnerableDependency".to_owned(),
            },
            title: advisory.summary.clone(),
            explanation: None,
            link: Some(advisory.url.clone()).filter(|url| !url.is_empty()),
            tags: vec![sort.to_owned(), ecosystem.to_owned()],
            precision: Precision::High,
        }),
        severity: advisory.severity,
        severity_source: advisory.severity_source.clone(),
        location: Location {
            path: lockfile.path.clone(),
            span: Span::line(package.line),
            container: lockfile.container.clone(),
        },
        remedy: remedy(&package.name, &advisory.fixed, upgrade.as_deref()),
        fingerprint: fingerprint(&[
            "dependencies",
            &advisory.id,
            &lockfile.path,
            ecosystem,
            &package.name,
            &occurrence.to_string(),
        ]),
        kind: Kind::Vulnerability(Vulnerability {
            package: AffectedPackage {
                ecosystem,
                name: package.name.clone(),
                version: package.version.clone(),
                purl: purl(package),
                scope: package.scope,
                direct: package.direct,
                fixed: advisory.fixed.clone(),
                upgrade,
            },
            score: advisory.score,
            informational: advisory.informational.clone(),
        }),
        inline_allow: None,
        status: Status::New,
        gated: None,
    }
}

fn remedy(package: &str, fixed: &[String], upgrade: Option<&str>) -> Remedy {
    let Some(first) = fixed.first() else {
        return Remedy {
            brief: "no fix yet".into(),
            clause: "there is no fixed version yet".into(),
            text: format!(
                "No fixed version of {package} is known. Replace it, or accept the risk in the ignore file with a \
                 reason and an end date."
            )
            .into(),
            command: None,
        };
    };
    let (brief, clause, command) = match upgrade {
        Some(upgrade) => (format!(" ({upgrade})"), format!(": {upgrade}"), format!(": {upgrade}")),
        None => (String::new(), String::new(), String::new()),
    };
    Remedy {
        brief: format!("fix: {first}{brief}").into(),
        clause: format!("fixed in {first}{clause}").into(),
        text: sentence(&format!("Upgrade {package} to {}{command}", fixed.join(" or "))).into(),
        command: upgrade.map(str::to_owned),
    }
}

/// What OSV_DB_COMPILE asks for: an index instead of a scan.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Compile {
    from: PathBuf,
    pub(crate) to: PathBuf,
}

impl Compile {
    /// Paths are absolute.
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Compile> {
        let to = vars.path(&OSV_DB_COMPILE)?;
        let from = vars.path(&OSV_DB_PATH).filter(|_| vars.choice(&OSV_SOURCE) != Some("api"));
        if from.is_none() {
            vars.problem(&OSV_DB_COMPILE, "needs OSV_DB_PATH, a folder of OSV's zips to compile");
        }
        let dir = &ctx.workspace.dir;
        Some(Compile { from: dir.join(from?), to: dir.join(to) })
    }

    /// Compiles, and says what came out as a sentence.
    ///
    /// # Errors
    /// The zips can't be read, or the index can't be written.
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        let summary =
            osv::compile(&self.from, &self.to).with_context(|| format!("can't compile {}", self.from.display()))?;
        let date = summary.coverage.date.as_deref().map_or("an unknown date", day);
        Ok(format!(
            "{} advisories of {date} for {}, {} KB",
            thousands(summary.coverage.records),
            count(summary.packages, "package"),
            thousands(summary.bytes.div_ceil(1024))
        ))
    }
}
