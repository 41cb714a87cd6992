//! Where the input is cut does not show in the output.
//!
//! A page comes in chunks whose bounds nobody chose. Each input here is rewritten at once and then
//! in pieces, by an edit that changes something of everything; what goes out and what the edit saw
//! must be the same. Short nasty inputs are cut at every byte, real pages in several sizes.
//!
//! With an edit that changes nothing the output is the input, whatever it is.

#[path = "fuzz/targets/edits.rs"]
mod edits;

use std::path::Path;

use edits::{Busy, Idle, assert_bounded, assert_same, at_once};
use kelisim::html::scan::Scanner;
use kelisim::html::{HELD_BYTES_MAX, Interest, Rewriter};
use proptest::prelude::*;

const NASTY: &[&str] = &[
    "<!DOCTYPE html><html><head><title>a</titlex></TITLE ></head><body class=x>text</body></html>",
    "<script src=a>/*<!-- <script> </script> --> */ </scripty></script ><SCRIPT\tsrc='b'/>1</SCRIPT/x>",
    "<script><!-- <script </script> </script>--></script><img src=a><script><!--></script>b",
    "<script><!<!--!></script><script><!-</script><script><!--<script/></script/</script>",
    "<!-->x<!--->y<!----!>z<!--a--!b-->c<!--<!-->d<!-<a>e<!doctyp><!DOCTYPE a \"><b>'>f<!><?pi?><//>",
    "<img src=\"a>b\" class='c>d' src=e/><img class=x src><img src = x class><img/src/class=a/><a<b>",
    "<img class src=\"1\"class='2'=x><img class=\"a\"/><img\rclass\n=\r\n'x'\n><img =class=a class=b>",
    "<svg><title><img src=x></title><script/><script>1<a></script><![CDATA[<img>]]]><img>]]></svg><img>",
    "<svg><p><style><img></style><math><mi><script></mi></script><mglyph><title><a></math><title><a>",
    "<svg><script>a<b>&lt;<![CDATA[</script>]]><g/></script ><script>b<p><script>c</svg></script>",
    "<svg><script href=a><foreignObject><style></script></style></script><script>c</g></svg><a>",
    "<noindex><svg><script>a</noindex><title></title><b><svg><div></b><style><a></style>",
    "<math><annotation-xml encoding='Text&sol;html'><style><a></style></annotation-xml><style><a></math>",
    "<svg><foreignObject><div></foreignObject><style><a></style></div></foreignObject><style><a></svg>",
    "<template></body></template><select></body><option></select></body></html><body></head>",
    "<iframe src=a><img></iframe x><noscript><img src=b></noscript><textarea></textare></textarea>",
    "<style></style <style></style><xmp><a></xmp><noembed><a></noembed><plaintext><a></plaintext>",
    "a < b <1 <\u{301}x </ x></1><\u{0}a>\u{0}<a\u{0}b src=\u{0}&amp;>&lt;img><\"a\"><a\"'>\"></a b='>'>",
    "<a<b><p>x</p></a<b><img<b></img<b ><a=b='c>d'></a=b><a>'<i>\"<b>=</b></i></a><article></article>",
    "<i                                                                         a='<b>'\t\t\n\r\x0C   \x0B/>",
    "<a href='x'><a href=\"y\" class=z>text<",
    "<a href='x'><a href=\"y\" class=z>text</",
    "<a href='x'></a><img src=",
    "<a href='x'></a><img src='a",
    "<a href='x'></a><script src=b>unclosed </scrip",
    "<a href='x'></a><script src=bb>unclosed </script ",
    "<a href='x'></a><!-- unclosed --",
    "<svg><![CDATA[ unclosed ]]",
    "<title>unclosed",
    "",
];

#[test]
fn a_nasty_input_cut_anywhere_gives_the_same() {
    for nasty in NASTY {
        let input = nasty.as_bytes();
        let whole = at_once(input);
        for first in 0..=input.len() {
            let (a, rest) = input.split_at(first);
            for second in 0..=rest.len() {
                let (b, c) = rest.split_at(second);
                assert_same(input, &[a, b, c], &whole);
            }
        }
        assert_same(input, &input.chunks(1).collect::<Vec<_>>(), &whole);
    }
}

/// Where enough follows, tags are taken by the window, and in a page that comes letter by letter they are not.
#[test]
fn a_nasty_input_that_much_text_follows_is_the_same_letter_by_letter() {
    let foreign = "<svg><path d='1'/><g x=\"2\"><a href='3'></a></g></svg><![CDATA[><a href='b'>]]><i>\
                   <svg><title><p></title><path/><![CDATA[><a href='c'>]]></path></svg><a href='d'>";
    let mut seen = 0;
    for nasty in NASTY.iter().chain([&foreign]) {
        let input = [nasty.as_bytes(), &[b'x'; 200]].concat();
        let whole = at_once(&input);
        assert_same(&input, &input.chunks(1).collect::<Vec<_>>(), &whole);
        seen += whole.1.seen.len();
    }
    assert!(seen > 1000, "the edit saw {seen} bytes");
}

#[test]
fn all_nasty_inputs_in_a_row_cut_at_every_byte_give_the_same() {
    // None may end in what swallows the next.
    let input = NASTY[..16].concat().into_bytes();
    assert!(input.len() <= 4096);
    let whole = at_once(&input);
    let things = whole.1.seen.split(|byte| *byte == b'\n').count();
    assert!(things > 200, "the edit saw {things} things");
    for cut in 0..=input.len() {
        let (a, b) = input.split_at(cut);
        assert_same(&input, &[a, b], &whole);
    }
}

/// Whether an element was shown that was not complete: its namespace and that stand in one line.
fn saw_incomplete(busy: &Busy) -> bool {
    busy.seen.windows(4).any(|line| matches!(line, [b'\n', b'n', _, 0]))
}

#[test]
fn an_element_over_the_bound_is_the_same_however_it_comes() {
    let long = "x".repeat(HELD_BYTES_MAX);
    let mut inputs = Vec::new();
    // Two spellings of each, so that several of the edit's changes meet the bound.
    for class in ["", " class=a", " class=b", " class=c", " class=d", " class=e", " class=f"] {
        inputs.push(format!("<p><script{class}>{long}</script><a>b</a>"));
        inputs.push(format!("<p><script{class} src=\"{long}\">c</script><a>b</a>"));
        inputs.push(format!("<p><img{class} src='{long}' id=c><a>b</a>"));
        inputs.push(format!(
            "<p><style{class}>a</style x='{long}'><a>b</a></a {long}></body {long}>"
        ));
    }
    for tag_len in 8..24 {
        let body = &long[..HELD_BYTES_MAX - tag_len];
        inputs.push(format!("<p><script>{body}</scrip </script>b"));
    }
    for class in ["", " class=a", " class=b", " class=c"] {
        inputs.push(format!("<svg><script{class}>{long}<a>{long}</script></svg><a>b</a>"));
        inputs.push(format!("<svg><script{class}>c<a x={long}></script></svg><a>b</a>"));
        inputs.push(format!("<script{class}>{long}{long}</scrip</script{long}><a>b</a>"));
        inputs.push(format!("<script{class}>{long}{}</scr", &long[..70_000]));
    }
    let mut over = 0;
    for input in &inputs {
        let input = input.as_bytes();
        let whole = at_once(input);
        over += usize::from(saw_incomplete(&whole.1));
        for size in [4096, 65_537, HELD_BYTES_MAX - 3, HELD_BYTES_MAX + 12] {
            assert_same(input, &input.chunks(size).collect::<Vec<_>>(), &whole);
        }
    }
    // Of the bodies that end near the bound, those that stay within it are complete.
    assert!(over > 28 && over < inputs.len(), "{over} of {} were over", inputs.len());
}

/// A page cut at the bounds of its tokens, each moved by so many bytes.
fn at_tokens<'a>(page: &'a [u8], offs: &[isize]) -> Vec<&'a [u8]> {
    let mut cuts = vec![0, page.len()];
    let (mut scanner, mut at) = (Scanner::new(), 0);
    while at < page.len() {
        let piece = scanner.next(page, at);
        at = piece.end;
        for bound in [piece.start, piece.end] {
            cuts.extend(offs.iter().filter_map(|off| bound.checked_add_signed(*off)));
        }
    }
    cuts.retain(|cut| *cut <= page.len());
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|bounds| &page[bounds[0]..bounds[1]]).collect()
}

#[test]
fn a_page_in_pieces_of_any_size_gives_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/pages");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let mut pages = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        pages += 1;
        let page = std::fs::read(&path).expect("a page can be read");
        let whole = at_once(&page);
        assert_ne!(whole.0, page, "{} has something to change", path.display());
        for size in [1, 2, 3, 7, 4096] {
            assert_same(&page, &page.chunks(size).collect::<Vec<_>>(), &whole);
        }
        for off in [-1, 0, 1] {
            let pieces = at_tokens(&page, &[off]);
            assert!(pieces.len() > 100, "{} has tokens", path.display());
            assert_same(&page, &pieces, &whole);
        }
        assert_same(&page, &at_tokens(&page, &[-1, 0, 1]), &whole);
    }
    assert!(pages > 0, "the folder holds pages");
}

#[test]
fn text_goes_out_before_the_markup_behind_it_is_complete() {
    let mut output = Vec::new();
    let mut rewriter = Rewriter::new(Idle(Interest::Whole));
    for (input, so_far) in [
        ("text<", "text"),
        ("3 <!-", "text<3 <!-"),
        ("- comment <a", "text<3 <!-- comment <a"),
        ("--><a href='", "text<3 <!-- comment <a-->"),
        ("x'>y<script>z", "text<3 <!-- comment <a--><a href='x'>y"),
        ("</script>w", "text<3 <!-- comment <a--><a href='x'>y<script>z</script>w"),
    ] {
        let written =
            rewriter.write(input.as_bytes(), &mut |bytes: &[u8]| output.extend_from_slice(bytes));
        written.expect("nothing is refused");
        assert_eq!(output.escape_ascii().to_string(), so_far.as_bytes().escape_ascii().to_string());
    }
}

/// Markup that favours the nasty: bits of syntax in any order.
fn markup() -> impl Strategy<Value = Vec<u8>> {
    let bits = prop::sample::select(vec![
        "<",
        ">",
        "/",
        "=",
        "\"",
        "'",
        "-",
        "!",
        "?",
        "&amp;",
        " ",
        "\n",
        "\0",
        "x",
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<!doctype",
        "<script",
        "</script",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "<title>",
        "</title>",
        "<noscript>",
        "</noscript>",
        "<iframe src=a>",
        "</iframe>",
        "<svg>",
        "</svg>",
        "<math>",
        "</math>",
        "<mi>",
        "<foreignObject>",
        "</foreignObject>",
        "<desc>",
        "<p>",
        "</p>",
        "<div class=a>",
        "</div>",
        "<img src=a>",
        "<template>",
        "</template>",
        "<select>",
        "</select>",
        "</body>",
        "<a href='",
        "class=\"",
        "src=",
        "<annotation-xml encoding=text/html>",
        "<font color=a>",
        "</br>",
        "<table><td>",
    ]);
    prop::collection::vec(bits, 0..40).prop_map(|bits| bits.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_markup_gives_the_same_in_pieces(
        input in markup(),
        sizes in prop::collection::vec(1_usize..9, 1..20),
    ) {
        let whole = at_once(&input);
        let mut pieces = Vec::new();
        let mut rest = &input[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = more;
        }
        assert_same(&input, &pieces, &whole);
    }

    #[test]
    fn any_bytes_have_an_output(input in prop::collection::vec(any::<u8>(), 0..600)) {
        let whole = at_once(&input);
        assert_same(&input, &input.chunks(1).collect::<Vec<_>>(), &whole);
        assert_bounded(&input, input.len(), &whole);
    }
}
