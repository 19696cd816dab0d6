//! The services beside evaluation: health on both ports, reflection, and liveness over HTTP.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use serde_json::json;
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const SERVICES: [&str; 3] = ["", "flagd.evaluation.v1.Service", "flagd.evaluation.v2.Service"];

async fn health(client: &Client, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(client.channel()).check(request).await;
    answer.unwrap().into_inner().status()
}

#[tokio::test]
async fn health_is_not_serving_until_there_are_flags_on_both_ports() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let (evaluation, management) =
        (Client::connect(&sidecar).await, Client::connect_management(&sidecar).await);
    for service in SERVICES {
        assert_eq!(health(&evaluation, service).await, ServingStatus::NotServing, "{service}");
        assert_eq!(health(&management, service).await, ServingStatus::NotServing, "{service}");
    }
    flags.write_in_place(&json!({"flags": {}}));
    for client in [&evaluation, &management] {
        for service in SERVICES {
            eventually(DEADLINE, "serving", async || {
                health(client, service).await == ServingStatus::Serving
            })
            .await;
        }
    }
}

#[tokio::test]
async fn whoever_watches_health_hears_of_readiness_and_of_the_drain() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &["--drain-delay", "30s"]).await;
    let client = Client::connect_management(&sidecar).await;
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = HealthClient::new(client.channel()).watch(request).await.unwrap().into_inner();
    // The same status may be told more than once.
    let mut told = async |wanted: ServingStatus| {
        let mut seen = None;
        while seen != Some(wanted) {
            let answer = timeout(DEADLINE, watch.message()).await.expect("news in time");
            seen = Some(answer.unwrap().expect("the watch goes on").status());
        }
    };
    told(ServingStatus::NotServing).await;
    flags.write_in_place(&json!({"flags": {}}));
    told(ServingStatus::Serving).await;
    sidecar.sigterm();
    told(ServingStatus::NotServing).await;
}

#[tokio::test]
async fn an_unknown_service_is_unknown_to_health() {
    let sidecar = Sidecar::start(&Flags::new(&json!({"flags": {}}))).await;
    let client = Client::connect(&sidecar).await;
    let request = HealthCheckRequest { service: "flagd.evaluation.v9.Service".to_owned() };
    let status = HealthClient::new(client.channel()).check(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_the_services_and_has_their_descriptors() {
    let flags = Flags::new(&json!({"flags": {}}));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let ask = async |message: MessageRequest| {
        let request =
            ServerReflectionRequest { host: String::new(), message_request: Some(message) };
        let mut reflection = ServerReflectionClient::new(client.channel());
        let answers = reflection.server_reflection_info(tokio_stream::once(request)).await;
        let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
        answer.message_response.unwrap()
    };
    let listed = ask(MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(list) = listed else { panic!("{listed:?}") };
    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
    for service in
        ["flagd.evaluation.v1.Service", "flagd.evaluation.v2.Service", "grpc.health.v1.Health"]
    {
        assert!(names.contains(&service), "{service} in {names:?}");
        let symbol = ask(MessageRequest::FileContainingSymbol(service.to_owned())).await;
        let MessageResponse::FileDescriptorResponse(file) = symbol else { panic!("{symbol:?}") };
        assert!(!file.file_descriptor_proto.is_empty());
    }
}

#[tokio::test]
async fn the_management_port_tells_life_and_serves_no_flags() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    for path in ["/livez", "/healthz"] {
        assert_eq!(http_get(sidecar.management(), path).await.0, 200, "{path} before flags");
    }
    let (status, text) = http_get(sidecar.management(), "/nothing").await;
    assert_eq!(status, 404);
    assert!(text.contains("/metrics"), "{text}");
    let client = Client::connect_management(&sidecar).await;
    let status = client.resolve_all(json!({})).await.unwrap_err();
    assert_ne!(status.code(), Code::Unavailable, "{}", status.message());
}
