//! From a file's bytes to flags: the first time, and again after a change.
//!
//! `cargo bench --bench compile` prints the least time of several rounds for 1 000 and 10 000
//! flags in JSON, in YAML and in the readable form, beside what parsing the same JSON into a tree of
//! values takes. With `-- --only FORM COUNT TIMES` it compiles one file of `json`, `yaml` or `readable`,
//! and again with one flag changed so many times, for a tool that counts instructions.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use flagstaff_core::{Format, Generation, Layer, compile};
use std::{
    error::Error,
    fmt::Write,
    hint::black_box,
    time::{Duration, Instant},
};

const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, only, form, count, times, ..] = arguments.as_slice()
        && only == "--only"
    {
        return once(form, count.parse()?, times.parse()?);
    }
    for count in [1_000, 10_000] {
        let (json, yaml, readable) = (json(count)?, yaml(count)?, readable(count)?);
        let tree = least(|| drop(black_box(serde_json::from_str::<serde_json::Value>(&json))));
        println!(
            "{count:>6} flags, {} KB of JSON, parsed as a tree: {tree:.2?}",
            json.len() / 1000
        );
        let forms = [
            ("JSON", Format::Json, &json),
            ("YAML", Format::Yaml, &yaml),
            ("readable YAML", Format::Yaml, &readable),
        ];
        for (form, format, text) in forms {
            let fresh = |text: &str, before: &Layer| compiled(text, format, before);
            let before = fresh(text, &Layer::default())?;
            let one = text.replacen("4.2.0", "4.3.0", 1);
            let all = text.replace("4.2.0", "4.3.0");
            let first = least(|| drop(black_box(fresh(text, &Layer::default()))));
            let one = least(|| drop(black_box(fresh(&one, &before))));
            let all = least(|| drop(black_box(fresh(&all, &before))));
            let ratio = first.as_secs_f64() / tree.as_secs_f64();
            println!(
                "{count:>6} flags, {form}: first {first:.2?} ({ratio:.1} x the tree), \
                 one changed {one:.2?}, all changed {all:.2?}"
            );
        }
    }
    Ok(())
}

/// Compiles one file, and then again with one flag changed.
fn once(form: &str, count: usize, times: usize) -> Result<(), Box<dyn Error>> {
    let (format, text) = match form {
        "json" => (Format::Json, json(count)?),
        "yaml" => (Format::Yaml, yaml(count)?),
        "readable" => (Format::Yaml, readable(count)?),
        other => return Err(format!("{other} is none of json, yaml and readable").into()),
    };
    let before = compiled(&text, format, &Layer::default())?;
    let one = text.replacen("4.2.0", "4.3.0", 1);
    for _ in 0..times {
        drop(black_box(compiled(&one, format, &before)?));
    }
    Ok(())
}

fn compiled(text: &str, format: Format, before: &Layer) -> Result<Layer, String> {
    let compiled = compile(text.as_bytes(), format, Generation::V2, before);
    compiled.map(|compiled| compiled.layer).map_err(|problems| format!("{problems:?}"))
}

fn least(mut run: impl FnMut()) -> Duration {
    let time = |()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    [(); ROUNDS].into_iter().map(time).min().unwrap_or_default()
}

fn json(count: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from("{\n  \"metadata\": {\"fractional\": \"v2\"},\n  \"flags\": {");
    for flag in 0..count {
        let comma = if flag == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}
    "enable_feature_number_{flag}": {{
      "state": "ENABLED",
      "variants": {{ "on": true, "off": false }},
      "defaultVariant": "off",
      "targeting": {{
        "if": [
          {{ "in": [{{ "var": "country" }}, ["DE", "AT", "CH"]] }}, "off",
          {{ "sem_ver": [{{ "var": "app_version" }}, ">=", "4.2.0"] }},
          {{ "fractional": [["on", 25], ["off", 75]] }}
        ]
      }},
      "metadata": {{ "owner": "team-{flag}", "kind": "release", "expires": "2027-06-30" }}
    }}"#
        )?;
    }
    text.push_str("\n  }\n}\n");
    Ok(text)
}

fn yaml(count: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from("metadata: { fractional: v2 }\nflags:\n");
    for flag in 0..count {
        write!(
            text,
            r#"  enable_feature_number_{flag}:
    state: ENABLED
    variants: {{ on: true, off: false }}
    defaultVariant: off
    targeting:
      if:
        - in: [{{ var: country }}, [DE, AT, CH]]
        - off
        - sem_ver: [{{ var: app_version }}, ">=", 4.2.0]
        - fractional: [[on, 25], [off, 75]]
    metadata: {{ owner: team-{flag}, kind: release, expires: 2027-06-30 }}
"#
        )?;
    }
    Ok(text)
}

fn readable(count: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from("flagstaff: 1\nbucketing: v2\nflags:\n");
    for flag in 0..count {
        write!(
            text,
            r#"  enable_feature_number_{flag}:
    owner: team-{flag}
    kind: release
    expires: 2027-06-30
    rules:
      - {{ if: {{ country: [DE, AT, CH] }}, serve: off }}
      - {{ if: {{ app_version: ">= 4.2.0" }}, rollout: 25% }}
    otherwise: off
"#
        )?;
    }
    Ok(text)
}
