"""What asks: wrk and h2load for load, and connections of our own for handshakes and for memory at rest."""

import http.client
import json
import re
import socket
import ssl
import statistics
import subprocess
import tempfile
import time

HOST = "127.0.0.1"
LOAD_CORE = "0"

# How long connections have rested before their memory is looked at.
REST = 2

# As Chromium sends them, with a session of the site's, what Metrica and Analytics left, and a consent.
BROWSER = {
    "Host": "localhost",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept": "*/*",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Referer": "https://localhost/prices",
    "Accept-Language": "kk,ru;q=0.9,en;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Cookie": "sb_session=eyJ1c2VyIjoiYSJ9; _ym_uid=1763800000123456789; _ym_d=1763800000; _ga=GA1.1.123.456; sb_lang=kk",
}
NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Upgrade-Insecure-Requests": "1",
}


def browser(navigates=False, consent=None, coding=None):
    """The fields of a browser's request."""
    fields = {**BROWSER, **(NAVIGATION if navigates else {})}
    if coding:
        fields["Accept-Encoding"] = coding
    if consent:
        fields["Cookie"] += "; " + consent
    return fields


def connection(port, tls):
    return http.client.HTTPSConnection("localhost", port, context=unverified()) if tls else http.client.HTTPConnection(HOST, port)


def consent_of(port, tls):
    """The cookie of one who agreed, given by the gateway itself."""
    line = connection(port, tls)
    fields = {"Host": "localhost", "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    line.request("POST", "/.consent/choices", "choice=agree-all", fields)
    answer = line.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the gateway took no consent: {answer.status} {body[:300]}")
    return answer.headers["Set-Cookie"].split(";")[0]


def got(port, path, fields, tls=False):
    """One answer, to see that what is measured is what is meant: its status, fields and body."""
    line = connection(port, tls)
    line.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for name, value in fields.items():
        line.putheader(name, value)
    line.endheaders()
    answer = line.getresponse()
    body = answer.read()
    line.close()
    return answer.status, answer.headers, body


def unverified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def wrk(url, fields, connections, seconds):
    """How many requests were answered on so many connections, and the waits by percentile in microseconds, and how many in a second."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    for name, value in fields.items():
        command += ["-H", f"{name}: {value}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"wrk {url}: {said}")
    waits = {
        percent: float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
        for percent, value, unit in re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s)$", said, re.M)
    }
    waits["rate"] = float(re.search(r"Requests/sec: *([\d.]+)", said)[1])
    return int(re.search(r"(\d+) requests in", said)[1]), waits


def h2load(url, fields, connections, streams, seconds, *more):
    """How many requests were answered on so many streams of so many connections."""
    command = ["taskset", "-c", LOAD_CORE, "h2load", f"-c{connections}", f"-m{streams}", "-D", str(seconds), "-t1", *more]
    for name, value in fields.items():
        if name != "Host":
            command += ["-H", f"{name}: {value}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    done = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed", said)
    if not done or int(done[1]) != int(done[2]):
        raise SystemExit(f"h2load {url}: {said}")
    return int(done[2])


def h2load_waits(url, fields, connections, seconds):
    """The same, one request after the other on each connection: how many in a second, and the middle wait in microseconds."""
    with tempfile.NamedTemporaryFile("r") as log:
        done = h2load(url, fields, connections, 1, seconds, f"--log-file={log.name}")
        waits = [int(line.split("\t")[2]) for line in log]
    return done / seconds, statistics.median(waits)


def resumed(port, fields, seconds):
    """Connections that resume a session, one request each; how many. A quarter of them at most may have failed to."""
    context = unverified()
    head = request_of("/1k.json", {**fields, "Connection": "close"})
    session, done, again = None, 0, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.create_connection((HOST, port), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as line:
                again += line.session_reused
                line.sendall(head)
                while line.recv(65536):
                    pass
                session = line.session
        done += 1
    if again < done - 1:
        raise SystemExit(f"port {port}: {again} of {done} sessions were resumed")
    return done


def request_of(path, fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def rest(port, fields, connections, tls=False):
    """Connections that have been answered once and rest."""
    context = unverified() if tls else None
    head = request_of("/1k.json", fields)
    lines = []
    for _ in range(connections):
        line = socket.create_connection((HOST, port), 10)
        if context:
            line = context.wrap_socket(line, server_hostname="localhost")
        line.sendall(head)
        read_answer(line)
        lines.append(line)
    return lines


def read_answer(line):
    """Reads one answer with its body, by its length or to its last chunk."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        some = line.recv(65536)
        if not some:
            raise SystemExit(f"a connection was closed in an answer: {seen[:200]}")
        seen += some
    head, body = seen.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    while not (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")):
        body += line.recv(65536)


def settle():
    """Lets a proxy notice that its connections rest."""
    time.sleep(REST)


def pretty(value):
    return json.dumps(value, indent=1, ensure_ascii=False)
