"""`advisor doctor`: a report to paste into an issue."""

from __future__ import annotations

from collections.abc import Iterator

import click

_NOBODYS = ("root", "localhost", "/root")  # names that are everywhere the same
Line = tuple[str, str]


@click.command("doctor")
def command() -> int:
    """What an issue needs to know: versions, what the probe sees, the catalogue's date, engines that were found.

    It names no person and no host, and writes nothing.

    \b
    Example:
      advisor doctor

    \b
    Exit codes: 0 done, 3 the environment failed.
    """
    from rich.text import Text

    from advisor.report.console import show
    from advisor.report.layout import columns
    from advisor.report.screen import screen

    rows = [(Text(label, style="bold"), _nameless(text)) for label, text in (*_versions(), *_catalogue(), *_machine())]
    show(columns(rows, screen().columns))
    return 0


def _versions() -> Iterator[Line]:
    """The program, the interpreter, the libraries."""
    import platform
    import re
    from importlib.metadata import PackageNotFoundError, requires, version

    from advisor import DISTRIBUTION, __version__

    yield "advisor", __version__
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    told = []
    needed = [word for word in requires(DISTRIBUTION) or () if "extra ==" not in word]
    for name in dict.fromkeys(re.split(r"[^A-Za-z0-9._-]", word)[0] for word in needed):
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            told.append(f"{name} missing")
    yield "libraries", ", ".join(told)


def _catalogue() -> Iterator[Line]:
    """How much is known, and of when the newest of it is."""
    from advisor.catalog import engine_limits, engine_names, raw_entries

    cards, models = raw_entries("gpus"), raw_entries("models")
    newest = max(entry.get("release") or "" for entry in models)
    yield "catalogue", f"newest model of {newest}; {len(cards)} cards, {len(models)} models"
    yield (
        "planned for",
        ", ".join(f"{engine_limits(name).title} {engine_limits(name).version}" for name in engine_names()),
    )


def _machine() -> Iterator[Line]:
    """What the probe sees; engines that are installed or answer are among it."""
    from advisor.probe import probe
    from advisor.probe.describe import lines

    hardware = probe()
    if not hardware.engines and not hardware.running:
        yield "engines", "none found"
    yield from lines(hardware)


def _nameless(text: str) -> str:
    """The text without the name of this user, this host, or the home folder."""
    import contextlib
    import getpass
    import re
    import socket
    from pathlib import Path

    names = {str(Path.home()): "~", socket.gethostname(): "(host)"}
    with contextlib.suppress(KeyError, OSError):  # a user without a name
        names[getpass.getuser()] = "(user)"
    for name, shown in names.items():
        if len(name) > 1 and name not in _NOBODYS:
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", shown, text)
    return text
