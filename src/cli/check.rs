//! `flagstaff check`: every problem of the flag files at once, before they are merged or served.

use super::{parse, serve::Fractional};
use crate::{
    clock::now,
    flag::{self, Diagnostic, Format, Layer, Level},
    source::{listing, lists::Loaded},
    telemetry::report::chain,
};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{Write, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Flag files (.json, .yaml, .yml) and directories of them
    #[arg(value_name = "PATH", required = true, value_parser = parse::source)]
    #[arg(env = "FLAGSTAFF_PATHS", value_delimiter = ',')]
    paths: Vec<PathBuf>,
    /// Fail over warnings too
    #[arg(long)]
    strict: bool,
    /// How problems are printed
    #[arg(long, default_value = "text")]
    format: Output,
    /// A larger flag file is not read
    #[arg(long, env = "FLAGSTAFF_MAX_FILE_BYTES", default_value = "16MiB")]
    #[arg(value_parser = parse::bytes)]
    max_file_bytes: u64,
    /// Generation of the fractional operator in files that do not say one
    #[arg(long, env = "FLAGSTAFF_FRACTIONAL", default_value = "v2")]
    fractional: Fractional,
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
}

impl CheckArgs {
    /// Prints every problem: 0 if there is no error, 1 if there is one.
    pub fn run(&self) -> ExitCode {
        let mut files = Vec::new();
        for path in &self.paths {
            self.check(path, &mut files);
        }
        let report = match self.format {
            Output::Text => text(&files),
            Output::Json => format!("{:#}\n", as_json(&files)),
            Output::Github => github(&files),
        };
        // Whoever closed the pipe does not want the rest.
        stdout().write_all(report.as_bytes()).unwrap_or_default();
        let worst = files.iter().flat_map(|file| &file.problems).map(|problem| problem.level).max();
        let limit = if self.strict { Level::Warning } else { Level::Error };
        if worst >= Some(limit) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Checks every file of one PATH.
    fn check(&self, path: &Path, files: &mut Vec<Checked>) {
        let listed = match listing::files(path) {
            Ok(listed) => listed,
            Err(error) => return files.push(unreadable(path, &chain(&error))),
        };
        // Files of one directory should not define a flag twice: which one counts is easy to miss.
        let mut owners: BTreeMap<Box<str>, PathBuf> = BTreeMap::new();
        for path in listed {
            let Loaded { content, lists } = match Loaded::read(&path, self.max_file_bytes) {
                Ok(loaded) => loaded,
                Err(error) => {
                    files.push(unreadable(&path, &chain(&error)));
                    continue;
                }
            };
            let format = Format::of(&path);
            let generation = self.fractional.into();
            let compiled =
                flag::compile_with(&lists, &content, format, generation, &Layer::default());
            let (layer, mut problems) = match compiled {
                Ok(compilation) => (compilation.layer, compilation.diagnostics),
                Err(problems) => (Layer::default(), problems),
            };
            problems.extend(flag::run_tests(&content, format, &layer, now()));
            let keys = || layer.flags().map(|flag| flag.flag().key());
            let again: BTreeSet<&str> = keys().filter(|key| owners.contains_key(*key)).collect();
            for (key, position) in flag::positions_of(&content, format, &again) {
                let owner =
                    owners.get(&key).map_or_else(String::new, |path| path.display().to_string());
                problems.push(Diagnostic::shadows(&key, &owner, position));
            }
            owners.extend(keys().map(|key| (key.into(), path.clone())));
            problems.sort_by_key(|problem| problem.position);
            files.push(Checked { path, flags: layer.flags().count(), problems });
        }
    }
}

fn unreadable(path: &Path, why: &str) -> Checked {
    let problem = Diagnostic::of_file(why, "nothing in it can be served until it can be read");
    Checked { path: path.to_path_buf(), flags: 0, problems: vec![problem] }
}

fn count(files: &[Checked], level: Level) -> usize {
    let problems = files.iter().flat_map(|file| &file.problems);
    problems.filter(|problem| problem.level == level).count()
}

fn text(files: &[Checked]) -> String {
    let mut text = String::new();
    for file in files {
        for problem in &file.problems {
            // Writing to a string cannot fail.
            writeln!(text, "{}:{problem}", file.path.display()).unwrap_or_default();
        }
    }
    text + &summary(files) + "\n"
}

/// `2 files, 24 flags: 1 error, 2 warnings`
fn summary(files: &[Checked]) -> String {
    let some = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let found: Vec<_> = [Level::Error, Level::Warning, Level::Note]
        .map(|level| (count(files, level), level))
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, level)| some(count, level.as_str()))
        .collect();
    let found = if found.is_empty() { "no problems".to_owned() } else { found.join(", ") };
    let flags = files.iter().map(|file| file.flags).sum();
    format!("{}, {}: {found}", some(files.len(), "file"), some(flags, "flag"))
}

fn as_json(files: &[Checked]) -> Json {
    let diagnostic = |problem: &Diagnostic| {
        json!({
            "level": problem.level.as_str(),
            "line": problem.position.line,
            "column": problem.position.column,
            "path": problem.path.to_string(),
            "message": problem.message,
            "help": problem.help,
        })
    };
    let file = |file: &Checked| {
        let diagnostics: Vec<_> = file.problems.iter().map(diagnostic).collect();
        let path = file.path.display().to_string();
        json!({"path": path, "flags": file.flags, "diagnostics": diagnostics})
    };
    json!({
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "errors": count(files, Level::Error),
        "warnings": count(files, Level::Warning),
        "notes": count(files, Level::Note),
    })
}

/// Workflow commands, as GitHub documents them
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
fn github(files: &[Checked]) -> String {
    // Line breaks have their own escapes; other control characters could steer a terminal.
    let escaped = |char: char| match char {
        '%' => "%25".to_owned(),
        '\r' => "%0D".to_owned(),
        '\n' => "%0A".to_owned(),
        control if control.is_control() => control.escape_default().to_string(),
        char => char.to_string(),
    };
    let data = |text: &str| text.chars().map(escaped).collect::<String>();
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for file in files {
        for Diagnostic { level, position, path, message, help } in &file.problems {
            let level = if *level == Level::Note { "notice" } else { level.as_str() };
            writeln!(
                text,
                "::{level} file={},line={},col={},title={}::{} ({})",
                property(&file.path.display().to_string()),
                position.line,
                position.column,
                property(&path.to_string()),
                data(message),
                data(help),
            )
            .unwrap_or_default();
        }
    }
    text + &summary(files) + "\n"
}
