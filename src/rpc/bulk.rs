//! `ResolveAll`: every flag for one context, from one snapshot, a moment's work at a time.

use super::{Rpc, errors, now, resolve::SCRATCH};
use crate::{
    snapshot::Snapshot,
    wire::{BulkRequest, PREFIX, put_any_flag},
};
use bytes::Bytes;
use flagstaff_core::{Evaluator, document::protobuf::put_bytes};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::Status;

/// Rules over long lists take milliseconds, and there may be thousands of them: after this time
/// others come in between.
const MOMENT: Duration = Duration::from_millis(2);

/// A bulk reply in the making.
pub(crate) struct BulkReply {
    message: Bytes,
    snapshot: Arc<Snapshot>,
    now: i64,
    /// How many flags have been evaluated.
    done: usize,
    frame: Vec<u8>,
}

impl Rpc {
    /// Begins a bulk reply, all of it from the snapshot of now.
    pub(crate) fn bulk(&self, message: Bytes) -> Result<BulkReply, Status> {
        let snapshot = self.store.current().ok_or_else(errors::not_ready)?;
        Ok(BulkReply { message, snapshot, now: now(), done: 0, frame: vec![0; PREFIX] })
    }
}

impl BulkReply {
    /// Goes on for a moment; gives the frame once it is whole.
    pub(crate) fn go_on(&mut self) -> Result<Option<Bytes>, Status> {
        let request = BulkRequest::read(&self.message).map_err(|_| errors::malformed())?;
        let rest = self.snapshot.entries().get(self.done..).unwrap_or_default();
        SCRATCH.with_borrow_mut(|scratch| {
            let mut evaluator =
                Evaluator::new(scratch, request.context, self.now).map_err(errors::bad_context)?;
            let start = Instant::now();
            for entry in rest {
                let outcome = evaluator.evaluate(&entry.flag);
                // Bulk replies are prefetches: they are counted apart, and fail one by one.
                if put_any_flag(&mut self.frame, &entry.flag, &outcome) {
                    entry.counters.answered_in_bulk();
                }
                self.done += 1;
                if start.elapsed() >= MOMENT {
                    break;
                }
            }
            Ok::<_, Status>(())
        })?;
        if self.done < self.snapshot.entries().len() {
            return Ok(None);
        }
        let mut frame = std::mem::take(&mut self.frame);
        put_bytes(&mut frame, 2, &[]);
        let length = u32::try_from(frame.len() - PREFIX).unwrap_or(u32::MAX);
        if let Some(prefix) = frame.get_mut(1..PREFIX) {
            prefix.copy_from_slice(&length.to_be_bytes());
        }
        // What it grew ahead would be held until the client has read the rest.
        frame.shrink_to_fit();
        Ok(Some(frame.into()))
    }
}
