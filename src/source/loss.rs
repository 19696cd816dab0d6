//! What new content of a flag file would take away, and the words for it.

use super::lists::Met;
use crate::source::half_written::Loss;
use flagstaff_core::{Diagnostic, Layer};
use std::time::Duration;

/// The difference between what is in force and new content.
#[derive(Debug)]
pub(super) struct Losses {
    /// Flags that are missing, of how many.
    flags: usize,
    all: usize,
    /// Missing flags that were switched off.
    kills: usize,
    /// Flags that were switched off and would be on.
    lifted: usize,
    lists: Loss,
    is_cut: bool,
}

impl Losses {
    /// `None` for `layer` if its format shows that the file is whole.
    pub(super) fn of(layer: Option<&Layer>, before: &Layer, met: &Met) -> Self {
        let count =
            |count: fn(&Layer, &Layer) -> usize| layer.map_or(0, |layer| count(layer, before));
        Self {
            flags: count(Layer::lost_since),
            all: before.flags().count(),
            kills: count(Layer::kills_lost_since),
            lifted: count(Layer::lifted_since),
            lists: met.list_loss,
            is_cut: met.is_cut,
        }
    }

    pub(super) fn size(&self) -> Loss {
        // One kill that is lost may do more harm than many flags.
        let flags = match Loss::of(self.flags, self.all) {
            _ if self.is_cut || self.kills > 0 || self.lifted > 0 => Loss::Large,
            loss => loss,
        };
        flags.max(self.lists)
    }

    /// Why the content is held back.
    fn what(&self) -> String {
        let Self { flags, all, kills, lifted, .. } = self;
        let what = match (Loss::of(*flags, *all), self.lists) {
            (Loss::Large, _) => format!("{flags} of {all} flags are missing"),
            _ if *kills > 0 => format!("{kills} of the flags that were off are missing"),
            _ if *lifted > 0 => format!("{lifted} of the flags that were off are on"),
            (_, Loss::Large) => "a list lost more than a quarter of its entries".to_owned(),
            _ => "the last line has no end".to_owned(),
        };
        format!("{what}, and the file may be half written")
    }

    /// The warning while the content is held back, which lasts until it was the same for `needed`.
    pub(super) fn held(&self, needed: Duration) -> (Diagnostic, String) {
        let outcome = format!(
            "the last good flags stay in force until the content has been the same for {} s",
            needed.as_secs()
        );
        let help = format!("write a temporary file and rename it over this one; {outcome}");
        (Diagnostic::warning("", self.what(), help), outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_or_half_a_line_counts_as_much_as_many_flags() {
        let none =
            || Losses { flags: 0, all: 8, kills: 0, lifted: 0, lists: Loss::None, is_cut: false };
        for (losses, size, words) in [
            (none(), Loss::None, ""),
            (Losses { flags: 3, kills: 1, ..none() }, Loss::Large, "3 of 8 flags are missing"),
            (Losses { flags: 2, ..none() }, Loss::Small, ""),
            (Losses { flags: 1, kills: 1, ..none() }, Loss::Large, "1 of the flags that were off"),
            (Losses { lifted: 1, ..none() }, Loss::Large, "1 of the flags that were off are on"),
            (Losses { flags: 1, lifted: 1, ..none() }, Loss::Large, "1 of the flags that were off"),
            (Losses { lists: Loss::Large, ..none() }, Loss::Large, "a list lost more than"),
            (Losses { is_cut: true, ..none() }, Loss::Large, "the last line has no end"),
        ] {
            assert_eq!(losses.size(), size, "{losses:?}");
            assert!(losses.what().starts_with(words), "{losses:?}");
        }
    }
}
