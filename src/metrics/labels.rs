//! A series by its name and labels, and its registration.

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

const METADATA: Metadata<'static> = Metadata::new("flagstaff", Level::INFO, None);

/// A series: its name and labels.
pub(crate) struct Labels {
    name: &'static str,
    labels: Vec<Label>,
}

impl Labels {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, labels: Vec::new() }
    }

    pub(crate) fn with(mut self, label: &'static str, value: &str) -> Self {
        self.labels.push(Label::new(label, value.to_owned()));
        self
    }

    fn key(self) -> Key {
        Key::from_parts(self.name, self.labels)
    }

    pub(super) fn counter(self, recorder: &PrometheusRecorder) -> Counter {
        recorder.register_counter(&self.key(), &METADATA)
    }

    pub(super) fn gauge(self, recorder: &PrometheusRecorder) -> Gauge {
        recorder.register_gauge(&self.key(), &METADATA)
    }

    pub(super) fn histogram(self, recorder: &PrometheusRecorder) -> Histogram {
        recorder.register_histogram(&self.key(), &METADATA)
    }
}
