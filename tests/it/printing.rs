//! Names that would steer a terminal, a shell or a CI log, through every output of the program.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Each tries one way to steer the terminal or log that prints it.
const HOSTILE: [&str; 16] = [
    "\u{1b}[2Jesc",
    "\u{1b}]0;title\u{7}",
    "bel\u{7}",
    "line\r\n::error::forged",
    "::error::forged",
    "  ::set-output name=a::b",
    "##[command]forged",
    "##vso[task.setvariable variable=a]b",
    "\u{9b}31mcsi",
    "\u{7f}del",
    "\u{202e}sdrawkcab\u{2066}",
    "line\u{2028}separator\u{2029}",
    "\u{200b}\u{feff}\u{e0041}hidden",
    "$(id)`id`",
    "it's \"quoted\"",
    "-x;&|<>*?[]{}~!#\\",
];

/// No line of a text may have been made by a name, and no character of it may steer.
#[track_caller]
fn is_harmless(what: &str, text: &str) {
    for line in text.lines() {
        let bad = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
        };
        assert!(!line.contains(bad), "{what}: {line:?}");
        let start = line.trim_start();
        assert!(!start.starts_with("::") || is_ours(start), "{what}: {line:?}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{what}: {line:?}");
    }
}

/// Whether a workflow command is one that `check --format github` writes for a file.
fn is_ours(line: &str) -> bool {
    ["error", "warning", "notice"].iter().any(|level| line.starts_with(&format!("::{level} file=")))
}

/// A file in which hostile names are those of flags, variants, owners, attributes and members, some
/// of them in places where they are errors.
fn document() -> Value {
    let mut flags = serde_json::Map::new();
    for (place, name) in HOSTILE.into_iter().enumerate() {
        flags.insert(
            name.to_owned(),
            json!({"state": "ENABLED", "variants": {name: true, "off": false}, "defaultVariant": name,
                "metadata": {"owner": name, "why": name, "ticket": name, "expires": name},
                "targeting": {"if": [{"==": [{"var": name}, name]}, name, "off"]}}),
        );
        flags.insert(
            format!("{place}{name}"),
            json!({"state": name, "variants": {name: true}, "defaultVariant": format!("{name}{name}"),
                name: name, "targeting": {name: [{"var": name}]}}),
        );
    }
    json!({"flags": flags, "metadata": {"owner": HOSTILE[0]}, HOSTILE[4]: 1})
}

/// A readable file of the same kind.
fn readable() -> Value {
    let mut flags = serde_json::Map::new();
    for name in HOSTILE {
        flags.insert(
            name.to_owned(),
            json!({"owner": name, "why": name, "expires": name, "variants": {name: name, "b": "b"},
                "rules": [{"if": {name: {"in_list": name}, "plan": {name: name}}, "serve": name},
                    {"if": {"segment": name}, "serve": name}],
                "requires": {name: name}, name: name}),
        );
    }
    json!({"flagstaff": 1, "flags": flags, "segments": {HOSTILE[0]: {HOSTILE[1]: HOSTILE[2]}}})
}

fn program(arguments: &[&str], path: &Path) -> Command {
    let mut command = flagstaff();
    command.args(arguments).arg(path);
    command
}

#[test]
fn commands_print_no_name_that_steers() {
    let flags = Flags::absent_at("::error::$(id)\u{1b}[2J\n##[x]\u{202e}.json");
    for document in [document(), readable()] {
        flags.write_in_place(&document);
        for format in ["text", "json", "github"] {
            let (code, out, err) = run(&mut program(&["check", "--format", format], flags.path()));
            assert!(matches!(code, Some(0 | 1)), "{err}");
            assert!(out.lines().count() > 20, "{out}");
            is_harmless(&format!("check {format}"), &(out + &err));
        }
        let (_, out, err) = run(&mut program(&["export"], flags.path()));
        is_harmless("export", &(out + &err));
        for name in HOSTILE {
            let flag = format!("--flag={name}");
            let context = format!("--context={}", json!({name: name, "targetingKey": name}));
            for explain in [&[][..], &["--explain"]] {
                let mut command = program(&["eval", &flag, &context], flags.path());
                let (_, out, err) = run(command.args(explain));
                assert!(!out.is_empty());
                is_harmless(&format!("eval {name:?} {explain:?}"), &(out + &err));
            }
        }
    }
    // In a directory, and against it.
    fs::copy(flags.path(), flags.dir().join("\u{1b}b.yaml")).unwrap();
    let against = flags.path().to_str().unwrap();
    let (_, out, err) = run(&mut program(&["check", "--against", against], flags.dir()));
    is_harmless("check --against", &(out + &err));
}

#[test]
fn what_the_command_line_says_wrong_is_quoted_harmlessly() {
    for name in HOSTILE {
        for arguments in [
            &[name][..],
            &["check", "--format", name],
            &["check", "--explain", name],
            &["check", name],
            &["check", &format!("--{name}")],
            &["serve", "--port", name, "a.json"],
            &["serve", "--drain-delay", name, "a.json"],
            &["serve", "--drain-delay", &format!("5{name}"), "a.json"],
            &["serve", "--bind", name, "a.json"],
            &["eval", "a.json", "--flag", "a", "--context", name],
            &["eval", "a.json", "--flag", "a", "--at", name],
            &["health", "--address", name],
            &["health", "--address", &format!("{name}:1")],
            &["override", name],
            &["override", "set", "--for", name, "--why", name, name, name],
            &["override", "list", "--overrides", name, "--address", "127.0.0.1:1"],
            &["override", "clear", "--overrides", name, "--address", "127.0.0.1:1", "--", name],
            &[
                "override",
                "set",
                "--address",
                "127.0.0.1:1",
                "--for",
                "1h",
                "--why",
                "x",
                "--",
                name,
                name,
            ],
        ] {
            let (code, out, err) = run(flagstaff().args(arguments));
            assert_ne!((code, &*out, &*err), (Some(0), "", ""), "{arguments:?}");
            is_harmless(&format!("{arguments:?}"), &(out + &err));
        }
    }
}

#[tokio::test]
async fn a_sidecar_says_no_name_that_steers() {
    for format in ["text", "json"] {
        let flags = Flags::absent_at("##[x]\u{1b}[2J\n::error::\u{202e}.json");
        let overrides = flags.dir().join("over\u{1b}[2J\u{202e}");
        fs::create_dir(&overrides).unwrap();
        let overrides = overrides.to_str().unwrap();
        let options = ["--log-format", format, "--overrides", overrides];
        // Its ports are in the log, which the text format writes for people.
        let ports = ["--management-bind", "127.0.0.1", "--management-port"];
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let number = port.port().to_string();
        let options = [&options[..], &ports, &[&number]].concat();
        let sidecar = Sidecar::launch(&flags, &options);
        let get = async |path: &str| match tokio::net::TcpStream::connect(port).await {
            Ok(_) => http_get(port, path).await,
            Err(_) => (0, String::new()),
        };
        eventually(DEADLINE, "it says why it is not ready", async || {
            get("/readyz").await.1.contains("file not found")
        })
        .await;
        is_harmless("/readyz", &get("/readyz").await.1);
        let (code, out, err) = run(flagstaff().args(["health", "--address", &port.to_string()]));
        assert_eq!(code, Some(1));
        is_harmless("health", &(out + &err));

        flags.rename_over(&document());
        eventually(DEADLINE, "ready", async || get("/readyz").await.0 == 200).await;
        let client = Client::connect_unix(&sidecar, 65_535).await;
        for name in HOSTILE {
            let unknown = format!("unknown {name}");
            let (_, message) = client.failure::<ResolveBooleanResponse>(&unknown, json!({})).await;
            is_harmless("a status", &message);
            if let Err(status) = client.resolve::<ResolveBooleanResponse>(name, json!({})).await {
                is_harmless("a status", status.message());
            }
            let arguments =
                ["override", "set", "--for", "1h", "--why", "it's \u{202e}", "--address"];
            let mut command = flagstaff();
            command.args(arguments).arg(port.to_string()).args(["--", name, name]);
            let (_, out, err) = run(&mut command);
            is_harmless("override set", &(out + &err));
        }
        fs::write(Path::new(overrides).join("\u{1b}\u{202e}.json"), HOSTILE[0]).unwrap();
        eventually(DEADLINE, "the override shows", async || {
            get("/status").await.1.contains("is not an override")
        })
        .await;
        is_harmless("/status", &get("/status").await.1);
        let (_, out, err) =
            run(flagstaff().args(["override", "list", "--address", &port.to_string()]));
        assert!(out.lines().count() > 10, "{out}{err}");
        is_harmless("override list", &(out + &err));
        for name in HOSTILE {
            let mut command = flagstaff();
            command.args(["override", "clear", "--address", &port.to_string(), "--", name]);
            let (_, out, err) = run(&mut command);
            is_harmless("override clear", &(out + &err));
        }
        flags.rename_over(&readable());
        sidecar.wait_for_log(&["owner"]).await;
        sidecar.sigterm();
        sidecar.wait_for_log(&["totals"]).await;
        is_harmless("the log", &sidecar.log().join("\n"));
    }
}

#[tokio::test]
async fn the_line_to_copy_asks_for_the_flag_and_runs_nothing_else() {
    for name in HOSTILE {
        let flags = Flags::absent_at("a b$(touch pwned)'.json");
        flags.write_in_place(&json!({"flags": {name:
            {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}));
        let sidecar = Sidecar::launch(&flags, &["--log-format", "text"]);
        sidecar.wait_for_log(&["  try ", "--context"]).await;
        let log = sidecar.log();
        let line = log.iter().find_map(|line| line.trim_start().strip_prefix("try ")).unwrap();
        let mut command = Command::new("bash");
        command.args(["-c", line]).env_clear().current_dir(flags.dir()).stdin(Stdio::null());
        let (code, out, err) = run(&mut command);
        assert_eq!(code, Some(0), "{line}: {out}{err}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(answer["key"], name, "{line}");
        assert!(!flags.dir().join("pwned").exists(), "{line}");
    }
}
