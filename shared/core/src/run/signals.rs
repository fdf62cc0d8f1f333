//! The signals a CI cancels with. A container's first process has no default handlers, so these are ours.

use tokio::signal::unix::{self, SignalKind};

use crate::exit::Signal;

/// SIGINT and SIGTERM from the moment of [`Signals::install`].
pub(super) struct Signals {
    interrupt: Option<unix::Signal>,
    terminate: Option<unix::Signal>,
}

impl Signals {
    pub(super) fn install() -> Signals {
        Signals {
            interrupt: unix::signal(SignalKind::interrupt()).ok(),
            terminate: unix::signal(SignalKind::terminate()).ok(),
        }
    }

    /// The next signal. Never, if no handler could be installed.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = received(&mut self.interrupt) => Signal::Interrupt,
            () = received(&mut self.terminate) => Signal::Terminate,
        }
    }
}

async fn received(signal: &mut Option<unix::Signal>) {
    let arrived = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if arrived.is_none() {
        std::future::pending::<()>().await;
    }
}
