//! The pure core: what a flag is, how a definition becomes one, and what it answers.
//!
//! *definition* (as written) → [`compile()`] → [`Flag`] → [`Evaluator::evaluate`] → [`Outcome`].
//! Nothing in here knows of files, sockets, clocks or metrics, and evaluating cannot fail:
//! an answer is a function of the flag and the context, and time is part of the context.

mod arena;
mod authored;
mod boundaries;
mod bucket;
mod budget;
pub mod change;
pub mod codes;
mod compile;
mod context;
mod diagnostic;
mod digest;
mod document;
pub mod encoded;
mod evaluate;
mod explain;
mod export;
mod facts;
mod flag;
mod foreign;
mod integers;
mod json;
mod layer;
mod lint;
mod locate;
mod marks;
mod members;
mod moment;
mod number;
mod origin;
pub mod overridden;
mod packed;
mod problems;
mod reach;
mod rule;
mod split;
mod suggest;
mod syntax;
pub mod terminal;
mod text;
mod value;
mod version;
mod yaml;

pub use authored::{List, Lists, lists_named, run_tests};
pub use compile::{Compilation, compile, compile_with};
pub use context::{Evaluator, Scratch, Unit, Usage};
pub use diagnostic::{Diagnostic, Level, Path, Position};
pub use document::positions_of;
pub use encoded::{BadContext, Malformed, encode_object};
pub use encoded::{Content, Fields, decode_object, json_number};
pub use evaluate::{By, Failure, Outcome, Reason};
pub use explain::Step;
pub use export::export;
pub use facts::Facts;
use flag::{Behaviour, Digests};
pub use flag::{Digest, Flag, Variant, VariantIndex, VariantValue};
pub use integers::inexact_within;
pub use layer::{Layer, LayerFlag, Standing, merge};
pub use lint::{Before, Beside, LINTS, Lint, Linted, lint_named};
pub use moment::{parse as moment, parse_zoned as zoned_moment};
pub use rule::Generation;
pub use split::Split;
pub use suggest::{nearest, suggest};
pub use text::{Format, to_json};
