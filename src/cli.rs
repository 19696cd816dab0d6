//! The command line: exactly what the user typed or set in the environment, checked before
//! anything happens.

pub mod check;
pub mod eval;
pub mod export;
pub mod health;
mod input;
pub mod management_client;
pub mod overriding;
pub mod parse;
pub mod serve;

use crate::flag::terminal::Printable;
use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use parse::Port;

/// A feature-flag sidecar: watches flag files, answers over gRPC on localhost, streams updates.
#[derive(Debug, Parser)]
#[command(name = "flagstaff", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line; exits with 2 if it is wrong.
    pub fn read() -> Self {
        let mut command = Self::command();
        let matches = command.clone().try_get_matches().unwrap_or_else(|mut error| {
            spell_out(&mut error);
            error.exit()
        });
        let typed_link = matches.subcommand_matches("serve").is_some_and(|serve| {
            ["port", "sync_port", "ofrep_port", "management_port"].into_iter().any(|port| {
                serve.value_source(port) == Some(ValueSource::CommandLine)
                    && serve.get_one(port) == Some(&Port::ServiceLink)
            })
        });
        if typed_link {
            let message = "a port is a number or off; only the environment may hold a service link";
            command.error(ErrorKind::ValueValidation, message).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
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
    /// Name every problem of flag files, before they are served
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
