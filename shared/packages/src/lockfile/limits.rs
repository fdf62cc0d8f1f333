//! Each limit of a reader, from both sides: what is at it is read whole, and one more is an error that names it.

use std::fmt::Write;

use super::tests::{format_of, parse_with};
use super::{MAX_PACKAGES, Parsed};

/// `count` lines.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(text, "{}", line(at)).unwrap();
        text
    })
}

/// `count` members of a JSON object.
fn members(count: usize, member: impl Fn(usize) -> String) -> String {
    (0..count).map(member).collect::<Vec<_>>().join(",\n")
}

fn npm_flat(count: usize, root: &str) -> String {
    let entries = members(count, |n| format!("\"node_modules/p{n}\": {{\"version\": \"1.0.0\"}}"));
    format!("{{\"lockfileVersion\": 3, \"packages\": {{{root}{entries}}}}}")
}

fn npm_nested(count: usize) -> String {
    let entries = members(count, |n| format!("\"p{n}\": {{\"version\": \"1.0.0\"}}"));
    format!("{{\"lockfileVersion\": 1, \"dependencies\": {{{entries}}}}}")
}

/// Both halves of version 2.
fn npm_both(count: usize) -> String {
    let flat = npm_flat(count, "\"\": {},").replace("\"lockfileVersion\": 3", "\"lockfileVersion\": 2");
    let nested = npm_nested(count);
    let (_, dependencies) = nested.split_once("\"dependencies\"").unwrap();
    format!("{}, \"dependencies\"{dependencies}", flat.strip_suffix('}').unwrap())
}

fn toml(count: usize, source: &str) -> String {
    lines(count, |n| format!("[[package]]\nname = \"p{n}\"\nversion = \"1.0.0\"\n{source}"))
}

fn poetry(count: usize) -> String {
    let packages = toml(count, "optional = false\nfiles = []\n");
    format!("{packages}\n[metadata]\nlock-version = \"2.1\"\n")
}

fn uv(count: usize) -> String {
    format!("version = 1\n{}", toml(count, "source = { registry = \"https://pypi.org/simple\" }\n"))
}

fn berry(count: usize) -> String {
    let entries = lines(count, |n| format!("\"p{n}@npm:1\":\n  version: 1.0.0\n  resolution: \"p{n}@npm:1.0.0\""));
    format!("__metadata:\n  version: 8\n{entries}")
}

/// The module directive is one of the directives.
fn go_mod(directives: usize) -> String {
    format!("module example.com/m\n{}", lines(directives - 1, |n| format!("require example.com/p{n} v1.0.0")))
}

fn go_sum(count: usize) -> String {
    lines(count, |n| format!("example.com/p{n} v1.0.0 h1:aa="))
}

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

struct Case {
    what: &'static str,
    path: &'static str,
    /// With so many.
    text: fn(usize) -> String,
    limit: usize,
    /// How many packages that are at the limit.
    packages: usize,
    /// In the error beyond it.
    error: &'static str,
}

const fn case(path: &'static str, text: fn(usize) -> String) -> Case {
    Case { what: path, path, text, limit: MAX_PACKAGES, packages: MAX_PACKAGES, error: "more than 30000 packages" }
}

fn cases() -> Vec<Case> {
    vec![
        case("poetry.lock", poetry),
        case("uv.lock", uv),
        case("Cargo.lock", |count| format!("version = 4\n{}", toml(count, ""))),
        Case { what: "npm 3", ..case("package-lock.json", |count| npm_flat(count, "\"\": {\"name\": \"p\"},")) },
        Case { what: "npm 3 without the project", ..case("package-lock.json", |count| npm_flat(count, "")) },
        Case { what: "npm 2", ..case("package-lock.json", npm_both) },
        Case { what: "npm 1", ..case("npm-shrinkwrap.json", npm_nested) },
        Case {
            error: "more than 30000 requirements",
            ..case("requirements.txt", |count| lines(count, |n| format!("p{n}==1")))
        },
        Case { what: "Yarn 1", ..case("yarn.lock", |count| lines(count, |n| format!("p{n}@1:\n  version \"1.0.0\""))) },
        Case { what: "Yarn 2 and later", ..case("yarn.lock", berry) },
        Case {
            what: "lines of an entry of Yarn",
            packages: 2,
            error: "more than 30000 lines in an entry",
            ..case("yarn.lock", |count| {
                let dependencies = lines(count, |_| "    a \"1\"".to_owned());
                format!("a@1:\n  version \"1.0.0\"\nb@1:\n  version \"1.0.0\"\n  dependencies:\n{dependencies}")
            })
        },
        Case {
            what: "patterns of Yarn",
            limit: 10 * MAX_PACKAGES,
            packages: 1,
            error: "more than 300000 patterns",
            ..case("yarn.lock", |count| {
                let patterns = (0..count).map(|n| format!("a@{n}")).collect::<Vec<_>>().join(", ");
                format!("{patterns}:\n  version \"1.0.0\"\n")
            })
        },
        Case { error: "more than 30000 directives", packages: MAX_PACKAGES - 1, ..case("go.mod", go_mod) },
        Case {
            what: "a folder's path of npm",
            limit: 4_096 - "node_modules/".len(),
            packages: 1,
            error: "a folder's path of 4097 bytes",
            ..case("package-lock.json", |length| {
                let name = "x".repeat(200);
                let path = format!("{}{}", "a/".repeat(40), "y".repeat(length - 80 - name.len() - 1));
                format!(
                    "{{\"lockfileVersion\": 3, \"packages\": {{\"{path}/node_modules/{name}\": {{\"version\": \"1.0.0\"}}}}}}"
                )
            })
        },
        Case {
            what: "values of TOML",
            // the text is some bytes longer, and 30 of it are worth one more value
            limit: 517_239,
            packages: 1,
            error: "values or lines, the most for a file of its size",
            ..case("Cargo.lock", |count| {
                let package = format!("[[package]]\nname = \"p\"\nversion = \"1.0.0\"\nsource = \"{CRATES}\"\n");
                format!("version = 4\n{package}# {}\n", "=".repeat(count))
            })
        },
    ]
}

#[test]
fn every_format_reads_what_is_at_its_limit_and_refuses_one_more() {
    for Case { what, path, text, limit, packages, error } in cases() {
        let parse = |count: usize| parse_with(format_of(path), &text(count), &[]);
        let read = parse(limit).unwrap_or_else(|error| panic!("{what} at the limit: {error}"));
        assert_eq!((read.packages.len(), read.unable.len()), (packages, 0), "{what}");
        let refused = parse(limit + 1).map(|read| read.packages.len()).expect_err(what);
        assert!(refused.message.contains(error), "{what}: {refused}");
        assert_eq!(refused.is_too_many(), what != "a folder's path of npm", "{what}: {refused}");
    }
}

#[test]
fn every_format_has_a_case() {
    let cases = cases();
    for format in super::FORMATS {
        assert!(cases.iter().any(|case| format_of(case.path).name() == format.name()), "{}", format.name());
    }
}

#[test]
fn what_go_sum_adds_counts_as_well() {
    let old = "module example.com/m\n\ngo 1.16\n\nrequire example.com/other v1.0.0\n";
    let parse =
        |count: usize| -> Parsed { parse_with(format_of("go.mod"), old, &[("go.sum", &go_sum(count))]).unwrap() };
    let at = parse(MAX_PACKAGES - 1);
    let listed = at.packages.iter().filter(|package| package.name.starts_with("example.com/")).count();
    assert_eq!((listed, at.unable.len()), (MAX_PACKAGES, 0), "{:?}", at.unable);
    let beyond = parse(MAX_PACKAGES);
    assert!(beyond.unable.concat().contains("go.sum names more than 30000 modules"), "{:?}", beyond.unable);
}

#[test]
fn a_workspace_of_go_has_at_most_a_thousand_modules() {
    let module = "module example.com/p0\n\ngo 1.22\n";
    let parse = |count: usize| {
        let work = format!("go 1.22\nuse .\n{}", lines(count - 1, |n| format!("use ./p{n}")));
        parse_with(format_of("go.mod"), module, &[("go.work", &work)]).unwrap().unable
    };
    assert_eq!(parse(1_000), [""; 0]);
    assert!(parse(1_001).concat().contains("more than 1000 modules"));
}

#[test]
fn at_most_200_files_are_included() {
    let parse = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("f{n}.txt")).collect();
        let siblings: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a==1\n")).collect();
        let text = names.iter().map(|name| format!("-r {name}\n")).collect::<String>();
        parse_with(format_of("requirements.txt"), &text, &siblings).unwrap().unable
    };
    assert_eq!(parse(200), [""; 0]);
    assert!(parse(201).concat().contains("more than 200 files are included"));
}
