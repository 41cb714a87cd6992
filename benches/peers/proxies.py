"""The origin, the peers and the gateway: how each is set up, started on its core, and what it cost."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
ORIGIN = 18700

# What a page loses and gains. Five strings and two places, as the gateway withholds by its rules; the two vendors' loaders
# of readability-ehow-2 are among them.
SUBSTITUTIONS = [
    ("www.google-analytics.com/", "about:blank#"),
    ("www.googletagmanager.com/", "about:blank#"),
    ("mc.yandex.ru/", "about:blank#"),
    ("connect.facebook.net/", "about:blank#"),
    ("b.scorecardresearch.com/", "about:blank#"),
]
HEAD_TAG = '<script src="/.consent/assets/guard.js"></script>'
BODY_TAG = '<div id="cc-main" role="dialog" aria-label="Consent"></div>'


class Proxy:
    """One of those that are compared: a process tree on a core of its own."""

    name = ""
    version = ""

    def __init__(self, home, port, threads=1):
        self.home = Path(home) / f"{self.name}-{port}"
        self.home.mkdir(parents=True)
        self.port, self.tls_port, self.threads = port, port + 1, threads
        self.process = None
        self.cores = "1"

    def command(self):
        raise NotImplementedError

    def start(self, cores="1"):
        self.cores = cores
        log = open(self.home / "log", "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, *self.command()],
            stdout=log, stderr=log, cwd=self.home, env={**os.environ, "HOME": str(self.home)},
        )
        for port in self.ports():
            self.await_port(port)
        return self

    def ports(self):
        return [self.port, self.tls_port]

    def await_port(self, port):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((HOST, port), 0.5).close()
                return
            except OSError:
                time.sleep(0.05)
        said = (self.home / "log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{self.name} does not listen on {port}:\n{said}")

    def tree(self):
        """The processes of this one, itself among them."""
        found, todo = [], [self.process.pid]
        while todo:
            one = todo.pop()
            found.append(one)
            for task in Path(f"/proc/{one}/task").glob("*/children"):
                try:
                    todo += map(int, task.read_text().split())
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return found

    def cpu(self):
        """Seconds of processor time so far: user's and system's, of all threads."""
        total = 0
        for one in self.tree():
            for task in Path(f"/proc/{one}/task").glob("*/schedstat"):
                try:
                    total += int(task.read_text().split()[0])
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return total / 1e9

    def resident(self):
        """Bytes of memory that are resident, of all processes."""
        total = 0
        for one in self.tree():
            for line in Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def origin(self):
        return f"http://{HOST}:{self.port}"

    def secure(self):
        return f"https://localhost:{self.tls_port}"


def said(command, line=0):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()[line].strip()


class Origin(Proxy):
    """The site: files from memory, by nginx, without a log."""

    name = "origin"

    def __init__(self, home, page):
        super().__init__(home, ORIGIN)
        site = self.home / "site"
        site.mkdir()
        (site / "1k.json").write_text('{"text":"' + "x" * 1004 + '"}\n')
        (site / "10m.bin").write_bytes(os.urandom(1 << 20) * 10)
        (site / "plain.html").write_text(
            "<!doctype html><html lang=en><head><title>Plain</title></head><body><p>Nothing of interest</p></body></html>"
        )
        if page:
            shutil.copy(page, site / "page.html")
        (self.home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {self.home}/pid; error_log {self.home}/error crit;
events {{ worker_connections 19900; }}
http {{
    access_log off; sendfile on; tcp_nopush on; open_file_cache max=100; keepalive_requests 1000000000; keepalive_timeout 3600;
    types {{ text/html html; application/json json; application/octet-stream bin; }} charset utf-8;
    client_body_temp_path {self.home}/b; proxy_temp_path {self.home}/p; fastcgi_temp_path {self.home}/f;
    uwsgi_temp_path {self.home}/u; scgi_temp_path {self.home}/s;
    server {{ listen {HOST}:{ORIGIN} backlog=4096; root {site}; }}
}}""")

    def ports(self):
        return [self.port]

    def command(self):
        return ["/usr/sbin/nginx", "-c", str(self.home / "nginx.conf")]


class Nginx(Proxy):
    name = "nginx"

    def __init__(self, home, port, certs, threads=1, page="", rules=0):
        super().__init__(home, port, threads)
        pages = "".join(f"sub_filter '{a}' '{b}'; " for a, b in SUBSTITUTIONS)
        pages += f"sub_filter '</head>' '{HEAD_TAG}</head>'; sub_filter '</body>' '{BODY_TAG}</body>'; sub_filter_once off;"
        # What it has to look up for each request, where growth with rules is asked about.
        known = "".join(f"/path/{n}/of/a/rule {n};\n" for n in range(rules))
        mapped = f"map_hash_max_size 1048576; map_hash_bucket_size 128; map $uri $known {{ default 0; {known} }}" if rules else ""
        asked = "if ($known) { return 403; }" if rules else ""
        gzip = lambda level: f"gzip on; gzip_comp_level {level}; gzip_types *; gzip_proxied any;" if level else ""
        server = lambda path, more: f"location = {path} {{ proxy_pass http://site; {more} }}\n"
        (self.home / "nginx.conf").write_text(f"""
daemon off; worker_processes {threads}; pid {self.home}/pid; error_log {self.home}/error crit;
events {{ worker_connections 19900; }}
http {{
    access_log {self.home}/access combined; keepalive_requests 1000000000; keepalive_timeout 3600;
    client_body_temp_path {self.home}/b; proxy_temp_path {self.home}/p; fastcgi_temp_path {self.home}/f;
    uwsgi_temp_path {self.home}/u; scgi_temp_path {self.home}/s;
    upstream site {{ server {HOST}:{ORIGIN}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;
    ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; ssl_session_tickets on; ssl_session_cache shared:s:10m;
    {mapped}
    server {{
        listen {HOST}:{port} backlog=4096; listen {HOST}:{port + 1} ssl http2 backlog=4096; server_name localhost;
        ssl_certificate {certs}/localhost.crt; ssl_certificate_key {certs}/localhost.key;
        http2_max_requests 1000000000;
        location / {{ {asked} proxy_pass http://site; }}
        {server("/page.html", pages)}
    }}
    server {{
        listen {HOST}:{port + 2} backlog=4096;
        {server("/page.html", pages + gzip(4))}
    }}
}}""")

    def command(self):
        return ["/usr/sbin/nginx", "-c", str(self.home / "nginx.conf")]

    @staticmethod
    def told():
        return said(["/usr/sbin/nginx", "-v"]).removeprefix("nginx version: ")


class Haproxy(Proxy):
    name = "HAProxy"

    def __init__(self, home, port, certs, tcp=False, threads=1):
        self.name = "HAProxy, TCP" if tcp else "HAProxy"
        super().__init__(home, port, threads)
        both = self.home / "both.pem"
        both.write_text(Path(certs, "localhost.crt").read_text() + Path(certs, "localhost.key").read_text())
        mode = "tcp" if tcp else "http"
        log = "" if tcp else f"log stdout format raw local0\n    option httplog\n    option forwardfor"
        secure = "" if tcp else f"bind {HOST}:{port + 1} ssl crt {both} alpn h2,http/1.1 ssl-min-ver TLSv1.3 curves X25519"
        (self.home / "haproxy.cfg").write_text(f"""
global
    nbthread {threads}
    maxconn 9900
    tune.bufsize 65536
defaults
    mode {mode}
    timeout connect 5s
    timeout client 3600s
    timeout server 3600s
    maxconn 9900
frontend all
    bind {HOST}:{port} backlog 4096
    {secure}
    {log}
    default_backend site
backend site
    {"" if tcp else "http-reuse always"}
    server one {HOST}:{ORIGIN} {"" if tcp else "pool-max-conn 512"}
""")
        self.tcp = tcp

    def ports(self):
        return [self.port] if self.tcp else [self.port, self.tls_port]

    def command(self):
        return ["/usr/sbin/haproxy", "-f", str(self.home / "haproxy.cfg")]

    @staticmethod
    def told():
        return " ".join(said(["/usr/sbin/haproxy", "-v"]).split()[:3])


class H2o(Proxy):
    name = "h2o"

    def __init__(self, home, port, certs, threads=1):
        super().__init__(home, port, threads)
        (self.home / "h2o.conf").write_text(f"""
num-threads: {threads}
max-connections: 9900
access-log: {self.home}/access
http1-request-timeout: 3600
http2-idle-timeout: 3600
listen: {{ host: {HOST}, port: {port} }}
listen:
  host: {HOST}
  port: {port + 1}
  ssl: {{ certificate-file: {certs}/localhost.crt, key-file: {certs}/localhost.key, minimum-version: TLSv1.3 }}
hosts:
  default:
    paths:
      /: {{ proxy.reverse.url: "http://{HOST}:{ORIGIN}/", proxy.timeout.keepalive: 60000 }}
""")

    def command(self):
        return ["/usr/bin/h2o", "-c", str(self.home / "h2o.conf")]

    @staticmethod
    def told():
        return said(["/usr/bin/h2o", "--version"])


class Workerd(Proxy):
    """Cloudflare's runtime with HTMLRewriter, which withholds and inserts what nginx' strings do."""

    name = "workerd"

    def __init__(self, home, port, binary):
        super().__init__(home, port)
        self.binary = binary
        shutil.copy(Path(__file__).parent / "workerd.js", self.home / "worker.js")
        (self.home / "config.capnp").write_text(f"""
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "site", external = (address = "{HOST}:{ORIGIN}", http = ())),
  ],
  sockets = [(name = "http", address = "{HOST}:{port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  bindings = [(name = "SITE", service = "site")],
);
""")

    def ports(self):
        return [self.port]

    def command(self):
        return [str(self.binary), "serve", str(self.home / "config.capnp")]


def imported(count):
    """Puts a list of so many filters beside the shipped rules, in the proportions of real ones, as benches/lists.rs has them."""

    def one(n):
        kind = n % 20
        if kind < 12:
            return f"||counter{n}.example^$third-party"
        if kind < 15:
            return f"/track{n}/pixel."
        if kind < 17:
            return f"||cdn{n}.example/count/*$script"
        if kind == 17:
            return f"&visitor{n}=$image,third-party"
        if kind == 18:
            return f"||frame{n}.example^$subdocument,domain=a{n}.kz|b.kz"
        return f"@@||counter{n - 19}.example/ok.js$script"

    def put(rules):
        folder = rules / "lists"
        folder.mkdir(exist_ok=True)
        (folder / "bench.toml").write_text(
            'name = "bench"\nsource = "made"\nlicence = "none"\nimported = "2026-11-23"\npurpose = "analytics"\n'
            'recipient = "undeclared"\naction = "hold"\n'
        )
        (folder / "bench.txt").write_text("\n".join(map(one, range(count))))

    return put


class Kelisim(Proxy):
    name = "Kelisim"

    def __init__(self, home, port, certs, binary, threads=1, imported=None):
        super().__init__(home, port, threads)
        self.binary = binary
        rules = self.home / "rules"
        shutil.copytree(ROOT / "rules", rules)
        site = rules / "site.toml"
        text = site.read_text()
        hosts = 'hosts = ["send-box.com", "*.send-box.com"]'
        if hosts not in text:
            raise SystemExit(f"{site}: no line `{hosts}`; the bench serves localhost by it")
        # As nginx does, the gateway packs what the site does not, at its usual levels.
        site.write_text(text.replace(hosts, 'hosts = ["localhost", "127.0.0.1"]') + "\n[compression]\nplain = true\n")
        if imported:
            imported(rules)
        # All of the load comes from one address.
        (self.home / "kelisim.toml").write_text("limits.connections-per-address = 100000\n")
        self.certs = certs

    def command(self):
        return [
            str(self.binary), "run", "--config", str(self.home / "kelisim.toml"),
            "--upstream", f"http://{HOST}:{ORIGIN}", "--listen", f"{HOST}:{self.port}",
            "--listen-tls", f"{HOST}:{self.tls_port}", "--certs", str(self.certs), "--rules", str(self.home / "rules"),
            "--data", str(self.home / "data"), "--admin", f"{HOST}:{self.port + 3}", "--threads", str(self.threads),
        ]
