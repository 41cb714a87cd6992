//! A request's body on its way to the site.
//!
//! It may take as long as it goes on. One that the visitor keeps back until it is asked for
//! ([`super::super::interim`]) waits here for the site to ask, and is given up when the site answers
//! instead.
//!
//! As long as nothing of it was read, and nothing said to its request, it can be taken back and sent once
//! more.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::pool::Ticket;
use crate::fault::VisitorFault;
use crate::proxy::body::BodyError;
use crate::proxy::headers;
use crate::proxy::upload::FromVisitor;

/// How far a request's body has got.
#[derive(Debug)]
pub(super) struct Progress {
    body: RefCell<Option<FromVisitor>>,
    last: Cell<Instant>,
    /// Whether it cannot be taken back any more.
    begun: Cell<bool>,
    complete: Cell<bool>,
    /// Whether the next of it has not come from the visitor.
    waits_for_visitor: Cell<bool>,
    /// Why the rest of it does not come.
    cut: RefCell<Option<VisitorFault>>,
    hold: Cell<Hold>,
    /// Who waits for another hold.
    held: RefCell<Option<Waker>>,
}

/// Whether a body goes to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// It does.
    Free,
    /// Not before the site asks for it.
    Back,
    /// It never will: the site has answered without it. The answer is still read.
    Given,
    /// Nor is the connection of use any more.
    Over,
}

impl Progress {
    /// A body that has not gone yet; `waits` if its visitor keeps it back.
    pub(super) fn of(body: Option<FromVisitor>, waits: bool) -> Rc<Progress> {
        let complete = Cell::new(body.is_none());
        let hold = if body.is_some() && waits { Hold::Back } else { Hold::Free };
        Rc::new(Progress {
            body: RefCell::new(body),
            last: Cell::new(Instant::now()),
            begun: Cell::new(false),
            complete,
            waits_for_visitor: Cell::new(false),
            cut: RefCell::default(),
            hold: Cell::new(hold),
            held: RefCell::default(),
        })
    }

    /// Whether all of it was sent.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.get()
    }

    /// Whether it is the visitor who is silent, and not the site.
    pub(super) fn waits_for_visitor(&self) -> bool {
        self.waits_for_visitor.get()
    }

    /// Why the rest of it does not come, if it does not.
    pub(super) fn cut(&self) -> Option<VisitorFault> {
        self.cut.take()
    }

    /// Since when nothing has happened.
    pub(super) fn last(&self) -> Instant {
        self.last.get()
    }

    /// Something of it was read, or the site has said something to the request: it is not taken back.
    pub(super) fn begin(&self) {
        self.last.set(Instant::now());
        self.begun.set(true);
    }

    /// Whether it is kept back.
    pub(super) fn is_held_back(&self) -> bool {
        self.hold.get() == Hold::Back
    }

    /// Lets it go.
    pub(super) fn release(&self) {
        self.set(Hold::Free);
    }

    /// The site has answered: what is still kept back never goes.
    pub(super) fn is_answered(&self) {
        if self.is_held_back() {
            self.set(Hold::Given);
        }
    }

    /// Nobody reads the answer any more. A connection that waits for a body which never comes nobody else
    /// would end.
    pub(super) fn is_over(&self) {
        if self.hold.get() == Hold::Given {
            self.set(Hold::Over);
        }
    }

    /// The body again, if nothing has begun with it.
    pub(super) fn take_back(&self) -> Result<Option<FromVisitor>, Begun> {
        if self.begun.get() { Err(Begun) } else { Ok(self.body.take()) }
    }

    fn set(&self, hold: Hold) {
        self.hold.set(hold);
        if let Some(waker) = self.held.take() {
            waker.wake();
        }
    }
}

/// A request has begun that cannot be begun again.
#[derive(Debug)]
pub(super) struct Begun;

/// A request's body on its way to the site.
#[derive(Debug)]
pub(super) struct Upload {
    progress: Rc<Progress>,
    /// Its place on a shared connection.
    _place: Option<Rc<Ticket>>,
}

impl Upload {
    pub(super) fn new(progress: &Rc<Progress>) -> Upload {
        Upload { progress: Rc::clone(progress), _place: None }
    }

    /// No body.
    /// The same, which keeps its place until it is sent or given up.
    pub(super) fn at(self, place: &Rc<Ticket>) -> Upload {
        Upload { _place: Some(Rc::clone(place)), ..self }
    }

    pub(super) fn none() -> Upload {
        Upload::new(&Progress::of(None, false))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let progress = &self.progress;
        match progress.hold.get() {
            Hold::Free => {}
            Hold::Over => return Poll::Ready(Some(Err("the site did not want the body".into()))),
            hold => {
                if hold == Hold::Given {
                    // The visitor's connection learns that nobody reads on.
                    drop(progress.body.take());
                }
                *progress.held.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let polled = match &mut *progress.body.borrow_mut() {
            None => return Poll::Ready(None),
            Some(body) => Pin::new(body).poll_frame(cx),
        };
        progress.waits_for_visitor.set(polled.is_pending());
        if polled.is_ready() {
            progress.begin();
        }
        if let Poll::Ready(Some(Err(cut))) = &polled {
            *progress.cut.borrow_mut() = Some(cut.fault());
        }
        let ended = match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
            _ => false,
        };
        if ended || self.is_end_stream() {
            progress.complete.set(true);
        }
        polled.map(|frame| frame.map(|frame| frame.map(headers::trailers).map_err(BodyError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.progress.body.borrow().as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.progress.body.borrow().as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}
