//! From a changed file to its subscribers: each on a connection of its own.

use super::{
    files,
    load::KEY,
    server::{Protocol, Server},
};
use bytes::{Bytes, BytesMut};
use http::{Request, header};
use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

type Failure = Box<dyn Error + Send + Sync>;

/// An update must reach each subscriber within this time.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(30);
/// Streams begin with what is there; what follows is an update.
const SETTLE: Duration = Duration::from_secs(1);

/// Changes the file so many times. Returns what passed until each subscriber had the news,
/// least first; `None` for servers without update streams.
pub(crate) fn measure(
    server: &Server,
    directory: &Path,
    subscribers: usize,
    updates: usize,
) -> Result<Option<Vec<Duration>>, Box<dyn Error>> {
    let Protocol::Grpc(version) = server.protocol else { return Ok(None) };
    if server.name == "echo" {
        return Ok(None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let address = server.address.to_string();
    let delays = runtime
        .block_on(updates_of(&address, version, directory, subscribers, updates))
        .map_err(|error| -> Box<dyn Error> { error })?;
    Ok(Some(delays))
}

async fn updates_of(
    address: &str,
    version: &str,
    directory: &Path,
    subscribers: usize,
    updates: usize,
) -> Result<Vec<Duration>, Failure> {
    let (news, mut heard) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..subscribers {
        tasks.spawn(subscribe(address.to_owned(), version.to_owned(), news.clone()));
    }
    let mut delays = Vec::with_capacity(subscribers * updates);
    for _ in 0..updates {
        sleep(SETTLE).await;
        while heard.try_recv().is_ok() {}
        let start = Instant::now();
        files::swap(directory)?;
        for _ in 0..subscribers {
            let at = timeout(UPDATE_TIMEOUT, heard.recv()).await?.ok_or("no subscriber is left")?;
            delays.push(at.duration_since(start));
        }
    }
    delays.sort_unstable();
    Ok(delays)
}

/// Passes on when each frame of an update stream arrived.
async fn subscribe(
    address: String,
    version: String,
    news: mpsc::UnboundedSender<Instant>,
) -> Result<(), Failure> {
    let stream = TcpStream::connect(&address).await?;
    let (sender, connection) = h2::client::handshake(stream).await?;
    tokio::spawn(async move { connection.await.unwrap_or_default() });
    let uri = format!("http://{address}/flagd.evaluation.{version}.Service/EventStream");
    let request = Request::post(uri).header(header::CONTENT_TYPE, "application/grpc").body(())?;
    let (response, mut body) = sender.ready().await?.send_request(request, false)?;
    body.send_data(Bytes::from_static(&[0; 5]), true)?;
    let mut body = response.await?.into_body();
    let mut frame = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        frame.extend_from_slice(&data);
        // Keep-alives are events too, but shorter than any with a flag's key.
        if frame.windows(KEY.len()).any(|part| part == KEY.as_bytes()) {
            frame.clear();
            news.send(Instant::now())?;
        }
    }
    Ok(())
}
