//! The frames of one direction of a connection, as their bytes pass.
//!
//! Nothing is kept but a frame's header and what little of its payload decides something: the values
//! of `SETTINGS`, the code of a `GOAWAY` or of an `RST_STREAM`, what a `WINDOW_UPDATE` gives. Where one frame ends the next begins, however they are cut.
//!
//! What to think of a frame is not known here: that is [`super::budget`]'s and [`super::guard`]'s.

use super::PREFACE_BYTES;
use crate::fault::Cut;

/// The length of a frame's header (RFC 9113 §4.1).
const HEADER_BYTES: usize = 9;

/// How much is looked at of a payload, at most: a hundred settings.
const LOOKED_AT_MAX: usize = 600;

/// What frames are for (RFC 9113 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    Push,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// One that is passed over (RFC 9113 §5.5).
    Unknown,
}

/// A frame, as far as it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    flags: u8,
    pub(super) stream: u32,
    length: usize,
    /// The beginning of its payload; for `SETTINGS` all of it.
    payload: &'a [u8],
}

impl Frame<'_> {
    /// `END_STREAM` of `DATA` and `HEADERS`, `ACK` of `SETTINGS` and `PING`.
    const FIRST_FLAG: u8 = 0x1;
    const END_HEADERS: u8 = 0x4;
    const PADDED: u8 = 0x8;
    const PRIORITY: u8 = 0x20;

    /// Whether it acknowledges one of ours.
    pub(super) fn is_ack(&self) -> bool {
        matches!(self.kind, Kind::Settings | Kind::Ping) && self.flags & Self::FIRST_FLAG != 0
    }

    /// Whether it begins fields that further frames have to end.
    pub(super) fn leaves_fields_open(&self) -> bool {
        self.flags & Self::END_HEADERS == 0
    }

    /// Whether it says that a connection ends by a mistake.
    pub(super) fn tells_of_a_mistake(&self) -> bool {
        self.kind == Kind::GoAway && self.payload.get(4..8).is_some_and(|code| code != [0; 4])
    }

    /// Whether it ends a stream for what its receiver did: not because an answer did not need the rest of
    /// the request (`NO_ERROR`, RFC 9113 §8.1), broke off (`INTERNAL_ERROR`) or was not taken (`CANCEL`).
    pub(super) fn accuses(&self) -> bool {
        self.kind == Kind::Reset && !matches!(self.payload, [0, 0, 0, 0 | 2 | 8])
    }

    /// Whether it ends its sender's half of a stream.
    pub(super) fn is_last(&self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers) && self.flags & Self::FIRST_FLAG != 0
    }

    /// How much of the connection's window it takes (RFC 9113 §6.9).
    pub(super) fn data_bytes(&self) -> usize {
        if self.kind == Kind::Data { self.length } else { 0 }
    }

    /// How much more may be sent on the connection, if it says so.
    pub(super) fn room(&self) -> Option<u32> {
        let gives = self.kind == Kind::WindowUpdate && self.stream == 0;
        gives.then(|| self.payload.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }

    /// How much its flags say stands before data or fields.
    fn prefix(&self) -> usize {
        let padding = usize::from(self.flags & Self::PADDED != 0);
        let priority = self.kind == Kind::Headers && self.flags & Self::PRIORITY != 0;
        padding + if priority { 5 } else { 0 }
    }

    /// What is wrong with it, if anything is that the `h2` library calls by another name.
    pub(super) fn check(&self) -> Result<(), Cut> {
        let fits = match self.kind {
            Kind::Settings if self.is_ack() => self.length == 0,
            Kind::Settings => self.length.is_multiple_of(6),
            Kind::Ping => self.length == 8,
            Kind::Priority => self.length == 5,
            Kind::Reset | Kind::WindowUpdate => self.length == 4,
            Kind::GoAway => self.length >= 8,
            Kind::Data | Kind::Headers => self.length >= self.prefix(),
            _ => true,
        };
        if !fits {
            return Err(Cut::FrameSize);
        }
        if self.kind != Kind::Settings {
            return Ok(());
        }
        if self.length > LOOKED_AT_MAX {
            return Err(Cut::Settings);
        }
        let too_large = |one: &[u8]| matches!(one, [0, 4, value, ..] if value & 0x80 != 0);
        match self.payload.chunks_exact(6).any(too_large) {
            true => Err(Cut::WindowSize),
            false => Ok(()),
        }
    }
}

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// What comes before the first frame.
    preface: usize,
    /// The header of a frame that has begun, and what is looked at of its payload.
    seen: Vec<u8>,
    /// How much of the payload is to pass behind that.
    left: usize,
}

impl Follower {
    /// What a client sends, which begins with the preface.
    pub(super) fn of_client() -> Follower {
        Follower { preface: PREFACE_BYTES, ..Follower::default() }
    }

    /// What a server sends.
    pub(super) fn of_server() -> Follower {
        Follower::default()
    }

    /// Whether a frame may begin here.
    pub(super) fn is_between_frames(&self) -> bool {
        self.preface == 0 && self.seen.is_empty() && self.left == 0
    }

    /// Follows the next bytes to their end, and shows each frame as soon as enough of it is there. Says
    /// what was wrong first.
    pub(super) fn follow(
        &mut self,
        mut bytes: &[u8],
        mut show: impl FnMut(Frame<'_>) -> Result<(), Cut>,
    ) -> Result<(), Cut> {
        let preface = self.preface.min(bytes.len());
        self.preface -= preface;
        bytes = &bytes[preface..];
        let mut all = Ok(());
        while !bytes.is_empty() {
            let passing = self.left.min(bytes.len());
            self.left -= passing;
            bytes = &bytes[passing..];
            let wanted = self.wanted().saturating_sub(self.seen.len());
            let (more, rest) = bytes.split_at(wanted.min(bytes.len()));
            self.seen.extend_from_slice(more);
            bytes = rest;
            // With the header it is known how much of the payload is wanted.
            if self.seen.len() < self.wanted() {
                continue;
            }
            let frame = frame(&self.seen);
            self.left = HEADER_BYTES + frame.length - self.seen.len();
            let shown = show(frame);
            self.seen.clear();
            all = all.and(shown);
        }
        all
    }

    /// How much of the frame that has begun is looked at.
    fn wanted(&self) -> usize {
        if self.seen.len() < HEADER_BYTES {
            return HEADER_BYTES;
        }
        let Frame { kind, length, .. } = frame(&self.seen);
        HEADER_BYTES
            + match kind {
                Kind::Settings => length.min(LOOKED_AT_MAX),
                Kind::GoAway => length.min(8),
                Kind::Reset | Kind::WindowUpdate => length.min(4),
                _ => 0,
            }
    }
}

/// Reads a header, with what follows it.
fn frame(seen: &[u8]) -> Frame<'_> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
    let kind = match seen[3] {
        0 => Kind::Data,
        1 => Kind::Headers,
        2 => Kind::Priority,
        3 => Kind::Reset,
        4 => Kind::Settings,
        5 => Kind::Push,
        6 => Kind::Ping,
        7 => Kind::GoAway,
        8 => Kind::WindowUpdate,
        9 => Kind::Continuation,
        _ => Kind::Unknown,
    };
    Frame {
        kind,
        flags: seen[4],
        stream: number(&seen[5..HEADER_BYTES]) & 0x7fff_ffff,
        length: number(&seen[..3]) as usize,
        payload: &seen[HEADER_BYTES..],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Shown = Vec<(Kind, u32, Result<(), Cut>)>;

    /// What is shown of these bytes, in pieces of this size, and whether a frame may begin behind them.
    fn shown(bytes: &[u8], size: usize) -> (Shown, bool) {
        let (mut follower, mut shown) = (Follower::of_server(), Vec::new());
        for piece in bytes.chunks(size) {
            let followed = follower.follow(piece, |frame| {
                shown.push((frame.kind, frame.stream, frame.check()));
                Ok(())
            });
            assert_eq!(followed, Ok(()));
        }
        (shown, follower.is_between_frames())
    }

    proptest! {
        #[test]
        fn any_bytes_are_followed_the_same_however_they_are_cut(
            frames in prop::collection::vec(
                (0..12_u8, any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)),
                0..20,
            ),
            rest in prop::collection::vec(any::<u8>(), 0..30),
            size in 1..50_usize,
        ) {
            let frames: Vec<Vec<u8>> = frames
                .iter()
                .map(|(kind, flags, stream, payload)| raw(*kind, *flags, *stream, payload))
                .collect();
            let count = frames.len();
            let bytes = [frames.concat(), rest].concat();
            let whole = shown(&bytes, bytes.len().max(1));
            prop_assert!(whole.0.len() >= count);
            prop_assert_eq!(shown(&bytes, size), whole);
        }
    }

    fn raw(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("it is short");
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let preface = vec![b'x'; PREFACE_BYTES];
        let all = [
            preface,
            raw(4, 0, 0, &[0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 9]),
            raw(4, 1, 0, &[]),
            raw(1, 5, 1, b"fields"),
            raw(0, 1, 1, &[]),
            raw(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 2, b'w', b'h', b'y']),
            raw(6, 0, 0, &[9; 8]),
        ]
        .concat();
        let expected = [
            (Kind::Settings, 0, false),
            (Kind::Settings, 0, false),
            (Kind::Headers, 1, false),
            (Kind::Data, 1, false),
            (Kind::GoAway, 0, true),
            (Kind::Ping, 0, false),
        ];
        for size in 1..=all.len() {
            let mut follower = Follower::of_client();
            let mut shown = Vec::new();
            for piece in all.chunks(size) {
                let followed = follower.follow(piece, |frame| {
                    frame.check()?;
                    shown.push((frame.kind, frame.stream, frame.tells_of_a_mistake()));
                    Ok(())
                });
                followed.expect("nothing is wrong");
            }
            assert_eq!(shown, expected, "in pieces of {size}");
            assert!(follower.is_between_frames());
        }
    }

    #[test]
    fn a_length_that_its_kind_does_not_have_is_named() {
        let check = |raw: &[u8]| Follower::of_server().follow(raw, |frame| frame.check());
        for (kind, flags, length, right) in [
            (4, 0, 5, false),
            (4, 0, 6, true),
            (4, 1, 6, false),
            (6, 0, 7, false),
            (2, 0, 4, false),
            (3, 0, 5, false),
            (8, 0, 3, false),
            (7, 0, 7, false),
            (7, 0, 8, true),
            (0, 0, 0, true),
            (0, 0x8, 0, false),
            (0, 0x28, 1, true),
            (1, 0x20, 4, false),
            (1, 0x28, 5, false),
            (1, 0x28, 6, true),
            (77, 0, 1, true),
        ] {
            let checked = check(&raw(kind, flags, 1, &vec![0; length]));
            assert_eq!(
                checked,
                if right { Ok(()) } else { Err(Cut::FrameSize) },
                "{kind} {length}"
            );
        }
        assert_eq!(check(&raw(4, 0, 0, &[0, 4, 0x80, 0, 0, 0])), Err(Cut::WindowSize));
        assert_eq!(check(&raw(4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff])), Ok(()));
        let mut hundred_and_one = vec![0, 2, 0x5e, 4, 0, 0, 0, 0, 0];
        hundred_and_one.resize(9 + 606, 0);
        assert_eq!(check(&hundred_and_one), Err(Cut::Settings));
    }
}
