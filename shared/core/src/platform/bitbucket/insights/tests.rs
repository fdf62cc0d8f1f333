use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::rendering::example::{annotation, rendering};
use super::super::super::rendering::{Annotation, Fact, Kind, Level, Rendering};
use super::super::super::{Channels, CiContext, detect};
use super::{Route, calls};

fn ci() -> CiContext {
    CiContext {
        workspace: Some("my ws".to_owned()),
        repository: Some("app".to_owned()),
        commit: Some("c0ffee".to_owned()),
        build_url: Some("https://bitbucket.org/my-ws/app/pipelines/results/7".to_owned()),
        ..CiContext::default()
    }
}

#[test]
fn the_old_report_goes_before_the_new_one_comes() {
    let with_facts = Rendering {
        report_name: Some("api".to_owned()),
        facts: vec![
            ("Critical".to_owned(), Fact::Number(2.0)),
            ("Score".to_owned(), Fact::Number(9.5)),
            ("Broken".to_owned(), Fact::Number(f64::NAN)),
            ("Time".to_owned(), Fact::Duration(Duration::from_millis(1500))),
            ("Signed".to_owned(), Fact::Bool(true)),
            ("Docs".to_owned(), Fact::Link { text: "here".to_owned(), href: "https://x".to_owned() }),
            ("Mode".to_owned(), Fact::Text("block".to_owned())),
        ],
        ..rendering(vec![annotation(1, Level::Error)], &[])
    };
    let calls = calls(&with_facts, &ci());
    let path = "/repositories/my%20ws/app/commit/c0ffee/reports/security-pipe-api";
    let seen: Vec<_> = calls.iter().map(|call| (call.method, call.path.clone(), call.accept)).collect();
    assert_eq!(
        seen,
        [
            ("DELETE", path.to_owned(), Some(404)),
            ("PUT", path.to_owned(), None),
            ("POST", format!("{path}/annotations"), None),
        ]
    );
    assert_eq!(
        calls[1].body,
        Some(json!({
            "title": "Security (api)",
            "details": "FAILED 1 critical",
            "report_type": "SECURITY",
            "reporter": "security-pipe",
            "external_id": "security-pipe-api",
            "result": "FAILED",
            "data": [
                { "title": "Critical", "type": "NUMBER", "value": 2 },
                { "title": "Score", "type": "NUMBER", "value": 9.5 },
                { "title": "Time", "type": "DURATION", "value": 1500 },
                { "title": "Signed", "type": "BOOLEAN", "value": true },
                { "title": "Docs", "type": "LINK", "value": { "text": "here", "href": "https://x" } },
                { "title": "Mode", "type": "TEXT", "value": "block" },
            ],
            "link": "https://bitbucket.org/my-ws/app/pipelines/results/7",
        }))
    );
    assert_eq!(
        calls[2].body,
        Some(json!([{
            "external_id": "security-pipe-api-id-1",
            "annotation_type": "VULNERABILITY",
            "summary": "title 1: message 1",
            "severity": "CRITICAL",
            "result": "FAILED",
            "path": "src/a.rs",
            "line": 3,
        }]))
    );
}

fn posted(given: Vec<Annotation>) -> Vec<Value> {
    let calls = calls(&rendering(given, &[]), &ci());
    calls.iter().skip(2).flat_map(|call| call.body.as_ref().unwrap().as_array().unwrap().clone()).collect()
}

#[test]
fn the_limits_of_bitbucket_are_kept() {
    let many: Vec<Annotation> = (0..1234).map(|number| annotation(number, Level::Error)).collect();
    let facts = (0..20).map(|number| (number.to_string(), Fact::Number(1.0))).collect();
    let large = Rendering { facts, details: "d".repeat(5000), ..rendering(many, &[]) };
    let calls = calls(&large, &ci());
    assert_eq!(calls.len(), 12);
    assert!(calls.iter().skip(2).all(|call| call.body.as_ref().unwrap().as_array().unwrap().len() == 100));
    let report = calls[1].body.as_ref().unwrap();
    assert_eq!(report["data"].as_array().unwrap().len(), 10);
    let details = report["details"].as_str().unwrap();
    assert!(details.chars().count() <= 2000 && details.ends_with("1000 are annotated, 234 more are in the reports."));

    let long = Annotation { message: "ä".repeat(3000), ..annotation(1, Level::Error) };
    let annotation = posted(vec![long]).remove(0);
    assert_eq!(annotation["summary"].as_str().unwrap().chars().count(), 450);
    assert_eq!(annotation["details"].as_str().unwrap().chars().count(), 2000);
}

#[test]
fn ids_are_unique_and_words_are_those_of_bitbucket() {
    let long = |number: usize| Annotation { id: "x".repeat(300), ..annotation(number, Level::Error) };
    let mut given: Vec<Annotation> = (0..3).map(|_| annotation(1, Level::Error)).chain((0..3).map(long)).collect();
    given.push(Annotation { id: "a\nb".to_owned(), ..annotation(1, Level::Error) });
    let ids: HashSet<String> =
        posted(given).iter().map(|value| value["external_id"].as_str().unwrap().into()).collect();
    assert_eq!(ids.len(), 7);
    assert!(ids.contains("security-pipe-a_b"));

    let word = |severity, level| posted(vec![Annotation { severity, ..annotation(1, level) }])[0]["severity"].clone();
    assert_eq!(word("UNSCORED", Level::Error), "HIGH");
    assert_eq!(word("UNSCORED", Level::Warning), "MEDIUM");
    assert_eq!(word("INFO", Level::Notice), "LOW");
    let smell = Annotation {
        kind: Kind::CodeSmell,
        level: Level::Warning,
        path: None,
        link: Some("javascript:alert(1)".to_owned()),
        ..annotation(1, Level::Error)
    };
    let value = posted(vec![smell]).remove(0);
    assert_eq!((&value["annotation_type"], &value["result"]), (&json!("CODE_SMELL"), &json!("PASSED")));
    assert!(value.get("path").is_none() && value.get("line").is_none() && value.get("link").is_none());
}

#[test]
fn without_a_commit_there_is_nothing_to_report_on() {
    assert!(calls(&rendering(Vec::new(), &[]), &CiContext { commit: None, ..ci() }).is_empty());
}

#[test]
fn a_token_goes_to_bitbucket_only_and_the_proxy_is_asked_in_plain_http() {
    let proxied =
        CiContext { channels: Channels { proxies: vec!["http://p:1".into()], ..Channels::default() }, ..ci() };
    let call = calls(&rendering(Vec::new(), &[]), &proxied).remove(0);
    assert_eq!(Route::choose(&proxied, true), [Route::Token]);
    assert!(Route::Token.url(&call).starts_with("https://api.bitbucket.org/2.0/repositories/"));
    let routes = Route::choose(&proxied, false);
    assert_eq!(routes, [Route::Proxy("http://p:1".to_owned())]);
    assert!(routes[0].url(&call).starts_with("http://api.bitbucket.org/2.0/repositories/"));
}

#[test]
fn a_pipe_and_a_step_find_the_proxy_at_different_addresses() {
    let first = |vars: &[(&str, &str)]| {
        let env = |name: &str| {
            let all = vars.iter().chain(&[("BITBUCKET_BUILD_NUMBER", "1")]);
            all.clone().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        detect(&env, None).channels.proxies.swap_remove(0)
    };
    assert_eq!(first(&[]), "http://localhost:29418");
    let docker = ("DOCKER_HOST", "tcp://host.docker.internal:2375");
    assert_eq!(first(&[docker]), "http://host.docker.internal:29418");
    assert_eq!(first(&[docker, ("BITBUCKET_DOCKER_HOST_INTERNAL", "10.0.0.1")]), "http://10.0.0.1:29418");
}
