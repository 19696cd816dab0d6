//! The management port, for probes, scrapes and people, never for flags:
//!
//! * `GET /metrics`: Prometheus' text format
//! * `GET /readyz`: 200 once every flag file was applied, 503 and the reason before and while draining
//! * `GET /`: the same as `/status`, as a page for people
//! * `GET /status`: everything that is known of the files and flags, as JSON (docs/status.md)
//! * `GET /livez`, `GET /healthz`: 200 as long as every thread that answers gets to new work
//! * `grpc.health.v1.Health`: the same readiness for `""` and each evaluation service

pub(crate) mod coalesced_page;
pub(crate) mod hosts;

use crate::{
    lifecycle::{Lifecycle, Phase},
    management::coalesced_page::CoalescedPage,
    metrics::{Metrics, rate_limit::RateLimit},
    page::page,
    report::{
        flag_counters::write_flag_counters, flag_gauges::write_flag_gauges, totals::warn_of_unknown,
    },
    server::workers::Workers,
    status::StatusPage,
    store::Store,
    wire::method::SERVICES,
};
use axum::{
    Extension, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use flagstaff_core::diagnostic::terminal::Printable;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tonic_health::{ServingStatus, server::HealthReporter};

/// Folding durations once a second keeps what piles up between scrapes small at any load.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Seconds between two lines about flags that nobody defined.
const UNKNOWN_FLAGS_PAUSE: u64 = 60;

/// Adds the HTTP routes to a router that has the health service.
pub(crate) fn routes(
    health: Router,
    metrics: Arc<Metrics>,
    store: Store,
    status: StatusPage,
    lifecycle: &Lifecycle,
) -> Router {
    let phase = lifecycle.phase();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let exposition = CoalescedPage::new("/metrics", kind, lifecycle, move || {
        let mut page = metrics.render();
        write_flag_counters(&mut page, &metrics);
        write_flag_gauges(&mut page, store.current().as_deref());
        Some(page)
    });
    let status =
        CoalescedPage::new("/status", "application/json", lifecycle, move || status.render().ok());
    health
        .route("/metrics", get(move |Extension(reader)| Arc::clone(&exposition).answer(reader)))
        .route("/status", get(move |Extension(reader)| Arc::clone(&status).answer(reader)))
        .route("/", get(|| async { page() }))
        .route(
            "/readyz",
            get(move || {
                let phase = phase.borrow().clone();
                async move { readiness(&phase) }
            }),
        )
        .fallback(|| async {
            (StatusCode::NOT_FOUND, "try / in a browser, /metrics, /status, /readyz or /livez\n")
        })
}

/// Adds the HTTP routes that ask whether every thread that answers gets to new work.
pub(crate) fn liveness(routes: Router, lifecycle: &Lifecycle, workers: Arc<Workers>) -> Router {
    let lifecycle = lifecycle.clone();
    let alive = get(move || is_alive(Arc::clone(&workers), lifecycle.clone()));
    routes.route("/livez", alive.clone()).route("/healthz", alive)
}

async fn is_alive(workers: Arc<Workers>, lifecycle: Lifecycle) -> Response {
    match workers.stuck(&lifecycle).await {
        None => "ok\n".into_response(),
        Some(worker) => {
            let stuck = format!("{worker} has not got to new work for 1 s\n");
            (StatusCode::SERVICE_UNAVAILABLE, stuck).into_response()
        }
    }
}

fn readiness(phase: &Phase) -> Response {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    match phase {
        Phase::Ready => "ready\n".into_response(),
        Phase::Starting(why) => {
            (unavailable, format!("not ready: {}\n", Printable(why))).into_response()
        }
        Phase::Draining => (unavailable, "not ready: draining\n").into_response(),
    }
}

/// Keeps the gRPC health service at the phase, until streams are to end.
pub(crate) async fn report_health(health: HealthReporter, lifecycle: Lifecycle) {
    let mut phase = lifecycle.phase();
    let services = || [""].into_iter().chain(SERVICES);
    // A wedged process answers nothing, so whoever gets an answer knows that it lives.
    health.set_service_status("liveness", ServingStatus::Serving).await;
    loop {
        let ready = *phase.borrow_and_update() == Phase::Ready;
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in services() {
            health.set_service_status(service, status).await;
        }
        tokio::select! {
            biased;
            () = lifecycle.draining() => break,
            changed = phase.changed() => if changed.is_err() { break },
        }
    }
    // Watchers of a service end when its entry goes.
    let health = &health;
    for service in services().chain(["liveness"]) {
        health.clone().clear_service_status(service).await;
    }
}

/// Keeps the metrics small, until the drain. Others that look at something once a second do it at
/// the same `tick`, so that a process wakes up once; without one, it sleeps while no client is
/// connected.
pub(crate) async fn upkeep(
    metrics: Arc<Metrics>,
    store: Store,
    lifecycle: Lifecycle,
    tick: Option<Arc<Notify>>,
) {
    let unknown_flags = RateLimit::default();
    let mut ticks = interval(UPKEEP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = lifecycle.draining() => return,
            _ = ticks.tick() => {
                metrics.upkeep();
                tick.iter().for_each(|tick| tick.notify_waiters());
            }
        }
        if metrics.radar.has_news() && unknown_flags.permits(UNKNOWN_FLAGS_PAUSE) {
            let (metrics, snapshot) = (Arc::clone(&metrics), store.current());
            // Every flag is compared with every unknown one.
            let told = spawn_blocking(move || warn_of_unknown(&metrics, snapshot.as_deref()));
            // A panic in there has been told by itself.
            told.await.unwrap_or_default();
        }
        let is_idle = metrics.connections.load(Ordering::Relaxed) == 0 && !metrics.radar.has_news();
        if is_idle && tick.is_none() {
            tokio::select! {
                biased;
                () = lifecycle.draining() => return,
                () = metrics.first_client.notified() => {}
            }
        }
    }
}
