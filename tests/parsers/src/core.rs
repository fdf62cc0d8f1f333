//! The environment, the redactor, and the event file of GitHub.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use pipe_core::env::Vars;
use pipe_core::git::Remote;
use pipe_core::platform;
use pipe_core::redact::Redactor;
use pipe_core::redact::writer::RedactingWriter;

/// `NAME=value` by NUL, as in `/proc/self/environ`, read with the declarations of security-pipe.
pub(crate) fn env(data: &[u8]) -> bool {
    let variables = data.split(|byte| *byte == 0).map(|entry| {
        let (name, value) = entry.split_at(entry.iter().position(|byte| *byte == b'=').unwrap_or(entry.len()));
        let value = value.strip_prefix(b"=").unwrap_or(value);
        (OsString::from_vec(name.to_owned()), OsString::from_vec(value.to_owned()))
    });
    let nowhere = Path::new("/nonexistent");
    let vars = Vars::load(&security_pipe::SPEC, variables, nowhere, nowhere);
    let _ = (vars.effective(), vars.not_in_this_version(), vars.secrets().count());
    vars.problems().is_empty()
}

/// The first line is a secret. It must not be in what comes out, whether the text arrives whole or in pieces.
pub(crate) fn redactor(data: &[u8]) -> bool {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (secret, text) = data.split_at(end);
    let Some(secret) = super::text(secret) else { return false };
    let redactor = Redactor::new();
    redactor.add(secret);
    let whole = redactor.bytes(text).into_owned();
    let mut writer = RedactingWriter::new(redactor.clone(), Vec::new());
    for piece in text.chunks(7) {
        writer.write_all(piece).expect("a vector takes every byte");
    }
    let streamed = writer.finish().expect("a vector takes every byte");
    assert_eq!(whole, streamed, "the same text in pieces");
    // The mask can't take out what is in it, and an address alone is not a secret.
    let secret = secret.trim();
    let is_hidden = secret.len() >= pipe_core::redact::SHORT && !secret.contains('*') && !secret.starts_with("http");
    assert!(!is_hidden || !whole.windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret is left");
    whole != text
}

/// GitHub's `event.json`, read where a job has it; and what a remote's URL says.
pub(crate) fn events(data: &[u8]) -> bool {
    let mut file = tempfile::NamedTempFile::new_in(memory()).expect("a temporary file");
    file.write_all(data).expect("a temporary file");
    let path = file.path().to_str().expect("a plain path").to_owned();
    let mut read = false;
    for event in ["pull_request", "push", "workflow_run", "merge_group", "issue_comment"] {
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_EVENT_PATH", &path),
            ("GITHUB_REPOSITORY", "org/app"),
            ("GITHUB_REF", "refs/pull/1/merge"),
            ("GITHUB_SHA", "4f2c1aa0b1b2c3d4e5f60718293a4b5c6d7e8f90"),
        ];
        let env = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        read |=
            platform::detect(&env, None).pull_request.is_some_and(|pull_request| pull_request.head_commit.is_some());
    }
    if let Some(url) = super::text(data)
        && let Some(remote) = Remote::parse(url)
    {
        let _ = remote.web_url();
    }
    read
}

/// Where temporary files cost no disk.
pub(crate) fn memory() -> &'static Path {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared } else { Path::new("/tmp") }
}
