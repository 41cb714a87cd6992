//! The site behind the door: it keeps every byte that reaches it.
//!
//! It answers one request on each connection and says that it will answer no more, so that every
//! connection ends, and all that was sent on it is known. What comes after the answer is kept, too:
//! that is what smuggling looks like.
//!
//! Its record is taken when it is complete. Nothing waits for a time to pass: a connection of its
//! own, last in the queue, tells it that all earlier ones were accepted.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::request::{Reading, Request, read};
use crate::PATIENCE;

/// The field by which its answers are known.
pub(crate) const MARK: &str = "X-Upstream";

/// A recording site.
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    record: Arc<Record>,
}

/// What has come, and a bell for whoever waits for more.
#[derive(Default)]
struct Record {
    connections: Mutex<Vec<Connection>>,
    changed: Condvar,
}

/// One connection to the site.
struct Connection {
    peer: SocketAddr,
    /// A second handle, to cut it with.
    stream: TcpStream,
    bytes: Vec<u8>,
    ended: bool,
}

/// What the site has got.
#[derive(Debug, Default)]
pub(crate) struct Got {
    /// Requests that came to their end.
    pub(crate) whole: Vec<Request>,
    /// How many more began.
    pub(crate) parts: usize,
    /// How many more were no requests by strict rules.
    pub(crate) malformed: usize,
    /// What another server might read differently.
    pub(crate) doubts: Vec<String>,
}

impl Upstream {
    /// A site on a port of its own.
    pub(crate) fn start() -> Upstream {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let record = Arc::new(Record::default());
        let kept = Arc::clone(&record);
        std::thread::spawn(move || {
            while let Ok((stream, peer)) = listener.accept() {
                let copy = stream.try_clone().expect("a descriptor is free");
                let number = {
                    let mut connections = kept.lock();
                    let bytes = Vec::new();
                    connections.push(Connection { peer, stream: copy, bytes, ended: false });
                    connections.len() - 1
                };
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || kept.listen(stream, number));
            }
        });
        Upstream { address, record }
    }

    /// All that came since the last time. Every connection has to end by itself; one that does not
    /// is cut and told of.
    pub(crate) fn take(&self) -> Result<Got, String> {
        let knock = TcpStream::connect(self.address).expect("the site listens");
        let last = knock.local_addr().expect("it is connected");
        drop(knock);
        let under_way = |connections: &mut Vec<Connection>| {
            !connections.iter().any(|connection| connection.peer == last)
                || connections.iter().any(|connection| !connection.ended)
        };
        let wait = |connections| {
            let waited = self.record.changed.wait_timeout_while(connections, PATIENCE, under_way);
            waited.expect("no holder panics")
        };
        let (mut connections, waited) = wait(self.record.lock());
        if !waited.timed_out() {
            // Their threads are done, so no number is in use any more.
            return Ok(got(&std::mem::take(&mut *connections)));
        }
        let mut left = Vec::new();
        for connection in connections.iter().filter(|connection| !connection.ended) {
            left.push(connection.bytes.escape_ascii().to_string());
            // It may be gone by now.
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        let (mut connections, _) = wait(connections);
        connections.clear();
        Err(format!("connections to the upstream stay open: {left:?}"))
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections.lock().expect("no holder panics")
    }

    /// Reads a connection to its end.
    fn listen(&self, mut stream: TcpStream, number: usize) {
        let mut buffer = [0; 16 * 1024];
        let mut answered = false;
        loop {
            // A reset is an end as well.
            let taken = stream.read(&mut buffer).unwrap_or(0);
            let mut connections = self.lock();
            let connection = &mut connections[number];
            if taken == 0 {
                connection.ended = true;
                self.changed.notify_all();
                return;
            }
            connection.bytes.extend(&buffer[..taken]);
            let answer = if answered { None } else { answer(&connection.bytes) };
            drop(connections);
            if let Some(answer) = answer {
                answered = true;
                // Whoever asked may be gone.
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.shutdown(Shutdown::Write);
            }
        }
    }
}

/// The answer to what has come, when it has come to an end.
fn answer(bytes: &[u8]) -> Option<String> {
    let (status, body) = match read(bytes) {
        Reading::Part => return None,
        Reading::Whole(request, _) if request.line.starts_with(b"HEAD ") => ("200 OK", ""),
        Reading::Whole(..) => ("200 OK", "ok"),
        Reading::Malformed(_) => ("400 Bad Request", "malformed"),
    };
    Some(format!(
        "HTTP/1.1 {status}\r\n{MARK}: 1\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    ))
}

/// Reads what came on each connection.
fn got(connections: &[Connection]) -> Got {
    let mut got = Got::default();
    for Connection { bytes, .. } in connections.iter().filter(|one| !one.bytes.is_empty()) {
        match read(bytes) {
            Reading::Part => got.parts += 1,
            Reading::Malformed(why) => {
                got.malformed += 1;
                got.doubts.push(why);
            }
            Reading::Whole(request, taken) => {
                got.doubts.extend(request.doubts());
                if taken < bytes.len() {
                    let rest = bytes[taken..].escape_ascii();
                    got.doubts.push(format!("a second request follows: `{rest}`"));
                }
                got.whole.push(request);
            }
        }
    }
    got
}
