//! WebSockets that are open while all else changes: both ends, neither of them ours.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tungstenite::error::ProtocolError;
use tungstenite::{Error, Message, WebSocket};

use crate::PATIENCE;

/// How one end has learnt that the other is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The connection was closed (FIN).
    Closed,
    /// By anything else.
    Otherwise(String),
}

fn end(error: &Error) -> End {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Closed,
        // How TLS tells that nobody has taken leave.
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => End::Closed,
        other => End::Otherwise(format!("{other:?}")),
    }
}

/// A site that says everything back, and how each of its WebSockets ended.
pub(crate) fn echo() -> (SocketAddr, Receiver<End>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let (ends, ended) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let ends = ends.clone();
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
                let mut socket = tungstenite::accept(stream).expect("a handshake");
                let error = loop {
                    match socket.read().and_then(|message| socket.send(message)) {
                        Ok(()) => {}
                        Err(error) => break error,
                    }
                };
                // A test that failed no longer listens.
                let _ = ends.send(end(&error));
            });
        }
    });
    (address, ended)
}

trait Wire: Read + Write {}
impl<W: Read + Write> Wire for W {}

/// A visitor's WebSocket.
pub(crate) struct Talk(WebSocket<Box<dyn Wire>>);

impl Talk {
    /// One at this address, over TLS if a configuration is given.
    pub(crate) fn at(gateway: SocketAddr, tls: Option<&ClientConfig>) -> Talk {
        let stream = TcpStream::connect(gateway).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let wire: Box<dyn Wire> = match tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from("send-box.com").expect("a name");
                let tls = ClientConnection::new(Arc::new(tls.clone()), name).expect("a client");
                Box::new(StreamOwned::new(tls, stream))
            }
        };
        let shaken = tungstenite::client("ws://send-box.com/chat", wire);
        Talk(shaken.expect("a handshake").0)
    }

    /// Says something, and hears it again.
    pub(crate) fn echoes(&mut self) -> Result<(), End> {
        let said = Message::text("сәлем");
        self.0.send(said.clone()).map_err(|error| end(&error))?;
        let heard = self.0.read().map_err(|error| end(&error))?;
        assert_eq!(heard, said);
        Ok(())
    }

    /// Waits for the end.
    pub(crate) fn end(&mut self) -> End {
        loop {
            if let Err(error) = self.0.read() {
                return end(&error);
            }
        }
    }
}
