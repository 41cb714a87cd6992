//! Counters of the servers behind the gateway: how each is asked, how it fails, whether it is well.
//!
//! One set for each server, shared by all threads: a server has the same state for all of them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Counter;

/// What was counted of one server.
#[derive(Debug)]
pub struct ServerCounters {
    /// The group it belongs to.
    pub upstream: String,
    /// Its address, as it was set.
    pub server: String,
    /// Requests sent to it, those sent again included.
    pub requests: Counter,
    /// Requests that it did not answer.
    pub failures: Counter,
    /// How often it was left out for its failures.
    pub ejections: Counter,
    healthy: AtomicBool,
}

impl ServerCounters {
    /// Nothing yet; a server is well until a check says otherwise.
    pub fn new(upstream: &str, server: String) -> ServerCounters {
        ServerCounters {
            upstream: upstream.to_owned(),
            server,
            requests: Counter::default(),
            failures: Counter::default(),
            ejections: Counter::default(),
            healthy: AtomicBool::new(true),
        }
    }

    /// Whether the health checks find it well.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Says how the health checks find it; returns whether that is news.
    pub fn set_healthy(&self, healthy: bool) -> bool {
        self.healthy.swap(healthy, Ordering::Relaxed) != healthy
    }

    /// Names, meanings, kinds and values.
    pub fn values(&self) -> [(&'static str, &'static str, &'static str, u64); 4] {
        let (requests, failures) = (self.requests.get(), self.failures.get());
        [
            ("upstream_requests_total", "Requests sent to a server.", "counter", requests),
            ("upstream_failures_total", "Requests it did not answer.", "counter", failures),
            (
                "upstream_ejections_total",
                "How often a server was left out for its failures.",
                "counter",
                self.ejections.get(),
            ),
            (
                "upstream_healthy",
                "Whether health checks find a server well.",
                "gauge",
                u64::from(self.is_healthy()),
            ),
        ]
    }
}
