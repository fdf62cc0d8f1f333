//! Lockfiles and manifests in a tree: which ones count, and what is said of those that don't.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Repo, advisory, database};

#[test]
fn lockfiles_of_yarn_are_read_with_the_workspace_above_them() {
    let db = tempfile::tempdir().unwrap();
    database(db.path(), "npm", &[advisory("GHSA-1", "npm", "once", "1.4.1", Some(CRITICAL))]);
    let entry =
        "once@^1.4.0:\n  version \"1.4.0\"\n  resolved \"https://registry.yarnpkg.com/once/-/once-1.4.0.tgz\"\n";
    let later = "__metadata:\n  version: 8\n\"once@npm:^1.4.0\":\n  version: 1.4.0\n  resolution: \"once@npm:1.4.0\"\n\
                 \"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n\
                 \"lib@workspace:packages/lib\":\n  version: 0.0.0-use.local\n  resolution: \"lib@workspace:packages/lib\"\n  \
                 dependencies:\n    once: \"npm:^1.4.0\"\n";
    for (lock, advice) in [(entry, "yarn upgrade once@1.4.1"), (later, "yarn up once@1.4.1")] {
        let repo = Repo::new();
        repo.write("web/package.json", r#"{"name": "app", "workspaces": ["packages/*"]}"#)
            .write("web/packages/lib/package.json", r#"{"name": "lib", "dependencies": {"once": "^1.4.0"}}"#)
            .write("web/yarn.lock", lock)
            .commit("first");
        let outcome = pipe(&repo, &db).run().expect(1);
        assert!(outcome.stdout.contains(advice), "{}", outcome.stdout);
        assert_eq!(outcome.report()["findings"][0]["package"]["direct"], true, "{}", outcome.output());
        // The member's manifest has its lockfile above.
        assert!(!outcome.stderr.contains("package.json"), "{}", outcome.stderr);
        // A folder that is no member has none.
        repo.write("web/other/package.json", r#"{"name": "other", "dependencies": {"once": "^1.4.0"}}"#);
        let outcome = pipe(&repo, &db).run().expect(1);
        assert!(outcome.stderr.contains("web/other/package.json: no lockfile"), "{}", outcome.stderr);
    }
}

#[test]
fn a_lockfile_that_nothing_reads_is_named_whatever_it_is_called() {
    let db = advisories();
    for (path, names) in [
        ("src/packages.App.lock.json", "NuGet"),
        ("pnpm-lock.main.yaml", "npm (pnpm)"),
        ("gradle/libs.versions.toml", "Maven (Gradle)"),
        ("go.sum", "lockfiles of Go"),
        ("Gopkg.lock", "Go (dep)"),
    ] {
        let repo = Repo::new();
        repo.write(path, "# content\n").commit("first");
        let outcome = pipe(&repo, &db).run().expect(3);
        assert!(outcome.stderr.contains(path) && outcome.stderr.contains(names), "{path}: {}", outcome.stderr);
    }
    for (path, names) in [
        ("Chart.lock", "Helm"),
        (".terraform.lock.hcl", "Terraform"),
        ("elm.json", "Elm"),
        ("tool/new.lock", "new.lock"),
    ] {
        let repo = Repo::new();
        repo.write(path, "# content\n").commit("first");
        let outcome = pipe(&repo, &db).run().expect(0);
        assert!(outcome.stderr.contains(path) && outcome.stderr.contains(names), "{path}: {}", outcome.stderr);
    }
    // Beside another one it is counted, and no reason to warn.
    let repo = Repo::new();
    repo.write("Chart.lock", "# content\n").write("poetry.lock", poetry_lock(&[("fine", "1.0")])).commit("first");
    let outcome = pipe(&repo, &db).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "passed", "{}", outcome.output());
    assert!(outcome.stdout.contains("left out 1 lockfile without advisories"), "{}", outcome.stdout);
}

#[test]
fn a_file_that_belongs_to_a_lockfile_of_ours_is_not_one_more() {
    let repo = Repo::new();
    repo.write("go.mod", "module example.com/m\n\ngo 1.20\n").write("go.sum", "").commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert!(!outcome.stderr.contains("go.sum"), "{}", outcome.stderr);
}

#[test]
fn no_index_and_no_name_hides_a_vulnerable_package() {
    let db = advisories();
    database(db.path(), "Go", &[advisory("GO-2099-1", "Go", "github.com/a/critical", "2.0.0", Some(CRITICAL))]);
    let go = "// of go -modfile\nmodule example.com/m\n\ngo 1.20\n\nrequire github.com/a/critical v1.0.0\n";
    let uv =
        "version = 1\n\n[[package]]\nname = \"critical\"\nversion = \"1.0\"\nsource = { registry = \"./wheels\" }\n";
    for (files, what) in [
        (&[("requirements.txt", "--no-index\ncritical==1.0\n")][..], "no index"),
        (&[("requirements.txt", "-i ./simple\ncritical==1.0\n")], "a folder"),
        (&[("requirements.txt", "-c c.txt\ncritical==1.0\n"), ("c.txt", "--no-index\n")], "in a file of -c"),
        (&[("requirements.lock", "critical==1.0\n"), ("requirements.yaml", "")], "beside a file of Helm"),
        (&[("uv.lock", uv)], "a folder of wheels"),
        (&[("tools.mod", go)], "a file of -modfile"),
    ] {
        let repo = Repo::new();
        for (path, content) in files {
            repo.write(path, content);
        }
        repo.commit("first");
        let outcome = pipe(&repo, &db).run().expect(1);
        assert!(outcome.stdout.contains("critical"), "{what}: {}", outcome.output());
    }
}

#[test]
fn other_languages_have_files_called_mod() {
    let repo = Repo::new();
    repo.write("grid.mod", b"\x1f\x8b\x08\xff").write("hh.mod", "MODULE hh\n").write(".gitignore", "build.mod\n");
    repo.commit("first");
    repo.write("build.mod", "GFORTRAN module version '15'\n");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert!(!outcome.output().contains(".mod"), "{}", outcome.output());
}

#[test]
fn a_lockfile_above_counts_only_for_the_folders_that_it_names() {
    let npm = r#"{"name": "p", "dependencies": {"a": "1"}}"#;
    let npm_lock = r#"{"lockfileVersion": 3, "packages": {"": {"workspaces": ["packages/*"]},
        "node_modules/m": {"resolved": "packages/m", "link": true}, "packages/m": {"version": "1.0.0"}}}"#;
    let cargo = |name: &str| format!("[package]\nname = \"{name}\"\n[dependencies]\na = \"1\"\n");
    let cargo_lock = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"member\"\nversion = \"0.1.0\"\n";
    let python = "[project]\nname = \"x\"\ndependencies = [\"a\"]\n[tool.uv]\n";
    let uv_lock = "version = 1\n\n[[package]]\nname = \"m\"\nversion = \"0.1.0\"\nsource = { editable = \"libs/m\" }\n";
    let repo = Repo::new();
    repo.write("js/package-lock.json", npm_lock)
        .write("js/package.json", npm)
        .write("js/packages/m/package.json", npm)
        .write("js/tools/x/package.json", npm)
        .write("rs/Cargo.lock", cargo_lock)
        .write("rs/Cargo.toml", cargo("app"))
        .write("rs/member/Cargo.toml", cargo("member"))
        .write("rs/excluded/Cargo.toml", cargo("excluded"))
        .write("rs/own/Cargo.toml", "[workspace]\nmembers = [\"a\"]\n")
        .write("py/uv.lock", uv_lock)
        .write("py/libs/m/pyproject.toml", python)
        .write("py/libs/other/pyproject.toml", python)
        .commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    let report = outcome.report();
    let left_out = report["left_out"].as_array().unwrap();
    let of =
        |reason: &str| left_out.iter().find(|section| section["reason"] == reason).map(|section| &section["names"]);
    let expected =
        ["js/tools/x/package.json", "py/libs/other/pyproject.toml", "rs/excluded/Cargo.toml", "rs/own/Cargo.toml"];
    assert_eq!(of("no-lockfile"), Some(&expected.as_slice().into()), "{left_out:#?}");
}

#[test]
fn npm_ignores_package_lock_json_beside_a_shrinkwrap() {
    let lock = |name: &str| {
        format!(
            r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/{name}": {{"version": "1.0.0",
            "resolved": "https://registry.npmjs.org/{name}/-/{name}-1.0.0.tgz"}}}}}}"#
        )
    };
    let db = advisories();
    database(db.path(), "npm", &[advisory("GHSA-vuln-vuln-vuln", "npm", "vuln", "2.0.0", Some(CRITICAL))]);
    let repo = Repo::new();
    repo.write("package-lock.json", lock("vuln")).write("npm-shrinkwrap.json", lock("harmless")).commit("first");
    let outcome = pipe(&repo, &db).run().expect(0);
    assert_eq!(outcome.report()["counts"]["critical"], 0);
    assert!(!outcome.file("sbom/sbom-cyclonedx.json").contains("vuln"));
    // alone it counts
    std::fs::remove_file(repo.join("npm-shrinkwrap.json")).unwrap();
    repo.commit("second");
    pipe(&repo, &db).run().expect(1);
}

#[test]
fn indirect_modules_of_go_that_are_not_known_are_a_warning() {
    let db = advisories();
    database(db.path(), "Go", &[advisory("GO-2099-0001", "Go", "example.com/vuln", "2.0.0", Some(CRITICAL))]);
    let repo = Repo::new();
    repo.write("go.mod", "module m\n\ngo 1.16\n\nrequire example.com/a v1.0.0\n").commit("first");
    let outcome = pipe(&repo, &db).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert!(outcome.stderr.contains("there is no go.sum"), "{}", outcome.stderr);
    // a line that is not Unicode, and one too many
    std::fs::write(repo.join("go.sum"), b"example.com/vuln v1.0.0 h1:aa=\n\xe9\n").unwrap();
    repo.commit("second");
    let outcome = pipe(&repo, &db).run().expect(3);
    assert!(outcome.stderr.contains("go.sum was not read"), "{}", outcome.stderr);
    repo.write("go.sum", "example.com/vuln v1.0.0 h1:aa=\n".to_owned() + &" ".repeat(3_000_000)).commit("third");
    let outcome = pipe(&repo, &db).run().expect(3);
    assert!(outcome.stderr.contains("go.sum was not read"), "{}", outcome.stderr);
}

#[test]
fn a_package_without_a_version_is_the_same_warning_in_every_format() {
    let uv = |source: &str| {
        format!(
            "version = 1\n\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = {{ editable = \".\" }}\n\
             dependencies = [{{ name = \"open\" }}]\n\n[[package]]\nname = \"open\"\nsource = {{ {source} }}\n"
        )
    };
    let npm =
        |folder: &str| format!("{{\"lockfileVersion\": 3, \"packages\": {{\"{folder}\": {{\"name\": \"open\"}}}}}}");
    let warned = [
        ("uv.lock", uv("directory = \"../open\"")),
        ("uv.lock", uv("editable = \"libs/open\"")),
        ("package-lock.json", npm("libs/open")),
        ("requirements.txt", "open @ file:///croot/open_1/work\n".to_owned()),
        ("requirements.txt", "open @ git+https://host.example/open@v1\n".to_owned()),
        ("requirements.txt", "open @ https://host.example/main.zip\n".to_owned()),
    ];
    for (path, text) in warned {
        let repo = Repo::new();
        repo.write(path, &text).commit("first");
        let outcome = pipe(&repo, &advisories()).run().expect(0);
        assert_eq!(outcome.report()["verdict"], "warned", "{text}: {}", outcome.output());
        let warning = format!("{path}: open: without a version, so it was not looked up. Pin its version");
        assert_eq!(outcome.stderr.matches("version").count(), 2, "one warning for {text}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(&warning), "{text}: {}", outcome.stderr);
    }
    // Where the tool writes a version for every package, one without it is broken.
    for (path, text) in [
        ("uv.lock", uv("registry = \"https://pypi.org/simple\"")),
        ("uv.lock", uv("git = \"https://host.example/open\"")),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"open\"\n".to_owned()),
    ] {
        let repo = Repo::new();
        repo.write(path, &text).commit("first");
        let outcome = pipe(&repo, &advisories()).run().expect(3);
        assert!(outcome.stderr.contains(path) && outcome.stderr.contains("version"), "{text}: {}", outcome.stderr);
    }
    // The project's own parts are not installed from anywhere.
    let member =
        uv("editable = \"libs/open\"").replace("version = 1\n", "version = 1\n[manifest]\nmembers = [\"open\"]\n");
    let repo = Repo::new();
    repo.write("uv.lock", member).commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "passed", "{}", outcome.output());
}

#[test]
fn a_manifest_that_cannot_be_read_counts_as_one_with_dependencies() {
    let long = "#".repeat((2 << 20) + 1);
    let broken: [&[u8]; 4] =
        [long.as_bytes(), b"[project\nname = ", b"[project]\nname = \"a\"\ndependencies = 7\n", b"\xff\xfe[project]"];
    for text in broken {
        let repo = Repo::new();
        repo.write("pyproject.toml", text).commit("first");
        let outcome = pipe(&repo, &advisories()).run().expect(0);
        let report = outcome.report();
        assert_eq!(report["verdict"], "warned", "{}", outcome.output());
        assert_eq!(report["left_out"][0]["reason"], "no-lockfile", "{report}");
        assert!(outcome.stderr.contains("pyproject.toml"), "{}", outcome.stderr);
        // An empty lockfile beside it is not proof that nothing is asked for.
        repo.write("poetry.lock", "package = []\n[metadata]\nlock-version = \"2.1\"\n").commit("second");
        let outcome = pipe(&repo, &advisories()).run().expect(0);
        assert_eq!(outcome.report()["verdict"], "warned", "{}", outcome.output());
        assert!(outcome.stderr.contains("poetry.lock: "), "{}", outcome.stderr);
    }
}
