//! A sidecar that meets every bad file, one after the other: clients notice nothing.

use super::{Case, Fate, LIMIT, cases};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::fs;

/// The file that each bad one replaces, and is replaced by.
fn good() -> Value {
    json!({"metadata": {"fractional": "v2"}, "flags": {
        "greeting": {"state": "ENABLED", "variants": {"hello": "hello", "bye": "bye"},
            "defaultVariant": "hello"},
        "neighbour": {"state": "ENABLED", "variants": {"old": "old", "new": "new"},
            "defaultVariant": "old"}}})
}

struct Run {
    flags: Flags,
    sidecar: Sidecar,
    client: Client,
}

impl Run {
    async fn start(extension: &str) -> Self {
        let flags = Flags::named(&format!("flags.{extension}"), &good());
        let sidecar = Sidecar::start_with(&flags, &["--max-file-bytes", LIMIT]).await;
        let client = Client::connect(&sidecar).await;
        Self { flags, sidecar, client }
    }

    async fn ask(&self, flag: &str) -> String {
        let answer: ResolveStringResponse = self.client.resolve(flag, json!({})).await.unwrap();
        answer.value.unwrap()
    }

    /// Puts a file in place whole, and says as what it was seen.
    async fn swap(&self, what: &str, content: &[u8]) -> String {
        let before = self.sidecar.reloads().await;
        self.flags.replace(content);
        let mut result = None;
        eventually(DEADLINE, &format!("{what} is seen"), async || {
            let now = self.sidecar.reloads().await;
            result = now.into_iter().find(|(result, count)| before.get(result) != Some(count));
            result.is_some()
        })
        .await;
        result.unwrap().0
    }

    async fn successful(&self, path: &str, expected: bool) {
        let what = format!("{path}: all is in force: {expected}");
        let series = "flagstaff_config_last_reload_successful";
        let expected = f64::from(u8::from(expected));
        eventually(DEADLINE, &what, async || self.sidecar.metric(series).await == expected).await;
    }

    async fn meet(&self, case: &Case) {
        let path = &*case.path();
        let problems = problems(&self.flags, &case.content);
        let logged = self.sidecar.log().len();
        let result = self.swap(path, &case.content).await;
        let expected = match case.fate {
            Fate::Good | Fate::Warned => "applied",
            Fate::Quarantined => "partial",
            Fate::Refused if path.contains("larger") => "read_error",
            Fate::Refused => "parse_error",
        };
        assert_eq!(result, expected, "{path}");
        if case.fate >= Fate::Quarantined {
            assert_eq!(self.ask("greeting").await, "hello", "{path}");
        }
        let neighbour = if case.fate == Fate::Refused { "old" } else { "new" };
        assert_eq!(self.ask("neighbour").await, neighbour, "{path}");
        assert_eq!(self.sidecar.readyz().await.0, 200, "{path}");
        self.successful(path, case.fate <= Fate::Warned).await;
        // All problems stand in one line, each at its place.
        let named = |line: &String| {
            line.contains("WARN") && problems.iter().all(|problem| line.contains(problem))
        };
        let new = || self.sidecar.log().split_off(logged);
        if case.fate == Fate::Good {
            assert!(!new().iter().any(|line| line.contains("WARN")), "{path}: {:#?}", new());
        } else if result != "read_error" {
            let what = format!("{path} is logged with {problems:?}");
            eventually(DEADLINE, &what, async || new().iter().any(named)).await;
        } else {
            self.sidecar.wait_for_log(&["cannot read", "--max-file-bytes"]).await;
        }
        let healed = if case.fate == Fate::Refused { "unchanged" } else { "applied" };
        assert_eq!(self.swap(path, good().to_string().as_bytes()).await, healed, "{path}");
        self.successful(path, true).await;
        assert_eq!(self.ask("neighbour").await, "old", "{path}");
        assert_eq!(self.ask("greeting").await, "hello", "{path}");
    }
}

/// What `check` says of a content: the beginning of each problem, with its place.
fn problems(flags: &Flags, content: &[u8]) -> Vec<String> {
    let path = flags.path().with_file_name("check").join(flags.path().file_name().unwrap());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    let told = flagstaff().args(["check", "--no-lints"]).arg(&path).output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    let prefix = format!("{}:", path.display());
    let problems = told.lines().filter_map(|line| line.strip_prefix(&prefix));
    let beginnings =
        problems.map(|line| line.splitn(4, ": ").take(3).collect::<Vec<_>>().join(": "));
    // As they stand in a line of JSON.
    let escaped = beginnings.map(|text| serde_json::to_string(&text).unwrap());
    escaped.map(|text| text.trim_matches('"').to_owned()).collect()
}

async fn meet_all(extension: &str) {
    let run = Run::start(extension).await;
    let cases = cases(extension);
    for case in &cases {
        run.meet(case).await;
    }
    println!(
        "{} bad .{extension} files hurt nobody; RSS {} KiB",
        cases.len(),
        run.sidecar.resident()
    );
    let metrics = run.sidecar.metrics().await;
    let failed = |series: &&String| {
        series.starts_with("flagstaff_rpc_duration_seconds_count") && !series.contains("\"OK\"")
    };
    assert_eq!(metrics.keys().filter(failed).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test]
async fn no_bad_json_file_hurts_a_client() {
    meet_all("json").await;
}

#[tokio::test]
async fn no_bad_yaml_file_hurts_a_client() {
    meet_all("yaml").await;
}
