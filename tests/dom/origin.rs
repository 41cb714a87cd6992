//! A site of one page, which is another each time.
//!
//! The original and what the gate makes of it come from the same address, so that relative addresses
//! in them are the same. What is asked for besides the page is answered by 404 and written down.
//!
//! Every page comes with a policy under which none of its scripts runs and nothing is fetched. The
//! browser reads it as one that runs scripts all the same: its `<noscript>` holds text.
//!
//! Who asks is in [`super::reader`].

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// Where the page is.
const PATH: &str = "/page";

const POLICY: &str = "default-src 'none'; script-src 'none'";

/// A page as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// The running site; its thread ends with the test's process.
pub(crate) struct Origin {
    /// The page's address.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    page: Option<Page>,
    requests: Vec<String>,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Browsers open connections ahead and say nothing on them: each has its thread.
                std::thread::spawn(move || answer(stream, &state));
            }
        });
        Self { url: format!("http://{address}{PATH}"), state }
    }

    /// From now on this is the page, and nothing has been asked for.
    pub(crate) fn put(&self, page: &Page) {
        let fresh = State { page: Some(page.clone()), requests: Vec::new() };
        *self.state.lock().expect("no holder panics") = fresh;
    }

    /// The paths asked for since.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().expect("no holder panics").requests.clone()
    }
}

/// Answers one request. A browser that hangs up before is not minded.
fn answer(mut stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    // To the empty line: what is left unread when a connection closes takes the answer with it.
    while !lines.next()?.ok()?.is_empty() {}
    let path = first.split(' ').nth(1)?.to_owned();
    let page = {
        let mut state = state.lock().expect("no holder panics");
        state.requests.push(path.clone());
        state.page.clone().filter(|_| path == PATH)
    };
    let (status, page) = match page {
        Some(page) => ("200 OK", page),
        None => ("404 Not Found", Page { content_type: "text/plain".to_owned(), body: Vec::new() }),
    };
    let Page { content_type, body } = page;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
        Content-Security-Policy: {POLICY}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}
