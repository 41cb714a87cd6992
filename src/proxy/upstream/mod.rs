//! Connections to the site.
//!
//! [`origin`] says where the site is, [`tls`] whom it is believed to be, [`connect`] makes a connection,
//! [`pool`] keeps those of a thread, [`attempt`] sends a request on one. Here it is put together: which
//! connection a request goes on, and whether it is tried again.
//!
//! A request that did not come through is sent again only where nobody can tell: [`attempt`] says when.

mod attempt;
mod connect;
mod origin;
mod pool;
mod tls;

use std::rc::Rc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tracing::debug;

pub use self::connect::Local;
pub use self::origin::{Origin, Scheme};
pub(super) use self::pool::Lease;
pub use self::tls::{TlsRefused, TlsSettings};

use self::attempt::{Again, attempt};
use self::connect::Wants;
use self::pool::Pool;
use self::tls::Tls;
use crate::fault::Fault;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long nothing may happen: no byte of an upload taken, no head of an answer.
const SILENCE: Duration = Duration::from_mins(1);

/// How long a connection rests before it is closed rather than used again.
const REST: Duration = Duration::from_secs(50);

/// How many connections rest, per thread.
const RESTING_MAX: usize = 256;

/// How often a request is sent at most.
const TRIES_MAX: usize = 3;

/// How the site is reached.
#[derive(Clone, Debug)]
pub struct Site {
    origin: Origin,
    tls: Option<Tls>,
}

impl Site {
    /// A site at `origin`; reads the files that its TLS needs.
    pub fn new(origin: Origin, tls: &TlsSettings) -> Result<Site, TlsRefused> {
        let tls = Tls::with(&origin, tls)?;
        Ok(Site { origin, tls })
    }
}

/// The site, as one thread reaches it.
#[derive(Debug)]
pub struct Upstream {
    pool: Rc<Pool>,
}

impl Upstream {
    /// One thread's way to a site.
    pub fn new(site: Site) -> Upstream {
        Upstream { pool: Rc::new(Pool::new(site.origin, site.tls)) }
    }

    /// Sends a request and waits for the head of the answer. `head` makes the request's head,
    /// once for each attempt.
    pub async fn send(
        &self,
        head: impl Fn() -> Request<()>,
        body: Incoming,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        let mut body = Some(body).filter(|body| !body.is_end_stream());
        let mut tries = 0;
        loop {
            let request = head();
            // RFC 9110 §9.2.2.
            let idempotent = matches!(
                *request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
            );
            let upgrades = request.headers().contains_key(UPGRADE);
            let wants = if upgrades { Wants::Http1 } else { Wants::Any };
            let connection = self.pool.take(wants, tries > 0).await?;
            let failed = match attempt(&self.pool, connection, request, body, SILENCE).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            tries += 1;
            body = match failed.again {
                Again::Always(body) if tries < TRIES_MAX => body,
                Again::IfIdempotent(body) if tries < TRIES_MAX && idempotent => body,
                _ => return Err(failed.fault),
            };
            debug!(cause = failed.fault.cause(), "a connection did not take a request; once more");
        }
    }
}
