//! What the gate costs: the decision, cookies, and a page through the rewriter.
//!
//! `cargo bench`. Figures are per call, on one core.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::HeaderMap;
use kelisim::demo;
use kelisim::gate::cookies::ConsentCookie;
use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::request;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::html;
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::rules::{self, Mode};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;

const NOW: Time = Time(1_763_800_000);

fn snapshot() -> Arc<Snapshot> {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    Arc::new(Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[])))
}

/// The demonstration's home page, as the site sends it.
fn page() -> Vec<u8> {
    let request = http::Request::builder().uri("/").body(()).expect("a valid request");
    demo::site::answer(&request, b"").into_body().to_vec()
}

fn gate(c: &mut Criterion) {
    let snapshot = snapshot();
    let conditions = snapshot.conditions(NOW, Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);

    c.bench_function("decide", |b| {
        b.iter(|| decide(&conditions, black_box(&Visitor::Stranger), Signal::Silent));
    });

    let mut headers = HeaderMap::new();
    let cookies = "sb_session=eyJ1c2VyIjoiYSJ9; _ym_uid=1763800000123456789; _ym_d=1763800000; \
                   _ga=GA1.1.123.456; _ga_DEMO000001=GS2.1.s1; sb_lang=kk; theme=dark";
    headers.insert("cookie", cookies.parse().expect("a valid field"));
    c.bench_function("cookies of a request", |b| {
        b.iter(|| {
            let (rules, seal) = (&snapshot.rules, &snapshot.seal);
            let mode = Mode::Enforce;
            request::cookies(
                black_box(&headers),
                rules,
                &verdicts,
                &ConsentCookie::Host,
                seal,
                mode,
            )
        });
    });

    let page = page();
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let url: url::Url = "https://send-box.com/".parse().expect("a valid address");
    let mut group = c.benchmark_group("page");
    group.throughput(Throughput::Bytes(page.len() as u64));
    group.bench_function("held tags, no banner", |b| {
        b.iter(|| {
            let document = Document::new(Arc::clone(&snapshot), fates.clone(), url.clone(), None);
            html::rewrite(black_box(&page), document).expect("nothing is refused").0
        });
    });
    group.finish();
}

criterion_group!(benches, gate);
criterion_main!(benches);
