"""Plans over several machines, and an engine made of paper that behaves like one: it meets, stays, and can be lost."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from advisor.folder.write import write_tree
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan

LARGE = {"model": "deepseek-ai/DeepSeek-V3", "quantization": "fp8", "users": 50}
PATIENCE_S = 120.0

# Meets the others through the master port as torch's store does, answers on no other port, and, without an API,
# ignores SIGTERM as vLLM's headless process does.
PAPER_ENGINE = """#!/usr/bin/env python3
import signal, socket, sys, time
def value(name):
    return sys.argv[sys.argv.index(name) + 1]
rank, address = int(value("--node-rank")), (value("--master-addr"), int(value("--master-port")))
print("arguments", *sys.argv[1:], flush=True)
if rank == 0:
    server = socket.create_server(address)
    def end(*_):
        print("drained", flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    kept = [server.accept() for _ in range(int(value("--nnodes")) - 1)]
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    import os
    while True:
        try:
            kept = socket.create_connection(address, source_address=(os.environ["VLLM_HOST_IP"], 0))
            break
        except OSError:
            time.sleep(0.2)
print("joined", flush=True)
while True:
    time.sleep(0.2)
"""


@functools.cache
def spanning_plan(nodes: int = 2, **options: Any) -> Plan:
    """A model that lies on two machines, on so many of them."""
    asked = LARGE | {"nodes": nodes, "parts": "native,gateway,kubernetes,nodes"} | options
    plan = recommend(profile="production-api", overrides=asked, gpu="8x H100").plan
    assert plan is not None
    return plan


@functools.cache
def repeated_plan() -> Plan:
    """A model that fits one machine, under a load that takes two."""
    asked = {
        "model": "meta-llama/Llama-3.3-70B-Instruct",
        "users": 900,
        "nodes": 2,
        "parts": "compose,native,gateway,kubernetes,nodes",
    }
    plan = recommend(profile="production-api", overrides=asked, gpu="8x H100").plan
    assert plan is not None
    return plan


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def paper_folder(folder: Path, nodes: int = 2) -> Path:
    """The deployment folder of a spanning plan with addresses of this machine, and the paper engine beside it."""
    write_tree(folder, files_of(spanning_plan(nodes)), overwrite=True)
    (folder / "bin").mkdir()
    program = folder / "bin" / "vllm"
    program.write_text(PAPER_ENGINE)
    program.chmod(0o755)
    addresses = " ".join(f"127.0.0.{11 + number}" for number in range(nodes))
    (folder / "nodes" / "nodes.env").write_text(
        f'ADVISOR_NODES="{addresses}"\nADVISOR_MASTER_PORT={free_port()}\nADVISOR_NODE_INTERFACE=lo\n'
    )
    return folder


class Node:
    """A running `nodes/node.sh`, its log, and everything it started."""

    def __init__(self, folder: Path, number: int, *arguments: str) -> None:
        """Start it in a process group of its own, as a unit would."""
        self.engines = f"{folder / 'bin' / 'vllm'} .*--node-rank {number % 2} "  # groups are of two
        self.log = folder / f"node-{number}.log"
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", str(folder / "nodes" / "node.sh"), str(number), *arguments],
                stdout=log, stderr=log, env=os.environ | {"PATH": path}, process_group=0,
            )  # fmt: skip

    def says(self, text: str, times: int = 1) -> bool:
        """Whether the log holds the text so often."""
        return self.log.read_text().count(text) >= times

    def engine(self) -> int:
        """The engine's process."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", "vllm"], capture_output=True, text=True)
        return int(found.stdout.split()[0])

    def ends(self) -> int:
        """Its exit status, once it has ended."""
        until(lambda: self.process.poll() is not None, self.log.read_text())
        status: int = self.process.returncode
        return status

    def kill(self) -> None:
        """End the script and its engine, whichever of them is left."""
        found = subprocess.run(["pgrep", "-f", self.engines], capture_output=True, text=True)
        for pid in (self.process.pid, *map(int, found.stdout.split())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(folder: Path, *starts: tuple[int, tuple[str, ...]]) -> Iterator[list[Node]]:
    """The nodes, ended afterwards whatever happens."""
    nodes = [Node(folder, number, *arguments) for number, arguments in starts]
    try:
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until it holds; counted in looks, so that a pause is no time."""
    for _ in range(int(10 * patience_s)):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(what)
