//! What lists of others cost: 60,000 filters, loaded and asked.
//!
//! `cargo bench --bench lists`. Figures are per call, on one core. The filters are made here, in the
//! proportions of the lists that operators import: most name a host, some a path anywhere, some are
//! exceptions.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use kelisim::config::rule_files;
use kelisim::gate::fate::{Fate, Fates};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::rules::{self, RuleFile, RuleSet, Use};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use url::Url;

const NOW: Time = Time(1_763_800_000);
const FILTERS: usize = 60_000;

fn filter(n: usize) -> String {
    match n % 20 {
        0..12 => format!("||counter{n}.example^$third-party"),
        12..15 => format!("/track{n}/pixel."),
        15..17 => format!("||cdn{n}.example/count/*$script"),
        17 => format!("&visitor{n}=$image,third-party"),
        18 => format!("||frame{n}.example^$subdocument,domain=a{n}.kz|b.kz"),
        _ => format!("@@||counter{}.example/ok.js$script", n - 19),
    }
}

/// The shipped rules, with a list or without.
fn files(with_list: bool) -> Vec<RuleFile> {
    let mut files = rule_files(Path::new("rules")).expect("the shipped rules");
    if with_list {
        let list = "name = \"x\"\nsource = \"x\"\nlicence = \"x\"\nimported = \"2026-11-23\"\n\
                    purpose = \"analytics\"\nrecipient = \"undeclared\"\naction = \"hold\"\n";
        let filters: Vec<_> = (0..FILTERS).map(filter).collect();
        files.push(("lists/x.toml".to_owned(), list.to_owned()));
        files.push(("lists/x.txt".to_owned(), filters.join("\n")));
    }
    files
}

fn load(files: &[RuleFile]) -> RuleSet {
    rules::load("rules", files).expect("they load")
}

fn lists(c: &mut Criterion) {
    let [without, with] = [false, true].map(files);
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("the shipped rules", |b| b.iter(|| load(black_box(&without))));
    group.bench_function("and 60,000 filters", |b| b.iter(|| load(black_box(&with))));
    group.finish();

    let page: Url = "https://send-box.com/prices".parse().expect("an address");
    let asked = [
        ("named", "https://counter40.example/js/counter.js?id=1763800000"),
        ("not named", "https://cdn.jsdelivr.net/npm/vue@3.5.13/dist/vue.global.prod.js"),
    ];
    for (kind, files) in [("without lists", &without), ("60,000 filters", &with)] {
        let snapshot =
            Snapshot::new(load(files), Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]));
        let conditions = snapshot.conditions(NOW, Record::Readable);
        let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
        let rules = &snapshot.rules;
        let fates = Fates::of(rules, &verdicts);
        let mut group = c.benchmark_group(format!("an address, {kind}"));
        for (name, address) in asked {
            let url: Url = address.parse().expect("an address");
            let withheld = fates.of_url_from(rules, &page, &url, Use::Script) != Fate::Permit;
            assert_eq!(withheld, name == "named" && kind != "without lists");
            group.bench_function(format!("{name}, kept"), |b| {
                b.iter(|| fates.of_url_from(rules, &page, black_box(&url), Use::Script));
            });
            group.bench_function(format!("{name}, read and kept"), |b| {
                b.iter(|| {
                    let url = page.join(black_box(address)).expect("an address");
                    fates.of_url_from(rules, &page, &url, Use::Script)
                });
            });
            let mut n = 0_u64;
            group.bench_function(format!("{name}, cold"), |b| {
                b.iter(|| {
                    n += 1;
                    let url = page.join(&format!("{address}&n={n}")).expect("an address");
                    fates.of_url_from(rules, &page, &url, Use::Script)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, lists);
criterion_main!(benches);
