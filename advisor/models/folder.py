"""A local folder with config.json (and safetensors) → ModelSpec; of the weights only headers are read."""

from __future__ import annotations

import fnmatch
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.catalog import weights_format
from advisor.edge.reading import file_size, opened, parse_json, read_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.models.config_format import declared_format
from advisor.models.config_json import language_part, spec_from_config
from advisor.models.config_types import checked, first_number
from advisor.models.count import Counts, Tensor, counted
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

HEADER_LIMIT = 16 * 2**20  # bytes: more than twenty times that of the largest file known
MOST_DIMENSIONS, MOST_ELEMENTS = 16, 10**13  # of a tensor
PACKED_BITS = {"gptq-int8": 8, "int8-w8a16": 8, "int8-w8a8": 8}


def read_folder(folder: Path) -> tuple[ModelSpec, WeightsFormat | None]:
    """The model in a folder: by config.json, or by the .gguf file that lies there.

    Raises:
        BadInput: neither is there, or it cannot be used.
    """
    path = folder / "config.json"
    if path not in _files(folder, "config.json"):
        return _gguf_in(folder)
    config = _json(path)
    found = spec_from_config(
        config,
        hf_id=str(folder),
        where=str(path),
        origin="folder",
        counts=_counts(folder, config, path),
        path=str(folder),
        file_bytes=_file_bytes(folder),
    )
    return _named(found, folder), weights_format(found.native_format)


def _json(path: Path) -> dict[str, Any]:
    loaded = read_json(path)
    if not isinstance(loaded, dict):
        raise BadInput(f"{path}: holds no mapping; a Hugging Face config.json is expected")
    return checked(loaded, str(path))


def _files(folder: Path, pattern: str) -> list[Path]:
    """What lies in a folder under such a name, sorted.

    Raises:
        BadInput: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if fnmatch.fnmatchcase(entry.name, pattern))
    except OSError as error:
        raise BadInput(f"{folder}: cannot be read ({error.strerror})") from None


def _gguf_in(folder: Path) -> tuple[ModelSpec, WeightsFormat | None]:
    """The one model that GGUF files in a folder hold (projectors do not count, parts count once)."""
    from advisor.models.gguf_model import read_gguf

    files = [file for file in _files(folder, "*.gguf") if "mmproj" not in file.name.lower()]
    first = [file for file in files if "-of-" not in file.name or "-00001-of-" in file.name]
    if len(first) == 1:
        return read_gguf(first[0])
    if first:
        raise BadInput(f"{folder}: holds {len(first)} GGUF models; name one of {', '.join(f.name for f in first[:8])}")
    raise BadInput(f"{folder}: holds neither config.json nor a .gguf file")


def _weight_files(folder: Path) -> list[Path]:
    """Safetensors of the model itself; a folder may also hold the vendor's own copy in one file."""
    every = _files(folder, "*.safetensors")
    sharded = [file for file in every if "-of-" in file.name]
    return sharded or [file for file in every if not file.name.startswith("consolidated")] or every


def _file_bytes(folder: Path) -> int | None:
    """Size of the weights on disk, None where the folder holds the config alone."""
    files = _weight_files(folder) or _files(folder, "pytorch_model*.bin")
    return sum(file_size(file) for file in files) or None


def _counts(folder: Path, config: dict[str, Any], where: Path) -> Counts | None:
    """Parameters as stored, None where there are no safetensors."""
    files = _weight_files(folder)
    if not files:
        return None
    text = language_part(config)
    layers = first_number(text, "num_hidden_layers", "n_layer") or 10**6
    bits = PACKED_BITS.get(declared_format(config, str(where)), 4)
    tied = bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False)))
    return counted((tensor for file in files for tensor in tensors(file)), layers, tied, bits)


def tensors(path: Path) -> Iterator[Tensor]:
    """The tensors that a safetensors file lists in its header.

    Raises:
        BadInput: no safetensors file, or a header that is cut off.
    """
    with opened(path) as stream:
        length = int.from_bytes(stream.read(8), "little")
        raw = stream.read(length) if length <= HEADER_LIMIT else b""
    if len(raw) < length or length < 2:
        raise BadInput(f"{path}: is no complete safetensors file (header of {length:,} bytes)")
    header = parse_json(raw, f"{path}: header")
    if not isinstance(header, dict):
        raise BadInput(f"{path}: the header is no mapping of tensors")
    for name, entry in header.items():
        if name != "__metadata__":
            yield Tensor(name, _stored(entry, f"{path}: {shown(name)}"), str(entry["dtype"]))


def _stored(entry: object, where: str) -> int:
    """How many numbers a tensor holds, of an entry that gives its shape and type."""
    shape = entry.get("shape") if isinstance(entry, dict) else None
    known = isinstance(shape, list) and len(shape) <= MOST_DIMENSIONS and all(type(side) is int for side in shape)
    if not isinstance(entry, dict) or not known or not isinstance(entry.get("dtype"), str):
        raise BadInput(f"{where}: has no shape (a short list of whole numbers) or no dtype")
    stored = math.prod(entry["shape"])
    if min(entry["shape"], default=0) < 0 or stored > MOST_ELEMENTS:
        raise BadInput(f"{where}: shape {shown(str(entry['shape']))} is none that a file could hold")
    return stored


def _named(found: ModelSpec, folder: Path) -> ModelSpec:
    """What the config does not tell (parsers, tags, licence), from the entry the folder is called after."""
    from advisor.models.names import by_words

    try:
        known = by_words(folder.resolve().name)
    except BadInput:
        known = None
    if known is None or (known[0].layers, known[0].hidden) != (found.layers, found.hidden):
        return found
    entry = known[0]
    return replace(
        found, family=entry.family, licence=entry.licence, tags=entry.tags, release=entry.release,
        tool_parser=entry.tool_parser, reasoning_parser=entry.reasoning_parser, gated=False,
    )  # fmt: skip
