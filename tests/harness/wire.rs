//! One end of a connection, said and heard byte by byte.
//!
//! What is read stays until it is asked for: up to some words, so much, or all of it. Nothing waits
//! longer than [`PATIENCE`].

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use super::PATIENCE;
use super::message::find;

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Wire {
    /// To somebody who listens.
    pub(crate) fn to(address: SocketAddr) -> Wire {
        Wire::over(TcpStream::connect(address).expect("somebody listens"))
    }

    /// From the next who comes.
    pub(crate) fn from(listener: &TcpListener) -> Wire {
        Wire::over(listener.accept().expect("somebody comes").0)
    }

    fn over(stream: TcpStream) -> Wire {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        Wire { stream, heard: Vec::new() }
    }

    /// Says this.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("somebody reads");
    }

    /// Says this to somebody who may have closed.
    pub(crate) fn try_to_say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Says no more, and still hears.
    pub(crate) fn fall_silent(&self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
    }

    /// Breaks the connection off.
    pub(crate) fn break_off(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// What is heard up to these words, with them.
    pub(crate) fn until(&mut self, words: impl AsRef<[u8]>) -> Vec<u8> {
        let words = words.as_ref();
        loop {
            if let Some(at) = find(&self.heard, words) {
                return self.heard.drain(..at + words.len()).collect();
            }
            let heard = self.heard.escape_ascii().to_string();
            assert!(self.hear(), "{} never came, but {heard}", words.escape_ascii());
        }
    }

    /// A head, as text.
    pub(crate) fn head(&mut self) -> String {
        String::from_utf8_lossy(&self.until("\r\n\r\n")).into_owned()
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.heard.len() < count {
            assert!(self.hear(), "it ended at {} bytes of {count}", self.heard.len());
        }
        self.heard.drain(..count).collect()
    }

    /// What the next chunk of a body holds; nothing for the last one, behind which trailers stand.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let line = String::from_utf8(self.until("\r\n")).expect("a size is ASCII");
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("no size: {line}"));
        if size == 0 {
            return Vec::new();
        }
        let mut chunk = self.bytes(size + 2);
        assert_eq!(chunk.split_off(size), b"\r\n");
        chunk
    }

    /// Waits for more, and says whether there is none: the other end has closed.
    pub(crate) fn is_over(&mut self) -> bool {
        self.heard.is_empty() && !self.hear()
    }

    /// All that is heard until the other end closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.hear() {}
        std::mem::take(&mut self.heard)
    }

    fn hear(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(read) => {
                self.heard.extend_from_slice(&buffer[..read]);
                read > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing more in time: {error}"),
        }
    }
}
