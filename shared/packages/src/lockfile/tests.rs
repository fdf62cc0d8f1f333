//! What holds for every format: nothing panics, errors stay fit for a log, and each file has one reader.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Parses a text that has no siblings.
pub(super) fn parse(format: &dyn Format, text: &str) -> Result<Parsed, ParseError> {
    parse_with(format, text, &[])
}

/// A lockfile without folders below it.
pub(super) fn nothing_below(_name: &str) -> Vec<String> {
    Vec::new()
}

/// Fails if a judge and a reader differ, and prints the first differences.
pub(super) fn agreed(seed: u64, cases: usize, wrong: &[String]) {
    for difference in wrong.iter().take(5) {
        println!("{difference}");
    }
    assert!(wrong.is_empty(), "SEED={seed}: {} of {cases} differ", wrong.len());
}

/// Parses a text with these files beside it.
pub(super) fn parse_with(format: &dyn Format, text: &str, siblings: &[(&str, &str)]) -> Result<Parsed, ParseError> {
    let siblings: HashMap<&str, &str> = siblings.iter().copied().collect();
    let sibling = |name: &str| Sibling::from(siblings.get(name).map(|text| (*text).to_owned()));
    let below = |name: &str| {
        let folders = siblings.keys().filter_map(|path| path.strip_suffix(name)?.strip_suffix('/'));
        let mut folders: Vec<String> = folders.map(str::to_owned).collect();
        folders.sort();
        folders
    };
    format.parse(&Input { path: format.name(), text, sibling: &sibling, below: &below })
}

pub(super) fn names(parsed: &Parsed) -> Vec<&str> {
    parsed.packages.iter().map(|package| package.name.as_str()).collect()
}

pub(super) fn find<'a>(parsed: &'a Parsed, name: &str) -> &'a Package {
    parsed.packages.iter().find(|package| package.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// A valid file of each format, with most of what it can say.
const SAMPLES: [(&str, &str); 11] = [
    (
        "poetry.lock",
        "[[package]]\nname = \"a\"\nversion = \"1.0\"\ngroups = [\"main\"]\nfiles = [{file = \"f\", hash = \"sha256:00\"}]\n\
         [package.dependencies]\nb = {version = \"*\", optional = true, extras = [\"x\"]}\n[package.extras]\ny = [\"b (>1)\"]\n\
         [[package]]\nname = \"b\"\nversion = \"2\"\n[package.source]\ntype = \"git\"\nurl = \"git@host.example:x/y\"\n\
         resolved_reference = \"0a\"\n[metadata]\nlock-version = \"2.1\"\n",
    ),
    (
        "uv.lock",
        "version = 1\n[manifest]\nmembers = [\"a\"]\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { editable = \".\" }\n\
         dependencies = [{ name = \"b\" }]\n[package.dev-dependencies]\ndev = [{ name = \"b\", version = \"2\" }]\n\
         [[package]]\nname = \"b\"\nversion = \"2\"\nsource = { registry = \"https://pypi.org/simple\" }\n",
    ),
    (
        "requirements.txt",
        "--index-url https://u:p@host.example/simple\n-r base.txt\n-c c.txt\na==1.0 ; python_version < '4' \\\n  \
         --hash=sha256:00\n    # via\n    #   -r x.in\n    #   b\nb[x] @ git+https://host.example/b@v1#egg=b\n-e ./lib\n",
    ),
    (
        "package-lock.json",
        "{\n \"name\": \"p\",\n \"lockfileVersion\": 3,\n \"packages\": {\n  \"\": {\"workspaces\": [\"w\"], \"dependencies\": \
         {\"a\": \"1\"}},\n  \"w\": {\"version\": \"1\"},\n  \"node_modules/w\": {\"resolved\": \"w\", \"link\": true},\n  \
         \"node_modules/a\": {\"version\": \"1\", \"resolved\": \"https://registry.npmjs.org/a/-/a-1.tgz\", \"dev\": true,\n   \
         \"dependencies\": {\"b\": \"1\"}},\n  \"node_modules/a/node_modules/b\": {\"version\": \"2\"}\n }\n}\n",
    ),
    (
        "npm-shrinkwrap.json",
        "{\n \"lockfileVersion\": 1,\n \"dependencies\": {\n  \"a\": {\"version\": \"1\", \"requires\": {\"b\": \"1\"}, \
         \"dependencies\": {\n   \"b\": {\"version\": \"git+https://host.example/b#0a\", \"dev\": true}\n  }}\n }\n}\n",
    ),
    (
        "yarn.lock",
        "# yarn lockfile v1\n\n\"@s/a@^1\", \"@s/a@npm:@s/a@1\":\n  version \"1.0.0\"\n  \
         resolved \"https://registry.yarnpkg.com/@s/a/-/a-1.0.0.tgz#00\"\n  integrity sha512-00\n  dependencies:\n    b \"2\"\n\
         b@2:\n  version \"2.0.0\"\n  optionalDependencies:\n    c \"^3\"\n",
    ),
    (
        "web/yarn.lock",
        "__metadata:\n  version: 8\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  \
         dependencies:\n    a: \"npm:^1\"\n  dependenciesMeta:\n    b:\n      optional: true\n\"a@npm:^1\":\n  version: 1.0.0\n  \
         resolution: \"a@npm:1.0.0::__archiveUrl=https%3A%2F%2Fx.example%2Fa\"\n\"a@patch:a@npm%3A^1#x\":\n  version: 1.0.0\n  \
         resolution: \"a@patch:a@npm%3A1.0.0#x::version=1\"\n",
    ),
    (
        "Cargo.lock",
        "version = 4\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\n \"a 1.0.0\",\n \"b\",\n]\n[[package]]\n\
         name = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
         checksum = \"00\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"git+https://host.example/b?rev=1#0a\"\n",
    ),
    (
        "go.mod",
        "module example.com/m\n\ngo 1.16\ntoolchain go1.21.0\nrequire (\n\ta.example/x v1.0.0 // indirect\n\tb.example/y v1.2.0\n)\n\
         replace b.example/y v1.2.0 => ../y\nexclude c.example/z v1.0.0\nretract [v1.0.0, v1.1.0]\n",
    ),
    (
        "requirements/dev.txt",
        "-i ${INDEX}\n--extra-index-url=https://x.example\na>=1\nb===2\nhttps://host.example/c-1.0.tar.gz\n",
    ),
    (
        "tool.py.lock",
        "version = 1\n[manifest]\nrequirements = [{ name = \"a\" }]\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { url = \"https://x.example/a\" }\n",
    ),
];

pub(super) fn format_of(path: &str) -> &'static dyn Format {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut matching = FORMATS.iter().filter(|format| format.matches(file, folder));
    let format = matching.next().unwrap_or_else(|| panic!("no format for {path}"));
    assert!(matching.next().is_none(), "two formats for {path}");
    *format
}

#[test]
fn each_sample_has_one_reader_that_reads_it() {
    for (path, text) in SAMPLES {
        let format = format_of(path);
        let parsed = parse(format, text).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(!parsed.packages.is_empty(), "{path}");
        // a byte order mark changes neither content nor lines
        let marked = parse(format, &format.decode(format!("\u{feff}{text}").into_bytes()).unwrap()).unwrap();
        assert_eq!(marked.packages, parsed.packages, "{path}");
        let windows = parse(format, &text.replace('\n', "\r\n")).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(windows.packages, parsed.packages, "{path}");
    }
}

#[test]
fn conflict_markers_are_named_in_every_format() {
    for (path, text) in SAMPLES {
        let middle = text.find('\n').unwrap() + 1;
        let (before, after) = text.split_at(middle);
        let merged = format!("{before}<<<<<<< HEAD\n=======\n>>>>>>> branch\n{after}");
        let error = format_of(path).decode(merged.into_bytes()).unwrap_err();
        assert_eq!(error.line, Some(2), "{path}");
        assert!(error.message.starts_with("conflict markers of a merge"), "{path}: {error}");
    }
}

#[test]
fn a_lockfile_without_packages_is_told() {
    for (path, text) in [
        ("requirements.txt", ""),
        ("poetry.lock", "package = []\n[metadata]\nlock-version = \"2.1\"\n"),
        ("uv.lock", "version = 1\nx = [1, 1]\n"),
        ("Cargo.lock", "version = 4\nx = [1, 1]\n"),
    ] {
        let parsed = parse(format_of(path), text).unwrap();
        assert_eq!(parsed.warnings.len(), 1, "{path}");
        assert!(parsed.warnings[0].starts_with(&format!("{path}: it names no ")), "{:?}", parsed.warnings);
    }
    // a project without dependencies
    for (path, text) in [
        ("uv.lock", "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { virtual = \".\" }\n"),
        ("Cargo.lock", "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n"),
    ] {
        assert!(parse(format_of(path), text).unwrap().warnings.is_empty(), "{path}");
    }
    let poetry = "package = []\n[metadata]\nlock-version = \"2.1\"\n";
    for (project, told) in [("[project]\nname = 'a'\n", 0), ("[project]\nname = 'a'\ndependencies = ['b']\n", 1)] {
        let parsed = parse_with(format_of("poetry.lock"), poetry, &[("pyproject.toml", project)]).unwrap();
        assert_eq!(parsed.warnings.len(), told, "{project}");
    }
}

#[test]
fn toml_that_would_take_too_much_memory_is_refused() {
    let many = 600_000;
    for (path, text) in [
        ("uv.lock", format!("version = 1\nx = [{}]\n", "1,".repeat(many))),
        ("Cargo.lock", format!("version = 4\n{}", "k=1\n".repeat(many))),
        ("Cargo.lock", format!("version = 4\n{}a = 1\n", "a.".repeat(many))),
        ("poetry.lock", format!("x = \"{}\n", "\n".repeat(many))),
        ("uv.lock", format!("version = 1\n[[package]]\nname = 'a'\nx = '{}\n", "{}".repeat(many))),
        ("uv.lock", format!("version = 1\n[[package]]\nname = 'a'\nx.{}y = 1\n", "a.".repeat(many))),
    ] {
        let error = parse(format_of(path), &text).unwrap_err();
        assert!(error.is_too_many() || error.line.is_some(), "{path}: {error}");
    }
    let package = |n: usize| format!("[[package]]\nname = \"p{n}\"\nversion = \"1.0.0\"\n");
    let most: String = (0..MAX_PACKAGES).map(package).collect();
    assert_eq!(parse(format_of("Cargo.lock"), &format!("version = 4\n{most}")).unwrap().packages.len(), MAX_PACKAGES);
    let more = format!("version = 4\n{most}{}", package(MAX_PACKAGES));
    assert!(parse(format_of("Cargo.lock"), &more).unwrap_err().message.contains("30000 packages"));
}

#[test]
fn every_cut_is_an_error_or_less_and_never_more() {
    for (path, text) in SAMPLES {
        let format = format_of(path);
        let whole = parse(format, text).unwrap().packages.len();
        for end in 0..text.len() {
            if let Ok(parsed) = parse(format, &text[..end]) {
                assert!(parsed.packages.len() <= whole + 1, "{path} cut at {end}");
            }
        }
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = 200_000;
    let npm1 = format!(
        "{{\"lockfileVersion\":1,\"dependencies\":{}1{}}}",
        "{\"a\":{\"version\":\"1\",\"dependencies\":".repeat(deep),
        "}}".repeat(deep)
    );
    let npm3 = format!(
        "{{\"lockfileVersion\":3,\"packages\":{{\"{}a\":{{\"version\":\"1\"}}}}}}",
        "node_modules/a/".repeat(deep)
    );
    let lists = format!(
        "{{\"lockfileVersion\":3,\"packages\":{{\"node_modules/a\":{{\"version\":{}{}}}}}}}",
        "[".repeat(deep),
        "]".repeat(deep)
    );
    for (path, text) in [
        ("package-lock.json", npm1),
        ("package-lock.json", npm3),
        ("package-lock.json", lists),
        ("Cargo.lock", format!("version = 4\nx = {}{}\n", "[".repeat(deep), "]".repeat(deep))),
        ("poetry.lock", format!("[{}a]\n", "a.".repeat(deep))),
        ("uv.lock", format!("version = 1\nx = {}1{}\n", "{a=".repeat(deep), "}".repeat(deep))),
        ("go.mod", format!("module m\nrequire {}\n", "(".repeat(deep))),
        ("requirements.txt", format!("a{}\n", "[".repeat(deep))),
    ] {
        let error = parse(format_of(path), &text).unwrap_err();
        assert!(error.message.len() < 300, "{path}: {} bytes", error.message.len());
    }
}

/// What may be shown of anything that came from a file.
fn harmless(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'))
}

fn check(format: &dyn Format, text: &str) {
    let siblings = ["pyproject.toml", "package.json", "Cargo.toml", "go.sum", "base.txt", ".npmrc"];
    // the file itself beside itself: whatever a reader reads as a manifest is as strange as the lockfile
    let sibling = |name: &str| Sibling::from(siblings.contains(&name).then(|| text.to_owned()));
    match format.parse(&Input { path: "x", text, sibling: &sibling, below: &nothing_below }) {
        Ok(parsed) => {
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            for (index, package) in parsed.packages.iter().enumerate() {
                assert!(!package.name.is_empty() && harmless(&package.name) && harmless(&package.version));
                assert!((1..=lines).contains(&package.line), "line {} of {lines}", package.line);
                assert!(package.dependencies.iter().all(|edge| *edge < parsed.packages.len() && *edge != index));
                assert!(package.dependencies.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(harmless(&format.upgrade(&package.locked(), "1.0", "lock")));
            }
            assert!(parsed.warnings.iter().all(|warning| harmless(warning)));
        }
        Err(error) => assert!(harmless(&error.message) && error.message.len() < 400, "{error:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}|[\\x00-\\x7f]{0,300}") {
        for format in FORMATS {
            check(*format, &text);
        }
        let _ = unsupported(&text, &|_| true);
        for name in ["pyproject.toml", "package.json", "Cargo.toml", "setup.cfg", "pubspec.yaml", "mix.exs", "rebar.config"] {
            let _ = manifest(name, &text);
        }
    }

    #[test]
    fn mutated_samples_never_panic(
        sample in 0..SAMPLES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, "[\"'{}\\[\\]=,:/@#\\\\\n a1é\u{0}\u{202e}-]{0,3}"), 1..6),
    ) {
        let (path, text) = SAMPLES[sample];
        let mut chars: Vec<char> = text.chars().collect();
        for (at, kind, new) in edits {
            if chars.is_empty() {
                break;
            }
            let at = at.index(chars.len());
            match kind {
                0 => { chars.remove(at); }
                1 => { chars.splice(at..at, new.chars()); }
                2 => chars.truncate(at),
                _ => { let again: Vec<char> = chars[at..].iter().copied().take(40).collect(); chars.splice(at..at, again); }
            }
        }
        let text: String = chars.into_iter().collect();
        check(format_of(path), &text);
    }
}
