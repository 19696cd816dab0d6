//! `ResolveAll`: every flag for one context, from one snapshot.

use super::{Rpc, errors, now, resolve::SCRATCH};
use crate::{
    flag::{Evaluator, encoded::put_bytes},
    wire::{BulkRequest, PREFIX, put_any_flag},
};
use bytes::Bytes;
use tonic::Status;

impl Rpc {
    pub(super) fn resolve_all(&self, message: &[u8]) -> Result<Bytes, Status> {
        let snapshot = self.store.current().ok_or_else(errors::not_ready)?;
        let request = BulkRequest::read(message).map_err(|_| errors::malformed())?;
        SCRATCH.with_borrow_mut(|scratch| {
            let mut evaluator =
                Evaluator::new(scratch, request.context, now()).map_err(errors::bad_context)?;
            let mut frame = vec![0; PREFIX];
            for entry in snapshot.entries() {
                let outcome = evaluator.evaluate(&entry.flag);
                // Bulk replies are prefetches: they are counted apart, and fail one by one.
                if put_any_flag(&mut frame, &entry.flag, &outcome) {
                    entry.counters.answered_in_bulk();
                }
            }
            put_bytes(&mut frame, 2, &[]);
            let length = u32::try_from(frame.len() - PREFIX).unwrap_or(u32::MAX);
            if let Some(prefix) = frame.get_mut(1..PREFIX) {
                prefix.copy_from_slice(&length.to_be_bytes());
            }
            Ok(frame.into())
        })
    }
}
