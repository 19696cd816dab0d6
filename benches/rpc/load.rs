//! The load: the same request over and over, on a few connections, with a fixed number in flight.

use bytes::{BufMut, Bytes, BytesMut};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanRequest;
use h2::client::{self, SendRequest};
use http::{HeaderValue, Request, header};
use prost::Message;
use prost_types::{Struct, Value, value::Kind};
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpStream, task::JoinSet};

type Failure = Box<dyn Error + Send + Sync>;

/// The length of the request's message, context and all.
pub(crate) const SIZE: usize = 160;

/// A targeted request, framed.
fn request() -> Bytes {
    let attributes = [
        ("targetingKey", "user-0000000001"),
        ("email", "somebody@example.com"),
        ("plan", "premium"),
        ("country", "DE"),
    ];
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let fields = attributes.iter().map(|(name, text)| ((*name).to_owned(), value(text)));
    let mut context = Struct { fields: fields.collect() };
    let mut message = ResolveBooleanRequest {
        flag_key: "enable_premium_dashboard".to_owned(),
        context: Some(context.clone()),
    };
    // Made up to the size with a longer e-mail address.
    let missing = SIZE.saturating_sub(message.encoded_len());
    let email = format!("{}somebody@example.com", "x".repeat(missing));
    context.fields.insert("email".to_owned(), value(&email));
    message.context = Some(context);
    let message = message.encode_to_vec();
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.extend_from_slice(&message);
    frame.freeze()
}

/// Sends `count` requests in all, and checks that each is answered with status 0.
pub(crate) fn run(
    address: &str,
    connections: usize,
    in_flight: usize,
    count: usize,
) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(load(address, connections, in_flight, count))
        .map_err(|error| -> Box<dyn Error> { error })
}

async fn load(
    address: &str,
    connections: usize,
    in_flight: usize,
    count: usize,
) -> Result<(), Failure> {
    let left = Arc::new(AtomicUsize::new(count));
    let frame = request();
    let uri: Arc<str> =
        format!("http://{address}/flagd.evaluation.v2.Service/ResolveBoolean").into();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = client::handshake(stream).await?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        for _ in 0..in_flight {
            let (sender, left) = (sender.clone(), Arc::clone(&left));
            workers.spawn(worker(sender, Arc::clone(&uri), frame.clone(), left));
        }
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

async fn worker(
    mut sender: SendRequest<Bytes>,
    uri: Arc<str>,
    frame: Bytes,
    left: Arc<AtomicUsize>,
) -> Result<(), Failure> {
    let claim = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    while claim().is_ok() {
        let mut request = Request::post(&*uri).body(())?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        sender = sender.ready().await?;
        let (response, mut body) = sender.send_request(request, false)?;
        body.send_data(frame.clone(), true)?;
        let mut body = response.await?.into_body();
        while let Some(data) = body.data().await {
            body.flow_control().release_capacity(data?.len())?;
        }
        let trailers = body.trailers().await?.ok_or("no trailers")?;
        if trailers.get("grpc-status") != Some(&HeaderValue::from_static("0")) {
            return Err(format!("failed: {trailers:?}").into());
        }
    }
    Ok(())
}
