"""The lines of the table: what is asked of whom, and what the gateway may cost against which peer."""

from dataclasses import dataclass, field
from typing import Callable

import clients

SMALL = "/1k.json"
LARGE = "/10m.bin"
PAGE = "/page.html"


@dataclass
class Line:
    """One kind of work, done by several in turn."""

    name: str
    # Whose cost is whose, by name: each a function from seconds to a cost.
    costs: dict[str, Callable[[float], float]]
    unit: str = "µs"
    # What the gateway's cost may be, as a part of this peer's.
    peer: str = "nginx"
    target: float | None = None
    note: str = ""
    # What the gateway's cost may be by itself, in the unit.
    at_most: float | None = None
    results: dict[str, list[float]] = field(default_factory=dict)


def cpu(proxy, ask):
    """What a request costs the proxy in processor time: microseconds."""

    def cost(seconds):
        before = proxy.cpu()
        done = ask(seconds)
        return (proxy.cpu() - before) / done * 1e6

    return cost


def small(proxy, fields, connections=64):
    return cpu(proxy, lambda s: clients.wrk(proxy.origin() + SMALL, fields, connections, s)[0])


def passes(them, fields):
    of = lambda name: them[name]
    return Line(
        "1 KB, HTTP/1.1, 64 connections",
        {name: small(of(name), fields) for name in ["Kelisim", "nginx", "HAProxy", "HAProxy, TCP", "h2o"]},
        target=1.00,
    )


def passes_h2(them, fields):
    ask = lambda proxy: cpu(proxy, lambda s: clients.h2load(proxy.secure() + SMALL, fields, 16, 16, s))
    return Line(
        "1 KB, TLS 1.3 + HTTP/2, 16 × 16 streams",
        {name: ask(them[name]) for name in ["Kelisim", "nginx", "HAProxy", "h2o"]},
        target=0.95,
    )


def handshakes(them, fields):
    closing = {**fields, "Connection": "close"}
    ask = lambda proxy: cpu(proxy, lambda s: clients.wrk(proxy.secure() + SMALL, closing, 16, s)[0])
    return Line(
        "TLS 1.3 handshake, full, and 1 KB",
        {name: ask(them[name]) for name in ["Kelisim", "nginx", "HAProxy"]},
        target=1.0,
    )


def resumptions(them, fields):
    ask = lambda proxy: cpu(proxy, lambda s: clients.resumed(proxy.tls_port, fields, s))
    return Line(
        "TLS 1.3 handshake, resumed, and 1 KB",
        {name: ask(them[name]) for name in ["Kelisim", "nginx", "HAProxy"]},
        target=1.0,
    )


def bulk(them, fields, tls):
    def ask(proxy):
        url = (proxy.secure() if tls else proxy.origin()) + LARGE
        return cpu(proxy, lambda s: clients.wrk(url, fields, 4, s)[0])

    return Line(
        "10 MB, " + ("TLS 1.3" if tls else "plain"),
        {name: ask(them[name]) for name in ["Kelisim", "nginx", "HAProxy"]},
        target=1.0 if tls else 1.05,
    )


def page(them, coding, target, peer="nginx"):
    fields = clients.browser(navigates=True, coding=coding)

    def url(proxy):
        # nginx packs at a port of its own.
        port = proxy.port + 2 if proxy.name == "nginx" and coding != "identity" else proxy.port
        return port, f"http://{clients.HOST}:{port}{PAGE}"

    sizes, costs = [], {}
    for name in ["Kelisim", "nginx"] + (["workerd"] if coding == "identity" and "workerd" in them else []):
        port, address = url(them[name])
        # nginx 1.22 knows no zstd: it is asked for gzip.
        asked = {**fields, "Accept-Encoding": "gzip"} if name == "nginx" and coding == "zstd" else fields
        status, headers, body = clients.got(port, PAGE, asked)
        packed = headers.get("Content-Encoding", "identity")
        if status != 200 or packed != asked["Accept-Encoding"]:
            raise SystemExit(f"{name}: {PAGE} came with status {status}, packed as {packed}")
        if coding == "identity" and (b"cc-main" not in body or b"guard" not in body):
            raise SystemExit(f"{name}: {PAGE} came without what is inserted")
        sizes.append(f"{name} {len(body):,} B")
        costs[name] = cpu(them[name], lambda s, address=address, asked=asked: clients.wrk(address, asked, 16, s)[0])
    return Line(
        f"page of 107 KB, withheld and banner, {coding}", costs, peer=peer, target=target, note="; ".join(sizes)
    )


def latency(them, fields):
    """The middle wait of one connection, beside that of a connection straight to the site."""

    def ask(proxy):
        def cost(seconds):
            direct = clients.wrk(them["origin"].origin() + SMALL, fields, 1, seconds)[1]
            waits = clients.wrk(proxy.origin() + SMALL, fields, 1, seconds)[1]
            tails.setdefault(proxy.name, []).append(waits["99"])
            return waits["50"] - direct["50"]

        return cost

    tails: dict[str, list[float]] = {}
    line = Line(
        "added wait, one connection, p50",
        {name: ask(them[name]) for name in ["Kelisim", "nginx", "HAProxy"]},
        at_most=60,
    )
    line.tails = tails
    return line


def at_rest(start, fields, tls, count):
    """Memory of a connection that has been answered once and rests."""

    def ask(name):
        def cost(_seconds):
            proxy = start(name)
            try:
                port = proxy.tls_port if tls else proxy.port
                # What comes with the first connections is no connection's own.
                warm = clients.rest(port, fields, 200, tls)
                clients.settle()
                before = proxy.resident()
                lines = clients.rest(port, fields, count, tls)
                clients.settle()
                # Some visitors come and go: allocators give back what is free when they are at work.
                for line in clients.rest(port, fields, 20, tls):
                    line.close()
                clients.settle()
                grown = proxy.resident() - before
                for line in warm + lines:
                    line.close()
                return grown / count / 1024
            finally:
                proxy.stop()

        return cost

    return Line(
        f"memory of a connection at rest, {'TLS 1.3' if tls else 'plain'}",
        {name: ask(name) for name in ["Kelisim", "nginx", "HAProxy"]},
        unit="KiB",
        at_most=20 if tls else 6,
    )


def growth_of_connections(them, fields, number):
    """What a request costs among 10,000 connections, or as many as the system lets be, as a multiple of its cost among 10."""

    def ask(proxy):
        few, many = small(proxy, fields, 10), small(proxy, fields, number)
        return lambda seconds: many(seconds * 2) / few(seconds)

    return Line(
        f"cost among {number:,} connections ÷ among 10",
        {name: ask(them[name]) for name in ["Kelisim", "nginx"]},
        unit="×",
        target=1.0,
    )


def grown(what, before, after, fields, **bound):
    """What a request costs those of `after`, as a multiple of its cost to those of `before`."""

    def ask(name):
        one, other = small(before[name], fields), small(after[name], fields)
        return lambda seconds: other(seconds) / one(seconds)

    return Line(what, {name: ask(name) for name in ["Kelisim", "nginx"]}, unit="×", **bound)


def growth_of_rules(few, many, fields):
    return grown("cost with 100,000 rules ÷ with 10", few, many, fields, target=1.0)


def threads(them, doubled, fields):
    return grown("cost on two threads ÷ on one", them, doubled, fields, at_most=1.05)
