//! How long anything may take, and how much there may be of it, as far as operators may choose.
//!
//! A bound belongs to whoever waits: the front door, the connections to the site, the threads that
//! accept. They are together here because an operator reads them together, as `[timeouts]`,
//! `[limits]` and `[discovery]` of `kelisim.toml`.
//!
//! Bounds without which a request could be read in two ways are no settings: the bytes and fields of
//! a head, the length of a line. They stand beside the code that holds them.

use crate::settings::{Count, Size, Span, settings};

/// All of them, shared by everything that serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// How long.
    pub timeouts: Timeouts,
    /// How much.
    pub limits: Limits,
    /// How much is looked through for what no rule knows.
    pub discovery: Discovery,
}

settings! {
    /// How long anything may take: `"10s"`, `"500ms"`, `"1m 30s"`; from `"1ms"` to `"24h"`.
    pub struct Timeouts {
        /// A request's head, from its first byte on; then 408
        head: Span = Span::of_secs(10);
        /// The rest of a connection between two requests
        idle: Span = Span::of_secs(75);
        /// The wait for a request's body: in each such time it has to come at `limits.body-rate`
        body: Span = Span::of_secs(60);
        /// How long a visitor may take nothing of an answer, or either end of a WebSocket nothing of what was
        /// said to it
        write: Span = Span::of_secs(60);
        /// A TLS handshake
        handshake: Span = Span::of_secs(10);
        /// How often a quiet HTTP/2 connection is asked whether somebody is still there
        ping: Span = Span::of_secs(60);
        /// The making of a connection to the site; then 502
        connect: Span = Span::of_secs(5);
        /// Silence of the site: nothing of an upload taken, no head of an answer (then 504), or a pause in
        /// its body (then it is cut)
        answer: Span = Span::of_secs(60);
        /// The rest of a connection to the site before it is closed rather than used again; less than the
        /// site's own keep-alive
        rest: Span = Span::of_secs(50);
        /// How long requests may go on after the gateway was told to stop
        drain: Span = Span::of_secs(30);
    }
}

settings! {
    /// How much there may be of anything. Threads are counted by `threads`.
    pub struct Limits {
        /// Connections for each thread, open at once over all of them; more wait to be accepted. Fewer where
        /// the process may not have two descriptors for each
        connections: Count<1, 1_000_000> = Count::of(10_000);
        /// Connections of one address (of IPv6 a /64) open at once; more are closed. 0 is no bound
        connections_per_address: Count<0, 1_000_000> = Count::of(1_000);
        /// Requests of one address each second; more get 429. 0 is no bound
        requests_per_address: Count<0, 1_000_000> = Count::of(0);
        /// Requests of one address at once, after a time without
        burst_per_address: Count<1, 1_000_000> = Count::of(100);
        /// Choices of one address each minute; more get 429. 0 is no bound
        choices_per_address: Count<0, 1_000_000> = Count::of(30);
        /// Connections that wait to be accepted, for each address and thread; the kernel's `somaxconn`
        /// bounds it too
        backlog: Count<1, 65_535> = Count::of(4096);
        /// Requests open at once on one HTTP/2 connection
        streams: Count<1, 10_000> = Count::of(100);
        /// What a visitor may send ahead on one HTTP/2 request
        stream_window: Size<16_384, 16_777_216> = Size::of_bytes(64 << 10);
        /// What a visitor may send ahead on one HTTP/2 connection
        connection_window: Size<65_536, 1_073_741_824> = Size::of_bytes(1 << 20);
        /// Bytes a second of a request's body that is waited for; less is no line but an attack
        body_rate: Count<1, 1_000_000> = Count::of(100);
        /// Connections to the site that one thread keeps for later
        resting: Count<0, 100_000> = Count::of(256);
    }
}

settings! {
    /// Which pages, and which answers that set cookies, are looked through for what no rule knows.
    pub struct Discovery {
        /// Of so many one, on each thread; 0 is none but the first
        one_in: Count<0, 1_000_000> = Count::of(100);
        /// The first after a start, on each thread, one and all
        first: Count<0, 1_000_000> = Count::of(100);
    }
}
