//! The sidecar from its start to its end: metrics, ports, services, flags, drain.

mod error;
mod greeting;
pub(crate) mod options;
mod ports;
mod routes;

use crate::{
    lifecycle::{Lifecycle, Phase, StopSignals, Terminal},
    management::{self, hosts::for_this_machine},
    metrics::Metrics,
    report::{
        logging::{Audience, Log},
        totals::tell_totals,
    },
    rpc::Rpc,
    server::{
        PortService, connection_limiter::ConnectionLimiter, descriptors::Connections,
        listener::Listener, workers::Workers,
    },
    source::Sources,
    status::StatusPage,
    store::Store,
};
use error::ServeError;
use greeting::Greeting;
use options::ServeOptions;
use ports::{BoundPorts, PortAcceptor};
use std::{sync::Arc, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::sleep,
};
use tonic::service::Routes;
use tracing::{info, warn};

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
    let ports = BoundPorts::bind(&options)?;
    let greeting = Greeting::new(&options, ports.for_clients(), &ports.management);
    let (health, health_service) = routes::health().await;
    let management_health = Routes::new(health_service.clone()).into_axum_router();

    // Clients ask for flags.
    let rpc = Rpc::new(store.clone(), Arc::clone(&metrics));
    let workers =
        Arc::new(Workers::start(options.worker_threads, &lifecycle).map_err(ServeError::Threads)?);
    let beside = routes::of_evaluation(health_service)?;
    let service = PortService::evaluation(rpc, beside, lifecycle.clone(), Arc::clone(&workers));
    let connections = Connections::granted();
    let limiter = Arc::new(ConnectionLimiter::of_clients(connections.clients, &metrics));
    let clients = PortAcceptor { service: Arc::new(service), limiter, audience };
    let tick = ports.socket.is_some().then(Arc::<Notify>::default);
    clients.listen(ports.evaluation, "evaluation");
    let socket = ports.socket.zip(tick.clone());
    let socket = socket.map(|(socket, tick)| clients.listen_on_socket(socket, tick));

    // Operators look at it.
    let life = lifecycle.clone();
    let sources = Sources::new(options.source, audience, store.clone(), Arc::clone(&metrics), life);
    let status = StatusPage::new(&lifecycle, sources.state(), store.clone(), Arc::clone(&metrics));
    let pages = management::routes(
        management_health,
        Arc::clone(&metrics),
        store.clone(),
        status,
        &lifecycle,
    );
    let pages = management::liveness(pages, &lifecycle, workers);
    let limiter = Arc::new(ConnectionLimiter::of_management(connections.management, &metrics));
    let (local, open) = ports.management.into_iter().partition(Listener::is_loopback);
    for (listeners, pages) in [(local, for_this_machine(pages.clone())), (open, pages)] {
        let service = Arc::new(PortService::routed(pages, lifecycle.clone()));
        let limiter = Arc::clone(&limiter);
        PortAcceptor { service, limiter, audience }.listen(listeners, "management");
    }

    // The files are read, and read again, until the end.
    lifecycle.spawn_essential(management::report_health(health, lifecycle.clone()));
    let (counted, served, life) = (Arc::clone(&metrics), store.clone(), lifecycle.clone());
    lifecycle.spawn_essential(management::upkeep(counted, served, life, tick));
    if audience == Audience::Person {
        lifecycle.spawn(greeting.say(store, lifecycle.clone()));
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
