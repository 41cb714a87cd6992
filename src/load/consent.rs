//! The consents that visitors come with: really given, before the test begins.
//!
//! Who declined holds the same cookie as everybody who declined that day. Who agreed has an id of their
//! own, so several people agree, and their visits take turns.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::sleep;

use super::connection::Dialer;
use super::scenario::{Consent, Protocol};

/// How many different people agree. A gateway takes 30 choices a minute from one address, if it is not
/// told otherwise.
const PEOPLE: usize = 16;

/// How long a gateway that takes no more choices for now is waited for, at most.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The `Cookie` fields of people who have chosen so; none for those who have not.
pub(super) async fn give(dialer: &Dialer, consent: Consent) -> Result<Vec<HeaderValue>, String> {
    let (choice, people) = match consent {
        Consent::None => return Ok(Vec::new()),
        Consent::Agreed => ("agree-all", PEOPLE),
        Consent::Declined => ("decline-all", 1),
    };
    let mut line = dialer.connect(Protocol::Http1).await?;
    let mut cookies = Vec::new();
    let mut waited = Duration::ZERO;
    while cookies.len() < people {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/.consent/choices")
            .header(HOST, dialer.authority())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(format!("choice={choice}"))));
        let request = request.map_err(|error| error.to_string())?;
        if !line.is_open() {
            line = dialer.connect(Protocol::Http1).await?;
        }
        let (head, body) = line.send(request).await?.into_parts();
        // The next request goes when this answer is read.
        body.collect().await.map_err(|error| error.to_string())?;
        let later =
            head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        match (head.status, later.map(Duration::from_secs)) {
            (StatusCode::OK, _) => {
                let cookie = head.headers.get(SET_COOKIE).and_then(pair);
                cookies.push(cookie.ok_or("the target took a consent, and gave no cookie for it")?);
            }
            (StatusCode::TOO_MANY_REQUESTS, Some(after)) if waited + after <= WAIT_MAX => {
                waited += after;
                sleep(after).await;
            }
            (status, _) => {
                return Err(format!(
                    "the target took no consent (POST /.consent/choices: {status}); visitors of the \
                     scenario have one, which takes a gateway of ours there, and limits of at least \
                     {people} choices a minute"
                ));
            }
        }
    }
    Ok(cookies)
}

/// The name and value of a `Set-Cookie`.
fn pair(line: &HeaderValue) -> Option<HeaderValue> {
    let pair = line.as_bytes().split(|byte| *byte == b';').next()?;
    HeaderValue::from_bytes(pair).ok()
}
