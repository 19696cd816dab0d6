//! The request, and a load generator where h2load is missing: the same request over and over, on a
//! few connections, with a fixed number in flight.

use super::server::Protocol;
use bytes::{BufMut, Bytes, BytesMut};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanRequest;
use h2::client::{self, SendRequest};
use http::{HeaderValue, Request, header};
use prost::Message;
use prost_types::{Struct, Value, value::Kind};
use std::{
    error::Error,
    io::{self, Read, Write},
    net,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::{net::TcpStream, task::JoinSet};

type Failure = Box<dyn Error + Send + Sync>;

/// The length of the request's message, context and all.
pub(crate) const SIZE: usize = 160;

/// The flag that is evaluated.
pub(crate) const KEY: &str = "enable_premium_dashboard";

/// The same evaluation as a request to Unleash Edge, and the token that it accepts.
pub(crate) const EDGE_PATH: &str = "/api/frontend/features/enable_premium_dashboard?userId=user-0000000001\
    &properties[plan]=premium&properties[country]=DE&properties[email]=somebody@example.com";
pub(crate) const TOKEN: &str = "*:development.0123456789abcdef";

/// The address of the method in a version of the contract.
pub(crate) fn uri(address: &str, version: &str) -> String {
    format!("http://{address}/flagd.evaluation.{version}.Service/ResolveBoolean")
}

/// A targeted request, framed.
pub(crate) fn request() -> Bytes {
    let attributes = [
        ("targetingKey", "user-0000000001"),
        ("email", "somebody@example.com"),
        ("plan", "premium"),
        ("country", "DE"),
    ];
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let fields = attributes.iter().map(|(name, text)| ((*name).to_owned(), value(text)));
    let mut context = Struct { fields: fields.collect() };
    let mut message =
        ResolveBooleanRequest { flag_key: KEY.to_owned(), context: Some(context.clone()) };
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

/// Makes `calls` calls in all, checks that each is answered with status 0, and prints the rate.
pub(crate) fn run(
    address: &str,
    version: &str,
    [connections, in_flight, calls]: [usize; 3],
) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    block_on(load(address, version, connections, in_flight, calls))?;
    println!("{:.2} req/s", calls as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

/// Whether a server evaluates the flag.
pub(crate) fn is_answered(address: &str, protocol: Protocol) -> bool {
    match protocol {
        Protocol::Grpc(version) => block_on(load(address, version, 1, 1, 1)).is_ok(),
        Protocol::Edge => edge(address).is_ok_and(|head| head.starts_with("HTTP/1.1 200")),
    }
}

fn edge(address: &str) -> io::Result<String> {
    let mut stream = net::TcpStream::connect(address)?;
    let head = format!("Host: {address}\r\nAuthorization: {TOKEN}\r\nConnection: close\r\n");
    write!(stream, "GET {EDGE_PATH} HTTP/1.1\r\n{head}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn block_on(load: impl Future<Output = Result<(), Failure>>) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load).map_err(|error| -> Box<dyn Error> { error })
}

async fn load(
    address: &str,
    version: &str,
    connections: usize,
    in_flight: usize,
    calls: usize,
) -> Result<(), Failure> {
    let left = Arc::new(AtomicUsize::new(calls));
    let frame = request();
    let uri: Arc<str> = uri(address, version).into();
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
