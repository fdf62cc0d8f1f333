use super::*;

fn pin(text: &str) -> Option<&str> {
    parse(text).unwrap_or_else(|| panic!("{text}")).pin()
}

#[test]
fn pins_are_exact() {
    for text in
        ["a==1.2", "a == 1.2", "a===1.2", "a (==1.2)", "a>=1,==1.2", "a[x, y]==1.2 ; python_version < '4'", "a==1.2,"]
    {
        assert_eq!(pin(text), Some("1.2"), "{text}");
    }
    for text in [
        "a",
        "a>=1.2",
        "a~=1.2",
        "a==1.*",
        "a!=1.2",
        "a[x]",
        "a===${A}",
        "a===",
        "a;sys_platform=='win32'",
        "a<2,>1",
        "a==1,==2",
    ] {
        assert_eq!(pin(text), None, "{text}");
    }
}

#[test]
fn extras_and_addresses() {
    assert_eq!(parse("uvicorn[standard,http]").unwrap().extras, ["standard", "http"]);
    assert_eq!(begins("PySocks[x] (^1.5, !1)"), Some(("PySocks", vec!["x"])));
    for (text, address) in [
        ("a @ https://host.example/a-1.whl ; os_name == 'nt'", "https://host.example/a-1.whl"),
        ("a@git+https://host.example/a@main", "git+https://host.example/a@main"),
        ("a @ b;c", "b;c"),
    ] {
        assert_eq!(parse(text).unwrap().address, Some(address), "{text}");
    }
}

#[test]
fn versions_are_those_of_pep_440() {
    for text in [
        "1",
        "v1.0",
        "1!2.3",
        "1.0rc1",
        "1.0.post2",
        "1.0-1",
        "1.0.dev3",
        "1.0a1.post2.dev3+ab.1",
        "1.0PREVIEW-2",
        "1_a_",
    ] {
        assert!(is_version(text), "{text}");
    }
    for text in ["", "not-a-version", "4.*", "4.*.1", "1.", "1.0+", "1.0+a..b", "1.0foo", "1.0rc1rc2", "!1", "1 "] {
        assert!(!is_version(text), "{text}");
    }
}

#[test]
fn what_is_no_requirement_is_none() {
    for text in [
        "",
        "<<<<<<< HEAD",
        "=======",
        "a b",
        "a=1",
        "a==",
        "a[x==1",
        "a[x,]",
        "-a",
        "a-",
        "a @ ",
        "a @ b ; ",
        "a==1 2",
        "requests=2.0",
        "django==4.*.1",
        "vuln==not-a-version",
        "a>=1.*",
        "a>=1+local",
        "a~=1",
        "a===1,2",
        "a==1;",
        "aé==1",
        "a==1\u{a0}",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn markers_are_checked() {
    for text in [
        "python_version<'3'",
        " ( os.name == \"nt\" ) and 'a'not  in extras or extra=='x' ",
        "'a'in\"b\"",
        r#"os_name == 'a\x41\u0041\q'"#,
        "'://' != os_name",
    ] {
        assert!(is_marker(text), "{text}");
    }
    let deep = format!("{}os_name=='a'{}", "(".repeat(300), ")".repeat(300));
    for text in [
        "",
        "python_version",
        "python_versions < '3'",
        "os_name == 'a' or",
        "os_name == 'a' orextra == 'b'",
        "(os_name == 'a'",
        "os_name = 'a'",
        "os_name notin 'a'",
        "os_name == 'a",
        r#"os_name == 'a\x4'"#,
        r#"os_name == 'a\'"#,
        "os_name == a",
        &deep,
    ] {
        assert!(!is_marker(text), "{text}");
    }
}
