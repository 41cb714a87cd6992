//! Header fields between two connections.
//!
//! Hop-by-hop fields end here (RFC 9110 §7.6.1), and so do those that `Connection` names;
//! but never `Host`, `Cookie`, `Authorization` or `Content-*`, which a visitor could
//! otherwise make the site lose. `X-Forwarded-*` is made anew from the connection itself:
//! what a visitor writes there is not evidence.
//!
//! Maps are built anew in one pass, so that the order of first occurrence stays.

use std::fmt::{self, Write};
use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, CONTENT_TYPE, COOKIE, EXPECT,
    FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, REFRESH, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING,
};
use http_body::Frame;

use super::{EXPECTS, RAW_TARGET};
use crate::gate::fields;
use crate::gate::request::Cookies;
use crate::policy::{Basis, PolicyVersion, Verdicts};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_CONSENT: HeaderName = HeaderName::from_static("x-consent");

/// Whether a field says of the client what only the gateway itself may state.
fn is_rebuilt(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "x-forwarded-for"
            | "x-forwarded-proto"
            | "x-forwarded-host"
            | "x-forwarded-port"
            | "x-real-ip"
            | "forwarded"
            | "x-consent"
    )
}

/// Whether a field is one connection's.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// The names that `Connection` lists, of those that may be listed.
fn listed(headers: &HeaderMap) -> Vec<HeaderName> {
    // What nearly all of them say names no field.
    let says = |name: &&[u8]| !matches!(*name, b"keep-alive" | b"close");
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(says)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| {
            !(*name == HOST
                || *name == COOKIE
                || *name == http::header::AUTHORIZATION
                || *name == TRAILER
                || name.as_str().starts_with("content-")
                || name.as_str().starts_with("sec-"))
        })
        .collect()
}

/// Where a request came from and what it asked.
#[derive(Clone, Debug)]
pub(super) struct Origin<'a> {
    /// The client's address.
    pub(super) address: IpAddr,
    /// The port on which it reached us.
    pub(super) port: u16,
    /// Whether over TLS.
    pub(super) tls: bool,
    /// The host that it asked, as it wrote it.
    pub(super) host: &'a HeaderValue,
    /// The verdicts on what is asked consent for, as [`consent`] writes them.
    pub(super) consent: Option<HeaderValue>,
}

/// The verdicts on the purposes that rest on consent, for the site to read: `analytics=permit`.
pub(super) fn consent(verdicts: &Verdicts<'_>, policy: &PolicyVersion) -> Option<HeaderValue> {
    let told = fields::value(|told| {
        let asked = verdicts.iter().filter(|(purpose, _)| {
            let terms = &policy.terms[*purpose];
            terms.basis == Basis::Consent
        });
        for (nth, (purpose, verdict)) in asked.enumerate() {
            let word = if verdict.reason().is_none() { "=permit" } else { "=withhold" };
            for part in [if nth == 0 { "" } else { ", " }, purpose.name(), word] {
                told.extend_from_slice(part.as_bytes());
            }
        }
    });
    told.filter(|told| !told.is_empty())
}

/// The fields that browsers send and the `http` library has no name of its own for: a copy of one would take
/// memory.
const BROWSERS_FIELDS: [&str; 11] = [
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-fetch-user",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "priority",
    "x-requested-with",
    "sec-gpc",
    "save-data",
];

/// The name again.
fn copied(name: &HeaderName) -> HeaderName {
    let known = BROWSERS_FIELDS.iter().find(|known| name == **known);
    known.map_or_else(|| name.clone(), |known| HeaderName::from_static(known))
}

/// Whether a name may be taken for another: to many sites `X_Forwarded_For` is `X-Forwarded-For`.
fn is_ambiguous(name: &HeaderName) -> bool {
    name.as_str().contains('_')
}

/// The fields that go to the site.
pub(super) fn for_site(headers: &HeaderMap, cookies: &Cookies, origin: Origin<'_>) -> HeaderMap {
    let listed = listed(headers);
    let mut out = HeaderMap::with_capacity(headers.keys_len() + 6);
    let mut cookie_done = false;
    // HTTP/2 has no `Host`, and HTTP/1 wants it first (RFC 9112 §3.2).
    out.insert(HOST, origin.host.clone());
    for (name, value) in headers {
        if name == HOST
            || is_hop_by_hop(name)
            || is_rebuilt(name)
            || listed.contains(name)
            || name == RAW_TARGET
            || is_ambiguous(name)
        {
            continue;
        }
        if name == EXPECTS {
            out.append(EXPECT, value.clone());
            continue;
        }
        if name == COOKIE {
            if let (false, Some(kept)) = (cookie_done, &cookies.kept) {
                out.append(COOKIE, kept.clone());
            }
            cookie_done = true;
            continue;
        }
        out.append(copied(name), value.clone());
    }
    // Trailers are the one thing of `TE` that passes (RFC 9110 §10.1.4); gRPC asks for them.
    let wanted =
        headers.get_all(TE).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    if wanted.map(<[u8]>::trim_ascii).any(|one| one.eq_ignore_ascii_case(b"trailers")) {
        out.insert(TE, HeaderValue::from_static("trailers"));
        out.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    let written = |write: &dyn Fn(&mut BytesMut) -> fmt::Result| {
        let value = fields::value(|into| write(into).expect("memory takes all"));
        value.expect("addresses, ports and hosts are ASCII")
    };
    let proto = if origin.tls { "https" } else { "http" };
    let address = written(&|into| write!(into, "{}", origin.address));
    // RFC 7239 §6: an IPv6 address stands in brackets, and what holds a colon in quotes.
    let (before, behind) = if origin.address.is_ipv4() { ("", "") } else { ("\"[", "]\"") };
    let node = address.to_str().unwrap_or_default();
    let host = origin.host.to_str().unwrap_or_default();
    let forwarded = written(&|into| {
        let parts = ["for=", before, node, behind, ";host=\"", host, "\";proto=", proto];
        parts.iter().try_for_each(|part| into.write_str(part))
    });
    out.insert(X_FORWARDED_FOR, address.clone());
    out.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    out.insert(X_FORWARDED_HOST, origin.host.clone());
    out.insert(X_FORWARDED_PORT, written(&|into| write!(into, "{}", origin.port)));
    out.insert(X_REAL_IP, address);
    out.insert(FORWARDED, forwarded);
    if let Some(consent) = origin.consent {
        out.insert(X_CONSENT, consent);
    }
    out
}

/// Whether an answer's body is packed for this connection, which was not asked for (RFC 9110 §10.1.4): as
/// it comes nobody could read it who is not told.
pub(super) fn is_packed_for_transfer(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(TRANSFER_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings.any(|coding| {
        let coding = coding.trim_ascii();
        ![&b"chunked"[..], b"identity", b""].iter().any(|one| coding.eq_ignore_ascii_case(one))
    })
}

/// Drops the fields of the connection to the site from its answer, and a length that its chunks outweigh
/// (RFC 9112 §6.3).
pub(super) fn for_visitor(mut headers: HeaderMap) -> HeaderMap {
    let listed = listed(&headers);
    let in_chunks = headers.contains_key(TRANSFER_ENCODING);
    fields::remove_all(&mut headers, |name| {
        (in_chunks && name == CONTENT_LENGTH) || is_hop_by_hop(name) || listed.contains(name)
    });
    headers
}

/// Fields that say what a message is, who sent it, or what its reader shall do at once: behind a body they
/// are too late (RFC 9110 §6.5.1), and nobody has judged them.
const NO_TRAILERS: [HeaderName; 17] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY,
    CONTENT_TYPE,
    COOKIE,
    EXPECT,
    HOST,
    LINK,
    LOCATION,
    REFRESH,
    SET_COOKIE,
    STRICT_TRANSPORT_SECURITY,
    TRAILER,
];

/// Keeps of the fields behind a body, in either direction, those that may stand there.
pub(super) fn trailers(frame: Frame<Bytes>) -> Frame<Bytes> {
    let fields = match frame.into_trailers() {
        Ok(fields) => fields,
        Err(frame) => return frame,
    };
    let stays = |name: &HeaderName| {
        !(NO_TRAILERS.contains(name)
            || is_hop_by_hop(name)
            || is_rebuilt(name)
            || [RAW_TARGET, EXPECTS].contains(&name.as_str())
            || is_ambiguous(name))
    };
    if fields.keys().all(stays) {
        return Frame::trailers(fields);
    }
    let kept = fields.iter().filter(|(name, _)| stays(name));
    Frame::trailers(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn hop_by_hop_fields_end_here_and_what_a_visitor_claims_about_itself_too() {
        let host = HeaderValue::from_static("send-box.com");
        let address = "198.51.100.7".parse().unwrap();
        let consent = Some(HeaderValue::from_static("analytics=permit"));
        let origin = Origin { address, port: 443, tls: true, host: &host, consent };
        let sent = headers(&[
            ("accept", "*/*"),
            ("connection", "keep-alive, x-private, cookie, Content-Length"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
            ("x-consent", "analytics=permit, marketing=permit"),
            ("content-length", "3"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("x_forwarded_for", "10.0.0.1"),
            (RAW_TARGET, "/x"),
            ("x-last", "1"),
        ]);
        let cookies =
            Cookies { kept: Some(HeaderValue::from_static("a=1; b=2")), ..Cookies::default() };
        let out = for_site(&sent, &cookies, origin);
        let lines: Vec<_> =
            out.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        assert_eq!(
            lines,
            [
                "host: send-box.com",
                "accept: */*",
                "content-length: 3",
                "cookie: a=1; b=2",
                "x-last: 1",
                "te: trailers",
                "connection: te",
                "x-forwarded-for: 198.51.100.7",
                "x-forwarded-proto: https",
                "x-forwarded-host: send-box.com",
                "x-forwarded-port: 443",
                "x-real-ip: 198.51.100.7",
                "forwarded: for=198.51.100.7;host=\"send-box.com\";proto=https",
                "x-consent: analytics=permit",
            ]
        );
    }

    #[test]
    fn behind_a_body_stays_what_may_stand_there() {
        let kept = |pairs: &[(&'static str, &str)]| {
            let kept = trailers(Frame::trailers(headers(pairs))).into_trailers().unwrap();
            kept.keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[("grpc-status", "0"), ("x-sum", "1")]), ["grpc-status", "x-sum"]);
        for name in [
            "x-consent",
            "x-forwarded-for",
            "forwarded",
            "x_real_ip",
            "cookie",
            "set-cookie",
            "link",
            "content-security-policy",
            "connection",
            "keep-alive",
            "host",
            RAW_TARGET,
            EXPECTS,
        ] {
            assert_eq!(kept(&[("x-sum", "1"), (name, "1"), ("x-last", "1")]), ["x-sum", "x-last"]);
        }
        let data = trailers(Frame::data(Bytes::from_static(b"a")));
        assert_eq!(data.into_data().unwrap(), "a");
    }

    #[test]
    fn a_body_is_packed_for_transfer_by_anything_but_chunks() {
        for plain in [&[][..], &["chunked"], &["Chunked"], &["identity"]] {
            let fields: Vec<_> = plain.iter().map(|one| ("transfer-encoding", *one)).collect();
            assert!(!is_packed_for_transfer(&headers(&fields)), "{plain:?}");
        }
        for packed in [&["gzip, chunked"][..], &["gzip", "chunked"], &["br"]] {
            let fields: Vec<_> = packed.iter().map(|one| ("transfer-encoding", *one)).collect();
            assert!(is_packed_for_transfer(&headers(&fields)), "{packed:?}");
        }
    }

    #[test]
    fn the_sites_answer_loses_its_connections_fields_alone() {
        let answer = headers(&[
            ("server", "x"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ]);
        let out = for_visitor(answer);
        assert_eq!(
            out.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["server", "set-cookie"]
        );
        assert_eq!(out.get_all("set-cookie").iter().count(), 2);
    }
}
