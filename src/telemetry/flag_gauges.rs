//! Gauges of single flags, written at each scrape from the snapshot in force.
//!
//! The exporter cannot remove a series: there, what once was true of a flag would stay for ever.

use crate::snapshot::Snapshot;
use std::fmt::Write;

/// Appends the gauges of every flag in Prometheus' text format.
pub(crate) fn write_flag_gauges(page: &mut String, snapshot: Option<&Snapshot>) {
    let flags = snapshot.map_or(&[][..], |snapshot| snapshot.entries()).iter();
    let overridden = flags.map(|entry| &entry.flag).filter(|flag| flag.is_overridden());
    write_gauge(
        page,
        ("flagstaff_flag_override_active", "Whether an override decides, and no file"),
        overridden.map(|flag| (flag.key(), 1.0)),
    );
}

/// One metric with a sample for each flag it is known of.
fn write_gauge<'a>(
    page: &mut String,
    (name, help): (&str, &str),
    samples: impl Iterator<Item = (&'a str, f64)>,
) {
    // Writing to a string cannot fail.
    write!(page, "# HELP {name} {help}\n# TYPE {name} gauge\n").unwrap_or_default();
    for (flag, value) in samples {
        page.push_str(name);
        page.push_str("{flag=\"");
        for letter in flag.chars() {
            match letter {
                '\\' => page.push_str("\\\\"),
                '"' => page.push_str("\\\""),
                '\n' => page.push_str("\\n"),
                _ => page.push(letter),
            }
        }
        writeln!(page, "\"}} {value}").unwrap_or_default();
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_told_even_without_samples_and_labels_are_escaped() {
        let mut page = String::new();
        write_gauge(&mut page, ("x", "What it is"), [("a\\b\"c\nd", 1.0), ("ä", 0.5)].into_iter());
        let expected = "# HELP x What it is\n# TYPE x gauge\n\
            x{flag=\"a\\\\b\\\"c\\nd\"} 1\nx{flag=\"ä\"} 0.5\n\n";
        assert_eq!(page, expected);
        let mut page = String::new();
        write_flag_gauges(&mut page, None);
        assert!(page.ends_with("# TYPE flagstaff_flag_override_active gauge\n\n"), "{page}");
    }
}
