"""`advisor ui` and `advisor mcp` as they are started."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import util
from urllib.parse import urlsplit

import httpx
import pytest

from advisor.commands.extras import require
from advisor.errors import BadInput

ADVISOR = [sys.executable, "-m", "advisor.cli"]


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and the first line that it printed."""
    process = subprocess.Popen(
        [*ADVISOR, "ui", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, process.stdout.readline().strip()
    process.kill()
    process.wait()


def test_the_first_line_is_the_address(served: tuple[subprocess.Popen[str], str]) -> None:
    """It is printed before anything is asked, opens the page without a cookie, and without its token there is nothing."""
    process, address = served
    where = urlsplit(address)
    assert where.scheme == "http" and where.hostname == "127.0.0.1" and len(where.path) > 20
    text = httpx.get(address, params={"users": "5", "gpu": "RTX 4090", "model": "qwen3:8b"}, timeout=120).text
    assert '<form id="question"' in text and text.count('<svg class="chart"') == 2
    refused = httpx.get(f"http://{where.netloc}/", timeout=30)
    assert (refused.status_code, refused.content) == (404, b"")
    with pytest.raises(OSError, match="refused"):  # another address of this machine
        socket.create_connection(("127.0.0.2", where.port or 0), timeout=5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert process.stderr is not None and process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_asked_to(served: tuple[subprocess.Popen[str], str], number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end it within seconds, and the port is free."""
    process, address = served
    process.send_signal(number)
    process.wait(timeout=30)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=5)


def test_a_taken_port_is_told() -> None:
    """Exit code 3 with the port and the way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*ADVISOR, "ui", "--no-browser", "--port", str(port)], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 3 and f"--port {port}" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_what_is_no_port_is_refused(port: str) -> None:
    """Exit code 2."""
    done = subprocess.run([*ADVISOR, "ui", "--port", port], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "port" in done.stderr


@pytest.mark.parametrize(("extra", "modules"), [("ui", ("starlette", "uvicorn")), ("mcp", ("mcp",))])
def test_without_the_extra_it_says_what_to_install(
    extra: str, modules: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad input with the line to type, whichever part is missing; nothing where all is there."""
    require(extra, *modules)
    known = util.find_spec
    for missing in modules:
        monkeypatch.setattr(
            "advisor.commands.extras.find_spec", lambda name, gone=missing: None if name == gone else known(name)
        )
        with pytest.raises(
            BadInput, match=rf"{missing} is not installed[\s\S]*pip install 'llm-engine-advisor\[{extra}\]'"
        ):
            require(extra, *modules)


def test_the_command_without_the_extra_ends_with_2() -> None:
    """A program in whose world there is no starlette."""
    code = "import sys; sys.modules['uvicorn'] = None; from advisor.cli import main; main(['ui'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "llm-engine-advisor[ui]" in done.stderr and done.stdout == ""
