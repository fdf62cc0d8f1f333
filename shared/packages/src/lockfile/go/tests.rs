use super::super::Sibling;
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
	f.example/six v1.9.9 => ../never
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
    let broken = parse_with(&GoMod, &text("go 1.16"), &[("go.sum", "a b\n")]).unwrap();
    assert!(broken.unable[0].contains("go.sum line 1") && broken.packages.len() == 1, "{:?}", broken.unable);
}

#[test]
fn indirect_modules_that_are_not_known_are_not_silence() {
    let parse_beside = |text: &str, sum: Sibling| {
        let sibling = |name: &str| if name == "go.sum" { sum.clone() } else { Sibling::Absent };
        GoMod
            .parse(&Input { path: "a/go.mod", text, sibling: &sibling, below: &super::super::tests::nothing_below })
            .unwrap()
    };
    for head in ["go 1.16\n", ""] {
        let text = format!("module m\n{head}require a.example/one v1.0.0\n");
        let absent = parse_beside(&text, Sibling::Absent);
        assert!(absent.warnings[0].starts_with("a/go.mod: there is no go.sum"), "{:?}", absent.warnings);
        let unread = parse_beside(&text, Sibling::Unreadable("larger than 2 MB".into()));
        assert!(unread.unable[0].contains("go.sum was not read: larger than 2 MB"), "{:?}", unread.unable);
        assert_eq!((absent.packages.len(), unread.packages.len()), (1, 1));
    }
    // a go.sum that lacks a module lacks what that module requires
    let text = "module m\ngo 1.16\nrequire a.example/one v1.0.0\nrequire b.example/two v1.0.0\nreplace b.example/two => ../b\n";
    for (sum, warnings) in [
        ("", 1),
        ("\n", 1),
        ("b.example/two v1.0.0/go.mod h1:x=\n", 1),
        ("a.example/one v1.0.0/go.mod h1:x=\n", 0),
        ("a.example/one v1.0.0 h1:x=\n", 0),
    ] {
        let parsed = parse_beside(text, Sibling::Content(sum.into()));
        assert_eq!(parsed.warnings.len(), warnings, "{sum}: {:?}", parsed.warnings);
        let says = "a/go.mod: go.sum has no line of a.example/one, so its indirect modules are not known";
        assert!(parsed.warnings.iter().all(|warning| warning.starts_with(says)), "{:?}", parsed.warnings);
    }
    // nothing is required, or go.mod lists it all
    for text in ["module m\ngo 1.16\n", "module m\ngo 1.17\nrequire a.example/one v1.0.0\n"] {
        let parsed = parse_beside(text, Sibling::Absent);
        assert_eq!((parsed.warnings.len(), parsed.unable.len()), (0, 0), "{text}");
    }
}

#[test]
fn a_workspace_stands_above_its_modules() {
    let module = "module example.com/m\ngo 1.21.0\ntoolchain go1.22.9\nrequire (\n\tgithub.com/a/b v1.0.0\n\tgithub.com/c/d v1.0.0\n\t\
                  github.com/e/f v1.0.0\n\texample.com/member v0.0.0\n\tgithub.com/g/h v1.0.0\n)\nreplace github.com/c/d => ../own\n";
    let work = "go 1.22.1\ntoolchain go1.23.4\nuse (\n\t./svc/m\n\tmember // members are built from their folders\n)\n\
                replace github.com/a/b => ./b\nreplace github.com/c/d v1.0.0 => fork.example/d v1.0.1\n";
    let member =
        "module example.com/member\ngo 1.21\nreplace github.com/e/f => ../f\nreplace github.com/c/d => ./never\n";
    let parsed = |work: &str| {
        let files = [("../../go.work", work), ("../../member/go.mod", member)];
        let sibling = |name: &str| {
            Sibling::from(files.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
        };
        GoMod
            .parse(&Input {
                path: "svc/m/go.mod",
                text: module,
                sibling: &sibling,
                below: &super::super::tests::nothing_below,
            })
            .unwrap()
    };
    let inside = parsed(work);
    assert_eq!(
        rows(&inside),
        [
            ("github.com/a/b", "", 5, Some(true)),
            ("fork.example/d", "1.0.1", 6, Some(true)),
            ("github.com/e/f", "", 7, Some(true)),
            ("example.com/member", "", 8, Some(true)),
            ("github.com/g/h", "1.0.0", 9, Some(true)),
            ("stdlib", "1.23.4", 2, Some(true)),
        ]
    );
    let paths: Vec<_> = inside.packages.iter().map(|package| package.source.clone()).collect();
    assert_eq!(paths[0], Source::Path("../../b".into()));
    assert_eq!(paths[2], Source::Path("../../member/../f".into()));
    assert_eq!(paths[3], Source::Path("../../member".into()));
    assert_eq!((inside.warnings.len(), inside.unable.len()), (0, 0));
    // the nearest one decides, and this one does not use the module
    let outside = parsed(&work.replace("./svc/m", "./svc/other"));
    assert_eq!(rows(&outside)[0], ("github.com/a/b", "1.0.0", 5, Some(true)));
    assert_eq!(find(&outside, "stdlib").version, "1.22.9");
    // what Go refuses loses nothing of the module, and is not silence
    let broken = parsed(&work.replace("use (", "uses ("));
    assert!(broken.unable[0].contains("../../go.work line 3"), "{:?}", broken.unable);
    assert_eq!(rows(&broken)[0], ("github.com/a/b", "1.0.0", 5, Some(true)));
    // what a member says that can't be read is not known
    let unread = parsed(&work.replace("\tmember", "\tgone"));
    assert!(unread.warnings[0].contains("../../gone/go.mod"), "{:?}", unread.warnings);
    let several = parsed(&work.replace("\tmember", "\tgone\n\t../out\n\tmissing"));
    assert_eq!(several.warnings.len(), 1);
    assert!(several.warnings[0].contains("gone/go.mod and 2 more modules of go.work were"), "{:?}", several.warnings);
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
    assert_eq!(GoMod.upgrade(&stdlib("go 1.22.1").locked(), "1.22.4", "go.mod"), "go get toolchain@go1.22.4");
}

#[test]
fn of_two_requirements_the_higher_counts() {
    let parsed = parse(&GoMod, "module m\ngo 1.20\nrequire a.example/x v1.9.0\nrequire a.example/x v1.10.0\n").unwrap();
    assert_eq!(rows(&parsed)[0], ("a.example/x", "1.10.0", 4, Some(true)));
    assert_eq!(GoMod.upgrade(&parsed.packages[0].locked(), "1.11.0", "go.mod"), "go get a.example/x@v1.11.0");
}

#[test]
fn what_go_refuses_is_an_error_with_its_line() {
    for (text, line, says) in [
        ("", None, "module"),
        ("module m\nrequire (\n\ta.example/x v1.0.0\n", Some(2), "not closed"),
        ("module m\n<<<<<<< HEAD\n", Some(2), "not a directive"),
        ("module m\nrequires (\n\ta.example/x v1.0.0\n)\n", Some(2), "`requires` is not a directive"),
        ("module m\nrequires a.example/x v1.0.0\n", Some(2), "`requires` is not a directive"),
        ("module m\nshiny ()\n", Some(2), "shiny"),
        ("module m\ngo (\n\t1.21\n)\n", Some(2), "block"),
        ("module m\nrequire a.example/x (\n)\n", Some(2), "block"),
        ("module m\nrequire (\n) x\n", Some(3), "closing bracket"),
        ("module m\nrequire a.example/x\n", Some(2), "version"),
        ("module m\nrequire (\n\ta.example/x master\n)\n", Some(3), "master"),
        ("module m\nrequire a.example/x v2.0.0\n", Some(2), "major"),
        ("module m\nexclude a.example/x/v3 v2.0.0\n", Some(2), "major"),
        ("module m\ngo one\n", Some(2), "go"),
        ("module m\ngo 1\n", Some(2), "go"),
        ("module m\ngo 1.21\ngo 1.22\n", Some(3), "once"),
        ("module m\ntoolchain local\n", Some(2), "toolchain"),
        ("module m\ntoolchain default\ntoolchain go1.22.1\n", Some(3), "once"),
        ("module m\nmodule n\n", Some(2), "second"),
        ("module m\nreplace a.example/x ../x\n", Some(2), "=>"),
        ("module m\nreplace a.example/x => \n", Some(2), "=>"),
        ("module m\nreplace a.example/x => b.example/y\n", Some(2), "version"),
        ("module m\nreplace a.example/x => ../y v1.0.0\n", Some(2), "without a version"),
        ("module m\nreplace gopkg.in/q => ../y\n", Some(2), "path"),
        ("module m\nretract v1.0.0'\n", Some(2), "quote"),
        ("module m\nreplace a.example/x v2.0.0 => ../y\n", Some(2), "major"),
        ("module m\nreplace a.example/x => ..\\y\n", Some(2), "/"),
        ("module m\nreplace (\n\ta.example/x => ../y\n\ta.example/x => ../z\n)\n", Some(4), "two modules"),
        ("module m\nrequire \"a.example/x v1.0.0\n", Some(2), "string"),
        ("module m\nrequire `a.example/x` v1.0.0\n", Some(2), "quote"),
        ("module m\nrequire a.example/x' v1.0.0\n", Some(2), "quote"),
        ("module m\n/* x */\n", Some(2), "/*"),
        ("module m\nrequire a.example/x/*\n", Some(2), "not expected"),
        ("module m\nrequire\u{a0}a.example/x v1.0.0\n", Some(2), "not expected"),
        ("module m\nretract [v1.0.0]\n", Some(2), "brackets"),
        ("module m\nretract v1.0.0 v1.1.0\n", Some(2), "brackets"),
        ("module m\ngodebug default\n", Some(2), "key=value"),
        ("module m\ntool a b\n", Some(2), "one path"),
        ("module bot:hunter2@m\n", Some(1), "refuses"),
        ("module m\nrequire bot:hunter2@x.example/y v1.0.0\n", Some(2), "refuses"),
        ("module m\nexclude hunter2@x.example/y v1.0.0\n", Some(2), "refuses"),
        ("module m\nreplace bot:hunter2@x.example/y => ../y\n", Some(2), "refuses"),
        ("module m\nreplace a.example/y => bot:hunter2@x.example/y v1.0.0\n", Some(2), "refuses"),
    ] {
        let error = parse(&GoMod, text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(says) && !error.message.contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn a_file_of_modfile_is_a_go_mod_by_its_content() {
    let claims = |name: &str, content: &str| GoMod.matches(name, "") && GoMod.claims(name, &|| Some(content.into()));
    for name in ["tools.mod", "go.tool.mod", "go.alt.mod"] {
        assert!(claims(name, "// tools\nmodule m\n") && claims(name, "go 1.21\nmodule\t\"m\"\n"), "{name}");
        assert!(!claims(name, "GFORTRAN module version '15'\n") && !claims(name, "MODULE Hello;\n"), "{name}");
        assert!(!claims(name, "modules a\n") && !GoMod.claims(name, &|| Some(b"module m\n\xff".to_vec())), "{name}");
        assert!(GoMod.claims(name, &|| None), "{name}");
    }
    assert!(claims("go.mod", "") && !GoMod.matches("go.sum", ""));
    // its go.sum has its name, and it is in no workspace
    let text = "module m\ngo 1.16\nrequire a.example/one v1.0.0\n";
    let files = |name: &str| match name {
        "tools.sum" => Sibling::from(Some("a.example/one v1.0.0 h1:x=\nb.example/two v1.0.0 h1:x=\n".to_owned())),
        "go.work" => Sibling::from(Some("go 1.21\nuse .\n".to_owned())),
        _ => Sibling::Absent,
    };
    let parsed = GoMod
        .parse(&Input { path: "a/tools.mod", text, sibling: &files, below: &super::super::tests::nothing_below })
        .unwrap();
    assert_eq!(rows(&parsed), [("a.example/one", "1.0.0", 3, Some(true)), ("b.example/two", "1.0.0", 2, Some(false))]);
    assert_eq!((parsed.warnings.len(), parsed.unable.len()), (0, 0));
    let upgrade = GoMod.upgrade(&parsed.packages[0].locked(), "1.1.0", "a/tools.mod");
    assert_eq!(upgrade, "go get -modfile=tools.mod a.example/one@v1.1.0");
}

#[test]
fn a_workspace_is_read_once_for_all_its_modules() {
    const COUNT: usize = 40;
    let reads = std::cell::RefCell::new(std::collections::HashMap::<String, usize>::new());
    let work = format!(
        "go 1.21\nuse (\n{})\nreplace a.example/x => ./x\n",
        (0..COUNT).map(|n| format!("\tp{n}\n")).collect::<String>()
    );
    let module = |n: usize| {
        format!(
            "module example.com/p{n}\ngo 1.21\nrequire a.example/x v1.0.0\nrequire b.example/y{n} v1.0.0\nrequire b.example/y0 v1.0.0\nreplace b.example/y{n} => ./y\n"
        )
    };
    let mut shared = Shared::default();
    for n in 0..COUNT {
        let sibling = |name: &str| {
            *reads.borrow_mut().entry(name.replace("../", "")).or_default() += 1;
            match name.strip_prefix("../").map(|name| name.trim_start_matches('p').trim_end_matches("/go.mod").parse())
            {
                Some(Ok(other)) => Sibling::from(Some(module(other))),
                _ if name == "../go.work" => Sibling::from(Some(work.clone())),
                _ => Sibling::Absent,
            }
        };
        let (path, text) = (format!("p{n}/go.mod"), module(n));
        let below = &super::super::tests::nothing_below;
        let input = Input { path: &path, text: &text, sibling: &sibling, below };
        let parsed = GoMod.parse_one_of(&input, &mut shared).unwrap();
        let paths: Vec<_> = parsed.packages.iter().map(|package| package.source.clone()).collect();
        let path = |path: &str| Source::Path(path.into());
        match n {
            0 => assert_eq!(paths[..2], [path("../x"), path("./y")]),
            _ => assert_eq!(paths[..3], [path("../x"), path("./y"), path("../p0/y")]),
        }
    }
    let reads = reads.into_inner();
    for name in (0..COUNT).map(|n| format!("p{n}/go.mod")) {
        assert_eq!(reads[&name], 1, "{name}");
    }
    // its own folder, and once for all the one above
    assert_eq!(reads["go.work"], COUNT + 1);
}
