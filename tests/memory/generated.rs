//! Flag files that repeat much by little text, generated from a seed.

use flagstaff::flag::Format;
use std::fmt::Write as _;

/// What a file repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

const KINDS: [Kind; 11] = [
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
];

/// A flag file.
pub(crate) struct Generated {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) format: Format,
    pub(crate) flags: usize,
    /// The bytes of the longest definition or evaluator, or more.
    pub(crate) longest: usize,
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

fn json(evaluators: &str, metadata: &str, flags: usize, flag: impl Fn(usize) -> String) -> String {
    let flags = listed(flags, |place| format!("\"f{place}\":{}", flag(place)));
    format!(
        "{{\"metadata\":{{{metadata}}},\"$evaluators\":{{{evaluators}}},\"flags\":{{{flags}}}}}"
    )
}

/// A flag with two variants and a rule.
fn flag(rule: &str) -> String {
    format!(
        "{{\"state\":\"ENABLED\",\"variants\":{{\"a\":true,\"b\":false}},\"defaultVariant\":\"a\",\
         \"targeting\":{rule}}}"
    )
}

fn if_shared(name: &str) -> String {
    flag(&format!("{{\"if\":[{{\"$ref\":\"{name}\"}},\"a\",\"b\"]}}"))
}

impl Generated {
    /// The file of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let kind = *KINDS.get(usize::try_from(seed).unwrap() % KINDS.len()).unwrap();
        let mut flags = numbers.between(1, 1500);
        let size = numbers.between(10, 4900);
        let vars = |count: usize| listed(count, |place| format!("{{\"var\":\"a{place}\"}}"));
        let mut format = Format::Json;
        let mut longest = 200;
        let text = match kind {
            Kind::Evaluator => {
                let shared = format!("\"shared\":{{\"and\":[{}]}}", vars(size));
                longest = shared.len();
                json(&shared, "", flags, |_| if_shared("shared"))
            }
            Kind::Nested => {
                let levels = numbers.between(2, 13);
                let own = numbers.below(1 + 4_000 / (1 << levels));
                let inner = |level: usize| match level + 1 == levels {
                    true => format!("\"s{level}\":{{\"and\":[true,{{\"var\":\"x\"}}]}}"),
                    false => {
                        let next = format!("{{\"$ref\":\"s{}\"}}", level + 1);
                        let own = listed(own + 1, |at| format!("{{\"var\":\"v{at}\"}}"));
                        format!("\"s{level}\":{{\"or\":[{next},{own},{next}]}}")
                    }
                };
                longest = 30 * own + 100;
                json(&listed(levels, inner), "", flags, |_| if_shared("s0"))
            }
            Kind::Moments => {
                let moment = |place: usize| {
                    format!("{{\">\":[{{\"var\":\"$flagd.timestamp\"}},{}]}}", place + 1)
                };
                let shared = format!("\"shared\":{{\"or\":[{}]}}", listed(size / 2, moment));
                longest = shared.len();
                json(&shared, "", flags, |place| {
                    let own = moment(5_000_000 + place);
                    flag(&format!("{{\"if\":[{own},\"a\",{{\"$ref\":\"shared\"}},\"b\"]}}"))
                })
            }
            Kind::Metadata => {
                let metadata = listed(size / 10, |place| format!("\"m{place}\":{place}"));
                let own = numbers.below(2) == 0;
                longest = metadata.len();
                json("", &metadata, flags, |place| match own && place % 2 == 0 {
                    true => {
                        format!("{{\"variants\":{{\"a\":1}},\"metadata\":{{\"own\":{place}}}}}")
                    }
                    false => "{\"variants\":{\"a\":1,\"b\":2,\"c\":3}}".to_owned(),
                })
            }
            Kind::Values => {
                longest = 2 * size;
                json("", "", flags.min(100), |place| {
                    let value = listed(size, |at| ((at + place) % 10).to_string());
                    format!(
                        "{{\"variants\":{{\"a\":{{\"v\":[{value}]}}}},\"defaultVariant\":\"a\"}}"
                    )
                })
            }
            Kind::Variants => {
                longest = 12 * size;
                json("", "", flags, |place| {
                    let count = if place == 0 { size } else { 3 };
                    format!("{{\"variants\":{{{}}}}}", listed(count, |at| format!("\"{at}\":{at}")))
                })
            }
            Kind::Dense => {
                let rule = format!("{{\"and\":[{}]}}", listed(size * 9, |_| "1".to_owned()));
                longest = rule.len();
                json("", "", flags, |place| flag(if place == 0 { &rule } else { "\"a\"" }))
            }
            Kind::Segments => {
                format = Format::Yaml;
                let mut text = "flagstaff: 1\nbucketing: v2\nsegments:\n".to_owned();
                let values = listed(size / 5, |at| format!("v{at}"));
                longest = 2 * values.len();
                writeln!(text, "  s0: {{ plan: [{values}] }}").unwrap();
                for level in 1..numbers.between(2, 11) {
                    let before = level - 1;
                    writeln!(
                        text,
                        "  s{level}: {{ any: [s{before}, {{ n: x{level} }}, s{before}] }}"
                    )
                    .unwrap();
                }
                text.push_str("flags:\n");
                for place in 0..flags {
                    writeln!(text, "  f{place}: {{ rules: [{{ if: s1, serve: on }}] }}").unwrap();
                }
                text
            }
            Kind::Requires => {
                format = Format::Yaml;
                let mut text = "flagstaff: 1\nbucketing: v2\nflags:\n".to_owned();
                let rules = listed(size / 5, |at| format!("{{ if: {{ a{at}: x }}, serve: on }}"));
                longest = 3 * rules.len();
                writeln!(text, "  f0: {{ rules: [{rules}] }}").unwrap();
                for place in 1..flags {
                    let needed = if place % 5 == 0 { place - 1 } else { 0 };
                    writeln!(text, "  f{place}: {{ requires: f{needed}, serve: on }}").unwrap();
                }
                text
            }
            Kind::Aliases => {
                format = Format::Yaml;
                // More copies are refused by the reader of YAML.
                flags = flags.min(500);
                let mut text = "x-variants: &variants\n".to_owned();
                for place in 0..size / 100 {
                    writeln!(text, "  v{place}: {{ timeout: {place}, hosts: [a, b, c] }}").unwrap();
                }
                text.push_str("x-metadata: &metadata { team: shop, why: because }\nflags:\n");
                for place in 0..flags {
                    writeln!(
                        text,
                        "  f{place}: {{ state: ENABLED, variants: *variants, metadata: *metadata }}"
                    )
                    .unwrap();
                }
                text.replacen("x-variants: &variants\n", "x-variants: &variants\n  v: {}\n", 1)
            }
            Kind::Ordinary => json("", "\"team\":\"shop\"", flags, |place| {
                flag(&format!(
                    "{{\"if\":[{{\"==\":[{{\"var\":\"plan\"}},\"p{place}\"]}},\"a\",{{\"fractional\":\
                     [[\"a\",{}],[\"b\",{}]]}}]}}",
                    place % 100,
                    100 - place % 100
                ))
            }),
        };
        let flags = if kind == Kind::Values { flags.min(100) } else { flags };
        Self { kind, text, format, flags, longest }
    }

    /// The same file with a change that lets every flag be compiled anew.
    pub(crate) fn changed(&self) -> Self {
        let text = match self.format {
            Format::Json => self.text.replacen("{\"metadata\":{", "{\"metadata\":{\"x\":1,", 1),
            Format::Yaml => format!("metadata: {{ x: 1 }}\n{}", self.text),
        };
        let text = text.replacen(",}", "}", 1);
        Self { text, ..*self }
    }
}
