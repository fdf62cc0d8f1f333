use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{Vars, duration};
use crate::spec::{Group, Kind, Spec, Var, common};

const SEVERITY: Var = Var::choice("SEVERITY", &["low", "medium", "high"], "How bad.").default("low");
const CHART: Var = Var::text("HELM_VALUES_FILE", "The values.").aliases(&["VALUES_FILE"]);
const CHANNELS: Var = Var::list("CHANNELS", "The recipients.");
const FORMATS: Var = Var::new(
    "SBOM_FORMAT",
    Kind::Choices(&["cyclonedx-json", "spdx-json"], &[("cyclonedx", "cyclonedx-json")]),
    "The formats.",
)
.default("cyclonedx-json");
const THRESHOLD: Var = Var::new("CVSS_THRESHOLD", Kind::Number { min: 0.0, max: 10.0 }, "The score.");
const RETRIES: Var = Var::new("RETRIES", Kind::Integer { min: 0, max: 10 }, "How often.").default("3");
const PASSWORD: Var = Var::secret("DOCKER_PASSWORD", "The registry's password.").example("a token");
const WEBHOOKS: Var = Var::secrets("HOOK_URLS", "The addresses.");
const LATER: Var = Var::flag("SAST_SCAN", "Scans sources.").default("false").later();

static SPEC: Spec = Spec {
    name: "test-pipe",
    summary: "Tests.",
    category: "Testing",
    version: "1.2.3",
    groups: &[Group {
        title: "All",
        vars: &[&SEVERITY, &CHART, &CHANNELS, &FORMATS, &THRESHOLD, &RETRIES, &PASSWORD, &WEBHOOKS, &LATER],
    }],
    outputs: &[],
    timeout: "5m",
    grace: Duration::from_secs(2),
};

fn load(env: &[(&str, &str)]) -> Vars {
    load_in(env, Path::new("/"), Path::new("/"))
}

fn load_in(env: &[(&str, &str)], dir: &Path, root: &Path) -> Vars {
    Vars::load(&SPEC, env.iter().map(|(name, value)| (name.into(), value.into())), dir, root)
}

fn problems(vars: &Vars) -> Vec<String> {
    vars.problems().iter().map(|problem| format!("{}: {}", problem.variable, problem.message)).collect()
}

#[test]
fn each_value_is_described_as_it_is_set() {
    let effect = |value: &str| {
        let vars = load(&[("DRY_RUN", value)]);
        vars.effective().into_iter().find(|input| input.name == "DRY_RUN").unwrap().effect
    };
    assert_eq!(effect("yes"), "Prints the plan of the run and does nothing else");
    assert_eq!(effect("off"), "Carries out the run");
}

#[test]
fn an_input_wins_over_our_prefix_and_that_over_the_bare_name() {
    let bare = ("SEVERITY", "low");
    let prefixed = ("PIPEWRIGHT_SEVERITY", "medium");
    let input = ("INPUT_SEVERITY", "HIGH");
    assert_eq!(load(&[bare]).choice(&SEVERITY), Some("low"));
    assert_eq!(load(&[bare, prefixed]).choice(&SEVERITY), Some("medium"));
    assert_eq!(load(&[bare, prefixed, input]).choice(&SEVERITY), Some("high"));
}

#[test]
fn an_input_may_be_typed_with_hyphens() {
    assert_eq!(load(&[("INPUT_CVSS-THRESHOLD", "7.5")]).number(&THRESHOLD), Some(7.5));
    let wrong = load(&[("INPUT_CVSS-THRESHOLD", "11")]);
    assert_eq!(wrong.problems()[0].variable, "INPUT_CVSS-THRESHOLD=\"11\"");
}

#[test]
fn empty_is_unset() {
    let mut vars = load(&[("INPUT_SEVERITY", ""), ("SEVERITY", "high"), ("RETRIES", "")]);
    assert_eq!(vars.choice(&SEVERITY), Some("high"));
    assert_eq!(vars.integer(&RETRIES), Some(3));
    assert!(vars.problems().is_empty());
    for nothing in [",", " ", "\n,\n", "[]", r#"[""]"#] {
        let mut vars = load(&[("SBOM_FORMAT", nothing)]);
        assert!(!vars.is_set(&FORMATS), "{nothing:?}");
        assert_eq!(vars.list(&FORMATS), ["cyclonedx-json"], "{nothing:?}: the default");
        assert!(vars.problems().is_empty(), "{nothing:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_the_name_as_typed() {
    let vars = load(&[
        ("PIPEWRIGHT_SEVERITY", "hihg"),
        ("CVSS_THRESHOLD", "11"),
        ("RETRIES", "-1"),
        ("SAST_SCAN", "maybe"),
        ("SBOM_FORMAT", "cyclonedx,xml"),
        ("INPUT_TIMEOUT", "soon"),
    ]);
    insta::assert_snapshot!(problems(&vars).join("\n"), @r#"
    PIPEWRIGHT_SEVERITY="hihg": expected low, medium or high (did you mean high?)
    SBOM_FORMAT="cyclonedx,xml": expected a list of cyclonedx-json or spdx-json
    CVSS_THRESHOLD="11": expected a number from 0 to 10
    RETRIES="-1": expected a whole number from 0 to 10
    SAST_SCAN="maybe": expected true or false
    INPUT_TIMEOUT="soon": expected a duration such as 300, 90s, 10m or 1h30m
    "#);
}

#[test]
fn booleans_are_read_in_any_spelling_and_nothing_else_is() {
    for (text, expected) in [("TRUE", true), ("1", true), ("Yes", true), ("on", true), ("off", false), ("No", false)] {
        assert_eq!(load(&[("SAST_SCAN", text)]).maybe_flag(&LATER), Some(expected), "{text}");
    }
    assert_eq!(load(&[("SAST_SCAN", "ture")]).problems().len(), 1);
}

#[test]
fn a_list_is_a_bitbucket_array_or_json_or_separated() {
    let expected = ["slack", "e mail"];
    for env in [
        &[("CHANNELS_COUNT", "3"), ("CHANNELS_0", "slack"), ("CHANNELS_1", " "), ("CHANNELS_2", " e mail ")][..],
        &[("CHANNELS", r#"["slack", "", "e mail"]"#)],
        &[("CHANNELS", "slack, ,e mail,")],
        &[("CHANNELS", "\nslack\n e mail\n")],
    ] {
        assert_eq!(load(env).list(&CHANNELS), expected, "{env:?}");
    }
    assert_eq!(load(&[("CHANNELS", "[\"slack\"")]).problems().len(), 1);
    assert_eq!(load(&[("CHANNELS", r#"[{"a":1}]"#)]).problems().len(), 1);
    assert_eq!(load(&[("CHANNELS_COUNT", "many")]).problems().len(), 1);
    assert!(load(&[("CHANNELS_COUNT", "0")]).list(&CHANNELS).is_empty());
}

#[test]
fn an_alias_of_a_word_stands_for_it() {
    assert_eq!(load(&[("SBOM_FORMAT", "CycloneDX,spdx-json")]).list(&FORMATS), ["cyclonedx-json", "spdx-json"]);
}

#[test]
fn a_name_and_its_alias_may_agree_but_not_differ() {
    assert_eq!(load(&[("VALUES_FILE", "a.yaml")]).text(&CHART).as_deref(), Some("a.yaml"));
    let agreed = load(&[("VALUES_FILE", "a.yaml"), ("HELM_VALUES_FILE", "a.yaml")]);
    assert!(agreed.problems().is_empty());
    let differing = load(&[("VALUES_FILE", "a.yaml"), ("HELM_VALUES_FILE", "b.yaml")]);
    assert_eq!(
        problems(&differing),
        ["HELM_VALUES_FILE, VALUES_FILE: both are set, to different values. Set one of them"]
    );
}

#[test]
fn a_job_wide_common_word_that_makes_no_sense_is_ignored_with_a_notice() {
    let mut vars = load(&[("DEBUG", "app:*"), ("TIMEOUT", "n/a")]);
    assert!(vars.problems().is_empty());
    assert_eq!(vars.notices().len(), 2);
    assert!(!vars.flag(&common::DEBUG));
    assert_eq!(vars.duration(&common::TIMEOUT), Some(Duration::from_secs(300)));
    assert_eq!(load(&[("INPUT_DEBUG", "app:*")]).problems().len(), 1);
    assert_eq!(load(&[("PIPEWRIGHT_TIMEOUT", "n/a")]).problems().len(), 1);
}

#[test]
fn a_mistyped_name_is_a_mistake_under_our_prefixes_and_a_notice_without() {
    let mut vars = load(&[
        ("HELM_VALUE_FILE", "x"),
        ("INPUT_SEVRITY", "low"),
        ("INPUT_SXVERZTY", "low"),
        ("INPUT_SEV-RITY", "low"),
        ("PIPEWRIGHT_COLOUR_SCHEME", "dark"),
        ("INPUT_SLACK_WEBHOOK_URL", "of another pipe"),
        ("PIPEWRIGHT_SLACK_WEBHOOK_URL", "of another pipe of the job"),
        ("INPUT_ARGS", "the runner's"),
        ("INPUT_ENTRYPOINT", "the runner's"),
        ("PIPEWRIGHT_ARGS", "x"),
        ("CHANNELS_0", "known as an item"),
        ("INPUT_CHANNELS_0", "known as an item"),
        ("DOCKER_PASSWORD_FILE", "/nowhere"),
        ("GITHUB_RETRIES", "not ours"),
        ("HOME", "/root"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(vars.notices(), ["HELM_VALUE_FILE is not a variable of test-pipe. Did you mean HELM_VALUES_FILE?"]);
    insta::assert_snapshot!(problems(&vars).join("\n"), @r"
    DOCKER_PASSWORD_FILE: no such file. Set it to a file that can be read
    INPUT_SEVRITY: not a variable of test-pipe. Did you mean SEVERITY?
    INPUT_SEV-RITY: not a variable of test-pipe. Did you mean SEVERITY?
    INPUT_SLACK_WEBHOOK_URL: not a variable of test-pipe. Another pipe reads it. Remove it here
    INPUT_SXVERZTY: not a variable of test-pipe. Did you mean SEVERITY?
    PIPEWRIGHT_ARGS: not a variable of test-pipe. Remove it
    PIPEWRIGHT_COLOUR_SCHEME: not a variable of test-pipe. Remove it
    ");
    vars.judge_near_misses();
    assert_eq!(vars.notices(), [""; 0]);
    assert_eq!(
        problems(&vars).last().unwrap(),
        "HELM_VALUE_FILE: not a variable of test-pipe. Did you mean HELM_VALUES_FILE?"
    );
    let broken = OsString::from_vec(vec![0xff]);
    let vars = Vars::load(&SPEC, [("INPUT_SEVRITY".into(), broken)], Path::new("/"), Path::new("/"));
    assert_eq!(problems(&vars), ["INPUT_SEVRITY: not a variable of test-pipe. Did you mean SEVERITY?"]);
}

#[test]
fn the_settings_of_a_plugin_are_its_inputs_where_plugins_are_run() {
    for ci in [("DRONE", "true"), ("CI", "woodpecker"), ("CI_SYSTEM_NAME", "woodpecker")] {
        assert_eq!(load(&[ci, ("PLUGIN_RETRIES", "7"), ("RETRIES", "2")]).integer(&RETRIES), Some(7));
        let wrong = load(&[ci, ("PLUGIN_RETRIES", "x"), ("PLUGIN_SEVRITY", "low")]);
        let problems = problems(&wrong).join("\n");
        assert!(problems.starts_with("PLUGIN_RETRIES=\"x\": expected"), "{problems}");
        assert!(
            problems.ends_with("PLUGIN_SEVRITY: not a variable of test-pipe. Did you mean SEVERITY?"),
            "{problems}"
        );
    }
    let elsewhere = load(&[("CI", "true"), ("PLUGIN_RETRIES", "7"), ("PLUGIN_SEVRITY", "low")]).integer(&RETRIES);
    assert_eq!(elsewhere, Some(3));
}

#[test]
fn one_mistake_is_counted_once() {
    for (name, value) in [("DOCKER_PASSWORD_FILE", "/nowhere"), ("CVSS_THRESHOLD", "11"), ("CHANNELS_COUNT", "x")] {
        let mut vars = load(&[(name, value)]);
        for var in [&PASSWORD, &THRESHOLD, &CHANNELS] {
            if name.starts_with(var.name) {
                vars.require(var);
            }
        }
        assert_eq!(problems(&vars).len(), 1, "{name}: {:?}", problems(&vars));
    }
    let mut vars = load(&[]);
    vars.require(&PASSWORD);
    assert_eq!(problems(&vars).len(), 1);
}

#[test]
fn a_secret_may_come_from_a_file_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    fs::write(&file, "hunter2 hunter2\n").unwrap();
    let mut vars = load(&[("DOCKER_PASSWORD_FILE", file.to_str().unwrap())]);
    assert_eq!(vars.secret(&PASSWORD).unwrap().expose_secret(), "hunter2 hunter2");
    let both = load(&[("DOCKER_PASSWORD_FILE", file.to_str().unwrap()), ("DOCKER_PASSWORD", "hunter3")]);
    assert_eq!(problems(&both), ["DOCKER_PASSWORD, DOCKER_PASSWORD_FILE: both are set. Set one of them"]);
    assert!(!format!("{vars:?}{both:?}{:?}", vars.effective()).contains("hunter"));
}

#[test]
fn a_file_that_lists_nothing_is_a_mistake() {
    const HOOKS: &str = "HOOK_URLS_FILE";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hooks");
    for nothing in ["", "\n\n", "[]\n"] {
        fs::write(&file, nothing).unwrap();
        assert_eq!(
            problems(&load(&[(HOOKS, file.to_str().unwrap())])),
            ["HOOK_URLS_FILE: lists nothing. Add an item, or unset it"]
        );
    }
    fs::write(&file, "https://a.example\n\nhttps://b.example\n").unwrap();
    assert_eq!(load(&[(HOOKS, file.to_str().unwrap())]).secrets_of(&WEBHOOKS).len(), 2);
}

#[test]
fn a_relative_file_stays_inside_the_checkout() {
    let outside = tempfile::tempdir().unwrap();
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("service");
    fs::create_dir(&dir).unwrap();
    fs::write(outside.path().join("shadow"), "machine's own").unwrap();
    fs::write(root.path().join("token"), "repository's own").unwrap();
    symlink(outside.path().join("shadow"), dir.join("link")).unwrap();
    let read = |path: &str| {
        let mut vars = load_in(&[("DOCKER_PASSWORD_FILE", path)], &dir, root.path());
        vars.secret(&PASSWORD).map(|secret| secret.expose_secret().to_owned()).ok_or_else(|| problems(&vars).join(""))
    };
    assert_eq!(read("../token").as_deref(), Ok("repository's own"));
    assert!(read("link").unwrap_err().contains("leads out of the checkout"));
    let up = format!("../../{}/shadow", outside.path().file_name().unwrap().to_str().unwrap());
    assert!(read(&up).unwrap_err().contains("leads out of the checkout"));
    assert!(read("absent").unwrap_err().contains("no such file"));
    assert!(read(".").unwrap_err().contains("regular file"));
    fs::write(dir.join("large"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    assert!(read("large").unwrap_err().contains("larger than 1 MiB"));
    fs::write(dir.join("binary"), [0xff, 0xfe]).unwrap();
    assert!(read("binary").unwrap_err().contains("UTF-8"));
}

#[test]
fn a_value_that_is_not_text_is_a_mistake() {
    let value = OsString::from_vec(vec![0xff]);
    let vars = Vars::load(&SPEC, [("SEVERITY".into(), value)], Path::new("/"), Path::new("/"));
    assert_eq!(problems(&vars), ["SEVERITY: expected UTF-8 text"]);
}

#[test]
fn a_missing_secret_fails_or_skips_as_told() {
    let outcome = |env: &[(&str, &str)], untrusted: bool| {
        let mut vars = load(env);
        vars.require_secret(&PASSWORD, untrusted);
        (vars.problems().len(), vars.missing_secrets().to_vec())
    };
    assert_eq!(outcome(&[], false), (1, vec![]));
    assert_eq!(outcome(&[], true), (0, vec!["DOCKER_PASSWORD"]));
    assert_eq!(outcome(&[("ON_MISSING_SECRET", "skip")], false), (0, vec!["DOCKER_PASSWORD"]));
    assert_eq!(outcome(&[("ON_MISSING_SECRET", "fail")], true), (1, vec![]));
    assert_eq!(outcome(&[("DOCKER_PASSWORD", "x")], false), (0, vec![]));
}

#[test]
fn a_list_of_secrets_hides_each_of_them() {
    for env in [
        &[("HOOK_URLS", "first-hook, second-hook")][..],
        &[("HOOK_URLS", r#"["first-hook", "second-hook"]"#)],
        &[("HOOK_URLS_COUNT", "2"), ("HOOK_URLS_0", "first-hook"), ("HOOK_URLS_1", "second-hook")],
    ] {
        let mut vars = load(env);
        let values: Vec<_> = vars.secrets_of(&WEBHOOKS).iter().map(|it| it.expose_secret().to_owned()).collect();
        assert_eq!(values, ["first-hook", "second-hook"]);
        assert_eq!(vars.secrets().count(), 2);
        let shown = vars.effective().into_iter().find(|it| it.name == "HOOK_URLS").unwrap().shown;
        assert_eq!(shown, "***,***");
    }
}

#[test]
fn a_secret_that_hides_other_text_is_named_once() {
    let noticed = |env: &[(&str, &str)]| load(env).notices().to_vec();
    let sentence = |name: &str| {
        format!("{name} is too short or common to mask well, so *** may hide other text. Set a longer value")
    };
    assert_eq!(noticed(&[("INPUT_DOCKER_PASSWORD", "main")]), [sentence("INPUT_DOCKER_PASSWORD")]);
    assert_eq!(noticed(&[("HOOK_URLS", "a, b, https://hooks.example/x")]), [sentence("HOOK_URLS")]);
    for value in ["", "hunter2", "https://hooks.example/x"] {
        assert!(noticed(&[("DOCKER_PASSWORD", value), ("HOOK_URLS", value)]).is_empty(), "{value}");
    }
}

#[test]
fn what_is_passed_over_counts_as_read() {
    let mut vars = load(&[]);
    assert!(vars.unread().contains(&"DOCKER_PASSWORD"));
    vars.pass_over(&[&PASSWORD]);
    assert!(!vars.unread().contains(&"DOCKER_PASSWORD"));
}

#[test]
fn a_required_variable_says_what_it_is_for() {
    let mut vars = load(&[]);
    vars.require(&PASSWORD);
    assert_eq!(problems(&vars), ["DOCKER_PASSWORD: required. The registry's password. Example: a token"]);
}

#[test]
fn what_is_not_in_this_version_is_listed_only_when_asked_for() {
    assert!(load(&[("SAST_SCAN", "false")]).not_in_this_version().is_empty());
    assert_eq!(load(&[("INPUT_SAST_SCAN", "true")]).not_in_this_version(), ["INPUT_SAST_SCAN"]);
}

#[test]
fn undeclared_secrets_are_known_for_redaction() {
    let vars = load(&[
        ("AWS_SECRET_ACCESS_KEY", "abcdefghijkl"),
        ("SEVERITY", "low"),
        ("TOKEN_COUNT", "12"),
        ("NPM_TOKEN_FILE", "/run/secrets/npm"),
    ]);
    let values: Vec<_> = vars.secrets().map(|secret| secret.expose_secret().to_owned()).collect();
    assert_eq!(values, ["abcdefghijkl"]);
}

#[test]
fn durations_are_read_with_and_without_units() {
    for (text, millis) in [
        ("300", 300_000),
        ("300s", 300_000),
        ("500ms", 500),
        ("10m", 600_000),
        ("1h30m", 5_400_000),
        ("1H30M", 5_400_000),
        ("1d", 86_400_000),
        ("1m500ms", 60_500),
        ("0.5s", 500),
        ("0.5", 500),
        ("1.5h", 5_400_000),
        ("0", 0),
    ] {
        assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "",
        "s",
        "10x",
        "-5",
        ".5s",
        "1.s",
        "1.2.3s",
        ".",
        "1e3",
        "10 m",
        "18446744073709551615",
        "99999999999h",
        "5m10",
    ] {
        assert_eq!(duration(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_value_makes_reading_panic(name in "(INPUT_|PIPEWRIGHT_)?(SEVERITY|CHANNELS|CHANNELS_COUNT|CVSS_THRESHOLD|RETRIES|TIMEOUT|SBOM_FORMAT|DEBUG)", value in "\\PC{0,80}") {
        let mut vars = load(&[(&name, &value)]);
        vars.list(&CHANNELS);
        vars.number(&THRESHOLD);
        prop_assert!(vars.problems().iter().all(|problem| !problem.message.is_empty()));
    }
}

#[test]
fn a_path_of_windows_is_noticed_unless_a_file_has_that_name() {
    const DIR: &Var = &common::WORKING_DIR;
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("a\\b"), "").unwrap();
    fs::write(dir.path().join("sub/c\\d"), "").unwrap();
    let noticed = |value: &str, more: &[(&str, &str)]| {
        let env: Vec<_> = [("CHANNELS", value), ("REPORTS_DIR", value)].iter().chain(more).copied().collect();
        let mut vars = load_in(&env, dir.path(), dir.path());
        vars.path(&common::REPORTS_DIR);
        vars.paths(&CHANNELS);
        vars.path(DIR);
        vars.notices().to_vec()
    };
    let all = noticed("services\\api", &[("WORKING_DIR", "x\\y")]);
    assert_eq!(
        all,
        [
            "REPORTS_DIR contains a backslash. Write the path with /, as in services/api",
            "CHANNELS contains a backslash. Write the path with /, as in services/api",
            "WORKING_DIR contains a backslash. Write the path with /, as in x/y",
        ]
    );
    assert_eq!(noticed("C:\\work\\a", &[]).len(), 2);
    for fine in ["a\\b", "a/b", "\\[x\\]/a", "x\\*"] {
        assert_eq!(noticed(fine, &[]), [""; 0], "{fine}");
    }
    assert_eq!(noticed("c\\d", &[("WORKING_DIR", "sub")]), [""; 0]);
    assert_eq!(noticed("c\\d", &[]).len(), 2);
    let vars = load_in(&[("DOCKER_PASSWORD_FILE", "keys\\p")], dir.path(), dir.path());
    assert!(problems(&vars)[0].ends_with("Write the path with / instead of \\"), "{:?}", problems(&vars));
}

#[test]
fn a_file_takes_the_place_of_what_an_action_gives_by_default() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "of the file").unwrap();
    let load = |env: &[(&str, &str)]| load_in(env, dir.path(), dir.path());
    let mut vars = load(&[("INPUT_GITHUB_TOKEN", "of the job"), ("INPUT_GITHUB_TOKEN_FILE", "token")]);
    assert_eq!(problems(&vars), [""; 0]);
    assert_eq!(vars.secret(&common::GITHUB_TOKEN).unwrap().expose_secret(), "of the file");
    // The others are not set by default.
    for (one, other) in [("GITHUB_TOKEN", "GITHUB_TOKEN_FILE"), ("INPUT_DOCKER_PASSWORD", "INPUT_DOCKER_PASSWORD_FILE")]
    {
        assert!(problems(&load(&[(one, "x"), (other, "token")]))[0].contains("both are set"), "{one}");
    }
}
