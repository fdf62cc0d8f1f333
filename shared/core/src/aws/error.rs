//! What can go wrong between us and AWS.

/// A request that AWS refused, or that could not be made. No text holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// AWS said no: `AccessDeniedException: ...`
    #[error("AWS {service}: {reason}")]
    Refused {
        /// `kms`, `sts`, `ecr`.
        service: &'static str,
        /// What AWS says, on one line.
        reason: String,
    },
    /// No answer that says yes or no.
    #[error("AWS {service}: {why}")]
    Unavailable {
        /// `kms`, `sts`, `ecr`, or where credentials come from.
        service: &'static str,
        /// What happened, on one line.
        why: String,
    },
}
