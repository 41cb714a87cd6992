//! Tables as later sections will have them: groups with names, lists of tables, and what is written.

use super::write::to_toml;
use super::*;

settings! {
    /// All of it.
    struct Whole {
        /// A word
        ["WORD"]
        word: Option<String> = None, like Some("example".to_owned());
        /// Numbers are written so
        ["N"]
        how_many: Count<1, 9> = Count::of(3);
        /// Words
        ["WORD"]
        words: Vec<String> = Vec::new();
        /// Groups
        group: BTreeMap<String, Group> = BTreeMap::new(),
            like BTreeMap::from([("NAME".to_owned(), Group::example())]);
        /// Routes
        route: Vec<Route> = Vec::new(), like vec![Route::example()];
    }
}

settings! {
    /// One of many.
    struct Group {
        /// A time
        time: Span = Span::of_secs(75);
        /// A size
        size: Option<Size<1, 4096>> = None, like Some(Size::of_bytes(1024));
        /// Deeper
        route: Route = Route::default(), like Route::example();
    }
}

settings! {
    /// A route.
    struct Route {
        /// Where
        path: Option<String> = None, like Some("/".to_owned());
    }
}

fn parsed(text: &str) -> Whole {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn written(whole: &Whole) -> String {
    to_toml(whole).expect("settings can be written")
}

#[test]
fn what_is_written_is_read_again_as_it_was() {
    let filled = parsed(
        "word = \"a\\\"b\"\nhow-many = 9\nwords = [\"x\"]\n\
         [group.one]\ntime = \"1500 ms\"\n[group.one.route]\npath = \"/1\"\n\
         [group.\"two words\"]\nsize = \"2 KiB\"\n\
         [[route]]\npath = \"/a\"\n[[route]]\n",
    );
    for whole in [Whole::default(), filled.clone()] {
        assert_eq!(parsed(&written(&whole)), whole, "{}", written(&whole));
    }
    let text = written(&filled);
    for line in ["[group.\"two words\"]", "time = \"1s 500ms\"", "size = \"2KiB\"", "#path = \"/\""]
    {
        assert!(text.lines().any(|is| is == line), "`{line}` is missing in\n{text}");
    }
}

#[test]
fn a_default_file_with_its_marks_taken_away_is_the_example() {
    let text = written(&Whole::default());
    let marked = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '));
    let bare: Vec<_> =
        text.lines().map(|line| if marked(line) { &line[1..] } else { line }).collect();
    assert_eq!(parsed(&bare.join("\n")), Whole::example(), "{text}");
    assert!(text.contains("#[group.NAME]\n") && text.contains("#[[route]]\n"), "{text}");
    assert!(text.contains(
        "# Numbers are written so\n# From 1 to 9\n# Also: --how-many N, KELISIM_HOW_MANY\n"
    ));
}

#[test]
fn what_is_out_of_range_or_has_no_unit_is_refused_with_what_would_be_right() {
    for (text, said) in [
        ("how-many = 0", "integer `0`, expected a whole number from 1 to 9"),
        ("how-many = -1", "integer `-1`, expected a whole number"),
        ("how-many = \"3\"", "expected a whole number from 1 to 9"),
        ("[group.a]\ntime = 10", "integer `10`, expected a time with its unit"),
        ("[group.a]\ntime = \"10\"", "string \"10\", expected a time with its unit"),
        ("[group.a]\ntime = \"0s\"", "from \"1ms\" to \"24h\""),
        ("[group.a]\ntime = \"25h\"", "from \"1ms\" to \"24h\""),
        ("[group.a]\ntime = \"10s ago\"", "such as \"10s\""),
        ("[group.a]\nsize = \"8KiB\"", "a size from \"1B\" to \"4KiB\""),
        ("[group.a]\nsize = \"0B\"", "a size from"),
        ("[group.a]\nsize = \"1024\"", "a size from"),
        ("[group.a]\nsize = \"+1KiB\"", "a size from"),
        ("[group.a]\nsize = \"99999999GiB\"", "a size from"),
        ("[group.a]\nsise = \"1KiB\"", "unknown field `sise`"),
        ("[[route]]\npaht = \"/\"", "unknown field `paht`"),
    ] {
        let error = toml::from_str::<Whole>(text).expect_err(text);
        assert!(error.message().contains(said), "{text}: {}", error.message());
    }
}

#[test]
fn values_are_written_as_people_write_them() {
    let spans = [500, 1000, 75_000, 86_400_000].map(|millis| Span::of_millis(millis).to_string());
    assert_eq!(spans, ["500ms", "1s", "1m 15s", "24h"]);
    let sizes = [1, 1000, 1024, 1536, 1 << 20, 3 << 30]
        .map(|bytes| Size::<1, { u32::MAX as u64 }>::of_bytes(bytes).to_string());
    assert_eq!(sizes, ["1B", "1000B", "1KiB", "1536B", "1MiB", "3GiB"]);
}

#[test]
fn a_flag_sets_a_value_or_a_whole_list() {
    let mut whole = parsed("words = [\"a\", \"b\"]");
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    whole.set("words", &texts(&["c"])).expect("a list");
    whole.set("how-many", &texts(&["7"])).expect("a number");
    whole.set("word", &texts(&["w"])).expect("a text");
    assert_eq!(whole, parsed("words = [\"c\"]\nhow-many = 7\nword = \"w\""));
    whole.set("words", &[]).expect("an empty list");
    assert!(whole.words.is_empty());
    let error = whole.set("how-many", &texts(&["many"])).expect_err("no number");
    assert!(error.contains("a whole number from 1 to 9"), "{error}");
    assert!(whole.set("sord", &[]).is_err());
}
