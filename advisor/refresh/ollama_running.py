"""What an installed Ollama itself says that it accepts: variables, Modelfile instructions, PARAMETER names with types.

The server prints its variables when it starts. `ollama create` names every instruction when one is wrong, and says of a
PARAMETER with the value `x` that it is unknown, or of which type it should be.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 120
FOREVER_NS = 2**63 - 1  # how Go keeps "never unload"
OWN_VARIABLES = ("OLLAMA_HOST", "OLLAMA_MODELS", "OLLAMA_NO_CLOUD")  # that serving() sets
_UNIT_NS = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6}
_VARIABLE = re.compile(r"(?:(?<=map\[)|(?<= ))([A-Z][A-Z0-9_]+|https?_proxy|no_proxy):")
_TAG = re.compile(rb'json:"([a-z][a-z0-9_]*),omitempty"')  # fields of its JSON structures, options among them


@dataclass(frozen=True)
class Server:
    """A running `ollama serve`."""

    program: str
    url: str
    log: Path
    env: Mapping[str, str]

    def create(self, name: str, modelfile: str) -> subprocess.CompletedProcess[str]:
        """`ollama create` with that Modelfile."""
        with tempfile.NamedTemporaryFile("w", suffix=".Modelfile", encoding="utf-8") as file:
            file.write(modelfile)
            file.flush()
            command = [self.program, "create", name, "-f", file.name]
            return subprocess.run(command, env=dict(self.env), capture_output=True, text=True, check=False)

    def variables(self) -> dict[str, str]:
        """Every variable of the configuration that it printed at start, with the value in force."""
        found = re.search(r'msg="server config" env="(map\[.*\])"$', self.log.read_text(encoding="utf-8"), re.MULTILINE)
        return printed_map(found[1]) if found else {}


def printed_map(text: str) -> dict[str, str]:
    """`map[A:1 B:]` → `{"A": "1", "B": ""}`; values may hold blanks and colons."""
    found = list(_VARIABLE.finditer(text))
    ends = [following.start() - 1 for following in found[1:]] + [len(text) - 1]
    return {match[1]: text[match.end() : end] for match, end in zip(found, ends, strict=True)}


def same(kind: str, given: object, printed: str) -> bool:
    """Whether the server's printed value is what a variable of that type was set to."""
    text = str(given)
    if kind == "bool":
        return printed == {"1": "true", "0": "false"}.get(text, text.lower())
    if kind == "duration":
        return nanoseconds(text) == nanoseconds(printed)
    if kind.startswith("[scheme://]"):
        return printed.removeprefix("http://") == text.removeprefix("http://")
    return printed == {"bool or int": {"0": "INFO"}}.get(kind, {}).get(text, text)


def nanoseconds(text: str) -> int:
    """A Go duration or whole seconds; anything negative means for ever."""
    if re.fullmatch(r"-?\d+", text):
        return FOREVER_NS if text.startswith("-") else int(text) * 10**9
    total = 0
    for number, unit in re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", text):
        whole, _, part = number.partition(".")
        total += int(whole) * int(_UNIT_NS[unit]) + int(int(part or 0) * _UNIT_NS[unit] / 10 ** len(part))
    return total


@contextlib.contextmanager
def serving(program: str, folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`ollama serve` with these variables on a free port; its home, models and log are in the folder.

    Raises:
        TimeoutError: it does not answer; the message holds the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    own = {"OLLAMA_MODELS": str(folder / "models"), "HOME": str(folder), "PATH": os.environ.get("PATH", "")}
    env = {**own, "OLLAMA_NO_CLOUD": "1", **(variables or {}), "OLLAMA_HOST": address}
    log = folder / "serve.log"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen([program, "serve"], env=env, stdout=stream, stderr=subprocess.STDOUT)
        try:
            server = Server(program, f"http://{address}", log, env)
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    last = time.monotonic() + PATIENCE_S
    while time.monotonic() < last and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/api/version", timeout=5):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"ollama serve does not answer: {server.log.read_text(encoding='utf-8')[-2000:]}")


def ask(program: str) -> dict[str, Any]:
    """Version, variables with their values when unset, names in its help, instructions, parameters with types."""
    with tempfile.TemporaryDirectory() as name, serving(program, Path(name)) as server:
        return {
            "version": _version(program),
            "variables": server.variables(),
            "help": _help(program),
            "instructions": _instructions(server),
            "parameters": _parameters(server, Path(name)),
        }


def mentions(program: str, names: list[str]) -> set[str]:
    """Those of the names that the compiled program, or a library beside it, holds: for variables that none prints."""
    home = Path(program).resolve().parents[1]
    files = [Path(program), *(path for path in (home / "lib" / "ollama").glob("*") if path.is_file())]
    left, found = set(names), set()
    for path in files:
        data = path.read_bytes()
        found |= {name for name in left if name.encode() in data}
        left -= found
    return found


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+\.\d+\.\d+)", said)
    return found[1] if found else ""


def _help(program: str) -> list[str]:
    said = subprocess.run([program, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^ {6}([A-Z][A-Z_0-9]+) ", said, re.MULTILINE)


def _instructions(server: Server) -> list[str]:
    said = server.create("advisor-asks", "FROM none\nNONSENSE x\n").stderr
    return [word.upper() for word in re.findall(r'"([a-z]+)"', said)]


def _parameters(server: Server, folder: Path) -> dict[str, str]:
    """Each name of a JSON field in the program that is a PARAMETER → its type, or `refused: REASON`."""
    names = sorted({name.decode() for name in _TAG.findall(Path(server.program).read_bytes())})
    empty = folder / "empty.gguf"  # no model: what is accepted gets as far as reading it
    empty.touch()
    # `PARAMETER template x` is read as `TEMPLATE x`; FROM is called model inside.
    names = [name for name in names if name.upper() not in ("MODEL", *_instructions(server))]

    def kind(name: str) -> str:
        done = server.create("advisor-asks", f"FROM {empty}\nPARAMETER {name} x\n")
        said = done.stdout + done.stderr
        if "unknown parameter" in said:
            return ""
        wrong = re.search(r"invalid (\w+) value", said)
        if wrong:
            return wrong[1]
        longer = re.search(rf"{name} is no longer supported", said)
        return f"refused: {longer[0]}" if longer else "string list"

    with ThreadPoolExecutor(4) as pool:
        return {name: found for name, found in zip(names, pool.map(kind, names), strict=True) if found}
