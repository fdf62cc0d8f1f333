//! Paths that a lockfile or a manifest gives, as names of siblings.

/// The two as one relative path without `.` and `..`; `None` when it leads outside, or is absolute or an address.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '~']) || path.contains([':', '$']) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split(['/', '\\'])) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A relative path without `.`, and with `..` at its start only, as Python's `os.path.normpath` gives it.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{join, normal};

    #[test]
    fn what_leads_above_the_start_stays() {
        assert_eq!(normal("a/./b/../c//d"), "a/c/d");
        assert_eq!(normal("a/../../b"), "../b");
        assert_eq!(normal("./"), "");
    }

    #[test]
    fn paths_stay_inside() {
        assert_eq!(join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(join("", "./x\\y/").as_deref(), Some("x/y"));
        for outside in ["../../x", "/etc/passwd", "~/x", "C:/x", "https://host.example/x", "${DIR}/x"] {
            assert_eq!(join("a", outside), None, "{outside}");
        }
    }
}
