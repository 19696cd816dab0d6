//! Log lines: JSON when nobody watches, text on a terminal, on standard error.

use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing::Level;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// How log lines look (`--log-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least important lines that are written (`--log-level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What stops the sidecar.
    Error,
    /// What somebody should mend.
    Warn,
    /// What an operator did, or must know.
    Info,
    /// What happens to connections.
    Debug,
}

/// Whether people read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Somebody at a terminal.
    Person,
    /// A log collector.
    Machine,
}

/// Starts writing log lines.
pub(crate) fn start(format: LogFormat, level: LogLevel) -> Audience {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let text = match format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => stderr().is_terminal(),
    };
    // Ours: the HTTP stack writes a debug line for every frame.
    let ours = Targets::new().with_default(Level::WARN).with_target("flagstaff", level);
    // A closed standard error must not end the sidecar: the line is lost, and nothing else.
    let lines = fmt::layer().with_writer(stderr).with_target(false).log_internal_errors(false);
    let lines = if text {
        lines.compact().without_time().with_ansi(stderr().is_terminal()).boxed()
    } else {
        lines.json().boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
    if text { Audience::Person } else { Audience::Machine }
}
