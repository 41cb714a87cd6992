//! Everything passes: what a site and its visitors may say to each other, through the gateway.
//!
//! Both ends are raw connections, so that each byte is said when the test says it: that something
//! passes at once shows in that the other end has it before anything more is said.

#[path = "harness/message.rs"]
mod message;
#[path = "harness/packing.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod packing;
#[path = "harness/program.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod program;
#[path = "harness/wire.rs"]
mod wire;

mod passes {
    mod bodies;
    mod expect;
    mod heads;
    mod http2;
    mod interim;
    mod leaving;
}

use std::net::TcpListener;
use std::time::Duration;

use program::{Gateway, Program};
use wire::Wire;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway in front of a site that the test speaks for.
struct Between {
    gateway: Gateway,
    site: TcpListener,
    _data: tempfile::TempDir,
}

impl Between {
    fn start() -> Between {
        let data = tempfile::tempdir().expect("a folder");
        let site = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = site.local_addr().expect("it is bound");
        let gateway = Program::run(address, data.path()).start();
        Between { gateway, site, _data: data }
    }

    /// A visitor who has said this.
    fn visitor(&self, says: impl AsRef<[u8]>) -> Wire {
        let mut visitor = Wire::to(self.gateway.plain);
        visitor.say(says);
        visitor
    }

    /// The next connection that the gateway makes to the site.
    fn site(&self) -> Wire {
        Wire::from(&self.site)
    }
}
