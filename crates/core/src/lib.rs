//! The pure core: what a flag is, how a definition becomes one, and what it answers.
//!
//! *definition* (as written) → [`compile()`] → [`Flag`] → [`Evaluator::evaluate`] → [`Outcome`].
//! Nothing in here knows of files, sockets, clocks or metrics, and evaluating cannot fail:
//! an answer is a function of the flag and the context, and time is part of the context.

#![allow(
    missing_docs,
    reason = "pub means the other crates of this workspace; what needs words has them"
)]

mod compile;
pub mod diagnostic;
pub mod document;
pub mod flag;
pub mod flag_file;
pub mod moment;
pub mod readable;

pub use crate::flag::split_summary::Split;
pub use diagnostic::{
    Diagnostic, Level, Path, Position,
    suggest::{nearest, suggest},
};
pub use document::{
    integers::inexact_within,
    positions_of,
    protobuf::encode_object,
    text::{Format, to_json},
};
pub use flag::{
    Digest, Flag, Variant, VariantIndex, VariantValue,
    context::{Evaluator, Scratch, Unit, Usage},
    encoded::{BadContext, FieldContent, Fields, Malformed, decode_object, json_number},
    evaluate::{By, Failure, Outcome, Reason},
    explain::ExplainStep,
    facts::Facts,
    rule::Generation,
};
pub use flag_file::{
    Compilation, compile, compile_with,
    layer::{Layer, LayerFlag, Standing, merge},
};
pub use moment::{parse as moment, parse_zoned as zoned_moment};
pub use readable::{List, Lists, lists_named};
