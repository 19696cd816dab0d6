//! The command line: exactly what the user typed or set in the environment, checked before
//! anything happens.

pub mod eval;
pub mod parse;
pub mod serve;

use clap::{Parser, Subcommand};

/// A feature-flag sidecar: watches a flag file, answers over gRPC on localhost, streams updates.
#[derive(Debug, Parser)]
#[command(name = "flagstaff", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve flags to clients on this machine
    Serve(serve::ServeArgs),
    /// Evaluate one flag offline, exactly as `serve` would
    Eval(eval::EvalArgs),
}
