//! Files in the format that flagd reads.

use super::{Kind, Numbers, Room, listed};

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

/// A file of ordinary flags.
pub(super) fn ordinary(flags: usize) -> String {
    json("", "\"team\":\"shop\"", flags, |place| {
        flag(&format!(
            "{{\"if\":[{{\"==\":[{{\"var\":\"plan\"}},\"p{place}\"]}},\"a\",{{\"fractional\":\
             [[\"a\",{}],[\"b\",{}]]}}]}}",
            place % 100,
            100 - place % 100
        ))
    })
}

pub(super) fn text(kind: Kind, numbers: &mut Numbers, room: &mut Room) -> String {
    let Room { flags, size } = *room;
    let vars = |count: usize| listed(count, |place| format!("{{\"var\":\"a{place}\"}}"));
    match kind {
        Kind::Evaluator => {
            let shared = format!("\"shared\":{{\"and\":[{}]}}", vars(size));
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
            json(&listed(levels, inner), "", flags, |_| if_shared("s0"))
        }
        Kind::Moments => {
            let moment = |place: usize| {
                format!("{{\">\":[{{\"var\":\"$flagd.timestamp\"}},{}]}}", place + 1)
            };
            let shared = format!("\"shared\":{{\"or\":[{}]}}", listed(size / 2, moment));
            json(&shared, "", flags, |place| {
                let own = moment(5_000_000 + place);
                flag(&format!("{{\"if\":[{own},\"a\",{{\"$ref\":\"shared\"}},\"b\"]}}"))
            })
        }
        Kind::Metadata => {
            let metadata = listed(size / 10, |place| format!("\"m{place}\":{place}"));
            let own = numbers.below(2) == 0;
            json("", &metadata, flags, |place| match own && place % 2 == 0 {
                true => {
                    format!("{{\"variants\":{{\"a\":1}},\"metadata\":{{\"own\":{place}}}}}")
                }
                false => "{\"variants\":{\"a\":1,\"b\":2,\"c\":3}}".to_owned(),
            })
        }
        Kind::Values => {
            room.flags = flags.min(100);
            json("", "", room.flags, |place| {
                let value = listed(size, |at| ((at + place) % 10).to_string());
                format!("{{\"variants\":{{\"a\":{{\"v\":[{value}]}}}},\"defaultVariant\":\"a\"}}")
            })
        }
        Kind::Variants => json("", "", flags, |place| {
            let count = if place == 0 { size } else { 3 };
            format!("{{\"variants\":{{{}}}}}", listed(count, |at| format!("\"{at}\":{at}")))
        }),
        Kind::Dense => {
            let rule = format!("{{\"and\":[{}]}}", listed(size * 9, |_| "1".to_owned()));
            json("", "", flags, |place| flag(if place == 0 { &rule } else { "\"a\"" }))
        }
        Kind::Texts => {
            let long = "lorem ipsum ".repeat(size);
            room.flags = flags.min(20);
            json("", "", room.flags, |place| {
                format!("{{\"variants\":{{\"a\":\"{place} {long}\"}},\"defaultVariant\":\"a\"}}")
            })
        }
        Kind::Members => {
            let members = listed(size * 4, |place| format!("\"{place}\":{}", place % 7));
            room.flags = flags.min(20);
            json("", "", room.flags, |place| {
                format!(
                    "{{\"variants\":{{\"a\":{{\"own\":{place},{members}}}}},\"defaultVariant\":\"a\"}}"
                )
            })
        }
        Kind::Small => {
            room.flags = flags * 4;
            json("", "", room.flags, |_| "{\"variants\":{\"a\":1}}".to_owned())
        }
        _ => ordinary(flags),
    }
}
