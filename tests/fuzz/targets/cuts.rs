//! Where the input is cut: said by its own last bytes.
//!
//! The last byte says how many bytes before it are the lengths of pieces, up to seven; they are
//! taken in turn. None of them, or only zeros, means one byte at a time. A zero is an empty piece.

// Each target is a crate of its own, and none needs all of this.
#![allow(dead_code)]

/// The lengths of pieces.
#[derive(Clone, Copy, Debug)]
pub struct Cuts<'a>(&'a [u8]);

/// The text of an input, and how it is cut.
pub fn split(input: &[u8]) -> (&[u8], Cuts<'_>) {
    let Some((last, rest)) = input.split_last() else { return (input, Cuts(&[])) };
    let count = usize::from(last & 7).min(rest.len());
    let (text, lengths) = rest.split_at(rest.len() - count);
    (text, Cuts(lengths))
}

impl<'a> Cuts<'a> {
    /// The lengths as they came.
    pub fn lengths(self) -> &'a [u8] {
        self.0
    }

    /// The pieces of a text, which joined are the text.
    pub fn pieces(self, text: &[u8]) -> Vec<&[u8]> {
        self.pieces_of(text, 1)
    }

    /// As [`Cuts::pieces`], each so many times as long.
    pub fn pieces_of(self, text: &[u8], times: usize) -> Vec<&[u8]> {
        let lengths = if self.0.iter().all(|length| *length == 0) { &[1][..] } else { self.0 };
        let mut pieces = Vec::new();
        let mut rest = text;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at(rest.len().min(usize::from(*length) * times));
            pieces.push(piece);
            rest = more;
        }
        pieces
    }
}
