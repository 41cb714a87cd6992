//! Which agreements no longer count.
//!
//! The sealed cookie grants, and the record can only take away: a visitor who withdrew may
//! still send, from a copied profile, the cookie with which they agreed. So each withdrawn
//! consent id stands here until its agreement would have ended by itself.
//!
//! The set is kept by `store`, which fills it at start and adds to it at each withdrawal.
//! While the record cannot be read nobody knows what is missing here, and
//! [`Superseded::record`] says so.
//!
//! An id is known here, and on the disk, by a digest alone: whoever was forgotten stays unable to be
//! taken for somebody who agrees, and their id stands nowhere any more.

use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use sha2::{Digest, Sha256};

use crate::policy::{Record, VisitorId};
use crate::time::Time;

/// What an id is known by that no longer counts. Ids are random, so none can be found from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace(pub [u8; 16]);

impl From<VisitorId> for Trace {
    fn from(id: VisitorId) -> Trace {
        let hash = Sha256::new().chain_update(b"kelisim trace 1").chain_update(id.0.to_be_bytes());
        let mut trace = [0; 16];
        trace.copy_from_slice(&hash.finalize()[..16]);
        Trace(trace)
    }
}

/// Consent ids that were withdrawn, each until the moment when it would have ended anyway.
#[derive(Debug, Default)]
pub struct Superseded {
    until: DashMap<Trace, Time>,
    readable: AtomicBool,
}

impl Superseded {
    /// Whether this id's agreements were withdrawn.
    pub fn contains(&self, id: VisitorId) -> bool {
        self.until.contains_key(&Trace::from(id))
    }

    /// Takes an id's agreements away.
    pub fn add(&self, id: impl Into<Trace>, until: Time) {
        self.until.entry(id.into()).and_modify(|end| *end = (*end).max(until)).or_insert(until);
    }

    /// Drops ids whose agreements would have ended by now.
    pub fn forget_ended(&self, now: Time) {
        self.until.retain(|_, until| *until > now);
    }

    /// How many ids stand here.
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }

    /// Notes that the record has been read whole, or that it can no longer be.
    pub fn set_record(&self, record: Record) {
        self.readable.store(record == Record::Readable, Ordering::Release);
    }

    /// Whether the record behind this set can be read.
    pub fn record(&self) -> Record {
        if self.readable.load(Ordering::Acquire) { Record::Readable } else { Record::Unreadable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_id_stays_until_its_agreement_would_have_ended() {
        let superseded = Superseded::default();
        assert_eq!(superseded.record(), Record::Unreadable);
        superseded.add(VisitorId(7), Time(100));
        superseded.add(VisitorId(7), Time(50));
        superseded.forget_ended(Time(99));
        assert!(superseded.contains(VisitorId(7)));
        superseded.forget_ended(Time(100));
        assert!(superseded.is_empty());
    }
}
