//! Variables for later steps, in the file of `BITBUCKET_PIPELINES_VARIABLES_PATH`.
//!
//! Lines are `KEY=value` without quotes. Whether that file is parsed or sourced by a shell is not documented, so only
//! values that mean the same to both are written: letters, digits and `_ . / : @ % + , = -`. With any other value
//! (`$(...)` or a backtick in a branch name, a space, a line break) the variable is left out and named in the result.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::super::rendering::{self, Rendering};

/// Bytes for all variables of a pipeline together; what was written by other steps can't be seen.
const MAX_FILE: u64 = 100 * 1024;
/// Variables of a pipeline.
const MAX_VARIABLES: usize = 50;

/// Appends the outputs as `SECURITY_PIPE_CRITICAL=2` and gives the names of those that can't be passed on.
///
/// # Errors
/// The file can't be written.
pub fn append(path: &Path, rendering: &Rendering) -> io::Result<Vec<String>> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let used = file.seek(SeekFrom::End(0))?;
    let (text, left_out) = lines(rendering, MAX_FILE.saturating_sub(used));
    file.write_all(text.as_bytes())?;
    Ok(left_out)
}

fn lines(rendering: &Rendering, mut room: u64) -> (String, Vec<String>) {
    let (mut text, mut left_out) = (String::new(), Vec::new());
    for (count, (name, value)) in rendering::variables(rendering).enumerate() {
        let line = format!("{name}={value}\n");
        match room.checked_sub(line.len() as u64) {
            Some(rest) if count < MAX_VARIABLES && is_plain(value) => {
                room = rest;
                text.push_str(&line);
            }
            _ => left_out.push(name),
        }
    }
    (text, left_out)
}

fn is_plain(value: &str) -> bool {
    // A shell expands `~` and assigns nothing else specially at the start of a value.
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@%+,=-".contains(&byte))
}

#[cfg(test)]
mod tests;
