"""`advisor catalog version`: which facts are read, of when, and what this user's own entries change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.catalog import constants, gpus, model_entries, override_files, overrides, raw_entries
from advisor.catalog.age import age_days, old
from advisor.catalog.bundle import CURRENT, FACTS, active, checksum, folder, installed, own_folder, packaged


def standing() -> dict[str, Any]:
    """Everything that `catalog version --json` says."""
    now = active()
    dates = sorted(entry["date"] for entry in raw_entries("scores"))
    return {
        "schema_version": 1,
        "version": now.version,
        "date": now.date,
        "age_days": age_days(),
        "checksum": f"sha256:{checksum()}",
        "origin": "packaged" if now.packaged else "installed",
        "folder": str(now.folder),
        "packaged_version": packaged().version,
        "files": list(FACTS),
        "counts": {"gpus": len(gpus()), "models": len(model_entries()), "scores": len(dates)},
        "scores_from": dates[0],
        "scores_to": dates[-1],
        "engines": {entry["name"]: entry["version"] for entry in constants("engines")["engines"]},
        "own_folder": str(own_folder()),
        "own": [{"file": str(path)} | own_entries(overrides.read(path)) for path in override_files()],
        "note": note(),
    }


def own_entries(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a file of own entries holds, by name."""
    names = {"gpus": "id", "models": "hf_id", "prices": "gpu"}
    found: dict[str, Any] = {kind: [entry[key] for entry in said.get(kind, ())] for kind, key in names.items()}
    return found | {"update_from": said.get("update_from")}


def note() -> str:
    """What somebody should know about the bundle; empty: nothing."""
    left = (folder() / CURRENT).is_file() and installed() is None
    unread = f"{folder() / CURRENT} is not read: it is older than the program's own data, or damaged" if left else ""
    return "; ".join(filter(None, (old(), unread)))


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    where = "of the program" if found["origin"] == "packaged" else f"taken into {found['folder']}"
    yield f"catalogue {found['version']} of {found['date']}, {found['age_days']} days old, {where}"
    yield f"checksum  {found['checksum']}"
    counts = found["counts"]
    yield f"holds     {counts['gpus']} cards, {counts['models']} models, {counts['scores']} public scores"
    yield f"scores    of {found['scores_from']} to {found['scores_to']}"
    yield "engines   " + ", ".join(f"{name} {version}" for name, version in found["engines"].items())
    if not found["own"]:
        yield f"own       no entries; {found['own_folder']}/*.yaml would be read"
    for own in found["own"]:
        parts = [f"{kind} {', '.join(own[kind])}" for kind in ("gpus", "models", "prices") if own[kind]]
        parts += [f"updates from {own['update_from']}"] if own["update_from"] else []
        yield f"own       {own['file']}: {'; '.join(parts) or 'nothing'}"
    if found["note"]:
        yield f"note      {found['note']}"
