//! The thread that runs file operations one after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};
use tokio::sync::Notify;

pub(super) type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) jobs: Sender<Job>,
    /// Whether no scan waits for its present operation any more.
    pub(super) is_abandoned: Arc<AtomicBool>,
}

impl Worker {
    pub(super) fn start(returned: Arc<Notify>) -> Option<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let abandoned = Arc::clone(&is_abandoned);
        let work = move || {
            for job in queue {
                job();
                if abandoned.load(Ordering::SeqCst) {
                    returned.notify_one();
                }
            }
        };
        thread::Builder::new().name("disk".to_owned()).spawn(work).ok()?;
        Some(Self { jobs, is_abandoned })
    }
}
