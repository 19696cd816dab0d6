//! What `check` found, for people, for programs and for a pull request.

use super::{super::input, Checked};
use flagstaff_core::{
    Diagnostic, Level,
    diagnostic::terminal::{Printable, printable_json, shell_word},
};
use serde_json::json;
use std::{fmt::Write as _, os::unix::ffi::OsStrExt};

/// A command line with more files is not printed.
const MOST_SERVED: usize = 5;

fn count(files: &[Checked], level: Level) -> usize {
    let problems = files.iter().flat_map(|file| &file.problems);
    problems.filter(|problem| problem.level == level).count()
}

pub(super) fn text(files: &[Checked]) -> String {
    let mut text = String::new();
    for file in files {
        for problem in &file.problems {
            // Writing to a string cannot fail.
            let path = file.path.display();
            writeln!(text, "{}", Printable(format_args!("{path}:{problem}"))).unwrap_or_default();
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

/// What to do next, for a person at a terminal: mend the first error, read about the first lint, or
/// serve the files.
pub(super) fn next_step(files: &[Checked]) -> Option<String> {
    let problems = || files.iter().flat_map(|file| file.problems.iter().map(move |of| (file, of)));
    let worst = problems().map(|(_, problem)| problem.level).max();
    let next = match worst {
        Some(level @ (Level::Error | Level::Warning)) => {
            let first = problems().find(|(_, problem)| problem.level == level);
            let (file, problem) = first?;
            match problem.code {
                Some(code) => format!("flagstaff check --explain {code}"),
                None => format!("mend {}:{} first", file.path.display(), problem.position),
            }
        }
        Some(Level::Note) | None => {
            let served = files.iter().filter(|file| !input::is_stdin(&file.path));
            let paths: Vec<_> =
                served.map(|file| shell_word(file.path.as_os_str().as_bytes())).collect();
            if paths.is_empty() || paths.len() > MOST_SERVED {
                return None;
            }
            format!("flagstaff serve {}", paths.join(" "))
        }
    };
    Some(format!("next: {}\n", Printable(next)))
}

pub(super) fn as_json(files: &[Checked]) -> String {
    let diagnostic = |problem: &Diagnostic| {
        let mut told = json!({
            "level": problem.level.as_str(),
            "line": problem.position.line,
            "column": problem.position.column,
            "path": problem.path.to_string(),
            "message": problem.message,
            "help": problem.help,
        });
        if let (Some(code), Some(told)) = (problem.code, told.as_object_mut()) {
            told.insert("code".to_owned(), code.into());
        }
        told
    };
    let file = |file: &Checked| {
        let diagnostics: Vec<_> = file.problems.iter().map(diagnostic).collect();
        let path = file.path.display().to_string();
        json!({"path": path, "flags": file.flags, "diagnostics": diagnostics})
    };
    let report = json!({
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "errors": count(files, Level::Error),
        "warnings": count(files, Level::Warning),
        "notes": count(files, Level::Note),
    });
    format!("{}\n", printable_json(&format!("{report:#}")))
}

/// Workflow commands, as GitHub documents them
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
pub(super) fn github(files: &[Checked]) -> String {
    // Line breaks are data, and have escapes of their own.
    let line = |text: &str| Printable(text).to_string().replace('%', "%25");
    let data = |text: &str| {
        let text = text.replace("\r\n", "\n");
        text.split('\n').map(line).collect::<Vec<_>>().join("%0A")
    };
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for file in files {
        for problem in &file.problems {
            let Diagnostic { level, position, path, message, help, .. } = problem;
            let level = if *level == Level::Note { "notice" } else { level.as_str() };
            let title = match problem.code {
                Some(code) => format!("{code}: {path}"),
                None => path.to_string(),
            };
            writeln!(
                text,
                "::{level} file={},line={},col={},title={}::{} ({})",
                property(&file.path.display().to_string()),
                position.line,
                position.column,
                property(&title),
                data(message),
                data(help),
            )
            .unwrap_or_default();
        }
    }
    text + &summary(files) + "\n"
}
