//! What is in force: rules, certificates, and what the settings say, as one immutable value.
//!
//! A reload replaces it by one store, so nobody ever sees a part of it. A request takes it when it
//! begins and holds to it to the end; a connection holds to its bounds and its certificate, a WebSocket
//! to what it began with.
//!
//! What goes on from one value to the next is shared by both: servers that stay, with what is known of
//! them, and the memory of rates that stay.
//!
//! How the next value comes about is [`crate::reload`]'s.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::HeaderValue;
use tokio::sync::watch;

use super::{Rates, Sites, Sizes, Trusted, Via};
use crate::bounds::Bounds;
use crate::snapshot::Snapshot;
use crate::tls::Served;

/// What is in force.
#[derive(Debug)]
pub struct InForce {
    /// The rules, with what was prepared from them.
    pub snapshot: Arc<Snapshot>,
    /// What TLS is served with, where there is TLS.
    pub served: Option<Served>,
    /// The `Strict-Transport-Security` of answers over TLS that have none of their own.
    pub hsts: Option<HeaderValue>,
    /// Who is believed about whom they ask for.
    pub trusted: Trusted,
    /// Who says by the PROXY protocol who comes, and has to.
    pub announcing: Trusted,
    /// The name that this gateway is told the site by.
    pub via: Option<Via>,
    /// The servers behind the gateway, and the ways to them.
    pub sites: Arc<Sites>,
    /// How often one address may ask.
    pub rates: Rates,
    /// How long the bodies of requests may be.
    pub sizes: Sizes,
    /// How long anything may take, and how much there may be.
    pub bounds: Arc<Bounds>,
}

/// What is in force now, for all threads.
#[derive(Debug)]
pub struct Current {
    in_force: ArcSwap<InForce>,
    news: watch::Sender<()>,
}

impl Current {
    /// The first that is in force.
    pub fn new(first: InForce) -> Current {
        Current { in_force: ArcSwap::from_pointee(first), news: watch::Sender::new(()) }
    }

    /// What is in force, to be held to.
    pub fn get(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Puts the next into force.
    pub fn replace(&self, next: InForce) {
        let next = Arc::new(next);
        let before = self.in_force.swap(Arc::clone(&next));
        next.sites.replace(&before.sites);
        self.news.send_replace(());
    }

    /// Hears when something else has come into force.
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }
}
