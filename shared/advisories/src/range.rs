//! The evaluation of the OSV schema, "Evaluation": is this version in what a record lists or in its ranges?

use std::cmp::Ordering;

use super::entry::{Affected, Event};
use pipe_packages::package::Ecosystem;
use pipe_packages::version::Version;

/// The version under question.
///
/// A local build of a Python release (`2.0.0+cu118`) is compared as the release it was made from, unless the advisory
/// itself names a local version. PEP 440 says the same of specifiers; OSV's algorithm taken literally would let
/// `last_affected: 2.0.0` miss it.
pub(super) struct Installed {
    ecosystem: Ecosystem,
    version: Version,
    public: Option<Version>,
}

/// Where an event lies: `introduced: "0"` lies before every version, even before 0.0.0-alpha.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Start,
    At(Version),
}

impl Installed {
    pub(super) fn new(ecosystem: Ecosystem, version: &str) -> Installed {
        let version = Version::parse(ecosystem, version);
        let public = version.public();
        Installed { ecosystem, version, public }
    }

    pub(super) fn is_affected(&self, affected: &Affected) -> bool {
        self.is_in_any(&affected.ranges) || self.is_listed(&affected.versions)
    }

    pub(super) fn is_in_any(&self, ranges: &[Vec<Event>]) -> bool {
        ranges.iter().any(|events| self.is_in(events))
    }

    /// The versions above this one that `affected` calls fixed: of the ranges this one is in; of all of them where
    /// it is in none (being listed, or matched by the API). Unordered.
    pub(super) fn fixes(&self, affected: &Affected) -> Vec<String> {
        let holding: Vec<&Vec<Event>> = affected.ranges.iter().filter(|events| self.is_in(events)).collect();
        let ranges = if holding.is_empty() { affected.ranges.iter().collect() } else { holding };
        let mut fixes = Vec::new();
        for event in ranges.into_iter().flatten() {
            if let Event::Fixed(fixed) = event
                && self.compare(&self.parse(fixed)) == Ordering::Less
            {
                fixes.push(fixed.clone());
            }
        }
        fixes
    }

    fn is_listed(&self, versions: &[String]) -> bool {
        versions.iter().any(|listed| self.compare(&self.parse(listed)) == Ordering::Equal)
    }

    fn is_in(&self, events: &[Event]) -> bool {
        if !self.is_before_limits(events) {
            return false;
        }
        let mut ordered: Vec<(Bound, &Event)> = events.iter().map(|event| (self.bound(event), event)).collect();
        // Stable: where a fix and the next introduction share a version, the record's own order decides.
        ordered.sort_by(|a, b| a.0.cmp(&b.0));
        let mut vulnerable = false;
        for (bound, event) in &ordered {
            let relation = match bound {
                Bound::Start => Ordering::Greater,
                Bound::At(version) => self.compare(version),
            };
            match event {
                Event::Introduced(_) if relation.is_ge() => vulnerable = true,
                Event::Fixed(_) if relation.is_ge() => vulnerable = false,
                Event::LastAffected(_) if relation.is_gt() => vulnerable = false,
                _ => {}
            }
        }
        vulnerable
    }

    fn is_before_limits(&self, events: &[Event]) -> bool {
        let mut limits = events.iter().filter_map(|event| match event {
            Event::Limit(limit) => Some(limit),
            _ => None,
        });
        let mut limited = false;
        let within = limits.any(|limit| {
            limited = true;
            limit == "*" || self.compare(&self.parse(limit)).is_lt()
        });
        within || !limited
    }

    fn bound(&self, event: &Event) -> Bound {
        match event {
            Event::Introduced(version) if version == "0" => Bound::Start,
            _ => Bound::At(self.parse(event.version())),
        }
    }

    fn parse(&self, text: &str) -> Version {
        Version::parse(self.ecosystem, text)
    }

    /// How the installed version relates to one of the advisory's.
    fn compare(&self, other: &Version) -> Ordering {
        match &self.public {
            Some(public) if other.public().is_none() => public.cmp(other),
            _ => self.version.cmp(other),
        }
    }
}

/// Drops every listed version that a range covers as well. A version is affected when it is listed *or* in a
/// range, so no answer changes; most of the PyPI data are such lists.
pub(super) fn drop_redundant_versions(affected: &mut Affected, ecosystem: Ecosystem) {
    // A listed release also answers for its local builds, which a range with a local bound would distinguish.
    let has_local_bound = affected.ranges.iter().flatten().any(|event| event.version().contains('+'));
    if affected.ranges.is_empty() || (ecosystem == Ecosystem::PyPi && has_local_bound) {
        return;
    }
    let ranges = &affected.ranges;
    affected.versions.retain(|listed| {
        // A listed local version stands for itself alone, which a range can't say.
        listed.contains('+') || !Installed::new(ecosystem, listed).is_in_any(ranges)
    });
}

#[cfg(test)]
mod tests {
    use super::{Affected, Installed};
    use crate::entry::Rating;
    use crate::fixtures::events;
    use pipe_packages::package::Ecosystem;

    fn affected(ranges: &[&str], versions: &[&str]) -> Affected {
        Affected {
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
            ranges: ranges.iter().map(|range| events(range)).collect(),
            rating: Rating::default(),
            informational: None,
            malicious: false,
        }
    }

    fn hit(ecosystem: Ecosystem, version: &str, range: &str) -> bool {
        Installed::new(ecosystem, version).is_affected(&affected(&[range], &[]))
    }

    #[track_caller]
    fn check(ecosystem: Ecosystem, range: &str, inside: &[&str], outside: &[&str]) {
        for version in inside {
            assert!(hit(ecosystem, version, range), "{version} should be in {range}");
        }
        for version in outside {
            assert!(!hit(ecosystem, version, range), "{version} should not be in {range}");
        }
    }

    #[test]
    fn a_range_holds_what_lies_between_introduction_and_fix() {
        let inside = ["1.0.0", "1.0.1-alpha", "1.9.9", "2.0.0-rc.1"];
        check(Ecosystem::Npm, "introduced 1.0.0 fixed 2.0.0", &inside, &["1.0.0-rc.1", "2.0.0", "3.0.0"]);
    }

    #[test]
    fn the_last_affected_version_is_inside() {
        check(Ecosystem::CratesIo, "introduced 1.0.0 last_affected 1.5.0", &["1.0.0", "1.5.0"], &["1.5.1-0", "1.6.0"]);
    }

    #[test]
    fn zero_is_before_everything() {
        check(Ecosystem::Npm, "introduced 0 fixed 0.0.1", &["0.0.0-alpha", "0.0.0", "0"], &["0.0.1"]);
        check(Ecosystem::PyPi, "introduced 0 fixed 1.0", &["0.dev0", "0", "no version", "1.0a1"], &["1.0"]);
    }

    #[test]
    fn several_lines_in_one_range_are_told_apart_in_any_order_of_events() {
        for range in
            ["introduced 0 fixed 1.2 introduced 2.0 fixed 2.3", "fixed 2.3 introduced 2.0 fixed 1.2 introduced 0"]
        {
            check(Ecosystem::PyPi, range, &["0.9", "1.1.9", "2.0", "2.2.9"], &["1.2", "1.9", "2.0a1", "2.3", "3"]);
        }
    }

    #[test]
    fn adjacent_lines_leave_no_gap() {
        check(Ecosystem::Npm, "introduced 1.0.0 fixed 2.0.0 introduced 2.0.0 fixed 3.0.0", &["2.0.0"], &["3.0.0"]);
    }

    #[test]
    fn a_limit_bounds_the_range_and_a_star_does_not() {
        check(Ecosystem::Npm, "introduced 1.0.0 limit 1.5.0", &["1.0.0", "1.4.9"], &["1.5.0", "2.0.0"]);
        check(Ecosystem::Npm, "introduced 1.0.0 limit 1.5.0 limit *", &["1.5.0", "9.0.0"], &["0.9.0"]);
    }

    #[test]
    fn a_range_without_an_introduction_holds_nothing() {
        check(Ecosystem::Npm, "fixed 2.0.0", &[], &["0.0.1", "1.0.0", "2.0.0"]);
        check(Ecosystem::Npm, "", &[], &["1.0.0"]);
    }

    #[test]
    fn listed_versions_match_however_they_are_spelt() {
        let listed = affected(&[], &["1.0.0rc1", "2.1"]);
        let is_hit = |version| Installed::new(Ecosystem::PyPi, version).is_affected(&listed);
        assert!(is_hit("1.0rc1") && is_hit("1.0.0-RC.1") && is_hit("2.1.0"));
        assert!(!is_hit("1.0.0") && !is_hit("2.1.1") && !is_hit("2"));
    }

    #[test]
    fn a_local_build_counts_as_its_release() {
        check(Ecosystem::PyPi, "introduced 0 last_affected 2.0.0", &["2.0.0+cu118"], &["2.0.1+cu118"]);
        check(Ecosystem::PyPi, "introduced 0 fixed 2.0.0+local.2", &["2.0.0+local.1", "2.0.0"], &["2.0.0+local.2"]);
        assert!(Installed::new(Ecosystem::PyPi, "2.0.0+cu118").is_affected(&affected(&[], &["2.0.0"])));
    }

    #[test]
    fn go_versions_match_as_the_go_database_writes_them() {
        check(
            Ecosystem::Go,
            "introduced 0 fixed 1.20.8 introduced 1.21.0-0 fixed 1.21.1",
            &["go1.20.7", "1.20", "1.21rc2", "1.21", "v1.21.0"],
            &["1.20.8", "1.20.14", "1.21.1", "1.22rc1"],
        );
        check(
            Ecosystem::Go,
            "introduced 0 fixed 0.0.0-20220314234659-1baeb1ce4c0b",
            &["v0.0.0-20210921155107-089bfa567519", "0.0.0-0"],
            &["v0.0.0-20220722155217-630584e8d5aa", "v0.1.0"],
        );
        check(Ecosystem::Go, "introduced 0 fixed 3.2.1+incompatible", &["3.2.0+incompatible"], &["3.2.1"]);
    }

    #[test]
    fn fixes_come_from_the_line_the_version_is_on() {
        let two = affected(&["introduced 0 fixed 1.2", "introduced 2.0 fixed 2.3"], &["9.0"]);
        let fixes = |version| Installed::new(Ecosystem::PyPi, version).fixes(&two);
        assert_eq!(fixes("1.0"), ["1.2"]);
        assert_eq!(fixes("2.1"), ["2.3"]);
        assert_eq!(fixes("9.0"), [""; 0], "listed, and no fix lies above it");
        let one = affected(&["introduced 0 fixed 1.2 introduced 2.0 fixed 2.3"], &[]);
        assert_eq!(Installed::new(Ecosystem::PyPi, "1.0").fixes(&one), ["1.2", "2.3"]);
        assert_eq!(Installed::new(Ecosystem::PyPi, "2.0").fixes(&one), ["2.3"]);
    }
}
