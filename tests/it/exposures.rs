//! Exposures: who met which variant, counted once in a window for the whole pod, and bounded.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::time::Duration;
use tonic::Code;

fn flags() -> Value {
    let flag = |targeting: Value, metadata: Value| {
        json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": targeting, "metadata": metadata})
    };
    json!({"metadata": {"fractional": "v2"}, "flags": {
        "split": flag(json!({"fractional": [["on", 50], ["off", 50]]}), json!({"owner": "growth", "expires": "2027-06-30", "kind": "release"})),
        "rule": flag(json!({"if": [{"var": "beta"}, "on"]}), json!({})),
        "static": flag(json!({}), json!({})),
        "exact": flag(json!({}), json!({"exposures": "exact"})),
    }})
}

async fn ask(client: &Client, key: &str, context: Value) -> ResolveBooleanResponse {
    client.resolve(key, context).await.unwrap()
}

async fn exposures(sidecar: &Sidecar, flag: &str, variant: &str, by: &str) -> f64 {
    let series = format!(
        "flagstaff_flag_exposures_total{{flag=\"{flag}\",variant=\"{variant}\",by=\"{by}\"}}"
    );
    sidecar.metric(&series).await
}

#[tokio::test]
async fn a_unit_counts_once_whoever_asks_and_however_often() {
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start(&flags).await;
    for (flag, variant, by) in [
        ("split", "on", "split"),
        ("split", "off", "split"),
        ("rule", "on", "rule"),
        ("rule", "off", "default"),
        ("static", "off", "default"),
    ] {
        assert_eq!(exposures(&sidecar, flag, variant, by).await, 0.0, "{flag} is there at zero");
    }
    // Two connections are two workers.
    let clients = [Client::connect(&sidecar).await, Client::connect(&sidecar).await];
    let mut on = 0.0;
    for user in 0..200 {
        let context = json!({"targetingKey": format!("user-{user}")});
        for client in &clients {
            let answer = ask(client, "split", context.clone()).await;
            ask(client, "static", context.clone()).await;
            ask(client, "rule", json!({"targetingKey": user, "beta": user < 50})).await;
            if std::ptr::eq(client, &clients[0]) && answer.variant.as_deref() == Some("on") {
                on += 1.0;
            }
        }
    }
    assert_eq!(exposures(&sidecar, "split", "on", "split").await, on);
    assert_eq!(exposures(&sidecar, "split", "off", "split").await, 200.0 - on);
    assert_eq!(exposures(&sidecar, "static", "off", "default").await, 200.0);
    assert_eq!(exposures(&sidecar, "rule", "on", "rule").await, 50.0);
    assert_eq!(exposures(&sidecar, "rule", "off", "default").await, 150.0);
    assert_eq!(sidecar.metric("flagstaff_exposure_duplicates_total").await, 600.0);
    let evaluations =
        "flagstaff_flag_evaluations_total{flag=\"static\",variant=\"off\",reason=\"static\"}";
    assert_eq!(sidecar.metric(evaluations).await, 400.0);
}

#[tokio::test]
async fn without_a_targeting_key_an_answer_is_no_exposure_and_a_split_says_so() {
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    for context in [
        json!({}),
        json!({"targetingKey": null}),
        json!({"targetingKey": ""}),
        json!({"targetingKey": ["u"]}),
    ] {
        for flag in ["split", "rule", "static"] {
            ask(&client, flag, context.clone()).await;
        }
    }
    let metrics = sidecar.metrics().await;
    let counted = metrics.iter().filter(|(name, _)| name.contains("_exposures_total"));
    assert_eq!(counted.map(|(_, count)| count).sum::<f64>(), 0.0);
    let missing = "flagstaff_flag_missing_targeting_key_total{flag=\"split\"}";
    assert_eq!(metrics[missing], 4.0);
    // A number is a unit, and no text.
    ask(&client, "split", json!({"targetingKey": 7})).await;
    assert_eq!(sidecar.metric(missing).await, 5.0);
    assert_eq!(exposures(&sidecar, "split", "off", "default").await, 1.0);
    sidecar
        .wait_for_log(&["WARN", "without a targeting key that is text", "\"flag\":\"split\""])
        .await;
    let told = sidecar.log().iter().filter(|line| line.contains("targeting key")).count();
    assert_eq!(told, 1, "one line a minute");
    // A flag that changes has the same troubles.
    let mut file = self::flags();
    for change in 0..3 {
        file["flags"]["split"]["metadata"] = json!({"owner": format!("growth-{change}")});
        flags.rename_over(&file);
        let generation = f64::from(change + 2);
        eventually(DEADLINE, "the change is in force", async || {
            sidecar.metric("flagstaff_config_generation").await == generation
        })
        .await;
        ask(&client, "split", json!({})).await;
    }
    flags.rename_over(&json!({"flags": {}}));
    sidecar.wait_for_log(&["flags applied", "\"removed\":4"]).await;
    let told = sidecar.log().iter().filter(|line| line.contains("targeting key")).count();
    assert_eq!(told, 1, "one line a minute, whatever changes");
}

#[tokio::test]
async fn a_window_of_nothing_counts_every_answer_and_an_exact_flag_is_not_cached() {
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start_with(&flags, &["--exposure-window", "0s"]).await;
    let client = Client::connect(&sidecar).await;
    for _ in 0..3 {
        assert_eq!(ask(&client, "static", json!({"targetingKey": "u"})).await.reason, "STATIC");
        assert_eq!(ask(&client, "exact", json!({"targetingKey": "u"})).await.reason, "DEFAULT");
    }
    assert_eq!(exposures(&sidecar, "static", "off", "default").await, 3.0);
    let evaluations =
        "flagstaff_flag_evaluations_total{flag=\"exact\",variant=\"off\",reason=\"default\"}";
    assert_eq!(sidecar.metric(evaluations).await, 3.0);
    let other = Flags::new(&self::flags());
    let exact =
        Sidecar::start_with(&other, &["--exact-exposures", "--metrics-exposures", "off"]).await;
    let client = Client::connect(&exact).await;
    assert_eq!(ask(&client, "static", json!({"targetingKey": "u"})).await.reason, "DEFAULT");
    let (_, page) = http_get(exact.management(), "/metrics").await;
    assert!(!page.contains("flagstaff_flag_exposures_total{"), "off is off");
}

#[tokio::test]
async fn a_unit_counts_again_after_the_window() {
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start_with(&flags, &["--exposure-window", "1s"]).await;
    let client = Client::connect(&sidecar).await;
    eventually(DEADLINE, "counted three times", async || {
        ask(&client, "static", json!({"targetingKey": "u"})).await;
        exposures(&sidecar, "static", "off", "default").await >= 3.0
    })
    .await;
    let all = "flagstaff_flag_evaluations_total{flag=\"static\",variant=\"off\",reason=\"static\"}";
    assert!(sidecar.metric(all).await > 3.0, "but not each time");
}

#[tokio::test]
async fn what_the_file_says_of_a_flag_is_shown_and_forgotten_with_it() {
    let mut file = flags();
    let flags = Flags::new(&file);
    let sidecar = Sidecar::start(&flags).await;
    let info = |owner: &str| {
        format!(
            "flagstaff_flag_info{{flag=\"split\",owner=\"{owner}\",kind=\"release\",expires=\"2027-06-30\"}}"
        )
    };
    assert_eq!(sidecar.metric(&info("growth")).await, 1.0);
    assert_eq!(
        sidecar.metric("flagstaff_flag_expires_timestamp_seconds{flag=\"split\"}").await,
        1_814_313_600.0
    );
    assert_eq!(
        sidecar.metric("flagstaff_flag_configured_ratio{flag=\"split\",variant=\"on\"}").await,
        0.5
    );
    let changed = "flagstaff_flag_changed_timestamp_seconds{flag=\"split\"}";
    assert!(!sidecar.metrics().await.contains_key(changed), "no change was seen");
    file["flags"]["split"]["metadata"]["owner"] = "checkout".into();
    flags.rename_over(&file);
    eventually(DEADLINE, "the new owner", async || {
        sidecar.metrics().await.contains_key(&info("checkout"))
    })
    .await;
    let metrics = sidecar.metrics().await;
    assert!(!metrics.contains_key(&info("growth")), "the old one is gone");
    assert!(metrics[changed] > 1_700_000_000.0);
}

#[tokio::test]
async fn flags_beyond_the_cap_share_one_set_and_that_is_visible() {
    let flags = Flags::new(&flags());
    // "exact" and "rule" by the order of their keys.
    let sidecar = Sidecar::start_with(&flags, &["--metrics-max-series", "12"]).await;
    let client = Client::connect(&sidecar).await;
    for flag in ["exact", "rule", "split", "static"] {
        ask(&client, flag, json!({"targetingKey": "u"})).await;
    }
    let metrics = sidecar.metrics().await;
    let over_limit = metrics["flagstaff_series_over_limit"];
    assert!(over_limit > 0.0);
    assert_eq!(metrics["flagstaff_series_dropped_total"], over_limit);
    assert_eq!(
        metrics["flagstaff_flag_evaluations_total{flag=\"exact\",variant=\"off\",reason=\"default\"}"],
        1.0
    );
    assert_eq!(
        metrics["flagstaff_flag_evaluations_total{flag=\"(other)\",variant=\"\",reason=\"static\"}"],
        1.0
    );
    let others = metrics.iter().filter(|(name, _)| {
        name.contains("flag=\"(other)\"")
            && name.contains("_evaluations_total{flag=\"(other)\",variant")
    });
    assert_eq!(others.map(|(_, count)| count).sum::<f64>(), 2.0);
    assert!(!metrics.keys().any(|name| name.contains("_total{flag=\"static\"")));
    let (_, status) = http_get(sidecar.management(), "/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["series"]["limit"], 12);
    assert!(status["series"]["in_use"].as_u64().unwrap() <= 12);
    assert_eq!(status["series"]["over_limit"].as_f64().unwrap(), over_limit);
    let shared = ["exact", "rule", "split", "static"].map(|flag| &status["flags"][flag]["shared"]);
    assert_eq!(shared, [false, false, true, true]);
    assert_eq!(status["flags"]["rule"]["evaluations"], json!({"off": 1}));
    assert_eq!(status["flags"]["static"]["evaluations"], json!({}));
    sidecar.wait_for_log(&["WARN", "counted together", "\"flags\":2", "split, static"]).await;
    // A change of such a flag is no news, one of a flag that has no room any more is.
    let mut file = self::flags();
    file["flags"]["static"]["metadata"] = json!({"owner": "growth"});
    file["flags"]["rule"]["variants"] = json!({"on": true, "off": false, "new": true});
    file["flags"]["rule"]["targeting"] = json!({"if": [{"var": "beta"}, "on", "new"]});
    flags.rename_over(&file);
    sidecar.wait_for_log(&["WARN", "counted together", "\"flags\":1", "\"rule\""]).await;
    ask(&client, "rule", json!({"targetingKey": "u"})).await;
    let (_, status) = http_get(sidecar.management(), "/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    let rule = &status["flags"]["rule"];
    assert_eq!((&rule["shared"], &rule["evaluations"]), (&json!(true), &json!({"off": 1})));
}

#[tokio::test]
async fn what_flags_without_room_share_is_counted_in_one_series_whatever_they_are_like() {
    let rule = flags()["flags"]["rule"].clone();
    let mut bare = rule.clone();
    bare["defaultVariant"] = Value::Null;
    // What those without room are called is nobody's own name.
    let file = json!({"flags": {"rule": rule, "bare": bare, "(other)": rule}});
    for (limit, own) in [("0", 0.0), ("10000", 5.0)] {
        let flags = Flags::new(&file);
        let sidecar = Sidecar::start_with(&flags, &["--metrics-max-series", limit]).await;
        let client = Client::connect(&sidecar).await;
        for (flag, times) in [("rule", 3), ("bare", 2), ("(other)", 4)] {
            for _ in 0..times {
                ask(&client, flag, json!({"targetingKey": "u"})).await;
            }
        }
        // The harness refuses a series that is there twice.
        let metrics = sidecar.metrics().await;
        let other =
            "flagstaff_flag_evaluations_total{flag=\"(other)\",variant=\"\",reason=\"default\"}";
        assert_eq!(metrics[other], 9.0 - own, "with a limit of {limit}");
    }
}

#[tokio::test]
async fn flags_that_nobody_defined_are_named_with_what_may_be_meant() {
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let ask = async |key: &str| client.resolve::<ResolveBooleanResponse>(key, json!({})).await;
    for number in 0..300 {
        assert_eq!(ask("statik").await.unwrap_err().code(), Code::NotFound);
        assert!(ask(&format!("noise-{number}")).await.is_err());
    }
    sidecar.wait_for_log(&["WARN", "flags that nobody defined", "statik"]).await;
    let (_, status) = http_get(sidecar.management(), "/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    let unknown = &status["unknown_flags"];
    assert_eq!(unknown["requests"], 600);
    let first = &unknown["top"][0];
    assert_eq!((&first["key"], &first["nearest"]), (&json!("statik"), &json!("static")));
    assert!(first["requests"].as_u64().unwrap() >= 300);
    let (_, page) = http_get(sidecar.management(), "/metrics").await;
    assert!(!page.contains("statik") && !page.contains("noise"), "never a label");
}

#[tokio::test]
async fn the_last_line_has_the_totals() {
    let flags = Flags::new(&flags());
    let mut sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    for user in ["u", "v", "u"] {
        ask(&client, "static", json!({"targetingKey": user})).await;
    }
    sidecar.sigterm();
    assert!(sidecar.wait_exit(Duration::from_secs(4)).await.success());
    sidecar.wait_for_log(&["\"totals\""]).await;
    let last: Value = serde_json::from_str(sidecar.log().last().unwrap()).unwrap();
    let fields = &last["fields"];
    assert_eq!((&fields["evaluations"], &fields["exposures"]), (&json!(3), &json!(2)));
    let by_flag: Value = serde_json::from_str(fields["by_flag"].as_str().unwrap()).unwrap();
    let expected =
        json!({"static": {"evaluations": {"off": 3}, "exposures": {"off": {"default": 2}}}});
    assert_eq!(by_flag, expected);
}

#[tokio::test]
async fn a_person_reads_the_totals_too() {
    let flags = Flags::new(&flags());
    let mut sidecar = Sidecar::launch(&flags, &["--log-format", "text"]);
    eventually(DEADLINE, "it listens", async || sidecar.socket().exists()).await;
    let client = Client::connect_unix(&sidecar, 1 << 16).await;
    eventually(DEADLINE, "an answer", async || {
        client.resolve::<ResolveBooleanResponse>("rule", json!({"targetingKey": "u"})).await.is_ok()
    })
    .await;
    ask(&client, "rule", json!({"targetingKey": "u"})).await;
    ask(&client, "exact", json!({})).await;
    sidecar.sigterm();
    assert!(sidecar.wait_exit(Duration::from_secs(4)).await.success());
    sidecar.wait_for_log(&["totals", "evaluations=3", "exposures=1"]).await;
    let lines = sidecar.log();
    let rule = lines.iter().position(|line| line == "rule: evaluations 2, exposures 1");
    let exact = lines.iter().position(|line| line == "exact: evaluations 1, exposures 0");
    assert!(rule.unwrap() < exact.unwrap(), "the busiest first: {lines:#?}");
}
