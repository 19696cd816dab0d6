//! Why the sidecar stopped, other than being told to.

use crate::server::listener::BindError;
use metrics_exporter_prometheus::BuildError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("cannot take over SIGTERM, SIGINT and SIGHUP")]
    Signals(#[source] std::io::Error),
    #[error("cannot start the threads that answer")]
    Threads(#[source] std::io::Error),
    #[error("cannot set up metrics")]
    Metrics(#[source] BuildError),
    #[error("cannot set up reflection")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("a task that the sidecar cannot do without has ended")]
    TaskEnded,
    #[error("stopped by {0} before the drain was over")]
    Interrupted(&'static str),
}
