//! Connections to the sites behind the gateway.
//!
//! What operators set is in [`settings`], and [`plan`] sees that it fits together. [`route`] says which
//! group of servers a request goes to and [`group`] which of them; [`origin`],
//! [`tls`] and [`resolve`] where a server is and whom it is believed to be, [`server`] whether it is
//! well, and [`watch`] finds that out. [`connect`] makes a connection, [`pool`] keeps those of a thread,
//! [`attempt`] sends a request on one, and [`upload`] its body. Here it is put together.
//!
//! A request that did not come through is sent again only where nobody can tell: where no connection
//! could be made, at another server; else as [`attempt`] says. A group has a budget for it, but for what
//! cost its server nothing.

mod attempt;
mod connect;
mod group;
mod origin;
mod plan;
mod pool;
mod resolve;
mod route;
mod server;
mod settings;
mod tls;
mod upload;
mod watch;

use std::rc::Rc;
use std::sync::Arc;

use http::header::UPGRADE;
use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tracing::debug;

pub(super) use self::attempt::Exchange;
pub use self::connect::Local;
pub use self::group::Balance;
pub use self::origin::{Origin, Scheme};
pub use self::plan::{Plan, SitesError};
pub(super) use self::pool::Lease;
pub use self::resolve::Resolver;
pub use self::route::HostPattern;
pub use self::settings::{
    EjectionSettings, HealthSettings, Route, TlsSettings, UpstreamSettings, Upstreams,
};
pub use self::tls::TlsRefused;

use self::attempt::{Again, Failed, attempt};
use self::connect::Wants;
use self::group::Group;
use self::pool::Pool;
use crate::bounds::Bounds;
use crate::fault::{Fault, UpstreamFault};
use crate::observe::ServerCounters;
use crate::proxy::announce::Ends;
use crate::proxy::upload::FromVisitor;

/// How often a request is sent at most.
const TRIES_MAX: usize = 3;

/// The sites behind the gateway: groups of servers, and which requests go to which.
#[derive(Debug)]
pub struct Sites {
    groups: Vec<Arc<Group>>,
    /// Routes, with the place of their group.
    routes: Vec<(Route, usize)>,
    /// The group of what no route takes.
    fallback: usize,
    bounds: Arc<Bounds>,
}

impl Sites {
    /// The sites of a plan; reads the files that their TLS needs.
    pub fn new(plan: Plan, resolver: &Resolver, bounds: &Arc<Bounds>) -> Result<Sites, SitesError> {
        let Plan { groups, routes, fallback } = plan;
        let group = |(name, upstream): &(String, UpstreamSettings)| {
            let group = Group::new(name, upstream, resolver).map(Arc::new);
            group.map_err(|why| SitesError::Tls(name.clone(), why))
        };
        let groups = groups.iter().map(group).collect::<Result<_, _>>()?;
        Ok(Sites { groups, routes, fallback, bounds: Arc::clone(bounds) })
    }

    /// What is counted of each server.
    pub fn counters(&self) -> Vec<Arc<ServerCounters>> {
        let servers = self.groups.iter().flat_map(|group| &group.servers);
        servers.map(|server| Arc::clone(&server.counters)).collect()
    }

    /// Checks the servers and looks their names up until `stopped`; to be called on a thread of its own.
    pub fn watch(&self, stopped: impl Future<Output = ()>) -> std::io::Result<()> {
        watch::run(self, stopped)
    }

    fn place(&self, host: &str, path: &str) -> usize {
        let fits = |(route, _): &&(Route, usize)| route::fits(route, host, path);
        self.routes.iter().find(fits).map_or(self.fallback, |(_, place)| *place)
    }
}

/// The sites, as one thread reaches them.
#[derive(Debug)]
pub struct Upstream {
    sites: Arc<Sites>,
    /// The connections to each server of each group.
    pools: Vec<Vec<Rc<Pool>>>,
}

impl Upstream {
    /// One thread's way to the sites.
    pub fn new(sites: Arc<Sites>) -> Upstream {
        let bounds = &sites.bounds;
        let pool = |server: &Arc<_>| Rc::new(Pool::new(Arc::clone(server), Arc::clone(bounds)));
        let pools = sites.groups.iter().map(|group| group.servers.iter().map(pool).collect());
        let pools = pools.collect();
        Upstream { sites, pools }
    }

    /// Sends a request for `host` (in lower case, without port) and `path` to where it is for, and waits
    /// for the head of the answer. `ends` are the visitor's, for servers that are told; `head` makes the
    /// request's head, once for each attempt; what the site says ahead of its answer is for `exchange` to
    /// hear.
    pub(super) async fn send(
        &self,
        host: &str,
        path: &str,
        ends: Ends,
        head: impl Fn() -> Request<()>,
        body: FromVisitor,
        exchange: Exchange<'_>,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        let place = self.sites.place(host, path);
        let (group, pools) = (&self.sites.groups[place], &self.pools[place]);
        group.earn();
        let mut body = Some(body).filter(|body| !body.is_end_stream());
        let announced = group.upstream.proxy_protocol.map(|how| how.of_visitor(ends));
        let mut tried = Vec::new();
        loop {
            let request = head();
            // RFC 9110 §9.2.2.
            let idempotent = matches!(
                *request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
            );
            let upgrades = request.headers().contains_key(UPGRADE);
            let alone = upgrades || announced.is_some();
            let wants = if alone { Wants::Http1 } else { Wants::Any };
            let slot = group.enter(&tried).await?;
            let (pool, again) = (&pools[slot.index], tried.contains(&slot.index));
            tried.push(slot.index);
            pool.server.counters.requests.add(1);
            let failed = match pool.take(wants, again, announced.as_deref()).await {
                Ok(connection) => attempt(pool, slot, connection, request, body, exchange).await,
                Err(fault) => {
                    let other = group.has_other(&tried);
                    let again = if other { Again::Elsewhere(body) } else { Again::Never };
                    Err(Failed { fault: fault.into(), again })
                }
            };
            let failed = match failed {
                Ok(answer) => {
                    pool.server.answered();
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            if failed.is_the_servers() {
                pool.server.did_not_answer();
            }
            let left = tried.len() < TRIES_MAX;
            body = match failed.again {
                // It cost the server nothing.
                Again::Always(body) if left => body,
                Again::Elsewhere(body) if left && group.may_retry() => body,
                Again::IfIdempotent(body) if left && idempotent && group.may_retry() => body,
                _ => return Err(failed.fault),
            };
            debug!(cause = failed.fault.cause(), "a server did not take a request; once more");
        }
    }
}

impl Failed {
    /// Whether it is the server's failure: not that of a connection that had rested too long, nor of one
    /// that the server took leave of.
    fn is_the_servers(&self) -> bool {
        let by_site = matches!(
            self.fault,
            Fault::Upstream(
                UpstreamFault::Unreachable(_) | UpstreamFault::Timeout | UpstreamFault::Broken(_)
            )
        );
        by_site && matches!(self.again, Again::Never | Again::Elsewhere(_))
    }
}
