//! What an edit sees and what becomes of it, in words of one page each.
//!
//! Cuts, real pages and other readers of HTML are in `tests/html_*.rs`; here each case says one
//! thing that the gate relies on.
//!
//! The edit is a closure over elements named in the test; it says what it was shown.

use super::super::Stretch;
use super::*;

/// Holds `script`, `noscript` and `iframe`, looks at the rest, and does what the test says. In what
/// is too long, `needle` becomes `NEEDLE`, and `poison` is refused.
struct Act<F>(F);

impl<F: FnMut(&mut Element<'_>)> Edit for Act<F> {
    fn interest(&mut self, name: &[u8]) -> Interest {
        match name {
            b"b" => Interest::Pass,
            b"script" | b"noscript" | b"iframe" => Interest::Whole,
            _ => Interest::Tag,
        }
    }

    fn element(&mut self, element: &mut Element<'_>) {
        self.0(element);
    }

    fn stretch(&mut self, stretch: &mut Stretch<'_>) -> Result<(), Refused> {
        let text = String::from_utf8(stretch.bytes.to_vec()).expect("the test is in UTF-8");
        for (at, needle) in text.match_indices("needle").filter(|(at, _)| *at >= stretch.sent) {
            stretch.bytes[at..at + needle.len()].make_ascii_uppercase();
        }
        if text.contains("poison") { Err(Refused) } else { Ok(()) }
    }

    fn end_tag(&mut self, name: &[u8], before: &mut Vec<u8>) {
        if name == b"body" {
            before.extend_from_slice(b"[banner]");
        }
    }

    fn end(&mut self, after: &mut Vec<u8>) {
        after.extend_from_slice(b"[end]");
    }
}

fn act(input: &str, act: impl FnMut(&mut Element<'_>)) -> String {
    let (output, _) = rewrite(input.as_bytes(), Act(act)).expect("nothing is refused");
    String::from_utf8(output).expect("the test is in UTF-8")
}

fn remove(element: &mut Element<'_>) {
    element.remove();
}

/// What the edit is shown: name, text, and whether that is all of it.
fn shown(input: &str) -> Vec<String> {
    let mut shown = Vec::new();
    act(input, |element| {
        let text = element.text().map(String::from_utf8_lossy);
        let complete = if element.is_complete() { "" } else { "…" };
        let name = String::from_utf8_lossy(element.name());
        shown.push(match text {
            Some(text) => format!("{name}({text}{complete})"),
            None => format!("{name}{complete}"),
        });
    });
    shown
}

#[test]
fn raw_text_is_shown_with_its_element() {
    assert_eq!(
        shown("<SCRIPT>a<b</Script ><noscript><img></noscript><style><i></style><i>"),
        ["script(a<b)", "noscript(<img>)", "style", "i"]
    );
}

#[test]
fn a_script_in_svg_is_shown_with_its_markup() {
    for (input, seen) in [
        ("<svg><script>a<g/>c</script><u/>", "svg script(a<g/>c) u"),
        ("<svg><script><g><a></script></a></svg><i>", "svg script(<g><a>) i"),
        // What ends it besides its own end tag: the end of what it is in, and HTML.
        ("<svg><g><script>a</g><a/>", "svg g script(a…) a"),
        ("<svg><script>a</svg><i>", "svg script(a…) i"),
        ("<svg><script>a<div><i>", "svg script(a…) div i"),
        ("<svg><script>a</p><i>", "svg script(a…) i"),
        (
            "<svg><script><foreignObject><style></script></style></script><a/>",
            "svg script(<foreignObject><style></script></style>) a",
        ),
        ("<svg><script>a<i", "svg script(a<i…)"),
        ("<svg><script/><a/></svg>", "svg script a"),
        ("<math><script>a<a></script>", "math script a"),
        ("<svg><desc><script><i></script>", "svg desc script(<i>)"),
    ] {
        assert_eq!(shown(input).join(" "), seen, "{input}");
    }
    act("<svg><script>a &lt; <!-- b --><![CDATA[<c>]]></script></svg>", |e| {
        if e.name() == b"script" {
            assert_eq!(e.code().map(|code| code.text.into_owned()), Some(b"a < <c>".to_vec()));
        }
    });
    let around = act("<svg><script>a</script></svg>", |e| {
        if e.name() == b"script" {
            e.before(b"1");
            e.after(b"2");
            e.set_attribute(b"type", b"x");
        }
    });
    assert_eq!(around, "<svg>1<script type=\"x\">a</script>2</svg>[end]");
}

#[test]
fn a_script_in_svg_that_is_too_long_is_shown_as_far_as_it_is_held() {
    let long = "x".repeat(2 * HELD_BYTES_MAX);
    let input = format!("<svg><script>{long}<a/></script></svg>b");
    assert_eq!(act(&input, |_| {}), format!("{input}[end]"));
    let mut seen = Vec::new();
    act(&input, |e| {
        if let Some(text) = e.text() {
            assert_eq!(e.tag().len() + text.len(), HELD_BYTES_MAX);
        }
        seen.push((e.name().to_vec(), e.is_complete()));
    });
    let names: Vec<_> = seen.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, [&b"svg"[..], b"script", b"a"]);
    assert!(!seen[1].1);
}

#[test]
fn what_is_too_long_passes_in_stretches_that_can_be_overwritten() {
    let long = |len| "x".repeat(len);
    // Where it can be held it is not too long, and the edit has been shown it.
    let short = format!("<script>{}needle</script>", long(100));
    assert_eq!(act(&short, |_| {}), format!("{short}[end]"));
    let mut over = 0;
    for at in [-8, -6, -3, 0, 3, 4090, 4096, 65_530, 65_536, 69_630, 200_000] {
        let before = long(HELD_BYTES_MAX.checked_add_signed(at).expect("it is positive") - 8);
        for after in ["", "</scrip ", &long(70_000)] {
            for input in [
                format!("a<script>{before}needle{after}</script x=needle>needle"),
                format!("a<img src='{before}needle{after}'>needle"),
                format!("a<img src='{before}needle{after}"),
            ] {
                let mut complete = true;
                let output = act(&input, |e| complete = e.is_complete());
                let expected = match complete {
                    true => input.clone(),
                    false => input.replacen("needle", "NEEDLE", 1),
                };
                let end = if input.ends_with(">needle") { "[end]" } else { "" };
                assert!(output == expected + end, "at {at}, before {} bytes", after.len());
                over += usize::from(!complete);
            }
        }
    }
    assert!(over > 80, "{over} were over the bound");
}

#[test]
fn what_cannot_be_overwritten_ends_the_document() {
    let long = "x".repeat(HELD_BYTES_MAX + 100_000);
    let input = format!("a<script>{long}poison{long}</script>b");
    for size in [1000, 65_537, input.len()] {
        let mut output = Vec::new();
        let mut rewriter = Rewriter::new(Act(|_: &mut Element<'_>| {}));
        let mut refused = 0;
        for chunk in input.as_bytes().chunks(size) {
            let written =
                rewriter.write(chunk, &mut |bytes: &[u8]| output.extend_from_slice(bytes));
            refused += usize::from(written.is_err());
        }
        assert!(refused > 0, "in chunks of {size}");
        assert!(!output.windows(6).any(|word| word == b"poison"));
        assert!(rewriter.end(&mut |_: &[u8]| {}).is_err());
    }
    assert!(rewrite(input.as_bytes(), Act(|_: &mut Element<'_>| {})).is_err());
}

#[test]
fn what_is_hidden_from_a_browser_is_hidden_here() {
    assert_eq!(shown("<!-- <i> --!><!--><i><title><u></title><s a='<u>'></s"), ["i", "title", "s"]);
}

#[test]
fn a_script_without_an_end_is_shown_before_it_goes_out() {
    assert_eq!(shown("<i><script>a</scrip"), ["i", "script(a</scrip…)"]);
    assert_eq!(act("<i><script>a", remove), "");
    assert_eq!(act("a<b title='", remove), "a<b title='");
}

#[test]
fn a_held_element_changes_as_a_whole() {
    let input = "a<script src=x>y</script >b";
    assert_eq!(act(input, remove), "ab[end]");
    assert_eq!(act(input, |e| e.replace("z")), "azb[end]");
    assert_eq!(act(input, |e| e.set_text("<z>")), "a<script src=x><z></script >b[end]");
    assert_eq!(act(input, |e| e.prepend(b"z;")), "a<script src=x>z;y</script >b[end]");
    let around = act(input, |e| {
        e.before(b"1");
        e.after(b"2");
        e.rename_attribute(b"SRC", b"data-src");
    });
    assert_eq!(around, "a1<script data-src=x>y</script >2b[end]");
}

#[test]
fn a_tag_changes_alone() {
    let input = "a<img src=x/>b";
    assert_eq!(act(input, remove), "ab[end]");
    assert_eq!(act(input, |e| e.set_text("z")), "a<img src=x/>b[end]");
    assert_eq!(act(input, |e| e.set_attribute(b"src", b"&")), "a<img src=\"&amp;\">b[end]");
    let around = act(input, |e| {
        e.before(b"1");
        e.after(b"2");
    });
    assert_eq!(around, "a1<img src=x/>2b[end]");
}

#[test]
fn the_banner_goes_before_the_end_of_the_page_and_of_nothing_else() {
    let page = "<template></body></template><select></body></select><svg></body></svg>\
                <script></body></script><!-- </body> --></BODY >";
    let expected = page.replace("</BODY >", "[banner]</BODY >") + "[end]";
    assert_eq!(act(page, |_| {}), expected);
}

#[test]
fn nothing_is_put_behind_what_never_ended() {
    for open in ["<b title='", "<!-- a", "<!doctype", "<title>a", "<plaintext>a", "a</", "<style>"]
    {
        assert_eq!(act(open, |_| {}), open);
    }
}

#[test]
fn what_is_too_long_is_removed_to_its_end() {
    let long = "x".repeat(2 * HELD_BYTES_MAX);
    for input in [
        format!("a<script>{long}<i></script>b"),
        format!("a<script src={long}>c</script>b"),
        format!("a<img src='{long}'>b"),
    ] {
        let output = act(&input, |e| {
            assert!(!e.is_complete());
            assert!(e.tag().len() + e.text().unwrap_or_default().len() == HELD_BYTES_MAX);
            e.after(b"2");
            e.remove();
        });
        assert_eq!(output, "a2b[end]");
    }
}

#[test]
fn what_is_too_long_and_changed_ends_where_it_was_seen() {
    let long = "x".repeat(2 * HELD_BYTES_MAX);
    let text = act(&format!("a<script>{long}<i></script>b"), |e| e.set_text("c"));
    assert_eq!(text, "a<script>c</script>b[end]");
    let tag = act(&format!("a<img src='{long}' onload=y>b"), |e| e.set_attribute(b"src", b"c"));
    assert_eq!(tag, "a<img src=\"c\">b[end]");
}
