//! What README says of options and metrics is what the program has.

use crate::{
    flags::Flags,
    sidecar::{Sidecar, http_get},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
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

const BOUNDS: &str = include_str!("../../docs/bounds.md");

/// The value of a bound as a page writes it: `100 000`, `64 KiB`.
fn written_bound(text: &str) -> Option<f64> {
    let (digits, unit) = match text.rsplit_once(' ') {
        Some((digits, "KiB")) => (digits, 1024.0),
        Some((digits, "MiB")) => (digits, 1_048_576.0),
        _ => (text, 1.0),
    };
    Some(digits.replace(' ', "").parse::<f64>().ok()? * unit)
}

/// The value of a constant: numbers, products and shifts.
fn value_of(expression: &str) -> Option<f64> {
    if let Some((number, shift)) = expression.split_once("<<") {
        return Some(value_of(number)? * 2_f64.powi(shift.trim().parse().ok()?));
    }
    if let Some((one, other)) = expression.split_once('*') {
        return Some(value_of(one)? * value_of(other)?);
    }
    match expression.trim() {
        "i32::MAX.cast_unsigned()" => Some(f64::from(i32::MAX)),
        number => number.replace('_', "").parse().ok(),
    }
}

/// Constants of the source by file and name, each with its value. A file is named as the page names
/// it: `server/memory_budget.rs`, `core/document.rs`.
fn constants(directory: &Path, found: &mut BTreeMap<(String, String), f64>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            constants(&path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        let of_crate = file.strip_prefix("crates/").map(|file| file.replacen("/src/", "/", 1));
        let file = of_crate.unwrap_or_else(|| file.replacen("src/", "", 1));
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let declaration = line.trim().split_once("const ").map(|(_, declared)| declared);
            let parts = declaration.and_then(|of| of.split_once(": ")?.1.split_once(" = "));
            if let (Some(declared), Some((_, value))) = (declaration, parts)
                && let Some(value) = value.strip_suffix(';').and_then(value_of)
            {
                let name = declared.split(':').next().unwrap().to_owned();
                found.insert((file.clone(), name), value);
            }
        }
    }
}

#[test]
fn the_page_of_bounds_has_every_bound_with_its_value() {
    let mut known = BTreeMap::new();
    for directory in ["src", "crates"] {
        constants(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), &mut known);
    }
    let mut listed = BTreeSet::new();
    for row in BOUNDS.lines().filter(|line| line.starts_with("| ") && line.contains(".rs`")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, value, _, constant] = cells.as_slice() else { panic!("four cells: {row}") };
        let (file, name) = constant.trim_matches('`').split_once("` `").unwrap();
        let key = (file.to_owned(), name.to_owned());
        assert_eq!(written_bound(value), known.get(&key).copied(), "{row}");
        assert!(listed.insert(key), "twice: {row}");
    }
    let bounds = known.into_keys().filter(|(_, name)| name.starts_with("MAX_"));
    let missing: Vec<_> = bounds.filter(|key| !listed.contains(key)).collect();
    assert!(missing.is_empty(), "docs/bounds.md lacks {missing:?}");
    // Bounds that README has too are the same there.
    for (bound, value) in [
        ("a request message", "1 000 000 bytes"),
        ("a header list", "64 KiB"),
        ("indexed attributes of a context", "16 384"),
        ("streams on a connection", "1 024"),
        ("one evaluation", "5 million units of one or two ns, and 100 000 list elements"),
        (
            "what one evaluation makes",
            "1 MiB of text and bytes to hash, 32 768 list elements, 8 192",
        ),
    ] {
        let row = format!("| {bound} | {value}");
        assert!(README.contains(&row), "{row}");
    }
}

/// Every file and directory of the repository that git knows, from its root.
fn tracked() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").args(["-C", root, "ls-files"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_file_that_architecture_names_exists() {
    let text = include_str!("../../ARCHITECTURE.md");
    let files = tracked();
    let mut seen = 0;
    let spans = text.split('`').skip(1).step_by(2);
    for name in
        spans.filter(|name| name.len() > 1 && (name.ends_with(".rs") || name.ends_with('/')))
    {
        let path = match name.split_once('/') {
            Some(("core" | "check", rest)) => rest,
            _ => name,
        };
        seen += 1;
        let whole = |file: &String| {
            file.ends_with(&format!("/{path}"))
                || file == path
                || file.contains(&format!("/{path}"))
        };
        let is_directory = |file: &String| file.starts_with(path);
        assert!(files.iter().any(|file| whole(file) || is_directory(file)), "no {name}");
    }
    assert!(seen > 100, "{seen}");
}
