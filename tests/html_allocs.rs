//! A tag that does not change costs no memory of its own.
//!
//! What is allocated for a page is allocated for the page: ten times as many tags take as many
//! allocations, whether nobody asks for them, or an edit looks at their attributes, or they are held.

use allocation_counter::measure;
use kelisim::html::{Edit, Element, Interest, Rewriter};

/// Looks at what it asks for, and changes nothing unless it is told to.
struct Looking {
    interest: Interest,
    changes: bool,
}

impl Edit for Looking {
    fn interest(&mut self, _name: &[u8]) -> Interest {
        self.interest
    }

    fn element(&mut self, element: &mut Element<'_>) {
        if self.changes {
            element.remove_attribute(b"class");
            return;
        }
        assert!(element.attribute(b"class").is_some_and(|class| class.starts_with(b"a")));
        assert!(element.attribute(b"src").is_none());
    }
}

/// How often memory is asked for while this many copies of some markup stream by, in one chunk.
fn allocations(markup: &str, copies: usize, interest: Interest, changes: bool) -> u64 {
    let page = markup.repeat(copies);
    let mut bytes = 0;
    let counted = measure(|| {
        let mut rewriter = Rewriter::new(Looking { interest, changes });
        let mut out = |some: &[u8]| bytes += some.len();
        rewriter.write(page.as_bytes(), &mut out).expect("nothing is refused");
        rewriter.end(&mut out).map_err(|_| ()).expect("nothing is refused");
    });
    assert_eq!(bytes == page.len(), !changes);
    counted.count_total
}

#[test]
fn tags_that_do_not_change_take_no_memory() {
    for markup in [
        "<p class=\"a b\" id=c>text</p><br class='a'/>",
        "<script class=a src-x=y>1 < 2</script>",
        "<ul class=a><li class=a>x<li class=a>y</ul><a class=a href='?a=1&b=2'>z</a >",
        "<svg class=a><g class=a></g></svg>",
    ] {
        for interest in [Interest::Pass, Interest::Tag, Interest::Whole] {
            let few = allocations(markup, 100, interest, false);
            let many = allocations(markup, 1_000, interest, false);
            assert_eq!(few, many, "{markup} {interest:?}");
            assert!(few < 20, "{few} for a page: {markup} {interest:?}");
        }
    }
    // And what does change is seen to.
    let few = allocations("<p class=a>", 100, Interest::Tag, true);
    assert!(few >= 100, "{few} for a hundred changes");
}
