//! Dockerfiles whose last stage runs as root.

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::severity::Severity;

use super::{Input, Scan, Scanner};
use crate::finding::{Finding, Kind, Location, Precision, Remedy, Rule, Span, Status, fingerprint};
use crate::ledger::Reason;
use crate::vars::DOCKERFILE_SCAN;

/// Bytes; a larger file is not a Dockerfile that a person wrote.
const MAX_DOCKERFILE: u64 = 1024 * 1024;

pub(super) fn from_vars(vars: &mut Vars, _: &Context) -> Option<Arc<dyn Scanner>> {
    vars.flag(&DOCKERFILE_SCAN).then(|| Arc::new(RunsAsRoot) as Arc<dyn Scanner>)
}

struct RunsAsRoot;

impl Scanner for RunsAsRoot {
    fn name(&self) -> &'static str {
        "dockerfile"
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let rule = Arc::new(Rule {
            id: "dockerfile-root".to_owned(),
            ids: Vec::new(),
            name: "RunsAsRoot".into(),
            title: "The image runs as root".to_owned(),
            explanation: Some("A process that breaks out of the container has the rights of root.".into()),
            link: Some("https://docs.docker.com/reference/dockerfile/#user".to_owned()),
            tags: vec!["container".into()],
            precision: Precision::High,
        });
        let mut scan = Scan::default();
        let source = input.source.as_ref();
        for entry in source.entries().iter().filter(|entry| entry.path.ends_with("Dockerfile")) {
            let Some(bytes) = source.open(entry, MAX_DOCKERFILE)? else {
                input.ledger.leave_out(self.name(), Reason::TooLarge, &entry.path, "larger than 1 MiB");
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            let Some(stage) = (1..).zip(text.lines()).filter(|(_, line)| line.starts_with("FROM ")).last() else {
                continue;
            };
            if text.lines().skip(stage.0).any(|line| line.starts_with("USER ")) {
                continue;
            }
            scan.findings.push(Finding {
                scanner: self.name(),
                rule: Arc::clone(&rule),
                kind: Kind::Misconfiguration,
                severity: Some(Severity::High),
                severity_source: "rule dockerfile-root".to_owned(),
                location: Location {
                    path: entry.path.clone(),
                    span: Span::line(stage.0 as u32),
                    container: source.container(),
                },
                remedy: |_| Remedy {
                    brief: "fix: add USER 65532".into(),
                    clause: "add USER 65532 to its last stage".into(),
                    text: "Add a line USER 65532 to the last stage of the Dockerfile.".into(),
                    command: None,
                },
                fingerprint: fingerprint(&["dockerfile", "dockerfile-root", &entry.path]),
                inline_allow: None,
                status: Status::New,
                gated: None,
            });
        }
        scan.detail = "Dockerfiles".to_owned();
        Ok(scan)
    }
}
