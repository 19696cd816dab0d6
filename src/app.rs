//! Wiring: binds, builds, spawns, waits, drains. The one file that knows everybody.

pub(crate) mod greeting;
pub(crate) mod options;

use crate::{
    app::{greeting::Greeting, options::ServeOptions},
    lifecycle::{Lifecycle, Phase, StopSignals, Terminal},
    management::{self, hosts::for_this_machine},
    metrics::Metrics,
    pb::DESCRIPTORS,
    report::{
        logging::{Audience, Log},
        totals::tell_totals,
    },
    rpc::Rpc,
    server::{
        PortService,
        accept::accept,
        connection_limiter::ConnectionLimiter,
        descriptors::Connections,
        listener::{BindError, Listener, bind_tcp},
        routed::speaks_grpc,
        socket_file::{accept_unix, bind_unix},
        workers::Workers,
    },
    source::Sources,
    status::StatusPage,
    store::Store,
    wire::method::SERVICES,
};
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::BuildError;
use std::{sync::Arc, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::sleep,
};
use tonic::{Status, service::Routes};
use tonic_health::{ServingStatus, server::health_reporter};
use tonic_reflection::server::Builder as Reflection;
use tracing::{debug, info, warn};

/// Why the sidecar stopped, other than being told to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("cannot take over SIGTERM, SIGINT and SIGHUP")]
    Signals(#[source] std::io::Error),
    #[error("cannot start the threads that answer")]
    Threads(#[source] std::io::Error),
    #[error("cannot set up metrics")]
    Metrics(#[source] BuildError),
    #[error("cannot set up reflection")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("a task that the sidecar cannot do without has ended")]
    TaskEnded,
    #[error("stopped by {0} before the drain was over")]
    Interrupted(&'static str),
}

/// Serves flags until told to stop.
pub(crate) async fn serve(options: ServeOptions, log: &Log) -> Result<(), ServeError> {
    let audience = log.audience;
    let mut signals = StopSignals::install().map_err(ServeError::Signals)?;
    let hangups = signal(SignalKind::hangup()).map_err(ServeError::Signals)?;
    let mut terminal = Terminal::watch(log.terminal_gone.clone()).map_err(ServeError::Signals)?;
    let metrics = Arc::new(
        Metrics::register(&options.metrics, Some(log.lost.clone())).map_err(ServeError::Metrics)?,
    );
    let (lifecycle, store) = (Lifecycle::new(), Store::new());
    let mut evaluation = Vec::new();
    for endpoint in &options.evaluation {
        evaluation.extend(bind_tcp(endpoint)?);
    }
    let socket = match &options.uds {
        Some((path, mode)) => Some(bind_unix(path, *mode)?),
        None => None,
    };
    let managing = options.management.as_ref().map(bind_tcp).transpose()?.unwrap_or_default();
    if evaluation.is_empty() && socket.is_none() {
        warn!("nobody can ask for flags: --port is off and there is no --uds");
    }
    let greeting = Greeting::new(
        &options,
        evaluation.iter().chain(socket.iter().map(|(socket, _)| socket)),
        &managing,
    );

    let (health, service) = health_reporter();
    for name in [""].into_iter().chain(SERVICES) {
        health.set_service_status(name, ServingStatus::NotServing).await;
    }
    let reflection = Reflection::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(ServeError::Reflection)?;
    let routes = Routes::new(service.clone()).add_service(reflection).into_axum_router();
    let routes = routes.fallback(unknown_method);
    let rpc = Rpc::new(store.clone(), Arc::clone(&metrics));
    let workers =
        Workers::start(options.worker_threads, &lifecycle).map_err(ServeError::Threads)?;
    let workers = Arc::new(workers);
    let connections = Connections::granted();
    let site =
        Arc::new(PortService::evaluation(rpc, routes, lifecycle.clone(), Arc::clone(&workers)));
    let gate = Arc::new(ConnectionLimiter::of_clients(connections.clients, &metrics));
    listen(evaluation, "evaluation", &site, &gate, audience);
    let tick = Arc::<Notify>::default();
    let socket = socket.map(|(listener, file)| {
        log_address(&listener, "evaluation", audience);
        let file = Arc::new(file);
        let (held, tick, site) = (Arc::clone(&file), Arc::clone(&tick), Arc::clone(&site));
        lifecycle.spawn_essential(accept_unix(listener, held, tick, site, Arc::clone(&gate)));
        file
    });
    let routes = Routes::new(service).into_axum_router();
    let life = lifecycle.clone();
    let sources = Sources::new(options.source, audience, store.clone(), Arc::clone(&metrics), life);
    let status = StatusPage::new(&lifecycle, sources.state(), store.clone(), Arc::clone(&metrics));
    let routes =
        management::routes(routes, Arc::clone(&metrics), store.clone(), status, &lifecycle);
    let routes = management::liveness(routes, &lifecycle, workers);
    let gate = Arc::new(ConnectionLimiter::of_management(connections.management, &metrics));
    let (local, open): (Vec<_>, Vec<_>) = managing.into_iter().partition(Listener::is_loopback);
    for (listeners, routes) in [(local, for_this_machine(routes.clone())), (open, routes)] {
        let site = Arc::new(PortService::routed(routes, lifecycle.clone()));
        listen(listeners, "management", &site, &gate, audience);
    }

    lifecycle.spawn_essential(management::report_health(health, lifecycle.clone()));
    lifecycle.spawn_essential(management::upkeep(
        Arc::clone(&metrics),
        store.clone(),
        lifecycle.clone(),
        tick,
    ));
    if audience == Audience::Person {
        lifecycle.spawn(greeting.say(store.clone(), lifecycle.clone()));
    }
    lifecycle.spawn_essential(sources.run(hangups));

    let signal = tokio::select! {
        signal = signals.next() => Ok(signal),
        () = terminal.gone() => Ok("SIGHUP"),
        () = lifecycle.failed() => Err(ServeError::TaskEnded),
    };
    let stopped = match signal {
        Ok(signal) => tokio::select! {
            () = stop(&lifecycle, signal, options.drain_delay) => Ok(()),
            signal = signals.next() => Err(ServeError::Interrupted(signal)),
        },
        Err(ended) => Err(ended),
    };
    drop(socket);
    tell_totals(&metrics, audience);
    stopped
}

/// Accepts connections on each listener, and says where; a person reads it in the greeting.
fn listen(
    listeners: Vec<Listener>,
    service: &'static str,
    site: &Arc<PortService>,
    gate: &Arc<ConnectionLimiter>,
    audience: Audience,
) {
    for listener in listeners {
        log_address(&listener, service, audience);
        let (site, gate) = (Arc::clone(site), Arc::clone(gate));
        let lifecycle = site.lifecycle().clone();
        lifecycle.spawn_essential(async move { accept(&listener, site, gate).await });
    }
}

fn log_address(listener: &Listener, service: &'static str, audience: Audience) {
    match audience {
        Audience::Machine => info!(service, address = %listener, "listening"),
        Audience::Person => debug!(service, address = %listener, "listening"),
    }
}

/// What nobody serves, told in the caller's own protocol.
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

/// Stops in order: readiness off, still serving for a while, streams told, connections ended.
async fn stop(lifecycle: &Lifecycle, signal: &'static str, delay: Duration) {
    lifecycle.enter(Phase::Draining);
    info!(signal, delay_ms = delay.as_secs_f64() * 1e3, "draining");
    sleep(delay).await;
    match lifecycle.drain().await {
        Ok(()) => info!("stopped"),
        Err(timeout) => {
            warn!(tasks = timeout.tasks, "stopped without waiting for what did not end in time");
        }
    }
}
