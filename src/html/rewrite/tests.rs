//! What an edit sees and what becomes of it, in words of one page each.
//!
//! Cuts, real pages and other readers of HTML are in `tests/html_*.rs`; here each case says one
//! thing that the gate relies on.
//!
//! The edit is a closure over elements named in the test; it says what it was shown.

use super::*;

/// Holds `script`, `noscript` and `iframe`, looks at the rest, and does what the test says.
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
    let (output, _) = rewrite(input.as_bytes(), Act(act));
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
