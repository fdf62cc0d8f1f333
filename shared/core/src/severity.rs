//! The one severity scale every finding is gated on.

use serde::{Deserialize, Serialize};

/// Qualitative severity, lowest first so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// Worst first.
    pub const ALL: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
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
}
