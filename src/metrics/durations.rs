//! How long calls took, by method and gRPC code.

use super::labels::Labels;
use crate::wire::method::Method;
use metrics::Histogram;
use metrics_exporter_prometheus::PrometheusRecorder;
use std::sync::OnceLock;
use tonic::Code;

/// The durations of one method, by code; codes other than OK are rare enough to be registered when
/// they first happen.
pub(super) struct RpcDurations {
    method: Method,
    ok: Histogram,
    failed: [OnceLock<Histogram>; 17],
}

impl RpcDurations {
    pub(super) fn new(method: Method, recorder: &PrometheusRecorder) -> Self {
        let ok = Self::histogram(method, Code::Ok, recorder);
        Self { method, ok, failed: Default::default() }
    }

    pub(super) fn of(&self, code: Code, recorder: &PrometheusRecorder) -> &Histogram {
        let register = || Self::histogram(self.method, code, recorder);
        match self.failed.get(code as usize) {
            Some(failed) if code != Code::Ok => failed.get_or_init(register),
            _ => &self.ok,
        }
    }

    fn histogram(method: Method, code: Code, recorder: &PrometheusRecorder) -> Histogram {
        Labels::new("flagstaff_rpc_duration_seconds")
            .with("service", method.service())
            .with("method", method.name())
            .with("code", code_name(code))
            .histogram(recorder)
    }
}

/// The gRPC name of a code.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
