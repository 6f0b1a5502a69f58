"""What can be measured on this machine: an engine that runs or is installed, and a model that is there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from advisor.catalog import engine_limits, engine_names, model_entries
from advisor.catalog.entries import EngineLimits
from advisor.edge.reading import at_home
from advisor.errors import BadInput, EnvironmentFailed
from advisor.models.library import USUAL, library_reference
from advisor.models.names import catalogue_model, find_model
from advisor.models.purpose import purpose
from advisor.schema import Hardware, ModelSpec, value

LEAST_PARAMETERS = 3e8  # below it a step is mostly overhead, which says little about larger models
APART = 2.5  # times as many parameters make another size


@value
class Chosen:
    """One engine and one model."""

    engine: str
    model: str  # as one types it
    here: bool = True  # nothing has to be fetched


def choose(hardware: Hardware, engine: str | None, models: tuple[str, ...] = ()) -> tuple[Chosen, ...]:
    """The engine that runs here, else one that is installed; with the models that were named, or up to two it has.

    One model cannot tell what a step costs in itself from what its bytes cost: two sizes can. Where the engine has no
    model, the smallest of the catalogue.

    Raises:
        EnvironmentFailed: no engine is here, or not the one that was named.
    """
    name = _engine(hardware, engine)
    there = models_here(name, hardware)
    if models:
        return tuple(Chosen(engine=name, model=model, here=Path(model).exists() or model in there) for model in models)
    found = _two_sizes(there)
    if found:
        return tuple(Chosen(engine=name, model=model) for model in found)
    return (Chosen(engine=name, model=_fallback(name), here=False),)


def _engine(hardware: Hardware, wanted: str | None) -> str:
    """Running before installed, and in the catalogue's order."""
    running = [server.engine for server in hardware.running]
    here = list(dict.fromkeys([*running, *(each.engine for each in hardware.engines)]))
    for name in here:
        if wanted in (None, name):
            return name
    names = [wanted] if wanted else list(engine_names())
    programs = ", ".join(f"{engine_limits(name).title} (`{engine_limits(name).program}`)" for name in names)
    seen = f"; {', '.join(here)} is here" if here else ""
    raise EnvironmentFailed(
        f"nothing to measure with: no {' or '.join(names)} runs or is installed here{seen}. Install {programs}: "
        "`advisor recommend --run native` writes the steps for this machine into its README. Bandwidth and matrix rate "
        "of the processor were measured and kept all the same"
    )


def models_here(engine: str, hardware: Hardware) -> tuple[str, ...]:
    """Names of the models that the engine has already, as one types them: what its server says, and its store."""
    served = [model.name for server in hardware.running if server.engine == engine for model in server.models]
    return tuple(dict.fromkeys([*served, *_stored(engine_limits(engine))]))


def _stored(limits: EngineLimits) -> Iterator[str]:
    """The models of the engine's own store: the place of each says its name."""
    told = [os.environ[name] for name in limits.store_variables if os.environ.get(name)]
    for store in map(at_home, told or limits.store_folders):
        for pattern, name in limits.store_models.items():
            for path in sorted(store.glob(pattern)):
                yield name.format(*reversed(re.split("/|--", path.relative_to(store).as_posix())))


def _two_sizes(names: tuple[str, ...]) -> list[str]:
    """Of the models that are known and write text: the smallest of a useful size, and the next one well above it."""
    known = sorted((spec.parameters, name) for name in names if (spec := _known(name)) is not None)
    useful = [each for each in known if each[0] >= LEAST_PARAMETERS] or known[-1:]
    larger = [each for each in useful if each[0] >= APART * useful[0][0]]
    return [name for _, name in (*useful[:1], *larger[:1])]


def _known(name: str) -> ModelSpec | None:
    try:
        spec = find_model(name, offline=True)
    except BadInput:
        return None
    return spec if purpose(spec) == "text" else None


def _fallback(engine: str) -> str:
    """The smallest model of the catalogue that the engine can fetch by name."""
    entries = sorted(model_entries(), key=lambda entry: float(entry["parameters"]))
    for entry in entries:
        if entry["parameters"] < LEAST_PARAMETERS or "chat" not in entry.get("tags", ()) or entry.get("gated"):
            continue
        spec = catalogue_model(entry["hf_id"])
        tag = library_reference(spec, spec.ollama_quantization or USUAL)
        if tag is not None and tag[1]:
            return tag[0] if "library_tags" in engine_limits(engine).features else spec.hf_id
    raise EnvironmentFailed(f"no small model of the catalogue can be fetched for {engine}: name one with --model")
