//! nginx and HAProxy in front of the same upstream, as Debian ships them.
//!
//! Their configuration says no more than where to listen and where to send; what they accept is what
//! they accept by default. They run in the foreground, from a temporary folder, on loopback.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use crate::PATIENCE;

const NGINX: &str = "
daemon off;
master_process off;
pid pid;
error_log error.log;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 127.0.0.1:PORT reuseport;
        location / {
            proxy_pass http://UPSTREAM;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            # Who will send no more has not gone away.
            proxy_ignore_client_abort on;
        }
    }
}
";

const HAPROXY: &str = "
global
    maxconn 256
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend door
    bind 127.0.0.1:PORT
    default_backend site
backend site
    server site UPSTREAM
";

/// Another proxy that runs; it is killed when the test is done with it.
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    _port: Socket,
    /// Its configuration, and what it writes.
    _folder: tempfile::TempDir,
}

impl Peer {
    /// Debian's nginx.
    pub(crate) fn nginx(upstream: SocketAddr) -> Peer {
        Peer::nginx_with(NGINX, upstream)
    }

    /// Debian's HAProxy.
    pub(crate) fn haproxy(upstream: SocketAddr) -> Peer {
        Peer::start("haproxy", &["-db", "-f", "config"], HAPROXY, upstream)
    }

    /// Debian's nginx, set up otherwise.
    pub(crate) fn nginx_with(config: &str, upstream: SocketAddr) -> Peer {
        Peer::start("nginx", &["-p", ".", "-e", "error.log", "-c", "config"], config, upstream)
    }

    fn start(name: &'static str, args: &[&str], config: &str, upstream: SocketAddr) -> Peer {
        // Debian puts them where only root's path looks.
        let program = format!("/usr/sbin/{name}");
        assert!(
            Path::new(&program).exists(),
            "{name} is not installed: `apt-get install {name}`, or tests/run"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, address) = reserve();
        let config = config
            .replace("PORT", &address.port().to_string())
            .replace("UPSTREAM", &upstream.to_string());
        fs::write(folder.path().join("config"), config).expect("the folder is ours");
        let said = File::create(folder.path().join("said")).expect("the folder is ours");
        let mut child = Command::new(program)
            .args(args)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        if !listens(&mut child, address) {
            let said = fs::read_to_string(folder.path().join("said")).unwrap_or_default();
            panic!("{name} does not start:\n{said}");
        }
        Peer { name, address, child, _port: port, _folder: folder }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody else gets: neither proxy can be told to choose one. The socket that holds it
/// never listens, and shares it with who does.
fn reserve() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    // Only now: bound as one that shares, it could have been given a port in use.
    socket.set_reuse_port(true).expect("Linux shares ports");
    let address = socket.local_addr().expect("it is bound");
    (socket, address.as_socket().expect("it is of IPv4"))
}

/// Waits until it listens; false if it ended instead.
fn listens(child: &mut Child, address: SocketAddr) -> bool {
    let since = Instant::now();
    while TcpStream::connect(address).is_err() {
        if child.try_wait().expect("it was started").is_some() {
            return false;
        }
        assert!(since.elapsed() < PATIENCE, "it never listens");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    true
}
