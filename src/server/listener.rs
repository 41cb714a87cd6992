//! Sockets: bound once, shared by all threads.
//!
//! Each thread has a listener of its own on each address (`SO_REUSEPORT`): the kernel spreads
//! connections over them, and nothing is handed from thread to thread.
//!
//! All are bound before any serves, so that an address in use by another program is an error
//! at start. (By another gateway of the same account it is not: `SO_REUSEPORT` shares it. What
//! keeps two from running by mistake is the lock on their data folder.) Port 0 gives every
//! thread the port that the first one got.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// The same address for each of `threads` threads; on each, `backlog` connections may wait to be accepted.
pub fn bind(
    address: SocketAddr,
    threads: usize,
    backlog: usize,
) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    let first = listen(address, backlog)?;
    let bound = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..threads {
        listeners.push(listen(bound, backlog)?);
    }
    Ok((bound, listeners))
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into()).map_err(named)?;
    socket.listen(backlog).map_err(named)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_zero_gives_all_threads_one_port() {
        let (bound, listeners) = bind("127.0.0.1:0".parse().unwrap(), 3, 16).unwrap();
        assert_ne!(bound.port(), 0);
        for listener in listeners {
            assert_eq!(listener.local_addr().unwrap(), bound);
        }
    }
}
