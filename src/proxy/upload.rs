//! The body of a request on its way to the site, as long as its path may take.
//!
//! How much a path takes is the operator's to say, and nobody's unless they do: the gateway passes
//! what the site takes. What says beforehand that it is longer is refused before the site hears of
//! it; what turns out to be longer is broken off there, never ended as if it were whole.
//!
//! A path is compared as a site resolves it, without dots and escapes, so that it has one length in
//! whatever way it is written.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use percent_encoding::percent_decode_str;
use url::Url;

use super::paced::Paced;
use crate::fault::VisitorFault;
use crate::settings::{Size, settings};

settings! {
    /// How long the body of a request may be on a path and below it; longer ones get 413. The longest path
    /// counts; where none is named, bodies have no bound.
    pub struct BodyLimit {
        /// The path: "/upload" is also "/upload/image", not "/uploads"
        path: String = "/".to_owned();
        /// How long, from "0B" on
        bytes: Size<0, { 1 << 50 }> = Size::of_bytes(1 << 20);
    }
}

/// How long bodies may be, by path.
#[derive(Clone, Debug, Default)]
pub struct Sizes(Vec<(String, u64)>);

impl Sizes {
    /// Reads the limits; says what is wrong with one.
    pub fn new(limits: Vec<BodyLimit>) -> Result<Sizes, String> {
        let mut sizes = Vec::new();
        for body in limits {
            let path = body.path;
            if !path.starts_with('/') || path.contains(['%', '?', '#']) {
                let right = "write it from its `/` on, without escapes or a query";
                return Err(format!("`[[body]]` path `{path}`: {right}"));
            }
            if sizes.iter().any(|(other, _)| *other == path) {
                return Err(format!("`[[body]]` path `{path}`: it stands there twice"));
            }
            sizes.push((path, body.bytes.bytes()));
        }
        sizes.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Ok(Sizes(sizes))
    }

    /// How many bytes a path takes, if that is said.
    fn of(&self, url: &Url) -> Option<u64> {
        if self.0.is_empty() {
            return None;
        }
        let path = resolved(url);
        self.0.iter().find(|(prefix, _)| is_within(&path, prefix)).map(|(_, bytes)| *bytes)
    }

    /// A body that goes to this address, unless it says itself that it is too long.
    pub(super) fn bound<B: Body>(
        &self,
        url: &Url,
        body: B,
    ) -> Result<FromVisitor<B>, VisitorFault> {
        let max = self.of(url);
        match max {
            Some(max) if body.size_hint().lower() > max => Err(VisitorFault::BodyTooLarge(max)),
            _ => Ok(FromVisitor { body, bytes: 0, max }),
        }
    }
}

/// A path without escapes, and without the dots that they may have hidden.
fn resolved(url: &Url) -> String {
    let decoded = percent_decode_str(url.path()).decode_utf8_lossy();
    let mut parts: Vec<&str> = Vec::new();
    for part in decoded.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn is_within(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A body that is counted.
#[derive(Debug)]
pub(super) struct FromVisitor<B = Paced> {
    body: B,
    bytes: u64,
    max: Option<u64>,
}

/// Why the rest of a body does not come.
#[derive(Debug)]
pub(super) enum Cut {
    /// The visitor did not send it.
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// It is longer than this.
    TooLarge(u64),
}

impl Cut {
    /// What is told to the visitor, if there is still somebody to tell.
    pub(super) fn fault(&self) -> VisitorFault {
        match self {
            Cut::Broken(_) => VisitorFault::BadRequest("the request's body broke off"),
            Cut::TooLarge(max) => VisitorFault::BodyTooLarge(*max),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::Broken(cause) => write!(f, "the request's body broke off: {cause}"),
            Cut::TooLarge(max) => write!(f, "the request's body is longer than {max} bytes"),
        }
    }
}

impl std::error::Error for Cut {}

impl<B> Body for FromVisitor<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.body).poll_frame(cx).map(|frame| {
            let frame = match frame? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(Cut::Broken(error.into()))),
            };
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            match self.max {
                Some(max) if self.bytes > max => Some(Err(Cut::TooLarge(max))),
                _ => Some(Ok(frame)),
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Full};

    use super::*;

    /// A body that says nothing of its length.
    struct Pieces(VecDeque<usize>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let piece = self.0.pop_front();
            Poll::Ready(piece.map(|bytes| Ok(Frame::data(Bytes::from(vec![0; bytes])))))
        }
    }

    fn sizes() -> Sizes {
        of(&[("/", 10), ("/upload", 100), ("/upload/big/", 1000)]).expect("they are fit")
    }

    fn of(limits: &[(&str, u64)]) -> Result<Sizes, String> {
        let limit = |(path, bytes): &(&str, u64)| BodyLimit {
            path: (*path).to_owned(),
            bytes: Size::of_bytes(*bytes),
        };
        Sizes::new(limits.iter().map(limit).collect())
    }

    fn url(path: &str) -> Url {
        Url::parse(&format!("https://send-box.com{path}")).expect("an address")
    }

    #[test]
    fn the_longest_path_counts_however_it_is_written() {
        for (path, bytes) in [
            ("/", 10),
            ("/uploads", 10),
            ("/upload", 100),
            ("/upload/", 100),
            ("/upload/a?b=/", 100),
            ("/upload/bigger", 100),
            ("/upload/big", 1000),
            ("/upload/big/x", 1000),
            ("/%75pload/x", 100),
            ("/a/../upload/x", 100),
            ("/upload/../x", 10),
            ("/upload/%2e%2e/x", 10),
            ("/upload/%2e%2e%2fx", 10),
            ("/upload/..%2f..%2f../upload/x", 100),
        ] {
            assert_eq!(sizes().of(&url(path)), Some(bytes), "{path}");
        }
        assert_eq!(Sizes::default().of(&url("/upload")), None);
        assert_eq!(of(&[("/upload", 1)]).expect("it is fit").of(&url("/")), None);
    }

    #[test]
    fn a_path_that_could_never_match_is_refused() {
        for unfit in ["upload", "", "/a?b", "/%75pload"] {
            let error = of(&[(unfit, 1)]).expect_err("it is unfit");
            assert!(error.contains(&format!("`{unfit}`: write it from its `/`")), "{error}");
        }
        assert!(
            of(&[("/a", 1), ("/a", 2)]).expect_err("two").contains("`/a`: it stands there twice")
        );
    }

    #[test]
    fn what_says_that_it_is_too_long_is_refused_unread() {
        let body = |bytes| Full::new(Bytes::from(vec![0; bytes]));
        assert!(sizes().bound(&url("/"), body(10)).is_ok());
        let refused = sizes().bound(&url("/"), body(11)).expect_err("it is too long");
        assert_eq!(refused, VisitorFault::BodyTooLarge(10));
        assert!(Sizes::default().bound(&url("/"), body(1_000_000)).is_ok());
    }

    #[tokio::test]
    async fn what_turns_out_to_be_too_long_is_broken_off() {
        for (pieces, passed, cut) in
            [(&[4, 6][..], 10, false), (&[4, 6, 1], 10, true), (&[11], 0, true)]
        {
            let body = Pieces(pieces.iter().copied().collect());
            let mut body = sizes().bound(&url("/"), body).expect("it says nothing of its length");
            let mut bytes = 0;
            let mut ended = None;
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
                    Err(error) => {
                        ended = Some(error.fault());
                        break;
                    }
                }
            }
            assert_eq!(bytes, passed);
            assert_eq!(ended, cut.then_some(VisitorFault::BodyTooLarge(10)));
        }
    }
}
