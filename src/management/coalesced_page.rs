//! A page that is as long as there are flags, for any number of readers: written one at a time,
//! shared by all who waited for it, and held within a bound until it is read.

use crate::{
    lifecycle::Lifecycle,
    server::reply_limiter::{ClientHandle, ReplyLimiter, Share, TURN_TIMEOUT},
};
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::{Instant, timeout},
};

/// One of the pages, and how it is written; nothing if that fails.
pub(super) struct CoalescedPage {
    kind: &'static str,
    write: Box<dyn Fn() -> Option<String> + Send + Sync>,
    turn: Arc<Semaphore>,
    replies: Arc<ReplyLimiter>,
    /// The last page, as long as somebody reads it.
    last: Mutex<Weak<RenderedPage>>,
    lifecycle: Lifecycle,
}

/// What was written at one time.
struct RenderedPage {
    begun: Instant,
    text: String,
    _room: Share,
}

/// What is to be done when one's turn has come.
enum RenderSlot {
    /// Somebody wrote it meanwhile.
    Read(Arc<RenderedPage>),
    Write(OwnedSemaphorePermit, Share),
}

/// Why there is no page.
type Refusal = (StatusCode, &'static str);

const FAILED: Refusal = (StatusCode::INTERNAL_SERVER_ERROR, "rendering failed\n");
const CROWDED: Refusal =
    (StatusCode::SERVICE_UNAVAILABLE, "too many pages wait to be read: try again\n");

impl CoalescedPage {
    pub(super) fn new(
        what: &'static str,
        kind: &'static str,
        lifecycle: &Lifecycle,
        write: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            kind,
            write: Box::new(write),
            turn: Arc::new(Semaphore::new(1)),
            replies: Arc::new(ReplyLimiter::new(what)),
            last: Mutex::default(),
            lifecycle: lifecycle.clone(),
        })
    }

    /// Gives the page to somebody.
    pub(super) async fn answer(self: Arc<Self>, reader: ClientHandle) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        match self.page().await {
            Ok(page) => {
                let body = self.replies.give(Copy(page), reader, &self.lifecycle);
                (headers, Body::from(body)).into_response()
            }
            Err(refusal) => refusal.into_response(),
        }
    }

    /// The page as of now. It is written where it holds up nothing, since thousands of flags take
    /// milliseconds; who goes away while waiting is not served.
    async fn page(self: &Arc<Self>) -> Result<Arc<RenderedPage>, Refusal> {
        let waited = timeout(TURN_TIMEOUT, self.turn(Instant::now())).await;
        let (turn, room) = match waited.map_err(|_elapsed| CROWDED)?.ok_or(FAILED)? {
            RenderSlot::Read(page) => return Ok(page),
            RenderSlot::Write(turn, room) => (turn, room),
        };
        let document = Arc::clone(self);
        let written = spawn_blocking(move || {
            let begun = Instant::now();
            let mut text = (document.write)()?;
            // What it grew ahead would be held until everyone has read the rest.
            text.shrink_to_fit();
            document.replies.made(text.len());
            let page = Arc::new(RenderedPage { begun, text, _room: room });
            *document.last() = Arc::downgrade(&page);
            drop(turn);
            Some(page)
        });
        written.await.ok().flatten().ok_or(FAILED)
    }

    /// Waits until nobody else writes, and there is room. A page that was begun before it was
    /// asked for may lack what the asker knows.
    async fn turn(&self, asked: Instant) -> Option<RenderSlot> {
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok()?;
        let last = self.last().upgrade();
        if let Some(page) = last.filter(|page| page.begun >= asked) {
            return Some(RenderSlot::Read(page));
        }
        Some(RenderSlot::Write(turn, self.replies.room().await?))
    }

    fn last(&self) -> MutexGuard<'_, Weak<RenderedPage>> {
        // No code that can panic runs while it is held.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reader's hold on a page.
struct Copy(Arc<RenderedPage>);

impl AsRef<[u8]> for Copy {
    fn as_ref(&self) -> &[u8] {
        self.0.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::mpsc::{Sender, channel},
        time::Duration,
    };
    use tokio::{
        runtime::Builder,
        sync::mpsc::{UnboundedReceiver, unbounded_channel},
    };
    use tokio_util::task::TaskTracker;

    /// A document that numbers its pages, and what it waits for before it ends one; it tells of
    /// each that it begins.
    fn document() -> (Arc<CoalescedPage>, Sender<()>, UnboundedReceiver<()>) {
        let (go, wait) = channel::<()>();
        let (begin, begun) = unbounded_channel();
        let state = Mutex::new((wait, 0));
        let write = move || {
            let (wait, number) = &mut *state.lock().ok()?;
            begin.send(()).ok()?;
            wait.recv().ok()?;
            *number += 1;
            Some(number.to_string())
        };
        (CoalescedPage::new("a page", "text/plain", &Lifecycle::new(), write), go, begun)
    }

    #[test]
    fn a_crowd_shares_what_was_begun_after_it_asked_and_leaves_a_thread_to_the_reload() {
        let runtime = Builder::new_current_thread().max_blocking_threads(2).enable_all().build();
        runtime.unwrap().block_on(async {
            let ((document, go, mut begun), tasks) = (document(), TaskTracker::new());
            let ask = || {
                let document = Arc::clone(&document);
                // Each keeps its page, as a body does: a page that has gone is not shared.
                tasks.spawn(async move { document.page().await.ok().unwrap() })
            };
            let first = ask();
            begun.recv().await.unwrap();
            let crowd: Vec<_> = (0..7).map(|_| ask()).collect();
            tokio::task::yield_now().await;
            let reload = timeout(Duration::from_secs(5), spawn_blocking(|| ())).await;
            go.send(()).unwrap();
            go.send(()).unwrap();
            assert!(reload.is_ok(), "every thread writes pages");
            // It was begun when the others had not asked yet.
            assert_eq!(first.await.unwrap().text, "1");
            let mut pages = Vec::new();
            for page in crowd {
                pages.push(page.await.unwrap());
            }
            assert!(pages.iter().all(|page| page.text == "2"));
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_nobody_reads_leaves_room_in_the_end_and_others_hear_why() {
        let (document, go, _begun) = document();
        document.replies.made(usize::MAX);
        let unread = document.replies.room().await.unwrap();
        go.send(()).unwrap();
        assert_eq!(document.page().await.err(), Some(CROWDED));
        drop(unread);
        assert_eq!(document.page().await.ok().unwrap().text, "1");
    }
}
