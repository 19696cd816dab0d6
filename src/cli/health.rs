//! `flagstaff health`: a readiness probe for images that have nothing but the program.

use super::{
    management_client::{Address, address},
    output,
};
use crate::report::chain;
use clap::Args;
use flagstaff_core::diagnostic::terminal::Printable;
use std::{
    io::{Write, stderr},
    process::ExitCode,
};
use tokio::runtime::Builder;

/// Options of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Host and port of the sidecar's management port
    #[arg(long, value_name = "HOST:PORT", env = "FLAGSTAFF_MANAGEMENT")]
    #[arg(default_value = "localhost:8014", value_parser = address)]
    address: Address,
}

impl HealthArgs {
    /// Prints what the sidecar says of itself: 0 if it is ready, 1 if it is not or does not answer.
    pub fn run(&self) -> ExitCode {
        let asked = Builder::new_current_thread().enable_all().build().map(|runtime| {
            let answer = runtime.block_on(self.address.get("/readyz"));
            runtime.shutdown_background();
            answer
        });
        let failed = match asked {
            Ok(Ok(answer)) => {
                let is_ready = answer.status == 200;
                let code = if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE };
                return output::print_lines(&String::from_utf8_lossy(&answer.body), code);
            }
            Ok(Err(error)) => chain(&error),
            Err(error) => chain(&error),
        };
        writeln!(stderr(), "not ready: {}", Printable(failed)).unwrap_or_default();
        ExitCode::FAILURE
    }
}
