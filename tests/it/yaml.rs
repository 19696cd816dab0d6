//! YAML is read as other programs read it: PyYAML and Go's yaml.v3, on thousands of made-up
//! documents.
//!
//! `YAML_DOCUMENTS=20000 cargo test --test it yaml:: -- --nocapture` tries more, and
//! `YAML_SEED=7` other ones. `tests/yaml` has the two programs.

mod data;
mod generator;
mod readers;

use data::Data;
use flagstaff_core::{Format, to_json};
use generator::Document;
use readers::{Answer, Readers};
use std::{env, fs, path::Path};

/// What became of the documents.
#[derive(Debug, Default)]
struct Counts {
    /// Read alike by all.
    same: usize,
    /// Read by one of the others, and alike here. PyYAML refuses tabs between words, for example.
    as_one: usize,
    /// Refused here for a documented reason.
    documented: usize,
    /// Mutated, and read as YAML 1.2 has it, where the others follow 1.1.
    version: usize,
    /// Refused by all.
    refused: usize,
    /// Mutated, and refused or read differently by some; never read differently by both others.
    disputed: usize,
    /// Read here alone.
    alone: usize,
}

/// Why this program may refuse a document that others read.
const DOCUMENTED: [&str; 8] = [
    "is empty",
    "has more than one YAML document",
    "has a key that is no scalar",
    "has an alias within its own anchor",
    "has a number that is not finite",
    "merges with \"<<\" what is no mapping",
    "a tab where only spaces may be",
    "comments must be separated from other tokens by whitespace",
];

fn setting(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

#[test]
fn documents_are_read_as_other_programs_read_them() {
    let Some(mut readers) = Readers::start() else { return };
    let (count, seed) = (setting("YAML_DOCUMENTS", 3_000), setting("YAML_SEED", 1));
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    for number in 0..count {
        let document = generator::document(seed << 32 | number);
        let outcome = compare(&document, &mut readers, &mut counts);
        outcome.unwrap_or_else(|why| wrong.push((why, document.text)));
    }
    println!("{count} documents: {counts:?}, {} wrong", wrong.len());
    for (why, text) in wrong.iter().take(10) {
        println!("{why}\n{text}\n{text:?}\n");
    }
    assert!(wrong.is_empty(), "{} documents are read differently", wrong.len());
    assert!(
        (counts.same + counts.as_one) as u64 > count * 4 / 5,
        "the generator makes too few valid documents"
    );
}

/// Files that were refused, or read differently, once.
#[test]
fn known_documents_are_read_as_other_programs_read_them() {
    let Some(mut readers) = Readers::start() else { return };
    let mut counts = Counts::default();
    let mut files = 0;
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/cases");
    for entry in fs::read_dir(cases).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let outcome = compare(&Document { text, is_mutated: false }, &mut readers, &mut counts);
        assert_eq!(outcome, Ok(()), "{}", path.display());
        files += 1;
    }
    assert_eq!(counts.same + counts.as_one, files, "{counts:?}");
}

fn compare(document: &Document, readers: &mut Readers, counts: &mut Counts) -> Result<(), String> {
    let (go, python) = readers.read(&document.text);
    let ours = to_json(document.text.as_bytes(), Format::Yaml);
    let ours = ours.map(|json| Data::of_json(&json)).map_err(|error| error.to_string());
    let is_agreed = match [&go, &python] {
        [Some(go), Some(python)] => go.structure == python.structure,
        _ => false,
    };
    let is_same = |other: &&Option<Answer>| match (other, &ours) {
        (Some(other), Ok(ours)) => other.data.as_ref() == Some(ours),
        _ => false,
    };
    let same = [&go, &python].into_iter().filter(is_same).count();
    let is_read = go.is_some() || python.is_some();
    let counted = match &ours {
        // PyYAML alone applies the tag "!".
        Ok(_) if same == 2 || same == 1 && is_agreed => &mut counts.same,
        Ok(_) if same == 1 => &mut counts.as_one,
        Ok(_) if !is_read => &mut counts.alone,
        Err(_) if !is_read => &mut counts.refused,
        Err(error) if DOCUMENTED.iter().any(|why| error.contains(why)) => &mut counts.documented,
        Err(_) if go.is_none() => &mut counts.disputed,
        // Broken text that happens to mean something to old parsers, such as "?{".
        Err(_) if document.is_mutated => &mut counts.disputed,
        Ok(_) if document.is_mutated && !is_agreed => &mut counts.disputed,
        Ok(_) if document.is_mutated && depends_on_version(&document.text) => &mut counts.version,
        _ => return Err(format!("here: {ours:?}\nGo: {go:?}\nPython: {python:?}")),
    };
    *counted += 1;
    Ok(())
}

/// Whether YAML 1.1 and 1.2 read something differently: 1.2 has colons in the names of anchors,
/// and texts in brackets that begin with a question mark.
fn depends_on_version(text: &str) -> bool {
    let names = text.split('&').skip(1).filter_map(|name| name.split_whitespace().next());
    let is_question = |rest: &str| rest.starts_with(|next: char| !next.is_whitespace());
    names.into_iter().any(|name| name.contains(':')) || text.split('?').skip(1).any(is_question)
}
