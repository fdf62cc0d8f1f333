use std::cmp::Ordering;

use proptest::prelude::*;

use super::Version;
use crate::package::Ecosystem;

fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Ordering {
    Version::parse(ecosystem, a).cmp(&Version::parse(ecosystem, b))
}

/// Every one before all that follow it.
#[track_caller]
fn ascending(ecosystem: Ecosystem, versions: &[&str]) {
    for (place, lower) in versions.iter().enumerate() {
        for higher in &versions[place + 1..] {
            assert_eq!(compare(ecosystem, lower, higher), Ordering::Less, "{lower} < {higher}");
            assert_eq!(compare(ecosystem, higher, lower), Ordering::Greater, "{higher} > {lower}");
        }
    }
}

#[track_caller]
fn equal(ecosystem: Ecosystem, spellings: &[&str]) {
    for a in spellings {
        for b in spellings {
            assert_eq!(compare(ecosystem, a, b), Ordering::Equal, "{a} = {b}");
        }
    }
}

#[test]
fn semantic_versions_follow_section_11() {
    let precedence = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
        "2.1.0",
        "2.1.1",
    ];
    ascending(Ecosystem::Npm, &precedence);
    ascending(Ecosystem::CratesIo, &precedence);
    ascending(Ecosystem::Go, &precedence);
}

#[test]
fn build_metadata_takes_no_part() {
    equal(Ecosystem::CratesIo, &["1.1.3", "1.1.3+zlib.1.2.11", "1.1.3+x-y.z"]);
    equal(Ecosystem::Npm, &["1.0.0-rc.1+a", "1.0.0-rc.1+b"]);
    equal(Ecosystem::Go, &["2.0.0+incompatible", "v2.0.0"]);
}

#[test]
fn numbers_may_be_missing_or_of_any_length() {
    equal(Ecosystem::Npm, &["1", "1.0", "1.0.0", "v1.0", "=1.0.0", " 1.0.0 "]);
    equal(Ecosystem::Npm, &["0", "0.0.0", ""]);
    ascending(Ecosystem::Npm, &["1.2.3", "1.2.3.1", "1.2.4", "1.2.18446744073709551616", "1.2.99999999999999999999"]);
    ascending(Ecosystem::Npm, &["latest", "0.0.0", "1.x", "1.0.0", "3.0.RC3", "3.0.0"]);
}

#[test]
fn go_modules_and_the_standard_library() {
    ascending(
        Ecosystem::Go,
        &[
            "v0.0.0-20190308221718-c2843e01d9a2",
            "v0.0.0-20210921155107-089bfa567519",
            "v0.1.0",
            "v1.2.3-0.20200101000000-abcdefabcdef",
            "v1.2.3-pre.0.20200101000000-abcdefabcdef",
            "v1.2.3",
            "v1.2.4-0.20200101000000-abcdefabcdef",
        ],
    );
    ascending(Ecosystem::Go, &["1.20.14", "1.21.0-0", "1.21beta1", "1.21rc2", "1.21rc10", "1.21", "1.21.1", "1.22"]);
    equal(Ecosystem::Go, &["1.21rc2", "go1.21rc2", "1.21.0-rc.2"]);
    equal(Ecosystem::Go, &["1.20", "go1.20", "1.20.0"]);
}

#[test]
fn python_versions_follow_pep_440() {
    // The specification's own summary of permitted suffixes and their order, and its example with epochs.
    ascending(
        Ecosystem::PyPi,
        &[
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "2013.10",
            "2014.04",
            "1!1.0",
            "1!1.1",
        ],
    );
}

#[test]
fn python_spellings_of_one_version_are_equal() {
    equal(Ecosystem::PyPi, &["1.1rc1", "1.1RC1", "1.1.0c1", "v1.1-rc.1", "1.1_preview_1", " 1.1pre1\n"]);
    equal(Ecosystem::PyPi, &["1.0", "1", "1.0.0", "01.0"]);
    equal(Ecosystem::PyPi, &["1.0.post1", "1.0-1", "1.0r1", "1.0-rev1"]);
    equal(Ecosystem::PyPi, &["1.0+ubuntu.1", "1.0+ubuntu-1", "1.0+UBUNTU_1"]);
}

#[test]
fn versions_older_than_pep_440_sort_first_and_as_setuptools_sorted_them() {
    ascending(Ecosystem::PyPi, &["9999.legacy.version", "0.dev0", "0.0.1"]);
    // The examples of setuptools' own documentation, spelt so that PEP 440 refuses them.
    ascending(Ecosystem::PyPi, &["2.4x-rc1", "2.4x", "2.4x-1", "2.4x.1"]);
    ascending(Ecosystem::PyPi, &["0.3.2d.dev", "0.3.2d", "0.3.2e", "0.3.10d"]);
    equal(Ecosystem::PyPi, &["1.0.0x", "1x", "1.0X", "1..x"]);
    equal(Ecosystem::PyPi, &["1x-pre2", "1x.rc2", "1x.c2", "1x-preview2"]);
}

#[test]
fn only_a_local_version_has_another_public_one() {
    let public = |text| Version::parse(Ecosystem::PyPi, text).public();
    assert_eq!(public("2.0.0+cu118"), Some(Version::parse(Ecosystem::PyPi, "2.0.0")));
    assert_eq!(public("2.0.0"), None);
    assert_eq!(public("legacy+x y"), None);
    assert_eq!(Version::parse(Ecosystem::Npm, "2.0.0+cu118").public(), None);
}

fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,3}(\\.[0-9]{1,2}){0,3}(-?(a|b|rc|dev|post|x|alpha)[.]?[0-9]{0,2}){0,2}([+][a-z0-9.]{1,4})?",
        "v?(0|1|2)(\\.(0|1|2)){0,2}(-[0-2a-c.-]{0,4})?",
        "\\PC{0,12}",
        any::<String>(),
    ]
}

fn any_ecosystem() -> impl Strategy<Value = Ecosystem> {
    prop::sample::select(Ecosystem::ALL.as_slice())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_order_is_total(ecosystem in any_ecosystem(), a in any_version(), b in any_version(), c in any_version()) {
        let mut versions = [&a, &b, &c].map(|text| Version::parse(ecosystem, text));
        for x in &versions {
            prop_assert_eq!(x.cmp(x), Ordering::Equal);
            for y in &versions {
                prop_assert_eq!(x.cmp(y), y.cmp(x).reverse(), "antisymmetry");
                prop_assert_eq!(x.cmp(y) == Ordering::Equal, x == y, "equality is the order's");
            }
        }
        versions.sort();
        prop_assert!(versions[0] <= versions[1] && versions[1] <= versions[2] && versions[0] <= versions[2], "transitivity");
    }

    #[test]
    fn valid_semantic_versions_are_ordered_as_the_semver_crate_orders_them(
        a in "(0|1|10)\\.(0|2|12)\\.(0|3)(-(0|1|12|a|a-1|rc|1a)(\\.(0|2|11|b)){0,2})?([+]b[0-9])?",
        b in "(0|1|10)\\.(0|2|12)\\.(0|3)(-(0|1|12|a|a-1|rc|1a)(\\.(0|2|11|b)){0,2})?([+]b[0-9])?",
    ) {
        let expected = semver::Version::parse(&a).unwrap().cmp_precedence(&semver::Version::parse(&b).unwrap());
        prop_assert_eq!(compare(Ecosystem::CratesIo, &a, &b), expected);
    }
}
