//! A bot's messages: posted, updated, answered in their thread, with people looked up and a log as a file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Pipe, Reply, Repo, Request, Server};
use serde_json::{Value, json};

/// Slack's API as far as a message needs it; `refuse` has a method and the error it answers with.
fn slack_api(refuse: Option<(&'static str, &'static str)>) -> Server {
    Server::start(move |request| {
        let method = request.path.trim_start_matches("/api/");
        if let Some((refused, error)) = refuse
            && refused == method
        {
            return Reply::json(200, json!({ "ok": false, "error": error, "needed": "chat:write" }).to_string());
        }
        let host = request.header("host").unwrap_or_default();
        let answer = match method {
            "chat.postMessage" | "chat.update" => json!({ "ok": true, "channel": "C0OPS", "ts": "1700.001" }),
            "users.lookupByEmail" => json!({ "ok": true, "user": { "id": "U0AUTHOR" } }),
            "files.getUploadURLExternal" => {
                json!({ "ok": true, "file_id": "F1", "upload_url": format!("http://{host}/upload/v1/placeplaceplaceplace") })
            }
            "files.completeUploadExternal" => json!({ "ok": true }),
            _ => return Reply::Send(200, Vec::new(), b"OK".to_vec()),
        };
        Reply::json(200, answer.to_string())
    })
}

fn bot(repo: &Repo, server: &Server) -> Pipe {
    notify(repo)
        .env("SLACK_BOT_TOKEN", "xoxb-token-of-the-bot")
        .env("SLACK_CHANNEL", "#ops")
        .env("SLACK_API_URL", format!("{}/api", server.url()))
        .env("STATUS", "success")
}

fn calls(server: &Server, method: &str) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.path == format!("/api/{method}")).collect()
}

#[test]
fn ok_false_with_200_is_no_delivery() {
    let repo = repo();
    let outcome = bot(&repo, &slack_api(Some(("chat.postMessage", "channel_not_found")))).run().expect(1);
    assert!(outcome.stdout.contains("chat.postMessage: channel_not_found"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("slack #ops not delivered (refused)"), "{}", outcome.stdout);
    let outcome = bot(&repo, &slack_api(Some(("chat.postMessage", "missing_scope")))).run().expect(1);
    assert!(outcome.stdout.contains("the token lacks chat:write"), "{}", outcome.stdout);
    // Their trouble, not ours.
    let outcome = bot(&repo, &slack_api(Some(("chat.postMessage", "internal_error")))).run().expect(0);
    assert!(outcome.stdout.contains("not delivered (unreachable)"), "{}", outcome.stdout);
}

#[test]
fn one_message_is_updated_and_threaded_through_a_pipeline() {
    let (repo, server) = (repo(), slack_api(None));
    let shared = tempfile::tempdir().unwrap();
    let step = |status: &str, run: &str| {
        bot(&repo, &server)
            .envs(BITBUCKET)
            .env("BITBUCKET_PIPELINE_UUID", run)
            .env("BITBUCKET_PIPE_SHARED_STORAGE_DIR", shared.path())
            .env("STATUS", status)
            .run()
            .expect(0)
    };
    step("info", "{1}");
    assert_eq!((calls(&server, "chat.postMessage").len(), calls(&server, "chat.update").len()), (1, 0));
    step("success", "{1}");
    let update = body(&calls(&server, "chat.update")[0]);
    assert_eq!((&update["channel"], &update["ts"]), (&json!("C0OPS"), &json!("1700.001")));
    assert!(update["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("✅"), "{update}");
    let reply = body(&calls(&server, "chat.postMessage")[1]);
    assert_eq!(reply["thread_ts"], "1700.001");
    // Another pipeline has its own message.
    step("success", "{2}");
    assert_eq!((calls(&server, "chat.postMessage").len(), calls(&server, "chat.update").len()), (3, 1));
}

#[test]
fn on_github_the_message_goes_from_step_to_step_by_an_output() {
    let (repo, server) = (repo(), slack_api(None));
    let outputs = repo.join("outputs");
    let github = |run: Pipe| run.env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", &outputs).run().expect(0);
    github(bot(&repo, &server));
    let written = std::fs::read_to_string(&outputs).unwrap();
    assert!(written.contains("slack_message") && written.contains("C0OPS:1700.001"), "{written}");
    github(bot(&repo, &server).env("SLACK_MESSAGE", "C0OPS:1700.001"));
    assert_eq!(body(&calls(&server, "chat.update")[0])["ts"], "1700.001");
}

#[test]
fn a_message_that_is_gone_is_written_anew() {
    let repo = repo();
    let server = slack_api(Some(("chat.update", "message_not_found")));
    let outcome = bot(&repo, &server).env("SLACK_MESSAGE", "C0OPS:1.2").run().expect(0);
    assert_eq!(calls(&server, "chat.postMessage").len(), 1);
    assert!(outcome.stdout.contains("message_not_found"), "{}", outcome.stdout);
}

#[test]
fn the_author_is_looked_up_and_the_log_uploaded_into_the_thread() {
    let (repo, server) = (repo(), slack_api(None));
    repo.write("build.log", "first\nlast line\n");
    let outcome = bot(&repo, &server).env("MENTION_USERS", "author").env("LOG_FILE", "build.log").run().expect(0);
    assert!(outcome.stdout.contains("delivered"), "{}", outcome.stdout);
    let look_up = &calls(&server, "users.lookupByEmail")[0];
    assert_eq!(String::from_utf8_lossy(&look_up.body), "email=author%40example.com");
    assert_eq!(look_up.header("authorization"), Some("Bearer xoxb-token-of-the-bot"));
    let posted: Value = body(&calls(&server, "chat.postMessage")[0]);
    assert!(posted.to_string().contains(r#""user_id":"U0AUTHOR""#), "{posted}");
    let upload = server.requests().into_iter().find(|request| request.path.starts_with("/upload")).unwrap();
    assert_eq!(String::from_utf8_lossy(&upload.body), "first\nlast line");
    assert_eq!(upload.header("authorization"), None, "the token is for the API alone");
    let complete = body(&calls(&server, "files.completeUploadExternal")[0]);
    assert_eq!((&complete["channel_id"], &complete["thread_ts"]), (&json!("C0OPS"), &json!("1700.001")));
}

#[test]
fn a_failure_beside_the_message_is_reported_and_loses_nothing() {
    let repo = repo();
    repo.write("build.log", "line\n");
    let server = slack_api(Some(("users.lookupByEmail", "users_not_found")));
    let outcome = bot(&repo, &server).env("MENTION_USERS", "author").run().expect(0);
    assert!(outcome.stdout.contains("Author was not mentioned: users.lookupByEmail: users_not_found"), "{outcome:?}");
    let server = slack_api(Some(("files.getUploadURLExternal", "missing_scope")));
    let outcome = bot(&repo, &server).env("LOG_FILE", "build.log").run().expect(0);
    assert!(outcome.stdout.contains("build.log was not uploaded"), "{}", outcome.stdout);
}

#[test]
fn the_token_is_nowhere_to_be_seen_and_a_bot_needs_a_channel() {
    let (repo, server) = (repo(), slack_api(None));
    let outcome = bot(&repo, &server).env("DEBUG", "true").run().expect(0);
    assert!(!everything(&outcome).contains("xoxb-token"), "{outcome:?}");
    let outcome = notify(&repo).env("SLACK_BOT_TOKEN", "xoxb-token-of-the-bot").run().expect(2);
    assert!(outcome.stderr.contains("SLACK_CHANNEL: required with SLACK_BOT_TOKEN"), "{}", outcome.stderr);
    let outcome = bot(&repo, &server).env("SLACK_MESSAGE", "nonsense").run().expect(2);
    assert!(outcome.stderr.contains("SLACK_MESSAGE"), "{}", outcome.stderr);
}
