//! `flagstaff eval`: one answer, offline, by the code that serves.
//!
//! The answer has the shape of the OpenFeature Remote Evaluation Protocol.

use super::{input, output, parse, serve::FractionalGeneration};
use crate::{clock::now, report::chain, source::lists::Loaded};
use clap::{Args, builder::BoolishValueParser};
use flagstaff_core::{
    BadContext, Evaluator, ExplainStep, Failure, Flag, Layer, Level, Outcome, Reason, Scratch,
    VariantValue,
    diagnostic::terminal::{Printable, printable_json},
};
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
    /// one wins. - is standard input
    #[arg(value_name = "PATH", required = true, value_parser = parse::source)]
    #[arg(env = "FLAGSTAFF_PATHS", value_delimiter = ',')]
    paths: Vec<PathBuf>,
    /// Key of the flag
    #[arg(long, value_name = "KEY", env = "FLAGSTAFF_FLAG")]
    flag: String,
    /// Attributes of the caller: a JSON object, @FILE to read one from a file, or - to read it from
    /// standard input
    #[arg(long, value_name = "JSON", env = "FLAGSTAFF_CONTEXT", default_value = "{}")]
    #[arg(value_parser = context)]
    context: ContextArgument,
    /// A larger flag file is not read
    #[arg(long, env = "FLAGSTAFF_MAX_FILE_BYTES", default_value = "16MiB")]
    #[arg(value_parser = parse::bytes)]
    max_file_bytes: u64,
    /// Generation of the fractional operator in files that do not say one
    #[arg(long, env = "FLAGSTAFF_FRACTIONAL", default_value = "v2", ignore_case = true)]
    fractional: FractionalGeneration,
    /// Evaluate at this moment instead of now: 2026-12-09T10:00:00Z or
    /// 2026-12-09T11:00[Europe/Berlin]
    #[arg(long, value_name = "TIME", env = "FLAGSTAFF_AT", value_parser = parse::moment)]
    at: Option<i64>,
    /// Print the reasons for the answer as text, instead of the answer as JSON
    #[arg(long, env = "FLAGSTAFF_EXPLAIN", value_parser = BoolishValueParser::new())]
    explain: bool,
}

/// The context of an evaluation.
#[derive(Debug, Clone)]
struct Context {
    attributes: Map<String, Json>,
    /// Why a number in it is not the one that was written.
    inexact: Option<String>,
}

/// Where the context stands.
#[derive(Debug, Clone)]
enum ContextArgument {
    Here(Context),
    File(PathBuf),
    StandardInput,
}

fn context(text: &str) -> Result<ContextArgument, String> {
    match (text, text.strip_prefix('@')) {
        ("-" | "@-", _) => Ok(ContextArgument::StandardInput),
        (_, Some(file)) => Ok(ContextArgument::File(file.into())),
        (_, None) => object(text.as_bytes()).map(ContextArgument::Here),
    }
}

fn object(text: &[u8]) -> Result<Context, String> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let inexact = std::str::from_utf8(text).ok().and_then(flagstaff_core::inexact_within);
    let attributes = serde_json::from_slice(text);
    attributes.map(|attributes| Context { attributes, inexact }).map_err(
        |error: serde_json::Error| {
            let why = error.to_string();
            // The parser stops a little before the evaluator would.
            match why.starts_with("recursion limit exceeded") {
                true => "the context is nested deeper than 100 levels".to_owned(),
                false => format!("the context must be a JSON object: {why}"),
            }
        },
    )
}

impl EvalArgs {
    /// The flag files, as named.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Prints the answer, or why it is what it is: 0 if there is one, 1 if there is an error.
    pub fn run(&self) -> ExitCode {
        let mut steps = Vec::new();
        let answer = self.answer(&mut steps);
        let text = match &answer {
            answer if self.explain => explanation(&steps, answer),
            Ok(answer) | Err(answer) => printable_json(&format!("{answer:#}")).into_owned(),
        };
        let code = if answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        output::print(text + "\n", code)
    }

    fn answer(&self, steps: &mut Vec<ExplainStep>) -> Result<Json, Json> {
        let mut layers = Vec::new();
        for path in &self.paths {
            let named = |error| format!("{}: {}", path.display(), chain(&error));
            let files = input::files(path).map_err(|why| self.error("GENERAL", &named(why)))?;
            for file in files {
                layers.push(self.load(&file).map_err(|why| self.error("GENERAL", &why))?);
            }
        }
        let flags = flagstaff_core::merge(&layers);
        let Some(found) = flags.iter().find(|flag| flag.flag().key() == self.flag) else {
            let known = flags.iter().map(|flag| flag.flag().key());
            let help = flagstaff_core::suggest(&self.flag, known, "no file defines it");
            return Err(self.error("FLAG_NOT_FOUND", &help));
        };
        let flag = found.flag();
        let context = self.context().map_err(|why| self.error("INVALID_CONTEXT", &why))?;
        if let Some(inexact) = &context.inexact {
            writeln!(stderr(), "hint: in the context, {inexact}").unwrap_or_default();
        }
        let context = flagstaff_core::encode_object(&context.attributes);
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

    fn context(&self) -> Result<Context, String> {
        let read = match &self.context {
            ContextArgument::Here(context) => return Ok(context.clone()),
            ContextArgument::StandardInput
                if self.paths.iter().any(|path| input::is_stdin(path)) =>
            {
                return Err("flags and context cannot both come from standard input".to_owned());
            }
            ContextArgument::StandardInput => input::read(Path::new("-"), self.max_file_bytes),
            ContextArgument::File(path) => input::read(path, self.max_file_bytes),
        };
        let name = match &self.context {
            ContextArgument::File(path) => path.display().to_string(),
            _ => "standard input".to_owned(),
        };
        let named = |why: String| format!("{name}: {why}");
        object(&read.map_err(|error| named(chain(&error)))?).map_err(named)
    }

    fn load(&self, path: &Path) -> Result<Layer, String> {
        let named = |why: String| format!("{}: {why}", path.display());
        let (Loaded { content, lists }, format) =
            input::load(path, self.max_file_bytes).map_err(|error| named(chain(&error)))?;
        let generation = self.fractional.into();
        let compiled =
            flagstaff_core::compile_with(&lists, &content, format, generation, &Layer::default());
        let (layer, problems) = match compiled {
            Ok(compilation) => (Ok(compilation.layer), compilation.diagnostics),
            Err(problems) => (Err(named("is not a flag definition file".to_owned())), problems),
        };
        for problem in problems.iter().filter(|problem| problem.level > Level::Note) {
            let line = format!("{}:{problem}", path.display());
            writeln!(stderr(), "{}", Printable(line)).unwrap_or_default();
        }
        layer
    }

    fn value(&self, flag: &Flag, index: usize, reason: Reason) -> Json {
        let Some(variant) = flag.variants().get(index) else { return Json::Null };
        let value = match variant.value() {
            VariantValue::Bool(bit) => (*bit).into(),
            VariantValue::String(text) => (**text).into(),
            VariantValue::Number(number) => flagstaff_core::json_number(*number),
            VariantValue::Object(encoded) => flagstaff_core::decode_object(encoded),
            VariantValue::Other(text) => serde_json::from_str(text).unwrap_or(Json::Null),
        };
        let metadata = flagstaff_core::decode_object(flag.metadata());
        json!({
            "key": self.flag,
            "value": value,
            "variant": variant.name(),
            "reason": reason.as_str(),
            "metadata": metadata,
        })
    }

    fn nothing(&self, flag: &Flag, reason: &str) -> Json {
        json!({"key": self.flag, "reason": reason, "metadata": flagstaff_core::decode_object(flag.metadata())})
    }

    fn error(&self, code: &str, details: &str) -> Json {
        json!({"key": self.flag, "errorCode": code, "errorDetails": details})
    }
}

/// The steps and then the answer, for a person.
fn explanation(steps: &[ExplainStep], answer: &Result<Json, Json>) -> String {
    let mut text = String::new();
    for step in steps {
        text.push_str(&format!("{:1$}{2}\n", "", 4 * step.depth, Printable(&step.text)));
    }
    let (Ok(json) | Err(json)) = answer;
    let member = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default();
    let answer = match (json.get("variant"), answer) {
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
    };
    text + &Printable(answer).to_string()
}
