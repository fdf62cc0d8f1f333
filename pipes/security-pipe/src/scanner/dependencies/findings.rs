//! From advisories to findings: one for each version of a package in a lockfile and each advisory about it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use pipe_advisories::Advisory;
use pipe_packages::package::Locked;
use pipe_packages::sbom::purl;
use pipe_packages::store::{PackageId, Store};
use pipe_packages::version::Version;

use crate::finding::{
    AffectedPackage, Finding, Identity, Kind, Location, Precision, Remedy, Rule, Span, Status, Vulnerability,
    fingerprint_number, in_digits,
};
use crate::findings::Findings;
use crate::inventory::{Inventory, Lockfile};
use crate::words::{pascal, sentence};

/// The scanner, as reports call it.
pub(super) const NAME: &str = "dependencies";

/// What `results`, the advisories at the `place` of each package, say of the packages of each lockfile.
pub(super) fn of(
    inventory: &Inventory,
    place: &dyn Fn(PackageId) -> Option<usize>,
    results: Vec<Vec<Advisory>>,
) -> Findings {
    let mut last = vec![0; results.len()];
    for (number, lockfile) in inventory.lockfiles.iter().enumerate() {
        for id in inventory.packages.ids(&lockfile.listing) {
            if let Some(last) = place(id).and_then(|place| last.get_mut(place)) {
                *last = number;
            }
        }
    }
    let affected: Vec<bool> = results.iter().map(|advisories| !advisories.is_empty()).collect();
    let is_affected = |id: PackageId| place(id).is_some_and(|place| affected.get(place) == Some(&true));
    let mut work = Work { place, results, last, rules: Rules::default(), findings: Findings::default() };
    for (number, lockfile) in inventory.lockfiles.iter().enumerate() {
        work.of_lockfile(number, lockfile, &inventory.packages, &is_affected);
    }
    work.findings
}

struct Work<'a> {
    place: &'a dyn Fn(PackageId) -> Option<usize>,
    /// Emptied on the way: advisories and findings together would take twice the memory.
    results: Vec<Vec<Advisory>>,
    /// The last lockfile with the package, by place.
    last: Vec<usize>,
    rules: Rules,
    findings: Findings,
}

/// The rule of each advisory, by a hash of all its ids: those of one version may have more than those of another one.
type Rules = HashMap<u128, Arc<Rule>>;

impl Work<'_> {
    fn advisories(&self, id: PackageId) -> &[Advisory] {
        (self.place)(id).and_then(|place| self.results.get(place)).map_or(&[], Vec::as_slice)
    }

    fn of_lockfile(
        &mut self,
        number: usize,
        lockfile: &Lockfile,
        packages: &Store,
        is_affected: &dyn Fn(PackageId) -> bool,
    ) {
        let affected = || packages.locked_where(&lockfile.listing, is_affected);
        let copies = Copies::new(&|| affected().map(|(id, package)| (package, self.advisories(id))));
        // npm installs one version at many places of one tree: one finding.
        let mut seen = HashSet::new();
        let mut occurrences: HashMap<(&str, String), usize> = HashMap::new();
        for (id, package) in affected() {
            let Some(place) = (self.place)(id) else { continue };
            let is_only_one = copies.is_only_one(&package);
            let advisories = match self.results.get_mut(place) {
                Some(advisories) if is_only_one && self.last.get(place) == Some(&number) => std::mem::take(advisories),
                advisories => advisories.cloned().unwrap_or_default(),
            };
            for advisory in advisories {
                let mut occurrence = 0;
                if !is_only_one {
                    if !seen.insert((package.name, package.version, advisory.id.clone())) {
                        continue;
                    }
                    // The version is not part of it: a finding survives an upgrade that doesn't help.
                    let next = occurrences.entry((package.name, advisory.id.clone())).or_default();
                    occurrence = *next;
                    *next += 1;
                }
                let finding = finding(lockfile, &package, advisory, occurrence, &copies, &mut self.rules);
                self.findings.push(finding);
            }
        }
    }
}

/// The copies of each affected package in one lockfile.
#[derive(Default)]
struct Copies<'a> {
    /// How many there are, by name.
    counts: HashMap<&'a str, u32>,
    /// Where a version is installed, by name and version.
    places: HashMap<(&'a str, &'a str), BTreeSet<String>>,
    /// Of a package with several copies, the versions that an advisory, by its anchor, is about, lowest first.
    versions: HashMap<(&'a str, String), BTreeSet<(Version, &'a str)>>,
}

impl<'a> Copies<'a> {
    /// `affected` is gone through twice, since a list of it takes more memory than the lockfile.
    fn new<'b, I: Iterator<Item = (Locked<'a>, &'b [Advisory])>>(affected: &dyn Fn() -> I) -> Copies<'a> {
        let mut copies = Copies::default();
        for (package, _) in affected() {
            *copies.counts.entry(package.name).or_default() += 1;
        }
        for (package, advisories) in affected() {
            if let Some(place) = package.installed_in() {
                let key = (package.name, package.version);
                copies.places.entry(key).or_default().insert(place.into_owned());
            } else if !copies.is_only_one(&package) {
                for advisory in advisories {
                    let version = (Version::parse(package.ecosystem, package.version), package.version);
                    copies.versions.entry((package.name, advisory.anchor.clone())).or_default().insert(version);
                }
            }
        }
        copies
    }

    fn is_only_one(&self, package: &Locked<'_>) -> bool {
        self.counts.get(package.name) == Some(&1)
    }

    fn places(&self, package: &Locked<'_>) -> Vec<String> {
        let places = self.places.get(&(package.name, package.version));
        places.into_iter().flatten().cloned().collect()
    }

    /// Where a copy is: its folders, or else its place among the versions of the lockfile. Neither depends on the order
    /// of the file.
    fn place(&self, package: &Locked<'a>, advisory: &Advisory) -> String {
        let places = self.places(package);
        if !places.is_empty() {
            return places.join("\n");
        }
        let versions = self.versions.get(&(package.name, advisory.anchor.clone())).into_iter().flatten();
        versions.take_while(|(_, version)| *version != package.version).count().to_string()
    }
}

fn finding<'a>(
    lockfile: &Lockfile,
    package: &Locked<'a>,
    advisory: Advisory,
    occurrence: usize,
    copies: &Copies<'a>,
    rules: &mut Rules,
) -> Finding {
    let upgrade = advisory.fixed.first().map(|fixed| lockfile.format.upgrade(package, fixed, &lockfile.path));
    let ecosystem = package.ecosystem.osv_name();
    let occurrence = occurrence.to_string();
    let under = |id: &str| fingerprint_number(&[NAME, id, &lockfile.path, ecosystem, package.name, &occurrence]);
    let place = copies.place(package, &advisory);
    let affected = AffectedPackage {
        ecosystem,
        name: package.name.to_owned(),
        version: package.version.to_owned(),
        purl: purl(package),
        scope: package.scope,
        direct: package.direct,
        upgrade: upgrade.filter(|_| !advisory.malicious),
        places: copies.places(package),
        identity: Identity {
            stable: fingerprint_number(&[NAME, "2", &advisory.anchor, &lockfile.path, ecosystem, package.name, &place]),
            under_any_id: advisory.ids.iter().map(|id| under(id)).collect(),
        },
        fixed: advisory.fixed,
    };
    let fingerprint = in_digits(under(&advisory.id));
    let key: Vec<&str> = std::iter::once(ecosystem).chain(advisory.ids.iter().map(String::as_str)).collect();
    let rule = Arc::clone(rules.entry(fingerprint_number(&key)).or_insert_with(|| {
        let (sort, name) = match &advisory.informational {
            _ if advisory.malicious => ("malware", "MaliciousDependency".into()),
            Some(word) => ("advice", format!("{}Dependency", pascal(word)).into()),
            None => ("vulnerability", "VulnerableDependency".into()),
        };
        Arc::new(Rule {
            id: advisory.id,
            ids: advisory.ids.clone(),
            name,
            title: advisory.summary,
            explanation: None,
            link: Some(advisory.url).filter(|url| !url.is_empty()),
            tags: vec![sort.into(), ecosystem.into()],
            precision: Precision::High,
        })
    }));
    Finding {
        scanner: NAME,
        rule,
        severity: advisory.severity,
        severity_source: advisory.severity_source,
        location: Location {
            path: lockfile.path.clone(),
            span: Span::line(package.line),
            container: lockfile.container.clone(),
        },
        remedy: if advisory.malicious { malware_remedy } else { remedy },
        fingerprint,
        kind: match advisory.malicious {
            true => Kind::Malware(affected),
            false => Kind::Vulnerability(Vulnerability {
                package: affected,
                score: advisory.score,
                informational: advisory.informational,
            }),
        },
        inline_allow: None,
        status: Status::New,
        gated: None,
    }
}

/// Malware ran on every machine that installed it, so that a clean version alone does not undo it.
pub(crate) fn malware_remedy(finding: &Finding) -> Remedy {
    let fixed = finding.package().and_then(|package| package.fixed.first());
    let clean = fixed.map(|fixed| format!(" Version {fixed} is not affected.")).unwrap_or_default();
    let package = name(finding);
    Remedy {
        brief: "remove it".into(),
        clause: "malicious: remove it".into(),
        text: format!(
            "Remove {package}, and rotate every credential that a machine which installed it could read.{clean}"
        )
        .into(),
        command: None,
    }
}

/// To upgrade, if there is a fixed version.
pub(crate) fn remedy(finding: &Finding) -> Remedy {
    let fixed = finding.package().map_or(&[][..], |package| &package.fixed);
    let upgrade = finding.package().and_then(|package| package.upgrade.as_deref());
    let package = name(finding);
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

fn name(finding: &Finding) -> &str {
    finding.package().map_or("it", |package| &package.name)
}
