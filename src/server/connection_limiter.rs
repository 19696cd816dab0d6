//! The connections that are open: bounded in number, and known, so that one that nobody misses
//! makes room for the next.

use crate::metrics::{Metrics, rate_limit::RateLimit};
use metrics::Counter;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Bulk replies that a connection may leave unread; further ones are not computed.
const UNREAD_REPLIES: usize = 2;
/// Connections that are on their way out while others have their seats already.
const LEAVING: usize = 4;
/// Calls to other services than evaluation that a connection may have open.
const ROUTED_CALLS: usize = 8;

/// Who has to go when a connection comes and there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EvictionPolicy {
    /// One that never asked for anything, or else the newcomer: clients may idle for ever.
    OfStrangers,
    /// The oldest, one without an open call if there is: probes and scrapes always get in.
    OfTheOldest,
}

/// How many connections may be open at once, over all listeners that share the gate.
pub(crate) struct ConnectionLimiter {
    most: usize,
    room: EvictionPolicy,
    seats: Mutex<ConnectionStates>,
    /// One for each open socket, those on their way out included.
    sockets: Arc<Semaphore>,
    active: Arc<AtomicUsize>,
    first: Arc<Notify>,
    refused: Counter,
    accept_errors: Counter,
    /// One for refusals, one for errors.
    logs: [RateLimit; 2],
}

/// The open connections, oldest first.
#[derive(Default)]
struct ConnectionStates {
    next: u64,
    taken: BTreeMap<u64, Arc<ConnectionState>>,
}

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct ConnectionState {
    asked: AtomicBool,
    routed: AtomicUsize,
    pub(super) bulk_replies: Arc<Semaphore>,
    /// Cancelled when the connection has to go, by the drain as well.
    pub(super) leaving: CancellationToken,
}

/// A connection's seat, counted while it is held.
pub(super) struct ConnectionPermit {
    number: u64,
    pub(super) seat: Arc<ConnectionState>,
    gate: Arc<ConnectionLimiter>,
    _socket: OwnedSemaphorePermit,
}

/// A call to a routed service, counted until its answer has left.
#[derive(Debug)]
pub(super) struct Routed(Arc<ConnectionState>);

impl ConnectionLimiter {
    /// The gate of clients.
    pub(crate) fn of_clients(most: usize, metrics: &Metrics) -> Self {
        let active = Arc::clone(&metrics.connections);
        let refused = metrics.connections_refused.clone();
        Self {
            room: EvictionPolicy::OfStrangers,
            active,
            first: Arc::clone(&metrics.first_client),
            refused,
            ..Self::of_management(most, metrics)
        }
    }

    /// The gate of probes and scrapes, which are nobody's clients and not counted.
    pub(crate) fn of_management(most: usize, metrics: &Metrics) -> Self {
        Self {
            most,
            room: EvictionPolicy::OfTheOldest,
            seats: Mutex::default(),
            sockets: Arc::new(Semaphore::new(most + LEAVING)),
            active: Arc::default(),
            first: Arc::default(),
            refused: Counter::noop(),
            accept_errors: metrics.accept_errors.clone(),
            logs: Default::default(),
        }
    }

    /// Gives a new connection a seat, somebody else's if need be; `None` if it has to go itself.
    /// Waits while more are on their way out than descriptors were kept for.
    pub(super) async fn enter(
        self: &Arc<Self>,
        draining: &CancellationToken,
    ) -> Option<ConnectionPermit> {
        let socket = Arc::clone(&self.sockets).acquire_owned().await.ok()?;
        self.sit(draining, socket)
    }

    fn sit(
        self: &Arc<Self>,
        draining: &CancellationToken,
        socket: OwnedSemaphorePermit,
    ) -> Option<ConnectionPermit> {
        let mut seats = self.seats();
        let mut leaves = None;
        if seats.taken.len() >= self.most {
            leaves = seats.least_missed(self.room).and_then(|number| seats.taken.remove(&number));
            if leaves.is_none() {
                drop(seats);
                self.refuse();
                return None;
            }
        }
        let seat = Arc::new(ConnectionState {
            asked: AtomicBool::new(false),
            routed: AtomicUsize::new(0),
            bulk_replies: Arc::new(Semaphore::new(UNREAD_REPLIES)),
            leaving: draining.child_token(),
        });
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, Arc::clone(&seat));
        drop(seats);
        if self.active.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
        if let Some(leaves) = leaves {
            leaves.leaving.cancel();
            self.refuse();
        }
        Some(ConnectionPermit { number, seat, gate: Arc::clone(self), _socket: socket })
    }

    /// Counts an accept that failed; says whether it is time to log one again.
    pub(super) fn failed(&self) -> bool {
        self.accept_errors.increment(1);
        let [_, errors] = &self.logs;
        errors.permits(10)
    }

    fn refuse(&self) {
        self.refused.increment(1);
        let [refusals, _] = &self.logs;
        if refusals.permits(10) {
            let most = self.most;
            warn!(most, "connections are refused or ended because too many are open");
        }
    }

    fn seats(&self) -> MutexGuard<'_, ConnectionStates> {
        // No code that can panic runs while it is held.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionStates {
    /// The seat to be given to another, if there is one.
    fn least_missed(&self, room: EvictionPolicy) -> Option<u64> {
        let nobody_misses = |seat: &ConnectionState| match room {
            EvictionPolicy::OfStrangers => !seat.asked.load(Ordering::Relaxed),
            EvictionPolicy::OfTheOldest => seat.routed.load(Ordering::Relaxed) == 0,
        };
        let found = self.taken.iter().find(|(_, seat)| nobody_misses(seat));
        let oldest =
            || self.taken.first_key_value().filter(|_| room == EvictionPolicy::OfTheOldest);
        found.or_else(oldest).map(|(number, _)| *number)
    }
}

impl ConnectionState {
    /// Notes that the connection asked for something.
    pub(super) fn ask(&self) {
        // A load costs less than a store, and all but one find it done.
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
    }

    /// Begins a call to a routed service, unless too many are open.
    pub(super) fn call_routed(self: &Arc<Self>) -> Option<Routed> {
        let before = self.routed.fetch_add(1, Ordering::Relaxed);
        let routed = Routed(Arc::clone(self));
        (before < ROUTED_CALLS).then_some(routed)
    }
}

impl Drop for Routed {
    fn drop(&mut self) {
        self.0.routed.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.gate.seats().taken.remove(&self.number);
        self.gate.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for ConnectionLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::MetricsOptions;
    use std::{
        collections::VecDeque,
        future::Future,
        pin::pin,
        task::{Context, Waker},
    };

    fn gate(room: EvictionPolicy) -> Arc<ConnectionLimiter> {
        let metrics = Metrics::register(&MetricsOptions::default(), None).unwrap();
        Arc::new(ConnectionLimiter { room, ..ConnectionLimiter::of_management(2, &metrics) })
    }

    #[tokio::test]
    async fn clients_that_asked_keep_their_place() {
        let (gate, draining) = (gate(EvictionPolicy::OfStrangers), CancellationToken::new());
        let enter = async || gate.enter(&draining).await;
        let (first, second) = (enter().await.unwrap(), enter().await.unwrap());
        first.seat.ask();
        let third = enter().await.unwrap();
        assert!(!first.seat.leaving.is_cancelled());
        assert!(second.seat.leaving.is_cancelled());
        third.seat.ask();
        assert!(enter().await.is_none());
        // What was left behind is no free seat.
        drop(second);
        assert!(enter().await.is_none());
        drop(first);
        assert!(enter().await.is_some());
    }

    #[tokio::test]
    async fn whoever_comes_waits_while_too_many_are_leaving() {
        let (gate, draining) = (gate(EvictionPolicy::OfTheOldest), CancellationToken::new());
        let mut open = VecDeque::new();
        for _ in 0..2 + LEAVING {
            open.push_back(gate.enter(&draining).await.unwrap());
        }
        assert_eq!(open.iter().filter(|place| place.seat.leaving.is_cancelled()).count(), LEAVING);
        let mut next = pin!(gate.enter(&draining));
        assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        open.pop_front();
        assert!(next.await.is_some());
    }

    #[tokio::test]
    async fn whoever_comes_to_the_management_port_gets_in() {
        let (gate, draining) = (gate(EvictionPolicy::OfTheOldest), CancellationToken::new());
        let enter = async || gate.enter(&draining).await.unwrap();
        let (first, second) = (enter().await, enter().await);
        let watching = first.seat.call_routed().unwrap();
        let third = enter().await;
        assert!(second.seat.leaving.is_cancelled() && !first.seat.leaving.is_cancelled());
        let scraping = third.seat.call_routed().unwrap();
        let _fourth = enter().await;
        assert!(first.seat.leaving.is_cancelled() && !third.seat.leaving.is_cancelled());
        drop((watching, scraping));
    }

    #[tokio::test]
    async fn a_connection_has_few_calls_to_other_services_at_once() {
        let (gate, draining) = (gate(EvictionPolicy::OfTheOldest), CancellationToken::new());
        let place = gate.enter(&draining).await.unwrap();
        let open: Vec<_> = (0..ROUTED_CALLS).map(|_| place.seat.call_routed().unwrap()).collect();
        assert!(place.seat.call_routed().is_none());
        drop(open);
        assert!(place.seat.call_routed().is_some());
    }
}
