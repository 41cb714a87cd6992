//! Words and sockets on their way from one process to another.
//!
//! A word is a line. A socket is a byte that says what kind it is, with the descriptor beside it
//! (`SCM_RIGHTS`, unix(7)); a last byte says that there are no more.
//!
//! Nothing is read ahead: what is read too early would lose the descriptors that come with it.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::Listeners;

/// The longest line.
const LINE_BYTES_MAX: usize = 64;

/// The most sockets: threads times addresses, generously.
const SOCKETS_MAX: usize = 16 * 1024;

const VISITORS: u8 = b'v';
const ADMIN: u8 = b'a';
const END: u8 = b'.';

/// Says a word.
pub(super) fn say(mut stream: &UnixStream, word: &str) -> io::Result<()> {
    stream.write_all(format!("{word}\n").as_bytes())
}

/// Reads a word. Each time that nothing came for a while `waits` is asked whether to go on.
pub(super) fn line(
    mut stream: &UnixStream,
    mut waits: impl FnMut() -> io::Result<()>,
) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                waits()?;
                continue;
            }
            Err(error) => return Err(error),
        }
        match byte {
            [b'\n'] => break,
            _ if line.len() == LINE_BYTES_MAX => {
                let text = format!("a line of more than {LINE_BYTES_MAX} bytes");
                return Err(io::Error::new(ErrorKind::InvalidData, text));
            }
            [byte] => line.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Sends all sockets.
pub(super) fn send(mut stream: &UnixStream, listeners: &Listeners) -> io::Result<()> {
    for (kind, those) in [(VISITORS, &listeners.visitors), (ADMIN, &listeners.admin)] {
        for listener in those {
            let mut space = [const { MaybeUninit::uninit() }; cmsg_space!(ScmRights(1))];
            let mut beside = SendAncillaryBuffer::new(&mut space);
            let socket = [listener.as_fd()];
            if !beside.push(SendAncillaryMessage::ScmRights(&socket)) {
                return Err(io::Error::other("there is no room for a descriptor"));
            }
            let kind = [kind];
            let byte = [IoSlice::new(&kind)];
            retry_on_intr(|| sendmsg(stream, &byte, &mut beside, SendFlags::NOSIGNAL))?;
        }
    }
    stream.write_all(&[END])
}

/// Receives all sockets.
pub(super) fn receive(stream: &UnixStream) -> io::Result<Listeners> {
    let mut listeners = Listeners::default();
    for _ in 0..=SOCKETS_MAX {
        let (kind, socket) = receive_one(stream)?;
        let those = match (kind, &socket) {
            (END, _) => return Ok(listeners),
            (VISITORS, Some(_)) => &mut listeners.visitors,
            (ADMIN, Some(_)) => &mut listeners.admin,
            _ => {
                let text = "something that is no listening socket was passed";
                return Err(io::Error::new(ErrorKind::InvalidData, text));
            }
        };
        those.extend(socket.map(TcpListener::from));
    }
    let text = format!("more than {SOCKETS_MAX} sockets were passed");
    Err(io::Error::new(ErrorKind::InvalidData, text))
}

fn receive_one(stream: &UnixStream) -> io::Result<(u8, Option<OwnedFd>)> {
    let mut space = [const { MaybeUninit::uninit() }; cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut kind = [0];
    let into = &mut [IoSliceMut::new(&mut kind)];
    let received = retry_on_intr(|| recvmsg(stream, into, &mut beside, RecvFlags::CMSG_CLOEXEC))?;
    if received.bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let mut sockets = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    Ok((kind[0], sockets.next().and_then(|mut sockets| sockets.next())))
}
