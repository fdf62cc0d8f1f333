//! The files that GitHub's runner reads after a step: job summary and outputs.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A larger summary is dropped as a whole; bytes, all that the step writes together.
const MAX_SUMMARY: usize = 1024 * 1024;
const CUT: &str = "\n\n_The rest did not fit into the job summary: see the reports._\n";

/// Appends Markdown to the file of `GITHUB_STEP_SUMMARY`, cut at a line where it would be too long.
///
/// # Errors
/// The file can't be written.
pub fn append_summary(path: &Path, markdown: &str) -> io::Result<()> {
    let mut file = open(path)?;
    let used = usize::try_from(file.seek(SeekFrom::End(0))?).unwrap_or(usize::MAX);
    let text = fit(markdown, MAX_SUMMARY.saturating_sub(used));
    file.write_all(text.as_bytes())
}

/// Appends outputs to the file of `GITHUB_OUTPUT`, by name. A value may have several lines: it is put between lines of
/// a random delimiter that it does not contain, so that no value can add an output.
///
/// # Errors
/// The file can't be written, or a name is not made of letters, digits and `_`; then nothing is written.
pub fn append_outputs(path: &Path, outputs: &[(String, String)]) -> io::Result<()> {
    let mut text = String::new();
    for (name, value) in outputs {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is not the name of an output")));
        }
        let delimiter = delimiter(value);
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    let mut file = open(path)?;
    // Another writer may have left its last line unfinished.
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.insert(0, '\n');
        }
    }
    file.write_all(text.as_bytes())
}

fn open(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// What fits into `room` bytes, in whole lines, with a note if that is not all.
fn fit(markdown: &str, room: usize) -> String {
    let mut text = markdown.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if text.len() <= room {
        return text;
    }
    let Some(room) = room.checked_sub(CUT.len()) else { return String::new() };
    let mut kept = 0;
    for line in text.split_inclusive('\n') {
        if kept + line.len() > room {
            break;
        }
        kept += line.len();
    }
    text.truncate(kept);
    text.push_str(CUT);
    text
}

fn delimiter(value: &str) -> String {
    loop {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
        let delimiter = format!("pipewright_{random}");
        if !value.contains(&delimiter) {
            return delimiter;
        }
    }
}

#[cfg(test)]
mod tests;
