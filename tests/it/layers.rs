//! What two files give together, whatever state each of them is in.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::fs;
use tonic::Code;

/// What has become of the flag in a file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Good,
    /// It was good once.
    Broken,
    NeverGood,
    /// It was there once.
    Dropped,
    /// The file is no document any more.
    Unparsable,
}

use State::{Broken, Dropped, Good, NeverGood, Unparsable};

impl State {
    /// The file at the start, and what then comes in its place.
    fn contents(self, value: &str) -> (String, Option<String>) {
        let file = |flags: Value| json!({"flags": flags}).to_string();
        let with_default = |default: &str| {
            let variants = json!({value: value});
            file(
                json!({"f": {"state": "ENABLED", "variants": variants, "defaultVariant": default}}),
            )
        };
        let (good, broken) = (with_default(value), with_default("nowhere"));
        match self {
            Good => (good, None),
            Broken => (good, Some(broken)),
            NeverGood => (broken, None),
            Dropped => (good, Some(file(json!({})))),
            Unparsable => (good, Some("{".to_owned())),
        }
    }

    /// How `/status` shows a file in that state: its own, and its number of flags.
    fn shown(self) -> (&'static str, usize) {
        match self {
            Good => ("applied", 1),
            Broken | NeverGood => ("partial", 1),
            Dropped => ("applied", 0),
            Unparsable => ("parse_error", 1),
        }
    }
}

const UPPER: Result<&str, Code> = Ok("upper");
const LOWER: Result<&str, Code> = Ok("lower");
const PARSE_ERROR: Result<&str, Code> = Err(Code::DataLoss);
const NOT_FOUND: Result<&str, Code> = Err(Code::NotFound);

/// Upper file, lower file, answer.
#[rustfmt::skip]
const TABLE: [(State, State, Result<&str, Code>); 25] = [
    (Good,       Good,       UPPER),
    (Good,       Broken,     UPPER),
    (Good,       NeverGood,  UPPER),
    (Good,       Dropped,    UPPER),
    (Good,       Unparsable, UPPER),
    (Broken,     Good,       UPPER),
    (Broken,     Broken,     UPPER),
    (Broken,     NeverGood,  UPPER),
    (Broken,     Dropped,    UPPER),
    (Broken,     Unparsable, UPPER),
    (NeverGood,  Good,       LOWER),
    (NeverGood,  Broken,     LOWER),
    (NeverGood,  NeverGood,  PARSE_ERROR),
    (NeverGood,  Dropped,    PARSE_ERROR),
    (NeverGood,  Unparsable, LOWER),
    (Dropped,    Good,       LOWER),
    (Dropped,    Broken,     LOWER),
    (Dropped,    NeverGood,  PARSE_ERROR),
    (Dropped,    Dropped,    NOT_FOUND),
    (Dropped,    Unparsable, LOWER),
    (Unparsable, Good,       UPPER),
    (Unparsable, Broken,     UPPER),
    (Unparsable, NeverGood,  UPPER),
    (Unparsable, Dropped,    UPPER),
    (Unparsable, Unparsable, UPPER),
];

#[tokio::test]
async fn every_pair_of_states_gives_the_answer_of_the_table() {
    for (upper, lower, expected) in TABLE {
        let flags = Flags::directory(&[]);
        let files = [("1.json", lower, "lower"), ("2.yaml", upper, "upper")];
        for (name, state, value) in files {
            fs::write(flags.path().join(name), state.contents(value).0).unwrap();
        }
        let sidecar = Sidecar::start(&flags).await;
        let client = Client::connect(&sidecar).await;
        for (name, state, value) in files {
            if let Some(next) = state.contents(value).1 {
                fs::write(flags.dir().join("next"), next).unwrap();
                fs::rename(flags.dir().join("next"), flags.path().join(name)).unwrap();
            }
        }
        let what = format!("{upper:?} over {lower:?} is seen");
        eventually(DEADLINE, &what, async || {
            let (_, status) = http_get(sidecar.management(), "/status").await;
            let status: Value = serde_json::from_str(&status).unwrap();
            [lower, upper].iter().zip(0..).all(|(state, place)| {
                let layer = &status["sources"][0]["layers"][place];
                let (name, flags) = state.shown();
                layer["state"] == name && layer["flags"] == flags
            })
        })
        .await;
        let answer = client.resolve("f", json!({})).await;
        let answer: Result<ResolveStringResponse, _> = answer;
        let answer = answer.map(|answer| answer.value.unwrap()).map_err(|error| error.code());
        let answer = answer.as_deref().map_err(|code| *code);
        assert_eq!(answer, expected, "{upper:?} over {lower:?}");
        assert_eq!(sidecar.readyz().await.0, 200, "{upper:?} over {lower:?}");
        let all_good = [upper, lower].iter().all(|state| state.shown().0 == "applied");
        let successful = sidecar.metric("flagstaff_config_last_reload_successful").await;
        assert_eq!(successful == 1.0, all_good, "{upper:?} over {lower:?}");
    }
}
