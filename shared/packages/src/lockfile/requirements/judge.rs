//! pip itself judges the reader, on files made to hurt: it refuses exactly what is refused here, and finds the same in
//! everything else.

mod generate;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::paths::normal;
use super::super::{Format, Input, Sibling};
use super::{Requirements, files};
use generate::Case;
use pipewright_harness::components::{pip, seed};

const CASES: usize = 2500;

/// What differs on purpose: why, and whether a difference is that. `pip` is its error, or absent where it has none.
type Intended = (&'static str, fn(&Case, Option<&str>, Result<&[Value], &str>) -> bool);
const INTENDED: [Intended; 4] = [
    ("pip asks the disk whether a folder is there, from a working directory that is not known here", |_, pip, ours| {
        let folder = |pip: &str| {
            ["It looks like a path", "not a valid editable requirement", "is not installable"]
                .iter()
                .any(|text| pip.contains(text))
        };
        let local = |row: &Value| row[3].as_str().is_some_and(|at| !at.is_empty() && !at.contains("://"));
        pip.is_some_and(folder) && ours.is_ok_and(|rows| rows.iter().any(local))
    }),
    ("features come and go with pip's releases, and say nothing of what is installed", |_, pip, ours| {
        pip.is_some_and(|pip| pip.contains("option --use-feature: invalid choice")) && ours.is_ok()
    }),
    ("Python reads more encodings, and a file in one of them is refused as a whole", |_, pip, ours| {
        pip.is_none() && ours.is_err_and(|why| why.contains("the encoding that the file names"))
    }),
    ("a version with control characters is fit for no report", |_, pip, ours| {
        pip.is_none() && ours.is_err_and(|why| why.contains("holds spaces or control characters"))
    }),
];

/// What the reader makes of a case: rows as the judge wants them, or why it is refused.
fn read(case: &Case) -> Result<Vec<Value>, String> {
    let sibling = |name: &str| {
        let folder = case.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = normal(&format!("{folder}/{name}"));
        case.files.get(&path).map_or(Sibling::Absent, |bytes| Sibling::Content(bytes.clone()))
    };
    let bytes = case.files[&case.file].clone();
    let text = Requirements.decode(bytes).map_err(|error| error.to_string())?;
    let input = Input { path: &case.file, text: &text, sibling: &sibling, below: &super::super::tests::nothing_below };
    let listing = files::read(&input).map_err(|error| error.to_string())?;
    let parsed = Requirements.parse(&input).map_err(|error| error.to_string())?;
    if let Some(unable) = parsed.unable.first() {
        return Err(unable.clone());
    }
    let row = |item: &files::Item, constraint: bool| {
        let wanted = &item.wanted;
        json!([
            wanted.name.as_deref().unwrap_or_default(),
            wanted.specifiers,
            wanted.marker.as_deref().unwrap_or_default(),
            wanted.address.as_deref().unwrap_or_default(),
            constraint,
        ])
    };
    let constraints = listing.constraints.values().flatten().map(|item| row(item, true));
    Ok(listing.items.iter().map(|item| row(item, false)).chain(constraints).collect())
}

#[test]
#[ignore = "needs pip of one version: make test"]
fn pip_agrees_with_the_reader() {
    let seed = seed();
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let cases: Vec<Case> = (0..CASES).map(|_| generate::case(&mut random)).collect();
    let ours: Vec<Result<Vec<Value>, String>> = cases.iter().map(read).collect();
    let taken = ours.iter().filter(|ours| ours.as_ref().is_ok_and(|rows| !rows.is_empty())).count();
    assert!((CASES / 5..CASES * 4 / 5).contains(&taken), "{taken} of {CASES} files are read: too many or too few hurt");

    let asked: Vec<Value> = cases
        .iter()
        .zip(&ours)
        .map(|(case, ours)| {
            let files: BTreeMap<&String, String> =
                case.files.iter().map(|(path, bytes)| (path, STANDARD.encode(bytes))).collect();
            let refused = ours.as_ref().err();
            json!({"files": files, "file": case.file, "refused": refused, "found": ours.as_deref().unwrap_or_default()})
        })
        .collect();
    let mut child = pip().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(asked).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "SEED={seed}: the judge failed");

    let differences: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut seen = BTreeSet::new();
    let differs = |difference: &&Value| {
        let number = usize::try_from(difference["case"].as_u64().unwrap()).unwrap();
        let ours = ours[number].as_deref().map_err(String::as_str);
        let intended = INTENDED.iter().find(|(_, is)| is(&cases[number], difference["pip"].as_str(), ours));
        seen.extend(intended.map(|(why, _)| *why));
        intended.is_none()
    };
    let wrong: Vec<&Value> = differences.iter().filter(differs).collect();
    for difference in wrong.iter().take(5) {
        let number = usize::try_from(difference["case"].as_u64().unwrap()).unwrap();
        println!("{difference}\n  reader: {:?}", ours[number]);
        for (path, bytes) in &cases[number].files {
            println!(
                "  {path}{}: b\"{}\"",
                if *path == cases[number].file { " (read)" } else { "" },
                bytes.escape_ascii()
            );
        }
    }
    assert!(wrong.is_empty(), "SEED={seed}: {} of {CASES} differ", wrong.len());
    println!("intended differences that were met: {seen:#?}");
}
