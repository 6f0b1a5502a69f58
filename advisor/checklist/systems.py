"""What a person types on each system for the same thing: a checklist names the command of its plan's system."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.catalog import engine_limits
from advisor.schema import Check, Plan

_NUMBER = re.compile(r"\d+(:\d+)?")

_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "listens": {
        "linux": "ss -ltnp 'sport = :{port}'",
        "darwin": "lsof -nP -iTCP:{port} -sTCP:LISTEN",
        "windows": "netstat -ano | findstr :{port}",
    },
    "clock": {
        "linux": "sudo timedatectl set-ntp true",
        "darwin": "sudo sntp -sS time.apple.com",
        "windows": "w32tm /resync",
    },
    "checksum": {"linux": "sha256sum", "darwin": "shasum -a 256", "windows": "Get-FileHash"},
    "models": {
        "linux": "set NAME in .env to a folder on a larger disk",
        "darwin": "set NAME in .env to a folder on a larger disk",
        "windows": "a folder on a larger disk: setx NAME FOLDER, then a new window of PowerShell",
    },
    "load": {
        "linux": "advisor smoke . (starts, drives and stops it; minutes)",
        "darwin": "advisor smoke . (starts, drives and stops it; minutes)",
        "windows": "ask it as many questions at once as are planned, and time them: advisor smoke needs bash",
    },
    "copy": {
        "linux": "cp -a . ../deploy-before",
        "darwin": "cp -a . ../deploy-before",
        "windows": "Copy-Item -Recurse . ../deploy-before",
    },
}

_LINE = "{line}"  # the first program of the line itself, quoted for PowerShell
# On Windows no program runs the lines: what a person types in PowerShell, and what must show where the line's own word
# is of another system. By the line's id, with # for a number; an engine's entry has those of its own program.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "system": ("$env:OS, $env:PROCESSOR_ARCHITECTURE", "Windows_NT, and AMD64 or ARM64 as planned"),
    "clock": ("w32tm /query /status", "a source other than the local clock"),
    "memory": ("Get-CimInstance Win32_OperatingSystem | ForEach-Object { $_.FreePhysicalMemory / 1024 }", ""),
    "port": ("netstat -ano | findstr :{port}", "no line with LISTENING"),
    "disk": ("Get-PSDrive C | ForEach-Object { $_.Free / 1024 }", ""),
    "driver": (_LINE, ""),
    "capability": (_LINE, ""),
    "gpu-#": (_LINE, ""),
    "gpu-#-free": (_LINE, ""),
    "load-test": ("", "answers within the targets of README.md"),
    "after-slots": ("Select-String n_slots state/engine.log", ""),
}


def looked(check: Check, plan: Plan) -> str:
    """What a line must show; on Windows, where nothing runs it, with what a person types to see it."""
    if plan.hardware.os != "windows" or check.command is None:
        return check.expect
    looks = {**_LOOKS, **engine_limits(plan.engine).typed}
    command, shows = looks.get(_NUMBER.sub("#", check.id), ("", ""))
    typed_there = command.replace("{port}", str(plan.launch.port)).replace(_LINE, _first_of(check.command))
    return f"`{typed_there}`: {shows or check.expect}" if command else shows or check.expect


def _first_of(line: str) -> str:
    """The first program of a line of shell, its options in quotes: a comma outside of them makes a list there."""
    words = re.split(r" \||[)]", line.removeprefix("found=$("))[0].split()
    return " ".join(f"'{word}'" if word.startswith("--") else word for word in words)


def typed(name: str, plan: Plan) -> str:
    """The command of that name on the plan's system."""
    return _COMMANDS[name][plan.hardware.os].format(port=plan.launch.port)
