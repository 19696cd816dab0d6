//! Log lines: JSON when nobody watches, text on a terminal, on standard error.

use crate::log_writer::{LogWriter, LostLines};
use clap::ValueEnum;
use flagstaff_core::diagnostic::terminal::{Printable, printable_json};
use std::io::{IsTerminal, stderr};
use tokio_util::sync::CancellationToken;
use tracing::{Event, Level, Subscriber, level_filters::LevelFilter};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    Layer,
    field::RecordFields,
    filter::Targets,
    fmt::{
        self, FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
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

/// Lines that may wait for a reader who stalls; more are lost, and counted.
const MAX_WAITING: usize = 1024;

/// Lines for people, as they are: no level, no fields.
pub(crate) const PLAIN: &str = "plain";

/// The log while it is written.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) audience: Audience,
    /// Counts the lines that were lost.
    pub(crate) lost: LostLines,
    /// Cancelled if standard error was a terminal, and a write found that terminal gone.
    pub(crate) terminal_gone: CancellationToken,
    /// Writes what waits when it goes, unless nobody reads.
    _guard: WorkerGuard,
}

/// Starts writing log lines.
///
/// A thread of its own writes them: whoever logs must not wait for a reader who stalls. A closed
/// standard error must not end the sidecar either: the line is lost, and nothing else.
pub(crate) fn start(format: LogFormat, level: LogLevel) -> Log {
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
    let (to, failed) = LogWriter::new(stderr());
    let terminal_gone = to.terminal_gone();
    let waiting = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(MAX_WAITING);
    let (writer, guard) = waiting.thread_name("log").finish(to);
    let lost = failed.beside(writer.error_counter());
    // Ours: the HTTP stack writes a debug line for every frame.
    let ours = Targets::new().with_default(Level::WARN).with_target("flagstaff", level);
    let lines = || {
        let lines = fmt::layer().fmt_fields(PrintableFields).with_writer(writer.clone());
        lines.with_target(false).log_internal_errors(false)
    };
    let plain = lines().compact().without_time().with_level(false).with_ansi(false);
    let plain = plain.with_filter(Targets::new().with_target(PLAIN, level)).boxed();
    let lines = if text {
        lines().compact().without_time().with_ansi(stderr().is_terminal()).boxed()
    } else {
        lines().json().map_event_format(PrintableJson).boxed()
    };
    let lines = lines.with_filter(ours.with_target(PLAIN, LevelFilter::OFF)).boxed();
    tracing_subscriber::registry().with(vec![lines, plain]).init();
    let audience = if text { Audience::Person } else { Audience::Machine };
    Log { audience, lost, terminal_gone, _guard: guard }
}

/// Writes the fields of a text line so that none of them begins another line or steers a terminal.
struct PrintableFields;

impl<'w> FormatFields<'w> for PrintableFields {
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'w>, fields: R) -> std::fmt::Result {
        let mut text = String::new();
        let plain = Writer::new(&mut text);
        DefaultFields::new().format_fields(plain, fields)?;
        write!(line, "{}", Printable(text))
    }
}

/// Writes a JSON line that steers no terminal, such as that of `kubectl logs`.
struct PrintableJson<F>(F);

impl<S, N, F> FormatEvent<S, N> for PrintableJson<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut json = String::new();
        self.0.format_event(context, Writer::new(&mut json), event)?;
        line.write_str(&printable_json(&json))
    }
}
