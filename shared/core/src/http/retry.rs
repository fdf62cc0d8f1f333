//! Whether another attempt may help, and how long to wait for it.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderValue;

/// No wait of our own choice is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(20);

/// When a request may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It would end the same way.
    Never,
    /// The server may have acted on it.
    IfIdempotent,
    /// The server did not act on it.
    Always,
}

/// When a request that got this status is sent again within one run. Narrower than [`may_pass`]: 501 and the like last.
pub(super) fn repeat(status: u16) -> Repeat {
    match status {
        429 | 503 => Repeat::Always,
        408 | 500 | 502 | 504 => Repeat::IfIdempotent,
        _ => Repeat::Never,
    }
}

/// Whether a status is about the moment and not about the request: the same request may succeed later. Too late, too
/// early, too many, or a fault of the server (RFC 9110 15.5.9 and 15.6, RFC 8470, RFC 6585).
pub fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// Somewhere between nothing and a limit that doubles with each attempt (from 1): "full jitter", which spreads many
/// clients that failed at the same moment best. backon adds its jitter on top of the full delay, hence our own.
pub(super) fn backoff(first: Duration, attempt: u32) -> Duration {
    let limit = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(MAX_BACKOFF);
    limit.mul_f64(fastrand::f64())
}

/// What a `Retry-After` header asks for (RFC 9110 10.2.3): seconds, or a date. A date in the past means no wait.
pub(super) fn after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is still a number, and longer than any deadline.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}
