"""What a person types on each system for the same thing: a checklist names the command of its plan's system."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.schema import Plan

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


def typed(name: str, plan: Plan) -> str:
    """The command of that name on the plan's system."""
    return _COMMANDS[name][plan.hardware.os].format(port=plan.launch.port)
