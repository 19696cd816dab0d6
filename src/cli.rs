//! The command line: exactly what the user typed or set in the environment, checked before
//! anything happens.

pub mod check;
pub mod eval;
pub mod export;
pub mod health;
mod input;
pub mod management_client;
mod output;
pub mod overriding;
pub mod parse;
pub mod serve;

use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use flagstaff_core::diagnostic::terminal::Printable;
use parse::Port;
use std::{
    io::{Write, stdout},
    process::ExitCode,
};

/// The exit code of a wrong command line.
const WRONG_USAGE: u8 = 2;

/// A feature-flag sidecar: watches flag files, answers over gRPC on localhost, streams updates.
#[derive(Debug, Parser)]
#[command(name = "flagstaff", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line. Otherwise the program ends with this exit code: 0 after `--help` and
    /// `--version`, 1 if their text cannot be written, 2 if the command line is wrong.
    pub fn read() -> Result<Self, ExitCode> {
        Self::parse_arguments().map_err(|error| {
            // Errors go to standard error, and their exit code is enough of a report.
            let is_error = error.use_stderr();
            let code = ExitCode::from(if is_error { WRONG_USAGE } else { 0 });
            let written = error.print().and_then(|()| stdout().flush());
            if is_error { code } else { output::finish(written, code) }
        })
    }

    fn parse_arguments() -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.clone().try_get_matches().map_err(|mut error| {
            spell_out(&mut error);
            error
        })?;
        let typed_link = matches.subcommand_matches("serve").is_some_and(|serve| {
            ["port", "sync_port", "ofrep_port", "management_port"].into_iter().any(|port| {
                serve.value_source(port) == Some(ValueSource::CommandLine)
                    && serve.get_one(port) == Some(&Port::ServiceLink)
            })
        });
        if typed_link {
            let message = "a port is a number or off; only the environment may hold a service link";
            return Err(command.error(ErrorKind::ValueValidation, message));
        }
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        let paths = match &cli.command {
            Command::Check(args) => args.paths(),
            Command::Eval(args) => args.paths(),
            _ => &[],
        };
        if paths.iter().filter(|path| input::is_stdin(path)).count() > 1 {
            let message = "standard input can be read only once; name - once";
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

/// Makes what an error quotes of the command line safe to print. Usage is ours.
fn spell_out(error: &mut clap::Error) {
    let styled = |text: &StyledStr| StyledStr::from(Printable(text).to_string());
    let safe: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter(|(kind, _)| *kind != ContextKind::Usage)
        .filter_map(|(kind, value)| {
            let safe = match value {
                ContextValue::String(text) => ContextValue::String(Printable(text).to_string()),
                ContextValue::Strings(texts) => ContextValue::Strings(
                    texts.iter().map(|text| Printable(text).to_string()).collect(),
                ),
                ContextValue::StyledStr(text) => ContextValue::StyledStr(styled(text)),
                ContextValue::StyledStrs(texts) => {
                    ContextValue::StyledStrs(texts.iter().map(styled).collect())
                }
                _ => return None,
            };
            Some((kind, safe))
        })
        .collect();
    for (kind, value) in safe {
        error.insert(kind, value);
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve flags to clients on this machine
    Serve(serve::ServeArgs),
    /// Report every problem in flag files before they are served
    Check(check::CheckArgs),
    /// Evaluate one flag offline, exactly as `serve` would
    Eval(eval::EvalArgs),
    /// Print a flag file as flagd's definitions, exactly as `serve` takes them
    Export(export::ExportArgs),
    /// Serve one variant of a flag to everyone for a while, whatever the files say
    #[command(subcommand)]
    Override(overriding::Overriding),
    /// Ask a running sidecar whether it is ready: exit code 0, or 1
    Health(health::HealthArgs),
}
