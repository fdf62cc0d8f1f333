use super::super::tests::{names, nothing_below, parse, parse_with};
use super::super::{MAX_PACKAGES, Sibling};
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
    let parsed = parse(&Requirements, "a>=1\nA<1\nb\nc==1.*\nd==1\ne~=2.0\nf===${F}\n").unwrap();
    assert_eq!(names(&parsed), ["d"]);
    assert_eq!(
        parsed.warnings,
        ["requirements.txt: 5 requirements without an exact version: a, b, c, e, f. Pin them with =="]
    );
    let long = "x".repeat(60);
    let parsed = parse(&Requirements, &format!("a\n{long}\n")).unwrap();
    assert_eq!(
        parsed.warnings,
        ["requirements.txt: 2 requirements without an exact version: a, line 2. Pin them with =="]
    );
    let many: String = (0..12).map(|n| format!("p{n}\n")).collect();
    let warning = &parse(&Requirements, &many).unwrap().warnings[0];
    assert!(warning.contains("12 requirements") && warning.ends_with("p9, and 2 more. Pin them with =="), "{warning}");
}

#[test]
fn included_files_count_at_their_line_and_constraints_pin() {
    let siblings = [
        ("base.txt", "x==1\n-r more/deep.txt\n"),
        ("more/deep.txt", "y==2\n-c ../limits.txt\nz\n"),
        ("limits.txt", "z==3\nunused==9\nz==4 ; python_version < '3'\n-r from_limits.txt\n"),
        ("from_limits.txt", "w==5\n"),
        ("../outside.txt", "o==6\n"),
    ];
    let text = "a==1\n-r base.txt\nx==1\n-r ../outside.txt\n-r base.txt -r gone.txt\n";
    let parsed = parse_with(&Requirements, text, &siblings).unwrap();
    let rows: Vec<_> = parsed.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.line)).collect();
    assert_eq!(
        rows,
        [("a", "1", 1), ("x", "1", 2), ("y", "2", 2), ("w", "5", 2), ("z", "3", 2), ("z", "4", 2), ("o", "6", 4)]
    );
    assert!(parsed.warnings.is_empty() && parsed.unable.is_empty(), "{parsed:?}");
    let by_address = [("c.txt", "z @ https://host.example/z-7.zip\n")];
    let parsed = parse_with(&Requirements, "z>1\n-c c.txt\n", &by_address).unwrap();
    assert_eq!(parsed.packages[0].version, "7");
}

#[test]
fn what_an_include_hides_is_unable_and_never_quoted() {
    let text = "a==1\n-r gone.txt\n-r https://u:hunter2@host.example/x.txt\n-r /etc/hunter2\n-r broken.txt\n-c latin.txt\n\
                -r self.txt\n-r requirements.txt\nb==2\n";
    let siblings = [
        ("broken.txt", "ok==1\nhunter2 is not one\n"),
        ("latin.txt", "# coding: utf-7\n"),
        ("self.txt", "-r ./x/../self.txt\n"),
    ];
    let parsed = parse_with(&Requirements, text, &siblings).unwrap();
    assert_eq!(names(&parsed), ["a", "ok", "b"]);
    let expected = [
        "requirements.txt line 2: the included file is not in the repository",
        "requirements.txt line 3: an included file that is an address is not fetched",
        "requirements.txt line 4: the included file is outside of the repository",
        "requirements.txt line 5: broken.txt line 2: not a requirement that pip reads",
        "requirements.txt line 6: latin.txt line 1: the encoding that the file names",
        "requirements.txt line 7, self.txt line 1: the included file includes itself",
        "requirements.txt line 8: the included file includes itself",
    ];
    assert_eq!(parsed.unable.len(), expected.len(), "{:#?}", parsed.unable);
    for (line, expected) in parsed.unable.iter().zip(expected) {
        assert!(line.starts_with(expected) && !line.contains("hunter2"), "{line}");
    }
    let unreadable = |_: &str| Sibling::Unreadable("it is not a regular file".into());
    let input =
        Input { path: "a/requirements.txt", text: "-r ../b.txt\n", sibling: &unreadable, below: &nothing_below };
    let unable = Requirements.parse(&input).unwrap().unable;
    assert_eq!(unable, ["a/requirements.txt line 1: the included file can't be read: it is not a regular file"]);
    // from another folder, to itself
    let itself = |name: &str| match name {
        "../b.txt" => Sibling::from(Some("-r a/requirements.txt\n".to_owned())),
        _ => Sibling::Absent,
    };
    let unable = Requirements.parse(&Input { sibling: &itself, ..input }).unwrap().unable;
    assert_eq!(unable.len(), 1);
    assert!(unable[0].contains("includes itself"), "{unable:?}");
}

#[test]
fn a_variable_of_the_environment_leaves_the_rest_readable() {
    let text = "a==1\nb==${VERSION}\nc @ https://${HOST}/c-1.zip\nd==2\n";
    let parsed = parse(&Requirements, text).unwrap();
    assert_eq!(names(&parsed), ["a", "c", "d"]);
    assert_eq!(parsed.unable.len(), 1);
    assert!(parsed.unable[0].starts_with("requirements.txt line 2: ") && parsed.unable[0].ends_with("Write the value"));
    assert!(parse(&Requirements, "b==${version}\n").is_err());
}

#[test]
fn a_file_that_asks_for_nothing_is_told() {
    let empty = [("e.txt", ""), ("c.txt", "a==1\n")];
    for text in
        ["", "\n", "# only\n\t# comments\n", "--pre\n", "-c c.txt\n", "--hash=sha256:aa\n", "-r e.txt\n", "-i x\n"]
    {
        let parsed = parse_with(&Requirements, text, &empty).unwrap();
        assert_eq!(
            parsed.warnings,
            ["requirements.txt: it names no requirements. Remove it, or name it in EXCLUDE_PATHS"],
            "{text:?}"
        );
    }
}

#[test]
fn prose_with_a_weak_name_is_a_warning() {
    let read = |path: &str, text: &str| {
        Requirements.parse(&Input { path, text, sibling: &|_| Sibling::Absent, below: &nothing_below })
    };
    let prose = "Functional requirements\n\nThe system shall be fast.\n";
    for path in ["docs/requirements/overview.txt", "functional-requirements.txt"] {
        let parsed = read(path, prose).unwrap();
        assert!(parsed.packages.is_empty());
        assert!(parsed.warnings[0].starts_with(path) && parsed.warnings[0].contains("EXCLUDE_PATHS"));
        for text in ["a==1\nsome prose\n", "Functional requirements\na==1\n", "a\nsome prose\n"] {
            assert!(read(path, text).is_err(), "{path}: {text}");
        }
    }
    assert!(read("requirements.txt", prose).is_err());
}

#[test]
fn a_package_without_a_version_is_listed_whatever_its_source() {
    let text = "requests @ file:///croot/requests_1/work\n-e ./libs/own\ngit+https://host.example/g@v1#egg=g\n\
                u @ https://host.example/main.zip\nw @ https://host.example/w-1.0-py3-none-any.whl\n";
    let parsed = parse(&Requirements, text).unwrap();
    assert_eq!(names(&parsed), ["requests", "own", "g", "u", "w"]);
    // Whoever looks packages up says that they have no version.
    let unknown = parsed.packages.iter().filter(|package| package.version.is_empty()).map(|package| &package.name);
    assert_eq!(unknown.collect::<Vec<_>>(), ["requests", "own", "g", "u"]);
    assert_eq!(parsed.warnings, [""; 0]);
}

#[test]
fn files_of_pypi_by_address_are_looked_up() {
    let file = "https://files.pythonhosted.org/packages/ab/cd/vuln-1.0.0";
    let text = format!("vuln @ {file}-py3-none-any.whl\n{file}.tar.gz\nother @ {file}.zip#sha256=aa\n");
    let parsed = parse(&Requirements, &text).unwrap();
    let rows: Vec<_> =
        parsed.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.source.clone(), p.line)).collect();
    assert_eq!(rows, [("vuln", "1.0.0", Source::Registry, 1)]);
}

#[test]
fn requirements_are_bounded_and_lines_are_not() {
    let many = "a==1\n".repeat(MAX_PACKAGES + 1);
    let error = parse(&Requirements, &many).unwrap_err();
    assert!(error.message.contains("30000"), "{error}");
    let comments = format!("a==1\n{}", "#\n".repeat(200_000));
    assert_eq!(names(&parse(&Requirements, &comments).unwrap()), ["a"]);
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
    let mixed = parse(&Requirements, "--extra-index-url https://u:hunter2@corp.example/simple\na==1\n").unwrap();
    assert_eq!((mixed.packages[0].source.clone(), mixed.warnings.len()), (private("https://corp.example/simple"), 0));
    let included =
        parse_with(&Requirements, "a==1\n-r b.txt\n", &[("b.txt", "-i https://corp.example/simple\n")]).unwrap();
    assert_eq!(included.packages[0].source, private("https://corp.example/simple"));
}

#[test]
fn no_option_takes_packages_out_of_the_look_up() {
    let files = [("none.txt", "--no-index\n"), ("folder.txt", "--no-index -f ./wheels\n"), ("bad.txt", "a b\n")];
    let public = "https://pypi.org/simple";
    for (head, location) in [
        ("--no-index", ""),
        ("-i ./simple", "./simple"),
        ("-i simple", "simple"),
        ("-i nexus.example/simple", "nexus.example/simple"),
        ("-i hunter2@nexus.example/simple", "nexus.example/simple"),
        ("--no-index --find-links ./wheels", "./wheels"),
        ("--no-index -f https://download.pytorch.org/whl -f ./wheels", "./wheels"),
        ("-r none.txt", ""),
        ("-c none.txt", ""),
        ("-r folder.txt", "./wheels"),
        ("-i ./nosuch\n--extra-index-url https://pypi.org/simple", "./nosuch"),
        ("--extra-index-url ./simple", "./simple"),
        // the part that was not read may name an index
        ("-r bad.txt", ""),
        ("-r https://host.example/r.txt", ""),
        ("${OPTIONS} x", ""),
    ] {
        for text in [format!("{head}\nvuln==1.0.0\n"), format!("vuln==1.0.0\n{head}\n")] {
            let parsed = parse_with(&Requirements, &text, &files).unwrap();
            let sources: Vec<&Source> = parsed.packages.iter().map(|package| &package.source).collect();
            assert_eq!(sources, [&Source::PrivateRegistry(location.into())], "{text}");
        }
    }
    for head in [format!("-i {public}"), format!("--extra-index-url {public}"), "-f ./wheels".into(), String::new()] {
        let parsed = parse(&Requirements, &format!("{head}\nvuln==1.0.0\n")).unwrap();
        assert_eq!(parsed.packages[0].source, Source::Registry, "{head}");
    }
}

#[test]
fn an_address_never_shows_its_account() {
    for text in [
        "x @ https:bot:hunter2@h.example/x-1.0.zip",
        "https:bot:hunter2@h.example/x-1.0.zip",
        "x @ https:/bot:hunter2@h.example/x.zip",
        "https:bot:hunter2@x-1.0.zip",
        "git+https:bot:hunter2@h.example/x",
        "x @ //bot:hunter2@h.example/x.zip",
        "-i https:bot:hunter2@h.example/simple\nx==1",
        "-i //bot:hunter2@h.example/simple\nx==1",
    ] {
        match parse(&Requirements, text) {
            Ok(parsed) => assert!(!format!("{parsed:?}").contains("hunter2"), "{text}: {parsed:?}"),
            Err(error) => assert!(!error.message.contains("hunter2"), "{text}: {error}"),
        }
    }
}

#[test]
fn helms_lockfile_is_not_ryes() {
    let claims = |name: &str, text: &str| Requirements.claims(name, &|| Some(text.as_bytes().to_vec()));
    let helm = "dependencies:\n- name: a\n  version: 1.0.0\ndigest: sha256:aa\ngenerated: \"2024\"\n";
    assert!(!claims("requirements.lock", helm));
    assert!(claims("requirements.lock", "vuln==1.0.0\n") && claims("requirements.lock", ""));
    assert!(claims("requirements.txt", helm));
    assert!(Requirements.claims("requirements.lock", &|| None));
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
        ("a==1\n--shiny hunter2\n", 2),
        ("a==4.*.1 # hunter2\n", 1),
    ] {
        let error = parse(&Requirements, text).unwrap_err();
        assert_eq!(error.line, Some(line), "{text}");
        // nothing of the line is quoted: it could be a token
        assert!(!error.message.contains("hunter2") && !error.message.contains("prose"), "{error}");
    }
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
