//! The shipped rules know the vendors' public forms, and nothing that only looks like them.
//!
//! Each case is a small page; what matters is whether a stranger's browser gets it runnable.

use std::sync::Arc;

use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::request::is_withheld;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use kelisim::{demo, html, rules};

fn snapshot() -> Arc<Snapshot> {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    Arc::new(Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[])))
}

/// What a stranger's browser gets of a page.
fn gated(snapshot: &Arc<Snapshot>, page: &str) -> String {
    let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let url = "https://send-box.com/prices/".parse().expect("an address");
    let document = Document::new(Arc::clone(snapshot), fates, url, None);
    String::from_utf8(html::rewrite(page.as_bytes(), document).expect("nothing is refused").0)
        .expect("UTF-8")
}

#[test]
fn scripts_of_withheld_vendors_are_held_in_every_common_form() {
    let snapshot = snapshot();
    for script in [
        // Yandex.Metrica, generations Y1 to Y7, Y9 (facts on trackers, 1.1).
        r#"<script src="//mc.yandex.ru/metrika/watch.js"></script>"#,
        r"<script>(function(d,w,c){(w[c]=w[c]||[]).push(function(){try{w.yaCounter1=new Ya.Metrika({id:1})}catch(e){}})})(document,window,'yandex_metrika_callbacks')</script>",
        r#"<script async src="https://cdn.jsdelivr.net/npm/yandex-metrica-watch/tag.js"></script>"#,
        r"<script>(function(m,e,t,r,i,k,a){})(window,document,'script','https://mc.yandex.ru/metrika/tag.js?id=1','ym');</script>",
        r#"<script src="https://mc.webvisor.org/metrika/tag_ww.js"></script>"#,
        r"<script src='https://mc.yandex.com/metrika/int.js'></script>",
        r"<SCRIPT SRC=https://mc.yandex.kz/metrika/phone.js?counter=1 DEFER></SCRIPT>",
        // Google Analytics and Tag Manager, G1 to G8 (2.1).
        r#"<script src="http://www.google-analytics.com/urchin.js"></script>"#,
        r"<script>(function(i,s,o,g,r,a,m){})(window,document,'script','//www.google-analytics.com/analytics.js','ga')</script>",
        r#"<script async src="https://www.googletagmanager.com/gtag/js?id=G-ABC123"></script>"#,
        r"<script>(function(w,d,s,l,i){w[l]=w[l]||[];j.src='https://www.googletagmanager.com/gtm.js?id='+i+dl})(window,document,'script','dataLayer','GTM-AB1')</script>",
        // How markup can be written.
        r#"<script src="https&colon;//mc&period;yandex.ru/metrika/tag.js"></script>"#,
        r#"<script src=" https:\\MC.Yandex.RU\metrika\tag.js"></script>"#,
        r#"<script type="Module" src="https://mc.yandex.ru/metrika/tag.js"></script>"#,
        r#"<script type=" text/JavaScript " src="https://mc.yandex.ru/metrika/tag.js"></script>"#,
        r#"<script language="javascript" src="https://mc.yandex.ru/metrika/tag.js"></script>"#,
        r#"<script/src="https://mc.yandex.ru/metrika/tag.js"/></script>"#,
        "<script src=\"https://mc.yan\ndex.ru/metrika/tag.js\"></script>",
        r#"<script src="https://mc.yandex.ru/metrika/tag.js" src="/site.js"></script>"#,
        r#"<script src="https://www.google-analytics.com./analytics.js"></script>"#,
        // Code in an address, and addresses with escaped slashes.
        r#"<script src="data:text/javascript;base64,cz0iaHR0cHM6Ly9tYy55YW5kZXgucnUvbWV0cmlrYS90YWcuanMi"></script>"#,
        r#"<script src="data:text/javascript,s=%22https://mc.yandex.ru/metrika/tag.js%22"></script>"#,
        r#"<script>load("https:\/\/mc.yandex.ru\/metrika\/tag.js")</script>"#,
        r#"<script>load("https:\/\/www.googletagmanager.com\/gtm.js?id=GTM-1")</script>"#,
        // Foreign content, and what only looks like it.
        r#"<svg><script href="https://mc.yandex.ru/metrika/tag.js"></script></svg>"#,
        r#"<svg><script src="https://mc.yandex.ru/metrika/tag.js"></script></svg>"#,
        r#"<svg><script>load("https://mc.yandex.ru/metrika/tag.js")</script></svg>"#,
        r#"<svg><script><![CDATA[load("https://mc.yandex.ru/metrika/tag.js")]]></script></svg>"#,
        r#"<svg><script>load("https:&#47;/mc.yandex.ru/metrika&sol;tag.js")</script></svg>"#,
        r#"<svg><g><script>load("//mc.yandex.ru/metrika/tag.js")</g></svg>"#,
        r#"<noindex><svg></noindex><script>load("//mc.yandex.ru/metrika/tag.js")</script>"#,
        r#"<noindex><svg></noindex><script src="https://mc.yandex.ru/metrika/tag.js"></script>"#,
        // Bases that count, and bases that do not.
        r#"<base href="data:,x"><script src="//mc.yandex.ru/metrika/tag.js"></script>"#,
        r#"<template><base href="https://www.example.org/"></template><base href="https://mc.yandex.ru/"><script src="metrika/tag.js"></script>"#,
    ] {
        let page = format!("<!doctype html><html><head>{script}</head><body></body></html>");
        let out = gated(&snapshot, &page);
        assert!(
            out.contains(r#"type="text/plain""#) && out.contains("data-consent=\"analytics\""),
            "{out}"
        );
    }
}

#[test]
fn relative_addresses_follow_the_pages_base() {
    let snapshot = snapshot();
    let page = r#"<base href="https://mc.yandex.ru/metrika/"><script src="tag.js"></script>"#;
    assert!(gated(&snapshot, page).contains("data-consent"), "the base leads to the vendor");
    let page = r#"<base href="/assets/"><script src="metrika/site.js"></script>"#;
    assert_eq!(gated(&snapshot, page), page);
}

#[test]
fn documents_inside_documents_end_somewhere() {
    let snapshot = snapshot();
    let mut page = r#"<img src="https://mc.yandex.ru/watch/1">"#.to_owned();
    for _ in 0..12 {
        let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
        page = format!(r#"<iframe srcdoc="{escaped}"></iframe>"#);
        assert!(!gated(&snapshot, &page).contains("mc.yandex"), "{} bytes", page.len());
        if page.len() > 200_000 {
            break;
        }
    }
}

#[test]
fn what_is_removed_leaves_nothing_that_its_neighbours_become() {
    let snapshot = snapshot();
    let script = "<script src=https://mc.yandex.ru/metrika/tag.js></script>";
    let pixel = "<img src=https://mc.yandex.ru/watch/1>";
    for page in [
        // `<` and what follows the pixel are no tag.
        format!("<{pixel}script src=https://mc.yandex.ru/metrika/tag.js></script>"),
        format!("<{pixel}{pixel}script src=https://mc.yandex.ru/metrika/tag.js></script>"),
        format!(
            "<iframe srcdoc='&lt;{pixel}script src=https://mc.yandex.ru/metrika/tag.js>'></iframe>"
        ),
        // The pixel ended the svg, in which these would be no raw text.
        format!("<svg>{pixel}<title>{script}</title>"),
        format!("<svg>{pixel}<style>{pixel}</style>"),
        format!("<svg><embed src=https://mc.yandex.ru/watch/1><style>{pixel}</style>"),
    ] {
        let out = gated(&snapshot, &page);
        // Nothing more is found in what came out.
        assert_eq!(gated(&snapshot, &out), out, "{page}");
        assert!(!out.contains("<script src") || out.contains("<title>"), "{page}: {out}");
    }
}

#[test]
fn markup_in_a_script_of_svg_does_not_come_to_life() {
    let snapshot = snapshot();
    for inner in [
        "<foreignObject><img src=https://mc.yandex.ru/watch/1></foreignObject>",
        "<foreignObject><script src=https://mc.yandex.ru/metrika/tag.js></script></foreignObject>",
        "<image href=https://mc.yandex.ru/watch/1 />",
    ] {
        let out = gated(&snapshot, &format!("<svg><script>a &lt; b{inner}</script></svg>"));
        assert_eq!(out, "<svg><script>a &lt; b</script></svg>");
        // Nor in one that is no code: a frame loads wherever it stands.
        let out = gated(&snapshot, &format!("<svg><script type=x>a &lt; b{inner}</script></svg>"));
        assert_eq!(out, "<svg><script type=x>a &lt; b</script></svg>");
    }
    let out = gated(&snapshot, "<svg><image href=https://mc.yandex.ru/watch/1 x=1 /></svg>");
    assert_eq!(out, "<svg><image x=1 /></svg>");
}

#[test]
fn no_page_has_so_many_bases_that_one_is_overlooked() {
    let snapshot = snapshot();
    let bases: Vec<_> = (0..20).map(|n| format!("<base href=/{n}/>")).collect();
    let bases = bases.concat();
    let page = format!(
        "<template>{bases}</template><base href=//mc.yandex.ru/><script src=/metrika/tag.js></script>"
    );
    assert!(gated(&snapshot, &page).contains("text/plain"));
    let own = "<base href=/a/><img src=b.png><img src=https://send-box.com/c.png>";
    assert_eq!(gated(&snapshot, own), own);
    let foreign = "<base href=//mc.yandex.ru/><img src=https://send-box.com/c.png>";
    assert_eq!(gated(&snapshot, foreign), foreign);
}

#[test]
fn hosts_are_read_in_the_encoding_of_the_page() {
    let snapshot = snapshot();
    let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    for (encoding, host) in [
        // A soft hyphen, which is nothing in a host; letters of double width, which are ASCII there.
        ("windows-1251", &b"mc.yan\xaddex.ru"[..]),
        ("utf-8", "mc.yan\u{ad}dex.ru".as_bytes()),
        ("utf-8", "ｍｃ.yandex.ru".as_bytes()),
        ("shift_jis", b"\x82\x8d\x82\x83.yandex.ru"),
    ] {
        let encoding = encoding_rs::Encoding::for_label(encoding.as_bytes()).expect("a label");
        let url = "https://send-box.com/".parse().expect("an address");
        let fates = Fates::of(&snapshot.rules, &verdicts);
        let document = Document::new(Arc::clone(&snapshot), fates, url, None).in_encoding(encoding);
        let page = [b"<script src='https://", host, b"/metrika/tag.js'></script>"].concat();
        let (out, _) = html::rewrite(&page, document).expect("nothing is refused");
        assert!(out.starts_with(b"<script type=\"text/plain\""), "{}", out.escape_ascii());
    }
}

#[test]
fn ten_thousand_duplicates_are_one_pass() {
    let many = " data-consent".repeat(10_000);
    let page = format!(r#"<script{many} src="https://mc.yandex.ru/metrika/tag.js"></script>"#);
    let out = gated(&snapshot(), &page);
    assert_eq!(out.matches("data-consent=").count(), 1);
}

#[test]
fn pixels_frames_and_hints_lose_their_addresses_and_stay_where_they_are() {
    let snapshot = snapshot();
    for (page, expected) in [
        (
            r#"<noscript><div><img src="https://mc.yandex.ru/watch/1" alt=""/><img src="/a.png"></div></noscript>"#,
            r#"<noscript><div><img alt=""/><img src="/a.png"></div></noscript>"#,
        ),
        (
            r#"<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-1" height="0"></iframe></noscript>"#,
            r#"<noscript><iframe height="0"></iframe></noscript>"#,
        ),
        (
            r#"a<iframe src="https://www.googletagmanager.com/ns.html?id=GTM-1"></iframe>b"#,
            "a<iframe></iframe>b",
        ),
        (
            r#"<link rel="preconnect" href="https://mc.yandex.ru"><link rel=stylesheet href="/a.css">"#,
            r#"<link rel="preconnect"><link rel=stylesheet href="/a.css">"#,
        ),
        (
            r#"<link rel="DNS-Prefetch" href="//www.google-analytics.com">"#,
            r#"<link rel="DNS-Prefetch">"#,
        ),
        (
            r#"a<img src="/a.png" srcset="/b.png 2x, https://mc.yandex.ru/watch/1 3x">b"#,
            r#"a<img src="/a.png">b"#,
        ),
        (
            r#"<frameset><frame src="https://mc.yandex.ru/watch/1"></frameset>"#,
            "<frameset><frame></frameset>",
        ),
        (r#"a<embed src="https://mc.yandex.ru/watch/1">b"#, "a<embed>b"),
        (
            r#"<object data="https://mc.yandex.ru/watch/1"><p>a</p></object>"#,
            "<object><p>a</p></object>",
        ),
        (
            r#"<input type="image" src="https://mc.yandex.ru/watch/1" alt="Send">"#,
            r#"<input type="image" alt="Send">"#,
        ),
        (
            r#"a<iframe src="data:text/html,<script src='https://mc.yandex.ru/metrika/tag.js'></script>"></iframe>b"#,
            "a<iframe></iframe>b",
        ),
        (
            r#"<iframe srcdoc="<p>a</p><img src='https://mc.yandex.ru/watch/1'>"></iframe>"#,
            r#"<iframe srcdoc="<p>a</p><img>"></iframe>"#,
        ),
    ] {
        assert_eq!(gated(&snapshot, page), expected);
    }
}

#[test]
fn what_only_looks_like_a_tag_stays_byte_for_byte() {
    let snapshot = snapshot();
    for page in [
        r#"<script src="https://api-maps.yandex.ru/2.1/?lang=ru_RU"></script><script>ymaps.ready(init)</script>"#,
        r"<script>document.querySelector('form').onsubmit = () => ym(1, 'reachGoal', 'order')</script>",
        r#"<script type="application/ld+json">{"url": "https://mc.yandex.ru/metrika/tag.js"}</script>"#,
        r#"<script src="https://www.google.com/recaptcha/api.js"></script>"#,
        r#"<!-- <script src="https://mc.yandex.ru/metrika/tag.js"></script> -->"#,
        r#"<textarea><script src="https://mc.yandex.ru/metrika/tag.js"></script></textarea>"#,
        r#"<a href="https://mc.yandex.ru/metrika/tag.js" title="<script>">mc.yandex.ru</a>"#,
        r#"<script src="/metrika/app.js"></script><p class="ym-hide-content">x</p>"#,
    ] {
        assert_eq!(gated(&snapshot, page), page);
    }
}

#[test]
fn a_vendor_that_the_policy_does_not_name_is_held_for_good() {
    let out = gated(
        &snapshot(),
        r#"<script async src="https://www.googletagmanager.com/gtag/js?id=AW-123"></script>"#,
    );
    assert!(out.contains(r#"data-consent="undeclared""#), "{out}");
}

#[test]
fn a_page_cannot_promise_a_script_to_the_release() {
    let page = r#"<script type="text/plain" data-consent="analytics" data-consent-src="https://evil.example/x.js"></script>"#;
    let out = gated(&snapshot(), page);
    assert!(!out.contains("data-consent="), "{out}");
}

#[test]
fn cookies_are_told_by_their_names() {
    let snapshot = snapshot();
    let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    for (name, withheld) in [
        ("_ym_uid", true),
        ("_ym_d", true),
        ("metrika_enabled", true),
        ("_ga", true),
        ("_ga_ABC123", true),
        ("_gid", true),
        ("_gat_gtag_UA_1", true),
        ("__utmz", true),
        ("FPID", true),
        ("_gcl_au", true),
        ("sb_session", false),
        ("PHPSESSID", false),
        ("_game", false),
        ("_GA", false),
        ("unknown", false),
    ] {
        assert_eq!(is_withheld(name.as_bytes(), &snapshot.rules, &verdicts), withheld, "{name}");
    }
}
