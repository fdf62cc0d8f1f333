use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use super::Fixture;

/// A clock's tick later than the index, so that no file is "racily clean".
fn age(fixture: &Fixture) {
    for entry in fs::read_dir(fixture.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let hour_ago = SystemTime::now() - Duration::from_secs(3600);
            fs::File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
        }
    }
    fixture.git(&["update-index", "-q", "--refresh"]);
}

#[test]
fn changes_of_tracked_files_make_it_dirty_and_others_do_not() {
    type Change = fn(&Fixture);
    let changes: [(&str, Option<bool>, Change); 13] = [
        ("nothing", Some(false), |_| {}),
        ("only a name added", Some(true), |repo| {
            repo.write("new", "").git(&["add", "--intent-to-add", "new"]);
        }),
        ("untracked", Some(false), |repo| {
            repo.write("new", "");
        }),
        ("other content", Some(true), |repo| {
            repo.write("a", "3");
        }),
        ("same length and time, which is not looked into", Some(false), |repo| {
            let time = fs::metadata(repo.path().join("a")).unwrap().modified().unwrap();
            repo.write("a", "x");
            fs::File::options().write(true).open(repo.path().join("a")).unwrap().set_modified(time).unwrap();
        }),
        ("other length", Some(true), |repo| {
            repo.write("a", "33");
        }),
        ("rewritten as it was", Some(false), |repo| {
            repo.write("a", "1");
        }),
        ("deleted", Some(true), |repo| fs::remove_file(repo.path().join("a")).unwrap()),
        ("a folder instead", Some(true), |repo| {
            fs::remove_file(repo.path().join("a")).unwrap();
            fs::create_dir(repo.path().join("a")).unwrap();
        }),
        ("executable", Some(true), |repo| {
            fs::set_permissions(repo.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("executable where that does not count", Some(false), |repo| {
            repo.git(&["config", "core.fileMode", "false"]);
            fs::set_permissions(repo.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("staged only", Some(true), |repo| {
            repo.write("a", "2").git(&["add", "a"]);
            repo.write("a", "1");
        }),
        ("another link", Some(true), |repo| {
            fs::remove_file(repo.path().join("link")).unwrap();
            symlink("b", repo.path().join("link")).unwrap();
        }),
    ];
    for (name, expected, change) in changes {
        let repo = Fixture::new();
        repo.write("a", "1");
        symlink("a", repo.path().join("link")).unwrap();
        repo.commit("first");
        age(&repo);
        change(&repo);
        assert_eq!(repo.checkout().is_dirty(), expected, "{name}");
    }
}

#[test]
fn a_change_right_after_the_commit_is_seen() {
    let repo = Fixture::new();
    repo.write("a", "1").commit("first");
    repo.write("a", "2");
    assert_eq!(repo.checkout().is_dirty(), Some(true));
}

#[test]
fn a_file_as_old_as_the_index_is_looked_into() {
    let repo = Fixture::new();
    repo.write("a", "1").commit("first");
    age(&repo);
    let open = |name: &str| fs::File::options().write(true).open(repo.path().join(name)).unwrap();
    let time = open("a").metadata().unwrap().modified().unwrap();
    repo.write("a", "2");
    open("a").set_modified(time).unwrap();
    open(".git/index").set_modified(time).unwrap();
    assert_eq!(repo.checkout().is_dirty(), Some(true));
}

#[test]
fn a_conflict_is_a_change_and_its_file_is_listed_once() {
    let repo = Fixture::new();
    let first = repo.write("a", "1").commit("first");
    repo.write("a", "2").commit("main");
    repo.git(&["checkout", "-qb", "other", &first]);
    repo.write("a", "3").commit("other");
    repo.git(&["read-tree", "--empty"]);
    repo.git(&["read-tree", "-i", "-m", &first, "main", "other"]);
    assert_eq!(repo.git(&["ls-files", "-s"]).lines().count(), 3);
    assert_eq!(super::tracked(&repo.checkout()), ["a"]);
    assert_eq!(repo.checkout().is_dirty(), Some(true));
}

#[test]
fn conversions_of_content_are_no_change() {
    let repo = Fixture::new();
    repo.write(".gitattributes", "*.txt text eol=crlf\n").write("a.txt", "1\r\n2\r\n").commit("first");
    repo.write("a.txt", "1\r\n2\r\n");
    assert_eq!(repo.checkout().is_dirty(), Some(false));
    repo.write(".gitattributes", "*.txt filter=lfs\n").commit("second");
    repo.write("a.txt", "1\r\n3\r\n");
    assert_eq!(repo.checkout().is_dirty(), None, "the filter would have to be run");
}

#[test]
fn a_file_that_git_does_not_look_at_is_compared_if_it_is_here() {
    for flag in ["--skip-worktree", "--assume-unchanged"] {
        let repo = Fixture::new();
        repo.write("a", "1").commit("first");
        age(&repo);
        repo.git(&["update-index", flag, "a"]);
        assert_eq!(repo.checkout().is_dirty(), Some(false), "{flag}");
        repo.write("a", "22");
        assert_eq!(repo.checkout().is_dirty(), Some(true), "{flag}");
        fs::remove_file(repo.path().join("a")).unwrap();
        assert_eq!(repo.checkout().is_dirty(), Some(false), "{flag}: its content is read from the objects");
    }
}

#[test]
fn without_an_index_the_files_are_compared_with_head() {
    let repo = Fixture::new();
    repo.write("a", "1").write("empty", "").commit("first");
    fs::remove_file(repo.path().join(".git/index")).unwrap();
    assert_eq!(repo.checkout().is_dirty(), Some(false));
    repo.write("a", "2");
    assert_eq!(repo.checkout().is_dirty(), Some(true));
    let clone = Fixture::clone_of(&repo, &["--no-checkout"]);
    assert_eq!(clone.checkout().is_dirty(), Some(true));
}

#[test]
fn a_submodule_that_differs_makes_it_dirty() {
    type Change = fn(&Fixture);
    let changes: [(&str, Option<bool>, Change); 8] = [
        ("nothing", Some(false), |_| {}),
        ("an untracked file", Some(false), |repo| {
            repo.write("sub/new", "1");
        }),
        ("an edited file", Some(true), |repo| {
            repo.write("sub/a", "22");
        }),
        ("a deleted file", Some(true), |repo| fs::remove_file(repo.path().join("sub/a")).unwrap()),
        ("another commit", Some(true), |repo| {
            repo.git(&["-C", "sub", "commit", "-q", "--allow-empty", "-m", "second"]);
        }),
        ("no index, and an edited file", Some(true), |repo| {
            fs::remove_file(repo.path().join(".git/modules/sub/index")).unwrap();
            repo.write("sub/a", "2");
        }),
        ("not fetched", Some(false), |repo| drop(repo.git(&["submodule", "deinit", "-f", "sub"]))),
        ("deleted", Some(true), |repo| fs::remove_dir_all(repo.path().join("sub")).unwrap()),
    ];
    let inner = Fixture::new();
    inner.write("a", "1").commit("inner");
    for (name, expected, change) in changes {
        let repo = Fixture::new();
        let url = inner.path().display().to_string();
        repo.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", &url, "sub"]);
        repo.commit("outer");
        change(&repo);
        assert_eq!(repo.checkout().is_dirty(), expected, "{name}");
    }
}

#[test]
fn an_attributes_file_that_git_would_not_read_is_not_opened() {
    let repo = Fixture::new();
    repo.write("a", "1");
    symlink("/dev/zero", repo.path().join(".gitattributes")).unwrap();
    repo.commit("first");
    repo.write("a", "2");
    assert_eq!(repo.checkout().is_dirty(), Some(true));
}
