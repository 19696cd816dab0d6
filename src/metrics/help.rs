//! The `# HELP` texts of every metric that is not about one flag.

use metrics::{KeyName, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

/// What each metric means, as `# HELP` tells it.
pub(super) fn describe(recorder: &PrometheusRecorder) {
    for (name, help) in [
        (
            "flagstaff_log_lines_dropped_total",
            "Log lines lost because their reader was too slow, or because writing failed",
        ),
        ("flagstaff_unknown_flag_requests_total", "Requests for flags that nobody defined"),
        ("flagstaff_stream_events_total", "Events sent to update streams"),
        (
            "flagstaff_stream_coalesced_total",
            "Times a slow update stream was sent several changes as one",
        ),
        (
            "flagstaff_connections_refused_total",
            "Connections refused or ended because too many are open",
        ),
        (
            "flagstaff_accept_errors_total",
            "Times connections could not be accepted: the process may have no file descriptor left",
        ),
        (
            "flagstaff_config_reloads_total",
            "Times a flag file was seen to differ, by how reading it went",
        ),
    ] {
        recorder.describe_counter(KeyName::from_const_str(name), None, help.into());
    }
    for (name, help) in [
        ("flagstaff_streams_active", "Open update streams"),
        ("flagstaff_connections_active", "Open connections"),
        (
            "flagstaff_config_last_reload_successful",
            "Whether all that stands in the flag files is in force",
        ),
        (
            "flagstaff_config_last_reload_success_timestamp_seconds",
            "When the last wholly good flag files were applied",
        ),
        (
            "flagstaff_config_last_scan_timestamp_seconds",
            "Unix time of the last scan that read every flag file and override",
        ),
        ("flagstaff_config_generation", "How many times the flags changed since the start"),
        ("flagstaff_config_bytes", "Size of the flag files in force"),
        (
            "flagstaff_config_reload_duration_seconds",
            "How long the last reload took, from the end of the wait for the file to serving",
        ),
        ("flagstaff_config_flags", "Flags in force, by state"),
        ("flagstaff_config_quarantined_flags", "Flags whose definition is broken"),
        ("flagstaff_overrides", "Local overrides: those that decide, and those that cannot"),
        ("flagstaff_config_watch_mode", "How changes of the flag files are noticed"),
        ("flagstaff_build_info", "The build"),
    ] {
        recorder.describe_gauge(KeyName::from_const_str(name), None, help.into());
    }
    let name = KeyName::from_const_str("flagstaff_rpc_duration_seconds");
    let help = "Time from a request's last byte to its answer, by gRPC code";
    recorder.describe_histogram(name, None, help.into());
}
