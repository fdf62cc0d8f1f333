use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use pipe_core::git::Checkout;
use pipe_core::workspace::Workspace;
use proptest::prelude::*;

use super::{Filter, Tree, normal};
use crate::ledger::{Class, Ledger, Reason};
use crate::source::Source;

struct Fixture(tempfile::TempDir);

/// What a walk came to.
struct Walked {
    tree: Tree,
    ledger: Ledger,
}

impl Walked {
    fn files(&self) -> Vec<&str> {
        self.tree.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    fn problems(&self, class: Class) -> Vec<String> {
        self.ledger.problems(class).into_iter().map(|problem| problem.text).collect()
    }

    fn left_out(&self, reason: Reason) -> Vec<String> {
        let problems = self.ledger.problems(reason.class());
        problems.into_iter().filter(|problem| problem.reason == reason).map(|problem| problem.text).collect()
    }

    fn text(&self, path: &str) -> String {
        let entry = self.tree.entries.iter().chain(&self.tree.links).find(|entry| entry.path == path).unwrap();
        String::from_utf8(self.tree.open(entry, 1 << 20).unwrap().unwrap()).unwrap()
    }

    fn beside(&self, path: &str, name: &str) -> Result<Option<String>, String> {
        let entry = self.tree.entries.iter().find(|entry| entry.path == path).unwrap();
        let bytes = self.tree.beside(entry, name, 1 << 10).map_err(|error| error.to_string())?;
        Ok(bytes.map(|bytes| String::from_utf8(bytes).unwrap()))
    }
}

impl Fixture {
    fn new(files: &[&str]) -> Fixture {
        let fixture = Fixture(tempfile::tempdir().unwrap());
        for file in files {
            fixture.write(file, "text");
        }
        fixture
    }

    fn repository(files: &[&str]) -> Fixture {
        let fixture = Fixture::new(files);
        fixture.git(&["init", "-q"]);
        fixture
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn write(&self, file: &str, text: &str) -> &Fixture {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn git(&self, args: &[&str]) -> &Fixture {
        let settings = ["user.name=a", "user.email=a@example.com", "protocol.file.allow=always", "core.excludesFile="];
        let done = Command::new("git")
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .args(args)
            .current_dir(self.root())
            .output()
            .unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        self
    }

    fn commit(&self) -> &Fixture {
        self.git(&["add", "-A", "-f", "."]).git(&["commit", "-q", "--allow-empty", "-m", "x"])
    }

    fn walk(&self) -> Walked {
        self.walk_in("", &[], &[])
    }

    fn walk_in(&self, dir: &str, include: &[&str], exclude: &[&str]) -> Walked {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        let filter = Filter::new(&owned(include), &owned(exclude)).unwrap();
        let root = self.root();
        let dir = normal(&root.join(dir));
        let workspace = Workspace { reports: dir.join("security-reports"), dir, root: root.clone(), no_reports: false };
        let checkout = Checkout::discover(&root).filter(|checkout| checkout.root() == root);
        let ledger = Ledger::default();
        let tree = Tree::walk(&workspace, checkout.as_ref(), &filter, &[], &ledger, &|| false).unwrap();
        Walked { tree, ledger }
    }
}

#[test]
fn ignored_files_are_left_out_unless_git_tracks_them() {
    let fixture = Fixture::repository(&["a.txt", "build/kept.txt", "c.log"]);
    fixture.commit().write("build/out.txt", "").write(".hidden/b.txt", "").write(".gitignore", "build/\n*.tmp\n");
    fixture.write("d.tmp", "");
    let walked = fixture.walk();
    assert_eq!(walked.files(), [".gitignore", ".hidden/b.txt", "a.txt", "build/kept.txt", "c.log"]);
    assert_eq!(walked.left_out(Reason::Ignored), ["build", "d.tmp"]);
    assert!(walked.problems(Class::Unable).is_empty());
}

#[test]
fn only_the_ignore_files_of_git_and_of_the_repository_count() {
    let above = Fixture::new(&[]);
    above.write(".ignore", "*\n").write(".gitignore", "*\n").write("in/a.py", "").write("in/.ignore", "*\n");
    above.write("in/.rgignore", "*\n").write("in/.gitignore", "*.py\n");
    let root = above.root().join("in");
    let walk = |checkout: Option<&Checkout>| {
        let reports = root.join("security-reports");
        let workspace = Workspace { dir: root.clone(), reports, root: root.clone(), no_reports: false };
        let filter = Filter::new(&[], &[]).unwrap();
        let tree = Tree::walk(&workspace, checkout, &filter, &[], &Ledger::default(), &|| false).unwrap();
        tree.entries.into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(walk(None), [".gitignore", ".ignore", ".rgignore", "a.py"], "nothing is a repository");
    let made = Command::new("git").args(["init", "-q"]).current_dir(&root).status().unwrap();
    assert!(made.success());
    assert_eq!(walk(Checkout::discover(&root).as_ref()), [".gitignore", ".ignore", ".rgignore"]);
}

#[test]
fn what_a_sparse_checkout_lacks_is_read_from_git() {
    let fixture = Fixture::repository(&["in/a.txt"]);
    fixture.write("out/s.env", "from the objects").write("out/package-lock.json", "{}");
    fixture.write("out/large.txt", &"x".repeat(2000)).commit();
    fixture.git(&["sparse-checkout", "set", "in"]);
    assert!(!fixture.root().join("out").exists());
    let walked = fixture.walk();
    assert_eq!(walked.files(), ["in/a.txt", "out/large.txt", "out/package-lock.json", "out/s.env"]);
    let large = walked.beside("out/package-lock.json", "large.txt").unwrap_err();
    assert!(large.contains("larger than"), "it is not absent: {large}");
    assert_eq!(walked.text("out/s.env"), "from the objects");
    assert_eq!(walked.beside("out/package-lock.json", "s.env").unwrap().as_deref(), Some("from the objects"));
    assert!(walked.problems(Class::Unable).is_empty());

    fs::remove_dir_all(fixture.root().join(".git/objects")).unwrap();
    fs::create_dir(fixture.root().join(".git/objects")).unwrap();
    let walked = fixture.walk();
    assert_eq!(walked.files(), ["in/a.txt"]);
    assert_eq!(walked.left_out(Reason::Absent).len(), 3);
}

#[test]
fn a_deleted_file_is_told_from_one_that_git_does_not_look_at() {
    let fixture = Fixture::repository(&["deleted", "hidden", "kept"]);
    fixture.commit().git(&["update-index", "--assume-unchanged", "hidden"]);
    fs::remove_file(fixture.root().join("deleted")).unwrap();
    fs::remove_file(fixture.root().join("hidden")).unwrap();
    let walked = fixture.walk();
    assert_eq!(walked.files(), ["hidden", "kept"]);
    assert_eq!(walked.left_out(Reason::Deleted), ["deleted"]);
}

#[test]
fn a_folder_that_became_a_link_hides_nothing() {
    let elsewhere = Fixture::new(&["a"]);
    let fixture = Fixture::repository(&["dir/a"]);
    fixture.commit();
    fs::remove_dir_all(fixture.root().join("dir")).unwrap();
    symlink(elsewhere.root(), fixture.root().join("dir")).unwrap();
    let walked = fixture.walk();
    assert!(walked.files().is_empty());
    assert_eq!(
        (walked.left_out(Reason::Deleted), walked.left_out(Reason::Link)),
        (vec!["dir/a".into()], vec!["dir".into()])
    );
}

#[test]
fn links_are_followed_to_lockfiles_inside_the_repository_only() {
    let fixture = Fixture::repository(&["locks/front.json", "shared/deps.txt", "web/requirements.txt"]);
    let root = fixture.root();
    symlink("locks/front.json", root.join("package-lock.json")).unwrap();
    symlink("../shared/deps.txt", root.join("web/requirements-dev.txt")).unwrap();
    symlink("requirements.txt", root.join("web/requirements-same.txt")).unwrap();
    symlink("/etc/hostname", root.join("poetry.lock")).unwrap();
    symlink("Cargo.lock", root.join("Cargo.lock")).unwrap();
    symlink("locks", root.join("uv.lock")).unwrap();
    symlink("locks/front.json", root.join("other.json")).unwrap();
    fixture.commit();
    let walked = fixture.walk();
    let links: Vec<&str> = walked.tree.links.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(links, ["package-lock.json", "web/requirements-dev.txt", "web/requirements-same.txt"]);
    assert_eq!(walked.text("web/requirements-dev.txt"), "text");
    assert_eq!(walked.left_out(Reason::Link), ["other.json"]);
    let broken = walked.left_out(Reason::Unreadable);
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(broken.iter().any(|text| text == "poetry.lock: is a link that leads out of the repository"), "{broken:?}");
    // The working directory is not the border: the repository is.
    let walked = fixture.walk_in("web", &[], &[]);
    assert_eq!(walked.tree.links[0].path, "web/requirements-dev.txt");
}

#[test]
fn a_sibling_stays_inside_the_repository() {
    let outside = Fixture::new(&["netrc"]);
    let fixture = Fixture::repository(&["svc/requirements.txt", "base.txt", "svc/large.txt"]);
    fixture.write("svc/large.txt", &"x".repeat(2000));
    let root = fixture.root();
    symlink(outside.root().join("netrc"), root.join("svc/x.txt")).unwrap();
    symlink(outside.root(), root.join("svc/x")).unwrap();
    symlink("../base.txt", root.join("svc/inside.txt")).unwrap();
    symlink("nowhere", root.join("svc/dangling.txt")).unwrap();
    let fifo = Command::new("mkfifo").arg(root.join("svc/fifo.txt")).status().unwrap();
    assert!(fifo.success());
    let walked = fixture.walk();
    let beside = |name: &str| walked.beside("svc/requirements.txt", name);
    assert_eq!(beside("../base.txt").unwrap().as_deref(), Some("text"));
    assert_eq!(beside("inside.txt").unwrap().as_deref(), Some("text"));
    assert_eq!(beside("missing.txt").unwrap(), None);
    for (name, why) in [
        ("x.txt", "out of the repository"),
        ("x/netrc", "out of the repository"),
        ("../../netrc", "outside of the repository"),
        ("/etc/hostname", "outside of the repository"),
        ("fifo.txt", "not a regular file"),
        ("dangling.txt", "no such file"),
        ("large.txt", "larger than"),
        ("..", "not a regular file"),
    ] {
        let error = beside(name).unwrap_err();
        assert!(error.contains(why), "{name}: {error}");
    }
}

#[test]
fn a_lockfile_that_git_ignores_is_named_unless_scan_paths_names_it() {
    let fixture = Fixture::repository(&["Cargo.toml"]);
    fixture.write(".gitignore", "*.lock\nout/\n").write("Cargo.lock", "").write("out/uv.lock", "").write("x.log", "");
    assert_eq!(fixture.walk().tree.ignored_lockfiles, ["Cargo.lock"]);
    let walked = fixture.walk_in("", &["Cargo.lock", "out/uv.lock", "Cargo.toml"], &[]);
    assert_eq!(walked.files(), ["Cargo.lock", "Cargo.toml", "out/uv.lock"]);
    assert!(walked.tree.ignored_lockfiles.is_empty() && walked.problems(Class::Unable).is_empty());
}

#[test]
fn content_that_was_not_fetched_is_counted() {
    let other = Fixture::repository(&["package-lock.json", "kept.log"]);
    other.write(".gitignore", "*.log\n").commit();
    let fixture = Fixture::repository(&[]);
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    fixture.write("keys.env", &format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n"));
    let address = other.root();
    fixture.git(&["submodule", "-q", "add", address.to_str().unwrap(), "sub"]).commit();
    let walked = fixture.walk();
    assert_eq!(walked.left_out(Reason::LfsPointer).len(), 1);
    assert!(walked.left_out(Reason::Submodule).is_empty());
    // What a submodule tracks is scanned like everything else that is tracked.
    assert!(walked.files().contains(&"sub/kept.log") && walked.files().contains(&"sub/package-lock.json"));

    fixture.git(&["submodule", "-q", "deinit", "-f", "sub"]);
    assert_eq!(fixture.walk().left_out(Reason::Submodule), ["sub: this submodule was not fetched"]);
    assert!(fixture.walk_in("", &[], &["sub"]).left_out(Reason::Submodule).is_empty());
}

#[test]
fn reports_of_any_run_are_left_out_and_nothing_else_beside_them() {
    let fixture = Fixture::new(&[
        "a.txt",
        "security-reports/api/views.py",
        "security-reports/junit.xml",
        "web/reports/security-pipe-report.json",
        "web/reports/results.sarif",
        "web/reports/views.py",
    ]);
    let walked = fixture.walk();
    assert_eq!(walked.files(), ["a.txt", "security-reports/api/views.py", "web/reports/views.py"]);
    assert_eq!(walked.left_out(Reason::Report).len(), 2, "those of the run itself are no omission");
    let fixture = Fixture::repository(&["security-reports/junit.xml"]);
    fixture.commit();
    assert_eq!(fixture.walk().files(), ["security-reports/junit.xml"], "Git tracks it");
}

#[test]
fn paths_and_globs_choose_what_is_scanned() {
    let fixture = Fixture::new(&["services/api/a", "services/web/b", "libs/x/src/c", "libs/x/test/d", "e"]);
    let walked = fixture.walk_in("", &["services/api/", "libs/**/src"], &[]);
    assert_eq!(walked.files(), ["libs/x/src/c", "services/api/a"]);
    assert_eq!(walked.left_out(Reason::Excluded).len(), 3);
    assert!(walked.problems(Class::Unable).is_empty());
    assert_eq!(fixture.walk_in("", &[], &["services", "**/test/**"]).files(), ["e", "libs/x/src/c"]);
    assert_eq!(fixture.walk_in("", &["."], &["e", "libs"]).files(), ["services/api/a", "services/web/b"]);
}

#[test]
fn a_pattern_without_effect_is_reported() {
    let fixture = Fixture::new(&["a"]);
    let walked = fixture.walk_in("", &["a", "srvices"], &["nonexist", "web\\**"]);
    assert_eq!(walked.problems(Class::Unable), ["SCAN_PATHS: srvices matches no file"]);
    assert_eq!(walked.left_out(Reason::NoEffect).len(), 2);
    let walked = fixture.walk_in("", &[], &["**"]);
    assert_eq!(walked.problems(Class::Unable), ["EXCLUDE_PATHS and SCAN_PATHS leave out every file"]);
}

#[test]
fn a_pattern_stays_below_the_working_directory() {
    for pattern in ["/etc", "../other", "a/../../b", "[", "a{"] {
        assert!(Filter::new(&[pattern.to_owned()], &[]).is_err(), "{pattern}");
    }
}

#[test]
fn a_file_larger_than_the_limit_is_not_read() {
    let fixture = Fixture::new(&["a"]);
    let walked = fixture.walk();
    let entry = &walked.tree.entries[0];
    assert_eq!(walked.tree.open(entry, 4).unwrap().as_deref(), Some(&b"text"[..]));
    assert_eq!(walked.tree.open(entry, 3).unwrap(), None);
    fs::remove_file(fixture.root().join("a")).unwrap();
    assert!(walked.tree.open(entry, 4).is_err());
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a.txt".to_owned()),
        Just("requirements.txt".to_owned()),
        Just("Cargo.lock".to_owned()),
        Just("x.log".to_owned()),
        Just("blob.bin".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every tracked file is an entry, or the ledger has it.
    #[test]
    fn every_tracked_file_is_looked_at_or_in_the_ledger(
        files in prop::collection::btree_map((0..4_usize, 0..3_usize, name()), 0..6_usize, 1..14),
        ignored in prop::sample::subsequence(vec!["*.log", "a/", "*.lock", "*"], 0..4),
        excluded in prop::sample::subsequence(vec!["b/**", "**/*.bin"], 0..2),
        sparse in any::<bool>(),
    ) {
        let fixture = Fixture::repository(&["first"]);
        let root = fixture.root();
        let path = |(outer, inner, name): &(usize, usize, String)| {
            format!("{}/{}/{name}", ["a", "b", "c", "d"][*outer], ["x", "y", "z"][*inner])
        };
        for key in files.keys() {
            fixture.write(&path(key), "text");
        }
        fixture.commit().write(".gitignore", &format!("{}\n", ignored.join("\n")));
        if sparse {
            fixture.git(&["sparse-checkout", "set", "a", "c"]);
        }
        for (key, change) in &files {
            let file = root.join(path(key));
            if !file.exists() {
                continue;
            }
            match change {
                0 => fs::remove_file(&file).unwrap(),
                1 => {
                    fs::remove_file(&file).unwrap();
                    symlink("/etc/hostname", &file).unwrap();
                }
                2 => {
                    fs::remove_file(&file).unwrap();
                    symlink(root.join("first"), &file).unwrap();
                }
                3 => {
                    fs::remove_file(&file).unwrap();
                    fs::create_dir(&file).unwrap();
                }
                _ => {}
            }
        }
        let walked = fixture.walk_in("", &[], &excluded);
        let names: Vec<String> = [Class::Unable, Class::NotKnown, Class::ByRule]
            .into_iter()
            .flat_map(|class| walked.problems(class))
            .collect();
        let tracked = Command::new("git").args(["ls-files", "-z"]).current_dir(&root).output().unwrap();
        for file in tracked.stdout.split(|byte| *byte == 0).filter(|file| !file.is_empty()) {
            let file = Path::new(std::ffi::OsStr::from_bytes(file)).to_str().unwrap();
            let seen = walked.tree.entries.iter().chain(&walked.tree.links).any(|entry| entry.path == file);
            let told = names.iter().any(|text| text == file || text.starts_with(&format!("{file}: ")));
            prop_assert!(seen || told, "{file} is neither looked at nor left out: {names:?}");
        }
    }
}
