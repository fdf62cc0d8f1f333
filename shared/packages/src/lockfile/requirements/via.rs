//! The comments in which pip-compile and `uv pip compile` say what brought a package in.
//!
//! ```text
//! certifi==2024.2.2
//!     # via
//!     #   -r requirements.in
//!     #   requests
//! idna==3.7  # via requests
//! ```

use super::super::python;

/// What the comments of one requirement say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Via {
    /// Named in a file of requirements or a project's own manifest.
    pub(super) direct: bool,
    /// Normalised names.
    pub(super) parents: Vec<String>,
}

/// Takes in one comment (without its `#`); whether it belongs to a `via`. `open` is whether the line before did.
pub(super) fn take(via: &mut Option<Via>, comment: &str, open: bool) -> bool {
    let comment = comment.trim();
    let names = match comment.strip_prefix("via") {
        Some("") => {
            via.get_or_insert_default();
            return true;
        }
        Some(names) if names.starts_with(char::is_whitespace) => names,
        _ if open => comment,
        _ => return false,
    };
    let via = via.get_or_insert_default();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name.starts_with("-c ") {
            // a constraint chooses the version, but brings nothing in
        } else if name.starts_with("-r ") || name.contains('(') {
            via.direct = true;
        } else {
            via.parents.push(python::normalise(name.split('[').next().unwrap_or(name)));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(comments: &[&str]) -> Option<Via> {
        let (mut via, mut open) = (None, false);
        for comment in comments {
            open = take(&mut via, comment, open);
        }
        via
    }

    #[test]
    fn both_layouts_are_read() {
        let expected = Some(Via { direct: true, parents: vec!["requests".into(), "a-b".into()] });
        assert_eq!(all(&[" via", "   -r requirements.in", "   requests", "   A_b[x]"]), expected);
        assert_eq!(all(&["via -r x.in, requests, a.b"]), expected);
        assert_eq!(all(&["via app (pyproject.toml)"]), Some(Via { direct: true, parents: vec![] }));
        assert_eq!(all(&["via -c constraints.txt"]), Some(Via::default()));
    }

    #[test]
    fn other_comments_are_not() {
        assert_eq!(all(&["viable", "pinned because of a bug"]), None);
    }
}
