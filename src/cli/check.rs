//! `flagstaff check`: every problem of the flag files at once, before they are merged or served.

mod explain;
mod report;

use super::{input, output, parse, serve::FractionalGeneration};
use crate::{clock::now, report::chain, source::lists::Loaded};
use clap::{Args, ValueEnum};
use flagstaff_check::{Before, Lint, Linted};
use flagstaff_core::{Diagnostic, Format, Layer, Level, Lists};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{IsTerminal as _, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Flag files (.json, .yaml, .yml) and directories of them; - is standard input
    #[arg(value_name = "PATH", required_unless_present = "explain", value_parser = parse::source)]
    #[arg(env = "FLAGSTAFF_PATHS", value_delimiter = ',')]
    paths: Vec<PathBuf>,
    /// Fail over warnings too
    #[arg(long)]
    strict: bool,
    /// How problems are printed
    #[arg(long, default_value = "text", ignore_case = true)]
    format: Output,
    /// The flags before a change, a file or a directory: reports which users the change moves
    #[arg(long, value_name = "OLD", value_parser = parse::watched_source)]
    against: Option<PathBuf>,
    /// The day that lints take as today, or a moment such as 2027-01-31T09:00:00Z [default: now]
    #[arg(long, value_name = "DAY", value_parser = parse::day)]
    today: Option<i64>,
    /// Report only what is not served as it is written, without lints
    #[arg(long)]
    no_lints: bool,
    /// Explain a lint, with an example
    #[arg(long, value_name = "CODE", value_parser = explain::code)]
    explain: Option<&'static Lint>,
    /// A larger flag file is not read
    #[arg(long, env = "FLAGSTAFF_MAX_FILE_BYTES", default_value = "16MiB")]
    #[arg(value_parser = parse::bytes)]
    max_file_bytes: u64,
    /// Generation of the fractional operator in files that do not say one
    #[arg(long, env = "FLAGSTAFF_FRACTIONAL", default_value = "v2", ignore_case = true)]
    fractional: FractionalGeneration,
}

/// How problems are printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    /// A line each: file:line:column: level: path: message (help: …)
    Text,
    /// One object
    Json,
    /// Annotations of a GitHub pull request
    Github,
}

/// A file, and what is wrong with it.
struct Checked {
    path: PathBuf,
    flags: usize,
    problems: Vec<Diagnostic>,
    /// `None` if it could not be read.
    file: Option<CheckInput>,
}

/// What a file says, and the lists it names.
struct CheckInput {
    content: Vec<u8>,
    format: Format,
    lists: Lists,
    keys: BTreeSet<Box<str>>,
}

impl CheckArgs {
    /// The flag files, as named.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Prints every problem: 0 if there is no error, 1 if there is one.
    pub fn run(&self) -> ExitCode {
        if let Some(lint) = self.explain {
            return output::print(explain::text(lint), ExitCode::SUCCESS);
        }
        let mut files = Vec::new();
        for path in &self.paths {
            self.check(path, &mut files);
        }
        if !self.no_lints {
            self.lint(&mut files);
        }
        let report = match self.format {
            Output::Text if stdout().is_terminal() => {
                report::text(&files) + &report::next_step(&files).unwrap_or_default()
            }
            Output::Text => report::text(&files),
            Output::Json => report::as_json(&files),
            Output::Github => report::github(&files),
        };
        let worst = files.iter().flat_map(|file| &file.problems).map(|problem| problem.level).max();
        let limit = if self.strict { Level::Warning } else { Level::Error };
        let code = if worst >= Some(limit) { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        output::print(report, code)
    }

    /// Checks every file of one PATH.
    fn check(&self, path: &Path, files: &mut Vec<Checked>) {
        let listed = match input::files(path) {
            Ok(listed) => listed,
            Err(error) => return files.push(unreadable(path, &chain(&error))),
        };
        // Files of one directory should not define a flag twice: which one counts is easy to miss.
        let mut owners: BTreeMap<Box<str>, PathBuf> = BTreeMap::new();
        for path in listed {
            let (Loaded { content, lists }, format) = match input::load(&path, self.max_file_bytes)
            {
                Ok(loaded) => loaded,
                Err(error) => {
                    files.push(unreadable(&path, &chain(&error)));
                    continue;
                }
            };
            let generation = self.fractional.into();
            let compiled = flagstaff_core::compile_with(
                &lists,
                &content,
                format,
                generation,
                &Layer::default(),
            );
            let (layer, mut problems) = match compiled {
                Ok(compilation) => (compilation.layer, compilation.diagnostics),
                Err(problems) => (Layer::default(), problems),
            };
            problems.extend(flagstaff_check::run_tests(&content, format, &layer, Some(self.now())));
            let keys: BTreeSet<Box<str>> =
                layer.flags().map(|flag| flag.flag().key().into()).collect();
            let again = keys.iter().map(|key| &**key).filter(|key| owners.contains_key(*key));
            for (key, position) in flagstaff_core::positions_of(&content, format, &again.collect())
            {
                let owner =
                    owners.get(&key).map_or_else(String::new, |path| path.display().to_string());
                problems.push(Diagnostic::shadows(&key, &owner, position));
            }
            owners.extend(keys.iter().map(|key| (key.clone(), path.clone())));
            problems.sort_by_key(|problem| problem.position);
            let file = Some(CheckInput { content, format, lists, keys });
            files.push(Checked { path, flags: layer.flags().count(), problems, file });
        }
    }

    /// Adds what lints find.
    fn lint(&self, files: &mut Vec<Checked>) {
        let mut old = Vec::new();
        if let Some(path) = &self.against {
            self.check(path, &mut old);
        }
        let before: Vec<Linted<'_>> = old.iter().filter_map(|old| self.linted(old)).collect();
        let before = self.against.as_ref().map(|_| Before::read(&before));
        let gone = gone(before.as_ref(), &old, files);
        for (place, checked) in files.iter_mut().enumerate() {
            let problems = std::mem::take(&mut checked.problems);
            let gone: Vec<&str> =
                gone.iter().filter(|(_, at)| *at == place).map(|(key, _)| *key).collect();
            checked.problems = match self.linted(checked) {
                Some(linted) => {
                    Linted { before: before.as_ref(), gone: &gone, ..linted }.add_to(problems)
                }
                None => problems,
            };
        }
        files.extend(old.into_iter().filter_map(incomparable));
    }

    /// The moment to look from.
    fn now(&self) -> i64 {
        self.today.unwrap_or_else(now)
    }

    fn linted<'a>(&self, checked: &'a Checked) -> Option<Linted<'a>> {
        let file = checked.file.as_ref()?;
        Some(Linted {
            content: &file.content,
            format: file.format,
            lists: &file.lists,
            fallback: self.fractional.into(),
            now: self.now(),
            before: None,
            gone: &[],
        })
    }
}

/// An old file that nothing can be held against, with what to tell of it.
fn incomparable(mut old: Checked) -> Option<Checked> {
    match &old.file {
        None => Some(old),
        // A file that is new was empty before.
        Some(file) if file.content.is_empty() || old.flags > 0 || old.problems.is_empty() => None,
        Some(_) => {
            let (message, help) =
                ("has nothing to compare with", "nothing of it could be served as it was");
            old.problems =
                vec![Diagnostic { level: Level::Note, ..Diagnostic::of_file(message, help) }];
            Some(old)
        }
    }
}

/// The flags that were before and are in no file now, each with the file to tell it of: the one
/// of the same name, or else the first.
fn gone<'a>(
    before: Option<&'a Before>,
    old: &[Checked],
    files: &[Checked],
) -> Vec<(&'a str, usize)> {
    let read: Vec<&Checked> = old.iter().filter(|old| old.file.is_some()).collect();
    let keys: BTreeSet<&str> = files
        .iter()
        .filter_map(|checked| checked.file.as_ref())
        .flat_map(|file| file.keys.iter().map(|key| &**key))
        .collect();
    let flags = before.into_iter().flat_map(Before::flags);
    let home = |file: usize| {
        let name = read.get(file).and_then(|old| old.path.file_name());
        files.iter().position(|new| new.path.file_name() == name).unwrap_or_default()
    };
    flags.filter(|(key, _)| !keys.contains(key)).map(|(key, file)| (key, home(file))).collect()
}

fn unreadable(path: &Path, why: &str) -> Checked {
    let problem = Diagnostic::of_file(why, "nothing in it can be served until it can be read");
    Checked { path: path.to_path_buf(), flags: 0, problems: vec![problem], file: None }
}
