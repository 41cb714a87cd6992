//! How fast pages are read and changed, beside lol_html doing the same.
//!
//! `cargo bench --bench html`; `-- --quick` for a first look. Criterion follows each job over time; at
//! the end one table compares them, turn by turn: GB/s on one core for each real page of
//! `../shared/data/pages`, or for the demonstration's page where that folder is not there. Pages come
//! in chunks of 16 KiB, as they do from a socket. `-- table` is the table alone.
//!
//! Three jobs, each done by both. *No edit*: nobody asks for anything. *Looking*: the addresses of
//! scripts, frames, pictures and links are read. *Rules*: a stranger's page under the shipped rules;
//! for lol_html the attributes of the same elements and the text of scripts are judged by the same rules,
//! though it could not hold a script in place by what it finds.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use kelisim::demo;
use kelisim::gate::document::Document;
use kelisim::gate::fate::{Fate, Fates};
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

/// How often each job has its turn, and how often it is done then.
const ROUNDS: usize = 101;
const RUNS: u32 = 6;

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

/// The elements that a [`Document`] looks at.
const LOOKED_AT: &str = "script, iframe, style, img, image, source, input, frame, embed, object, link, base, \
    html, head, body, feimage, use, meta, video, audio, track, a, area, portal, fencedframe, svg, div, table, \
    tr, td, th, button, form";

fn their_rules(page: &[u8], snapshot: &Snapshot, fates: &Fates, url: &Url) -> usize {
    let (found, held) = (Cell::new(0), Cell::new(0));
    let rules = &snapshot.rules;
    let judge = |address: &str, used: Use| {
        let fate = url.join(address).map(|address| fates.of_url_from(rules, url, &address, used));
        held.set(held.get() + usize::from(fate.is_ok_and(|fate| fate != Fate::Permit)));
    };
    let search = |code: &[u8]| found.set(found.get() + rules.in_script(code).len());
    let mut code = String::new();
    let mut sheet = String::new();
    let settings = Settings::new()
        .append_element_content_handler(element!(LOOKED_AT, |element| {
            let (address, used) = match element.tag_name().as_str() {
                "script" => ("src", Use::Script),
                "iframe" | "frame" | "embed" => ("src", Use::Frame),
                "object" => ("data", Use::Frame),
                "link" | "base" => ("href", Use::Link),
                _ => ("src", Use::Image),
            };
            for attribute in element.attributes() {
                let (name, value) = (attribute.name(), attribute.value());
                if name == address || (name.starts_with("data-") && value.contains("//")) {
                    judge(&value, used);
                } else if name.starts_with("on") {
                    search(value.as_bytes());
                } else if name == "style" {
                    found.set(found.get() + usize::from(value.contains("url(")));
                }
            }
            Ok(())
        }))
        .append_element_content_handler(text!("script", |chunk| {
            code.push_str(chunk.as_str());
            if chunk.last_in_text_node() {
                search(code.as_bytes());
                code.clear();
            }
            Ok(())
        }))
        .append_element_content_handler(text!("style", |chunk| {
            sheet.push_str(chunk.as_str());
            if chunk.last_in_text_node() {
                found.set(found.get() + sheet.matches("url(").count());
                sheet.clear();
            }
            Ok(())
        }));
    let bytes = theirs(page, settings);
    bytes + found.get() + held.get()
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

/// What the jobs of a stranger's page need.
struct Setting {
    snapshot: Arc<Snapshot>,
    fates: Fates,
    url: Url,
}

impl Setting {
    fn new() -> Setting {
        let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
        let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
        let snapshot = Arc::new(Snapshot::new(rules, seal));
        let conditions = snapshot.conditions(NOW, Record::Readable);
        let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
        let fates = Fates::of(&snapshot.rules, &verdicts);
        let url = "https://send-box.com/".parse().expect("a valid address");
        Setting { snapshot, fates, url }
    }

    fn document(&self) -> Document {
        Document::new(Arc::clone(&self.snapshot), self.fates.clone(), self.url.clone(), None)
    }

    /// Does one of the [`JOBS`], named by its place.
    fn run(&self, job: usize, page: &[u8]) -> usize {
        match job {
            0 => ours(page, Nothing),
            1 => theirs(page, Settings::new()),
            2 => ours(page, Looking(0)),
            3 => their_looking(page),
            4 => ours(page, self.document()),
            _ => their_rules(page, &self.snapshot, &self.fates, &self.url),
        }
    }
}

fn measure(criterion: &mut Criterion, setting: &Setting, pages: &BTreeMap<String, Vec<u8>>) {
    for (name, page) in pages {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(page.len() as u64));
        for (job, called) in JOBS.into_iter().enumerate() {
            group.bench_function(called, |b| b.iter(|| setting.run(job, black_box(page))));
        }
        group.finish();
    }
}

/// GB/s of each job on a page: the medians of rounds in which every job has its turn. A machine that is
/// slow for a while is then slow for all of them.
fn compare(setting: &Setting, page: &[u8]) -> [f64; JOBS.len()] {
    let mut seconds = JOBS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (job, seconds) in seconds.iter_mut().enumerate() {
            let began = Instant::now();
            for _ in 0..RUNS {
                black_box(setting.run(job, black_box(page)));
            }
            seconds.push(began.elapsed().as_secs_f64() / f64::from(RUNS));
        }
    }
    seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "no page is that long")]
        let bytes = page.len() as f64;
        bytes / seconds[ROUNDS / 2] / 1e9
    })
}

fn table(setting: &Setting, pages: &BTreeMap<String, Vec<u8>>) {
    println!("\nGB/s, medians of {ROUNDS} rounds; each of our columns is followed by lol_html's\n");
    println!("| page | kB | {} |", JOBS.join(" | "));
    println!("|---|---|{}", "---|".repeat(JOBS.len()));
    for (name, page) in pages {
        let speeds = compare(setting, page).map(|speed| format!("{speed:.2}"));
        println!("| {name} | {} | {} |", page.len() / 1000, speeds.join(" | "));
    }
}

fn main() {
    let (setting, pages) = (Setting::new(), pages());
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    measure(&mut criterion, &setting, &pages);
    criterion.final_summary();
    table(&setting, &pages);
}
