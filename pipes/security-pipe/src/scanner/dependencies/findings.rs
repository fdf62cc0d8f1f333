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
    fingerprint,
};
use crate::inventory::{Inventory, Lockfile};
use crate::words::{pascal, sentence};

/// The scanner, as reports call it.
pub(super) const NAME: &str = "dependencies";

/// What `answers` says of the packages of each lockfile.
pub(super) fn of<'a>(inventory: &'a Inventory, answers: &dyn Fn(PackageId) -> &'a [Advisory]) -> Vec<Finding> {
    let mut rules = Rules::default();
    let lockfiles = inventory.lockfiles.iter();
    lockfiles.flat_map(|lockfile| of_lockfile(lockfile, &inventory.packages, answers, &mut rules)).collect()
}

/// The rule of each advisory, which all its findings share.
type Rules = HashMap<(&'static str, String), Arc<Rule>>;

fn of_lockfile<'a>(
    lockfile: &'a Lockfile,
    packages: &'a Store,
    answers: &dyn Fn(PackageId) -> &'a [Advisory],
    rules: &mut Rules,
) -> Vec<Finding> {
    let affected: Vec<(Locked<'_>, &[Advisory])> = packages
        .locked(&lockfile.listing)
        .map(|(id, package)| (package, answers(id)))
        .filter(|(_, advisories)| !advisories.is_empty())
        .collect();
    let copies = Copies::new(&affected);
    let mut findings = Vec::new();
    // npm installs one version at many places of one tree: one finding.
    let mut seen = HashSet::new();
    let mut occurrences: HashMap<(&str, &str), usize> = HashMap::new();
    for (package, advisories) in &affected {
        for advisory in *advisories {
            if !seen.insert((package.name, package.version, advisory.id.as_str())) {
                continue;
            }
            // The version is not part of it: a finding survives an upgrade that doesn't help.
            let key = (package.name, advisory.id.as_str());
            let occurrence = occurrences.entry(key).and_modify(|count| *count += 1).or_insert(0);
            findings.push(finding(lockfile, package, advisory, *occurrence, &copies, rules));
        }
    }
    findings
}

/// The copies of each affected package in one lockfile.
#[derive(Default)]
struct Copies<'a> {
    /// Where a version is installed, by name and version.
    places: HashMap<(&'a str, &'a str), BTreeSet<String>>,
    /// The versions that an advisory, by its anchor, is about, lowest first, by the package's name.
    versions: HashMap<(&'a str, &'a str), BTreeSet<(Version, &'a str)>>,
}

impl<'a> Copies<'a> {
    fn new(affected: &[(Locked<'a>, &'a [Advisory])]) -> Copies<'a> {
        let mut copies = Copies::default();
        for (package, advisories) in affected {
            if let Some(place) = package.installed_in() {
                let key = (package.name, package.version);
                copies.places.entry(key).or_default().insert(place.into_owned());
                continue;
            }
            for advisory in *advisories {
                let version = (Version::parse(package.ecosystem, package.version), package.version);
                copies.versions.entry((package.name, &advisory.anchor)).or_default().insert(version);
            }
        }
        copies
    }

    fn places(&self, package: &Locked<'_>) -> Vec<String> {
        let places = self.places.get(&(package.name, package.version));
        places.into_iter().flatten().cloned().collect()
    }

    /// Where a copy is: its folders, or else its place among the versions of the lockfile. Neither depends on the order
    /// of the file.
    fn place(&self, package: &Locked<'_>, advisory: &Advisory) -> String {
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
    advisory: &Advisory,
    occurrence: usize,
    copies: &Copies<'_>,
    rules: &mut Rules,
) -> Finding {
    let upgrade = advisory.fixed.first().map(|fixed| lockfile.format.upgrade(package, fixed, &lockfile.path));
    let ecosystem = package.ecosystem.osv_name();
    let remedy = match advisory.malicious {
        true => malware_remedy(package.name, &advisory.fixed),
        false => remedy(package.name, &advisory.fixed, upgrade.as_deref()),
    };
    let under = |id: &str| fingerprint(&[NAME, id, &lockfile.path, ecosystem, package.name, &occurrence.to_string()]);
    let under_any_id: Vec<String> = advisory.ids.iter().map(|id| under(id)).collect();
    // The id that is shown is the first of them.
    let shown = under_any_id.first().filter(|_| advisory.ids.first() == Some(&advisory.id)).cloned();
    let fingerprint_v1 = shown.unwrap_or_else(|| under(&advisory.id));
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
            under_any_id,
        },
    };
    let rule = rules.entry((ecosystem, advisory.id.clone())).or_insert_with(|| Arc::new(rule(advisory, ecosystem)));
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
        remedy,
        fingerprint: fingerprint_v1,
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

fn rule(advisory: &Advisory, ecosystem: &str) -> Rule {
    let (sort, name) = match &advisory.informational {
        _ if advisory.malicious => ("malware", "MaliciousDependency".to_owned()),
        Some(word) => ("advice", format!("{}Dependency", pascal(word))),
        None => ("vulnerability", "VulnerableDependency".to_owned()),
    };
    Rule {
        id: advisory.id.clone(),
        ids: advisory.ids.clone(),
        name,
        title: advisory.summary.clone(),
        explanation: None,
        link: Some(advisory.url.clone()).filter(|url| !url.is_empty()),
        tags: vec![sort.to_owned(), ecosystem.to_owned()],
        precision: Precision::High,
    }
}

/// Malware ran on every machine that installed it, so that a clean version alone does not undo it.
pub(crate) fn malware_remedy(package: &str, fixed: &[String]) -> Remedy {
    let clean = fixed.first().map(|fixed| format!(" Version {fixed} is not affected.")).unwrap_or_default();
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
