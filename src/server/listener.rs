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
/// Listeners that were `given` for it are used first, all of them: on each, connections may be waiting.
pub fn bind(
    address: SocketAddr,
    threads: usize,
    backlog: usize,
    given: &mut Vec<TcpListener>,
) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    let is_for = |listener: &mut TcpListener| listener.local_addr().is_ok_and(|at| at == address);
    let mut listeners: Vec<TcpListener> = given.extract_if(.., is_for).collect();
    if listeners.is_empty() {
        listeners.push(listen(address, backlog)?);
    }
    let bound = listeners[0].local_addr()?;
    while listeners.len() < threads {
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
        let (bound, listeners) =
            bind("127.0.0.1:0".parse().unwrap(), 3, 16, &mut Vec::new()).unwrap();
        assert_ne!(bound.port(), 0);
        for listener in listeners {
            assert_eq!(listener.local_addr().unwrap(), bound);
        }
    }

    #[test]
    fn what_was_given_is_used_and_the_rest_is_left() {
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let (bound, mut given) = bind(anywhere, 3, 16, &mut Vec::new()).unwrap();
        let (other, others) = bind(anywhere, 1, 16, &mut Vec::new()).unwrap();
        given.extend(others);
        let (again, listeners) = bind(bound, 2, 16, &mut given).unwrap();
        assert_eq!((again, listeners.len(), given.len()), (bound, 3, 1));
        assert_eq!(given[0].local_addr().unwrap(), other);
        assert_eq!(bind(other, 2, 16, &mut given).unwrap().1.len(), 2);
    }
}
