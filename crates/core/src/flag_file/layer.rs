//! What one file gives, and what several files give together.
//!
//! Layers are kept apart so that a flag comes back when the file above drops it. A flag whose new
//! definition is broken serves its own last good one; one that never was good hides nothing.

use crate::{
    compile::evaluators::CompiledEvaluators,
    diagnostic::Diagnostic,
    flag::{Digest, Flag},
};
use std::{collections::BTreeMap, sync::Arc};

/// Where a flag stands with its definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Compiled from the definition as it is now.
    Good,
    /// The definition as it is now is broken; this is the last good one or, of a flag whose state
    /// alone is in doubt and that never was good, what flagd serves.
    Quarantined,
    /// The definition as it is now is broken, but it switches the flag off, and that holds.
    SwitchedOff,
    /// The definition is broken and never was good: the flag answers with a parse error.
    Broken,
}

/// A flag of one file.
#[derive(Debug, Clone)]
pub struct LayerFlag {
    flag: Arc<Flag>,
    standing: Standing,
    /// What is wrong with its definition, told again while it stands.
    problems: Arc<[Diagnostic]>,
}

impl LayerFlag {
    pub(super) fn new(flag: Arc<Flag>, standing: Standing, problems: &[Diagnostic]) -> Self {
        Self { flag, standing, problems: problems.into() }
    }

    /// The same flag, with its problems where they stand now.
    pub(super) fn with_problems(&self, problems: &[Diagnostic]) -> Self {
        Self { problems: problems.into(), ..self.clone() }
    }

    /// What is wrong with its definition.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// The flag to serve.
    pub fn flag(&self) -> &Arc<Flag> {
        &self.flag
    }

    /// Where it stands with its definition.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether its definition switches it off.
    fn is_off(&self) -> bool {
        self.flag.is_killed() || self.flag.is_disabled()
    }

    /// Whether compiling this source again would give this flag again.
    pub(super) fn was_compiled_from(&self, source: &Digest) -> bool {
        self.standing == Standing::Good && self.flag.digests.source == *source
    }
}

/// The flags of one file, by key.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    flags: BTreeMap<Box<str>, LayerFlag>,
    /// Those that its flags refer to, for flags that change alone.
    evaluators: CompiledEvaluators,
}

impl Layer {
    /// Keeps the evaluators that the flags refer to.
    pub(super) fn keep_evaluators(&mut self, evaluators: CompiledEvaluators) {
        self.evaluators = evaluators;
    }

    pub(super) fn evaluators(&self) -> &CompiledEvaluators {
        &self.evaluators
    }

    pub(super) fn insert(&mut self, flag: LayerFlag) {
        self.flags.insert(flag.flag.key.clone(), flag);
    }

    /// Keeps the flags that were there before, as the last good definitions of what is missing.
    pub(super) fn keep_missing(&mut self, before: &Self) {
        for (key, flag) in &before.flags {
            if !self.flags.contains_key(key) && flag.standing != Standing::Broken {
                let kept = LayerFlag { standing: Standing::Quarantined, ..flag.clone() };
                self.flags.insert(key.clone(), kept);
            }
        }
    }

    /// How many flags that could be served before are not in this layer.
    pub fn lost_since(&self, before: &Self) -> usize {
        let served = before.flags.iter().filter(|(_, flag)| flag.standing != Standing::Broken);
        served.filter(|(key, _)| !self.flags.contains_key(*key)).count()
    }

    /// How many flags that were switched off before are in this layer and on.
    pub fn lifted_since(&self, before: &Self) -> usize {
        let off = before.flags.iter().filter(|(_, flag)| flag.is_off());
        off.filter(|(key, _)| self.flags.get(*key).is_some_and(|flag| !flag.is_off())).count()
    }

    /// How many flags that were switched off before are not in this layer.
    pub fn kills_lost_since(&self, before: &Self) -> usize {
        let off = before.flags.iter().filter(|(_, flag)| flag.is_off());
        off.filter(|(key, _)| !self.flags.contains_key(*key)).count()
    }

    pub fn get(&self, key: &str) -> Option<&LayerFlag> {
        self.flags.get(key)
    }

    /// The flags in the order of their keys.
    pub fn flags(&self) -> impl Iterator<Item = &LayerFlag> {
        self.flags.values()
    }

    /// The flags that do not serve what their definition says.
    pub fn broken(&self) -> impl Iterator<Item = &LayerFlag> {
        self.flags().filter(|flag| flag.standing != Standing::Good)
    }
}

/// The flags of all layers together, in the order of their keys: later layers win.
pub fn merge<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> Vec<&'a LayerFlag> {
    let mut merged: BTreeMap<&str, &LayerFlag> = BTreeMap::new();
    for flag in layers.into_iter().flat_map(Layer::flags) {
        if flag.standing != Standing::Broken || !merged.contains_key(flag.flag.key()) {
            merged.insert(flag.flag.key(), flag);
        }
    }
    merged.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compile, document::text::Format, flag::rule::Generation};

    /// A file of flags, each with one variant; a flag of `?` is broken.
    fn file(flags: &[(&str, &str)], before: &Layer) -> Layer {
        let flag = |(key, variant): &(&str, &str)| {
            let default = if *variant == "?" { "nowhere" } else { variant };
            format!(r#""{key}": {{"variants": {{"{variant}": 1}}, "defaultVariant": "{default}"}}"#)
        };
        let flags: Vec<_> = flags.iter().map(flag).collect();
        let text = format!(r#"{{"flags": {{{}}}}}"#, flags.join(","));
        compile(text.as_bytes(), Format::Json, Generation::V2, before).unwrap().layer
    }

    /// Checks key, default variant and standing of what files give together.
    #[track_caller]
    fn check(layers: &[&Layer], expected: &[(&str, Option<&str>, Standing)]) {
        let merged = merge(layers.iter().copied());
        let told: Vec<_> = merged
            .iter()
            .map(|flag| {
                let default = flag.flag().default_variant();
                let name = default.map(|index| flag.flag().variants()[index].name());
                (flag.flag().key(), name, flag.standing())
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_broken_definition_keeps_its_last_good_flag_and_its_neighbours() {
        let good = file(&[("a", "one"), ("b", "one")], &Layer::default());
        let broken = file(&[("a", "?"), ("b", "two")], &good);
        let expected =
            [("a", Some("one"), Standing::Quarantined), ("b", Some("two"), Standing::Good)];
        check(&[&broken], &expected);
        // Still broken, then mended, then gone.
        let still = file(&[("a", "?"), ("b", "two")], &broken);
        check(&[&still], &expected);
        let mended = file(&[("a", "three")], &still);
        check(&[&mended], &[("a", Some("three"), Standing::Good)]);
        check(&[&file(&[], &mended)], &[]);
    }

    #[test]
    fn a_flag_that_is_gone_is_lost_unless_it_never_was_good() {
        let before = file(&[("a", "one"), ("b", "one"), ("c", "?")], &Layer::default());
        for (after, lost) in [
            (&[("a", "one"), ("b", "one"), ("c", "?")][..], 0),
            (&[("a", "?"), ("d", "one")], 1),
            (&[("d", "one")], 2),
            (&[], 2),
        ] {
            assert_eq!(file(after, &before).lost_since(&before), lost, "{after:?}");
        }
    }

    #[test]
    fn a_flag_that_never_was_good_is_broken_until_it_is_mended() {
        let broken = file(&[("a", "?")], &Layer::default());
        check(&[&broken], &[("a", None, Standing::Broken)]);
        check(&[&file(&[("a", "?")], &broken)], &[("a", None, Standing::Broken)]);
        check(&[&file(&[("a", "one")], &broken)], &[("a", Some("one"), Standing::Good)]);
    }

    #[test]
    fn the_last_file_wins_and_what_it_drops_comes_back() {
        let base = file(&[("a", "base"), ("b", "base")], &Layer::default());
        let over = file(&[("b", "over"), ("c", "over")], &Layer::default());
        let good = Standing::Good;
        check(
            &[&base, &over],
            &[("a", Some("base"), good), ("b", Some("over"), good), ("c", Some("over"), good)],
        );
        check(&[&base, &file(&[], &over)], &[("a", Some("base"), good), ("b", Some("base"), good)]);
    }

    #[test]
    fn a_broken_flag_hides_nothing_but_its_last_good_one_does() {
        let base = file(&[("a", "base")], &Layer::default());
        let never = file(&[("a", "?")], &Layer::default());
        check(&[&base, &never], &[("a", Some("base"), Standing::Good)]);
        check(&[&never, &base], &[("a", Some("base"), Standing::Good)]);
        let once = file(&[("a", "?")], &file(&[("a", "over")], &Layer::default()));
        check(&[&base, &once], &[("a", Some("over"), Standing::Quarantined)]);
    }

    #[test]
    fn what_did_not_change_is_not_compiled_again() {
        let before = file(&[("a", "one"), ("b", "one")], &Layer::default());
        let after = file(&[("a", "one"), ("b", "two")], &before);
        let same =
            |key| Arc::ptr_eq(before.get(key).unwrap().flag(), after.get(key).unwrap().flag());
        assert!(same("a"));
        assert!(!same("b"));
    }
}
