//! The command line: what it takes, what it refuses and how it says so.

use crate::{
    flags::Flags,
    sidecar::{Sidecar, flagstaff, run},
};
use serde_json::{Value, json};
use std::{env, fs, net::TcpListener, path::Path, process::Command};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/flags.json");

/// Runs `eval` and returns the exit code and the answer.
fn eval(paths: &[&Path], flag: &str, context: &str) -> (Option<i32>, Value) {
    let mut command = flagstaff();
    command.arg("eval").args(paths).args(["--flag", flag, "--context", context]);
    let (code, answer, _) = run(&mut command);
    (code, serde_json::from_str(&answer).unwrap())
}

#[test]
fn a_wrong_value_is_exit_2_before_anything_is_bound() {
    let flags = Flags::new(&json!({"flags": {}}));
    for (option, value) in [
        ("--port", "http"),
        ("--port", "65536"),
        ("--sync-port", "-1"),
        ("--management-port", ""),
        ("--bind", "localhost"),
        ("--management-bind", "127.0.0.1:80"),
        ("--uds-mode", "rw"),
        ("--watch", "sometimes"),
        ("--poll-interval", "5"),
        ("--poll-interval", "0s"),
        ("--max-file-bytes", "16MB"),
        ("--fractional", "v4"),
        ("--strict", "perhaps"),
        ("--start-without-flags", "perhaps"),
        ("--worker-threads", "0"),
        ("--drain-delay", "soon"),
        ("--log-level", "loud"),
        ("--log-format", "xml"),
        ("--no-such-option", "1"),
    ] {
        let socket = flags.dir().join("socket");
        let mut command = flagstaff();
        command.args(["serve", "--management-port", "0", "--uds"]).arg(&socket).arg(flags.path());
        if option != "--port" {
            command.args(["--port", "0"]);
        }
        if option == "--management-port" {
            command = flagstaff();
            command.args(["serve", "--port", "0", "--uds"]).arg(&socket).arg(flags.path());
        }
        let (code, _, said) = run(command.arg(format!("{option}={value}")));
        assert_eq!(code, Some(2), "{option} {value}: {said}");
        assert!(said.contains(option), "{option} {value}: {said}");
        assert!(!socket.exists() && !said.contains("listening"), "{option} {value}: {said}");
    }
    for paths in [&[][..], &["Cargo.toml"], &[""]] {
        assert_eq!(run(flagstaff().arg("serve").args(paths)).0, Some(2), "{paths:?}");
    }
}

#[test]
fn a_wrong_value_in_the_environment_is_exit_2_as_well() {
    for (name, value) in [("FLAGSTAFF_PORT", "http"), ("FLAGSTAFF_DRAIN_DELAY", "soon")] {
        let (code, _, said) = run(flagstaff().args(["serve", "flags.json"]).env(name, value));
        assert_eq!(code, Some(2), "{name}: {said}");
    }
}

#[test]
fn a_busy_port_is_exit_1_and_names_the_address_and_the_option() {
    let flags = Flags::new(&json!({"flags": {}}));
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap();
    for option in ["--port", "--sync-port", "--ofrep-port", "--management-port"] {
        let mut command = flagstaff();
        command.arg("serve").arg(flags.path());
        for other in ["--port", "--management-port"] {
            if other != option {
                command.args([other, "0"]);
            }
        }
        let (code, _, said) = run(command.args([option, &address.port().to_string()]));
        assert_eq!(code, Some(1), "{option}: {said}");
        assert!(said.contains(&address.to_string()), "{option}: {said}");
        assert!(said.contains(&format!("with {option}")), "{option}: {said}");
    }
}

#[test]
fn log_lines_are_text_on_a_terminal_and_json_elsewhere() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let serve = ["serve", EXAMPLE, "--management-port", "off", "--port", &port];
    let (_, _, said) = run(flagstaff().args(serve));
    let line: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(line["level"], "ERROR");
    // util-linux runs it on a terminal.
    let command = [&[env!("CARGO_BIN_EXE_flagstaff")], &serve[..]].concat().join(" ");
    let on_a_terminal = Command::new("script").args(["-qec", &command, "/dev/null"]).output();
    let Ok(output) = on_a_terminal else {
        assert!(env::var_os("CI").is_none(), "CI needs script, of util-linux or bsdutils");
        println!("skipped: there is no script, of util-linux or bsdutils");
        return;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ERROR") && said.contains("cannot listen on"), "{said}");
    assert!(!said.contains('{'), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_option_has_a_twin_in_the_environment() {
    for command in ["serve", "eval"] {
        let (code, help, _) = run(flagstaff().args([command, "--help"]));
        assert_eq!(code, Some(0));
        let mut seen = 0;
        // An option's entry is its own line and the text under it.
        for entry in help.split("\n      --").skip(1) {
            let name = entry.split([' ', '\n']).next().unwrap();
            let twin = format!("[env: FLAGSTAFF_{}=", name.to_uppercase().replace('-', "_"));
            assert!(entry.contains(&twin), "{command}: no {twin} in --{entry}");
            seen += 1;
        }
        assert!(seen >= 4, "{command}: {seen} options in {help}");
    }
}

#[test]
fn eval_prints_the_answer() {
    let flags = Flags::new(&json!({"metadata": {"team": "shop"}, "flags": {
        "greeting": {"state": "ENABLED", "variants": {"hi": "Hi", "moin": "Moin"},
            "defaultVariant": "hi",
            "targeting": {"if": [{"==": [{"var": "city"}, "Kiel"]}, "moin"]}},
        "off": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"},
        "open": {"state": "ENABLED", "variants": {"on": true}},
        "lost": {"state": "ENABLED", "variants": {"on": true}, "targeting": "nowhere"},
    }}));
    let eval = |flag, context| eval(&[flags.path()], flag, context);
    let (code, answer) = eval("greeting", r#"{"city": "Kiel"}"#);
    let expected = json!({"key": "greeting", "value": "Moin", "variant": "moin",
        "reason": "TARGETING_MATCH", "metadata": {"team": "shop"}});
    assert_eq!((code, answer), (Some(0), expected));
    let (code, answer) = eval("greeting", "{}");
    assert_eq!(
        (code, &answer["value"], &answer["reason"]),
        (Some(0), &json!("Hi"), &json!("DEFAULT"))
    );
    for (flag, reason) in [("off", "DISABLED"), ("open", "DEFAULT")] {
        let (code, answer) = eval(flag, "{}");
        assert_eq!((code, &answer["reason"]), (Some(0), &json!(reason)));
        assert!(answer.get("value").is_none(), "{answer}");
    }
    let (code, answer) = eval("lost", "{}");
    assert_eq!((code, &answer["errorCode"]), (Some(1), &json!("GENERAL")));
}

#[test]
fn eval_explains_instead_of_answering() {
    let flags = Flags::new(&json!({"flags": {
        "f": {"state": "ENABLED", "variants": {"on": {"a": 1}}, "defaultVariant": "on"},
        "open": {"state": "DISABLED", "variants": {}},
        "lost": {"state": "ENABLED", "variants": {"on": true}, "targeting":
            {"if": [{"var": "a"}, {"if": [{"var": "b"}, "nowhere"]}]}},
    }}));
    for (flag, expected) in [
        (
            "f",
            "no targeting: everyone gets the default variant \"on\"\n\
            answer: variant \"on\", value {\"a\":1}, reason STATIC\n",
        ),
        (
            "open",
            "switched off: everyone gets the default in the caller's code\n\
            answer: the default in the caller's code, reason DISABLED\n",
        ),
        (
            "lost",
            "if a: yes (a is 1)\n\
            then: \"nowhere\"\n    if b: yes (b is 2)\n    then \"nowhere\"\n\
            the result \"nowhere\" names no variant: there is \"on\"\n\
            answer: error GENERAL: the targeting names no variant of the flag\n",
        ),
        ("nothing-like-it", "answer: error FLAG_NOT_FOUND: no file defines it\n"),
    ] {
        let context = r#"{"a": 1, "b": 2}"#;
        let mut command = flagstaff();
        command.arg("eval").arg(flags.path()).args(["--flag", flag, "--context", context]);
        let plain = run(&mut command);
        let (code, told, said) = run(command.arg("--explain"));
        assert_eq!((code, told.as_str()), (plain.0, expected));
        assert_eq!(said, plain.2);
    }
}

#[test]
fn eval_hints_at_the_targeting_key_a_split_needs() {
    let eval = |flag: &str, context: &str| {
        let args = ["eval", EXAMPLE, "--flag", flag, "--context", context];
        run(flagstaff().args(args)).2
    };
    let hint =
        "hint: the context has no usable \"targetingKey\", so the split cannot bucket anyone\n";
    assert_eq!(eval("enable_new_pricing_page", "{}"), hint);
    assert_eq!(eval("enable_new_pricing_page", r#"{"targetingKey": ""}"#), hint);
    assert_eq!(eval("enable_new_pricing_page", r#"{"targetingKey": "user-6"}"#), "");
    assert_eq!(eval("upload_limit_mb", "{}"), "");
}

#[test]
fn eval_says_what_is_wrong_and_what_was_meant() {
    let example = Path::new(EXAMPLE);
    let (code, answer) = eval(&[example], "enable_new_pricing_pge", "{}");
    assert_eq!((code, &answer["errorCode"]), (Some(1), &json!("FLAG_NOT_FOUND")));
    let details = answer["errorDetails"].as_str().unwrap();
    assert!(details.contains("did you mean \"enable_new_pricing_page\"?"), "{details}");
    let (code, answer) = eval(&[Path::new("/nowhere/flags.json")], "a", "{}");
    assert_eq!(code, Some(1));
    let details = answer["errorDetails"].as_str().unwrap();
    assert!(details.contains("/nowhere/flags.json: file not found"), "{details}");
    for wrong in [&["--flag", "a", "--context", "[]"][..], &["--context", "{}"]] {
        let (code, _, said) = run(flagstaff().args(["eval", EXAMPLE]).args(wrong));
        assert_eq!(code, Some(2), "{said}");
    }
}

#[tokio::test]
async fn a_person_is_greeted_and_told_what_a_change_changed() {
    let flags = Flags::absent();
    let text = fs::read_to_string(EXAMPLE).unwrap();
    flags.write_text(&text);
    let sidecar = Sidecar::launch(&flags, &["--log-format", "text"]);
    sidecar.wait_for_log(&["flags       ", "watching", "flags.json"]).await;
    sidecar.wait_for_log(&["evaluation  127.0.0.1:", "unix:"]).await;
    sidecar.wait_for_log(&["management  127.0.0.1:", "(http://127.0.0.1:"]).await;
    sidecar.wait_for_log(&["try ", "flagstaff eval", "--flag ", "targetingKey"]).await;
    let edited = text.replacen("[\"on\", 5], [\"off\", 95]", "[\"on\", 25], [\"off\", 75]", 1);
    assert_ne!(edited, text, "the example still has its 5 %");
    flags.write_text(&edited);
    let change = "generation 2 · enable_new_pricing_page: on 5 % → 25 % · ";
    sidecar.wait_for_log(&[change, " ms · no application connected"]).await;
}
