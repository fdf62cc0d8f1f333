//! What every pipe keeps, tried on every folder below `pipes/`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use pipewright_harness::{Pipe, Repo, files, pipes, root};
use serde_json::Value;

/// The documented codes of a run that was neither cancelled nor met a bug.
const CODES: [i32; 5] = [0, 1, 2, 3, 4];

/// An address where nobody listens: no run of this suite reaches a service.
const NOWHERE: &str = "http://127.0.0.1:9";

fn pipe(name: &str, repo: &Repo) -> Pipe {
    // Whatever a pipe would send goes nowhere, and soon gives up.
    Pipe::new(name, repo.path()).env("HTTPS_PROXY", NOWHERE).env("HTTP_PROXY", NOWHERE).env("TIMEOUT", "20s")
}

fn schema(name: &str) -> Vec<(String, Value)> {
    let printed = Pipe::new(name, &root()).arg("--print").arg("schema").run().expect(0);
    let schema: Value = serde_json::from_str(&printed.stdout).unwrap();
    schema["properties"].as_object().unwrap().clone().into_iter().collect()
}

#[test]
fn version_and_help_name_the_pipe_and_its_variables() {
    for name in pipes() {
        let version = Pipe::new(&name, &root()).arg("--version").run().expect(0);
        assert_eq!(version.stdout.trim(), format!("{name} {}", env!("CARGO_PKG_VERSION")));
        let help = Pipe::new(&name, &root()).arg("--help").run().expect(0);
        let variables = schema(&name);
        assert!(variables.len() > 10, "{name}");
        for (variable, _) in &variables {
            // `X_FILE` holds the value of `X`, which has the line.
            let shown = variable.strip_suffix("_FILE").unwrap_or(variable);
            let has_line =
                |name: &str| help.stdout.lines().any(|line| line.trim().split(", ").any(|word| word == name));
            assert!(has_line(variable) || has_line(shown), "{name}: {variable}");
        }
        Pipe::new(&name, &root()).arg("--bogus").run().expect(2);
    }
}

#[test]
fn help_fits_a_terminal_and_is_called_like_the_pipe() {
    for name in pipes() {
        let help = Pipe::new(&name, &root()).arg("--help").run().expect(0).stdout;
        assert!(help.contains(&format!("Usage: {name} [OPTIONS]")), "{help}");
        // A line that is one word, or a variable with its aliases, can't be broken.
        let wide = help.lines().filter(|line| line.chars().count() > 80 && line.trim().contains(". "));
        assert_eq!(wide.collect::<Vec<_>>(), [""; 0], "{name}");
    }
}

#[test]
fn every_output_that_a_run_writes_is_declared() {
    for name in pipes() {
        let repo = Repo::new();
        repo.write("a.txt", "text").commit("first");
        let outputs = tempfile::NamedTempFile::new().unwrap();
        pipe(&name, &repo).env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", outputs.path()).run();
        let written = fs::read_to_string(outputs.path()).unwrap();
        let names = |line: &str| line.split_once("<<").or(line.split_once('=')).map(|(name, _)| name.to_owned());
        let written: Vec<String> = written.lines().filter_map(names).collect();
        assert!(written.iter().any(|output| output == "verdict"), "{name}: {written:?}");
        let action = fs::read_to_string(root().join("pipes").join(&name).join("action.yml")).unwrap();
        let declared = action.split_once("\noutputs:\n").unwrap().1.split("\nruns:").next().unwrap();
        let root_action = fs::read_to_string(root().join("action.yml")).unwrap();
        for output in &written {
            assert!(declared.contains(&format!("  {output}:\n")), "{name}: {output}");
            assert!(root_action.contains(&format!("steps.{name}.outputs.{output} ")), "{name}: {output}");
        }
    }
}

#[test]
fn a_run_leaves_a_clean_tree_for_git() {
    for name in pipes() {
        let repo = Repo::new();
        repo.write("a.txt", "text").commit("first");
        pipe(&name, &repo).run();
        assert!(repo.join("security-reports").join(format!("{name}-report.json")).exists(), "{name}");
        let status =
            std::process::Command::new("git").args(["status", "--porcelain"]).current_dir(repo.path()).output();
        assert_eq!(String::from_utf8_lossy(&status.unwrap().stdout), "", "{name}");
    }
}

#[test]
fn empty_variables_are_unset() {
    for name in pipes() {
        let repo = Repo::new();
        let bare = pipe(&name, &repo).env("DRY_RUN", "true").run();
        let mut empty = pipe(&name, &repo).env("DRY_RUN", "true");
        for (variable, _) in schema(&name) {
            if !["DRY_RUN", "HTTPS_PROXY", "HTTP_PROXY", "TIMEOUT"].contains(&variable.as_str()) {
                empty = empty.env(&variable, "").env(format!("INPUT_{variable}"), "");
            }
        }
        let empty = empty.run();
        assert_eq!((empty.code, empty.stdout), (bare.code, bare.stdout), "{name}\n{}", empty.stderr);
    }
}

#[test]
fn each_wrong_value_is_exit_2_and_named_as_typed() {
    for name in pipes() {
        let repo = Repo::new();
        let mut tried = 0;
        for (variable, property) in schema(&name) {
            if property.get("pattern").is_none() {
                continue;
            }
            tried += 1;
            for prefix in ["INPUT_", "PIPEWRIGHT_"] {
                let typed = format!("{prefix}{variable}");
                let outcome = pipe(&name, &repo).arg("--check").env(&typed, "\u{1b}[31mgarbage").run().expect(2);
                assert!(outcome.stderr.contains(&typed), "{name}: {}", outcome.stderr);
                assert!(!outcome.stderr.contains("\u{1b}[31mgarbage"), "{name}: control characters are passed on");
            }
        }
        assert!(tried > 3, "{name}");
    }
}

#[test]
fn a_name_that_nothing_declares_never_passes() {
    for name in pipes() {
        let repo = Repo::new();
        for (variable, _) in schema(&name) {
            // A letter is missing, as in FAIL_ON_HIHG.
            let mistyped = format!("{}{}", &variable[..variable.len() - 2], &variable[variable.len() - 1..]);
            if schema(&name).iter().any(|(known, _)| *known == mistyped) {
                continue;
            }
            for prefix in ["INPUT_", "PIPEWRIGHT_"] {
                let typed = format!("{prefix}{mistyped}");
                let outcome = pipe(&name, &repo).env(&typed, "1").run().expect(2);
                assert!(outcome.stderr.contains(&format!("{typed}: not a variable of {name}. ")), "{}", outcome.stderr);
            }
        }
        for typed in ["INPUT_WHATEVER", "PIPEWRIGHT_WHATEVER", "INPUT_PIPE", "PIPEWRIGHT_ARGS"] {
            pipe(&name, &repo).env(typed, "1").run().expect(2);
        }
        for runners in ["INPUT_ARGS", "INPUT_ENTRYPOINT"] {
            let outcome = pipe(&name, &repo).arg("--check").env(runners, "1").run();
            assert!(!outcome.output().contains(runners), "{}", outcome.output());
        }
        let checked = pipe(&name, &repo).arg("--check").env("REPORTS_DRI", "x").run().expect(2);
        assert!(checked.stderr.contains("REPORTS_DRI: not a variable of"), "{}", checked.stderr);
    }
}

#[test]
fn a_duration_below_a_second_is_a_mistake() {
    for name in pipes() {
        let repo = Repo::new();
        for (variable, value) in [
            ("TIMEOUT", "0"),
            ("TIMEOUT", "0.5s"),
            ("TIMEOUT", "500ms"),
            ("TIMEOUT", "0.9"),
            ("INPUT_TIMEOUT", "0s"),
            ("INPUT_TIMEOUT", "999ms"),
            ("PIPEWRIGHT_TIMEOUT", "0ms"),
            ("PIPEWRIGHT_TIMEOUT", "0.01m"),
        ] {
            let outcome = pipe(&name, &repo).env(variable, value).run().expect(2);
            let told = format!("{variable}: expected a duration of at least 1s");
            assert!(outcome.stderr.contains(&told), "{value}: {}", outcome.stderr);
        }
        let outcome = pipe(&name, &repo).arg("--check").env("TIMEOUT", "1.5s").run();
        assert!(!outcome.stderr.contains("TIMEOUT"), "{}", outcome.stderr);
    }
}

#[test]
fn all_wrong_values_are_told_at_once() {
    for name in pipes() {
        let repo = Repo::new();
        let wrong: Vec<String> = schema(&name)
            .into_iter()
            .filter(|(_, property)| property.get("pattern").is_some())
            .map(|(name, _)| name)
            .collect();
        let run = wrong.iter().fold(pipe(&name, &repo).arg("--check"), |run, variable| {
            run.env(format!("PIPEWRIGHT_{variable}"), "garbage!")
        });
        let outcome = run.run().expect(2);
        for variable in &wrong {
            assert!(
                outcome.stderr.contains(&format!("PIPEWRIGHT_{variable}")),
                "{name}: {variable}\n{}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn garbage_and_enormous_values_end_as_documented() {
    let enormous = "x".repeat(100_000);
    for name in pipes() {
        for value in [enormous.as_str(), "'\"`$(reboot)\\\n\r\t;&|<>*?[]{}~\u{202e}", "../../../../etc/passwd"] {
            let repo = Repo::new();
            for (variable, _) in schema(&name) {
                if ["HTTPS_PROXY", "HTTP_PROXY"].contains(&variable.as_str()) {
                    continue;
                }
                let outcome = pipe(&name, &repo).env("DRY_RUN", "true").env(&variable, value).run();
                assert!(outcome.code.is_some_and(|code| CODES.contains(&code)), "{name} {variable}: {outcome:?}");
                assert!(outcome.output().len() < 120_000, "{name} {variable}: the value is printed at length");
            }
        }
    }
}

#[test]
fn no_secret_is_printed_or_written() {
    for name in pipes() {
        let repo = Repo::new();
        repo.write("file.txt", "text").commit("first");
        let mut run = pipe(&name, &repo).env("DEBUG", "true").env("UNRELATED_API_KEY", "canary-unrelated-000");
        let mut canaries = vec!["canary-unrelated-000".to_owned()];
        let secrets: Vec<String> = schema(&name)
            .into_iter()
            .filter(|(_, property)| property["writeOnly"] == true)
            .map(|(variable, _)| variable)
            .filter(|variable| !variable.to_uppercase().ends_with("PROXY"))
            .collect();
        assert!(!secrets.is_empty());
        for (index, variable) in secrets.iter().enumerate() {
            let canary = format!("canary-{index}-Zm9v/+bar=");
            run = run.env(variable, &canary);
            canaries.push(canary);
        }
        let outcome = run.run();
        let mut everything = outcome.output();
        for path in files(repo.path()) {
            if path.is_file() && !path.starts_with(repo.join(".git")) {
                everything.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
            }
        }
        for canary in canaries {
            assert!(!everything.contains(&canary), "{name}: {canary}");
        }
    }
}

#[test]
#[ignore = "needs root: make test"]
fn written_files_belong_to_the_owner_of_the_workspace() {
    for name in pipes() {
        let repo = Repo::new();
        repo.write("file.txt", "text").commit("first");
        for path in files(repo.path()).iter().chain([&repo.path().to_owned()]) {
            chown(path, Some(12345), Some(12345)).expect("root runs this test");
        }
        let outcome = pipe(&name, &repo).run();
        assert!(outcome.code.is_some_and(|code| CODES.contains(&code)), "{outcome:?}");
        assert!(outcome.reports.exists());
        for path in files(&outcome.reports).iter().chain([&outcome.reports]) {
            let meta = fs::metadata(path).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (12345, 12345), "{}", path.display());
        }
    }
}

#[test]
fn a_report_is_there_whatever_happened_and_fits_its_schema() {
    let schema: Value =
        serde_json::from_slice(&fs::read(root().join("docs/schemas/report.v1.schema.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for name in pipes() {
        for env in [&[][..], &[("WORKING_DIR", "/nonexistent")], &[("INPUT_DRY_RUN", "what")], &[("TIMEOUT", "1")]] {
            let repo = Repo::new();
            repo.write("file.txt", "text").commit("first");
            let outcome = pipe(&name, &repo).envs(env).run();
            let report = outcome.report();
            let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name} {env:?}: {errors:?}");
            assert_eq!(report["exit_code"].as_i64(), outcome.code.map(i64::from), "{name} {env:?}");
        }
    }
}
