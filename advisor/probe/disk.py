"""Room where model files will lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from advisor.catalog import engine_limits, engine_names
from advisor.probe.host import Host


class Disk(NamedTuple):
    """The folder of the models (the home folder written as ~) and the bytes free there."""

    path: str
    free_bytes: int | None


def read(host: Host, models_path: Path | None, unknown: dict[str, str]) -> Disk:
    """Free bytes in the folder given, or else in the first engine store that exists, or else at home."""
    home = Path(host.env.get("HOME") or "/")
    candidates = [models_path] if models_path else list(_stores(host, home))
    chosen = next((path for path in candidates if host.exists(path)), candidates[0])
    existing = next((path for path in (chosen, *chosen.parents) if host.exists(path)), Path("/"))
    try:
        free = host.free_bytes(host.path(existing))
    except OSError as error:
        unknown["disk_free_bytes"] = f"{_shown(existing, home)}: {error.strerror}"
        return Disk(_shown(chosen, home), None)
    return Disk(_shown(chosen, home), free)


def _stores(host: Host, home: Path) -> Iterator[Path]:
    """Where the engines keep models: what their variables say, then their defaults."""
    engines = [engine_limits(name) for name in engine_names()]
    for variable in (name for engine in engines for name in engine.store_variables):
        if host.env.get(variable):
            yield Path(host.env[variable]).expanduser()
    for folder in (path for engine in engines for path in engine.store_folders):
        yield home / folder.removeprefix("~/")


def _shown(path: Path, home: Path) -> str:
    """The path without the user's name."""
    if home != Path("/") and path.is_relative_to(home):
        return str(Path("~") / path.relative_to(home))
    return str(path)
