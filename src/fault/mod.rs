//! What went wrong, and whose part it was.
//!
//! Every failure on the path becomes a [`Fault`] of the visitor, of the site, or of the
//! gateway. This one place turns it into a status, a page in the visitor's language, and a
//! log line: what the visitor reads and what the operator reads are two texts.
//!
//! Log lines name causes and never visitors: there is no address and no page in them.

mod cut;
mod refusal;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use http::{Response, StatusCode};
use tracing::{error, warn};

use crate::banner::pages;
use crate::banner::view::Failure;
use crate::banner::{Style, Texts};
pub use cut::{Code, Cut};
pub use refusal::Refusal;

/// A failure on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The visitor's request cannot be served.
    Visitor(VisitorFault),
    /// The site does not answer as it should.
    Upstream(UpstreamFault),
    /// The gateway cannot do its own part.
    Gateway(GatewayFault),
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitorFault {
    /// It cannot be understood; says why.
    BadRequest(&'static str),
    /// The form was not sent from a page of ours.
    ForeignForm,
    /// No person agreed, by what the browser says.
    Unattested,
    /// A script of a page asked for what is shown to a person.
    ForPersons,
    /// There is no such page of ours.
    NotFound,
    /// The page exists, the method does not; says which do.
    MethodNotAllowed(&'static str),
    /// The form is too large.
    TooLarge,
    /// The body is longer than its path takes; says how many bytes that is.
    BodyTooLarge(u64),
    /// Their address asks too often; says in how many seconds to come again.
    TooManyRequests(u64),
    /// Their address makes too many choices; says in how many seconds to come again.
    TooManyChoices(u64),
    /// Their address reports too often; says in how many seconds to come again.
    TooManyReports(u64),
    /// A purpose or choice that does not exist, as it was sent.
    UnknownChoice(String),
}

/// How the site failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamFault {
    /// No connection could be made.
    Unreachable(String),
    /// It did not answer in time.
    Timeout,
    /// The connection broke, or what came was no HTTP.
    Broken(String),
    /// As much goes there as may; says what did not come about.
    Full(&'static str),
}

/// How the gateway failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayFault {
    /// A choice could not be recorded.
    NotRecorded(Box<str>),
    /// The record could not be read.
    Unreadable(Box<str>),
    /// Nothing of a visitor could be destroyed.
    NotForgotten(Box<str>),
    /// No policy version is in force, so nothing can be agreed to.
    NoPolicy,
}

impl From<VisitorFault> for Fault {
    fn from(fault: VisitorFault) -> Fault {
        Fault::Visitor(fault)
    }
}

impl From<UpstreamFault> for Fault {
    fn from(fault: UpstreamFault) -> Fault {
        Fault::Upstream(fault)
    }
}

impl From<GatewayFault> for Fault {
    fn from(fault: GatewayFault) -> Fault {
        Fault::Gateway(fault)
    }
}

impl Fault {
    fn failure(&self) -> Failure<'_> {
        match self {
            Fault::Visitor(fault) => match fault {
                VisitorFault::BadRequest(_) => Failure::BadRequest,
                VisitorFault::ForeignForm | VisitorFault::ForPersons => Failure::Forbidden,
                VisitorFault::Unattested => Failure::Unattested,
                VisitorFault::NotFound => Failure::NotFound,
                VisitorFault::MethodNotAllowed(_) => Failure::MethodNotAllowed,
                VisitorFault::TooLarge | VisitorFault::BodyTooLarge(_) => Failure::TooLarge,
                VisitorFault::TooManyRequests(_)
                | VisitorFault::TooManyChoices(_)
                | VisitorFault::TooManyReports(_) => Failure::TooMany,
                VisitorFault::UnknownChoice(what) => Failure::UnknownChoice(what),
            },
            Fault::Upstream(UpstreamFault::Timeout) => Failure::SiteSlow,
            Fault::Gateway(GatewayFault::NotForgotten(_)) => Failure::NotForgotten,
            Fault::Upstream(UpstreamFault::Full(_)) | Fault::Gateway(_) => Failure::Busy,
            Fault::Upstream(_) => Failure::SiteDown,
        }
    }

    /// The status that is answered.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.failure().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What a program is told. What happened behind the gateway is the operator's to know.
    fn public_cause(&self) -> String {
        match self {
            Fault::Visitor(_) => self.cause(),
            Fault::Upstream(UpstreamFault::Timeout) => "the site did not answer in time".to_owned(),
            Fault::Upstream(UpstreamFault::Full(_)) => "the site is busy; try again".to_owned(),
            Fault::Upstream(_) => "the site does not answer".to_owned(),
            Fault::Gateway(GatewayFault::NotForgotten(_)) => {
                "nothing could be destroyed, and what was agreed to is withdrawn; try again"
                    .to_owned()
            }
            Fault::Gateway(GatewayFault::Unreadable(_)) => {
                "the record cannot be read just now; try again".to_owned()
            }
            Fault::Gateway(_) => "the choice could not be recorded; try again".to_owned(),
        }
    }

    /// The cause in one line, for the operator.
    pub fn cause(&self) -> String {
        match self {
            Fault::Visitor(fault) => match fault {
                VisitorFault::BadRequest(why) => (*why).to_owned(),
                VisitorFault::ForeignForm => "the form was not sent from this site".to_owned(),
                VisitorFault::Unattested => {
                    "a person agrees, by sending the form; what a script sends may refuse"
                        .to_owned()
                }
                VisitorFault::ForPersons => {
                    "what is held about a person is shown to them, not to scripts of a page"
                        .to_owned()
                }
                VisitorFault::NotFound => "there is no such page".to_owned(),
                VisitorFault::MethodNotAllowed(allowed) => format!("the method must be {allowed}"),
                VisitorFault::TooLarge => "the form is too large".to_owned(),
                VisitorFault::BodyTooLarge(max) => format!("a body may have {max} bytes here"),
                VisitorFault::TooManyRequests(seconds) => {
                    format!("too many requests from this address; come again in {seconds} s")
                }
                VisitorFault::TooManyChoices(seconds) => {
                    format!("too many choices from this address; come again in {seconds} s")
                }
                VisitorFault::TooManyReports(seconds) => {
                    format!("too many reports from this address; come again in {seconds} s")
                }
                VisitorFault::UnknownChoice(what) => format!("unknown: `{what}`"),
            },
            Fault::Upstream(fault) => match fault {
                UpstreamFault::Unreachable(cause) => format!("the site cannot be reached: {cause}"),
                UpstreamFault::Timeout => "the site did not answer in time".to_owned(),
                UpstreamFault::Broken(cause) => format!("the site's answer broke off: {cause}"),
                UpstreamFault::Full(why) => format!("the site has as much as it may have: {why}"),
            },
            Fault::Gateway(fault) => match fault {
                GatewayFault::NotRecorded(cause) => format!("the choice was not recorded: {cause}"),
                GatewayFault::Unreadable(cause) => format!("the record was not read: {cause}"),
                GatewayFault::NotForgotten(cause) => format!("nobody was forgotten: {cause}"),
                GatewayFault::NoPolicy => "no policy version is in force".to_owned(),
            },
        }
    }

    /// Writes the operator's line. A visitor's mistake is not one of the operator's.
    pub fn log(&self) {
        match self {
            Fault::Visitor(_) => {}
            Fault::Upstream(_) => warn!(status = self.status().as_u16(), "{}", self.cause()),
            Fault::Gateway(_) => error!(status = self.status().as_u16(), "{}", self.cause()),
        }
    }

    /// The answer: a page, or JSON for a program that asked for it.
    pub fn response(
        &self,
        texts: &Texts,
        style: &Style,
        json: bool,
        retry: Option<&str>,
    ) -> Response<Bytes> {
        let (content_type, body) = if json {
            ("application/json", serde_json::json!({ "error": self.public_cause() }).to_string())
        } else {
            ("text/html; charset=utf-8", pages::error(texts, style, self.failure(), retry))
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(pages::POLICY));
        match self {
            Fault::Visitor(VisitorFault::MethodNotAllowed(allowed)) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Fault::Gateway(_) | Fault::Upstream(UpstreamFault::Full(_)) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("10"));
            }
            Fault::Visitor(
                VisitorFault::TooManyRequests(seconds)
                | VisitorFault::TooManyChoices(seconds)
                | VisitorFault::TooManyReports(seconds),
            ) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            _ => {}
        }
        response
    }
}
