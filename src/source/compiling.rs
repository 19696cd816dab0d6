//! Compiles one flag file as the options say: into a layer, or into the errors that refuse it.

use super::{SourceOptions, lists::Loaded};
use crate::metrics::Reload;
use flagstaff_check::run_tests;
use flagstaff_core::{Diagnostic, Format, Layer, Level, compile_with};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// The result of compiling the content of a file.
#[derive(Debug)]
pub(super) enum CompileResult {
    Layer {
        layer: Layer,
        problems: Vec<Diagnostic>,
    },
    /// None of it counts. `by` is the option that says so, if one does.
    Refused {
        problems: Vec<Diagnostic>,
        by: Option<&'static str>,
    },
}

impl CompileResult {
    /// Compiles a content over what the file gave before.
    pub(super) fn of(
        loaded: &Loaded,
        path: &Path,
        options: &SourceOptions,
        previous: &Layer,
    ) -> Self {
        let format = Format::of(path);
        let Loaded { content, lists } = loaded;
        let compiled =
            or_bad(|| compile_with(lists, content, format, options.fractional, previous));
        let compilation = match compiled {
            Ok(compilation) => compilation,
            Err(problems) => return Self::Refused { problems, by: None },
        };
        let (layer, mut problems) = (compilation.layer, compilation.diagnostics);
        if options.strict && has_errors(&problems) {
            return Self::Refused { problems, by: Some("--strict") };
        }
        if options.tests_on_load {
            let failed = run_tests(content, format, &layer, None);
            let fails = has_errors(&failed);
            problems.extend(failed);
            if fails {
                return Self::Refused { problems, by: Some("--tests-on-load") };
            }
        }
        Self::Layer { layer, problems }
    }
}

/// How a refusal is counted.
pub(super) fn refusal(by: Option<&str>) -> Reload {
    if by.is_some() { Reload::Rejected } else { Reload::ParseError }
}

pub(super) fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.level == Level::Error)
}

/// Nothing of ours panics over a file, but parsers are not all ours: should one, the file is bad,
/// and the sidecar lives.
fn or_bad<T>(compile: impl FnOnce() -> Result<T, Vec<Diagnostic>>) -> Result<T, Vec<Diagnostic>> {
    // What a panic leaves half done is dropped with it; the layer it saw is only read.
    catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| {
        let help = "this is a defect of flagstaff: please report it with the file";
        Err(vec![Diagnostic::of_file("makes the parser panic", help)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_bad_file() {
        let problems = or_bad::<()>(|| panic!("a defect of a parser")).unwrap_err();
        assert_eq!(&*problems[0].message, "makes the parser panic");
    }
}
