//! The findings of a run, of which only so many are kept.

use std::collections::BTreeMap;

use crate::finding::Finding;

/// The most findings of a run. A tree of a few kilobytes can have millions.
pub(crate) const MAX_FINDINGS: usize = 30_000;
/// So many more are held before the least of them are dropped.
const SLACK: usize = MAX_FINDINGS / 8;

/// The worst [`MAX_FINDINGS`] of those that were pushed, whatever their order was.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    /// How many were dropped, by the scanner that made them.
    dropped: BTreeMap<&'static str, u64>,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        self.kept.push(finding);
        if self.kept.len() > MAX_FINDINGS + SLACK {
            self.drop_the_least();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn append(&mut self, other: Findings) {
        for (scanner, dropped) in other.dropped {
            *self.dropped.entry(scanner).or_default() += dropped;
        }
        match self.kept.is_empty() {
            true => self.kept = other.kept,
            false => self.extend(other.kept),
        }
    }

    /// Those that are kept, and how many of each scanner are not.
    pub(crate) fn finish(mut self) -> (Vec<Finding>, BTreeMap<&'static str, u64>) {
        self.drop_the_least();
        (self.kept, self.dropped)
    }

    fn drop_the_least(&mut self) {
        if self.kept.len() > MAX_FINDINGS {
            Finding::sort(&mut self.kept);
            for finding in self.kept.drain(MAX_FINDINGS..) {
                *self.dropped.entry(finding.scanner).or_default() += 1;
            }
        }
    }
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<T: IntoIterator<Item = Finding>>(findings: T) -> Findings {
        let mut all = Findings::default();
        all.extend(findings);
        all
    }
}

#[cfg(test)]
mod tests {
    use pipe_core::severity::Severity;

    use super::{Findings, MAX_FINDINGS};
    use crate::finding::tests::{advisory, secret};

    #[test]
    fn the_worst_are_kept_in_whatever_order_they_come() {
        for reversed in [false, true] {
            let mut all: Vec<_> = (0..MAX_FINDINGS + 20_000)
                .map(|number| {
                    let severity = if number % 10_000 == 0 { Severity::Critical } else { Severity::Low };
                    let mut finding = if number % 2 == 0 { secret(severity) } else { advisory(Some(severity)) };
                    finding.location.path = format!("{number:06}");
                    finding
                })
                .collect();
            if reversed {
                all.reverse();
            }
            let (first, second) = (all.split_off(10_000).into_iter().collect::<Findings>(), all.into_iter());
            let mut findings: Findings = second.collect();
            findings.append(first);
            let (kept, dropped) = findings.finish();
            assert_eq!(kept.len(), MAX_FINDINGS);
            assert_eq!(kept.iter().filter(|finding| finding.severity == Some(Severity::Critical)).count(), 5);
            assert_eq!(dropped.values().sum::<u64>(), 20_000);
            assert_eq!(dropped.keys().copied().collect::<Vec<_>>(), ["dependencies", "secrets"]);
            let lows = kept.iter().filter(|finding| finding.severity == Some(Severity::Low));
            assert_eq!(lows.map(|finding| finding.location.path.as_str()).max(), Some("029997"), "in their order");
        }
    }

    #[test]
    fn nothing_is_dropped_up_to_the_bound() {
        let (kept, dropped) = (0..MAX_FINDINGS).map(|_| secret(Severity::Low)).collect::<Findings>().finish();
        assert_eq!((kept.len(), dropped.len()), (MAX_FINDINGS, 0));
    }
}
