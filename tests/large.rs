//! Bodies of any length pass in flat memory.
//!
//! 200 MB each way, by length and in chunks; with `LARGE_BYTES=10000000000` as many as that. The gateway
//! is a process of its own, and its peak is read from the system.
//!
//! The end that reads does not begin before the end that writes is stuck: a gateway that took in what nobody
//! takes from it would be seen at once.

#[path = "harness/message.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod message;
#[path = "harness/program.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod program;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use program::Program;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long nobody must take a byte for the end that writes to be stuck.
const STUCK: Duration = Duration::from_millis(300);

/// What a body may cost: buffers of the connections, and what the allocator keeps.
const GROWTH_BYTES_MAX: u64 = 8 << 20;

const BLOCK_BYTES: usize = 64 * 1000;

/// A body is this over and over; a byte that is lost or moved shows.
fn block() -> Vec<u8> {
    (0..=250).cycle().take(BLOCK_BYTES).collect()
}

/// How a body is delimited.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunks,
}

impl Framing {
    fn field(self, bytes: usize) -> String {
        match self {
            Framing::Length => format!("Content-Length: {bytes}"),
            Framing::Chunks => "Transfer-Encoding: chunked".to_owned(),
        }
    }

    /// Writes so much of a body, and tells when nobody takes it.
    fn write(self, to: &mut TcpStream, bytes: usize, stuck: &Sender<()>) {
        to.set_write_timeout(Some(STUCK)).expect("a socket");
        let block = block();
        let framed = match self {
            Framing::Length => block,
            Framing::Chunks => {
                [format!("{BLOCK_BYTES:x}\r\n").as_bytes(), &block, b"\r\n"].concat()
            }
        };
        let end: &[u8] = if matches!(self, Framing::Chunks) { b"0\r\n\r\n" } else { b"" };
        let blocks = std::iter::repeat_n(&framed[..], bytes / BLOCK_BYTES);
        for mut rest in blocks.chain([end]) {
            while !rest.is_empty() {
                match to.write(rest) {
                    Ok(written) => rest = &rest[written..],
                    // The reader may have begun, and hears no more of it.
                    Err(error) if error.kind() == ErrorKind::WouldBlock => drop(stuck.send(())),
                    Err(error) => panic!("somebody reads: {error}"),
                }
            }
        }
    }

    /// Reads a body to its end, and checks each byte.
    fn read(self, from: &mut impl BufRead, bytes: usize) {
        let (block, mut at) = (block(), 0);
        let mut take = |from: &mut dyn Read, mut count: usize| {
            let mut buffer = vec![0; BLOCK_BYTES];
            while count > 0 {
                let place = at % BLOCK_BYTES;
                let some = count.min(BLOCK_BYTES - place);
                from.read_exact(&mut buffer[..some]).expect("more comes in time");
                assert!(buffer[..some] == block[place..place + some], "other bytes at {at}");
                (at, count) = (at + some, count - some);
            }
        };
        match self {
            Framing::Length => take(from, bytes),
            Framing::Chunks => loop {
                let mut line = String::new();
                from.read_line(&mut line).expect("more comes in time");
                let size = usize::from_str_radix(line.trim(), 16).expect("a size");
                take(from, size);
                from.read_line(&mut String::new()).expect("more comes in time");
                if size == 0 {
                    break;
                }
            },
        }
        assert_eq!(at, bytes);
    }
}

fn reader(stream: &TcpStream) -> BufReader<TcpStream> {
    let stream = stream.try_clone().expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    BufReader::with_capacity(256 * 1024, stream)
}

fn skip_head(from: &mut impl BufRead) {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(from.read_line(&mut line).expect("a head comes in time") > 0, "there is a head");
    }
}

/// Sends a body from one end to the other.
fn carry(mut from: TcpStream, to: &mut impl BufRead, framing: Framing, bytes: usize) -> TcpStream {
    let (tell, stuck) = channel();
    let writer = std::thread::spawn(move || {
        framing.write(&mut from, bytes, &tell);
        from
    });
    stuck.recv_timeout(PATIENCE).expect("what nobody takes is not taken in");
    framing.read(to, bytes);
    writer.join().expect("all of it was written")
}

#[test]
fn a_body_of_any_length_passes_in_flat_memory() {
    let wanted = std::env::var("LARGE_BYTES")
        .map_or(200_000_000, |bytes| bytes.parse().expect("LARGE_BYTES is a number of bytes"));
    let bytes = wanted / BLOCK_BYTES * BLOCK_BYTES;
    let data = tempfile::tempdir().expect("a folder");
    let site = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = site.local_addr().expect("it is bound");
    let gateway = Program::run(address, data.path()).start();
    let mut before = None;
    // A short round first: what the first use of anything costs is not what a body costs.
    for bytes in [50 * BLOCK_BYTES * 16, bytes] {
        for framing in [Framing::Length, Framing::Chunks] {
            let mut visitor = TcpStream::connect(gateway.plain).expect("it listens");
            let field = framing.field(bytes);
            let head = format!("PUT /a HTTP/1.1\r\nHost: send-box.com\r\n{field}\r\n\r\n");
            visitor.write_all(head.as_bytes()).expect("it reads");
            let (mut site, _) = site.accept().expect("the gateway comes");
            let mut asked = reader(&site);
            skip_head(&mut asked);
            let since = Instant::now();
            let visitor = carry(visitor, &mut asked, framing, bytes);
            let up = since.elapsed();

            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{field}\r\n\r\n");
            site.write_all(head.as_bytes()).expect("it reads");
            let mut answered = reader(&visitor);
            skip_head(&mut answered);
            let since = Instant::now();
            carry(site, &mut answered, framing, bytes);
            let down = since.elapsed();
            println!("{bytes} bytes, {framing:?}: up in {up:.1?}, down in {down:.1?}");
        }
        let peak = gateway.peak_memory();
        println!("peak after: {} KiB", peak / 1024);
        let before = *before.get_or_insert(peak);
        assert!(peak <= before + GROWTH_BYTES_MAX, "{before} bytes grew to {peak}");
    }
}
