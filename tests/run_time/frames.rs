//! Frames in a sandbox have neither cookies nor storage, and a guard all the same.

use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::served;

#[test]
fn a_frame_in_a_sandbox_works_and_tells_nobody() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let alive = |url: &str| {
        visitor.open(url);
        for frame in ["document", "address"] {
            visitor.wait_until("both frames work", || {
                visitor.attribute("html", &format!("data-{frame}")).as_deref() == Some("alive")
            });
        }
        visitor.settle();
    };
    alive(&served.bare("frames.html"));
    for frame in ["document", "address"] {
        let told = stub.contacts().iter().any(|hit| hit.ends_with(&format!("/watch/{frame}")));
        assert!(told, "{frame}: {:?}", stub.contacts());
    }
    let before = visitor.console().errors;

    let seen = stub.contacts().len();
    alive(&served.page("frames.html"));
    assert_eq!(stub.contacts()[seen..], [""; 0]);
    assert_eq!(visitor.console().errors.len(), before.len(), "{before:?}");
}
