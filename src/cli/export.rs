//! `flagstaff export`: what is served, as one file that any flagd reads.

use super::{input, output, parse, serve::FractionalGeneration};
use crate::{files::listing::FileKind, report::chain, source::lists::Loaded};
use clap::Args;
use flagstaff_core::{
    Diagnostic, Level,
    diagnostic::terminal::{Printable, printable_json},
};
use std::{
    io::{Write, stderr},
    path::PathBuf,
    process::ExitCode,
};

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Flag file (.json, .yaml, .yml); - is standard input
    #[arg(value_name = "PATH", value_parser = parse::source)]
    path: PathBuf,
    /// A larger flag file is not read
    #[arg(long, env = "FLAGSTAFF_MAX_FILE_BYTES", default_value = "16MiB")]
    #[arg(value_parser = parse::bytes)]
    max_file_bytes: u64,
    /// Generation of the fractional operator in files that do not say one
    #[arg(long, env = "FLAGSTAFF_FRACTIONAL", default_value = "v2", ignore_case = true)]
    fractional: FractionalGeneration,
}

impl ExportArgs {
    /// Prints the definitions: 0 if all of the file is in them, 1 if an error kept anything out.
    pub fn run(&self) -> ExitCode {
        let (json, problems) = match self.export() {
            Ok((json, problems)) => (format!("{}\n", printable_json(&json)), problems),
            Err(problems) => (String::new(), problems),
        };
        for problem in problems.iter().filter(|problem| problem.level > Level::Note) {
            let line = format!("{}:{problem}", self.path.display());
            writeln!(stderr(), "{}", Printable(line)).unwrap_or_default();
        }
        let is_whole = problems.iter().all(|problem| problem.level < Level::Error);
        let code = if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        output::print(json, code)
    }

    fn export(&self) -> Result<(String, Vec<Diagnostic>), Vec<Diagnostic>> {
        let unreadable = |why: String| vec![Diagnostic::of_file(why, "name a flag file")];
        if !input::is_stdin(&self.path) && FileKind::of(&self.path) == FileKind::Directory {
            return Err(unreadable("is a directory: export one file at a time".to_owned()));
        }
        let (Loaded { content, lists }, format) = input::load(&self.path, self.max_file_bytes)
            .map_err(|error| unreadable(chain(&error)))?;
        flagstaff_check::export(&lists, &content, format, self.fractional.into())
    }
}
