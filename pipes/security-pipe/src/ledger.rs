//! What a run did not look at. The walk, the inventory, the look-up and every scanner record here what they leave out,
//! each with its reason, and the verdict is computed from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pipe_core::advice::is_advised;
use pipe_core::text::thousands;
use serde::Serialize;

/// So many names of one reason are kept. All are counted.
const MAX_NAMED: usize = 200;

/// What a reason means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// It could not be looked at. The run exits with 3.
    Unable,
    /// What is in it is not known. The run ends as WARNED.
    NotKnown,
    /// The documentation says that it is left out. It is counted and has no effect.
    ByRule,
}

macro_rules! reasons {
    ($($class:ident { $($name:ident $key:literal ($one:literal, $many:literal) $doc:literal $advice:literal)* })*) => {
        /// Why something was not looked at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Reason { $($($name,)*)* }

        impl Reason {
            #[cfg(test)]
            pub(crate) const ALL: &[Reason] = &[$($(Reason::$name,)*)*];

            pub(crate) fn class(self) -> Class {
                match self { $($(Reason::$name => Class::$class,)*)* }
            }

            /// As reports call it.
            pub(crate) fn key(self) -> &'static str {
                match self { $($(Reason::$name => $key,)*)* }
            }

            /// What was left out, as one and as many.
            fn noun(self) -> (&'static str, &'static str) {
                match self { $($(Reason::$name => ($one, $many),)*)* }
            }

            /// `2 LFS pointers`
            pub(crate) fn counted(self, count: u64) -> String {
                let (one, many) = self.noun();
                if count == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(count)) }
            }

            /// What to do about it: a sentence that follows a text without its own. Empty if nothing has to be done.
            pub(crate) fn advice(self) -> &'static str {
                match self { $($(Reason::$name => $advice,)*)* }
            }

            /// One sentence for the documentation.
            #[cfg(test)]
            pub(crate) fn documentation(self) -> &'static str {
                match self { $($(Reason::$name => $doc,)*)* }
            }
        }
    };
}

// Every reason with its class, its name in reports, what was left out as one and as many, what it stands for, and what to
// do about it.
reasons! {
    Unable {
        Failed "failed" ("scan that did not run", "scans that did not run")
            "A scan failed, found no advisories, or did not end within SCAN_TIMEOUT."
            "Run the job again, or set ON_SCAN_ERROR=warn"
        Unreadable "unreadable" ("unreadable file", "unreadable files")
            "A file or a folder could not be read."
            "Remove it, or name it in EXCLUDE_PATHS"
        Absent "absent" ("tracked file that is not here", "tracked files that are not here")
            "A tracked file is neither in the working tree nor among the Git objects."
            "Check it out, or name it in EXCLUDE_PATHS"
        Broken "broken-lockfile" ("unreadable lockfile", "unreadable lockfiles")
            "A lockfile is broken, incomplete, or of a version that is not known."
            "Write it again with its tool, or name it in EXCLUDE_PATHS"
        Unsupported "unsupported-lockfile" ("unsupported lockfile", "unsupported lockfiles")
            "This version does not read lockfiles of this tool, and OSV has advisories for its packages."
            "Check it with another tool, and name it in EXCLUDE_PATHS"
        Include "include" ("unreadable part of a lockfile", "unreadable parts of lockfiles")
            "A lockfile includes a file that is missing, remote, outside of the repository, or unreadable."
            "Add the file to the repository, or name the lockfile in EXCLUDE_PATHS"
        TooLarge "too-large" ("file above a limit", "files above a limit")
            "A file is larger than the largest that is read."
            "Split it, or name it in EXCLUDE_PATHS"
        TooMany "too-many" ("file with too many entries", "files with too many entries")
            "A file has more packages, values or secrets than are judged, the lockfiles have more than 150,000 different packages, or the run has more than 30,000 findings."
            "Split it, or name it in EXCLUDE_PATHS"
        NoPath "no-path" ("path that matches no file", "paths that match no file")
            "An entry of SCAN_PATHS matches no file, or EXCLUDE_PATHS leaves out every file."
            "Correct SCAN_PATHS or EXCLUDE_PATHS"
        NothingLookedUp "nothing-looked-up" ("lockfile not looked up", "lockfiles not looked up")
            "No package of a lockfile could be looked up, since all of them come from registries that may be private."
            "Set OSV_DB_PATH"
        NotCovered "not-in-database" ("package without advisories", "packages without advisories")
            "OSV has advisories for the ecosystem of a package, and this database does not."
            "Add its zip to OSV_DB_PATH"
        StaleDatabase "stale-database" ("stale database of advisories", "stale dates of advisories")
            "The advisories are older than DB_MAX_AGE_DAYS, of an unknown age, or dated in the future, and DB_STALE is `fail`."
            "Fetch the database again, or set DB_MAX_AGE_DAYS"
    }
    NotKnown {
        LfsPointer "lfs-pointer" ("LFS pointer", "LFS pointers")
            "The content of a file is in Git LFS and was not fetched."
            "Fetch it with `git lfs pull`"
        AnnexPointer "annex-pointer" ("git-annex pointer", "git-annex pointers")
            "The content of a file is in git-annex."
            "Fetch it with `git annex get` and `git annex unlock`"
        Submodule "submodule" ("submodule not fetched", "submodules not fetched")
            "A submodule was not fetched."
            "Fetch it with `git submodule update --init`"
        PrivateRegistry "private-registry" ("package of a private registry", "packages of private registries")
            "A package comes from a registry that is not known to be public, so its name is not sent to the API."
            "Set OSV_DB_PATH"
        NoVersion "no-version" ("package without a version", "packages without a version")
            "The version of a package is not known."
            "Pin its version"
        OldDatabase "old-database" ("old database of advisories", "old dates of advisories")
            "The advisories are older than DB_MAX_AGE_DAYS, of an unknown age, or dated in the future."
            "Fetch the database again, or set DB_MAX_AGE_DAYS"
        NoLockfile "no-lockfile" ("manifest without a lockfile", "manifests without a lockfile")
            "A manifest has dependencies and no lockfile, so their versions are not known."
            "Create it and commit it, or name this file in EXCLUDE_PATHS"
        Unclaimed "other-lockfile" ("lockfile of no advisories", "lockfiles of no advisories")
            "A file is named like a lockfile of no known tool, or OSV has no advisories for the only lockfiles of the tree."
            "Check it with another tool, and name it in EXCLUDE_PATHS"
        IgnoredLockfile "ignored-lockfile" ("lockfile ignored by Git", "lockfiles ignored by Git")
            "Git ignores a lockfile that an earlier step wrote."
            "Track it, or name it in SCAN_PATHS"
        NoEffect "no-effect" ("setting without effect", "settings without effect")
            "A variable is set that has no effect, or an entry of EXCLUDE_PATHS matches no file."
            "Remove it, or correct it"
        Open "open" ("open question in a lockfile", "open questions in lockfiles")
            "A lockfile leaves something open, such as the origin of a package."
            "Write the lockfile again with its tool"
    }
    ByRule {
        Ignored "ignored-by-git" ("path ignored by Git", "paths ignored by Git")
            "Git ignores an untracked file or folder."
            ""
        Excluded "excluded" ("excluded file", "excluded files")
            "EXCLUDE_PATHS leaves out a file, or SCAN_PATHS does not name it."
            ""
        Binary "binary" ("binary file", "binary files")
            "A file holds no text."
            ""
        Archive "archive" ("archive", "archives")
            "Archives are not unpacked."
            ""
        Link "link" ("link", "links")
            "A symbolic link is not followed. Its target is scanned if it is a file of the tree."
            ""
        Special "special" ("special file", "special files")
            "Pipes, sockets and devices have no content."
            ""
        Deleted "deleted" ("deleted file", "deleted files")
            "A tracked file is deleted in the working tree."
            ""
        Report "report" ("report of a pipe", "reports of pipes")
            "A pipe wrote this report in an earlier step."
            ""
        Installed "installed" ("lockfile of an installed package", "lockfiles of installed packages")
            "A lockfile below an installed package names what its authors used, and not what is installed here."
            ""
        Superseded "superseded" ("lockfile without effect", "lockfiles without effect")
            "The package manager ignores this lockfile, because another one is beside it."
            ""
        PrivateName "private-name" ("package of PRIVATE_PACKAGES", "packages of PRIVATE_PACKAGES")
            "PRIVATE_PACKAGES matches the name of a package."
            ""
        Local "local" ("package from Git or a path", "packages from Git or a path")
            "A package comes from a Git repository or a path, for which no advisories exist."
            ""
        NoAdvisories "no-advisories" ("lockfile without advisories", "lockfiles without advisories")
            "OSV has no advisories for the ecosystem of a lockfile, and other lockfiles were read."
            ""
    }
}

/// One reason, with everything that was left out for it.
#[derive(Debug, Default, Clone)]
struct Omission {
    count: u64,
    /// The first [`MAX_NAMED`] by name, whichever thread found them first: step, what, why.
    named: BTreeSet<(String, String, &'static str)>,
}

/// The record of a run. Shared by the walk and the threads of all scanners.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<Reason, Omission>>);

/// One thing that was left out, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) reason: Reason,
    pub(crate) step: &'static str,
    /// Without advice, unless it has its own.
    pub(crate) text: String,
}

impl Problem {
    /// The advice of the reason, unless the text has its own.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        Some(self.reason.advice()).filter(|advice| !advice.is_empty() && !is_advised(&self.text))
    }
}

impl Ledger {
    /// Records that `step` did not look at `what`, a path or a package. `why` adds what the reason does not say: a
    /// fragment, or nothing.
    pub(crate) fn leave_out(&self, step: &'static str, reason: Reason, what: &str, why: &str) {
        let mut omissions = self.lock();
        let omission = omissions.entry(reason).or_default();
        // The same thing, recorded again, is not a second one.
        if !omission.named.insert((what.to_owned(), why.to_owned(), step)) {
            return;
        }
        omission.count += 1;
        if omission.named.len() > MAX_NAMED {
            omission.named.pop_last();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Reason, Omission>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `dependencies failed, 2 unreadable lockfiles`, of one class; empty if nothing was left out.
    pub(crate) fn words(&self, class: Class) -> String {
        let omissions = self.lock();
        let of_class = omissions.iter().filter(|(reason, _)| reason.class() == class);
        let words = of_class.map(|(reason, omission)| match reason {
            Reason::Failed => {
                let steps: BTreeSet<&str> = omission.named.iter().map(|(_, _, step)| *step).collect();
                format!("{} failed", steps.into_iter().collect::<Vec<_>>().join(" and "))
            }
            _ => reason.counted(omission.count),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// Everything of a class that has a name, in the order of reasons and names. A reason with more than are kept ends
    /// with how many are not listed.
    pub(crate) fn problems(&self, class: Class) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (&reason, omission) in self.lock().iter().filter(|(reason, _)| reason.class() == class) {
            for (what, why, step) in &omission.named {
                let text = match (what.is_empty(), why.is_empty()) {
                    (_, true) => what.clone(),
                    (true, false) => why.clone(),
                    (false, false) => format!("{what}: {why}"),
                };
                problems.push(Problem { reason, step, text });
            }
            let others = omission.count - omission.named.len() as u64;
            if let Some((_, _, step)) = omission.named.last().filter(|_| others > 0) {
                problems.push(Problem { reason, step, text: format!("and {}", reason.counted(others)) });
            }
        }
        problems
    }

    /// The section `left_out` of the report.
    pub(crate) fn section(&self) -> Vec<Section> {
        let section = |(reason, omission): (&Reason, &Omission)| Section {
            reason: reason.key(),
            class: reason.class(),
            count: omission.count,
            names: omission.named.iter().map(|(what, _, _)| what.clone()).collect(),
        };
        self.lock().iter().map(section).collect()
    }
}

/// One reason in the report.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    reason: &'static str,
    class: Class,
    count: u64,
    /// The first 200 in the order of their names.
    names: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{Class, Ledger, MAX_NAMED, Reason, is_advised};

    #[test]
    fn reasons_are_grouped_by_class_and_their_names_are_distinct() {
        let classes: Vec<Class> = Reason::ALL.iter().map(|reason| reason.class()).collect();
        assert!(classes.is_sorted(), "the worst come first");
        let mut keys: Vec<&str> = Reason::ALL.iter().map(|reason| reason.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Reason::ALL.len());
    }

    #[test]
    fn every_reason_that_changes_the_verdict_says_what_to_do() {
        for reason in Reason::ALL {
            assert_eq!(is_advised(reason.advice()), reason.class() != Class::ByRule, "{reason:?}");
        }
    }

    /// `docs/left-out.md` is made of the table, by `make generate`.
    #[test]
    fn the_page_of_reasons_is_fresh() {
        let mut page =
            "# What a scan leaves out\n\n<!-- Generated by `make generate`; changes here are overwritten. -->\n\n\
            security-pipe records everything that it does not look at, with a reason. The line `not seen` counts what \
            matters\nfor the verdict, the line `left out` counts the rest, and the section `left_out` of \
            `security-pipe-report.json` has the\nnames.\n"
                .to_owned();
        for (class, title, effect) in [
            (Class::Unable, "Could not be looked at", "The run exits with 3, or with 1 if the gate fails as well."),
            (Class::NotKnown, "Not known", "The run ends as WARNED, or as FAILED if the gate fails."),
            (Class::ByRule, "Left out by rule", "It has no effect on the verdict."),
        ] {
            let reasons = || Reason::ALL.iter().filter(|reason| reason.class() == class);
            if class == Class::ByRule {
                page.push_str(&format!("\n## {title}\n\n{effect}\n\n| reason | what it stands for |\n|---|---|\n"));
                reasons().for_each(|reason| {
                    page.push_str(&format!("| `{}` | {} |\n", reason.key(), reason.documentation()));
                });
            } else {
                page.push_str(&format!(
                    "\n## {title}\n\n{effect}\n\n| reason | what it stands for | what to do |\n|---|---|---|\n"
                ));
                reasons().for_each(|reason| {
                    let (key, advice) = (reason.key(), reason.advice());
                    page.push_str(&format!("| `{key}` | {} | {advice}. |\n", reason.documentation()));
                });
            }
        }
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/left-out.md");
        if std::env::vars_os().any(|(name, _)| name == "UPDATE") {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page, "run `make generate`");
    }

    #[test]
    fn what_is_left_out_is_counted_and_named_in_order() {
        let ledger = Ledger::default();
        assert_eq!(ledger.words(Class::NotKnown), "");
        ledger.leave_out("tree", Reason::LfsPointer, "b.bin", "");
        ledger.leave_out("tree", Reason::LfsPointer, "a.bin", "");
        ledger.leave_out("tree", Reason::LfsPointer, "a.bin", "");
        ledger.leave_out("tree", Reason::Submodule, "vendor/x", "");
        ledger.leave_out("dependencies", Reason::Broken, "Cargo.lock", "no version");
        assert_eq!(ledger.words(Class::NotKnown), "2 LFS pointers, 1 submodule not fetched");
        let texts = |class| ledger.problems(class).into_iter().map(|problem| problem.text).collect::<Vec<_>>();
        assert_eq!(texts(Class::NotKnown), ["a.bin", "b.bin", "vendor/x"]);
        assert_eq!(texts(Class::Unable), ["Cargo.lock: no version"]);
    }

    #[test]
    fn the_names_that_are_kept_do_not_depend_on_who_came_first() {
        let (forwards, backwards) = (Ledger::default(), Ledger::default());
        let names: Vec<String> = (0..MAX_NAMED + 50).map(|n| format!("{n:05}")).collect();
        for name in &names {
            forwards.leave_out("secrets", Reason::Binary, name, "");
        }
        for name in names.iter().rev() {
            backwards.leave_out("secrets", Reason::Binary, name, "");
        }
        let problems = forwards.problems(Class::ByRule);
        assert_eq!(problems, backwards.problems(Class::ByRule));
        assert_eq!(problems.len(), MAX_NAMED + 1);
        assert_eq!(problems.last().map(|problem| problem.text.as_str()), Some("and 50 binary files"));
    }
}
