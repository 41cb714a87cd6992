//! All listening sockets of a gateway, bound or taken over.
//!
//! An address is bound once for each thread that serves; what another process handed over is used
//! before anything is bound. Addresses that are no longer listened on are closed.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::config::Config;
use crate::handover::Listeners;
use crate::server;

/// What is listened on.
pub(super) struct Bound {
    /// The addresses for plain HTTP, with the ports that were bound.
    pub(super) plain: Vec<SocketAddr>,
    /// The addresses for TLS.
    pub(super) tls: Vec<SocketAddr>,
    /// The address of health and metrics.
    pub(super) admin: SocketAddr,
    /// For each thread, the listeners for plain HTTP and those for TLS.
    pub(super) visitors: Vec<(Vec<TcpListener>, Vec<TcpListener>)>,
    /// The listeners for health and metrics.
    pub(super) admin_listeners: Vec<TcpListener>,
}

/// Binds every address that is configured, and uses what is `given` for it.
pub(super) fn bind(config: &Config, mut given: Listeners) -> io::Result<Bound> {
    let backlog = config.bounds.limits.backlog.get();
    let mut visitors: Vec<(Vec<_>, Vec<_>)> = Vec::new();
    visitors.resize_with(config.threads, Default::default);
    let (mut plain, mut tls) = (Vec::new(), Vec::new());
    let mut bind =
        |address: &SocketAddr| server::bind(*address, config.threads, backlog, &mut given.visitors);
    // There may be more listeners than threads, if the process before had more.
    for address in &config.listen {
        let (bound, listeners) = bind(address)?;
        plain.push(bound);
        for (number, listener) in listeners.into_iter().enumerate() {
            visitors[number % config.threads].0.push(listener);
        }
    }
    for address in &config.listen_tls {
        let (bound, listeners) = bind(address)?;
        tls.push(bound);
        for (number, listener) in listeners.into_iter().enumerate() {
            visitors[number % config.threads].1.push(listener);
        }
    }
    let (admin, admin_listeners) = server::bind(config.admin, 1, backlog, &mut given.admin)?;
    Ok(Bound { plain, tls, admin, visitors, admin_listeners })
}

impl Bound {
    /// The same sockets once more, to be handed over one day.
    pub(super) fn again(&self) -> io::Result<Listeners> {
        let of_threads = self.visitors.iter().flat_map(|(plain, tls)| plain.iter().chain(tls));
        Ok(Listeners {
            visitors: of_threads.map(TcpListener::try_clone).collect::<io::Result<_>>()?,
            admin: self
                .admin_listeners
                .iter()
                .map(TcpListener::try_clone)
                .collect::<io::Result<_>>()?,
        })
    }
}
