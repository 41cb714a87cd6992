//! A gateway in this process, and visitors who speak HTTP/2 to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response};
use kelisim::app::{Running, start_with};
use kelisim::clock::Clock;
use kelisim::config::{Config, Settings, rule_files};
use kelisim::proxy::{Origin, Resolver, Route, UpstreamSettings, Upstreams};
use kelisim::settings::Count;
use tempfile::TempDir;
use tokio::time::timeout;

use super::PATIENCE;
use super::site::Site;

/// A gateway that ends with its test.
pub(crate) struct Gateway {
    running: Running,
    config: Config,
    _folder: TempDir,
}

/// Starts a gateway with one thread in front of the server at `url`, told more by `more`.
pub(crate) fn start(url: &str, more: impl FnOnce(&mut UpstreamSettings)) -> Gateway {
    let mut upstream = UpstreamSettings {
        servers: vec![Origin::parse(url).expect("an address")],
        ..UpstreamSettings::default()
    };
    more(&mut upstream);
    start_with_group(upstream)
}

/// A group of sites, with nothing else set.
pub(crate) fn group(sites: &[&Site]) -> UpstreamSettings {
    let origin = |site: &&Site| Origin::parse(&format!("http://{}", site.address)).expect("one");
    UpstreamSettings { servers: sites.iter().map(origin).collect(), ..UpstreamSettings::default() }
}

/// Starts a gateway in front of one group, which is called `site`.
pub(crate) fn start_with_group(group: UpstreamSettings) -> Gateway {
    start_with_groups([("site".to_owned(), group)].into(), Vec::new(), Resolver::System)
}

/// Starts a gateway in front of several groups.
pub(crate) fn start_with_groups(
    upstreams: Upstreams,
    route: Vec<Route>,
    resolver: Resolver,
) -> Gateway {
    let folder = tempfile::tempdir().expect("a folder");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        upstreams,
        route,
        listen: Some(vec![any]),
        admin: any,
        data: folder.path().join("data"),
        threads: Some(Count::of(1)),
        ..Settings::default()
    };
    // What is not written as it is read would be another gateway.
    let text = settings.to_toml().expect("settings can be written");
    assert_eq!(Settings::parse("kelisim.toml", &text).expect("it can be read"), settings);
    let mut config = settings.config().expect("settings that fit together");
    config.resolver = resolver;
    let files = rule_files(Path::new("rules")).expect("the shipped rules");
    let running = start_with(&config, &files, &Clock::System).expect("a gateway");
    Gateway { running, config, _folder: folder }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    /// A field's value, or nothing.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Reads an answer to its end.
    pub(crate) async fn read(response: Response<h2::RecvStream>) -> Answer {
        let (parts, mut stream) = response.into_parts();
        let mut body = Vec::new();
        while let Some(data) = timeout(PATIENCE, stream.data()).await.expect("in time") {
            let data = data.expect("a body");
            stream.flow_control().release_capacity(data.len()).expect("it was taken");
            body.extend_from_slice(&data);
        }
        let trailers = stream.trailers().await.expect("an end");
        let status = parts.status.as_u16();
        Answer { status, headers: parts.headers, body: body.into(), trailers }
    }
}

/// A visitor's HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Visitor(SendRequest<Bytes>);

impl Gateway {
    /// Where it listens for HTTP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.plain[0]
    }

    /// Reads its files once more, with the settings that it has, and says what is wrong with them.
    pub(crate) fn reload(&self) -> Result<(), String> {
        self.running.reload.reload(Ok(self.config.clone())).map_err(|error| error.to_string())
    }

    /// A visitor who speaks HTTP/2.
    pub(crate) async fn visitor(&self) -> Visitor {
        let stream = tokio::net::TcpStream::connect(self.address()).await.expect("it listens");
        let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        Visitor(sender)
    }

    /// What a visitor gets who speaks HTTP/1.1 and says this.
    pub(crate) fn say(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(request).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What an address of its metrics says.
    pub(crate) fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.running.admin).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it closes");
        answer
    }

    /// What is counted of a server: the number behind `name`.
    pub(crate) fn counted(&self, name: &str, site: &Site) -> u64 {
        let (metrics, address) = (self.metrics(), format!("server=\"http://{}\"}} ", site.address));
        let name = format!("kelisim_upstream_{name}{{");
        let line = metrics.lines().find(|line| line.starts_with(&name) && line.contains(&address));
        let line = line.unwrap_or_else(|| panic!("no {name} of {address} in {metrics}"));
        line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    }
}

impl Visitor {
    /// Sends a head; the body may follow.
    pub(crate) async fn send(
        &self,
        request: Request<()>,
        ends: bool,
    ) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        let mut sender = self.0.clone().ready().await.expect("it is open");
        sender.send_request(request, ends).expect("it is taken")
    }

    /// Asks for a path and waits for the whole answer.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(format!("http://send-box.com{path}")).body(()).expect("one")).await
    }

    /// Sends a request without a body and waits for the whole answer.
    pub(crate) async fn ask(&self, request: Request<()>) -> Answer {
        let (response, _) = self.send(request, true).await;
        let response = timeout(PATIENCE, response).await.expect("in time");
        Answer::read(response.expect("an answer")).await
    }
}
