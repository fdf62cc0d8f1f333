//! The one severity scale every finding is gated on.

use serde::{Deserialize, Serialize};

/// Qualitative severity, lowest first so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    /// As reports and variables spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The reverse of [`Severity::as_str`].
    pub fn from_name(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.as_str() == name)
    }

    /// The lowest CVSS score of this rating: all that a rating without a score says.
    pub fn lowest_score(self) -> f32 {
        match self {
            Severity::Low => 0.1,
            Severity::Medium => 4.0,
            Severity::High => 7.0,
            Severity::Critical => 9.0,
        }
    }

    /// The rating of a CVSS base score (CVSS v3.1 section 5, table 14; v4.0 uses the same bounds). `None` for 0.0.
    pub fn from_score(score: f32) -> Option<Severity> {
        match score {
            s if s >= 9.0 => Some(Severity::Critical),
            s if s >= 7.0 => Some(Severity::High),
            s if s >= 4.0 => Some(Severity::Medium),
            s if s > 0.0 => Some(Severity::Low),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn a_score_is_rated_by_the_bounds_of_the_specification() {
        let rate = |score| Severity::from_score(score).map(Severity::as_str);
        assert_eq!(rate(0.0), None);
        assert_eq!(rate(0.1), Some("low"));
        assert_eq!(rate(3.9), Some("low"));
        assert_eq!(rate(4.0), Some("medium"));
        assert_eq!(rate(6.9), Some("medium"));
        assert_eq!(rate(7.0), Some("high"));
        assert_eq!(rate(8.9), Some("high"));
        assert_eq!(rate(9.0), Some("critical"));
        assert_eq!(rate(10.0), Some("critical"));
    }

    #[test]
    fn the_lowest_score_of_a_rating_has_that_rating() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_score(severity.lowest_score()), Some(severity));
            assert_ne!(Severity::from_score(severity.lowest_score() - 0.1), Some(severity));
            assert_eq!(Severity::from_name(severity.as_str()), Some(severity));
        }
    }
}
