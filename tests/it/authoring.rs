//! Everything that docs/authoring.md shows is a file without problems, or says what is made of it.

use crate::sidecar::flagstaff;
use std::{fs, path::Path, process::Output};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../docs/authoring.md");

/// What a part of a flag file stands in: whatever the page leaves out.
const FACTS: [&str; 4] = [
    "owner: team-checkout",
    "why: Shows on a page of the manual how a part of a flag file is written.",
    "kind: release",
    "expires: 2099-12-31",
];

const HEAD: &str = "flagstaff: 1\nbucketing: v2\ntime_zone: Europe/Berlin\n\
                    segments:\n  enterprise: { plan: enterprise }\n  \
                    beta_testers: { email: { ends_with: \"@beta.example.com\" } }\nflags:\n  \
                    new_search:\n    owner: team-search\n    why: Another flag, for those that require one.\n    \
                    kind: ops\n    variants: { fast: 1, exact: 2, off: 0 }\n    \
                    rollout: { serve: fast, to: 50% }\n";

/// A code block: its language, the words behind it, and its text.
struct Block {
    language: String,
    kind: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                let (language, kind) = info.split_once(' ').unwrap_or((info, ""));
                let (language, kind) = (language.to_owned(), kind.to_owned());
                open = Some(Block { language, kind, text: String::new() });
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The rows of the page's tables, without those that say what the columns are.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// A flag of these members in a file, with what a flag should say and these do not.
fn wrapped(members: &str) -> String {
    let has = |fact: &str| {
        let (name, _) = fact.split_once(": ").unwrap();
        members.lines().any(|line| line.starts_with(name))
    };
    let facts: String =
        FACTS.iter().filter(|fact| !has(fact)).map(|fact| format!("{fact}\n")).collect();
    format!("{HEAD}  example_flag:\n{}{}", indented(&facts, 4), indented(members, 4))
}

/// A flag with a rule for this condition.
fn ruled(condition: &str) -> String {
    wrapped(&format!("rules:\n  - {{ if: {condition}, serve: on }}"))
}

/// The page's parts as whole files.
fn files() -> Vec<String> {
    let mut files = Vec::new();
    for block in blocks().iter().filter(|block| block.language == "yaml") {
        files.push(match block.kind.as_str() {
            "" => block.text.clone(),
            "flag" => wrapped(&block.text),
            "flags" => format!("{HEAD}{}", indented(&block.text, 2)),
            other => panic!("a part of what: {other}"),
        });
    }
    for row in rows() {
        let code = |cell: &str| cell.trim_matches('`').replace("\\|", "|");
        match row.as_slice() {
            [condition, _] if code(condition).starts_with(['{', '[']) => {
                files.push(ruled(&code(condition)));
            }
            [_, _, member] if member.contains(": ") => {
                // Those of a file have no business in a flag.
                let text = code(member);
                let is_of_file = ["flagstaff", "bucketing", "time_zone", "segments", "flags"]
                    .iter()
                    .any(|name| text.starts_with(&format!("{name}:")));
                if !is_of_file {
                    // There is something to hold, and to have a shape.
                    let held = match text.split_once(':') {
                        Some(("hold_at", _)) => "rollout: 50%\n",
                        Some(("schema", _)) => "variants: { on: 2, off: 1 }\n",
                        _ => "",
                    };
                    files.push(wrapped(&format!("{held}{text}")));
                }
            }
            _ => {}
        }
    }
    files
}

/// Writes files into a directory that also has the list the page speaks of.
fn directory(files: &[String]) -> TempDir {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("beta-users.txt"), "# who asked for it\nuser-7\nuser-8\n").unwrap();
    for (number, file) in files.iter().enumerate() {
        fs::write(root.path().join(format!("{number}.yaml")), file).unwrap();
    }
    root
}

fn run(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        flagstaff().current_dir(root).args(arguments).output().unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn every_part_of_the_page_is_a_file_without_problems() {
    let files = files();
    println!("{} files", files.len());
    assert!(files.len() > 60, "{}", files.len());
    let root = directory(&files);
    for (number, file) in files.iter().enumerate() {
        let name = format!("{number}.yaml");
        let (code, told) = run(root.path(), &["check", "--strict", &name]);
        // A note says what its author wanted to be told, such as what is held.
        assert_eq!(code, Some(0), "{file}\n{told}");
    }
}

#[test]
fn what_the_page_says_is_printed_is_printed() {
    let blocks = blocks();
    let mut seen = 0;
    // A file, a command on it, and what that prints.
    for window in blocks.windows(3) {
        let [file, command, printed] = window else { continue };
        if file.language != "yaml" || command.language != "console" || printed.language == "yaml" {
            continue;
        }
        let arguments = command.text.trim().strip_prefix("flagstaff ").unwrap();
        let root = directory(&[]);
        let content = if file.kind == "flag" { wrapped(&file.text) } else { file.text.clone() };
        fs::write(root.path().join("flags.yaml"), content).unwrap();
        let arguments: Vec<_> = arguments.split(' ').collect();
        let (_, told) = run(root.path(), &arguments);
        assert!(told.contains(printed.text.trim_end()), "{}\n{told}", command.text);
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_page_knows_every_member_and_operator() {
    let listed: Vec<_> = rows().iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let sources = ["crates/core/src/readable/flag.rs", "crates/core/src/readable/file.rs"];
    for source in sources {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(source)).unwrap();
        let (_, known) = text.split_once("const KNOWN: [").unwrap();
        let (_, known) = known.split_once("= [").unwrap();
        let (known, _) = known.split_once("];").unwrap();
        for name in known.split('"').skip(1).step_by(2) {
            assert!(listed.iter().any(|row| row == name), "{name} of {source} is in no table");
        }
    }
    let text = include_str!("../../crates/core/src/readable/attribute.rs");
    let (_, operators) = text.split_once("const OPERATORS: [").unwrap();
    let (_, operators) = operators.split_once("= [").unwrap();
    let (operators, _) = operators.split_once("];").unwrap();
    for name in operators.split('"').skip(1).step_by(2) {
        assert!(listed.iter().any(|row| row.contains(&format!("{name}:"))), "{name} in no table");
    }
}
