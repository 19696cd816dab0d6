//! The pure core: what a flag is, how a definition becomes one, and what it answers.
//!
//! *definition* (as written) → [`compile()`] → [`Flag`] → [`Evaluator::evaluate`] → [`Outcome`].
//! Nothing in here knows of files, sockets, clocks or metrics, and evaluating cannot fail:
//! an answer is a function of the flag and the context, and time is part of the context.

mod compile;
pub mod diagnostic;
pub mod document;
pub mod flag;
pub mod flag_file;
mod lint;
mod moment;
mod readable;

pub use crate::diagnostic::suggest::{nearest, suggest};
pub use crate::document::integers::inexact_within;
pub use crate::document::text::{Format, to_json};
pub use crate::flag::context::{Evaluator, Scratch, Unit, Usage};
pub use crate::flag::encoded::{Content, Fields, decode_object, json_number};
pub use crate::flag::evaluate::{By, Failure, Outcome, Reason};
pub use crate::flag::explain::Step;
pub use crate::flag::facts::Facts;
pub use crate::flag::rule::Generation;
pub use crate::flag::split::Split;
pub use crate::flag_file::export::export;
pub use crate::flag_file::layer::{Layer, LayerFlag, Standing, merge};
pub use crate::flag_file::{Compilation, compile, compile_with};
pub use crate::readable::{List, Lists, lists_named, run_tests};
pub use crate::{
    document::protobuf::encode_object,
    flag::encoded::{BadContext, Malformed},
};
pub use diagnostic::{Diagnostic, Level, Path, Position};
pub use document::positions_of;
use flag::{Behaviour, Digests};
pub use flag::{Digest, Flag, Variant, VariantIndex, VariantValue};
pub use lint::{Before, Beside, LINTS, Lint, Linted, lint_named};
pub use moment::{parse as moment, parse_zoned as zoned_moment};
