//! Known vulnerabilities of the packages in lockfiles.

mod advisories;
mod age;
mod findings;
mod origin;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pipe_advisories::{Coverage, MAX_ADVISORIES, Query};
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::plan::Effects;
use pipe_core::spec::Var;
use pipe_core::text::{count, plural, thousands};
use pipe_packages::package::Locked;
use pipe_packages::store::{PackageId, Store};

use super::{Input, Scan, Scanner, WITH_MANY_FINDINGS};
use crate::inventory::{Inventory, Lockfile};
use crate::ledger::{Ledger, Reason};
use advisories::{AdvisorySource, Network, OSV_API_URL, OSV_DB_COMPILE, OSV_DB_PATH, OSV_SOURCE};
use age::{DB_MAX_AGE_DAYS, MaxAge, day};
use origin::{Fate, PRIVATE_PACKAGES, PUBLIC_MIRRORS, Privacy, WAYS_OUT};

pub(crate) use advisories::Compile;
pub(crate) use age::DB_STALE;
use findings::NAME;
#[cfg(test)]
pub(crate) use findings::{malware_remedy, remedy};

pub(crate) const SCA_SCAN: Var =
    Var::flag("SCA_SCAN", "Looks up the packages of every lockfile in the OSV advisories.")
        .or("looks up nothing")
        .default("true");

pub(crate) const VARS: &[&Var] = &[
    &OSV_SOURCE,
    &OSV_DB_PATH,
    &OSV_DB_COMPILE,
    &OSV_API_URL,
    &PUBLIC_MIRRORS,
    &PRIVATE_PACKAGES,
    &DB_MAX_AGE_DAYS,
    &DB_STALE,
];

pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Arc<dyn Scanner>> {
    let source = AdvisorySource::from_vars(vars);
    let (privacy, max_age) = (Privacy::from_vars(vars), MaxAge::from_vars(vars, ctx.now));
    if !vars.flag(&SCA_SCAN) {
        return None;
    }
    let source = match source? {
        AdvisorySource::Database(path) => AdvisorySource::Database(ctx.workspace.dir.join(path)),
        api => api,
    };
    let network =
        Network { settings: ctx.http_settings(), cancel: ctx.cancel.clone(), console: Arc::clone(&ctx.console) };
    Some(Arc::new(Dependencies { source, privacy, max_age, network }))
}

struct Dependencies {
    source: AdvisorySource,
    privacy: Privacy,
    max_age: MaxAge,
    network: Network,
}

/// One question a package and version, however many lockfiles have it.
#[derive(Default)]
struct Questions<'a> {
    queries: Vec<Query<'a>>,
    /// By release: where in `queries` it is.
    places: Vec<Option<u32>>,
    /// By package: whether it is asked about. Another one of the same name and version may come from elsewhere.
    is_asked: Vec<bool>,
    /// Packages by ecosystem, each as often as it occurs.
    asked: BTreeMap<&'static str, u64>,
    left_out: u64,
}

impl<'a> Questions<'a> {
    fn new(packages: &Store) -> Questions<'a> {
        let (places, is_asked) = (vec![None; packages.releases()], vec![false; packages.len()]);
        Questions { places, is_asked, ..Questions::default() }
    }

    /// Packages that differ only in origin or checksums share a query.
    fn ask(&mut self, id: PackageId, package: &Locked<'a>, packages: &Store) {
        let place = packages.release(id).and_then(|release| self.places.get_mut(release.index()));
        let (Some(place), Some(is_asked)) = (place, self.is_asked.get_mut(id.index())) else { return };
        *is_asked = true;
        if place.is_none() {
            // The packages of a store are far fewer.
            *place = Some(self.queries.len() as u32);
            let Locked { ecosystem, name, version, .. } = *package;
            self.queries.push(Query { ecosystem, name, version });
        }
    }

    fn asks_about(&self, id: PackageId) -> bool {
        self.is_asked.get(id.index()) == Some(&true)
    }

    /// The place of the query of a package, if there is one.
    fn place(&self, id: PackageId, packages: &Store) -> Option<usize> {
        let release = packages.release(id).filter(|_| self.asks_about(id))?;
        self.places.get(release.index()).copied().flatten().map(|place| place as usize)
    }
}

impl Scanner for Dependencies {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads_lockfiles(&self) -> bool {
        true
    }

    fn effects(&self) -> Effects {
        self.source.effects()
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let inventory = input.inventory();
        anyhow::ensure!(!input.cancel.is_cancelled(), "cancelled");
        let mut scan = Scan::default();
        let questions = self.questions(inventory, &input.ledger, &mut scan.warnings);
        let packages: usize = inventory.lockfiles.iter().map(|lockfile| lockfile.listing.len()).sum();
        let lockfiles = inventory.lockfiles.len();
        scan.detail = format!("{}, {}", plural(lockfiles, "lockfile"), count(packages as u64, "package"));
        scan.counts =
            vec![("lockfiles", lockfiles as u64), ("packages", packages as u64), ("not_looked_up", questions.left_out)];
        if lockfiles == 0 && inventory.incomplete == 0 {
            scan.skipped = Some("no lockfile".to_owned());
        }
        if questions.queries.is_empty() {
            return Ok(scan);
        }
        let lookup = match self.source.lookup(&questions.queries, &self.network) {
            Ok(lookup) => lookup,
            Err(error) => {
                let why = self.source.not_reached(&error);
                input.ledger.leave_out(NAME, Reason::Failed, "", &why);
                return Ok(scan);
            }
        };
        self.describe(&lookup.coverage, &questions, input, &mut scan);
        if !lookup.is_whole {
            let most = thousands(MAX_ADVISORIES as u64);
            let why = format!("more than {most} advisories, the others were not judged. {WITH_MANY_FINDINGS}");
            input.ledger.leave_out(NAME, Reason::TooMany, "", &why);
        }
        let place = |package: PackageId| questions.place(package, &inventory.packages);
        scan.findings = findings::of(inventory, &place, lookup.results);
        Ok(scan)
    }
}

impl Dependencies {
    /// What limits the API; `None` with a database.
    fn privacy(&self) -> Option<&Privacy> {
        matches!(self.source, AdvisorySource::Api(_)).then_some(&self.privacy)
    }

    /// What to ask. Every package that is not asked about is in the ledger after this.
    fn questions<'a>(&self, inventory: &'a Inventory, ledger: &Ledger, warnings: &mut Vec<String>) -> Questions<'a> {
        let mut questions = Questions::new(&inventory.packages);
        for lockfile in &inventory.lockfiles {
            self.ask(lockfile, &inventory.packages, &mut questions, ledger, warnings);
        }
        if let Some(privacy) = self.privacy() {
            warnings.extend(privacy.unmatched(inventory.packages.all()).into_iter().map(|glob| {
                format!(
                    "`{glob}` in PRIVATE_PACKAGES matches no package, so it keeps none from the API. Correct or \
                         remove it"
                )
            }));
        }
        questions
    }

    fn ask<'a>(
        &self,
        lockfile: &'a Lockfile,
        packages: &'a Store,
        questions: &mut Questions<'a>,
        ledger: &Ledger,
        warnings: &mut Vec<String>,
    ) {
        let (mut asked, mut may_be_private, mut are_private) = (0_u64, 0_u64, 0_u64);
        for (id, package) in packages.locked(&lockfile.listing) {
            // The fate of a package is the same in every lockfile.
            let is_known = questions.asks_about(id);
            match if is_known { Fate::LookUp } else { origin::fate(&package, self.privacy()) } {
                Fate::LookUp => {
                    asked += 1;
                    *questions.asked.entry(package.ecosystem.osv_name()).or_default() += 1;
                    if !is_known {
                        questions.ask(id, &package, packages);
                    }
                }
                Fate::LeaveOut { reason, why } => {
                    questions.left_out += 1;
                    may_be_private += u64::from(reason == Reason::PrivateRegistry);
                    are_private += u64::from(reason == Reason::PrivateName);
                    let version = if package.version.is_empty() { "" } else { " " };
                    let what = format!("{}: {}{version}{}", lockfile.path, package.name, package.version);
                    ledger.leave_out(NAME, reason, &what, &why);
                }
            }
        }
        if asked == 0 && may_be_private > 0 {
            let packages = count(may_be_private, "package");
            let why = format!(
                "{packages} of registries that may be private, and no other, so nothing was looked up. \
                               {WAYS_OUT}"
            );
            ledger.leave_out(NAME, Reason::NothingLookedUp, &lockfile.path, &why);
        } else if asked == 0 && are_private > 0 {
            warnings.push(format!(
                "{}: PRIVATE_PACKAGES matches every package of a registry, so nothing was looked up. Set OSV_DB_PATH to \
                 look them up without the API",
                lockfile.path
            ));
        }
    }

    /// What the source is, how old it is, and what it does not cover.
    fn describe(&self, coverage: &Coverage, questions: &Questions<'_>, input: &Input, scan: &mut Scan) {
        let used: BTreeSet<&str> = questions.asked.keys().copied().collect();
        let mut dates: Vec<(&str, &str)> = coverage
            .dates
            .iter()
            .filter(|(ecosystem, _)| used.contains(ecosystem.as_str()))
            .map(|(ecosystem, date)| (day(date), ecosystem.as_str()))
            .collect();
        dates.sort_unstable();
        scan.detail.push_str(&format!("; advisories {}", self.source.age_in_words(coverage, &dates)));
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
        for (ecosystem, packages) in &questions.asked {
            if !coverage.ecosystems.contains(*ecosystem) {
                let packages = count(*packages, "package");
                let why = format!(
                    "the advisories do not cover {ecosystem}: {packages} not checked. Add the zip of \
                                   {ecosystem} to OSV_DB_PATH"
                );
                input.ledger.leave_out(NAME, Reason::NotCovered, "", &why);
            }
        }
        if self.privacy().is_none() {
            let reason = if self.max_age.fails { Reason::StaleDatabase } else { Reason::OldDatabase };
            for problem in self.max_age.problems(coverage, &used) {
                input.ledger.leave_out(NAME, reason, "", &problem);
            }
        }
    }
}
