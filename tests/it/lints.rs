//! Lints from outside: what `flagstaff check` says, in each format, and what files say about it.

use crate::{flags::files, sidecar::flagstaff};
use flagstaff_check::{ExampleContext, LINTS, Lint};
use serde_json::Value;
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

/// What `check` says on 15 January 2027, and how it ends.
fn check(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let today = ["check", "--today", "2027-01-15"];
    let output = flagstaff().current_dir(root).args(today).args(arguments).output();
    let Output { status, stdout, .. } = output.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

/// The codes of all problems.
fn codes(root: &Path, arguments: &[&str]) -> Vec<String> {
    let (_, told) = check(root, &[arguments, &["--format", "json"]].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    let problems = told["files"].as_array().unwrap().iter().flat_map(|file| {
        file["diagnostics"].as_array().unwrap().iter().map(|problem| problem["code"].as_str())
    });
    problems.map(|code| code.unwrap_or("none").to_owned()).collect()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

const FLAG: &str = "  enable_invoice_archive:\n    owner: team-payments\n    \
                    why: Customers ask for invoices older than a year.\n    kind: permission\n";

fn file(header: &str, flags: &str) -> String {
    format!("flagstaff: 1\nbucketing: v2\n{header}flags:\n{flags}")
}

#[test]
fn every_example_is_told_by_the_program_as_well() {
    for Lint { code, level, bad, good, beside, .. } in LINTS {
        let (earlier, another) = match beside {
            ExampleContext::Nothing => (None, None),
            ExampleContext::Earlier(text) => (Some(text), None),
            ExampleContext::Another(text) => (None, Some(text)),
        };
        let root = files(&[("bad/b.yaml", bad), ("good/b.yaml", good)]);
        if let Some(another) = another {
            fs::write(root.path().join("bad/a.yaml"), another).unwrap();
            fs::write(root.path().join("good/a.yaml"), another).unwrap();
        }
        let mut more = vec!["--strict"];
        if let Some(earlier) = earlier {
            fs::write(root.path().join("old.yaml"), earlier).unwrap();
            more.extend(["--against", "old.yaml"]);
        }
        let with = |directory| [&[directory], more.as_slice()].concat();
        assert_eq!(codes(root.path(), &with("bad")), [code]);
        assert_eq!(codes(root.path(), &with("good")), [""; 0], "{code}");
        let fails = level.as_str() != "note";
        assert_eq!(check(root.path(), &with("bad")).0, Some(i32::from(fails)), "{code}");
    }
}

#[test]
fn the_example_flags_have_no_problem() {
    let (code, told) = check(&repository("config"), &["flags.json", "flags.yaml", "--strict"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.ends_with(": no problems\n"), "{told}");
}

/// The practices that the readable form is for, each in a few lines.
const WELL_KEPT: &str = include_str!("lints/well_kept.yaml");

#[test]
fn a_well_kept_file_has_no_problem() {
    let root = files(&[("flags.yaml", WELL_KEPT)]);
    for day in ["2026-11-23", "2026-12-05", "2027-01-20"] {
        let arguments = ["check", "--today", day, "--strict", "flags.yaml"];
        let output = flagstaff().current_dir(root.path()).args(arguments).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told, "1 file, 5 flags: no problems\n", "{day}");
    }
    // A day later by the calendar of the flags, they are due.
    let output = flagstaff()
        .current_dir(root.path())
        .args(["check", "--today", "2027-07-01", "--format", "json", "flags.yaml"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.matches("\"code\": \"expired\"").count(), 3, "{told}");
}

#[test]
fn a_code_stands_in_every_format() {
    let root = files(&[("a.yaml", &file("", &FLAG.replace("    owner: team-payments\n", "")))]);
    let (_, told) = check(root.path(), &["a.yaml"]);
    assert_eq!(
        told,
        "a.yaml:4:3: warning[missing-owner]: flags.enable_invoice_archive: has no owner \
         (help: write owner: team-checkout)\n1 file, 1 flag: 1 warning\n"
    );
    let (_, told) = check(root.path(), &["a.yaml", "--format", "github"]);
    assert_eq!(
        told.lines().next(),
        Some(
            "::warning file=a.yaml,line=4,col=3,title=missing-owner%3A \
             flags.enable_invoice_archive::has no owner (write owner: team-checkout)"
        )
    );
    assert_eq!(codes(root.path(), &["a.yaml"]), ["missing-owner"]);
    assert_eq!(codes(root.path(), &["a.yaml", "--no-lints"]), [""; 0]);
}

#[test]
fn a_file_sets_levels_and_limits_in_both_forms() {
    let short = FLAG.replace("Customers ask for invoices older than a year.", "Wanted.");
    let plain = "metadata: { fractional: v2 }\nflags:\n  enable_invoice_archive:\n    \
                 state: ENABLED\n    variants: { on: true, off: false }\n    defaultVariant: off\n";
    for (lint, readable, plain_codes, fails) in [
        ("", vec!["vague-why"], vec!["missing-kind", "missing-owner", "missing-why"], 0),
        (
            "lint: { vague-why: error, missing-owner: off, missing-why: false, missing-kind: error }\n",
            vec!["vague-why"],
            vec!["missing-kind"],
            1,
        ),
        (
            "lint: { min_why_length: 5, missing-owner: note, missing-why: off, missing-kind: off }\n",
            vec![],
            vec!["missing-owner"],
            0,
        ),
    ] {
        let root = files(&[
            ("readable.yaml", &file(lint, &short)),
            ("plain.yaml", &format!("{lint}{plain}")),
        ]);
        let mut told = codes(root.path(), &["plain.yaml"]);
        told.sort();
        assert_eq!(told, plain_codes, "{lint}");
        assert_eq!(codes(root.path(), &["readable.yaml"]), readable, "{lint}");
        assert_eq!(check(root.path(), &["plain.yaml"]).0, Some(fails), "{lint}");
    }
}

#[test]
fn one_file_of_a_directory_sets_nothing_for_another() {
    let nobody = FLAG.replace("    owner: team-payments\n", "");
    let root = files(&[
        ("d/a.yaml", &file("lint: { missing-owner: off }\n", &nobody)),
        ("d/b.yaml", &file("", &nobody.replace("archive", "search"))),
    ]);
    let (code, told) = check(root.path(), &["d", "--strict"]);
    assert!(told.starts_with("d/b.yaml:4:3: warning[missing-owner]"), "{told}");
    assert!(told.ends_with("2 files, 2 flags: 1 warning\n"), "{told}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_list_of_flags_is_pointed_into() {
    let text = "{\"metadata\": {\"fractional\": \"v2\"}, \"flags\": [\n  {\"key\": \"flag_1\", \
                \"state\": \"ENABLED\",\n  \"variants\": {\"on\": 1}, \"defaultVariant\": \"on\", \
                \"metadata\": {\"kind\": \"op\", \"owner\": \"a\", \"why\": \"Because of the law.....\"}}]}";
    let root = files(&[("a.json", text)]);
    let (_, told) = check(root.path(), &["a.json"]);
    let lines: Vec<&str> = told.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines[..2], ["a.json:2:3", "a.json:3:71"], "{told}");
}

#[test]
fn a_lint_is_explained_and_an_unknown_one_is_not() {
    for Lint { code, bad, .. } in LINTS {
        let output = flagstaff().args(["check", "--explain", code]).output().unwrap();
        assert!(output.status.success(), "{code}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.starts_with(code) && told.contains(bad.lines().last().unwrap()), "{told}");
    }
    let output = flagstaff().args(["check", "--explain", "missing-ower"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("did you mean \"missing-owner\"?"), "{told}");
}

#[test]
fn a_change_is_held_against_a_directory() {
    let splits = |weights: &str, key: &str| {
        let split = format!(
            "    variants: {{ a: 1, b: 2, c: 3 }}\n    \
             experiment: {{ split: {weights}, outside: a }}\n"
        );
        let flag = FLAG.replace("kind: permission", "kind: experiment\n    expires: 2027-03-31");
        file("", &(flag.replace("enable_invoice_archive", key) + &split))
    };
    let even = "{ a: 1, b: 1, c: 1 }";
    let (one, two, three) =
        (splits(even, "layout_one"), splits(even, "layout_two"), splits(even, "layout_three"));
    let changed = splits("{ a: 2, b: 1, c: 1 }", "layout_two");
    let root = files(&[
        ("old/1.yaml", &one),
        ("old/2.yaml", &two),
        ("old/3.yaml", &three),
        ("new/1.yaml", &one),
        ("new/2.yaml", &changed),
        ("new/4.yaml", &splits("{ a: 9, b: 1 }", "layout_four")),
    ]);
    let (code, told) = check(root.path(), &["new", "--against", "old", "--strict"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].starts_with("new/1.yaml:3:1: warning[flag-removed]: flags: \"layout_three\""));
    assert!(lines[1].contains("new/2.yaml:10:5: warning[units-moved]"), "{told}");
    assert!(lines[1].contains("moves 25 % of its units to another variant"), "{told}");
    assert_eq!(code, Some(1));
    assert_eq!(check(root.path(), &["new", "--against", "new", "--strict"]).0, Some(0));
    // A file that was not there before is no change, one that cannot be found a mistake.
    fs::write(root.path().join("empty.yaml"), "").unwrap();
    assert_eq!(codes(root.path(), &["new", "--against", "empty.yaml"]), [""; 0]);
    fs::write(root.path().join("broken.yaml"), "flags: [").unwrap();
    let (code, told) = check(root.path(), &["new", "--against", "broken.yaml"]);
    assert!(told.contains("broken.yaml:1:1: note: file: has nothing to compare with"), "{told}");
    assert_eq!(code, Some(0));
    let (code, told) = check(root.path(), &["new", "--against", "nowhere.yaml"]);
    assert!(told.contains("nowhere.yaml:1:1: error: file: file not found"), "{told}");
    assert_eq!(code, Some(1));
}

#[test]
fn raising_a_share_or_traffic_moves_nobody_from_one_variant_to_another() {
    let rollout =
        |share: &str, more: &str| file("", &format!("{FLAG}    rollout: {share}\n{more}"));
    let before = rollout("5%", "");
    let root = files(&[("old.yaml", &before)]);
    for (what, after, expected) in [
        ("raised", rollout("25%", ""), vec![]),
        ("dialled back", rollout("1%", ""), vec![]),
        ("the salt it has anyway", rollout("5%", "    salt: enable_invoice_archive\n"), vec![]),
        ("another salt", rollout("5%", "    salt: x\n"), vec!["hash-changed"]),
        ("by another attribute", rollout("5%", "    by: company\n"), vec!["hash-changed"]),
        ("another generation", before.replace("v2", "v3"), vec!["hash-changed"]),
    ] {
        fs::write(root.path().join("new.yaml"), after).unwrap();
        let told = codes(root.path(), &["new.yaml", "--against", "old.yaml"]);
        assert_eq!(told, expected, "{what}");
    }
}

#[test]
fn lints_keep_silent_where_nothing_can_be_served() {
    let root = files(&[("a.yaml", "flags: [")]);
    assert_eq!(codes(root.path(), &["a.yaml"]), ["none"]);
}

#[test]
fn the_day_has_to_be_one() {
    let output = flagstaff().args(["check", "--today", "tomorrow", "a.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// `BLESS=1 cargo test --test it lints::the_page` writes it anew; then read it.
#[test]
fn the_page_has_every_lint() {
    let path = repository("docs/lints.md");
    let (head, _) = include_str!("../../docs/lints.md").split_once("## All lints\n").unwrap();
    let page = format!("{head}## All lints\n{}", all());
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == page, "BLESS=1 writes {} anew", path.display());
}

/// The part of the page that the table makes.
fn all() -> String {
    let mut page = String::from("\n| code | level | what is found |\n|---|---|---|\n");
    for Lint { code, level, summary, .. } in LINTS {
        writeln!(page, "| [{code}](#{code}) | {level} | {summary} |").unwrap();
    }
    for Lint { code, level, summary, why, bad, good, beside } in LINTS {
        let block = |title: &str, text: &str| format!("\n{title}\n\n```yaml\n{text}```\n");
        write!(page, "\n### {code}\n\n**{level}**: {summary}\n\n{why}\n").unwrap();
        match beside {
            ExampleContext::Nothing => {}
            ExampleContext::Earlier(text) => page += &block("Before the change:", text),
            ExampleContext::Another(text) => page += &block("Another file of the directory:", text),
        }
        writeln!(page, "\n```diff\n{}```", difference(bad, good)).unwrap();
    }
    page
}

/// What differs between the lines of two files, with a little of what does not.
fn difference(bad: &str, good: &str) -> String {
    let (bad, good): (Vec<&str>, Vec<&str>) = (bad.lines().collect(), good.lines().collect());
    let same = bad.iter().zip(&good).take_while(|(bad, good)| bad == good).count();
    let rest = bad.len().min(good.len()) - same;
    let last = bad.iter().rev().zip(good.iter().rev()).take(rest);
    let last = last.take_while(|(bad, good)| bad == good).count();
    let lines = |sign: &str, lines: &[&str]| {
        lines.iter().map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    let after = bad.len() - last;
    // The key of a flag, at least, stands above what is wrong with it.
    let key = bad[..same].iter().rposition(|line| !line.starts_with("   ")).unwrap_or_default();
    [
        lines(" ", &bad[key.min(same.saturating_sub(2))..same]),
        lines("-", &bad[same..after]),
        lines("+", &good[same..good.len() - last]),
        lines(" ", &bad[after..bad.len().min(after + 2)]),
    ]
    .concat()
}
