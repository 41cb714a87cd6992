//! The operator's address: how the gateway stands, health, readiness, metrics.
//!
//! It listens apart from the visitors' addresses, on loopback unless told otherwise, and
//! holds nothing personal: counters without names.
//!
//! *Healthy* means that the process answers; *ready* that the record can be read, so that
//! agreements count, and that every withdrawal is on the disk. A gateway that is not ready still
//! serves the site.

mod status;

use std::convert::Infallible;
use std::fmt::Write;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::task::JoinSet;
use tracing::debug;

use self::status::Status;
use crate::clock::Clock;
use crate::observe::{
    Answered, Counters, Discoveries, Event, Needs, Observer, ServerCounters, Where,
};
use crate::policy::Record;
use crate::rules::Mode;
use crate::snapshot::Snapshot;
use crate::store::Store;

/// Finds what is counted of each server of the site that is in force.
type Servers = dyn Fn() -> Vec<Arc<ServerCounters>> + Send + Sync;

/// Finds the rules in force.
type Rules = dyn Fn() -> Arc<Snapshot> + Send + Sync;

/// Why the last reload was refused, if it was.
#[derive(Debug, Default)]
pub struct Refusal(Mutex<Option<String>>);

impl Refusal {
    /// Notes how a reload ended.
    pub fn set(&self, why: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why it was refused.
    pub fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the address tells of.
#[derive(Clone)]
pub struct Admin {
    /// Each thread's counters.
    pub counters: Vec<Arc<Counters>>,
    /// What is counted of each server of the site.
    pub servers: Arc<Servers>,
    /// The purpose logs.
    pub observer: Observer,
    /// The record of consent.
    pub store: Arc<Store>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// The time.
    pub clock: Clock,
    /// Why the last reload was refused.
    pub refused: Arc<Refusal>,
    /// What no rule knows.
    pub discoveries: Arc<Discoveries>,
    /// What pages need that is not approved.
    pub needs: Arc<Needs>,
}

impl Admin {
    /// Serves until `stopped`.
    pub async fn serve(
        self,
        listener: TcpListener,
        stopped: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        let mut stopped = pin!(stopped);
        loop {
            let accepted = tokio::select! {
                () = &mut stopped => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let admin = self.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = admin.answer(request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            connections.spawn(async move {
                if let Err(error) = connection.await {
                    debug!(%error, "a connection to the admin address ended");
                }
            });
        }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let (status, text) = match path {
            _ if !matches!(*method, Method::GET | Method::HEAD) => {
                (StatusCode::METHOD_NOT_ALLOWED, "the method must be GET\n".to_owned())
            }
            "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => match self.unready() {
                None => (StatusCode::OK, "ready\n".to_owned()),
                Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
            },
            "/metrics" => (StatusCode::OK, self.metrics()),
            "/discovered" => (StatusCode::OK, self.discovered()),
            "/needed" => (StatusCode::OK, self.needed()),
            "/" => (StatusCode::OK, self.status()),
            _ => {
                let text = "there are /, /healthz, /readyz, /metrics, /discovered and /needed\n";
                (StatusCode::NOT_FOUND, text.to_owned())
            }
        };
        let is_page = path == "/" && status == StatusCode::OK;
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let kind = match path {
            "/" if is_page => "text/html; charset=utf-8",
            "/discovered" | "/needed" if status == StatusCode::OK => "application/json",
            _ => "text/plain; version=0.0.4; charset=utf-8",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if is_page {
            let policy = HeaderValue::from_static(status::POLICY);
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }

    fn unready(&self) -> Option<String> {
        match (self.store.superseded().record(), self.store.unwritten()) {
            (Record::Readable, 0) => None,
            (record, unwritten) => Some(unready(record, unwritten)),
        }
    }

    /// The page that says how the gateway stands.
    fn status(&self) -> String {
        let rules = (self.rules)();
        Status {
            rules: &rules.rules,
            now: self.clock.now(),
            refused: self.refused.get(),
            unready: self.unready(),
            recorded: self.store.exemptions_recorded(),
            withheld: Counters::withheld(&self.counters),
            reported: Counters::reported(&self.counters),
            answers: Counters::answers(&self.counters),
            discovered: self.discoveries.unknown_to(&rules.rules),
        }
        .page()
    }

    /// What no rule knows, as JSON.
    fn discovered(&self) -> String {
        let discovered = self.discoveries.unknown_to(&(self.rules)().rules);
        json(&discovered)
    }

    /// What pages need that is not approved, as JSON.
    fn needed(&self) -> String {
        json(&self.needs.unapproved_by(&(self.rules)().rules))
    }

    /// Counters in the text format of Prometheus.
    fn metrics(&self) -> String {
        let mut text = String::new();
        let mut put = |name: &str, help: &str, kind: &str, value: u64| {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "# HELP kelisim_{name} {help}\n# TYPE kelisim_{name} {kind}\nkelisim_{name} {value}\n"
            );
        };
        for (name, help, value) in Counters::sums(&self.counters) {
            put(&format!("{name}_total"), help, "counter", value);
        }
        let dropped = self.observer.dropped();
        put(
            "log_lines_dropped_total",
            "Log lines dropped because the queue was full.",
            "counter",
            dropped,
        );
        let unwritten = self.store.unwritten() as u64;
        put(
            "withdrawals_unwritten",
            "Withdrawals that are not on the disk yet.",
            "gauge",
            unwritten,
        );
        let superseded = self.store.superseded().len() as u64;
        put("superseded", "Consent ids that no longer count.", "gauge", superseded);
        let readable = u64::from(self.store.superseded().record() == Record::Readable);
        put("record_readable", "Whether the record of consent can be read.", "gauge", readable);
        let snapshot = (self.rules)();
        let site = &snapshot.rules.site;
        let observes = u64::from(site.mode == Mode::Observe);
        put("observes", "Whether the gate only counts, and protects nobody.", "gauge", observes);
        let exempt = site.exempt_at(self.clock.now()).count() as u64;
        put("exemptions", "Exemptions in force: pages that are not protected.", "gauge", exempt);
        let refused = u64::from(self.refused.get().is_some());
        put("reload_refused", "Whether the last reload was refused.", "gauge", refused);
        let help =
            "What was withheld by vendor and kind; where the gate only observes, what would be.";
        let withheld = Counters::withheld(&self.counters);
        put_by_whom(&mut text, "kelisim_withheld_total", help, |_| "vendor", withheld);
        let help = "What passed because a list of others or a vendor's rule only reports it, by these and by kind.";
        let reported = Counters::reported(&self.counters);
        let label = |name: &str| if name.starts_with("lists/") { "list" } else { "vendor" };
        put_by_whom(&mut text, "kelisim_reported_total", help, label, reported);
        put_answers(&mut text, &Counters::answers(&self.counters));
        let name = "kelisim_requests_refused_total";
        let help = "Requests that the front door refused, by reason.";
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
        for (reason, value) in Counters::refusals(&self.counters) {
            let _ = writeln!(text, "{name}{{reason=\"{reason}\"}} {value}");
        }
        let name = "kelisim_http2_cut_total";
        let help = "HTTP/2 connections and streams that were cut, by reason.";
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
        for (reason, value) in Counters::cuts(&self.counters) {
            let _ = writeln!(text, "{name}{{reason=\"{reason}\"}} {value}");
        }
        text.push_str(&self.of_servers());
        text
    }

    /// What is counted of each server, one name after the other.
    fn of_servers(&self) -> String {
        let servers = (self.servers)();
        let servers: Vec<_> = servers.iter().map(|server| (server, server.values())).collect();
        let Some((_, values)) = servers.first() else { return String::new() };
        let mut text = String::new();
        for (at, (name, help, kind, _)) in values.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(text, "# HELP kelisim_{name} {help}\n# TYPE kelisim_{name} {kind}\n");
            for (server, values) in &servers {
                let (upstream, address) = (&server.upstream, &server.server);
                let labels = format!("{{upstream=\"{upstream}\",server=\"{address}\"}}");
                let _ = writeln!(text, "kelisim_{name}{labels} {}", values[at].3);
            }
        }
        text
    }
}

/// A counter of each vendor or list, and kind.
fn put_by_whom(
    text: &mut String,
    name: &str,
    help: &str,
    label: impl Fn(&str) -> &'static str,
    counts: Vec<(String, &'static str, u64)>,
) {
    // Writing to a string does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
    for (whose, kind, value) in counts {
        let label = label(&whose);
        let whose = whose.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = writeln!(text, "{name}{{{label}=\"{whose}\",kind=\"{kind}\"}} {value}");
    }
}

/// What visitors were asked and what they answered, by language, kind of page and text.
fn put_answers(text: &mut String, answers: &[Answered]) {
    let name = "kelisim_answers_total";
    let help = "Pages that asked, and answers, by language, kind of page and the digest of the text shown.";
    // Writing to a string does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
    for sum in answers {
        let Where { language, page, text: shown } = &sum.place;
        for event in Event::ALL {
            let (count, event) = (sum.count(event), event.name());
            let labels = format!(
                "event=\"{event}\",language=\"{language}\",page=\"{page}\",text=\"{shown}\""
            );
            let _ = writeln!(text, "{name}{{{labels}}} {count}");
        }
    }
}

fn json(told: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(told).expect("names, numbers and times can always be written");
    text.push('\n');
    text
}

/// Why the gateway is not ready.
fn unready(record: Record, unwritten: usize) -> String {
    let mut text = String::new();
    if record == Record::Unreadable {
        text.push_str("the record of consent cannot be read; no agreement counts\n");
    }
    if unwritten > 0 {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{unwritten} withdrawals are not on the disk yet; do not restart");
    }
    text
}
