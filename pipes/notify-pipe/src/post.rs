//! Sending a message, and what came of it.

use std::fmt;
use std::time::{Duration, Instant};

pub(crate) use pipe_core::http::Response;
use pipe_core::http::{Client, HttpError, Kind, Request, may_pass};

use crate::state::State;

/// How long the body of an answer is read whose status is all that matters. What services say there comes at once.
const MAX_GLANCE: Duration = Duration::from_secs(1);

/// What channels deliver with.
pub(crate) struct Post {
    pub(crate) client: Client,
    /// How often anything is tried at most: RETRIES and once. The HTTP client counts its own.
    pub(crate) attempts: u32,
    /// When everything has to have been delivered.
    pub(crate) deadline: Instant,
    pub(crate) state: State,
    /// A token of the CI's platform that may not write is treated like one that is missing: ON_MISSING_SECRET.
    pub(crate) may_lack_rights: bool,
}

/// What a service says about a message that it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// By which the message can be updated or answered: an output of the pipe, e.g. `slack_message`.
    pub(crate) output: Option<(&'static str, String)>,
    /// What was left out or done differently, each a fragment.
    pub(crate) remarks: Vec<String>,
}

/// Why a message did not arrive, as a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// The service, or we, said no: it stays so until a person changes something.
    Refused(String),
    /// The service does not let this token do it (403).
    Forbidden(String),
    /// No server responded, or it reported trouble. It may be different tomorrow.
    Unreachable(String),
    /// This channel has nothing to send for this message.
    Skipped(String),
}

impl Undelivered {
    /// As the report carries it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Undelivered::Refused(_) | Undelivered::Forbidden(_) => "refused",
            Undelivered::Unreachable(_) => "unreachable",
            Undelivered::Skipped(_) => "skipped",
        }
    }

    pub(crate) fn reason(&self) -> &str {
        match self {
            Undelivered::Refused(why)
            | Undelivered::Forbidden(why)
            | Undelivered::Unreachable(why)
            | Undelivered::Skipped(why) => why,
        }
    }

    /// The same with another reason.
    pub(crate) fn map(self, change: impl FnOnce(String) -> String) -> Undelivered {
        match self {
            Undelivered::Refused(why) => Undelivered::Refused(change(why)),
            Undelivered::Forbidden(why) => Undelivered::Forbidden(change(why)),
            Undelivered::Unreachable(why) => Undelivered::Unreachable(change(why)),
            Undelivered::Skipped(why) => Undelivered::Skipped(change(why)),
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undelivered::Refused(why) | Undelivered::Forbidden(why) | Undelivered::Unreachable(why) => f.write_str(why),
            Undelivered::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

impl Post {
    /// Sends a request, again and again as its answers allow and the deadline lasts.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, Undelivered> {
        let request = request.total_timeout(self.remaining());
        self.client.send(request).await.map_err(|error| Undelivered::from(&error))
    }

    /// [`Post::send`] for a service whose status says all: an answer of 2xx is a delivery, however its body goes on.
    pub(crate) async fn deliver(&self, request: Request) -> Result<Response, Undelivered> {
        self.send(request.glance(MAX_GLANCE.min(self.remaining() / 4))).await
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl From<&HttpError> for Undelivered {
    fn from(error: &HttpError) -> Undelivered {
        let text = error.explain();
        match error.kind() {
            Kind::Status { status: 403, .. } => Undelivered::Forbidden(text),
            Kind::Status { status, .. } if may_pass(*status) => Undelivered::Unreachable(text),
            Kind::Timeout | Kind::Connect | Kind::Cancelled => Undelivered::Unreachable(text),
            // What is not trusted, not allowed or not understood today is not tomorrow either.
            Kind::Status { .. } | Kind::UnknownHost | Kind::Tls | Kind::Proxy | Kind::TooLarge | Kind::Other => {
                Undelivered::Refused(text)
            }
        }
    }
}
