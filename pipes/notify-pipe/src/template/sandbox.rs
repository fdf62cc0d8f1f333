//! Rendering in a separate process, which is this program again, with limits of time and memory that the kernel holds.
//!
//! A template can double a value in every step: `x + x` and `[x, x]` make no copy, and what walks the result (printing,
//! comparing, `tojson`, another `+`) takes time and memory without end inside of one instruction, or overflows the stack.
//! No thread could be stopped there, and its memory would be the pipe's.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// What an exhausted limit is called, whichever it is.
pub(super) const TOO_MUCH: &str = "the template does too much work. Simplify its loops and lists";

/// The only argument of the process that renders.
const ARGUMENT: &str = "--render-template";

/// Seconds of CPU for a whole rendering, which takes milliseconds.
const CPU: u64 = 1;
/// How long a rendering may take by the clock. On a busy machine, a second of CPU takes several.
pub(super) const TIME: Duration = Duration::from_secs(10);
/// Bytes of memory for data. A large message needs a tenth of it.
const MEMORY: u64 = 64 << 20;
/// Bytes of a result. No service takes more.
const MAX_RESULT: u64 = 4 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Rendered(String),
    Failed(String),
}

/// Waits for the result as long as `limit`.
///
/// # Errors
/// What the template does wrong, as a fragment.
pub(super) fn render(order: &impl Serialize, limit: Duration) -> Result<String, String> {
    let order = serde_json::to_vec(order).map_err(|error| format!("failed to pass its values: {error}"))?;
    let mut child = start().map_err(|error| format!("failed to start this program for it: {error}. Mount /proc"))?;
    let reply = exchange(&mut child, order, limit);
    // It has ended, or nothing it could still say counts.
    let _ = child.kill();
    let _ = child.wait();
    match reply.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(Reply::Rendered(text)) => Ok(text),
        Some(Reply::Failed(why)) => Err(why),
        None => Err(TOO_MUCH.to_owned()),
    }
}

fn start() -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Everything that the child writes until it ends, if it does in time.
fn exchange(child: &mut Child, order: Vec<u8>, limit: Duration) -> Option<Vec<u8>> {
    let (mut stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
    let (sender, receiver) = mpsc::channel();
    // Both threads end with the child, whose ends of the pipes are then closed.
    thread::spawn(move || stdin.write_all(&order));
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(2 * MAX_RESULT).read_to_end(&mut bytes);
        sender.send(read.map(|_| bytes))
    });
    receiver.recv_timeout(limit).ok()?.ok()
}

/// Does what stands on standard input, if this process was started for that.
pub(super) fn renderer(obey: impl FnOnce(std::io::StdinLock<'_>) -> Result<String, String>) -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|argument| argument != ARGUMENT) || arguments.next().is_some() {
        return None;
    }
    let limit = |resource, most: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|error| error.to_string())
    };
    let limited = limit(Resource::Data, MEMORY).and_then(|()| limit(Resource::Cpu, CPU));
    let reply = match limited.and_then(|()| obey(std::io::stdin().lock())) {
        Ok(text) if text.len() as u64 <= MAX_RESULT => Reply::Rendered(text),
        Ok(_) => Reply::Failed(TOO_MUCH.to_owned()),
        Err(why) => Reply::Failed(why),
    };
    let written = serde_json::to_writer(std::io::stdout().lock(), &reply);
    Some(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
