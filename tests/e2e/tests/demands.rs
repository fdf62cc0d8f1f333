//! The variables that can only make a verdict stricter: which they are, and which of them others read as well.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;

use pipe_core::spec::{Spec, Var};
use pipewright_harness::stricter::{OF_SECURITY, OF_SIGN};
use pipewright_harness::{Pipe, Repo};

/// notify-pipe has FAIL_ON_ERROR, which every run that sends applies.
static PIPES: [(&Spec, &[(&str, &str)]); 3] =
    [(&security_pipe::SPEC, OF_SECURITY), (&notify_pipe::SPEC, &[]), (&sign_pipe::SPEC, OF_SIGN)];

/// Names that pipes before this one read, and cosign.
const OF_OTHER_TOOLS: [&str; 2] = ["FAIL_ON_", "COSIGN_"];

fn own(spec: &'static Spec) -> impl Iterator<Item = &'static Var> {
    spec.groups.iter().flat_map(|group| group.vars).copied()
}

fn names(var: &'static Var) -> impl Iterator<Item = &'static str> {
    std::iter::once(var.name).chain(var.aliases.iter().copied())
}

/// For the bare name of such a variable, a warning is enough. For every other one that has no effect, the run exits with 2.
#[test]
fn a_demand_is_shared_if_another_pipe_or_tool_reads_its_name() {
    for (spec, demands) in PIPES {
        let others = PIPES.iter().map(|(other, _)| *other).filter(|other| other.name != spec.name);
        let others: BTreeSet<&str> = others.flat_map(own).flat_map(names).collect();
        let known: BTreeSet<&str> = own(spec).map(|var| var.name).collect();
        for (name, _) in demands {
            assert!(known.contains(name), "{} does not declare {name}", spec.name);
        }
        for var in own(spec) {
            let demand = demands.iter().any(|(name, _)| *name == var.name);
            let read = names(var)
                .any(|name| others.contains(name) || OF_OTHER_TOOLS.iter().any(|prefix| name.starts_with(prefix)));
            assert_eq!(var.shared, demand && read, "{}: {}", spec.name, var.name);
        }
    }
}

#[test]
fn a_message_that_has_to_arrive_and_does_not_fails_the_run_in_every_mode() {
    let modes: [&[(&str, &str)]; 6] = [
        &[],
        &[("CHANNELS", "slack")],
        &[("EVENT", "deployment"), ("ENVIRONMENT", "prod")],
        &[("NOTIFY_ON", "failure"), ("STATUS", "failure")],
        &[("TEMPLATE", "{{ title }}")],
        &[("TEAMS_WEBHOOK_URL", "http://127.0.0.1:1/y"), ("CHANNELS", "slack,teams")],
    ];
    for mode in modes {
        for name in ["FAIL_ON_ERROR", "INPUT_FAIL_ON_ERROR", "PIPEWRIGHT_FAIL_ON_ERROR"] {
            let repo = Repo::new();
            let pipe = Pipe::new("notify-pipe", repo.path()).env("SLACK_WEBHOOK_URL", "http://127.0.0.1:1/x");
            pipe.env("RETRIES", "0").envs(mode).env(name, "true").run().expect(1);
        }
    }
}
