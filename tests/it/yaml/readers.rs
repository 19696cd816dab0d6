//! The other programs: one process each, which answers a line for a line.

use super::data::Data;
use crate::python;
use serde_json::{Value, json};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

const ADVICE: &str = "the comparison of YAML readers needs Go 1.18 or newer";

/// How a program reads a text.
#[derive(Debug)]
pub(super) struct Answer {
    /// The texts and the nesting of each document.
    pub(super) structure: Value,
    /// The data of the only document with content; `None` if there is no such document, or if
    /// there is a documented reason not to read it.
    pub(super) data: Option<Data>,
}

impl Answer {
    fn of(answer: &Value) -> Option<Self> {
        let structure = answer.get("documents").map(structure)?;
        let data = answer["data"].as_array().filter(|data| data.len() == 1);
        Some(Self { structure, data: data.map(|data| Data::of_reader(&data[0])) })
    }
}

/// The texts and the nesting of nodes, without tags, styles and aliases.
fn structure(node: &Value) -> Value {
    let all = |nodes: &Vec<Value>| nodes.iter().map(structure).collect();
    match node {
        Value::Array(nodes) => all(nodes),
        Value::Object(members) => {
            let parts = ["scalar", "list", "mapping", "alias"];
            match parts.into_iter().find_map(|part| Some((part, members.get(part)?))) {
                Some(("alias", target)) => structure(target),
                Some((part, value)) => json!({ part: structure(value) }),
                None => panic!("an unknown node: {node}"),
            }
        }
        other => other.clone(),
    }
}

pub(super) struct Readers {
    go: Reader,
    python: Reader,
}

impl Readers {
    /// Starts both, unless there is no Go: then the test is skipped, which CI does not allow.
    pub(super) fn start() -> Option<Self> {
        let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml");
        let Some(program) = build(&suite) else {
            assert!(env::var("CI").as_deref() != Ok("true"), "{ADVICE}");
            println!("skipped: {ADVICE}");
            return None;
        };
        let python = python::environment(&suite, "yaml").unwrap();
        let go = Reader::start(&mut Command::new(program.path().join("read")));
        let python = Reader::start(Command::new(python).arg("-B").arg(suite.join("read.py")));
        Some(Self { go, python })
    }

    /// Has Go and Python read a text; `None` if they refuse it.
    pub(super) fn read(&mut self, text: &str) -> (Option<Answer>, Option<Answer>) {
        let text = Value::from(text);
        self.go.ask(&text);
        self.python.ask(&text);
        let (go, python) = (self.go.answer(), self.python.answer());
        let go = go.get("documents").is_some().then(|| {
            self.python.ask(&go);
            self.python.answer()
        });
        (go.as_ref().and_then(Answer::of), Answer::of(&python))
    }
}

/// Builds the Go program; `None` if there is no Go.
fn build(suite: &Path) -> Option<TempDir> {
    let directory = TempDir::new().unwrap();
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(directory.path().join("read")).arg(".").current_dir(suite);
    let built = go.env("GOFLAGS", "-mod=readonly").output().ok()?;
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(directory)
}

struct Reader {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Reader {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    fn ask(&mut self, line: &Value) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It ends with its input, but the input ends after this.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
