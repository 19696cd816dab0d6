//! Flag files and lists of any size, each with the number of its version.

use serde_json::{Value, json};

/// Readable flags. The last of them is killed.
pub(super) fn readable(flags: usize, number: usize) -> String {
    let flag = |at: usize| {
        format!(
            "  flag_{at}:\n    why: It is number {number}, and is here to be counted.\n    killed: \
             {}\n    serve: on\n",
            at + 1 == flags
        )
    };
    let flags: String = (0..flags).map(flag).collect();
    format!("flagstaff: 1\nbucketing: v2\nflags:\n{flags}")
}

fn definition(number: usize) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
        "metadata": {"number": number}})
}

/// Definitions as YAML with one flag on a line.
pub(super) fn definitions(flags: usize, number: usize) -> String {
    let flag = |at: usize| format!("  flag_{at}: {}\n", definition(number));
    "flags:\n".to_owned() + &(0..flags).map(flag).collect::<String>()
}

pub(super) fn json(flags: usize, number: usize) -> String {
    let flags: serde_json::Map<_, _> =
        (0..flags).map(|at| (format!("flag_{at}"), definition(number))).collect();
    json!({"flags": flags}).to_string()
}

/// A list, which a flag file beside it names.
pub(super) fn list(entries: usize, number: usize) -> String {
    (0..entries).map(|at| format!("user-{number}-{at}\n")).collect()
}
