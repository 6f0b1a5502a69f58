"""What each version of an engine accepts: `data/versions/`, made by `python -m advisor.refresh.versions`.

A version that is not there lies between two that are: what both accept it accepts. One above all is taken for the
newest known, and whoever asks is told.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal

from advisor.catalog import DATA, engine_limits, from_entry
from advisor.catalog.entries import EngineLimits
from advisor.schema import value

Place = Literal["known", "between", "newer", "older"]
Names = frozenset[str]
FOLDER = DATA / "versions"
_PLAIN = re.compile(r"\d+(\.\d+){1,3}")
_WRITTEN = re.compile(
    r"v?(\d+(?:\.\d+){1,3})(?:[.-]?(dev|rc|a|b|alpha|beta|post)\.?(\d*))?(?:[+_-].*|\.[a-z].*)?",
    re.IGNORECASE | re.ASCII,
)
_ORDER = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "": 0, "post": 1}


@value
class Facts:
    """What a version accepts. None: nobody could read it."""

    settings: Mapping[str, Names]  # kind of setting → every name
    choices: Mapping[str, Names] = field(default_factory=dict)  # by flag: the only values it takes
    defaults: Mapping[str, object] = field(default_factory=dict)
    architectures: Names | None = None
    tool_parsers: Names | None = None
    reasoning_parsers: Names | None = None
    metrics: Names | None = None
    min_nvidia_driver: str | None = None
    min_cuda_capability: str | None = None
    older_capability_drivers: Mapping[str, str] = field(default_factory=dict)
    single_slot_families: Names | None = None
    known: tuple[str, ...] = ()  # the versions whose facts these are
    place: Place = "known"


def order(version: str) -> tuple[int, ...] | None:
    """A key to sort versions by; None where it is none. What stands behind a `+` is a build, not another version.

    `0.33.1.dev12+gabc` < `0.33.1rc1` < `0.33.1` < `0.33.1.post1`; `0.19` is `0.19.0`.
    """
    found = _WRITTEN.fullmatch(version.strip())
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    stage = _ORDER[(found[2] or "").lower()]
    return (*numbers, *[0] * (4 - len(numbers)), stage, int(found[3] or 0) if found[2] else 0)


def plain(version: str) -> str:
    """Without the build: `0.19.0+cu128` → `0.19.0`, `v0.12.3` → `0.12.3`, `0.19` → `0.19.0`."""
    found = _WRITTEN.fullmatch(version.strip())
    if found is None:
        return version
    dots = found[1].count(".")
    stage = f".{found[2].lower()}{found[3]}" if found[2] else ""
    return found[1] + ".0" * (2 - dots) + stage


def released(version: str) -> bool:
    """Whether images and packages of that very version are published: no build of somebody's own."""
    return _PLAIN.fullmatch(version) is not None


@functools.cache
def known_versions(engine: str) -> tuple[str, ...]:
    """Every version whose facts were read, the oldest first."""
    names = (path.stem.removeprefix(f"{engine}-") for path in FOLDER.glob(f"{engine}-*.json"))
    return tuple(sorted(names, key=_key))


def _key(version: str) -> tuple[int, ...]:
    return order(version) or ()


@functools.cache
def facts(engine: str, version: str) -> Facts:
    """What that version accepts, as far as the known ones tell; `place` says where it lies among them.

    Nothing where no version of the engine was read.
    """
    known, wanted = known_versions(engine), order(version)
    if not known:
        return Facts(settings={})
    if wanted is None:
        return replace(_read(engine, known[-1]), place="newer")
    below = [name for name in known if _key(name) <= wanted]
    above = [name for name in known if _key(name) >= wanted]
    if below and above and below[-1] == above[0]:
        return _read(engine, below[-1])
    if not below or not above:
        return replace(_read(engine, (above or below[-1:])[0]), place="older" if above else "newer")
    return _both(_read(engine, below[-1]), _read(engine, above[0]))


@functools.cache
def _read(engine: str, version: str) -> Facts:
    data = json.loads((FOLDER / f"{engine}-{version}.json").read_text(encoding="utf-8"))
    for name in ("generated_by", "from", "engine", "version"):
        data.pop(name)
    sets = {key: frozenset(item) if isinstance(item, list) else item for key, item in data.items()}
    for key in ("settings", "choices"):
        sets[key] = {name: frozenset(item) for name, item in data.get(key, {}).items()}
    return from_entry(Facts, {**sets, "known": (version,)})


def _both(low: Facts, high: Facts) -> Facts:
    """What two versions agree on; of two floors the higher."""
    return Facts(
        settings={kind: names & high.settings.get(kind, frozenset()) for kind, names in low.settings.items()},
        choices={
            name: low.choices.get(name, high.choices.get(name, frozenset()))
            & high.choices.get(name, low.choices.get(name, frozenset()))
            for name in (*low.choices, *high.choices)
        },
        defaults={name: item for name, item in low.defaults.items() if high.defaults.get(name) == item},
        architectures=_common(low.architectures, high.architectures),
        tool_parsers=_common(low.tool_parsers, high.tool_parsers),
        reasoning_parsers=_common(low.reasoning_parsers, high.reasoning_parsers),
        metrics=_common(low.metrics, high.metrics),
        min_nvidia_driver=max(low.min_nvidia_driver or "", high.min_nvidia_driver or "", key=_whole) or None,
        min_cuda_capability=high.min_cuda_capability,
        older_capability_drivers=high.older_capability_drivers,
        single_slot_families=(low.single_slot_families or frozenset()) | (high.single_slot_families or frozenset()),
        known=(*low.known, *high.known),
        place="between",
    )


def _common(low: Names | None, high: Names | None) -> Names | None:
    if low is None or high is None:
        return low if high is None else high
    return low & high


def _whole(text: str) -> int:
    return int(text.split(".")[0] or 0)


@functools.cache
def limits_of(engine: str, version: str) -> EngineLimits:
    """What that version accepts; the pinned one's own entry where it is that.

    Raises:
        BadInput: no such engine.
    """
    pinned = engine_limits(engine)
    if version in ("", pinned.version):
        return pinned
    found = facts(engine, version)
    return replace(
        pinned,
        version=version,
        min_nvidia_driver=found.min_nvidia_driver or pinned.min_nvidia_driver,
        min_cuda_capability=found.min_cuda_capability or pinned.min_cuda_capability,
        older_capability_drivers=found.older_capability_drivers or {},
        features=tuple(name for name in pinned.features if _has(name, pinned, found)),
    )


def _has(feature: str, pinned: EngineLimits, found: Facts) -> bool:
    """A feature that is a setting is there where the version accepts that setting."""
    name = pinned.feature_settings.get(feature)
    return name is None or any(name in names for names in found.settings.values())


@functools.cache
def gguf_architecture(architecture: str) -> str | None:
    """What a GGUF file of a model with that architecture (of config.json) calls it."""
    names = json.loads((DATA / "gguf-architectures.json").read_text(encoding="utf-8"))["gguf"]
    found: str | None = names.get(architecture)
    return found
