"""Own entries of this user: `catalog.d/*.yaml` in the configuration folder, which win over the catalogue's.

    gpus:                       # keys of `advisor catalog gpus --json`; `like` names a card whose other keys it has
      - {id: my-4090-48gb, like: nvidia-rtx-4090, name: RTX 4090 48GB, memory_bytes: 51527024640}
    models:                     # keys of `advisor catalog models --json`; `like` as above
      - {hf_id: me/my-tune, like: Qwen/Qwen3-8B}
    prices:                     # of a card by its id
      - {gpu: nvidia-rtx-4090, usd_per_hour: 0.35, note: our colocation}
    update_from: https://...    # where `advisor catalog update` looks

An entry of an id that the catalogue has changes the keys that it names, and leaves the others.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from advisor.catalog.bundle import own_folder
from advisor.edge.reading import named, read_text
from advisor.edge.terminal import shown
from advisor.edge.yamls import plain_yaml
from advisor.errors import BadInput
from advisor.schema import ModelSpec, value
from advisor.units import MIB
from advisor.wire import from_data, to_data

Entry = Mapping[str, Any]
KEYS = ("gpus", "models", "prices", "update_from")
SOURCE = "own"  # the key of such entries in the table of sources


@value
class Price:
    """What a card costs here."""

    gpu: str  # its id
    usd_per_hour: float | None = None
    usd: float | None = None  # bought
    note: str = ""


@functools.cache
def files() -> tuple[Path, ...]:
    """The files with own entries, in the order in which later ones win."""
    try:
        return tuple(sorted(path for path in own_folder().iterdir() if path.suffix in (".yaml", ".yml")))
    except OSError:
        return ()


@functools.cache
def read(path: Path) -> Mapping[str, Any]:
    """What a file says, by key.

    Raises:
        BadInput: it is no YAML mapping of the known keys; names file, key, what was seen and what is accepted.
    """
    where = named(path)
    said = plain_yaml(read_text(path, most=MIB), where) or {}
    if not isinstance(said, dict):
        raise BadInput(f"{where}: must hold keys and values; accepted keys: {', '.join(KEYS)}")
    for key, item in said.items():
        if key not in KEYS:
            raise BadInput(f"{where}: {shown(key)}: unknown key; accepted: {', '.join(KEYS)}")
        listed = isinstance(item, list) and all(isinstance(one, dict) for one in item)
        if not (isinstance(item, str) if key == "update_from" else listed):
            wanted = "an address" if key == "update_from" else "a list of entries with keys and values"
            raise BadInput(f"{where}: {key}: must be {wanted}; saw {shown(item)}")
    return said


def update_from() -> str | None:
    """The address that the last file names."""
    named_there = [read(path)["update_from"] for path in files() if "update_from" in read(path)]
    return named_there[-1] if named_there else None


def gpus(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The catalogue's cards with own ones and own prices."""
    from advisor.catalog.entries import GpuSpec

    def complete(entry: dict[str, Any], where: str) -> dict[str, Any]:
        entry.setdefault("name", entry["id"])
        entry.setdefault("match", [entry["name"]])
        whole: dict[str, Any] = to_data(from_data(GpuSpec, entry, where=where))
        return _known_vendor(whole, where)

    found = _merged(entries, "gpus", "id", complete)
    for path in files():
        for number, given in enumerate(read(path).get("prices", ())):
            _price(found, from_data(Price, given, where=f"{named(path)}: prices[{number}]"), path)
    return tuple(found.values())


def models(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The catalogue's models with own ones."""

    def complete(entry: dict[str, Any], where: str) -> dict[str, Any]:
        whole: dict[str, Any] = to_data(from_data(ModelSpec, entry, where=where))
        return _known_formats(whole, where)

    return tuple(_merged(entries, "models", "hf_id", complete).values())


def _merged(
    entries: Iterable[Entry], kind: str, key: str, complete: Callable[[dict[str, Any], str], dict[str, Any]]
) -> dict[str, Entry]:
    found = {entry[key].lower(): entry for entry in entries}
    for path in files():
        for number, given in enumerate(read(path).get(kind, ())):
            where = f"{named(path)}: {kind}[{number}]"
            name = given.get(key)
            if not isinstance(name, str) or not name:
                raise BadInput(f"{where}: {key}: is missing; saw the keys {', '.join(map(str, given))}")
            found[name.lower()] = complete(_based(given, found, kind, key, where), f"{where} ({shown(name)})")
    return found


# Of the entry named by `like`, names and what was published under them stay behind.
_NAMES = {
    "gpus": ("id", "name", "match"),
    "models": ("hf_id", "ollama_tag", "ollama_quantization", "repos", "gated", "licence", "release"),
}


def _based(given: Entry, found: Mapping[str, Entry], kind: str, key: str, where: str) -> dict[str, Any]:
    """The entry over the one of its id, over the one that it is like."""
    like = given.get("like")
    if like is not None and str(like).lower() not in found:
        from advisor.catalog import nearest

        raise BadInput(f"{where}: like: {shown(like)} is not in the catalogue; {nearest(str(like), found)}")
    base = found.get(str(given[key]).lower(), {})
    if like is not None:
        base = {name: item for name, item in found[str(like).lower()].items() if name not in _NAMES[kind]}
    own = {name: item for name, item in given.items() if name != "like"}
    return {**base, **own, "source": SOURCE}


def _known_vendor(entry: dict[str, Any], where: str) -> dict[str, Any]:
    from advisor.catalog import constants

    vendors = [vendor["name"] for vendor in constants("vendors")["vendors"]]
    if entry["vendor"] not in vendors:
        raise BadInput(f"{where}: vendor: must be one of {', '.join(vendors)}; saw {shown(entry['vendor'])}")
    return entry


def _known_formats(entry: dict[str, Any], where: str) -> dict[str, Any]:
    from advisor.catalog import formats

    for key, name in (("native_format", entry["native_format"]), *(("repos", name) for name in entry["repos"])):
        if name not in formats():
            raise BadInput(f"{where}: {key}: must be of `advisor catalog formats`; saw {shown(name)}")
    return entry


def _price(found: dict[str, Entry], price: Price, path: Path) -> None:
    if price.gpu.lower() not in found:
        from advisor.catalog import nearest

        raise BadInput(f"{named(path)}: prices: gpu: {shown(price.gpu)} is no id; {nearest(price.gpu, found)}")
    asked = {"usd_per_hour": price.usd_per_hour, "launch_price_usd": price.usd}
    said = {key: figure for key, figure in asked.items() if figure is not None}
    origin = f"{path.name}: {price.note}" if price.note else path.name
    found[price.gpu.lower()] = {**found[price.gpu.lower()], **said, "price_source": origin}
