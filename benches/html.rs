//! How fast pages are read and changed, beside lol_html doing the same.
//!
//! `cargo bench --bench html`; `-- --quick` for a first look. At the end one table: GB/s on one core
//! for each real page of `../shared/data/pages`, or for the demonstration's page where that folder is
//! not there. Pages come in chunks of 16 KiB, as they do from a socket.
//!
//! Three jobs, each done by both. *No edit*: nobody asks for anything. *Looking*: the addresses of
//! scripts, frames, pictures and links are read. *Rules*: a stranger's page under the shipped rules;
//! for lol_html the same addresses and the text of scripts are judged by the same rules, though it
//! could not hold a script in place by what it finds.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use kelisim::demo;
use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::html::{Edit, Element, Interest, Rewriter};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::rules::{self, Use};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use lol_html::{HtmlRewriter, Settings, element, text};
use url::Url;

const NOW: Time = Time(1_763_800_000);
const CHUNK_BYTES: usize = 16 * 1024;

/// The jobs, ours and theirs side by side, as the table shows them.
const JOBS: [&str; 6] =
    ["no edit", "lol_html no edit", "looking", "lol_html looking", "rules", "lol_html rules"];

/// A page through something; what it returns only keeps the work from being left out.
type Job<'a> = dyn Fn(&[u8]) -> usize + 'a;

struct Nothing;

impl Edit for Nothing {
    fn interest(&mut self, _name: &[u8]) -> Interest {
        Interest::Pass
    }

    fn element(&mut self, _element: &mut Element<'_>) {}
}

/// Reads addresses, and adds up how long they are.
struct Looking(usize);

impl Edit for Looking {
    fn interest(&mut self, name: &[u8]) -> Interest {
        match name {
            b"script" | b"iframe" | b"img" | b"link" => Interest::Tag,
            _ => Interest::Pass,
        }
    }

    fn element(&mut self, element: &mut Element<'_>) {
        let name: &[u8] = if element.name() == b"link" { b"href" } else { b"src" };
        self.0 += element.attribute(name).map_or(0, |address| address.len());
    }
}

fn ours<E: Edit>(page: &[u8], edit: E) -> usize {
    let mut bytes = 0;
    let mut rewriter = Rewriter::new(edit);
    let mut out = |some: &[u8]| bytes += some.len();
    for chunk in page.chunks(CHUNK_BYTES) {
        rewriter.write(chunk, &mut out).expect("nothing is refused");
    }
    rewriter.end(&mut out).map_err(|_| ()).expect("nothing is refused");
    bytes
}

fn theirs(page: &[u8], settings: Settings<'_, '_>) -> usize {
    let mut bytes = 0;
    let mut rewriter =
        HtmlRewriter::new(settings.with_strict(false), |some: &[u8]| bytes += some.len());
    for chunk in page.chunks(CHUNK_BYTES) {
        rewriter.write(chunk).expect("it takes any page");
    }
    rewriter.end().expect("it takes any page");
    bytes
}

fn their_looking(page: &[u8]) -> usize {
    let mut seen = 0;
    let settings = Settings::new().append_element_content_handler(element!(
        "script, iframe, img, link",
        |element| {
            let name = if element.tag_name() == "link" { "href" } else { "src" };
            seen += element.get_attribute(name).map_or(0, |address| address.len());
            Ok(())
        }
    ));
    let bytes = theirs(page, settings);
    bytes + seen
}

fn their_rules(page: &[u8], snapshot: &Snapshot, fates: &Fates, url: &Url) -> usize {
    let (mut found, mut held) = (0, 0);
    let mut code = String::new();
    let settings = Settings::new()
        .append_element_content_handler(element!(
            "script, iframe, img, image, source, input, frame, embed, object, link, base",
            |element| {
                let (name, used) = match element.tag_name().as_str() {
                    "script" => ("src", Use::Script),
                    "iframe" | "frame" | "embed" => ("src", Use::Frame),
                    "object" => ("data", Use::Frame),
                    "link" | "base" => ("href", Use::Link),
                    _ => ("src", Use::Image),
                };
                let address =
                    element.get_attribute(name).and_then(|address| url.join(&address).ok());
                if let Some(address) = address {
                    let fate = fates.of_url(&snapshot.rules, &address, used);
                    held += usize::from(fate != kelisim::gate::fate::Fate::Permit);
                }
                Ok(())
            }
        ))
        .append_element_content_handler(text!("script", |chunk| {
            code.push_str(chunk.as_str());
            if chunk.last_in_text_node() {
                found += snapshot.rules.in_script(code.as_bytes()).count();
                code.clear();
            }
            Ok(())
        }));
    let bytes = theirs(page, settings);
    bytes + found + held
}

fn pages() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/pages");
    let mut pages = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            pages.insert(name, std::fs::read(&path).expect("a page can be read"));
        }
    }
    if pages.is_empty() {
        let request = http::Request::builder().uri("/").body(()).expect("a valid request");
        pages.insert("demo".to_owned(), demo::site::answer(&request, b"").into_body().to_vec());
    }
    pages
}

fn measure(criterion: &mut Criterion, pages: &BTreeMap<String, Vec<u8>>) {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    let seal = Seal::new(SealKey { id: 1, secret: [1; 32] }, Vec::new());
    let snapshot = Arc::new(Snapshot::new(rules, seal));
    let conditions = snapshot.conditions(NOW, Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let url: Url = "https://send-box.com/".parse().expect("a valid address");
    let document = || Document::new(Arc::clone(&snapshot), fates.clone(), url.clone(), None);

    for (name, page) in pages {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(page.len() as u64));
        let jobs: [&Job<'_>; 6] = [
            &|page| ours(page, Nothing),
            &|page| theirs(page, Settings::new()),
            &|page| ours(page, Looking(0)),
            &|page| their_looking(page),
            &|page| ours(page, document()),
            &|page| their_rules(page, &snapshot, &fates, &url),
        ];
        for (job, run) in JOBS.into_iter().zip(jobs) {
            group.bench_function(job, |b| b.iter(|| run(black_box(page))));
        }
        group.finish();
    }
}

/// The median of a job on a page, in seconds, as criterion has noted it.
fn median(page: &str, job: &str) -> Option<f64> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        std::path::PathBuf::from,
    );
    let file = folder.join("criterion").join(page).join(job).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    Some(estimates["median"]["point_estimate"].as_f64()? / 1e9)
}

fn table(pages: &BTreeMap<String, Vec<u8>>) {
    println!("\nGB/s, medians; each of our columns is followed by lol_html's\n");
    println!("| page | kB | {} |", JOBS.join(" | "));
    println!("|---|---|{}", "---|".repeat(JOBS.len()));
    for (name, page) in pages {
        let of = |job| match median(name, job) {
            #[expect(clippy::cast_precision_loss, reason = "no page is that long")]
            Some(seconds) => format!("{:.2}", page.len() as f64 / seconds / 1e9),
            None => "–".to_owned(),
        };
        println!("| {name} | {} | {} |", page.len() / 1000, JOBS.map(of).join(" | "));
    }
}

fn main() {
    let pages = pages();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    measure(&mut criterion, &pages);
    criterion.final_summary();
    table(&pages);
}
