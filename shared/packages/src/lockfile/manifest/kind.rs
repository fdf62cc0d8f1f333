//! What a manifest asks of its lockfile.

/// A manifest that asks for at least one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose manifest it is, as a person says it: `Poetry`, `npm`.
    pub kind: &'static str,
    /// Names of lockfiles, any of which is enough; empty where the tool has none.
    pub satisfied_by: &'static [&'static str],
    /// Whether a lockfile in a folder above, up to the scan's root, may be the one if it names this folder: workspaces
    /// have one for all.
    pub inherits: bool,
    /// What it calls its package, if the tool's lockfile knows members by their names.
    pub name: Option<String>,
}

/// The lockfiles of Python, of which any tool may be in use.
pub(super) const PYTHON: &[&str] =
    &["requirements.txt", "poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "pixi.lock"];
