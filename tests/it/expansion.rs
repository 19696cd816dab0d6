//! Rules that are short and would be endless to write out: each request for one fails, and others
//! are answered meanwhile.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{Sidecar, flagstaff, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tonic::Code;

/// Far longer than any of this takes, on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(20);

/// Two flags whose rules double a list 38 times, and one without a rule.
fn doubled() -> Value {
    let list =
        (0..38).fold(json!([1]), |list, _| json!({"map": [list, [{"var": ""}, {"var": ""}]]}));
    let flag = |rule: Value| {
        json!({"state": "ENABLED", "variants": {"a": "a", "b": "b"}, "defaultVariant": "a",
            "targeting": rule})
    };
    json!({"metadata": {"fractional": "v2"}, "flags": {
        "result": flag(list.clone()),
        "cat": flag(json!({"if": [{"==": [{"cat": [list]}, "x"]}, "a", "b"]})),
        "plain": flag(Value::Null),
    }})
}

#[test]
fn check_and_eval_end_on_a_list_that_doubles() {
    let flags = Flags::new(&doubled());
    let start = Instant::now();
    let (code, _, _) = run(flagstaff().arg("check").arg(flags.path()));
    assert_eq!(code, Some(0));
    for flag in ["result", "cat"] {
        for option in ["--context={}", "--explain"] {
            let arguments = ["--flag", flag, option];
            let (code, answer, _) = run(flagstaff().arg("eval").arg(flags.path()).args(arguments));
            assert_eq!(code, Some(1), "{answer}");
            assert!(answer.contains("the rule takes too many steps"), "{answer}");
            // An explanation writes a rule out up to 16 384 letters.
            assert!(answer.len() < 20_000, "{answer}");
        }
    }
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
}

#[tokio::test]
async fn workers_stay_free_beside_lists_that_double() {
    let flags = Flags::new(&doubled());
    let sidecar = Sidecar::start_with(&flags, &["--worker-threads", "1"]).await;
    let client = Client::connect(&sidecar).await;
    let start = Instant::now();
    for flag in ["result", "cat", "result"] {
        let (code, why) = client.failure::<ResolveStringResponse>(flag, json!({})).await;
        assert_eq!(code, Code::DataLoss, "{why}");
        assert!(why.contains("the rule takes too many steps"), "{why}");
        client.resolve::<ResolveStringResponse>("plain", json!({})).await.unwrap();
    }
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    let resident = sidecar.resident();
    println!("resident after three lists that double: {resident}");
}
