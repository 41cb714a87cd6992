//! Where the input is cut does not show in the output.
//!
//! A page comes in chunks whose bounds nobody chose. Each input here is rewritten at once and then
//! in pieces, by an edit that changes something of everything; what goes out and what the edit saw
//! must be the same. Short nasty inputs are cut at every byte, real pages in several sizes.
//!
//! With an edit that changes nothing the output is the input, whatever it is.

use std::path::Path;

use kelisim::html::scan::Scanner;
use kelisim::html::{Edit, Element, HELD_BYTES_MAX, Interest, Refused, Rewriter, Stretch, rewrite};
use proptest::prelude::*;

/// Changes something of everything it is shown, and notes what that was.
#[derive(Default)]
struct Busy {
    seen: Vec<String>,
}

impl Edit for Busy {
    fn interest(&mut self, name: &[u8]) -> Interest {
        self.seen.push(format!("? {}", name.escape_ascii()));
        match name {
            b"a" | b"img" | b"path" | b"div" => Interest::Tag,
            b"p" | b"br" | b"g" => Interest::Pass,
            _ => Interest::Whole,
        }
    }

    fn element(&mut self, element: &mut Element<'_>) {
        let attributes: Vec<_> = element
            .attributes()
            .map(|a| (a.name().escape_ascii().to_string(), a.value().escape_ascii().to_string()))
            .collect();
        let text = element.text().map(|text| text.escape_ascii().to_string());
        self.seen.push(format!(
            "{} {:?} {attributes:?} {text:?} {}",
            element.name().escape_ascii(),
            element.namespace(),
            element.is_complete()
        ));
        // What happens depends on the element alone, so that every change is met somewhere.
        let sum = element.tag().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        match sum % 8 {
            0 => element.remove(),
            1 => element.replace("<b>replaced</b>"),
            2 => element.set_text("text"),
            3 => element.set_attribute(b"src", b"a&\"b"),
            4 => element.rename_attribute(b"src", b"data-src"),
            5 => element.remove_attribute(b"class"),
            6 => element.prepend(b"[in]"),
            _ => {}
        }
        if sum.is_multiple_of(3) {
            element.before(b"[before]");
            element.after(b"[after]");
        }
    }

    fn stretch(&mut self, stretch: &mut Stretch<'_>) -> Result<(), Refused> {
        let bytes = &mut stretch.bytes[stretch.sent..];
        let sum = bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(*byte));
        self.seen.push(format!("{} {} {sum}", stretch.name.escape_ascii(), stretch.last));
        // Some of it changes, in a way that depends on where it stands in the stretch.
        for byte in bytes.iter_mut().step_by(1000).filter(|byte| **byte == b'x') {
            *byte = b'X';
        }
        Ok(())
    }

    fn end_tag(&mut self, name: &[u8], before: &mut Vec<u8>) {
        self.seen.push(format!("/ {}", name.escape_ascii()));
        before.extend_from_slice(b"[banner]");
    }

    fn end(&mut self, after: &mut Vec<u8>) {
        self.seen.push("end".to_owned());
        after.extend_from_slice(b"[end]");
    }
}

/// Changes nothing, though it asks to see everything.
struct Idle(Interest);

impl Edit for Idle {
    fn interest(&mut self, _name: &[u8]) -> Interest {
        self.0
    }

    fn element(&mut self, element: &mut Element<'_>) {
        let _ = element.attribute(b"src");
    }
}

fn in_pieces<'a, E: Edit>(pieces: impl Iterator<Item = &'a [u8]>, edit: E) -> (Vec<u8>, E) {
    let mut output = Vec::new();
    let mut out = |bytes: &[u8]| {
        assert!(!bytes.is_empty(), "nothing is never written");
        output.extend_from_slice(bytes);
    };
    let mut rewriter = Rewriter::new(edit);
    for piece in pieces {
        rewriter.write(piece, &mut out).expect("nothing is refused");
    }
    let edit = rewriter.end(&mut out).expect("nothing is refused");
    (output, edit)
}

#[track_caller]
fn assert_same_in(pieces: &[&[u8]], whole: &(Vec<u8>, Busy)) {
    let (output, edit) = in_pieces(pieces.iter().copied(), Busy::default());
    let at = pieces.first().map_or(0, |first| first.len());
    assert!(
        output == whole.0,
        "cut first at {at}:\n{}\nat once:\n{}",
        output.escape_ascii(),
        whole.0.escape_ascii()
    );
    assert_eq!(edit.seen, whole.1.seen, "cut first at {at}");
}

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
        let whole = rewrite(input, Busy::default()).expect("nothing is refused");
        for first in 0..=input.len() {
            let (a, rest) = input.split_at(first);
            for second in 0..=rest.len() {
                let (b, c) = rest.split_at(second);
                assert_same_in(&[a, b, c], &whole);
            }
        }
        assert_same_in(&input.chunks(1).collect::<Vec<_>>(), &whole);
    }
}

#[test]
fn all_nasty_inputs_in_a_row_cut_at_every_byte_give_the_same() {
    // None may end in what swallows the next.
    let input = NASTY[..16].concat().into_bytes();
    assert!(input.len() <= 4096);
    let whole = rewrite(&input, Busy::default()).expect("nothing is refused");
    assert!(whole.1.seen.len() > 60, "the edit saw {} things", whole.1.seen.len());
    for cut in 0..=input.len() {
        let (a, b) = input.split_at(cut);
        assert_same_in(&[a, b], &whole);
    }
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
        let whole = rewrite(input, Busy::default()).expect("nothing is refused");
        over += usize::from(whole.1.seen.iter().any(|seen| seen.ends_with("false")));
        for size in [4096, 65_537, HELD_BYTES_MAX - 3, HELD_BYTES_MAX + 12] {
            assert_same_in(&input.chunks(size).collect::<Vec<_>>(), &whole);
        }
        for interest in [Interest::Pass, Interest::Tag, Interest::Whole] {
            let (same, _) = in_pieces(input.chunks(65_537), Idle(interest));
            assert!(same == input);
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
        let whole = rewrite(&page, Busy::default()).expect("nothing is refused");
        assert_ne!(whole.0, page, "{} has something to change", path.display());
        for size in [1, 2, 3, 7, 4096] {
            assert_same_in(&page.chunks(size).collect::<Vec<_>>(), &whole);
            let (same, _) = in_pieces(page.chunks(size), Idle(Interest::Pass));
            assert!(same == page, "{} in pieces of {size}", path.display());
        }
        for off in [-1, 0, 1] {
            let pieces = at_tokens(&page, &[off]);
            assert!(pieces.len() > 100, "{} has tokens", path.display());
            assert_same_in(&pieces, &whole);
        }
        assert_same_in(&at_tokens(&page, &[-1, 0, 1]), &whole);
        for interest in [Interest::Pass, Interest::Tag, Interest::Whole] {
            let (same, _) = rewrite(&page, Idle(interest)).expect("nothing is refused");
            assert!(same == page, "{} with {interest:?}", path.display());
        }
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
        let whole = rewrite(&input, Busy::default()).expect("nothing is refused");
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
        assert_same_in(&pieces, &whole);
        for interest in [Interest::Pass, Interest::Tag, Interest::Whole] {
            prop_assert_eq!(&rewrite(&input, Idle(interest)).expect("nothing is refused").0, &input);
            prop_assert_eq!(&in_pieces(pieces.iter().copied(), Idle(interest)).0, &input);
        }
    }

    #[test]
    fn any_bytes_have_an_output(input in prop::collection::vec(any::<u8>(), 0..600)) {
        let whole = rewrite(&input, Busy::default()).expect("nothing is refused");
        assert_same_in(&input.chunks(1).collect::<Vec<_>>(), &whole);
        prop_assert_eq!(&rewrite(&input, Idle(Interest::Whole)).expect("nothing is refused").0, &input);
    }
}
