//! Names that forges give to the commits of pull requests, by which a run is known to be for one whatever else is said.

/// What such a name says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Proposed {
    pub(super) id: Option<String>,
    /// The branch that a merge queue tests for.
    pub(super) queue_of: Option<String>,
}

impl Proposed {
    /// `refs/pull/41/merge` and `pull/41` of GitHub, `refs/merge-requests/41/head` of GitLab,
    /// `refs/pull-requests/41/from` of Bitbucket, `refs/changes/45/345/1` and `45/345/1` of Gerrit, and
    /// `gh-readonly-queue/main/pr-41-4f2c1aa` of GitHub's merge queue, each also below `refs/heads/`, `origin/` and the
    /// like.
    pub(super) fn of(name: &str) -> Option<Proposed> {
        let mut short = name;
        let prefixes = ["refs/", "heads/", "remotes/", "origin/", "changes/"];
        while let Some(rest) = prefixes.iter().find_map(|it| short.strip_prefix(it)) {
            short = rest;
        }
        let (kind, rest) = short.split_once('/')?;
        let number =
            |text: &str| (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned());
        let (first, side) = rest.split_once('/').map_or((rest, None), |(first, side)| (first, Some(side)));
        match kind {
            "pull" | "pull-requests" | "merge-requests" => {
                let side = side.map(|side| side.split(['^', '@']).next().unwrap_or_default());
                let known = side.is_none_or(|side| ["head", "merge", "from", "to", "train"].contains(&side));
                Some(Proposed { id: Some(number(first).filter(|_| known)?), queue_of: None })
            }
            "pr" if matches!(side, Some("head" | "merge")) => {
                Some(Proposed { id: Some(number(first)?), queue_of: None })
            }
            // The last two digits of a change of Gerrit, its number, and the number of its patch set.
            _ if kind.len() == 2 && first.ends_with(kind) && side.is_some_and(|side| number(side).is_some()) => {
                Some(Proposed { id: Some(number(first)?), queue_of: None })
            }
            "gh-readonly-queue" => {
                let (target, last) = rest.rsplit_once("/pr-")?;
                Some(Proposed { id: last.split('-').next().and_then(number), queue_of: Some(target.to_owned()) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Proposed;

    #[test]
    fn a_name_that_a_forge_gives_a_pull_request_is_one_and_a_branch_is_none() {
        for (name, id) in [
            ("refs/pull/41/merge", "41"),
            ("refs/pull/41/head", "41"),
            ("refs/pull/41/head^{4f2c1aa}", "41"),
            ("pull/41", "41"),
            ("pull/41/head", "41"),
            ("origin/pr/41/merge", "41"),
            ("origin/refs/pull/41/merge", "41"),
            ("refs/merge-requests/41/head", "41"),
            ("refs/merge-requests/41/train", "41"),
            ("refs/pull-requests/41/from", "41"),
            ("refs/heads/gh-readonly-queue/release/2/pr-41-4f2c1aa", "41"),
            ("refs/changes/45/345/1", "345"),
            ("45/345/1", "345"),
        ] {
            let found = Proposed::of(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.id.as_deref(), Some(id), "{name}");
        }
        let queue = Proposed::of("gh-readonly-queue/release/2/pr-41-4f2c1aa").unwrap();
        assert_eq!(queue.queue_of.as_deref(), Some("release/2"));
        for name in [
            "main",
            "refs/heads/main",
            "refs/tags/v1",
            "pull/more",
            "pull/41/rename",
            "45/346/1",
            "ab/cab/1",
            "pr/41",
            "pull",
        ] {
            assert_eq!(Proposed::of(name), None, "{name}");
        }
    }
}
