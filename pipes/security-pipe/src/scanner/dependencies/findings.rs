//! From advisories to findings: one for each version of a package in a lockfile and each advisory about it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use pipe_advisories::{Advisory, Query};
use pipe_core::severity::Severity;
use pipe_packages::package::Locked;
use pipe_packages::sbom::purl;
use pipe_packages::store::{PackageId, Store};
use pipe_packages::version::Version;

use crate::finding::{
    AffectedPackage, Finding, Identity, Kind, Location, Precision, Remedy, Rule, Span, Status, Vulnerability,
    fingerprint, fingerprint_number, in_digits,
};
use crate::findings::Findings;
use crate::inventory::{Inventory, Lockfile};
use crate::words::{pascal, sentence};

/// The scanner, as reports call it.
pub(super) const NAME: &str = "dependencies";

/// What a finding takes from its advisory.
pub(super) struct Answer {
    /// Shared by all findings of the advisory.
    rule: Arc<Rule>,
    anchor: String,
    malicious: bool,
    severity: Option<Severity>,
    severity_source: String,
    score: Option<f32>,
    informational: Option<String>,
    fixed: Vec<String>,
}

/// The results of a look-up, in the order of its queries, in less memory.
pub(super) fn answers(queries: &[Query<'_>], results: Vec<Vec<Advisory>>) -> Vec<Box<[Answer]>> {
    let mut rules = Rules::default();
    let results = queries.iter().zip(results);
    results
        .map(|(query, advisories)| {
            let ecosystem = query.ecosystem.osv_name();
            advisories.into_iter().map(|advisory| answer(advisory, ecosystem, &mut rules)).collect()
        })
        .collect()
}

/// The rule of each advisory, by a hash of all its ids: those of one version may have more than those of another one.
type Rules = HashMap<u128, Arc<Rule>>;

fn answer(advisory: Advisory, ecosystem: &'static str, rules: &mut Rules) -> Answer {
    let key: Vec<&str> = std::iter::once(ecosystem).chain(advisory.ids.iter().map(String::as_str)).collect();
    let rule = rules.entry(fingerprint_number(&key)).or_insert_with(|| Arc::new(rule(&advisory, ecosystem)));
    Answer {
        rule: Arc::clone(rule),
        anchor: advisory.anchor,
        malicious: advisory.malicious,
        severity: advisory.severity,
        severity_source: advisory.severity_source,
        score: advisory.score,
        informational: advisory.informational,
        fixed: advisory.fixed,
    }
}

/// What `answers` says of the packages of each lockfile.
pub(super) fn of<'a>(inventory: &'a Inventory, answers: &dyn Fn(PackageId) -> &'a [Answer]) -> Findings {
    let mut findings = Findings::default();
    for lockfile in &inventory.lockfiles {
        of_lockfile(lockfile, &inventory.packages, answers, &mut findings);
    }
    findings
}

fn of_lockfile<'a>(
    lockfile: &'a Lockfile,
    packages: &'a Store,
    answers: &dyn Fn(PackageId) -> &'a [Answer],
    findings: &mut Findings,
) {
    // Gone through again and again, since a list of them takes more memory than the lockfile.
    let affected = || {
        let all = packages.locked(&lockfile.listing).map(|(id, package)| (package, answers(id)));
        all.filter(|(_, advisories)| !advisories.is_empty())
    };
    let copies = Copies::new(&affected);
    // npm installs one version at many places of one tree: one finding.
    let mut seen = HashSet::new();
    let mut occurrences: HashMap<(&str, &str), usize> = HashMap::new();
    for (package, advisories) in affected() {
        for advisory in advisories {
            let mut occurrence = 0;
            if !copies.is_only_one(&package) {
                if !seen.insert((package.name, package.version, advisory.rule.id.as_str())) {
                    continue;
                }
                // The version is not part of it: a finding survives an upgrade that doesn't help.
                let next = occurrences.entry((package.name, advisory.rule.id.as_str())).or_default();
                occurrence = *next;
                *next += 1;
            }
            findings.push(finding(lockfile, &package, advisory, occurrence, &copies));
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
    versions: HashMap<(&'a str, &'a str), BTreeSet<(Version, &'a str)>>,
}

impl<'a> Copies<'a> {
    fn new<I: Iterator<Item = (Locked<'a>, &'a [Answer])>>(affected: &dyn Fn() -> I) -> Copies<'a> {
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
                    copies.versions.entry((package.name, &advisory.anchor)).or_default().insert(version);
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
    fn place(&self, package: &Locked<'_>, advisory: &Answer) -> String {
        let places = self.places(package);
        if !places.is_empty() {
            return places.join("\n");
        }
        let versions = self.versions.get(&(package.name, advisory.anchor.as_str())).into_iter().flatten();
        versions.take_while(|(_, version)| *version != package.version).count().to_string()
    }
}

fn finding(
    lockfile: &Lockfile,
    package: &Locked<'_>,
    advisory: &Answer,
    occurrence: usize,
    copies: &Copies<'_>,
) -> Finding {
    let upgrade = advisory.fixed.first().map(|fixed| lockfile.format.upgrade(package, fixed, &lockfile.path));
    let (ecosystem, rule) = (package.ecosystem.osv_name(), &advisory.rule);
    let occurrence = occurrence.to_string();
    let under = |id: &str| fingerprint_number(&[NAME, id, &lockfile.path, ecosystem, package.name, &occurrence]);
    let place = copies.place(package, advisory);
    let affected = AffectedPackage {
        ecosystem,
        name: package.name.to_owned(),
        version: package.version.to_owned(),
        purl: purl(package),
        scope: package.scope,
        direct: package.direct,
        fixed: advisory.fixed.clone(),
        upgrade: upgrade.filter(|_| !advisory.malicious),
        places: copies.places(package),
        identity: Identity {
            stable: fingerprint(&[NAME, "2", &advisory.anchor, &lockfile.path, ecosystem, package.name, &place]),
            under_any_id: rule.ids.iter().map(|id| under(id)).collect(),
        },
    };
    Finding {
        scanner: NAME,
        rule: Arc::clone(rule),
        severity: advisory.severity,
        severity_source: advisory.severity_source.clone(),
        location: Location {
            path: lockfile.path.clone(),
            span: Span::line(package.line),
            container: lockfile.container.clone(),
        },
        remedy: if advisory.malicious { malware_remedy } else { remedy },
        fingerprint: in_digits(under(&rule.id)),
        kind: match advisory.malicious {
            true => Kind::Malware(affected),
            false => Kind::Vulnerability(Vulnerability {
                package: affected,
                score: advisory.score,
                informational: advisory.informational.clone(),
            }),
        },
        inline_allow: None,
        status: Status::New,
        gated: None,
    }
}

fn rule(advisory: &Advisory, ecosystem: &'static str) -> Rule {
    let (sort, name) = match &advisory.informational {
        _ if advisory.malicious => ("malware", "MaliciousDependency".into()),
        Some(word) => ("advice", format!("{}Dependency", pascal(word)).into()),
        None => ("vulnerability", "VulnerableDependency".into()),
    };
    Rule {
        id: advisory.id.clone(),
        ids: advisory.ids.clone(),
        name,
        title: advisory.summary.clone(),
        explanation: None,
        link: Some(advisory.url.clone()).filter(|url| !url.is_empty()),
        tags: vec![sort.into(), ecosystem.into()],
        precision: Precision::High,
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
