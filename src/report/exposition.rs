//! Prometheus' text format (<https://prometheus.io/docs/instrumenting/exposition_formats/>), for
//! series of single flags: those the exporter would neither forget nor let anybody read.

use std::fmt::{Display, Write};

/// Appends a metric to a page of them.
pub(super) struct Metric<'a> {
    page: &'a mut String,
    name: &'static str,
}

impl<'a> Metric<'a> {
    pub(super) fn counter(page: &'a mut String, name: &'static str, help: &str) -> Self {
        Self::begin(page, name, "counter", help)
    }

    pub(super) fn gauge(page: &'a mut String, name: &'static str, help: &str) -> Self {
        Self::begin(page, name, "gauge", help)
    }

    fn begin(page: &'a mut String, name: &'static str, kind: &str, help: &str) -> Self {
        // Writing to a string cannot fail.
        write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n").unwrap_or_default();
        Self { page, name }
    }

    /// Appends one series.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let Self { page, name } = self;
        page.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            page.push(if place == 0 { '{' } else { ',' });
            page.push_str(label);
            page.push_str("=\"");
            for letter in text.chars() {
                match letter {
                    '\\' => page.push_str("\\\\"),
                    '"' => page.push_str("\\\""),
                    '\n' => page.push_str("\\n"),
                    _ => page.push(letter),
                }
            }
            page.push('"');
        }
        if !labels.is_empty() {
            page.push('}');
        }
        writeln!(page, " {value}").unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_a_metric_is_told_even_without_samples() {
        let mut page = String::new();
        let mut metric = Metric::gauge(&mut page, "x", "What it is");
        metric.sample(&[("flag", "a\\b\"c\nd"), ("by", "ä")], 0.5);
        Metric::counter(&mut page, "y", "What else");
        let expected = "# HELP x What it is\n# TYPE x gauge\n\
            x{flag=\"a\\\\b\\\"c\\nd\",by=\"ä\"} 0.5\n# HELP y What else\n# TYPE y counter\n";
        assert_eq!(page, expected);
    }
}
