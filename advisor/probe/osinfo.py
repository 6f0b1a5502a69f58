"""Which system this is: Linux (and whether inside WSL) or macOS."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.errors import EnvironmentFailed
from advisor.probe.host import Host, first_line


class OsInfo(NamedTuple):
    """Name, version as the system prints it, and whether it is Linux inside Windows."""

    os: Literal["linux", "darwin"]
    version: str | None
    wsl: bool


def read(host: Host, unknown: dict[str, str]) -> OsInfo:
    """Read the system's name and version.

    Raises:
        EnvironmentFailed: neither Linux nor macOS.
    """
    if host.system.startswith("linux"):
        return OsInfo("linux", _linux_version(host, unknown), _is_wsl(host))
    if host.system == "darwin":
        return OsInfo("darwin", _macos_version(host, unknown), False)
    raise EnvironmentFailed(
        f"this machine cannot be probed: the system is {host.system!r}, and only Linux (also in WSL) and "
        "macOS are read. Run it inside WSL, or describe the machine with "
        """--gpu "2x RTX 4090" or --hardware hw.json."""
    )


def _linux_version(host: Host, unknown: dict[str, str]) -> str | None:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        for line in (host.text(path) or "").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip("\"' ")
    unknown["os_version"] = "no os-release file names the distribution"
    return None


def _is_wsl(host: Host) -> bool:
    return "microsoft" in (host.text("/proc/sys/kernel/osrelease") or "").lower()


def _macos_version(host: Host, unknown: dict[str, str]) -> str | None:
    answer = host.command("sw_vers", "-productVersion")()
    if answer.code == 0 and answer.text.strip():
        return f"macOS {answer.text.strip()}"
    unknown["os_version"] = first_line(answer.error) or "sw_vers gave no version"
    return None
