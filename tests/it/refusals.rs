//! What is not answered, and how that is said: codes, texts, trailers and statuses.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{Sidecar, http_get},
};
use bytes::Bytes;
use flagstaff::pb::flagd::evaluation::{
    v1,
    v2::{self, ResolveBooleanRequest, ResolveBooleanResponse},
};
use http::{HeaderMap, Request, Response};
use prost::Message;
use prost_types::{Struct, value::Kind};
use serde_json::json;
use tonic::{Code, Status};

const BOOLEAN: &str = "/flagd.evaluation.v2.Service/ResolveBoolean";

async fn start() -> (Client, Sidecar, Flags) {
    let bits = json!({"on": true, "off": false});
    let flag = |targeting: &str| {
        let targeting: serde_json::Value = serde_json::from_str(targeting).unwrap();
        json!({"state": "ENABLED", "variants": bits, "defaultVariant": "on", "targeting": targeting})
    };
    let flags = Flags::new(&json!({"flags": {
        "static": {"state": "ENABLED", "variants": bits, "defaultVariant": "on"},
        "targeted": flag(r#"{"if": [{"==": [{"var": "plan"}, "pro"]}, "off"]}"#),
        "nowhere": flag(r#""nowhere""#),
        "unknown_operator": flag(r#"{"if": [{"frobnicate": [1]}, "on"]}"#),
        "unresolved_ref": flag(r#"{"if": [{"$ref": "nobody"}, "on"]}"#),
    }}));
    let sidecar = Sidecar::start(&flags).await;
    (Client::connect(&sidecar).await, sidecar, flags)
}

/// A request as a client sends it, with a message and its prefix.
fn request(method: &str, prefix: [u8; 5], message: &[u8]) -> Request<Bytes> {
    let body: Bytes = [&prefix, message].concat().into();
    let request = Request::post(format!("http://localhost{method}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    request.body(body).unwrap()
}

/// The status of an answer, wherever it stands.
fn status(answer: &Response<(Bytes, HeaderMap)>) -> Status {
    assert_eq!(answer.status(), 200, "gRPC errors are no HTTP errors");
    let at_the_end = Status::from_header_map(&answer.body().1);
    at_the_end.or_else(|| Status::from_header_map(answer.headers())).unwrap()
}

#[tokio::test]
async fn every_failure_has_its_code_in_both_versions_and_names_the_flag() {
    let (client, _sidecar, _flags) = start().await;
    for (flag, code) in [
        ("missing", Code::NotFound),
        ("nowhere", Code::Unknown),
        ("unknown_operator", Code::DataLoss),
        ("unresolved_ref", Code::DataLoss),
    ] {
        for failure in [
            client.failure::<v1::ResolveBooleanResponse>(flag, json!({})).await,
            client.failure::<ResolveBooleanResponse>(flag, json!({})).await,
        ] {
            assert_eq!(failure.0, code, "{flag}: {}", failure.1);
            assert!(failure.1.contains(flag), "{flag}: {}", failure.1);
        }
    }
}

#[tokio::test]
async fn a_variant_of_another_type_is_a_mismatch() {
    let (client, _sidecar, _flags) = start().await;
    for (code, text) in [
        client.failure::<v1::ResolveStringResponse>("static", json!({})).await,
        client.failure::<v2::ResolveStringResponse>("static", json!({})).await,
        client.failure::<v2::ResolveFloatResponse>("static", json!({})).await,
        client.failure::<v2::ResolveIntResponse>("static", json!({})).await,
        client.failure::<v2::ResolveObjectResponse>("static", json!({})).await,
    ] {
        assert_eq!(code, Code::InvalidArgument);
        assert!(text.starts_with("Type mismatch error"), "{text}");
        assert!(text.contains("\"static\"") && text.contains("\"on\""), "{text}");
    }
}

#[tokio::test]
async fn only_unknown_asks_clients_not_to_try_again() {
    let (client, _sidecar, _flags) = start().await;
    for (flag, expected) in [("nowhere", Some("-1")), ("missing", None), ("unresolved_ref", None)] {
        let answer = client.resolve::<ResolveBooleanResponse>(flag, json!({})).await;
        let status = answer.unwrap_err();
        let pushback = status.metadata().get("grpc-retry-pushback-ms");
        assert_eq!(pushback.map(|value| value.to_str().unwrap()), expected, "{flag}");
    }
}

#[tokio::test]
async fn a_context_that_is_not_finite_fails_where_it_is_looked_at() {
    let (client, _sidecar, _flags) = start().await;
    let value = prost_types::Value { kind: Some(Kind::NumberValue(f64::NAN)) };
    let context = Struct { fields: [("age".to_owned(), value)].into() };
    let ask = |key: &str| ResolveBooleanRequest {
        flag_key: key.to_owned(),
        context: Some(context.clone()),
    };
    let answer: Result<ResolveBooleanResponse, _> = client.unary(BOOLEAN, ask("targeted")).await;
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::Unknown, "{}", status.message());
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "-1");
    let answer: Result<ResolveBooleanResponse, _> = client.unary(BOOLEAN, ask("static")).await;
    assert_eq!(answer.unwrap().value, Some(true));
}

#[tokio::test]
async fn a_message_that_is_no_request_is_an_invalid_argument() {
    let (client, _sidecar, _flags) = start().await;
    let key_of_ten_bytes = [0x0a, 10, b'k'];
    for (prefix, message) in [
        ([0, 0, 0, 0, 3], &key_of_ten_bytes[..]),
        ([0, 0, 0, 0, 3], &[0x0a, 1, 0xff]),
        ([0, 0, 0, 0, 1], &[0xff]),
        // Not one message: less than announced, and more.
        ([0, 0, 0, 0, 9], &[]),
        ([0, 0, 0, 0, 0], &[0x0a, 0]),
    ] {
        let answer = client.send(request(BOOLEAN, prefix, message)).await;
        assert_eq!(status(&answer).code(), Code::InvalidArgument, "{prefix:?} {message:?}");
    }
    // A context that is cut off in the middle is not evaluated as if it were empty.
    let mut message =
        ResolveBooleanRequest { flag_key: "targeted".into(), context: None }.encode_to_vec();
    message.extend([0x12, 2, 0x0a, 9]);
    let length = u8::try_from(message.len()).unwrap();
    let answer = client.send(request(BOOLEAN, [0, 0, 0, 0, length], &message)).await;
    assert_eq!(status(&answer).code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_message_over_1_mb_exhausts_a_resource() {
    let (client, _sidecar, _flags) = start().await;
    let failure = client.failure::<ResolveBooleanResponse>(&"k".repeat(1_000_001), json!({})).await;
    assert_eq!(failure.0, Code::ResourceExhausted, "{}", failure.1);
    let key = "k".repeat(999_000);
    let failure = client.failure::<ResolveBooleanResponse>(&key, json!({})).await;
    assert_eq!(failure.0, Code::NotFound, "{}", failure.1);
    assert!(failure.1.len() < 1000, "a text travels in headers");
    // What is announced is enough to know.
    let answer = client.send(request(BOOLEAN, [0, 0xff, 0xff, 0xff, 0xff], b"k")).await;
    assert_eq!(status(&answer).code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn what_is_not_offered_is_unimplemented() {
    let (client, _sidecar, _flags) = start().await;
    let answer = client.send(request(BOOLEAN, [1, 0, 0, 0, 3], &[0x0a, 1, b'k'])).await;
    assert_eq!(status(&answer).code(), Code::Unimplemented, "compressed");
    for method in [
        "/flagd.evaluation.v2.Service/ResolveAll",
        "/flagd.evaluation.v1.Service/ResolveEverything",
        "/flagd.evaluation.v9.Service/ResolveBoolean",
    ] {
        let answer = client.send(request(method, [0; 5], &[])).await;
        assert_eq!(status(&answer).code(), Code::Unimplemented, "{method}");
    }
}

#[tokio::test]
async fn what_is_not_grpc_is_refused_in_http_terms() {
    let (client, sidecar, _flags) = start().await;
    for (kind, expected) in
        [("application/json", 415), ("application/grpc-web", 415), ("application/grpc+proto", 200)]
    {
        let mut request = request(BOOLEAN, [0; 5], &[]);
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        assert_eq!(client.send(request).await.status(), expected, "{kind}");
    }
    // Over HTTP/1.1 there is an answer, and it is no gRPC.
    assert_eq!(http_get(sidecar.evaluation(), BOOLEAN).await.0, 405);
}

#[tokio::test]
async fn before_there_are_flags_everything_is_unavailable_and_says_why() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let client = Client::connect(&sidecar).await;
    let (code, text) = client.failure::<ResolveBooleanResponse>("static", json!({})).await;
    assert_eq!(code, Code::Unavailable);
    assert!(text.contains("no flags yet"), "{text}");
    let status = client.resolve_all(json!({})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}
