//! Files in flagd's format that are written in YAML.

use super::{Kind, Numbers, Room, flagd, listed};
use std::fmt::Write as _;

pub(super) fn text(kind: Kind, numbers: &mut Numbers, room: &mut Room) -> String {
    let Room { flags, size } = *room;
    match kind {
        Kind::Aliases => {
            // More copies are refused by the reader of YAML.
            room.flags = flags.min(500);
            let mut text = "x-variants: &variants\n  v: {}\n".to_owned();
            for place in 0..size / 100 {
                writeln!(text, "  v{place}: {{ timeout: {place}, hosts: [a, b, c] }}").unwrap();
            }
            text.push_str("x-metadata: &metadata { team: shop, why: because }\nflags:\n");
            for place in 0..room.flags {
                let own = "variants: *variants, metadata: *metadata";
                writeln!(text, "  f{place}: {{ state: ENABLED, {own} }}").unwrap();
            }
            text
        }
        Kind::Flow => {
            let mut text = "flags:\n".to_owned();
            let step = numbers.between(1, 400);
            let list = listed(size * 4, |at| (at * step % 1000).to_string());
            for place in 0..flags {
                let list = if place == 0 { &*list } else { "1, 2" };
                let rule = format!("{{ in: [{{ var: x }}, [{list}]] }}");
                writeln!(text, "  f{place}:\n    variants: {{ a: 1 }}\n    targeting: {rule}")
                    .unwrap();
            }
            text
        }
        _ => flagd::ordinary(flags),
    }
}
