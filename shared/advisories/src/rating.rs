//! One severity out of what a record says: its highest CVSS score first, else the database's own number or word.

use std::cmp::Ordering;

use super::entry::{Affected, Entry, Rating};
use pipe_core::severity::Severity;

/// A severity and where it comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rated {
    pub(super) severity: Option<Severity>,
    pub(super) score: Option<f32>,
    pub(super) vector: Option<String>,
    /// Empty when unscored.
    pub(super) source: String,
}

/// Malicious packages (<https://github.com/ossf/malicious-packages>) are critical whatever a score says. Else what is
/// said of the affected versions counts, and of the record where nothing is.
pub(super) fn rate(entry: &Entry, affected: &[&Affected]) -> Rated {
    if is_malicious(entry, affected) {
        let named = std::iter::once(&entry.id).chain(&entry.aliases).find(|id| id.starts_with("MAL-"));
        let source = format!("malicious package, {}", named.unwrap_or(&entry.id));
        return Rated { severity: Some(Severity::Critical), source, ..Rated::default() };
    }
    let of_versions = affected.iter().map(|affected| &affected.rating).filter(|rating| !rating.is_empty());
    of_versions
        .filter_map(|rating| of_rating(rating, &entry.id))
        .max_by(compare)
        .unwrap_or_else(|| of_rating(&entry.rating, &entry.id).unwrap_or_default())
}

/// Whether the record, or what it says of the affected versions, calls the package malicious.
pub(super) fn is_malicious(entry: &Entry, affected: &[&Affected]) -> bool {
    entry.malicious || affected.iter().any(|affected| affected.malicious)
}

/// The less severe is the lesser; unscored is the least.
pub(super) fn compare(a: &Rated, b: &Rated) -> Ordering {
    let score = |rated: &Rated| rated.score.unwrap_or(0.0);
    a.severity.cmp(&b.severity).then_with(|| score(a).total_cmp(&score(b)))
}

fn of_rating(rating: &Rating, id: &str) -> Option<Rated> {
    let vectors = rating.vectors.iter().filter_map(|vector| Some((score(vector)?, vector)));
    // The versions are different scales, and no database says which one it means: the worst counts.
    let best = vectors.max_by(|((a_kind, a), _), ((b_kind, b), _)| a.total_cmp(b).then_with(|| a_kind.cmp(b_kind)));
    if let Some(((kind, score), vector)) = best {
        let label = kind.label(vector);
        return Some(Rated {
            severity: severity(score),
            score: Some(score),
            vector: Some(vector.clone()),
            source: format!("CVSS {label} {score:.1}, {id}"),
        });
    }
    if let Some(score) = rating.number {
        let source = format!("database CVSS v3 {score:.1}, {id}");
        return Some(Rated { severity: severity(score), score: Some(score), vector: None, source });
    }
    let severity = rating.word?;
    Some(Rated { severity: Some(severity), source: format!("database, {id}"), ..Rated::default() })
}

/// A score of 0.0 is CVSS's "none", for which our scale has no place: it is scored, so it must not pass for unscored.
fn severity(score: f32) -> Option<Severity> {
    Some(Severity::from_score(score).unwrap_or(Severity::Low))
}

/// Older before newer, so that of equal scores version 4's is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    V2,
    V3,
    V4,
}

impl Kind {
    fn label(self, vector: &str) -> &'static str {
        match self {
            Kind::V2 => "v2",
            Kind::V3 if vector.starts_with("CVSS:3.0/") => "v3.0",
            Kind::V3 => "v3.1",
            Kind::V4 => "v4.0",
        }
    }
}

/// The vector itself says which version it is; `None` for one that can't be scored.
fn score(vector: &str) -> Option<(Kind, f32)> {
    // Version 2 has no prefix, though some write one.
    let scored: cvss::Cvss = vector.strip_prefix("CVSS:2.0/").unwrap_or(vector).parse().ok()?;
    let kind = match scored {
        cvss::Cvss::CvssV20(_) => Kind::V2,
        cvss::Cvss::CvssV30(_) | cvss::Cvss::CvssV31(_) => {
            // The crate scores a vector that lacks base metrics as though each missing one were harmless.
            const BASE: [&str; 8] = ["/AV:", "/AC:", "/PR:", "/UI:", "/S:", "/C:", "/I:", "/A:"];
            if BASE.iter().any(|metric| !vector.contains(metric)) {
                return None;
            }
            Kind::V3
        }
        cvss::Cvss::CvssV40(_) => Kind::V4,
        _ => return None,
    };
    Some((kind, scored.score() as f32))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Rated, of_rating, rate};
    use crate::entry::{Affected, Rating};
    use crate::fixtures;
    use pipe_core::severity::Severity;

    const V2: &str = "AV:N/AC:L/Au:N/C:P/I:P/A:P";
    const V31: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    const V30_LOW: &str = "CVSS:3.0/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";
    const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";

    fn rating(vectors: &[&str], word: Option<Severity>, number: Option<f32>) -> Rating {
        Rating { vectors: vectors.iter().map(|vector| (*vector).to_owned()).collect(), word, number }
    }

    fn rated(vectors: &[&str]) -> Rated {
        of_rating(&rating(vectors, None, None), "X-1").unwrap_or_default()
    }

    /// Scores as the calculators of NVD (v2) and FIRST (v3, v4) give them.
    #[test]
    fn each_cvss_version_is_scored() {
        for (vector, severity, score, source) in [
            (V2, Severity::High, 7.5, "CVSS v2 7.5, X-1"),
            ("CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P", Severity::High, 7.5, "CVSS v2 7.5, X-1"),
            (V30_LOW, Severity::Low, 1.6, "CVSS v3.0 1.6, X-1"),
            (V31, Severity::Critical, 9.8, "CVSS v3.1 9.8, X-1"),
            (V4, Severity::Critical, 9.3, "CVSS v4.0 9.3, X-1"),
        ] {
            let rated = rated(&[vector]);
            assert_eq!(rated.severity, Some(severity), "{vector}");
            assert_eq!(rated.score, Some(score), "{vector}");
            assert_eq!(rated.vector.as_deref(), Some(vector));
            assert_eq!(rated.source, source);
        }
    }

    #[test]
    fn the_highest_score_counts_whatever_its_version() {
        assert_eq!(rated(&[V2, V30_LOW]).score, Some(7.5));
        assert_eq!(rated(&[V31, V4, V2]).score, Some(9.8));
        assert_eq!(rated(&[V4, V2]).source, "CVSS v4.0 9.3, X-1");
    }

    #[test]
    fn the_higher_of_two_vectors_of_one_version_counts() {
        assert_eq!(rated(&[V30_LOW, V31, V30_LOW]).score, Some(9.8));
    }

    #[test]
    fn what_cannot_be_scored_falls_through_to_the_next_source() {
        for broken in ["", "CVSS:3.1", "CVSS:3.1/AV:N/AC:L", "CVSS:9.9/AV:N", "CVSS:4.0/AV:N/AC:L", "AV:N/AC:L", "7.5"]
        {
            assert_eq!(rated(&[broken]), Rated::default(), "{broken}");
            assert_eq!(rated(&[broken, V2]).score, Some(7.5), "{broken}");
            let with_word = of_rating(&rating(&[broken], Some(Severity::Medium), None), "X-1").unwrap();
            assert_eq!((with_word.severity, with_word.source.as_str()), (Some(Severity::Medium), "database, X-1"));
            assert_eq!((with_word.score, with_word.vector), (None, None));
        }
    }

    #[test]
    fn the_databases_number_is_a_score_with_its_source() {
        let rated = of_rating(&rating(&[], None, Some(8.1)), "X-1").unwrap();
        assert_eq!((rated.severity, rated.score), (Some(Severity::High), Some(8.1)));
        assert_eq!(rated.source, "database CVSS v3 8.1, X-1");
    }

    #[test]
    fn a_score_of_zero_is_not_unscored() {
        let rated = rated(&["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"]);
        assert_eq!((rated.severity, rated.score), (Some(Severity::Low), Some(0.0)));
    }

    #[test]
    fn the_affected_versions_rating_stands_before_the_records() {
        let mut entry = fixtures::entry("X-1", &["introduced 0"]);
        entry.rating = rating(&[V31], None, None);
        let plain = entry.affected[0].clone();
        let own = Affected { rating: rating(&[V30_LOW], None, None), ..plain.clone() };
        assert_eq!(rate(&entry, &[&plain]).score, Some(9.8));
        assert_eq!(rate(&entry, &[&plain, &own]).score, Some(1.6));
    }

    #[test]
    fn a_malicious_package_is_critical_whatever_its_score() {
        let mut entry = fixtures::entry("RUSTSEC-1", &["introduced 0"]);
        entry.rating = rating(&[V30_LOW], None, None);
        let plain = entry.affected[0].clone();
        let marked = Affected { malicious: true, ..plain.clone() };
        assert_eq!(rate(&entry, &[&plain]).severity, Some(Severity::Low));
        assert_eq!(rate(&entry, &[&plain, &marked]).severity, Some(Severity::Critical));
        entry.malicious = true;
        assert_eq!(rate(&entry, &[]).source, "malicious package, RUSTSEC-1");
        entry.aliases = vec!["GHSA-1".to_owned(), "MAL-2024-1".to_owned()];
        assert_eq!(rate(&entry, &[]).source, "malicious package, MAL-2024-1");
    }

    proptest! {
        #[test]
        fn no_vector_panics(vector in "(CVSS:(2.0|3.0|3.1|4.0)/)?((AV|AC|AT|PR|UI|S|C|I|A|VC|VI|VA|SC|SI|SA|E|MAV|Au|X):[A-Z]{0,2}/?){0,14}|.*") {
            let rated = rated(&[vector.as_str()]);
            prop_assert!(rated.score.is_none_or(|score| (0.0..=10.0).contains(&score)));
        }
    }
}
