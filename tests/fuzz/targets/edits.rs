//! Two edits, one that changes something of everything and one that changes nothing, and what has
//! to hold of both for every input.
//!
//! `tests/html_cuts.rs` holds it of inputs that somebody thought of, the fuzz targets of others.

use kelisim::html::{Edit, Element, Interest, Refused, Rewriter, Stretch, rewrite};

/// Every interest that an edit can have.
const INTERESTS: [Interest; 3] = [Interest::Pass, Interest::Tag, Interest::Whole];

/// The most that [`Busy`] adds to a document: so many bytes for each of its own, and so many more.
///
/// A tag is three bytes at least, and gains what stands before, in, and behind it: under 48.
const ADDED_PER_BYTE: usize = 16;
const ADDED_AT_END: usize = 64;

/// Changes something of everything it is shown, and notes what that was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) seen: Vec<u8>,
}

impl Busy {
    fn see(&mut self, what: u8, bytes: &[u8]) {
        self.seen.push(what);
        self.seen.extend_from_slice(bytes);
        self.seen.push(b'\n');
    }
}

impl Edit for Busy {
    fn interest(&mut self, name: &[u8]) -> Interest {
        self.see(b'?', name);
        match name {
            b"a" | b"img" | b"path" | b"div" => Interest::Tag,
            b"p" | b"br" | b"g" => Interest::Pass,
            _ => Interest::Whole,
        }
    }

    fn element(&mut self, element: &mut Element<'_>) {
        self.see(b'<', element.name());
        for attribute in element.attributes() {
            self.see(b'a', attribute.name());
            self.see(b'=', &attribute.value());
        }
        self.see(b't', element.text().unwrap_or(b"none"));
        let code = element.code();
        self.see(b'c', code.as_ref().map_or(b"none", |code| &code.text));
        let namespace = element.namespace() as u8;
        self.see(
            b'n',
            &[namespace, element.is_complete().into(), element.is_tag_complete().into()],
        );
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
        let sum = bytes
            .iter()
            .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
        for byte in bytes.iter_mut().step_by(1000).filter(|byte| **byte == b'x') {
            *byte = b'X';
        }
        self.see(b's', stretch.name);
        self.see(stretch.last.into(), &sum.to_be_bytes());
        Ok(())
    }

    fn doctype(&mut self) {
        self.see(b'!', b"");
    }

    fn end_tag(&mut self, name: &[u8], before: &mut Vec<u8>) {
        self.see(b'/', name);
        before.extend_from_slice(b"[banner]");
    }

    fn end(&mut self, after: &mut Vec<u8>) {
        self.see(b'.', b"");
        after.extend_from_slice(b"[end]");
    }
}

/// Changes nothing, though it asks to see everything.
#[derive(Debug)]
pub(crate) struct Idle(pub(crate) Interest);

impl Edit for Idle {
    fn interest(&mut self, _name: &[u8]) -> Interest {
        self.0
    }

    fn element(&mut self, element: &mut Element<'_>) {
        let _ = element.attribute(b"src");
    }
}

/// Rewrites a document that comes in pieces.
fn in_pieces<E: Edit>(pieces: &[&[u8]], edit: E) -> (Vec<u8>, E) {
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

/// What the busy edit makes of a document at once. Asserts that the idle one changes nothing of it.
pub(crate) fn at_once(text: &[u8]) -> (Vec<u8>, Busy) {
    for interest in INTERESTS {
        let (same, _) = rewrite(text, Idle(interest)).expect("nothing is refused");
        assert!(same == text, "{interest:?} at once changed it");
    }
    rewrite(text, Busy::default()).expect("nothing is refused")
}

/// Asserts that no more came out of a document than its `short` bytes can have brought with them: all
/// of it that is not one long run of letters.
pub(crate) fn assert_bounded(text: &[u8], short: usize, whole: &(Vec<u8>, Busy)) {
    let bound = text.len() + short * ADDED_PER_BYTE + ADDED_AT_END;
    assert!(whole.0.len() <= bound, "{} bytes became {}", text.len(), whole.0.len());
}

/// Asserts that both edits do in these pieces what they do at once.
pub(crate) fn assert_same(text: &[u8], pieces: &[&[u8]], whole: &(Vec<u8>, Busy)) {
    let (output, busy) = in_pieces(pieces, Busy::default());
    let shown = |bytes: &[u8]| bytes.iter().take(4000).copied().collect::<Vec<_>>();
    assert!(
        output == whole.0,
        "in {} pieces:\n{}\nat once:\n{}",
        pieces.len(),
        shown(&output).escape_ascii(),
        shown(&whole.0).escape_ascii()
    );
    assert!(
        busy == whole.1,
        "in {} pieces it saw\n{}\nat once\n{}",
        pieces.len(),
        shown(&busy.seen).escape_ascii(),
        shown(&whole.1.seen).escape_ascii()
    );
    for interest in INTERESTS {
        assert!(in_pieces(pieces, Idle(interest)).0 == text, "{interest:?} changed it");
    }
}
