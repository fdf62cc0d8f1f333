//! The order of Go's own versions (`1.21`, `1.22rc1`, `1.21.3`) and of modules.

use std::cmp::Ordering;

/// Compares two versions of Go: a release without a third number is before its release candidates since 1.21 and
/// the same as `.0` before that; the difference doesn't matter to the callers, so it is before them always.
/// (<https://go.dev/doc/toolchain#version>)
pub(super) fn go(left: &str, right: &str) -> Ordering {
    key(left).cmp(&key(right))
}

/// Whether the text is a version of Go as a `go` directive takes it.
pub(super) fn is_go(version: &str) -> bool {
    let (numbers, pre) = split(version);
    let number = |part: &str| {
        let digits = !part.is_empty() && part.len() < 8 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    let count = numbers.split('.').count();
    numbers.split('.').all(number)
        && !numbers.starts_with('0')
        && (2..=3).contains(&count)
        && (pre.is_empty() || pre_release(pre).is_some())
}

/// Whether the text is the name of a toolchain.
pub(super) fn is_toolchain(name: &str) -> bool {
    name == "default" || name.strip_prefix("go1").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// As OSV spells it: `1.22rc1` is `1.22.0-rc.1`.
pub(super) fn from_go(version: &str) -> String {
    let (numbers, pre) = split(version);
    match pre_release(pre) {
        Some((kind, number)) => {
            format!("{numbers}{}-{kind}.{number}", ".0".repeat(2 - numbers.matches('.').count().min(2)))
        }
        None => version.to_owned(),
    }
}

/// The reverse of [`from_go`].
pub(super) fn to_go(version: &str) -> String {
    match version.split_once(".0-") {
        Some((numbers, pre)) => format!("{numbers}{}", pre.replace('.', "")),
        None => version.to_owned(),
    }
}

/// Compares two module versions with their leading `v`; one that isn't semantic is before all that are.
pub(super) fn module(left: &str, right: &str) -> Ordering {
    let parse = |text: &str| semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok();
    parse(left).cmp(&parse(right)).then_with(|| left.cmp(right))
}

/// Major, minor, patch plus one (0 for none), kind of pre-release (`~` for none) and its number.
fn key(version: &str) -> (u32, u32, u32, &str, u32) {
    let (numbers, pre) = split(version);
    let mut parts = numbers.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let patch = parts.next();
    match pre_release(pre) {
        Some((kind, number)) => (major, minor, patch.unwrap_or(0).saturating_add(1), kind, number),
        None => (major, minor, patch.map_or(0, |patch| patch.saturating_add(1)), "~", 0),
    }
}

fn split(version: &str) -> (&str, &str) {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    version.split_at_checked(end).unwrap_or((version, ""))
}

/// `rc1` as its kind and number.
fn pre_release(pre: &str) -> Option<(&str, u32)> {
    let (kind, number) = pre.split_at_checked(pre.find(|c: char| !c.is_ascii_lowercase())?)?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((kind, number.parse().ok()?)).filter(|(kind, _)| !kind.is_empty() && digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_are_ordered() {
        let sorted = ["1.9", "1.16.15", "1.17", "1.21", "1.21beta1", "1.21rc1", "1.21rc2", "1.21.0", "1.21.10", "1.22"];
        for pair in sorted.windows(2) {
            assert_eq!(go(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(go(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn spelt_as_the_database_does_and_back() {
        for (ours, osv) in [("1.22rc1", "1.22.0-rc.1"), ("1.21.3", "1.21.3"), ("1.17", "1.17")] {
            assert_eq!(from_go(ours), osv);
            assert_eq!(to_go(osv), ours);
        }
        assert!(is_go("1.22.1") && is_go("1.9beta2") && is_go("1.21.0alpha1"));
        for wrong in ["1", "1.x", "", "1.2.3.4", "01.2", "0.1", "1.02", "1.2.03", "1.2rc", "1.2RC1", "1.2rc1x", "v1.2"]
        {
            assert!(!is_go(wrong), "{wrong}");
        }
        assert!(is_toolchain("default") && is_toolchain("go1.22.1-custom") && is_toolchain("go1"));
        assert!(!is_toolchain("local") && !is_toolchain("go2.1") && !is_toolchain("go12.1") && !is_toolchain("1.22.1"));
    }

    #[test]
    fn modules_are_ordered() {
        let sorted = [
            "master",
            "v0.0.0-20210220032951-036812b2e83c",
            "v0.0.0-20220102030405-000000000000",
            "v1.2.3-rc.1",
            "v1.2.3",
            "v1.10.0",
            "v4.12.0+incompatible",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(module(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }
}
