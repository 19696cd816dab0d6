//! Files in the readable format.

use super::{Kind, Numbers, Room, listed};
use std::fmt::Write as _;

pub(super) fn text(kind: Kind, numbers: &mut Numbers, room: &mut Room) -> String {
    let Room { flags, size } = *room;
    let mut text = "flagstaff: 1\nbucketing: v2\n".to_owned();
    let rules = |count: usize| listed(count, |at| format!("{{ if: {{ a{at}: x }}, serve: on }}"));
    match kind {
        Kind::Segments => {
            let values = listed(size / 5, |at| format!("v{at}"));
            writeln!(text, "segments:\n  s0: {{ plan: [{values}] }}").unwrap();
            for level in 1..numbers.between(2, 11) {
                let before = level - 1;
                let any = format!("s{before}, {{ n: x{level} }}, s{before}");
                writeln!(text, "  s{level}: {{ any: [{any}] }}").unwrap();
            }
            text.push_str("flags:\n");
            for place in 0..flags {
                writeln!(text, "  f{place}: {{ rules: [{{ if: s1, serve: on }}] }}").unwrap();
            }
        }
        Kind::Requires => {
            writeln!(text, "flags:\n  f0: {{ rules: [{}] }}", rules(size / 5)).unwrap();
            for place in 1..flags {
                let needed = if place % 5 == 0 { place - 1 } else { 0 };
                writeln!(text, "  f{place}: {{ requires: f{needed}, serve: on }}").unwrap();
            }
        }
        Kind::Readable => {
            text.push_str("segments:\n  beta: { plan: [pro, team], age: \">= 18\" }\nflags:\n");
            text.push_str("  base: { rules: [{ if: beta, serve: on }] }\n");
            for place in 0..flags {
                write!(
                    text,
                    "  flag_{place}:\n    owner: team-{place}\n    requires: base\n    rules:\n      \
                     - {{ if: {{ country: [DE, AT], app_version: \">= 4.2.0\" }}, serve: on }}\n      \
                     - {{ if: beta, rollout: {}% }}\n    otherwise: off\n",
                    place % 99 + 1
                )
                .unwrap();
            }
            room.flags += 1;
        }
        Kind::Rules => {
            writeln!(text, "flags:\n  f0:\n    rules:").unwrap();
            for at in 0..size / 4 {
                writeln!(
                    text,
                    "      - if: {{ a{at}: [x, y], n: \">= {at}\" }}\n        serve: on"
                )
                .unwrap();
            }
            for place in 1..flags {
                writeln!(text, "  f{place}: {{ rollout: 5% }}").unwrap();
            }
        }
        Kind::Ids => {
            let ids = listed(size * 3, |at| format!(" u-{at}"));
            writeln!(text, "flags:\n  f0:\n    rules: [{{ if: {{ id: [{ids} ] }}, serve: on }}]")
                .unwrap();
            for place in 1..flags {
                writeln!(text, "  f{place}: {{}}").unwrap();
            }
        }
        _ => {
            text.push_str("segments:\n");
            for at in 0..size / 10 {
                writeln!(text, "  s{at}: {{ plan: [p{at}, q{at}], country: DE }}").unwrap();
            }
            text.push_str("flags:\n");
            for place in 0..flags {
                let segment = place % (size / 10).max(1);
                writeln!(text, "  f{place}: {{ rules: [{{ if: s{segment}, serve: on }}] }}")
                    .unwrap();
            }
        }
    }
    text
}
