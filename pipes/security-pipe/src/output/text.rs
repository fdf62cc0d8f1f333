//! The sentences that several formats share.

use crate::finding::{Finding, Gated, Status};

/// One sentence: what it is and where it was found in.
pub(super) fn message(finding: &Finding) -> String {
    let mut message = match &finding.package {
        Some(_) => format!("{}: {} ({})", finding.subject(), finding.title, names(finding)),
        None => finding.title.clone(),
    };
    if let Some(shown) = &finding.shown {
        message.push_str(&format!(" ({shown})"));
    }
    sentence(&message)
}

/// The advisory's ids, the shown one first; the rule where there are none.
pub(super) fn names(finding: &Finding) -> String {
    match finding.ids.as_slice() {
        [] => finding.rule.clone(),
        ids => ids.join(", "),
    }
}

/// What a person does about it.
pub(super) fn remedy(finding: &Finding) -> String {
    let Some(package) = &finding.package else {
        return "Revoke the credential where it was issued, issue another one and load it at run time from a secret \
                store. Deleting the line is not enough: it stays in the Git history."
            .to_owned();
    };
    let upgrade = package.upgrade.as_deref().map(|command| format!(": {command}")).unwrap_or_default();
    match package.fixed.first() {
        Some(_) => sentence(&format!("Upgrade {} to {}{upgrade}", package.name, package.fixed.join(" or "))),
        None => format!(
            "No fixed version of {} is known. Replace it, or accept the risk in the ignore file with a reason and an \
             end date.",
            package.name
        ),
    }
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

/// Ends with a full stop, which readers of several messages in a row rely on.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// At most `most` characters, cut with an ellipsis.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
