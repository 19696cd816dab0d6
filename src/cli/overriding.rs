//! `flagstaff override`: sets, lists and clears local decisions that are above all files.
//!
//! They are files in a directory that the sidecar watches; its `/status` says what it makes of
//! them. Works as another user, in another container of the same pod.

mod clear;
mod list;
mod set;
mod sidecar;

use super::{
    management_client::{Address, AskError, address},
    output,
};
use crate::report::chain;
use clap::{Args, Subcommand};
use flagstaff_core::diagnostic::terminal::Printable;
use sidecar::Status;
use std::{
    io::{self, Write, stderr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tokio::runtime::Builder;

/// How long the sidecar is given to see what was written.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to do with overrides.
#[derive(Debug, Subcommand)]
pub enum Overriding {
    /// Serve one variant of a flag to everyone, for a while
    Set(set::SetArgs),
    /// Show the overrides, and whether the sidecar serves each
    List(ListArgs),
    /// End an override: the flag follows its files again
    Clear(clear::ClearArgs),
}

/// Options of `override list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: OverridesLocation,
}

/// Where overrides are, and who serves them.
#[derive(Debug, Args)]
struct OverridesLocation {
    /// Directory of the overrides [default: the one that the sidecar watches]
    #[arg(long, value_name = "DIR", env = "FLAGSTAFF_OVERRIDES")]
    overrides: Option<PathBuf>,
    /// Host and port of the sidecar's management port
    #[arg(long, value_name = "HOST:PORT", env = "FLAGSTAFF_MANAGEMENT")]
    #[arg(default_value = "localhost:8014", value_parser = address)]
    address: Address,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum OverrideError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("{address} has no /status that can be read: is it a sidecar of this version?")]
    Status { address: Address, source: serde_json::Error },
    #[error("the sidecar on {address} has no /status (HTTP {code}): is it of this version?")]
    NoStatus { address: Address, code: u16 },
    #[error(
        "the sidecar on {address} takes no overrides; start it with `flagstaff serve --overrides DIR`"
    )]
    NotTaken { address: Address },
    #[error("cannot tell where the overrides are (--overrides names their directory)")]
    Nowhere(#[source] AskError),
    #[error("no flag \"{flag}\" is served; {help}")]
    NoFlag { flag: String, help: String },
    #[error("flag \"{flag}\" has no variant \"{variant}\"; {help}")]
    NoVariant { flag: String, variant: String, help: String },
    #[error("cannot write an override in {}{}", .directory.display(), help(source))]
    Write { directory: PathBuf, source: io::Error },
    #[error("cannot read the overrides in {}", .directory.display())]
    Read { directory: PathBuf, source: io::Error },
    #[error("cannot remove the override in {}{}", .directory.display(), help(source))]
    Remove { directory: PathBuf, source: io::Error },
    #[error("there is no override of \"{flag}\" in {}; {help}", .directory.display())]
    NotSet { flag: String, directory: PathBuf, help: String },
    #[error(
        "written, but not served within {PATIENCE:?} (`flagstaff override clear` undoes it): {why}"
    )]
    NotServed { why: String },
    #[error("removed, but still served after {PATIENCE:?}: {why}")]
    StillServed { why: String },
    #[error("cannot start")]
    Runtime(#[source] io::Error),
}

fn help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => " (this user must be allowed to write there)",
        _ => "",
    }
}

impl Overriding {
    /// Does it, and prints what was done: 0 if the sidecar serves it, 1 otherwise.
    pub fn run(&self) -> ExitCode {
        let done = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(OverrideError::Runtime)
            .and_then(|runtime| {
                let done = runtime.block_on(self.act());
                // A look-up of a name may still be on its way.
                runtime.shutdown_background();
                done
            });
        match done {
            Ok(said) => output::print_lines(&self.with_address(said), ExitCode::SUCCESS),
            Err(error) => {
                let why = self.with_address(chain(&error));
                writeln!(stderr(), "error: {}", Printable(why)).unwrap_or_default();
                ExitCode::FAILURE
            }
        }
    }

    /// A text that names the sidecar that was asked: of many, it may be another than was meant.
    fn with_address(&self, text: String) -> String {
        let address = match self {
            Self::Set(args) => args.address(),
            Self::List(args) => &args.place.address,
            Self::Clear(args) => args.address(),
        }
        .to_string();
        match (text.contains(&address), self) {
            (true, _) => text,
            (false, Self::List(_)) => format!("{text}\nasked the sidecar on {address}"),
            (false, _) => format!("{text} (asked the sidecar on {address})"),
        }
    }

    async fn act(&self) -> Result<String, OverrideError> {
        match self {
            Self::Set(args) => args.set().await,
            Self::List(args) => list::list(&args.place).await,
            Self::Clear(args) => args.clear().await,
        }
    }
}

impl OverridesLocation {
    /// The directory and, if it answers, what the sidecar says. A directory must be known.
    async fn find(&self) -> Result<(PathBuf, Result<Status, OverrideError>), OverrideError> {
        match (self.overrides.clone(), Status::ask(&self.address).await) {
            (Some(directory), asked) => Ok((directory, asked)),
            (None, Ok(status)) => Ok((status.directory(&self.address)?, Ok(status))),
            (None, Err(OverrideError::Ask(error))) => Err(OverrideError::Nowhere(error)),
            (None, Err(error)) => Err(error),
        }
    }
}
