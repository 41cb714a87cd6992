//! A site that answers by itself: `/big` with 8 MiB, `/slow` never, the rest with a word.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

/// How long the answer to `/big` is.
pub(crate) const BIG: usize = 8 << 20;

/// Starts a site that lives as long as the test.
pub(crate) fn start() -> SocketAddr {
    // Hundreds come at once, more than the library lets wait.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // What the gateway does not take stays here, and not in the kernel.
    socket.set_send_buffer_size(64 * 1024).expect("a socket");
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&anywhere.into()).expect("a free port");
    socket.listen(1024).expect("it is bound");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let thread = std::thread::Builder::new().stack_size(128 * 1024);
            thread.spawn(move || serve(stream)).expect("a thread");
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket");
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let piece = vec![b'x'; 64 * 1024];
    loop {
        let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") else {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(read) => seen.extend_from_slice(&buffer[..read]),
            }
            continue;
        };
        let head: Vec<u8> = seen.drain(..end + 4).collect();
        let path = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let length = match path {
            b"/big" => BIG,
            b"/slow" => {
                // Until the gateway closes.
                while matches!(stream.read(&mut buffer), Ok(read) if read > 0) {}
                return;
            }
            _ => 2,
        };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let mut left = length;
        let mut sent = stream.write_all(answer.as_bytes());
        while sent.is_ok() && left > 0 {
            let some = left.min(piece.len());
            sent = stream.write_all(&piece[..some]);
            left -= some;
        }
        if sent.is_err() {
            return;
        }
    }
}
