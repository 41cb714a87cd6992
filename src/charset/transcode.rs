//! UTF-16 made UTF-8 on its way.
//!
//! Two bytes a letter cannot be read by bytes, so a page in UTF-16 is rewritten in UTF-8. A
//! browser sees the same letters, given that the header names the new encoding.
//!
//! Where the input is cut does not show in the output. What is no letter (half a surrogate pair,
//! an odd last byte) comes out as U+FFFD, as a browser would show it. The byte order mark is
//! left out: the header says UTF-8 now, and it need not be said twice.
//!
//! Which pages are in UTF-16 is for [`super::decide`] to say; what to write into the header, for
//! [`super::Charset::label`].

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};

use super::ByteOrder;

/// Room for what one chunk may add beyond its own length: a letter held back from the chunk
/// before, or U+FFFD in its place.
const SLACK_BYTES: usize = 16;

/// One page on its way from UTF-16 to UTF-8.
pub struct Transcoder {
    decoder: Decoder,
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").finish_non_exhaustive()
    }
}

impl Transcoder {
    /// For a page whose letters are two bytes in this order. A byte order mark of the other
    /// order is no mark here; such a page is to be read by its mark.
    pub fn new(order: ByteOrder) -> Self {
        let encoding = match order {
            ByteOrder::Little => UTF_16LE,
            ByteOrder::Big => UTF_16BE,
        };
        Transcoder { decoder: encoding.new_decoder_with_bom_removal() }
    }

    /// The letters that are complete with this chunk. At most three bytes for two, and what the
    /// chunk before had left.
    pub fn push(&mut self, chunk: &[u8]) -> String {
        self.decode(chunk, false)
    }

    /// What is left at the end: U+FFFD if the page stops within a letter, else nothing.
    pub fn finish(mut self) -> String {
        self.decode(b"", true)
    }

    fn decode(&mut self, mut chunk: &[u8], is_last: bool) -> String {
        // Markup is mostly ASCII, and half as long afterwards; other letters find more room when
        // they come.
        let mut text = String::with_capacity(chunk.len() / 2 + SLACK_BYTES);
        loop {
            let (result, read, _) = self.decoder.decode_to_string(chunk, &mut text, is_last);
            chunk = &chunk[read..];
            if result == CoderResult::InputEmpty {
                return text;
            }
            text.reserve(chunk.len() * 3 / 2 + SLACK_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];

    fn utf16(units: &[u16], order: ByteOrder) -> Vec<u8> {
        let bytes = |unit: &u16| match order {
            ByteOrder::Little => unit.to_le_bytes(),
            ByteOrder::Big => unit.to_be_bytes(),
        };
        units.iter().flat_map(bytes).collect()
    }

    /// The whole page in one go, by the library alone.
    fn at_once(page: &[u8], order: ByteOrder) -> String {
        let encoding = match order {
            ByteOrder::Little => UTF_16LE,
            ByteOrder::Big => UTF_16BE,
        };
        encoding.decode_with_bom_removal(page).0.into_owned()
    }

    fn in_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, order: ByteOrder) -> String {
        let mut transcoder = Transcoder::new(order);
        let mut text: String = chunks.into_iter().map(|chunk| transcoder.push(chunk)).collect();
        text.push_str(&transcoder.finish());
        text
    }

    #[test]
    fn a_page_cut_at_every_byte_reads_the_same() {
        let text = "\u{FEFF}<p title=\"Привет\">𝄞 日本\u{FEFF} 😀</p>\0";
        let units: Vec<u16> = text.encode_utf16().collect();
        for order in ORDERS {
            let page = utf16(&units, order);
            assert_eq!(at_once(&page, order), text.trim_start_matches('\u{FEFF}'));
            for cut in 0..=page.len() {
                let (start, rest) = page.split_at(cut);
                assert_eq!(in_chunks([start, rest], order), at_once(&page, order), "{cut}");
                // A page may also end there.
                assert_eq!(in_chunks([start], order), at_once(start, order), "{cut}");
            }
            assert_eq!(in_chunks(page.chunks(1), order), at_once(&page, order));
        }
    }

    #[test]
    fn what_is_no_letter_is_replaced() {
        let cases: [(&[u16], &str); 5] = [
            (&[0x61, 0xD800, 0x62], "a\u{FFFD}b"),
            (&[0x61, 0xDC00, 0x62], "a\u{FFFD}b"),
            (&[0xD800, 0xD834, 0xDD1E], "\u{FFFD}𝄞"),
            (&[0xDD1E, 0xD834], "\u{FFFD}\u{FFFD}"),
            (&[0x61, 0xD834], "a\u{FFFD}"),
        ];
        for order in ORDERS {
            for (units, text) in cases {
                assert_eq!(in_chunks(utf16(units, order).chunks(1), order), text);
            }
            let mut page = utf16(&[0x61, 0x62], order);
            page.push(0x63);
            assert_eq!(in_chunks([&page[..]], order), "ab\u{FFFD}");
        }
    }

    #[test]
    fn only_the_first_mark_is_left_out() {
        for order in ORDERS {
            let page = utf16(&[0xFEFF, 0xFEFF, 0x61], order);
            assert_eq!(in_chunks([&page[..]], order), "\u{FEFF}a");
            assert_eq!(in_chunks([], order), "");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_chunks_read_as_at_once(
            page in prop::collection::vec(any::<u8>(), 0..300),
            size in 1_usize..40,
        ) {
            for order in ORDERS {
                prop_assert_eq!(in_chunks(page.chunks(size), order), at_once(&page, order));
            }
        }

        #[test]
        fn surrogates_in_any_chunks_read_as_at_once(
            units in prop::collection::vec(
                prop_oneof![0xD7F0_u16..0xE010, 0x20_u16..0x7F, Just(0xFEFF)], 0..60),
            size in 1_usize..9,
        ) {
            for order in ORDERS {
                let page = utf16(&units, order);
                prop_assert_eq!(in_chunks(page.chunks(size), order), at_once(&page, order));
            }
        }
    }
}
