use super::super::tests::{find, parse, parse_with};
use super::*;

const MOD: &str = r#"// Deprecated: use example.com/m/v2
module example.com/m // comment

go 1.21

toolchain go1.22.3-custom

require a.example/one v1.0.0
require (
	b.example/two v0.0.0-20210220032951-036812b2e83c // indirect
	"c.example/three" v4.12.0+incompatible // indirect; because
	d.example/four/v2 v2.1.0 // not indirect
	e.example/five v1.0.0
	f.example/six v1.0.0
	git.corp.internal/seven v1.0.0
)

replace (
	d.example/four/v2 => ../four
	e.example/five v1.0.0 => fork.example/five v1.0.1
	f.example/six v9.9.9 => ../never
)

replace absent.example/x => ../x

exclude a.example/one v0.9.0
retract [v1.0.0, v1.1.0] // oops
tool a.example/one/cmd
godebug default=go1.21
ignore ./node_modules
"#;

fn rows(parsed: &Parsed) -> Vec<(&str, &str, u32, Option<bool>)> {
    parsed.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.line, p.direct)).collect()
}

#[test]
fn every_directive() {
    let parsed = parse(&GoMod, MOD).unwrap();
    assert_eq!(parsed.root, Some(("example.com/m".into(), String::new())));
    assert_eq!(
        rows(&parsed),
        [
            ("a.example/one", "1.0.0", 8, Some(true)),
            ("b.example/two", "0.0.0-20210220032951-036812b2e83c", 10, Some(false)),
            ("c.example/three", "4.12.0+incompatible", 11, Some(false)),
            ("d.example/four/v2", "", 19, Some(true)),
            ("fork.example/five", "1.0.1", 20, Some(true)),
            ("f.example/six", "1.0.0", 14, Some(true)),
            ("git.corp.internal/seven", "1.0.0", 15, Some(true)),
            ("stdlib", "1.22.3", 6, Some(true)),
        ]
    );
    assert_eq!(parsed.packages[3].source, Source::Path("../four".into()));
    assert_eq!(parsed.packages[6].source, Source::PrivateRegistry("git.corp.internal".into()));
    assert!(parsed.warnings.is_empty());
    assert!(parsed.packages.iter().all(|package| package.hashes.is_empty()));
}

#[test]
fn before_1_17_the_rest_is_in_go_sum() {
    let sum = "a.example/one v1.0.0 h1:x=\na.example/one v1.0.0/go.mod h1:x=\nz.example/deep v1.2.0 h1:x=\n\
               z.example/deep v1.10.0 h1:x=\nz.example/deep v1.11.0/go.mod h1:x=\nold.example/only v1.0.0/go.mod h1:x=\n\
               out.example/x v1.0.0 h1:x=\n";
    let text = |go: &str| format!("module m\n\n{go}\nrequire a.example/one v1.0.0\nexclude out.example/x v1.0.0\n");
    let with = |go: &str| parse_with(&GoMod, &text(go), &[("go.sum", sum)]).unwrap();
    assert_eq!(
        rows(&with("go 1.16")),
        [("a.example/one", "1.0.0", 4, Some(true)), ("z.example/deep", "1.10.0", 3, Some(false)),]
    );
    // without a go directive Go assumes 1.16, and which one builds it is not known
    assert_eq!(rows(&with(""))[1..], [("z.example/deep", "1.10.0", 1, Some(false))]);
    assert_eq!(rows(&with("go 1.21"))[1..], [("stdlib", "1.21", 3, Some(true))]);
    // what stands in for a module is in go.sum under its own name
    let forked = format!("{}replace a.example/one => z.example/deep v1.10.0\n", text("go 1.16"));
    let forked = parse_with(&GoMod, &forked, &[("go.sum", sum)]).unwrap();
    assert_eq!(rows(&forked)[..1], [("z.example/deep", "1.10.0", 6, Some(true))]);
    assert_eq!(forked.packages.len(), 1);
    let error = parse_with(&GoMod, &text("go 1.16"), &[("go.sum", "a b\n")]).unwrap_err();
    assert!(error.message.contains("go.sum line 1"));
}

#[test]
fn the_newer_of_go_and_toolchain_counts() {
    let stdlib = |head: &str| find(&parse(&GoMod, &format!("module m\n{head}\n")).unwrap(), "stdlib").clone();
    for (head, version, line) in [
        ("go 1.22.5\ntoolchain go1.22.3", "1.22.5", 2),
        ("go 1.22.1\ntoolchain default", "1.22.1", 2),
        ("go 1.23rc1", "1.23.0-rc.1", 2),
        ("toolchain go1.23.1\ngo 1.22", "1.23.1", 2),
    ] {
        let package = stdlib(head);
        assert_eq!((package.version.as_str(), package.line), (version, line), "{head}");
    }
    // The language's version, not that of the Go that builds it.
    assert_eq!(parse(&GoMod, "module m\ngo 1.20\n").unwrap().packages, []);
    assert_eq!(GoMod.upgrade(&stdlib("go 1.22.1"), "1.22.4", "go.mod"), "go get toolchain@go1.22.4");
}

#[test]
fn of_two_requirements_the_higher_counts() {
    let parsed = parse(&GoMod, "module m\ngo 1.20\nrequire a.example/x v1.9.0\nrequire a.example/x v1.10.0\n").unwrap();
    assert_eq!(rows(&parsed)[0], ("a.example/x", "1.10.0", 4, Some(true)));
    assert_eq!(GoMod.upgrade(&parsed.packages[0], "1.11.0", "go.mod"), "go get a.example/x@v1.11.0");
}

#[test]
fn later_directives_are_told() {
    let parsed = parse(&GoMod, "module m\ngo 1.30\nshiny (\n\ta b c\n\td\n)\nshiny x\n").unwrap();
    assert_eq!(parsed.warnings, ["go.mod: line 3: directive `shiny` is not known and was passed over"]);
}

#[test]
fn broken_files_are_errors_with_their_line() {
    for (text, line, says) in [
        ("", None, "module"),
        ("module m\nrequire (\n\ta.example/x v1.0.0\n", Some(2), "not closed"),
        ("module m\n<<<<<<< HEAD\n", Some(2), "not a directive"),
        ("module m\nrequire a.example/x\n", Some(2), "version"),
        ("module m\nrequire (\n\ta.example/x master\n)\n", Some(3), "master"),
        ("module m\ngo one\n", Some(2), "go"),
        ("module m\nmodule n\n", Some(2), "second"),
        ("module m\nreplace a.example/x ../x\n", Some(2), "=>"),
        ("module m\nreplace a.example/x => \n", Some(2), "=>"),
        ("module m\nrequire \"a.example/x v1.0.0\n", Some(2), "string"),
    ] {
        let error = parse(&GoMod, text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}
