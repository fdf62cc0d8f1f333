//! What every finding of a credential has.

use crate::finding::Remedy;

/// The scanner, as reports call it.
pub(super) const NAME: &str = "secrets";

/// The same for every credential.
pub(crate) fn remedy() -> Remedy {
    Remedy {
        brief: "fix: revoke it, then remove it".into(),
        clause: "revoke it at its provider, then remove it from the repository".into(),
        text: "Revoke the credential where it was issued, issue another one and load it at run time from a secret \
               store. Deleting the line is not enough: it stays in the Git history."
            .into(),
        command: None,
    }
}
