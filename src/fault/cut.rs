//! Why an HTTP/2 connection, or one stream of it, is cut.
//!
//! What floods costs the gateway more than its sender and does no work; what breaks the framing could
//! be read in two ways. The sender is told by one of the codes of RFC 9113 §7.
//!
//! Requests that are refused one by one are in [`super::refusal`].

/// Why a connection or a stream is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Too many `SETTINGS`: each is to be applied and acknowledged.
    Settings,
    /// Too many `PING`s: each is to be answered.
    Pings,
    /// Too many `PRIORITY` frames.
    Priorities,
    /// Too many `WINDOW_UPDATE`s for what was sent.
    Windows,
    /// Too many requests were taken back (CVE-2023-44487).
    Resets,
    /// Too many streams were broken so that the gateway had to reset them (CVE-2025-8671).
    MadeResets,
    /// Too many frames that mean nothing here.
    Idle,
    /// The fields of a request took too long.
    SlowHead,
    /// The first frame was not `SETTINGS` (RFC 9113 §3.4).
    FirstFrame,
    /// A frame of a length that its kind does not have (RFC 9113 §6).
    FrameSize,
    /// `SETTINGS_INITIAL_WINDOW_SIZE` over 2^31 - 1 (RFC 9113 §6.5.2).
    WindowSize,
    /// What the `h2` library refused.
    Library,
    /// One stream: nothing of an answer was taken.
    Stalled,
}

/// A code of RFC 9113 §7.
pub type Code = u32;

const PROTOCOL_ERROR: Code = 0x1;
const FLOW_CONTROL_ERROR: Code = 0x3;
const FRAME_SIZE_ERROR: Code = 0x6;
const CANCEL: Code = 0x8;
const ENHANCE_YOUR_CALM: Code = 0xb;

impl Cut {
    /// Every reason, in the order of its declaration.
    pub const ALL: [Cut; 13] = [
        Cut::Settings,
        Cut::Pings,
        Cut::Priorities,
        Cut::Windows,
        Cut::Resets,
        Cut::MadeResets,
        Cut::Idle,
        Cut::SlowHead,
        Cut::FirstFrame,
        Cut::FrameSize,
        Cut::WindowSize,
        Cut::Library,
        Cut::Stalled,
    ];

    /// Its name where cuts are counted, and the code that is told.
    const fn row(self) -> (&'static str, Code) {
        match self {
            Cut::Settings => ("settings", ENHANCE_YOUR_CALM),
            Cut::Pings => ("pings", ENHANCE_YOUR_CALM),
            Cut::Priorities => ("priorities", ENHANCE_YOUR_CALM),
            Cut::Windows => ("windows", ENHANCE_YOUR_CALM),
            Cut::Resets => ("resets", ENHANCE_YOUR_CALM),
            Cut::MadeResets => ("made_resets", ENHANCE_YOUR_CALM),
            Cut::Idle => ("idle_frames", ENHANCE_YOUR_CALM),
            Cut::SlowHead => ("slow_head", ENHANCE_YOUR_CALM),
            Cut::FirstFrame => ("first_frame", PROTOCOL_ERROR),
            Cut::FrameSize => ("frame_size", FRAME_SIZE_ERROR),
            Cut::WindowSize => ("window_size", FLOW_CONTROL_ERROR),
            // The library has said itself which.
            Cut::Library => ("library", PROTOCOL_ERROR),
            Cut::Stalled => ("stalled_stream", CANCEL),
        }
    }

    /// Its name where cuts are counted.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// What the sender is told.
    pub const fn code(self) -> Code {
        self.row().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed_once_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = Cut::ALL.iter().map(|cut| cut.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Cut::ALL.len());
        for (place, cut) in Cut::ALL.into_iter().enumerate() {
            assert_eq!(cut as usize, place);
        }
    }
}
