//! What a variable for a key holds instead of a key, in cosign's other ways to name one.

use pipe_core::env::Vars;
use pipe_core::spec::Var;

/// Adds a problem if `text` is the name of a key instead of a key. The text may be secret and is not shown.
pub(crate) fn names_a_key(vars: &mut Vars, var: &'static Var, text: &str) -> bool {
    let text = text.trim();
    let one_word = !text.is_empty() && text.len() < 512 && !text.contains(|c: char| c.is_whitespace());
    let scheme = text.split_once("://").map(|(scheme, _)| scheme).filter(|_| one_word);
    let last = text.rsplit('/').next().unwrap_or_default();
    let path = [".key", ".pub", ".pem"].iter().any(|end| last.ends_with(end)) || text.starts_with(['/', '.', '~']);
    let problem = match scheme {
        Some("awskms" | "hashivault" | "gcpkms" | "azurekms") => {
            "expected a key in PEM, found the name of a key in a KMS. Set KMS_KEY to sign with it".to_owned()
        }
        Some(_) => "expected a key in PEM, found a URL. Set the variable to the key itself".to_owned(),
        None if one_word && path => {
            format!("expected a key in PEM, found a path. Set {}_FILE to the path of a file", var.name)
        }
        None => return false,
    };
    vars.problem(var, problem);
    true
}
