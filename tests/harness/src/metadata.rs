//! What cargo knows about this workspace.

use std::process::Command;

use serde_json::Value;

use crate::checkout::root;

/// `cargo metadata` with every dependency that this platform needs: nothing else is there after a build.
pub fn metadata() -> Value {
    read(&["--locked", "--filter-platform=host-tuple"])
}

/// The crates of this workspace alone, which takes a tenth of the time.
pub(crate) fn members() -> Value {
    read(&["--no-deps"])
}

fn read(options: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline"])
        .args(options)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
