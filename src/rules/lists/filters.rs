//! The filters of one list, and what they say of an address.
//!
//! They are matched by the crate `adblock` as the browsers they were written for match them: with their
//! exceptions (`@@`), and by what a request is for and by the page that makes it.
//!
//! A line that is none of [`super::filter`]'s is a problem when the list is read, so that none of a list
//! that is in force is without effect.
//!
//! Which filter it was is only told to operators: an engine that knows costs more memory, and is made
//! when the first of them asks.

use std::fmt;
use std::sync::OnceLock;

use adblock::Engine;
use adblock::lists::FilterSet;
use adblock::request::Request;

use super::super::problem::Problem;
use super::super::vendor::Use;
use super::filter::{Line, reading};

/// A page of some site, for examples.
pub(super) const ANY_PAGE: &str = "https://site.invalid/";

/// Filters.
pub(super) struct Filters {
    path: String,
    text: String,
    count: usize,
    engine: Engine,
    telling: OnceLock<Engine>,
}

impl fmt::Debug for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} filters of {}", self.count, self.path)
    }
}

/// What `adblock` calls what an address is used for; whatever is fetched to be shown is a picture to us.
fn request_type(used: Use) -> &'static str {
    match used {
        Use::Script => "script",
        Use::Image => "image",
        Use::Frame => "subdocument",
        Use::Link => "other",
    }
}

fn engine(text: &str, tells: bool) -> Engine {
    let mut filters = FilterSet::new(tells);
    filters.add_filter_list(text.to_owned(), reading());
    Engine::new_with_filter_set(filters)
}

impl Filters {
    /// Reads them; each line that cannot be used is a problem.
    pub(super) fn read(path: String, text: &str, problems: &mut Vec<Problem>) -> Filters {
        let mut count = 0;
        for (number, line) in text.lines().enumerate() {
            match Line::of(line) {
                Line::Nothing => {}
                Line::Filter => count += 1,
                Line::LeftOut(why) => {
                    let line: String = line.chars().take(60).collect();
                    let text = format!(
                        "the filter `{line}` {why}, and the gate cannot use it; remove it, or import the list \
                         anew by `kelisim import`"
                    );
                    problems.push(Problem { path: path.clone(), line: number + 1, text });
                }
            }
        }
        if count == 0 {
            let text =
                "has no filter; write one on each line, such as `||tracker.example^`".to_owned();
            problems.push(Problem { path: path.clone(), line: 0, text });
        }
        let engine = engine(text, false);
        Filters { path, text: text.to_owned(), count, engine, telling: OnceLock::new() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a request that a page makes would be stopped.
    pub(super) fn stop(&self, page: &str, url: &str, used: Use) -> bool {
        // What it cannot read no browser asks for.
        Request::new(url, page, request_type(used), "get")
            .is_ok_and(|request| self.engine.check_network_request(&request).should_block())
    }

    /// The filter that stops such a request: its file, its line, and how it is written.
    pub(super) fn stopping(
        &self,
        page: &str,
        url: &str,
        used: Use,
    ) -> Option<(&str, usize, String)> {
        let request = Request::new(url, page, request_type(used), "get").ok()?;
        let telling = self.telling.get_or_init(|| engine(&self.text, true));
        let result = telling.check_network_request(&request);
        let filter = result.filter.as_ref().filter(|_| result.should_block())?.raw_line.as_ref()?;
        // Filters with a word in common may have been made one; then each is asked by itself.
        let mut several = filter.split(" <+> ");
        let filter = match filter.contains(" <+> ") {
            false => filter.as_str(),
            true => several
                .find(|one| engine(one, false).check_network_request(&request).should_block())?,
        };
        let line = self.text.lines().position(|line| line.trim() == filter)? + 1;
        Some((&self.path, line, filter.to_owned()))
    }
}

impl Filters {
    /// The first filter that names a host below this one, by file and line.
    pub(super) fn naming_under(&self, domain: &str) -> Option<String> {
        let names = |line: &&str| {
            let named = line.trim().strip_prefix("||")?;
            let host = named.split(['^', '/', '$', '*', ':']).next()?;
            host.strip_suffix(domain)?.ends_with('.').then_some(())
        };
        let (number, line) =
            self.text.lines().enumerate().find(|(_, line)| names(line).is_some())?;
        Some(format!("{}:{}: `{}`", self.path, number + 1, line.trim()))
    }
}

/// How many examples an imported list gets.
const EXAMPLES_MAX: usize = 3;

/// Some addresses that filters stop in pages of other sites, as examples for their list.
pub fn examples(filters: &str) -> Vec<String> {
    let engine = engine(filters, false);
    let whole_host = |line: &str| {
        let (host, options) = line.trim().strip_prefix("||")?.split_once('^')?;
        let plain = matches!(options, "" | "$third-party" | "$3p") && !host.contains(['*', '/']);
        plain.then(|| format!("https://{host}/"))
    };
    let is_stopped = |url: &String| {
        Request::new(url, ANY_PAGE, request_type(Use::Script), "get")
            .is_ok_and(|request| engine.check_network_request(&request).should_block())
    };
    filters.lines().filter_map(whole_host).filter(is_stopped).take(EXAMPLES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Filters {
        let mut problems = Vec::new();
        let filters = Filters::read("x.txt".to_owned(), text, &mut problems);
        assert_eq!(problems, []);
        filters
    }

    #[test]
    fn the_very_filter_is_told_also_where_many_were_made_one() {
        let many: Vec<_> = (0..50).map(|n| format!("/count/{n}x$image\n")).collect();
        let filters = read(&format!("! x\n{}||a.example^", many.concat()));
        for (url, expected) in [
            ("https://b.example/count/7xy", Some((9, "/count/7x$image"))),
            ("https://b.example/count/49x", Some((51, "/count/49x$image"))),
            ("https://b.example/count/50x", None),
            ("https://a.example/", Some((52, "||a.example^"))),
        ] {
            let told = filters.stopping(ANY_PAGE, url, Use::Image);
            let told = told.as_ref().map(|(_, line, filter)| (*line, filter.as_str()));
            assert_eq!(told, expected, "{url}");
            assert_eq!(filters.stop(ANY_PAGE, url, Use::Image), expected.is_some(), "{url}");
        }
    }

    #[test]
    fn options_and_exceptions_count() {
        let filters = read(
            "||a.example^$script,domain=site.invalid\n||b.example^$image\n||c.example^$subdocument\n\
             ||d.example^$~third-party\n||e.example^\n@@||e.example/ok\n||e.example/ok/not$important\n\
             ||f.example^\n||f.example^$badfilter\n||g.example^$domain=~site.invalid",
        );
        for (url, used, stopped) in [
            ("https://a.example/", Use::Script, true),
            ("https://x.a.example/", Use::Script, true),
            ("https://a.example/", Use::Image, false),
            ("https://b.example/", Use::Image, true),
            ("https://c.example/", Use::Frame, true),
            ("https://c.example/", Use::Link, false),
            ("https://d.example/", Use::Script, false),
            ("wss://e.example/", Use::Link, true),
            ("https://e.example/ok", Use::Script, false),
            ("https://e.example/ok/not", Use::Script, true),
            ("https://f.example/", Use::Script, false),
            ("https://g.example/", Use::Script, false),
            ("data:,x", Use::Script, false),
        ] {
            assert_eq!(filters.stop(ANY_PAGE, url, used), stopped, "{url} as {}", used.name());
        }
        assert!(!filters.stop("https://other.invalid/", "https://a.example/", Use::Script));
    }

    #[test]
    fn examples_are_what_filters_stop() {
        let filters =
            "||a.example^\n||b.example^$third-party\n||c.example^$image\n@@||a.example^\n/d\n";
        assert_eq!(examples(filters), ["https://b.example/"]);
        assert_eq!(examples("/d\n"), [""; 0]);
    }
}
