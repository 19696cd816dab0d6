//! What new content of a flag file would take away, and the words for it.

use super::{doubt::Loss, lists::Met};
use crate::flag::{Diagnostic, Layer};
use std::time::Duration;

/// The difference between what is in force and new content.
#[derive(Debug)]
pub(super) struct Losses {
    /// Flags that are missing, of how many.
    flags: usize,
    all: usize,
    /// Flags that were switched off and would be on, or are missing.
    lifted: usize,
    lists: Loss,
    is_cut: bool,
}

impl Losses {
    /// `None` for `layer` if its format shows that the file is whole.
    pub(super) fn of(layer: Option<&Layer>, before: &Layer, met: &Met) -> Self {
        let (lists, is_cut) = (met.list_loss, met.is_cut);
        let (flags, lifted) =
            layer.map_or((0, 0), |layer| (layer.lost_since(before), layer.lifted_since(before)));
        Self { flags, all: before.flags().count(), lifted, lists, is_cut }
    }

    pub(super) fn size(&self) -> Loss {
        // One kill that is lost may do more harm than many flags.
        let all_at_once = self.lifted > 0 || self.is_cut;
        let flags = if all_at_once { Loss::Large } else { Loss::of(self.flags, self.all) };
        flags.max(self.lists)
    }

    /// Why the content is held back.
    fn what(&self) -> String {
        let Self { flags, all, lifted, .. } = self;
        let what = match (Loss::of(*flags, *all), self.lists) {
            (Loss::Large, _) => format!("{flags} of {all} flags are missing"),
            _ if *lifted > 0 => format!("{lifted} of the flags that were off are not off any more"),
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

    fn losses(flags: usize, lifted: usize, lists: Loss, is_cut: bool) -> Losses {
        Losses { flags, all: 8, lifted, lists, is_cut }
    }

    #[test]
    fn a_kill_or_half_a_line_counts_as_much_as_many_flags() {
        for (losses, size, words) in [
            (losses(3, 1, Loss::None, true), Loss::Large, "3 of 8 flags are missing"),
            (losses(2, 0, Loss::None, false), Loss::Small, ""),
            (losses(0, 0, Loss::None, false), Loss::None, ""),
            (losses(1, 1, Loss::None, false), Loss::Large, "1 of the flags that were off"),
            (losses(0, 0, Loss::Large, false), Loss::Large, "a list lost more than a quarter"),
            (losses(1, 0, Loss::None, true), Loss::Large, "the last line has no end"),
        ] {
            assert_eq!(losses.size(), size, "{losses:?}");
            assert!(losses.what().starts_with(words), "{losses:?}");
        }
    }
}
