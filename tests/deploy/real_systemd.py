"""What systemd's own parser makes of a unit: `systemd --test`, which loads, prints and ends. Never as root, starts nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SYSTEMD = Path("/lib/systemd/systemd")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def dump(unit: str) -> str:
    """Everything that systemd prints about the unit `x.service` of this text."""
    if not SYSTEMD.exists() or shutil.which("setpriv") is None:
        message = "systemd is not installed: tests/tools/units.sh"
        if os.environ.get("ADVISOR_REQUIRE_TOOLS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with tempfile.TemporaryDirectory(prefix="advisor-units-") as name:
        return _dump(unit, Path(name))


def _dump(unit: str, folder: Path) -> str:
    units, run = folder / "units", folder / "run"
    folder.chmod(0o755)
    units.mkdir(mode=0o755)
    run.mkdir(mode=0o700)
    for target in ("basic", "shutdown"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=stand-in\n")
    (units / "x.service").write_text(unit, encoding="utf-8")
    command = [str(SYSTEMD), "--user", "--test", "--unit=x.service", "--log-target=console"]
    if os.geteuid() == 0:  # systemd refuses to be tried by root
        shutil.chown(run, "nobody")
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent",
        "XDG_RUNTIME_DIR": str(run), "SYSTEMD_UNIT_PATH": str(units),
    }  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False, env=env, timeout=60)
    text = done.stdout.decode() + done.stderr.decode()
    assert "-> Unit x.service:" in text, text[-2000:]
    return text.split("-> Unit x.service:", 1)[1].split("\n\t-> Unit ", 1)[0]


def command_line(unit: str) -> list[str]:
    """The words of the unit's ExecStart, as the process would get them."""
    line = re.search(r"^\t*Command Line: (.*)$", dump(unit), re.MULTILINE)
    assert line is not None
    return [word.replace("$$", "$") for word in _words(line.group(1))]


def _words(line: str) -> list[str]:
    """Undo the quoting of the dump: double quotes, with C's escapes and a backslash before what a shell would take."""
    words: list[bytes] = []
    current, quoted, inside, at = b"", False, False, 0
    while at < len(line):
        letter = line[at]
        if letter == "\\" and quoted:
            octal = re.match(r"[0-7]{3}", line[at + 1 :])
            if octal:
                current, at = current + bytes([int(octal.group(), 8)]), at + 4
                continue
            current += _ESCAPES.get(line[at + 1], line[at + 1]).encode()
            at += 2
            continue
        if letter == '"':
            quoted, inside = not quoted, True
        elif letter == " " and not quoted:
            words.append(current)
            current, inside = b"", False
        else:
            current, inside = current + letter.encode(), True
        at += 1
    return [word.decode() for word in ([*words, current] if inside or current else words)]
