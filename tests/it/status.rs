//! `/status`: what a running sidecar says of itself, member by member.

use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use serde_json::{Value, json};
use std::{
    env, fs,
    process::{Command, Stdio},
    time::SystemTime,
};

async fn status(sidecar: &Sidecar) -> Value {
    let (code, body) = http_get(sidecar.management(), "/status").await;
    assert_eq!(code, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Waits until the status has this value at this place.
async fn expect(sidecar: &Sidecar, place: &str, value: Value) -> Value {
    let mut found = Value::Null;
    let what = format!("{place} is {value}");
    eventually(DEADLINE, &what, async || {
        found = status(sidecar).await;
        found.pointer(place) == Some(&value)
    })
    .await;
    found
}

fn flag(default: &str) -> Value {
    json!({"state": "ENABLED", "variants": {"off": false, "on": true}, "defaultVariant": default})
}

fn names(of: &Value) -> Vec<&str> {
    let mut names: Vec<_> = of.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn it_has_every_member_that_docs_promise() {
    const DOCS: &str = include_str!("../../docs/status.md");
    let flags = Flags::directory(&[("a.json", &json!({"flags": {"a": flag("on")}}))]);
    let sidecar = Sidecar::start(&flags).await;
    flags.put("a.json", &json!({"flags": {"a": flag("oN"), "b": flag("off")}}));
    let found = expect(&sidecar, "/sources/0/layers/0/state", "partial".into()).await;
    let layer = &found["sources"][0]["layers"][0];
    for (of, expected) in [
        (
            &found,
            "connections digest exposures flags generation hash last_scan overrides overrides_directory \
             phase quarantined reason revision series sources streams unknown_flags \
             uptime_seconds version watch",
        ),
        (&found["watch"], "mode poll_interval_seconds refusal"),
        (&found["sources"][0], "applied kind layers path problem"),
        (layer, "bytes cannot_update diagnostics flags last_change path quarantined serving state"),
        (&layer["diagnostics"][0], "column help level line message path"),
        (&found["quarantined"][0], "file flag reasons serves"),
        (&found["exposures"], "duplicates evictions mode table_bytes window_seconds"),
        (&found["series"], "dropped in_use limit over_limit"),
        (&found["streams"], "event_stream"),
        (&found["unknown_flags"], "requests top"),
        (
            &found["flags"]["a"],
            "changed default evaluations expires exposures file killed kind next_change owner \
             serves shared split state ticket variants why",
        ),
    ] {
        let expected: Vec<_> = expected.split_whitespace().collect();
        assert_eq!(names(of), expected, "{found:#}");
        let documented = |name: &&str| {
            let written = [format!("`{name}`"), format!("`{name}."), format!(".{name}`")];
            written.iter().any(|name| DOCS.contains(name))
        };
        assert!(expected.iter().all(documented), "docs/status.md lacks one of {expected:?}");
    }
}

#[tokio::test]
async fn it_tells_what_is_served_and_what_is_wrong() {
    let flags = Flags::directory(&[("a.json", &json!({"flags": {"a": flag("on")}}))]);
    let lower = flags.path().join("a.json").display().to_string();
    let upper = flags.path().join("b.yaml").display().to_string();
    let sidecar = Sidecar::start(&flags).await;
    // Directories that take more than a moment to be watched are watched soon after.
    let watch = json!({"mode": "inotify", "refusal": null, "poll_interval_seconds": 600.0});
    let found = expect(&sidecar, "/watch", watch).await;
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    assert!(found["uptime_seconds"].as_f64().unwrap() < 60.0);
    assert_eq!((&found["phase"], &found["reason"]), (&json!("ready"), &Value::Null));
    assert_eq!(found["generation"], 1);
    let digest = found["digest"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
    let hash = u64::from_str_radix(digest.get(..12).unwrap(), 16).unwrap();
    assert_eq!(found["hash"], hash);
    assert_eq!(sidecar.metric("flagstaff_config_hash").await, hash as f64);
    let source = &found["sources"][0];
    assert_eq!(source["path"], flags.path().display().to_string());
    assert_eq!((&source["kind"], &source["applied"]), (&json!("directory"), &json!(true)));
    let layer = &source["layers"][0];
    let expected = [("path", json!(lower)), ("state", json!("applied")), ("serving", json!(true))];
    for (name, value) in expected {
        assert_eq!(layer[name], value);
    }
    assert_eq!((&layer["flags"], &layer["diagnostics"]), (&json!(1), &json!([])));
    let changed = humantime::parse_rfc3339(layer["last_change"].as_str().unwrap()).unwrap();
    assert!(SystemTime::now().duration_since(changed).unwrap() < DEADLINE);
    assert_eq!(found["flags"].as_object().unwrap().len(), 1);
    let expected = [
        ("state", json!("enabled")),
        ("variants", json!(["off", "on"])),
        ("default", json!("on")),
        ("file", json!(lower)),
    ];
    for (name, value) in expected {
        assert_eq!(found["flags"]["a"][name], value);
    }
    assert_eq!((&found["quarantined"], &found["overrides"]), (&json!([]), &json!([])));

    // Broken below, broken from the start above, and broken in between.
    flags.put("a.json", &json!({"flags": {"a": flag("oN"), "b": flag("on"), "c": 1}}));
    flags.put("b.yaml", &json!({"flags": {"b": 1, "d": flag("off")}}));
    let found = expect(&sidecar, "/sources/0/layers/1/state", "partial".into()).await;
    let quarantined = |flag: &str| {
        let all = found["quarantined"].as_array().unwrap().iter();
        all.filter(|entry| entry["flag"] == flag).cloned().collect::<Vec<_>>()
    };
    let [a, b, c] = ["a", "b", "c"].map(|flag| {
        let entries = quarantined(flag);
        assert_eq!(entries.len(), 1, "{found:#}");
        entries[0].clone()
    });
    for (entry, file, serves) in [
        (&a, &lower, "last good definition"),
        (&b, &upper, "definition of another file"),
        (&c, &lower, "PARSE_ERROR"),
    ] {
        assert_eq!((&entry["file"], &entry["serves"]), (&json!(file), &json!(serves)));
    }
    assert!(a["reasons"][0].as_str().unwrap().contains("flags.a.defaultVariant"), "{a}");
    let problem = &found["sources"][0]["layers"][0]["diagnostics"][0];
    assert_eq!(problem["level"], "error");
    assert_eq!(problem["line"], 1);
    assert!(problem["column"].as_u64().unwrap() > 1, "{problem}");
    assert_eq!(found["flags"]["b"]["file"], lower, "it is served from below");
    assert_eq!(found["flags"]["d"]["file"], upper);

    fs::write(flags.path().join("a.json"), "no JSON").unwrap();
    let found = expect(&sidecar, "/sources/0/layers/0/state", "parse_error".into()).await;
    assert_eq!(found["sources"][0]["layers"][0]["serving"], true);
    assert_eq!(found["phase"], "ready");
}

#[tokio::test]
async fn it_tells_why_there_are_no_flags_yet() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let found = expect(&sidecar, "/sources/0/layers/0/state", "read_error".into()).await;
    assert_eq!(found["phase"], "starting");
    let reason = found["reason"].as_str().unwrap();
    assert!(reason.contains("flags.json") && reason.contains("not found"), "{reason}");
    assert_eq!((&found["generation"], &found["digest"]), (&json!(0), &Value::Null));
    assert_eq!((&found["hash"], &found["flags"]), (&Value::Null, &json!({})));
    let hash = "flagstaff_config_hash";
    assert!(!sidecar.metrics().await.contains_key(hash), "none is not another");
    let source = &found["sources"][0];
    assert_eq!((&source["kind"], &source["applied"]), (&json!("file"), &json!(false)));
    assert_eq!(source["layers"][0]["serving"], false);
    let problem = &source["layers"][0]["diagnostics"][0];
    assert_eq!((&problem["line"], &problem["message"]), (&Value::Null, &json!("file not found")));
    flags.rename_over(&json!({"flags": {}}));
    expect(&sidecar, "/phase", "ready".into()).await;
    assert!(sidecar.metrics().await.contains_key(hash));
}

#[tokio::test]
async fn a_refusal_of_events_is_told_with_what_is_done_instead() {
    if !unshare_works() {
        return;
    }
    let flags = Flags::new(&json!({"flags": {"a": flag("on")}}));
    let sidecar = Sidecar::start_in(&flags, &[], without_inotify).await;
    // Flags are served before directories are watched, if that takes its time.
    let mut found = Value::Null;
    eventually(DEADLINE, "the files are polled", async || {
        found = status(&sidecar).await;
        found["watch"]["mode"] == "poll"
    })
    .await;
    assert_eq!(found["watch"]["poll_interval_seconds"], 1.0);
    let refusal = found["watch"]["refusal"].as_str().unwrap();
    assert!(refusal.contains("max_user_instances"), "{refusal}");
    assert_eq!(sidecar.metric("flagstaff_config_watch_mode{mode=\"poll\"}").await, 1.0);
    sidecar.wait_for_log(&["WARN", "file events were refused", "max_user_instances"]).await;
}

#[tokio::test]
async fn a_file_that_is_mounted_by_itself_is_named_with_what_to_do() {
    if !unshare_works() {
        return;
    }
    let flags = Flags::new(&json!({"flags": {"a": flag("on")}}));
    fs::copy(flags.path(), flags.dir().join("real.json")).unwrap();
    let sidecar = Sidecar::start_in(&flags, &["--poll-interval", "50ms"], |command| {
        let mount = "d=$(dirname \"$3\") && mount --bind \"$d/real.json\" \"$3\" && exec \"$@\"";
        in_a_namespace(command, "-rm", mount)
    })
    .await;
    let place = "/sources/0/layers/0/cannot_update";
    let why = status(&sidecar).await.pointer(place).unwrap().as_str().unwrap().to_owned();
    assert!(why.contains("mounted by itself") && why.contains("mount its directory"), "{why}");
    sidecar.wait_for_log(&["WARN", "can never be updated", "flags.json"]).await;
    // What is behind the mount is replaced; the next look sees that nothing will ever come.
    let next = flags.dir().join("next");
    fs::write(&next, json!({"flags": {"a": flag("off")}}).to_string()).unwrap();
    fs::rename(next, flags.dir().join("real.json")).unwrap();
    eventually(DEADLINE, "the missed update is noticed", async || {
        let why = status(&sidecar).await.pointer(place).cloned().unwrap();
        why.as_str().unwrap().contains("was replaced")
    })
    .await;
    let warned = sidecar.log().iter().filter(|line| line.contains("can never")).count();
    assert_eq!(warned, 1, "it is told once");
}

/// Whether a user namespace can be made here; CI must be able to.
pub(crate) fn unshare_works() -> bool {
    let works = Command::new("unshare").args(["-rm", "true"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    assert!(works || env::var_os("CI").is_none(), "unshare -rm does not work here");
    if !works {
        println!("skipped: unshare -rm does not work here");
    }
    works
}

/// Runs the command in a user namespace of its own, after a line of shell that ends in `exec "$@"`.
pub(crate) fn in_a_namespace<'a>(
    command: &'a mut Command,
    how: &str,
    shell: &str,
) -> &'a mut Command {
    let mut wrapped = Command::new("unshare");
    wrapped.env_clear().stdin(Stdio::null()).args([how, "--", "sh", "-c", shell, "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    *command = wrapped;
    command
}

/// Runs the command where the kernel grants no inotify instance.
pub(crate) fn without_inotify(command: &mut Command) -> &mut Command {
    let shell = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"";
    in_a_namespace(command, "-r", shell)
}
