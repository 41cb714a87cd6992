//! A visitor who sends bytes and reads what comes back, to the end.
//!
//! One who has the answers says that no more will come, so that the connection ends. Said earlier it
//! would be a race: HAProxy drops requests that wait behind others when it hears of the end first.
//!
//! A proxy that reads a body as longer than it is says nothing and waits. So where something is wrong
//! the visitor waits a little only ([`MOMENT`]), and then says that no more will come. Nothing hangs
//! on that time: a slower answer is read all the same.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::cases::Case;
use super::upstream::MARK;
use crate::PATIENCE;
use crate::message::Message;

/// How long an answer may take before the visitor takes the other side to be waiting.
const MOMENT: Duration = Duration::from_millis(300);

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Answers, without interim ones.
    pub(crate) answers: Vec<Answer>,
    /// Whether the other side ended the connection.
    pub(crate) closed: bool,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Whether the upstream gave it.
    pub(crate) upstream: bool,
}

impl Heard {
    /// How many answers the upstream gave to requests that it took for good ones.
    pub(crate) fn passed(&self) -> usize {
        self.answers.iter().filter(|answer| answer.upstream && answer.status == 200).count()
    }
}

/// The answers as a failure shows them.
impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for Answer { status, upstream } in &self.answers {
            write!(
                f,
                "{status} from {}, ",
                if *upstream { "the upstream" } else { "the gateway" }
            )?;
        }
        f.write_str(if self.closed { "then closed" } else { "then nothing, and not closed" })
    }
}

/// Sends a case, and reads all that comes, to the end of the connection.
pub(crate) fn send(to: SocketAddr, case: &Case) -> Heard {
    let mut visitor = Visitor::send(to, case);
    let wait = if case.outcome.refuses() { MOMENT } else { PATIENCE };
    if let Some(heard) = visitor.listen(wait, Some(case.outcome.answers()))
        && heard.closed
    {
        return heard;
    }
    // Refused in the middle, the connection may be gone.
    let _ = visitor.stream.shutdown(Shutdown::Write);
    visitor.listen(PATIENCE, None).unwrap_or_else(|| visitor.heard(false))
}

/// Sends a case, and stays until the answers are there that must come, and the end where there must
/// be one.
pub(crate) fn send_and_stay(to: SocketAddr, case: &Case) -> Heard {
    let mut visitor = Visitor::send(to, case);
    let enough = (!case.outcome.refuses()).then(|| case.outcome.answers());
    visitor.listen(PATIENCE, enough).unwrap_or_else(|| visitor.heard(false))
}

/// A connection, and what has come by it.
struct Visitor {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Visitor {
    fn send(to: SocketAddr, case: &Case) -> Visitor {
        let mut stream = TcpStream::connect(to).expect("it listens");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        // Whoever refuses need not read all of it.
        let _ = stream.write_all(&case.bytes);
        Visitor { stream, bytes: Vec::new() }
    }

    /// Reads until enough answers have come, or until the end; nothing when that takes too long.
    fn listen(&mut self, wait: Duration, enough: Option<usize>) -> Option<Heard> {
        self.stream.set_read_timeout(Some(wait)).expect("a socket");
        let mut buffer = [0; 16 * 1024];
        loop {
            let closed = match self.stream.read(&mut buffer) {
                Ok(0) => true,
                Ok(taken) => {
                    self.bytes.extend(&buffer[..taken]);
                    false
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                // Closed with bytes unread is a reset; what came before it was read above.
                Err(_) => true,
            };
            let heard = self.heard(closed);
            if closed || enough.is_some_and(|enough| heard.answers.len() >= enough) {
                return Some(heard);
            }
        }
    }

    fn heard(&self, closed: bool) -> Heard {
        Heard { answers: answers(&self.bytes, closed), closed }
    }
}

/// The answers in what came.
fn answers(bytes: &[u8], ended: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut rest = bytes;
    while let Some((message, taken)) = Message::read(rest, ended, false) {
        if !message.whole && !ended {
            break;
        }
        let status = message.status();
        if !(100..200).contains(&status) {
            answers.push(Answer { status, upstream: message.values(MARK).next().is_some() });
        }
        rest = &rest[taken..];
    }
    answers
}
