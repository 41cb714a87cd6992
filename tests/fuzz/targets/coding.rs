//! Any bytes through the decoders, and any text through the encoders and back.
//!
//! What comes out of a packed body, or that it is damaged, does not depend on where it is cut. No
//! step gives more than it may, and each goes on. What an encoder made unpacks to what it was given;
//! with some of its bytes changed, it gets further into a decoder than chance would.

#![no_main]

mod cuts;

use kelisim::coding::{Coding, Decoder, Encoder, Levels, STEP_BYTES_MAX};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (text, cuts) = cuts::split(input);
    let Some((&choice, text)) = text.split_first() else { return };
    let coding = Coding::ALL[usize::from(choice & 7) % Coding::ALL.len()];
    if choice & 8 == 0 {
        return assert_same(coding, text, cuts);
    }
    let mut packed = pack(coding, text, cuts, choice >> 4);
    for pieces in [vec![&packed[..]], packed.chunks(1).collect(), cuts.pieces(&packed)] {
        let (plain, error) = unpack(coding, &pieces);
        assert!(error.is_none() && plain == text, "{coding:?}: {error:?}");
    }
    // Damage: each length changes a byte that it also points at.
    for (turn, length) in cuts.lengths().iter().enumerate() {
        let at = (usize::from(*length) + turn * 3) % packed.len().max(1);
        if let Some(byte) = packed.get_mut(at) {
            *byte ^= length.rotate_left(turn as u32);
        }
    }
    assert_same(coding, &packed, cuts);
});

fn pack(coding: Coding, text: &[u8], cuts: cuts::Cuts<'_>, level: u8) -> Vec<u8> {
    // Brotli and zstd at their highest take a second for nothing.
    let level = level % 6;
    let mut encoder = Encoder::new(coding, Levels { zstd: level, br: level, gzip: level });
    let mut packed = Vec::new();
    for (at, piece) in cuts.pieces(text).into_iter().enumerate().take(200) {
        encoder.write(piece, &mut packed).expect("every text can be packed");
        if at % 3 == 1 {
            encoder.flush(&mut packed).expect("every text can be packed");
        }
    }
    let rest: usize = cuts.pieces(text).iter().skip(200).map(|piece| piece.len()).sum();
    encoder.write(&text[text.len() - rest..], &mut packed).expect("every text can be packed");
    encoder.finish(&mut packed).expect("every text can be packed");
    packed
}

/// What comes out of a body in these pieces, and the error that ended it.
fn unpack(coding: Coding, pieces: &[&[u8]]) -> (Vec<u8>, Option<String>) {
    let mut decoder = Decoder::new(coding);
    let mut plain = Vec::new();
    for piece in pieces {
        let mut packed = *piece;
        loop {
            let before = plain.len();
            let step = match decoder.step(packed, &mut plain) {
                Ok(step) => step,
                Err(error) => {
                    assert_eq!(plain.len(), before, "nothing comes with an error");
                    let again = decoder.step(packed, &mut plain);
                    assert!(again.is_err() && plain.len() == before, "nothing comes after it");
                    return (plain, Some(error.to_string()));
                }
            };
            assert!(plain.len() - before <= STEP_BYTES_MAX, "a step is bounded");
            assert!(step.taken <= packed.len());
            assert!(!step.more || step.taken > 0 || plain.len() > before, "a step goes on");
            packed = &packed[step.taken..];
            if !step.more {
                assert!(packed.is_empty(), "a step without more has taken all");
                break;
            }
        }
    }
    let error = decoder.finish().err().map(|error| error.to_string());
    (plain, error)
}

fn assert_same(coding: Coding, packed: &[u8], cuts: cuts::Cuts<'_>) {
    let (plain, error) = unpack(coding, &[packed]);
    for pieces in [packed.chunks(1).collect(), cuts.pieces(packed)] {
        let (same, as_well) = unpack(coding, &pieces);
        assert_eq!(
            error.is_some(),
            as_well.is_some(),
            "{coding:?} {}: at once {error:?}, in {} pieces {as_well:?}",
            packed.escape_ascii(),
            pieces.len()
        );
        // Of what is damaged, more may come before it shows.
        let common = plain.len().min(same.len());
        assert!(plain[..common] == same[..common], "{coding:?} {}", packed.escape_ascii());
        assert!(error.is_some() || plain.len() == same.len(), "{coding:?}");
    }
}
