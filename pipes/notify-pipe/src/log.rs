//! The end of a log that goes along with the message.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::fs::reason;
use pipe_core::spec::{Kind, Var};
use pipe_core::workspace::Workspace;

use crate::message::Log;
use crate::text::{Return, without_controls};

pub(crate) const ATTACH_LOGS: Var =
    Var::flag("ATTACH_LOGS", "Sends the end of LOG_FILE.").or("sends no log").unset("it is true if LOG_FILE is set");
pub(crate) const LOG_FILE: Var = Var::path(
    "LOG_FILE",
    "A log whose last lines are sent, with the secrets of this run hidden. A pipe cannot read the log of the step it runs in.",
)
.unset("no log is sent")
.example("build.log");
pub(crate) const LOG_LINES: Var = Var::new(
    "LOG_LINES",
    Kind::Integer { min: 1, max: 10_000 },
    "Sends this many lines of LOG_FILE, or fewer if the service takes less.",
)
.default("100");

/// Bytes at the end of a log that are looked at.
const MAX_TAIL: u64 = 512 * 1024;

/// Which log, and how much of it.
#[derive(Debug)]
pub(crate) struct LogOptions {
    path: PathBuf,
    lines: usize,
}

impl LogOptions {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<LogOptions> {
        let attach = vars.maybe_flag(&ATTACH_LOGS);
        let lines = usize::try_from(vars.integer(&LOG_LINES).unwrap_or(100)).unwrap_or(100);
        let Some(file) = vars.path(&LOG_FILE) else {
            if attach == Some(true) {
                vars.notice("ATTACH_LOGS has no effect without LOG_FILE; a pipe cannot read the log of the step it runs in. Set LOG_FILE");
            }
            return None;
        };
        match Workspace::inside(&ctx.workspace.root, &ctx.workspace.dir, &file) {
            Ok(path) if !path.exists() => {
                vars.problem(&LOG_FILE, "expected a file that exists");
                None
            }
            Ok(path) => (attach != Some(false)).then_some(LogOptions { path, lines }),
            Err(problem) => {
                vars.problem(&LOG_FILE, problem);
                None
            }
        }
    }

    /// # Errors
    /// It can't be read.
    pub(crate) fn read(&self) -> Result<Log, String> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = tail(&self.path)
            .map_err(|error| format!("failed to read {name}: {}. Set LOG_FILE to a readable file", reason(&error)))?;
        let text = without_controls(&String::from_utf8_lossy(&bytes), Return::Overwrites);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let start = end.saturating_sub(self.lines);
        Ok(Log { name, text: lines[start..end].join("\n") })
    }
}

/// The last bytes of a regular file, from the beginning of a line on.
fn tail(path: &PathBuf) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut file = File::open(path)?;
    let start = file.seek(SeekFrom::End(0))?.saturating_sub(MAX_TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(MAX_TAIL).read_to_end(&mut bytes)?;
    if start > 0
        && let Some(line_end) = bytes.iter().position(|byte| *byte == b'\n')
    {
        bytes.drain(..=line_end);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{LogOptions, MAX_TAIL};

    #[test]
    fn the_last_lines_are_read_whatever_the_size() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("build.log");
        let text: String = (0..100_000).map(|n| format!("line {n}\r\n")).collect();
        assert!(text.len() as u64 > MAX_TAIL);
        std::fs::write(&path, text + "\n\n").unwrap();
        let log = LogOptions { path: path.clone(), lines: 3 }.read().unwrap();
        assert_eq!((log.name.as_str(), log.text.as_str()), ("build.log", "line 99997\nline 99998\nline 99999"));
        std::fs::write(&path, b"\xff\xfe only").unwrap();
        assert!(LogOptions { path, lines: 3 }.read().unwrap().text.ends_with("only"));
        assert!(LogOptions { path: dir.path().to_owned(), lines: 1 }.read().is_err());
    }
}
