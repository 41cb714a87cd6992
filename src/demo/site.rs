//! The demonstration site as a server: what it answers, and the loop that serves it.
//!
//! [`answer`] is a pure function, so that everything the site does can be tried without a port.
//! [`serve`] puts it behind a listener with keep-alive, as the gateway expects of an upstream.
//!
//! Public pages carry validators and `no-cache`, the cabinet is never stored, and one page comes
//! compressed: between them they show a gateway what real sites do. Every document hands out the
//! analytics cookies that the request lacks.
//!
//! Addresses are in `address.rs`, what is read from a request in `visitor.rs`, what all answers are
//! made of in `reply.rs`.

use super::{
    address::{self, Address, Page},
    assets,
    frame::Session,
    pages::{self, Attempt},
    reply::{self, reply, set_cookie, status, validated},
    tags, visitor,
    words::Language,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use maud::Markup;
use std::{convert::Infallible, time::Duration};
use tokio::net::TcpListener;

/// The sign-in form is the only body the site takes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// After a failed accept: without a pause, a lack of descriptors would be a busy loop.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves the site on `listener` for as long as the future is polled; each connection is a task of
/// the runtime that polls it.
pub async fn serve(listener: TcpListener) {
    loop {
        // It fails when descriptors run out or a client is gone already: neither ends the site.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service_fn(exchange));
        // A connection that ends in an error is the client's affair: there is nobody left to tell.
        tokio::spawn(connection);
    }
}

async fn exchange(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let response = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => answer(&Request::from_parts(parts, ()), &body.to_bytes()),
        Err(_) => status(StatusCode::PAYLOAD_TOO_LARGE),
    };
    Ok(response.map(Full::new))
}

/// What the site answers to one request. Equal requests get equal answers.
pub fn answer(request: &Request<()>, body: &[u8]) -> Response<Bytes> {
    let path = request.uri().path();
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match address::parse(path) {
        Some(address) if reading => page(request, address),
        Some(address) if request.method() == Method::POST => form(request, address, body),
        _ if !reading => status(StatusCode::METHOD_NOT_ALLOWED),
        _ if path == "/debug/cookies" => cookies(request.headers()),
        _ => assets::answer(request).unwrap_or_else(|| {
            let language = match address::language(path).0 {
                Language::Kazakh => {
                    visitor::last_language(request.headers()).unwrap_or(Language::Kazakh)
                }
                language => language,
            };
            let address = Address { language, page: Page::Home };
            let mut response =
                document(request, address, &pages::missing(address, session(request)));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }),
    }
}

fn page(request: &Request<()>, address: Address) -> Response<Bytes> {
    let login = visitor::login(request.headers());
    let session = session(request);
    match (address.page, login) {
        (Page::Home, _) => public(request, address, &pages::home(address, session)),
        (Page::Prices, _) => public(request, address, &pages::prices(address, session)),
        (Page::SignIn, _) => {
            document(request, address, &pages::sign_in(address, session, Attempt::First))
        }
        (Page::Cabinet, Some(login)) => {
            document(request, address, &pages::cabinet(address, &login))
        }
        (Page::Cabinet, None) => see_other(address.to(Page::SignIn)),
        // Signing out is a form: a link to it from elsewhere must sign nobody out.
        (Page::SignOut, _) => see_other(address.to(Page::Home)),
    }
}

fn form(request: &Request<()>, address: Address, body: &[u8]) -> Response<Bytes> {
    match address.page {
        Page::SignIn => {
            let (Some(login), Some(_)) =
                (visitor::field(body, "login"), visitor::field(body, "password"))
            else {
                let again = pages::sign_in(address, session(request), Attempt::Incomplete);
                let mut response = document(request, address, &again);
                *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                return response;
            };
            let mut response = see_other(address.to(Page::Cabinet));
            set_cookie(&mut response, &visitor::session_line(request.headers(), &login));
            response
        }
        Page::SignOut => {
            let mut response = see_other(address.to(Page::Home));
            set_cookie(&mut response, "sb_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
            response
        }
        Page::Home | Page::Prices | Page::Cabinet => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn session(request: &Request<()>) -> Session {
    visitor::login(request.headers()).map_or(Session::None, |_| Session::Open)
}

/// A page that is the same for everybody with the same session: it may be kept and asked for again.
fn public(request: &Request<()>, address: Address, markup: &Markup) -> Response<Bytes> {
    let mut response = document(request, address, markup);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Encoding"));
    if address.page == Page::Prices && reply::takes_gzip(request.headers()) {
        response = reply::gzipped(response);
    }
    validated(request, response)
}

/// A page that is never stored, with the cookies that a real site of this kind would set.
fn document(request: &Request<()>, address: Address, markup: &Markup) -> Response<Bytes> {
    let mut response = reply("text/html; charset=utf-8", markup.0.clone().into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, line) in tags::COOKIES {
        if visitor::cookie(request.headers(), name).is_none() {
            set_cookie(&mut response, line);
        }
    }
    if visitor::last_language(request.headers()) != Some(address.language) {
        let line =
            format!("sb_lang={}; Path=/; Max-Age=31536000; SameSite=Lax", address.language.tag());
        set_cookie(&mut response, &line);
    }
    response
}

/// Which cookies arrived here, so that one can see what a gateway held back on the way.
fn cookies(headers: &HeaderMap) -> Response<Bytes> {
    let lines: Vec<_> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let mut response = reply("text/plain; charset=utf-8", lines.join(&b"; "[..]).into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn see_other(address: Address) -> Response<Bytes> {
    let mut response = status(StatusCode::SEE_OTHER);
    let location = address.path().parse().expect("our own paths are plain ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, lines: &[(&str, &str)]) -> Response<Bytes> {
        let request = lines
            .iter()
            .fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        answer(&request.body(()).expect("a well-formed request"), b"")
    }

    fn line<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().expect("plain ASCII"))
    }

    #[test]
    fn every_document_tracks_the_visitor_who_is_not_tracked_yet() {
        for path in ["/", "/ru/prices", "/en/sign-in", "/nowhere"] {
            let response = get(path, &[("cookie", "_ga=1")]);
            let lines = response.headers().get_all("set-cookie");
            let names: Vec<_> =
                lines.iter().filter_map(|line| line.to_str().ok()?.split('=').next()).collect();
            assert_eq!(names, ["_ym_uid", "FPID", "sb_lang"], "{path}");
            let page = std::str::from_utf8(response.body()).expect("pages are UTF-8");
            for tag in [
                "metrika/tag.js",
                "watch/12345678",
                "gtag/js?id=",
                "gtm.js?id=",
                "ns.html?id=",
                "preconnect",
            ] {
                assert!(page.contains(tag), "{path} lacks {tag}");
            }
        }
    }

    #[test]
    fn the_cabinet_opens_only_after_signing_in() {
        assert_eq!(line(&get("/ru/cabinet", &[]), "location"), "/ru/sign-in");
        let post = Request::post("/ru/sign-in").body(()).expect("a well-formed request");
        assert_eq!(answer(&post, b"login=&password=x").status(), StatusCode::UNPROCESSABLE_ENTITY);
        let signed = answer(&post, b"login=%3Cb%3E&password=x");
        assert_eq!(
            (signed.status(), line(&signed, "location")),
            (StatusCode::SEE_OTHER, "/ru/cabinet")
        );
        let cabinet = get("/ru/cabinet", &[("cookie", line(&signed, "set-cookie"))]);
        let page = std::str::from_utf8(cabinet.body()).expect("pages are UTF-8");
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"), "what was typed is escaped");
    }

    #[test]
    fn what_the_browser_holds_is_not_sent_again() {
        for path in ["/", "/prices", "/assets/site.css"] {
            let first = get(path, &[("accept-encoding", "br, gzip;q=0.5")]);
            let again =
                get(path, &[("accept-encoding", "gzip"), ("if-none-match", line(&first, "etag"))]);
            assert_eq!(
                (again.status(), again.body().len()),
                (StatusCode::NOT_MODIFIED, 0),
                "{path}"
            );
            assert_eq!(line(&again, "etag"), line(&first, "etag"));
        }
        assert_eq!(
            line(&get("/prices", &[("accept-encoding", "gzip;q=0")]), "content-encoding"),
            ""
        );
        assert_eq!(
            line(&get("/prices", &[("accept-encoding", "gzip")]), "content-encoding"),
            "gzip"
        );
    }

    #[test]
    fn the_cookies_that_arrived_are_echoed() {
        let echo = get("/debug/cookies", &[("cookie", "a=1; b=2"), ("cookie", "c")]);
        assert_eq!(echo.body(), "a=1; b=2; c");
    }
}
