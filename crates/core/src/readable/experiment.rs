//! Experiments: some of the units, split over variants; the others are outside.
//!
//! Who takes part and who gets what are salted apart, so that more traffic moves nobody from one
//! variant to another.

use super::{node::Node, share::Share, variants::Variants};
use crate::diagnostic::{Target, problems::Problems};

/// A share of the units is split over variants.
#[derive(Debug)]
pub(super) struct Experiment {
    pub(super) traffic: Share,
    /// In the order of their names: lines that change places move nobody.
    pub(super) arms: Vec<(String, u32)>,
    pub(super) outside: String,
}

const KNOWN: [&str; 3] = ["traffic", "split", "outside"];

/// Weights are small numbers, most often 1.
const MAX_WEIGHT: u64 = 1_000_000;

impl Experiment {
    pub(super) fn read(
        node: &Node<'_>,
        variants: &mut Variants,
        found: &mut Problems,
    ) -> Option<Self> {
        node.object(&KNOWN, "an experiment", found)?;
        let traffic = match node.member("traffic") {
            Some(traffic) => Share::read(&traffic, found),
            None => Some(Share::EVERYBODY),
        };
        let arms = match node.member("split") {
            Some(split) => arms(&split, variants, found),
            None => {
                let help = "write split: { VARIANT: 1, OTHER: 1 }";
                found.push(node.error("has no \"split\"", help));
                None
            }
        };
        let outside = match node.member("outside") {
            Some(outside) => {
                let like = variants.named(&outside, found);
                like.and_then(|like| variants.add_outside(&like, &outside, found))
            }
            None => {
                let help = "write outside: VARIANT, whose value they get under a name of their own";
                let message = "does not say what units outside of it get";
                found.push(node.error(message, help));
                None
            }
        };
        Some(Self { traffic: traffic?, arms: arms?, outside: outside? })
    }
}

fn arms(node: &Node<'_>, variants: &Variants, found: &mut Problems) -> Option<Vec<(String, u32)>> {
    let mut arms = Vec::new();
    let mut is_good = true;
    for (name, weight) in node.members() {
        let path = weight.path.clone().target(Target::Name);
        let variant = variants.called(&name, path, found);
        let number = weight.value.as_u64().filter(|weight| *weight <= MAX_WEIGHT);
        if number.is_none() {
            let percentage = weight.value.as_str();
            let help = match percentage.as_deref().and_then(|text| text.strip_suffix('%')) {
                Some(number) => {
                    format!("write {}, without %: weights count by their sum", number.trim())
                }
                None => "write a whole number, such as 1; weights count by their sum".to_owned(),
            };
            found.push(weight.error("is no weight", help));
        }
        match (variant, number.and_then(|number| u32::try_from(number).ok())) {
            (Some(variant), Some(number)) => arms.push((variant, number)),
            _ => is_good = false,
        }
    }
    if is_good && arms.iter().all(|(_, weight)| *weight == 0) {
        let help = "write split: { VARIANT: 1, OTHER: 1 }";
        found.push(node.error("is no mapping of variants to weights", help));
        return None;
    }
    is_good.then_some(arms)
}
