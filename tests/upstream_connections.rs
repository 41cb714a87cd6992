//! The connections that requests share over HTTP/2: how many there are, what becomes of one that ends or is
//! dead, and what is asked again on another.

#[allow(dead_code, reason = "the tests of several sites use more of it")]
mod upstream;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use http::Request;
use kelisim::settings::Span;
use tokio::task::JoinHandle;
use upstream::gateway::{Visitor, start};
use upstream::secured::secured;
use upstream::site::{Site, Speaks};

/// Asks for `/wait` so many times at once.
fn wait_at_once(visitor: &Visitor, times: usize) -> Vec<JoinHandle<u16>> {
    let ask = |_| {
        let visitor = visitor.clone();
        tokio::spawn(async move { visitor.get("/wait").await.status })
    };
    (0..times).map(ask).collect()
}

async fn all_answered(waiting: Vec<JoinHandle<u16>>) {
    for one in waiting {
        assert_eq!(one.await.expect("it ran"), 200);
    }
}

#[tokio::test]
async fn a_burst_shares_one_connection_and_a_full_one_is_joined_by_another() {
    let secured = secured("localhost", &["h2"]);
    let gateway = secured.gateway();
    let visitor = gateway.visitor().await;
    let waiting = wait_at_once(&visitor, 60);
    secured.site.is_waited_for(60).await;
    assert_eq!(secured.site.connections(), 1);
    secured.site.go_on(60);
    all_answered(waiting).await;

    // A site that takes two requests at a time on a connection: who waits longest waits for five others.
    let site = Site::named("narrow", Speaks::Http2, 2);
    let gateway = start(&format!("h2c://{}", site.address), |_| {});
    let visitor = gateway.visitor().await;
    let waiting = wait_at_once(&visitor, 12);
    site.is_waited_for(12).await;
    assert_eq!(site.connections(), 6);
    site.go_on(12);
    all_answered(waiting).await;
    assert_eq!(visitor.get("/").await.status, 200);
    assert_eq!(site.connections(), 6);
}

#[tokio::test]
async fn of_a_crowd_each_waits_for_a_connection_that_comes_free_and_has_its_own_where_none_does() {
    let site = Site::start(Speaks::Http1);
    let gateway = start(&format!("http://{}", site.address), |_| {});
    let visitors = [gateway.visitor().await, gateway.visitor().await, gateway.visitor().await];
    let at_once = |path: &'static str| -> Vec<JoinHandle<u16>> {
        let ask = |n: usize| {
            let visitor = visitors[n % visitors.len()].clone();
            tokio::spawn(async move { visitor.get(path).await.status })
        };
        (0..240).map(ask).collect()
    };
    // The site answers at once, so those who wait are served by the first connections.
    all_answered(at_once("/")).await;
    assert!(site.connections() < 200, "{} connections for 240 at once", site.connections());
    // It answers nobody before all have asked.
    let waiting = at_once("/wait");
    site.is_waited_for(240).await;
    assert_eq!(site.connections(), 240);
    site.go_on(240);
    all_answered(waiting).await;
}

/// The frames of HTTP/2, as far as a site needs them that leaves in the middle.
mod frames {
    use super::{Read, TcpStream, Write};

    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const GOAWAY: u8 = 7;

    /// Reads a frame: its kind, whether it ends the stream, the stream. Nothing at the end.
    pub(super) fn read(stream: &mut TcpStream) -> Option<(u8, bool, u32)> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).ok()?;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((head[3], head[4] & 1 == 1, id))
    }

    /// Writes a frame; a gateway that has left is no failure.
    pub(super) fn write(stream: &mut TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short one").to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(id.to_be_bytes());
        frame.extend(payload);
        let _ = stream.write_all(&frame);
    }

    /// `:status: 200` and no more.
    pub(super) fn answer(stream: &mut TcpStream, id: u32) {
        write(stream, HEADERS, 5, id, &[0x88]);
    }
}

/// What a site does with the requests of its connections.
type Conduct = fn(&mut TcpStream, connection: usize, requests: &[u32]) -> Next;

enum Next {
    Stay,
    /// Take no more requests, and close when the gateway has.
    Leave,
    /// Close at once, whatever is on its way.
    Die,
}

/// A site made of bare frames: `conduct` is called at each whole request with all the streams so far.
fn bare(conduct: Conduct) -> (SocketAddr, Receiver<usize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (opened, connections) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            if opened.send(number).is_err() {
                return;
            }
            std::thread::spawn(move || {
                let mut preface = [0; 24];
                stream.read_exact(&mut preface).expect("a preface");
                frames::write(&mut stream, frames::SETTINGS, 0, 0, &[]);
                let mut requests = Vec::new();
                while let Some((kind, ends, id)) = frames::read(&mut stream) {
                    if kind == frames::SETTINGS && !ends {
                        frames::write(&mut stream, frames::SETTINGS, 1, 0, &[]);
                    }
                    if ends && matches!(kind, frames::HEADERS | frames::DATA) {
                        requests.push(id);
                        match conduct(&mut stream, number, &requests) {
                            Next::Stay => {}
                            Next::Leave => while frames::read(&mut stream).is_some() {},
                            Next::Die => return,
                        }
                    }
                }
            });
        }
    });
    (address, connections)
}

fn last_stream(id: u32) -> [u8; 8] {
    let [a, b, c, d] = id.to_be_bytes();
    [a, b, c, d, 0, 0, 0, 0]
}

#[tokio::test]
async fn a_site_that_goes_away_in_the_middle_fails_no_request() {
    // Every seventh request is answered and is the last of its connection.
    let (address, connections) = bare(|stream, _, requests| {
        let id = requests[requests.len() - 1];
        if requests.len() < 7 {
            frames::answer(stream, id);
            return Next::Stay;
        }
        frames::write(stream, frames::GOAWAY, 0, 0, &last_stream(id));
        frames::answer(stream, id);
        Next::Leave
    });
    let gateway = start(&format!("h2c://{address}"), |_| {});
    let visitor = gateway.visitor().await;
    for number in 0..100 {
        assert_eq!(visitor.get("/").await.status, 200, "request {number}");
    }
    assert!(connections.try_iter().count() >= 14);
    // And so for many at once, whose streams are open on either side of the last one.
    let run = |_| {
        let visitor = visitor.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                assert_eq!(visitor.get("/").await.status, 200);
            }
        })
    };
    for one in (0..8).map(run).collect::<Vec<_>>() {
        one.await.expect("no request failed");
    }
}

#[tokio::test]
async fn what_a_site_did_not_begin_with_is_asked_again_whatever_it_is() {
    // The first connection takes five requests, answers the first, and begins with no other.
    let (address, connections) = bare(|stream, connection, requests| {
        let id = requests[requests.len() - 1];
        if connection > 0 {
            frames::answer(stream, id);
        } else if requests.len() == 5 {
            frames::write(stream, frames::GOAWAY, 0, 0, &last_stream(requests[0]));
            frames::answer(stream, requests[0]);
            return Next::Leave;
        }
        Next::Stay
    });
    let gateway = start(&format!("h2c://{address}"), |_| {});
    let visitor = gateway.visitor().await;
    let asked: Vec<_> = (0..5)
        .map(|_| {
            let visitor = visitor.clone();
            let request = Request::post("http://send-box.com/").body(()).expect("a request");
            tokio::spawn(async move { visitor.ask(request).await.status })
        })
        .collect();
    for one in asked {
        assert_eq!(one.await.expect("it ran"), 200);
    }
    assert_eq!(connections.try_iter().count(), 2);

    // A site that refuses each first stream of a connection.
    let (address, _connections) = bare(|stream, _, requests| {
        let id = requests[requests.len() - 1];
        match requests.len() {
            1 => frames::write(stream, frames::RST_STREAM, 0, id, &7_u32.to_be_bytes()),
            _ => frames::answer(stream, id),
        }
        Next::Stay
    });
    let gateway = start(&format!("h2c://{address}"), |_| {});
    let request = Request::post("http://send-box.com/").body(()).expect("a request");
    assert_eq!(gateway.visitor().await.ask(request).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_is_dead_is_found_out_and_replaced() {
    // The first connection takes a request and is silent from then on, to pings too.
    let (address, connections) = bare(|stream, connection, requests| {
        if connection > 0 {
            frames::answer(stream, requests[requests.len() - 1]);
        }
        Next::Stay
    });
    let gateway = start(&format!("h2c://{address}"), |upstream| {
        upstream.ping = Span::of_millis(100);
    });
    let visitor = gateway.visitor().await;
    assert_eq!(visitor.get("/").await.status, 502);
    assert_eq!(visitor.get("/").await.status, 200);
    assert_eq!(connections.try_iter().count(), 2);
}

#[tokio::test]
async fn what_a_site_may_have_begun_with_is_not_asked_again_unless_it_does_no_harm() {
    // Each connection answers one request and dies under the second.
    let (address, connections) = bare(|stream, _, requests| match requests.len() {
        1 => {
            frames::answer(stream, requests[0]);
            Next::Stay
        }
        _ => Next::Die,
    });
    let gateway = start(&format!("h2c://{address}"), |_| {});
    let visitor = gateway.visitor().await;
    let ask = async |method: &str| {
        let request = Request::builder().method(method).uri("http://send-box.com/");
        visitor.ask(request.body(()).expect("a request")).await.status
    };
    assert_eq!(ask("GET").await, 200);
    assert_eq!(ask("GET").await, 200, "on a new connection");
    assert_eq!(ask("POST").await, 502);
    assert_eq!(ask("POST").await, 200);
    assert_eq!(connections.try_iter().count(), 3);
}
