//! What is near a kill: it is an error, and takes no kill away; and the words about a kill that
//! holds.

use super::{expect, file, readable, status};
use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, run},
};
use serde_json::json;

/// What is near a kill or near `DISABLED` in flagd's format is an error that changes no flag, and
/// flags written twice lose no kill.
#[tokio::test]
async fn a_near_kill_without_the_header_keeps_the_last_good_definition() {
    let variants = "\"variants\": {\"on\": true, \"off\": false}";
    let flag = |state: &str, default: &str| {
        format!("\"state\": \"{state}\", {variants}, \"defaultVariant\": \"{default}\"")
    };
    let head = "\"metadata\": {\"fractional\": \"v2\"}";
    let file = |page: &str, seen: &str| {
        let seen = flag("ENABLED", seen);
        format!("{{{head}, \"flags\": {{\"page\": {{{page}}}, \"seen\": {{{seen}}}}}}}")
    };
    let good = file(&flag("ENABLED", "on"), "off");
    let flags = Flags::absent_at("flags.json");
    flags.write_text(&good);
    let sidecar = Sidecar::start(&flags).await;
    let (enabled, near) = (flag("ENABLED", "off"), |state: &str| flag(state, "off"));
    for page in [
        format!("{enabled}, \"kill\": true"),
        format!("{enabled}, \"kiled\": true"),
        format!("{enabled}, \"Kill\": \"yes\""),
        format!("{enabled}, \"disabled\": true"),
        format!("{enabled}, \"enabled\": false"),
        near("DISABLE"),
        near("DISABELD"),
        near("off"),
        near("DISABLED "),
        near("disabled"),
        near("Disabled"),
    ] {
        flags.replace(file(&page, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["serves"], "on", "{page}");
        assert_eq!(found["quarantined"][0]["flag"], "page", "{page}: {found:#}");
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!(code, Some(1), "{page}: {told}");
        flags.replace(&good);
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
    // flagd serves a flag of any other state, and a switch in metadata is a warning.
    for page in [
        near("PAUSED"),
        near("enabled"),
        format!("{enabled}, \"metadata\": {{\"kill\": true}}"),
        format!("{enabled}, \"metadata\": {{\"state\": \"DISABLED\"}}"),
        format!("{enabled}, \"kill_switch\": true"),
    ] {
        flags.replace(file(&page, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["serves"], "off", "{page}");
        let check = |strict: &[&str]| {
            run(flagstaff().args(["check", "--no-lints"]).args(strict).arg(flags.path())).0
        };
        assert_eq!((check(&[]), check(&["--strict"])), (Some(0), Some(1)), "{page}");
        flags.replace(&good);
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
}

/// Without a last good definition, flagd's reading is served: its own files load.
#[tokio::test]
async fn a_near_kill_that_never_was_good_serves_what_flagd_serves() {
    for near in ["\"enabled\": false", "\"disabled\": true", "\"kill\": true"] {
        let flags = Flags::absent_at("flags.json");
        flags.write_text(&format!(
            "{{\"metadata\": {{\"fractional\": \"v2\"}}, \"flags\": {{\"page\": {{\"state\": \"ENABLED\", {near}, \
             \"variants\": {{\"on\": true, \"off\": false}}, \"defaultVariant\": \"on\"}}}}}}"
        ));
        let sidecar = Sidecar::start(&flags).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["serves"], "on", "{near}");
        assert_eq!(found["quarantined"][0]["flag"], "page", "{near}: {found:#}");
    }
}

#[tokio::test]
async fn flags_that_are_written_twice_in_a_file_lose_no_kill() {
    let flag = |state: &str| {
        format!(
            "{{\"state\": \"{state}\", \"variants\": {{\"on\": true}}, \"defaultVariant\": \"on\"}}"
        )
    };
    let head = "\"metadata\": {\"fractional\": \"v2\"}";
    let off = format!("\"flags\": {{\"page\": {}}}", flag("DISABLED"));
    let on = format!("{{\"page\": {}}}", flag("ENABLED"));
    let flags = Flags::absent_at("flags.json");
    flags.write_text(&format!("{{{head}, {off}}}"));
    let sidecar = Sidecar::start(&flags).await;
    for (count, more) in (1..).zip([
        format!("\"flags\": {on}"),
        format!("\"Flags\": {on}"),
        "\"Flags\": {}".to_owned(),
        "\"FLAGS\": []".to_owned(),
        "\"Metadata\": {\"fractional\": \"v3\"}".to_owned(),
        "\"$evaluators\": {}, \"$evaluators\": {\"x\": true}".to_owned(),
    ]) {
        flags.replace(format!("{{{head}, {off}, {more}}}"));
        let refused =
            async || sidecar.reloads().await.get("parse_error").copied() == Some(f64::from(count));
        eventually(DEADLINE, &more, refused).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["state"], "disabled", "{more}");
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!(code, Some(1), "{more}: {told}");
        assert!(told.contains("is written twice"), "{more}: {told}");
    }
}

/// The words about a kill say that it holds, and what everyone gets.
#[tokio::test]
async fn what_is_told_of_a_kill_says_that_it_holds() {
    let flags = readable(&[("page", "serve: on")]);
    let sidecar = Sidecar::start(&flags).await;
    flags.replace(file(&[("page", "killed: 1, serve: on")]));
    sidecar.wait_for_log(&["the kill of page holds: everyone gets off"]).await;
    assert!(!sidecar.log().iter().any(|line| line.contains("PARSE_ERROR")));
    let told = |content: &str, name: &str| {
        let place = Flags::absent_at(name);
        place.write_text(content);
        run(flagstaff().args(["check", "--no-lints"]).arg(place.path())).1
    };
    let twice = file(&[("page", "killed: true, serve: on"), ("page", "serve: on")]);
    let twice = told(&twice, "flags.yaml");
    assert!(twice.contains("remove one of them; the kill in one of them holds"), "{twice}");
    assert!(!twice.contains("last good"), "{twice}");
    for name in ["Killed", "KILLED", "\"killed \""] {
        let told = told(&file(&[("page", &format!("serve: on, {name}: true"))]), "flags.yaml");
        let words = "is not a member of a flag; the kill holds (help: write killed: true)";
        assert!(told.contains(words), "{told}");
    }
    let flagds = "{\"flags\": {\"page\": {\"state\": \"ENABLED\", \"variants\": {\"a\": 1, \"b\": 2}, \
        \"defaultVariant\": \"b\", \"killed\": true}}}";
    let flagds = told(flagds, "flags.json");
    assert!(flagds.contains("the kill holds, and everyone gets \"b\""), "{flagds}");
}

/// A kill whose `otherwise` is broken goes to the last good one, and no hint leads to the variant
/// that the kill is to end.
#[tokio::test]
async fn a_kill_with_a_broken_otherwise_serves_the_last_good_one() {
    let variants = "variants: { new: 1, old: 2, more: 3 }";
    let good = format!("{variants}, serve: new, otherwise: old");
    let flags = readable(&[("page", &good)]);
    let sidecar = Sidecar::start(&flags).await;
    expect(&sidecar, "page", "serves", json!("new")).await;
    flags.replace(file(&[(
        "page",
        &format!("{variants}, serve: new, otherwise: nwe, killed: true"),
    )]));
    let found = expect(&sidecar, "page", "killed", json!(true)).await;
    assert_eq!(found["flags"]["page"]["serves"], "old");
    sidecar.wait_for_log(&["the kill of page holds: everyone gets old"]).await;
    let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("\"nwe\" is no variant") && !told.contains("\"new\""), "{told}");
}
