//! What all clients together may make the process hold: beyond it a call is refused, and nobody
//! else notices.
//!
//! A request that arrives whole, and the single answer to it, touch none of this.

use crate::server::reply_limiter::{ReplyLimiter, Share, TURN_TIMEOUT};
use bytes::Bytes;
use std::sync::Arc;
use tokio::{sync::Semaphore, time::timeout};
use tonic::Status;

/// Bytes of requests that wait: for the rest of their message, or for their turn.
const REQUESTS: usize = 16 * 1024 * 1024;
/// What a request that waits holds beside its bytes: a task, a timer, its stream.
const REQUEST: usize = 2 * 1024;
/// Update streams, over all connections.
const STREAMS: usize = 16 * 1024;

/// The bounds, each of its own kind: who exhausts one leaves the others alone.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    requests: Arc<Semaphore>,
    pub(super) replies: Arc<ReplyLimiter>,
    streams: Arc<Semaphore>,
}

/// The leave to compute a bulk reply, and to hold it until the client has read it.
#[derive(Debug)]
pub(super) struct BulkPermit {
    _of_connection: Share,
    _of_all: Share,
}

/// What a waiting request may hold so far.
#[derive(Debug)]
pub(super) struct PendingRequest {
    requests: Arc<Semaphore>,
    share: Share,
}

impl MemoryBudget {
    pub(super) fn new() -> Self {
        Self {
            requests: Arc::new(Semaphore::new(REQUESTS)),
            replies: Arc::new(ReplyLimiter::new("a bulk reply")),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }

    /// Lets a request wait that holds so many bytes.
    pub(super) fn wait(&self, bytes: usize) -> Result<PendingRequest, Status> {
        let share = take(&self.requests, REQUEST + bytes).ok_or_else(too_many_requests)?;
        Ok(PendingRequest { requests: Arc::clone(&self.requests), share })
    }

    /// Lets one more update stream begin.
    pub(super) fn stream(&self) -> Result<Share, Status> {
        let full = || Status::resource_exhausted("too many update streams are open");
        take(&self.streams, 1).ok_or_else(full)
    }

    /// Waits until a bulk reply can be computed, holding nothing but the request's bytes.
    ///
    /// A connection has few replies at a time (`of_connection`), so that one which does not read
    /// keeps only itself waiting.
    pub(super) async fn turn(
        &self,
        of_connection: &Arc<Semaphore>,
        bytes: usize,
    ) -> Result<BulkPermit, Status> {
        let at_once = || {
            let of_connection = take(of_connection, 1)?;
            let of_all = self.replies.room_now()?;
            Some(BulkPermit { _of_connection: of_connection, _of_all: of_all })
        };
        if let Some(turn) = at_once() {
            return Ok(turn);
        }
        let _waiting = self.wait(bytes)?;
        let in_turn = async {
            let of_connection = Arc::clone(of_connection).acquire_owned().await.ok()?;
            let of_all = self.replies.room().await?;
            Some(BulkPermit { _of_connection: of_connection, _of_all: of_all })
        };
        let late = || Status::resource_exhausted("too many bulk replies wait to be read");
        timeout(TURN_TIMEOUT, in_turn).await.ok().flatten().ok_or_else(late)
    }

    /// Ties a bulk reply to its turn.
    pub(super) fn hold(&self, turn: BulkPermit, reply: Bytes) -> ChargedReply {
        self.replies.made(reply.len());
        ChargedReply { reply, _turn: turn }
    }
}

/// A bulk reply, which ends its turn when it goes.
pub(super) struct ChargedReply {
    reply: Bytes,
    _turn: BulkPermit,
}

impl AsRef<[u8]> for ChargedReply {
    fn as_ref(&self) -> &[u8] {
        &self.reply
    }
}

impl PendingRequest {
    /// Lets the request hold more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Status> {
        let more = take(&self.requests, bytes).ok_or_else(too_many_requests)?;
        self.share.merge(more);
        Ok(())
    }
}

fn take(from: &Arc<Semaphore>, amount: usize) -> Option<Share> {
    Arc::clone(from).try_acquire_many_owned(u32::try_from(amount).ok()?).ok()
}

fn too_many_requests() -> Status {
    Status::resource_exhausted("too many unfinished requests are waiting: try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_given_back() {
        let budget = MemoryBudget::new();
        let mut waiting = budget.wait(REQUESTS - 2 * REQUEST).unwrap();
        waiting.grow(REQUEST).unwrap();
        assert!(waiting.grow(1).is_err());
        assert!(budget.wait(0).is_err());
        drop(waiting);
        assert!(budget.wait(0).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_beyond_the_bound_waits_until_another_was_read_but_not_for_ever() {
        let budget = MemoryBudget::new();
        budget.replies.made(12 * 1024 * 1024);
        let connection = || Arc::new(Semaphore::new(1));
        let reply = Bytes::from(vec![0; 12 * 1024 * 1024]);
        let first = budget.hold(budget.turn(&connection(), 0).await.unwrap(), reply);
        assert!(budget.turn(&connection(), 0).await.is_err());
        let other = connection();
        let (second, ()) = tokio::join!(budget.turn(&other, 0), async {
            drop(first);
        });
        // One that is larger than all there is has its turn nevertheless, alone.
        drop(budget.hold(second.unwrap(), Bytes::from(vec![0; 40 * 1024 * 1024])));
        assert!(budget.turn(&other, 0).await.is_ok());
    }
}
