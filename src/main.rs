//! The `flagstaff` program.
#![forbid(unsafe_code)]

use flagstaff::cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Exits with 2 on a wrong command line, before anything is bound.
    let command = match Cli::read() {
        Ok(cli) => cli.command,
        Err(code) => return code,
    };
    match command {
        Command::Serve(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Eval(args) => args.run(),
        Command::Export(args) => args.run(),
        Command::Override(what) => what.run(),
        Command::Health(args) => args.run(),
    }
}
