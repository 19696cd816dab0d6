//! What is found in flag files before they are merged: lints and tests of files; and `export`, which writes
//! definitions as flagd reads them. Nothing of this is on the path of a request.
#![forbid(unsafe_code)]

mod export;
mod file_tests;
mod lint;

pub use export::export;
pub use file_tests::run_tests;
pub use lint::{Before, ExampleContext, LINTS, Lint, Linted, lint_named};
