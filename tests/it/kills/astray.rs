//! Kills that stand where no kill counts, after an edit that was not meant so: a flag that was killed
//! stays killed, and the author is told.

use super::{expect, status};
use crate::{
    flags::Flags,
    sidecar::{Sidecar, flagstaff, run},
};
use serde_json::json;

const HEAD: &str = "flagstaff: 1\nbucketing: v2\nflags:\n";

/// A file with a `page` that ends as given, and a flag that shows that the file was read.
fn with(page: &str, seen: &str) -> String {
    format!("{HEAD}  seen: {{ serve: {seen} }}\n  page:\n    owner: shop\n{page}")
}

#[tokio::test]
async fn a_kill_that_an_edit_moves_out_of_its_place_holds() {
    let killed = with("    serve: on\n    killed: true\n", "off");
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&killed);
    let sidecar = Sidecar::start(&flags).await;
    for page in [
        "    serve: on\nkilled: true\n",
        "    serve: on\n\u{a0}\u{a0}\u{a0}\u{a0}killed: true\n",
        "    serve: on\n  metadata: { a: b }\n  killed: true\n",
        "    serve: on\n  experiment: { a: b }\n  killed: yes\n",
        "    serve: on\n  killed: maybe\n",
        "    serve: on\n    killed: true# INC-4711\n",
        "    serve: on\n    killed: true (INC-4711)\n",
        "    serve: on\n    killed: yes, INC-1\n",
        "    serve: on\n    why: >-\n      Stops card traffic.\n      killed: true\n",
        "    serve: on\n    why: |\n      Stops card traffic.\n      killed: yes\n",
        "    serve: on\n    metadata:\n      note: >-\n        Stops.\n        killed: true\n",
        "    variants:\n      on: true\n      off: false\n      killed: true\n    serve: on\n",
        "    rules:\n      - serve: on\n        if:\n          plan: x\n          killed: true\n    serve: on\n",
        "    serve: on\n    metadata:\n      ops: { killed: true }\n",
    ] {
        flags.replace(with(page, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["killed"], true, "{page}: {found:#}");
        assert_eq!(found["flags"]["page"]["serves"], "off", "{page}");
        let arguments = ["check", "--no-lints", "--strict"];
        let (code, told, _) = run(flagstaff().args(arguments).arg(flags.path()));
        assert_eq!(code, Some(1), "{page}: {told}");
        flags.replace(&killed);
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
    // Data and prose are not kills of a flag that says itself whether it is killed, or never was.
    for page in [
        "    killed: false\n    variants: { normal: { x: 1 }, careful: { killed: true } }\n    otherwise: careful\n",
        "    killed: false\n    serve: on\n    why: \"To stop it write killed: true\"\n",
    ] {
        flags.replace(with(page, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["killed"], false, "{page}: {found:#}");
        flags.replace(&killed);
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
}

#[tokio::test]
async fn a_kill_behind_the_brackets_of_its_flag_holds_in_flagds_format() {
    let file = |page: &str, behind: &str, seen: &str| {
        let variants = r#""variants": { "on": true, "off": false }"#;
        format!(
            r#"{{ "metadata": {{ "fractional": "v2" }}, "flags": {{
                "seen": {{ "state": "ENABLED", {variants}, "defaultVariant": "{seen}" }},
                "page": {{ {page} {variants}, "defaultVariant": "on" }}{behind} }} }}"#
        )
    };
    let enabled = r#""state": "ENABLED","#;
    for (good, page, behind) in [
        (r#""killed": true, "state": "ENABLED","#, enabled, r#", "killed": true"#),
        (r#""state": "DISABLED","#, "", r#", "state": "DISABLED""#),
    ] {
        let flags = Flags::absent_at("flags.json");
        flags.write_text(&file(good, "", "off"));
        let sidecar = Sidecar::start(&flags).await;
        let before = status(&sidecar).await["flags"]["page"].clone();
        flags.replace(file(page, behind, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await["flags"]["page"].clone();
        for member in ["killed", "serves", "state"] {
            assert_eq!(found[member], before[member], "{behind}: {found:#}");
        }
    }
}

#[tokio::test]
async fn a_kill_above_the_flags_is_of_none_and_the_last_good_file_stays() {
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&with("    serve: on\n    killed: true\n", "off"));
    let sidecar = Sidecar::start(&flags).await;
    let text = with("    serve: on\n", "on");
    flags.replace(text.replacen("flags:", "killed: true\nflags:", 1));
    sidecar.wait_for_log(&["WARN", "stands outside of every flag"]).await;
    let found = status(&sidecar).await;
    assert_eq!(found["flags"]["page"]["killed"], true, "{found:#}");
    assert_eq!(found["flags"]["seen"]["serves"], "off", "{found:#}");
}

/// What requires a killed flag is off, whichever of the two has a mistake beside.
#[tokio::test]
async fn a_kill_reaches_what_requires_the_flag_in_spite_of_mistakes() {
    let text = |page: &str, other: &str, seen: &str| {
        format!("{HEAD}  seen: {{ serve: {seen} }}\n  page: {{ {page} }}\n  other: {{ {other} }}\n")
    };
    let good = text("serve: on", "requires: page, serve: on", "off");
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&good);
    let sidecar = Sidecar::start(&flags).await;
    for (page, other) in [
        ("killed: true, variants: 5, serve: on", "requires: page, serve: on"),
        ("killed: true, serve: on", "requires: page, serve: on, bogus: 1"),
        ("killed: true, serve: on", "requires: [page], serve: nothing"),
        ("killed: 1, variants: 5", "requires: { page: on }, serve: on, bogus: 1"),
    ] {
        flags.replace(text(page, other, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let client = crate::client::Client::connect(&sidecar).await;
        for flag in ["page", "other"] {
            let answer: flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse =
                client.resolve(flag, json!({})).await.unwrap();
            assert_eq!(answer.value, Some(false), "{flag}: {page} / {other}");
        }
        flags.replace(&good);
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
}

#[tokio::test]
async fn a_test_of_the_file_keeps_no_kill_out() {
    let text = |page: &str| {
        let tests = "tests: [{ user: { targetingKey: ana }, expect: { page: on } }]\n";
        format!("{HEAD}  page: {{ {page} }}\n{tests}")
    };
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&text("serve: on"));
    let sidecar = Sidecar::start_with(&flags, &["--tests-on-load"]).await;
    flags.replace(text("serve: on, killed: true"));
    expect(&sidecar, "page", "killed", json!(true)).await;
    // Other mistakes still do.
    flags.replace(text("serve: off"));
    sidecar.wait_for_log(&["is \\\"off\\\", not \\\"on\\\""]).await;
    assert_eq!(status(&sidecar).await["flags"]["page"]["killed"], true);
}
