"""The balancer of two machines, for real: Caddy on the first, clients on the second, and one of the two lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advisor.deploy.nodes import facts
from advisor.pipeline import files_of
from tests.deploy.node_cases import repeated_plan
from tests.deploy.two_machines import ADDRESSES, machines
from tests.engines.engine_cases import tool

__all__ = ["machines"]
pytestmark = pytest.mark.external
PORT = 8080

# What a gateway is to the balancer: healthy, and somebody who can be told from the other.
GATEWAY = """
import http.server, sys
class Named(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = sys.argv[1].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Named).serve_forever()
"""
CLIENT = """
import sys, urllib.request
for _ in range(int(sys.argv[2])):
    print(urllib.request.urlopen(sys.argv[1] + "/v1/models", timeout=20).read().decode())
"""


def started(machine: str, *words: str, **env: str) -> subprocess.Popen[bytes]:
    """A program on one of the machines; the fixture ends it."""
    return subprocess.Popen(
        ["ip", "netns", "exec", machine, *words], env={**os.environ, **env}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def answers(machine: str, base: str, count: int) -> list[str]:
    """Who answered each request that a client on that machine sent; empty where one failed."""
    done = subprocess.run(
        ["ip", "netns", "exec", machine, sys.executable, "-c", CLIENT, base, str(count)], capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return done.stdout.split() if done.returncode == 0 else []


def balancer(machine: str, folder: Path, **env: str) -> str:
    """Caddy on the first machine with the file that is written; its address."""
    text = next(file.text for file in files_of(repeated_plan()) if file.path == "nodes/Caddyfile")
    (folder / "Caddyfile").write_text(text)
    words = (tool("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")
    servers = " ".join(f"{address}:{PORT}" for address in ADDRESSES)
    started(machine, *words, HOME=str(folder), ADVISOR_SERVERS=servers, **env)
    return f"http://{{}}:{facts(repeated_plan()).balancer_port}"


def within(patience: int, machine: str, base: str) -> list[str]:
    """The first answer, waited for; counted in looks."""
    for _ in range(5 * patience):
        if found := answers(machine, base, 1):
            return found
        time.sleep(0.2)
    return []


def test_both_machines_answer_and_one_alone_does_when_the_other_is_gone(
    machines: tuple[str, str], tmp_path: Path
) -> None:
    """Told an address, the balancer shares out what comes from elsewhere, and passes over a machine that is lost."""
    gateways = [
        started(name, sys.executable, "-c", GATEWAY, address, str(PORT))
        for name, address in zip(machines, ADDRESSES, strict=True)
    ]
    base = balancer(machines[0], tmp_path, ADVISOR_BALANCER_BIND=ADDRESSES[0]).format(ADDRESSES[0])
    assert within(30, machines[1], base), "the balancer is not reached from the other machine"
    assert set(answers(machines[1], base, 20)) == set(ADDRESSES)
    gateways[1].kill()
    gateways[1].wait()
    assert answers(machines[1], base, 20) == [ADDRESSES[0]] * 20


def test_told_nothing_it_is_reached_from_its_own_machine_only(machines: tuple[str, str], tmp_path: Path) -> None:
    """Loopback answers, and the address on the cable does not."""
    started(machines[0], sys.executable, "-c", GATEWAY, ADDRESSES[0], str(PORT))
    base = balancer(machines[0], tmp_path)
    assert within(30, machines[0], base.format("127.0.0.1"))
    assert not answers(machines[1], base.format(ADDRESSES[0]), 1)
