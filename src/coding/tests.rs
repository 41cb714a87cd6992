//! What holds for every coding, in both directions.

use std::io::{self, ErrorKind};

use proptest::prelude::*;

use super::{Coding, Decoder, Encoder, Levels, STEP_BYTES_MAX};

/// Takes steps until there are no more, and gives what came out.
fn stepped(decoder: &mut Decoder, mut packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    loop {
        let before = plain.len();
        let step = decoder.step(packed, &mut plain)?;
        assert!(plain.len() - before <= STEP_BYTES_MAX);
        packed = &packed[step.taken..];
        if !step.more {
            assert!(packed.is_empty(), "a step without more has taken all");
            return Ok(plain);
        }
    }
}

pub(super) fn unpacked_in(coding: Coding, packed: &[u8], step: usize) -> io::Result<Vec<u8>> {
    let mut decoder = Decoder::new(coding);
    let mut plain = Vec::new();
    for piece in packed.chunks(step) {
        plain.extend(stepped(&mut decoder, piece)?);
    }
    decoder.finish()?;
    Ok(plain)
}

pub(super) fn unpacked(coding: Coding, packed: &[u8]) -> io::Result<Vec<u8>> {
    unpacked_in(coding, packed, packed.len().max(1))
}

pub(super) fn packed(coding: Coding, plain: &[u8]) -> Vec<u8> {
    packed_at(coding, plain, Levels::default())
}

fn packed_at(coding: Coding, plain: &[u8], levels: Levels) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, levels);
    let mut packed = Vec::new();
    encoder.write(plain, &mut packed).unwrap();
    encoder.finish(&mut packed).unwrap();
    packed
}

const CODINGS: [Coding; 4] = [Coding::Deflate, Coding::Gzip, Coding::Brotli, Coding::Zstd];

/// A page with some repetition and some noise.
fn page(length: usize) -> Vec<u8> {
    let mut noise = 1_u32;
    let mut page = Vec::new();
    while page.len() < length {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        page.extend(
            format!("<p class=\"item\">{:x} in <b>{}</b></p>\n", noise, noise >> 28).bytes(),
        );
    }
    page.truncate(length);
    page
}

#[test]
fn a_body_has_one_coding_that_we_read_or_none() {
    for (fields, expected) in [
        (&[][..], Some(Coding::Identity)),
        (&[""], Some(Coding::Identity)),
        (&["identity"], Some(Coding::Identity)),
        (&["GZip"], Some(Coding::Gzip)),
        (&[" x-gzip\t"], Some(Coding::Gzip)),
        (&["br"], Some(Coding::Brotli)),
        (&["zstd"], Some(Coding::Zstd)),
        (&["deflate"], Some(Coding::Deflate)),
        (&["identity, ,br"], Some(Coding::Brotli)),
        (&["identity", "zstd"], Some(Coding::Zstd)),
        (&["gzip, gzip"], None),
        (&["gzip", "br"], None),
        (&["dcb"], None),
        (&["gzip, compress"], None),
    ] {
        let of_body = Coding::of_body(fields.iter().map(|field| field.as_bytes()));
        assert_eq!(of_body, expected, "{fields:?}");
    }
}

#[test]
fn a_stream_is_the_same_however_it_is_cut() {
    for coding in Coding::ALL {
        let small = b"<!doctype html><title>t</title><p>small</p><p>small</p>";
        let stream = packed(coding, small);
        for cut in 0..=stream.len() {
            let mut decoder = Decoder::new(coding);
            let mut plain = stepped(&mut decoder, &stream[..cut]).unwrap();
            plain.extend(stepped(&mut decoder, &stream[cut..]).unwrap());
            decoder.finish().unwrap();
            assert_eq!(plain, small, "{coding:?} cut at {cut}");
        }
    }
    for coding in CODINGS {
        let long = page(200_000);
        let stream = packed(coding, &long);
        for step in [1, 2, 3, 7, 4096, 70_000] {
            let plain = unpacked_in(coding, &stream, step).unwrap();
            assert!(plain == long, "{coding:?} in steps of {step}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_an_error_and_an_empty_body_is_none() {
    for coding in CODINGS {
        for plain in [&page(3_000)[..], b"a", b""] {
            let stream = packed(coding, plain);
            for end in 1..stream.len() {
                let error = unpacked_in(coding, &stream[..end], 7).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{coding:?} cut at {end}");
            }
        }
        assert_eq!(unpacked(coding, b"").unwrap(), b"", "{coding:?}");
    }
}

#[test]
fn after_a_flush_all_that_was_written_can_be_unpacked() {
    for coding in Coding::ALL {
        for size in [1, 100, 5_000, 70_000, 200_000] {
            let page = page(3 * size + 1);
            let mut encoder = Encoder::new(coding, Levels::default());
            let mut decoder = Decoder::new(coding);
            let mut plain = Vec::new();
            encoder.flush(&mut plain).unwrap();
            assert_eq!(plain, b"", "a flush of nothing adds nothing");
            for piece in page.chunks(size) {
                let mut packed = Vec::new();
                encoder.write(piece, &mut packed).unwrap();
                encoder.flush(&mut packed).unwrap();
                let length = packed.len();
                encoder.flush(&mut packed).unwrap();
                assert_eq!(packed.len(), length, "a second flush adds nothing");
                assert!(stepped(&mut decoder, &packed).unwrap() == piece, "{coding:?} of {size}");
                plain.extend(piece);
            }
            let mut packed = Vec::new();
            encoder.finish(&mut packed).unwrap();
            plain.extend(stepped(&mut decoder, &packed).unwrap());
            decoder.finish().unwrap();
            assert!(plain == page, "{coding:?} in pieces of {size}");
        }
    }
}

#[test]
fn what_came_is_given_without_waiting_for_more() {
    for coding in CODINGS {
        let mut encoder = Encoder::new(coding, Levels::default());
        let mut packed = Vec::new();
        encoder.write(b"<p>first</p>", &mut packed).unwrap();
        encoder.flush(&mut packed).unwrap();
        // One byte at a time: the last one must set it free.
        let mut decoder = Decoder::new(coding);
        let plain: Vec<u8> =
            packed.iter().flat_map(|byte| stepped(&mut decoder, &[*byte]).unwrap()).collect();
        assert_eq!(plain, b"<p>first</p>", "{coding:?}");
        assert!(decoder.finish().is_err());
    }
}

#[test]
fn every_level_packs_and_one_outside_the_range_counts_as_the_nearest() {
    let page = page(20_000);
    for level in 0..=12 {
        let levels = Levels { zstd: level, br: level, gzip: level };
        for coding in CODINGS {
            let stream = packed_at(coding, &page, levels);
            assert!(unpacked(coding, &stream).unwrap() == page, "{coding:?} at {level}");
            assert!(stream.len() < page.len() / 2, "{coding:?} at {level}");
        }
    }
    let at = |level| Levels { zstd: level, br: level, gzip: level };
    assert_eq!(packed_at(Coding::Zstd, &page, at(255)), packed_at(Coding::Zstd, &page, at(19)));
    assert_eq!(packed_at(Coding::Gzip, &page, at(255)), packed_at(Coding::Gzip, &page, at(9)));
    assert_eq!(packed_at(Coding::Gzip, &page, at(0)), packed_at(Coding::Gzip, &page, at(1)));
    assert_eq!(packed_at(Coding::Brotli, &page, at(12)), packed_at(Coding::Brotli, &page, at(11)));
}

#[test]
fn a_bomb_is_not_unpacked() {
    for coding in CODINGS {
        let stream = packed(coding, &vec![0; 4 << 20]);
        for step in [1, 4096, stream.len()] {
            let error = unpacked_in(coding, &stream, step).unwrap_err();
            assert_eq!(error.to_string(), "the page unpacks to too much", "{coding:?}");
        }
        // What repeats itself less than that is a page.
        let page = [page(100_000), vec![b' '; 2 << 20]].concat();
        let plain = unpacked(coding, &packed(coding, &page)).unwrap();
        assert!(plain == page, "{coding:?}");
    }
}

#[test]
fn a_small_input_never_gives_more_than_a_step() {
    for coding in CODINGS {
        let stream = packed(coding, &vec![b'a'; 1 << 20]);
        let mut decoder = Decoder::new(coding);
        let (mut rest, mut given) = (&stream[..], 0);
        loop {
            let mut plain = Vec::new();
            let step = decoder.step(rest, &mut plain).unwrap();
            rest = &rest[step.taken..];
            given += plain.len();
            assert!(plain.capacity() <= STEP_BYTES_MAX, "{coding:?}");
            if !step.more {
                break;
            }
        }
        decoder.finish().unwrap();
        assert_eq!(given, 1 << 20, "{coding:?}");
    }
}

#[test]
fn after_an_error_nothing_more_comes_out() {
    for coding in CODINGS {
        let mut decoder = Decoder::new(coding);
        let mut plain = Vec::new();
        let first = loop {
            match decoder.step(b"\xff\xff\xff\xff\xff\xff\xff\xff", &mut plain) {
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        };
        assert!(first.contains(coding.name()), "{first}");
        for packed in [&b""[..], &packed(coding, b"<p>page</p>")] {
            assert_eq!(decoder.step(packed, &mut plain).unwrap_err().to_string(), first);
        }
        assert_eq!(decoder.finish().unwrap_err().to_string(), first);
        assert_eq!(plain, b"");
        assert!(format!("{decoder:?}").contains(&first));
    }
}

#[test]
fn both_may_cross_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&Decoder::new(Coding::Brotli));
    is_send(&Encoder::new(Coding::Zstd, Levels::default()));
}

fn codings() -> impl Strategy<Value = Coding> {
    proptest::sample::select(CODINGS.to_vec())
}

/// Bytes that have something in common with each other.
fn plains() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3000),
        "(<p>[a-d ]{0,20}</p>){0,200}".prop_map(String::into_bytes),
        (any::<u8>(), 0..50_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    proptest::collection::vec(piece, 0..8)
}

proptest! {
    #[test]
    fn what_is_packed_unpacks_to_the_same(
        coding in codings(),
        level in 0..12_u8,
        plains in plains(),
        flushes in any::<u8>(),
        steps in proptest::collection::vec(1..5000_usize, 1..6),
    ) {
        let levels = Levels { zstd: level, br: level, gzip: level };
        let mut encoder = Encoder::new(coding, levels);
        let mut packed = Vec::new();
        for (at, plain) in plains.iter().enumerate() {
            encoder.write(plain, &mut packed).unwrap();
            if flushes >> at & 1 == 1 {
                encoder.flush(&mut packed).unwrap();
            }
        }
        encoder.finish(&mut packed).unwrap();
        let mut decoder = Decoder::new(coding);
        let (mut rest, mut plain) = (&packed[..], Vec::new());
        for step in steps.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(rest.len().min(*step));
            plain.extend(stepped(&mut decoder, piece).unwrap());
            rest = behind;
        }
        decoder.finish().unwrap();
        prop_assert!(plain == plains.concat());
    }

    #[test]
    fn noise_is_never_a_panic(
        coding in codings(),
        noise in proptest::collection::vec(any::<u8>(), 0..2000),
        step in 1..300_usize,
    ) {
        let _ = unpacked_in(coding, &noise, step);
    }

    #[test]
    fn a_damaged_stream_is_never_a_panic(
        coding in codings(),
        level in 0..12_u8,
        plains in plains(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        step in 1..3000_usize,
    ) {
        let levels = Levels { zstd: level, br: level, gzip: level };
        let mut packed = packed_at(coding, &plains.concat(), levels);
        for (at, byte) in damage {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        let _ = unpacked_in(coding, &packed, step);
    }
}
