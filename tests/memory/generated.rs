//! Flag files that repeat much by little text, or take much for their text, generated from a seed.

mod flagd;
mod readable;
mod yaml;

use flagstaff_core::Format;

/// What a file repeats, or has much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// One evaluator for all flags.
    Evaluator,
    /// Evaluators that refer to evaluators, some of them twice.
    Nested,
    /// An evaluator that compares the time with many moments.
    Moments,
    /// Metadata of the file.
    Metadata,
    /// Variants with values that take more bytes encoded than written.
    Values,
    /// Many variants of a flag.
    Variants,
    /// Rules that take many times their text.
    Dense,
    /// Segments that name segments.
    Segments,
    /// A flag with a large rule that all others require.
    Requires,
    /// YAML's aliases, for variants and metadata.
    Aliases,
    /// Ordinary flags.
    Ordinary,
    /// Long texts.
    Texts,
    /// Objects with many members.
    Members,
    /// Many flags of a few bytes.
    Small,
    /// A list in one line of YAML.
    Flow,
    /// A JSON file without line breaks that is read as YAML.
    JsonInYaml,
    /// Many flags in the readable format, with segments and requirements.
    Readable,
    /// One flag in the readable format with many rules.
    Rules,
    /// A list of ids in a condition of the readable format.
    Ids,
    /// Many segments.
    ManySegments,
}

const KINDS: [Kind; 20] = [
    Kind::Evaluator,
    Kind::Nested,
    Kind::Moments,
    Kind::Metadata,
    Kind::Values,
    Kind::Variants,
    Kind::Dense,
    Kind::Segments,
    Kind::Requires,
    Kind::Aliases,
    Kind::Ordinary,
    Kind::Texts,
    Kind::Members,
    Kind::Small,
    Kind::Flow,
    Kind::JsonInYaml,
    Kind::Readable,
    Kind::Rules,
    Kind::Ids,
    Kind::ManySegments,
];

/// A flag file.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) format: Format,
    pub(crate) flags: usize,
}

/// A generator of numbers (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low)
    }
}

/// So many parts, joined by commas.
fn listed(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(",")
}

/// The room that a file has for its kind.
#[derive(Debug, Clone, Copy)]
struct Room {
    flags: usize,
    size: usize,
}

impl Generated {
    /// The file of a seed. One of three has few flags, so that little but its text counts.
    pub(crate) fn new(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let kind = *KINDS.get(usize::try_from(seed).unwrap() % KINDS.len()).unwrap();
        let most = if numbers.below(3) == 0 { 12 } else { 1500 };
        let mut room = Room { flags: numbers.between(1, most), size: numbers.between(10, 4900) };
        let (text, format) = match kind {
            Kind::Segments
            | Kind::Requires
            | Kind::Readable
            | Kind::Rules
            | Kind::Ids
            | Kind::ManySegments => (readable::text(kind, &mut numbers, &mut room), Format::Yaml),
            Kind::Aliases | Kind::Flow | Kind::JsonInYaml => {
                (yaml::text(kind, &mut numbers, &mut room), Format::Yaml)
            }
            _ => (flagd::text(kind, &mut numbers, &mut room), Format::Json),
        };
        Self { kind, text, format, flags: room.flags }
    }

    /// The same file with a change that lets every flag be compiled anew.
    pub(crate) fn changed(&self) -> Self {
        let text = match self.text.starts_with('{') {
            true => self.text.replacen("{\"metadata\":{", "{\"metadata\":{\"x\":1,", 1),
            false => format!("metadata: {{ x: 1 }}\n{}", self.text),
        };
        let text = text.replacen(",}", "}", 1);
        Self { text, ..*self }
    }
}
