//! How long to wait before the next attempt.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderValue;

/// No wait of our own choice is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(20);

/// Somewhere between nothing and a limit that doubles with each attempt (from 1): "full jitter", which spreads many
/// clients that failed at the same moment best. backon adds its jitter on top of the full delay, hence our own.
pub(super) fn backoff(first: Duration, attempt: u32) -> Duration {
    let limit = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(MAX_BACKOFF);
    limit.mul_f64(fastrand::f64())
}

/// What a `Retry-After` header asks for (RFC 9110 10.2.3): seconds, or a date, where one in the past is no wait.
pub(super) fn after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is still a number, and longer than anybody waits.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}
