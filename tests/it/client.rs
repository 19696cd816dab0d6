//! A small typed client of the contract: what a provider does, without a provider's opinions.

use crate::sidecar::{DEADLINE, Sidecar};
use bytes::Bytes;
use flagstaff::pb::flagd::evaluation::{v1, v2};
use http::{HeaderMap, Request, Response, uri::PathAndQuery};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use prost::Message;
use prost_types::{ListValue, Struct, value::Kind};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::PathBuf};
use tokio::{net::UnixStream, time::timeout};
use tonic::{
    Code, Status, Streaming,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use tower::{Service, ServiceExt, service_fn};

/// An answer, which knows the method that gives it.
pub(crate) trait Answer: Message + Default + std::fmt::Debug + 'static {
    const METHOD: &'static str;
}

impl Answer for v1::ResolveBooleanResponse {
    const METHOD: &'static str = "/flagd.evaluation.v1.Service/ResolveBoolean";
}
impl Answer for v1::ResolveStringResponse {
    const METHOD: &'static str = "/flagd.evaluation.v1.Service/ResolveString";
}
impl Answer for v1::ResolveFloatResponse {
    const METHOD: &'static str = "/flagd.evaluation.v1.Service/ResolveFloat";
}
impl Answer for v1::ResolveIntResponse {
    const METHOD: &'static str = "/flagd.evaluation.v1.Service/ResolveInt";
}
impl Answer for v1::ResolveObjectResponse {
    const METHOD: &'static str = "/flagd.evaluation.v1.Service/ResolveObject";
}
impl Answer for v2::ResolveBooleanResponse {
    const METHOD: &'static str = "/flagd.evaluation.v2.Service/ResolveBoolean";
}
impl Answer for v2::ResolveStringResponse {
    const METHOD: &'static str = "/flagd.evaluation.v2.Service/ResolveString";
}
impl Answer for v2::ResolveFloatResponse {
    const METHOD: &'static str = "/flagd.evaluation.v2.Service/ResolveFloat";
}
impl Answer for v2::ResolveIntResponse {
    const METHOD: &'static str = "/flagd.evaluation.v2.Service/ResolveInt";
}
impl Answer for v2::ResolveObjectResponse {
    const METHOD: &'static str = "/flagd.evaluation.v2.Service/ResolveObject";
}

/// A connection to a sidecar.
#[derive(Clone)]
pub(crate) struct Client {
    channel: Channel,
}

impl Client {
    /// Over a connection that is there.
    pub(crate) fn over(channel: Channel) -> Self {
        Self { channel }
    }

    /// Over TCP.
    pub(crate) async fn connect(sidecar: &Sidecar) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", sidecar.evaluation())).unwrap();
        Self { channel: endpoint.connect().await.unwrap() }
    }

    /// Over TCP, to the management port.
    pub(crate) async fn connect_management(sidecar: &Sidecar) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", sidecar.management())).unwrap();
        Self { channel: endpoint.connect().await.unwrap() }
    }

    /// Over the Unix socket, with streams on which the server may send this much unread.
    pub(crate) async fn connect_unix(sidecar: &Sidecar, window: u32) -> Self {
        let path: PathBuf = sidecar.socket().to_owned();
        let connector = service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let endpoint = endpoint.initial_stream_window_size(window);
        Self { channel: endpoint.connect_with_connector(connector).await.unwrap() }
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Resolves one flag; which type and version is said by the answer.
    pub(crate) async fn resolve<A: Answer>(
        &self,
        flag_key: &str,
        context: Value,
    ) -> Result<A, Status> {
        // Every type's request has the same two fields.
        let request =
            v2::ResolveBooleanRequest { flag_key: flag_key.into(), context: to_struct(context) };
        self.unary(A::METHOD, request).await
    }

    /// Why a flag cannot be resolved: the code, and the text.
    pub(crate) async fn failure<A: Answer>(&self, flag: &str, context: Value) -> (Code, String) {
        let status = self.resolve::<A>(flag, context).await.unwrap_err();
        (status.code(), status.message().to_owned())
    }

    pub(crate) async fn resolve_all(
        &self,
        context: Value,
    ) -> Result<v1::ResolveAllResponse, Status> {
        let request = v1::ResolveAllRequest { context: to_struct(context) };
        self.unary("/flagd.evaluation.v1.Service/ResolveAll", request).await
    }

    pub(crate) async fn unary<Q, A>(&self, method: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel());
        grpc.ready().await.unwrap();
        let (path, codec) = (PathAndQuery::from_static(method), ProstCodec::<Q, A>::default());
        let answer = timeout(DEADLINE, grpc.unary(tonic::Request::new(request), path, codec));
        Ok(answer.await.expect("an answer in time")?.into_inner())
    }

    /// Opens an update stream.
    pub(crate) async fn events(&self) -> Events {
        let mut grpc = Grpc::new(self.channel());
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static("/flagd.evaluation.v2.Service/EventStream");
        let codec = ProstCodec::<v2::EventStreamRequest, _>::default();
        let request = tonic::Request::new(v2::EventStreamRequest {});
        let stream = timeout(DEADLINE, grpc.server_streaming(request, path, codec));
        Events { stream: stream.await.expect("headers in time").unwrap().into_inner() }
    }

    /// Sends a request that no honest client would: any body with any headers.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<(Bytes, HeaderMap)> {
        let request = request.map(|body| tonic::body::Body::new(Full::new(body)));
        let mut channel = self.channel();
        let answered = async {
            let response = channel.ready().await.unwrap().call(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap();
            let trailers = body.trailers().cloned().unwrap_or_default();
            Response::from_parts(head, (body.to_bytes(), trailers))
        };
        timeout(DEADLINE, answered).await.expect("an answer in time")
    }
}

/// What an update stream brings.
pub(crate) struct Events {
    stream: Streaming<v2::EventStreamResponse>,
}

impl Events {
    /// The next event within the deadline: its type, and its keys with what happened to them.
    pub(crate) async fn next(&mut self) -> Result<(String, BTreeMap<String, String>), Status> {
        let event = timeout(DEADLINE, self.stream.message()).await.expect("an event in time")?;
        let event = event.expect("the stream goes on");
        let data = event.data.map(from_struct).unwrap_or_default();
        let flags = data.get("flags").and_then(Value::as_object);
        let kinds = flags
            .into_iter()
            .flatten()
            .map(|(key, kind)| (key.clone(), kind["type"].as_str().unwrap_or_default().to_owned()));
        Ok((event.r#type, kinds.collect()))
    }

    /// The keys of the next event, which is a change.
    pub(crate) async fn changes(&mut self) -> BTreeMap<String, String> {
        let (kind, keys) = self.next().await.unwrap();
        assert_eq!(kind, "configuration_change");
        keys
    }

    /// The beginning of every stream: ready, then all keys.
    pub(crate) async fn begin(&mut self) -> BTreeMap<String, String> {
        assert_eq!(self.next().await.unwrap().0, "provider_ready");
        self.changes().await
    }
}

/// JSON as a `Struct`; null is none.
pub(crate) fn to_struct(json: Value) -> Option<Struct> {
    let Value::Object(members) = json else { return None };
    Some(Struct { fields: members.into_iter().map(|(key, json)| (key, to_value(json))).collect() })
}

fn to_value(json: Value) -> prost_types::Value {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(bit) => Kind::BoolValue(bit),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(to_value).collect() })
        }
        object @ Value::Object(_) => Kind::StructValue(to_struct(object).unwrap()),
    };
    prost_types::Value { kind: Some(kind) }
}

/// A `Struct` as JSON.
pub(crate) fn from_struct(of: Struct) -> Map<String, Value> {
    of.fields.into_iter().map(|(key, value)| (key, from_value(value))).collect()
}

fn from_value(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(bit)) => bit.into(),
        Some(Kind::NumberValue(number)) => number.into(),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(from_value).collect(),
        Some(Kind::StructValue(members)) => from_struct(members).into(),
    }
}
