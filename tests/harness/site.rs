//! The site behind the gateway, as the scenario speaks for it.
//!
//! It reads requests by itself and answers nothing by itself: each request waits here, with the
//! connection it came by, until the scenario says what becomes of it.
//!
//! While it is down its port is closed: connections are refused, and those that were open are cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::PATIENCE;
use super::message::Message;

/// A request that the site has received.
pub(crate) struct Received {
    /// The request.
    pub(crate) request: Message,
    /// What it came by.
    pub(crate) connection: TcpStream,
}

impl Received {
    /// Sends bytes of the answer.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.connection
            .write_all(bytes)
            .map_err(|error| format!("the gateway no longer takes the site's answer: {error}"))
    }

    /// Cuts the connection.
    pub(crate) fn cut(&self) {
        // It may be gone already, which is what is wanted.
        let _ = self.connection.shutdown(Shutdown::Both);
    }
}

/// A site.
pub(crate) struct Site {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    requests: Receiver<Received>,
    sender: Sender<Received>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    listening: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Site {
    /// A site that is up, on a port of its own.
    pub(crate) fn start() -> Self {
        let (sender, requests) = channel();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut site = Self { address, requests, sender, open: Arc::default(), listening: None };
        site.listen(listener);
        site
    }

    /// Refuses connections from now on, and cuts those that are open.
    pub(crate) fn go_down(&mut self) {
        if let Some((stop, thread)) = self.listening.take() {
            stop.store(true, Ordering::Release);
            // Wakes the listener, which then closes.
            let _ = TcpStream::connect(self.address);
            thread.join().expect("the site's listener ends by itself");
        }
        for connection in self.open.lock().expect("no holder panics").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Listens again, on the same port.
    pub(crate) fn go_up(&mut self) {
        if self.listening.is_none() {
            let listener = TcpListener::bind(self.address).expect("its port is still free");
            self.listen(listener);
        }
    }

    fn listen(&mut self, listener: TcpListener) {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, sender, open) =
            (Arc::clone(&stop), self.sender.clone(), Arc::clone(&self.open));
        let thread = std::thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(copy) = connection.try_clone() {
                    open.lock().expect("no holder panics").push(copy);
                }
                let sender = sender.clone();
                std::thread::spawn(move || serve(connection, &sender));
            }
        });
        self.listening = Some((stop, thread));
    }

    /// The next request, if one comes in time.
    pub(crate) fn next(&self) -> Option<Received> {
        self.requests.recv_timeout(PATIENCE).ok()
    }

    /// A request that has come and that nobody has spoken of.
    pub(crate) fn unexpected(&self) -> Option<Received> {
        self.requests.try_recv().ok()
    }
}

/// A scenario that ends leaves no listener behind.
impl Drop for Site {
    fn drop(&mut self) {
        self.go_down();
    }
}

/// Reads the requests of one connection, until it closes.
fn serve(mut connection: TcpStream, sender: &Sender<Received>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        while let Some((request, taken)) = Message::read(&bytes, false, false) {
            if !request.whole {
                break;
            }
            bytes.drain(..taken);
            let Ok(connection) = connection.try_clone() else { return };
            if sender.send(Received { request, connection }).is_err() {
                return;
            }
        }
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend(&buffer[..read]),
        }
    }
}
