"""What stands in a bundle, checked before it is put in place: every entry strict, every name and source known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from advisor.bundles.archive import Archive
from advisor.catalog import constants, formats
from advisor.catalog.bundle import DATA
from advisor.catalog.entries import CpuSpec, GpuSpec, Placed, Score, Source
from advisor.edge.bounds import check_bounds
from advisor.edge.reading import parse_json
from advisor.edge.terminal import shown
from advisor.edge.yamls import plain_yaml
from advisor.errors import BadInput
from advisor.schema import ModelSpec
from advisor.wire import explain, from_data

# File → the key of its list, the shape of an entry, and the key that tells one from another.
LISTS: Mapping[str, tuple[str, type, str]] = {
    "gpus.json": ("gpus", GpuSpec, "id"),
    "gpus_extra.json": ("gpus", GpuSpec, "id"),
    "gpus_more.json": ("gpus", GpuSpec, "id"),
    "cpus.json": ("cpus", CpuSpec, "id"),
    "cpus_extra.json": ("cpus", CpuSpec, "id"),
    "models.json": ("models", ModelSpec, "hf_id"),
    "models_extra.json": ("models_extra", ModelSpec, "hf_id"),
    "models_hub.json": ("models_hub", ModelSpec, "hf_id"),
    "scores.json": ("scores", Score, ""),
}
_GROUPS = (
    ("gpus.json", "gpus_extra.json", "gpus_more.json"),
    ("cpus.json", "cpus_extra.json"),
    ("models.json", "models_extra.json", "models_hub.json"),
)


def check(archive: Archive, where: str) -> None:
    """Refuse a bundle that any command could stumble over.

    Raises:
        BadInput: names file, entry, key, what was seen and what is accepted.
    """
    lists = {name: _entries(archive, name, where) for name in LISTS}
    sources = _sources(archive, where)
    for name, entries in lists.items():
        for entry in entries:
            source = entry.get("source")
            if source is not None and source not in sources:
                raise BadInput(f"{where}: {name}: source: {shown(source)} is in no table of sources")
    for group in _GROUPS:
        _unique([(name, entry[LISTS[name][2]]) for name in group for entry in lists[name]], where)
    models = {entry["hf_id"] for name in _GROUPS[2] for entry in lists[name]}
    _known_formats((entry for name in _GROUPS[2] for entry in lists[name]), where)
    _ranking(archive, models, where)


def _content(archive: Archive, name: str) -> bytes:
    """The file of the bundle; what a bundle leaves out stays the wheel's."""
    return archive.files[name] if name in archive.files else (DATA / name).read_bytes()


def _entries(archive: Archive, name: str, where: str) -> list[dict[str, Any]]:
    key, shape, _ = LISTS[name]
    found = _list(archive, name, key, where)
    if name in archive.files:
        _strict(shape, found, f"{where}: {name}: {key}")
        # A zero says "none of its own": a card whose memory is the host's.
        check_bounds([{key: item for key, item in entry.items() if item != 0} for entry in found], f"{where}: {name}")
    return found


def _strict(shape: type, entries: list[Any], where: str) -> None:
    """Every entry as the loader takes it: no unknown key, no text for a number."""
    import pydantic

    listed: Any = list.__class_getitem__(shape)
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(listed)
    try:
        adapter.validate_json(json.dumps(entries), strict=True)
    except pydantic.ValidationError as error:
        raise BadInput(explain(error, where)) from None


def _list(archive: Archive, name: str, key: str, where: str) -> list[Any]:
    document = parse_json(_content(archive, name), f"{where}: {name}")
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not found:
        raise BadInput(f"{where}: {name}: {key}: must be a list with entries; saw {shown(found)}")
    return found


def _sources(archive: Archive, where: str) -> set[str]:
    from advisor.catalog import sources

    if "sources.yaml" not in archive.files:
        return set(sources())
    found = plain_yaml(archive.files["sources.yaml"], f"{where}: sources.yaml")
    if not isinstance(found, dict):
        raise BadInput(f"{where}: sources.yaml: must hold keys and values; saw {shown(found)}")
    for key, entry in found.items():
        from_data(Source, entry, where=f"{where}: sources.yaml: {shown(key)}")
    return set(found) | set(sources())


def _unique(names: Iterable[tuple[str, str]], where: str) -> None:
    seen: set[str] = set()
    for name, own in names:
        if own.lower() in seen:
            raise BadInput(f"{where}: {name}: {shown(own)} stands twice")
        seen.add(own.lower())


def _known_formats(models: Iterable[Mapping[str, Any]], where: str) -> None:
    for entry in models:
        for name in (entry["native_format"], *entry.get("repos", {})):
            if name not in formats():
                raise BadInput(f"{where}: models.json: {shown(entry['hf_id'])}: {shown(name)} is no weights format")


def _ranking(archive: Archive, models: set[str], where: str) -> None:
    """Every list is one of a task that is asked for, and of models that are there."""
    where = f"{where}: ranking.json"
    lists = _list(archive, "ranking.json", "ranking", where)
    found = {}
    for number, one in enumerate(lists):
        if not isinstance(one, dict) or not isinstance(one.get("task"), str) or not isinstance(one.get("models"), list):
            raise BadInput(f"{where}: ranking[{number}]: must have task and models; saw {shown(one)}")
        _strict(Placed, one["models"], f"{where}: {shown(one['task'])}")
        found[one["task"]] = one["models"]
    for task in {"chat", *constants("ranking")["same_as"].values()}:
        if all(one.get("withheld") or one.get("outdone") for one in found.get(task, ())):
            raise BadInput(f"{where}: has no model that may be picked for {task}")
    for hf_id in (entry["hf_id"] for entries in found.values() for entry in entries):
        if hf_id not in models:
            raise BadInput(f"{where}: {shown(hf_id)} is in no list of models")
