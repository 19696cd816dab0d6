//! What evaluation ports answer beside evaluations: health, reflection, and unknown methods.

use super::error::ServeError;
use crate::{pb::DESCRIPTORS, server::routed::speaks_grpc, wire::method::SERVICES};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use tonic::{Status, service::Routes};
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
    server::{HealthReporter, health_reporter},
};
use tonic_reflection::server::Builder as Reflection;

/// Reports every service as not serving until the lifecycle says otherwise.
pub(super) async fn health() -> (HealthReporter, HealthServer<impl Health>) {
    let (reporter, service) = health_reporter();
    for name in [""].into_iter().chain(SERVICES) {
        reporter.set_service_status(name, ServingStatus::NotServing).await;
    }
    (reporter, service)
}

/// The routes of evaluation ports.
pub(super) fn of_evaluation(health: HealthServer<impl Health>) -> Result<Router, ServeError> {
    let reflection = Reflection::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(ServeError::Reflection)?;
    let routes = Routes::new(health).add_service(reflection).into_axum_router();
    Ok(routes.fallback(unknown_method))
}

/// An unknown method, told in the caller's own protocol.
async fn unknown_method(headers: HeaderMap) -> Response {
    if speaks_grpc(&headers) {
        return Status::unimplemented("there is no such method here").into_http();
    }
    (
        StatusCode::NOT_FOUND,
        "this port speaks gRPC; /metrics, /readyz and /status are on the management port\n",
    )
        .into_response()
}
