"""The gateway under callgrind, and what its dumps say: instructions, and calls of the allocator."""

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

import proxies  # noqa: E402

HOST = proxies.HOST

# By what memory is taken, in mimalloc and in the C library. Both are C, so their names outlive link-time optimisation; what Rust puts before
# them may not. Where they call each other, the first call counts.
TAKES = re.compile(r"(?:mi_(?:\w+_)?(?:malloc|zalloc|calloc)\w*|malloc|calloc|posix_memalign|aligned_alloc|memalign)$")
GROWS = re.compile(r"(?:mi_(?:\w+_)?(?:realloc|rezalloc|recalloc)\w*|realloc|reallocarray)$")
INSIDE = re.compile(r"_?mi_|(?:__libc_|_int_|_mid_)?(?:malloc|calloc|realloc|memalign)|posix_memalign|aligned_alloc|reallocarray")


class Gateway(proxies.Kelisim):
    """The gateway on a slow processor that counts."""

    # Some minute for 60,000 filters; a busy machine takes longer.
    START_SECONDS_MAX = 600

    # Whom the policy names, and the site itself. The others are withheld from everybody, so something would apply to each page.
    NAMED = {"google-analytics.toml", "google-tag-manager.toml", "own.toml", "yandex-metrica.toml"}

    def __init__(self, home, port, binary, upstream, imported=None, bare=False):
        """`bare`: nothing applies to a page for who has agreed; no vendor is withheld from everybody, and the site links the settings."""
        super().__init__(home, port, None, binary, imported=imported)
        self.upstream = upstream
        self.dumps = 0
        if bare:
            self.strip(self.home / "rules")

    def strip(self, rules):
        for vendor in (rules / "vendors").glob("*.toml"):
            if vendor.name not in self.NAMED:
                vendor.unlink()
        site = rules / "site.toml"
        text, button = site.read_text(), 'control = "button"'
        if button not in text:
            raise SystemExit(f"{site}: no line `{button}`; the bench puts the other in its place")
        site.write_text(text.replace(button, 'control = "link"'))

    def ports(self):
        return [self.port]

    def command(self):
        return [
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={self.home}/calls", "--separate-threads=no",
            str(self.binary), "run", "--config", str(self.home / "kelisim.toml"), "--upstream", f"http://{HOST}:{self.upstream}",
            "--listen", f"{HOST}:{self.port}", "--rules", str(self.home / "rules"), "--data", str(self.home / "data"), "--threads", "1",
        ]

    def await_port(self, port):
        until = time.monotonic() + self.START_SECONDS_MAX
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection((HOST, port), 0.5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the gateway does not listen on {port}:\n{(self.home / 'log').read_text(errors='replace')[-2000:]}")

    def dump(self):
        """What was counted since the last dump: instructions, blocks taken, blocks grown."""
        # The end of an exchange is not waited for by whom was answered.
        time.sleep(0.1)
        self.dumps += 1
        path = self.home / f"calls.{self.dumps}"
        try:
            subprocess.run(["vgdb", f"--pid={self.process.pid}", "dump"], capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            pass
        if not path.exists():
            raise SystemExit("callgrind made no dump; may vgdb trace processes here (ptrace)?")
        counts = read(path)
        path.unlink()
        return counts


def read(path):
    """Instructions, blocks taken and blocks grown, of one dump."""
    names, caller, callee = {}, "", ""
    instructions = taken = grown = 0

    def name(said):
        number, _, full = said.partition(" ")
        if full:
            # A function that calls itself has its depth behind its name.
            names[number] = full.split("'")[0]
        return names[number]

    with open(path, errors="replace") as lines:
        for line in lines:
            if line.startswith("fn="):
                caller = name(line[3:].rstrip())
            elif line.startswith("cfn="):
                callee = name(line[4:].rstrip())
            elif line.startswith("calls="):
                if not INSIDE.match(caller):
                    count = int(line[6:].split()[0])
                    taken += count if TAKES.match(callee) else 0
                    grown += count if GROWS.match(callee) else 0
            elif line.startswith(("summary:", "totals:")):
                instructions = int(line.split()[1])
    return instructions, taken, grown
