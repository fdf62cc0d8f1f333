//! Findings as a person deals with them: one group is one thing to do.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use pipe_packages::package::Ecosystem;
use pipe_packages::version::Version;

use crate::finding::Finding;
use crate::gate::Counts;

/// Findings about one package and version, or of one rule in one file, in the order of the run.
pub(super) struct Group<'a> {
    pub(super) findings: Vec<&'a Finding>,
}

/// All open findings, in groups by their worst finding.
pub(super) fn group(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut known: HashMap<(&str, &str, &str), usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        let key = match finding.package() {
            Some(package) => (package.ecosystem, package.name.as_str(), package.version.as_str()),
            None => ("", finding.rule.id.as_str(), finding.location.path.as_str()),
        };
        let at = *known.entry(key).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group { findings: vec![finding] }),
        }
    }
    groups
}

impl Group<'_> {
    /// The worst one, which stands for the group.
    pub(super) fn first(&self) -> &Finding {
        self.findings[0]
    }

    /// The distinct rules, the worst first.
    pub(super) fn rules(&self) -> Vec<&str> {
        distinct(self.findings.iter().map(|finding| finding.rule.id.as_str()))
    }

    /// The distinct places, in the order of the run.
    pub(super) fn places(&self) -> Vec<String> {
        distinct(self.findings.iter().map(|finding| finding.location.shown()))
    }

    /// What to do about all of it: `fix: 2.31.0 (poetry update requests)  1 critical, 2 high`.
    pub(super) fn remedy(&self) -> String {
        let advisories = self.advisories();
        let brief = self.first().remedy().brief.into_owned();
        if advisories.len() < 2 {
            return brief;
        }
        let counts = Counts::words(&advisories);
        let Some(package) = self.first().package() else { return brief };
        let fixable: Vec<&[String]> = advisories
            .iter()
            .filter_map(|finding| finding.package())
            .map(|package| package.fixed.as_slice())
            .filter(|fixed| !fixed.is_empty())
            .collect();
        let fix = Ecosystem::from_osv_name(package.ecosystem).and_then(|ecosystem| fixes_all(ecosystem, &fixable));
        match fix {
            Some(fix) if fixable.len() == advisories.len() => {
                let command = advisories
                    .iter()
                    .filter_map(|finding| finding.package())
                    .find(|package| package.fixed.first().is_some_and(|first| *first == fix))
                    .and_then(|package| package.upgrade.as_deref());
                let command = command.map(|command| format!(" ({command})")).unwrap_or_default();
                format!("fix: {fix}{command}  {counts}")
            }
            // The worst one has none: what helps against it comes first.
            _ if package.fixed.is_empty() => format!("{brief}  {counts}"),
            Some(fix) => format!("fix: {fix} for {} of {}  {counts}", fixable.len(), advisories.len()),
            None => format!("{brief}  {counts}"),
        }
    }

    /// One finding for each rule.
    fn advisories(&self) -> Vec<&Finding> {
        let mut seen = HashSet::new();
        self.findings.iter().copied().filter(|finding| seen.insert(&finding.rule.id)).collect()
    }
}

fn distinct<T: Clone + Eq + Hash>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    all.filter(|one| seen.insert(one.clone())).collect()
}

/// The lowest version that every list calls fixed: it is in the list, or not below the last one of it. Between two
/// versions of a list an advisory may apply again. One pass over the versions in their order, since a package may have
/// thousands of advisories.
fn fixes_all(ecosystem: Ecosystem, lists: &[&[String]]) -> Option<String> {
    let parse = |text: &String| Version::parse(ecosystem, text);
    let last_of: Vec<Version> = lists.iter().map(|list| list.iter().map(parse).max()).collect::<Option<_>>()?;
    let mut lasts: Vec<&Version> = last_of.iter().collect();
    lasts.sort();
    let mut named: Vec<(Version, usize, &String)> = Vec::new();
    for (list, texts) in lists.iter().enumerate() {
        named.extend(texts.iter().map(|text| (parse(text), list, text)));
    }
    named.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    named.chunk_by(|(a, ..), (b, ..)| a == b).find_map(|same| {
        let (version, _, text) = same.first()?;
        let behind = lasts.partition_point(|last| *last <= version);
        let within: HashSet<usize> =
            same.iter().map(|(_, list, _)| *list).filter(|list| last_of[*list] > *version).collect();
        (behind + within.len() == lists.len()).then(|| (*text).clone())
    })
}

#[cfg(test)]
mod tests {
    use pipe_core::severity::Severity;
    use pipe_packages::package::Ecosystem;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{fixes_all, group};
    use crate::finding::Finding;
    use crate::finding::tests::{advisory, secret};

    fn of(id: &str, fixed: &[&str], severity: Severity) -> Finding {
        let mut finding = advisory(Some(severity));
        let mut rule = (*finding.rule).clone();
        rule.id = id.to_owned();
        finding.rule = rule.into();
        let package = &mut finding.vulnerability_mut().package;
        package.fixed = fixed.iter().map(|version| (*version).to_owned()).collect();
        package.upgrade = fixed.first().map(|version| format!("poetry add requests@{version}"));
        finding
    }

    #[test]
    fn the_version_that_fixes_all_is_the_lowest_that_no_list_doubts() {
        let fix = |lists: &[&[&str]]| {
            let owned: Vec<Vec<String>> =
                lists.iter().map(|list| list.iter().map(|text| (*text).to_owned()).collect()).collect();
            fixes_all(Ecosystem::PyPi, &owned.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        assert_eq!(fix(&[&["1.5"]]).as_deref(), Some("1.5"));
        assert_eq!(fix(&[&["1.5"], &["1.10"]]).as_deref(), Some("1.10"));
        // Between 1.5 and 2.3 the first may apply again.
        assert_eq!(fix(&[&["1.5", "2.3"], &["2.1"]]).as_deref(), Some("2.3"));
        assert_eq!(fix(&[&["1.5", "2.3"], &["1.5", "2.1"]]).as_deref(), Some("1.5"));
        assert_eq!(fix(&[]), None);
    }

    proptest! {
        /// The words of the definition, one list and one version after the other.
        #[test]
        fn one_pass_finds_the_version_of_the_definition(lists in vec(vec(1_u8..9, 0..4), 0..5)) {
            let texts: Vec<Vec<String>> =
                lists.iter().map(|list| list.iter().map(|version| format!("1.{version}")).collect()).collect();
            let slices: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
            let fixes = |version: u8| {
                let fixed = |list: &Vec<u8>| list.contains(&version) || list.iter().max().is_some_and(|last| *last <= version);
                lists.iter().all(fixed)
            };
            let lowest = (1..9).find(|version| lists.iter().flatten().any(|named| named == version) && fixes(*version));
            prop_assert_eq!(fixes_all(Ecosystem::PyPi, &slices), lowest.map(|version| format!("1.{version}")));
        }
    }

    #[test]
    fn one_package_is_one_group_with_one_remedy() {
        let findings = [
            of("GHSA-a", &["2.0"], Severity::Critical),
            of("GHSA-b", &["2.31"], Severity::High),
            of("GHSA-b", &["2.31"], Severity::High),
            secret(Severity::Critical),
        ];
        let groups = group(&findings);
        assert_eq!(groups.iter().map(|group| group.findings.len()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(groups[0].rules(), ["GHSA-a", "GHSA-b"]);
        assert_eq!(groups[0].remedy(), "fix: 2.31 (poetry add requests@2.31)  1 critical, 1 high");
    }

    #[test]
    fn an_advisory_without_a_fix_is_not_called_fixed() {
        let findings = [of("GHSA-a", &["2.0"], Severity::Critical), of("GHSA-b", &[], Severity::High)];
        assert_eq!(group(&findings)[0].remedy(), "fix: 2.0 for 1 of 2  1 critical, 1 high");
        let findings = [of("GHSA-b", &[], Severity::Critical), of("GHSA-a", &["2.0"], Severity::High)];
        let remedy = group(&findings)[0].remedy();
        assert!(!remedy.starts_with("fix: 2.0"), "{remedy}");
    }
}
