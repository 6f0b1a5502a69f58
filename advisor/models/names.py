"""The name of a model → its entry and the weights format the name implies."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.catalog import gguf_format, look_alikes, model_at, model_entries, nearest, raw_entries, weights_format
from advisor.edge.reading import at_home, is_file, is_folder, named
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.models.elsewhere import refuse_by_name, refuse_closed
from advisor.models.library import HUB, USUAL, as_tagged, find_tag, library_reference, lines_of, tags_like
from advisor.models.match import find_place
from advisor.models.text import Written, fewer_bits, take_apart, unloaded_form
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

MOST_OF_A_NAME = 200  # characters
QAT = "q4_0"  # what quantisation-aware training is for, in the library
ADAPTER = "adapter_config.json"
GGUF = "gguf"  # the format of repositories that hold several quantisations
__all__ = ["catalogue_model", "find_model", "find_model_and_format", "library_reference"]

_ALIKE = 0.62  # of two names: a model that looks less alike is not what was meant
_MADE_FROM = (
    "one that somebody tuned is planned as the model that it was made from: --model of that, or its folder, "
    "whose config.json counts"
)


def find_model(text: str, *, offline: bool = False) -> ModelSpec:
    """The model of that name; see `find_model_and_format`."""
    return find_model_and_format(text, offline=offline)[0]


def catalogue_model(hf_id: str) -> ModelSpec:
    """The catalogue's model of that Hub id, whatever folders lie about."""
    return model_at(_hub_ids()[hf_id.lower()])


def find_model_and_format(text: str, *, offline: bool = False) -> tuple[ModelSpec, WeightsFormat | None]:
    """A Hub id, an Ollama tag, a bare name, a quantised repository of anybody, a folder or a .gguf file.

    A local path is read first. Then the catalogue; then, unless `offline`, the Hub. A repository that the
    catalogue does not hold keeps its id (it is what the engine must load) with the architecture of the model
    in its name, and says so by its confidence.

    Raises:
        BadInput: nothing of that name; names the nearest, and whether the Hub could be asked.
    """
    local = _local(text, offline=offline)
    if local is not None:
        return local
    name = text.strip()
    if len(name) > MOST_OF_A_NAME:
        raise BadInput(f"model {shown(text)}: is longer than any name of a model")
    if name.lower() not in _hub_ids():
        refuse_closed(name)
        refuse_by_name(name)
    generations = lines_of(name)
    if len(generations) > 1:
        raise BadInput(
            f"model {shown(text)} is a line of models: which one, newest first: {', '.join(generations[:8])}?",
            near=generations[0],
            seen=text,
            flag="--model",
        )
    found = _in_catalogue(name)
    if found is None and not offline and name.count("/") == 1:
        from advisor.models.hub import fetch_model

        return fetch_model(name, _suggestion(name))
    if found is None:
        raise _unknown(text, name)
    return found if offline else _sized(name, found)


def _sized(name: str, found: tuple[ModelSpec, WeightsFormat | None]) -> tuple[ModelSpec, WeightsFormat | None]:
    """The same with the bytes of the very repository, where somebody's quantised one was named."""
    if name.count("/") != 1 or name.lower() in _hub_ids() or ":" in name:
        return found
    from advisor.models.hub_bytes import with_hub_bytes

    return with_hub_bytes(*found), found[1]


def _odd_form(name: str) -> str:
    """Why a repository whose base is known is not taken for it."""
    written = take_apart(name)
    odd = _unknown_form(written, _format(written))
    match = find_place(written.name, owned=True) if odd else None
    if odd is None or match is None:
        return ""
    base = model_entries()[match.place]["hf_id"]
    return f"{shown(odd)} in its name is no form of weights that is known here; name {base} for weights that are; "


def is_adapter(path: Path) -> bool:
    """Whether a folder holds an adapter and no model."""
    return is_file(path / ADAPTER) and not is_file(path / "config.json")


def _local(text: str, *, offline: bool) -> tuple[ModelSpec, WeightsFormat | None] | None:
    """A folder with config.json, an adapter or GGUF files, or a .gguf file; None when there is no such path."""
    path = at_home(text)
    if path.suffix == ".gguf" and is_file(path):
        from advisor.models.gguf_model import read_gguf

        return read_gguf(path)
    if is_folder(path):
        if is_adapter(path):
            from advisor.models.adapter import read_adapter

            return read_adapter(path, offline=offline)
        from advisor.models.folder import read_folder

        return read_folder(path)
    if text.startswith(("/", "./", "../", "~")):
        raise BadInput(f"{named(path)}: there is no such file or folder")
    return None


def _in_catalogue(text: str) -> tuple[ModelSpec, WeightsFormat | None] | None:
    """Every way in which the catalogue knows a name, the most exact first."""
    place = _hub_ids().get(text.lower())
    if place is not None:
        return model_at(place), None
    listed = _repositories().get(text.lower())
    if listed is not None:
        return _copy(*listed)
    if "/" not in text.removeprefix("library/"):
        tagged = find_tag(text)
        if tagged is not None:
            return _behind_tag(text, model_at(tagged[0]), tagged[1])
    return by_words(text)


def _behind_tag(text: str, spec: ModelSpec, name: str | None) -> tuple[ModelSpec, WeightsFormat | None]:
    """The model of a library tag; a full tag that no rule derives (`gemma3:27b-it-qat`) is pulled as it is written."""
    tag, fmt = as_tagged(text).removeprefix("library/").removesuffix(":local"), weights_format(name) if name else None
    known = library_reference(spec, name) if name else None
    if known or ":" not in tag or tag.endswith(":latest") or tag == spec.ollama_tag:
        return spec, fmt
    held = name or (QAT if "qat" in tag.split("-") else None)
    return replace(spec, ollama_tag=tag, ollama_quantization=held), weights_format(held) if held else None


@functools.cache
def _hub_ids() -> Mapping[str, int]:
    """Hub id in lower case → place of the entry."""
    return {entry["hf_id"].lower(): place for place, entry in enumerate(model_entries())}


@functools.cache
def _repositories() -> Mapping[str, tuple[str, str, str]]:
    """Quantised and GGUF repositories in lower case → as written, id of the base, and format."""
    found = {entry["repo"].lower(): (entry["repo"], entry["base"], entry["format"]) for entry in raw_entries("copies")}
    for entry in model_entries():
        for name, repository in entry.get("repos", {}).items():
            found.setdefault(repository.lower(), (repository, entry["hf_id"], name))
    return found


def _copy(repository: str, base: str, name: str) -> tuple[ModelSpec, WeightsFormat]:
    """The base model, loaded from that repository and from no other."""
    spec = catalogue_model(base)
    if name == GGUF:
        return replace(spec, ollama_tag=HUB + repository, ollama_quantization=None), gguf_format(USUAL)
    return _only(spec, name, repository), weights_format(name)


def _only(spec: ModelSpec, name: str, repository: str) -> ModelSpec:
    """The model in the one form that was named: a library's file of it is not these weights."""
    return replace(spec, repos={name: repository}, ollama_tag=None, ollama_quantization=None)


def in_any_form(model: ModelSpec) -> ModelSpec | None:
    """The model of which one repository was named, with every form of it; None where it has no other, or
    one revision of that repository was asked for.
    """
    place = _hub_ids().get(model.hf_id.lower())
    entry = None if place is None or model.origin != "catalogue" or model.revisions else model_at(place)
    whole = entry and replace(entry, adapters=model.adapters)
    return whole if whole != model else None


def by_words(text: str) -> tuple[ModelSpec, WeightsFormat | None] | None:
    """Take the name apart and match its words; a repository keeps its own id."""
    written = take_apart(text)
    match = find_place(written.name, owned=bool(written.owner))
    if match is None:
        return None
    form = unloaded_form(text)
    if form is not None:
        base = model_entries()[match.place]["hf_id"]
        raise BadInput(
            f"model {text!r} holds weights in the form of {form}, which none of the engines here loads; "
            f"name {base} for weights that they do"
        )
    fmt = _format(written)
    if _unknown_form(written, fmt) is not None:
        return None
    return _as_written(model_at(match.place), written, fmt, match.exact), fmt


def _unknown_form(written: Written, fmt: WeightsFormat | None) -> str | None:
    """The word in a repository's name that tells of fewer bits in a form that is not known here."""
    if fmt is not None or not written.repository:
        return None
    return written.quantisation or fewer_bits(written.name)


def _format(written: Written) -> WeightsFormat | None:
    """The format that the quantisation in the name stands for, among GGUFs where it is one."""
    if written.quantisation is None:
        return gguf_format(USUAL) if written.gguf and written.repository else None
    try:
        return (gguf_format if written.gguf else weights_format)(written.quantisation)
    except BadInput:
        return None


def _as_written(spec: ModelSpec, written: Written, fmt: WeightsFormat | None, exact: bool) -> ModelSpec:
    """Keep what must be loaded: the repository named, and of the entry what holds the same weights."""
    if not exact:
        quantised = fmt.name if fmt is not None and not written.gguf else spec.native_format
        spec = replace(
            spec, hf_id=written.repository or written.name, ollama_tag=None, ollama_quantization=None,
            repos={}, gated=None, native_format=quantised,
            confidence="low" if spec.confidence == "low" else "medium",
        )  # fmt: skip
    if not written.repository:
        return spec
    if ":" in written.name:  # a tag in somebody's own Ollama namespace
        return replace(
            spec, ollama_tag=f"{written.owner}/{written.name}", ollama_quantization=fmt.name if fmt else None
        )
    if written.gguf:
        return replace(spec, ollama_tag=HUB + written.repository, ollama_quantization=None)
    if fmt is not None:
        return _only(spec, fmt.name, written.repository)
    return replace(spec, hf_id=written.repository)


def is_guess(model: ModelSpec) -> bool:
    """Whether the name only resembles one of the catalogue: its architecture is taken for that model's."""
    return model.origin == "catalogue" and model.confidence != "high" and model.hf_id.lower() not in _hub_ids()


def replaced(named: str | None, loaded: str) -> str | None:
    """The repository that was named, where a copy by somebody else or in another form is loaded; None: it is itself.

    The name of a model of the catalogue means the model in any form, that of a quantised repository these weights.
    """
    repository = take_apart(named).repository if named else ""
    if not repository or repository.lower() in _hub_ids() or repository.lower() in loaded.lower():
        return None
    return repository


def _suggestion(text: str) -> str:
    """What to try instead: tags of the family, else the nearest Hub ids."""
    return nearest(text, _candidates(text))


def _candidates(text: str) -> list[str]:
    return tags_like(text) or [entry["hf_id"] for entry in model_entries()]


def _lines() -> list[str]:
    """Of the library: `llama3`, by which people call what has longer names."""
    tags = (entry.get("ollama_tag") or "" for entry in model_entries())
    return [line for line in dict.fromkeys(tag.partition(":")[0] for tag in tags) if line]


def _alike(name: str, known: list[str]) -> list[str]:
    """Those that may have been meant, the likeliest first."""
    return [other for other in look_alikes(name, known) if _likeness(name, other) >= _ALIKE]


def _likeness(name: str, other: str) -> float:
    """Of two names without their owners: an owner that looks alike makes no model alike."""
    import difflib  # only a name that is not known needs it

    own, known = (re.sub(r"[^a-z0-9]", "", each.rpartition("/")[2].lower()) for each in (name, other))
    return difflib.SequenceMatcher(None, own, known).ratio()


def _unknown(text: str, name: str) -> BadInput:
    """Which is nearest, one fact a line; where none is, the lists of what is known."""
    near = _alike(name, _candidates(name)) or _alike(name, _lines())
    said = f"model {shown(text)} is not in the catalogue; {_odd_form(name)}"
    said += f"did you mean {near[0]}?" if near else "nothing known looks like it"
    also = f"\nalso near: {', '.join(near[1:])}" if near[1:] else f"\n{_MADE_FROM}" if not near else ""
    return BadInput(
        f"{said}{also}\nall models: advisor catalog models", near=near[0] if near else None, seen=text, flag="--model"
    )
