"""What is known: GPUs, processors, models, weight formats, engine limits, constants, and their sources.

Data files lie in `data/`; generated ones are JSON, kept ones YAML. Nothing is read before it is asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from advisor.catalog.bundle import DATA as DATA
from advisor.catalog.bundle import data_file, own_folder
from advisor.catalog.kept import parsed
from advisor.errors import BadInput
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import CpuSpec, EngineLimits, GpuSpec, HubSize, Source, WeightsFormat

T = TypeVar("T")


def from_entry(cls: type[T], entry: Mapping[str, Any]) -> T:
    """Build a value from one entry of a packaged file (tests check the files); lists become tuples."""
    return cls(**{key: tuple(item) if isinstance(item, list) else item for key, item in entry.items()})


@functools.cache
def raw_entries(kind: str) -> tuple[Mapping[str, Any], ...]:
    """The raw entries of a generated file: `raw_entries("models")` reads data/models.json.

    Cards and processors have a file of hand-kept additions beside theirs, cards one of rarer ones too; this user's own
    cards come last.
    """
    files = {"gpus": ("gpus", "gpus_extra", "gpus_more"), "cpus": ("cpus", "cpus_extra")}.get(kind, (kind,))
    documents = (_document(data_file(f"{name}.json")) for name in files)
    entries = tuple(entry for document in documents for entry in document[kind])
    if kind == "gpus" and override_files():
        from advisor.catalog import overrides

        return overrides.gpus(entries)
    return entries


def _document(path: Path) -> dict[str, Any]:
    """A generated file; one of a bundle that was taken was checked then, and may have been damaged since."""
    try:
        found: dict[str, Any] = parsed(path.read_text(encoding="utf-8"), json.loads)
    except ValueError as error:
        raise BadInput(f"{path}: is damaged ({error}); `advisor catalog update --undo` goes back") from None
    return found


@functools.cache
def override_files() -> tuple[Path, ...]:
    """Files of this user with own entries: none cost nothing."""
    folder = own_folder()
    if not folder.is_dir():
        return ()
    from advisor.catalog.overrides import files

    return files()


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
    """A file of ours, parsed once in the life of its text."""
    loaded: dict[str, Any] = parsed(path.read_text(encoding="utf-8"), _loaded)
    return loaded


def _loaded(text: str) -> Any:
    """Read YAML with the C loader where it was built."""
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader


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
    """Raw entries of every model: the table, hand-kept additions, what the Hub states of others, this user's own."""
    entries = raw_entries("models") + raw_entries("models_extra") + raw_entries("models_hub")
    if override_files():
        from advisor.catalog import overrides

        return overrides.models(entries)
    return entries


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


@functools.lru_cache(maxsize=1 << 13)  # every name of the catalogue, for each that is not in it
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
    known = tuple(names)
    if close := look_alikes(text, known, count):
        return "the nearest known are " + ", ".join(close)
    return "nothing known looks like it; known are for example " + ", ".join(known[:count])


def look_alikes(text: str, names: Iterable[str], count: int = 5) -> list[str]:
    """The known names that look most like `text`, the nearest first; none where nothing does."""
    import difflib

    by_plain = {_plain(name): name for name in names}
    return [by_plain[key] for key in difflib.get_close_matches(_plain(text), by_plain, n=count, cutoff=0.4)]


def engine_names() -> tuple[str, ...]:
    """Every engine of data/engines.yaml, in its order: the registry of `advisor.engines`, without importing one."""
    return tuple(entry["name"] for entry in constants("engines")["engines"])


def engines_told(between: str) -> str:
    """All of them as their makers write them: `Ollama or vLLM`."""
    return f" {between} ".join(engine_limits(name).title for name in engine_names())


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
    """Key → source: data/sources.yaml, every file of data/sources.d, and this user's own entries."""
    from advisor.catalog.entries import Source

    merged: dict[str, Source] = {}
    for path in (data_file("sources.yaml"), *sorted((DATA / "sources.d").glob("*.yaml"))):
        for key, entry in (_yaml(path) or {}).items():
            merged[key] = from_entry(Source, entry | {"url": _address(entry["url"])})
    own = Source(title="Your own entries", url=own_folder().absolute().as_uri(), licence="yours")
    return {**merged, "own": own}


def _address(url: str) -> str:
    """An address as it is; `package://` is a file that the wheel brings along."""
    kind, _, path = url.partition("package://")
    return url if kind or not path else (DATA.parent.parent / path).as_uri()
