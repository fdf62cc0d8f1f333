//! `go` itself judges the readers of `go.mod` and `go.work`, on files made to hurt: it refuses exactly what is refused
//! here, and finds the same in everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fastrand::Rng;
use pipewright_harness::components::{installed, machine, seed};
use serde_json::Value;

use super::super::tests::agreed;
use super::modfile::{self, Replace};
use super::{order, work};

const CASES: usize = 500;

/// What differs on purpose: why, and the message by which it is known. `go mod edit` accepts these.
const STRICTER: [(&str, &str); 5] = [
    ("`go build` refuses a go.mod without a module", "no module directive"),
    ("`go build` refuses two replacements of one module", "is replaced by two modules"),
    ("`go build` asks that the replacement's version fits its path too", "the path names another major version"),
    ("no module's path has spaces", "holds spaces or control characters"),
    ("no path needs an escape", "holds an escape"),
];

/// What a file says, in words that both sides have.
type Facts = BTreeSet<String>;

fn replaced(replaces: &[Replace]) -> impl Iterator<Item = String> {
    replaces.iter().map(|replace| {
        let version = |version: &Option<String>| version.clone().unwrap_or_default();
        let (old, new) = (version(&replace.old_version), version(&replace.new_version));
        format!("replace {} {old} => {} {new}", replace.old, replace.new)
    })
}

fn ours(text: &str, is_work: bool) -> Result<Facts, String> {
    let mut facts = Facts::new();
    let versions = if is_work {
        let (uses, workspace) = work::read(text).map_err(|error| error.to_string())?;
        facts.extend(uses.iter().map(|folder| format!("use {folder}")));
        facts.extend(replaced(&workspace.replaces));
        workspace.versions
    } else {
        let file = modfile::read(text).map_err(|error| error.to_string())?;
        facts.insert(format!("module {}", file.module));
        let require = |require: &modfile::Require| {
            format!("require {} {} indirect: {}", require.path, require.version, require.indirect)
        };
        facts.extend(file.requires.iter().map(require));
        facts.extend(file.excludes.iter().map(|(path, version)| format!("exclude {path} {version}")));
        facts.extend(replaced(&file.replaces));
        file.versions
    };
    facts.extend(versions.go.map(|go| format!("go {}", go.value)));
    // `go work edit` does not print it
    facts.extend(versions.toolchain.filter(|_| !is_work).map(|toolchain| format!("toolchain {}", toolchain.value)));
    Ok(facts)
}

fn theirs(file: &Path, is_work: bool) -> Result<Facts, String> {
    let mut command = installed("go");
    command.env_clear().env("PATH", machine("PATH").unwrap_or_default()).env("HOME", file.parent().unwrap());
    command.envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", ""), ("GOWORK", "off")]);
    let kind = if is_work { "work" } else { "mod" };
    let output = command.args([kind, "edit", "-json"]).arg(file).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut facts = Facts::new();
    if !is_work {
        facts.insert(format!("module {}", text(&found["Module"]["Path"])));
    }
    // of two lines for one module the higher version counts
    let mut highest: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for require in list("Require") {
        let new = (text(&require["Version"]), require["Indirect"].as_bool().unwrap_or(false));
        let known = highest.entry(text(&require["Path"])).or_insert_with(|| new.clone());
        if order::module(&known.0, &new.0).is_lt() {
            *known = new;
        }
    }
    facts.extend(
        highest.iter().map(|(path, (version, indirect))| format!("require {path} {version} indirect: {indirect}")),
    );
    for exclude in list("Exclude") {
        facts.insert(format!("exclude {} {}", text(&exclude["Path"]), text(&exclude["Version"])));
    }
    for replace in list("Replace") {
        let module = |value: &Value| format!("{} {}", text(&value["Path"]), text(&value["Version"]));
        facts.insert(format!("replace {} => {}", module(&replace["Old"]), module(&replace["New"])));
    }
    facts.extend(list("Use").iter().map(|used| format!("use {}", text(&used["DiskPath"]))));
    facts.extend(found["Go"].as_str().map(|go| format!("go {go}")));
    let toolchain = found["Toolchain"].as_str().filter(|_| !is_work).and_then(|name| name.strip_prefix("go"));
    let toolchain = toolchain.and_then(|name| name.split(['-', '+']).next()).filter(|version| order::is_go(version));
    facts.extend(toolchain.map(|version| format!("toolchain {version}")));
    Ok(facts)
}

// The first half of each list is plain.
const PATHS: &[&str] = &[
    "a.example/x",
    "b.example/y",
    "\"c.example/z\"",
    "a.example/x2",
    "e.example/v2/sub",
    "std",
    "a.example/x/v2",
    "gopkg.in/yaml.v2",
    "gopkg.in/check.v1-unstable",
    "d.example/q/v02",
    "a.example/x,y",
    "gopkg.in/q",
];
const VERSIONS: &[&str] = &[
    "v1.0.0",
    "v1.2",
    "v1",
    "v0.0.0-20210220032951-036812b2e83c",
    "v4.0.0+incompatible",
    "\"v1.3.0\"",
    "v1.0.0-rc.1",
    "v2.1.0",
    "v1.0.0+meta",
    "master",
    "1.0.0",
    "v1.02.0",
    "v1.0.0-01",
    "latest",
];
const FOLDERS: &[&str] =
    &["../y", "./z", ".", "/abs", "sub/dir", "..\\w", "C:/x", "\"./with space\"", "./a", "`./raw`"];
const GO: &[&str] = &["1.21", "1.22.3", "1.23rc1", "1.16", "1", "1.21.0alpha1", "v1.21", "1.21.x", "01.2", "\"1.21\""];

fn word<'a>(random: &mut Rng, words: &[&'a str]) -> &'a str {
    let bound = if random.u8(..12) < 11 { words.len().div_ceil(2) } else { words.len() };
    words[random.usize(..bound)]
}

/// A directive's verb and what follows it.
fn directive(random: &mut Rng, is_work: bool) -> (&'static str, String) {
    let verbs: &[&str] = match is_work {
        true => &["use", "use", "replace", "go", "toolchain", "godebug", "require", "uses"],
        false => &[
            "require",
            "require",
            "require",
            "replace",
            "exclude",
            "retract",
            "go",
            "toolchain",
            "tool",
            "ignore",
            "godebug",
            "module",
            "requires",
            "use",
        ],
    };
    let verb =
        if random.u8(..30) == 0 { verbs[random.usize(..verbs.len())] } else { word(random, &verbs[..verbs.len() - 2]) };
    let rest = match verb {
        "require" | "exclude" | "requires" => format!("{} {}", word(random, PATHS), word(random, VERSIONS)),
        "replace" => {
            let old = if random.bool() { format!(" {}", word(random, VERSIONS)) } else { String::new() };
            let new = match random.u8(..5) {
                0 => format!("{} {}", word(random, FOLDERS), word(random, VERSIONS)),
                1 => word(random, PATHS).to_owned(),
                2 => format!("{} {}", word(random, PATHS), word(random, VERSIONS)),
                _ => word(random, FOLDERS).to_owned(),
            };
            format!("{}{old} => {new}", word(random, PATHS))
        }
        "retract" => {
            word(random, &["v1.0.0", "[v1.0.0, v1.1.0]", "[v1.0.0,v1.1.0]", "[v1.0.0]", "v1 v2", "["]).to_owned()
        }
        "go" => word(random, GO).to_owned(),
        "toolchain" => {
            word(random, &["go1.22.3", "default", "go1.22.3-custom", "go1", "local", "1.22", "go2.0"]).to_owned()
        }
        "godebug" => word(random, &["default=go1.21", "a=b", "a", "a=b,c=d", "a=\"b\""]).to_owned(),
        "use" => word(random, FOLDERS).to_owned(),
        "module" => word(random, PATHS).to_owned(),
        _ => word(random, &["./cmd", "a.example/x/cmd", "\"./a\"", "a b", "'x'"]).to_owned(),
    };
    (verb, rest)
}

fn file(random: &mut Rng, is_work: bool) -> String {
    let mut lines = Vec::new();
    if !is_work && random.u8(..40) > 0 {
        lines.push(format!("module {}", word(random, &["example.com/m", "\"example.com/m\"", "example.com/m/v2"])));
    }
    let comment = |random: &mut Rng| {
        word(
            random,
            &[
                "",
                "",
                "",
                " // indirect",
                " //indirect",
                " // indirect; why",
                " // indirect why",
                "// indirect;",
                " /* x */",
            ],
        )
    };
    for _ in 0..random.usize(1..6) {
        let (verb, rest) = directive(random, is_work);
        if random.u8(..3) == 0 {
            lines.push(format!("{verb}{}({}", word(random, &[" ", "", "\t", " x "]), comment(random)));
            for _ in 0..random.usize(..3) {
                let again = (0..8).map(|_| directive(random, is_work)).find(|(other, _)| *other == verb);
                let rest = again.map_or_else(|| rest.clone(), |(_, rest)| rest);
                lines.push(format!("\t{rest}{}", comment(random)));
            }
            lines.push(word(random, &[")", ")", " ) // end", ") x", ""]).to_owned());
        } else {
            let space = word(random, &[" ", "\t", "  ", "\u{a0}"]);
            lines.push(format!("{verb}{space}{rest}{}", comment(random)));
        }
        if random.u8(..8) == 0 {
            lines.push(
                word(random, &["", "// comment", "shiny x", ")", "<<<<<<< HEAD", "retract ()", "tool ( )"]).to_owned(),
            );
        }
    }
    let mut text = lines.join(word(random, &["\n", "\n", "\r\n"]));
    if random.bool() {
        text.push('\n');
    }
    if random.u8(..12) == 0 {
        let at = text.char_indices().map(|(at, _)| at).nth(random.usize(..text.chars().count())).unwrap();
        text.insert_str(at, word(random, &["\"", "(", "\n", "//", "\t", "\u{b}", "`", "\\"]));
    }
    text
}

#[test]
#[ignore = "needs Go: make test"]
fn go_agrees_with_the_readers() {
    let seed = seed();
    println!("SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let folder = pipewright_harness::Repo::plain();
    let (mut read, mut wrong, mut met) = (0, Vec::new(), BTreeSet::new());
    for number in 0..CASES {
        let is_work = number % 5 == 0;
        let text = file(&mut random, is_work);
        let path = folder.join(if is_work { "go.work" } else { "go.mod" });
        fs::write(&path, &text).unwrap();
        match (ours(&text, is_work), theirs(&path, is_work)) {
            (Ok(ours), Ok(theirs)) if ours == theirs => read += 1,
            (Err(_), Err(_)) => {}
            (Err(why), Ok(_)) if STRICTER.iter().any(|(_, known)| why.contains(known)) => {
                met.extend(STRICTER.iter().filter(|(_, known)| why.contains(known)).map(|(why, _)| *why));
            }
            (ours, theirs) => wrong.push(format!("{text:?}\n  reader: {ours:?}\n  go: {theirs:?}")),
        }
    }
    agreed(seed, CASES, &wrong);
    assert!((CASES / 5..CASES * 4 / 5).contains(&read), "{read} of {CASES} files are read: too many or too few hurt");
    println!("{read} of {CASES} were read; intended differences that were met: {met:#?}");
}
