//! What a visitor is told ahead of the answer: interim responses (RFC 9110 §15.2).
//!
//! The site may say `100 Continue`, `103 Early Hints` and others before it answers, and hyper's server
//! can write none of them. So they take a way of their own: hyper's client reports them to [`Heard`],
//! the path judges them as it judges answers, and the front door writes what [`Ahead`] holds whenever
//! hyper itself has nothing to write.
//!
//! A visitor who sent `Expect: 100-continue` keeps the body back. The site is asked first, and what it
//! says is what the visitor gets; only if it says nothing for [`PATIENCE`] the gateway asks for the body.
//! After a final answer nobody wants the body: the connection closes, since what the visitor sends next
//! could be that body or a request (RFC 9110 §10.1.1).
//!
//! Only HTTP/1.1 has a way for them: HTTP/1.0 knows none, and hyper's HTTP/2 sends none.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, Version};
use hyper::ext::on_informational;

use super::EXPECTS;

/// How long the site may keep silent about a body before the visitor is asked for it all the same. Sites
/// that know no expectations wait for the body, and never say anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How many heads of the site may wait for the visitor to take those before; more are dropped.
const HEADS_MAX: usize = 16;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The way to a visitor past hyper: one head that waits for the front door to write it.
#[derive(Clone, Debug, Default)]
pub struct Ahead(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    head: Option<Bytes>,
    sender: Option<Waker>,
}

impl Ahead {
    /// What is to be written next.
    pub fn take(&self) -> Option<Bytes> {
        let mut slot = lock(&self.0);
        let head = slot.head.take()?;
        if let Some(sender) = slot.sender.take() {
            sender.wake();
        }
        Some(head)
    }

    /// Waits until the door has taken the head: the answer must not overtake it.
    pub async fn say(&self, head: Bytes) {
        lock(&self.0).head = Some(head);
        poll_fn(|cx| {
            let mut slot = lock(&self.0);
            if slot.head.is_none() {
                return Poll::Ready(());
            }
            slot.sender = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Nothing that holds the lock can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The visitor of one request, who may be told something before the answer.
#[derive(Debug)]
pub(super) struct Listener<'a> {
    ahead: Option<&'a Ahead>,
    body: Cell<Awaited>,
}

/// What a visitor knows of whether their body is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// They do not ask.
    No,
    /// They keep it back.
    Yes,
    /// The site has asked for it.
    BySite,
    /// The gateway has: the site had said nothing for too long, or has no say.
    ByUs,
}

impl<'a> Listener<'a> {
    pub(super) fn new(ahead: Option<&'a Ahead>, parts: &Parts) -> Self {
        let ahead = ahead.filter(|_| parts.version == Version::HTTP_11);
        let waits = ahead.is_some() && parts.headers.contains_key(EXPECTS);
        Listener { ahead, body: Cell::new(if waits { Awaited::Yes } else { Awaited::No }) }
    }

    /// Whether the body is kept back, and nobody has asked for it.
    pub(super) fn waits(&self) -> bool {
        self.body.get() == Awaited::Yes
    }

    /// Asks for the body, if it is kept back.
    pub(super) async fn ask_for_body(&self) {
        if let (true, Some(ahead)) = (self.waits(), self.ahead) {
            self.body.set(Awaited::ByUs);
            ahead.say(Bytes::from_static(CONTINUE)).await;
        }
    }

    /// Hears what the site says ahead of its answer to a request.
    pub(super) fn listen<B>(&self, request: &mut Request<B>) -> Heard {
        let heard = Heard::default();
        if self.ahead.is_some() {
            let to = heard.clone();
            on_informational(request, move |head| to.put(head.status(), head.headers()));
        }
        heard
    }

    /// Passes on what the site has said, and the gate has judged.
    pub(super) async fn tell(&self, status: StatusCode, headers: &HeaderMap) {
        let Some(ahead) = self.ahead else { return };
        if status == StatusCode::CONTINUE {
            match self.body.get() {
                Awaited::Yes => self.body.set(Awaited::BySite),
                // A proxy passes on what it has not asked for itself (RFC 9110 §15.2).
                Awaited::No | Awaited::BySite => {}
                // The visitor has heard it from us.
                Awaited::ByUs => return,
            }
        }
        ahead.say(written(status, headers)).await;
    }
}

/// A head as HTTP/1.1 writes it.
fn written(status: StatusCode, headers: &HeaderMap) -> Bytes {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    // It has no body, and so no length (RFC 9110 §8.6).
    for (name, value) in headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// What the site has said ahead of one answer, until the path takes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Heads>>);

#[derive(Debug, Default)]
struct Heads {
    heads: VecDeque<(StatusCode, HeaderMap)>,
    receiver: Option<Waker>,
}

impl Heard {
    fn put(&self, status: StatusCode, headers: &HeaderMap) {
        let mut heard = lock(&self.0);
        if heard.heads.len() < HEADS_MAX {
            heard.heads.push_back((status, headers.clone()));
        }
        if let Some(receiver) = heard.receiver.take() {
            receiver.wake();
        }
    }

    /// The next head.
    pub(super) async fn next(&self) -> (StatusCode, HeaderMap) {
        poll_fn(|cx| {
            let mut heard = lock(&self.0);
            if let Some(head) = heard.heads.pop_front() {
                return Poll::Ready(head);
            }
            heard.receiver = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
