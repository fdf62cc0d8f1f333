use super::super::tests::{names, parse, parse_with};
use super::*;

#[test]
fn pins_are_packages_with_their_lines() {
    let text = "# made by hand\n\
                Django[argon2]==4.2.1 ; python_version >= \"3.8\"  # web\n\
                zope.interface === 5.0+local \\\n    --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \\\n    \
                --hash=sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n\
                \n\
                --no-binary :all:\n\
                a_b == 1!2.0.post1\n";
    let parsed = parse(&Requirements, text).unwrap();
    let rows: Vec<_> = parsed.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.line)).collect();
    assert_eq!(rows, [("django", "4.2.1", 2), ("zope-interface", "5.0+local", 3), ("a-b", "1!2.0.post1", 8)]);
    assert_eq!(parsed.packages[1].hashes.len(), 2);
    assert!(parsed.warnings.is_empty());
    assert!(parsed.packages.iter().all(|package| package.source == Source::Registry && package.direct.is_none()));
}

#[test]
fn what_is_not_pinned_is_counted_and_named() {
    let parsed = parse(&Requirements, "a>=1\nA<1\nb\nc==1.*\nd==1\ne~=2.0\nf==${F}\n").unwrap();
    assert_eq!(names(&parsed), ["d"]);
    assert_eq!(parsed.warnings, ["requirements.txt: 5 requirements without an exact version: a, b, c, e, f"]);
    let many: String = (0..12).map(|n| format!("p{n}\n")).collect();
    let warning = &parse(&Requirements, &many).unwrap().warnings[0];
    assert!(warning.contains("12 requirements") && warning.ends_with("p9, and 2 more"), "{warning}");
}

#[test]
fn included_files_count_at_their_line_and_constraints_pin() {
    let siblings = [
        ("base.txt", "x==1\n-r more/deep.txt\n-r base.txt\n"),
        ("more/deep.txt", "y==2\n-c ../limits.txt\nz\n"),
        ("limits.txt", "z==3\nunused==9\n"),
    ];
    let text = "a==1\n-r base.txt\nx==1\n-r ../outside.txt\n--requirement gone.txt\n";
    let parsed = parse_with(&Requirements, text, &siblings).unwrap();
    let rows: Vec<_> = parsed.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.line)).collect();
    assert_eq!(rows, [("a", "1", 1), ("x", "1", 2), ("y", "2", 2), ("z", "3", 2)]);
    assert_eq!(parsed.warnings.len(), 2, "{:?}", parsed.warnings);
    assert!(parsed.warnings[0].contains("line 4") && parsed.warnings[0].contains("outside.txt"));
    assert!(parsed.warnings[1].contains("line 5") && parsed.warnings[1].contains("gone.txt"));
}

#[test]
fn a_private_index_makes_its_packages_private() {
    let source = |head: &str| parse(&Requirements, &format!("{head}\na==1\n")).unwrap().packages[0].source.clone();
    let private = |address: &str| Source::PrivateRegistry(address.into());
    assert_eq!(
        source("--index-url https://${USER}:${PASS}@corp.example/simple?k=v"),
        private("https://corp.example/simple")
    );
    assert_eq!(source("-i https://pypi.org/simple"), Source::Registry);
    assert_eq!(source("--extra-index-url https://download.pytorch.org/whl/cpu"), Source::Registry);
    assert_eq!(
        source("--extra-index-url https://u:hunter2@corp.example/simple"),
        private("https://corp.example/simple")
    );
    assert_eq!(source("--no-index\n--find-links ./wheels"), Source::Path("./wheels".into()));
    let mixed = parse(&Requirements, "--extra-index-url https://u:hunter2@corp.example/simple\na==1\n").unwrap();
    assert!(mixed.warnings[0].contains("https://corp.example/simple") && !mixed.warnings[0].contains("hunter2"));
    let included =
        parse_with(&Requirements, "a==1\n-r b.txt\n", &[("b.txt", "-i https://corp.example/simple\n")]).unwrap();
    assert_eq!(included.packages[0].source, private("https://corp.example/simple"));
}

#[test]
fn addresses_and_folders_keep_their_source() {
    let text = "-e .\n-e git+https://host.example/a.git@0a1b#egg=The.A\nb @ https://u:p@host.example/b-2.0-py3-none-any.whl\n./libs/c\n";
    let parsed = parse(&Requirements, text).unwrap();
    let rows: Vec<_> =
        parsed.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.source.clone(), p.line)).collect();
    assert_eq!(
        rows,
        [
            ("the-a", "", Source::Git("https://host.example/a.git#0a1b".into()), 2),
            ("b", "2.0", Source::Url("https://host.example/b-2.0-py3-none-any.whl".into()), 3),
            ("c", "", Source::Path("./libs/c".into()), 4),
        ]
    );
}

#[test]
fn comments_of_pip_compile_give_edges() {
    let text = "certifi==1\n    # via requests\nidna==2\n    # via\n    #   -c limits.txt\n    #   requests\n    #   yarl\n\
                requests==3\n    # via -r requirements.in\n# unrelated\nyarl==4  # via app (pyproject.toml)\n";
    let parsed = parse(&Requirements, text).unwrap();
    let rows: Vec<_> = parsed.packages.iter().map(|p| (p.name.as_str(), p.direct, p.dependencies.as_slice())).collect();
    assert_eq!(
        rows,
        [
            ("certifi", Some(false), [].as_slice()),
            ("idna", Some(false), &[]),
            ("requests", Some(true), &[0, 1]),
            ("yarl", Some(true), &[1]),
        ]
    );
}

#[test]
fn one_package_of_several_lines_is_one() {
    let parsed = parse(&Requirements, "a==1\na[x]==1 --hash=sha256:aa\nA==2 ; python_version < '3'\n").unwrap();
    let rows: Vec<_> = parsed.packages.iter().map(|p| (p.version.as_str(), p.line)).collect();
    assert_eq!(rows, [("1", 1), ("2", 3)]);
}

#[test]
fn broken_files_are_errors_with_their_line() {
    for (text, line) in [
        ("a==1\n<<<<<<< HEAD\nb==2\n", 2),
        ("a==1\n\nsome prose here\n", 3),
        ("a==1 \\\n  --hash=sha256:aa\n=======\n", 3),
        ("-r\n", 1),
        ("a=1\n", 1),
    ] {
        assert_eq!(parse(&Requirements, text).unwrap_err().line, Some(line), "{text}");
    }
    let error = parse_with(&Requirements, "a==1\n-r b.txt\n", &[("b.txt", "ok==1\nnot ok\n")]).unwrap_err();
    assert_eq!(error.line, Some(2));
    assert!(error.message.contains("b.txt line 2"), "{error}");
}

#[test]
fn strange_options_are_told() {
    let parsed = parse(&Requirements, "--shiny yes\na==1\n").unwrap();
    assert_eq!(parsed.warnings, ["requirements.txt line 1: option --shiny is not known and was passed over"]);
}

#[test]
fn file_names_are_recognised() {
    let is = |file: &str, folder: &str| Requirements.matches(file, folder);
    for (file, folder) in [
        ("requirements.txt", ""),
        ("requirements-dev.txt", "a"),
        ("requirements_test.txt", ""),
        ("dev-requirements.txt", ""),
        ("prod.txt", "requirements"),
        ("prod.txt", "a/b/requirements"),
    ] {
        assert!(is(file, folder), "{file}");
    }
    for (file, folder) in
        [("constraints.txt", "requirements"), ("requirements.in", ""), ("notes.txt", ""), ("x.txt", "requirements/old")]
    {
        assert!(!is(file, folder), "{file}");
    }
}
