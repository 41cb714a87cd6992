//! What is known of the servers without a visitor asking: health checks and lookups of names.
//!
//! Both run on a thread of their own, so that a slow lookup or a server that does not answer holds up
//! no request. A check is a request like a visitor's, on a connection of its own: TLS, names and
//! certificates are checked with it. Any answer from 200 to 399 passes.
//!
//! A reload changes what is watched; a group that stays is watched on.

use std::sync::Arc;

use http::header::{HOST, HeaderValue, USER_AGENT};
use http::{Request, StatusCode};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::warn;

use super::attempt::for_http2;
use super::connect::{Opened, Wants, connect};
use super::group::Group;
use super::server::Server;
use super::settings::UpstreamSettings;
use super::upload::Upload;
use crate::proxy::{Announcement, Current};

/// Checks the servers that are in force, and looks their names up, until `stopped`; to be called on a
/// thread of its own.
pub fn watch(current: &Current, stopped: impl Future<Output = ()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let watched = async {
        let mut news = current.news();
        let mut watched: Vec<Watched> = Vec::new();
        loop {
            let sites = Arc::clone(&current.get().sites);
            watched.retain(|watched| sites.has(&watched.group));
            for group in &sites.groups {
                if !watched.iter().any(|watched| Arc::ptr_eq(&watched.group, group)) {
                    watched.push(Watched::new(group));
                }
            }
            drop(sites);
            if news.changed().await.is_err() {
                return;
            }
        }
    };
    LocalSet::new().block_on(&runtime, async {
        tokio::select! {
            () = watched => {}
            () = stopped => {}
        }
    });
    Ok(())
}

/// A group that is watched, as long as this is kept.
struct Watched {
    group: Arc<Group>,
    _tasks: JoinSet<()>,
}

impl Watched {
    fn new(group: &Arc<Group>) -> Watched {
        let mut tasks = JoinSet::new();
        for server in &group.servers {
            if let Some(path) = &group.upstream.health.path {
                let (group, server) = (Arc::clone(group), Arc::clone(server));
                tasks.spawn_local(check(group, server, path.clone()));
            }
            if !server.addresses.is_fixed() {
                tasks.spawn_local(look_up(Arc::clone(group), Arc::clone(server)));
            }
        }
        Watched { group: Arc::clone(group), _tasks: tasks }
    }
}

async fn look_up(group: Arc<Group>, server: Arc<Server>) {
    let mut turns = interval(group.upstream.resolve.get());
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if let Err(error) = server.addresses.look_up().await {
            warn!(server = %server.origin, %error, "the name cannot be looked up");
        }
    }
}

async fn check(group: Arc<Group>, server: Arc<Server>, path: String) {
    let health = &group.upstream.health;
    let mut turns = interval(health.interval.get());
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let asked = timeout(health.timeout.get(), ask(&group, &server, &path)).await;
        let status = asked.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        match status {
            Ok(status) if status.is_success() || status.is_redirection() => {
                if server.passed(health) {
                    group.look_again();
                }
            }
            Ok(status) => server.failed(health, &format!("`{path}` answers {status}")),
            Err(why) => server.failed(health, &why),
        }
    }
}

/// Asks a server for its health, and returns the status of its answer.
async fn ask(group: &Group, server: &Server, path: &str) -> Result<StatusCode, String> {
    let UpstreamSettings { health, proxy_protocol, .. } = &group.upstream;
    let announced = proxy_protocol.map(Announcement::of_ourselves);
    let wants = if announced.is_some() { Wants::Http1 } else { Wants::Any };
    let host = health.host.clone().unwrap_or_else(|| server.origin.to_string());
    let host = HeaderValue::from_str(&host).map_err(|error| error.to_string())?;
    let mut head = Request::get(path).body(()).map_err(|error| error.to_string())?;
    head.headers_mut().insert(HOST, host);
    head.headers_mut().insert(USER_AGENT, HeaderValue::from_static("kelisim-health"));
    let addresses = server.addresses.in_turn().await.map_err(|error| error.to_string())?;
    let mut failed = "the name has no address".to_owned();
    for address in addresses {
        let made =
            connect(server, address, wants, announced.as_deref(), health.timeout, health.timeout);
        let answer = match made.await {
            Err(fault) => {
                failed = crate::fault::Fault::from(fault).cause();
                continue;
            }
            Ok(Opened::Own(mut own)) => {
                own.sender.send_request(head.map(|()| Upload::none())).await
            }
            Ok(Opened::Shared(shared)) => {
                let head = for_http2(head, server.origin.scheme);
                let head = head.map_err(|failed| failed.fault.cause())?;
                shared.sender.clone().send_request(head.map(|()| Upload::none())).await
            }
        };
        return answer.map(|answer| answer.status()).map_err(|error| error.to_string());
    }
    Err(failed)
}
