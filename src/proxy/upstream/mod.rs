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
//!
//! A reload makes other [`Sites`]. Servers that stay are the same in both, and so are each thread's
//! connections to them; the others are let go of once their last request is through.

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

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use http::header::UPGRADE;
use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use smallvec::SmallVec;
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
pub use self::watch::watch;

use self::attempt::{Again, Failed, attempt};
use self::connect::Wants;
use self::group::Group;
use self::pool::Pool;
use self::server::Server;
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
    /// The sites of a plan; reads the files that their TLS needs. What was the same `before` stays.
    pub fn new(
        plan: Plan,
        resolver: &Resolver,
        bounds: &Arc<Bounds>,
        before: Option<&Sites>,
    ) -> Result<Sites, SitesError> {
        let Plan { groups, routes, fallback } = plan;
        let known = before.map(|before| &before.groups[..]).unwrap_or_default();
        let group = |(name, upstream): &(String, UpstreamSettings)| {
            let before = known.iter().find(|group| group.name == *name);
            let group = Group::new(name, upstream, resolver, before);
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

    /// They are in force in the place of those `before`.
    pub(super) fn replace(&self, before: &Sites) {
        for gone in before.groups.iter().filter(|group| !self.has(group)) {
            gone.retire();
        }
    }

    fn has(&self, group: &Arc<Group>) -> bool {
        self.groups.iter().any(|own| Arc::ptr_eq(own, group))
    }

    fn place(&self, host: &str, path: &str) -> usize {
        let fits = |(route, _): &&(Route, usize)| route::fits(route, host, path);
        self.routes.iter().find(fits).map_or(self.fallback, |(_, place)| *place)
    }
}

/// One thread's connections to the sites.
#[derive(Debug)]
pub struct Upstream(RefCell<Rc<Ways>>);

impl Upstream {
    /// None yet.
    pub fn new(sites: Arc<Sites>) -> Upstream {
        Upstream(RefCell::new(Rc::new(Ways::to(sites, HashMap::new()))))
    }

    /// Turns to these sites, and lets go of connections to servers that are not theirs.
    pub fn follow(&self, sites: &Arc<Sites>) {
        self.to(sites);
    }

    /// The ways to these sites.
    pub(super) fn to(&self, sites: &Arc<Sites>) -> Rc<Ways> {
        let mut ways = self.0.borrow_mut();
        if !Arc::ptr_eq(&ways.sites, sites) {
            let pools = ways.pools.iter().flatten();
            let known = pools.map(|pool| (Arc::as_ptr(&pool.server), Rc::clone(pool))).collect();
            *ways = Rc::new(Ways::to(Arc::clone(sites), known));
        }
        Rc::clone(&ways)
    }
}

/// The sites, as one thread reaches them.
#[derive(Debug)]
pub(super) struct Ways {
    sites: Arc<Sites>,
    /// The connections to each server of each group.
    pools: Vec<Vec<Rc<Pool>>>,
}

impl Ways {
    /// With the connections that there are.
    fn to(sites: Arc<Sites>, mut known: HashMap<*const Server, Rc<Pool>>) -> Ways {
        let mut pool = |server: &Arc<Server>| {
            let known = known.remove(&Arc::as_ptr(server));
            known.unwrap_or_else(|| Rc::new(Pool::new(Arc::clone(server))))
        };
        let pools = sites.groups.iter();
        let pools = pools.map(|group| group.servers.iter().map(&mut pool).collect()).collect();
        for gone in known.into_values() {
            gone.let_go();
        }
        Ways { sites, pools }
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
        let bounds = &*self.sites.bounds;
        group.earn();
        let mut body = Some(body).filter(|body| !body.is_end_stream());
        let announced = group.upstream.proxy_protocol.map(|how| how.of_visitor(ends));
        let mut tried = SmallVec::<[usize; TRIES_MAX]>::new();
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
            let failed = match pool.take(wants, again, announced.as_deref(), bounds).await {
                Ok(connection) => {
                    attempt(pool, slot, connection, request, body, exchange, bounds).await
                }
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
                pool.server.did_not_answer(&group.upstream.ejection);
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
