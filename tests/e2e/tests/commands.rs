//! Text from outside gives no CI a command: of a server, of a file's name, of a branch, in every pipe and on every platform.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use pipewright_harness::{Keys, MemoryRegistry, Outcome, Pipe, Reply, Repo, Server};

/// How CIs write commands: anywhere in a line, and `::` at its beginning.
const COMMANDS: &str =
    "##vso[task.setvariable variable=x]y ##[add-mask]z ##teamcity[x] ##octopus[x] \n::set-output name=x::y";

const PLATFORMS: [&[(&str, &str)]; 4] = [
    &[],
    &[("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/heads/main")],
    &[("GITLAB_CI", "true"), ("CI_COMMIT_REF_NAME", "main")],
    &[("TEAMCITY_VERSION", "2025.1")],
];

#[track_caller]
fn gives_none(outcome: &Outcome, from: &str) {
    for line in outcome.output().lines() {
        let given = ["##vso[", "##[", "##teamcity[", "##octopus["].iter().any(|command| line.contains(command));
        assert!(!given && !line.trim_start().starts_with("::set-output"), "{from}: {line}");
    }
}

/// A name that a file can have.
fn name(command: &str) -> String {
    command.replace(['\n', '/'], "_")
}

#[test]
fn security_pipe_gives_none() {
    for platform in PLATFORMS {
        let command = COMMANDS;
        let repo = Repo::new();
        repo.write(&format!("{}.py", name(command)), "password = \"Xq7Lw2Rt9VbKd83hfPz5\"\n").commit("first");
        let run = || Pipe::new("security-pipe", repo.path()).envs(platform).env("SCA_SCAN", "false");
        gives_none(&run().env("FAIL_ON_SECRETS", "true").run().expect(1), "the name of a file");
        gives_none(&run().env("PIPEWRIGHT_BRANCH", command).run(), "a branch");
        gives_none(&run().env("SCAN_PATHS", command).run(), "a path that is not there");
    }
}

#[test]
fn sign_pipe_gives_none() {
    let keys = Keys::new();
    for platform in PLATFORMS {
        let command = COMMANDS;
        let body = serde_json::json!({ "errors": [{ "code": "x", "message": command }] }).to_string();
        let registry = MemoryRegistry::with(true, move |_| Some(Reply::json(403, body.clone())));
        let repo = Repo::new();
        repo.write(&name(command), "text").commit("first");
        let run = || {
            let pipe = Pipe::new("sign-pipe", repo.path()).envs(platform).env("COSIGN_PRIVATE_KEY", &keys.private);
            pipe.env("ATTEST_PROVENANCE", "false").env("RETRIES", "0")
        };
        let image = format!("{}/app:1", registry.host());
        gives_none(&run().env("IMAGE", &image).run().expect(3), "the answer of a registry");
        gives_none(&run().env("FILES", name(command)).run(), "the name of a file");
        gives_none(&run().env("FILES", "x").env("SBOM_FILE", command).run().expect(2), "a file that is not there");
        gives_none(&run().env("FILES", name(command)).env("PIPEWRIGHT_BRANCH", command).run(), "a branch");
    }
}

#[test]
fn notify_pipe_gives_none() {
    for platform in PLATFORMS {
        let command = COMMANDS;
        let server = Server::start(move |_| Reply::Send(400, Vec::new(), command.as_bytes().to_vec()));
        let repo = Repo::new();
        repo.write("file.txt", "text").commit("first");
        let run = || {
            let pipe = Pipe::new("notify-pipe", repo.path()).envs(platform).env("RETRIES", "0");
            pipe.env("SLACK_WEBHOOK_URL", format!("{}/services/x", server.url())).env("STATUS", "success")
        };
        gives_none(&run().env("FAIL_ON_ERROR", "true").run().expect(1), "the answer of a service");
        gives_none(&run().env("PIPEWRIGHT_BRANCH", command).env("TITLE", command).run(), "a branch and a title");
        gives_none(&run().env("LOG_FILE", name(command)).env("ATTACH_LOGS", "true").run(), "the name of a file");
    }
}
