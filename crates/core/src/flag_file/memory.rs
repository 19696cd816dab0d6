//! The memory that the flags of a file may take together, in proportion to its text.
//!
//! A flag is always within its own allowance or draws on what the rest of the file leaves. So one
//! flag that becomes far larger than its text is an error of that flag, and the others load.

use crate::{
    diagnostic::Diagnostic,
    flag::{Behaviour, Flag, VariantValue, rule::SharedRule},
    flag_file::layer::LayerFlag,
};
use std::{cmp::Reverse, collections::HashSet, mem::size_of_val, sync::Arc};

/// A file may take so many bytes in memory for each byte of its text.
const PER_BYTE: usize = 8;

/// A file may take so many bytes more for each flag.
const PER_FLAG: usize = 4096;

/// An ordinary flag takes so many bytes beside its rule, variants, metadata and answers: counters
/// and places in maps.
const FIXED: usize = 768;

/// The same for each variant.
const PER_VARIANT: usize = 72;

/// Prepared answers of a flag take at most so many bytes (see `wire::answers`).
const ANSWERS: usize = 2048;

/// The bytes that a file with so many bytes and flags may take.
pub(super) fn most_bytes(file: usize, flags: usize) -> usize {
    PER_BYTE * file + PER_FLAG * flags
}

/// What is left for the flags of a file.
#[derive(Debug)]
pub(super) struct FileMemory {
    /// What flags may draw on beyond their own allowance.
    spare: usize,
    /// Of a byte of a definition, how much of it is text of the file: aliases repeat text.
    written: f64,
    /// Shared parts that were counted already.
    counted: HashSet<usize>,
}

/// A flag for which there is not enough room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lacking {
    /// The bytes that it takes, with those of shared parts that no other flag has.
    pub(super) own: usize,
    /// What it takes itself beyond its own allowance.
    over: usize,
}

impl FileMemory {
    /// The room of a file with so many bytes, whose flags have `definitions` bytes of JSON.
    pub(super) fn new(file: usize, json: usize, definitions: usize) -> Self {
        let written = if json > file { file as f64 / json as f64 } else { 1.0 };
        let mut room = Self { spare: 0, written, counted: HashSet::new() };
        room.spare = (PER_BYTE * file).saturating_sub(PER_BYTE * room.text(definitions));
        room
    }

    fn text(&self, json: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most json")]
        let text = (json as f64 * self.written) as usize;
        text
    }

    /// Takes room for a flag whose definition has so many bytes. If there is not enough, the error
    /// is what the flag lacks; [`Self::take_again`] tries once more when all others have theirs.
    pub(super) fn take(&mut self, flag: &LayerFlag, definition: usize) -> Result<(), Lacking> {
        let allowance = PER_FLAG + PER_BYTE * self.text(definition);
        let own = Self::bytes_of(flag);
        self.spare += allowance.saturating_sub(own);
        self.take_again(flag, Lacking { own, over: own.saturating_sub(allowance) })
    }

    /// Takes room for a flag that lacked some before.
    pub(super) fn take_again(&mut self, flag: &LayerFlag, lacking: Lacking) -> Result<(), Lacking> {
        let mut new = HashSet::new();
        let shared = self.shared_by(flag.flag(), &mut new);
        let left = self.spare.checked_sub(lacking.over + shared);
        self.spare = left.ok_or(Lacking { own: lacking.own + shared, over: lacking.over })?;
        self.counted.extend(new);
        Ok(())
    }

    /// Leaves a flag those problems for which there is room, errors before others. Says how many
    /// it has beyond them.
    pub(super) fn keep_problems(&mut self, flag: &mut LayerFlag) -> usize {
        let problems = flag.problems();
        let all: usize = problems.iter().map(told).sum();
        let first = problems.iter().map(told).max().unwrap_or(0);
        if all <= first + self.spare {
            self.spare -= all - first;
            return 0;
        }
        self.spare += first;
        let mut by_level: Vec<&Diagnostic> = problems.iter().collect();
        by_level.sort_by_key(|problem| Reverse(problem.level));
        let fits = |problem: &&Diagnostic| {
            let left = self.spare.checked_sub(told(problem));
            self.spare = left.unwrap_or(self.spare);
            left.is_some()
        };
        let kept: Vec<_> = by_level.into_iter().take_while(fits).cloned().collect();
        let untold = problems.len() - kept.len();
        *flag = flag.with_problems(&kept);
        untold
    }

    /// What a flag takes for itself.
    fn bytes_of(layer_flag: &LayerFlag) -> usize {
        let flag = layer_flag.flag();
        let metadata = flag.metadata.len();
        let names: usize = flag.variants.iter().map(|variant| variant.name.len()).sum();
        // Beyond the bound no answer is prepared.
        let answers = 2 * (PER_VARIANT + metadata) * flag.variants.len();
        let answers = if answers > ANSWERS { 0 } else { answers };
        let counters = PER_VARIANT * flag.variants.len();
        let rule = match &flag.behaviour {
            Behaviour::Targeted(rule) => rule.heap(&mut |_| {}),
            Behaviour::Disabled | Behaviour::Static | Behaviour::Broken(_) => 0,
        };
        let description = flag.description.as_deref().map_or(0, str::len);
        // One problem is told in any case.
        let problem = layer_flag.problems().iter().map(told).max().unwrap_or(0);
        FIXED + problem + 2 * flag.key.len() + description + names + answers + counters + rule
    }

    /// What a flag shares with others, without what was counted before; adds what is `new`.
    fn shared_by(&self, flag: &Flag, new: &mut HashSet<usize>) -> usize {
        let mut once = |place: usize, bytes: usize| {
            let is_new = !self.counted.contains(&place) && new.insert(place);
            if is_new { bytes } else { 0 }
        };
        let values = flag.variants.iter().map(|variant| {
            let value = match &variant.value {
                VariantValue::Bool(_) | VariantValue::Number(_) => 0,
                VariantValue::String(text) | VariantValue::Other(text) => text.len(),
                VariantValue::Object(encoded) => encoded.len(),
            };
            size_of_val(variant) + variant.name.len() + value
        });
        let values = values.sum();
        let mut bytes = 0;
        bytes += once(flag.variants.as_ptr() as usize, values);
        bytes += once(flag.metadata.as_ptr() as usize, flag.metadata.len());
        for boundaries in &flag.boundaries {
            bytes += once(boundaries.as_ptr() as usize, size_of_val(&**boundaries));
        }
        if let Behaviour::Targeted(rule) = &flag.behaviour {
            let mut open: Vec<&Arc<SharedRule>> = Vec::new();
            rule.heap(&mut |shared| open.push(shared));
            while let Some(shared) = open.pop() {
                let own = size_of_val(&**shared) + size_of_val(&*shared.boundaries);
                if once(Arc::as_ptr(shared) as usize, own) > 0 {
                    bytes += own + shared.rule.heap(&mut |inner| open.push(inner));
                }
            }
        }
        bytes
    }
}

/// What a problem takes: it is told with the others of the file, and kept to be told again.
fn told(problem: &Diagnostic) -> usize {
    2 * problem.bytes()
}
