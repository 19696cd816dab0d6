//! What commands read beside plain files: standard input, contexts in files, lists with blanks,
//! and texts that an editor has marked.

use crate::{
    client::Client,
    flags::{Flags, files},
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Command, Stdio},
};

const FLAGS: &str = r#"{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": false},
    "defaultVariant": "off", "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "on"]}}}}"#;

/// Runs a program with a text on its standard input.
fn run_with(command: &mut Command, input: &str) -> (Option<i32>, String, String) {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have had enough, or want none.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn flags_are_read_from_standard_input_as_json_or_yaml() {
    let yaml = "flagstaff: 1\nflags:\n  a: { serve: on }\n";
    for text in [FLAGS, yaml] {
        let (code, out, _) = run_with(flagstaff().args(["check", "--no-lints", "-"]), text);
        assert_eq!((code, &*out), (Some(0), "1 file, 1 flag: no problems\n"), "{text}");
        let (code, out, err) = run_with(flagstaff().args(["eval", "-", "--flag", "a"]), text);
        assert_eq!(code, Some(0), "{err}");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["key"], "a");
        let (code, out, err) = run_with(flagstaff().args(["export", "-"]), text);
        assert_eq!(code, Some(0), "{err}");
        assert!(serde_json::from_str::<Value>(&out).unwrap()["flags"]["a"].is_object(), "{out}");
    }
    // JSON with a mistake is not read as YAML, which would take it.
    let (code, out, _) = run_with(flagstaff().args(["check", "-"]), "{\"flags\": {},}");
    assert!(code == Some(1) && out.starts_with("-:1:"), "{out}");
    let (code, out, _) = run_with(flagstaff().args(["check", "--max-file-bytes", "8", "-"]), FLAGS);
    assert!(code == Some(1) && out.contains("larger than 8 bytes"), "{out}");
    let (code, _, err) = run(flagstaff().args(["serve", "-"]));
    assert!(code == Some(2) && err.contains("standard input"), "{err}");
}

#[test]
fn a_context_is_read_from_a_file_or_standard_input() {
    let flags = Flags::absent();
    flags.write_text(FLAGS);
    let context = "\u{feff}{\"plan\": \"pro\"}\n";
    std::fs::write(flags.dir().join("context.json"), context).unwrap();
    let eval = |context: &str, input: &str| {
        let mut command = flagstaff();
        command.current_dir(flags.dir()).arg("eval").arg(flags.path());
        run_with(command.args(["--flag", "a", "--context", context]), input)
    };
    for (argument, input) in [("@context.json", ""), ("-", context), ("{\"plan\": \"pro\"}", "")] {
        let (code, out, err) = eval(argument, input);
        assert!(code == Some(0) && out.contains("\"variant\": \"on\""), "{argument}: {out}{err}");
    }
    for (argument, input, expected) in [
        ("@nowhere.json", "", "nowhere.json: file not found"),
        ("-", "[]", "standard input: the context must be a JSON object"),
        ("@flags.json", "", "\"variant\": \"off\""),
    ] {
        assert!(
            eval(argument, input).1.contains(expected),
            "{argument}: {}",
            eval(argument, input).1
        );
    }
    for context in ["-", "@-"] {
        let mut both = flagstaff();
        both.args(["eval", "-", "--flag", "a", "--context", context]);
        let (code, out, _) = run_with(&mut both, FLAGS);
        assert!(code == Some(1) && out.contains("cannot both come from standard input"), "{out}");
    }
}

#[test]
fn standard_input_named_twice_is_a_usage_error() {
    for arguments in [
        &["check", "-", "-"][..],
        &["check", "--", "-,-"],
        &["check", "flags.json", "-", "other.yaml", "-"],
        &["eval", "-", "-", "--flag", "a"],
    ] {
        let (code, out, err) = run_with(flagstaff().args(arguments), FLAGS);
        assert_eq!((code, &*out), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.contains("error: standard input can be read only once; name - once"), "{err}");
        assert!(err.contains("Usage: flagstaff"), "{err}");
    }
    for arguments in [&["export", "-", "-"][..], &["check", "-", "--against", "-"]] {
        let (code, ..) = run_with(flagstaff().args(arguments), FLAGS);
        assert_eq!(code, Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_context_that_nests_too_deep_is_refused_with_the_limit() {
    let flags = Flags::absent();
    flags.write_text(FLAGS);
    let deep = |levels: usize| {
        format!("{{\"plan\": \"pro\", \"x\": {}{}}}", "[".repeat(levels), "]".repeat(levels))
    };
    for (levels, expected) in
        [(90, "TARGETING_MATCH"), (101, "deeper than 100 levels"), (5000, "deeper than 100 levels")]
    {
        let mut eval = flagstaff();
        eval.arg("eval").arg(flags.path()).args(["--flag", "a", "--context", &deep(levels)]);
        let (_, out, err) = run(&mut eval);
        assert!((out.clone() + &err).contains(expected), "{levels}: {out}{err}");
    }
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut nested = json!(1);
    for _ in 0..110 {
        nested = json!([nested]);
    }
    let context = json!({"x": nested});
    let (_, message) = client.failure::<ResolveBooleanResponse>("a", context.clone()).await;
    assert!(message.contains("deeper than 100 levels"), "{message}");
    let message = client.resolve_all(context).await.unwrap_err().message().to_owned();
    assert!(message.contains("deeper than 100 levels"), "{message}");
}

#[test]
fn json_with_a_byte_order_mark_is_read_and_its_columns_are_as_editors_count() {
    for name in ["flags.json", "flags.yaml"] {
        let root = files(&[(name, &format!("\u{feff}{FLAGS}"))]);
        let (code, out, _) =
            run(flagstaff().args(["check", "--no-lints"]).arg(root.path().join(name)));
        assert_eq!((code, &*out), (Some(0), "1 file, 1 flag: no problems\n"), "{name}");
    }
    let root = files(&[("flags.json", "\u{feff}{\"flags\": 1}")]);
    let (_, out, _) = run(flagstaff().arg("check").arg(root.path().join("flags.json")));
    assert!(out.contains("flags.json:1:11: error: flags: "), "{out}");
}

#[tokio::test]
async fn lists_may_have_blanks_after_their_commas_and_options_any_case() {
    let root = files(&[("a.json", FLAGS), ("b c.json", FLAGS), (" d.json", FLAGS)]);
    let check = |paths: &str| {
        let mut command = flagstaff();
        run(command
            .current_dir(root.path())
            .args(["check", "--no-lints"])
            .env("FLAGSTAFF_PATHS", paths))
    };
    for (paths, expected) in [
        ("a.json, b c.json", "2 files"),
        (" a.json ,\tb c.json\n", "2 files"),
        // The name of this file begins with a blank.
        ("a.json, d.json", "2 files"),
    ] {
        let (code, out, err) = check(paths);
        assert!(code == Some(0) && out.starts_with(expected), "{paths:?}: {out}{err}");
    }
    let flags = Flags::absent();
    flags.write_text(FLAGS);
    let options = ["--bind", "127.0.0.1, ::1", "--port", "0", "--watch", "POLL"];
    let sidecar = Sidecar::start_in(&flags, &options, |command| {
        command
            .env("FLAGSTAFF_LOG_LEVEL", "INFO")
            .env("FLAGSTAFF_LOG_FORMAT", "Json")
            .env("FLAGSTAFF_FRACTIONAL", "V3")
            .env("FLAGSTAFF_METRICS_EXPOSURES", "Evaluated")
            .env("FLAGSTAFF_EXACT_EXPOSURES", "TRUE")
            .env("FLAGSTAFF_SYNC_PORT", "OFF")
    })
    .await;
    sidecar.wait_for_log(&["watching", "poll"]).await;
    let github = run(flagstaff().args(["check", "--format", "GitHub"]).arg(flags.path()));
    assert!(github.1.contains("::warning"), "{github:?}");
}

#[tokio::test]
async fn a_socket_of_ipv6_alone_is_announced() {
    let flags = Flags::absent();
    flags.write_text(FLAGS);
    let announced = "the address :: is IPv6 only";
    for (option, bind) in [("--bind", "::"), ("--management-bind", "::")] {
        let port = if option == "--bind" { "--port" } else { "--management-port" };
        let sidecar = Sidecar::launch(&flags, &[option, bind, port, "0"]);
        sidecar.wait_for_log(&["WARN", announced, option, "any"]).await;
    }
    for bind in ["any", "::,0.0.0.0", "::,127.0.0.1", "::1"] {
        let sidecar = Sidecar::launch(&flags, &["--bind", bind, "--port", "0"]);
        eventually(DEADLINE, "it listens", async || sidecar.listens()).await;
        assert!(!sidecar.log().iter().any(|line| line.contains(announced)), "{bind}");
    }
}
