//! `flagstaff eval`: one answer, offline, by the code that serves.
//!
//! The answer has the shape of the OpenFeature Remote Evaluation Protocol.

use super::{output, parse, serve::Fractional};
use crate::{
    clock::now,
    flag::{
        self, BadContext, Evaluator, Failure, Flag, Format, Layer, Level, Outcome, Reason, Scratch,
        Step, VariantValue,
    },
    source::{listing, lists::Loaded},
    telemetry::report::chain,
};
use clap::{Args, builder::BoolishValueParser};
use serde_json::{Map, Value as Json, json};
use std::{
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Options of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Flag files (.json, .yaml, .yml) and directories of them; where two define a flag, the later
    /// one wins
    #[arg(value_name = "PATH", required = true, value_parser = parse::source)]
    #[arg(env = "FLAGSTAFF_PATHS", value_delimiter = ',')]
    paths: Vec<PathBuf>,
    /// Key of the flag
    #[arg(long, value_name = "KEY", env = "FLAGSTAFF_FLAG")]
    flag: String,
    /// Attributes of the caller, as a JSON object
    #[arg(long, value_name = "JSON", env = "FLAGSTAFF_CONTEXT", default_value = "{}")]
    #[arg(value_parser = context)]
    context: Map<String, Json>,
    /// A larger flag file is not read
    #[arg(long, env = "FLAGSTAFF_MAX_FILE_BYTES", default_value = "16MiB")]
    #[arg(value_parser = parse::bytes)]
    max_file_bytes: u64,
    /// Generation of the fractional operator in files that do not say one
    #[arg(long, env = "FLAGSTAFF_FRACTIONAL", default_value = "v2")]
    fractional: Fractional,
    /// Answer as at this moment instead of now: 2026-12-09T10:00:00Z or
    /// 2026-12-09T11:00[Europe/Berlin]
    #[arg(long, value_name = "TIME", env = "FLAGSTAFF_AT", value_parser = parse::moment)]
    at: Option<i64>,
    /// Tell a person why, instead of the answer as JSON
    #[arg(long, env = "FLAGSTAFF_EXPLAIN", value_parser = BoolishValueParser::new())]
    explain: bool,
}

fn context(text: &str) -> Result<Map<String, Json>, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("the context must be a JSON object: {error}"))
}

impl EvalArgs {
    /// Prints the answer, or why it is what it is: 0 if there is one, 1 if there is an error.
    pub fn run(&self) -> ExitCode {
        let mut steps = Vec::new();
        let answer = self.answer(&mut steps);
        let text = match &answer {
            answer if self.explain => explanation(&steps, answer),
            Ok(answer) | Err(answer) => format!("{answer:#}"),
        };
        let code = if answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        output::print(text + "\n", code)
    }

    fn answer(&self, steps: &mut Vec<Step>) -> Result<Json, Json> {
        let mut layers = Vec::new();
        for path in &self.paths {
            let named = |error| format!("{}: {}", path.display(), chain(&error));
            let files = listing::files(path).map_err(|why| self.error("GENERAL", &named(why)))?;
            for file in files {
                layers.push(self.load(&file).map_err(|why| self.error("GENERAL", &why))?);
            }
        }
        let flags = flag::merge(&layers);
        let Some(found) = flags.iter().find(|flag| flag.flag().key() == self.flag) else {
            let known = flags.iter().map(|flag| flag.flag().key());
            let help = flag::suggest(&self.flag, known, "no file defines it");
            return Err(self.error("FLAG_NOT_FOUND", &help));
        };
        let flag = found.flag();
        if let Some(inexact) = self.context.values().find_map(flag::inexact_within) {
            writeln!(stderr(), "hint: in the context, {inexact}").unwrap_or_default();
        }
        let context = flag::encode_object(&self.context);
        let mut scratch = Scratch::default();
        let mut evaluator = Evaluator::new(&mut scratch, &context, self.at.unwrap_or_else(now))
            .map_err(|bad: BadContext| self.error("INVALID_CONTEXT", &bad.to_string()))?;
        let outcome = if self.explain {
            let (told, outcome) = evaluator.explain(flag);
            *steps = told;
            outcome
        } else {
            let outcome = evaluator.evaluate(flag);
            if evaluator.lacks_targeting_key() {
                let hint = "hint: the context has no usable \"targetingKey\", so the split \
                    cannot bucket anyone";
                writeln!(stderr(), "{hint}").unwrap_or_default();
            }
            outcome
        };
        match outcome {
            Outcome::Variant { index, reason, .. } => Ok(self.value(flag, index, reason)),
            Outcome::CodeDefault => Ok(self.nothing(flag, "DEFAULT")),
            Outcome::Disabled => Ok(self.nothing(flag, "DISABLED")),
            Outcome::Failed(Failure::Parse(why)) => Err(self.error("PARSE_ERROR", why)),
            Outcome::Failed(Failure::General) => {
                Err(self.error("GENERAL", "the targeting names no variant of the flag"))
            }
        }
    }

    fn load(&self, path: &Path) -> Result<Layer, String> {
        let named = |why: String| format!("{}: {why}", path.display());
        let Loaded { content, lists } =
            Loaded::read(path, self.max_file_bytes).map_err(|error| named(chain(&error)))?;
        let (format, generation) = (Format::of(path), self.fractional.into());
        let compiled = flag::compile_with(&lists, &content, format, generation, &Layer::default());
        let (layer, problems) = match compiled {
            Ok(compilation) => (Ok(compilation.layer), compilation.diagnostics),
            Err(problems) => (Err(named("is no flag definition file".to_owned())), problems),
        };
        for problem in problems.iter().filter(|problem| problem.level > Level::Note) {
            writeln!(stderr(), "{}:{problem}", path.display()).unwrap_or_default();
        }
        layer
    }

    fn value(&self, flag: &Flag, index: usize, reason: Reason) -> Json {
        let Some(variant) = flag.variants().get(index) else { return Json::Null };
        let value = match variant.value() {
            VariantValue::Bool(bit) => (*bit).into(),
            VariantValue::String(text) => (**text).into(),
            VariantValue::Number(number) => flag::json_number(*number),
            VariantValue::Object(encoded) => flag::decode_object(encoded),
            VariantValue::Other(text) => serde_json::from_str(text).unwrap_or(Json::Null),
        };
        let metadata = flag::decode_object(flag.metadata());
        json!({
            "key": self.flag,
            "value": value,
            "variant": variant.name(),
            "reason": reason.as_str(),
            "metadata": metadata,
        })
    }

    fn nothing(&self, flag: &Flag, reason: &str) -> Json {
        json!({"key": self.flag, "reason": reason, "metadata": flag::decode_object(flag.metadata())})
    }

    fn error(&self, code: &str, details: &str) -> Json {
        json!({"key": self.flag, "errorCode": code, "errorDetails": details})
    }
}

/// The steps and then the answer, for a person.
fn explanation(steps: &[Step], answer: &Result<Json, Json>) -> String {
    let mut text = String::new();
    for step in steps {
        text.push_str(&format!("{:1$}{2}\n", "", 4 * step.depth, step.text));
    }
    let (Ok(json) | Err(json)) = answer;
    let member = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default();
    text.push_str(&match (json.get("variant"), answer) {
        (Some(variant), _) => {
            let value = json.get("value").unwrap_or(&Json::Null);
            format!("answer: variant {variant}, value {value}, reason {}", member("reason"))
        }
        (None, Ok(_)) => {
            format!("answer: the default in the caller's code, reason {}", member("reason"))
        }
        (None, Err(_)) => {
            format!("answer: error {}: {}", member("errorCode"), member("errorDetails"))
        }
    });
    text
}
