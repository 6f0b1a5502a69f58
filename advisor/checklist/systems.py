"""What a person types on each system for the same thing: a checklist names the command of its plan's system."""

from __future__ import annotations

import re
from collections.abc import Mapping

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

_SMI = "nvidia-smi '--query-gpu={asked}' '--format=csv,noheader,nounits'"  # a comma outside of quotes makes a list
# On Windows no program runs the lines: what a person types in PowerShell, and what must show where the line's own word
# is of another system. By the line's id, with # for a number.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "system": ("$env:OS, $env:PROCESSOR_ARCHITECTURE", "Windows_NT, and AMD64 or ARM64 as planned"),
    "clock": ("w32tm /query /status", "a source other than the local clock"),
    "memory": ("Get-CimInstance Win32_OperatingSystem | ForEach-Object { $_.FreePhysicalMemory / 1024 }", ""),
    "port": ("netstat -ano | findstr :{port}", "no line with LISTENING"),
    "engine-present": ("Get-Command ollama", "where it lies"),
    "engine-version": ("ollama --version", ""),
    "disk": ("Get-PSDrive C | ForEach-Object { $_.Free / 1024 }", ""),
    "driver": (_SMI.format(asked="driver_version"), ""),
    "capability": (_SMI.format(asked="compute_cap"), ""),
    "gpu-#": (_SMI.format(asked="index,name"), ""),
    "gpu-#-free": (_SMI.format(asked="index,memory.free"), ""),
    "model-access": ("", "https://ollama.com/library lists that tag"),
    "weights": ("Get-Content Modelfile", "FROM and a file that is there"),
    "load-test": ("", "answers within the targets of README.md"),
    "after-model": ("ollama list", ""),
    "after-slots": ("Select-String n_slots state/engine.log", ""),
    "after-processor": ("ollama ps", "100% GPU, or the part of it that is planned"),
}


def looked(check: Check, plan: Plan) -> str:
    """What a line must show; on Windows, where nothing runs it, with what a person types to see it."""
    if plan.hardware.os != "windows" or check.command is None:
        return check.expect
    command, shows = _LOOKS.get(_NUMBER.sub("#", check.id), ("", ""))
    typed_there = command.replace("{port}", str(plan.launch.port))
    return f"`{typed_there}`: {shows or check.expect}" if command else shows or check.expect


def typed(name: str, plan: Plan) -> str:
    """The command of that name on the plan's system."""
    return _COMMANDS[name][plan.hardware.os].format(port=plan.launch.port)
