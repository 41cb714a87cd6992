//! Which answers are the code of workers.
//!
//! A worker from a file goes by the policy that its own answer brings, and not by the page's: without one it
//! would reach every host (measured). So the wall goes out with it.
//!
//! Browsers say what they ask for (`Sec-Fetch-Dest`). Of who does not say it any JavaScript may become a
//! worker's, and is treated as one: a policy does nothing to an ordinary script, and what is stored for one
//! visitor alone is only slower. What is asked for as an ordinary script may be stored, so where the wall
//! counts stores are told to keep it apart.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, VARY};

use super::super::first_party::is_script_file;
use super::super::inert::is_javascript;

const DEST: &str = "sec-fetch-dest";

/// What the code in an answer may be run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// A worker of its own, for all we know.
    AsWorker,
    /// An ordinary script.
    InPage,
    /// Nothing.
    Not,
}

impl Runs {
    /// What the answer to a request with these fields is run as.
    pub fn of(asked: &HeaderMap, answer: &HeaderMap) -> Runs {
        let kind = answer.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        match (is_asked_for(asked), is_javascript(kind)) {
            (Some(true), _) | (None, true) => Runs::AsWorker,
            (Some(false), true) => Runs::InPage,
            (_, false) => Runs::Not,
        }
    }

    /// Keeps what is no worker's from being taken out of a store for one.
    pub fn tell_stores(self, headers: &mut HeaderMap) {
        if self == Runs::InPage {
            headers.append(VARY, HeaderValue::from_static("Sec-Fetch-Dest"));
        }
    }
}

/// Whether a worker's code may be asked for: then it has to come with its policy, and whole.
pub fn may_be_asked_for(asked: &HeaderMap, path: &str) -> bool {
    is_asked_for(asked).unwrap_or_else(|| is_script_file(path))
}

/// Whether a worker's code is asked for, if the browser says what it asks for.
fn is_asked_for(asked: &HeaderMap) -> Option<bool> {
    let dest = asked.get(DEST)?.as_bytes();
    Some(matches!(dest, b"worker" | b"sharedworker" | b"serviceworker"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_become_a_workers_is_treated_as_one() {
        let of = |dest: Option<&'static str>, kind: &'static str| {
            let (mut asked, mut answer) = (HeaderMap::new(), HeaderMap::new());
            if let Some(dest) = dest {
                asked.insert(DEST, HeaderValue::from_static(dest));
            }
            answer.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            Runs::of(&asked, &answer)
        };
        for dest in ["worker", "sharedworker", "serviceworker"] {
            assert_eq!(of(Some(dest), "text/javascript; charset=utf-8"), Runs::AsWorker);
            assert_eq!(of(Some(dest), "text/plain"), Runs::AsWorker, "{dest}");
        }
        assert_eq!(of(None, "application/javascript"), Runs::AsWorker);
        assert_eq!(of(None, "image/png"), Runs::Not);
        assert_eq!(of(Some("script"), "text/javascript"), Runs::InPage);
        assert_eq!(of(Some("empty"), "text/javascript"), Runs::InPage);
        assert_eq!(of(Some("document"), "text/html"), Runs::Not);
    }
}
