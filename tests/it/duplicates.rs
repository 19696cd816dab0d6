//! Flags and members that are written twice: no duplicate changes what a flag serves, and none
//! undoes a kill.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::json;

/// A file in the readable format: `pay` is as given, and `other` shows that the file was read.
fn readable(pay: &str, other: &str) -> String {
    format!("flagstaff: 1\nbucketing: v2\nflags:\n  other: {{ serve: {other} }}\n{pay}")
}

async fn serves(client: &Client, flag: &str, context: serde_json::Value) -> Option<bool> {
    let answer: ResolveBooleanResponse = client.resolve(flag, context).await.unwrap();
    answer.value
}

#[tokio::test]
async fn duplicates_keep_the_last_good_definition_and_a_kill_holds() {
    let flags = Flags::absent_at("flags.yaml");
    let good = readable("  pay: { serve: on }\n", "off");
    flags.replace(&good);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    for (pay, is_on) in [
        ("  pay: { serve: off }\n  pay: { serve: off }\n", true),
        ("  pay: { serve: off, serve: off }\n", true),
        ("  pay: { serve: off }\n  \"pay\": { serve: off }\n", true),
        ("  pay: { rules: [{ if: { country: DE, country: AT }, serve: on }] }\n", true),
        ("  pay: { serve: off, metadata: { a: 1, a: 2 } }\n", true),
        ("  pay: { killed: true, serve: on }\n  pay: { killed: false, serve: on }\n", false),
        ("  pay: { killed: false, serve: on }\n  pay: { killed: true, serve: on }\n", false),
        ("  pay: { serve: on }\n  pay: { killed: yes }\n  pay: { serve: on }\n", false),
        ("  pay: { killed: true, serve: on, killed: false }\n", false),
        ("  pay: { killed: false, serve: on, killed: \"on\" }\n", false),
        ("  pay: { killed: true, serve: on }\n  pay: { variants: [], serve: on }\n", false),
        ("  pay: { killed: true, variants: [on] }\n  pay: nothing\n", false),
        ("  pay: { killed: true, variants: { on: true, red: false }, otherwise: rde }\n", false),
        ("  pay: { <<: { killed: true, killed: false }, serve: on }\n", false),
        ("  pay: { <<: { killed: false, killed: true }, serve: on }\n", false),
        // Its indentation was lost, alone or with that of the member before it.
        ("  pay:\n    serve: on\n  killed: true\n", false),
        ("  pay:\n    serve: on\n  owner: shop\n  Killed: yes\n", false),
        ("  pay:\n    serve: on\n  kill: true\n", false),
    ] {
        flags.replace(readable(pay, "on"));
        let seen = async || serves(&client, "other", json!({})).await == Some(true);
        eventually(DEADLINE, pay, seen).await;
        assert_eq!(serves(&client, "pay", json!({})).await, Some(is_on), "{pay}");
        let successful = sidecar.metric("flagstaff_config_last_reload_successful").await;
        assert_eq!(successful, 0.0, "{pay}");
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!(code, Some(1), "{pay}: {told}");

        flags.replace(&good);
        let seen = async || serves(&client, "other", json!({})).await == Some(false);
        eventually(DEADLINE, pay, seen).await;
        assert_eq!(serves(&client, "pay", json!({})).await, Some(true), "mended: {pay}");
    }
}

#[tokio::test]
async fn what_a_merge_key_adds_is_not_a_duplicate() {
    let flags = Flags::absent_at("flags.yaml");
    let base = "x-base: &base { killed: true, serve: on }\n";
    let pay = "  pay: { <<: *base, killed: false }\n  more: { <<: [*base, *base] }\n";
    flags.replace(base.to_owned() + &readable(pay, "on"));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(serves(&client, "pay", json!({})).await, Some(true));
    assert_eq!(serves(&client, "more", json!({})).await, Some(false));
    assert_eq!(sidecar.metric("flagstaff_config_last_reload_successful").await, 1.0);
}

#[tokio::test]
async fn a_segment_or_a_file_member_twice_changes_no_flag() {
    let flags = Flags::absent_at("flags.yaml");
    let rules = "  pay: { rules: [{ if: testers, serve: on }] }\n";
    let segments = "segments: { testers: { plan: beta } }\n";
    flags.replace(readable(rules, "off") + segments);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    for segments in [
        "segments: { testers: { plan: free }, testers: { plan: free } }\n",
        "segments: { testers: { plan: free, plan: free } }\n",
    ] {
        flags.replace(readable(rules, "on") + segments);
        let seen = async || serves(&client, "other", json!({})).await == Some(true);
        eventually(DEADLINE, segments, seen).await;
        assert_eq!(serves(&client, "pay", json!({ "plan": "beta" })).await, Some(true));
        assert_eq!(serves(&client, "pay", json!({ "plan": "free" })).await, Some(false));
        flags.replace(readable(rules, "off"));
        sidecar.wait_for_log(&["testers"]).await;
        let seen = async || serves(&client, "other", json!({})).await == Some(false);
        eventually(DEADLINE, segments, seen).await;
    }
    // Half of the flags would be lost: the file is not taken.
    let before = sidecar.reloads().await.get("parse_error").copied();
    flags.replace(readable("  pay: { serve: off }\n", "on") + "flags: { other: { serve: on } }\n");
    let refused = async || sidecar.reloads().await.get("parse_error").copied() != before;
    eventually(DEADLINE, "the file is refused", refused).await;
    assert_eq!(serves(&client, "other", json!({})).await, Some(false));
}

#[tokio::test]
async fn a_disabled_flag_stays_so_in_flagd_format_too() {
    let flags = Flags::absent_at("flags.json");
    let variants = r#""variants": { "on": true, "off": false }, "defaultVariant": "on""#;
    let enabled = format!(r#"{{ "state": "ENABLED", {variants} }}"#);
    let disabled = format!(r#"{{ "state": "DISABLED", {variants} }}"#);
    let both = format!(r#"{{ "State": "DISABLED", {variants}, "state": "ENABLED" }}"#);
    let file = |pay: &str, other: &str| {
        format!(r#"{{ "metadata": {{ "fractional": "v2" }}, "flags": {{ {pay}, "o": {other} }} }}"#)
    };
    flags.replace(file(&format!(r#""pay": {enabled}"#), &enabled));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(serves(&client, "pay", json!({})).await, Some(true));
    for pay in [
        format!(r#""pay": {disabled}, "pay": {enabled}"#),
        format!(r#""pay": {enabled}, "pay": {disabled}"#),
        format!(r#""pay": {both}"#),
    ] {
        flags.replace(file(&pay, &enabled));
        let off = async || serves(&client, "pay", json!({})).await.is_none();
        eventually(DEADLINE, &pay, off).await;
        assert_eq!(serves(&client, "o", json!({})).await, Some(true));
        let (code, exported, _) = run(flagstaff().arg("export").arg(flags.path()));
        assert_eq!(code, Some(0), "{exported}");
        assert!(exported.contains("DISABLED"), "{exported}");

        flags.replace(file(&format!(r#""pay": {enabled}"#), &enabled));
        let on = async || serves(&client, "pay", json!({})).await == Some(true);
        eventually(DEADLINE, "mended", on).await;
    }
}
