"""What has to be there before anything is measured."""

import os
import resource
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"/usr/sbin/nginx": "nginx", "/usr/sbin/haproxy": "haproxy", "/usr/bin/h2o": "h2o", "/usr/bin/wrk": "wrk",
            "/usr/bin/h2load": "nghttp2-client", "/usr/bin/openssl": "openssl", "/usr/bin/npm": "npm"}
WORKERD = "1.20261117.1"


def install():
    """The servers and clients of others, as Debian has them."""
    missing = [package for path, package in PACKAGES.items() if not (Path(path).exists() or shutil.which(Path(path).name))]
    if missing:
        print("installing", *missing, flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        as_root = [] if os.getuid() == 0 else ["sudo", "--preserve-env=DEBIAN_FRONTEND,RUNLEVEL"]
        subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True, env=quiet)
        subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", *missing], check=True, env=quiet, stdout=subprocess.DEVNULL)


def workerd():
    """Cloudflare's runtime, by npm."""
    folder = ROOT / "target/peers"
    binary = folder / "node_modules/.bin/workerd"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"workerd@{WORKERD}"], check=True)
    return binary


def build():
    """The gateway, as it is released."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--bin", "kelisim"], cwd=ROOT, check=True)
    return ROOT / "target/release/kelisim"


def descriptors():
    """Takes all descriptors that are to be had, and says how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def certificate(folder):
    """A folder with a certificate for `localhost`."""
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "localhost.key"), "-out", str(folder / "localhost.crt")],
        check=True, stderr=subprocess.DEVNULL,
    )
    return folder
