//! Every shape in which a page can hold a tag: what a stranger's browser gets of it.
//!
//! One row is a piece of a page and what comes out: mostly the same without its tag. The vendors are
//! the shipped ones, and only what matters here is written, so that a row can be read.
//!
//! The forms in which vendors hand out their tags are in `tests/rules.rs`; whole pages are compared by
//! a browser in `tests/dom.rs`.

use std::sync::{Arc, LazyLock};

use kelisim::banner;
use kelisim::gate::csp::Hashes;
use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use kelisim::{demo, html, rules};
use proptest::prelude::*;

fn snapshot() -> Arc<Snapshot> {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    Arc::new(Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[])))
}

fn document(snapshot: &Arc<Snapshot>) -> Document {
    let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let url = "https://send-box.com/prices/".parse().expect("an address");
    Document::new(Arc::clone(snapshot), fates, url, None)
}

fn gated(document: Document, page: &str) -> String {
    let (out, _) = html::rewrite(page.as_bytes(), document).expect("nothing is refused");
    String::from_utf8(out).expect("UTF-8")
}

/// Rows of `what came => what goes on`; a row without an arrow stays as it is. `PIXEL`, `TAG` and
/// `FRAME` are addresses of withheld vendors.
fn assert_rows(rows: &str) {
    let snapshot = snapshot();
    let filled = |text: &str| {
        text.trim()
            .replace("PIXEL", "https://mc.yandex.ru/watch/1")
            .replace("TAG", "https://mc.yandex.ru/metrika/tag.js")
            .replace("FRAME", "https://www.googletagmanager.com/ns.html?id=GTM-1")
    };
    let mut wrong = Vec::new();
    for row in rows.lines().filter(|row| !row.trim().is_empty()) {
        let (page, expected) = row.split_once(" =>").unwrap_or((row, row));
        let (page, expected) = (filled(page), filled(expected));
        let out = gated(document(&snapshot), &page);
        if out != expected {
            wrong.push(format!("{page}\n  became   {out}\n  expected {expected}"));
        }
        let again = gated(document(&snapshot), &out);
        if again != out && !out.contains("data-consent") {
            wrong.push(format!("{page}\n  became   {out}\n  and then {again}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_that_fetch_lose_their_address_and_links_that_name_keep_it() {
    assert_rows(
        r#"
        <link rel=preload as=script href=TAG> => <link rel=preload as=script>
        <link rel=modulepreload href=TAG> => <link rel=modulepreload>
        <link rel="PREFETCH" href="//mc.yandex.ru/metrika/tag.js"> => <link rel="PREFETCH">
        <link rel=prerender href=FRAME> => <link rel=prerender>
        <link rel=preload as=script href=https://www.gstatic.com/firebasejs/10.1.0/firebase-analytics.js> => <link rel=preload as=script>
        <link rel=preconnect href=https://www.gstatic.com>
        <link rel=preload as=image imagesrcset="/a.png 1x, PIXEL 2x"> => <link rel=preload as=image>
        <link rel=stylesheet href=PIXEL> => <link rel=stylesheet>
        <link rel="shortcut icon" href=PIXEL> => <link rel="shortcut icon">
        <link rel=import href=TAG> => <link rel=import>
        <link rel=canonical href=PIXEL>
        <link rel="alternate stylesheet" href=/a.css>
        <link rel=preload as=image imagesrcset="/a.png 1x, /b.png 2x" href=/a.png>
        "#,
    );
}

#[test]
fn pictures_and_sounds_of_other_elements_lose_their_address() {
    assert_rows(
        r#"
        <video poster=PIXEL src=/a.mp4></video> => <video src=/a.mp4></video>
        <video src="PIXEL" controls></video> => <video controls></video>
        <audio src='PIXEL'></audio> => <audio></audio>
        <video src=/a.mp4><track src=PIXEL kind=subtitles></video> => <video src=/a.mp4><track kind=subtitles></video>
        <body background=PIXEL class=a><p>a => <body class=a><p>a
        <table BACKGROUND="PIXEL"><tr><td background=/a.png>b</table> => <table><tr><td background=/a.png>b</table>
        <object data=FRAME classid=PIXEL codebase=/a>b</object> => <object codebase=/a>b</object>
        <object data="data:text/html,<img src=PIXEL>">b</object> => <object>b</object>
        <embed src="data:text/html,<script src=TAG></script>">a => <embed>a
        <iframe src="javascript:load('https:%2f%2fmc.yandex.ru/metrika/tag.js')"></iframe>a => <iframe></iframe>a
        <iframe src="javascript:void 0"></iframe>a
        <fencedframe src=FRAME></fencedframe><portal src=FRAME></portal> => <fencedframe></fencedframe><portal></portal>
        "#,
    );
}

#[test]
fn beacons_of_links_go_and_where_links_lead_stays() {
    assert_rows(
        r#"
        <a href=/a ping="/own PIXEL">b</a> => <a href=/a>b</a>
        <area href=/a PING='PIXEL'> => <area href=/a>
        <a href=/a ping=/own>b</a>
        <a href=PIXEL>b</a><form action=PIXEL></form>
        <a href=/a attributionsrc="https://www.googleadservices.com/pagead/x">b</a> => <a href=/a>b</a>
        "#,
    );
}

#[test]
fn a_page_that_leads_on_by_itself_leads_to_no_tracker() {
    assert_rows(
        r#"
        <meta http-equiv=Refresh content="0; URL='FRAME'"> =>
        <meta http-equiv=refresh content="5;//mc.yandex.ru/watch/1"> =>
        <meta http-equiv=refresh content="0;url=/thanks">
        <meta http-equiv=refresh content=300>
        <meta property=og:url content="0;url=PIXEL">
        <noscript><meta http-equiv=refresh content="0;url=PIXEL"><meta http-equiv=refresh content="0;url=/plain"></noscript> => <noscript><meta http-equiv=refresh content="0;url=/plain"></noscript>
        "#,
    );
}

#[test]
fn addresses_kept_for_lazy_loading_are_cleared() {
    assert_rows(
        r#"
        <base href=//mc.yandex.ru/><p data-a="&#1046;b" data-b="&#47;/mc.yandex.ru/watch/1">a => <base href=//mc.yandex.ru/><p data-a="&#1046;b">a
        <li class="one two"data-bg=PIXEL>a<my-tag data-src='PIXEL'> => <li class="one two">a<my-tag>
        <img src=/a.gif data-src=PIXEL class=lazy> => <img src=/a.gif class=lazy>
        <img data-lazy-src="//mc.yandex.ru/watch/1" data-srcset="/b.png 2x, PIXEL 3x"> => <img>
        <iframe data-cmp-src="FRAME" title=a></iframe> => <iframe title=a></iframe>
        <div data-bg='PIXEL'>a</div> => <div>a</div>
        <img data-src=/a.png data-srcset="/b.png 2x" data-id=7 data-url=https://send-box.com/a>
        <script type=text/plain data-cmplz-src=TAG data-category=statistics></script> => <script type=text/plain data-category=statistics></script>
        <base href=https://mc.yandex.ru/><img src=https://send-box.com/a.png data-id=1>
        "#,
    );
}

#[test]
fn backgrounds_of_styles_are_put_out_of_use() {
    assert_rows(
        r#"
        <style>a{b:url(PIXEL)}c{d:url(/e.png)}</style> => <style>a{b:url(about:invalid)}c{d:url(/e.png)}</style>
        <style>@import "PIXEL" print;@import url('/a.css');</style> => <style>@import "about:invalid" print;@import url('/a.css');</style>
        <style>a:after{content:"PIXEL"}/* url(PIXEL) */</style>
        <div style="color:red;background:url('PIXEL') no-repeat">a</div> => <div style="color:red;background:url('about:invalid') no-repeat">a</div>
        <div style="background:u&#114;l(//mc&period;yandex.ru/watch/1)"></div> => <div style="background:url(about:invalid)"></div>
        <body style='background:\75 rl(PIXEL)'> => <body style="background:\75 rl(about:invalid)">
        <div style="background:url(/a.png)">b</div>
        <p style="background:url(PIXEL)"><span STYLE='a:url(PIXEL)'>b</span> => <p style="background:url(about:invalid)"><span STYLE="a:url(about:invalid)">b</span>
        <noscript><p><b style="background:url(PIXEL)">a</b></p></noscript> => <noscript><p><b style="background:url(about:invalid)">a</b></p></noscript>
        "#,
    );
}

#[test]
fn handlers_that_load_a_tag_go_and_calls_stay() {
    assert_rows(
        r#"
        <body onload="s=document.createElement('script');s.src='TAG';document.head.append(s)" class=a> => <body class=a>
        <img src=/a.png OnError='new Image().src="PIXEL"'> => <img src=/a.png>
        <svg onload="load('TAG')"><path d=m></svg> => <svg><path d=m></svg>
        <button onclick="ym(101234567, 'reachGoal', 'order')">a</button>
        <form onsubmit="gtag('event', 'sent')"></form><a onclick="box('https://send-box.com/')">b</a>
        "#,
    );
}

#[test]
fn amp_elements_forget_whom_to_ask() {
    assert_rows(
        r#"
        <amp-analytics type=metrika id=a></amp-analytics> => <amp-analytics id=a></amp-analytics>
        <amp-analytics type="gtag" data-credentials=include><script type="application/json">{"vars": {"gtag_id": "G-1"}}</script></amp-analytics> => <amp-analytics data-credentials=include><script type="application/json">{"vars": {"gtag_id": "G-1"}}</script></amp-analytics>
        <amp-analytics config="https://www.googletagmanager.com/amp.json?id=GTM-1"></amp-analytics> => <amp-analytics></amp-analytics>
        <amp-analytics><script type=application/json>{"requests": {"a": "https://www.google-analytics.com/collect?b=${c}"}}</script></amp-analytics> => <amp-analytics><script type=application/json>{}</script></amp-analytics>
        <amp-analytics><script type=application/json>{"requests": {"a": "https://send-box.com/own"}}</script></amp-analytics>
        <amp-analytics></amp-analytics><script type=application/json>{"a": "/b"}</script>
        <amp-pixel src=PIXEL layout=nodisplay></amp-pixel> => <amp-pixel layout=nodisplay></amp-pixel>
        <amp-img src=/a.png srcset="/b.png 2x" width=1></amp-img><amp-img src=PIXEL></amp-img> => <amp-img src=/a.png srcset="/b.png 2x" width=1></amp-img><amp-img></amp-img>
        <amp-iframe src=FRAME width=1><amp-img placeholder></amp-img></amp-iframe> => <amp-iframe width=1><amp-img placeholder></amp-img></amp-iframe>
        <amp-ad width=1 type=adsense data-ad-slot=2><div fallback>a</div></amp-ad> => <amp-ad width=1 data-ad-slot=2><div fallback>a</div></amp-ad>
        <amp-ad type=taboola></amp-ad><amp-analytics type=chartbeat></amp-analytics>
        "#,
    );
}

#[test]
fn what_is_copied_into_a_page_or_stands_in_its_shadow_is_gated_as_well() {
    assert_rows(
        "
        <template><img src=PIXEL><p>a</template> => <template><img><p>a</template>
        <div><template shadowrootmode=open><img src=PIXEL><style>a{b:url(PIXEL)}</style><slot></slot></template></div> => <div><template shadowrootmode=open><img><style>a{b:url(about:invalid)}</style><slot></slot></template></div>
        ",
    );
    let out = gated(
        document(&snapshot()),
        "<div><template shadowrootmode=open><script src=https://mc.yandex.ru/metrika/tag.js></script></template></div>",
    );
    assert!(out.contains("type=\"text/plain\" data-consent=\"analytics\""), "{out}");
}

#[test]
fn what_stands_in_an_address_is_read_to_its_end() {
    assert_rows(
        r#"
        <iframe src="javascript:1?new Image().src='TAG':0"></iframe> => <iframe></iframe>
        <iframe src="javascript:'#',load('TAG')"></iframe> => <iframe></iframe>
        <iframe src="javascript://own%0Aload('TAG')"></iframe> => <iframe></iframe>
        <iframe src="javascript:1?2:3#4"></iframe>
        <link rel=stylesheet href="data:text/css,@import 'PIXEL'"> => <link rel=stylesheet>
        <link rel="Stylesheet" href="DATA:text/css;base64,YntiYWNrZ3JvdW5kOnVybChodHRwczovL21jLnlhbmRleC5ydS8xKX0="> => <link rel="Stylesheet">
        <link rel=stylesheet href="data:text/css,p{color:red}">
        <link rel=icon href="data:image/svg+xml,@import 'PIXEL'">
        <link rel=preload as=image href=/a.png imagesrcset="PIXEL 2x"> => <link rel=preload as=image href=/a.png>
        <img src=http:mc.yandex.ru/1> => <img>
        <img src="	hTTps:mc.yandex.ru/1"> => <img>
        <img src=http:own.example/mc.yandex.ru/1>
        "#,
    );
}

#[test]
fn however_deep_documents_stand_in_each_other_no_tag_is_asked_for() {
    let snapshot = snapshot();
    let escaped = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    let tags = [
        "<img src=https://mc.yandex.ru/watch/1>",
        "<iframe src='data:text/html,<script src=https://mc.yandex.ru/metrika/tag.js></script>'></iframe>",
        "<iframe src='javascript:load(\"https://mc.yandex.ru/metrika/tag.js\")'></iframe>",
    ];
    for tag in tags {
        let mut within = tag.to_owned();
        for depth in 0..9 {
            for page in [within.clone(), format!("<noscript>{within}</noscript>")] {
                let out = gated(document(&snapshot), &page);
                assert!(!out.contains("mc.yandex.ru"), "{depth}: {out}");
                assert_eq!(gated(document(&snapshot), &out), out, "{depth}");
            }
            within = format!("<iframe srcdoc=\"{}\"></iframe>", escaped(&within));
        }
        // Raw text that is never ended, in itself.
        for depth in [1, 2, 5, 300, 20_000] {
            let page = format!("<p>{}{tag}", "<noscript>".repeat(depth));
            assert!(!gated(document(&snapshot), &page).contains("mc.yandex.ru"), "{depth}");
        }
    }
}

#[test]
fn comments_are_left_whatever_is_in_them() {
    // Internet Explorer before 10 read conditions in comments; no browser that is left does.
    assert_rows(
        "
        <!--[if lt IE 9]><script src=TAG></script><![endif]--><p>a
        <!--[if !IE]><!--><img src=PIXEL><!--<![endif]-->a => <!--[if !IE]><!--><img><!--<![endif]-->a
        ",
    );
}

#[test]
fn scripts_that_another_script_runs_later_are_held() {
    assert_rows(
        r#"
        <script type=text/partytown src=TAG></script> => <script data-consent-type="text/partytown" data-consent="analytics" type="text/plain" data-consent-src=TAG></script>
        <script type="0123456789abcdef01234567-text/javascript" src=TAG></script> => <script data-consent-type="text/javascript" data-consent="analytics" type="text/plain" data-consent-src=TAG></script>
        <script type="0123456789abcdef01234567-module">load("TAG")</script> => <script data-consent-type="module" data-consent="analytics" type="text/plain">load("TAG")</script>
        <script type=rocketlazyloadscript data-rocket-type=module data-rocket-src=TAG defer></script> => <script data-consent-type="module" data-consent="analytics" type="text/plain" data-rocket-type=module data-consent-src=TAG defer></script>
        <script data-src=TAG type=litespeed/javascript></script> => <script data-consent="analytics" data-consent-src=TAG type="text/plain"></script>
        <script type=pmdelayedscript src=TAG></script> => <script data-consent="analytics" type="text/plain" data-consent-src=TAG></script>
        <script src=TAG data-src=TAG onload="load('TAG')" data-a=b></script> => <script type="text/plain" data-consent="analytics" data-consent-src=TAG data-a=b></script>
        <script nomodule src=TAG></script> => <script type="text/plain" data-consent="analytics" nomodule data-consent-src=TAG></script>
        <script type=text/partytown src=/a.js></script><script type=rocketlazyloadscript data-rocket-src=/a.js>box()</script>
        <script type="0123456789abcdef01234567-text/plain">load("TAG")</script><script type=text/plain>load("TAG")</script>
        "#,
    );
}

const LOADER: &str = r#"(function(m,e,t,r,i,k,a){m[i]=m[i]||function(){(m[i].a=m[i].a||[]).push(arguments)};m[i].l=1*new Date();k=e.createElement(t),a=e.getElementsByTagName(t)[0],k.async=1,k.src=r,a.parentNode.insertBefore(k,a)})(window,document,"script","https://mc.yandex.ru/metrika/tag.js","ym");ym(101234567,"init",{clickmap:true});"#;
const GTM: &str = r"(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':new Date().getTime(),event:'gtm.js'});var f=d.getElementsByTagName(s)[0],j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;j.src='https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);})(window,document,'script','dataLayer','GTM-ABC1234');";

#[test]
fn code_of_the_site_beside_a_loader_runs_and_the_loader_loads_nothing() {
    let snapshot = snapshot();
    let led = |address: &str| address.replace("EMPTY", &banner::assets::empty_js().path);
    for (code, from, to) in [
        (
            format!("{LOADER}document.title='ran';"),
            "https://mc.yandex.ru/metrika/tag.js",
            led("https://send-box.comEMPTY?"),
        ),
        (
            format!("$(function(){{ initMenu(); {GTM} }})"),
            "https://www.googletagmanager.com/gtm.js?id=",
            led("https://send-box.comEMPTY?"),
        ),
        (
            "var menu={open:1};var s=document.createElement('script');s.src=location.protocol+'//mc.yandex.ru/metrika/watch.js';document.head.appendChild(s);new Ya.Metrika({id:1});".to_owned(),
            "//mc.yandex.ru/metrika/watch.js",
            led("//send-box.comEMPTY?"),
        ),
    ] {
        let page = format!("<script>{code}</script>");
        let out = gated(document(&snapshot), &page);
        assert_eq!(out, page.replace(from, &to));
        assert_eq!(gated(document(&snapshot), &out), out, "the second gate finds nothing more");
        // Under a policy with digests the text would not run changed, so it is held as it is.
        let hashes = Hashes { scripts: true, ..Hashes::default() };
        let out = gated(document(&snapshot).under(hashes), &page);
        assert_eq!(out, page.replace("<script>", HELD));
        let meta = "<meta http-equiv=Content-Security-Policy content=\"script-src 'sha256-x'\">";
        let out = gated(document(&snapshot), &format!("{meta}{page}"));
        assert_eq!(out, format!("{meta}{}", page.replace("<script>", HELD)));
    }
}

const HELD: &str = "<script type=\"text/plain\" data-consent=\"analytics\">";

#[test]
fn what_might_still_load_a_tag_is_held_whole() {
    let snapshot = snapshot();
    for code in [
        // Nothing but the tag: the banner can release it on the spot.
        LOADER.to_owned(),
        GTM.to_owned(),
        format!("setTimeout(function(){{{LOADER}}},5000)"),
        // The address is in pieces, or made at run time.
        "document.title='ran';s.src='//mc'+'.yandex.ru'+'/metrika/tag.js';ym(101234567,'init',{})".to_owned(),
        "document.title='ran';ga.src=('https:'==document.location.protocol?'https://ssl':'http://www')+'.google-analytics.com/ga.js';".to_owned(),
        "document.title='ran';load(`https://www.googletagmanager.com/gtag/js?id=${id}`)".to_owned(),
        format!("{LOADER}document.title='ran';load('https://'+'mc.webvisor.org')"),
        format!("{LOADER}document.title='ran';load(h+'/metrika/watch.js')"),
        // One vendor is led away, the other is not seen.
        format!("{LOADER}document.title='ran';i['GoogleAnalyticsObject']=r;load(x)"),
    ] {
        let page = format!("<script>{code}</script>");
        let out = gated(document(&snapshot), &page);
        assert_eq!(out, page.replace("<script>", HELD));
    }
}

#[test]
fn the_state_of_a_framework_stays_and_is_counted() {
    let snapshot = snapshot();
    let page = r#"<script id="__NEXT_DATA__" type="application/json">{"html": "https://mc.yandex.ru/metrika/tag.js"}</script><script>(self.__next_f=self.__next_f||[]).push([0])</script><script>self.__next_f.push([1,"<script src=\"https://mc.yandex.ru/metrika/tag.js\">"])</script><script>window.__NUXT__={config:{gtm:"https://www.googletagmanager.com/gtm.js?id="}}</script>"#;
    let (out, edit) =
        html::rewrite(page.as_bytes(), document(&snapshot)).expect("nothing is refused");
    assert_eq!(String::from_utf8_lossy(&out), page);
    assert_eq!((edit.tally().total(), edit.tally().states()), (0, 3));
    let page = r#"<script>self.__next_f.push([1,"a"]);load("https://mc.yandex.ru/metrika/tag.js")</script>"#;
    assert_ne!(gated(document(&snapshot), page), page);
}

#[test]
fn maps_of_modules_and_rules_of_what_comes_ahead_lose_their_trackers() {
    let snapshot = snapshot();
    let empty = format!("https://send-box.com{}", banner::assets::empty_js().path);
    for (kind, json, expected) in [
        (
            "importmap",
            r#"{"imports":{"app":"/app.js","ym":"https://mc.yandex.ru/metrika/tag.js","ym/":"//mc.yandex.ru/metrika/"},"scopes":{"/a/":{"g":"https://www.googletagmanager.com/gtag/js?id=G-1"}}}"#,
            r#"{"imports":{"app":"/app.js","ym":"EMPTY","ym/":null},"scopes":{"/a/":{"g":"EMPTY"}}}"#,
        ),
        (
            "speculationrules",
            r#"{"prerender":[{"eagerness":"eager","urls":["/a","https://mc.yandex.ru/watch/1","<b>"]}]}"#,
            r#"{"prerender":[{"eagerness":"eager","urls":["/a","\u003cb>"]}]}"#,
        ),
    ] {
        let page = format!("<script type={kind}>{json}</script>");
        let expected = expected.replace("EMPTY", &empty);
        let out = gated(document(&snapshot), &page);
        assert_eq!(out, format!("<script type={kind}>{expected}</script>"));
        assert_eq!(gated(document(&snapshot), &out), out);
        let hashes = Hashes { scripts: true, ..Hashes::default() };
        let out = gated(document(&snapshot).under(hashes), &page);
        assert!(out.contains(json) && out.contains(&format!("data-consent-type={kind}")), "{out}");
    }
    for same in [
        r#"<script type=importmap>{ "imports": {"app": "/app.js"}, "scopes": {} }</script>"#,
        r#"<script type=importmap>{"imports": {"https://mc.yandex.ru/metrika/tag.js": "/own.js"}}</script>"#,
        r#"<script type=importmap>{"imports": {"ym": "https://mc.yandex.ru/metrika/tag.js"</script>"#,
        r#"<script type=speculationrules>{"prefetch": [{"where": {"href_matches": "/*"}}]}</script>"#,
    ] {
        assert_eq!(gated(document(&snapshot), same), same);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn what_came_out_holds_nothing_more_and_does_not_change_again(
        bits in prop::collection::vec(prop::sample::select(vec![
            "<script>", "</script>", "<script type=importmap>", "<script src=", "<style>", "</style>",
            "<div style='", "<img data-src=", "<a ping=", "<noscript>", "</noscript>", "<iframe srcdoc='", "<svg>",
            "<body onload='", "<amp-analytics type=metrika>", "<meta http-equiv=refresh content='0;url=",
            "<object data='data:text/html,", "<link rel=preload imagesrcset=", "\"", "'", ">", " ", ";", "=", "url(", ")",
            "(function(){", "})()", "https://mc.yandex.ru/metrika/tag.js", "//mc.yandex.ru/watch/1", "ym(101234567,'init')",
            "document.title=1;", "s.src=\"https://mc.yandex.ru/metrika/tag.js\";", "{\"imports\":{\"a\":\"", "\"}}", "ё",
            "self.__next_f.push([1,\"", "\"])", "x", "\n", "&quot;", "/own.js",
        ]), 0..16),
    ) {
        static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(snapshot);
        let page = bits.concat();
        let gate = |page: &[u8]| {
            html::rewrite(page, document(&SNAPSHOT)).expect("short pages are not refused")
        };
        let (once, _) = gate(page.as_bytes());
        let (twice, again) = gate(&once);
        prop_assert_eq!(again.tally().total(), 0, "{} became {}", page, once.escape_ascii());
        let names_consent = memchr::memmem::find(&once, b"data-consent").is_some();
        prop_assert!(twice == once || names_consent, "{} became {}", page, once.escape_ascii());
    }
}
