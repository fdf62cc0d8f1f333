//! Repositories that are broken, or made to do harm.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::{Fixture, tracked};

#[test]
fn nothing_in_the_configuration_of_a_repository_is_run() {
    let repo = Fixture::new();
    repo.write("a.txt", "1").write(".gitattributes", "*.txt filter=evil\n").commit("first");
    let proof = repo.path().join("proof");
    let command = format!("touch {}", proof.display());
    for key in ["core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "core.sshCommand", "diff.external"] {
        repo.git(&["config", key, &command]);
    }
    repo.write(".git/more", "[remote \"origin\"]\n\turl = https://host.example/org/app\n");
    repo.git(&["config", "include.path", "more"]);
    repo.write("a.txt", "2");
    let checkout = repo.checkout();
    assert!(checkout.head().is_some() && checkout.tracked().is_ok());
    assert_eq!(checkout.is_dirty(), None);
    assert!(!proof.exists());
    assert_eq!(checkout.remote(), None, "files that it includes are not even read");
}

#[test]
fn a_broken_repository_is_an_error_and_no_panic() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("config", |git| fs::write(git.join("config"), "[core\n\u{0}=").unwrap()),
        ("objects", |git| fs::remove_dir_all(git.join("objects")).unwrap()),
        ("index", |git| fs::write(git.join("index"), b"DIRC\0\0\0\x02\xff\xff\xff\xff").unwrap()),
        ("format", |git| {
            fs::write(git.join("config"), "[core]\nrepositoryformatversion=1\n[extensions]\nobjectFormat=md5\n")
                .unwrap()
        }),
    ];
    for (what, damage) in damages {
        let repo = Fixture::new();
        let commit = repo.write("a", "1").commit("first");
        damage(&repo.path().join(".git"));
        let checkout = repo.checkout();
        assert!(checkout.check().is_err() || checkout.tracked().is_err(), "{what}");
        let _ = (checkout.head(), checkout.remote(), checkout.is_shallow(), checkout.resolve("main"));
        assert_eq!(checkout.is_dirty(), None, "{what}");
        let _ = checkout.read_at(&commit, "a", 10);
    }
}

#[test]
fn an_unreadable_head_leaves_the_index() {
    let repo = Fixture::new();
    repo.write("a", "1").commit("first");
    fs::write(repo.path().join(".git/HEAD"), [0xff; 100]).unwrap();
    let checkout = repo.checkout();
    assert_eq!((checkout.head(), checkout.is_dirty()), (None, None));
    assert_eq!(tracked(&checkout), ["a"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_index_never_panics(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
    ) {
        let repo = index_fixture();
        let path = repo.path().join(".git/index");
        let original = repo.path().join("index.good");
        let mut bytes = fs::read(&original).unwrap();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        if keep.index(3) == 0 {
            bytes.truncate(keep.index(bytes.len()));
        }
        fs::write(path, bytes).unwrap();
        let checkout = repo.checkout();
        if let Ok(paths) = checkout.tracked() {
            prop_assert!(paths.iter().all(|entry| entry.path.is_relative()));
        }
        let _ = checkout.is_dirty();
    }
}

thread_local! {
    static INDEX: std::rc::Rc<Fixture> = {
        let repo = Fixture::new();
        repo.write("a", "1").write("d/b", "2").write("d/e/c", "3").commit("first");
        // No checksum to stop at.
        repo.git(&["config", "index.skipHash", "true"]);
        fs::copy(repo.path().join(".git/index"), repo.path().join("index.good")).unwrap();
        std::rc::Rc::new(repo)
    };
}

fn index_fixture() -> std::rc::Rc<Fixture> {
    INDEX.with(std::rc::Rc::clone)
}
