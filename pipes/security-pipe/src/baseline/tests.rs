use super::{Baseline, Matched};
use crate::finding::tests::{advisory, malware, secret};
use crate::finding::{Finding, Kind, Status};
use pipe_core::severity::Severity;

/// A vulnerable copy of `foo` in `path`, by its version and the folders it is installed in.
fn foo(path: &str, version: &str, places: &[&str]) -> Finding {
    let mut finding = advisory(Some(Severity::Critical));
    finding.location.path = path.to_owned();
    let package = &mut finding.vulnerability_mut().package;
    package.name = "foo".to_owned();
    package.version = version.to_owned();
    package.ecosystem = if places.is_empty() { "crates.io" } else { "npm" };
    package.places = places.iter().map(|place| (*place).to_owned()).collect();
    finding
}

fn with_ids(mut finding: Finding, ids: &[&str]) -> Finding {
    let rule = std::sync::Arc::make_mut(&mut finding.rule);
    rule.id = ids[0].to_owned();
    rule.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    finding
}

fn read_back(baseline: &Baseline) -> Baseline {
    Baseline::parse(std::str::from_utf8(&baseline.to_json()).unwrap()).unwrap()
}

/// Which of `now` a baseline of `before` knows, and how many of its entries are gone. The paths `gone` do not exist.
fn apply(before: &[Finding], now: &[Finding], gone: &[&str]) -> (Vec<bool>, usize) {
    let mut now = now.to_vec();
    let matched = read_back(&Baseline::of(before)).apply(&mut now, &|path| gone.contains(&path));
    (now.iter().map(|finding| finding.status == Status::Known).collect(), matched.gone)
}

#[test]
fn what_is_written_is_known_when_read_and_the_rest_is_new() {
    let mut ignored = secret(Severity::Critical);
    ignored.fingerprint = "c".repeat(32);
    ignored.status = Status::Ignored { reason: "r".into(), until: None };
    let (known, other) = (secret(Severity::Critical), foo("Cargo.lock", "1.0.0", &[]));
    let written = Baseline::of(&[advisory(Some(Severity::High)), ignored.clone(), known.clone(), other.clone()]);
    assert_eq!(written.len(), 3);
    ignored.status = Status::New;
    let mut moved = advisory(Some(Severity::High));
    moved.location.span.line = 999;
    let mut findings = [moved, ignored, known, other];
    assert_eq!(read_back(&written).apply(&mut findings, &|_| false), Matched::default());
    assert_eq!(findings.map(|finding| finding.status), [Status::Known, Status::New, Status::Known, Status::Known]);
    assert_eq!(written.apply(&mut [], &|_| false).gone, 3);
}

#[test]
fn what_is_no_baseline_is_refused() {
    for text in ["", "{}", "[]", r#"{"version": 0, "findings": []}"#, r#"{"version": 3, "findings": []}"#] {
        assert!(Baseline::parse(text).is_err(), "{text}");
    }
    assert_eq!(read_back(&Baseline::of(&[])).len(), 0);
}

#[test]
fn a_copy_at_another_place_is_new_whichever_stands_first() {
    let nested = "node_modules/z/node_modules/foo";
    let known = [foo("package-lock.json", "1.0.0", &[nested])];
    let other = foo("package-lock.json", "3.0.0", &["node_modules/foo"]);
    assert_eq!(apply(&known, &[other.clone(), known[0].clone()], &[]), (vec![false, true], 0));
    // The old copy goes, and another vulnerable one comes elsewhere.
    assert_eq!(apply(&known, &[other], &[]), (vec![false], 1));
    // The same version at one more place.
    let both = foo("package-lock.json", "1.0.0", &["node_modules/foo", nested]);
    assert_eq!(apply(&known, std::slice::from_ref(&both), &[]), (vec![false], 0));
    assert_eq!(apply(&[both], &known, &[]), (vec![true], 0));
}

#[test]
fn a_copy_with_a_folder_and_one_without_do_not_vouch_for_each_other() {
    let with = foo("lock", "1.0.0", &["node_modules/foo"]);
    let mut without = with.clone();
    without.vulnerability_mut().package.places.clear();
    let (with, without) = (std::slice::from_ref(&with), std::slice::from_ref(&without));
    assert_eq!(apply(with, without, &[]), (vec![false], 1));
    assert_eq!(apply(without, with, &[]), (vec![false], 1));
}

#[test]
fn an_advisory_that_comes_with_an_upgrade_is_new_and_the_other_stays_known() {
    let of = |version: &str, id: &str| with_ids(foo("Cargo.lock", version, &[]), &[id]);
    let now = [of("2.0.0", "GHSA-2"), of("2.0.0", "GHSA-1")];
    assert_eq!(apply(&[of("1.0.0", "GHSA-1")], &now, &[]), (vec![false, true], 0));
}

#[test]
fn an_upgrade_in_place_that_does_not_help_stays_known() {
    for places in [&["node_modules/foo"][..], &[]] {
        let (old, new) = (foo("lock", "1.0.0", places), foo("lock", "1.5.0", places));
        assert_eq!(apply(&[old], &[new], &[]), (vec![true], 0));
    }
}

#[test]
fn one_more_version_in_a_lockfile_is_new() {
    let of = |version: &str| foo("Cargo.lock", version, &[]);
    assert_eq!(apply(&[of("1.0.0")], &[of("3.0.0"), of("1.0.0")], &[]), (vec![false, true], 0));
    // One was upgraded and another came; nothing says which is which.
    assert_eq!(apply(&[of("1.0.0")], &[of("2.0.0"), of("3.0.0")], &[]), (vec![false, false], 1));
    assert_eq!(apply(&[of("1.0.0"), of("2.0.0")], &[of("1.1.0"), of("2.0.0")], &[]), (vec![true, true], 0));
}

#[test]
fn a_new_alias_changes_nothing() {
    for places in [&["node_modules/foo"][..], &[]] {
        let before = with_ids(foo("lock", "1.0.0", places), &["PYSEC-1"]);
        let after = with_ids(foo("lock", "1.0.0", places), &["GHSA-1", "CVE-1", "PYSEC-1"]);
        assert_eq!(apply(std::slice::from_ref(&before), std::slice::from_ref(&after), &[]), (vec![true], 0));
        let other = with_ids(foo("lock", "1.0.0", places), &["GHSA-2", "CVE-2"]);
        assert_eq!(apply(std::slice::from_ref(&before), std::slice::from_ref(&other), &[]), (vec![false], 1));
        // The id that was known is no longer the shown one, and later no longer there.
        for id in ["GHSA-1", "CVE-1", "PYSEC-1"] {
            let third = with_ids(foo("lock", "1.0.0", places), &[id]);
            assert_eq!(apply(std::slice::from_ref(&after), &[third], &[]), (vec![true], 0), "{id}");
        }
    }
}

#[test]
fn a_lockfile_that_moved_keeps_its_findings() {
    for places in [&["node_modules/a/node_modules/foo"][..], &[]] {
        let (old, new) = (foo("a/lock", "1.0.0", places), foo("b/lock", "1.0.0", places));
        let before = std::slice::from_ref(&old);
        assert_eq!(apply(before, std::slice::from_ref(&new), &["a/lock"]), (vec![true], 0));
        assert_eq!(apply(before, std::slice::from_ref(&new), &[]), (vec![false], 1), "the old file is still there");
        // A copy of the file beside the one that moved is new.
        let second = foo("c/lock", "1.0.0", places);
        assert_eq!(apply(before, &[new.clone(), second], &["a/lock"]), (vec![true, false], 0));
        // A copy that is known where it is leaves the entry to the one that moved.
        let stays = foo("0/lock", "1.0.0", places);
        let both = [stays.clone(), old.clone()];
        assert_eq!(apply(&both, &[stays, new.clone()], &["a/lock"]), (vec![true, true], 0));
        let other_package = with_ids(new, &["GHSA-2"]);
        assert_eq!(apply(before, &[other_package], &["a/lock"]), (vec![false], 1));
    }
    let (old, new) =
        (foo("a", "1.0.0", &["node_modules/foo"]), foo("b", "1.0.0", &["node_modules/x/node_modules/foo"]));
    assert_eq!(apply(&[old], &[new], &["a"]), (vec![false], 1), "moved, and another copy");
    let (old, new) =
        (secret(Severity::Critical), Finding { fingerprint: "9".repeat(32), ..secret(Severity::Critical) });
    assert_eq!(apply(&[old], &[new], &["config/settings.py"]), (vec![false], 1), "secrets do not move");
}

#[test]
fn malware_is_neither_written_nor_known() {
    assert_eq!(Baseline::of(&[malware()]).len(), 0);
    // It was known as a vulnerability before its record said what it is.
    let Kind::Malware(package) = malware().kind else { panic!("not malware") };
    let mut before = advisory(Some(Severity::High));
    before.location.path = "package-lock.json".to_owned();
    before.vulnerability_mut().package = package;
    let mut now = [malware()];
    let matched = read_back(&Baseline::of(&[before])).apply(&mut now, &|_| false);
    assert_eq!(matched, Matched { gone: 0, malware: vec!["evil 1.0.0".to_owned()] });
    assert_eq!(now[0].status, Status::New);
}

mod version_1 {
    use super::*;

    fn entry(fingerprint: &str, rule: &str, subject: &str, path: &str) -> String {
        let entry = serde_json::json!({ "fingerprint": fingerprint, "rule": rule, "subject": subject, "path": path });
        serde_json::json!({ "version": 1, "findings": [entry] }).to_string()
    }

    fn known(text: &str, now: &[Finding], gone: &[&str]) -> (Vec<bool>, usize) {
        let mut now = now.to_vec();
        let matched = Baseline::parse(text).unwrap().apply(&mut now, &|path| gone.contains(&path));
        (now.iter().map(|finding| finding.status == Status::Known).collect(), matched.gone)
    }

    #[test]
    fn a_fingerprint_is_enough_and_one_under_another_id_too() {
        let finding = advisory(Some(Severity::High));
        for digit in ["f", "d"] {
            let text = entry(&digit.repeat(32), "PYSEC-1", "requests 2.18.0", "poetry.lock");
            assert_eq!(known(&text, std::slice::from_ref(&finding), &[]), (vec![true], 0), "{digit}");
        }
        let text = entry(&"9".repeat(32), "PYSEC-1", "requests 2.18.0", "poetry.lock");
        assert_eq!(known(&text, std::slice::from_ref(&finding), &[]), (vec![false], 1));
        let text = entry(&"a".repeat(32), "aws-access-key", "aws-access-key", "config/settings.py");
        assert_eq!(known(&text, &[secret(Severity::High)], &[]), (vec![true], 0));
    }

    #[test]
    fn a_copy_that_takes_the_number_of_a_known_one_is_new() {
        let numbered = |version: &str, place: &str, fingerprint: &str| {
            let mut finding = foo("package-lock.json", version, &[place]);
            finding.fingerprint = fingerprint.to_owned();
            finding.vulnerability_mut().package.identity.under_any_id = Box::default();
            finding
        };
        let text = entry("0", "GHSA-aaaa-bbbb-cccc", "foo 1.0.0", "package-lock.json");
        let now =
            [numbered("3.0.0", "node_modules/foo", "0"), numbered("1.0.0", "node_modules/z/node_modules/foo", "1")];
        assert_eq!(known(&text, &now, &[]), (vec![false, true], 0));
        // An upgrade in place cannot be distinguished from another copy, and was known before.
        assert_eq!(known(&text, &now[..1], &[]), (vec![true], 0));
    }

    #[test]
    fn a_lockfile_that_moved_keeps_its_findings() {
        let text = entry("9", "CVE-2099-1", "foo 1.0.0", "a/lock");
        let of = |version: &str| foo("b/lock", version, &[]);
        assert_eq!(known(&text, &[of("1.0.0")], &["a/lock"]), (vec![true], 0));
        assert_eq!(known(&text, &[of("1.0.0")], &[]), (vec![false], 1));
        assert_eq!(known(&text, &[of("2.0.0")], &["a/lock"]), (vec![false], 1));
    }
}
