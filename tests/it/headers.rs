//! A readable file that loses its line `flagstaff: 1`, and files of other tools in its place.

use crate::{
    client::Client,
    flags::{Flags, files},
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::json;
use std::fs;

const BODY: &str = "bucketing: v2
flags:
  allow_card_payments: { kind: ops, killed: true, serve: on }
  enable_new_search: { kind: release, rollout: 100% }
";

async fn serves(client: &Client, flag: &str) -> Option<bool> {
    let answer: ResolveBooleanResponse = client.resolve(flag, json!({})).await.unwrap();
    answer.value
}

#[tokio::test]
async fn a_lost_header_lifts_no_kill() {
    let flags = Flags::absent_at("flags.yaml");
    flags.replace(BODY);
    let sidecar = Sidecar::launch(&flags, &[]);
    sidecar.wait_for_log(&["WARN", "write flagstaff: 1"]).await;
    assert_eq!(sidecar.readyz().await.0, 503);

    flags.replace(format!("flagstaff: 1\n{BODY}"));
    eventually(DEADLINE, "the file is taken", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(serves(&client, "allow_card_payments").await, Some(false));

    for lost in [
        BODY.to_owned(),
        format!("#flagstaff: 1\n{BODY}"),
        format!("flagstaf: 1\n{BODY}"),
        format!("flagstaff: 2\n{BODY}"),
        format!("flagstaff: \"1\"\n{BODY}"),
        format!("\u{feff}flagstaff:\n{BODY}"),
        format!("metadata: {{ flagstaff: 1 }}\n{BODY}"),
        format!("flagstaff: 1\n---\n{BODY}"),
        BODY.replace("bucketing: v2\n", ""),
        BODY.replace("bucketing: v2\nflags:\n", "flags:\n  flagstaff: 1\n"),
    ] {
        let before = sidecar.reloads().await.get("parse_error").copied();
        flags.replace(&lost);
        let refused = async || sidecar.reloads().await.get("parse_error").copied() != before;
        eventually(DEADLINE, &lost, refused).await;
        assert_eq!(serves(&client, "allow_card_payments").await, Some(false), "{lost}");
        assert_eq!(serves(&client, "enable_new_search").await, Some(true), "{lost}");
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!((code, told.matches(": error: ").count()), (Some(1), 1), "{told}");
        flags.replace(format!("flagstaff: 1\n{BODY}# {}\n", lost.len()));
        let taken = async || sidecar.metric("flagstaff_config_last_reload_successful").await > 0.5;
        eventually(DEADLINE, "mended", taken).await;
    }
    for (name, mark) in [("Flagstaff: 1\n", ""), ("flagstaff: 1\n", "\u{feff}")] {
        fs::write(flags.path(), format!("{mark}{name}{BODY}")).unwrap();
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!(code, Some(0), "{told}");
    }
}

#[test]
fn an_entry_of_a_list_file_that_is_several_values_is_found() {
    let file = "flagstaff: 1
bucketing: v2
flags:
  enable_archive_search:
    owner: team-payments
    why: Customers ask for older invoices.
    kind: permission
    rules:
      - { if: { targetingKey: { in_list: ids.txt } }, serve: on }
";
    for (list, is_found) in [
        ("ana\nbo\n", false),
        ("# a comment\nana\n\n  bo  \n", false),
        ("ana,bo\n", true),
        ("\"ana\"\n", true),
        ("'ana'\nbo\n", true),
        ("ana # the first\n", true),
        ("ana#1\nO'Neil\n", false),
    ] {
        let root = files(&[("flags.yaml", file), ("ids.txt", list)]);
        let (_, told, _) = run(flagstaff().arg("check").arg(root.path().join("flags.yaml")));
        assert_eq!(told.contains("[list-entry]"), is_found, "{list}: {told}");
    }
}
