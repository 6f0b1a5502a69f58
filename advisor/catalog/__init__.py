"""What is known: GPUs, processors, models, weight formats, engine limits, constants, and their sources.

Data files lie in `data/`; generated ones are JSON, kept ones YAML. Nothing is read before it is asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from advisor.errors import BadInput
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import CpuSpec, EngineLimits, GpuSpec, HubSize, Source, WeightsFormat

DATA = Path(__file__).parent / "data"

T = TypeVar("T")


def from_entry(cls: type[T], entry: Mapping[str, Any]) -> T:
    """Build a value from one entry of a packaged file (tests check the files); lists become tuples."""
    return cls(**{key: tuple(item) if isinstance(item, list) else item for key, item in entry.items()})


@functools.cache
def raw_entries(kind: str) -> tuple[Mapping[str, Any], ...]:
    """The raw entries of a generated file: `raw_entries("models")` reads data/models.json.

    Cards and processors have a file of hand-kept additions beside theirs, cards one of rarer ones too.
    """
    files = {"gpus": ("gpus", "gpus_extra", "gpus_more"), "cpus": ("cpus", "cpus_extra")}.get(kind, (kind,))
    documents = (json.loads((DATA / f"{name}.json").read_text(encoding="utf-8")) for name in files)
    return tuple(entry for document in documents for entry in document[kind])


@functools.cache
def constants(area: str) -> Mapping[str, Any]:
    """The raw mapping of data/<area>.yaml.

    Raises:
        BadInput: there is no such file.
    """
    path = DATA / f"{area}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in DATA.glob("*.yaml")))
        raise BadInput(f"catalogue: there is no area {area!r}; there are {known}")
    return _yaml(path)


def _yaml(path: Path) -> dict[str, Any]:
    """Read YAML with the C loader where it was built."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    return loaded


@functools.cache
def gpus() -> tuple[GpuSpec, ...]:
    """Every accelerator of the catalogue, by id."""
    from advisor.catalog.entries import GpuSpec

    return tuple(from_entry(GpuSpec, entry) for entry in raw_entries("gpus"))


@functools.cache
def cpus() -> tuple[CpuSpec, ...]:
    """Every processor family of the catalogue."""
    from advisor.catalog.entries import CpuSpec

    return tuple(from_entry(CpuSpec, entry) for entry in raw_entries("cpus"))


@functools.cache
def model_entries() -> tuple[Mapping[str, Any], ...]:
    """Raw entries of every model: the architecture table, hand-kept additions, what the Hub states of others."""
    return raw_entries("models") + raw_entries("models_extra") + raw_entries("models_hub")


@functools.cache
def model_at(index: int) -> ModelSpec:
    """The model at that place of `model_entries()`, built once."""
    return from_entry(ModelSpec, model_entries()[index])


@functools.cache
def models() -> tuple[ModelSpec, ...]:
    """Every model of the catalogue."""
    return tuple(model_at(index) for index in range(len(model_entries())))


@functools.cache
def _hub_entries() -> Mapping[str, Mapping[str, Any]]:
    return {entry["repo"].lower(): entry for entry in raw_entries("hub_sizes")}


@functools.cache
def hub_size(repository: str) -> HubSize | None:
    """What that repository stores, in any case; None where nobody read it."""
    from advisor.catalog.entries import HubSize

    entry = _hub_entries().get(repository.lower())
    return None if entry is None else from_entry(HubSize, entry)


@functools.cache
def formats() -> Mapping[str, WeightsFormat]:
    """Name → weights format, in the order of data/formats.yaml."""
    from advisor.catalog.entries import WeightsFormat

    return {entry["name"]: from_entry(WeightsFormat, entry) for entry in constants("formats")["formats"]}


@functools.cache
def _format_names() -> Mapping[str, str]:
    """Plain spelling of every name and alias → name."""
    return {_plain(word): name for name, entry in formats().items() for word in (name, *entry.aliases)}


def _plain(text: str) -> str:
    """Lower case without blanks, dashes, dots and the like: `"Q4_K_M"` and `"q4-k-m"` are the same."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


@functools.cache
def gguf_format(name: str) -> WeightsFormat:
    """The GGUF that a name stands for: `bf16` is a BF16 GGUF there.

    Raises:
        BadInput: no such format.
    """
    reader = next(entry["name"] for entry in constants("engines")["engines"] if "gguf" in entry["weight_kinds"])
    return weights_format(name, reader)


@functools.cache
def weights_format(name: str, engine: str | None = None) -> WeightsFormat:
    """The format of that name or alias, in any case and punctuation.

    With `engine`, a name that this engine does not load stands for its twin there.

    Raises:
        BadInput: no such format; names the nearest ones.
    """
    found = _format_names().get(_plain(name))
    if found is None:
        raise BadInput(f"quantization {name!r} is not known; {nearest(name, formats())}")
    if engine is not None and engine not in formats()[found].engines:
        found = constants("formats")["twins"].get(engine, {}).get(found, found)
    return formats()[found]


def nearest(text: str, names: Iterable[str], count: int = 5) -> str:
    """A phrase with the known names that look most like `text`."""
    import difflib

    by_plain = {_plain(name): name for name in names}
    close = difflib.get_close_matches(_plain(text), by_plain, n=count, cutoff=0.4)
    if close:
        return "the nearest known are " + ", ".join(by_plain[key] for key in close)
    return "nothing known looks like it; known are for example " + ", ".join(list(by_plain.values())[:count])


def engine_names() -> tuple[str, ...]:
    """Every engine of data/engines.yaml, in its order: the registry of `advisor.engines`, without importing one."""
    return tuple(entry["name"] for entry in constants("engines")["engines"])


@functools.cache
def engine_limits(name: str) -> EngineLimits:
    """What the pinned version of an engine accepts.

    Raises:
        BadInput: no such engine.
    """
    from advisor.catalog.entries import EngineLimits
    from advisor.catalog.vendors import served_by

    known = {entry["name"]: entry for entry in constants("engines")["engines"]}
    if name not in known:
        raise BadInput(f"engine {name!r} is not known; there are {', '.join(known)}")
    return from_entry(EngineLimits, {**known[name], "accelerators": served_by(name)})


@functools.cache
def sources() -> Mapping[str, Source]:
    """Key → source: data/sources.yaml and every file of data/sources.d."""
    from advisor.catalog.entries import Source

    merged: dict[str, Source] = {}
    for path in (DATA / "sources.yaml", *sorted((DATA / "sources.d").glob("*.yaml"))):
        for key, entry in (_yaml(path) or {}).items():
            merged[key] = from_entry(Source, entry)
    return merged
