//! What an answer allocates: nothing in the core once it is warm, and little in a whole call.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where it fails, helpers included, and prints what it measured"
)]

use bytes::{BufMut, Bytes, BytesMut};
use clap::Parser;
use flagstaff::{
    cli::{Cli, Command},
    pb::flagd::evaluation::v2::ResolveBooleanRequest,
};
use flagstaff_core::{Evaluator, Format, Generation, Layer, Outcome, Scratch, compile};
use http::{HeaderValue, Request, header};
use prost::Message;
use prost_types::{ListValue, Struct, Value, value::Kind};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::net::UnixStream;

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// Counts the allocations of threads that ask for it.
struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one only counts and delegates"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    if COUNTED.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

const FLAGS: &str = r#"{ "metadata": { "fractional": "v2" }, "flags": {
  "static": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on" },
  "rule": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
    "targeting": { "if": [{ "and": [
      { "==": [{ "var": "plan" }, "enterprise"] }, { "in": [{ "var": "country" }, ["DE", "AT"]] },
      { "sem_ver": [{ "var": "version" }, ">=", "4.2.0"] }, { ">": [{ "+": [{ "var": "seats" }, 1] }, 50] }
    ] }, "on"] } },
  "split": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
    "targeting": { "fractional": [["on", 25], ["off", 75]] } },
  "salted": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
    "targeting": { "fractional": [{ "cat": ["salt/", { "var": "targetingKey" }] }, ["on", 25], ["off", 75]] } },
  "lists": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
    "targeting": { "if": [{ "some": [
      { "map": [{ "filter": [{ "var": "groups" }, { "!=": [{ "var": "" }, "x"] }] }, { "cat": [{ "var": "" }, "!"] }] },
      { "in": ["b", { "var": "" }] }] }, "on", "off"] } }
} }"#;

fn context() -> Struct {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let groups = ListValue { values: vec![text("a"), text("b"), text("x")] };
    Struct {
        fields: [
            ("targetingKey".to_owned(), text("user-1")),
            ("plan".to_owned(), text("enterprise")),
            ("country".to_owned(), text("DE")),
            ("version".to_owned(), text("4.10.1")),
            ("seats".to_owned(), Value { kind: Some(Kind::NumberValue(80.0)) }),
            ("groups".to_owned(), Value { kind: Some(Kind::ListValue(groups)) }),
        ]
        .into(),
    }
}

/// What `work` allocates on this thread.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    COUNTED.set(true);
    work();
    COUNTED.set(false);
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// One test, because the counter is one: tests side by side would count each other.
#[test]
fn an_answer_allocates_nothing_in_the_core_and_at_most_six_times_in_all() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1]))), 1, "the counter counts");
    evaluating_allocates_nothing_once_warm();
    a_whole_call_allocates_at_most_six_times();
}

fn evaluating_allocates_nothing_once_warm() {
    let layer =
        compile(FLAGS.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer;
    let context = context().encode_to_vec();
    let mut scratch = Scratch::default();
    for flag in layer.flags().map(|flag| flag.flag()) {
        let mut evaluate = || {
            let mut evaluator = Evaluator::new(&mut scratch, &context, 1_800_000_000).unwrap();
            assert!(matches!(evaluator.evaluate(flag), Outcome::Variant { .. }), "{}", flag.key());
        };
        evaluate();
        let count = allocations(|| (0..100).for_each(|_| evaluate()));
        assert_eq!(count, 0, "allocations in 100 evaluations of {}", flag.key());
    }
}

fn a_whole_call_allocates_at_most_six_times() {
    const CALLS: usize = 1000;
    let dir = tempfile::tempdir().unwrap();
    let (file, socket) = (dir.path().join("flags.json"), dir.path().join("flags.sock"));
    std::fs::write(&file, FLAGS).unwrap();
    let text = |path: &Path| path.display().to_string();
    let (path, uds) = (text(&file), format!("--uds={}", text(&socket)));
    let options =
        ["--port=off", "--management-port=off", "--worker-threads=1", "--log-level=error"];
    let arguments = ["flagstaff", "serve", &path, &uds].into_iter().chain(options);
    let Command::Serve(serve) = Cli::parse_from(arguments).command else { panic!("not serve") };
    // With one worker, the thread that serves is the one that answers.
    std::thread::spawn(move || {
        COUNTED.set(true);
        serve.run()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let per_call = runtime.block_on(async {
        call(&socket, CALLS).await;
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        call(&socket, CALLS).await;
        (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / CALLS as f64
    });
    println!("allocations per call: {per_call:.2}");
    // A little more than whole: the connection itself and a tick of the clock are in there.
    assert!(per_call < 6.5, "{per_call} allocations per call");
}

/// Calls one flag so many times, on a connection of its own.
async fn call(socket: &Path, calls: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let stream = loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > deadline => panic!("no connection: {error}"),
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = async move { connection.await.unwrap() };
    let message = ResolveBooleanRequest { flag_key: "rule".to_owned(), context: Some(context()) };
    let message = message.encode_to_vec();
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(&message);
    let frame = frame.freeze();
    let answers = async move {
        let mut answered = 0;
        while answered < calls {
            answered += usize::from(answer(&mut sender, frame.clone()).await);
            assert!(Instant::now() < deadline, "{answered} of {calls} answered");
        }
    };
    tokio::select! {
        () = connection => panic!("the connection ended"),
        () = answers => {}
    }
}

/// Whether the call was answered with status 0; before the flags are loaded it is not.
async fn answer(sender: &mut h2::client::SendRequest<Bytes>, frame: Bytes) -> bool {
    let mut request = Request::post("http://localhost/flagd.evaluation.v2.Service/ResolveBoolean");
    request = request.header(header::CONTENT_TYPE, "application/grpc");
    let ready = std::future::poll_fn(|cx| sender.poll_ready(cx));
    ready.await.unwrap();
    let (response, mut body) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(frame, true).unwrap();
    let mut body = response.await.unwrap().into_body();
    while let Some(data) = body.data().await {
        let length = data.unwrap().len();
        body.flow_control().release_capacity(length).unwrap();
    }
    let trailers = body.trailers().await.unwrap();
    trailers.is_some_and(|t| t.get("grpc-status") == Some(&HeaderValue::from_static("0")))
}
