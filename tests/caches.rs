//! A cache that visitors share, in front of the gateway: Debian's nginx, set up as
//! `docs/cdn/nginx.md` says.
//!
//! Visitors in different states of consent ask for the same things through it, in every order. Nobody
//! may get what is another state's; what no rule touches has to come from the cache.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}
#[path = "door/peers.rs"]
#[expect(dead_code, reason = "the front door is compared with more of them")]
mod peers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use harness::PATIENCE;
use harness::choices::{AGREE, DECLINE, choose, cookie, text};
use harness::message::Message;
use harness::program::{Program, ask};
use harness::site::Site;
use peers::Peer;

const TAG: &str = "<script src=\"https://mc.yandex.ru/metrika/tag.js\"></script>";
const LIBRARY: &str = "(function(){h=\"https://mc.yandex.\"+d;if(\"_ym\")p({__ym:1})})()";

/// How often the site was asked for each path.
type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

/// A site that would have everything cached by everybody, and says so in every way there is.
fn cacheable_site() -> (SocketAddr, Asked) {
    let site = Site::start();
    let (address, asked) = (site.address, Asked::default());
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        while let Some(mut received) = site.next() {
            let path = received.request.start.split(' ').nth(1).unwrap_or_default().to_owned();
            let (kind, body, more) = match path.split('?').next().unwrap_or_default() {
                "/page" => ("text/html; charset=utf-8", TAG.to_owned(), ""),
                "/js/a1.js" => ("text/javascript", LIBRARY.to_owned(), ""),
                "/cookie.png" => ("image/png", "png".to_owned(), "Set-Cookie: FPID=7; Path=/\r\n"),
                "/metrics/gtag/js" => ("text/javascript", "gtag()".to_owned(), ""),
                _ => ("text/javascript", "site()".to_owned(), ""),
            };
            *counted.lock().expect("no holder panics").entry(path).or_default() += 1;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
                 Cache-Control: public, max-age=600, s-maxage=600\r\nX-Accel-Expires: 600\r\n\
                 Surrogate-Control: max-age=600\r\nETag: \"v1\"\r\n{more}\r\n{body}",
                body.len()
            );
            if received.write(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

/// The configuration that the page in docs/ tells operators to take.
fn documented() -> String {
    let page = include_str!("../docs/cdn/nginx.md");
    let config = page.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next());
    let config = config.expect("the page has a block of nginx' configuration");
    let mut config = config.to_owned();
    for (documented, here) in [
        ("listen 80;", "listen 127.0.0.1:PORT reuseport;"),
        ("127.0.0.1:8080", "UPSTREAM"),
        ("/var/cache/nginx/site", "cache"),
    ] {
        assert!(config.contains(documented), "`{documented}` is not in the page");
        config = config.replace(documented, here);
    }
    format!(
        "daemon off;\nmaster_process off;\npid pid;\nerror_log error.log;\nevents {{}}\nhttp {{\n\
         access_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\n\
         fastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
         add_header X-Cache $upstream_cache_status always;\n{config}\n}}\n"
    )
}

fn get(to: SocketAddr, path: &str, dest: &str, cookie: &str) -> Message {
    let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
    ask(
        to,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html,*/*\r\n\
             Sec-Fetch-Dest: {dest}\r\n{cookie}\r\n"
        ),
    )
}

fn value(message: &Message, name: &str) -> String {
    let value = message.values(name).next().unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

#[test]
fn visitors_in_different_states_share_nothing_that_depends_on_consent() {
    let data = tempfile::tempdir().expect("a folder");
    let (site, asked) = cacheable_site();
    let gateway = Program::run(site, data.path()).start();
    let nginx = Peer::nginx_with(&documented(), gateway.plain);
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    let declined = cookie(&choose(&gateway, DECLINE, ""));
    let states =
        [("stranger", "", false), ("agreed", &agreed, true), ("declined", &declined, false)];

    // Every order of two states, each with addresses of its own, and each asked twice.
    for (first, (one, _, _)) in states.iter().enumerate() {
        for (second, (other, _, _)) in states.iter().enumerate() {
            let query = format!("?{one}-{other}");
            for at in [first, second, first, second] {
                let (who, cookie, permitted) = states[at];
                for (path, dest, real) in [
                    ("/page", "document", TAG),
                    ("/js/a1.js", "script", LIBRARY),
                    ("/metrics/gtag/js", "script", "gtag()"),
                ] {
                    let id = if path.starts_with("/metrics") { "&id=G-ABC1234567" } else { "" };
                    let path = format!("{path}{query}{id}");
                    let answer = get(nginx.address, &path, dest, cookie);
                    let body = text(&answer);
                    assert_eq!(body.contains(real), permitted, "{who} {path}: {answer}");
                    assert_ne!(value(&answer, "x-cache"), "HIT", "{who} {path}: {answer}");
                    let control = value(&answer, "cache-control");
                    assert!(control.starts_with("private, no-cache"), "{who} {path}: {answer}");
                }
                // Its body is the same for all, its cookie is not.
                let answer = get(nginx.address, &format!("/cookie.png{query}"), "image", cookie);
                let has_cookie = value(&answer, "set-cookie").starts_with("FPID=7");
                assert_eq!(has_cookie, permitted, "{who}: {answer}");
            }
            // What no rule touches comes from the cache, whoever asks.
            let path = format!("/js/site.js{query}");
            for (number, at) in [first, second, first].into_iter().enumerate() {
                let answer = get(nginx.address, &path, "script", states[at].1);
                assert_eq!(text(&answer), "site()");
                assert_eq!(value(&answer, "cache-control"), "public, max-age=600, s-maxage=600");
                let cache = value(&answer, "x-cache");
                assert_eq!(cache == "HIT", number > 0, "{cache}: {answer}");
            }
            let asked = asked.lock().expect("no holder panics");
            assert_eq!(asked.get(&path), Some(&1), "{path}");
        }
    }
}

#[test]
fn a_cache_that_is_told_to_ignore_what_the_gateway_says_does_mix_visitors() {
    // What the pages in docs/cdn warn of happens, so the test above can fail.
    let data = tempfile::tempdir().expect("a folder");
    let (site, _) = cacheable_site();
    let gateway = Program::run(site, data.path()).start();
    let config = documented().replace(
        "proxy_cache site;",
        "proxy_cache site; proxy_ignore_headers Cache-Control Vary; proxy_cache_valid 200 10m;",
    );
    let nginx = Peer::nginx_with(&config, gateway.plain);
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    assert!(text(&get(nginx.address, "/page", "document", &agreed)).contains(TAG));
    let stranger = get(nginx.address, "/page", "document", "");
    assert!(value(&stranger, "x-cache") == "HIT" && text(&stranger).contains(TAG), "{stranger}");
}
