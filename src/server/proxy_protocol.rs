//! Who asks, as a balancer in front says it: the PROXY protocol, versions 1 and 2.
//!
//! A balancer that joins TCP connections cannot write into HTTP. It says first, before TLS, from where
//! the visitor came to where. Only peers that the operator lists are listened to, and those have to
//! say it: a connection from them without is closed.
//!
//! No byte more is read than the announcement has, so that what follows is read by whoever it is for.
//! [`wanted`] says how many more there are at least; the `proxy-header` library reads what it says.
//!
//! Fields of version 2 that are not addresses are passed over, its checksum too: TCP has one. What is
//! said to the site is [`crate::proxy::Announcement`].

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::proxy::Ends;

/// How long a peer may take to say it.
const DEADLINE: Duration = Duration::from_secs(5);

/// The longest that is read: addresses, names and a certificate's summary take a few hundred bytes.
pub const BYTES_MAX: usize = 4096;

/// The longest line of version 1, by its specification.
const LINE_BYTES_MAX: usize = 107;

/// The shortest of all, `PROXY UNKNOWN` and its end of line.
const BYTES_MIN: usize = 15;

/// What version 2 begins with, up to the length of the rest.
const HEAD_BYTES: usize = 16;

const LINE: &[u8] = b"PROXY ";
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Why there is no announcement.
#[derive(Debug)]
pub enum Unannounced {
    /// What came is none.
    Malformed,
    /// It did not come in time.
    Late,
    /// The connection ended or broke before.
    Gone(std::io::Error),
}

impl fmt::Display for Unannounced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unannounced::Malformed => f.write_str("it does not begin with the PROXY protocol"),
            Unannounced::Late => {
                write!(f, "the PROXY protocol did not come in {} s", DEADLINE.as_secs())
            }
            Unannounced::Gone(error) => write!(f, "it ended within the PROXY protocol: {error}"),
        }
    }
}

/// Reads who asks. Nothing is announced where the peer asks for itself (`LOCAL`, `UNKNOWN`), or names
/// what is no TCP connection.
pub async fn read<S: AsyncRead + Unpin>(io: &mut S) -> Result<Option<Ends>, Unannounced> {
    let whole = async {
        let mut header = Vec::with_capacity(LINE_BYTES_MAX);
        loop {
            match wanted(&header).ok_or(Unannounced::Malformed)? {
                0 => return announced(&header),
                more => {
                    let begun = header.len();
                    header.resize(begun + more, 0);
                    io.read_exact(&mut header[begun..]).await.map_err(Unannounced::Gone)?;
                }
            }
        }
    };
    timeout(DEADLINE, whole).await.unwrap_or(Err(Unannounced::Late))
}

/// How many bytes more an announcement has at least that begins with these; none if they are all of
/// it, nothing if they begin none.
pub fn wanted(header: &[u8]) -> Option<usize> {
    let begins = |with: &[u8]| header.iter().zip(with).all(|(byte, its)| byte == its);
    if !begins(BINARY) && !begins(LINE) {
        return None;
    }
    let len = header.len();
    if len < BYTES_MIN {
        return Some(BYTES_MIN - len);
    }
    if begins(BINARY) {
        let Some(rest) = header.get(14..HEAD_BYTES) else { return Some(HEAD_BYTES - len) };
        let whole = HEAD_BYTES + usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        return whole.checked_sub(len).filter(|_| whole <= BYTES_MAX);
    }
    match header.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        _ if len > LINE_BYTES_MAX => None,
        None => Some(2),
        Some(end) if header[end..] == *b"\r" => Some(1),
        Some(end) if header[end..] == *b"\r\n" => Some(0),
        Some(_) => None,
    }
}

/// What a whole announcement says.
pub fn announced(header: &[u8]) -> Result<Option<Ends>, Unannounced> {
    let config = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };
    let read = ProxyHeader::parse(header, config).ok().filter(|(_, taken)| *taken == header.len());
    let (read, _) = read.ok_or(Unannounced::Malformed)?;
    let tcp = read.proxied_address().filter(|address| address.protocol == Protocol::Stream);
    let canonical =
        |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    Ok(tcp.map(|tcp| Ends { from: canonical(tcp.source), to: canonical(tcp.destination) }))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("it is short").to_be_bytes();
        [BINARY, &[command, family], &length, rest].concat()
    }

    /// What is read of these bytes, which come in pieces of a length, and what is left of them.
    async fn read_in(pieces: usize, bytes: &[u8]) -> (Result<Option<Ends>, Unannounced>, Vec<u8>) {
        let (mut peer, mut io) = duplex(pieces);
        let send = async {
            // Who is refused does not take the rest.
            let _ = peer.write_all(bytes).await;
            drop(peer);
        };
        let take = async {
            let result = read(&mut io).await;
            let mut left = Vec::new();
            if result.is_ok() {
                io.read_to_end(&mut left).await.expect("it ends");
            }
            drop(io);
            (result, left)
        };
        tokio::join!(send, take).1
    }

    /// From where to where.
    type Told = (&'static str, &'static str);

    /// All that can be announced, and what it says.
    fn whole() -> Vec<(Vec<u8>, Option<Told>)> {
        let four = [198, 51, 100, 7, 203, 0, 113, 1, 4, 210, 1, 187];
        let mut six = [0; 36];
        (six[0], six[15], six[16], six[31]) = (0x20, 7, 0x20, 1);
        six[32..].copy_from_slice(&[4, 210, 1, 187]);
        let tlv = [&four[..], &[3, 0, 4, 1, 2, 3, 4], &[0xee, 0, 1, 9]].concat();
        let of_four = Some(("198.51.100.7:1234", "203.0.113.1:443"));
        let of_six = Some(("[2000::7]:1234", "[2000::1]:443"));
        vec![
            (b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 443\r\n".to_vec(), of_four),
            (b"PROXY TCP6 2000::7 2000::1 1234 443\r\n".to_vec(), of_six),
            (b"PROXY TCP6 ::ffff:198.51.100.7 ::ffff:203.0.113.1 1234 443\r\n".to_vec(), of_four),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN 2000::7 2000::1 1234 443\r\n".to_vec(), None),
            (v2(0x21, 0x11, &four), of_four),
            (v2(0x21, 0x21, &six), of_six),
            (v2(0x21, 0x11, &tlv), of_four),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x11, &four), None),
            (v2(0x21, 0x12, &four), None),
            (v2(0x21, 0x31, &[1; 216]), None),
            (v2(0x21, 0x00, &[0; BYTES_MAX - HEAD_BYTES]), None),
        ]
    }

    #[tokio::test]
    async fn it_is_read_however_it_is_cut_and_not_a_byte_more() {
        for (bytes, expected) in whole() {
            let expected = expected.map(|(from, to)| Ends {
                from: from.parse().expect("an address"),
                to: to.parse().expect("an address"),
            });
            for behind in [&b""[..], b"G", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", b"\x16\x03\x01"] {
                for pieces in [1, 2, 3, 7, 16, 10_000] {
                    let all = [&bytes[..], behind].concat();
                    let (read, left) = read_in(pieces, &all).await;
                    let text = bytes.escape_ascii();
                    assert_eq!(read.expect("it is one"), expected, "{text} in {pieces}");
                    assert_eq!(left, behind, "{text} in {pieces}");
                }
            }
        }
    }

    #[tokio::test]
    async fn one_that_ends_early_is_none() {
        for (bytes, _) in whole() {
            for end in (0..bytes.len()).filter(|end| *end < 100 || end % 97 == 0) {
                let (read, _) = read_in(10_000, &bytes[..end]).await;
                assert!(
                    matches!(read, Err(Unannounced::Gone(_))),
                    "{}",
                    bytes[..end].escape_ascii()
                );
            }
        }
    }

    #[tokio::test]
    async fn what_is_malformed_is_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: send-box.com\r\n\r\n"[..],
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03abcdefgh",
            b"PROXY TCP4 198.51.100.7 203.0.113.1 1234\r\n",
            b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 70000\r\n",
            b"PROXY TCP4 2000::7 203.0.113.1 1234 443\r\n",
            b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 443\n\n",
            b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 443\rx",
            b"PROXY tcp4 198.51.100.7 203.0.113.1 1234 443\r\n",
            b"proxy TCP4 198.51.100.7 203.0.113.1 1234 443\r\n",
            b"PROXY\tTCP4 198.51.100.7 203.0.113.1 1234 443\r\n",
            b"PROXY TCP4  198.51.100.7 203.0.113.1 1234 443\r\n",
            b"PROXY UNKNOWN\n\r\n",
            long.as_bytes(),
            &v2(0x31, 0x11, &[0; 12]),
            &v2(0x22, 0x11, &[0; 12]),
            &v2(0x21, 0x41, &[0; 12]),
            &v2(0x21, 0x11, &[0; 11]),
            &v2(0x21, 0x21, &[0; 12]),
            &v2(0x21, 0x00, &[0; BYTES_MAX - HEAD_BYTES + 1]),
        ] {
            let (read, _) = read_in(10_000, bytes).await;
            assert!(
                matches!(read, Err(Unannounced::Malformed)),
                "{} {read:?}",
                bytes.escape_ascii()
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_waited_for_no_longer_than_that() {
        let (_peer, mut io) = duplex(64);
        let began = tokio::time::Instant::now();
        assert!(matches!(read(&mut io).await, Err(Unannounced::Late)));
        assert_eq!(began.elapsed(), DEADLINE);
    }
}
