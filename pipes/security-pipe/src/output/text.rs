//! The sentences that several formats share.

use crate::finding::{Finding, Gated, Kind, Status};
use crate::words::sentence;

/// One sentence: what it is and what it was found in.
pub(super) fn message(finding: &Finding) -> String {
    sentence(&match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) => {
            format!("{}: {} ({})", finding.subject(), finding.rule.title, finding.names())
        }
        Kind::Secret { prefix: Some(prefix) } => format!("{} ({prefix})", finding.rule.title),
        Kind::Secret { prefix: None } | Kind::Misconfiguration => finding.rule.title.clone(),
    })
}

/// What became of it: `new, fails (FAIL_ON_CRITICAL=true)`.
pub(super) fn standing(finding: &Finding) -> String {
    let state = match &finding.status {
        Status::New => "new".to_owned(),
        Status::Known => "known (baseline)".to_owned(),
        Status::Ignored { reason, until: Some(until) } => format!("ignored until {until}: {reason}"),
        Status::Ignored { reason, until: None } => format!("ignored: {reason}"),
    };
    match &finding.gated {
        Some(Gated::Fails(because)) => format!("{state}, fails ({because})"),
        Some(Gated::Passes(because)) => format!("{state}, does not fail ({because})"),
        None => state,
    }
}
