//! Replies as long as there are flags: made when there is room for them, held until the last byte
//! has left, and read within a bounded time.

use crate::{lifecycle::Lifecycle, metrics::rate_limit::RateLimit};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// KiB of replies of one kind that wait to be read. A larger one is given when there is no other.
const ROOM: u32 = 16 * 1024;
/// Whoever asks for a reply waits this long for room.
pub(crate) const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// A reply must be read within this time, or its connection ends: others wait for the room.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A part of a bound, given back when it is dropped.
pub(crate) type Share = OwnedSemaphorePermit;

/// The replies of one kind that were not read yet.
#[derive(Debug)]
pub(crate) struct ReplyLimiter {
    what: &'static str,
    room: Arc<Semaphore>,
    /// The length of the last one, by which the next is reckoned before it is made.
    length: AtomicUsize,
    unread: RateLimit,
}

/// The connection of whoever asked.
#[derive(Debug, Clone)]
pub(crate) struct ClientHandle(CancellationToken);

impl ReplyLimiter {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            room: Arc::new(Semaphore::new(ROOM as usize)),
            length: AtomicUsize::new(0),
            unread: RateLimit::default(),
        }
    }

    /// Room for one more, if there is now.
    pub(super) fn room_now(&self) -> Option<Share> {
        Arc::clone(&self.room).try_acquire_many_owned(self.reckoned()).ok()
    }

    /// Waits for room for one more.
    pub(crate) async fn room(&self) -> Option<Share> {
        Arc::clone(&self.room).acquire_many_owned(self.reckoned()).await.ok()
    }

    fn reckoned(&self) -> u32 {
        let kib = self.length.load(Ordering::Relaxed) / 1024 + 1;
        u32::try_from(kib).unwrap_or(ROOM).min(ROOM)
    }

    /// Notes how long the last one was.
    pub(crate) fn made(&self, length: usize) {
        self.length.store(length, Ordering::Relaxed);
    }

    /// Gives a reply to its reader; it is dropped when the last byte has left.
    pub(crate) fn give(
        self: &Arc<Self>,
        reply: impl AsRef<[u8]> + Send + 'static,
        ClientHandle(leaving): ClientHandle,
        lifecycle: &Lifecycle,
    ) -> Bytes {
        let (unread, read) = oneshot::channel();
        let replies = Arc::clone(self);
        lifecycle.spawn(async move {
            // The sender says nothing: it goes with the reply.
            if timeout(READ_TIMEOUT, read).await.is_ok() {
                return;
            }
            if replies.unread.permits(10) {
                let what = replies.what;
                warn!(what, "a connection ends because its client does not read what it asked for");
            }
            leaving.cancel();
        });
        Bytes::from_owner(UnreadReply { reply, _unread: unread })
    }
}

impl ClientHandle {
    pub(super) fn new(leaving: &CancellationToken) -> Self {
        Self(leaving.clone())
    }
}

/// A reply on its way.
struct UnreadReply<R> {
    reply: R,
    _unread: oneshot::Sender<()>,
}

impl<R: AsRef<[u8]>> AsRef<[u8]> for UnreadReply<R> {
    fn as_ref(&self) -> &[u8] {
        self.reply.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_has_to_go_and_who_reads_stays() {
        let (replies, lifecycle) = (Arc::new(ReplyLimiter::new("a reply")), Lifecycle::new());
        let [slow, quick] = [CancellationToken::new(), CancellationToken::new()];
        let give = |leaving| replies.give("reply", ClientHandle::new(leaving), &lifecycle);
        let (unread, read) = (give(&slow), give(&quick));
        assert_eq!(read, "reply");
        drop(read);
        slow.cancelled().await;
        assert!(!quick.is_cancelled());
        drop(unread);
    }
}
