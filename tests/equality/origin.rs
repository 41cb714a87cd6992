//! A site that records what it is asked, and answers what it is told to.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use super::read::Message;
use crate::PATIENCE;
use crate::wire::Wire;

/// What is answered next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection ends behind them.
    pub(crate) closes: bool,
}

/// A site.
pub(crate) struct Origin {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Receiver<Message>,
}

impl Origin {
    /// A site on a port of its own.
    pub(crate) fn start() -> Origin {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (tell, asked) = channel();
        let answer = Arc::new(Mutex::default());
        let answers = Arc::clone(&answer);
        std::thread::spawn(move || {
            loop {
                let wire = Wire::from(&listener);
                let (tell, answers) = (tell.clone(), Arc::clone(&answers));
                std::thread::spawn(move || serve(wire, &tell, &answers));
            }
        });
        Origin { address, answer, asked }
    }

    /// Answers the next request with this.
    pub(crate) fn answers(&self, answer: Answer) {
        *self.answer.lock().expect("no holder panics") = answer;
    }

    /// What was asked.
    pub(crate) fn asked(&self) -> Message {
        self.asked.recv_timeout(PATIENCE).expect("the site is asked")
    }

    /// Whether there was a request more than was looked at.
    pub(crate) fn was_asked_more(&self) -> bool {
        self.asked.try_recv().is_ok()
    }
}

fn serve(mut wire: Wire, tell: &Sender<Message>, answers: &Mutex<Answer>) {
    while !wire.is_over() {
        let asked = Message::read(&mut wire, false, false);
        if tell.send(asked).is_err() {
            return;
        }
        let Answer { bytes, closes } = answers.lock().expect("no holder panics").clone();
        wire.try_to_say(bytes);
        if closes {
            return;
        }
    }
}
