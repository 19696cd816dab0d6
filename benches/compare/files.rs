//! Flag files of any size, and a change in them.

use serde_json::{Map, Value, json};
use std::{error::Error, fs, io, path::Path};

/// The part of the rule that changes, and what takes turns with it.
const SUFFIXES: [&str; 2] = ["@beta.example.com", "@next.example.com"];

/// Writes so many flags for flagd and Flagstaff (`flags.json`), and for Unleash Edge
/// (`features.json`). Calls evaluate the first of them; the others have a rule of the same kind.
pub(crate) fn write(directory: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let mut file: Value = serde_json::from_str(include_str!("flags.json"))?;
    let flags = file["flags"].as_object_mut().ok_or("flags.json has no flags")?;
    let (name, first) = flags.iter().next().ok_or("flags.json has no flag")?;
    let (name, first) = (name.clone(), first.clone());
    for number in 1..count {
        flags.insert(format!("flag-{number:05}"), first.clone());
    }
    let features: Vec<Value> = flags.keys().map(|key| feature(key)).collect();
    let features =
        json!({ "version": 2, "features": features, "segments": [], "query": Map::new() });
    debug_assert!(name == super::load::KEY);
    fs::write(directory.join("features.json"), features.to_string())?;
    replace(directory, &file.to_string())?;
    Ok(())
}

/// A feature of Unleash whose constraint is the flag's rule.
fn feature(name: &str) -> Value {
    let constraint = json!({ "contextName": "plan", "operator": "IN", "values": ["premium"] });
    let strategy = json!({ "name": "default", "constraints": [constraint], "parameters": {} });
    json!({ "name": name, "type": "release", "enabled": true, "strategies": [strategy] })
}

/// Replaces the file by one in which a rule of the flag that is evaluated differs.
pub(crate) fn swap(directory: &Path) -> io::Result<()> {
    let text = fs::read_to_string(directory.join("flags.json"))?;
    let [one, other] = SUFFIXES;
    let has_one = text.find(one).unwrap_or(usize::MAX) < text.find(other).unwrap_or(usize::MAX);
    let (old, new) = if has_one { (one, other) } else { (other, one) };
    replace(directory, &text.replacen(old, new, 1))
}

fn replace(directory: &Path, text: &str) -> io::Result<()> {
    let next = directory.join("next.json");
    fs::write(&next, text)?;
    fs::rename(next, directory.join("flags.json"))
}
