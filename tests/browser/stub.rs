//! The counting stub: every tracker of the world, on one loopback port.
//!
//! Chromium is told that all tracker hosts are here, so that a test sees whether the browser went
//! to one of them, and the real ones are never asked.
//!
//! A connection is written down as soon as its name is known: a preconnect tells a tracker the
//! visitor's address without any request, and is a contact. Nothing is ever taken off the list.
//!
//! What the scripts do that it serves stands in `fakes/`. Which hosts are led here is said by
//! [`TRACKERS`], how they are led here by [`super::visitor`].

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::CertifiedKey;
use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};
use tungstenite::handshake::server::create_response_with_body;

/// Host patterns as Chromium's resolver rules take them: those of Metrica, of Google's tags
/// and of Facebook's pixel.
pub(crate) const TRACKERS: [&str; 19] = [
    "mc.yandex.*",
    "*.mc.yandex.ru",
    "mc.webvisor.*",
    "mc.admetrica.ru",
    "informer.yandex.ru",
    "an.yandex.ru",
    "adstat.yandex.ru",
    "yastatic.net",
    "ymetrica1.com",
    "cdn.jsdelivr.net",
    "*.googletagmanager.com",
    "*.google-analytics.com",
    "*.analytics.google.com",
    "analytics.google.com",
    "*.doubleclick.net",
    "*.googleadservices.com",
    "*.googlesyndication.com",
    "*.facebook.com",
    "connect.facebook.net",
];

/// A host that is led here too, is no tracker, and is never counted.
pub(crate) const SENTINEL: &str = "sentinel.example";

/// The running stub; its thread ends with the test's process.
pub(crate) struct Stub {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    contacts: Contacts,
}

type Contacts = Arc<Mutex<Vec<String>>>;

impl Stub {
    pub(crate) fn start() -> Self {
        let contacts = Contacts::default();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        listener.set_nonblocking(true).expect("tokio wants it so");
        let tls = TlsAcceptor::from(Arc::new(any_name()));
        let log = Arc::clone(&contacts);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                let listener =
                    TcpListener::from_std(listener).expect("the listener is non-blocking");
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(connection(stream, tls.clone(), Arc::clone(&log)));
                }
            });
        });
        Self { address, contacts }
    }

    /// Everything that reached a tracker so far, oldest first: `connect mc.yandex.ru`,
    /// `GET mc.yandex.ru/metrika/tag.js`, `POST mc.yandex.ru/watch/1/1?…`, and a WebSocket as the
    /// `GET` that opens it.
    pub(crate) fn contacts(&self) -> Vec<String> {
        self.contacts.lock().expect("no holder panics").clone()
    }

    /// The requests among the contacts since there were `seen` of them.
    pub(crate) fn hits_after(&self, seen: usize) -> Vec<String> {
        self.contacts()
            .split_off(seen)
            .into_iter()
            .filter(|contact| !contact.starts_with("connect "))
            .collect()
    }
}

/// One certificate for whatever name is asked for; Chromium is told not to mind.
fn any_name() -> ServerConfig {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([SENTINEL.to_owned()]).expect("the name is a host name");
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    // The provider is named, because more than one may be compiled in.
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("the key belongs to the certificate")
}

async fn connection(stream: tokio::net::TcpStream, tls: TlsAcceptor, contacts: Contacts) {
    // Without a completed handshake there is no name, yet the visitor's address has been told.
    let note = |line: String| contacts.lock().expect("no holder panics").push(line);
    let Ok(stream) = tls.accept(stream).await else {
        return note("connect (no handshake)".to_owned());
    };
    let host = stream.get_ref().1.server_name().unwrap_or("(no name)").to_owned();
    let counted = host != SENTINEL;
    if counted {
        note(format!("connect {host}"));
    }
    let answers = service_fn(|request: Request<Incoming>| {
        if counted {
            note(format!("{} {host}{}", request.method(), request.uri()));
        }
        let opened = create_response_with_body(&request, Full::default);
        let answer = opened.unwrap_or_else(|_| answer(&host, request.uri()));
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    // A browser that hangs up ends the connection with an error, and nobody minds.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answers).await;
}

/// What a tracker's host answers: a script where pages load one, else the smallest thing that fits.
fn answer(host: &str, asked: &Uri) -> Response<Full<Bytes>> {
    const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0\
        ,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    const SCRIPT: &str = "text/javascript";
    // Metrica's hits are also asked for as scripts (JSONP).
    let as_script = asked.query().is_some_and(|query| query.contains("wmode=5"));
    let (kind, body): (_, &'static [u8]) = match asked.path() {
        "/metrika/tag.js" => (SCRIPT, include_bytes!("fakes/metrica.js")),
        "/gtag/js" | "/gtm.js" => (SCRIPT, include_bytes!("fakes/google.js")),
        "/analytics.js" => (SCRIPT, include_bytes!("fakes/analytics.js")),
        "/ga.js" => (SCRIPT, include_bytes!("fakes/ga.js")),
        "/en_US/fbevents.js" => (SCRIPT, include_bytes!("fakes/fbevents.js")),
        "/ns.html" => ("text/html", b"<!DOCTYPE html><title>ns</title>"),
        _ if host == SENTINEL => ("text/html", b"<!DOCTYPE html><title>sentinel</title>"),
        _ if as_script => (SCRIPT, b""),
        _ => ("image/gif", PIXEL),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind.parse().expect("a plain type"));
    // Each page asks anew: a cached script would be a hit that nobody counts.
    headers.insert(header::CACHE_CONTROL, "no-store".parse().expect("a plain word"));
    // As trackers do: any page may read what they answer.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".parse().expect("a plain word"));
    if host == SENTINEL {
        // Each journey there is a whole one.
        headers.insert(header::CONNECTION, "close".parse().expect("a plain word"));
    }
    response
}
