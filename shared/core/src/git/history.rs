//! What a range of commits brings.

use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;

use super::{Checkout, resolve};

/// A commit of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Hexadecimal.
    pub commit: String,
    /// When it was committed, in seconds since the epoch.
    pub time: i64,
}

/// The commits of a range, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// At most as many as were asked for.
    pub commits: Vec<Change>,
    /// There are more than were asked for.
    pub more: bool,
}

impl Checkout {
    /// The commits that `head` contains and `base` does not, at most `max` of them. In a shallow clone these are the
    /// ones that are here: see [`Checkout::is_shallow`].
    ///
    /// # Errors
    /// One of the two is not in this checkout, or its history can't be read.
    pub fn changes(&self, base: &str, head: &str, max: usize) -> anyhow::Result<Changes> {
        let repo = self.open()?;
        let find = |spec: &str| resolve(&repo, spec).ok_or_else(|| anyhow::anyhow!("{spec} is not in this checkout"));
        let (base, head) = (find(base)?, find(head)?);
        let newest_first = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let walk = repo.rev_walk([head]).with_hidden([base]).sorting(newest_first).all()?;
        let mut changes = Changes::default();
        for info in walk {
            if changes.commits.len() == max {
                changes.more = true;
                break;
            }
            let info = info?;
            let time = info.object()?.time()?.seconds;
            changes.commits.push(Change { commit: info.id.to_string(), time });
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Fixture;
    use super::Checkout;

    #[test]
    fn a_range_has_what_one_side_alone_brings_newest_first() {
        let repo = Fixture::new();
        let first = repo.commit("first");
        let second = repo.commit("second");
        let third = repo.commit("third");
        let checkout = Checkout::discover(&repo.path()).unwrap();
        let ids = |changes: super::Changes| changes.commits.into_iter().map(|change| change.commit).collect::<Vec<_>>();
        let changes = checkout.changes(&first, &third, 10).unwrap();
        assert!(!changes.more);
        let mut all = ids(changes);
        all.sort();
        let mut expected = vec![second.clone(), third.clone()];
        expected.sort();
        assert_eq!(all, expected);
        assert!(checkout.changes(&third, &first, 10).unwrap().commits.is_empty());
        let one = checkout.changes(&first, &third, 1).unwrap();
        assert!(one.more && one.commits.len() == 1);
        assert!(checkout.changes(&"0".repeat(40), &third, 10).is_err());
        assert_eq!(checkout.commit(&second).unwrap().subject, "second");
    }

    #[test]
    fn a_shallow_clone_gives_what_it_has() {
        let origin = Fixture::new();
        origin.commit("first");
        let second = origin.commit("second");
        let third = origin.commit("third");
        let clone = Fixture::clone_of(&origin, &["--depth=2"]);
        let checkout = Checkout::discover(&clone.path()).unwrap();
        assert!(checkout.is_shallow());
        assert_eq!(checkout.changes(&second, &third, 10).unwrap().commits.len(), 1);
    }
}
