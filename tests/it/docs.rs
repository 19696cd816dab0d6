//! What README says of options and metrics is what the program has.

use crate::{
    flags::Flags,
    sidecar::{Sidecar, http_get},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

const README: &str = include_str!("../../README.md");

/// The cells of README's table rows whose first cell starts with `start`, without backquotes.
fn rows(start: &str) -> Vec<Vec<String>> {
    README
        .lines()
        .filter(|line| line.starts_with(&format!("| `{start}")))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.replace('`', "")).collect())
        .map(|cells: Vec<String>| cells.iter().map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_options_of_readme_are_those_of_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_flagstaff"))
        .args(["serve", "--help"])
        .env("COLUMNS", "500")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut options = BTreeMap::new();
    let mut name = String::new();
    for line in help.lines().map(str::trim) {
        if line.starts_with("--") || line.starts_with("-h, --") {
            name = line.split([' ', ',']).find(|word| word.starts_with("--")).unwrap().to_owned();
        }
        if name.is_empty() {
            continue; // The paths, which are no option.
        }
        for (place, mark) in ["[env: ", "[default: "].into_iter().enumerate() {
            if let Some(value) = line.split_once(mark) {
                let value = value.1.split([']', '=']).next().unwrap().to_owned();
                options.entry(name.clone()).or_insert([const { String::new() }; 2])[place] = value;
            }
        }
    }
    let documented: BTreeMap<_, _> = rows("--")
        .into_iter()
        .map(|cells| (cells[0].clone(), [cells[2].clone(), cells[1].clone()]))
        .collect();
    for (option, [env, default]) in &options {
        let Some([readme_env, readme_default]) = documented.get(option) else {
            panic!("README does not know {option}");
        };
        assert_eq!(readme_env, env, "{option}");
        // The number of threads depends on the machine.
        let same = option == "--worker-threads" || readme_default == default;
        assert!(same, "{option}: README says {readme_default:?}, help {default:?}");
    }
    let known: BTreeSet<_> = options.keys().collect();
    assert_eq!(documented.keys().collect::<BTreeSet<_>>(), known);
    assert!(known.len() >= 15, "{known:?}");
}

#[test]
fn the_explanation_of_readme_is_what_eval_tells() {
    let (before, after) = README.split_once("```text\nfractional (v2)").unwrap();
    let command = before.lines().rev().find(|line| line.starts_with("cargo run")).unwrap();
    let (_, arguments) = command.split_once(" -- ").unwrap();
    let (options, context) = arguments.split_once(" --context ").unwrap();
    let (context, explain) = context.trim_start_matches('\'').split_once("' ").unwrap();
    let eval = Command::new(env!("CARGO_BIN_EXE_flagstaff"))
        .args(options.split(' '))
        .args(["--context", context, explain])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let (told, _) = after.split_once("```").unwrap();
    assert_eq!(String::from_utf8(eval.stdout).unwrap(), format!("fractional (v2){told}"));
}

#[tokio::test]
async fn the_metrics_of_readme_are_those_of_the_metrics_page() {
    let flag = json!({"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"});
    let flags = Flags::new(&json!({"flags": {"f": flag}}));
    let sidecar = Sidecar::start(&flags).await;
    let (_, page) = http_get(sidecar.management(), "/metrics").await;
    let mut shown: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    let documented: BTreeSet<_> =
        rows("flagstaff_").into_iter().map(|cells| cells[0].clone()).collect();
    // What every process tells has names of its own.
    shown.retain(|name| !name.starts_with("process_"));
    assert_eq!(documented, shown);
    assert!(page.contains("# TYPE process_resident_memory_bytes gauge"));
    for name in &shown {
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
}
