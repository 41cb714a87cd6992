//! The connections that one thread has to one server.
//!
//! Over HTTP/1.1 those that rest: the one used last is used next, being the warmest, and the others can
//! grow old. A connection is reused only after both bodies were read to their end. Over HTTP/2 those
//! that are open: the first with room takes the next request.
//!
//! While it is not known what a site speaks, and where it speaks HTTP/2, one connection is made at a
//! time, and whoever needs one waits for it: a burst must not open a connection for each request that
//! then share one.
//!
//! A pool outlives reloads that leave its server as it is: how long anything may take says the request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2;
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio::time::{Instant, timeout};

use super::connect::{Opened, Own, Shared, Wants, connect};
use super::group::Slot;
use super::origin::Scheme;
use super::server::Server;
use super::upload::{Progress, Upload};
use crate::bounds::Bounds;
use crate::fault::UpstreamFault;

/// How long a connection that rested may take to be ready.
const READY: Duration = Duration::from_millis(50);

/// How many connections a request may make in a row that have no room for it: who makes one goes first
/// on it.
const OPENINGS_MAX: usize = 4;

/// How many HTTP/1.1 connections a thread makes to a server at once. Who comes next takes one that is done with
/// meanwhile: when thousands ask at the same moment, a connection for each would take longer than all of them on a few.
const OPENING_MAX: usize = 64;

/// The connections to a server.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) server: Arc<Server>,
    resting: RefCell<Vec<Resting>>,
    /// Heard when one has come to rest.
    rested: Notify,
    /// The right to make one.
    openings: Semaphore,
    shared: RefCell<Vec<Rc<Shared>>>,
    /// The connection that is being made, where it may turn out to be one for all.
    opening: RefCell<Option<Rc<Opening>>>,
    /// Whether the server is known to speak HTTP/1.1.
    is_http1: Cell<bool>,
    /// Whether the server is in force no more: nothing is kept for later.
    is_gone: Cell<bool>,
}

type Opening = OnceCell<Result<(), UpstreamFault>>;

#[derive(Debug)]
struct Resting {
    connection: Own,
    since: Instant,
}

/// What a request is sent on.
#[derive(Debug)]
pub(super) enum Connection {
    Own(Own),
    /// The place is kept by the request's body too: as long as that is on the connection, so is the request.
    Shared(Rc<Ticket>),
}

impl Connection {
    /// Whether it has carried a request before this one.
    pub(super) fn was_reused(&self) -> bool {
        match self {
            Connection::Own(own) => own.reused,
            Connection::Shared(ticket) => ticket.reused,
        }
    }

    /// It failed a request: if others could take it too, they no longer do.
    pub(super) fn retire(&self) {
        if let Connection::Shared(ticket) = self {
            ticket.shared.retired.set(true);
        }
    }
}

/// A request's place on a shared connection.
#[derive(Debug)]
pub(super) struct Ticket {
    shared: Rc<Shared>,
    reused: bool,
}

impl Ticket {
    fn new(shared: &Rc<Shared>) -> Ticket {
        shared.live.set(shared.live.get() + 1);
        Ticket { shared: Rc::clone(shared), reused: shared.reused.replace(true) }
    }

    pub(super) fn sender(&self) -> http2::SendRequest<Upload> {
        self.shared.sender.clone()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.live.set(self.shared.live.get() - 1);
        self.shared.since.set(Instant::now());
    }
}

/// A connection in use; it rests again when told that it may. Until then its request counts as one
/// under way.
#[derive(Debug)]
pub(in crate::proxy) struct Lease {
    pool: Rc<Pool>,
    slot: Option<Slot>,
    connection: Option<Connection>,
    progress: Rc<Progress>,
    pause: Duration,
    resting_max: usize,
}

impl Lease {
    pub(super) fn new(
        pool: Rc<Pool>,
        slot: Slot,
        connection: Connection,
        progress: Rc<Progress>,
        bounds: &Bounds,
    ) -> Lease {
        Lease {
            pool,
            slot: Some(slot),
            connection: Some(connection),
            progress,
            pause: bounds.timeouts.answer.get(),
            resting_max: bounds.limits.resting.get(),
        }
    }

    /// How long the site may pause within the answer's body.
    pub(in crate::proxy) fn pause(&self) -> Duration {
        self.pause
    }

    /// The answer was read to its end: the connection may be used again, if all of the
    /// request was sent too.
    pub(in crate::proxy) fn finish(&mut self) {
        self.slot = None;
        let Some(Connection::Own(mut own)) = self.connection.take() else { return };
        if !self.progress.is_complete() || own.for_one || own.sender.is_closed() {
            return;
        }
        own.reused = true;
        let mut resting = self.pool.resting.borrow_mut();
        if resting.len() < self.resting_max && !self.pool.is_gone.get() {
            resting.push(Resting { connection: own, since: Instant::now() });
            drop(resting);
            self.pool.rested.notify_one();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.progress.is_over();
    }
}

impl Pool {
    pub(super) fn new(server: Arc<Server>) -> Pool {
        let is_http1 = Cell::new(server.origin.scheme == Scheme::Http);
        Pool {
            server,
            resting: RefCell::default(),
            rested: Notify::new(),
            openings: Semaphore::new(OPENING_MAX),
            shared: RefCell::default(),
            opening: RefCell::default(),
            is_http1,
            is_gone: Cell::new(false),
        }
    }

    /// The server is in force no more: what rests is closed now, and the rest when it is through.
    pub(super) fn let_go(&self) {
        self.is_gone.set(true);
        self.resting.borrow_mut().clear();
        self.shared.borrow_mut().clear();
    }

    /// A connection to send a request on: `fresh` if none that rested will do, and for one visitor alone if
    /// it is to begin with who that is.
    pub(super) async fn take(
        &self,
        wants: Wants,
        fresh: bool,
        announced: Option<&[u8]>,
        bounds: &Bounds,
    ) -> Result<Connection, UpstreamFault> {
        let rest = bounds.timeouts.rest.get();
        let mut made = 0;
        while made < OPENINGS_MAX {
            if wants == Wants::Any
                && let Some(ticket) = self.room(rest)
            {
                return Ok(Connection::Shared(Rc::new(ticket)));
            }
            if !fresh
                && announced.is_none()
                && let Some(own) = self.rested(rest).await
            {
                return Ok(Connection::Own(own));
            }
            // Boxed, as it hardly happens, and every request would have room for it.
            let own = match wants == Wants::Http1 || self.is_http1.get() {
                true => {
                    let reuses = !fresh && announced.is_none();
                    Box::pin(self.reuse_or_open(reuses, wants, announced, bounds)).await?
                }
                false => Box::pin(self.open_for_all(&mut made, bounds)).await?,
            };
            if let Some(own) = own {
                return Ok(Connection::Own(own));
            }
        }
        Err(self.unreachable("it takes no requests on the connections it accepts"))
    }

    /// A place on an open HTTP/2 connection.
    fn room(&self, rest: Duration) -> Option<Ticket> {
        let mut shared = self.shared.borrow_mut();
        shared.retain(|one| {
            let rested = one.live.get() == 0 && one.since.get().elapsed() > rest;
            one.is_open() && !rested && self.server.is_at(one.address)
        });
        shared.iter().find(|one| one.has_room()).map(Ticket::new)
    }

    /// The HTTP/1.1 connection that has rested the shortest and is still alive.
    async fn rested(&self, rest: Duration) -> Option<Own> {
        loop {
            let Resting { mut connection, since } = self.resting.borrow_mut().pop()?;
            if since.elapsed() > rest {
                // Those below are older still.
                self.resting.borrow_mut().clear();
                return None;
            }
            // One that still writes what its last visitor sent may do so for long.
            let sender = &mut connection.sender;
            let ready =
                sender.is_ready() || matches!(timeout(READY, sender.ready()).await, Ok(Ok(())));
            if self.server.is_at(connection.address) && ready {
                return Some(connection);
            }
        }
    }

    /// Waits until a connection may be made, and makes it; or takes one that comes to rest before, if it may.
    async fn reuse_or_open(
        &self,
        reuses: bool,
        wants: Wants,
        announced: Option<&[u8]>,
        bounds: &Bounds,
    ) -> Result<Option<Own>, UpstreamFault> {
        let rest = bounds.timeouts.rest.get();
        let turn = async {
            loop {
                let rested = self.rested.notified();
                let opening = tokio::select! {
                    biased;
                    opening = self.openings.acquire() => Some(opening),
                    () = rested, if reuses => None,
                };
                if reuses && let Some(own) = self.rested(rest).await {
                    return Ok(own);
                }
                // It is never closed.
                if let Some(Ok(opening)) = opening {
                    return Err(opening);
                }
            }
        };
        let within = bounds.timeouts.connect;
        match timeout(within.get(), turn).await {
            Ok(Ok(own)) => Ok(Some(own)),
            Ok(Err(_opening)) => self.open(wants, announced, bounds).await,
            Err(_) => Err(self.unreachable(&format!("no connection came free in {within}"))),
        }
    }

    /// Makes a connection that may be one for all; who comes meanwhile waits for it. It is returned if
    /// it is ours alone, and counted in `made` if we made it.
    async fn open_for_all(
        &self,
        made: &mut usize,
        bounds: &Bounds,
    ) -> Result<Option<Own>, UpstreamFault> {
        let opening = Rc::clone(self.opening.borrow_mut().get_or_insert_default());
        let mut own = None;
        let opened = opening.get_or_init(async || {
            *made += 1;
            own = self.open(Wants::Any, None, bounds).await?;
            Ok(())
        });
        let opened = opened.await.clone();
        self.opening.borrow_mut().take_if(|current| Rc::ptr_eq(current, &opening));
        opened.map(|()| own)
    }

    /// Makes a connection and learns what the site speaks. One for all is put with its like.
    async fn open(
        &self,
        wants: Wants,
        announced: Option<&[u8]>,
        bounds: &Bounds,
    ) -> Result<Option<Own>, UpstreamFault> {
        let server = &self.server;
        let mut failed = self.unreachable("the name has no address");
        loop {
            let addresses = server.addresses.in_turn().await;
            for address in addresses.map_err(|error| self.unreachable(&error.to_string()))? {
                let (within, silence) = (bounds.timeouts.connect, bounds.timeouts.answer);
                match connect(server, address, wants, announced, within, silence).await {
                    Ok(Opened::Own(own)) => {
                        if wants == Wants::Any {
                            self.is_http1.set(true);
                        }
                        return Ok(Some(own));
                    }
                    Ok(Opened::Shared(shared)) => {
                        self.is_http1.set(false);
                        self.shared.borrow_mut().push(shared);
                        return Ok(None);
                    }
                    Err(fault) => failed = fault,
                }
            }
            if !server.addresses.are_others().await {
                return Err(failed);
            }
        }
    }

    fn unreachable(&self, why: &str) -> UpstreamFault {
        UpstreamFault::Unreachable(format!("{}: {why}", self.server.origin))
    }
}
