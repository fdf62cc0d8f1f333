mod damage;
mod dirty;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Checkout, Head, TrackedKind};

/// A repository made with Git itself, without the machine's configuration.
pub(crate) struct Fixture(TempDir);

impl Fixture {
    pub(crate) fn plain() -> Fixture {
        Fixture(tempfile::tempdir().unwrap())
    }

    pub(crate) fn new() -> Fixture {
        let fixture = Fixture::plain();
        fixture.git(&["init", "-q", "-b", "main"]);
        fixture
    }

    /// A clone of `origin` over Git's protocol, so that `--depth` works.
    pub(crate) fn clone_of(origin: &Fixture, args: &[&str]) -> Fixture {
        let fixture = Fixture::plain();
        let url = format!("file://{}", origin.path().display());
        fixture.git(&[&["clone", "-q"], args, &[&url, "."]].concat());
        fixture
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub(crate) fn write(&self, path: &str, content: &str) -> &Fixture {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
            .envs([("GIT_AUTHOR_NAME", "Ada Author"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Carl Committer"), ("GIT_COMMITTER_EMAIL", "carl@example.com")])
            .envs([("GIT_AUTHOR_DATE", "2026-01-02T03:04:05+02:00"), ("GIT_COMMITTER_DATE", "2026-01-02T03:05:06Z")])
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn checkout(&self) -> Checkout {
        Checkout::discover(&self.path()).unwrap()
    }
}

fn tracked(checkout: &Checkout) -> Vec<String> {
    checkout.tracked().unwrap().iter().map(|entry| entry.path.to_string_lossy().into_owned()).collect()
}

#[test]
fn head_is_described() {
    let repo = Fixture::new();
    let first = repo.write("a", "1").commit("first");
    let second = repo.write("a", "2").commit("the subject\n\nand more");
    repo.git(&["tag", "light"]);
    repo.git(&["tag", "-a", "-m", "note", "v1.0"]);
    repo.git(&["tag", "old", &first]);
    let expected = Head {
        commit: second,
        branch: Some("main".to_owned()),
        tags: vec!["light".to_owned(), "v1.0".to_owned()],
        author_name: "Ada Author".to_owned(),
        author_email: "ada@example.com".to_owned(),
        author_time: "2026-01-02T03:04:05+02:00".to_owned(),
        committer_time: "2026-01-02T03:05:06+00:00".to_owned(),
        subject: "the subject".to_owned(),
        parents: vec![first.clone()],
    };
    assert_eq!(repo.checkout().head().unwrap(), expected);
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["gc", "-q"]);
    assert_eq!(repo.checkout().head().unwrap(), expected);
    repo.git(&["checkout", "-q", "--detach", &first]);
    let head = repo.checkout().head().unwrap();
    assert_eq!((head.branch, head.tags, head.parents), (None, vec!["old".to_owned()], vec![]));
}

#[test]
fn a_repository_is_found_from_below_and_only_where_one_is() {
    let repo = Fixture::new();
    repo.write("a/b/c", "").commit("first");
    fs::create_dir_all(repo.path().join("a/b/.git")).unwrap();
    let found = Checkout::discover(&repo.path().join("a/b")).unwrap();
    assert_eq!(found.root(), repo.path());
    assert!(Checkout::discover(&Fixture::plain().path()).is_none());
    assert!(Checkout::discover(Path::new("/does/not/exist")).is_none());
}

#[test]
fn a_branch_without_commits_has_no_head_and_nothing_tracked() {
    let repo = Fixture::new();
    let checkout = repo.checkout();
    assert_eq!(checkout.head(), None);
    assert_eq!(tracked(&checkout), Vec::<String>::new());
    repo.write("a", "").git(&["add", "a"]);
    assert_eq!(tracked(&checkout), ["a"]);
    assert_eq!(checkout.is_dirty(), Some(true));
}

#[test]
fn tracked_files_are_listed_whatever_is_ignored_and_however_they_are_named() {
    let repo = Fixture::new();
    repo.write(".gitignore", "*.secret\n").write("k.secret", "").write("d/e", "").write("new", "");
    symlink("d/e", repo.path().join("link")).unwrap();
    let odd = OsString::from_vec(b"caf\xe9 \n".to_vec());
    fs::write(repo.path().join(&odd), "").unwrap();
    repo.git(&["add", "-f", ".gitignore", "k.secret", "d", "link", "."]);
    repo.git(&["rm", "-q", "--cached", "new"]);
    repo.git(&["commit", "-qm", "first"]);
    let other = Fixture::new();
    other.commit("sub");
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "-q", "add", other.path().to_str().unwrap(), "sub"]);
    let entries = repo.checkout().tracked().unwrap();
    let paths: Vec<&PathBuf> = entries.iter().map(|entry| &entry.path).collect();
    let names = [".gitignore", ".gitmodules"].iter().map(PathBuf::from).chain([PathBuf::from(&odd)]);
    let names: Vec<_> = names.chain(["d/e", "k.secret", "link", "sub"].iter().map(PathBuf::from)).collect();
    assert_eq!(paths, names.iter().collect::<Vec<_>>());
    let kinds: Vec<TrackedKind> = entries[4..].iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [TrackedKind::File, TrackedKind::Link, TrackedKind::Submodule]);
    assert!(repo.path().join(paths[2]).exists());
    assert_eq!(Checkout::discover(&repo.path().join("sub")).unwrap().head().unwrap().subject, "sub");

    for args in [&["update-index", "--split-index"][..], &["update-index", "--index-version", "4"]] {
        repo.git(args);
        assert_eq!(repo.checkout().tracked().unwrap(), entries, "{args:?}");
    }
    fs::remove_file(repo.path().join(".git/index")).unwrap();
    repo.git(&["reset", "-q", "--hard"]);
    fs::remove_file(repo.path().join(".git/index")).unwrap();
    assert_eq!(repo.checkout().tracked().unwrap().len(), 5, "HEAD's, which has no .gitmodules");
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_read_from_the_objects() {
    for args in [&["sparse-checkout", "set", "in"][..], &["sparse-checkout", "set", "--sparse-index", "in"]] {
        let repo = Fixture::new();
        repo.write("in/a", "1").write("out/deep/b", "22").write("c", "3").commit("first");
        repo.git(args);
        assert!(!repo.path().join("out").exists());
        let checkout = repo.checkout();
        let entries = checkout.tracked().unwrap();
        let unchecked: Vec<(&str, bool)> =
            entries.iter().map(|entry| (entry.path.to_str().unwrap(), entry.unchecked)).collect();
        assert_eq!(unchecked, [("c", false), ("in/a", false), ("out/deep/b", true)], "{args:?}");
        let objects = checkout.objects().unwrap();
        assert_eq!(objects.size(&entries[2]), Some(2));
        assert_eq!(objects.read(&entries[2], 2).unwrap().as_deref(), Some(&b"22"[..]));
        assert_eq!(objects.read(&entries[2], 1).unwrap(), None);
        // As in a partial clone.
        fs::remove_dir_all(repo.path().join(".git/objects")).unwrap();
        fs::create_dir(repo.path().join(".git/objects")).unwrap();
        let objects = checkout.objects().unwrap();
        assert_eq!(objects.size(&entries[2]), None);
        assert!(objects.read(&entries[2], 9).unwrap_err().to_string().contains("not here"));
    }
}

#[test]
fn a_repository_without_a_working_tree_is_bare() {
    let repo = Fixture::new();
    repo.write("a", "1").commit("first");
    assert!(!repo.checkout().is_bare());
    let bare = Fixture::plain();
    let path = bare.path().join("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", path.to_str().unwrap()]);
    assert!(Checkout::discover(&path).unwrap().is_bare());
    assert!(Checkout::discover(&repo.path().join(".git")).unwrap().is_bare());
}

#[test]
fn a_linked_worktree_is_a_checkout_and_says_so_where_its_repository_is_missing() {
    let main = Fixture::new();
    let commit = main.write("a", "1").commit("first");
    let place = Fixture::plain();
    let path = place.path().join("linked");
    main.git(&["worktree", "add", "-q", "-b", "feature", path.to_str().unwrap()]);
    let linked = Checkout::discover(&path).unwrap();
    assert_eq!(linked.root(), path);
    let head = linked.head().unwrap();
    assert_eq!((head.commit.clone(), head.branch.as_deref()), (commit.clone(), Some("feature")));
    assert_eq!(tracked(&linked), ["a"]);
    assert_eq!(linked.is_dirty(), Some(false));
    assert_eq!(linked.resolve("main"), Some(commit));

    fs::rename(main.path().join(".git"), main.path().join("elsewhere")).unwrap();
    let error = linked.check().unwrap_err().to_string();
    assert!(error.contains(".git/worktrees/linked") && error.contains("Mount "), "{error}");
    assert!(linked.tracked().is_err());
    assert_eq!((linked.head(), linked.is_dirty()), (None, None));
}

#[test]
fn a_worktree_of_a_bare_repository_and_the_bare_one_itself_are_read() {
    let source = Fixture::new();
    let commit = source.write("a", "1").commit("first");
    let place = Fixture::plain();
    place.git(&["clone", "-q", "--bare", source.path().to_str().unwrap(), "bare"]);
    let bare = Checkout::discover(&place.path().join("bare")).unwrap();
    assert_eq!(bare.head().unwrap().commit, commit);
    assert_eq!((tracked(&bare), bare.is_dirty()), (vec!["a".to_owned()], None));
    place.git(&["-C", "bare", "worktree", "add", "-q", "../tree", "main"]);
    let tree = Checkout::discover(&place.path().join("tree")).unwrap();
    assert_eq!((tracked(&tree), tree.is_dirty()), (vec!["a".to_owned()], Some(false)));
}

#[test]
fn sha256_repositories_are_read() {
    let repo = Fixture::plain();
    repo.git(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    let commit = repo.write("a", "1").commit("first");
    let checkout = repo.checkout();
    assert_eq!(commit.len(), 64);
    assert_eq!(checkout.head().unwrap().commit, commit);
    assert_eq!(checkout.read_at(&commit, "a", 10).unwrap().unwrap(), b"1");
    assert_eq!((tracked(&checkout), checkout.is_dirty()), (vec!["a".to_owned()], Some(false)));
}

#[test]
fn who_owns_the_files_does_not_matter() {
    let repo = Fixture::new();
    let commit = repo.write("a", "1").commit("first");
    repo.git(&["remote", "add", "origin", "https://user:pass@host.example/org/app.git"]);
    Command::new("chown").args(["-R", "12345:12345"]).arg(repo.path()).status().unwrap();
    let checkout = repo.checkout();
    assert_eq!(checkout.head().unwrap().commit, commit);
    assert_eq!(checkout.remote_url().as_deref(), Some("https://host.example/org/app.git"));
    assert_eq!((tracked(&checkout), checkout.is_dirty()), (vec!["a".to_owned()], Some(false)));
}

#[test]
fn names_stand_for_commits_that_are_here() {
    let origin = Fixture::new();
    let first = origin.write("a", "1").commit("first");
    origin.git(&["tag", "-a", "-m", "note", "v1"]);
    let second = origin.write("a", "2").commit("second");
    let clone = Fixture::clone_of(&origin, &[]);
    let checkout = clone.checkout();
    for (spec, expected) in [
        (first.as_str(), Some(&first)),
        (&first[..12], Some(&first)),
        ("main", Some(&second)),
        ("v1", Some(&first)),
        ("refs/remotes/origin/main", Some(&second)),
        ("refs/tags/v1", Some(&first)),
        (&first[..6], None),
        (&"0".repeat(40), None),
        ("HEAD~1", None),
        ("../main", None),
        ("", None),
        ("origin/main", None),
        ("main^{/x}", None),
    ] {
        assert_eq!(checkout.resolve(spec).as_ref(), expected, "{spec:?}");
    }
    assert_eq!(checkout.default_branch().as_deref(), Some("main"));
    // Git's own rules would complete this to `refs/heads/refs/remotes/origin/gone`.
    clone.git(&["branch", "refs/remotes/origin/gone"]);
    assert_eq!(checkout.resolve("refs/remotes/origin/gone"), None);
    let tree = clone.git(&["rev-parse", "HEAD^{tree}"]);
    assert_eq!(checkout.resolve(&tree), None, "no commit");
}

#[test]
fn a_fetched_replacement_does_not_stand_in_for_a_commit() {
    let repo = Fixture::new();
    let first = repo.write("policy", "strict").commit("first");
    repo.git(&["checkout", "-qb", "evil"]);
    let evil = repo.write("policy", "lax").commit("evil");
    repo.git(&["replace", &first, &evil]);
    assert_eq!(repo.checkout().read_at(&first, "policy", 100).unwrap().unwrap(), b"strict");
}

#[test]
fn histories_meet_at_their_merge_base_also_in_a_clone_cut_off() {
    let origin = Fixture::new();
    let base = origin.write("a", "1").commit("base");
    let main = origin.write("a", "2").commit("main");
    origin.git(&["checkout", "-qb", "feature", &base]);
    let feature = origin.write("b", "1").commit("feature");
    let checkout = origin.checkout();
    assert_eq!(checkout.merge_base(&main, &feature), Some(base.clone()));
    assert_eq!(checkout.merge_base("main", "feature"), Some(base));
    assert_eq!(checkout.merge_base("main", "nowhere"), None);
    assert!(!checkout.is_shallow());
    origin.git(&["checkout", "-q", "--orphan", "other"]);
    let other = origin.commit("unrelated");
    assert_eq!(checkout.merge_base(&main, &other), None);

    let clone = Fixture::clone_of(&origin, &["--depth=1", "--no-single-branch"]);
    let shallow = clone.checkout();
    assert!(shallow.is_shallow());
    assert_eq!(shallow.resolve(&main), Some(main.clone()));
    assert_eq!(shallow.merge_base(&main, &feature), None);
}

#[test]
fn a_file_is_read_as_it_was_in_a_commit() {
    let repo = Fixture::new();
    repo.write("d/policy", "old").write("big", &"x".repeat(100));
    symlink("d/policy", repo.path().join("link")).unwrap();
    symlink("d", repo.path().join("folder")).unwrap();
    let first = repo.commit("first");
    repo.write("d/policy", "new").commit("second");
    let checkout = repo.checkout();
    let read = |path: &str| checkout.read_at(&first, path, 99).map_err(|error| error.to_string());
    assert_eq!(read("d/policy"), Ok(Some(b"old".to_vec())));
    assert_eq!(read("./d//policy"), Ok(Some(b"old".to_vec())));
    for absent in ["policy", "d", "link", "folder/policy", "", ".", "..", "../d/policy", "d/../d/policy", "d/policy/x"]
    {
        assert_eq!(read(absent), Ok(None), "{absent:?}");
    }
    assert!(read("big").unwrap_err().contains("100 bytes"));
    assert!(
        checkout.read_at(&"1".repeat(40), "d/policy", 99).unwrap_err().to_string().contains("not in this checkout")
    );
}
