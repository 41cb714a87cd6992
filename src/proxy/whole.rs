//! A body that ended is whole.
//!
//! Over HTTP/2 whoever sends a body ends it by `END_STREAM`. A stream that is reset before that was
//! given up, also if the reset names no error (RFC 9113 §8.1 allows that to a site which has answered,
//! of a request that it does not want the rest of). hyper calls both the end.
//!
//! So what ends is asked whether its stream did. Over HTTP/1 hyper sees itself that nothing is missing.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::body::BodyError;

/// A body that ends cleanly only if nothing is missing.
#[derive(Debug)]
pub(super) struct Whole {
    body: Incoming,
    is_stream: bool,
}

impl Whole {
    /// The body of a message of this version.
    pub(super) fn new(body: Incoming, version: Version) -> Whole {
        Whole { body, is_stream: version == Version::HTTP_2 }
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx).map(|frame| match frame {
            None if self.is_stream && !self.body.is_end_stream() => {
                Some(Err("the stream was given up before its end".into()))
            }
            None => None,
            Some(frame) => Some(frame.map_err(BodyError::from)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
