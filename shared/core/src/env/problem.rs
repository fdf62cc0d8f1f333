//! What is wrong with a variable.

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable as the user typed it, with its value if that is not secret: `SEVERITY="hihg"`.
    pub variable: String,
    /// What was expected.
    pub message: String,
}
