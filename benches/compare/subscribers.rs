//! From a changed file to its subscribers: each on a connection of its own, all in a process on the
//! second core.

use super::{
    files,
    load::KEY,
    server::{Protocol, Server, cpu_of, memory_of, pinned},
};
use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
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

/// Changes the file so many times. Returns a line with what passed until each subscriber had the
/// news, and what the server spent; `None` for servers without update streams.
pub(crate) fn measure(
    server: &Server,
    directory: &Path,
    subscribers: usize,
    updates: usize,
) -> Result<Option<String>, Box<dyn Error>> {
    let Protocol::Grpc(version) = server.protocol else { return Ok(None) };
    if server.name == "echo" {
        return Ok(None);
    }
    let mut command = pinned("1", &std::env::current_exe()?.display().to_string());
    command.args(["--subscribe", &server.pid().to_string(), &server.address.to_string(), version]);
    command.arg(directory).args([subscribers, updates].map(|number| number.to_string()));
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Some(String::from_utf8(output.stdout)?.trim().to_owned()))
}

/// Subscribes, changes the file, and prints the line.
pub(crate) fn run(
    pid: u32,
    address: &str,
    version: &str,
    directory: &Path,
    [subscribers, updates]: [usize; 2],
) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let first = memory_of(pid)?;
    let (news, heard) = mpsc::unbounded_channel();
    runtime
        .block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..subscribers {
                tasks.spawn(subscribe(address.to_owned(), opening(version), news.clone()));
            }
            sleep(SETTLE).await;
            let memory = memory_of(pid).map_err(|error| error.to_string())? - first;
            let (delays, spent) = updates_of(pid, directory, heard, [subscribers, updates]).await?;
            let at = |percent: usize| {
                delays[(delays.len() * percent / 100).min(delays.len() - 1)].as_secs_f64() * 1e3
            };
            println!(
                "first {:.1} ms, p50 {:.1} ms, p99 {:.1} ms; server CPU {:.1} us each; {memory:.1} MiB more",
                at(0),
                at(50),
                at(99),
                spent.as_secs_f64() * 1e6 / delays.len() as f64,
            );
            Ok(())
        })
        .map_err(|error: Failure| -> Box<dyn Error> { error })
}

/// The delays of all updates at all subscribers, least first, and the CPU time that the server spent.
async fn updates_of(
    pid: u32,
    directory: &Path,
    mut heard: mpsc::UnboundedReceiver<Instant>,
    [subscribers, updates]: [usize; 2],
) -> Result<(Vec<Duration>, Duration), Failure> {
    let cpu = || cpu_of(pid).map_err(|error| error.to_string());
    let (mut delays, mut spent) = (Vec::with_capacity(subscribers * updates), Duration::ZERO);
    for _ in 0..updates {
        sleep(SETTLE).await;
        while heard.try_recv().is_ok() {}
        let (start, before) = (Instant::now(), cpu()?);
        files::swap(directory)?;
        for _ in 0..subscribers {
            let at = timeout(UPDATE_TIMEOUT, heard.recv()).await?.ok_or("no subscriber is left")?;
            delays.push(at.duration_since(start));
        }
        spent += cpu()?.saturating_sub(before);
    }
    delays.sort_unstable();
    Ok((delays, spent))
}

/// The first bytes of a subscriber: the preface, its settings and windows, and the request. They are
/// written by hand, because a whole client would take longer for an event than the server.
fn opening(version: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let path = format!("/flagd.evaluation.{version}.Service/EventStream");
    // POST, http, and literals for the path, the authority, the content type and `te`.
    let headers = [
        &[0x83, 0x86, 0x04][..],
        &text(&path),
        &[0x01],
        &text("localhost"),
        &[0x0f, 0x10],
        &text("application/grpc"),
        &[0x00],
        &text("te"),
        &text("trailers"),
    ]
    .concat();
    let window = (1_u32 << 30).to_be_bytes();
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &frame(0x4, 0, 0, &[&[0, 4], &window[..]].concat())[..],
        &frame(0x8, 0, 0, &window),
        &frame(0x1, 0x4, 1, &headers),
        &frame(0x0, 0x1, 1, &[0; 5]),
    ]
    .concat()
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Passes on when each update arrived.
async fn subscribe(
    address: String,
    opening: Vec<u8>,
    news: mpsc::UnboundedSender<Instant>,
) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.write_all(&opening).await?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Err("the server has closed the connection".into());
        }
        // Keep-alives are events too, but do not have a flag's key.
        if buffer[..length].windows(KEY.len()).any(|part| part == KEY.as_bytes()) {
            news.send(Instant::now())?;
        }
    }
}
