//! Requirements files made to hurt: pieces that are valid, pieces that nearly are, and single characters that change what a
//! line is.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::lockfile::paths::normal;

/// Files by path, and the one that is read.
pub(super) struct Case {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) file: String,
}

const NAMES: [&str; 16] = [
    "vuln",
    "Django",
    "zope.interface",
    "a_b--c",
    "x",
    "0a",
    "name_",
    "pkg-",
    ".pkg",
    "_x",
    "na me",
    "naïve",
    "vuln[a]",
    "vuln[a,B.c-d]",
    "vuln [ ]",
    "vuln[a,]",
];
const SPECIFIERS: [&str; 44] = [
    "",
    "==1.0",
    "==1.0",
    "==1.0.0",
    " == 1.0",
    "===1.0",
    "== 1.*",
    "==1.0.*",
    "==4.*.1",
    "==not-a-version",
    "=1.0",
    "==",
    "===",
    ">=1,<2",
    ">=1, !=1.5 ,<2,",
    "~=1.0",
    "~=1",
    "==v1.0",
    "==1!2.0rc1.post2.dev3+local.1",
    ">=1.0+local",
    "==1.0-1",
    "==1.0.post",
    "==1_a_",
    "(==1.0)",
    " (>=1,<2)",
    "(==1.0",
    "==1.0)",
    "===1,2",
    "===a,==1",
    "===${V}",
    "==${V}",
    "==1.0\u{1}",
    "===\u{1}",
    "==\u{a0}1.0",
    "==1.0,",
    ",==1.0",
    "==1.0 ==2.0",
    ">1<2",
    "<=1.0.dev",
    "!=1.*",
    "<1.*",
    "==1.0c1",
    "==01.00",
    "> 1.0alpha-1",
];
const MARKERS: [&str; 38] = [
    "",
    "",
    "",
    "; python_version < '3.9'",
    ";python_version<\"3.9\"",
    " ; os_name == 'nt' and (extra == 'X_y' or sys.platform in \"linux\")",
    ";",
    " ; ",
    ";;",
    "; os_name == 'nt' ; extra == 'x'",
    ";\"://\"!=os_name",
    "; 'a;b' == os_name",
    "; os_name == 'nt' #",
    "; os_name",
    "; os_name = 'nt'",
    "; nonsense == 'x'",
    "; os_name == \"a'b\"",
    "; os_name == 'a\\x41\\u00e9\\q'",
    "; os_name == 'a\\'",
    "; os_name == 'a\\x4'",
    "; os_name not  in 'x'",
    "; os_name notin 'x'",
    "; 'x'in extras",
    "; 'A.b' in dependency_groups",
    "; (((os_name == 'x')))",
    "; (os_name == 'x'",
    "; os_name == 'x' or",
    "; os_name == 'x' and'y'==os_name",
    "; os_name == 'x'and os_name == 'y'",
    "; python_implementation ~= '1'",
    "; platform.python_implementation === 'x'",
    "; platform_release >= 'é'",
    "; os_name == 'x' -f y",
    "; python_full_version<='3' or (extra=='a' and extra=='b')",
    "; implementation_name!='x'",
    "; platform.machine > 'x' ",
    "; 'a' == 'b'",
    "; os_name < python_version",
];
const OPTIONS: [&str; 60] = [
    "",
    "",
    "",
    " --hash=sha256:aa",
    " --hash sha256:aa --hash=sha512:bb",
    " --hash=md5:aa",
    " --hash=sha256",
    " --ha sha384:x",
    " -f https://x.example/t.html",
    " --find-links=x",
    " -C a=b",
    " -Ca=b",
    " --config-settings a=b",
    " -C a",
    " --con a=b",
    " --config a=b",
    " -x",
    " --shiny",
    " --shiny=1",
    " --global-option=x",
    " --install-option x",
    " --no-binary :all:",
    " --no-binary -x",
    " --only-binary=x,y",
    " --pre",
    " --pre=1",
    " --pr",
    " --prefer-binary",
    " --require-hashes",
    " --req",
    " --no-index",
    " --no-index=x",
    " --no",
    " -i https://x.example/simple",
    " -i",
    " --index-url=",
    " --extra-index-url https://x.example",
    " --pypi-url x",
    " --trusted-host x",
    " --use-feature fast-deps",
    " --use-feature 2020-resolver",
    " --all-releases x",
    " --only-final=:all:",
    " -- -x",
    " --",
    " -",
    " ---",
    " - x",
    " --hash=sha256:aa \"q",
    " --hash='sha256:aa'",
    " -f 'a b' \\ c",
    " -f \"a\\\"b\" -f",
    " -r base.txt",
    " -e ./libs/x",
    "\t-f x",
    "  -f x",
    " x -f y",
    " --no-require-hashes",
    " -fhttps://x.example",
    " --ed ./libs/x",
];
const ADDRESSES: [&str; 44] = [
    "https://host.example/x-1.0.tar.gz",
    "https://host.example/x-1.0-py3-none-any.whl",
    "HTTPS://host.example/X_Y-1.0-py3-none-any.whl#sha256=aa",
    "https://host.example/bad.whl",
    "https://host.example/x-1.0-py3-none-any.whl?a=b;c",
    "https://host.example/x-nover-py3-none-any.whl",
    "https://host.example/x%2D1-1.0%2Blocal-py3-none-any.whl",
    "http://u:p@host.example/x.zip",
    "git+https://host.example/x@v1#egg=x",
    "git+https://host.example/x.git@v1#egg=x[a]&subdirectory=b",
    "git+ssh://git@host.example/x#subdirectory=y&egg=y",
    "hg+http://host.example/x",
    "svn+svn://host.example/x#egg=a-",
    "bzr+lp:x#egg=z",
    "git+foo://host.example/x#egg=x",
    "git://host.example/x#egg=x",
    "ftp://host.example/x.zip",
    "file:///x/y.zip",
    "file:x.zip",
    "file://host/x.zip",
    "file://localhost/x.zip",
    "file:///x/../y.zip",
    "FILE:///x",
    "https://[::1]/x.zip",
    "https://[::1/x.zip",
    "https://[host]/x.zip",
    "https:x",
    "mailto:x",
    "./libs/x",
    "libs/x",
    "./libs/x[a,b]",
    "./libs/x[a b]",
    "../libs/x",
    "./gone",
    "/abs/x.whl",
    ".",
    "x.zip",
    "x_y-1.0-py3-none-any.whl",
    "x-1.0-py3-none-any.whl.zip",
    "bad.whl",
    "vuln==1.0.zip",
    "x.tar.gz",
    ".zip",
    "x.TAR.BZ2",
];
const OTHERS: [&str; 36] = [
    "# comment",
    "   # comment \\",
    "#",
    "",
    "\\",
    "some prose here",
    "<<<<<<< HEAD",
    "=======",
    "-e .",
    "-e ./libs/x",
    "-e./libs/x[a]",
    "-e './libs/x'",
    "-e git+https://host.example/x#egg=x",
    "-e git+https://host.example/x",
    "-e x @ git+https://host.example/x ; os_name == 'x'",
    "-e \"x @ git+https://host.example/x ; os_name == 'x'\"",
    "-e vuln==1.0",
    "--editable=file:///x",
    "-e https://host.example/x.zip#egg=x",
    "-e",
    "-e ''",
    "vuln==1.0 -e ./libs/x",
    "x @ git+https://host.example/x -e .",
    "--index-url https://x.example/simple vuln==1.0",
    "--pre vuln==1.0",
    "--no-index -f x",
    "--extra-index-url=https://x.example/simple",
    "-i https://u:p@x.example -f y",
    "--hash=sha256:aa",
    "${REQUIREMENT}",
    "vuln==1.0#x",
    "vuln==1.0\u{3000}#x",
    "vuln==1.0 #x",
    "vuln@1.0",
    "--require",
    "--trusted-host=x --pre",
];
const INCLUDES: [&str; 30] = [
    "-r base.txt",
    "-rbase.txt",
    "--requirement=base.txt",
    "--requirement base.txt",
    "-r ./sub/../base.txt",
    "-r gone/../base.txt",
    "-r sub/deep.txt",
    "-r ../up.txt",
    "-r ../../up.txt",
    "-r gone.txt",
    "-r requirements.txt",
    "-r ./requirements.txt",
    "-r base.txt -r gone.txt",
    "-r base.txt -c gone.txt",
    "-c limits.txt",
    "-climits.txt",
    "--constraint=limits.txt",
    "-c limits.txt -c gone.txt",
    "-c gone.txt",
    "-r",
    "-r ''",
    "-r .",
    "-r sub",
    "-r https://host.example/x.txt",
    "-r HTTP://host.example/x.txt",
    "-r /abs/x.txt",
    "-r 'base.txt'",
    "-r base.txt --pre",
    "vuln -r gone.txt",
    "-r sub\\deep.txt",
];
const ENDS: [&str; 14] = [
    "\n", "\n", "\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}", "\u{2029}",
    "\n\n",
];
const NASTY: [&str; 32] = [
    " ", "\t", "\\", "\\\n", "\\\r\n", "#", " #", "'", "\"", ";", "; ", "-", " -", "=", "==", "[", "]", "(", ")", "@",
    " @ ", ":", "/", ",", "\u{a0}", "\u{1f}", "\u{feff}", "\0", "${X}", "é", ".", "_",
];

pub(super) fn case(random: &mut Rng) -> Case {
    let folder = if random.u8(..4) == 0 { "svc/" } else { "" };
    let mut files = BTreeMap::new();
    // the folders that requirements name
    for path in [format!("{folder}libs/x/pyproject.toml"), "libs/x/pyproject.toml".into(), "pyproject.toml".into()] {
        files.insert(path, b"[project]\nname = 'x'\nversion = '1'\n".to_vec());
    }
    for name in ["base.txt", "sub/deep.txt", "limits.txt", "../up.txt"] {
        let path = normal(&format!("{folder}{name}"));
        if !path.starts_with("..") {
            files.insert(path, file(random, 2));
        }
    }
    let file_name = format!("{folder}requirements.txt");
    files.insert(file_name.clone(), file(random, 3));
    Case { files, file: file_name }
}

fn pick<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

/// One of the first, which are harmless, and one of all in so many times.
fn mostly<'a>(random: &mut Rng, of: &[&'a str], harmless: usize, times: u8) -> &'a str {
    let of = if random.u8(..times) == 0 { of } else { &of[..harmless] };
    pick(random, of)
}

fn file(random: &mut Rng, most: usize) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..random.usize(1..=most) {
        text += &line(random);
        text += mostly(random, &ENDS, 1, 4);
    }
    if random.u8(..8) == 0 {
        text.pop();
    }
    if random.u8(..4) == 0 {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        if !places.is_empty() {
            let at = places[random.usize(..places.len())];
            match random.u8(..3) {
                0 => drop(text.remove(at)),
                _ => text.insert_str(at, pick(random, &NASTY)),
            }
        }
    }
    encoded(random, text)
}

fn line(random: &mut Rng) -> String {
    match random.u8(..20) {
        0..=8 => [
            mostly(random, &NAMES, 6, 5),
            mostly(random, &SPECIFIERS, 6, 3),
            mostly(random, &MARKERS, 6, 4),
            mostly(random, &OPTIONS, 5, 3),
            pick(random, &["", "", "", " # comment", "#x", " \\", "\t# c \\"]),
        ]
        .concat(),
        9..=11 => [
            pick(random, &["", "", "vuln @ ", "vuln@", "vuln[a] @", "a/b @ "]),
            pick(random, &ADDRESSES),
            mostly(random, &MARKERS, 6, 3),
            mostly(random, &OPTIONS, 5, 4),
        ]
        .concat(),
        12..=13 => ["-e ", pick(random, &ADDRESSES), pick(random, &MARKERS[..6])].concat(),
        14 => ["vuln", pick(random, &["", "==1"]), pick(random, &OPTIONS)].concat(),
        15 => pick(random, &OPTIONS).trim_start().to_owned(),
        16..=17 => pick(random, &INCLUDES).to_owned(),
        _ => pick(random, &OTHERS).to_owned(),
    }
}

fn encoded(random: &mut Rng, text: String) -> Vec<u8> {
    let wide = |mark: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{text}").encode_utf16().flat_map(unit).collect()
    };
    let cookie = |line: &str| format!("{line}\n{text}").into_bytes();
    match random.u8(..60) {
        0 => wide("\u{feff}", u16::to_le_bytes),
        1 => wide("\u{feff}", u16::to_be_bytes),
        2 => wide("\u{feff}\u{feff}", u16::to_le_bytes),
        3 => wide("\u{feff}\u{feff}", u16::to_be_bytes),
        4 => wide("", u16::to_le_bytes),
        5 => format!("\u{feff}{text}").into_bytes(),
        6 => format!("\u{feff}\u{feff}{text}").into_bytes(),
        7 => format!("\u{feff}{text}").chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        8 => format!("\u{feff}{text}").chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        9 => cookie("# -*- coding: latin-1 -*-"),
        10 => cookie("#\n# coding=ascii"),
        11 => cookie("# coding: utf-16"),
        12 => cookie("# coding: UTF_8"),
        13 => cookie("# encoding:cp1252 coding: ascii"),
        14 => cookie("# coding: nonsense"),
        15 => cookie(" # coding: nonsense"),
        16 => cookie("#\n#\n# coding: nonsense"),
        17 => cookie("# coding: utf-8-sig"),
        18 => cookie("# coding: iso-8859-15"),
        19 => [&b"# \xe9\n"[..], text.as_bytes()].concat(),
        20 => [&b"# coding: latin-1 \xe9\x85"[..], text.as_bytes()].concat(),
        _ => text.into_bytes(),
    }
}
