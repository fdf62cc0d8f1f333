//! Bringing a message out, and what came of it.

use std::fmt;
use std::time::{Duration, Instant};

pub(crate) use pipe_core::http::Response;
use pipe_core::http::{Client, HttpError, Kind};

use crate::http::Call;
use crate::state::State;

/// What channels deliver with.
pub(crate) struct Post {
    pub(crate) client: Client,
    /// How often anything is tried at most: RETRIES and once. The client keeps to it by itself.
    pub(crate) attempts: u32,
    /// When everything has to have been delivered.
    pub(crate) deadline: Instant,
    pub(crate) state: State,
}

/// What a service says about a message that it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// By which the message can be updated or answered: an output of the pipe, e.g. `slack_message`.
    pub(crate) output: Option<(&'static str, String)>,
    /// What was left out or done differently, each a fragment.
    pub(crate) remarks: Vec<String>,
}

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// The service, or we, said no: it stays so until somebody changes something.
    Refused(String),
    /// Nobody could be reached, or they had trouble; it may be different tomorrow.
    Outage(String),
    /// This channel has nothing to say about this message.
    Skipped(String),
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undelivered::Refused(why) | Undelivered::Outage(why) => f.write_str(why),
            Undelivered::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

impl Post {
    /// Sends a call, again and again as its answers allow and the deadline lasts.
    pub(crate) async fn send(&self, call: Call) -> Result<Response, Undelivered> {
        let request = call.request().total_timeout(self.remaining());
        self.client.send(request).await.map_err(|error| Undelivered::from(&error))
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl From<&HttpError> for Undelivered {
    fn from(error: &HttpError) -> Undelivered {
        let text = match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        match error.kind() {
            Kind::Status { status: 408 | 425 | 429 | 500..=599, .. }
            | Kind::Timeout
            | Kind::Connect
            | Kind::Cancelled => Undelivered::Outage(text),
            // What is not trusted, not allowed or not understood today won't be tomorrow.
            Kind::Status { .. } | Kind::Tls | Kind::Proxy | Kind::TooLarge | Kind::Other => Undelivered::Refused(text),
        }
    }
}
