//! `flagstaff check --explain CODE`: what is behind a lint.

use flagstaff_check::{ExampleContext, LINTS, Lint, lint_named};
use flagstaff_core::suggest;
use std::fmt::Write as _;

/// A lint by its code.
pub(super) fn code(text: &str) -> Result<&'static Lint, String> {
    let codes = LINTS.iter().map(|lint| lint.code);
    lint_named(text).ok_or_else(|| {
        format!("no such lint; {}", suggest(text, codes, "docs/lints.md has all of them"))
    })
}

/// What it finds and why, with an example.
pub(super) fn text(lint: &Lint) -> String {
    let mut text = format!("{} ({})\n{}\n\n", lint.code, lint.level, lint.summary);
    for line in wrapped(lint.why) {
        // Writing to a string cannot fail.
        writeln!(text, "{line}").unwrap_or_default();
    }
    let mut example = |title: &str, file: &str| {
        write!(text, "\n{title}:\n\n").unwrap_or_default();
        for line in file.lines() {
            writeln!(text, "    {line}").unwrap_or_default();
        }
    };
    match lint.beside {
        ExampleContext::Nothing => {}
        ExampleContext::Earlier(file) => example("Before the change", file),
        ExampleContext::Another(file) => example("Another file of the directory", file),
    }
    example("What it finds", lint.bad);
    example("What it does not", lint.good);
    write!(
        text,
        "\nTo set its level in a file: lint: {{ {}: off }}, or note, warning, error.\n",
        lint.code
    )
    .unwrap_or_default();
    text
}

/// Lines that fit a terminal.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 90;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
